"""Convolution: equal to the loops, exact gradients, for every stride, padding and shape."""

import numpy as np
import pytest

from sbnn_np.core import convolution, fast, reference, windows
from sbnn_np.support import gradcheck

N = 3


def bits(rng, *shape):
    return rng.integers(0, 2, shape).astype(np.float64)


# convolution: stride, padding, windows and images that are no squares

GEOMETRIES = [
    # H, W, KH, KW, stride, padding
    (4, 4, 3, 3, 1, 0),
    (5, 4, 3, 2, 1, 1),
    (3, 6, 2, 4, 1, 1),
    (6, 5, 3, 3, 2, 1),
    (7, 6, 2, 3, 3, 0),
    (2, 2, 2, 2, 1, 0),
    (5, 6, 1, 1, 1, 0),
    (6, 7, 3, 3, 2, 2),
]


@pytest.fixture(params=GEOMETRIES, ids=str)
def conv(request, integers, rng):
    """x, w of centred bits, dy, all exact in float64, and what else conv_forward takes."""
    H, W, KH, KW, stride, padding = request.param
    C, F = 2, 3
    OH, OW = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    x, w = integers(N, H, W, C), bits(rng, KH * KW * C, F) - 0.25
    return x, w, integers(N, OH, OW, F), ((KH, KW), stride, padding, -1.0 if padding else 0.0)


BOTH = pytest.mark.parametrize("module", [convolution, fast], ids=["plain", "fast"])


@BOTH
def test_conv_equals_the_loops(conv, module):
    x, w, dy, how = conv
    y, cache = module.conv_forward(x, w, *how)
    dx, dw = module.conv_backward(dy, cache)
    assert y.tolist() == reference.conv_forward(x.tolist(), w.tolist(), *how)
    expected = reference.conv_backward(dy.tolist(), x.tolist(), w.tolist(), *how)
    assert (dx.tolist(), dw.tolist()) == expected


@BOTH
def test_conv_gradients_are_exact(conv, module):
    x, w, dy, how = conv
    dx, dw = module.conv_backward(dy, module.conv_forward(x, w, *how)[1])
    gradcheck.check(dx, lambda x: module.conv_forward(x, w, *how)[0], x, dy)
    gradcheck.check(dw, lambda w: module.conv_forward(x, w, *how)[0], w, dy)


@BOTH
def test_conv_backward_can_skip_dx(conv, module):
    x, w, dy, how = conv
    _, cache = module.conv_forward(x, w, *how)
    dx, dw = module.conv_backward(dy, cache, need_dx=False)
    assert dx is None and np.array_equal(dw, module.conv_backward(dy, cache)[1])


@BOTH
def test_conv_takes_images_in_any_layout(conv, module):
    x, w, dy, how = conv
    turned = np.ascontiguousarray(x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    assert not turned.flags.c_contiguous
    caches = [module.conv_forward(v, w, *how)[1] for v in (x, turned)]
    for a, b in zip(*(module.conv_backward(dy, cache) for cache in caches)):
        assert np.array_equal(a, b)


def test_centred_conv_is_bits_and_one_shared_sum_a_window(rng):
    x = rng.integers(0, 256, (2, 8, 8, 3)).astype(np.float32)
    b = bits(rng, 27, 5).astype(np.float32)
    centred, _ = convolution.conv_forward(x, b - np.float32(3 / 64), (3, 3), 1, 1)
    plain, _ = convolution.conv_forward(x, b, (3, 3), 1, 1)
    total, _ = convolution.conv_forward(x, np.ones((27, 1), np.float32), (3, 3), 1, 1)
    assert np.array_equal(64 * centred, 64 * plain - 3 * total)


# what only the tuned one has


def test_gather_equals_scatter(conv):
    x, w, dy, (kernel, stride, padding, _) = conv
    if stride > 1 or padding >= min(kernel):
        pytest.skip("windows that gather lie side by side")
    dx = np.empty_like(x)
    fast.gather(dx, dy, w, kernel, padding, slice(0, N))
    dcols = dy.reshape(-1, dy.shape[-1]) @ w.T
    assert np.array_equal(dx, windows.col2im(dcols, x.shape, kernel, stride, padding))


def test_conv_of_few_images_at_a_time_is_the_same(conv, integers, monkeypatch):
    _, w, dy, how = conv
    # 7 images: halves of 4 and 3, two images at a time, the last of them alone
    x, dy = integers(7, *conv[0].shape[1:]), integers(7, *dy.shape[1:])
    monkeypatch.setattr(fast, "COLUMNS", 2 * dy[0, :, :, 0].size * len(w))
    y, cache = fast.conv_forward(x, w, *how)
    assert y.tolist() == reference.conv_forward(x.tolist(), w.tolist(), *how)
    expected = reference.conv_backward(dy.tolist(), x.tolist(), w.tolist(), *how)
    assert [g.tolist() for g in fast.conv_backward(dy, cache)] == list(expected)
