"""The same mathematics, tuned: what the chapters run, under the names of the plain functions.

A function that names a plain one computes what that computes, and tests hold the pair together
(`NormalizedSGD` measures less often, and so comes near). What a forward function caches is for
the backward function of this file. Read the plain ones to learn what is computed, and these to
learn how to compute it quickly with NumPy. Each says what it gains over its plain one, measured on
two cores of an AMD EPYC; "128 images" have 32 x 32 pixels and 16 channels, as in a network for
CIFAR-10. What gained nothing has no twin.

    fewer passes   NumPy's cost is memory. Arrays are cut in pieces that stay in a core's cache
                   while several operations go over them.
    two threads    NumPy copies, compares and adds on one core. Half of a batch goes to each of two
                   threads; see `support.threads`.
    less to do     Most weights do not flip in a step, and the budget's threshold hardly moves.
"""

import math

import numpy as np

from sbnn_np.core import ops, optim, quantize, windows
from sbnn_np.support import threads

COLUMNS = 1 << 18  # numbers of a matrix of windows: 1 MB, half of a core's second cache
LATENTS = 1 << 16  # latents that `top_k` looks at in one go
MEASURED = 8       # steps from one measurement of `NormalizedSGD` to the next
UPDATES = 1 << 15  # numbers that an optimizer updates in one go: five such arrays stay in cache
TINY = 1e-30       # far above where floats get slow (1e-38), far below what moves anything


# quantize


def top_k(latents, k, guess=None):
    """Choose the k largest latents; see `quantize.top_k`.

    The k-th largest number is costly to find from nothing. A guess is an interval (low, high] that
    it may lie in: what lies above is 1 at once, what lies below is 0, and only the few latents
    inside are put in order. For the 668,672 latents of 784-512-512-10: 105 ms
    plain, 4.4 ms without a guess, 0.8 ms with a good one.

    Parameters
    ----------
    latents, k : see `quantize.top_k`
    guess : (low, high), floats, optional
        low at most high. A bad guess costs time, never correctness.

    Returns
    -------
    masks : list of (...) bool arrays
    tau : float

    Raises
    ------
    ValueError
        If k is out of range, or low above high. Without a guess also if a latent is NaN or
        infinite; with one nobody looks, since looking takes as long as the choice itself.

    Examples
    --------
    >>> top_k([np.array([3.0, 1.0]), np.array([3.0, 2.0, 3.0])], k=2, guess=(2.5, 4.0))
    ([array([ True, False]), array([ True, False, False])], 3.0)
    """
    n = sum(latent.size for latent in latents)
    quantize.check_k(k, n)
    if guess is None:
        every = np.concatenate([latent.reshape(-1) for latent in latents])
        quantize.check_finite(every)
        tau = np.partition(every, n - k)[n - k]
        guess = np.nextafter(tau, -np.inf), tau               # only tau itself is inside
    low, high = guess
    if not low <= high:
        raise ValueError(f"guess is {guess}; its first number must not be above its second")
    masks = [np.empty(latent.size, bool) for latent in latents]
    missing, places, values = k, [], []
    for latent, mask in zip(latents, masks):
        flat, inside = latent.reshape(-1), []
        for start in range(0, flat.size, LATENTS):
            piece = flat[start : start + LATENTS]
            above = np.greater(piece, high, out=mask[start : start + LATENTS])
            missing -= np.count_nonzero(above)
            inside.append(start + np.flatnonzero((piece > low) & ~above))
        places.append(np.concatenate(inside))
        values.append(flat[places[-1]])

    candidates = np.concatenate(values)
    if not 1 <= missing <= candidates.size:                   # the guess was bad
        return top_k(latents, k)
    tau = np.partition(candidates, candidates.size - missing)[candidates.size - missing]
    for mask, place, value in zip(masks, places, values):
        mask[place[value > tau]] = True
        missing -= np.count_nonzero(value > tau)
    for mask, place, value in zip(masks, places, values):
        ties = place[value == tau][:missing]
        mask[ties] = True
        missing -= ties.size
    return [mask.reshape(latent.shape) for mask, latent in zip(masks, latents)], float(tau)


