"""Coloured shapes: a built-in data set of ten classes, drawn from their equations.

Each image shows one shape, anywhere, in any size, turned by any angle, in one colour on
another, with a little noise. It needs no file and no network, and is much easier than
photographs: nothing here stands in for CIFAR-10.
"""

import numpy as np

SIDE = 32
NAMES = (
    "disc", "square", "triangle", "cross", "ring", "bar", "two discs", "half disc", "crescent",
    "frame",
)


def inside(kind, u, v):
    """Whether points are inside a shape of size 1 about (0, 0).

    Parameters
    ----------
    kind : int
        From 0 to 9; its name is NAMES[kind].
    u, v : (...) float
        Coordinates of the points, to the right and downwards.

    Returns
    -------
    inside : (...) bool

    Examples
    --------
    >>> ring = NAMES.index("ring")
    >>> inside(ring, np.array([0.0, 0.8, 1.2]), np.zeros(3))
    array([False,  True, False])
    """
    far = np.hypot(u, v)
    box = np.maximum(np.abs(u), np.abs(v))
    return (
        lambda: far < 0.9,
        lambda: box < 0.8,
        lambda: (v < 0.6) & (np.sqrt(3) * np.abs(u) - v < 1.1),
        lambda: (box < 0.95) & (np.minimum(np.abs(u), np.abs(v)) < 0.28),
        lambda: (far < 1.0) & (far > 0.6),
        lambda: (np.abs(u) < 1.1) & (np.abs(v) < 0.3),
        lambda: np.hypot(np.abs(u) - 0.6, v) < 0.45,
        lambda: (far < 1.0) & (v > 0),
        lambda: (far < 1.0) & (np.hypot(u - 0.5, v) > 0.8),
        lambda: (box < 0.9) & (box > 0.55),
    )[kind]()


def draw(kinds, rng):
    """Draw one image for each shape.

    Parameters
    ----------
    kinds : (N,) int
        From 0 to 9.
    rng : numpy.random.Generator

    Returns
    -------
    images : (N, 32, 32, 3) uint8

    Raises
    ------
    ValueError
        If a kind is outside 0..9.

    Examples
    --------
    >>> draw(np.array([0, 4]), np.random.default_rng(0)).shape
    (2, 32, 32, 3)
    """
    kinds = np.asarray(kinds)
    if kinds.size and not 0 <= kinds.min() <= kinds.max() <= 9:
        raise ValueError(f"kinds go from {kinds.min()} to {kinds.max()}; they must be 0 to 9")
    N = len(kinds)
    size = rng.uniform(6, 11, (N, 1, 1))                                         # pixels
    turn = rng.uniform(0, 2 * np.pi, (N, 1, 1))
    y0, x0 = (SIDE - 1) / 2 + rng.uniform(-4, 4, (2, N, 1, 1))
    y, x = (np.arange(SIDE)[:, None] - y0) / size, (np.arange(SIDE) - x0) / size  # (N, 32, 32)
    u = np.cos(turn) * x + np.sin(turn) * y
    v = np.cos(turn) * y - np.sin(turn) * x

    # two colours that differ clearly in at least one channel
    back = rng.uniform(0, 255, (N, 1, 1, 3))
    front = (back + rng.uniform(80, 175, (N, 1, 1, 3))) % 255
    images = np.broadcast_to(back, (N, SIDE, SIDE, 3)).copy()
    for kind in range(10):
        n = np.flatnonzero(kinds == kind)
        images[n] = np.where(inside(kind, u[n], v[n])[..., None], front[n], back[n])
    images += rng.normal(0, 12, images.shape)
    return np.clip(images, 0, 255).astype(np.uint8)


def shape_images(train, test, seed=0):
    """Draw a training set and a test set, the same ones for the same seed.

    Parameters
    ----------
    train, test : int
        Number of images; the ten shapes take turns.
    seed : int

    Returns
    -------
    train_images, train_labels, test_images, test_labels : arrays
        (N, 32, 32, 3) uint8 and (N,) int64.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(train + test) % 10
    images = np.concatenate([draw(some, rng) for some in np.array_split(labels, 20)])
    return images[:train], labels[:train], images[train:], labels[train:]
