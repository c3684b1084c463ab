"""Numbers by image to words of 64 images, and back.

Bit b of byte i of a row of W words belongs to image 8 W b + i: the eight bits of a byte are eighths
of the batch, one on top of the other. So all there is to do is to stack bytes, and to turn columns
of bytes into rows.
"""

import numpy as np


class Slicer:
    """Slices inputs of one size, batch after batch, in memory of its own.

    (To ask the system for new memory each time takes about as long as the slicing.)

    Parameters
    ----------
    D : int
        Inputs of an image.
    W : int
        Words of a row: there is room for 64 W images.

    Examples
    --------
    >>> x = np.zeros((16, 2), np.uint8)                       # W = 1: eighths of 8 images
    >>> x[[0, 1, 8]] = [1, 0], [1, 1], [0, 1]
    >>> rows = np.empty((2, 1), np.uint64)
    >>> Slicer(2, 1).slice(x, np.copyto, rows)
    >>> [[f"{byte:08b}" for byte in row.tobytes()[:2]] for row in rows]
    [['00000001', '00000001'], ['00000010', '00000001']]
    """

    def __init__(self, D, W):
        self.D = D
        self.eighth = np.zeros((8 * W, 8 * -(-D // 8)), np.uint8)
        self.stack = np.zeros_like(self.eighth)

    def slice(self, x, write, rows):
        """Slice one bit of each input.

        Parameters
        ----------
        x : (N, D) uint8
            Of at most 64 W images; those that are missing are taken for zeros.
        write : function
            write(out, part) writes that bit of some images, 0 or 1, to an array of their shape.
        rows : (D, W) uint64
            Written to.
        """
        n, D = len(self.eighth), self.D
        # eight inputs at a time: no bit leaves its byte
        stack, eighth = self.stack.view(np.uint64), self.eighth.view(np.uint64)
        stack[...] = 0
        for start in range(7 * n, -1, -n):
            part = x[start : start + n]
            write(self.eighth[: len(part), :D], part)
            self.eighth[len(part) :] = 0
            np.add(stack, stack, stack)
            np.bitwise_or(stack, eighth, stack)
        rows.view(np.uint8)[...] = self.stack[:, :D].T


def numbers(planes):
    """Numbers by image, (..., 64 W) int32, from their planes.

    Parameters
    ----------
    planes : list of (..., W) uint64
        The i-th of weight 2^i.
    """
    *shape, W = planes[0].shape
    total = np.zeros((*shape, 64 * W), np.uint8 if len(planes) <= 8 else np.int32)
    for plane in planes[::-1]:
        total += total
        total |= np.unpackbits(plane.view(np.uint8), axis=-1, bitorder="little")
    # images lie across the bytes
    across = np.ascontiguousarray(total.reshape(*shape, 8 * W, 8).swapaxes(-1, -2))
    return across.reshape(*shape, 64 * W).astype(np.int32)
