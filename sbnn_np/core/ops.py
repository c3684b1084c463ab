"""The mathematics of dense layers, batch norm and thresholds: pairs of functions, forward and
right below it backward.

``f_forward(...)`` returns its result and a cache; ``f_backward(dy, cache)`` returns
the derivative of the loss with respect to each input of f, given the derivative dy
with respect to its output. Nothing here knows of layers, of training, or of latents.
Training runs the tuned twins of the same names in `fast`.
"""

import numpy as np

from sbnn_np.core import quantize


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
    bit, in whatever order they are added. Every partial sum is a multiple of 1/64; float32 holds
    whole numbers exactly up to 2^24, and so it holds multiples of 1/64 exactly up to 2^18.

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


def dense_backward(dy, cache, need_dx=True):
    """Differentiate `dense_forward` with respect to x and w.

    Parameters
    ----------
    dy : (N, M) float
    cache : tuple
        From `dense_forward`.
    need_dx : bool
        False saves a matrix product in the first layer, whose inputs are data.

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
    dw = x.T @ dy                                             # (D, M)
    if not need_dx:
        return None, dw
    # dx[n,d] = sum_m dy[n,m] w[d,m]
    dx = dy @ w.T                                             # (N, D)
    return dx, dw


def batchnorm_forward(x, scale, shift, eps=1e-5):
    """Normalize every column to mean 0 and variance 1, then scale and shift it.

    A neuron's sums lie anywhere, depending on how many ones it has. Normalized, they lie around 0,
    where the threshold behind them can tell one input from another.

    Parameters
    ----------
    x : (N, M) float
    scale, shift : (M,) float
    eps : float
        Added to the variance. A column of equal numbers (a neuron without ones, a batch of one)
        has variance 0 and gives y = shift, provided that its mean is not rounded.

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
    check_eps(eps)
    mean = x.mean(axis=0)                                     # (M,)
    deviation = x - mean                                      # (N, M)
    var = (deviation**2).mean(axis=0)                         # (M,)
    inv_std = 1 / np.sqrt(var + eps)                          # (M,)
    xhat = deviation * inv_std                                # (N, M)
    # y[n,m] = scale[m] xhat[n,m] + shift[m]
    y = scale * xhat + shift                                  # (N, M)
    return y, (xhat, scale, inv_std), mean, var


def check_eps(eps):
    """Refuse an eps by which batch norm could divide by 0."""
    if not eps > 0:
        raise ValueError(f"eps is {eps}; it must be above 0")


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
    Mean and variance depend on x, too. If a constant is added to a column of x, its mean moves
    along, and y stays as it is. If the column is stretched about its mean, its standard deviation
    is stretched as well, and y stays (but for eps). The loss does not change in these two
    directions, so dx must have no part along them: it is dy less its mean and less its part along
    xhat, times the slope. (xhat has a mean square of 1, so the part is xhat mean(dy xhat).)

    Examples
    --------
    >>> y, cache, mean, var = batchnorm_forward(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1))
    >>> dx, dscale, dshift = batchnorm_backward(np.array([[2.0], [1.0]]), cache)
    >>> abs(dx.round(4)), dscale.round(4), dshift
    (array([[0.], [0.]]), array([-1.]), array([3.]))
    """
    xhat, scale, inv_std = cache
    N = len(dy)
    # dshift[m] = sum_n dy[n,m],  dscale[m] = sum_n dy[n,m] xhat[n,m]
    dshift = dy.sum(axis=0)                                   # (M,)
    dscale = (dy * xhat).sum(axis=0)                          # (M,)
    # dx[n,m] = scale[m] inv_std[m] (dy[n,m] - dshift[m]/N - xhat[n,m] dscale[m]/N)
    dx = scale * inv_std * (dy - dshift / N - xhat * dscale / N)
    return dx, dscale, dshift


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
    return quantize.zero_one(x), (x,)


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
    return quantize.straight_through_clipped(da, x)


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
    return quantize.sign(x), (x,)


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
    a = np.maximum(x, 0)
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
    return da * (a > 0)
