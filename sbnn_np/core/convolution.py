"""Convolution: every window of every image, times a matrix of filters; forward and backward.

The windows of a few images at a time are written as rows (`windows.im2col`): a matrix
that stays in cache until the product has read it. The first half of a batch is one
thread's work, the second half another's.
"""

import numpy as np

from sbnn_np.core import windows
from sbnn_np.support import threads

COLUMNS = 1 << 18  # numbers of a matrix of windows at a time: 1 MB, half of a core's cache


def conv_forward(x, w, kernel, stride=1, padding=0, pad=0.0):
    """Multiply every window of every image by a matrix of filters.

    Parameters
    ----------
    x : (N, H, W, C) float
    w : (KH*KW*C, F) float
        A filter a column, its numbers in the order row, column, channel.
    kernel : (KH, KW)
    stride, padding : int
        See `windows.out_size`.
    pad : float
        Value of the pixels that padding adds: 0, or -1 among activations of -1 and +1.

    Returns
    -------
    y : (N, OH, OW, F) float
    cache : tuple

    Notes
    -----
    Backward writes the windows again, which costs less than to keep 9 times the images in
    memory.

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> y, cache = conv_forward(x, np.array([[1.0], [0.0], [0.0], [1.0]]), (2, 2))
    >>> y[0, :, :, 0]
    array([[ 4.,  6.],
           [10., 12.]])
    """
    N, H, W, _ = x.shape
    OH = windows.out_size(H, kernel[0], stride, padding)
    OW = windows.out_size(W, kernel[1], stride, padding)
    F = w.shape[1]
    y = np.empty((N, OH, OW, F), x.dtype)

    # y[(n,oh,ow),f] = sum_d cols[(n,oh,ow),d] w[d,f]
    def half(part):
        for n, cols in runs(x, part, kernel, stride, padding, pad):
            np.matmul(cols, w, out=y[n].reshape(-1, F))

    threads.halves(half, N)
    return y, (x, w, kernel, stride, padding, pad)


def conv_backward(dy, cache, need_dx=True, out=None):
    """Differentiate `conv_forward` with respect to x and w.

    Parameters
    ----------
    dy : (N, OH, OW, F) float
    cache : tuple
        From `conv_forward`.
    need_dx : bool
        False saves a matrix product in the first layer, whose inputs are data.
    out : (KH*KW*C, F) array, optional
        Where to write dw.

    Returns
    -------
    dx : (N, H, W, C) float, or None
        0 at pixels that no window touches.
    dw : (KH*KW*C, F) float

    Notes
    -----
    A pixel's gradient is what all windows that saw it send back. Added up window by window
    (`windows.col2im`), it is a scatter. Seen from the pixel it is a sum over a window of dy,
    with the filters turned by half a turn: another convolution, a gather, which is faster
    unless there are far fewer windows than pixels, as where windows are large or the stride
    is not 1.

    Examples
    --------
    >>> x, w = np.arange(9.0).reshape(1, 3, 3, 1), np.array([[1.0], [0.0], [0.0], [2.0]])
    >>> y, cache = conv_forward(x, w, (2, 2))
    >>> dx, dw = conv_backward(np.ones_like(y), cache)
    >>> dx[0, :, :, 0], dw[:, 0]
    (array([[1., 1., 0.],
           [1., 3., 2.],
           [0., 2., 2.]]), array([ 8., 12., 20., 24.]))
    """
    x, w, *how = cache
    kernel, stride, padding, _ = how
    N, H, W, C = x.shape
    _, OH, OW, F = dy.shape
    dx = np.empty(x.shape, x.dtype) if need_dx else None
    gathers = stride == 1 and padding < min(kernel) and H * W <= 2 * OH * OW

    def half(part):
        # dw[d,f] = sum_(n,oh,ow) cols[(n,oh,ow),d] dy[(n,oh,ow),f]
        dw, piece = np.zeros_like(w), np.empty_like(w)
        for n, cols in runs(x, part, *how):
            rows = dy[n].reshape(-1, F)
            dw += np.matmul(cols.T, rows, out=piece)
            if need_dx and not gathers:
                dcols = np.matmul(rows, w.T, out=cols)        # cols have done their work
                dx[n] = windows.col2im(dcols, dx[n].shape, kernel, stride, padding)
        if need_dx and gathers:
            gather(dx, dy, w, kernel, padding, part)
        return dw

    return dx, np.add.reduce(threads.halves(half, N), out=out)


def gather(dx, dy, w, kernel, padding, part):
    """Write the gradient of a part of the images, as a convolution of dy; stride 1.

    Parameters
    ----------
    dx : (N, H, W, C) array
        Written to.
    dy : (N, OH, OW, F) array
    w, kernel, padding : see `conv_forward`
    part : slice
        Of the N images.
    """
    KH, KW = kernel
    C, F = dx.shape[3], dy.shape[3]
    turned = w.reshape(KH, KW, C, F)[::-1, ::-1].transpose(0, 1, 3, 2).reshape(-1, C)
    border = (KH - 1 - padding, KW - 1 - padding)
    # dx[(n,h,w),c] = sum_(kh,kw,f) dcols[(n,h,w),(kh,kw,f)] turned[(kh,kw,f),c]
    for n, dcols in runs(dy, part, kernel, 1, border, 0.0):
        np.matmul(dcols, turned, out=dx[n].reshape(-1, C))


def runs(x, part, kernel, stride, padding, pad):
    """Yield runs of a few images, and their windows as rows of a matrix that stays in cache.

    It gives what `windows.im2col` gives, with one frame around the images and one matrix for
    all runs: what is yielded is overwritten by the next run.

    Parameters
    ----------
    x : (N, H, W, C) array
    part : slice
        Of the N images.
    kernel, stride, pad : see `conv_forward`
    padding : int, or a pair of them for height and width

    Yields
    ------
    n : slice
    cols : (n*OH*OW, KH*KW*C) array
    """
    N, H, W, C = x.shape
    top, left = (padding, padding) if isinstance(padding, int) else padding
    high, wide = H + 2 * top, W + 2 * left
    D = kernel[0] * kernel[1] * C
    places = windows.out_size(high, kernel[0], stride) * windows.out_size(wide, kernel[1], stride)
    step = min(max(1, COLUMNS // (places * D)), part.stop - part.start)
    frame = np.full((step, high, wide, C), pad, x.dtype)
    inside = frame[:, top : top + H, left : left + W]
    views, cols = windows.views(frame, kernel, stride), np.empty((step * places, D), x.dtype)
    as_views = cols.reshape(views.shape)
    for start in range(part.start, part.stop, step):
        n = slice(start, min(start + step, part.stop))
        some = n.stop - n.start
        inside[:some] = x[n]
        np.copyto(as_views[:some], views[:some])
        yield n, cols[: some * places]
