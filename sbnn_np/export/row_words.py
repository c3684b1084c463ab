"""How a convolution of bits is cut into words of places: sizes for its table and its C."""

import numpy as np

WORD_BITS = 32
LONGEST_PART = 255     # inputs that a byte can number, with a 0 behind them
SUM_BITS = 6           # of the 64ths


class RowWords:
    """The words of a convolution with a stride of 1, on a map of bits; see `c_rows`.

    Parameters
    ----------
    block : frozen.Block

    Attributes
    ----------
    slots : int
        Rows of places in a word: 4, 2 or 1.
    parts, part_channels, part_words : int
        A byte numbers at most 255 inputs. So they come in parts of whole channels, and a word of
        zeros follows each part.
    words : int
        Of all inputs, with zeros up to a multiple of 4.
    sum_planes, shared_planes, high_planes : int
        Of the sum of all inputs; of the centre times it; of those above the lowest six. 0 without a
        centre.
    planes : int
        Of the counter of a filter.
    rows_end : int
        First row of the image that no word takes a part of, counted on beyond the image.
    """

    def __init__(self, block):
        (KH, KW), (_H, W, C) = block.kernel, block.shape
        OH, OW, _ = block.sums_shape
        fits = max(W + block.padding, OW)
        self.slots = next((n for n in (4, 2) if fits <= WORD_BITS // n), 1)
        most = LONGEST_PART // (KH * KW)
        self.parts = -(-C // most)
        self.part_channels = -(-C // self.parts)
        self.parts = -(-C // self.part_channels)
        self.part_words = self.part_channels * KH * KW + 1
        self.words_before_zeros = C * KH * KW + C // self.part_channels * (self.parts > 1)
        last_zero = (self.parts - 1) + C * KH * KW
        self.words = -(-(last_zero + 1) // 4) * 4
        K, D = int(block.w.sum(axis=0).max()), len(block.w)
        self.sum_planes = self.shared_planes = self.high_planes = 0
        if block.centre:
            self.sum_planes = max(3, D.bit_length())
            self.shared_planes = max(SUM_BITS, (block.centre * D).bit_length())
            self.high_planes = self.shared_planes - SUM_BITS
        self.planes = max(3, (K + (1 << self.high_planes) - 1).bit_length())
        computed = block.out_shape[0] * block.pool
        last = (computed - 1) // self.slots * self.slots
        self.rows_end = last + self.slots - 1 + KH - block.padding
        self.y_end = last + self.slots

    def thresholds(self, block):
        """What the comparison of planes needs in place of the block's thresholds.

        Parameters
        ----------
        block : frozen.Block

        Returns
        -------
        threshold : (M,) int64
        """
        if not block.centre:
            return block.threshold.astype(np.int64)
        return np.maximum(block.threshold.astype(np.int64) + (1 << self.shared_planes) - 1, 0)

    def table(self, w, limits, block):
        """List all filters by the numbers of their inputs, in fours; see `c_rows`.

        Parameters
        ----------
        w : (D, M) bool
            Inputs in the order of the block.
        limits : (list of M int, int)
            See `layouts.gap_table`.
        block : frozen.Block

        Returns
        -------
        neurons : list of M bytes
        """
        (KH, KW), C, M = block.kernel, block.shape[2], w.shape[1]
        by_channel = w.reshape(KH * KW, C, M).transpose(1, 0, 2)
        stored, size = limits
        neurons = []
        for m in range(M):
            content = stored[m].to_bytes(size, "little")
            for first in range(0, C, self.part_channels):
                part = by_channel[first : first + self.part_channels, :, m].ravel()
                ones = np.flatnonzero(part).tolist()
                ones += [len(part)] * (-len(ones) % 4)         # the zero behind the part
                content += bytes([len(ones) // 4, *ones])
            neurons.append(content)
        return neurons


def can(block, takes):
    """Whether a convolution can be computed on rows of bits.

    Parameters
    ----------
    block : frozen.Block
    takes : str
        See `plan.Step`.

    Returns
    -------
    possible : bool
    """
    if not block.kernel or takes != "map" or block.stride != 1 or block.pool > 2:
        return False
    KH, KW = block.kernel
    widest = max(block.shape[1], block.sums_shape[1])
    return widest <= WORD_BITS and KH * KW <= LONGEST_PART and block.padding < WORD_BITS



