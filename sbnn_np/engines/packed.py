"""Engine 3: rows of bits in 64-bit words, AND and popcount; XNOR and popcount for +-1 weights.

The dot product of two rows of bits is the number of places where both are 1. With 64 inputs in each
word,

    z = popcount(a AND w).

If bits stand for -1 and +1, the dot product is the number of places where the rows agree, minus the
number of places where they differ: z = D - 2 popcount(a XOR w). A row costs the same however few
ones it has, so this engine gains little from sparsity. It is the usual engine for +-1 networks.
"""

import numpy as np

from sbnn_np.bits import frozen
from sbnn_np.core import windows
from sbnn_np.engines import common
from sbnn_np.support import threads

SUMS_AT_ONCE = 1 << 16  # so many sums stay in cache while they are computed


class Packed:
    """A frozen network, ready to run on packed words, on two threads.

    Parameters
    ----------
    model : frozen.Frozen
    """

    def __init__(self, model):
        self.model = model
        self.w = [
            None if block.weights == "float" else pack_words(np.ascontiguousarray(block.w.T))
            for block in model.blocks
        ]

    def forward(self, images, count=None):
        """Compute class scores.

        Parameters
        ----------
        images : see `frozen.Frozen.pixels`
        count : bitops.Count, optional
            Its `and_words` grow by the words of AND or XOR, its `popcount_words` by those of
            popcount.

        Returns
        -------
        scores : (N, M) float32
        """
        return self.forward_inputs(common.engine_inputs(self.model, images), count)

    def forward_inputs(self, x, count=None):
        """Compute class scores from the inputs of the first block that has binary weights.

        Parameters
        ----------
        x : (N, ...) uint8
            See `common.engine_inputs`.
        count : see `forward`

        Returns
        -------
        scores : (N, M) float32
        """
        scores = np.empty((len(x), len(self.model.classes)), np.float32)

        def compute(part):
            scores[part] = self.forward_part(*common.binarized(self.model, x[part]), count)

        compute(slice(0, len(x))) if count else threads.in_halves(compute, len(x))
        return scores

    def forward_part(self, x, input_bits, count):
        """Compute class scores of a part of the batch, on this thread.

        Parameters
        ----------
        x : (N, ...) uint8
            See `common.binarized`.
        input_bits : int
            Bits of one input.
        count : bitops.Count or None

        Returns
        -------
        scores : (N, M) float32
        """
        blocks = self.model.blocks
        for i, (block, w) in enumerate(zip(blocks, self.w)):
            if block.weights == "float":
                continue
            x = x.reshape(-1, *block.shape)
            Z = integer_sums(block, w, x, input_bits, self.model.signed and i > 0, count)
            input_bits = 1                    # activations are bits
            if block is blocks[-1]:
                return common.class_scores(block, (Z / block.unit).astype(np.float32))
            passed = (Z >= block.threshold).reshape(-1, *block.sums_shape)
            x = (or_pool(passed, block.pool) ^ block.flip).view(np.uint8)
        raise AssertionError("a frozen network has at least one block of bits")


def integer_sums(block, w, x, input_bits, signed, count=None):
    """Compute the sums Z of a block as whole numbers; see `frozen`.

    Parameters
    ----------
    block : frozen.Block
    w : (M, words) uint64
        Its weights, packed.
    x : (N, D) or (N, H, W, C) uint8
    input_bits : int
        Bits of one input.
    signed : bool
        Whether inputs are -1 and +1, written as 0 and 1.
    count : bitops.Count, optional

    Returns
    -------
    Z : (N * places, M) int32
    """
    D, M = block.w.shape
    if block.kernel:
        x = windows.im2col(x, block.kernel, block.stride, block.padding)
    planes = [pack_words(x if input_bits == 1 else x >> i & 1) for i in range(input_bits)]
    Z = np.empty((len(x), M), np.int32)
    step = max(1, SUMS_AT_ONCE // M)
    for start in range(0, len(x), step):
        rows, Z_ = slice(start, start + step), Z[start : start + step]
        Z_[...] = 0
        total = np.zeros((len(Z_), 1), np.int32)
        for i, plane in enumerate(planes):
            a = plane[rows]
            Z_ += popcounts(a, w, np.bitwise_xor if signed else np.bitwise_and) << i
            if block.centre or block.weights == "+-1" and not signed:
                total += np.bitwise_count(a).sum(axis=1, dtype=np.int32)[:, None] << i
            if count:
                count.and_words += Z_.size * w.shape[1]
                count.popcount_words += Z_.size * w.shape[1]
        if signed:
            Z_ *= -2
            Z_ += D
        elif block.weights == "+-1":
            Z_ *= 2
            Z_ -= total
        elif block.centre:
            Z_ *= frozen.UNIT
            Z_ -= block.centre * total
        if count and (block.centre or block.weights == "+-1" and not signed):
            count.popcount_words += len(planes) * len(Z_) * w.shape[1]
    return Z


def or_pool(bits, size):
    """Pool bits: the OR of each square.

    Parameters
    ----------
    bits : (N, OH, OW, F) bool or uint64
        If uint64, each word holds 64 bits that are pooled by themselves.
    size : int
        Of a square; 1 means no pooling.

    Returns
    -------
    pooled : (N, OH // size, OW // size, F), of the same dtype

    Examples
    --------
    >>> or_pool(np.array([[0, 0, 1], [1, 0, 1]], bool).reshape(1, 2, 3, 1), 2).ravel()
    array([ True])
    """
    if size == 1:
        return bits
    OH, OW = bits.shape[1] // size * size, bits.shape[2] // size * size
    corners = [bits[:, i:OH:size, j:OW:size] for i, j in np.ndindex(size, size)]
    return np.bitwise_or.reduce(corners)


def popcounts(a, w, operation):
    """Compute popcount(operation(a[n], w[m])) for all pairs of rows.

    Parameters
    ----------
    a : (N, words) uint64
    w : (M, words) uint64
    operation : np.bitwise_and or np.bitwise_xor

    Returns
    -------
    z : (N, M) int32

    Examples
    --------
    >>> popcounts(np.array([[0b1101]], np.uint64), np.array([[0b1011]], np.uint64), np.bitwise_and)
    array([[2]], dtype=int32)
    """
    z = np.zeros((len(a), len(w)), np.int32)
    for j in range(w.shape[1]):
        z += np.bitwise_count(operation(a[:, j, None], w[None, :, j]))
    return z


def pack_words(bits):
    """Pack rows of bits into words.

    Parameters
    ----------
    bits : (N, D) uint8 or bool
        0 and 1.

    Returns
    -------
    words : (N, ceil(D / 64)) uint64
        The first bit in the lowest place; bits behind the last one are 0.

    Examples
    --------
    >>> pack_words(np.array([[1, 0, 1], [0, 1, 0]], np.uint8))
    array([[5],
           [2]], dtype=uint64)
    """
    N, D = bits.shape
    padded = np.zeros((N, 8 * -(-D // 64)), np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    padded[:, : packed.shape[1]] = packed
    return padded.view("<u8")
