"""The checker itself: planted wrong gradients must be caught."""

import numpy as np
import pytest

from sbnn_np.core import ops
from sbnn_np.support import gradcheck


@pytest.fixture
def case(integers, rng):
    x, w, dy = integers(3, 5), rng.integers(0, 2, (5, 4)) - 0.25, integers(3, 4)
    dx, dw = ops.dense_backward(dy, ops.dense_forward(x, w)[1])
    return x, w, dy, dx, dw


def test_the_right_gradient_passes(case):
    x, w, dy, dx, _ = case
    gradcheck.check(dx, lambda x: ops.dense_forward(x, w)[0], x, dy)


@pytest.mark.parametrize("wrong", [
    pytest.param(lambda dx, dy, w: -dx, id="sign"),
    pytest.param(lambda dx, dy, w: dx * (1 + 1e-9), id="a billionth too large"),
    pytest.param(lambda dx, dy, w: dy @ (w + 0.25).T, id="centre forgotten"),
    pytest.param(lambda dx, dy, w: dx[::-1], id="samples swapped"),
    pytest.param(lambda dx, dy, w: dx + np.eye(3, 5) * 1e-6, id="one entry"),
    pytest.param(lambda dx, dy, w: np.where(dx == dx, np.nan, dx), id="NaN"),
    pytest.param(lambda dx, dy, w: dx.T, id="transposed"),
])
def test_a_wrong_gradient_is_caught(case, wrong):
    x, w, dy, dx, _ = case
    with pytest.raises(AssertionError):
        gradcheck.check(wrong(dx, dy, w), lambda x: ops.dense_forward(x, w)[0], x, dy)


def test_a_batchnorm_that_forgets_its_variance_is_caught(integers, rng):
    x, dy, scale = integers(6, 4), rng.standard_normal((6, 4)), np.ones(4)

    def forward(x):
        return ops.batchnorm_forward(x, scale, np.zeros(4), 0.1)[0]

    _, cache, _, var = ops.batchnorm_forward(x, scale, np.zeros(4), 0.1)
    wrong = (dy - dy.mean(axis=0)) / np.sqrt(var + 0.1)
    with pytest.raises(AssertionError, match="the difference is"):
        gradcheck.check(wrong, forward, x, dy, h=1e-5, tolerance=1e-6)


def test_a_function_that_returns_its_argument_is_differentiated(integers):
    x, dy = integers(2, 3), integers(3, 2)
    gradcheck.check(dy.reshape(2, 3), lambda x: x.reshape(3, 2), x, dy)
    with pytest.raises(AssertionError):
        gradcheck.check(np.zeros((2, 3)), lambda x: x.reshape(3, 2), x, np.ones((3, 2)))


def test_the_difference_leaves_its_argument_alone(integers):
    x = integers(2, 3)
    before = x.copy()
    gradcheck.difference(lambda x: x * 2, x, np.ones((2, 3)), h=1)
    assert np.array_equal(x, before)
