"""What all engines share: the way in, up to the first block of bits, and the way out, the scores.

Sums of floats depend on the order of additions, so every engine takes both from here.
"""

import numpy as np

from sbnn_np.core import fast
from sbnn_np.support import threads


def sums(block, w, x, signs):
    """Sums of a block before its threshold, pooled: the largest of each square.

    Parameters
    ----------
    block : frozen.Block
    w : (D, M) float32
    x : (N, D) or (N, H, W, C) float32
    signs : bool
        Whether x holds -1 and +1, so that pixels outside are -1.

    Returns
    -------
    z : (N, M) or (N, OH, OW, F) float32
    """
    if block.kernel is None:
        return x @ w
    pad = -1.0 if signs else 0.0
    z, _ = fast.conv_forward(x, w, block.kernel, block.stride, block.padding, pad)
    return fast.maxpool_forward(z, block.pool)[0] if block.pool > 1 else z


def bits(block, z, signs=False):
    """Activations of 0 and 1, or of -1 and +1 if `signs`, from sums; float32."""
    if block.weights == "float":
        fired = z * block.factor + block.offset > 0
    else:
        fired = z >= (block.threshold / block.unit).astype(np.float32)
        fired ^= block.flip
    fired = fired.astype(np.float32)
    return 2 * fired - 1 if signs else fired


def first_bits(model, images):
    """What reaches the first block of bits, (N, ...) uint8: pixels, or bits of a float block.

    Sums of floats depend on the order of additions, so all engines share this one.
    """
    x, block = model.pixels(images), model.blocks[0]
    if block.weights != "float":
        return x
    x = model.first_inputs(x).astype(np.float32).reshape(-1, *block.shape)
    z = sums(block, block.w, x, False)
    return threads.apply(lambda z: bits(block, z), z).astype(np.uint8)


def as_bits(model, x):
    """What `first_bits` gave, as the first block of bits takes it, and its bits a number."""
    if model.blocks[0].weights == "float":
        return x, 1
    return model.first_inputs(x), 8 if model.binarize is None else 1


def scored(block, z):
    """Class scores of the last block, (N, M) float32, from sums in float32."""
    return z * block.factor + block.offset
