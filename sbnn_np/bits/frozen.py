"""A frozen network: what its blocks hold, and which networks can be run.

A hidden neuron keeps one bit for each weight, one integer (its threshold) and one more bit (its
flip). It computes

    bit = [Z >= threshold] xor flip          Z = z, or 64 z - c sum(x) in a centred layer.

z is the sum of the inputs x whose weight is 1, and c / 64 is the centre. `freeze` makes a frozen
network from a trained one.
"""

import math
from dataclasses import dataclass

import numpy as np

from sbnn_np.core import windows
from sbnn_np.support import checks

UNIT = 64                  # centres are multiples of 1/64
FLOAT32_EXACT = 1 << 24    # float32 holds every whole number up to this one
GROUNDS = ("dark", "light", None)


@dataclass(eq=False)
class Block:
    """One layer of a frozen network, with the pooling, batch norm and threshold that followed it.

    Attributes
    ----------
    weights : "0/1", "+-1" or "float"
        A centred layer is "0/1" with a `centre` above 0.
    w : (D, M) bool, or float32 in a float block
        True stands for 1, or for +1 in a "+-1" block.
    shape : (D,) or (H, W, C)
        Shape of one input.
    kernel : (KH, KW), or None in a dense block
    stride, padding : int
    pool : int
        Each square of pool x pool outputs becomes one bit; 1 means no pooling.
    centre : int
        The centre in 64ths, from 0 to 64.
    threshold : (M,) int32, flip : (M,) bool
        The neuron's bit is [Z >= threshold] xor flip. None in float blocks and in the last block.
    factor, offset : (M,) float32
        The last block's scores, and a float block's values before its threshold at 0, are
        factor * sum + offset. None in all other blocks.
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
        """The factor that makes whole numbers of the sums: 64 in a centred block, else 1."""
        return UNIT if self.centre else 1

    @property
    def sums_shape(self):
        """Shape of the sums of one input before pooling: (M,) or (OH, OW, F)."""
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
        """Shape of one output after pooling: (M,) or (OH // pool, OW // pool, F)."""
        if self.kernel is None:
            return self.sums_shape
        OH, OW, F = self.sums_shape
        return OH // self.pool, OW // self.pool, F

    @property
    def places(self):
        """Number of window places in one input, int; 1 in a dense block."""
        return math.prod(self.sums_shape[:-1])

    def sum_bounds(self, max_input, signed=False):
        """Return the smallest and the largest sum Z that each neuron can have.

        Parameters
        ----------
        max_input : int
            Largest input. The smallest one is 0, or -max_input if `signed`.
        signed : bool
            Whether inputs are -1 and +1.

        Returns
        -------
        low, high : (M,) int64

        Examples
        --------
        >>> block = Block("0/1", np.array([[1, 1], [1, 0]], bool), (2,), centre=16)
        >>> block.sum_bounds(1)             # 64 z - 16 sum(x), for x of 0 and 1
        (array([  0, -16]), array([96, 48]))
        """
        D = len(self.w)
        K = self.w.sum(axis=0, dtype=np.int64)
        if self.weights == "+-1":
            high = np.full_like(K, D) if signed else max_input * K
            return -np.full_like(K, D) if signed else -max_input * (D - K), high
        return -self.centre * max_input * (D - K), (self.unit - self.centre) * max_input * K


@dataclass(eq=False)
class Frozen:
    """A frozen network.

    Attributes
    ----------
    blocks : list of Block
    shape : (D,) or (H, W, C)
        Shape of one image. Its pixels are whole numbers from 0 to 255.
    classes : tuple of str
        One name for each score.
    binarize : int or None
        If it is a number, the first block takes the bits [pixel > binarize]. If it is None, the
        first block takes the pixels.
    ground : "dark", "light" or None
        The brightness of the background in the training images. None if it is unknown or mixed.
    """

    blocks: list
    shape: tuple
    classes: tuple
    binarize: int | None = None
    ground: str | None = None

    @property
    def max_input(self):
        """Largest input of the first block, int: 255 for pixels, 1 for bits."""
        return 255 if self.binarize is None else 1

    @property
    def signed(self):
        """Whether activations are -1 and +1, as they are in networks of +-1 weights; bool."""
        return self.blocks[-1].weights == "+-1"

    def pixels(self, images):
        """Check images, and return them as uint8 in the shape that the network takes.

        Parameters
        ----------
        images : (N, *shape), (N, D) or, if C is 1, (N, H, W)
            Whole numbers from 0 to 255 in any real dtype, channels last. D is H * W * C. A network
            whose shape is (D,) takes images of any axes with D numbers.

        Returns
        -------
        pixels : (N, *shape) uint8

        Raises
        ------
        ValueError
            If the images do not fit the network; if they hold other numbers; or if they are bits
            already although the network makes bits of pixels.
        """
        images = np.asarray(images)
        checks.check_shape(images, self.shape)
        if images.dtype != np.uint8:
            if images.dtype.kind not in "buif":
                raise ValueError(f"images are of dtype {images.dtype}; it must be of real numbers")
            # this is False for NaN, which must not be converted
            in_range = ((images >= 0) & (images <= 255)).all()
            converted = images.astype(np.uint8) if in_range else None
            if converted is None or not np.array_equal(converted, images):
                raise ValueError("images hold other numbers than whole ones from 0 to 255")
            images = converted
        if self.binarize and images[0].max() <= 1 and images.max() == 1:
            raise ValueError(
                "images hold 0 and 1 alone, as if they were bits already; the network takes pixels "
                f"from 0 to 255 and makes bits of them, [pixel > {self.binarize}]"
            )
        return images.reshape(-1, *self.shape)

    def first_inputs(self, pixels):
        """Return what the first block takes: the pixels, or the bits [pixel > binarize].

        Parameters
        ----------
        pixels : (N, ...) uint8

        Returns
        -------
        inputs : (N, ...) uint8
        """
        return pixels if self.binarize is None else (pixels > self.binarize).view(np.uint8)


def check(model):
    """Raise ValueError unless every engine can run the network with exact sums.

    Parameters
    ----------
    model : Frozen

    Raises
    ------
    ValueError
        If blocks do not fit one another, if float32 cannot hold their sums exactly, or if a
        threshold, a factor or an offset lies outside its limits.
    TypeError
        If `binarize` or a centre is no whole number.
    """
    if model.binarize is not None:
        checks.whole_number(model.binarize, "binarize", 0, 254)
    if model.ground not in GROUNDS:
        raise ValueError(f'ground is {model.ground!r}; it must be "dark", "light" or None')
    blocks, shape, max_input = model.blocks, model.shape, model.max_input
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        expected = shape if block.kernel else (math.prod(shape),)
        if block.shape != expected:
            raise ValueError(f"block {i} takes {block.shape}; its inputs have shape {expected}")
        if block.kernel and last:
            raise ValueError(f"block {i} is a convolution; the last block must be dense")
        if block.kernel and len(block.shape) != 3:
            raise ValueError(f"block {i} is a convolution; its inputs have shape {block.shape}")
        D = block.kernel[0] * block.kernel[1] * shape[2] if block.kernel else block.shape[0]
        if block.w.shape[0] != D or block.w.shape[1] < 1:
            raise ValueError(f"block {i} has weights of {block.w.shape} for {D} inputs")
        if block.weights == "float" and (i or last):
            raise ValueError(
                f"block {i} has float weights; only the first of several may, in networks of the "
                "methods 0/1, 0/1 centred and +-1"
            )
        if block.weights not in ("float", blocks[-1].weights):
            raise ValueError(f"block {i} is of {block.weights}, and the last one is not")
        if min(block.out_shape) < 1 or block.pool > 1 and not block.kernel:
            raise ValueError(f"block {i} pools {block.sums_shape} by {block.pool}")
        signed = model.signed and i > 0
        largest_centre = UNIT if block.weights == "0/1" else 0
        checks.whole_number(block.centre, f"centre of block {i}", 0, largest_centre)
        if block.weights != "float":
            low, high = block.sum_bounds(max_input, signed)
            if max(-low.min(), high.max()) >= FLOAT32_EXACT:
                raise ValueError(f"sums of block {i} reach {FLOAT32_EXACT}: not exact in float32")
            if not last and ((block.threshold < low) | (block.threshold > high)).any():
                raise ValueError(f"thresholds of block {i} lie outside the range of its sums")
        for name in ("factor", "offset"):
            if (last or block.weights == "float") and not np.isfinite(getattr(block, name)).all():
                raise ValueError(f"{name} of block {i} holds numbers that are not finite")
        if block.weights == "float":
            high = max_input * np.abs(block.w, dtype=np.float64).sum(axis=0)
            low = -high
        if (last or block.weights == "float") and not finite_scores(block, low, high):
            raise ValueError(f"scores of block {i} can become infinite in float32")
        shape, max_input = block.out_shape, 1
    if len(model.classes) != shape[0]:
        raise ValueError(f"classes has {len(model.classes)} names for {shape[0]} scores")


def finite_scores(block, low, high):
    """Whether factor * sum + offset is finite in float32 for all sums from low to high.

    Parameters
    ----------
    block : Block
    low, high : (M,) int64 or float64
        Smallest and largest sum of each neuron, times `block.unit`.

    Returns
    -------
    finite : bool
    """
    with np.errstate(over="ignore", invalid="ignore"):
        ends = (np.stack([low, high]) / block.unit).astype(np.float32)
        return bool(np.isfinite(ends * block.factor + block.offset).all())
