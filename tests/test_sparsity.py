"""Schedules, budgets and the penalty, behind one interface."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbnn_np.core import losses, quantize, sparsity


@pytest.mark.parametrize("numbers, name", [
    ({"target": 0}, "target"),
    ({"target": 1.1}, "target"),
    ({"target": 0.5, "start": 0}, "start"),
    ({"target": 0.5, "start": 0.1, "over": 0}, "over"),
])
def test_impossible_schedules_are_refused(numbers, name):
    with pytest.raises(ValueError, match=f"{name} is .*; it must be above 0 and at most 1"):
        sparsity.Schedule(**numbers)


@given(st.floats(0.001, 1), st.floats(0.001, 1), st.floats(0.01, 1))
def test_a_schedule_goes_one_way_from_start_to_target(start, target, over):
    schedule = sparsity.Schedule(target, start, over)
    way = [schedule(t) for t in np.linspace(0, 1, 21)]
    assert np.isclose(way[0], start, rtol=1e-12) and way[-1] == target
    direction = 1 if target >= start else -1
    assert (direction * np.diff(way) >= -1e-12).all()
    names = {1: "growing", -1: "shrinking", 0: "constant"}
    assert schedule.name == names[int(np.sign(target - start))]


def test_without_a_start_the_density_is_constant():
    schedule = sparsity.Schedule(0.05)
    assert [schedule(t) for t in (0, 0.3, 1)] == [0.05] * 3
    assert schedule.name == "constant"


def walk(rule, rng, steps=30, speed=0.02):
    """Let latents wander, and yield them with the ones that the rule chose."""
    latents = [rng.standard_normal(shape).astype(np.float32) * 0.1 for shape in ((30, 20), (20, 5))]
    for step in range(steps):
        yield step / steps, latents, rule.choose(latents, step / steps)
        for latent in latents:
            latent += (speed * rng.standard_normal(latent.shape)).astype(np.float32)


@pytest.mark.parametrize("speed", [0.0, 1e-4, 0.02, 5.0])
def test_one_budget_for_the_net_keeps_exactly_the_k_largest(rng, speed):
    schedule = sparsity.Schedule(0.2, start=0.01, over=0.6)
    for progress, latents, masks in walk(sparsity.NetBudget(schedule), rng, speed=speed):
        k = quantize.ones_within(schedule(progress), 700)
        expected, _ = quantize.top_k(latents, k)
        assert sum(mask.sum() for mask in masks) == k
        assert all(np.array_equal(mask, e) for mask, e in zip(masks, expected))


def test_an_even_budget_gives_every_neuron_as_many(rng):
    schedule = sparsity.Schedule(0.1, start=0.3, over=0.5)
    for progress, latents, masks in walk(sparsity.EvenBudget(schedule), rng):
        densities = sparsity.even([(30, 20), (20, 5)], schedule(progress))
        assert np.isclose(densities[0] * 30, densities[1] * 20)
        for latent, mask, density in zip(latents, masks, densities):
            k = quantize.ones_within(density, latent.size)
            assert np.array_equal(mask, quantize.top_k([latent], k)[0][0])
        assert sum(mask.sum() for mask in masks) <= schedule(progress) * 700


def test_budgets_cost_no_loss():
    for budget in (sparsity.NetBudget, sparsity.EvenBudget):
        assert budget(sparsity.Schedule(0.1)).penalty(1.0, []) == (0.0, 0.0)


def test_the_penalty_chooses_by_sign_and_pushes_down(rng):
    rule = sparsity.ConnectionsPenalty(expected=0.1, share=0.2)
    for _, latents, masks in walk(rule, rng):
        assert all(np.array_equal(mask, latent > 0) for mask, latent in zip(masks, latents))
        value, dw = rule.penalty(2.0, masks)
        ones = sum(mask.sum() for mask in masks)
        assert ones > 0.1 * 700
        assert np.isclose(value, 0.2 * (2.0 + value)) and dw > 0


# ternary


def test_ternary_thresholds_are_those_of_the_quantizer(rng):
    latents = [rng.standard_normal((20, 30)), 5 * rng.standard_normal((30, 4)) + 1]
    masks = sparsity.TernaryThreshold().choose(latents, 0.5)
    for latent, mask in zip(latents, masks):
        w = quantize.ternary(latent, 0.7 * np.abs(latent).mean())
        assert np.array_equal(mask, w != 0) and 0 < mask.mean() < 1
    assert sparsity.TernaryThreshold().penalty(2.0, masks) == (0.0, 0.0)


def test_the_ternary_penalty_counts_weights_that_are_not_zero(rng):
    latents = [rng.standard_normal((20, 30)), rng.standard_normal((30, 4))]
    rule = sparsity.TernaryThreshold(expected=0.1, share=0.2)
    masks = rule.choose(latents, 0.5)
    assert all(map(np.array_equal, masks, sparsity.TernaryThreshold().choose(latents, 0.5)))
    ones = sum(mask.sum() for mask in masks)
    assert rule.penalty(2.0, masks) == losses.expected_connections(ones, 720, 0.1, 0.2, 2.0)
