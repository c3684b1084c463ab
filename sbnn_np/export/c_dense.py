"""The C of dense layers: their ones are met in order, and each adds its input to a sum."""

from sbnn_np.export.c_common import (
    declare_shared,
    far_jump,
    integer,
    largest_sum,
    least_sum,
    read_number,
    shared_sum,
    whole_sum,
)


def unpack(step, name):
    """Write the function that makes bytes of bits, so that they are read faster.

    Parameters
    ----------
    step : plan.Step
    name : str
        Prefix of all names.

    Returns
    -------
    text : str
    """
    rows, W = step.rows
    return f"""
/* Bits become bytes of 0 and 1, which are read faster. */
static void {name}_unpack_{step.i}(const uint8_t *in, uint8_t *out)
{{
    {integer(rows)} row;
    {integer(W)} x;
    uint_fast8_t bits = 0;
    for (row = 0; row < {rows}; row++)
        for (x = 0; x < {W}; x++) {{
            bits = (uint_fast8_t)((x & 7) ? bits >> 1 : *in++);
            *out++ = bits & 1;
        }}
}}
"""


def dense(step, name):
    """Write a dense layer. The last one leaves its sums.

    Parameters
    ----------
    step, name : see `unpack`

    Returns
    -------
    text : str
    """
    upper, (D, M) = name.upper(), step.w.shape
    last, coded = step.block.threshold is None, step.layout == "coded"
    target = "int32_t *sums" if last else "uint8_t *out"
    store = f"sums[m] = {whole_sum(step)};" if last else (
        f"*out++ = (uint8_t)(({whole_sum(step)} >= least) ^ (limit & 1));"
    )
    limit = "" if last else (
        read_number("limit", step.limit_size, "p", upper) + least_sum(step) + "\n"
    )
    if coded:
        limit += read_number("ones", step.count_size, "p", upper)
    loop = coded_loop(step, upper) if coded else gap_loop(step, upper)
    bits = f"""
    const uint8_t *bits = p + {M * (step.limit_size + step.count_size)};
    uint_fast16_t held = 1;""" if coded else ""
    return f"""
/* Layer {step.i}: {D} inputs, {M} neurons. */
static void {name}_layer_{step.i}(const uint8_t *in, {target})
{{
    const uint8_t *p = {name}_table_{step.i};{bits}
    {integer(M)} m;
    {integer(len(step.w))} d;
{declare_shared(step)}{shared_sum(step, add_all(step))}    for (m = 0; m < {M}; m++) {{
{limit}        {integer(largest_sum(step))} sum = 0;
        d = 0;
{loop}
        {store}
    }}
}}
"""


def add_all(step):
    """Write the loop that makes `total` the sum of all inputs."""
    if step.kind == "places" or step.takes == "bytes":
        return f"""    for (d = 0; d < {len(step.w)}; d++)
        total += in[d];"""
    return f"""    for (d = 0; d < {len(step.w)}; d++)
        total += (in[d >> 3] >> (d & 7)) & 1;"""


def add_one(step):
    """Write the addition of the input d - 1 to the sum."""
    kind, at = integer(largest_sum(step)), "in[d - 1u]"
    if step.kind == "dense" and step.takes == "bits":
        at = "((in[(d - 1u) >> 3] >> ((d - 1u) & 7)) & 1)"
    return f"            sum = ({kind})(sum + {at});"


def gap_loop(step, upper):
    """Write the loop over a neuron's ones, listed by gaps.

    Parameters
    ----------
    step : plan.Step
    upper : str
        Prefix of macros.

    Returns
    -------
    text : str
    """
    return f"""        uint_fast8_t gap;
        while ((gap = {upper}_BYTE(p++)) != 0) {{{far_jump(step)}
            d = ({integer(len(step.w))})(d + gap);
{add_one(step)}
        }}"""


def coded_loop(step, upper):
    """Write the loop over a neuron's ones, listed by coded gaps; see `layouts.coded_table`.

    Parameters
    ----------
    step, upper : see `gap_loop`

    Returns
    -------
    text : str
    """
    kind, k = integer(len(step.w)), step.low_bits
    low = f"""                if (i < {k})
                    d = ({kind})(d + (({kind})bit << i++));
                else """ if k else " " * 16
    count = "\n            uint_fast8_t i = 0;" if k else ""
    return f"""        for (; ones; ones--) {{{count}
            d = ({kind})(d + 1);
            for (;;) {{
                uint_fast8_t bit;
                if (held == 1)                      /* all bits of a byte are used up */
                    held = (uint_fast16_t)(0x100u | {upper}_BYTE(bits++));
                bit = held & 1;
                held >>= 1;
{low}if (bit)
                    d = ({kind})(d + {1 << k});
                else
                    break;
            }}
{add_one(step)}
        }}"""
