"""Exercises of chapter 1: the quantizer, its estimators, a budget, and three ways back.

Fill in the functions. Check one by `python -m walkthrough.exercises 1.1`.
"""

import numpy as np


def zero_one(latent):
    """1.1  Quantize latents to bits.

    A bit is 1 where its latent is above 0, else 0. At 0 itself it is 0.

    Parameters
    ----------
    latent : (...) float
        An array of any shape.

    Returns
    -------
    w : (...) array of 0 and 1, of the same shape

    Examples
    --------
    >>> zero_one(np.array([-0.5, 0.0, 0.25]))
    array([0., 0., 1.])

    Hint
    ----
    A comparison gives True and False. Multiplied by 1.0 they become 1 and 0.
    """
    raise NotImplementedError


def straight_through(dw, da, y):
    """1.2  Send gradients back through two thresholds.

    The first threshold made bits w of latents. Its estimator takes the slope as 1 everywhere.
    The second one made bits a of numbers y, as in `zero_one(y)`. Its estimator takes the slope as
    1 where y is from -1 to 1, with -1 and 1 themselves, and as 0 farther off.

    Parameters
    ----------
    dw : (D, M) float
        The derivative of the loss with respect to the bits w.
    da, y : (N, M) float
        The derivative of the loss with respect to the bits a, and what a was made of.

    Returns
    -------
    dlatent : (D, M) float
    dy : (N, M) float

    Examples
    --------
    >>> dlatent, dy = straight_through(
    ...     np.array([[7.0]]), np.array([[5.0, 5.0, 5.0]]), np.array([[-1.5, -1.0, 0.5]])
    ... )
    >>> dlatent, dy
    (array([[7.]]), array([[0., 5., 5.]]))

    Hint
    ----
    A slope of 1 leaves a gradient as it is. A slope of 0 makes it 0. Multiply da by the slopes.
    """
    raise NotImplementedError


def top_k(latent, k):
    """1.3  Give 1 to the k largest latents, and 0 to all others.

    There are exactly k ones, also if latents are equal: of equal ones, those that come earlier
    in the array are chosen first.

    Parameters
    ----------
    latent : (n,) float
    k : int
        From 1 to n.

    Returns
    -------
    w : (n,) array of 0 and 1

    Examples
    --------
    >>> top_k(np.array([2.0, 3.0, 1.0, 3.0, 3.0]), k=2)
    array([0., 1., 0., 1., 0.])

    Hint
    ----
    np.argsort sorts from small to large, so sort -latent. With kind="stable" equal ones stay in
    their order. What it returns are places: set the first k of these places to 1.
    """
    raise NotImplementedError


def dense_backward(dy, x, w):
    """1.4  Send the gradient back through a dense layer, y = x w.

    The sum behind it: y[n,m] = sum over d of x[n,d] w[d,m].

    Parameters
    ----------
    dy : (N, M) float
        The derivative of the loss with respect to y.
    x : (N, D) float
        Inputs, one image a row.
    w : (D, M) float
        Weights, one neuron a column.

    Returns
    -------
    dx : (N, D) float
    dw : (D, M) float

    Examples
    --------
    >>> dense_backward(
    ...     np.array([[1.0, -1.0]]), x=np.array([[1.0, 2.0]]), w=np.array([[1.0, 0.0], [1.0, 1.0]])
    ... )
    (array([[1., 0.]]), array([[ 1., -1.],
           [ 2., -2.]]))

    Hint
    ----
    x[n,d] is in the sum of every neuron m, with the slope w[d,m]: dx[n,d] = sum over m of
    dy[n,m] w[d,m]. w[d,m] is used for every image n, with the slope x[n,d]. Both are matrix
    products with one matrix transposed (.T); the shapes say which.
    """
    raise NotImplementedError


def batchnorm_backward(dy, xhat, scale, inv_std):
    """1.5  Send the gradient back through batch norm.

    Going forward, batch norm does this to each column m of x, with the mean and the variance of
    that column over the N images of the batch:

        inv_std[m] = 1 / sqrt(variance[m] + eps)
        xhat[n,m]  = (x[n,m] - mean[m]) * inv_std[m]
        y[n,m]     = scale[m] * xhat[n,m] + shift[m]

    Going back, look at one column; m is left out. scale and shift are used for all N images. x
    reaches y by xhat alone, and dxhat[i] = dy[i] * scale for each image i. If x[n] moves by a small
    number h, it moves the xhat[i] in three ways, so dx[n] is the sum of three parts. Each part is
    the sum over i of dxhat[i] times the move of xhat[i], divided by h:

    1. Directly, only xhat[n] moves, by inv_std * h. The part is inv_std * dxhat[n].
    2. The mean moves by h / N, and so every xhat[i] by -inv_std * h / N. The part is
       -inv_std * (the mean of dxhat over the batch).
    3. The variance moves by 2 * (x[n] - mean) * h / N. The slope of inv_std with respect to the
       variance is -inv_std**3 / 2, so inv_std moves by -inv_std**2 * xhat[n] * h / N. Every
       xhat[i] is (x[i] - mean) * inv_std, so it moves by -inv_std * xhat[n] * xhat[i] * h / N.
       What is the part?

    Parameters
    ----------
    dy : (N, M) float
        The derivative of the loss with respect to y.
    xhat : (N, M) float
    scale, inv_std : (M,) float

    Returns
    -------
    dx : (N, M) float
    dscale, dshift : (M,) float

    Examples
    --------
    >>> dx, dscale, dshift = batchnorm_backward(
    ...     np.array([[3.0], [1.0], [0.0], [0.0]]), np.array([[1.0], [-1.0], [1.0], [-1.0]]),
    ...     scale=np.array([2.0]), inv_std=np.array([1.0]),
    ... )
    >>> dx.T, dscale, dshift
    (array([[ 3.,  1., -3., -1.]]), array([2.]), array([4.]))

    Hint
    ----
    Begin with dshift and dscale, which are sums over the images. Then compute dxhat, and one
    by one the three parts of dx, as described above. Each column has its own means: axis=0.
    """
    raise NotImplementedError


def penalty(ones, total, expected, share, loss):
    """1.6  Compute the penalty on too many ones, and its derivative.

    Let h = ones / total - expected, the fraction of ones that is too much. If h is 0.0001 or
    less, both results are 0. Otherwise

        strength = share * loss / (h * (1 - share))
        penalty  = strength * h

    The strength is treated as a constant when the penalty is differentiated.

    Parameters
    ----------
    ones, total : int
        Weights that are 1, and all weights.
    expected : float
        The fraction of ones that costs nothing.
    share : float
        Which part of loss + penalty the penalty makes up.
    loss : float

    Returns
    -------
    penalty : float
    dw : float
        The derivative of the penalty with respect to any one weight.

    Examples
    --------
    >>> penalty(ones=24, total=32, expected=0.5, share=0.5, loss=3.0)
    (3.0, 0.375)

    Hint
    ----
    One more weight that is 1 makes h larger by 1 / total, and the penalty by strength times that.
    """
    raise NotImplementedError
