"""The C of each kind of step: functions from the places where it reads to those where it writes."""

from sbnn_np.export.layouts import FAR, FAR_INPUTS, row_bytes


def integer(most):
    """The fastest unsigned C type of whole numbers from 0 to `most`.

    Examples
    --------
    >>> integer(255), integer(256)
    ('uint_fast8_t', 'uint_fast16_t')
    """
    return f"uint_fast{8 if most < 1 << 8 else 16 if most < 1 << 16 else 32}_t"


def step_function(step, name):
    """Write the C function of one step.

    Parameters
    ----------
    step : plan.Step
    name : str
        Prefix of all names.

    Returns
    -------
    text : str
    """
    if step.kind == "dense":
        return dense(step, name)
    if step.kind == "conv":
        return conv(step, name)
    return unpack_bits(step, name) if step.takes == "bits" else unpack_map(step, name)


def unpack_bits(step, name):
    """Write the function that makes bytes of bits.

    Parameters
    ----------
    step, name : see `step_function`

    Returns
    -------
    text : str
    """
    D = step.out_bytes
    return f"""
/* Bits become bytes of 0 and 1, which are read faster. */
static void {name}_unpack_{step.i}(const uint8_t *in, uint8_t *out)
{{
    {integer(D)} d;
    uint_fast8_t bits = 0;
    for (d = 0; d < {D}; d++) {{
        bits = (uint_fast8_t)((d & 7) ? bits >> 1 : *in++);
        *out++ = bits & 1;
    }}
}}
"""


def unpack_map(step, name):
    """Write the function that makes bytes of the bits of a map.

    Parameters
    ----------
    step, name : see `step_function`

    Returns
    -------
    text : str
    """
    H, W, C = step.map_shape
    return f"""
/* The bits of a map become bytes of 0 and 1, which are read faster. */
static void {name}_unpack_{step.i}(const uint8_t *in, uint8_t *out)
{{
    {integer(H * C)} row;
    {integer(W)} x;
    uint_fast8_t bits = 0;
    for (row = 0; row < {H * C}; row++)
        for (x = 0; x < {W}; x++) {{
            bits = (uint_fast8_t)((x & 7) ? bits >> 1 : *in++);
            *out++ = bits & 1;
        }}
}}
"""


def read_limit(step, upper):
    """Write the C expression of a stored threshold and flip, which moves `p` behind it.

    Parameters
    ----------
    step : plan.Step
    upper : str
        Prefix of macros.

    Returns
    -------
    text : str
    """
    size, kind = step.limit_size, integer((1 << 8 * step.limit_size) - 1)
    lines = [f"        {kind} limit = {upper}_BYTE(p++);"]
    for i in range(1, size):
        lines.append(
            f"        limit = ({kind})(limit | ({kind})(({kind}){upper}_BYTE(p++) << {8 * i}));"
        )
    return "\n".join(lines)


def count_ones(step, upper, where):
    """Write the loop over the gaps of one neuron: `sum` becomes the sum of its inputs.

    Parameters
    ----------
    step, upper : see `read_limit`
    where : str
        Name of the array of inputs.

    Returns
    -------
    text : str
    """
    D = len(step.w)
    far = any(bytes([FAR]) in row[step.limit_size :] for row in step.table)
    jump = f"""
            if (gap == {FAR}) {{
                d = ({integer(D)})(d + {FAR_INPUTS});
                continue;
            }}""" if far else ""
    return f"""
        while ((gap = {upper}_BYTE(p++)) != 0) {{{jump}
            d = ({integer(D)})(d + gap);
            sum = ({integer(most(step))})(sum + {where}[d - 1u]);
        }}"""


def most(step):
    """The largest sum of inputs whose weight is 1, over all neurons."""
    return step.max_input * int(step.w.sum(axis=0).max())


def times(variable, c):
    """Write c times a variable as a sum of shifted ones, c from 1 on.

    Parameters
    ----------
    variable : str
    c : int

    Examples
    --------
    >>> times("s", 10)
    '(s << 3) + (s << 1)'
    """
    places = [i for i in range(c.bit_length()) if c >> i & 1]
    return " + ".join(f"({variable} << {i})" if i else variable for i in reversed(places))


def whole_sum(step):
    """Write Z, the whole number that a threshold is compared with, as an int32_t."""
    if step.block.centre:
        return "(int32_t)((uint32_t)sum << 6) - shared"
    return "(int32_t)sum"


def shared_sum(step, where):
    """Write what a centred layer computes once for all neurons: c times the sum of all inputs.

    Parameters
    ----------
    step : plan.Step
    where : str
        Name of the array of inputs.

    Returns
    -------
    text : str
    """
    if not step.block.centre:
        return ""
    D = len(step.w)
    return f"""
    /* The centre is {step.block.centre}/64: in 64ths, this much is subtracted from each sum. */
    for (d = 0; d < {D}; d++)
        total += {where}[d];
    shared = (int32_t)({times("total", step.block.centre)});"""


def passes(step):
    """Write the comparison of Z with the threshold, which `limit` holds; see `stored_limits`."""
    low = f" + ({step.smallest})" if step.smallest else ""
    return f"{whole_sum(step)} >= (int32_t)(limit >> 1){low}"


def declarations(step):
    """Declare the variables that sums need."""
    lines = [f"    {integer(len(step.w))} d;"]
    if step.block.centre:
        lines += ["    uint32_t total = 0;", "    int32_t shared;"]
    return "\n".join(lines)


