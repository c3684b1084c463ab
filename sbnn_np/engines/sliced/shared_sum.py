"""The sum that all neurons of a centred layer share, sliced.

The weights of a centred layer are 0 and 1 less its centre, c / 64. So, in 64ths, a neuron passes if

    64 z - c S >= threshold.

z is the sum of its own inputs, and S is the sum of all inputs. Adders cannot subtract. But if c S
has p bits, its complement (all p bits inverted) is 2^p - 1 - c S, which can be added:

    64 z + (2^p - 1 - c S)  >=  threshold + 2^p - 1  =  64 A + B,        B from 0 to 63.

The lowest six bits of 64 z are 0. So the lowest six bits on the left are those of the complement.
Call them L, and the bits above them H. Then the neuron passes if

    z + H  >=  A    and L >= B,        or        z + H  >  A.

So a neuron adds one more number, H of p - 6 planes, the same for all neurons. Its comparison begins
with the bit [L >= B], and there are at most 64 different B in a layer. In the code A is the
`quotient` of a threshold and B its `remainder`; H are the `high_planes`, and [L >= B] `low_passed`.
"""

import numpy as np

from sbnn_np.engines.sliced.adders import ALL_ONES, AdderChain, at_least_steps, row_sum_steps

WORDS_AT_ONCE = 4096     # words of sums side by side that stay in cache


def split_thresholds(threshold, high_planes):
    """Split thresholds into their A and B.

    Parameters
    ----------
    threshold : (G,) int32
    high_planes : int
        Planes of H.

    Returns
    -------
    quotient, remainder : (G,) int64
        A and B. If A would be negative, any number passes; as it does with A = B = 0.
    """
    return np.divmod(np.maximum(threshold.astype(np.int64) + (64 << high_planes) - 1, 0), 64)


def distinct_remainders(threshold):
    """Find the different B of a layer's thresholds.

    Parameters
    ----------
    threshold : (M,) int32

    Returns
    -------
    remainders : (R,) int64
        Rising, and with the 0 that `split_thresholds` may give. They do not depend on the number of
        planes.
    """
    return np.unique(np.append((threshold.astype(np.int64) - 1) % 64, 0))


def shared_steps(c, inputs, remainders):
    """Find steps that compute what all neurons of a centred layer share.

    Parameters
    ----------
    c : int
        The centre in 64ths, from 1 to 64.
    inputs : (input_bits, D, words) uint64
        Planes of the D inputs.
    remainders : (R,) int
        See `distinct_remainders`.

    Returns
    -------
    steps : list of (function, arguments)
        See `adders.run_steps`.
    high_planes : (planes, words) uint64
        After the steps, H.
    low_passed : (R, words) uint64
        After the steps, a row of bits [L >= B] for each remainder.
    """
    steps, total = total_steps(inputs)
    more_steps, product = product_steps(total, c)
    steps += more_steps
    words = inputs.shape[-1]
    complement = np.empty((len(product), words), np.uint64)
    steps += [
        (np.bitwise_xor, (plane, ALL_ONES, out)) for plane, out in zip(product, complement)
    ]
    low_passed, scratch = np.empty((2, len(remainders), words), np.uint64)
    steps.append((np.copyto, (low_passed, complement[0])))
    more_steps, _ = at_least_steps([low_passed, *complement[1:6]], remainders, scratch)
    return [*steps, *more_steps], complement[6:], low_passed


def product_steps(number, c):
    """Find steps that multiply a number by c.

    Parameters
    ----------
    number : list of (words,) uint64
        Planes of the number.
    c : int
        From 1 to 64.

    Returns
    -------
    steps : list of (function, arguments)
    product : list of (words,) uint64
        After the steps, the planes of c times the number.
    """
    words, steps = len(number[0]), []
    rows_of_plane = [np.empty((0, words), np.uint64)] * (len(number) + 6)
    for i in range(len(rows_of_plane)):
        rows = [plane[None] for j, plane in enumerate(number) if i >= j and c >> i - j & 1]
        if rows:
            rows_of_plane[i] = np.empty((len(rows), words), np.uint64)
            steps.append((np.concatenate, (rows, 0, rows_of_plane[i])))
    more_steps, product = row_sum_steps(rows_of_plane)
    return steps + more_steps, product


def total_steps(inputs):
    """Find steps that add all inputs, for each image and place.

    As many sums side by side as the cache holds each add a part of the inputs. At the end these
    sums are added.

    Parameters
    ----------
    inputs : (input_bits, D, words) uint64
        Planes of the D inputs.

    Returns
    -------
    steps : list of (function, arguments)
    planes : list of (words,) uint64
        After the steps, the planes of the sum.
    """
    input_bits, D, words = inputs.shape
    G = max(1, min(D, WORDS_AT_ONCE // words))
    planes = input_bits + (D // G).bit_length()
    chain = AdderChain(np.empty((2 * planes + 4, G, words), np.uint64))
    for i, plane in enumerate(inputs):
        for start in range(0, D - G + 1, G):
            chain.add_row(i, plane[start : start + G], G)
    steps, rows_of_plane = chain.steps, []
    for i, plane in enumerate(chain.planes):
        rows = [plane, chain.waiting[i][0]] if chain.waiting[i] else [plane]
        if i < input_bits:
            rows.append(inputs[i, D - D % G :])
        rows_of_plane.append(np.empty((sum(map(len, rows)), words), np.uint64))
        steps.append((np.concatenate, (rows, 0, rows_of_plane[i])))
    more_steps, planes = row_sum_steps(rows_of_plane)
    return steps + more_steps, planes
