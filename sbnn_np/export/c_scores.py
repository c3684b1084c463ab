"""The C of the last layer's scores: floats as in Python, or whole numbers that give the class."""

import math

import numpy as np

from sbnn_np.export.c_common import comment, integer

WHOLE_BITS = 30        # scores as whole numbers are below 2^30, with room for their rounding


def numbers(values, width=98, indent="    "):
    """Write numbers in lines of a limited width, with a comma behind each but the last.

    Parameters
    ----------
    values : iterable
    width : int
    indent : str

    Returns
    -------
    text : str
    """
    lines, line = [], indent
    values = list(map(str, values))
    for n, value in enumerate(values):
        piece = value + ("," if n < len(values) - 1 else "")
        if len(line) + len(piece) > width:
            lines.append(line.rstrip())
            line = indent
        line += piece + " "
    return "\n".join([*lines, line.rstrip()])


def c_float(value):
    """Write a float32 as a C constant, exactly.

    Examples
    --------
    >>> c_float(np.float32(-0.15)), c_float(np.float32(3))
    ('-0x1.333334p-3f', '0x1.8p+1f')
    """
    digits, exponent = float(value).hex().split("p")
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return f"{digits}p{exponent}f"


def class_type(model):
    """The C type of a class number."""
    return "uint8_t" if len(model.classes) <= 256 else "uint32_t"


def float_scores(model, name, calls):
    """Write the functions that compute scores, and the class of the largest.

    Parameters
    ----------
    model : frozen.Frozen
    name : str
        Prefix of all names.
    calls : str
        C that leaves the sums of the last layer in `sums`.

    Returns
    -------
    text : str
    """
    upper, M, last, kind = name.upper(), len(model.classes), model.blocks[-1], class_type(model)
    to_float = "(float)sums[m]" + (" * 0.015625f" if last.centre else "")
    told = "`volatile` makes sure that the product is rounded to a float before the sum."
    told = comment(told + " A sum is in 64ths." * (last.centre > 0), "    ")
    return f"""
/* A score is factor * sum + offset. */
static const float {name}_factor[{M}] {upper}_TABLE = {{
{numbers(map(c_float, last.factor))}
}};
static const float {name}_offset[{M}] {upper}_TABLE = {{
{numbers(map(c_float, last.offset))}
}};

void {name}_scores(const uint8_t *image, float scores[{upper}_CLASSES])
{{
    int32_t sums[{upper}_CLASSES];
    {integer(M)} m;
{calls}
{told}
    for (m = 0; m < {upper}_CLASSES; m++) {{
        const volatile float product = {to_float} * {upper}_FLOAT({name}_factor + m);
        scores[m] = product + {upper}_FLOAT({name}_offset + m);
    }}
    {upper}_ENTER({upper}_LAYERS);
}}

{kind} {name}_class(const uint8_t *image)
{{
    float scores[{upper}_CLASSES];
    {integer(M)} m, best = 0;
    {name}_scores(image, scores);
    for (m = 1; m < {upper}_CLASSES; m++)
        if (scores[m] > scores[best])
            best = m;
    return ({kind})best;
}}
"""


def whole_numbers(model):
    """Factors and offsets of the scores as whole numbers, for sums that are whole numbers.

    Parameters
    ----------
    model : frozen.Frozen

    Returns
    -------
    factor, offset : list of M int
        factor * Z + offset is below 2^31 in size for every sum Z.
    lead : float
        Where the largest score leads by more than this, these numbers give the same class.
    """
    last = model.blocks[-1]
    low, high = last.sum_bounds(model.max_input if len(model.blocks) == 1 else 1)
    most = np.maximum(-low, high).astype(np.float64)              # |Z| of each class
    # where all sums are 0, the factor does not matter
    factor = np.where(most > 0, last.factor.astype(np.float64) / last.unit, 0)
    offset = last.offset.astype(np.float64)
    largest = (np.abs(factor) * most + np.abs(offset)).max()
    exponent = WHOLE_BITS - math.ceil(math.log2(largest)) if largest else 0
    # rounding makes at most a half of each factor and offset; float32 rounds twice
    wrong = (most.max() / 2 + 0.5) * 2.0**-exponent + largest * 2.0**-23
    whole = [[round(math.ldexp(x, exponent)) for x in each.tolist()] for each in (factor, offset)]
    return *whole, 2 * wrong


def whole_class(model, name, calls):
    """Write the function that computes the class alone, from whole numbers.

    Parameters
    ----------
    model, name, calls : see `float_scores`

    Returns
    -------
    text : str
    """
    upper, M, kind = name.upper(), len(model.classes), class_type(model)
    factor, offset, _ = whole_numbers(model)
    return f"""
/* Scores as whole numbers: factor * sum + offset. */
static const int32_t {name}_factor[{M}] {upper}_TABLE = {{
{numbers(factor)}
}};
static const int32_t {name}_offset[{M}] {upper}_TABLE = {{
{numbers(offset)}
}};

{kind} {name}_class(const uint8_t *image)
{{
    int32_t sums[{upper}_CLASSES], most = 0;
    {integer(M)} m, best = 0;
{calls}
    for (m = 0; m < {upper}_CLASSES; m++) {{
        const int32_t score = {upper}_INT32({name}_factor + m) * sums[m]
            + {upper}_INT32({name}_offset + m);
        if (m == 0 || score > most) {{
            most = score;
            best = m;
        }}
    }}
    {upper}_ENTER({upper}_LAYERS);
    return ({kind})best;
}}
"""
