"""Exercises of chapter 0: a neuron of bits, and a step of its latents.

Fill in the functions. Check one by `python -m walkthrough.exercises 0.1`.
"""

import numpy as np


def neuron(inputs, w, limit, direction):
    """0.1  Compute the bits of some neurons.

    A neuron adds the inputs whose weight is 1, and takes off its limit. If its direction is -1,
    the sign of the result is turned round. Its bit is 1 where the result is above 0, else 0.

    Parameters
    ----------
    inputs : (N, D) array of 0 and 1, one case a row
    w : (D, M) array of 0 and 1, one neuron a column
    limit : (M,) float
    direction : (M,) array of -1 and +1

    Returns
    -------
    bits : (N, M) array of 0 and 1

    Examples
    --------
    Two neurons add the same two inputs. The first fires at 1 or more, the second below 2:

    >>> inputs = np.array([[0, 0], [0, 1], [1, 1]])
    >>> w = np.array([[1, 1], [1, 1]])
    >>> neuron(inputs, w, limit=np.array([0.5, 1.5]), direction=np.array([1, -1]))
    array([[0, 1],
           [1, 1],
           [1, 0]])

    Hint
    ----
    The sums of all neurons in all cases are one matrix product, inputs @ w. NumPy takes limit off
    every row of it. 1 * (y > 0) makes bits of comparisons.
    """
    raise NotImplementedError


def move(latent, dw, rate):
    """0.2  Move the latents once, and count the bits that flip.

    Each latent takes the gradient of its bit as if it were its own (straight through), and
    moves against it: by rate times dw. Its bit is 1 where the latent is above 0.

    Parameters
    ----------
    latent : (D, M) float
        Leave it as it is; return a new array.
    dw : (D, M) float
        The derivative of the loss with respect to the bits.
    rate : float

    Returns
    -------
    new_latent : (D, M) float
    flips : int
        How many bits are not what they were, from 0 to 1 or from 1 to 0.

    Examples
    --------
    >>> new_latent, flips = move(np.array([[1.0, 0.0, -3.0]]), np.array([[2.0, -1.0, -1.0]]), 1)
    >>> new_latent, int(flips)
    (array([[-1.,  1., -2.]]), 2)

    Hint
    ----
    Compare the bits of before and of after: (latent > 0) != (new_latent > 0).
    np.count_nonzero counts.
    """
    raise NotImplementedError
