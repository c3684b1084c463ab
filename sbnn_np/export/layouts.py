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
