"""Does a backward pass compute the derivative of its forward pass?"""

import numpy as np


def difference(f, x, dy, h):
    """Differentiate sum(dy * f(x)) with respect to x by central differences.

    Parameters
    ----------
    f : function of x, to an array of dy's shape
    x : (...) float64
    dy : (...) float64
        The upstream gradient. Take a random one: an even dy cannot see two swapped
        axes, and batch norm sends it to 0.
    h : float
        Step. Where f is linear in x and all numbers are small integers, h = 1 has no
        error at all; elsewhere take 1e-5 or so, in float64.

    Returns
    -------
    dx : (...) float64, the shape of x

    Examples
    --------
    >>> difference(lambda x: x**2, np.array([3.0]), np.array([2.0]), h=1e-5).round(6)
    array([12.])
    """
    x = x.astype(np.float64)
    dx = np.empty_like(x)
    for i in np.ndindex(x.shape):
        value = x[i]
        x[i] = value + h
        above = np.array(f(x))                                # a copy: f may return x itself
        x[i] = value - h
        below = np.array(f(x))
        x[i] = value
        dx[i] = np.sum(dy * (above - below)) / (2 * h)
    return dx


def check(dx, f, x, dy, h=1, tolerance=0.0):
    """Compare a hand-written gradient with the differences of its forward pass.

    Parameters
    ----------
    dx : (...) float, the gradient in question
    f, x, dy, h : see `difference`
    tolerance : float
        Largest error allowed, relative to the larger of 1 and the largest difference.
        0 asks for equality, which linear functions of integers can keep.

    Raises
    ------
    AssertionError
        If the shapes differ, or an entry is off: it is named, with both values.

    Examples
    --------
    >>> x, dy = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    >>> check(2 * dy, lambda x: 2 * x, x, dy)
    >>> check(-2 * dy, lambda x: 2 * x, x, dy)
    Traceback (most recent call last):
    ...
    AssertionError: dx[0] is -6.0, the difference is 6.0
    """
    expected = difference(f, x, dy, h)
    if dx.shape != expected.shape:
        raise AssertionError(f"dx has shape {dx.shape}, x has {expected.shape}")
    error = np.abs(dx - expected)
    worst = np.unravel_index(np.argmax(error), error.shape)
    if not error[worst] <= tolerance * max(1.0, np.abs(expected).max()):
        place = ", ".join(str(int(i)) for i in worst)
        raise AssertionError(f"dx[{place}] is {dx[worst]}, the difference is {expected[worst]}")
