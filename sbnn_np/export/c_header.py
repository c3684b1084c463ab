"""The header of an exported network: sizes, class names, the layout of an image, the functions."""

from sbnn_np.export.c_common import comment
from sbnn_np.export.c_scores import class_type, whole_numbers
from sbnn_np.export.layouts import row_bytes

MARK = "Written by sbnn_np"          # every file of an export holds it


def c_string(text):
    """Write a text as a C string: UTF-8, with all but plain ASCII as octal numbers of bytes.

    Examples
    --------
    >>> print(c_string('a "naïve" one'))
    "a \\042na\\303\\257ve\\042 one"
    """
    plain = set(range(32, 127)) - set(b'"\\?')          # ?? begins a trigraph
    return '"' + "".join(
        chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode()
    ) + '"'


def header(plan, name, origin):
    """Write the header.

    Parameters
    ----------
    plan : plan.Plan
    name : str
        Prefix of all names.
    origin : str
        What the network is called in the comment.

    Returns
    -------
    text : str
    """
    model, upper = plan.model, name.upper()
    M, shape = len(model.classes), model.shape
    H, W, C = shape if len(shape) == 3 else (1, shape[0], 1)
    sizes = "\n".join(
        f"#define {upper}_{what:<14} {value}" for what, value in (
            ("CLASSES", M), ("LAYERS", len(model.blocks)), ("HEIGHT", H), ("WIDTH", W),
            ("CHANNELS", C), ("IMAGE_BYTES", plan.image_bytes),
        )
    )
    names = ", \\\n    ".join(map(c_string, model.classes))
    threshold = "" if model.binarize is None else (
        f"#define {upper}_{'THRESHOLD':<14} {model.binarize}\n"
    )
    told = (
        "Return the number of the class with the largest score, from 0. The numbers of a call are "
        "in one static array, so only one call may run at a time."
    )
    if plan.class_only:
        lead = whole_numbers(model)[2]
        told += f" This is Python's class wherever its score leads by more than {lead:.2g}."
        functions = ""
    else:
        functions = f"""/* Compute a score for each class, the same as in Python to the last bit. */
void {name}_scores(const uint8_t *image, float scores[{upper}_CLASSES]);

"""
    functions += f"{comment(told)}\n{class_type(model)} {name}_class(const uint8_t *image);\n"
    return f"""/* {origin}: a network of weights that are 0 or 1, as C99. {MARK}. */
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{sizes}
{threshold}
/* An initializer for an array of {upper}_CLASSES strings, in UTF-8. It takes no memory where it is
   not used. */
#define {upper}_CLASS_NAMES {{ \\
    {names} }}

{image_layout(model, upper)}

{functions}
#ifdef __cplusplus
}}
#endif

#endif
"""


def image_layout(model, upper):
    """Say how an image lies in its bytes.

    Parameters
    ----------
    model : frozen.Frozen
    upper : str
        Prefix of macros.

    Returns
    -------
    text : str
        A comment.
    """
    said = f"The image, {upper}_IMAGE_BYTES bytes. "
    order = "in order"
    if len(model.shape) == 3:
        order = "row by row, in a row column by column, the channels of a pixel together"
    if model.binarize is None:
        said += f"One pixel a byte, from 0 to 255: {order}."
    else:
        said += f"Each pixel is a bit, 1 if the pixel from 0 to 255 is above {upper}_THRESHOLD. "
        if model.blocks[0].kernel:
            H, W, C = model.shape
            n = row_bytes(W)
            said += (
                f"Row y of channel c is the {n} bytes from image[(c * {H} + y) * {n}] on. Pixel "
                "x of it is bit (x & 7) of byte x >> 3. Bits behind the last pixel must be 0."
            )
        else:
            said += f"Pixel d is bit (d & 7) of image[d >> 3]: {order}."
    if model.ground:
        said += f" The background of the images is {model.ground}."
    return comment(said)
