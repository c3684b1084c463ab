"""Max pooling: the largest number of each square of pixels; forward and backward."""

import numpy as np

from sbnn_np.core import windows
from sbnn_np.support import threads


def maxpool_forward(x, size):
    """Take the largest number of each square of size x size pixels, channel by channel.

    Parameters
    ----------
    x : (N, H, W, C) float
    size : int
        Also the stride. Rows and columns that are left over are in no square.

    Returns
    -------
    y : (N, H // size, W // size, C) float
    cache : tuple

    Examples
    --------
    >>> maxpool_forward(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0][0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    N, H, W, C = x.shape
    windows.out_size(H, size, size), windows.out_size(W, size, size)
    y = np.empty((N, H // size, W // size, C), x.dtype)

    def run(n):
        rows = [x[n, i : H - H % size : size] for i in range(size)]
        tallest = rows[0] if size == 1 else np.maximum(rows[0], rows[1])
        for row in rows[2:]:
            np.maximum(tallest, row, out=tallest)
        np.copyto(y[n], tallest[:, :, 0 : W - W % size : size])
        for j in range(1, size):
            np.maximum(y[n], tallest[:, :, j : W - W % size : size], out=y[n])

    threads.rows(run, x)
    return y, (x, y, size)


def maxpool_backward(dy, cache):
    """Differentiate `maxpool_forward`: each square's gradient goes to its largest pixel.

    Parameters
    ----------
    dy : (N, H // size, W // size, C) float
    cache : tuple

    Returns
    -------
    dx : (N, H, W, C) float
        Of equal pixels (sums of bits are often equal) the first one takes it, row by row.

    Examples
    --------
    >>> y, cache = maxpool_forward(np.array([1.0, 2.0, 2.0, 0.0]).reshape(1, 2, 2, 1), 2)
    >>> maxpool_backward(np.array([[[[5.0]]]]), cache)[0, :, :, 0]
    array([[0., 5.],
           [0., 0.]])
    """
    x, y, size = cache
    _, H, W, _ = x.shape
    H, W = H - H % size, W - W % size
    dx = np.zeros_like(x) if x.shape[1:3] != (H, W) else np.empty_like(x)

    # first to the row of the square, then to the column in it
    def run(n):
        columns = [(n, slice(H), slice(j, W, size)) for j in range(size)]
        tallest = x[columns[0]]                                # of each row of a square
        for place in columns[1:]:
            tallest = np.maximum(tallest, x[place])
        drow = np.empty_like(tallest)
        rows = [(slice(None), slice(i, None, size)) for i in range(size)]
        to_first(dy[n], y[n], [tallest[i] for i in rows], [drow[i] for i in rows])
        to_first(drow, tallest, [x[j] for j in columns], [dx[j] for j in columns])

    threads.rows(run, x)
    return dx


def to_first(dy, largest, parts, outs):
    """Write dy to the one of `outs` whose part is the first to equal the largest, 0 to others."""
    left = dy
    for i, (part, out) in enumerate(zip(parts[:-1], outs)):
        np.multiply(left, part == largest, out=out)
        left = np.subtract(left, out, out=outs[-1] if i == len(outs) - 2 else None)
    if len(outs) == 1:
        outs[0][...] = dy
