"""Freeze: a trained network becomes bits and whole numbers, and decides exactly as before.

In training a block is weights, max pooling if any, batch norm and a threshold, all in float32.
But its sums are whole numbers, or multiples of 1/64 in a centred layer, and batch norm followed
by a threshold asks only whether such a number is large enough (or, where the scale is negative,
small enough). So each neuron keeps one integer and one bit:

    bit = [Z >= threshold] xor flip          Z = z, or 64 z - c sum(x) in a centred layer,

where z counts the inputs that are 1 among those the neuron is connected to, and c / 64 is the
centre. The threshold is where float32 itself changes its mind: it is found by bisection with the
batch norm of the trained network, so no rounding is guessed at. Scores are the last block's
factor * z + offset in float32, as in training, where z is Z, or Z / 64 in a centred layer.
"""

import math
from dataclasses import dataclass

import numpy as np

from sbnn_np import layers, windows
from sbnn_np.network import Network

UNIT = 64          # centres are multiples of 1/64
EXACT = 1 << 24    # up to here float32 holds every whole number


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
    """

    blocks: list
    shape: tuple
    classes: tuple
    binarize: int | None = None

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
        images : (N, ...) array
            Of whole numbers from 0 to 255, as many for each image as `shape` has.

        Returns
        -------
        x : (N, ...) uint8

        Raises
        ------
        ValueError
            If they do not fit the network, or are no such numbers.
        """
        images = np.asarray(images)
        if images.ndim < 2 or len(images) == 0 or images[0].size != math.prod(self.shape):
            takes = ", ".join(["N", *map(str, self.shape)])
            raise ValueError(
                f"images have shape {images.shape}; the network takes ({takes}), N at least 1"
            )
        if images.dtype != np.uint8:
            whole = images.astype(np.uint8)
            if not np.array_equal(whole, images):
                raise ValueError("images hold other numbers than whole ones from 0 to 255")
            images = whole
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
        if block.weights != "float":
            low, high = block.reach(largest, signs)
            if max(-low.min(), high.max()) >= EXACT:
                raise ValueError(f"sums of block {i} reach {EXACT}: not exact in float32")
            if not last and ((block.threshold < low) | (block.threshold > high)).any():
                raise ValueError(f"thresholds of block {i} are out of reach")
        for name in ("factor", "offset"):
            if (last or block.weights == "float") and not np.isfinite(getattr(block, name)).all():
                raise ValueError(f"{name} of block {i} holds numbers that are not finite")
        shape, largest = block.out_shape, 1
    if len(model.classes) != shape[0]:
        raise ValueError(f"classes has {len(model.classes)} names for {shape[0]} scores")


def freeze(network, classes=None, binarize=None):
    """Turn a trained network into bits and whole numbers.

    Parameters
    ----------
    network : Network
        Of 0/1 or +-1 weights; its first layer may keep float weights.
    classes : sequence of str, optional
        Left out, "0", "1", and so on.
    binarize : int, optional
        If the network was trained on bits, [pixel > binarize]; left out, on pixels from
        0 to 255.

    Returns
    -------
    model : Frozen

    Raises
    ------
    TypeError
        If a layer cannot be frozen, such as a ternary one, or layers come in an order that this
        does not know, or in another dtype than float32.
    ValueError
        If batch norm holds numbers that are not finite, or `check` finds something.
    """
    if network.dtype != np.float32:
        raise TypeError(f"the network computes in {network.dtype}; only float32 can be frozen")
    activation = "sign" if network.weight_layers[-1].weights == "+-1" else "bit"
    groups = [[]]
    for layer in network.layers:
        if hasattr(layer, "w") and groups[-1]:
            groups.append([])
        groups[-1].append(layer)
    blocks = []
    model = Frozen(blocks, tuple(network.shape), (), binarize)
    for i, group in enumerate(groups):
        largest, last = model.largest if i == 0 else 1, i == len(groups) - 1
        blocks.append(frozen_block(group, i, last, largest, activation))
    M = blocks[-1].w.shape[1]
    model.classes = tuple(classes) if classes is not None else tuple(map(str, range(M)))
    check(model)
    return model