def dense(step, name):
    """Write a dense layer. The last one leaves its sums.

    Parameters
    ----------
    step, name : see `step_function`

    Returns
    -------
    text : str
    """
    upper, (D, M) = name.upper(), step.w.shape
    last = step.block.threshold is None
    target = "int32_t *sums" if last else "uint8_t *out"
    store = f"        sums[m] = {whole_sum(step)};" if last else (
        f"        *out++ = (uint8_t)(({passes(step)}) ^ (limit & 1));"
    )
    limit = "" if last else read_limit(step, upper) + "\n"
    return f"""
/* Layer {step.i}: {D} inputs, {M} neurons. */
static void {name}_layer_{step.i}(const uint8_t *in, {target})
{{
    const uint8_t *p = {name}_table_{step.i};
    {integer(M)} m;
{declarations(step)}{shared_sum(step, "in")}
    for (m = 0; m < {M}; m++) {{
{limit}        {integer(most(step))} sum = 0;
        uint_fast8_t gap;
        d = 0;{count_ones(step, upper, "in")}
{store}
    }}
}}
"""


def conv(step, name):
    """Write a convolution that computes place by place; each square of places makes one bit.

    Parameters
    ----------
    step, name : see `step_function`

    Returns
    -------
    text : str
    """
    block, upper, F = step.block, name.upper(), step.w.shape[1]
    OH, OW, _ = block.out_shape
    line, column = strides(step)
    jump = block.pool * block.stride            # from one square to the next
    pad = block.padding
    return f"""{window(step, name)}
/* All filters at one place. The bit of a square is 1 if the sum reaches the threshold at any of its
   places; if the filter is turned round, it is 0 then. */
static void {name}_filters_{step.i}(
    const uint8_t *window, uint8_t *out, uint_fast8_t bit, uint_fast8_t first)
{{
    const uint8_t *p = {name}_table_{step.i};
    {integer(F)} f;
{declarations(step)}{shared_sum(step, "window")}
    for (f = 0; f < {F}; f++, out += {OH * row_bytes(OW)}) {{
{read_limit(step, upper)}
        {integer(most(step))} sum = 0;
        uint_fast8_t gap, passed;
        d = 0;{count_ones(step, upper, "window")}
        passed = {passes(step)};
        if (passed ? !(limit & 1) : (limit & 1) && first)
            *out = (uint8_t)(*out | bit);
        else if (passed)
            *out = (uint8_t)(*out & ~bit);
    }}
}}

/* Layer {step.i}: {F} filters at {block.places} places; {OH} x {OW} bits each, of squares of
   {block.pool} x {block.pool} places. */
static void {name}_layer_{step.i}(const uint8_t *in, uint8_t *out, uint8_t *window)
{{
    {integer(step.out_bytes)} n;
    {integer(OH)} row;
    {integer(OW)} col;
    uint_fast8_t i, j;
    int32_t top = {-pad}, top_at = {-pad * line}, left, left_at, y, y_at, x, x_at;
    for (n = 0; n < {step.out_bytes}; n++)
        out[n] = 0;
    for (row = 0; row < {OH}; row++) {{
        left = {-pad};
        left_at = {-pad * column};
        for (col = 0; col < {OW}; col++) {{
            y = top;
            y_at = top_at;
            for (i = 0; i < {block.pool}; i++) {{
                x = left;
                x_at = left_at;
                for (j = 0; j < {block.pool}; j++) {{
                    {name}_window_{step.i}(in, y, x, y_at, x_at, window);
                    {name}_filters_{step.i}(
                        window, out + (col >> 3), (uint_fast8_t)(1u << (col & 7)), !(i | j));
                    x += {block.stride};
                    x_at += {block.stride * column};
                }}
                y += {block.stride};
                y_at += {block.stride * line};
            }}
            left += {jump};
            left_at += {jump * column};
        }}
        top += {jump};
        top_at += {jump * line};
        out += {row_bytes(OW)};
    }}
}}
"""


def strides(step):
    """How far a row, and a column, is from the next in what a convolution reads: two int."""
    _, W, C = step.block.shape
    return (W * C, C) if step.takes == "pixels" else (row_bytes(W), 0)


def window(step, name):
    """Write the function that copies what a filter sees at one place.

    Parameters
    ----------
    step, name : see `step_function`

    Returns
    -------
    text : str
    """
    (KH, KW), (H, W, C) = step.block.kernel, step.block.shape
    line, column = strides(step)
    if step.takes == "pixels":
        plane, value = 1, "in[at]"
    else:
        plane, value = H * row_bytes(W), "(in[at] >> (w & 7)) & 1"
    begin = "across + along" if step.takes == "pixels" else "across + (w >> 3)"
    inside = f"h >= 0 && h < {H} && w >= 0 && w < {W}" if step.block.padding else ""
    body = f"""
                for (c = 0; c < {C}; c++, at += {plane})
                    *to++ = {value};"""
    if inside:
        body = f"""
                if (!({inside})) {{
                    for (c = 0; c < {C}; c++)
                        *to++ = 0;
                    continue;
                }}
                at = {begin};{body}"""
    else:
        body = f"""
                at = {begin};{body}"""
    return f"""
/* Copy the window of {KH} x {KW} x {C} numbers whose corner is at row y and column x of the image{
    "; what lies outside of it is 0" if inside else ""}. */
static void {name}_window_{step.i}(
    const uint8_t *in, int32_t y, int32_t x, int32_t y_at, int32_t x_at, uint8_t *to)
{{
    int32_t h, w, at, across = y_at, along;
    {integer(C)} c;
    for (h = y; h < y + {KH}; h++) {{
        along = x_at;
        for (w = x; w < x + {KW}; w++, along += {column}) {{{body}
        }}
        across += {line};
    }}
    (void)along;
}}
"""
