"""A frozen network: what its blocks hold, and which of them can be run.

Each hidden neuron keeps bits for weights, one integer and one bit:

    bit = [Z >= threshold] xor flip          Z = z, or 64 z - c sum(x) in a centred layer,

where z counts the inputs that are 1 among those the neuron is connected to, and c / 64 is the
centre. `freeze` makes such a network from a trained one.
"""

import math
import operator
from dataclasses import dataclass

import numpy as np

from sbnn_np.core import windows

UNIT = 64          # centres are multiples of 1/64
EXACT = 1 << 24    # up to here float32 holds every whole number
GROUNDS = ("dark", "light", None)


@dataclass(eq=False)
class Block:
    """What a layer, and the pooling, batch norm and threshold behind it, have become.

    Attributes
    ----------
    weights : "0/1", "+-1" or "float"
        Centred layers are "0/1" with a `centre` that is not 0.
    w : (D, M) bool, or float32 of a float block
        In a "+-1" block True stands for +1.
    shape : (D,) or (H, W, C)
        Of what comes in.
    kernel : (KH, KW), or None in a dense block
    stride, padding : int
    pool : int
        Size of the squares of which one bit remains; 1 without pooling.
    centre : int
        In 64ths.
    threshold : (M,) int32, flip : (M,) bool
        The neuron's bit is [Z >= threshold] xor flip. None in float blocks and in the last one.
    factor, offset : (M,) float32
        Scores, or the sums of a float block, are factor * sum + offset. None in all others.
    """

    weights: str
    w: np.ndarray
    shape: tuple
    kernel: tuple | None = None
    stride: int = 1
    padding: int = 0
    pool: int = 1
    centre: int = 0
    threshold: np.ndarray | None = None
    flip: np.ndarray | None = None
    factor: np.ndarray | None = None
    offset: np.ndarray | None = None

    @property
    def unit(self):
        """What sums are multiplied by to be whole numbers: 64 if centred, else 1."""
        return UNIT if self.centre else 1

    @property
    def sums_shape(self):
        """Shape of the sums of one input: (M,) or (OH, OW, F)."""
        if self.kernel is None:
            return (self.w.shape[1],)
        H, W, _ = self.shape
        return (
            windows.out_size(H, self.kernel[0], self.stride, self.padding),
            windows.out_size(W, self.kernel[1], self.stride, self.padding),
            self.w.shape[1],
        )

    @property
    def out_shape(self):
        """Shape of what goes out: (M,), or (OH, OW, F) divided by the pooling."""
        if self.kernel is None:
            return self.sums_shape
        OH, OW, F = self.sums_shape
        return OH // self.pool, OW // self.pool, F

    @property
    def places(self):
        """Places of an input at which each neuron computes its sum."""
        return math.prod(self.sums_shape[:-1])

    def reach(self, largest, signs=False):
        """Smallest and largest sum Z that each neuron can have.

        Parameters
        ----------
        largest : int
            Largest input; the smallest is 0, or its negative if `signs`.
        signs : bool
            Whether inputs are -1 and +1.

        Returns
        -------
        low, high : (M,) int64
        """
        D = len(self.w)
        K = self.w.sum(axis=0, dtype=np.int64)
        if self.weights == "+-1":
            high = np.full_like(K, D) if signs else largest * K
            return -np.full_like(K, D) if signs else -largest * (D - K), high
        return -self.centre * largest * (D - K), (self.unit - self.centre) * largest * K


@dataclass(eq=False)
class Frozen:
    """A frozen network.

    Attributes
    ----------
    blocks : list of Block
    shape : (D,) or (H, W, C)
        Of an input: whole numbers from 0 to 255.
    classes : tuple of str
    binarize : int or None
        If given, an input counts as 1 if it is above this, else as 0.
    ground : "dark", "light" or None
        Of the images that it was trained on: what lies behind the things they show. None if
        that is not known, or if it is now one and now the other.
    """

    blocks: list
    shape: tuple
    classes: tuple
    binarize: int | None = None
    ground: str | None = None

    @property
    def largest(self):
        """The largest number that reaches the first block."""
        return 255 if self.binarize is None else 1

    @property
    def signs(self):
        """Whether activations are -1 and +1, as between +-1 weights."""
        return self.blocks[-1].weights == "+-1"

    def inputs(self, images):
        """Images as pixels, after a look at whether they can be.

        Parameters
        ----------
        images : (N, *shape), flat (N, D), or (N, H, W) if C is 1
            Whole numbers from 0 to 255, of any dtype of real numbers; channels last. A network
            that takes rows of D numbers takes images of any axes with so many.

        Returns
        -------
        x : (N, ...) uint8

        Raises
        ------
        ValueError
            If they do not fit the network, or are no such numbers; or if they are bits already,
            where the network makes bits of pixels.
        """
        images = np.asarray(images)
        shape, D = tuple(self.shape), math.prod(self.shape)
        fits = [shape, (D,)] + [shape[:2]] * (len(shape) == 3 and shape[2] == 1)
        each = images.shape[1:]
        if not len(images.shape) > 1 or len(images) == 0 or not (
            each in fits or len(shape) == 1 and math.prod(each) == D
        ):
            takes = " or ".join(
                f"({', '.join(map(str, ('N', *fit)))})" for fit in dict.fromkeys(fits)
            )
            order = ", channels last" if len(shape) == 3 else ""
            raise ValueError(
                f"images have shape {images.shape}; the network takes {takes}{order}, N at least 1"
            )
        if images.dtype != np.uint8:
            if images.dtype.kind not in "buif":
                raise ValueError(f"images are of dtype {images.dtype}; it must be of real numbers")
            # not so for NaN, which may not be converted
            within = ((images >= 0) & (images <= 255)).all()
            whole = images.astype(np.uint8) if within else None
            if whole is None or not np.array_equal(whole, images):
                raise ValueError("images hold other numbers than whole ones from 0 to 255")
            images = whole
        if self.binarize and images[0].max() <= 1 and images.max() == 1:
            raise ValueError(
                "images hold 0 and 1 alone, as if they were bits already; the network takes pixels "
                f"from 0 to 255 and makes bits of them, [pixel > {self.binarize}]"
            )
        return images.reshape(-1, *self.shape)

    def seen(self, pixels):
        """What reaches the first block: the pixels, or bits of them; uint8."""
        return pixels if self.binarize is None else (pixels > self.binarize).view(np.uint8)


