"""Max pooling: the largest number of each square of pixels; forward and backward.

Training runs the tuned twins of the same names in `fast`.
"""

import numpy as np

from sbnn_np.core import windows


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

    Raises
    ------
    ValueError
        If the image is smaller than a square.

    Examples
    --------
    >>> maxpool_forward(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0][0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    N, H, W, C = x.shape
    OH, OW = windows.out_size(H, size, size), windows.out_size(W, size, size)
    cut = x[:, : OH * size, : OW * size].reshape(N, OH, size, OW, size, C)
    # squares[n,oh,ow,(i,j),c] = x[n, oh size + i, ow size + j, c]
    squares = cut.transpose(0, 1, 3, 2, 4, 5).reshape(N, OH, OW, size * size, C)
    return squares.max(axis=3), (squares, x.shape, size)


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
    squares, shape, size = cache
    N, OH, OW, _, C = squares.shape
    first = squares.argmax(axis=3)[:, :, :, None]             # the first of equal ones
    dsquares = np.zeros_like(squares)
    np.put_along_axis(dsquares, first, dy[:, :, :, None], axis=3)
    cut = dsquares.reshape(N, OH, OW, size, size, C).transpose(0, 1, 3, 2, 4, 5)
    dx = np.zeros(shape, squares.dtype)
    dx[:, : OH * size, : OW * size] = cut.reshape(N, OH * size, OW * size, C)
    return dx