class TopK:
    """`quantize.top_k` for step after step of a training: it guesses from where tau was.

    Under a constant k, tau moves no faster than the fastest latent, and k itself changes slowly.
    Only the first step looks for latents that are NaN or infinite; `train.fit` looks for them at
    the end of each epoch.

    Examples
    --------
    >>> choose = TopK()
    >>> choose([np.array([3.0, 1.0, 2.0])], k=1)
    ([array([ True, False, False])], 3.0)
    >>> choose([np.array([2.9, 1.0, 2.0])], k=1)
    ([array([ True, False, False])], 2.9)
    """

    def __init__(self):
        self.tau, self.margin = None, 0.0

    def __call__(self, latents, k):
        """The k largest latents; arguments and results are those of `quantize.top_k`."""
        guess = None if self.tau is None else (self.tau - self.margin, self.tau + self.margin)
        masks, tau = top_k(latents, k, guess)
        # Next time, look four times as far as tau moved in this step. After a large move the margin
        # shrinks by a tenth a step, and it never falls below 1e-5.
        if self.tau is not None:
            self.margin = max(4 * abs(tau - self.tau), 0.9 * self.margin, 1e-5)
        self.tau = tau
        return masks, tau


def write_weights(w, old, mask, zero, one):
    """Write w = where(mask, one, zero), where w is where(old, one, zero): only what flips.

    With 200 flips among 401,408 weights 5.6 times faster.

    Parameters
    ----------
    w : (D, M) float
        Contiguous; written to.
    old, mask : (D, M) bool
    zero, one : float
        The two values.
    """
    flipped = np.flatnonzero(mask != old)
    to_one = mask.reshape(-1)[flipped]
    w.reshape(-1)[flipped] = np.where(to_one, one, zero)


# ops


def batchnorm_forward(x, scale, shift, eps=1e-5):
    """Normalize every column; see `ops.batchnorm_forward`. Pieces that stay in cache, two threads.

    1.7 times faster for 128 images; for small matrices as fast.

    Parameters
    ----------
    x, scale, shift, eps : see `ops.batchnorm_forward`

    Returns
    -------
    y : (N, M) float
    cache : tuple
        Other than the plain one: `batchnorm_backward` of this file takes it.
    mean, var : (M,) float
    """
    ops.check_eps(eps)
    N, M = x.shape
    abreast = rows_abreast(N, M)
    x = x.reshape(-1, abreast * M)
    deviation, y = np.empty_like(x), np.empty_like(x)         # (N/abreast, abreast*M)
    mean = sum(threads.over_rows(lambda n: sum_rows(x[n]), x))
    mean = mean.reshape(abreast, M).sum(axis=0) / N           # (M,)
    means = np.tile(mean, abreast)

    def sum_of_squares(n):
        np.subtract(x[n], means, out=deviation[n])
        return np.einsum("nm,nm->m", deviation[n], deviation[n])

    # var[m] = 1/N sum_n deviation[n,m]^2
    var = sum(threads.over_rows(sum_of_squares, x)).reshape(abreast, M).sum(axis=0) / N
    inv_std = 1 / np.sqrt(var + eps)                          # (M,)
    slopes, shifts = np.tile(scale * inv_std, abreast), np.tile(shift, abreast)

    # y[n,m] = scale[m] inv_std[m] deviation[n,m] + shift[m]
    def scaled(n):
        np.multiply(deviation[n], slopes, out=y[n])
        y[n] += shifts

    threads.over_rows(scaled, x)
    return y.reshape(N, M), (deviation, scale, inv_std), mean, var


def batchnorm_backward(dy, cache):
    """Differentiate `batchnorm_forward`; see `ops.batchnorm_backward`. Pieces, two threads.

    4.2 times faster for 128 images; for small matrices as fast.

    Parameters
    ----------
    dy : (N, M) float
    cache : tuple

    Returns
    -------
    dx : (N, M) float
    dscale, dshift : (M,) float
    """
    deviation, scale, inv_std = cache
    N, M = dy.shape
    abreast = deviation.shape[1] // M
    dy = dy.reshape(deviation.shape)
    sums = threads.over_rows(
        lambda n: (sum_rows(dy[n]), np.einsum("nm,nm->m", dy[n], deviation[n])), dy
    )
    dshift, dy_dot_deviation = (
        sum(part).reshape(abreast, M).sum(axis=0) for part in zip(*sums)
    )
    dscale = dy_dot_deviation * inv_std                       # (M,)
    along_deviation, mean_dy, slopes = (
        np.tile(v, abreast) for v in (inv_std * dscale / -N, dshift / N, scale * inv_std)
    )
    dx = np.empty_like(dy)                                    # (N/abreast, abreast*M)

    # dx[n,m] = scale[m] inv_std[m] (dy[n,m] - dshift[m]/N - inv_std[m] deviation[n,m] dscale[m]/N)
    def write_dx(n):
        np.multiply(deviation[n], along_deviation, out=dx[n])
        dx[n] += dy[n]
        dx[n] -= mean_dy
        dx[n] *= slopes

    threads.over_rows(write_dx, dy)
    return dx.reshape(N, M), dscale, dshift


