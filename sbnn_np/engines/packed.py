"""Engine 3: rows of bits in 64-bit words, AND and popcount; XNOR and popcount for +-1 weights.

The dot product of two rows of bits is the number of places where both are 1,

    z = popcount(a AND w),

64 inputs a word. For -1 and +1, written as 0 and 1, it is places that agree less places that do
not: z = D - 2 popcount(a XOR w). A row costs the same however few ones it has, which is why this
engine gains little from sparsity; but then it is the usual one of +-1 networks.
"""

import numpy as np

from sbnn_np.bits import frozen
from sbnn_np.core import windows
from sbnn_np.engines import common
from sbnn_np.support import threads

RUN = 1 << 16  # sums computed in one go


class Packed:
    """A frozen network, ready to run on packed words, on two threads.

    Parameters
    ----------
    model : frozen.Frozen
    """

    def __init__(self, model):
        self.model = model
        self.w = [
            None if block.weights == "float" else pack(np.ascontiguousarray(block.w.T))
            for block in model.blocks
        ]

    def forward(self, images, count=None):
        """Compute class scores.

        Parameters
        ----------
        images : see `frozen.Frozen.pixels`
        count : bitops.Count, optional
            Its `and_words` (or XOR) and `popcount_words` grow by the words of each.

        Returns
        -------
        scores : (N, M) float32
        """
        return self.run(common.first_bits(self.model, images), count)

    def run(self, x, count=None):
        """Scores from what `common.first_bits` gives."""
        scores = np.empty((len(x), len(self.model.classes)), np.float32)

        def some(part):
            scores[part] = self.through(*common.as_bits(self.model, x[part]), count)

        some(slice(0, len(x))) if count else threads.halves(some, len(x))
        return scores

    def through(self, x, depth, count):
        """Scores of inputs (N, ...) uint8 of `depth` bits each, on this thread."""
        blocks = self.model.blocks
        for i, (block, w) in enumerate(zip(blocks, self.w)):
            if block.weights == "float":
                continue
            x = x.reshape(-1, *block.shape)
            Z = whole_sums(block, w, x, depth, self.model.signed and i > 0, count)
            depth = 1                                         # from here on
            if block is blocks[-1]:
                return common.scored(block, (Z / block.unit).astype(np.float32))
            passed = (Z >= block.threshold).reshape(-1, *block.sums_shape)
            x = (any_of_square(passed, block.pool) ^ block.flip).view(np.uint8)
        raise AssertionError("a frozen network has at least one block of bits")


def whole_sums(block, w, x, depth, signs, count=None):
    """Sums Z of a block, as whole numbers; see `freeze`.

    Parameters
    ----------
    block : frozen.Block
    w : (M, words) uint64
    x : (N, D) or (N, H, W, C) uint8
    depth : int
        Bits of an input.
    signs : bool
        Whether inputs are -1 and +1, written as 0 and 1.
    count : bitops.Count, optional

    Returns
    -------
    Z : (N * places, M) int32
    """
    D, M = block.w.shape
    if block.kernel:
        x = windows.im2col(x, block.kernel, block.stride, block.padding)
    planes = [pack(x if depth == 1 else x >> i & 1) for i in range(depth)]
    Z = np.empty((len(x), M), np.int32)
    step = max(1, RUN // M)
    for start in range(0, len(x), step):
        rows, Z_ = slice(start, start + step), Z[start : start + step]
        Z_[...] = 0
        total = np.zeros((len(Z_), 1), np.int32)
        for i, plane in enumerate(planes):
            a = plane[rows]
            Z_ += matches(a, w, np.bitwise_xor if signs else np.bitwise_and) << i
            if block.centre or block.weights == "+-1" and not signs:
                total += np.bitwise_count(a).sum(axis=1, dtype=np.int32)[:, None] << i
            if count:
                count.and_words += Z_.size * w.shape[1]
                count.popcount_words += Z_.size * w.shape[1]
        if signs:
            Z_ *= -2
            Z_ += D
        elif block.weights == "+-1":
            Z_ *= 2
            Z_ -= total
        elif block.centre:
            Z_ *= frozen.UNIT
            Z_ -= block.centre * total
        if count and (block.centre or block.weights == "+-1" and not signs):
            count.popcount_words += len(planes) * len(Z_) * w.shape[1]
    return Z


def any_of_square(passed, size):
    """OR over each square of size x size pixels: (N, OH, OW, F) bool to (N, ..., F)."""
    if size == 1:
        return passed
    OH, OW = passed.shape[1] // size * size, passed.shape[2] // size * size
    corners = [passed[:, i:OH:size, j:OW:size] for i, j in np.ndindex(size, size)]
    return np.bitwise_or.reduce(corners)


def matches(a, w, operation):
    """popcount(operation(a[n], w[m])) for all pairs: (n, M) int32; a (n, words), w (M, words)."""
    z = np.zeros((len(a), len(w)), np.int32)
    for j in range(w.shape[1]):
        z += np.bitwise_count(operation(a[:, j, None], w[None, :, j]))
    return z


def pack(bits):
    """Rows of bits, (N, D) of 0 and 1, as words, (N, ceil(D / 64)) uint64; the rest is 0.

    Examples
    --------
    >>> pack(np.array([[1, 0, 1], [0, 1, 0]], np.uint8))
    array([[5],
           [2]], dtype=uint64)
    """
    N, D = bits.shape
    padded = np.zeros((N, 8 * -(-D // 64)), np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    padded[:, : packed.shape[1]] = packed
    return padded.view("<u8")
