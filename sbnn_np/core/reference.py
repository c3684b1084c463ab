"""The specification of training: its layers, quantizers and loss as loops over lists.

The other files of `core` compute the same with arrays, and tests compare them with this one. If the
numbers are small integers, the results are equal to the last bit. Matrices are lists of rows. (How
a frozen network is executed is another matter, which `engines/loops.py` specifies.)
"""

import math
from itertools import product


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

    Parameters
    ----------
    dy : N rows of M numbers
    x : N rows of D numbers
    w : D rows of M numbers

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


def conv_forward(x, w, kernel, stride, padding, pad):
    """y[n][oh][ow][f] = sum over kh, kw, c of x[n][h][v][c] w[(kh KW + kw) C + c][f],

    where h = oh stride + kh - padding and v = ow stride + kw - padding; a pixel outside of
    the image is `pad`.

    Parameters
    ----------
    x : N images: lists of H rows of W pixels of C numbers
    w : KH*KW*C rows of F numbers
    kernel : (KH, KW)
    stride, padding : int
    pad : number

    Returns
    -------
    y : N images of OH rows of OW pixels of F numbers

    Examples
    --------
    >>> x = [[[[1], [2]], [[3], [4]]]]
    >>> conv_forward(x, [[1], [0], [0], [1]], (2, 2), 1, 0, 0)
    [[[[5]]]]
    """
    N, H, W, C, F = len(x), len(x[0]), len(x[0][0]), len(x[0][0][0]), len(w[0])
    KH, KW = kernel
    OH, OW = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    y = [[[[0] * F for _ in range(OW)] for _ in range(OH)] for _ in range(N)]
    for n in range(N):
        for oh, ow, f in product(range(OH), range(OW), range(F)):
            for kh, kw, c in product(range(KH), range(KW), range(C)):
                h, v = oh * stride + kh - padding, ow * stride + kw - padding
                pixel = x[n][h][v][c] if 0 <= h < H and 0 <= v < W else pad
                y[n][oh][ow][f] += pixel * w[(kh * KW + kw) * C + c][f]
    return y


def conv_backward(dy, x, w, kernel, stride, padding, pad):
    """Derivatives of `conv_forward`: dx, shaped as x, and dw, shaped as w.

    Parameters
    ----------
    dy : nested lists, [n][oh][ow][f]
    x, w, kernel, stride, padding, pad : see `conv_forward`

    Examples
    --------
    >>> x = [[[[1], [2]], [[3], [4]]]]
    >>> conv_backward([[[[10]]]], x, [[1], [0], [0], [1]], (2, 2), 1, 0, 0)
    ([[[[10], [0]], [[0], [10]]]], [[10], [20], [30], [40]])
    """
    N, H, W, C, F = len(x), len(x[0]), len(x[0][0]), len(x[0][0][0]), len(w[0])
    KH, KW = kernel
    dx = [[[[0] * C for _ in range(W)] for _ in range(H)] for _ in range(N)]
    dw = [[0] * F for _ in range(KH * KW * C)]
    for n in range(N):
        for oh, ow, f in product(range(len(dy[0])), range(len(dy[0][0])), range(F)):
            for kh, kw, c in product(range(KH), range(KW), range(C)):
                h, v = oh * stride + kh - padding, ow * stride + kw - padding
                d = (kh * KW + kw) * C + c
                if 0 <= h < H and 0 <= v < W:
                    dx[n][h][v][c] += dy[n][oh][ow][f] * w[d][f]
                    dw[d][f] += dy[n][oh][ow][f] * x[n][h][v][c]
                else:
                    dw[d][f] += dy[n][oh][ow][f] * pad
    return dx, dw


def maxpool_forward(x, size):
    """Largest number of each size x size square, channel by channel; the rest is dropped.

    Parameters
    ----------
    x : nested lists, [n][h][w][c]
    size : int

    Examples
    --------
    >>> maxpool_forward([[[[1], [2]], [[4], [3]]]], 2)
    [[[[4]]]]
    """
    H, W, C = len(x[0]), len(x[0][0]), len(x[0][0][0])
    square = list(product(range(size), range(size)))
    return [
        [
            [
                [max(image[h + i][v + j][c] for i, j in square) for c in range(C)]
                for v in range(0, W - size + 1, size)
            ]
            for h in range(0, H - size + 1, size)
        ]
        for image in x
    ]


def maxpool_backward(dy, x, size):
    """Derivative of `maxpool_forward`: to the first of the largest, row by row.

    Parameters
    ----------
    dy : nested lists, [n][oh][ow][c]
    x, size : see `maxpool_forward`

    Examples
    --------
    >>> maxpool_backward([[[[5]]]], [[[[1], [4]], [[4], [3]]]], 2)
    [[[[0], [5]], [[0], [0]]]]
    """
    N, C = len(x), len(x[0][0][0])
    dx = [[[[0] * C for _ in row] for row in image] for image in x]
    for n in range(N):
        for oh, ow, c in product(range(len(dy[0])), range(len(dy[0][0])), range(C)):
            best = None
            for i, j in product(range(size), range(size)):
                h, v = oh * size + i, ow * size + j
                if best is None or x[n][h][v][c] > x[n][best[0]][best[1]][c]:
                    best = h, v
            dx[n][best[0]][best[1]][c] += dy[n][oh][ow][c]
    return dx


def batchnorm_forward(x, scale, shift, eps):
    """y[n][m] = scale[m] (x[n][m] - mean[m]) / sqrt(var[m] + eps) + shift[m].

    Parameters
    ----------
    x : N rows of M numbers
    scale, shift : M numbers
    eps : float

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

    Parameters
    ----------
    latent, tau : float

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

    Parameters
    ----------
    da, y : float

    Examples
    --------
    >>> [straight_through_clipped(0.5, y) for y in (-1.5, -1, 0, 1, 1.5)]
    [0, 0.5, 0.5, 0.5, 0]
    """
    return da if -1 <= y <= 1 else 0


def top_k(latents, k):
    """Quantize a list: the k largest become 1; of equal ones, the first.

    Parameters
    ----------
    latents : list of float
    k : int

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

    Parameters
    ----------
    scores : N rows of M numbers
    labels : N int

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


def count_conv(x, w, kernel, stride, padding, centre, count):
    """Run one 0/1 convolution on one image, and count every addition as it is done.

    Parameters
    ----------
    x : H rows of W pixels of C integers
    w : KH*KW*C rows of F bits
    kernel : (KH, KW)
    stride, padding : int
        A pixel that padding adds is 0, and is added like any other.
    centre, count : see `count_dense`

    Returns
    -------
    z : OH rows of OW pixels of F numbers

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> count = SimpleNamespace(adds=0)
    >>> x = [[[1], [2]], [[3], [4]]]
    >>> count_conv(x, [[1], [1], [0], [0]], (2, 2), 1, 1, None, count)[1]
    [[1], [3], [2]]
    >>> count.adds
    9
    """
    H, W, C = len(x), len(x[0]), len(x[0][0])
    KH, KW = kernel
    z = []
    for h in range(-padding, H + padding - KH + 1, stride):
        z.append([])
        for v in range(-padding, W + padding - KW + 1, stride):
            window = []
            for kh, kw, c in product(range(KH), range(KW), range(C)):
                inside = 0 <= h + kh < H and 0 <= v + kw < W
                window.append(x[h + kh][v + kw][c] if inside else 0)
            z[-1].append(count_dense(window, w, centre, count))
    return z
