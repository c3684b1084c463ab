"""Max pooling: equal to the loops, ties included, on one thread and on two."""

import numpy as np
import pytest

from sbnn_np.core import pooling, reference
from sbnn_np.support import threads

N = 3


@pytest.mark.parametrize("H, W, size", [(4, 4, 2), (5, 6, 2), (7, 6, 3), (3, 2, 1), (2, 9, 2)])
def test_maxpool_equals_the_loops_ties_included(rng, H, W, size):
    x = rng.integers(0, 3, (N, H, W, 2)).astype(np.float64)     # so few values that most tie
    y, cache = pooling.maxpool_forward(x, size)
    assert y.tolist() == reference.maxpool_forward(x.tolist(), size)
    dy = rng.integers(1, 9, y.shape).astype(np.float64)
    dx = pooling.maxpool_backward(dy, cache)
    assert dx.tolist() == reference.maxpool_backward(dy.tolist(), x.tolist(), size)
    assert dx.sum() == dy.sum()


def test_large_pooling_on_two_threads_is_the_same(rng):
    x = rng.integers(0, 9, (40, 32, 32, 8)).astype(np.float32)
    assert len(threads.rows(lambda n: n, x)) > 1
    y, cache = pooling.maxpool_forward(x, 2)
    squares = x.reshape(40, 16, 2, 16, 2, 8).transpose(0, 1, 3, 5, 2, 4).reshape(40, 16, 16, 8, 4)
    assert np.array_equal(y, squares.max(axis=-1))
    dy = rng.integers(1, 9, y.shape).astype(np.float32)
    expected = np.zeros_like(squares)
    np.put_along_axis(expected, squares.argmax(axis=-1)[..., None], dy[..., None], axis=-1)
    dx = pooling.maxpool_backward(dy, cache).reshape(40, 16, 2, 16, 2, 8)
    dx = dx.transpose(0, 1, 3, 5, 2, 4)
    assert np.array_equal(dx.reshape(expected.shape), expected)


def test_a_square_larger_than_the_image_is_refused():
    with pytest.raises(ValueError, match="kernel is 3; an image of 2 pixels"):
        pooling.maxpool_forward(np.zeros((1, 2, 4, 1)), 3)
