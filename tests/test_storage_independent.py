"""A second reader of model files, written from the text of `storage` and `rans` alone.

It shares no code with the package and reads one number at a time. It must agree with the package.
So the docstrings say everything that a reader needs to know.
"""

import json
import math
import struct
import zlib
from itertools import accumulate, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbnn_np.bits import frozen, rans, storage
from sbnn_np.engines import floats

# the second reader


def unpack_bits(content, n):
    """n bits, the first in the lowest place of the first byte."""
    assert len(content) == math.ceil(n / 8)
    found = [byte >> i & 1 for byte in content for i in range(8)]
    assert not any(found[n:])
    return found[:n]


def read_bits(content, n):
    """n bits as `rans` codes them."""
    if content[0] == 0:
        return unpack_bits(content[1:], n)
    assert content[0] == 1
    K, T = struct.unpack("<II", content[1:9])
    coded_ones = min(K, n - K)
    inverted = 2 * K > n
    bits = []
    if T:
        L = min(T, max(16, math.ceil(T / 1024)))
        state = list(struct.unpack(f"<{L}I", content[9 : 9 + 4 * L]))
        rest = content[9 + 4 * L :]
        words = iter(struct.unpack(f"<{len(rest) // 2}H", rest))
        p, q, probability = coded_ones / n, 1.0, []
        for _ in range(255):
            probability.append(q * p)
            q = q * (1 - p)
        probability.append(q)
        frequency = [1 + math.floor(65280 * each) for each in probability]
        frequency[probability.index(max(probability))] += 65536 - sum(frequency)
        first_slot = [0, *accumulate(frequency)]
        for t in range(T):
            slot = state[t % L] % 65536
            symbol = max(s for s in range(256) if first_slot[s] <= slot)
            new = state[t % L] // 65536 * frequency[symbol] + slot - first_slot[symbol]
            state[t % L] = new if new >= 65536 else 65536 * new + next(words)
            bits += [0] * symbol + [1] * (symbol < 255)
        assert symbol < 255 and next(words, None) is None
        assert all(each == 65536 for each in state)
    assert sum(bits) == coded_ones
    bits += [0] * (n - len(bits))
    return [1 - bit for bit in bits] if inverted else bits


