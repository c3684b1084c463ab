"""What bytes the neurons of a layer become: gaps between ones, thresholds, and images.

All tables of the exported program are bytes. A microcontroller may keep its program in a memory of
its own, which is read byte by byte; and no byte order has to be agreed upon.

A neuron that is listed by gaps is

    its threshold and flip, in as many bytes as the layer's largest one needs; see `stored_limits`
    for each of its ones, how far it lies behind the one before (the first: behind input -1)
    the byte 0, the end

A gap is a byte from 1 to 254. The byte 255 means 254 inputs further, where no one is.
"""

import numpy as np

FAR = 255              # this byte stands for a long way ...
FAR_INPUTS = 254       # ... of so many inputs


def gap_bytes(ones):
    """List the ones of a neuron by their gaps.

    Parameters
    ----------
    ones : (K,) int
        Inputs whose weight is 1, rising.

    Returns
    -------
    content : bytes

    Examples
    --------
    >>> list(gap_bytes(np.array([0, 3, 4, 300])))       # 300 = 4 + 254 + 42
    [1, 3, 1, 255, 42, 0]
    """
    found = bytearray()
    for gap in np.diff(np.asarray(ones, int), prepend=-1).tolist():
        far, near = divmod(gap - 1, FAR_INPUTS)
        found += bytes([FAR] * far + [near + 1])
    return bytes(found) + b"\0"


def stored_limits(threshold, flip):
    """Write thresholds and flips as whole numbers from 0 on: 2 (threshold - smallest) + flip.

    Parameters
    ----------
    threshold : (M,) int
    flip : (M,) bool

    Returns
    -------
    smallest : int
    stored : list of M int
    size : int
        Bytes that the largest of them needs.

    Examples
    --------
    >>> stored_limits(np.array([7, 10, 8]), np.array([True, False, False]))
    (7, [1, 6, 2], 1)
    """
    threshold = np.asarray(threshold, np.int64)
    smallest = int(threshold.min())
    stored = (2 * (threshold - smallest) + flip).tolist()
    return smallest, stored, max(1, -(-max(stored).bit_length() // 8))


def gap_table(w, limits=None):
    """List all neurons of a layer by gaps.

    Parameters
    ----------
    w : (D, M) bool
    limits : (list of M int, int), optional
        What stands before the gaps of each neuron, and its bytes; see `stored_limits`.

    Returns
    -------
    neurons : list of M bytes
    """
    stored, size = limits or ([0] * w.shape[1], 0)
    return [
        limit.to_bytes(size, "little") + gap_bytes(np.flatnonzero(column))
        for limit, column in zip(stored, w.T)
    ]


def row_bytes(W):
    """Bytes that a row of W bits takes in a map: a map's rows begin on bytes of their own."""
    return -(-W // 8)


def map_bytes(shape):
    """Bytes of a map of bits, (H, W, C): C planes one after another, each of H rows."""
    H, W, C = shape
    return C * H * row_bytes(W)


def image_bytes(model, images):
    """Write images as the exported program takes them.

    Parameters
    ----------
    model : frozen.Frozen
    images : see `frozen.Frozen.pixels`

    Returns
    -------
    content : (N, bytes) uint8
        Pixels: one a byte, rows, then columns, then channels. Bits before a dense layer: the same
        order, eight to a byte, the first in the lowest place. Bits before a convolution: a map, see
        `map_bytes`.
    """
    x = model.first_inputs(model.pixels(images))
    if model.binarize is not None and model.blocks[0].kernel:
        x = np.packbits(x.transpose(0, 3, 1, 2), axis=3, bitorder="little")
    x = x.reshape(len(x), -1)
    if model.binarize is not None and not model.blocks[0].kernel:
        x = np.packbits(x, axis=1, bitorder="little")
    return np.ascontiguousarray(x)


def coded_table(w, limits=None):
    """List all neurons of a layer by gaps in a code of Golomb and Rice.

    Limits and numbers of ones come first, neuron by neuron. The bits of all gaps follow, eight to a
    byte, the first in the lowest place. A gap less 1 is q 2^k + r: first the k bits of r, the
    lowest first, then q bits 1, and a 0. If the gaps are as if drawn by lot, this is within a few
    percent of the entropy.

    Parameters
    ----------
    w, limits : see `gap_table`

    Returns
    -------
    heads : list of M bytes
    bits : bytes
    k : int
        From 0 to 15, chosen for the fewest bits.
    count_size : int
        Bytes of a number of ones.

    Examples
    --------
    >>> w = np.zeros((14, 1), bool)
    >>> w[[2, 12]] = True                           # gaps less 1: 2 = 0 4 + 2 and 9 = 2 4 + 1
    >>> heads, bits, k, size = coded_table(w)
    >>> heads, f"{bits[0]:08b}"[::-1], k, size      # r = 01, q = 0; r = 10, q = 110
    ([b'\\x02'], '01010110', 2, 1)
    """
    stored, size = limits or ([0] * w.shape[1], 0)
    K = w.sum(axis=0).tolist()
    count_size = 1 if max(K) < 1 << 8 else 2 if max(K) < 1 << 16 else 3
    heads = [
        limit.to_bytes(size, "little") + ones.to_bytes(count_size, "little")
        for limit, ones in zip(stored, K)
    ]
    gaps = np.concatenate([np.diff(np.flatnonzero(column), prepend=-1) for column in w.T]) - 1
    k = min(range(16), key=lambda k: int((gaps >> k).sum()) + (k + 1) * len(gaps))
    quotients = gaps >> k
    ends = np.cumsum(quotients + k + 1)
    starts = ends - (quotients + k + 1)
    bits = np.zeros(ends[-1] if len(ends) else 0, np.uint8)
    for i in range(k):
        bits[starts + i] = gaps >> i & 1
    # the q bits 1 of each gap lie right before its last bit
    back = np.arange(quotients.sum()) - np.repeat(np.cumsum(quotients), quotients)
    bits[np.repeat(ends - 1, quotients) + back] = 1
    return heads, np.packbits(bits, bitorder="little").tobytes(), k, count_size