def rows_abreast(N, M):
    """How many rows of M numbers to lay side by side, so that NumPy's inner loops are long.

    Images of few channels are many short rows. Small matrices are left as they are.

    Parameters
    ----------
    N, M : int

    Returns
    -------
    abreast : int
        A power of 2 that divides N.

    Examples
    --------
    >>> rows_abreast(96000, 3), rows_abreast(100, 3)
    (128, 1)
    """
    abreast = 1
    while N * M > threads.SMALL and N % (2 * abreast) == 0 and abreast * M < 256:
        abreast *= 2
    return abreast


def sum_rows(x):
    """Sum over n of x[n,m], (M,), as a product with ones: BLAS is the fastest way to it."""
    return np.ones(len(x), x.dtype) @ x


def bit_backward(da, cache):
    """Estimate the slope of a threshold; see `ops.bit_backward`. Two threads: 1.8 times faster.

    Parameters
    ----------
    da : (...) float
    cache : tuple
        From `ops.bit_forward`.
    """
    (x,) = cache
    return threads.elementwise(quantize.straight_through_clipped, da, x)


def sign_forward(x):
    """Threshold to -1 and +1; see `ops.sign_forward`. Two threads: 1.8 times faster."""
    return threads.elementwise(quantize.sign, x), (x,)


def sign_backward(da, cache):
    """Estimate the slope of `sign_forward`; see `ops.sign_backward`. Two threads: 1.8 times faster.

    Parameters
    ----------
    da : (...) float
    cache : tuple
        From `sign_forward`.
    """
    return bit_backward(da, cache)


# pooling


