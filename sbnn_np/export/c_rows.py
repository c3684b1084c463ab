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
from sbnn_np.export.c_common import integer, read_number, times
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
    block, F, slots = step.block, step.w.shape[1], step.rows.slots
    OH, OW, _ = block.out_shape
    kind = integer(step.rows.y_end)
    centred = c_shared.shared(step, name) if block.centre else ""
    call = f"\n        {name}_shared_{step.i}(x);" if block.centre else ""
    down = max(slots // block.pool, 1) * row_bytes(OW)
    down = f"out += {down};" if slots >= block.pool else f"out += (y & 1) ? {down} : 0;"
    return f"""{inputs(step, name)}{centred}{filters(step, name)}
/* Layer {step.i}: {F} filters, {OH} x {OW} bits each. */
static void {name}_layer_{step.i}(const uint8_t *in, uint8_t *out, uint32_t *x)
{{
    {kind} y;
    for (y = 0; y < {OH * block.pool}; y = ({kind})(y + {slots})) {{
        {name}_inputs_{step.i}(in, y, x);{call}
        {name}_filters_{step.i}(x, y, out);
        {down}
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
    return f"""
/* Row y of a channel, its first place in the lowest bit.{
    " Rows outside of the image are 0." if outside else ""} */
static uint32_t {name}_row_{step.i}(const uint8_t *in, int_fast16_t y)
{{
    const uint8_t *at;{outside}
    at = in + ({times("y", n)});
    return {value};
}}

/* The inputs of {slots} row{"s" * (slots > 1)} of places, from row y on: for each channel,
   each row of a window, each of its columns. Filters fill up their fours with the zeros behind. */
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
    block, upper, F, P = step.block, name.upper(), step.w.shape[1], step.rows.planes
    OH, OW, _ = block.out_shape
    centred = block.centre > 0
    begin = [f"shared[{6 + i}]" for i in range(step.rows.high_planes)] + ["0"] * P
    planes = "\n".join(f"        uint32_t s{i} = {begin[i]};" for i in range(P))
    low = """
        for (i = 0; i < 6; i++, at_least >>= 1)
            reached = (at_least & 1) ? reached & shared[i] : reached | shared[i];""" * centred
    tests = "\n".join(
        f"        reached = (at_least & {1 << i}) ? reached & s{i} : reached | s{i};"
        for i in range(P)
    )
    variables = f"""
    const uint32_t *shared = x + {step.rows.words};
    uint_fast8_t i;""" * centred
    if step.rows.parts > 1:
        variables += "\n    const uint32_t *part;"
    smallest = f" + {step.smallest}" if step.smallest else ""
    kind = integer(step.rows.y_end)
    used = "" if "y" in store(step).replace("uint8_t", "") else "\n    (void)y;"
    return f"""
/* All filters for the rows of places from row y on. */
static void {name}_filters_{step.i}(const uint32_t *x, {kind} y, uint8_t *out)
{{
    const uint8_t *p = {name}_table_{step.i};{variables}
    {integer(F)} f;
    for (f = 0; f < {F}; f++, out += {OH * row_bytes(OW)}) {{
{read_number("limit", step.limit_size, "p", upper)}{planes}
        uint32_t reached = 0xffffffff, turn = (limit & 1) ? 0xffffffff : 0;
        uint_fast32_t at_least = (uint_fast32_t)(limit >> 1){smallest};
{count(step, upper)}{low}
{tests}
{store(step)}
    }}{used}
}}
"""


def count(step, upper):
    """Write the loop that adds all inputs of a filter, four at a time.

    Parameters
    ----------
    step : plan.Step
    upper : str
        Prefix of macros.

    Returns
    -------
    text : str
    """
    array = "x" if step.rows.parts == 1 else "part"
    words = [f"{array}[{upper}_BYTE(p{f' + {i}' if i else ''})]" for i in range(4)]
    loop = f"""        uint_fast8_t fours;
        for (fours = {upper}_BYTE(p++); fours; fours--, p += 4) {{
{add_four(step.rows.planes, words, 12)}
        }}"""
    if step.rows.parts == 1:
        return loop
    length = step.rows.part_words
    return f"""        for (part = x; part < x + {step.rows.parts * length}; part += {length}) {{
{loop.replace(chr(10), chr(10) + "    ").replace("        uint", "            uint", 1)}
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
    slot, n, lines = 32 // slots, row_bytes(OW), []
    if block.pool == 2:
        if slots > 1:
            lines.append(f"reached |= reached >> {slot};             /* the rows of a square */")
        lines.append("reached |= reached >> 1;             /* the columns */")
        for shift in (1, 2, 4, 8):
            if shift < OW:                        # every second bit stays; they move together
                kept = sum(1 << i for i in range(32) if i // shift % 2 == 0)
                lines.append(f"reached &= {kept:#010x};")
                lines.append(f"reached |= reached >> {shift};")
        if slots == 1:
            old = " | ".join(
                f"((uint32_t)out[{i}] << {8 * i})" if i else "(uint32_t)out[0]" for i in range(n)
            )
            lines += ["if (y & 1)", f"    reached |= ({old}) ^ turn;"]
    lines.append("reached ^= turn;")
    per_word = max(slots // block.pool, 1)
    for r in range(per_word):
        for i in range(n):
            shift = r * slot * (block.pool if slots > 1 else 1) + 8 * i
            mask = (1 << min(8, OW - 8 * i)) - 1
            value = f"reached >> {shift}" if shift else "reached"
            value = f"(({value}) & {mask})" if mask < 255 else f"({value})"
            if r and OH % per_word and i == 0:
                test = f"if (y + {r * block.pool} < {OH * block.pool})"
                lines.append(f"{test} {{" if n > 1 else test)
            inner = "    " if r and OH % per_word else ""
            lines.append(f"{inner}out[{r * n + i}] = (uint8_t){value};")
        if r and OH % per_word and n > 1:
            lines.append("}")
    return "\n".join("        " + line for line in lines)
