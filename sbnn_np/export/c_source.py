"""The files of an exported network: header, source, example and README, as text."""

import numpy as np

from sbnn_np.export import c_layers

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
    >>> c_float(np.float32(-0.15))
    '-0x1.3333340000000p-3f'
    """
    return float(value).hex() + "f"


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

/* The image, {upper}_IMAGE_BYTES bytes. {image_layout(model)} */

/* Compute one score for each class; the largest is the answer. The same in every bit as in Python.
   The functions keep their numbers in one static array, so only one call may run at a time. */
void {name}_scores(const uint8_t *image, float scores[{upper}_CLASSES]);

/* Return the number of the class with the largest score, from 0. */
{class_type(model)} {name}_class(const uint8_t *image);

#ifdef __cplusplus
}}
#endif

#endif
"""


def class_type(model):
    """The C type of a class number."""
    return "uint8_t" if len(model.classes) <= 256 else "uint32_t"


def image_layout(model):
    """Say how an image lies in its bytes."""
    ground = "" if model.ground is None else f" The ground of the images is {model.ground}."
    if model.binarize is None:
        order = "row by row, and in a row" if len(model.shape) == 3 else "in order, and"
        order = f"{order} column by column, the channels of a pixel together" if (
            len(model.shape) == 3
        ) else "in order"
        return f"One pixel a byte, from 0 to 255, {order}.{ground}"
    bit = f"Each pixel is one bit, 1 if the pixel from 0 to 255 is above {model.binarize}."
    if model.blocks[0].kernel:
        H, W, C = model.shape
        nbytes = -(-W // 8)
        return f"""{bit} The {C} channels follow one
   another, each of {H} rows of {nbytes} bytes. The first pixel of a row is bit 0 of its first byte,
   the ninth is bit 0 of the second; bits behind the last pixel must be 0. So bit (x & 7) of
   image[(channel * {H} + y) * {nbytes} + (x >> 3)] is the pixel at row y and column x.{ground}"""
    return f"""{bit} Bit (d & 7) of image[d >> 3]
   is pixel d: row by row, in a row column by column, the channels of a pixel together.{ground}"""


def source(plan, name):
    """Write the source.

    Parameters
    ----------
    plan, name : see `header`

    Returns
    -------
    text : str
    """
    model, upper, M = plan.model, name.upper(), len(plan.model.classes)
    last = model.blocks[-1]
    tables = "".join(table(step, name) for step in plan.steps if step.table)
    functions = "".join(c_layers.step_function(step, name) for step in plan.steps)
    to_float = "(float)sums[m]" + (" * 0.015625f" if last.centre else "")
    unit = " A sum is in 64ths." if last.centre else ""
    kind = class_type(model)
    return f"""/* {MARK}; {name}.h says how it is used. */
#include "{name}.h"

#ifdef __AVR__
/* The tables stay in the memory of the program, which is read by an instruction of its own. */
#include <avr/pgmspace.h>
#define {upper}_TABLE PROGMEM
#define {upper}_BYTE(p) pgm_read_byte(p)
#define {upper}_FLOAT(p) pgm_read_float(p)
#else
#define {upper}_TABLE
#define {upper}_BYTE(p) (*(p))
#define {upper}_FLOAT(p) (*(p))
#endif

/* Define this to measure layers: it is called whenever the computation goes over to a layer, with
   the number of it from 0, and with {upper}_LAYERS at the end. */
#ifndef {upper}_ENTER
#define {upper}_ENTER(layer) ((void)0)
#endif

/* All activations. */
static uint32_t {name}_arena[{plan.arena_words}];
{tables}
/* A score is factor * sum + offset. */
static const float {name}_factor[{M}] {upper}_TABLE = {{
{numbers(map(c_float, last.factor))}
}};
static const float {name}_offset[{M}] {upper}_TABLE = {{
{numbers(map(c_float, last.offset))}
}};
{functions}
void {name}_scores(const uint8_t *image, float scores[{upper}_CLASSES])
{{
    uint8_t *arena = (uint8_t *){name}_arena;
    int32_t sums[{upper}_CLASSES];
    {c_layers.integer(M)} m;
{calls(plan, name)}
    /* `volatile` makes sure that the product is rounded to a float before the sum.{unit} */
    for (m = 0; m < {upper}_CLASSES; m++) {{
        const volatile float product = {to_float} * {upper}_FLOAT({name}_factor + m);
        scores[m] = product + {upper}_FLOAT({name}_offset + m);
    }}
    {upper}_ENTER({upper}_LAYERS);
}}

{kind} {name}_class(const uint8_t *image)
{{
    float scores[{upper}_CLASSES];
    {c_layers.integer(M)} m, best = 0;
    {name}_scores(image, scores);
    for (m = 1; m < {upper}_CLASSES; m++)
        if (scores[m] > scores[best])
            best = m;
    return ({kind})best;
}}
"""


def table(step, name):
    """Write the table of a step.

    Parameters
    ----------
    step : plan.Step
    name : str
        Prefix of all names.

    Returns
    -------
    text : str
    """
    return f"""
static const uint8_t {name}_table_{step.i}[{step.table_bytes}] {name.upper()}_TABLE = {{
{numbers(b"".join(step.table))}
}};
"""


def calls(plan, name):
    """Write the calls of all steps, in the function that computes scores.

    Parameters
    ----------
    plan, name : see `header`

    Returns
    -------
    text : str
    """
    lines, before = [], None
    for step in plan.steps:
        if step.i != before:
            lines.append(f"    {name.upper()}_ENTER({step.i});")
        before = step.i
        source = "image" if step.source is None else f"arena + {step.source}"
        kind = "unpack" if step.kind.startswith("unpack") else "layer"
        target = f"arena + {step.target}" if step.out_bytes else "sums"
        scratch = f", arena + {step.scratch}" if step.scratch_bytes else ""
        lines.append(f"    {name}_{kind}_{step.i}({source}, {target}{scratch});")
    if all(step.source is None and not step.out_bytes for step in plan.steps):
        lines.append("    (void)arena;")
    return "\n".join(lines)


def example(plan, name, image, scores):
    """Write the example: one image, and what Python says of it.

    Parameters
    ----------
    plan, name : see `header`
    image : (bytes,) uint8
        See `layouts.image_bytes`.
    scores : (M,) float32
        What Python computes for it.

    Returns
    -------
    text : str
    """
    upper = name.upper()
    return f"""/* One image, its scores, and whether they are the same as in Python. {MARK}. */
#include <stdio.h>
#include "{name}.h"

static const uint8_t image[{upper}_IMAGE_BYTES] = {{
{numbers(image.tolist())}
}};
static const float expected[{upper}_CLASSES] = {{
{numbers(map(c_float, np.asarray(scores, np.float32)))}
}};
static const char *const names[{upper}_CLASSES] = {upper}_CLASS_NAMES;

int main(void)
{{
    float scores[{upper}_CLASSES];
    int m, same = 1;
    {name}_scores(image, scores);
    for (m = 0; m < {upper}_CLASSES; m++) {{
        printf("%-12s %9.4f\\n", names[m], (double)scores[m]);
        same = same && scores[m] == expected[m];
    }}
    printf("class: %s\\n", names[{name}_class(image)]);
    printf("%s\\n", same ? "the same scores as in Python" : "OTHER SCORES THAN IN PYTHON");
    return !same;
}}
"""


def readme(plan, name, origin, told):
    """Write the README of an exported network.

    Parameters
    ----------
    plan, name, origin : see `header`
    told : account.Account

    Returns
    -------
    text : str
    """
    upper = name.upper()
    shape = " x ".join(map(str, plan.model.shape))
    return f"""# {name}: {origin} in C

{MARK}. A network of weights that are 0 or 1, for images of {shape} pixels and \
{len(plan.model.classes)} classes. C99, `stdint.h` alone, no heap.

    cc -std=c99 -O2 {name}.c example.c -o example && ./example

`{name}_scores(image, scores)` writes {upper}_CLASSES floats; `{name}_class(image)` returns the \
class of the largest.
`{name}.h` says how an image of {upper}_IMAGE_BYTES bytes is laid out, and has the class names.
Flash: {told.table_bytes:,} bytes of tables, besides the code. RAM: {told.ram_bytes:,} bytes, \
besides the image and the stack.
Additions for one image: {told.adds:,}.
"""

