"""Small pieces of C that several kinds of step need."""

import textwrap

from sbnn_np.export.layouts import FAR, FAR_INPUTS


def comment(text, indent=""):
    """Write a C comment in lines of at most 100 characters.

    Parameters
    ----------
    text : str
    indent : str

    Returns
    -------
    lines : str

    Examples
    --------
    >>> print(comment("Short."))
    /* Short. */
    """
    return textwrap.fill(
        " ".join(text.split()) + " */", 100, initial_indent=f"{indent}/* ",
        subsequent_indent=f"{indent}   ", break_long_words=False, break_on_hyphens=False,
    )


def integer(most):
    """The fastest unsigned C type of whole numbers from 0 to `most`.

    Examples
    --------
    >>> integer(255), integer(256)
    ('uint_fast8_t', 'uint_fast16_t')
    """
    return f"uint_fast{8 if most < 1 << 8 else 16 if most < 1 << 16 else 32}_t"


def times(variable, c):
    """Write c times a variable as a sum of shifted ones: there is no multiplication.

    Parameters
    ----------
    variable : str
    c : int
        From 1 on.

    Returns
    -------
    text : str

    Examples
    --------
    >>> times("s", 10), times("s", 8)
    ('(s << 3) + (s << 1)', 's << 3')
    """
    places = [i for i in range(c.bit_length()) if c >> i & 1]
    parts = [f"({variable} << {i})" if i else variable for i in reversed(places)]
    return " + ".join(parts) if len(parts) > 1 else parts[0].strip("()")


def read_number(variable, size, pointer, upper):
    """Declare a variable and read it from a table, lowest byte first; the pointer moves behind it.

    Parameters
    ----------
    variable : str
    size : int
        Bytes, 1 to 4.
    pointer : str
    upper : str
        Prefix of macros.

    Returns
    -------
    text : str
    """
    kind, byte = integer((1 << 8 * size) - 1), f"{upper}_BYTE({pointer}++)"
    lines = [f"        {kind} {variable} = {byte};"]
    for i in range(1, size):
        lines.append(f"        {variable} |= ({kind})(({kind}){byte} << {8 * i});")
    return "\n".join(lines) + "\n"


def largest_sum(step):
    """The largest sum of inputs whose weight is 1, over all neurons; int."""
    return step.max_input * int(step.w.sum(axis=0).max())


def whole_sum(step):
    """Write Z, the whole number that is compared with a threshold."""
    if step.block.centre:
        return "(int32_t)((uint32_t)sum << 6) - shared"
    return "(int32_t)sum"


def least_sum(step):
    """Declare `least`, the threshold that `limit` holds; see `layouts.stored_limits`."""
    sign, size = "-" if step.smallest < 0 else "+", abs(step.smallest)
    shifted = f" {sign} {size}" if size else ""
    return f"        const int32_t least = (int32_t)(limit >> 1){shifted};"


def declare_shared(step):
    """Declare what a centred layer computes once for all neurons."""
    if not step.block.centre:
        return ""
    return "    uint32_t total = 0;\n    int32_t shared;\n"


def shared_sum(step, add_all):
    """Write what a centred layer subtracts from the sum of each neuron: c times the sum of all.

    Parameters
    ----------
    step : plan.Step
    add_all : str
        The C that makes `total` the sum of all inputs.

    Returns
    -------
    text : str
    """
    if not step.block.centre:
        return ""
    c = step.block.centre
    return f"""    /* The centre is {c}/64. In 64ths, this is subtracted from each sum: */
{add_all}
    shared = (int32_t)({times("total", c)});
"""


def far_jump(step):
    """Write what the byte `FAR` does; nothing if no neuron of the layer has it."""
    if not any(bytes([FAR]) in row[step.limit_size:] for row in step.table):
        return ""
    kind = integer(len(step.w))
    return f"""
            if (gap == {FAR}) {{
                d = ({kind})(d + {FAR_INPUTS});
                continue;
            }}"""
