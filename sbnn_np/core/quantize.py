"""Quantizers: from a float that training can move to a weight of one bit.

A step function has slope 0 wherever it has a slope, so no gradient passes through
it. The straight-through estimator sends the gradient through all the same: the
latent weight takes the gradient that its quantized value received, collects many
small pushes, and once in a while crosses the threshold and flips the bit.
"""

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np


def zero_one(latent, tau=0.0):
    """Quantize to 0/1: ``w = 1 if latent > tau else 0``, so 0 at tau itself.

    Parameters
    ----------
    latent : (...) float
    tau : float

    Returns
    -------
    w : (...) of latent's dtype, every entry 0 or 1

    Notes
    -----
    Forward rule::          w = [latent > tau]
    Gradient rule::         dlatent = dw        (see `straight_through`)

    This is the quantizer without a budget. Under a budget the k largest latents are 1: `top_k`.

    Examples
    --------
    >>> zero_one(np.array([-0.3, 0.0, 0.2]))
    array([0., 0., 1.])
    """
    return np.greater(latent, tau, out=np.empty_like(latent))


def sign(latent):
    """Quantize to +-1: ``w = +1 if latent > 0 else -1``, so -1 at 0 itself.

    The threshold is the one of `zero_one`: ``sign(x) == 2 * zero_one(x) - 1``
    everywhere, 0 included.

    Parameters
    ----------
    latent : (...) float

    Returns
    -------
    w : (...) of latent's dtype, every entry -1 or +1

    Examples
    --------
    >>> sign(np.array([-0.3, 0.0, 0.2]))
    array([-1., -1.,  1.])
    """
    return 2 * zero_one(latent) - 1


def ternary(latent, threshold):
    """Quantize to -1, 0, +1; everything within [-threshold, threshold] is 0.

    Parameters
    ----------
    latent : (...) float
    threshold : float
        At least 0.

    Returns
    -------
    w : (...) of latent's dtype

    Raises
    ------
    ValueError
        If threshold is negative.

    Notes
    -----
    Ternary Weight Networks (Li et al., 2016) take threshold = 0.7 mean|latent|.

    Examples
    --------
    >>> ternary(np.array([-0.9, -0.5, 0.0, 0.5, 0.9]), threshold=0.5)
    array([-1.,  0.,  0.,  0.,  1.])
    """
    if not threshold >= 0:
        raise ValueError(f"threshold is {threshold}; it must be 0 or more")
    return zero_one(latent, threshold) - zero_one(-latent, threshold)


def straight_through(dw, latent=None):
    """Estimate dlatent as dw: the quantizer is treated as the identity.

    This is the estimator for latent weights. The slope of 1 is wrong in size but right in sign: a
    latent that moves against its gradient brings its bit nearer to where the loss is smaller.
    Latents are not clipped to an interval such as [-1, 1], as is usual for weights of -1 and +1:
    under a budget the largest latents compete, and clipped ones would all tie.

    Parameters
    ----------
    dw : (...) float
        Derivative of the loss with respect to the quantized weights.
    latent : (...) float, optional
        Not looked at here; an estimator of another kind may.

    Returns
    -------
    dlatent : (...) float, the same array

    Notes
    -----
    Bengio, Leonard, Courville (2013), "Estimating or propagating gradients
    through stochastic neurons for conditional computation".

    Examples
    --------
    >>> straight_through(np.array([0.5, -2.0]))
    array([ 0.5, -2. ])
    """
    return dw


def straight_through_clipped(da, y):
    """Estimate dy as da where |y| <= 1, and 0 beyond.

    This is the estimator for activations ``a = zero_one(y)`` and ``a = sign(y)``, the outputs of
    neurons: a number y far from the threshold does not flip, so it is left alone.

    Parameters
    ----------
    da, y : (...) float

    Returns
    -------
    dy : (...) float

    Notes
    -----
    Courbariaux et al. (2016), "Binarized Neural Networks".

    Examples
    --------
    >>> y = np.array([-1.5, -1.0, 0.0, 1.0, 1.5])
    >>> straight_through_clipped(np.full(5, 0.5), y)
    array([0. , 0.5, 0.5, 0.5, 0. ])
    """
    return da * (np.abs(y) <= 1).astype(da.dtype)


