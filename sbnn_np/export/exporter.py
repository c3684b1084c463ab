"""Export a frozen network to a folder of C files; refuse what cannot be exported."""

import math
import re
from pathlib import Path

import numpy as np

from sbnn_np.datasets import shapes, strokes
from sbnn_np.engines import packed
from sbnn_np.export import account, c_header, c_source, layouts, plan
from sbnn_np.support import atomic

KEYWORDS = """
    auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef
    union unsigned void volatile while asm class delete new this true false main
"""
# a header of this name would hide another one, or the example
TAKEN = """
    example assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp
    signal stdarg stdbool stddef stdint stdio stdlib string tgmath time wchar wctype
"""
LONGEST_NAME = 4095    # characters of a string in C99


class ExportError(ValueError):
    """A network cannot be exported as it was asked for."""


def export(
    model, folder, prefix="model", origin="a network", class_only=False, flash_bytes=None,
    ram_bytes=None,
):
    """Write a frozen network as C into a folder.

    Parameters
    ----------
    model : frozen.Frozen
    folder : str or Path
        It is made if it is missing. Only the files of an earlier export are written over.
    prefix : str
        All names begin with it, and so do the names of the header and of the source.
    origin : str
        What the comments call the network.
    class_only : bool
        Whether the program computes the class alone, from whole numbers: it is smaller without the
        arithmetic of floats.
    flash_bytes : int, optional
        Largest allowed flash for tables and code. If it is exceeded, gaps of dense layers are
        coded, as many layers as necessary.
    ram_bytes : int, optional
        Largest allowed memory for activations.

    Returns
    -------
    told : account.Account

    Raises
    ------
    ExportError
        If the network, the prefix, the folder or a class name does not do, or if it takes more
        than is allowed.
    OSError
        If a file cannot be written.
    """
    check(model, prefix)
    planned, told = fitted(model, class_only, flash_bytes)
    for what, taken, allowed in (
        ("flash_bytes", told.flash_bytes, flash_bytes), ("ram_bytes", told.ram_bytes, ram_bytes),
    ):
        if allowed is not None and taken > allowed:
            raise ExportError(f"{what} is {allowed}; this network takes {taken:,}")
    origin = re.sub(r"[^\w. +-]", "_", origin, flags=re.ASCII)
    image = example_image(model)
    written = layouts.image_bytes(model, image)[0]
    scores = packed.Packed(model).forward(image)[0]
    contents = {
        f"{prefix}.h": c_header.header(planned, prefix, origin),
        f"{prefix}.c": c_source.source(planned, prefix),
        "example.c": c_source.example(planned, prefix, written, scores),
        "README": c_source.readme(planned, prefix, origin, told),
    }
    folder = Path(folder)
    check_folder(folder, contents)
    for name, text in contents.items():
        atomic.write(folder / name, text.encode())
    return told


def fitted(model, class_only, flash_bytes):
    """Plan a program; code the gaps of dense layers one after another while flash is short.

    Parameters
    ----------
    model, class_only, flash_bytes : see `export`

    Returns
    -------
    planned : plan.Plan
    told : account.Account
    """
    dense = [i for i, block in enumerate(model.blocks) if not block.kernel]
    dense.sort(key=lambda i: -model.blocks[i].w.sum())            # the largest saving first
    for n in range(len(dense) + 1):
        planned = plan.plan(model, dense[:n], class_only)
        told = account.account(planned)
        if flash_bytes is None or told.flash_bytes <= flash_bytes:
            break
    return planned, told


def check(model, prefix):
    """Refuse a network or a prefix that C cannot take.

    Parameters
    ----------
    model : frozen.Frozen
    prefix : str

    Raises
    ------
    ExportError
    """
    for i, block in enumerate(model.blocks):
        if block.weights != "0/1":
            raise ExportError(
                f"layer {i} has {block.weights} weights; only 0/1 weights, centred or not, can be "
                'exported. Train all layers with the method "0/1" or "0/1 centred"'
                + (", and without a float first layer" if block.weights == "float" else "")
            )
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,30}", prefix):
        raise ExportError(
            f"prefix is {prefix!r}; it must be a C name: a letter, then at most 30 letters, digits "
            "and underscores"
        )
    if prefix in KEYWORDS.split() or prefix.lower() in TAKEN.split():
        raise ExportError(f"prefix is {prefix!r}, which is a name of C itself or of the example")
    for m, name in enumerate(model.classes):
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            size = None
        if size is None or "\0" in name or size > LONGEST_NAME:
            raise ExportError(
                f"class {m} is called {name[:40]!r}; a C string holds at most {LONGEST_NAME} bytes "
                "of UTF-8, none of them 0"
            )


def check_folder(folder, names):
    """Refuse a folder in which a file of another origin has the name of one to be written.

    Parameters
    ----------
    folder : Path
    names : iterable of str

    Raises
    ------
    ExportError
    """
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder}: this is no folder")
    for name in names:
        path = folder / name
        if path.is_dir() or path.exists() and c_header.MARK.encode() not in path.read_bytes():
            raise ExportError(f"{path} is there and was not written by an export; give another "
                              "folder, or another prefix")


def example_image(model):
    """An image for the example: a drawn digit or shape if the size fits, else random pixels.

    Parameters
    ----------
    model : frozen.Frozen

    Returns
    -------
    image : (1, *shape) uint8
    """
    rng, size = np.random.default_rng(0), math.prod(model.shape)
    if size == 28 * 28:
        image = strokes.draw(np.array([3]), rng)
    elif model.shape == (32, 32, 3):
        image = shapes.draw(np.array([3]), rng)
    else:
        image = rng.integers(0, 256, (1, size)).astype(np.uint8)
    return image.reshape(1, *model.shape)
