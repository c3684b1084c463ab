"""Chapter 2: one way to fill in each exercise."""

import numpy as np


def im2col(x, kernel):
    """2.1  Windows as rows."""
    N, H, W, _ = x.shape
    KH, KW = kernel
    rows = []
    for n in range(N):
        for oh in range(H - KH + 1):
            for ow in range(W - KW + 1):
                rows.append(x[n, oh : oh + KH, ow : ow + KW].reshape(-1))
    return np.array(rows)


def col2im(cols, shape, kernel):
    """2.2  Rows added back to the image."""
    N, H, W, C = shape
    KH, KW = kernel
    x = np.zeros(shape)
    rows = iter(cols)
    for n in range(N):
        for oh in range(H - KH + 1):
            for ow in range(W - KW + 1):
                x[n, oh : oh + KH, ow : ow + KW] += next(rows).reshape(KH, KW, C)
    return x


def pooled_bit(sums, limit, scale):
    """2.3  Pooling bits: OR or AND."""
    bits = 1 * (scale * (sums - limit) > 0)
    pooled = bits.any(axis=1) if scale > 0 else bits.all(axis=1)
    return bits, 1 * pooled
