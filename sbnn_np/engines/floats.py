"""Engine 2: a frozen network as float32 matrix products, on two threads.

Bits are floats of 0 and 1 here, and a library for dense matrices computes the sums. The other
engines are compared with this one. It is fastest if OPENBLAS_NUM_THREADS=1 is in the environment
before NumPy is imported, because each half of the images has a thread of its own.
"""

import numpy as np

from sbnn_np.bits import frozen
from sbnn_np.engines import common
from sbnn_np.support import threads


class Floats:
    """A frozen network, ready to run on float32 matrix products.

    Parameters
    ----------
    model : frozen.Frozen
    """

    def __init__(self, model):
        self.model = model
        self.blocks = [block for block in model.blocks if block.weights != "float"]
        self.w = [values(block) for block in self.blocks]

    def forward(self, images):
        """Compute class scores.

        Parameters
        ----------
        images : see `frozen.Frozen.pixels`

        Returns
        -------
        scores : (N, M) float32
        """
        return self.forward_inputs(common.engine_inputs(self.model, images))

    def forward_inputs(self, x):
        """Compute class scores from the inputs of the first block that has binary weights.

        Parameters
        ----------
        x : (N, ...) uint8
            See `common.engine_inputs`.

        Returns
        -------
        scores : (N, M) float32
        """
        if any(block.kernel for block in self.blocks):
            # convolutions use both threads themselves
            return self.forward_part(x, threads.elementwise)
        scores = np.empty((len(x), len(self.model.classes)), np.float32)

        def half(n):
            scores[n] = self.forward_part(x[n], lambda f, z: f(z))

        threads.in_halves(half, len(x))
        return scores

    def forward_part(self, x, apply):
        """Compute class scores of a part of the batch.

        Parameters
        ----------
        x : see `forward_inputs`
        apply : function
            apply(f, z) is f(z), for an f that treats each number by itself.

        Returns
        -------
        scores : (N, M) float32
        """
        model = self.model
        x, signed = common.binarized(model, x)[0].astype(np.float32), False
        if model.signed and model.blocks[0].weights == "float":
            x, signed = 2 * x - 1, True
        for block, w in zip(self.blocks, self.w):
            z = common.block_sums(block, w, x.reshape(-1, *block.shape), signed)
            if block is self.blocks[-1]:
                return common.class_scores(block, z)
            x = apply(lambda z, block=block: common.activations(block, z, model.signed), z)
            signed = model.signed
        raise AssertionError("a frozen network has at least one block of bits")


def values(block):
    """Return the values that a block's bits stand for.

    Parameters
    ----------
    block : frozen.Block
        Of binary weights.

    Returns
    -------
    w : (D, M) float32
        0 and 1 less the centre, or -1 and +1.

    Examples
    --------
    >>> values(frozen.Block("0/1", np.array([[True], [False]]), (2,), centre=16)).ravel()
    array([ 0.75, -0.25], dtype=float32)
    """
    if block.weights == "+-1":
        return np.where(block.w, np.float32(1), np.float32(-1))
    return block.w.astype(np.float32) - np.float32(block.centre / frozen.UNIT)
