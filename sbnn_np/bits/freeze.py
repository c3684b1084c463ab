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

import numpy as np

from sbnn_np.bits.frozen import UNIT, Block, Frozen, check, whole_number
from sbnn_np.core import layers
from sbnn_np.core.network import Network

FREEZABLE = "networks of the methods 0/1, 0/1 centred and +-1 can be frozen"


def freeze(network, classes=None, binarize=None, ground=None):
    """Turn a trained network into bits and whole numbers.

    Parameters
    ----------
    network : Network
        Of 0/1 or +-1 weights; its first layer may keep float weights.
    classes : sequence of str, optional
        Left out, "0", "1", and so on.
    binarize : int, optional
        If the network was trained on bits, [pixel > binarize]; left out, on pixels from
        0 to 255. From 0 to 254.
    ground : "dark" or "light", optional
        What lies behind the things that the training images show; left out, not known.

    Returns
    -------
    model : Frozen

    Raises
    ------
    TypeError
        If a layer cannot be frozen, such as a ternary one, or layers come in an order that this
        does not know, or in another dtype than float32; or if `binarize` is no whole number.
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
    if binarize is not None:
        binarize = whole_number(binarize, "binarize", 0, 254)
    model = Frozen(blocks, tuple(map(int, network.shape)), (), binarize, ground)
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
        raise TypeError(
            f"block {i} begins with {weights}; {FREEZABLE}, and their first layer may be float"
        )
    order = [type(other) for other in others]
    pools = [layers.MaxPool] * (layers.MaxPool in order)
    if order != pools + [layers.BatchNorm] + [layers.Activation] * (not last):
        raise TypeError(
            f"block {i} must be weights, max pooling if any, batch norm and, but for the last, a "
            f"threshold; it is {', '.join(kind.__name__ for kind in [type(layer), *order])}"
        )
    if not last and others[-1].kind != activation:
        raise TypeError(f"block {i} ends in {others[-1].kind}, not in {activation}; {FREEZABLE}")
    norm, is_conv = others[len(pools)], isinstance(layer, layers.Conv)
    factor, offset = norm.fold()
    if not (np.isfinite(factor).all() and np.isfinite(offset).all()):
        raise ValueError(f"batch norm of block {i} holds numbers that are not finite")
    block = Block(
        weights="0/1" if weights == "0/1 centred" else weights,
        w=(layer.w if weights == "float" else layer.mask).copy(),
        shape=tuple(map(int, layer.shape)) if is_conv else (len(layer.w),),
        pool=int(others[0].size) if pools else 1,
    )
    if is_conv:
        block.kernel = tuple(map(int, layer.kernel))
        block.stride, block.padding = int(layer.stride), int(layer.padding)
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
