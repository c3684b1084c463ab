"""Exercises of chapter 4: how small a network can be, and how it grows.

Fill in the functions. Check one by `python -m walkthrough.exercises 4.1`.
"""

import math


def times_smaller(ones, total):
    """4.1  Compute how many times smaller than float32 bits can be.

    If a fraction p of the weights is 1, an ideal code that knows p spends

        H(p) = -p log2 p - (1 - p) log2 (1 - p)   bits a weight

    on average, the entropy. A float32 weight has 32 bits.

    Parameters
    ----------
    ones, total : int
        Weights that are 1, at least one; and all weights, more than the ones.

    Returns
    -------
    bits : float
        Of the ideal code, a weight: H(p).
    times : float
        How many times smaller than float32 that is.

    Examples
    --------
    Half of the weights are ones: a bit a weight.

    >>> times_smaller(8, 16)
    (1.0, 32.0)

    Hint
    ----
    math.log2 is the logarithm. The formula has two terms, one for the ones and one for the zeros.
    """
    raise NotImplementedError


def density_at(progress, start, target, over):
    """4.2  Compute the density of a growing network.

    The density goes from `start` to `target`, by an equal *factor* each step, and is there when the
    part `over` of the training is done. From then on it stays. If the start is above the target,
    the same rule makes the network shrink.

    Parameters
    ----------
    progress : float
        Part of the training that is done, from 0 to 1.
    start, target : float
        Fractions of ones.
    over : float
        Above 0, at most 1.

    Returns
    -------
    density : float

    Examples
    --------
    From 1% to 4% over the first half of the training. After a quarter it has doubled once:

    >>> [round(density_at(progress, 0.01, 0.04, 0.5), 3) for progress in (0, 0.25, 0.5, 1)]
    [0.01, 0.02, 0.04, 0.04]

    Hint
    ----
    The whole factor is target / start. After a part q of the way it is (target / start) ** q.
    """
    raise NotImplementedError


def worth_having(size, accuracy):
    """4.3  Find the networks that no other network beats.

    They make the line of a compression curve. A network is beaten if another one is at least as
    small and at least as accurate, and better in one of the two.

    Parameters
    ----------
    size : list of int
        Bytes of each network.
    accuracy : list of float

    Returns
    -------
    kept : list of bool
        One for each network: True if none beats it.

    Examples
    --------
    >>> worth_having([10, 20, 30], [0.8, 0.9, 0.85])
    [True, True, False]

    Hint
    ----
    Two loops: for each network i, look at every network j. Two networks of the same size and the
    same accuracy do not beat each other.
    """
    raise NotImplementedError
