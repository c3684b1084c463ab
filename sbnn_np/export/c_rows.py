"""The C of convolutions of bits that counts for many places at once.

A row of an image is a word, one bit a place. A filter's one at column k looks k places to the
right: its inputs, for all places of the row, are the word shifted by k. All shifted words are made
once for all filters; they are the inputs x. Bits are added as on paper: one word holds the ones of
all sums, the next the twos, then the fours, and so on. These words are the planes s0, s1, s2, ...
Three words of equal worth become two: their sum, and their carry, which is worth twice as much.

A word has slots for rows one below the other: 4 of 8 bits, 2 of 16, or 1 of 32.

The comparison sum >= threshold goes through the planes from s0 up. Where the threshold has a 1, the
sum needs one as well, or it falls behind: reached = plane & reached. Where it has a 0, a one of the
sum puts it ahead: reached = plane | reached.
"""

from sbnn_np.export import c_shared
from sbnn_np.export.c_common import comment, integer, read_number, times
from sbnn_np.export.c_planes import add_four
from sbnn_np.export.layouts import row_bytes


def rows(step, name):
    """Write a convolution on rows of bits.

    Parameters
    ----------
    step : plan.Step
    name : str
        Prefix of all names.

    Returns
    -------
    text : str
    """
    block, F, geometry = step.block, step.w.shape[1], step.rows
    OH, OW, _ = block.out_shape
    kind, jump = integer(geometry.y_end), max(geometry.slots, block.pool)
    calls = []
    for band in range(geometry.bands):
        y, x = ("(KIND)(y + 1)", f"x + {geometry.band_words}") if band else ("y", "x")
        calls.append(f"        {name}_inputs_{step.i}(in, {y.replace('KIND', kind)}, {x});")
        if block.centre:
            calls.append(f"        {name}_shared_{step.i}({x});")
    calls = "\n".join(calls)
    centred = c_shared.shared(step, name) if block.centre else ""
    return f"""{inputs(step, name)}{centred}{filters(step, name)}
/* Layer {step.i}: {F} filters, {OH} x {OW} bits each. */
static void {name}_layer_{step.i}(const uint8_t *in, uint8_t *out, uint32_t *x)
{{
    {kind} y;
    for (y = 0; y < {OH * block.pool}; y = ({kind})(y + {jump})) {{
{calls}
        {name}_filters_{step.i}(x, out{", y" if geometry.partial else ""});
        out += {jump // block.pool * row_bytes(OW)};
    }}
}}
"""


def inputs(step, name):
    """Write the function that makes all shifted words of some rows of places.

    Parameters
    ----------
    step, name : see `rows`

    Returns
    -------
    text : str
    """
    (KH, KW), (H, W, C), pad = step.block.kernel, step.block.shape, step.block.padding
    n, slots, kind = row_bytes(W), step.rows.slots, integer(step.rows.y_end)
    value = "\n        | ".join(
        f"((uint32_t)at[{i}] << {8 * i})" if i else "(uint32_t)at[0]" for i in range(n)
    )
    outside = "" if not pad and step.rows.rows_end <= H else f"""
    if (y < 0 || y >= {H})
        return 0;"""
    words = "\n".join(
        f"            {'word |=' if r else 'uint32_t word ='} {name}_row_{step.i}("
        f"in, row{f' + {r}' if r else ''}){f' << {32 // slots * r}' if r else ''};"
        for r in range(slots)
    )
    shifted = [
        f" << {pad - k}" if k < pad else f" >> {k - pad}" if k > pad else "" for k in range(KW)
    ]
    shifts = "\n".join(f"            *x++ = word{shift};" for shift in shifted)
    fill = f"""
        if (--left == 0) {{
            *x++ = 0;
            left = {step.rows.part_channels};
        }}""" if step.rows.parts > 1 else ""
    left = f"\n    uint_fast8_t left = {step.rows.part_channels};" if step.rows.parts > 1 else ""
    zeros = "\n".join(["    *x++ = 0;"] * (step.rows.words - step.rows.words_before_zeros))
    told = comment(
        f"The inputs of {slots} row{'s' * (slots > 1)} of places, from row y on: for each channel, "
        "for each row of a window, for each of its columns. Filters fill up fours with the zeros "
        "behind them."
    )
    return f"""
/* Row y of a channel, its first place in the lowest bit.{
    " Rows outside of the image are 0." if outside else ""} */
static uint32_t {name}_row_{step.i}(const uint8_t *in, int_fast16_t y)
{{
    const uint8_t *at;{outside}
    at = in + ({times("y", n)});
    return {value};
}}

{told}
static void {name}_inputs_{step.i}(const uint8_t *in, {kind} y, uint32_t *x)
{{
    {integer(C)} c;{left}
    for (c = 0; c < {C}; c++, in += {H * n}) {{
        int_fast16_t row = (int_fast16_t)y{f" - {pad}" if pad else ""};
        uint_fast8_t k;
        for (k = 0; k < {KH}; k++, row++) {{
{words}
{shifts}
        }}{fill}
    }}
{zeros}
}}
"""