def ones_within(density, n):
    """Count the ones that a density allows among n weights: k = max(1, floor(density n)).

    The density is taken as the decimal that it prints as, so that 0.29 of 100 weights are 29
    ones, although the nearest double times 100 is 28.999999999999996.

    Parameters
    ----------
    density : float
        Fraction of ones, in (0, 1]; of Python or of NumPy.
    n : int

    Returns
    -------
    k : int

    Raises
    ------
    ValueError
        If density is outside (0, 1].

    Examples
    --------
    >>> ones_within(0.05, 100), ones_within(0.29, 100), ones_within(0.001, 100)
    (5, 29, 1)
    """
    if not 0 < density <= 1:
        raise ValueError(f"density is {density}; it must be above 0 and at most 1")
    return max(1, math.floor(Fraction(str(density)) * n))


def top_k(latents, k):
    """Choose the k largest latents, all arrays together: their weights are 1.

    Exactly k are chosen: ties go to the earlier array, then to the lower flat index.

    Parameters
    ----------
    latents : list of (...) float arrays
    k : int
        From 1 to the number of latents.

    Returns
    -------
    masks : list of (...) bool arrays, k entries True
    tau : float
        The k-th largest latent, the smallest whose weight is 1.

    Raises
    ------
    ValueError
        If k is out of range, or a latent is NaN or infinite.

    Examples
    --------
    >>> top_k([np.array([3.0, 1.0]), np.array([3.0, 2.0, 3.0])], k=2)
    ([array([ True, False]), array([ True, False, False])], 3.0)
    """
    every = np.concatenate([latent.reshape(-1) for latent in latents])
    check_k(k, every.size)
    check_finite(every)
    order = np.argsort(-every, kind="stable")                 # largest first; ties stay in order
    chosen = np.zeros(every.size, bool)
    chosen[order[:k]] = True
    ends = np.cumsum([latent.size for latent in latents])
    masks = [
        mask.reshape(latent.shape) for mask, latent in zip(np.split(chosen, ends[:-1]), latents)
    ]
    return masks, float(every[order[k - 1]])


def check_k(k, n):
    """Refuse a number of ones that n latents cannot have.

    Parameters
    ----------
    k, n : int
    """
    if not 1 <= k <= n:
        raise ValueError(f"k is {k}; it must be from 1 to {n}, the number of latents")


def check_finite(latents):
    """Refuse latents, (n,), that are NaN or infinite."""
    if not np.isfinite(latents).all():
        raise ValueError("latents hold NaN or infinity; they must be finite")


def nearly_empty(shape, p0, sigma, rng, dtype=np.float32):
    """Draw latents of which a fraction p0 lies above 0: a nearly-empty network.

    Parameters
    ----------
    shape : tuple of int
    p0 : float
        Expected fraction of ones at step 0, strictly between 0 and 1.
    sigma : float
        Standard deviation of the latents. It means something only beside the learning rate. A step
        of Adam moves a latent by about the rate. Double both, and every latent is doubled, but
        no bit is another.
    rng : numpy.random.Generator
    dtype : numpy dtype

    Returns
    -------
    latent : shape, dtype

    Raises
    ------
    ValueError
        If p0 is not inside (0, 1), or sigma is not above 0.

    Notes
    -----
    latent = sigma (z + q) with z standard normal and q = Phi^-1(p0), because
    P(z + q > 0) = P(z < q) = p0.

    Examples
    --------
    >>> latent = nearly_empty((1000, 100), 0.01, 0.1, np.random.default_rng(0))
    >>> round(float((latent > 0).mean()), 3)
    0.01
    """
    if not 0 < p0 < 1:
        raise ValueError(f"p0 is {p0}; it must be above 0 and below 1")
    if not sigma > 0:
        raise ValueError(f"sigma is {sigma}; it must be above 0")
    z = rng.standard_normal(shape, dtype=np.float64)
    return (sigma * (z + NormalDist().inv_cdf(p0))).astype(dtype)


def binary_entropy(p):
    """Bits that one weight needs if a fraction p of the weights is 1.

    Parameters
    ----------
    p : float
        In [0, 1].

    Returns
    -------
    bits : float
        H(p) = -p log2 p - (1-p) log2 (1-p), in [0, 1]; 0 at p = 0 and p = 1.

    Raises
    ------
    ValueError
        If p is outside [0, 1].

    Notes
    -----
    The order-0 entropy: no code that knows only p spends fewer bits on average.

    Examples
    --------
    >>> binary_entropy(0.5), binary_entropy(0.0), round(binary_entropy(0.05), 4)
    (1.0, 0.0, 0.2864)
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p is {p}; it must be from 0 to 1")
    return sum(-q * math.log2(q) for q in (p, 1 - p) if q > 0)
