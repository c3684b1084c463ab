"""What the exported program does step by step, and where each step finds and leaves its numbers.

All activations lie in one array, the arena. A step reads at one end of it and writes at the other,
and the next step goes the other way. So the arena has room for the largest step, not for all of
them.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from sbnn_np.export import layouts

WORD = 4               # bytes; whatever is read as words begins at a multiple of it


@dataclass(eq=False)
class Step:
    """One step of the program.

    Attributes
    ----------
    kind : str
        "unpack bits" or "unpack map": bits, eight to a byte, become bytes of 0 and 1.
        "dense": a layer on bytes. "conv": a convolution, place by place.
    i : int
        Number of the block that it belongs to.
    block : frozen.Block
    takes : str
        What it reads: "pixels" or "bytes", one number a byte; "bits", eight to a byte; or "map".
    max_input : int
    out_bytes, scratch_bytes : int
        What it writes, and what else it needs; 0 written bytes in the last step.
    w : (D, M) bool
        Its weights, in the order in which it meets its inputs; None in an unpacking step.
    table : list of bytes
        What is stored of each neuron.
    limit_size, smallest : int
        See `layouts.stored_limits`; a limit of 0 bytes means that there is none.
    map_shape : (H, W, C)
        Of the map that an unpacking step reads.
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
    table: list = field(default_factory=list)
    limit_size: int = 0
    smallest: int = 0
    map_shape: tuple | None = None
    source: int | None = None
    target: int = 0
    scratch: int = 0

    @property
    def table_bytes(self):
        """Bytes of flash that its table takes."""
        return sum(map(len, self.table))


@dataclass(eq=False)
class Plan:
    """The steps of a network's program.

    Attributes
    ----------
    model : frozen.Frozen
    steps : list of Step
    image_bytes : int
        Of one image; see `layouts.image_bytes`.
    arena_words : int
        Words of 4 bytes for all activations.
    """

    model: object
    steps: list
    image_bytes: int
    arena_words: int = 0


def plan(model):
    """Plan the program of a network.

    Parameters
    ----------
    model : frozen.Frozen
        Of 0/1 weights alone.

    Returns
    -------
    plan : Plan
    """
    first = model.blocks[0]
    size = math.prod(model.shape)
    if model.binarize is None:
        takes, image_bytes = "pixels", size
    elif first.kernel:
        takes, image_bytes = "map", layouts.map_bytes(model.shape)
    else:
        takes, image_bytes = "bits", -(-size // 8)
    steps, max_input, shape = [], model.max_input, model.shape
    for i, block in enumerate(model.blocks):
        last = i == len(model.blocks) - 1
        if block.kernel:
            step = Step("conv", i, block, takes, max_input, layouts.map_bytes(block.out_shape))
            step.w, step.scratch_bytes = block.w, len(block.w)
            takes = "map"
        else:
            if takes in ("bits", "map"):
                step = Step(f"unpack {takes}", i, block, takes, out_bytes=len(block.w))
                step.map_shape = shape if takes == "map" else None
                steps.append(step)
            step = Step("dense", i, block, "bytes", max_input, 0 if last else block.w.shape[1])
            step.w = in_map_order(block.w, shape) if takes == "map" else block.w
            takes = "bytes"
        limits = None
        if not last:
            step.smallest, stored, step.limit_size = layouts.stored_limits(
                block.threshold, block.flip
            )
            limits = stored, step.limit_size
        step.table = layouts.gap_table(step.w, limits)
        steps.append(step)
        max_input, shape = 1, block.out_shape
    return Plan(model, steps, image_bytes, place(steps))


def in_map_order(w, shape):
    """Put the weights of a dense layer behind a map into the order of its bits.

    Parameters
    ----------
    w : (H W C, M) bool
    shape : (H, W, C)

    Returns
    -------
    w : (C H W, M) bool
    """
    M = w.shape[1]
    return w.reshape(*shape, M).transpose(2, 0, 1, 3).reshape(-1, M)


def place(steps):
    """Give each step its places in the arena; returns how many words the arena needs.

    Parameters
    ----------
    steps : list of Step

    Returns
    -------
    words : int
    """
    def whole(n):
        return -(-n // WORD) * WORD

    sources = [0] + [step.out_bytes for step in steps]
    arena = max(
        whole(source) + whole(step.scratch_bytes) + whole(step.out_bytes)
        for source, step in zip(sources, steps)
    )
    for n, step in enumerate(steps):
        step.source = steps[n - 1].target if n else None
        # a step of an even number writes at the end
        step.target = 0 if n % 2 else arena - whole(step.out_bytes)
        step.scratch = whole(step.out_bytes) if n % 2 else whole(sources[n])
    return max(arena, WORD) // WORD
