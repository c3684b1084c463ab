"""The built-in digits: repeatable, all ten, and no two alike."""

import numpy as np
import pytest

from sbnn_np.datasets import strokes


@pytest.mark.parametrize("digits", [[10], [-1, 3]])
def test_other_digits_are_refused(digits, rng):
    with pytest.raises(ValueError, match="they must be 0 to 9"):
        strokes.draw(np.array(digits), rng)


def test_shapes_and_types():
    train_images, train_labels, test_images, test_labels = strokes.stroke_digits(30, 10)
    assert train_images.shape == (30, 28, 28, 1) and train_images.dtype == np.uint8
    assert test_images.shape == (10, 28, 28, 1)
    assert sorted(test_labels) == list(range(10)) and train_labels.dtype == np.int64


def test_the_same_seed_draws_the_same():
    first, second, other = (strokes.stroke_digits(20, 0, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_every_image_has_ink_and_paper_and_its_own_shape():
    images, _, _, _ = strokes.stroke_digits(200, 0)
    ink = images.reshape(200, -1).astype(float)
    assert (ink.max(axis=1) > 150).all()
    assert (ink.min(axis=1) == 0).all()
    # between a thin 1 and a thick 8
    assert 0.02 < (ink > 127).mean() < 0.3
    assert len(np.unique(images.reshape(200, -1), axis=0)) == 200


def test_digits_can_be_told_apart_but_not_by_their_mean_alone():
    images, labels, test, answers = strokes.stroke_digits(2000, 500)
    means = np.stack([images[labels == d].mean(axis=0).reshape(-1) for d in range(10)])
    distance = ((test.reshape(500, 1, -1).astype(np.float32) - means) ** 2).sum(axis=2)
    right = (distance.argmin(axis=1) == answers).mean()
    assert 0.5 < right < 0.98