def maxpool_forward(x, size):
    """Take the largest of each square; see `pooling.maxpool_forward`. Whole rows are compared.

    5.5 times faster for 128 images.

    Parameters
    ----------
    x : (N, H, W, C) float
    size : int

    Returns
    -------
    y : (N, H // size, W // size, C) float
    cache : tuple
    """
    N, H, W, C = x.shape
    windows.out_size(H, size, size), windows.out_size(W, size, size)
    y = np.empty((N, H // size, W // size, C), x.dtype)

    def pool(n):
        rows = [x[n, i : H - H % size : size] for i in range(size)]
        tallest = rows[0] if size == 1 else np.maximum(rows[0], rows[1])
        for row in rows[2:]:
            np.maximum(tallest, row, out=tallest)
        np.copyto(y[n], tallest[:, :, 0 : W - W % size : size])
        for j in range(1, size):
            np.maximum(y[n], tallest[:, :, j : W - W % size : size], out=y[n])

    threads.over_rows(pool, x)
    return y, (x, y, size)


def maxpool_backward(dy, cache):
    """Differentiate `maxpool_forward`; see `pooling.maxpool_backward`.

    The gradient goes first to the row of the square that holds the largest number, then to the
    column in that row. All operations are on whole rows of pixels: 6.5 times faster for 128 images.

    Parameters
    ----------
    dy : (N, H // size, W // size, C) float
    cache : tuple

    Returns
    -------
    dx : (N, H, W, C) float
    """
    x, y, size = cache
    _, H, W, _ = x.shape
    H, W = H - H % size, W - W % size
    dx = np.zeros_like(x) if x.shape[1:3] != (H, W) else np.empty_like(x)

    def hand_back(n):
        columns = [(n, slice(H), slice(j, W, size)) for j in range(size)]
        tallest = x[columns[0]]                                # of each row of a square
        for place in columns[1:]:
            tallest = np.maximum(tallest, x[place])
        drow = np.empty_like(tallest)
        rows = [(slice(None), slice(i, None, size)) for i in range(size)]
        to_first(dy[n], y[n], [tallest[i] for i in rows], [drow[i] for i in rows])
        to_first(drow, tallest, [x[j] for j in columns], [dx[j] for j in columns])

    threads.over_rows(hand_back, x)
    return dx


def to_first(dy, largest, candidates, outs):
    """Hand dy to the first candidate that equals the largest, and 0 to the others.

    Parameters
    ----------
    dy, largest : (...) float
    candidates, outs : lists of (...) arrays
        `outs` are written to.
    """
    left = dy
    for i, (candidate, out) in enumerate(zip(candidates[:-1], outs)):
        np.multiply(left, candidate == largest, out=out)
        left = np.subtract(left, out, out=outs[-1] if i == len(outs) - 2 else None)
    if len(outs) == 1:
        outs[0][...] = dy


# convolution


def conv_forward(x, w, kernel, stride=1, padding=0, pad=0.0):
    """Multiply every window of every image; see `convolution.conv_forward`.

    The windows of a few images at a time are written as rows: a matrix that is still in cache when
    the product reads it. Each of two threads takes half of the batch. 2.6 times faster for 128
    images and 16 filters of 3 x 3.

    Parameters
    ----------
    x, w, kernel, stride, padding, pad : see `convolution.conv_forward`

    Returns
    -------
    y : (N, OH, OW, F) float
    cache : tuple
        Backward writes the windows again, which costs less than to keep, for a kernel of 3 x 3,
        nine times the images in memory.
    """
    N, H, W, _ = x.shape
    OH = windows.out_size(H, kernel[0], stride, padding)
    OW = windows.out_size(W, kernel[1], stride, padding)
    F = w.shape[1]
    y = np.empty((N, OH, OW, F), x.dtype)

    # y[(n,oh,ow),f] = sum_d cols[(n,oh,ow),d] w[d,f]
    def half(part):
        for n, cols in few_images(x, part, kernel, stride, padding, pad):
            np.matmul(cols, w, out=y[n].reshape(-1, F))

    threads.in_halves(half, N)
    return y, (x, w, kernel, stride, padding, pad)


def conv_backward(dy, cache, need_dx=True):
    """Differentiate `conv_forward`; see `convolution.conv_backward`.

    A pixel's gradient is what all windows that saw it send back. Added up window by window
    (`windows.col2im`), it is a scatter. Seen from the pixel it is a sum over a window of dy,
    with the filters turned by half a turn: another convolution, a gather. It needs a stride of 1.
    It is faster unless there are far fewer windows than pixels, as with large windows. With pieces
    and two threads as in `conv_forward`, 3.7 times faster.

    Parameters
    ----------
    dy, cache, need_dx : see `convolution.conv_backward`

    Returns
    -------
    dx : (N, H, W, C) float, or None
    dw : (KH*KW*C, F) float
    """
    x, w, *how = cache
    kernel, stride, padding, _ = how
    N, H, W, C = x.shape
    _, OH, OW, F = dy.shape
    dx = np.empty(x.shape, x.dtype) if need_dx else None
    gathers = stride == 1 and H * W <= 2 * OH * OW

    def half(part):
        # dw[d,f] = sum_(n,oh,ow) cols[(n,oh,ow),d] dy[(n,oh,ow),f]
        dw, piece = np.zeros_like(w), np.empty_like(w)
        for n, cols in few_images(x, part, *how):
            rows = dy[n].reshape(-1, F)
            dw += np.matmul(cols.T, rows, out=piece)
            if need_dx and not gathers:
                dcols = np.matmul(rows, w.T, out=cols)        # cols have done their work
                dx[n] = windows.col2im(dcols, dx[n].shape, kernel, stride, padding)
        if need_dx and gathers:
            gather(dx, dy, w, kernel, padding, part)
        return dw

    return dx, np.add.reduce(threads.in_halves(half, N))


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
    # dx[(n,h,w),c] = sum_(kh,kw,f) dy_cols[(n,h,w),(kh,kw,f)] turned[(kh,kw,f),c]
    for n, dy_cols in few_images(dy, part, kernel, 1, border, 0.0):
        np.matmul(dy_cols, turned, out=dx[n].reshape(-1, C))


def few_images(x, part, kernel, stride, padding, pad):
    """Yield a few images at a time, and their windows as rows of a matrix that stays in cache.

    The rows are those of `windows.im2col`, with one frame around the images and one matrix for all:
    what is yielded is overwritten by the next images.

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
        Of the N images.
    cols : (number*OH*OW, KH*KW*C) array
        The windows of this number of images.
    """
    N, H, W, C = x.shape
    top, left = (padding, padding) if isinstance(padding, int) else padding
    framed_H, framed_W = H + 2 * top, W + 2 * left
    D = kernel[0] * kernel[1] * C
    OH = windows.out_size(framed_H, kernel[0], stride)
    OW = windows.out_size(framed_W, kernel[1], stride)
    step = min(max(1, COLUMNS // (OH * OW * D)), part.stop - part.start)
    frame = np.full((step, framed_H, framed_W, C), pad, x.dtype)
    inside = frame[:, top : top + H, left : left + W]
    views = windows.views(frame, kernel, stride)
    cols = np.empty((step * OH * OW, D), x.dtype)
    cols_as_views = cols.reshape(views.shape)
    for start in range(part.start, part.stop, step):
        n = slice(start, min(start + step, part.stop))
        count = n.stop - n.start
        inside[:count] = x[n]
        np.copyto(cols_as_views[:count], views[:count])
        yield n, cols[: count * OH * OW]


# optim


class NormalizedSGD(optim.NormalizedSGD):
    """`optim.NormalizedSGD`, in pieces; it measures the gradient's size at each eighth step.

    The size changes slowly, and to measure it is another pass over all gradients. The fading of
    eight steps is done at once, too. 1.9 times faster for 784-512-512-10.

    Parameters
    ----------
    params, memory, fade : see `optim.NormalizedSGD`

    Raises
    ------
    ValueError
        Beside those of the plain one: if an array of `params` is not contiguous.
    """

    def __init__(self, params, memory=0.9, fade=0.05):
        super().__init__(params, memory, fade)
        check_contiguous(params)
        self.buffer = {p.dtype: np.empty(UPDATES, p.dtype) for p in params}

    def step(self, grads, rate):
        """Move all parameters; see `optim.NormalizedSGD.step`.

        Parameters
        ----------
        grads, rate : see `optim.SGD.step`
        """
        if self.t % MEASURED == 0:
            for i, (p, g) in enumerate(zip(self.params, grads)):
                square = optim.mean_square(g, i)
                self.v[i] += (1 - self.memory) * (square - self.v[i])
                if p.ndim > 1:
                    p *= 1 - MEASURED * self.fade * rate
        self.t += 1
        measured = 1 - self.memory ** math.ceil(self.t / MEASURED)
        for p, g, v in zip(self.params, grads, self.v):
            factor = rate / math.sqrt(v / measured) if v else 0.0
            for some_p, some_g in pieces(p, g):
                buffer = self.buffer[p.dtype][: some_p.size]
                some_p -= np.multiply(some_g, factor, out=buffer)


class Adam(optim.Adam):
    """`optim.Adam`, in pieces and with two passes over memory less.

    The factors 1-beta are kept out of m and v (m here is m / (1-beta1) of the plain one, and v
    likewise) and put into the two scalars of the last line, which changes the rounding alone. 2.0
    times faster for 784-512-512-10.

    Parameters
    ----------
    params, beta1, beta2, eps, fade : see `optim.Adam`

    Raises
    ------
    ValueError
        Beside those of the plain one: if an array of `params` is not contiguous.
    """

    def __init__(self, params, beta1=0.9, beta2=0.999, eps=1e-8, fade=0.0):
        super().__init__(params, beta1, beta2, eps, fade)
        check_contiguous(params)
        self.buffer = {p.dtype: np.empty(UPDATES, p.dtype) for p in params}

    def step(self, grads, rate):
        """Move all parameters; see `optim.Adam.step`.

        Parameters
        ----------
        grads, rate : see `optim.SGD.step`
        """
        self.t += 1
        to_mhat = (1 - self.beta1) / (1 - self.beta1**self.t)
        to_vhat = (1 - self.beta2) / (1 - self.beta2**self.t)
        keep = 1 - self.fade * rate
        # p -= rate to_mhat m / (sqrt(to_vhat v) + eps), both sides over sqrt(to_vhat)
        rate, eps = rate * to_mhat / math.sqrt(to_vhat), self.eps / math.sqrt(to_vhat)
        if self.t % 64 == 0:
            # where gradients are 0 for long, m fades into numbers so small that processors
            # take a slow path for them
            for m in self.m:
                m[np.abs(m) < TINY] = 0
        for arrays in zip(self.params, grads, self.m, self.v):
            fades = self.fade > 0 and arrays[0].ndim > 1
            for p, g, m, v in pieces(*arrays):
                buffer = self.buffer[p.dtype][: p.size]
                m *= self.beta1
                m += g
                v *= self.beta2
                v += np.multiply(g, g, out=buffer)
                np.sqrt(v, out=buffer)
                buffer += eps
                np.divide(m, buffer, out=buffer)
                buffer *= rate
                if fades:
                    p *= keep
                p -= buffer


def pieces(*arrays):
    """Yield short runs of the numbers of some arrays of one size, as views."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, UPDATES):
        yield [array[start : start + UPDATES] for array in flat]


def check_contiguous(params):
    """Refuse arrays of which a piece would be a copy, and so would never be updated."""
    for i, p in enumerate(params):
        if not p.flags.c_contiguous:
            raise ValueError(
                f"params[{i}] of shape {p.shape} is not contiguous in memory, row by row; "
                "numpy.ascontiguousarray makes it so"
            )
