"""The steps that all engines share: from images to whole-number inputs, and from sums to scores.

A sum of floats depends on the order of its additions. So a first block of float weights is computed
here, once for all engines, and so are the scores.
"""

import numpy as np

from sbnn_np.core import fast
from sbnn_np.support import threads


def block_sums(block, w, x, signed):
    """Compute the sums of a block before its threshold, as float32 matrix products, pooled.

    Parameters
    ----------
    block : frozen.Block
    w : (D, M) float32
        The values of its weights.
    x : (N, D) or (N, H, W, C) float32
    signed : bool
        Whether x holds -1 and +1, so that padding is -1 and not 0.

    Returns
    -------
    z : (N, M) or (N, OH, OW, F) float32
        After pooling: the largest sum of each square.
    """
    if block.kernel is None:
        return x @ w
    pad = -1.0 if signed else 0.0
    z, _ = fast.conv_forward(x, w, block.kernel, block.stride, block.padding, pad)
    return fast.maxpool_forward(z, block.pool)[0] if block.pool > 1 else z


def activations(block, z, signed=False):
    """Compute the activations of a block from its sums.

    Parameters
    ----------
    block : frozen.Block
    z : (N, M) or (N, OH, OW, F) float32
        See `block_sums`.
    signed : bool
        Whether activations are -1 and +1, and not 0 and 1.

    Returns
    -------
    y : float32, in the shape of z
    """
    if block.weights == "float":
        y = z * block.factor + block.offset > 0
    else:
        y = z >= (block.threshold / block.unit).astype(np.float32)
        y ^= block.flip
    y = y.astype(np.float32)
    return 2 * y - 1 if signed else y


def engine_inputs(model, images):
    """Compute the inputs of the first block that has binary weights, before binarization.

    Parameters
    ----------
    model : frozen.Frozen
    images : see `frozen.Frozen.pixels`

    Returns
    -------
    x : (N, ...) uint8
        The pixels. If the first block has float weights, its activations, 0 or 1.
    """
    x, block = model.pixels(images), model.blocks[0]
    if block.weights != "float":
        return x
    x = model.first_inputs(x).astype(np.float32).reshape(-1, *block.shape)
    z = block_sums(block, block.w, x, False)
    return threads.elementwise(lambda z: activations(block, z), z).astype(np.uint8)


def binarized(model, x):
    """Binarize inputs, if the network takes bits of pixels.

    Parameters
    ----------
    model : frozen.Frozen
    x : (N, ...) uint8
        See `engine_inputs`.

    Returns
    -------
    x : (N, ...) uint8
        What the first block with binary weights adds.
    input_bits : int
        Bits of one number of x: 8 for pixels, else 1.
    """
    if model.blocks[0].weights == "float":
        return x, 1
    return model.first_inputs(x), 8 if model.binarize is None else 1


def class_scores(block, z):
    """Compute the scores of the last block.

    Parameters
    ----------
    block : frozen.Block
    z : (N, M) float32
        Its sums.

    Returns
    -------
    scores : (N, M) float32
    """
    return z * block.factor + block.offset
