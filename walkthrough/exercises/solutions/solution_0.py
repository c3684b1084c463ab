"""Chapter 0: one way to fill in each exercise."""

import numpy as np


def neuron(inputs, w, limit, direction):
    """0.1  The bits of some neurons."""
    y = direction * (inputs @ w - limit)
    return 1 * (y > 0)


def move(latent, dw, rate):
    """0.2  A step of the latents, and the flips."""
    new_latent = latent - rate * dw
    flips = np.count_nonzero((latent > 0) != (new_latent > 0))
    return new_latent, flips
