"""What the exported program does step by step, and where each step finds and leaves its numbers.

All activations lie in one array, the arena. A step reads at one end of it and writes at the other,
and the next step goes the other way. So the arena has room for the largest step, not for all of
them.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from sbnn_np.export import layouts, row_words

WORD = 4               # bytes; what is read as words begins at a multiple of it
# A one whose input is a single bit of a byte costs about 5 instructions more than one that is a
# byte; to make bytes of all bits costs about 6 for each.
UNPACKING, BIT = 6, 5


@dataclass(eq=False)
class Step:
    """One step of the program.

    Attributes
    ----------
    kind : str
        "unpack": bits, eight to a byte, become bytes of 0 and 1. "dense": a dense layer. "places":
        a convolution that computes place by place. "rows": one that computes for rows of places.
    i : int
        Number of the block that it belongs to.
    block : frozen.Block
    takes : str
        What it reads: "bytes", one number a byte; "bits", eight to a byte; or "map", see
        `layouts.map_bytes`.
    max_input : int
    out_bytes, scratch_bytes : int
        What it writes, and what else it needs; 0 written bytes in the last step.
    w : (D, M) bool
        Its weights, in the order in which it meets its inputs; None in an unpacking step.
    layout : "gaps", "coded" or "fours"
        How its ones are listed.
    table : list of bytes
        What is stored of each neuron.
    bits : bytes
        What a coded layer stores behind that.
    limit_size, smallest : int
        See `layouts.stored_limits`; a limit of 0 bytes means that there is none.
    count_size, low_bits : int
        See `layouts.coded_table`.
    rows : (int, int), or row_words.RowWords
        What an unpacking step reads: rows, and the bits of a row. What a step "rows" needs.
    source, target, scratch : int
        Bytes of the arena where these begin. A source of None is the image.
    """

    kind: str
    i: int
    block: object
    takes: str
    max_input: int = 1
    out_bytes: int = 0
    scratch_bytes: int = 0
    w: np.ndarray | None = None
    layout: str = "gaps"
    table: list = field(default_factory=list)
    bits: bytes = b""
    limit_size: int = 0
    smallest: int = 0
    count_size: int = 0
    low_bits: int = 0
    rows: object = None
    source: int | None = None
    target: int = 0
    scratch: int = 0

    @property
    def content(self):
        """All bytes of its table."""
        return b"".join(self.table) + self.bits


@dataclass(eq=False)
class Plan:
    """The steps of a network's program.

    Attributes
    ----------
    model : frozen.Frozen
    steps : list of Step
    image_bytes : int
        Of one image; see `layouts.image_bytes`.
    class_only : bool
        Whether the program computes the class from whole numbers, and no scores.
    arena_words : int
        Words of 4 bytes for all activations.
    """

    model: object
    steps: list
    image_bytes: int
    class_only: bool
    arena_words: int


def plan(model, coded=(), class_only=False):
    """Plan the program of a network.

    Parameters
    ----------
    model : frozen.Frozen
        Of 0/1 weights alone.
    coded : collection of int
        Numbers of the dense layers whose gaps are coded.
    class_only : bool

    Returns
    -------
    plan : Plan
    """
    first, pixels = model.blocks[0], math.prod(model.shape)
    takes, image_bytes = "bytes", pixels
    if model.binarize is not None:
        takes = "map" if first.kernel else "bits"
        image_bytes = layouts.map_bytes(model.shape) if first.kernel else -(-pixels // 8)
    steps, max_input, shape = [], model.max_input, model.shape
    for i, block in enumerate(model.blocks):
        if block.kernel:
            steps.append(convolution(block, i, takes, max_input))
            takes = "map"
        else:
            steps += dense_steps(block, i, takes, max_input, shape, i in coded)
            takes = "bytes"
        max_input, shape = 1, block.out_shape
    return Plan(model, steps, image_bytes, class_only, place(steps))


def convolution(block, i, takes, max_input):
    """Plan a convolution.

    Parameters
    ----------
    block, i, takes, max_input : see `Step`

    Returns
    -------
    step : Step
    """
    step = Step("places", i, block, takes, max_input, layouts.map_bytes(block.out_shape))
    step.w, step.scratch_bytes, threshold = block.w, len(block.w), block.threshold
    if row_words.can(block, takes):
        step.kind, step.layout, step.rows = "rows", "fours", row_words.RowWords(block)
        step.scratch_bytes = WORD * step.rows.bands * step.rows.band_words
        threshold = step.rows.thresholds(block)
    step.smallest, *limits = layouts.stored_limits(threshold, block.flip)
    step.limit_size = limits[1]
    if step.kind == "rows":
        step.table = step.rows.table(block.w, limits, block)
    else:
        step.table = layouts.gap_table(block.w, limits)
    return step


def dense_steps(block, i, takes, max_input, shape, coded):
    """Plan a dense layer, and the unpacking of its inputs if that pays.

    Parameters
    ----------
    block, i, takes, max_input : see `Step`
    shape : tuple
        Of its inputs.
    coded : bool

    Returns
    -------
    steps : list of Step
    """
    M, last = block.w.shape[1], block.threshold is None
    steps, w = [], block.w
    if takes == "map":
        w = w.reshape(*shape, M).transpose(2, 0, 1, 3)            # channel by channel
        rows, W = shape[2] * shape[0], shape[1]
        w = w.reshape(rows, W, M)
    else:
        rows, W = 1, len(w)
    if takes in ("bits", "map"):
        if UNPACKING * len(block.w) < BIT * block.w.sum():
            steps.append(Step("unpack", i, block, takes, out_bytes=rows * W, rows=(rows, W)))
            takes = "bytes"
        else:
            takes = "bits"
            w = np.pad(w.reshape(rows, W, M), ((0, 0), (0, -W % 8), (0, 0)))
    step = Step("dense", i, block, takes, max_input, 0 if last else M)
    step.w, limits = w.reshape(-1, M), None
    if not last:
        step.smallest, *limits = layouts.stored_limits(block.threshold, block.flip)
        step.limit_size = limits[1]
    if coded:
        step.layout = "coded"
        step.table, step.bits, step.low_bits, step.count_size = layouts.coded_table(step.w, limits)
    else:
        step.table = layouts.gap_table(step.w, limits)
    return [*steps, step]


def place(steps):
    """Give each step its places in the arena.

    Parameters
    ----------
    steps : list of Step

    Returns
    -------
    words : int
        How many the arena needs.
    """
    def whole(n):
        return -(-n // WORD) * WORD

    read = [0] + [step.out_bytes for step in steps]
    arena = max(
        whole(source) + whole(step.scratch_bytes) + whole(step.out_bytes)
        for source, step in zip(read, steps)
    )
    for n, step in enumerate(steps):
        step.source = steps[n - 1].target if n else None
        # steps of even numbers write at the end
        step.target = 0 if n % 2 else arena - whole(step.out_bytes)
        step.scratch = whole(step.out_bytes) if n % 2 else whole(read[n])
    return arena // WORD
