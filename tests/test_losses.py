"""Cross-entropy and the expected-connections penalty."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbnn_np.core import losses, reference
from sbnn_np.support import gradcheck


@pytest.mark.parametrize("labels, bad", [([0, 10], 10), ([-1, 3], -1)])
def test_labels_outside_the_classes_are_refused(labels, bad):
    with pytest.raises(ValueError, match=f"labels holds {bad}; a label must be from 0 to 9"):
        losses.softmax_cross_entropy(np.zeros((2, 10)), np.array(labels))


def test_another_number_of_labels_is_refused():
    with pytest.raises(ValueError, match="labels has shape"):
        losses.softmax_cross_entropy(np.zeros((2, 10)), np.zeros(3, int))


def test_cross_entropy_by_hand():
    scores = np.log(np.array([[1.0, 3.0], [1.0, 1.0]]))
    loss, dscores = losses.softmax_cross_entropy(scores, np.array([1, 0]))
    assert math.isclose(loss, (math.log(4 / 3) + math.log(2)) / 2)
    np.testing.assert_allclose(dscores, [[0.125, -0.125], [-0.25, 0.25]], atol=1e-15)


def test_cross_entropy_equals_the_loop(rng):
    scores, labels = rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
    loss, _ = losses.softmax_cross_entropy(scores, labels)
    expected = reference.softmax_cross_entropy(scores.tolist(), labels.tolist())
    # the loop does not take off the largest score first: some roundings of 1e-16
    assert math.isclose(loss, expected, rel_tol=1e-13)


def test_cross_entropy_gradient(rng):
    scores, labels = rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
    _, dscores = losses.softmax_cross_entropy(scores, labels)

    def loss(scores):
        return np.array(losses.softmax_cross_entropy(scores, labels)[0])

    gradcheck.check(dscores, loss, scores, np.array(1.0), h=1e-5, tolerance=1e-6)


def test_huge_scores_do_not_overflow():
    loss, dscores = losses.softmax_cross_entropy(np.array([[1e4, -1e4]]), np.array([1]))
    assert loss == 2e4 and dscores.tolist() == [[1, -1]]


@given(st.integers(0, 2**32 - 1), st.floats(-50, 50))
def test_cross_entropy_sees_only_differences_of_scores(seed, shift):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((3, 4)), rng.integers(0, 4, 3)
    loss, dscores = losses.softmax_cross_entropy(scores, labels)
    shifted, _ = losses.softmax_cross_entropy(scores + shift, labels)
    assert math.isclose(loss, shifted, abs_tol=1e-12)  # the shift costs digits of the scores
    np.testing.assert_allclose(dscores.sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("expected, share", [(0, 0.1), (1.5, 0.1), (0.05, 1), (0.05, -0.1)])
def test_impossible_penalties_are_refused(expected, share):
    with pytest.raises(ValueError, match="expected is|share is"):
        losses.expected_connections(1, 10, expected, share, 1.0)


@given(st.integers(6, 100), st.floats(1e-6, 0.9), st.floats(0.01, 10))
def test_the_penalty_has_its_share_of_the_whole_loss(ones, share, loss):
    penalty, dw = losses.expected_connections(ones, 100, 0.05, share, loss)
    assert math.isclose(penalty, share * (loss + penalty), rel_tol=1e-9)
    # lambda h, whose derivative by one w is lambda / total, so dw * total * h == penalty
    assert math.isclose(dw * 100 * (ones / 100 - 0.05), penalty, rel_tol=1e-9)


def test_the_penalty_is_silent_up_to_its_bound():
    assert losses.expected_connections(500, 10000, 0.05, 0.1, 1.0) == (0.0, 0.0)
    assert losses.expected_connections(501, 10000, 0.05, 0.1, 1.0) == (0.0, 0.0)
    assert losses.expected_connections(502, 10000, 0.05, 0.1, 1.0)[0] > 0