def read_file(content):
    """A model as its header; the content of the sections is put into its blocks."""
    assert content[:4] == b"SBNN"
    (version,) = struct.unpack("<H", content[4:6])
    assert struct.unpack("<I", content[-4:])[0] == zlib.crc32(content[:-4])
    at = 6

    def section():
        nonlocal at
        (n,) = struct.unpack("<I", content[at : at + 4])
        at += 4 + n
        return content[at - n : at]

    model = json.loads(section().decode())
    assert ("ground" in model) == (version == 2)
    shape = model["shape"]
    for i, block in enumerate(model["blocks"]):
        M, kernel, s = block["neurons"], block["kernel"], block["pool"]
        block["shape"] = shape
        if kernel:
            H, W, C = shape
            D = kernel[0] * kernel[1] * C
            block["out"] = [
                (size + 2 * block["padding"] - k) // block["stride"] + 1
                for size, k in zip((H, W), kernel)
            ]
            shape = [block["out"][0] // s, block["out"][1] // s, M]
        else:
            D, shape = math.prod(shape), [M]
        body = section()
        if block["weights"] == "float":
            values = struct.unpack(f"<{D * M}f", body)
            block["w"] = [[values[d * M + m] for d in range(D)] for m in range(M)]
        else:
            bits = read_bits(body, D * M)
            low = -1 if block["weights"] == "+-1" else 0
            block["w"] = [[1 if b else low for b in bits[m * D : m * D + D]] for m in range(M)]
        last = i == len(model["blocks"]) - 1
        if block["weights"] != "float" and not last:
            block["flips"] = unpack_bits(section(), M)
            body = section()
            smallest, width = struct.unpack("<iB", body[:5])
            bits = unpack_bits(body[5:], M * width)
            block["thresholds"] = [
                smallest + int("0" + "".join(map(str, bits[m * width : (m + 1) * width])), 2)
                for m in range(M)
            ]
        else:
            values = np.frombuffer(section(), "<f4")
            block["factor"], block["offset"] = values[:M], values[M:]
    assert at == len(content) - 4
    return model


def scores_of(model, image):
    """Scores of one image, given as a flat list of pixels."""
    b = model["binarize"]
    x = image if b is None else [int(pixel > b) for pixel in image]
    signs = model["blocks"][-1]["weights"] == "+-1"
    for i, block in enumerate(model["blocks"]):
        c, M = block["centre"], block["neurons"]
        if block["kernel"]:
            (KH, KW), (H, W, C), s = block["kernel"], block["shape"], block["pool"]
            outside = -1 if signs and i else 0
            windows = {}
            for oh, ow in product(range(block["out"][0]), range(block["out"][1])):
                window = []
                for kh, kw, channel in product(range(KH), range(KW), range(C)):
                    h = oh * block["stride"] - block["padding"] + kh
                    w = ow * block["stride"] - block["padding"] + kw
                    inside = 0 <= h < H and 0 <= w < W
                    window.append(x[(h * W + w) * C + channel] if inside else outside)
                windows[oh, ow] = window
            squares = [
                [windows[oh * s + a, ow * s + e] for a in range(s) for e in range(s)]
                for oh, ow in product(range(block["out"][0] // s), range(block["out"][1] // s))
            ]
        else:
            squares = [[x]]

        def largest(square, m, block=block, c=c):
            found = []
            for row in square:
                z = sum(weight * value for weight, value in zip(block["w"][m], row))
                found.append(64 * z - c * sum(row) if c else z)
            return max(found)

        Z = [[largest(square, m) for m in range(M)] for square in squares]
        if "thresholds" in block:
            bits = [
                (z >= threshold) ^ flip
                for row in Z for z, threshold, flip in zip(row, block["thresholds"], block["flips"])
            ]
        else:
            scores = [
                np.float32(np.float32(z / 64 if c else z) * factor) + offset
                for row in Z for z, factor, offset in zip(row, block["factor"], block["offset"])
            ]
            if i == len(model["blocks"]) - 1:
                return scores
            bits = [score > 0 for score in scores]
        x = [2 * int(bit) - 1 if signs else int(bit) for bit in bits]


# networks of all kinds, made by hand


def made(rng, weights, conv, binarize, float_first, ground):
    """A frozen network: strides, kernels that are no squares, pools with rows left over."""
    shape = (9, 8, 2) if conv else (int(rng.integers(2, 40)),)
    start, kinds, blocks = shape, [weights] * 3, []
    if float_first:
        kinds[0] = "float"
    largest = 255 if binarize is None else 1
    plan = [((3, 2), 5, 1, 1, 2), ((2, 3), 4, 2, 1, 1)] if conv else [(None, 6, 1, 0, 1)] * 2
    plan.append((None, 3, 1, 0, 1))
    for i, (kind, (kernel, M, stride, padding, pool)) in enumerate(zip(kinds, plan)):
        if kernel is None:
            shape = (math.prod(shape),)
        D = kernel[0] * kernel[1] * shape[2] if kernel else shape[0]
        w = rng.random((D, M)) < rng.choice([0.02, 0.1, 0.5, 0.9, 0, 1])
        if kind == "float":                                    # whole numbers: sums are exact
            w = rng.integers(-3, 4, (D, M)).astype(np.float32)
        centre = int(rng.integers(0, 65)) if kind == "0/1" and rng.random() < 0.6 else 0
        block = frozen.Block(kind, w, shape, kernel, stride, padding, pool, centre)
        if kind == "float" or i == 2:
            block.factor, block.offset = rng.normal(0, 1, (2, M)).astype(np.float32)
        else:
            low, high = block.sum_bounds(largest, weights == "+-1" and i > 0)
            middle = np.clip((low + high) // 2 + rng.integers(-9, 10, M), low, high)
            block.threshold = middle.astype(np.int32)
            block.flip = rng.random(M) < 0.5
        blocks.append(block)
        shape, largest = block.out_shape, 1
    return frozen.Frozen(blocks, start, ("a", "b", "c"), binarize, ground)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1), weights=st.sampled_from(["0/1", "+-1"]), conv=st.booleans(),
    binarize=st.sampled_from([None, 0, 99]), float_first=st.booleans(),
    ground=st.sampled_from([None, "dark", "light"]),
)
def test_both_readers_give_the_same_scores(seed, weights, conv, binarize, float_first, ground):
    rng = np.random.default_rng(seed)
    model = made(rng, weights, conv, binarize, float_first, ground)
    content = storage.dumps(model)
    images = rng.integers(0, 256, (3, *model.shape)).astype(np.uint8)
    found = read_file(content)
    assert found.get("ground") == ground and found["classes"] == ["a", "b", "c"]
    expected = floats.Floats(storage.loads(content)).forward(images)
    scores = [scores_of(found, image.reshape(-1).tolist()) for image in images]
    assert np.array_equal(np.array(scores, np.float32), expected)


@pytest.mark.parametrize("n, p", [(1, 0), (1, 1), (300, 0.005), (5000, 0.002), (20_000, 0.05),
                                  (9000, 0.3), (9000, 0.97), (5000, 1), (40_000, 0.9)])
def test_both_readers_give_the_same_bits(n, p, rng):
    bits = rng.random(n) < p
    assert read_bits(rans.encode(bits), n) == bits.astype(int).tolist()


def test_the_committed_file_of_version_1_is_read_by_both(request):
    content = (request.path.parent / "data" / "version_1.sbnn").read_bytes()
    found, model = read_file(content), storage.loads(content)
    assert found["shape"] == [784] and found["binarize"] is None
    for second, block in zip(found["blocks"], model.blocks):
        assert np.array_equal(np.array(second["w"], bool).T, block.w)
        if block.threshold is not None:
            assert second["thresholds"] == block.threshold.tolist()
            assert second["flips"] == block.flip.tolist()
