"""Stroke digits: a built-in data set of ten classes, drawn from pen strokes.

Each digit is a few strokes; each image bends them by a random affine map, moves their
points a little, and draws them with a pen of random thickness. It needs no file and no
network, and is much easier than real handwriting: nothing here stands in for MNIST.
"""

import numpy as np

SIDE = 28
POINTS = 48  # pen positions an image


def arc(x, y, rx, ry, start, stop):
    """Corners of an elliptic arc about (x, y), angles in turns, clockwise from the right.

    Parameters
    ----------
    x, y, rx, ry : float
        Centre and radii.
    start, stop : float
        Angles in turns.
    """
    t = 2 * np.pi * np.linspace(start, stop, 13)
    return [(x + rx * np.cos(a), y + ry * np.sin(a)) for a in t]


# strokes of each digit, in a box from -1 to 1, x to the right and y downwards
DIGITS = [
    [arc(0, 0, 0.6, 0.95, 0, 1)],
    [[(-0.35, -0.6), (0.05, -0.95), (0.05, 0.95)]],
    [arc(0, -0.4, 0.55, 0.55, 0.5, 1.05) + [(-0.6, 0.95), (0.6, 0.95)]],
    [arc(-0.05, -0.48, 0.5, 0.47, 0.55, 1.25), arc(-0.05, 0.47, 0.58, 0.48, 0.75, 1.45)],
    [[(0.25, 0.95), (0.25, -0.95), (-0.6, 0.3), (0.65, 0.3)]],
    [[(0.5, -0.95), (-0.4, -0.95), (-0.45, -0.1)], arc(-0.05, 0.35, 0.58, 0.58, 0.65, 1.42)],
    [[(0.35, -0.95), (-0.3, -0.2), (-0.52, 0.35)], arc(0, 0.4, 0.52, 0.52, 0.5, 1.5)],
    [[(-0.6, -0.95), (0.6, -0.95), (-0.15, 0.95)]],
    [arc(0, -0.48, 0.45, 0.45, 0.25, 1.25), arc(0, 0.47, 0.55, 0.48, 0.75, 1.75)],
    [arc(0, -0.4, 0.5, 0.52, 0, 1), [(0.5, -0.4), (0.45, 0.25), (0.2, 0.95)]],
]


def pen_positions(strokes):
    """Spread POINTS positions evenly over the length of the strokes, (POINTS, 2)."""
    starts = np.concatenate([stroke[:-1] for stroke in strokes])        # (segments, 2)
    steps = np.concatenate([np.diff(stroke, axis=0) for stroke in strokes])
    ends = np.cumsum(np.hypot(*steps.T))
    along = np.linspace(0, ends[-1], POINTS)
    i = np.minimum(np.searchsorted(ends, along), len(ends) - 1)
    length = np.hypot(*steps.T)[i]
    return starts[i] + steps[i] * (1 - (ends[i] - along) / length)[:, None]


def draw(digits, rng):
    """Draw one image for each digit.

    Parameters
    ----------
    digits : (N,) int
        From 0 to 9.
    rng : numpy.random.Generator

    Returns
    -------
    images : (N, 28, 28, 1) uint8
        0 is paper, 200 and more is ink.

    Raises
    ------
    ValueError
        If a digit is outside 0..9.

    Examples
    --------
    >>> image = draw(np.array([1]), np.random.default_rng(0))[0, :, :, 0]
    >>> image.shape, int(image[0].max()), bool(image.max() > 200)
    ((28, 28), 0, True)
    """
    digits = np.asarray(digits)
    if digits.size and not 0 <= digits.min() <= digits.max() <= 9:
        raise ValueError(f"digits go from {digits.min()} to {digits.max()}; they must be 0 to 9")
    N = len(digits)
    positions = np.stack([pen_positions(strokes) for strokes in DIGITS])[digits]  # (N, POINTS, 2)

    # each coordinate also swings along the other one, which bends the strokes
    swing = rng.normal(0, 0.08, (2, N, 1)) * np.sin(
        np.pi * positions[:, :, ::-1].transpose(2, 0, 1) * rng.uniform(0.5, 1.5, (2, N, 1))
        + rng.uniform(0, 2 * np.pi, (2, N, 1))
    )
    positions = positions + swing.transpose(1, 2, 0)
    turn, slant = rng.normal(0, 0.18, N), rng.normal(0, 0.2, N)
    wide, tall = rng.normal(8.5, 1.0, N), rng.normal(9.0, 0.8, N)                # pixels
    # affine = rotation(turn) @ [[1, slant], [0, 1]] @ diag(wide, tall)
    affine = np.empty((N, 2, 2))
    affine[:, 0, 0], affine[:, 1, 0] = wide * np.cos(turn), wide * np.sin(turn)
    affine[:, 0, 1] = tall * (slant * np.cos(turn) - np.sin(turn))
    affine[:, 1, 1] = tall * (slant * np.sin(turn) + np.cos(turn))
    middle = (SIDE - 1) / 2 + rng.normal(0, 1.0, (N, 1, 2))
    positions = positions @ affine.transpose(0, 2, 1) + middle                   # (N, POINTS, 2)

    thick = rng.uniform(0.7, 1.8, (N, 1, 1))
    ink = rng.uniform(200, 255, (N, 1, 1))
    pixel = np.arange(SIDE)
    images = np.empty((N, SIDE, SIDE, 1), np.uint8)
    for n in range(0, N, 100):
        part = slice(n, n + 100)
        x, y = positions[part].astype(np.float32).transpose(2, 0, 1)[:, :, :, None]
        # squared distance to the nearest pen position
        far = (x - pixel)[:, :, None, :] ** 2 + (y - pixel)[:, :, :, None] ** 2
        distance = np.sqrt(far.min(axis=1))                                      # (100, 28, 28)
        images[part, :, :, 0] = ink[part] * np.clip(thick[part] + 0.5 - distance, 0, 1)
    return images


def stroke_digits(train, test, seed=0):
    """Draw a training set and a test set, the same ones for the same seed.

    Parameters
    ----------
    train, test : int
        Number of images; the ten digits take turns.
    seed : int

    Returns
    -------
    train_images, train_labels, test_images, test_labels : arrays
        (N, 28, 28, 1) uint8 and (N,) int64.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(train + test) % 10
    images = draw(labels, rng)
    return images[:train], labels[:train], images[train:], labels[train:]
