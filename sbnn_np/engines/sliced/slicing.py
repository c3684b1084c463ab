"""Slicing: from numbers, image by image, to words of 64 images, and back.

A row has a number of words, `words`, so it has 8 * words bytes. Bit b of byte i belongs to image
8 * words * b + i. So the batch is cut into eighths, and the eight bits of a byte belong to one
image of each eighth. Slicing then has two steps: put the eighths on top of one another, and turn
columns of bytes into rows.
"""

import numpy as np


class Slicer:
    """Slices inputs of one size, batch after batch, in memory of its own.

    (New memory for each batch would take about as long as the slicing.)

    Parameters
    ----------
    D : int
        Inputs of an image.
    words : int
        Words of a row, with room for 64 * words images.

    Examples
    --------
    >>> x = np.zeros((16, 2), np.uint8)                       # one word: eighths of 8 images
    >>> x[[0, 1, 8]] = [1, 0], [1, 1], [0, 1]
    >>> rows = np.empty((2, 1), np.uint64)
    >>> Slicer(2, 1).slice(x, np.copyto, rows)
    >>> [[f"{byte:08b}" for byte in row.tobytes()[:2]] for row in rows]
    [['00000001', '00000001'], ['00000010', '00000001']]
    """

    def __init__(self, D, words):
        self.D = D
        self.eighth = np.zeros((8 * words, 8 * -(-D // 8)), np.uint8)
        self.stack = np.zeros_like(self.eighth)

    def slice(self, x, write_bit, rows):
        """Slice one bit of each input.

        Parameters
        ----------
        x : (N, D) uint8
            At most 64 * words images. Missing images count as zeros.
        write_bit : function
            write_bit(out, part) writes this bit, 0 or 1, of each number of some images to `out`,
            an array of their shape.
        rows : (D, words) uint64
            Written to.
        """
        n, D = len(self.eighth), self.D
        # eight inputs at a time: no bit leaves its byte
        stack, eighth = self.stack.view(np.uint64), self.eighth.view(np.uint64)
        stack[...] = 0
        for start in range(7 * n, -1, -n):
            part = x[start : start + n]
            write_bit(self.eighth[: len(part), :D], part)
            self.eighth[len(part) :] = 0
            np.add(stack, stack, stack)
            np.bitwise_or(stack, eighth, stack)
        rows.view(np.uint8)[...] = self.stack[:, :D].T


def unslice(planes):
    """Turn planes into numbers, image by image.

    Parameters
    ----------
    planes : list of (..., words) uint64
        Plane i holds the bits of place value 2^i.

    Returns
    -------
    numbers : (..., 64 * words) int32
    """
    *shape, words = planes[0].shape
    total = np.zeros((*shape, 64 * words), np.uint8 if len(planes) <= 8 else np.int32)
    for plane in planes[::-1]:
        total += total
        total |= np.unpackbits(plane.view(np.uint8), axis=-1, bitorder="little")
    # consecutive images are in consecutive bytes
    by_image = np.ascontiguousarray(total.reshape(*shape, 8 * words, 8).swapaxes(-1, -2))
    return by_image.reshape(*shape, 64 * words).astype(np.int32)
