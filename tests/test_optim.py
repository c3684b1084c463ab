"""Optimizers against their formulas, and the schedule."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbnn_np.core import fast, optim


@pytest.mark.parametrize("make, name", [
    (lambda: optim.SGD([], momentum=1.0), "momentum"),
    (lambda: optim.Adam([], beta1=1.0), "beta1"),
    (lambda: optim.Adam([], beta2=-0.1), "beta2"),
    (lambda: optim.Adam([], fade=-0.1), "fade"),
    (lambda: optim.NormalizedSGD([], memory=1.0), "memory"),
    (lambda: optim.NormalizedSGD([], fade=-1.0), "fade"),
])
def test_impossible_memories_are_refused(make, name):
    with pytest.raises(ValueError, match=f"{name} is"):
        make()


@pytest.mark.parametrize("make", [optim.Adam, fast.Adam], ids=["plain", "fast"])
def test_adam_equals_its_formula(make, monkeypatch, rng):
    monkeypatch.setattr(fast, "UPDATES", 5)  # pieces that do not divide the array
    p = rng.standard_normal((3, 4))
    adam, expected = make([p], fade=0.5), p.copy()
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t in range(1, 8):
        g = rng.standard_normal(p.shape)
        adam.step([g], rate=0.01)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        mhat, vhat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        expected *= 1 - 0.5 * 0.01
        expected -= 0.01 * mhat / (np.sqrt(vhat) + 1e-8)
    # eps stands elsewhere by a factor of sqrt(vhat) roundings; all is float64
    np.testing.assert_allclose(p, expected, rtol=1e-12)


def test_momentum_equals_its_formula(rng):
    p = rng.standard_normal(4)
    sgd, expected, v = optim.SGD([p], momentum=0.9), p.copy(), np.zeros(4)
    for _ in range(5):
        g = rng.standard_normal(4)
        sgd.step([g], rate=0.1)
        v = 0.9 * v + g
        expected -= 0.1 * v
    np.testing.assert_allclose(p, expected, rtol=1e-12)


def test_normalized_sgd_equals_its_formula(rng):
    p = rng.standard_normal((3, 4))
    normalized, expected = optim.NormalizedSGD([p], memory=0.9, fade=0.05), p.copy()
    squares = []
    for _ in range(20):
        g = rng.standard_normal(p.shape) * (len(squares) + 1)
        normalized.step([g], rate=0.01)
        squares.append(np.mean(g**2))
        # a mean of all squares so far, those of eight steps ago weighing 0.9 of the newest
        weights = 0.9 ** (np.arange(len(squares))[::-1] / 8)
        expected *= 1 - 0.05 * 0.01
        expected -= 0.01 * g / math.sqrt(np.average(squares, weights=weights))
    np.testing.assert_allclose(p, expected, rtol=1e-12)


@pytest.mark.parametrize("make", [optim.NormalizedSGD, fast.NormalizedSGD], ids=["plain", "fast"])
@given(size=st.floats(1e-6, 1e6))
def test_normalized_steps_do_not_depend_on_the_size_of_the_gradients(make, size):
    g = np.array([3.0, -1.0, 0.0])
    a, b = np.zeros(3), np.zeros(3)
    make([a]).step([g], 0.1)
    make([b]).step([size * g], 0.1)
    np.testing.assert_allclose(a, b, rtol=1e-12)  # one division by a root


@pytest.mark.parametrize("make", [optim.NormalizedSGD, fast.NormalizedSGD], ids=["plain", "fast"])
def test_a_gradient_that_is_no_number_stops_the_run(make):
    optimizer = make([np.ones(2), np.ones((2, 2))])
    with pytest.raises(FloatingPointError, match="gradient of array 1 is not finite"):
        optimizer.step([np.ones(2), np.array([[1.0, np.inf], [0, 0]])], 0.1)


@pytest.mark.parametrize("make, expected", [
    (optim.NormalizedSGD, (1 - 0.5 * 0.01) ** 16), (fast.NormalizedSGD, (1 - 8 * 0.5 * 0.01) ** 2),
], ids=["plain", "fast"])
def test_matrices_fade_and_vectors_do_not(make, expected):
    matrix, vector = np.ones((2, 2)), np.ones(2)
    optimizer = make([matrix, vector], fade=0.5)
    for _ in range(16):
        optimizer.step([np.zeros((2, 2)), np.zeros(2)], rate=0.01)
    np.testing.assert_allclose(matrix, expected, rtol=1e-14)
    assert (vector == 1).all()


OPTIMIZERS = [optim.SGD, optim.Adam, optim.NormalizedSGD, fast.Adam, fast.NormalizedSGD]


@pytest.mark.parametrize("make", OPTIMIZERS, ids=lambda make: f"{make.__module__}.{make.__name__}")
def test_a_gradient_of_0_moves_nothing(make):
    p = np.ones(6, np.float32)
    optimizer = make([p])
    for _ in range(3):
        optimizer.step([np.zeros_like(p)], 0.1)
    assert (p == 1).all() and p.dtype == np.float32


@pytest.mark.parametrize("make, rate", [
    (optim.SGD, 0.02), (optim.Adam, 0.1), (optim.NormalizedSGD, 0.1),
    (fast.Adam, 0.1), (fast.NormalizedSGD, 0.1),
])
def test_they_find_the_bottom_of_a_bowl(make, rate):
    p = np.array([3.0, -2.0])
    optimizer = make([p])
    for step in range(300):
        optimizer.step([2 * p * np.array([1.0, 5.0])], optim.cosine(rate, step / 300))
    # the last rates are tiny; what is left is a sixtieth of the way
    assert np.abs(p).max() < 0.05


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_cosine_falls_from_base_to_0(a, b):
    early, late = min(a, b), max(a, b)
    assert 2 >= optim.cosine(2, early) >= optim.cosine(2, late) >= 0
    assert optim.cosine(2, 0) == 2 and optim.cosine(2, 1) == 0
