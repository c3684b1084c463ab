"""What training minimizes. Each function returns the value and its gradient together."""

import numpy as np

from sbnn_np.support import checks


def softmax_cross_entropy(scores, labels):
    """Mean cross-entropy of softmax(scores) against integer labels.

    Softmax turns the scores of an image into probabilities, p[n,m], all above 0 and 1 in sum. The
    loss is -log of the probability that the right class got: 0 if it is sure, large if it is wrong.

    Parameters
    ----------
    scores : (N, M) float
        Any real numbers, one a class.
    labels : (N,) int
        From 0 to M-1.

    Returns
    -------
    loss : float
        By the natural logarithm: log(M) for equal scores, 0 for a certain and right answer.
    dscores : (N, M) float

    Raises
    ------
    ValueError
        If labels are other than integers from 0 to M-1, or not one for each row of scores.

    Examples
    --------
    >>> loss, dscores = softmax_cross_entropy(np.zeros((1, 4)), np.array([2]))
    >>> round(loss, 4), dscores
    (1.3863, array([[ 0.25,  0.25, -0.75,  0.25]]))
    """
    N, M = scores.shape
    checks.check_labels(labels, N, M)
    # p[n,m] = exp(s[n,m]) / sum_j exp(s[n,j]); the largest score is taken off first,
    # which changes nothing but keeps exp from overflowing
    shifted = scores - scores.max(axis=1, keepdims=True)      # (N, M)
    e = np.exp(shifted)                                       # (N, M)
    total = e.sum(axis=1, keepdims=True)                      # (N, 1)
    # loss = -1/N sum_n log p[n, labels[n]]
    rows = np.arange(N)
    loss = float((np.log(total[:, 0]) - shifted[rows, labels]).mean())
    # dscores[n,m] = (p[n,m] - [m == labels[n]]) / N
    dscores = e / total                                       # (N, M)
    dscores[rows, labels] -= 1
    dscores /= N
    return loss, dscores


def expected_connections(ones, total, expected, share, loss):
    """Penalize the fraction of ones above `expected`, by a fixed share of the whole loss.

    Parameters
    ----------
    ones, total : int
        Weights that are 1 (ternary: not 0), and all weights, over all sparse layers.
    expected : float
        Fraction of ones that costs nothing. The name is that of the authors' later code, where it
        bounds the expected number of connections; what is counted are the actual ones.
    share : float
        What the penalty makes up of loss + penalty, in [0, 1).
    loss : float
        The loss that the penalty is added to.

    Returns
    -------
    penalty : float
        lambda h with h = relu(ones/total - expected) and
        lambda = share loss / (h (1 - share)), so share * loss / (1 - share);
        0 where h <= 1e-4.
    dw : float
        Its derivative with respect to any one |w|, lambda / total: lambda is held
        constant in the gradient.

    Raises
    ------
    ValueError
        If expected is outside (0, 1], or share outside [0, 1).

    Notes
    -----
    The penalty of the SBNN authors' later code. It pushes against a density above
    `expected`, but does not forbid it, and is silent up to 1e-4 above: where a density
    must hold, set `expected` a little lower, and look.

    Examples
    --------
    >>> penalty, dw = expected_connections(ones=10, total=100, expected=0.05, share=0.2, loss=1.0)
    >>> round(penalty, 6), round(dw, 6)
    (0.25, 0.05)
    >>> expected_connections(ones=5, total=100, expected=0.05, share=0.2, loss=1.0)
    (0.0, 0.0)
    """
    if not 0 < expected <= 1:
        raise ValueError(f"expected is {expected}; it must be above 0 and at most 1")
    if not 0 <= share < 1:
        raise ValueError(f"share is {share}; it must be from 0 to below 1")
    h = ones / total - expected
    if h <= 1e-4:
        return 0.0, 0.0
    strength = share * loss / (h * (1 - share))               # lambda
    return strength * h, strength / total
