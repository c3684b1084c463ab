"""The specification: every operation as loops over lists, slow and plain.

Whatever the other files compute with arrays must equal what stands here; where the
numbers are small integers, to the last bit. Matrices are lists of rows.
"""

import math


def dense_forward(x, w):
    """y[n][m] = sum over d of x[n][d] w[d][m].

    Parameters
    ----------
    x : N rows of D numbers
    w : D rows of M numbers

    Returns
    -------
    y : N rows of M numbers

    Examples
    --------
    >>> dense_forward([[1, 2, 4]], [[1, 0], [0, 0], [1, 0]])
    [[5, 0]]
    """
    N, D, M = len(x), len(w), len(w[0])
    y = [[0] * M for _ in range(N)]
    for n in range(N):
        for m in range(M):
            for d in range(D):
                y[n][m] += x[n][d] * w[d][m]
    return y


def dense_backward(dy, x, w):
    """Derivatives of `dense_forward`: dx, N rows of D, and dw, D rows of M.

    Examples
    --------
    >>> dense_backward([[1, -1]], x=[[1, 2]], w=[[1, 0], [0, 0]])
    ([[1, 0]], [[1, -1], [2, -2]])
    """
    N, D, M = len(x), len(w), len(w[0])
    dx = [[0] * D for _ in range(N)]
    dw = [[0] * M for _ in range(D)]
    for n in range(N):
        for m in range(M):
            for d in range(D):
                dx[n][d] += dy[n][m] * w[d][m]
                dw[d][m] += dy[n][m] * x[n][d]
    return dx, dw


def batchnorm_forward(x, scale, shift, eps):
    """y[n][m] = scale[m] (x[n][m] - mean[m]) / sqrt(var[m] + eps) + shift[m].

    Examples
    --------
    >>> batchnorm_forward([[1.0], [5.0]], scale=[2.5], shift=[1.0], eps=2.25)
    [[-1.0], [3.0]]
    """
    N, M = len(x), len(x[0])
    y = [[0.0] * M for _ in range(N)]
    for m in range(M):
        mean = sum(x[n][m] for n in range(N)) / N
        var = sum((x[n][m] - mean) ** 2 for n in range(N)) / N
        for n in range(N):
            y[n][m] = scale[m] * (x[n][m] - mean) / math.sqrt(var + eps) + shift[m]
    return y


def zero_one(latent, tau=0):
    """Quantize one number: 1 above tau, 0 at tau and below.

    Examples
    --------
    >>> zero_one(-0.1), zero_one(0.0), zero_one(0.1)
    (0, 0, 1)
    """
    return 1 if latent > tau else 0


def sign(latent):
    """Quantize one number: +1 above 0, -1 at 0 and below.

    Examples
    --------
    >>> sign(-0.1), sign(0.0), sign(0.1)
    (-1, -1, 1)
    """
    return 1 if latent > 0 else -1


def straight_through_clipped(da, y):
    """Estimate one derivative: da where -1 <= y <= 1, and 0 beyond.

    Examples
    --------
    >>> [straight_through_clipped(0.5, y) for y in (-1.5, -1, 0, 1, 1.5)]
    [0, 0.5, 0.5, 0.5, 0]
    """
    return da if -1 <= y <= 1 else 0


def top_k(latents, k):
    """Quantize a list: the k largest become 1; of equal ones, the first.

    Examples
    --------
    >>> top_k([2, 3, 1, 3, 3], k=2)
    [0, 1, 0, 1, 0]
    """
    w = [0] * len(latents)
    for _ in range(k):
        best = None
        for i, latent in enumerate(latents):
            if w[i] == 0 and (best is None or latent > latents[best]):
                best = i
        w[best] = 1
    return w


def softmax_cross_entropy(scores, labels):
    """Mean over n of log(sum over m of exp(scores[n][m])) - scores[n][labels[n]].

    Examples
    --------
    >>> round(softmax_cross_entropy([[0.0, 0.0]], [1]), 4)
    0.6931
    """
    loss = 0.0
    for row, label in zip(scores, labels):
        loss += math.log(sum(math.exp(score) for score in row)) - row[label]
    return loss / len(labels)


def count_dense(x, w, centre, count):
    """Run one 0/1 dense layer on one image, and count every addition as it is done.

    Parameters
    ----------
    x : D integers
        Bits, or pixels. An input that is 0 is added like any other.
    w : D rows of M bits
    centre : number, or None for a plain layer
        The sum of the inputs is taken once, and, times the centre, subtracted from
        every neuron: an addition each.
    count : bitops.Count
        Its `adds` grows by one at each addition.

    Returns
    -------
    z : M numbers, the sum of the inputs that each neuron is connected to, centred

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> count = SimpleNamespace(adds=0)
    >>> count_dense([1, 2, 4], [[1, 0], [0, 0], [1, 0]], None, count), count.adds
    ([5, 0], 1)
    """
    D, M = len(w), len(w[0])
    z = []
    for m in range(M):
        sum_ = None
        for d in range(D):
            if w[d][m]:
                if sum_ is None:
                    sum_ = x[d]
                else:
                    sum_ += x[d]
                    count.adds += 1
        z.append(sum_ or 0)
    if centre is None:
        return z
    total = x[0]
    for d in range(1, D):
        total += x[d]
        count.adds += 1
    for m in range(M):
        z[m] -= centre * total
        count.adds += 1
    return z
