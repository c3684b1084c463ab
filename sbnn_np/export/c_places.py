"""The C of convolutions that compute place by place: for pixels, strides, and wide images.

What the filters see at a place is copied. The filters are then the neurons of a dense layer.
"""

from sbnn_np.export.c_common import (
    comment,
    declare_shared,
    integer,
    largest_sum,
    least_sum,
    read_number,
    shared_sum,
    whole_sum,
)
from sbnn_np.export.c_dense import add_all, gap_loop
from sbnn_np.export.layouts import row_bytes


def places(step, name):
    """Write a convolution that computes place by place; each square of places makes one bit.

    Parameters
    ----------
    step, name : see `window`

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
    const uint8_t *in, uint8_t *out, uint_fast8_t bit, uint_fast8_t first)
{{
    const uint8_t *p = {name}_table_{step.i};
    {integer(F)} f;
    {integer(len(step.w))} d;
{declare_shared(step)}{shared_sum(step, add_all(step))}
    for (f = 0; f < {F}; f++, out += {OH * row_bytes(OW)}) {{
{read_number("limit", step.limit_size, "p", upper)}{least_sum(step)}
        {integer(largest_sum(step))} sum = 0;
        uint_fast8_t passed;
        d = 0;
{gap_loop(step, upper)}
        passed = {whole_sum(step)} >= least;
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
    return (W * C, C) if step.takes == "bytes" else (row_bytes(W), 0)


def window(step, name):
    """Write the function that copies what a filter sees at one place.

    Parameters
    ----------
    step, name : see `window`

    Returns
    -------
    text : str
    """
    (KH, KW), (H, W, C) = step.block.kernel, step.block.shape
    line, column = strides(step)
    if step.takes == "bytes":
        plane, value = 1, "in[at]"
    else:
        plane, value = H * row_bytes(W), "(in[at] >> (w & 7)) & 1"
    begin = "across + along" if step.takes == "bytes" else "across + (w >> 3)"
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
    told = comment(
        f"Copy the window of {KH} x {KW} x {C} numbers whose corner is at row y and column x of "
        "the image" + ("; what lies outside of it is 0." if inside else ".")
    )
    return f"""
{told}
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
