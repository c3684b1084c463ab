"""Engine 1: a frozen network as loops over single neurons. It specifies how engines compute.

This file specifies the execution of a frozen network: whole-number sums, thresholds, flips and
scores. The other engines must give exactly its scores. (The mathematics of training, with floats
and backward passes, is another matter, which `core/reference.py` specifies.)

Every sum of bits is computed twice: by adding one input at a time, and on words of 64 inputs. Each
operation that has a name in `bitops` is counted at the moment it is done.
"""

import numpy as np

from sbnn_np.bits import bitops, frozen
from sbnn_np.engines import common


def forward(model, images, count=None):
    """Compute class scores, one image at a time.

    Parameters
    ----------
    model : frozen.Frozen
    images : see `frozen.Frozen.pixels`
    count : bitops.Count, optional
        Each of its numbers but `word_ops` grows by one at each operation. The MACs of a float
        block are added to `float_macs` all at once, because `common.engine_inputs` computes it.

    Returns
    -------
    scores : (N, M) float32
    """
    count = count or bitops.Count()
    x, input_bits = common.binarized(model, common.engine_inputs(model, images))
    if model.blocks[0].weights == "float":
        count.float_macs += len(x) * model.blocks[0].places * model.blocks[0].w.size
    scores = [forward_image(model, image.tolist(), input_bits, count) for image in x]
    return np.array(scores, np.float32)


def forward_image(model, x, input_bits, count):
    """Compute the class scores of one image.

    Parameters
    ----------
    model : frozen.Frozen
    x : nested lists of int
        The inputs of the first block that has binary weights.
    input_bits : int
        Bits of one input.
    count : bitops.Count

    Returns
    -------
    scores : list of M float32
    """
    for i, block in enumerate(model.blocks):
        if block.weights == "float":
            continue
        signed = model.signed and i > 0
        rows = image_windows(x, block) if block.kernel else [[flattened(x)]]
        w = block.w.T.tolist()
        Z = [[sums(window, w, block, input_bits, signed, count) for window in row] for row in rows]
        if block.factor is not None:
            scores = []
            for z, factor, offset in zip(Z[0][0], block.factor, block.offset):
                scores.append(np.float32(z / block.unit) * factor + offset)
                count.float_macs += 1
            return scores
        input_bits = 1                        # activations are bits
        passed = [
            [[passes_threshold(block, m, z, count) for m, z in enumerate(here)] for here in row]
            for row in Z
        ]
        x = pooled_bits(passed, block)
    raise AssertionError("a frozen network has at least one block of bits")


def flattened(x):
    """All numbers of nested lists, in order, as one list."""
    return [number for part in x for number in flattened(part)] if isinstance(x, list) else [x]


def image_windows(x, block):
    """Cut an image into windows.

    Parameters
    ----------
    x : list of H lists of W lists of C int
    block : frozen.Block
        A convolution.

    Returns
    -------
    windows : list of OH lists of OW lists of KH*KW*C int
        Pixels outside of the image are 0.
    """
    (KH, KW), (H, W, C) = block.kernel, block.shape
    OH, OW, _ = block.sums_shape
    windows = []
    for oh in range(OH):
        windows.append([])
        for ow in range(OW):
            window = []
            for kh in range(KH):
                for kw in range(KW):
                    h = oh * block.stride + kh - block.padding
                    v = ow * block.stride + kw - block.padding
                    inside = 0 <= h < H and 0 <= v < W
                    window += x[h][v] if inside else [0] * C
            windows[-1].append(window)
    return windows


def sums(x, w, block, input_bits, signed, count):
    """Compute the sums of all neurons for one window, in two ways.

    Parameters
    ----------
    x : list of D int
        The inputs.
    w : list of M lists of D bool
        The bits of weight, neuron by neuron.
    block : frozen.Block
    input_bits : int
        Bits of one input.
    signed : bool
        Whether inputs are -1 and +1, written as 0 and 1.
    count : bitops.Count

    Returns
    -------
    Z : list of M int

    Raises
    ------
    AssertionError
        If the two ways differ.
    """
    by_adding = sums_by_adding(x, w, block, signed, count)
    by_words = sums_by_words(x, w, block, input_bits, signed, count)
    if by_adding != by_words:
        raise AssertionError(f"adding gives {by_adding}, words give {by_words}")
    return by_adding


def sums_by_adding(x, w, block, signed, count):
    """Compute the sums by adding one input after another.

    Parameters
    ----------
    x, w, block, signed, count : see `sums`

    Returns
    -------
    Z : list of M int
    """
    Z = []
    for m in range(len(w)):
        z = None
        for d in range(len(x)):
            if block.weights == "+-1":
                value = (2 * x[d] - 1 if signed else x[d]) * (1 if w[m][d] else -1)
                count.xnors += signed
            elif w[m][d]:
                value = x[d]
            else:
                continue
            if z is None:
                z = value
            else:
                z += value
                count.adds += 1
        Z.append(z or 0)
    if block.centre:
        total = x[0]
        for d in range(1, len(x)):
            total += x[d]
            count.adds += 1
        for m in range(len(w)):
            Z[m] = frozen.UNIT * Z[m] - block.centre * total
            count.adds += 1
    return Z


def sums_by_words(x, w, block, input_bits, signed, count):
    """Compute the sums on words of 64 inputs: AND, or XOR of signs, and popcount.

    Parameters
    ----------
    x, w, block, input_bits, signed, count : see `sums`

    Returns
    -------
    Z : list of M int
    """
    D = len(x)
    shared = block.centre or block.weights == "+-1" and not signed
    Z, total = [0] * len(w), 0
    for i in range(input_bits):
        for start in range(0, D, 64):
            a = pack_word(x[d] >> i & 1 for d in range(start, min(start + 64, D)))
            for m in range(len(w)):
                b = pack_word(w[m][start : start + 64])
                count.and_words += 1
                count.popcount_words += 1
                Z[m] += (a ^ b if signed else a & b).bit_count() << i
            if shared:
                count.popcount_words += 1
                total += a.bit_count() << i
    if signed:
        return [D - 2 * z for z in Z]
    if block.weights == "+-1":
        return [2 * z - total for z in Z]
    return [block.unit * z - block.centre * total for z in Z]


def pack_word(bits):
    """Pack up to 64 bits into an int, the first bit in the lowest place."""
    return sum(int(bit) << i for i, bit in enumerate(bits))


def passes_threshold(block, m, z, count):
    """Compare a sum with its neuron's threshold, before the flip.

    Parameters
    ----------
    block : frozen.Block
    m : int
        Number of the neuron.
    z : int
        Its sum.
    count : bitops.Count

    Returns
    -------
    passed : bool
    """
    count.compares += 1
    return z >= block.threshold[m]


def pooled_bits(passed, block):
    """Compute a block's output bits: whether any sum of a square passed, and then the flip.

    Parameters
    ----------
    passed : list of OH lists of OW lists of M bool
        One place in a dense block.
    block : frozen.Block

    Returns
    -------
    bits : list of M int, or lists of lists of them in a convolution
    """
    size, M = block.pool, len(block.flip)
    if block.kernel is None:
        return [int(passed[0][0][m] != block.flip[m]) for m in range(M)]
    OH, OW, _ = block.out_shape
    squares = [
        [
            [
                any(
                    passed[oh * size + i][ow * size + j][m]
                    for i in range(size)
                    for j in range(size)
                )
                for m in range(M)
            ]
            for ow in range(OW)
        ]
        for oh in range(OH)
    ]
    return [[[int(p != f) for p, f in zip(v, block.flip)] for v in row] for row in squares]
