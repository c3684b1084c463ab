"""Max pooling: equal to the loops, ties included; plain and tuned."""

import numpy as np
import pytest

from sbnn_np.core import fast, pooling, reference

N = 3


@pytest.mark.parametrize("how", [pooling, fast], ids=["plain", "fast"])
@pytest.mark.parametrize("H, W, size", [(4, 4, 2), (5, 6, 2), (7, 6, 3), (3, 2, 1), (2, 9, 2)])
def test_maxpool_equals_the_loops_ties_included(rng, H, W, size, how):
    x = rng.integers(0, 3, (N, H, W, 2)).astype(np.float64)     # so few values that most tie
    y, cache = how.maxpool_forward(x, size)
    assert y.tolist() == reference.maxpool_forward(x.tolist(), size)
    dy = rng.integers(1, 9, y.shape).astype(np.float64)
    dx = how.maxpool_backward(dy, cache)
    assert dx.tolist() == reference.maxpool_backward(dy.tolist(), x.tolist(), size)
    assert dx.sum() == dy.sum()


@pytest.mark.parametrize("how", [pooling, fast], ids=["plain", "fast"])
def test_a_square_larger_than_the_image_is_refused(how):
    with pytest.raises(ValueError, match="kernel is 3; an image of 2 pixels"):
        how.maxpool_forward(np.zeros((1, 2, 4, 1)), 3)
