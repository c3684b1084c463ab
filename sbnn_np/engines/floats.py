"""Engine 2: the frozen network with float32 matrix products, on two threads.

The bits are floats of 0 and 1 here, and the sums are those of a library for dense matrices: the
engine that the others are compared with. It is fastest with OPENBLAS_NUM_THREADS=1 in the
environment before NumPy is imported, as each half of the images has a thread already.
"""

import numpy as np

from sbnn_np.bits import frozen
from sbnn_np.engines import common
from sbnn_np.support import threads


class Floats:
    """A frozen network, ready to run.

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
        return self.run(common.first_bits(self.model, images))

    def run(self, x):
        """Scores from what `common.first_bits` gives."""
        if any(block.kernel for block in self.blocks):
            # convolutions use both threads themselves
            return self.through(x, threads.apply)
        scores = np.empty((len(x), len(self.model.classes)), np.float32)

        def half(n):
            scores[n] = self.through(x[n], lambda f, z: f(z))

        threads.halves(half, len(x))
        return scores

    def through(self, x, apply):
        """The same; apply(f, z) is f(z), for an f of single numbers."""
        model = self.model
        x, signs = common.as_bits(model, x)[0].astype(np.float32), False
        if model.signed and model.blocks[0].weights == "float":
            x, signs = 2 * x - 1, True
        for block, w in zip(self.blocks, self.w):
            z = common.sums(block, w, x.reshape(-1, *block.shape), signs)
            if block is self.blocks[-1]:
                return common.scored(block, z)
            x = apply(lambda z, block=block: common.bits(block, z, model.signed), z)
            signs = model.signed
        raise AssertionError("a frozen network has at least one block of bits")


def values(block):
    """What a block's bits stand for, (D, M) float32: 0 and 1 less the centre, or -1 and +1."""
    if block.weights == "+-1":
        return np.where(block.w, np.float32(1), np.float32(-1))
    return block.w.astype(np.float32) - np.float32(block.centre / frozen.UNIT)
