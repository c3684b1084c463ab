"""Make the page: one HTML file that holds a model file, and needs neither network nor library.

The page is written in HTML, CSS and JavaScript, in files beside this one. Here they are joined to
one file. With them go the bytes of the model file, the test images and the trace of a training, if
there is one, as JSON. The page reads the model file itself.
"""

import base64
import json
import math
import re
from pathlib import Path

import numpy as np

from sbnn_np.bits import storage

SUPPORTED = "the page shows networks whose weights are all 0 or 1, centred or not"
LARGEST_SIDE = 64                       # of the picture
MOST_LAYERS = 8
MOST_BITS = 8192                        # of a layer
MOST_EXAMPLES = 20


class PageError(ValueError):
    """The page cannot show this network, image or trace."""


def make(model, images=(), names=(), trace=None):
    """Make the page of a network.

    Parameters
    ----------
    model : frozen.Frozen
    images : (N, *model.shape) uint8
        Test images that can be clicked, at most 20.
    names : sequence of N str
        What each of them is called.
    trace : trace.Trace, optional
        Of the training that the second view plays.

    Returns
    -------
    html : str

    Raises
    ------
    PageError
        If the page cannot show the network, or the trace is of pictures of another size.
    """
    side = check(model)
    if len(images) > MOST_EXAMPLES:
        raise PageError(f"{len(images)} test images; the page has room for {MOST_EXAMPLES}")
    if trace is not None and trace.shape != (side, side):
        rows, columns = trace.shape
        raise PageError(
            f"the trace is of pictures of {rows} x {columns} pixels; the network takes "
            f"{side} x {side}"
        )
    data = {
        "file": text_of(storage.dumps(model)),
        "examples": [[name, text_of(image.tobytes())] for name, image in zip(names, images)],
        "trace": trace and of_trace(trace),
    }
    # in HTML, "<" might end the script; in JSON, it may be written as its number
    content = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return joined().replace('id="data"></script>', f'id="data">{content}</script>')


def check(model):
    """Raise PageError unless the page can show a network; return the side of its pictures.

    Parameters
    ----------
    model : frozen.Frozen

    Returns
    -------
    side : int
        In pixels.

    Raises
    ------
    PageError
        If a layer has float or +-1 weights; if there are too many layers, or outputs of a layer; or
        if it takes something else than square grey pictures of 4 to 64 pixels a side.
    """
    for i, block in enumerate(model.blocks):
        if block.weights != "0/1":
            raise PageError(f"layer {i + 1} has {block.weights} weights; {SUPPORTED}")
        if (bits := math.prod(block.out_shape)) > MOST_BITS:
            raise PageError(f"layer {i + 1} has {bits} outputs; the page shows {MOST_BITS} at most")
    if not 2 <= len(model.blocks) <= MOST_LAYERS:
        raise PageError(
            f"the network has {len(model.blocks)} layers; the page shows 2 to {MOST_LAYERS}"
        )
    side = math.isqrt(math.prod(model.shape))
    if model.shape not in ((side * side,), (side, side, 1)) or not 4 <= side <= LARGEST_SIDE:
        takes = " x ".join(map(str, model.shape))
        raise PageError(
            f"the network takes {takes} numbers; the page needs square grey pictures of 4 to "
            f"{LARGEST_SIDE} pixels a side"
        )
    return side


def joined():
    """The page's sources as one text, in which data are still missing."""
    folder = Path(__file__).parent

    def source(name):
        return (folder / name).read_text(encoding="utf-8")

    html = source("page.html")
    html = re.sub(
        r'<link rel="stylesheet" href="(.*?)">',
        lambda found: f"<style>\n{source(found[1])}</style>", html,
    )
    return re.sub(
        r'<script src="(.*?)"></script>',
        lambda found: f"<script>\n{source(found[1])}</script>", html,
    )


def of_trace(trace):
    """A trace as an object of JSON.

    Parameters
    ----------
    trace : trace.Trace
    """
    def rounded(values):
        return [round(float(value), 6) for value in values]

    return {
        "shape": list(trace.shape),
        "neurons": len(trace.bits[0]),
        "bits": [text_of(np.packbits(bits, bitorder="little").tobytes()) for bits in trace.bits],
        "density": rounded(trace.density),
        "layer_densities": [rounded(row) for row in trace.densities],
        "accuracy": [None, *rounded(trace.accuracy)],
    }


def text_of(content):
    """Bytes as text, in base64.

    Examples
    --------
    >>> text_of(bytes([0, 1, 255]))
    'AAH/'
    """
    return base64.b64encode(content).decode("ascii")
