"""How a convolution of bits is cut into words of places: sizes for its table and its C."""

import math

import numpy as np

from sbnn_np.bits.frozen import UNIT

WORD_BITS = 32
LONGEST_PART = 255     # inputs that a byte can number, with a 0 behind them


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
    bands : int
        2 where the rows of a square of 2 x 2 places are in two words, else 1.
    centre, low_planes : int
        The centre is centre / 2^low_planes, in lowest terms; see `c_shared`.
    sum_planes, shared_planes, high_planes : int
        Of the sum of all inputs; of the centre times it; of those above the lowest `low_planes`.
        All 0 without a centre.
    planes : int
        Of the counter of a filter.
    y_end : int
        First row of places that no word has.
    partial : bool
        Whether the last word has slots for rows that are not there.
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
        self.bands = 2 if self.slots < block.pool else 1
        common = math.gcd(UNIT, block.centre)
        self.centre, self.low_planes = block.centre // common, (UNIT // common).bit_length() - 1
        self.sum_planes = self.shared_planes = self.high_planes = 0
        if block.centre:
            self.sum_planes = max(3, D.bit_length())
            self.shared_planes = max(self.low_planes, (self.centre * D).bit_length())
            self.high_planes = self.shared_planes - self.low_planes
        self.band_words = self.words + self.shared_planes
        self.planes = max(3, (K + (1 << self.high_planes) - 1).bit_length())
        jump = max(self.slots, block.pool)
        last = (block.out_shape[0] * block.pool - 1) // jump * jump
        self.y_end = last + jump
        self.partial = block.out_shape[0] * block.pool % jump > 0
        self.rows_end = self.y_end + KH - 1 - block.padding

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
        least = -(-block.threshold.astype(np.int64) // math.gcd(UNIT, block.centre))
        return np.maximum(least + (1 << self.shared_planes) - 1, 0)

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