def filters(step, name):
    """Write the function that computes all filters for some rows of places.

    Parameters
    ----------
    step, name : see `rows`

    Returns
    -------
    text : str
    """
    block, upper, F, geometry = step.block, name.upper(), step.w.shape[1], step.rows
    OH, OW, _ = block.out_shape
    smallest = f" + {step.smallest}" if step.smallest else ""
    stored = store(step)
    y = f", {integer(geometry.y_end)} y" if geometry.partial else ""
    variables = "" if geometry.parts == 1 else "\n    const uint32_t *part;"
    body = band(step, upper)
    if geometry.bands == 2:
        variables += "\n    const uint32_t *row;"
        lines = "\n".join("    " + line for line in body.split("\n"))
        body = f"""        const uint8_t *ones = p;
        uint32_t any = 0;
        for (row = x; row != x + {2 * geometry.band_words}; row += {geometry.band_words}) {{
            p = ones;
{lines}
            any |= reached;
        }}"""
    return f"""
/* All filters for the rows of places from row y on. */
static void {name}_filters_{step.i}(const uint32_t *x, uint8_t *out{y})
{{
    const uint8_t *p = {name}_table_{step.i};{variables}
    {integer(F)} f;
    for (f = 0; f < {F}; f++, out += {OH * row_bytes(OW)}) {{
{read_number("limit", step.limit_size, "p", upper)}        const uint32_t turn = (limit & 1) ? \
0xffffffff : 0;
        const uint_fast32_t at_least = (uint_fast32_t)(limit >> 1){smallest};
{body}
{stored}
    }}
}}
"""


def band(step, upper):
    """Write the counting and the comparison of a filter for the rows of one word.

    Parameters
    ----------
    step : plan.Step
    upper : str
        Prefix of macros.

    Returns
    -------
    text : str
    """
    geometry, P = step.rows, step.rows.planes
    row = "x" if geometry.bands == 1 else "row"
    shared = [f"{row}[{geometry.words + i}]" for i in range(geometry.shared_planes)]
    low, begin = shared[: geometry.low_planes], shared[geometry.low_planes :] + ["0"] * P
    lines = [f"uint32_t s{i} = {begin[i]};" for i in range(P)] + ["uint32_t reached = 0xffffffff;"]
    tests = [
        f"reached = (at_least & {1 << i}) ? reached & {plane} : reached | {plane};"
        for i, plane in enumerate([*low, *(f"s{i}" for i in range(P))])
    ]
    indented = ["\n".join("        " + line for line in each) for each in (lines, tests)]
    return f"{indented[0]}\n{count(step, upper, row)}\n{indented[1]}"


def count(step, upper, row):
    """Write the loop that adds all inputs of a filter, four at a time.

    Parameters
    ----------
    step, upper : see `band`
    row : str
        Name of the inputs.

    Returns
    -------
    text : str
    """
    array = row if step.rows.parts == 1 else "part"
    words = [f"{array}[{upper}_BYTE(p{f' + {i}' if i else ''})]" for i in range(4)]
    loop = f"""        const uint8_t *end = p + 1 + ({upper}_BYTE(p) << 2);
        for (p++; p != end; p += 4) {{
{add_four(step.rows.planes, words, 12)}
        }}"""
    if step.rows.parts == 1:
        return loop
    length = step.rows.part_words
    end = step.rows.parts * length
    return f"""        for (part = {row}; part != {row} + {end}; part += {length}) {{
{loop.replace(chr(10), chr(10) + "    ").replace("        const", "            const", 1)}
        }}"""


def store(step):
    """Write how the bits of all places become rows of a map: pooled, turned round and stored.

    Parameters
    ----------
    step : plan.Step

    Returns
    -------
    text : str
    """
    block, slots = step.block, step.rows.slots
    OH, OW, _ = block.out_shape
    slot, n, lines, value = 32 // slots, row_bytes(OW), [], "reached"
    if block.pool == 2:
        if slots > 1:
            lines += ["uint32_t any;", f"any = reached | reached >> {slot};       /* pool rows, */"]
        value = "any"
        lines.append("any |= any >> 1;                     /* then columns, */")
        for shift in (1, 2, 4, 8):
            if shift < OW:                    # every second bit stays; they move together
                kept = sum(1 << i for i in range(32) if i // shift % 2 == 0)
                lines.append(f"any &= {kept:#010x};")
                lines.append(f"any |= any >> {shift};")
    lines.append(f"{value} ^= turn;")
    per_word = max(slots // block.pool, 1)
    for r in range(per_word):
        some = r > 0 and step.rows.partial
        if some:
            lines.append(f"if (y + {r * block.pool} < {OH * block.pool}) {{")
        for i in range(n):
            shift = r * slot * block.pool + 8 * i
            mask = (1 << min(8, OW - 8 * i)) - 1
            bits = f"({value} >> {shift})" if shift else value
            bits = f"({bits} & {mask})" if mask < 255 else bits
            lines.append(f"{'    ' * some}out[{r * n + i}] = (uint8_t){bits};")
        if some:
            lines.append("}")
    return "\n".join("        " + line for line in lines)
