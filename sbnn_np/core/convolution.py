"""Convolution: every window of every image, times a matrix of filters; forward and backward.

With the windows written as rows of a matrix (`windows.im2col`), a convolution is one matrix
product. Its derivatives are those of a dense layer, and `windows.col2im` adds the rows back to
the pixels. Training runs the tuned twins of the same names in `fast`.
"""

from sbnn_np.core import windows


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

    Raises
    ------
    ValueError
        See `windows.out_size`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> y, cache = conv_forward(x, np.array([[1.0], [0.0], [0.0], [1.0]]), (2, 2))
    >>> y[0, :, :, 0]
    array([[ 4.,  6.],
           [10., 12.]])
    """
    N, H, W, _ = x.shape
    OH = windows.out_size(H, kernel[0], stride, padding)
    OW = windows.out_size(W, kernel[1], stride, padding)
    cols = windows.im2col(x, kernel, stride, padding, pad)    # (N*OH*OW, D), D = KH*KW*C
    # y[(n,oh,ow),f] = sum_d cols[(n,oh,ow),d] w[d,f]
    y = (cols @ w).reshape(N, OH, OW, -1)                     # (N, OH, OW, F)
    return y, (cols, w, x.shape, kernel, stride, padding)


def conv_backward(dy, cache, need_dx=True):
    """Differentiate `conv_forward` with respect to x and w.

    Parameters
    ----------
    dy : (N, OH, OW, F) float
    cache : tuple
        From `conv_forward`.
    need_dx : bool
        False saves a matrix product in the first layer, whose inputs are data.

    Returns
    -------
    dx : (N, H, W, C) float, or None
        A pixel's gradient is the sum of what all windows that saw it send back; 0 at pixels that
        are in no window.
    dw : (KH*KW*C, F) float

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.arange(9.0).reshape(1, 3, 3, 1), np.array([[1.0], [0.0], [0.0], [2.0]])
    >>> y, cache = conv_forward(x, w, (2, 2))
    >>> dx, dw = conv_backward(np.ones_like(y), cache)
    >>> dx[0, :, :, 0], dw[:, 0]
    (array([[1., 1., 0.],
           [1., 3., 2.],
           [0., 2., 2.]]), array([ 8., 12., 20., 24.]))
    """
    cols, w, shape, kernel, stride, padding = cache
    rows = dy.reshape(-1, dy.shape[-1])                       # (N*OH*OW, F)
    # dw[d,f] = sum_(n,oh,ow) cols[(n,oh,ow),d] dy[(n,oh,ow),f]
    dw = cols.T @ rows                                        # (D, F)
    if not need_dx:
        return None, dw
    # dcols[(n,oh,ow),d] = sum_f dy[(n,oh,ow),f] w[d,f]
    dcols = rows @ w.T                                        # (N*OH*OW, D)
    return windows.col2im(dcols, shape, kernel, stride, padding), dw