def check(model):
    """Raise ValueError if blocks do not fit one another, or their sums are not exact in float32.

    What this lets pass, every engine can run.

    Parameters
    ----------
    model : Frozen
    """
    if model.binarize is not None:
        whole_number(model.binarize, "binarize", 0, 254)
    if model.ground not in GROUNDS:
        raise ValueError(f'ground is {model.ground!r}; it must be "dark", "light" or None')
    blocks, shape, largest = model.blocks, model.shape, model.largest
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        expected = shape if block.kernel else (math.prod(shape),)
        if block.shape != expected:
            raise ValueError(f"block {i} takes {block.shape}; what comes in is {expected}")
        if block.kernel and last:
            raise ValueError(f"block {i} is a convolution; the last block must be dense")
        if block.kernel and len(block.shape) != 3:
            raise ValueError(f"block {i} is a convolution, and what comes in has {block.shape}")
        window = block.kernel[0] * block.kernel[1] * shape[2] if block.kernel else block.shape[0]
        if block.w.shape[0] != window or block.w.shape[1] < 1:
            raise ValueError(f"block {i} has weights of {block.w.shape} for {window} inputs")
        if block.weights == "float" and (i or last):
            raise ValueError(f"block {i} has float weights; only the first of several may")
        if block.weights not in ("float", blocks[-1].weights):
            raise ValueError(f"block {i} is of {block.weights}, and the last one is not")
        if min(block.out_shape) < 1 or block.pool > 1 and not block.kernel:
            raise ValueError(f"block {i} pools {block.sums_shape} by {block.pool}")
        signs = model.signs and i > 0
        whole_number(block.centre, f"centre of block {i}", 0, UNIT * (block.weights == "0/1"))
        if block.weights != "float":
            low, high = block.reach(largest, signs)
            if max(-low.min(), high.max()) >= EXACT:
                raise ValueError(f"sums of block {i} reach {EXACT}: not exact in float32")
            if not last and ((block.threshold < low) | (block.threshold > high)).any():
                raise ValueError(f"thresholds of block {i} are out of reach")
        for name in ("factor", "offset"):
            if (last or block.weights == "float") and not np.isfinite(getattr(block, name)).all():
                raise ValueError(f"{name} of block {i} holds numbers that are not finite")
        if block.weights == "float":
            most = largest * np.abs(block.w, dtype=np.float64).sum(axis=0)
            low, high = -most, most
        if (last or block.weights == "float") and not finite_scores(block, low, high):
            raise ValueError(f"scores of block {i} can become infinite in float32")
        shape, largest = block.out_shape, 1
    if len(model.classes) != shape[0]:
        raise ValueError(f"classes has {len(model.classes)} names for {shape[0]} scores")


def finite_scores(block, low, high):
    """Whether factor * sum + offset is finite in float32 for all sums from low to high.

    Parameters
    ----------
    block : Block
    low, high : (M,) array
        Sums of each neuron, times the block's unit.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        ends = (np.stack([low, high]) / block.unit).astype(np.float32)
        return bool(np.isfinite(ends * block.factor + block.offset).all())


def whole_number(value, name, low, high):
    """A value as an int, if it is a whole number from low to high, of Python or of NumPy.

    Parameters
    ----------
    value : int or NumPy integer
    name : str
        For the error.
    low, high : int

    Raises
    ------
    TypeError, ValueError
        If it is no whole number, or lies outside.

    Examples
    --------
    >>> whole_number(np.int64(127), "binarize", 0, 254)
    127
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; it must be a whole number") from None
    if not low <= number <= high:
        raise ValueError(f"{name} is {number}; it must be from {low} to {high}")
    return number
