"""Exercises of chapter 2: windows as rows of a matrix, and the way back.

Fill in the functions. Check one by `python -m walkthrough.exercises 2.1`.
"""

import numpy as np


def im2col(x, kernel):
    """2.1  Write every window of every image as a row.

    A window of KH x KW pixels is moved over the image, one pixel at a time, without padding. So
    there are OH = H - KH + 1 places for it from top to bottom, and OW = W - KW + 1 from left to
    right. Rows are in the order image, place from top to bottom, place from left to right. The
    numbers of a row are in the order row of the window, column of the window, channel:

        cols[(n,oh,ow), (kh,kw,c)] = x[n, oh + kh, ow + kw, c]

    Parameters
    ----------
    x : (N, H, W, C) float
    kernel : (KH, KW)

    Returns
    -------
    cols : (N*OH*OW, KH*KW*C) float

    Examples
    --------
    >>> im2col(np.arange(9.0).reshape(1, 3, 3, 1), (2, 2))
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])

    Hint
    ----
    Three loops are fine: over n, oh and ow. The window is x[n, oh : oh + KH, ow : ow + KW], and
    .reshape(-1) makes a row of it. Collect the rows in a list, and make an array of the list.
    """
    raise NotImplementedError


def col2im(cols, shape, kernel):
    """2.2  Add every row back to the pixels that it was taken from.

    This is the way back of im2col. Windows overlap, so a pixel is in several rows.
    It gets the sum of them all.

    Parameters
    ----------
    cols : (N*OH*OW, KH*KW*C) float
        Rows as `im2col` orders them; gradients of windows, for example.
    shape : (N, H, W, C)
        Of the images.
    kernel : (KH, KW)

    Returns
    -------
    x : (N, H, W, C) float

    Examples
    --------
    With rows of ones it counts in how many windows each pixel is:

    >>> col2im(np.ones((4, 4)), (1, 3, 3, 1), (2, 2))[0, :, :, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])

    Hint
    ----
    Begin with zeros of the given shape, and go through the rows with the same three loops as in
    2.1. Give each row the shape (KH, KW, C), and add it (+=) to its window.
    """
    raise NotImplementedError


def pooled_bit(sums, limit, scale):
    """2.3  Pool bits in place of sums.

    A network pools first and thresholds later: it takes the largest of the four sums of a square,
    and its bit is 1 where scale * (largest - limit) is above 0. Get the same bit in another order:
    turn each of the four sums into a bit of its own, by the same rule, and then combine bits.

    Parameters
    ----------
    sums : (N, 4) float
        One square a row.
    limit : float
    scale : float
        -1 or +1.

    Returns
    -------
    bits : (N, 4) array of 0 and 1
        The bit of each sum.
    pooled : (N,) array of 0 and 1
        Their combination: the bit of the largest sum.

    Examples
    --------
    >>> bits, pooled = pooled_bit(np.array([[1.0, 5.0, 2.0, 2.0]]), limit=3.0, scale=-1.0)
    >>> bits, pooled
    (array([[1, 0, 1, 1]]), array([0]))

    Hint
    ----
    .any(axis=1) is the OR of each row, .all(axis=1) the AND. Which one is right depends on the
    sign of the scale.
    """
    raise NotImplementedError
