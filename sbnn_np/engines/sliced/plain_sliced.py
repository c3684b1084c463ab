"""The bit-sliced engine in its plain form, a neuron at a time: the operations `bitops` tells of.

It gives the same scores as `sliced`, and nothing is done for speed. Each neuron has adders for
exactly the ones it has, and what the neurons of a centred layer share is worked out for each of the
64 remainders.
"""

import numpy as np

from sbnn_np.core.windows import im2col
from sbnn_np.engines import common
from sbnn_np.engines.sliced import bit_sliced
from sbnn_np.engines.sliced.adders import ALL, add_up, run
from sbnn_np.engines.sliced.shared_sum import product_steps
from sbnn_np.engines.sliced.slicing import Slicer, numbers


def forward(model, images, count):
    """Compute class scores.

    Parameters
    ----------
    model : frozen.Frozen
        Of 0/1 weights.
    images : see `frozen.Frozen.pixels`
    count : bitops.Count
        Its `word_ops` grows by the logical operations on words of 64 images.

    Returns
    -------
    scores : (N, M) float32
    """
    x = common.first_bits(model, images)
    N, flat, planes = len(x), x.reshape(len(x), -1), []
    for write in bit_sliced.writers(model):
        rows = np.empty((flat.shape[1], -(-N // 64)), np.uint64)
        Slicer(*rows.shape).slice(flat, write, rows)
        # 64 images are one image, of words
        planes.append(rows.T.reshape(-1, *x.shape[1:]))
    *hidden, last = [block for block in model.blocks if block.weights != "float"]
    for block in hidden:
        planes = [fire(block, planes, count)]
    seen = np.stack([plane.reshape(len(plane), -1).T for plane in planes])
    z = [numbers(total(seen[:, inputs], count)) for inputs in last.w.T]
    z = np.stack(z, axis=1)[:N]
    if last.centre:
        z = last.unit * z - last.centre * numbers(total(seen, count))[:N, None]
    return common.scored(last, z.astype(np.float32) / np.float32(last.unit))


def fire(block, planes, count):
    """A hidden block.

    Parameters
    ----------
    block : frozen.Block
    planes : list of (words, ...) uint64
        The bits of what comes in, the lowest first.
    count : bitops.Count

    Returns
    -------
    bits : (words, M) or (words, OH, OW, M) uint64
        Pooled.
    """
    if block.kernel:
        seen = [im2col(plane, block.kernel, block.stride, block.padding, 0) for plane in planes]
    else:
        seen = [plane.reshape(len(plane), -1) for plane in planes]
    seen = np.stack([rows.T for rows in seen])                # (depth, D, words and places)
    shared = complements(block.centre, seen, count) if block.centre else None
    M, size = block.w.shape[1], block.pool
    bits = np.full((M, seen.shape[-1]), ALL)
    for m in range(M):
        threshold, more = int(block.threshold[m]), ()
        if block.centre:
            threshold, rest = divmod(threshold + 63, 64)
            more = shared[rest]
            threshold = max(threshold + (1 << len(more)) - 1, 0)
        elif not block.w[:, m].any():
            continue                                          # no inputs: always the same
        found = total(seen[:, block.w[:, m]], count, more)
        bits[m] = passes(found, threshold, count)
    bits = bits.T.reshape(len(planes[0]), *block.sums_shape)
    if block.kernel:
        _, OH, OW, _ = bits.shape
        bits = bits[:, : OH - OH % size, : OW - OW % size]
        squares = [bits[:, i::size, j::size] for i, j in np.ndindex(size, size)]
        bits = np.bitwise_or.reduce(squares)
    count.word_ops += bits.size * size * size                 # one less for the OR, and the flip
    return bits ^ np.where(block.flip, ALL, np.uint64(0))


def total(seen, count, more=()):
    """Planes, each (W,), of the sum of inputs (depth, K, W), and of a number of more planes."""
    levels = [plane for plane in seen]
    for i, row in enumerate(more):
        if i == len(levels):
            levels.append(np.empty((0, len(row)), np.uint64))
        levels[i] = np.concatenate([levels[i], row[None]])
    steps, planes = add_up([level.copy() for level in levels])
    run(steps, count)
    return planes


def passes(planes, threshold, count):
    """Bits [number >= threshold], (W,) uint64, for a number of planes, each (W,).

    From the lowest plane up, as in `adders.at_least`: plane | passed where the threshold's bit is
    0, plane & passed where it is 1. With k all ones in the first case and 0 in the second, passed
    turned round, passed ^ k, becomes (passed ^ k) & (plane ^ k) in both: three operations a plane,
    one of them to turn it from the k before to this one.
    """
    ks = [np.uint64(0) if threshold >> i & 1 else ALL for i in range(len(planes))]
    turned, other = np.empty((2, len(planes[0])), np.uint64)
    steps = [(np.bitwise_and, (planes[0], ~ks[0], turned))]    # at first all pass
    for plane, before, k in zip(planes[1:], ks, ks[1:]):
        steps += [
            (np.bitwise_xor, (turned, before ^ k, turned)),
            (np.bitwise_xor, (plane, k, other)),
            (np.bitwise_and, (turned, other, turned)),
        ]
    run([*steps, (np.bitwise_xor, (turned, ks[-1], turned))], count)
    return np.zeros_like(turned) if threshold >> len(planes) else turned


def complements(c, seen, count):
    """For each remainder b from 0 to 63 the h planes, (W,) uint64, of 2^h - 1 - H.

    A neuron passes if 64 z - c S >= threshold, where S is the sum of all inputs. With
    threshold + 63 = 64 a + b, where b is from 0 to 63, and H = floor((c S + b) / 64), that is

        z  >=  a + H,        or        z + (2^h - 1 - H)  >=  a + 2^h - 1.

    H has the planes of c S above the sixth, and one more for what b carries.
    """
    steps, product = product_steps(total(seen, count), c)
    run(steps, count)
    high = [plane ^ ALL for plane in product[6:]]
    count.word_ops += sum(plane.size for plane in high)
    of_each = []
    for b in range(64):
        carry, planes = passes(product[:6], 64 - b, count), []
        for plane, complement in zip(product[6:], high):
            planes.append(complement ^ carry)
            carry = plane & carry
        planes.append(carry ^ ALL)
        count.word_ops += (2 * len(high) + 1) * carry.size
        of_each.append(planes)
    return of_each
