"""What is right in the exercises of chapter 0, and the mistakes that have a name."""

import numpy as np

from sbnn_np.core import ops, quantize

from .compare import Exercise

CASES = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def neuron(inputs, w, limit, direction):
    """Bits of neurons, by the functions of the package."""
    sums, _ = ops.dense_forward(inputs.astype(float), w.astype(float))
    return ops.bit_forward(direction * (sums - limit))[0]


def move(latent, dw, rate):
    """New latents and the number of flips, by the functions of the package."""
    new = latent - rate * quantize.straight_through(dw)
    return new, int(np.sum(quantize.zero_one(new) != quantize.zero_one(latent)))


EXERCISES = [
    Exercise("0.1", "neuron", ("bits",), [
        {
            "inputs": CASES, "w": np.array([[1, 1, 0], [1, 1, 0]]),
            "limit": np.array([0.5, 1.5, 1.5]), "direction": np.array([1, -1, 1]),
        },
        # sums that are just at the limit
        {
            "inputs": np.array([[1, 0, 1], [1, 1, 1], [0, 0, 1]]),
            "w": np.array([[1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 0, 1]]),
            "limit": np.array([1.0, 1.0, 0.0, 2.0]), "direction": np.array([1, -1, 1, -1]),
        },
    ], neuron, [
        ("bits", "A neuron whose sum is exactly its limit must give 0: > 0, not >= 0.",
         lambda inputs, w, limit, direction: direction * (inputs @ w - limit) >= 0),
        ("bits", "The direction is not used.",
         lambda inputs, w, limit, direction: inputs @ w > limit),
        ("bits", "The direction must turn round sum - limit, not the sum alone.",
         lambda inputs, w, limit, direction: direction * (inputs @ w) > limit),
        ("bits", "The limit is not used.",
         lambda inputs, w, limit, direction: direction * (inputs @ w) > 0),
        ("bits", "The limit is added; it must be taken off.",
         lambda inputs, w, limit, direction: direction * (inputs @ w + limit) > 0),
        ("bits", "These are numbers before the threshold; they must be bits.",
         lambda inputs, w, limit, direction: direction * (inputs @ w - limit)),
    ]),
    Exercise("0.2", "move", ("new_latent", "flips"), [
        {"latent": np.array([[1.0, 0.0, -3.0]]), "dw": np.array([[2.0, -1.0, -1.0]]), "rate": 1},
        {
            "latent": np.array([[2.0, -1.0, 0.0], [1.0, 4.0, -2.0]]),
            "dw": np.array([[1.0, -4.0, -1.0], [2.0, 4.0, -6.0]]), "rate": 0.5,
        },
        {
            "latent": np.array([[3.0, -1.0], [0.0, 2.0], [5.0, -6.0]]),
            "dw": np.array([[1.0, -1.0], [0.0, 3.0], [-2.0, -3.0]]), "rate": 2,
        },
    ], move, [
        ("new_latent", "The latents move with the gradient; they must move against it.",
         lambda latent, dw, rate: latent + rate * dw),
        ("new_latent", "The rate is not used.", lambda latent, dw, rate: latent - dw),
        ("flips", "Only flips from 0 to 1 are counted.",
         lambda latent, dw, rate: np.sum((latent <= 0) & (latent - rate * dw > 0))),
        ("flips", "Only flips from 1 to 0 are counted.",
         lambda latent, dw, rate: np.sum((latent > 0) & (latent - rate * dw <= 0))),
        ("flips", "This is how many bits are 1, not how many have changed.",
         lambda latent, dw, rate: np.sum(latent - rate * dw > 0)),
        ("flips", "This counts latents that moved; a bit flips only where its latent crosses 0.",
         lambda latent, dw, rate: np.sum(dw != 0)),
        ("flips", "A latent of exactly 0 is the bit 0: > 0, not >= 0.",
         lambda latent, dw, rate: np.sum((latent >= 0) != (latent - rate * dw >= 0))),
    ]),
]
