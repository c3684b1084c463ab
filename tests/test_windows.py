"""Windows: as defined, index by index; im2col and col2im are adjoint, exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbnn_np.core import windows


@st.composite
def geometries(draw):
    """Any image that any window fits: shape, kernel, stride, padding."""
    KH, KW = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    padding = draw(st.integers(0, min(KH, KW) - 1))
    H = draw(st.integers(max(1, KH - 2 * padding), 7))
    W = draw(st.integers(max(1, KW - 2 * padding), 7))
    N, C = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return (N, H, W, C), (KH, KW), draw(st.integers(1, 3)), padding


@given(geometries(), st.sampled_from([0.0, -1.0]), st.integers(0, 2**31))
def test_every_number_of_every_window_is_where_it_should_be(geometry, pad, seed):
    shape, kernel, stride, padding = geometry
    x = np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float32)
    cols = windows.im2col(x, kernel, stride, padding, pad)
    (N, H, W, C), (KH, KW) = shape, kernel
    OH = windows.out_size(H, KH, stride, padding)
    OW = windows.out_size(W, KW, stride, padding)
    assert cols.shape == (N * OH * OW, KH * KW * C) and cols.dtype == np.float32
    cols = cols.reshape(N, OH, OW, KH, KW, C)
    for n, oh, ow, kh, kw, c in np.ndindex(cols.shape):
        h, w = oh * stride + kh - padding, ow * stride + kw - padding
        expected = x[n, h, w, c] if 0 <= h < H and 0 <= w < W else pad
        assert cols[n, oh, ow, kh, kw, c] == expected


@given(geometries(), st.integers(0, 2**31))
def test_col2im_is_the_adjoint_of_im2col(geometry, seed):
    shape, *how = geometry
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 10, shape).astype(np.float64)
    cols = windows.im2col(x, *how)
    other = rng.integers(-9, 10, cols.shape).astype(np.float64)
    assert np.sum(cols * other) == np.sum(x * windows.col2im(other, shape, *how))


def test_a_pixel_that_no_window_touches_gets_0():
    # 5 pixels, windows of 2 with stride 2: the last row and column are in none
    back = windows.col2im(np.ones((4, 4)), (1, 5, 5, 1), (2, 2), stride=2)[0, :, :, 0]
    assert np.array_equal(back, np.pad(np.ones((4, 4)), (0, 1)))


def test_views_of_scattered_memory_are_refused(rng):
    x = rng.standard_normal((2, 3, 4, 5)).transpose(0, 2, 3, 1)
    with pytest.raises(ValueError, match="x is not contiguous"):
        windows.views(x, (2, 2))
    assert np.array_equal(windows.im2col(x, (2, 2)), windows.im2col(x.copy(), (2, 2)))


@pytest.mark.parametrize("size, kernel, stride, padding, message", [
    (4, 5, 1, 0, "kernel is 5; an image of 4 pixels and padding 0 allows at most 4"),
    (4, 9, 1, 2, "kernel is 9; .* allows at most 8"),
    (4, 0, 1, 0, "kernel is 0 and stride 1; they must be at least 1"),
    (4, 2, 0, 0, "kernel is 2 and stride 0"),
    (4, 2, 1, 2, "padding is 2; kernel 2 allows 0 to 1"),
    (4, 2, 1, -1, "padding is -1"),
])
def test_what_does_not_fit_is_refused(size, kernel, stride, padding, message):
    with pytest.raises(ValueError, match=message):
        windows.out_size(size, kernel, stride, padding)
