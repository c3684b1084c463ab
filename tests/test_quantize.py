"""The quantizer mathematics: rules, properties, and the straight-through estimators."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sbnn_np.core import fast, quantize, reference

FLOATS = st.floats(-10, 10, width=32)
LATENTS = arrays(np.float32, array_shapes(max_dims=3, max_side=6), elements=FLOATS)
# few distinct values, so that ties are the rule and not the exception
FEW = st.integers(-2, 2).map(float)
TIED = arrays(np.float32, array_shapes(max_dims=2, max_side=7), elements=FEW)


# what is refused


@pytest.mark.parametrize("density", [0, -0.1, 1.0001, float("nan")])
def test_density_outside_0_1_is_refused(density):
    with pytest.raises(ValueError, match="density is .*; it must be above 0 and at most 1"):
        quantize.ones_within(density, 100)


@pytest.mark.parametrize("how", [quantize, fast], ids=["plain", "fast"])
@pytest.mark.parametrize("k", [0, 7])
def test_impossible_number_of_ones_is_refused(k, how):
    with pytest.raises(ValueError, match=f"k is {k}; it must be from 1 to 6"):
        how.top_k([np.zeros((2, 3))], k)


@pytest.mark.parametrize("how", [quantize, fast], ids=["plain", "fast"])
def test_latents_that_are_no_numbers_are_refused(how):
    with pytest.raises(ValueError, match="NaN or infinity"):
        how.top_k([np.array([1.0, np.nan])], 1)


@pytest.mark.parametrize("p0, sigma, name", [(0, 1, "p0"), (1, 1, "p0"), (0.5, 0, "sigma")])
def test_impossible_starts_are_refused(p0, sigma, name, rng):
    with pytest.raises(ValueError, match=f"{name} is"):
        quantize.nearly_empty((2, 2), p0, sigma, rng)


def test_negative_ternary_threshold_is_refused():
    with pytest.raises(ValueError, match="threshold is -1"):
        quantize.ternary(np.zeros(2), -1)


@pytest.mark.parametrize("p", [-0.01, 1.01])
def test_entropy_of_no_probability_is_refused(p):
    with pytest.raises(ValueError, match="p is"):
        quantize.binary_entropy(p)


# by hand


def test_the_threshold_itself_is_0_for_bits_and_minus_1_for_signs():
    x = np.array([-1.0, -0.0, 0.0, 1e-30, 1.0])
    assert quantize.zero_one(x).tolist() == [0, 0, 0, 1, 1]
    assert quantize.sign(x).tolist() == [-1, -1, -1, 1, 1]
    assert quantize.zero_one(x, tau=1.0).tolist() == [0, 0, 0, 0, 0]


def test_ties_go_to_the_earlier_array_then_to_the_lower_index():
    first, second = np.array([[1.0, 5.0], [5.0, 0.0]]), np.array([5.0, 7.0])
    masks, tau = quantize.top_k([first, second], 3)
    assert masks[0].tolist() == [[False, True], [True, False]]
    assert masks[1].tolist() == [False, True]
    assert tau == 5.0


@pytest.mark.parametrize("density, n, k", [
    (0.05, 668672, 33433), (0.29, 100, 29), (1.0, 7, 7), (1e-9, 10, 1),
])
def test_ones_within_a_density(density, n, k):
    assert quantize.ones_within(density, n) == k


def test_a_nearly_empty_layer_has_the_fraction_asked_for():
    latent = quantize.nearly_empty((1000, 1000), 0.005, 0.1, np.random.default_rng(0))
    assert latent.dtype == np.float32
    # a million draws: the standard deviation of the fraction is 7e-5
    assert abs((latent > 0).mean() - 0.005) < 4 * 7e-5
    assert abs(latent.std() - 0.1) < 0.001


def test_entropy_by_hand():
    assert quantize.binary_entropy(0) == quantize.binary_entropy(1) == 0
    assert quantize.binary_entropy(0.5) == 1
    # 8 bits a byte, 32 a float: one bit a weight is 32x, 5% ones are 111.7x
    assert round(32 / quantize.binary_entropy(0.05), 1) == 111.7


def test_ternary_by_hand():
    w = quantize.ternary(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), 1.0)
    assert w.tolist() == [-1, 0, 0, 0, 1]


# equal to the loops


@given(LATENTS, FLOATS)
def test_rules_equal_the_loops(latent, tau):
    flat = latent.reshape(-1).tolist()
    bits, signs = quantize.zero_one(latent, tau), quantize.sign(latent)
    assert bits.reshape(-1).tolist() == [reference.zero_one(v, tau) for v in flat]
    assert signs.reshape(-1).tolist() == [reference.sign(v) for v in flat]


@given(st.one_of(LATENTS, TIED), st.data())
def test_top_k_equals_the_loop(latent, draw):
    k = draw.draw(st.integers(1, latent.size))
    masks, _ = quantize.top_k([latent], k)
    assert masks[0].reshape(-1).tolist() == reference.top_k(latent.reshape(-1).tolist(), k)


# properties


@given(LATENTS)
def test_quantizers_map_into_their_values_and_agree(latent):
    bits, signs = quantize.zero_one(latent), quantize.sign(latent)
    assert set(np.unique(bits)) <= {0, 1}
    assert np.array_equal(signs, 2 * bits - 1)
    assert bits.dtype == signs.dtype == latent.dtype


@given(LATENTS, FLOATS)
def test_quantizers_are_monotone_and_idempotent(latent, tau):
    order = np.argsort(latent, axis=None)
    signs, three = quantize.sign(latent), quantize.ternary(latent, abs(tau))
    for w in (quantize.zero_one(latent, tau), signs, three):
        assert (np.diff(w.reshape(-1)[order]) >= 0).all()
    bits = quantize.zero_one(latent)
    assert np.array_equal(quantize.zero_one(bits), bits)


@given(LATENTS, st.floats(0, 10, width=32))
def test_ternary_is_odd(latent, threshold):
    w = quantize.ternary(latent, threshold)
    assert np.array_equal(quantize.ternary(-latent, threshold), -w)


@given(st.lists(st.one_of(LATENTS, TIED), min_size=1, max_size=3), st.data())
def test_top_k_has_exactly_k_ones_and_none_below_a_zero(latents, draw):
    n = sum(latent.size for latent in latents)
    k = draw.draw(st.integers(1, n))
    masks, tau = quantize.top_k(latents, k)
    bits = np.concatenate([mask.reshape(-1) for mask in masks])
    flat = np.concatenate([v.reshape(-1) for v in latents])
    assert bits.sum() == k
    assert flat[bits].min() == tau >= flat[~bits].max(initial=-np.inf)


@given(LATENTS, st.data(), st.integers(-8, 8))
def test_a_budget_sees_only_differences_of_latents(latent, draw, shift):
    # a multiple of 1/8 plus an integer is exact, so no two latents fall together
    latent = np.round(latent * 8) / 8
    k = draw.draw(st.integers(1, latent.size))
    (mask,), _ = quantize.top_k([latent], k)
    (shifted,), _ = quantize.top_k([latent + shift], k)
    assert np.array_equal(mask, shifted)


@given(st.floats(0, 1))
def test_entropy_is_symmetric_and_at_most_one_bit(p):
    bits = quantize.binary_entropy(p)
    assert 0 <= bits <= 1
    # 1 - (1 - p) loses the last digits of p, by up to 2^-53, times a slope of at most 1075
    assert abs(bits - quantize.binary_entropy(1 - p)) < 1e-12


# the estimators


def test_the_identity_estimator_hands_the_gradient_on(rng):
    dw = rng.standard_normal((3, 4))
    assert np.array_equal(quantize.straight_through(dw.copy()), dw)


def test_the_clipped_estimator_at_its_edges():
    y = np.array([-1.0001, -1.0, -0.5, 0.0, 0.5, 1.0, 1.0001])
    da = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    assert quantize.straight_through_clipped(da, y).tolist() == [0, 2, 3, 4, 5, 6, 0]


@given(arrays(np.float64, 9, elements=FLOATS), arrays(np.float64, 9, elements=FLOATS))
def test_the_clipped_estimator_equals_the_loop(da, y):
    expected = [reference.straight_through_clipped(a, b) for a, b in zip(da.tolist(), y.tolist())]
    assert quantize.straight_through_clipped(da, y).tolist() == expected
