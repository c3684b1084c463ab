"""Engine 2: the frozen network with float32 matrix products.

The bits are floats of 0 and 1 here, and the sums are those of a library for dense matrices: the
engine that the others are compared with.
"""

import numpy as np

from sbnn_np import convolution, freeze, pooling, threads


class Floats:
    """A frozen network, ready to run.

    Parameters
    ----------
    model : freeze.Frozen
    """

    def __init__(self, model):
        self.model = model
        self.w = [values(block) for block in model.blocks]

    def forward(self, images):
        """Compute class scores.

        Parameters
        ----------
        images : see `freeze.Frozen.inputs`

        Returns
        -------
        scores : (N, M) float32
        """
        x = self.model.inputs(images).astype(np.float32)
        for block, w in zip(self.model.blocks, self.w):
            x = x.reshape(-1, *block.shape)
            z = sums(block, w, x, self.model.signs and block is not self.model.blocks[0])
            if block is self.model.blocks[-1]:
                return scored(block, z)
            x = bits(block, z, self.model.signs)
        raise AssertionError("a frozen network has at least one block")


def values(block):
    """What a block's bits stand for, (D, M) float32: 0 and 1 less the centre, or -1 and +1."""
    if block.weights == "float":
        return block.w
    if block.weights == "+-1":
        return np.where(block.w, np.float32(1), np.float32(-1))
    return block.w.astype(np.float32) - np.float32(block.centre / freeze.UNIT)


def sums(block, w, x, signs):
    """Sums of a block before its threshold, pooled: the largest of each square.

    Parameters
    ----------
    block : freeze.Block
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
    z, _ = convolution.conv_forward(x, w, block.kernel, block.stride, block.padding, pad)
    return pooling.maxpool_forward(z, block.pool)[0] if block.pool > 1 else z


def bits(block, z, signs=False):
    """Activations of 0 and 1, or of -1 and +1 if `signs`, from sums; float32."""
    if block.weights == "float":
        fired = threads.apply(lambda z: z * block.factor + block.offset > 0, z)
    else:
        threshold = (block.threshold / block.unit).astype(np.float32)
        fired = threads.apply(lambda z: (z >= threshold) ^ block.flip, z)
    fired = fired.astype(np.float32, copy=False)
    return 2 * fired - 1 if signs else fired


def scored(block, z):
    """Class scores of the last block, (N, M) float32, from sums in float32."""
    return z * block.factor + block.offset
