"""Windows of images as rows of a matrix: im2col, and its adjoint col2im.

A convolution looks at an image through a small window, and every filter asks the same of
every window. With the windows written as rows of a matrix (one row a window, its
numbers in the order row, column, channel), all filters at all places are one matrix
product. Images are (N, H, W, C); nothing here is ever transposed.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided


def out_size(size, kernel, stride=1, padding=0):
    """Number of places of a window along one axis.

    Parameters
    ----------
    size, kernel : int
        Of the image and of the window along this axis.
    stride : int
        Steps from one place to the next. Where it does not divide, the last pixels are in
        no window.
    padding : int
        Pixels added at both ends; fewer than the kernel has, so that every window sees at
        least one pixel of the image.

    Returns
    -------
    out : int

    Raises
    ------
    ValueError
        If the window is larger than the padded image, or a number is out of range.

    Examples
    --------
    >>> out_size(28, 5), out_size(32, 3, padding=1), out_size(8, 3, stride=2)
    (24, 32, 3)
    >>> out_size(4, 5)
    Traceback (most recent call last):
    ...
    ValueError: kernel is 5; an image of 4 pixels and padding 0 allows at most 4
    """
    if kernel < 1 or stride < 1:
        raise ValueError(f"kernel is {kernel} and stride {stride}; they must be at least 1")
    if not 0 <= padding < kernel:
        raise ValueError(f"padding is {padding}; kernel {kernel} allows 0 to {kernel - 1}")
    if kernel > size + 2 * padding:
        raise ValueError(
            f"kernel is {kernel}; an image of {size} pixels and padding {padding} allows at most "
            f"{size + 2 * padding}"
        )
    return (size + 2 * padding - kernel) // stride + 1


def im2col(x, kernel, stride=1, padding=0, pad=0.0):
    """Write every window as a row.

    Parameters
    ----------
    x : (N, H, W, C) array
    kernel : (KH, KW)
    stride, padding : int
        The same along both axes; see `out_size`.
    pad : float
        Value of the pixels that padding adds.

    Returns
    -------
    cols : (N*OH*OW, KH*KW*C) array of x's dtype
        cols[(n,oh,ow), (kh,kw,c)] = x[n, oh stride + kh - padding, ow stride + kw - padding, c]

    Raises
    ------
    ValueError
        See `out_size`.

    Examples
    --------
    >>> im2col(np.arange(9).reshape(1, 3, 3, 1), (2, 2))
    array([[0, 1, 3, 4],
           [1, 2, 4, 5],
           [3, 4, 6, 7],
           [4, 5, 7, 8]])
    """
    N, H, W, C = x.shape
    if padding:
        frame = np.full((N, H + 2 * padding, W + 2 * padding, C), pad, x.dtype)
        frame[:, padding : padding + H, padding : padding + W] = x
    else:
        frame = np.ascontiguousarray(x)
    out_size(H, kernel[0], stride, padding), out_size(W, kernel[1], stride, padding)
    windows = views(frame, kernel, stride)
    return windows.copy().reshape(math.prod(windows.shape[:3]), math.prod(windows.shape[3:]))


def views(x, kernel, stride=1):
    """All windows of images as a view, (N, OH, OW, KH, KW*C): nothing is copied.

    The KW*C numbers of one row of a window lie side by side, so that whoever copies the
    windows can copy these in one go.

    Parameters
    ----------
    x : (N, H, W, C) array, contiguous
    kernel : (KH, KW)
    stride : int

    Raises
    ------
    ValueError
        If x is not contiguous, or smaller than the window.
    """
    if not x.flags.c_contiguous:
        raise ValueError("x is not contiguous; numpy.ascontiguousarray makes it so")
    N, H, W, C = x.shape
    KH, KW = kernel
    n, h, w, c = x.strides
    return as_strided(
        x, (N, out_size(H, KH, stride), out_size(W, KW, stride), KH, KW * C),
        (n, stride * h, stride * w, h, c), writeable=False,
    )


def col2im(cols, shape, kernel, stride=1, padding=0):
    """Add every row back to where `im2col` took it from.

    This is the adjoint of im2col: sum(im2col(x) * cols) = sum(x * col2im(cols)) for all x
    and cols, with pad 0. So it carries gradients of windows back to the image. A pixel that
    is in no window gets 0.

    Parameters
    ----------
    cols : (N*OH*OW, KH*KW*C) array
    shape : (N, H, W, C)
        Of the images.
    kernel, stride, padding : see `im2col`

    Returns
    -------
    x : (N, H, W, C) array of cols' dtype

    Examples
    --------
    >>> col2im(np.ones((4, 4)), (1, 3, 3, 1), (2, 2))[0, :, :, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    N, H, W, C = shape
    KH, KW = kernel
    OH, OW = out_size(H, KH, stride, padding), out_size(W, KW, stride, padding)
    cols = cols.reshape(N, OH, OW, KH, KW, C)
    frame = np.zeros((N, H + 2 * padding, W + 2 * padding, C), cols.dtype)
    for kh, kw in np.ndindex(KH, KW):
        rows = slice(kh, kh + stride * OH, stride)
        columns = slice(kw, kw + stride * OW, stride)
        frame[:, rows, columns] += cols[:, :, :, kh, kw]
    return frame[:, padding : padding + H, padding : padding + W]