def frozen_block(group, i, last, largest, activation):
    """Freeze a layer of weights and all that follows it up to the next one; the i-th of them.

    Parameters
    ----------
    group : list of layers
    i : int
    last : bool
    largest : int
        Largest input.
    activation : "bit" or "sign"
        Of all hidden layers.
    """
    layer, *others = group
    others = [other for other in others if not isinstance(other, layers.Flatten)]
    weights = getattr(layer, "weights", type(layer).__name__)
    if weights not in ("0/1", "0/1 centred", "+-1", "float"):
        raise TypeError(f"block {i} begins with {weights}; only 0/1, +-1 and float can be frozen")
    order = [type(other) for other in others]
    pools = [layers.MaxPool] * (layers.MaxPool in order)
    if order != pools + [layers.BatchNorm] + [layers.Activation] * (not last):
        raise TypeError(
            f"block {i} must be weights, max pooling if any, batch norm and, but for the last, a "
            f"threshold; it is {', '.join(kind.__name__ for kind in [type(layer), *order])}"
        )
    if not last and others[-1].kind != activation:
        raise TypeError(f"block {i} ends in {others[-1].kind}; its network needs {activation}")
    norm, is_conv = others[len(pools)], isinstance(layer, layers.Conv)
    factor, offset = norm.fold()
    if not (np.isfinite(factor).all() and np.isfinite(offset).all()):
        raise ValueError(f"batch norm of block {i} holds numbers that are not finite")
    block = Block(
        weights="0/1" if weights == "0/1 centred" else weights,
        w=(layer.w if weights == "float" else layer.mask).copy(),
        shape=tuple(layer.shape) if is_conv else (len(layer.w),),
        pool=others[0].size if pools else 1,
    )
    if is_conv:
        block.kernel, block.stride, block.padding = tuple(layer.kernel), layer.stride, layer.padding
    if last or weights == "float":
        block.factor, block.offset = factor.astype(np.float32), offset.astype(np.float32)
    if weights != "float":
        block.centre = round(UNIT * layer.centre)
        if not last:
            low, high = block.reach(largest, signs=i > 0 and activation == "sign")
            block.threshold, block.flip = thresholds(norm, low, high, block.unit)
    return block


def thresholds(norm, low, high, unit):
    """Find where batch norm, in its own float32, turns positive; or stops to be.

    Parameters
    ----------
    norm : BatchNorm
        Monotone in each neuron's sum, as float32 rounding keeps the order.
    low, high : (M,) int64
        Smallest and largest sum of each neuron, times unit.
    unit : int

    Returns
    -------
    threshold : (M,) int32
        From low to high. A neuron that is always the same has its `low`.
    flip : (M,) bool

    Examples
    --------
    >>> norm = layers.BatchNorm(np.array([1, -1, 0], np.float32))
    >>> norm.mean[:], norm.var[:] = 2.5, 1
    >>> threshold, flip = thresholds(norm, np.zeros(3, int), np.full(3, 5), unit=1)
    >>> threshold, flip
    (array([3, 3, 0], dtype=int32), array([False,  True,  True]))
    """
    falling = norm.fold()[0] < 0

    def passed(Z):
        z = (Z / unit).astype(norm.mean.dtype)
        return (norm.forward(z[None])[0] > 0) != falling

    first, beyond = low.copy(), high + 1
    while (first < beyond).any():
        middle = (first + beyond) // 2
        yes = passed(np.minimum(middle, high))
        searching = first < beyond
        beyond = np.where(searching & yes, middle, beyond)
        first = np.where(searching & ~yes, middle + 1, first)
    never = first > high
    return np.where(never, low, first).astype(np.int32), falling ^ never


def thaw(model):
    """A network of the weights of a frozen one, to be counted: batch norm does not come back.

    Parameters
    ----------
    model : Frozen

    Returns
    -------
    network : Network
    """
    found = []
    for block in model.blocks:
        weights = "0/1 centred" if block.centre else block.weights
        latent = block.w if weights == "float" else block.w.astype(np.float32) - np.float32(0.5)
        if block.kernel is None:
            layer = layers.Dense(latent, weights)
        else:
            layer = layers.Conv(
                latent, block.shape, block.kernel, weights, not found, block.stride, block.padding
            )
        if block.centre:
            layer.set_centre(block.centre / UNIT)
        found += [layer] + [layers.MaxPool(block.pool)] * (block.pool > 1)
    return Network(found, model.shape)
