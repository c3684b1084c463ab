"""The source, the example and the README of an exported network, as text."""

from sbnn_np.export import c_dense, c_places, c_rows
from sbnn_np.export.c_common import comment
from sbnn_np.export.c_header import MARK
from sbnn_np.export.c_scores import (
    c_float,
    class_type,
    float_scores,
    numbers,
    whole_class,
)

WRITERS = {
    "unpack": c_dense.unpack, "dense": c_dense.dense, "places": c_places.places,
    "rows": c_rows.rows,
}


def source(plan, name):
    """Write the source.

    Parameters
    ----------
    plan, name : see `c_header.header`

    Returns
    -------
    text : str
    """
    model, upper = plan.model, name.upper()
    tables = "".join(table(step, name) for step in plan.steps if step.table)
    functions = "".join(WRITERS[step.kind](step, name) for step in plan.steps)
    kind, read = ("int32_t", "INT32") if plan.class_only else ("float", "FLOAT")
    scores = (whole_class if plan.class_only else float_scores)(model, name, calls(plan, name))
    arena = f"""
/* All activations. */
static uint32_t {name}_arena[{plan.arena_words}];
""" if plan.arena_words else ""
    read_avr = f"(({kind})pgm_read_dword(p))" if plan.class_only else "pgm_read_float(p)"
    return f"""/* {MARK}; {name}.h says how it is used. */
#include "{name}.h"

#ifdef __AVR__
/* The tables stay in the memory of the program, which is read by an instruction of its own. */
#include <avr/pgmspace.h>
#define {upper}_TABLE PROGMEM
#define {upper}_BYTE(p) pgm_read_byte(p)
#define {upper}_{read}(p) {read_avr}
#else
#define {upper}_TABLE
#define {upper}_BYTE(p) (*(p))
#define {upper}_{read}(p) (*(p))
#endif

/* Define this to measure layers: it is called whenever the computation goes over to a layer, with
   the number of it from 0, and with {upper}_LAYERS at the end. */
#ifndef {upper}_ENTER
#define {upper}_ENTER(layer) ((void)0)
#endif
{arena}{tables}{functions}{scores}"""


def table(step, name):
    """Write the table of a step, and what its bytes mean.

    Parameters
    ----------
    step : plan.Step
    name : str
        Prefix of all names.

    Returns
    -------
    text : str
    """
    size, smallest = step.limit_size, step.smallest
    less = f" less {smallest}" if smallest > 0 else f" plus {-smallest}" if smallest else ""
    limit = f"2 (threshold{less}) + flip in {size} byte{'s' * (size > 1)}, then " if size else ""
    told = {
        "gaps": f"For each neuron {limit}the gaps from one to one, and 0.",
        "coded": f"For each neuron {limit}how many ones it has. Behind all of them, the gaps less "
                 f"1 as bits: the lowest {step.low_bits}, then so many 1 as the rest says, and 0.",
        "fours": f"For each filter {limit}how many fours of inputs its ones have, and their "
                 "numbers.",
    }[step.layout]
    if step.layout == "fours" and step.rows.parts > 1:
        told = told.replace("and their numbers.", "and their numbers, for each part of the inputs.")
    return f"""
{comment(f"Layer {step.i}. {told}")}
static const uint8_t {name}_table_{step.i}[{len(step.content)}] {name.upper()}_TABLE = {{
{numbers(step.content)}
}};
"""


def calls(plan, name):
    """Write the calls of all steps, in the function that computes scores.

    Parameters
    ----------
    plan, name : see `c_header.header`

    Returns
    -------
    text : str
    """
    lines, before = [], None
    if plan.arena_words:
        lines.append(f"    uint8_t *arena = (uint8_t *){name}_arena;")
    for step in plan.steps:
        if step.i != before:
            lines.append(f"    {name.upper()}_ENTER({step.i});")
        before = step.i
        source = "image" if step.source is None else f"arena + {step.source}"
        kind = "unpack" if step.kind == "unpack" else "layer"
        target = f"arena + {step.target}" if step.out_bytes else "sums"
        scratch = f", arena + {step.scratch}" if step.scratch_bytes else ""
        if step.kind == "rows":
            scratch = f", {name}_arena + {step.scratch // 4}"
        lines.append(f"    {name}_{kind}_{step.i}({source}, {target}{scratch});")
    return "\n".join(lines)


def example(plan, name, image, scores):
    """Write the example: one image, and what Python says of it.

    Parameters
    ----------
    plan, name : see `c_header.header`
    image : (bytes,) uint8
        See `layouts.image_bytes`.
    scores : (M,) float32
        What Python computes for it.

    Returns
    -------
    text : str
    """
    upper = name.upper()
    if plan.class_only:
        best = int(scores.argmax())
        expected, body = f"static const {class_type(plan.model)} expected = {best};", f"""
    const {class_type(plan.model)} m = {name}_class(image);
    const int same = m == expected;
    printf("class: %s\\n", names[m]);"""
    else:
        expected, body = f"""static const float expected[{upper}_CLASSES] = {{
{numbers(map(c_float, scores))}
}};""", f"""
    float scores[{upper}_CLASSES];
    int m, same = 1;
    {name}_scores(image, scores);
    for (m = 0; m < {upper}_CLASSES; m++) {{
        printf("%-12s %9.4f\\n", names[m], (double)scores[m]);
        same = same && scores[m] == expected[m];
    }}
    printf("class: %s\\n", names[{name}_class(image)]);"""
    return f"""/* One image, what the network says, and whether Python says the same. {MARK}. */
#include <stdio.h>
#include "{name}.h"

static const uint8_t image[{upper}_IMAGE_BYTES] = {{
{numbers(image.tolist())}
}};
{expected}
static const char *const names[{upper}_CLASSES] = {upper}_CLASS_NAMES;

int main(void)
{{{body}
    printf("%s\\n", same ? "the same as in Python" : "NOT THE SAME AS IN PYTHON");
    return !same;
}}
"""


def readme(plan, name, origin, told):
    """Write the README of an exported network.

    Parameters
    ----------
    plan, name, origin : see `c_header.header`
    told : account.Account

    Returns
    -------
    text : str
    """
    upper = name.upper()
    functions = "" if plan.class_only else (
        f"`{name}_scores(image, scores)` writes {upper}_CLASSES floats. "
    )
    functions += f"`{name}_class(image)` returns the number of the class."
    shape = " x ".join(map(str, plan.model.shape))
    return f"""# {name}: {origin} in C

{MARK}. A network of weights that are 0 or 1, for images of {shape} pixels and \
{len(plan.model.classes)} classes. C99, `stdint.h` alone, no heap.

    cc -std=c99 -O2 {name}.c example.c -o example && ./example

{functions}
`{name}.h` says how an image of {upper}_IMAGE_BYTES bytes is laid out, and has the class names.
Flash: {told.table_bytes:,} bytes of tables, and about {told.code_bytes:,} bytes of code on a \
Cortex-M0.
RAM: {told.ram_bytes:,} bytes of activations, {told.image_bytes:,} of the image, about \
{told.stack_bytes:,} of stack. Additions: {told.adds:,} an image.
"""

