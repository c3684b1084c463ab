"""Mistakes as a reader makes them, written without the checks, are named by the report."""

from itertools import product

import numpy as np
import pytest
from exercises import __main__ as command
from exercises.checks import compare


def swapped_directions(inputs, w, limit, direction):
    return 1 * ((inputs @ w - limit) > 0)


def climbing(latent, dw, rate):
    new = latent + rate * dw
    return new, np.count_nonzero((new > 0) != (latent > 0))


def one_at_zero(latent):
    return np.where(latent < 0, 0, 1)


def no_window(dw, da, y):
    return dw, da


def clipped_gradient(dw, da, y):
    return dw, np.maximum(-1, np.minimum(1, da))


def slopes_of_latents(dw, da, y):
    return 0 * dw + 1, np.where((y < -1) | (y > 1), 0, da)


def all_ties(latent, k):
    return 1.0 * (latent >= sorted(latent, reverse=True)[k - 1])


def last_ties(latent, k):
    w = np.zeros(len(latent))
    w[np.argsort(latent, kind="stable")[-k:]] = 1
    return w


def transposed(dy, x, w):
    return dy @ w.T, dy.T @ x


def w_as_it_is(dy, x, w):
    return np.dot(dy, w), x.T @ dy


def mean_of_images(dy, x, w):
    return dy @ w.T, np.einsum("nm,nd->dm", dy, x) / dy.shape[0]


def no_mean(dy, xhat, scale, inv_std):
    dscale = np.sum(dy * xhat, axis=0)
    dx = scale * inv_std * (dy - xhat * dscale / len(dy))
    return dx, dscale, dy.sum(axis=0)


def plain_chain_rule(dy, xhat, scale, inv_std):
    return dy * scale * inv_std, np.sum(dy * xhat, axis=0), dy.sum(axis=0)


def strength_alone(ones, total, expected, share, loss):
    h = ones / total - expected
    strength = share * loss / (h * (1 - share)) if h > 1e-4 else 0
    return strength * max(h, 0), strength


def count_of_ones(ones, total, expected, share, loss):
    h = ones - expected
    if h > 0.0001:
        strength = share * loss / (h * (1 - share))
        return strength * h, strength / total
    return 0, 0


def no_brackets(ones, total, expected, share, loss):
    h = max(ones / total - expected, 0)
    strength = 0 if h <= 0.0001 else share * loss / h * (1 - share)
    return strength * h, strength / total


def up_to_zero(ones, total, expected, share, loss):
    h = ones / total - expected
    if h <= 0:
        return 0, 0
    return share * loss / (h * (1 - share)) * h, share * loss / (h * (1 - share)) / total


def no_derivative(ones, total, expected, share, loss):
    h = ones / total - expected
    return (0 if h <= 0.0001 else share * loss / (1 - share)), 0


def no_brackets_and_no_derivative(ones, total, expected, share, loss):
    return no_brackets(ones, total, expected, share, loss)[0], 0


def channels_first(x, kernel):
    N, H, W, C = x.shape
    return np.array([
        x[n, i : i + kernel[0], j : j + kernel[1]].transpose(2, 0, 1).ravel()
        for n in range(N) for i in range(H - kernel[0] + 1) for j in range(W - kernel[1] + 1)
    ])


def overwriting(cols, shape, kernel):
    N, H, W, C = shape
    x = np.zeros(shape)
    places = product(range(N), range(H - kernel[0] + 1), range(W - kernel[1] + 1))
    for (n, i, j), row in zip(places, cols):
        x[n, i : i + kernel[0], j : j + kernel[1]] = row.reshape(*kernel, C)
    return x


def always_or(sums, limit, scale):
    bits = scale * sums > scale * limit
    return bits, bits.any(axis=1)


def k_additions(x, w):
    return w.T @ x, int(w.sum())


def two_inputs(a, b, c):
    return a ^ b ^ c, a & b


def forgotten_slot(state, frequency, first_slot):
    quotient, rest = divmod(state, frequency)
    return quotient * 65536 + rest


def slot_left_in(new, frequency, first_slot):
    quotient, slot = divmod(new, 65536)
    return quotient * frequency + slot


def nats(ones, total):
    p = ones / total
    bits = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    return bits, 32 / bits


def straight_line(progress, start, target, over):
    return target if progress > over else start + (target - start) * progress / over


def unfair_to_twins(size, accuracy):
    both = list(zip(size, accuracy))
    return [
        all(s > size[i] or a < accuracy[i] for j, (s, a) in enumerate(both) if j != i)
        for i in range(len(both))
    ]


@pytest.mark.parametrize("number, function, named", [
    ("0.1", swapped_directions, "The direction is not used"),
    ("0.2", climbing, "must move against it"),
    ("1.1", one_at_zero, "exactly 0 must become 0"),
    ("1.2", no_window, "The window is missing"),
    ("1.2", clipped_gradient, "da is clipped"),
    ("1.2", slopes_of_latents, "dlatent is dw times the slope"),
    ("1.3", all_ties, "more than k ones"),
    ("1.3", last_ties, "they must go to the earlier index"),
    ("1.4", transposed, "dw looks transposed"),
    ("1.4", w_as_it_is, "w must be transposed for dx"),
    ("1.4", mean_of_images, "must be the sum over them"),
    ("1.5", no_mean, "The mean of dy over the batch is missing"),
    ("1.5", plain_chain_rule, "both of their parts are missing"),
    ("1.6", strength_alone, "only 1 / total"),
    ("1.6", count_of_ones, "ones / total - expected, not ones - expected"),
    ("1.6", no_brackets, "Brackets are missing"),
    ("1.6", up_to_zero, "not only where it is 0 or less"),
    ("1.6", no_derivative, "dw is 0 everywhere"),
    ("1.6", no_brackets_and_no_derivative, "Brackets are missing"),
    ("2.1", channels_first, "channel comes first"),
    ("2.2", overwriting, "add rows with +="),
    ("2.3", always_or, "AND"),
    ("3.1", k_additions, "K - 1 additions"),
    ("3.2", two_inputs, "The third bit is missing in carry"),
    ("3.3", forgotten_slot, "first_slot is missing"),
    ("3.4", slot_left_in, "first_slot is not taken off"),
    ("4.1", nats, "base 2"),
    ("4.2", straight_line, "equal factors"),
    ("4.3", unfair_to_twins, "must not beat each other"),
])
def test_planted_mistakes_are_named(number, function, named):
    state, report = compare.check(command.EXERCISES[number], function)
    assert state == "wrong" and named in " ".join(report.split())
    assert "largest difference" in report and "Traceback" not in report


@pytest.mark.parametrize("function, sentences", [
    (count_of_ones, 1), (no_brackets, 1), (up_to_zero, 1), (no_brackets_and_no_derivative, 2),
])
def test_one_mistake_in_all_results_is_named_once(function, sentences):
    exercise = command.EXERCISES["1.6"]
    right, given = (
        [compare.as_results(exercise, f(**case)) for case in exercise.cases]
        for f in (exercise.answer, function)
    )
    assert len(compare.named_mistakes(exercise, right, given)) == sentences
