"""The bit-sliced engine in its plain form, one neuron at a time: it counts what `bitops` predicts.

It gives the same scores as `bit_sliced`, with less for speed. Each neuron has adders for
exactly its own ones. What the neurons of a centred layer share is computed for each of the 64
remainders.
"""

import numpy as np

from sbnn_np.core.windows import im2col
from sbnn_np.engines import common
from sbnn_np.engines.packed import or_pool
from sbnn_np.engines.sliced import bit_sliced
from sbnn_np.engines.sliced.adders import ALL_ONES, row_sum_steps, run_steps
from sbnn_np.engines.sliced.shared_sum import product_steps
from sbnn_np.engines.sliced.slicing import Slicer, unslice


def forward(model, images, count):
    """Compute class scores.

    Parameters
    ----------
    model : frozen.Frozen
        Of 0/1 weights.
    images : see `frozen.Frozen.pixels`
    count : bitops.Count
        Its `word_ops` grow by the logical operations on words of 64 images.

    Returns
    -------
    scores : (N, M) float32
    """
    x = common.engine_inputs(model, images)
    N, flat, planes = len(x), x.reshape(len(x), -1), []
    for write_bit in bit_sliced.bit_writers(model):
        rows = np.empty((flat.shape[1], -(-N // 64)), np.uint64)
        Slicer(*rows.shape).slice(flat, write_bit, rows)
        # a word of 64 images takes the place of an image
        planes.append(rows.T.reshape(-1, *x.shape[1:]))
    *hidden, last = [block for block in model.blocks if block.weights != "float"]
    for block in hidden:
        planes = [hidden_block(block, planes, count)]
    inputs = np.stack([plane.reshape(len(plane), -1).T for plane in planes])
    z = [unslice(sum_inputs(inputs[:, connected], count)) for connected in last.w.T]
    z = np.stack(z, axis=1)[:N]
    if last.centre:
        z = last.unit * z - last.centre * unslice(sum_inputs(inputs, count))[:N, None]
    return common.class_scores(last, z.astype(np.float32) / np.float32(last.unit))


def hidden_block(block, planes, count):
    """Compute the activations of a hidden block.

    Parameters
    ----------
    block : frozen.Block
    planes : list of (words, D) or (words, H, W, C) uint64
        Planes of its inputs.
    count : bitops.Count

    Returns
    -------
    bits : (words, M) or (words, OH, OW, M) uint64
        After pooling.
    """
    if block.kernel:
        rows = [im2col(plane, block.kernel, block.stride, block.padding, 0) for plane in planes]
    else:
        rows = [plane.reshape(len(plane), -1) for plane in planes]
    inputs = np.stack([each.T for each in rows])              # (input_bits, D, words * places)
    shared = shared_complements(block.centre, inputs, count) if block.centre else None
    M, size = block.w.shape[1], block.pool
    bits = np.full((M, inputs.shape[-1]), ALL_ONES)
    for m in range(M):
        threshold, addend = int(block.threshold[m]), ()
        if block.centre:
            threshold, remainder = divmod(threshold + 63, 64)
            addend = shared[remainder]
            threshold = max(threshold + (1 << len(addend)) - 1, 0)
        elif not block.w[:, m].any():
            continue                                          # a neuron without inputs: always 1
        z = sum_inputs(inputs[:, block.w[:, m]], count, addend)
        bits[m] = passes(z, threshold, count)
    bits = bits.T.reshape(len(planes[0]), *block.sums_shape)
    if block.kernel:
        bits = or_pool(bits, size)
    count.word_ops += bits.size * size * size                 # size^2 - 1 for the OR, and the flip
    return bits ^ np.where(block.flip, ALL_ONES, np.uint64(0))


def sum_inputs(inputs, count, addend=()):
    """Add inputs, and one more number.

    Parameters
    ----------
    inputs : (input_bits, K, words) uint64
        Planes of K inputs.
    count : bitops.Count
    addend : list of (words,) uint64
        Planes of a number that is added.

    Returns
    -------
    planes : list of (words,) uint64
    """
    rows_of_plane = [plane for plane in inputs]
    for i, row in enumerate(addend):
        if i == len(rows_of_plane):
            rows_of_plane.append(np.empty((0, len(row)), np.uint64))
        rows_of_plane[i] = np.concatenate([rows_of_plane[i], row[None]])
    steps, planes = row_sum_steps([rows.copy() for rows in rows_of_plane])
    run_steps(steps, count)
    return planes


def passes(planes, threshold, count):
    """Compare a number with a constant: bits [number >= threshold].

    Parameters
    ----------
    planes : list of (words,) uint64
    threshold : int
        At least 0.
    count : bitops.Count

    Returns
    -------
    passed : (words,) uint64

    Notes
    -----
    From the lowest plane up, as in `adders.at_least_steps`: plane | passed if the threshold's bit
    is 0, plane & passed if it is 1. Let k be all ones in the first case and 0 in the second. Then
    for the inverted bits, passed ^ k, both are (passed ^ k) & (plane ^ k). That makes three
    operations a plane. One of them changes from the k of the plane before to this one.
    """
    ks = [np.uint64(0) if threshold >> i & 1 else ALL_ONES for i in range(len(planes))]
    inverted, other = np.empty((2, len(planes[0])), np.uint64)
    steps = [(np.bitwise_and, (planes[0], ~ks[0], inverted))]  # at first all pass
    for plane, k_before, k in zip(planes[1:], ks, ks[1:]):
        steps += [
            (np.bitwise_xor, (inverted, k_before ^ k, inverted)),
            (np.bitwise_xor, (plane, k, other)),
            (np.bitwise_and, (inverted, other, inverted)),
        ]
    run_steps([*steps, (np.bitwise_xor, (inverted, ks[-1], inverted))], count)
    return np.zeros_like(inverted) if threshold >> len(planes) else inverted


def shared_complements(c, inputs, count):
    """Compute, for each remainder b from 0 to 63, the number 2^h - 1 - H, of h planes.

    A neuron passes if 64 z - c S >= threshold, where S is the sum of all inputs. Write
    threshold + 63 = 64 a + b with b from 0 to 63, and H = floor((c S + b) / 64). Then it passes if

        z  >=  a + H,        or        z + (2^h - 1 - H)  >=  a + 2^h - 1.

    H has the planes of c S above the sixth, and one more for the carry of b.

    Parameters
    ----------
    c : int
        The centre in 64ths, from 1 to 64.
    inputs : (input_bits, D, words) uint64
        Planes of all inputs.
    count : bitops.Count

    Returns
    -------
    complements : list of 64 lists of h (words,) uint64
    """
    steps, product = product_steps(sum_inputs(inputs, count), c)
    run_steps(steps, count)
    inverted = [plane ^ ALL_ONES for plane in product[6:]]
    count.word_ops += sum(plane.size for plane in inverted)
    complements = []
    for b in range(64):
        carry, planes = passes(product[:6], 64 - b, count), []
        for plane, inverted_plane in zip(product[6:], inverted):
            planes.append(inverted_plane ^ carry)
            carry = plane & carry
        planes.append(carry ^ ALL_ONES)
        count.word_ops += (2 * len(inverted) + 1) * carry.size
        complements.append(planes)
    return complements
