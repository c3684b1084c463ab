"""What all neurons of a centred layer share, sliced: a multiple of the sum of its inputs.

Weights of a centred layer are 0 and 1 less its centre, c / 64. So in 64ths a neuron passes if

    64 z - c S >= threshold,

where z counts those of its inputs that are 1, and S is the sum of all inputs. Adders cannot
subtract. But if c S has p bits, turning each of them round makes 2^p - 1 - c S, and

    64 z + (2^p - 1 - c S)  >=  threshold + 2^p - 1  =  64 A + B,        B from 0 to 63.

On the left the lowest six bits are those of the bracket, for 64 z has none there. With L for these
six and H for the rest of the bracket,

    z + H  >=  A    where L >= B,        z + H  >  A    elsewhere.

So a neuron has p - 6 more rows to add, one of each weight and the same for all neurons, and its
comparison begins with a bit [L >= B], of which there are at most 64.
"""

import numpy as np

from sbnn_np.engines.sliced.adders import ALL, Chain, add_up, at_least

TOGETHER = 4096     # words of sums side by side


def whole_and_rest(threshold, high):
    """The A and B of thresholds, each (G,) int64, if H has `high` planes.

    Where A would be negative any number passes; so it does for A = B = 0.
    """
    return np.divmod(np.maximum(threshold.astype(np.int64) + (64 << high) - 1, 0), 64)


def rests(threshold):
    """The B that occur, (R,) int64, rising: they do not depend on the planes, but for the 0."""
    return np.unique(np.append((threshold.astype(np.int64) - 1) % 64, 0))


def shared_steps(c, seen, rest):
    """Steps to what all neurons of a centred layer share.

    Parameters
    ----------
    c : int
        The centre, in 64ths, from 1 to 64.
    seen : (depth, D, W) uint64
        The bits of each input, the lowest first.
    rest : (R,) int
        The B that are needed.

    Returns
    -------
    steps : list
        See `adders.run`.
    high : (planes, W) uint64
        H, the lowest plane first.
    low : (R, W) uint64
        The bits [L >= B].
    """
    steps, total = sum_steps(seen)
    found, product = product_steps(total, c)
    steps += found
    W = seen.shape[-1]
    complement = np.empty((len(product), W), np.uint64)
    steps += [
        (np.bitwise_xor, (plane, ALL, out)) for plane, out in zip(product, complement)
    ]
    low, spare = np.empty((2, len(rest), W), np.uint64)
    steps.append((np.copyto, (low, complement[0])))
    found, _ = at_least([low, *complement[1:6]], rest, spare)
    return [*steps, *found], complement[6:], low


def product_steps(total, c):
    """Steps to c times a number, by its planes, and the product's planes.

    Parameters
    ----------
    total : list of (W,) uint64
    c : int
        From 1 to 64.
    """
    W, steps = len(total[0]), []
    levels = [np.empty((0, W), np.uint64)] * (len(total) + 6)
    for i in range(len(levels)):
        rows = [plane[None] for j, plane in enumerate(total) if i >= j and c >> i - j & 1]
        if rows:
            levels[i] = np.empty((len(rows), W), np.uint64)
            steps.append((np.concatenate, (rows, 0, levels[i])))
    found, product = add_up(levels)
    return steps + found, product


def sum_steps(seen):
    """Steps to the sum of all inputs, for each image and place, and its planes.

    Some inputs at a time are added to as many sums side by side, which stay in cache; at the end
    these sums are added to one another.

    Parameters
    ----------
    seen : (depth, D, W) uint64

    Returns
    -------
    steps : list
    planes : list of (W,) uint64
    """
    depth, D, W = seen.shape
    G = max(1, min(D, TOGETHER // W))
    chain = Chain(np.empty((2 * (depth + (D // G).bit_length()) + 4, G, W), np.uint64))
    for i, plane in enumerate(seen):
        for start in range(0, D - G + 1, G):
            chain.put(i, plane[start : start + G], G)
    steps, levels = chain.steps, []
    for i, plane in enumerate(chain.planes):
        rows = [plane, chain.waiting[i][0]] if chain.waiting[i] else [plane]
        if i < depth:
            rows.append(seen[i, D - D % G :])
        levels.append(np.empty((sum(map(len, rows)), W), np.uint64))
        steps.append((np.concatenate, (rows, 0, levels[i])))
    found, planes = add_up(levels)
    return steps + found, planes
