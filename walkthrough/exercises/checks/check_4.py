"""What is right in the exercises of chapter 4, and the mistakes that have a name."""

import math

import numpy as np

from sbnn_np.core import quantize, sparsity

from .compare import Exercise


def times_smaller(ones, total):
    """Entropy by the function of the package."""
    bits = quantize.binary_entropy(ones / total)
    return bits, 32 / bits


def density_at(progress, start, target, over):
    """The schedule of the package."""
    return sparsity.Schedule(target, start, over)(progress)


def beats(a, b):
    """Whether network a = (size, accuracy) beats network b."""
    return a[0] <= b[0] and a[1] >= b[1] and a != b


def worth_having(size, accuracy):
    """Compare every two networks."""
    networks = list(zip(size, accuracy))
    return [not any(beats(a, b) for a in networks) for b in networks]


def natural(p):
    """The entropy with the natural logarithm."""
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


EXERCISES = [
    Exercise("4.1", "times_smaller", ("bits", "times"), [
        {"ones": 8, "total": 16}, {"ones": 1, "total": 16}, {"ones": 50, "total": 1000},
        {"ones": 3, "total": 4},
    ], times_smaller, [
        ("bits", "This is the natural logarithm; bits need the logarithm to the base 2.",
         lambda ones, total: natural(ones / total)),
        ("bits", "The zeros are missing: they cost (1 - p) times -log2(1 - p).",
         lambda ones, total: -ones / total * math.log2(ones / total)),
        ("bits", "The sign is wrong: the logarithm of a fraction is below 0.",
         lambda ones, total: -times_smaller(ones, total)[0]),
        ("bits", "These are the bits of the whole layer; wanted are those of one weight.",
         lambda ones, total: total * times_smaller(ones, total)[0]),
        ("bits", "log2(1 / p) are the bits of a one; a weight is a one only with probability p.",
         lambda ones, total: -math.log2(ones / total)),
        ("times", "This is the other way round: 32 bits over H(p).",
         lambda ones, total: times_smaller(ones, total)[0] / 32),
        ("times", "This counts ones alone; where they are costs bits, too.",
         lambda ones, total: 32 * total / ones),
    ], tolerance=1e-12),
    Exercise("4.2", "density_at", ("density",), [
        {"progress": progress, "start": start, "target": target, "over": over}
        for start, target, over in ((0.01, 0.04, 0.5), (0.005, 0.05, 0.75), (0.5, 0.05, 1.0))
        for progress in (0, 0.25, 0.5, 0.9, 1)
    ], density_at, [
        ("density", "The density grows by equal differences; it must grow by equal factors.",
         lambda progress, start, target, over:
         start + (target - start) * min(progress / over, 1)),
        ("density", "After the part `over` of the training the density must stay at the target.",
         lambda progress, start, target, over: start * (target / start) ** (progress / over)),
        ("density", "`over` is not used: the target must be reached when that part is done.",
         lambda progress, start, target, over: start * (target / start) ** progress),
        ("density", "A density may also shrink, from a start above the target: then min is wrong.",
         lambda progress, start, target, over:
         min(start * (target / start) ** (progress / over), target)),
        ("density", "This is the factor; the density is start times the factor.",
         lambda progress, start, target, over: (target / start) ** min(progress / over, 1)),
    ], tolerance=1e-12),
    Exercise("4.3", "worth_having", ("kept",), [
        {"size": [10, 20, 30], "accuracy": [0.8, 0.9, 0.85]},
        {"size": [10, 10, 20], "accuracy": [0.8, 0.7, 0.8]},
        {"size": [10, 10, 20, 20], "accuracy": [0.8, 0.8, 0.9, 0.7]},
        {"size": [40, 30, 20, 10], "accuracy": [0.9, 0.95, 0.6, 0.7]},
        {"size": [5], "accuracy": [0.1]},
    ], worth_having, [
        ("kept", "Two networks of the same size and accuracy must not beat each other.",
         lambda size, accuracy: [
             not any(size[j] <= size[i] and accuracy[j] >= accuracy[i]
                     for j in range(len(size)) if j != i)
             for i in range(len(size))
         ]),
        ("kept", "A network is also beaten by one of equal size and more accuracy, or of equal "
                 "accuracy and less size.",
         lambda size, accuracy: [
             not any(size[j] < size[i] and accuracy[j] > accuracy[i] for j in range(len(size)))
             for i in range(len(size))
         ]),
        ("kept", "These are the beaten ones; wanted is True where none beats a network.",
         lambda size, accuracy: [not kept for kept in worth_having(size, accuracy)]),
        ("kept", "Only the accuracy is compared; a small network may be less accurate.",
         lambda size, accuracy: np.array(accuracy) == max(accuracy)),
        ("kept", "Only the size is compared; a large network may be more accurate.",
         lambda size, accuracy: np.array(size) == min(size)),
    ]),
]
