"""The layers' mathematics: pairs of functions, forward and right below it backward.

``f_forward(...)`` returns its result and a cache; ``f_backward(dy, cache)`` returns
the derivative of the loss with respect to each input of f, given the derivative dy
with respect to its output. Nothing here knows of layers, of training, or of latents.
"""

import numpy as np

from sbnn_np import quantize, threads, windows

COLUMNS = 1 << 18  # numbers of a matrix of windows at a time: 1 MB, half of a core's cache


def sum_rows(x):
    """Sum over n of x[n,m], (M,). A product with ones is the fastest way to it."""
    return np.ones(len(x), x.dtype) @ x


def dense_forward(x, w):
    """Multiply by a matrix: y = x w.

    Parameters
    ----------
    x : (N, D) float
    w : (D, M) float
        Of 0 and 1, of -1 and +1, of -centre and 1 - centre, or any numbers.

    Returns
    -------
    y : (N, M) float
    cache : tuple

    Notes
    -----
    Centred weights -centre and 1 - centre give, with the bits b of 0 and 1,

        y[n,m] = sum_d x[n,d] (b[d,m] - centre) = sum_d x[n,d] b[d,m] - centre sum_d x[n,d]

    and a frozen network computes the right side: bits, and one sum that all neurons
    share. Where the inputs are integers, the centre is c/64 and sum_d |x[n,d]| is below
    2^18 (784 pixels of 8 bits reach 199,920), both sides are the same float32 to the last
    bit, in whatever order they are added: every partial sum is a multiple of 1/64, and
    float32 holds those exactly below 2^24 / 64.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 4.0]])
    >>> bits = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    >>> dense_forward(x, bits)[0], dense_forward(x, bits - 0.25)[0]
    (array([[5., 0.]]), array([[ 3.25, -1.75]]))
    """
    # y[n,m] = sum_d x[n,d] w[d,m]
    y = x @ w                                                 # (N, M)
    return y, (x, w)


def dense_backward(dy, cache, need_dx=True, out=None):
    """Differentiate `dense_forward` with respect to x and w.

    Parameters
    ----------
    dy : (N, M) float
    cache : tuple
        From `dense_forward`.
    need_dx : bool
        False saves a matrix product in the first layer, whose inputs are data.
    out : (D, M) array, optional
        Where to write dw.

    Returns
    -------
    dx : (N, D) float, or None
    dw : (D, M) float

    Examples
    --------
    >>> x, w = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    >>> y, cache = dense_forward(x, w)
    >>> dx, dw = dense_backward(np.array([[1.0, -1.0]]), cache)
    >>> dx, dw
    (array([[1., 0.]]), array([[ 1., -1.],
           [ 2., -2.]]))
    """
    x, w = cache
    # dw[d,m] = sum_n x[n,d] dy[n,m]
    dw = np.matmul(x.T, dy, out=out)                          # (D, M)
    if not need_dx:
        return None, dw
    # dx[n,d] = sum_m dy[n,m] w[d,m]
    dx = dy @ w.T                                             # (N, D)
    return dx, dw


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
    The windows of a few images at a time are written as rows (`windows.im2col`): a matrix
    that stays in cache until the product has read it. Backward writes them again, which
    costs less than to keep 9 times the images in memory.

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
    A pixel's gradient is what all windows that saw it send back. To add it up window by
    window (`windows.col2im`) is a slow scatter. Seen from the pixel it is a sum over a window
    of dy, with the filters turned by half a turn: another convolution, a gather. With a
    stride, dy is first spread out, with zeros in between.

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
    (KH, KW), stride, padding, _ = how
    N, C, F = len(x), x.shape[3], dy.shape[3]

    turned = w.reshape(KH, KW, C, F)[::-1, ::-1].transpose(0, 1, 3, 2).reshape(-1, C)
    border = (KH - 1 - padding, KW - 1 - padding)
    dx = np.empty(x.shape, x.dtype) if need_dx else None

    def half(part):
        # dw[d,f] = sum_(n,oh,ow) cols[(n,oh,ow),d] dy[(n,oh,ow),f]
        dw, piece = np.zeros_like(w), np.empty_like(w)
        for n, cols in runs(x, part, *how):
            dw += np.matmul(cols.T, dy[n].reshape(-1, F), out=piece)
        if need_dx:
            # dx[(n,h,w),c] = sum_(kh,kw,f) dcols[(n,h,w),(kh,kw,f)] turned[(kh,kw,f),c]
            for n, dcols in runs(dy, part, (KH, KW), 1, border, 0.0, stride, x.shape[1:3]):
                np.matmul(dcols, turned, out=dx[n].reshape(-1, C))
        return dw

    return dx, np.add.reduce(threads.halves(half, N), out=out)


