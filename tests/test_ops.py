"""Forward and backward pairs: by hand, equal to the loops, exact gradients, properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbnn_np.core import ops, reference
from sbnn_np.support import gradcheck

# distinct sizes, so that no swapped axis goes unnoticed
N, D, M = 3, 5, 4


def bits(rng, *shape):
    return rng.integers(0, 2, shape).astype(np.float64)


# what is refused


def test_an_eps_of_0_is_refused(integers):
    with pytest.raises(ValueError, match="eps is 0"):
        ops.batchnorm_forward(integers(N, M), np.ones(M), np.zeros(M), eps=0)


# equal to the loops, exactly


@pytest.mark.parametrize("centre", [0.0, 3 / 64, 0.25])
def test_dense_equals_the_loops(integers, rng, centre):
    x, w, dy = integers(N, D), bits(rng, D, M) - centre, integers(N, M)
    y, cache = ops.dense_forward(x, w)
    dx, dw = ops.dense_backward(dy, cache)
    assert y.tolist() == reference.dense_forward(x.tolist(), w.tolist())
    expected = reference.dense_backward(dy.tolist(), x.tolist(), w.tolist())
    assert (dx.tolist(), dw.tolist()) == expected


def test_batchnorm_equals_the_loops(integers, rng):
    x, scale, shift = integers(6, M), rng.standard_normal(M), rng.standard_normal(M)
    y, _, _, _ = ops.batchnorm_forward(x, scale, shift, eps=0.5)
    expected = reference.batchnorm_forward(x.tolist(), scale.tolist(), shift.tolist(), 0.5)
    # the loops divide where the arrays multiply by a reciprocal: a few roundings of 1e-16
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-13)


def test_thresholds_equal_the_loops():
    y = np.array([-2.0, -0.0, 0.0, 1e-300, 2.0])
    assert ops.bit_forward(y)[0].tolist() == [reference.zero_one(v) for v in y]
    assert ops.sign_forward(y)[0].tolist() == [reference.sign(v) for v in y]


# gradients, exact where the function is linear


@pytest.mark.parametrize("centre", [0.0, 0.25])
def test_dense_gradients_are_exact(integers, rng, centre):
    x, w, dy = integers(N, D), bits(rng, D, M) - centre, integers(N, M)
    dx, dw = ops.dense_backward(dy, ops.dense_forward(x, w)[1])
    gradcheck.check(dx, lambda x: ops.dense_forward(x, w)[0], x, dy)
    gradcheck.check(dw, lambda w: ops.dense_forward(x, w)[0], w, dy)


def test_dense_backward_can_skip_dx(integers, rng):
    x, w, dy = integers(N, D), bits(rng, D, M), integers(N, M)
    dx, dw = ops.dense_backward(dy, ops.dense_forward(x, w)[1], need_dx=False)
    assert dx is None and np.array_equal(dw, x.T @ dy)


def test_batchnorm_gradients(integers, rng):
    x, dy = integers(6, M), rng.standard_normal((6, M))
    scale, shift = rng.standard_normal(M), rng.standard_normal(M)
    dx, dscale, dshift = ops.batchnorm_backward(dy, ops.batchnorm_forward(x, scale, shift, 0.1)[1])

    def forward(x, scale, shift):
        return ops.batchnorm_forward(x, scale, shift, 0.1)[0]

    # central differences with h = 1e-5 in float64 err by about h^2, and by 1e-16 / h
    for grad, f, at in (
        (dx, lambda x: forward(x, scale, shift), x),
        (dscale, lambda scale: forward(x, scale, shift), scale),
        (dshift, lambda shift: forward(x, scale, shift), shift),
    ):
        gradcheck.check(grad, f, at, dy, h=1e-5, tolerance=1e-6)


def test_relu_gradient(rng):
    x, dy = rng.standard_normal((N, M)), rng.standard_normal((N, M))
    dx = ops.relu_backward(dy, ops.relu_forward(x)[1])
    # no entry is as near to the corner at 0 as h
    assert np.abs(x).min() > 1e-5
    gradcheck.check(dx, lambda x: ops.relu_forward(x)[0], x, dy, h=1e-5, tolerance=1e-6)
    assert ops.relu_backward(np.ones(1), ops.relu_forward(np.zeros(1))[1]).tolist() == [0]


@pytest.mark.parametrize("forward, backward", [
    (ops.bit_forward, ops.bit_backward), (ops.sign_forward, ops.sign_backward),
])
def test_thresholds_pass_the_gradient_within_1(forward, backward):
    x = np.array([-1.5, -1.0, 0.0, 1.0, 1.5])
    da = np.array([2.0, 3.0, 5.0, 7.0, 11.0])
    assert backward(da, forward(x)[1]).tolist() == [0, 3, 5, 7, 0]


# properties


@given(st.integers(0, 2**32 - 1), st.integers(0, 64))
def test_centring_is_the_two_value_domain(seed, c):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (N, D)).astype(np.float32)
    w = rng.integers(0, 2, (D, M)).astype(np.float32)
    y, _ = ops.dense_forward(x, w - np.float32(c / 64))
    assert y.dtype == np.float32
    # the bits' sum less the centre's share of the total, as a frozen network computes it
    z, total = x @ w, x.sum(axis=1, keepdims=True)
    assert np.array_equal(y, z - np.float32(c / 64) * total)
    exact = x.astype(np.int64) @ (64 * w.astype(np.int64) - c)
    assert np.array_equal(64 * y.astype(np.float64), exact)


def test_centred_784_pixels_of_8_bits_are_exact_in_float32(rng):
    x = np.full((2, 784), 255, np.float32)
    x[1] = rng.integers(0, 256, 784)
    w = np.stack([np.ones(784), np.zeros(784), rng.integers(0, 2, 784)], axis=1).astype(np.float32)
    for c in (0, 1, 3, 63, 64):
        y, _ = ops.dense_forward(x, w - np.float32(c / 64))
        exact = x.astype(np.int64) @ (64 * w.astype(np.int64) - c)
        assert np.array_equal(64 * y.astype(np.float64), exact)


@pytest.mark.parametrize("x", [np.zeros((6, M)), np.full((1, M), 3.0), np.full((6, M), 1e4)])
def test_equal_columns_give_the_shift_and_no_gradient(x, rng):
    scale, shift, dy = rng.standard_normal(M), rng.standard_normal(M), rng.standard_normal(x.shape)
    y, cache, _, var = ops.batchnorm_forward(x, scale, shift)
    dx, dscale, dshift = ops.batchnorm_backward(dy, cache)
    assert np.array_equal(y, np.broadcast_to(shift, y.shape))
    assert not var.any() and not dscale.any()
    assert np.isfinite(dx).all()
    np.testing.assert_allclose(dshift, dy.sum(axis=0), atol=1e-14)  # another order of summing


def test_folded_batchnorm_is_batchnorm_with_given_statistics(integers, rng):
    x, scale, shift = integers(7, M), rng.standard_normal(M), rng.standard_normal(M)
    y, _, mean, var = ops.batchnorm_forward(x, scale, shift)
    factor, offset = ops.fold_batchnorm(scale, shift, mean, var)
    np.testing.assert_allclose(x * factor + offset, y, atol=1e-13)  # rounded in another order


def test_a_batch_of_large_numbers_keeps_its_variance():
    # E[x^2] - E[x]^2 in float32 would give 0 here, or worse
    x = np.array([[100000.0], [100001.0]], np.float32)
    _, _, mean, var = ops.batchnorm_forward(x, np.ones(1, np.float32), np.zeros(1, np.float32))
    assert (mean[0], var[0]) == (100000.5, 0.25)


@given(st.integers(0, 2**32 - 1))
def test_bits_and_signs_decide_alike_behind_batchnorm(seed):
    """A layer fed with a in {0, 1}, or with 2a - 1 and four times the eps, decides alike."""
    rng = np.random.default_rng(seed)
    a, w = bits(rng, 16, D), bits(rng, D, M)
    # a scale of a few bits and an eps of 1/16 keep sums that are equal equal
    scale, shift = rng.choice([-1.0, 1.0], M), rng.integers(-3, 4, M) / 2 + 1 / 64
    from_bits = ops.dense_forward(a, w)[0]
    from_signs = ops.dense_forward(2 * a - 1, w)[0]
    y_bits = ops.batchnorm_forward(from_bits, scale, shift, eps=1 / 16)[0]
    y_signs = ops.batchnorm_forward(from_signs, scale, shift, eps=4 / 16)[0]
    np.testing.assert_allclose(y_bits, y_signs, atol=1e-12)  # float64, a dozen roundings
    sure = np.abs(y_bits) > 1e-9
    bit, sign = ops.bit_forward(y_bits)[0], ops.sign_forward(y_signs)[0]
    assert np.array_equal((2 * bit - 1)[sure], sign[sure])
