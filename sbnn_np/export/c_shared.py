"""The C of the sum that all filters of a centred convolution share, on rows of bits.

In 64ths, a centred filter asks whether 64 z - c S >= T, where z counts its own inputs and S all
inputs. If c and 64 have a common factor, it is taken out: 16 z - c S >= T, say. Planes cannot
subtract. But if c S has p bits, its complement (all p bits inverted) is 2^p - 1 - c S, which can be
added:

    16 z + (2^p - 1 - c S)  >=  T + 2^p - 1

The lowest four bits of 16 z are 0, so those of the left side are the complement's. Its planes above
them are what the counting of z begins with, in place of zeros. So a centre costs a filter no more
than these four planes, when it compares.
"""

from sbnn_np.export.c_common import integer
from sbnn_np.export.c_planes import add_four


def shared(step, name):
    """Write the function that leaves the complement's planes behind the inputs.

    Parameters
    ----------
    step : plan.Step
    name : str
        Prefix of all names.

    Returns
    -------
    text : str
    """
    total, all_planes = step.rows.sum_planes, step.rows.shared_planes
    planes = ", ".join(f"s{i} = 0" for i in range(total))
    kept = "\n".join(f"    s[{i}] = s{i};" for i in range(min(total, all_planes)))
    centre = step.rows.centre
    return f"""
/* The complement of {centre} times the sum of all inputs, as planes behind the inputs. */
static void {name}_shared_{step.i}(uint32_t *x)
{{
    uint32_t {planes}, s[{all_planes}] = {{0}};
    {integer(step.rows.words)} n;
    uint_fast8_t i, shift, centre = {centre};
    for (n = 0; n < {step.rows.words}; n = ({integer(step.rows.words)})(n + 4), x += 4) {{
{add_four(total, ["x[0]", "x[1]", "x[2]", "x[3]"], 8)}
    }}
{kept}
    for (i = 0; i < {all_planes}; i++)
        x[i] = 0;
    /* Where the centre has a bit, the sum is added, shifted by the place of the bit. */
    for (shift = 0; centre; shift++, centre >>= 1) {{
        uint32_t carry = 0;
        if (centre & 1)
            for (i = shift; i < {all_planes}; i++) {{
                const uint32_t a = x[i], b = s[i - shift], t = a ^ b;
                x[i] = t ^ carry;
                carry = (a & b) | (t & carry);
            }}
    }}
    for (i = 0; i < {all_planes}; i++)
        x[i] = ~x[i];
}}
"""