def runs(x, part, kernel, stride, padding, pad, spread=1, out=None):
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
    spread : int
        Distance at which the pixels are set into the frame; in between is `pad`.
    out : (OH, OW), optional
        Number of windows, where the padding at the far ends is to follow from it.

    Yields
    ------
    n : slice
    cols : (n*OH*OW, KH*KW*C) array
    """
    N, H, W, C = x.shape
    top, left = (padding, padding) if isinstance(padding, int) else padding
    high, wide = (
        (size + 2 * edge) if out is None else count + K - 1
        for size, edge, count, K in zip((H, W), (top, left), out or (0, 0), kernel)
    )
    D = kernel[0] * kernel[1] * C
    places = windows.out_size(high, kernel[0], stride) * windows.out_size(wide, kernel[1], stride)
    step = min(max(1, COLUMNS // (places * D)), part.stop - part.start)
    frame = np.full((step, high, wide, C), pad, x.dtype)
    inside = frame[:, top : top + spread * H : spread, left : left + spread * W : spread]
    views, cols = windows.views(frame, kernel, stride), np.empty((step * places, D), x.dtype)
    as_views = cols.reshape(views.shape)
    for start in range(part.start, part.stop, step):
        n = slice(start, min(start + step, part.stop))
        some = n.stop - n.start
        inside[:some] = x[n]
        np.copyto(as_views[:some], views[:some])
        yield n, cols[: some * places]


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


def batchnorm_forward(x, scale, shift, eps=1e-5):
    """Normalize every column to mean 0 and variance 1, then scale and shift it.

    Parameters
    ----------
    x : (N, M) float
    scale, shift : (M,) float
    eps : float
        Added to the variance. A column of equal numbers (a plain neuron without ones, a
        batch of one) has variance 0 and gives y = shift, where its sum is exact.

    Returns
    -------
    y : (N, M) float
    cache : tuple
    mean, var : (M,) float
        Of this batch; the variance is that of the batch itself, divided by N.

    Notes
    -----
    Ioffe, Szegedy (2015). The variance is the mean of squared differences: the
    shorter E[x^2] - E[x]^2 loses its digits when the mean is large.

    Examples
    --------
    >>> x = np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> batchnorm_forward(x, scale=np.array([1.0, 1.0]), shift=np.array([0.0, 7.0]), eps=0.0)[0]
    Traceback (most recent call last):
    ...
    ValueError: eps is 0.0; it must be above 0
    >>> batchnorm_forward(x, np.array([1.0, 1.0]), np.array([0.0, 7.0]))[0].round(4)
    array([[-1.,  7.],
           [ 1.,  7.]])
    """
    if not eps > 0:
        raise ValueError(f"eps is {eps}; it must be above 0")
    N, M = x.shape
    fold = folds(N, M)
    x = x.reshape(-1, fold * M)
    away, y = np.empty_like(x), np.empty_like(x)              # (N, M), folded
    mean = sum(threads.rows(lambda n: sum_rows(x[n]), x))
    mean = mean.reshape(fold, M).sum(axis=0) / N              # (M,)
    means = np.tile(mean, fold)

    def squares(n):
        np.subtract(x[n], means, out=away[n])
        return np.einsum("nm,nm->m", away[n], away[n])

    # var[m] = 1/N sum_n away[n,m]^2
    var = sum(threads.rows(squares, x)).reshape(fold, M).sum(axis=0) / N
    inv_std = 1 / np.sqrt(var + eps)                          # (M,)
    slopes, shifts = np.tile(scale * inv_std, fold), np.tile(shift, fold)

    # y[n,m] = scale[m] xhat[n,m] + shift[m], where xhat[n,m] = inv_std[m] away[n,m]
    def scaled(n):
        np.multiply(away[n], slopes, out=y[n])
        y[n] += shifts

    threads.rows(scaled, x)
    return y.reshape(N, M), (away, scale, inv_std), mean, var


def folds(N, M):
    """How many rows of M numbers to lay side by side, so that NumPy's inner loops are long.

    Many short rows are what images of few channels are; small matrices are left as they are.
    """
    fold = 1
    while N * M > threads.SMALL and N % (2 * fold) == 0 and fold * M < 256:
        fold *= 2
    return fold


def batchnorm_backward(dy, cache):
    """Differentiate `batchnorm_forward`, mean and variance included.

    Parameters
    ----------
    dy : (N, M) float
    cache : tuple

    Returns
    -------
    dx : (N, M) float
    dscale, dshift : (M,) float

    Notes
    -----
    Moving a column by a constant, or (but for eps) along xhat itself, leaves y as it is:
    so dx is dy less its parts along 1 and along xhat, times the slope.

    Examples
    --------
    >>> y, cache, mean, var = batchnorm_forward(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1))
    >>> dx, dscale, dshift = batchnorm_backward(np.array([[2.0], [1.0]]), cache)
    >>> abs(dx.round(4)), dscale.round(4), dshift
    (array([[0.], [0.]]), array([-1.]), array([3.]))
    """
    away, scale, inv_std = cache
    N, M = dy.shape
    fold = away.shape[1] // M
    dy = dy.reshape(away.shape)
    # dshift[m] = sum_n dy[n,m],  dscale[m] = sum_n dy[n,m] xhat[n,m]
    sums = threads.rows(
        lambda n: (sum_rows(dy[n]), np.einsum("nm,nm->m", dy[n], away[n])), dy
    )
    dshift, along = (sum(part).reshape(fold, M).sum(axis=0) for part in zip(*sums))
    dscale = along * inv_std                                  # (M,)
    tilts, levels, slopes = (
        np.tile(v, fold) for v in (inv_std * dscale / -N, dshift / N, scale * inv_std)
    )
    dx = np.empty_like(dy)                                    # (N, M), folded

    # dx[n,m] = scale[m] inv_std[m] (dy[n,m] - dshift[m]/N - xhat[n,m] dscale[m]/N)
    def parts(n):
        np.multiply(away[n], tilts, out=dx[n])
        dx[n] += dy[n]
        dx[n] -= levels
        dx[n] *= slopes

    threads.rows(parts, dy)
    return dx.reshape(N, M), dscale, dshift


def fold_batchnorm(scale, shift, mean, var, eps=1e-5):
    """Turn batch norm with fixed statistics into one factor and one offset a neuron.

    Evaluation uses y = x * factor + offset, computed in this order, and so does
    everything that must agree with it bit for bit. It is monotone in x.

    Parameters
    ----------
    scale, shift, mean, var : (M,) float
    eps : float

    Returns
    -------
    factor, offset : (M,) float

    Examples
    --------
    >>> fold_batchnorm(np.array([3.0]), np.array([1.0]), np.array([5.0]), np.array([8.0]), eps=1.0)
    (array([1.]), array([-4.]))
    """
    factor = scale / np.sqrt(var + eps)
    return factor, shift - mean * factor


def bit_forward(x):
    """Threshold: a = 1 if x > 0 else 0, so 0 at 0.

    Parameters
    ----------
    x : (...) float

    Returns
    -------
    a : (...) float, of 0 and 1
    cache : tuple

    Examples
    --------
    >>> bit_forward(np.array([-2.0, 0.0, 0.5]))[0]
    array([0., 0., 1.])
    """
    return threads.apply(quantize.zero_one, x), (x,)


def bit_backward(da, cache):
    """Estimate the slope of `bit_forward` as 1 where |x| <= 1 and 0 elsewhere.

    Parameters
    ----------
    da : (...) float
    cache : tuple

    Returns
    -------
    dx : (...) float

    Examples
    --------
    >>> bit_backward(np.ones(4), bit_forward(np.array([-2.0, -1.0, 0.0, 0.5]))[1])
    array([0., 1., 1., 1.])
    """
    (x,) = cache
    return threads.apply(quantize.straight_through_clipped, da, x)


def sign_forward(x):
    """Threshold: a = +1 if x > 0 else -1, so -1 at 0.

    Parameters
    ----------
    x : (...) float

    Returns
    -------
    a : (...) float, of -1 and +1
    cache : tuple

    Examples
    --------
    >>> sign_forward(np.array([-2.0, 0.0, 0.5]))[0]
    array([-1., -1.,  1.])
    """
    return threads.apply(quantize.sign, x), (x,)


def sign_backward(da, cache):
    """Estimate the slope of `sign_forward` as that of `bit_forward`.

    Parameters
    ----------
    da : (...) float
    cache : tuple

    Returns
    -------
    dx : (...) float
    """
    return bit_backward(da, cache)


def relu_forward(x):
    """Cut off below 0: a = max(x, 0).

    Parameters
    ----------
    x : (...) float

    Returns
    -------
    a : (...) float
    cache : tuple

    Examples
    --------
    >>> relu_forward(np.array([-2.0, 0.0, 0.5]))[0]
    array([0. , 0. , 0.5])
    """
    a = threads.apply(lambda x: np.maximum(x, 0), x)
    return a, (a,)


def relu_backward(da, cache):
    """Differentiate `relu_forward`: slope 1 above 0, and 0 at 0 and below.

    Parameters
    ----------
    da : (...) float
    cache : tuple

    Returns
    -------
    dx : (...) float

    Examples
    --------
    >>> relu_backward(np.ones(3), relu_forward(np.array([-2.0, 0.0, 0.5]))[1])
    array([0., 0., 1.])
    """
    (a,) = cache
    return threads.apply(lambda da, a: da * (a > 0), da, a)
