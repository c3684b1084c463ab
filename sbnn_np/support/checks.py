"""What is refused at many doors: numbers, images and labels that do not fit."""

import math
import operator

import numpy as np


def whole_number(value, name, low, high=None):
    """A value as an int, if it is a whole number from low on, of Python or of NumPy.

    Parameters
    ----------
    value : int or NumPy integer
    name : str
        For the error.
    low : int
    high : int, optional

    Returns
    -------
    number : int

    Raises
    ------
    TypeError
        If it is no whole number.
    ValueError
        If it is below low or above high.

    Examples
    --------
    >>> whole_number(np.int64(127), "binarize", 0, 254)
    127
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; it must be a whole number") from None
    if number < low or high is not None and number > high:
        allowed = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} is {number}; it must be {allowed}")
    return number


def check_shape(images, shape, name="images"):
    """Refuse images whose axes are not those that a network takes, such as channels first.

    Parameters
    ----------
    images : (N, ...) array
        N at least 1. Allowed are (N, *shape); (N, D) with D the product of shape; and (N, H, W)
        for one channel. If shape is (D,), images of any axes with D numbers are allowed.
    shape : (D,) or (H, W, C)
        Of one input of the network.
    name : str
        For the error.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_shape(np.zeros((5, 28, 28)), (28, 28, 1))
    >>> check_shape(np.zeros((5, 3, 32, 32)), (32, 32, 3))
    Traceback (most recent call last):
    ...
    ValueError: images has shape (5, 3, 32, 32); the network takes (N, 32, 32, 3) or (N, 3072), \
channels last, N at least 1
    """
    shape, D = tuple(shape), math.prod(shape)
    allowed = [shape, (D,)] + [shape[:2]] * (len(shape) == 3 and shape[2] == 1)
    given = images.shape[1:]
    fits = given in allowed or len(shape) == 1 and len(given) and math.prod(given) == D
    if not fits or len(images) == 0:
        takes = " or ".join(
            f"({', '.join(map(str, ('N', *each)))})" for each in dict.fromkeys(allowed)
        )
        order = ", channels last" if len(shape) == 3 else ""
        raise ValueError(
            f"{name} has shape {images.shape}; the network takes {takes}{order}, N at least 1"
        )


def check_labels(labels, N, M, name="labels"):
    """Refuse labels that are not one class for each image.

    Parameters
    ----------
    labels : (N,) array of integers from 0 to M - 1
    N : int
        Number of images.
    M : int
        Number of classes.
    name : str
        For the error.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_labels(np.array([[0], [1]]), 2, 10)
    Traceback (most recent call last):
    ...
    ValueError: labels has shape (2, 1); 2 images need (2,), one label each
    """
    labels = np.asarray(labels)
    if labels.shape != (N,):
        raise ValueError(f"{name} has shape {labels.shape}; {N} images need ({N},), one label each")
    if labels.dtype.kind not in "iu":
        raise ValueError(
            f"{name} is of dtype {labels.dtype}; labels must be integers from 0 to {M - 1}"
        )
    outside = labels[(labels < 0) | (labels >= M)]
    if len(outside):
        raise ValueError(f"{name} holds {outside[0]}; a label must be from 0 to {M - 1}")
