"""Engine 2: the frozen network with float32 matrix products, on two threads.

The bits are floats of 0 and 1 here, and the sums are those of a library for dense matrices: the
engine that the others are compared with. It is fastest with OPENBLAS_NUM_THREADS=1 in the
environment before NumPy is imported, as each half of the images has a thread already.
"""

import numpy as np

from sbnn_np import convolution, frozen, pooling, threads


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
        images : see `frozen.Frozen.inputs`

        Returns
        -------
        scores : (N, M) float32
        """
        return self.run(first_bits(self.model, images))

    def run(self, x):
        """Scores from what `first_bits` gives."""
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
        x, signs = as_bits(model, x)[0].astype(np.float32), False
        if model.signs and model.blocks[0].weights == "float":
            x, signs = 2 * x - 1, True
        for block, w in zip(self.blocks, self.w):
            z = sums(block, w, x.reshape(-1, *block.shape), signs)
            if block is self.blocks[-1]:
                return scored(block, z)
            x, signs = apply(lambda z, block=block: bits(block, z, model.signs), z), model.signs
        raise AssertionError("a frozen network has at least one block of bits")


def values(block):
    """What a block's bits stand for, (D, M) float32: 0 and 1 less the centre, or -1 and +1."""
    if block.weights == "+-1":
        return np.where(block.w, np.float32(1), np.float32(-1))
    return block.w.astype(np.float32) - np.float32(block.centre / frozen.UNIT)


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
    z, _ = convolution.conv_forward(x, w, block.kernel, block.stride, block.padding, pad)
    return pooling.maxpool_forward(z, block.pool)[0] if block.pool > 1 else z


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
    x, block = model.inputs(images), model.blocks[0]
    if block.weights != "float":
        return x
    z = sums(block, block.w, model.seen(x).astype(np.float32).reshape(-1, *block.shape), False)
    return threads.apply(lambda z: bits(block, z), z).astype(np.uint8)


def as_bits(model, x):
    """What `first_bits` gave, as the first block of bits takes it, and its bits a number."""
    if model.blocks[0].weights == "float":
        return x, 1
    return model.seen(x), 8 if model.binarize is None else 1


def scored(block, z):
    """Class scores of the last block, (N, M) float32, from sums in float32."""
    return z * block.factor + block.offset
