"""Freeze: a trained network becomes bits and whole numbers, and gives the same answers.

When a trained network is evaluated, a block computes weighted sums, max pooling if any, batch norm
and a threshold, all in float32. The sums are whole numbers, or multiples of 1/64 in a centred
layer. Batch norm followed by a threshold asks one question: is this sum large enough? (If the
scale is negative: is it small enough?) So each neuron needs only one integer and one bit:

    bit = [Z >= threshold] xor flip          Z = z, or 64 z - c sum(x) in a centred layer.

z is the sum of the inputs x whose weight is 1, and c / 64 is the centre. Bisection finds the
threshold: it asks the batch norm of the trained network, in float32, which sums pass. So float32
rounding is part of the answer. The last block's scores are factor * z + offset in float32, with
Z / 64 in the place of z in a centred layer; factor and offset come from batch norm's running
statistics.
"""

import numpy as np

from sbnn_np.bits.frozen import UNIT, Block, Frozen, check
from sbnn_np.core import layers
from sbnn_np.core.network import Network
from sbnn_np.support import checks

FREEZABLE = "networks of the methods 0/1, 0/1 centred and +-1 can be frozen"


def freeze(network, classes=None, binarize=None, ground=None):
    """Turn a trained network into bits and whole numbers.

    Parameters
    ----------
    network : Network
        A network of 0/1 or +-1 weights. Its first layer may have float weights.
    classes : sequence of str, optional
        A name for each score. The default is "0", "1", and so on.
    binarize : int, optional
        From 0 to 254. The network was trained on the bits [pixel > binarize]. Left out, it was
        trained on pixels from 0 to 255.
    ground : "dark" or "light", optional
        The brightness of the background in the training images. Left out, it is unknown.

    Returns
    -------
    model : Frozen

    Raises
    ------
    TypeError
        If a layer is of a kind that cannot be frozen (a ternary one, for example), if layers come
        in an unknown order, if the dtype is not float32, or if `binarize` is no whole number.
    ValueError
        If batch norm holds numbers that are not finite, if `check` raises it, or if the network was
        trained on other inputs; see `check_inputs`.
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
        binarize = checks.whole_number(binarize, "binarize", 0, 254)
    check_inputs(network.trained_on, binarize)
    model = Frozen(blocks, tuple(map(int, network.shape)), (), binarize, ground)
    for i, group in enumerate(groups):
        max_input, last = model.max_input if i == 0 else 1, i == len(groups) - 1
        blocks.append(frozen_block(group, i, last, max_input, activation))
    M = blocks[-1].w.shape[1]
    model.classes = tuple(classes) if classes is not None else tuple(map(str, range(M)))
    check(model)
    return model


def check_inputs(trained_on, binarize):
    """Refuse to freeze a network for other inputs than those that it was trained on.

    Parameters
    ----------
    trained_on : "bits", "pixels", "other" or None
        See `core.network.Network`; None if that is not known.
    binarize : int or None
        See `freeze`.

    Raises
    ------
    ValueError
        If `binarize` does not describe what the network was trained on, or if that was neither
        bits nor pixels.

    Examples
    --------
    >>> check_inputs("bits", binarize=127)
    >>> check_inputs("pixels", binarize=None)
    """
    if trained_on == "other":
        raise ValueError(
            "the network was trained on images of other numbers than pixels, whole ones from 0 to "
            "255, or bits; a frozen network takes nothing else"
        )
    if trained_on == "bits" and binarize is None:
        raise ValueError(
            "binarize is None, and the network was trained on bits; it must be the number that a "
            "pixel had to be above to be 1, or 0 if the images hold 0 and 1 themselves"
        )
    if trained_on == "pixels" and binarize is not None:
        raise ValueError(
            f"binarize is {binarize}, and the network was trained on pixels from 0 to 255; it must "
            "be left out"
        )


def frozen_block(group, i, last, max_input, activation):
    """Freeze one layer of weights, together with the layers up to the next layer of weights.

    Parameters
    ----------
    group : list of layers
        The layer of weights, then the layers that follow it.
    i : int
        Number of the block, from 0.
    last : bool
        Whether this is the last block.
    max_input : int
        Largest input of the block.
    activation : "bit" or "sign"
        The activation of all hidden layers.

    Returns
    -------
    block : Block

    Raises
    ------
    TypeError, ValueError
        See `freeze`.
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
            low, high = block.sum_bounds(max_input, signed=i > 0 and activation == "sign")
            block.threshold, block.flip = thresholds(norm, low, high, block.unit)
    return block


def thresholds(norm, low, high, unit):
    """Find the sum from which batch norm, in its own float32, is positive; or no longer positive.

    Parameters
    ----------
    norm : BatchNorm
        Monotone in each neuron's sum, because float32 rounding keeps the order.
    low, high : (M,) int64
        Smallest and largest sum of each neuron, times unit.
    unit : int
        See `Block.unit`.

    Returns
    -------
    threshold : (M,) int32
        From low to high. A neuron whose bit never changes has `low`.
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

    def passes(Z):
        z = (Z / unit).astype(norm.mean.dtype)
        return (norm.forward(z[None])[0] > 0) != falling

    # bisection: first is the smallest candidate, and beyond is known to pass or is high + 1
    first, beyond = low.copy(), high + 1
    while (first < beyond).any():
        middle = (first + beyond) // 2
        passed = passes(np.minimum(middle, high))
        searching = first < beyond
        beyond = np.where(searching & passed, middle, beyond)
        first = np.where(searching & ~passed, middle + 1, first)
    never = first > high
    return np.where(never, low, first).astype(np.int32), falling ^ never


def thaw(model):
    """Make a network with the weights of a frozen one, for counting. It has no batch norm.

    Parameters
    ----------
    model : Frozen

    Returns
    -------
    network : Network
    """
    thawed = []
    for block in model.blocks:
        weights = "0/1 centred" if block.centre else block.weights
        latent = block.w if weights == "float" else block.w.astype(np.float32) - np.float32(0.5)
        if block.kernel is None:
            layer = layers.Dense(latent, weights)
        else:
            layer = layers.Conv(
                latent, block.shape, block.kernel, weights, not thawed, block.stride, block.padding
            )
        if block.centre:
            layer.write_centre(block.centre / UNIT)
        thawed += [layer] + [layers.MaxPool(block.pool)] * (block.pool > 1)
    return Network(thawed, model.shape)
