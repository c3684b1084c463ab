"""Engine 1: a frozen network as loops over single neurons, the specification of all others.

Every sum of bits is computed twice: by adding, an input at a time, and on words of 64 inputs; and
each operation that has a name in `bitops` is counted as it is done.
"""

import numpy as np

from sbnn_np.bits import bitops, frozen
from sbnn_np.engines import common


def forward(model, images, count=None):
    """Compute class scores, an image at a time.

    Parameters
    ----------
    model : frozen.Frozen
    images : see `frozen.Frozen.pixels`
    count : bitops.Count, optional
        All its numbers but `word_ops` grow, by one at each operation. Of a float layer, whose
        sums come from `common.first_bits`, only `float_macs` grows, at once.

    Returns
    -------
    scores : (N, M) float32
    """
    count = count or bitops.Count()
    x, depth = common.as_bits(model, common.first_bits(model, images))
    if model.blocks[0].weights == "float":
        count.float_macs += len(x) * model.blocks[0].places * model.blocks[0].w.size
    return np.array([forward_one(model, image.tolist(), depth, count) for image in x], np.float32)


def forward_one(model, x, depth, count):
    """Scores of one input: nested lists of whole numbers of `depth` bits."""
    for i, block in enumerate(model.blocks):
        if block.weights == "float":
            continue
        signs = model.signed and i > 0
        rows = windows_of(x, block) if block.kernel else [[flat(x)]]
        w = block.w.T.tolist()
        Z = [[sums(window, w, block, depth, signs, count) for window in row] for row in rows]
        if block.factor is not None:
            scores = []
            for z, factor, offset in zip(Z[0][0], block.factor, block.offset):
                scores.append(np.float32(z / block.unit) * factor + offset)
                count.float_macs += 1
            return scores
        depth = 1                                             # from here on
        passed = [[[fires(block, m, z, count) for m, z in enumerate(z)] for z in row] for row in Z]
        x = pooled(passed, block)
    raise AssertionError("a frozen network has at least one block of bits")


def flat(x):
    """All numbers of nested lists, in order."""
    return [number for part in x for number in flat(part)] if isinstance(x, list) else [x]


def windows_of(x, block):
    """Rows of windows of an image: each a list of KH*KW*C numbers; outside the image is 0."""
    (KH, KW), (H, W, C) = block.kernel, block.shape
    OH, OW, _ = block.sums_shape
    found = []
    for oh in range(OH):
        found.append([])
        for ow in range(OW):
            window = []
            for kh in range(KH):
                for kw in range(KW):
                    h = oh * block.stride + kh - block.padding
                    v = ow * block.stride + kw - block.padding
                    inside = 0 <= h < H and 0 <= v < W
                    window += x[h][v] if inside else [0] * C
            found[-1].append(window)
    return found


def sums(x, w, block, depth, signs, count):
    """Sums Z of all neurons over the D inputs x, of `depth` bits each; w is M lists of D bits."""
    by_adding = add(x, w, block, signs, count)
    by_words = match(x, w, block, depth, signs, count)
    if by_adding != by_words:
        raise AssertionError(f"adding gives {by_adding}, words give {by_words}")
    return by_adding


def add(x, w, block, signs, count):
    """Z by adding one input after another."""
    Z = []
    for m in range(len(w)):
        z = None
        for d in range(len(x)):
            if block.weights == "+-1":
                value = (2 * x[d] - 1 if signs else x[d]) * (1 if w[m][d] else -1)
                count.xnors += signs
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


def match(x, w, block, depth, signs, count):
    """Z on words of 64 inputs: AND, or XOR of signs, and popcount."""
    D = len(x)
    shared = block.centre or block.weights == "+-1" and not signs
    Z, total = [0] * len(w), 0
    for i in range(depth):
        for start in range(0, D, 64):
            a = word(x[d] >> i & 1 for d in range(start, min(start + 64, D)))
            for m in range(len(w)):
                b = word(w[m][start : start + 64])
                count.and_words += 1
                count.popcount_words += 1
                Z[m] += (a ^ b if signs else a & b).bit_count() << i
            if shared:
                count.popcount_words += 1
                total += a.bit_count() << i
    if signs:
        return [D - 2 * z for z in Z]
    if block.weights == "+-1":
        return [2 * z - total for z in Z]
    return [block.unit * z - block.centre * total for z in Z]


def word(bits):
    """A word from up to 64 bits, the first one lowest."""
    return sum(int(bit) << i for i, bit in enumerate(bits))


def fires(block, m, z, count):
    """Whether the sum z of neuron m passes its threshold, before the flip."""
    count.compares += 1
    return z >= block.threshold[m]


def pooled(passed, block):
    """Bits that go out, 0 or 1: of each square whether any passed; then the flip."""
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
