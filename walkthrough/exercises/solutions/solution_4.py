"""Chapter 4: one way to fill in each exercise."""

import math


def times_smaller(ones, total):
    """4.1  Entropy, and what it saves."""
    p = ones / total
    bits = -p * math.log2(p) - (1 - p) * math.log2(1 - p)
    return bits, 32 / bits


def density_at(progress, start, target, over):
    """4.2  A density that grows by equal factors."""
    if progress >= over:
        return target
    return start * (target / start) ** (progress / over)


def worth_having(size, accuracy):
    """4.3  Networks that no other one beats."""
    kept = []
    for i in range(len(size)):
        beaten = False
        for j in range(len(size)):
            as_good = size[j] <= size[i] and accuracy[j] >= accuracy[i]
            better = size[j] < size[i] or accuracy[j] > accuracy[i]
            beaten = beaten or (as_good and better)
        kept.append(not beaten)
    return kept
