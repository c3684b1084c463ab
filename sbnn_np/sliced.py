"""Engine 4: 64 images in a word, added bit by bit.

Each bit of a word belongs to an image of its own. A neuron takes the words of the inputs it is
connected to and counts their ones with full adders (see `adders`): its sum, in binary, of 64 images
at once. A comparison with the threshold, again bit by bit, gives the next layer's input, sliced
already. Work follows the ones: a weight that is 0 costs nothing.

A *row*, (W,) uint64, holds one bit for each of 64 W images; for a convolution, of 64 W pairs of
an image and a place.
"""

import numpy as np

from sbnn_np import floats
from sbnn_np.adders import ALL, BUFFERS, add_up, at_least, count_ones, numbers, run, slice_bits

TOGETHER = 12 << 10 # words that one operation is done on: 96 KB; 15 such rows stay in cache
COLUMNS = 256       # words of a row at a time
PLANES = 40         # of what is shared, at the most
SIZES = 8           # of rows, for which arrays and steps are kept


class Sliced:
    """A frozen 0/1 network, ready to run on 64 images a word, on one core; see `duo` for two.

    One call at a time: calls share memory.

    Parameters
    ----------
    model : frozen.Frozen

    Raises
    ------
    TypeError
        If the network is of +-1 weights, which this engine has no adders for.
    """

    def __init__(self, model):
        if model.blocks[-1].weights != "0/1":
            raise TypeError("the bit-sliced engine is for 0/1 weights; take the packed one")
        self.model = model
        # words of images at a time: so many that a row of places fills the columns
        widest = max(block.sums_shape[1] if block.kernel else 1 for block in model.blocks)
        self.words = max(1, COLUMNS // widest)
        memory = large_pages(BUFFERS * max(TOGETHER, self.words * widest))
        self.layers = [Layer(block, memory) for block in model.blocks if block.weights != "float"]

    def forward(self, images, count=None):
        """Compute class scores.

        Parameters
        ----------
        images : see `frozen.Frozen.inputs`
        count : bitops.Count, optional
            Its `word_ops` grows by the logical operations on words.

        Returns
        -------
        scores : (N, M) float32
        """
        return self.run(floats.first_bits(self.model, images), count)

    def run(self, x, count=None):
        """Scores from what `floats.first_bits` gives."""
        _, depth = floats.as_bits(self.model, x[:1])
        if depth == 1:
            return self.through([lambda part: floats.as_bits(self.model, part)[0]], x, count)
        return self.through([lambda part, i=i: part >> i & 1 for i in range(depth)], x, count)

    def through(self, bits, x, count=None):
        """Scores of inputs x, (N, ...) uint8; bits[i](part) is bit i of some of them."""
        scores, step = np.empty((len(x), len(self.model.classes)), np.float32), 64 * self.words
        for start in range(0, len(x), step):
            n = slice(start, start + step)
            scores[n] = self.at_once(bits, x[n], count)
        return scores

    def at_once(self, bits, x, count):
        """The same for at most so many inputs that a row of places fills the columns."""
        depth, flat = len(bits), x.reshape(len(x), -1)
        rows = [slice_bits(flat, bit) for bit in bits]
        *shape, C = (*x.shape[1:],) if x.ndim == 4 else (1, 1, x[0].size)
        # (depth, H, W, C, words) to (depth, C, H, W, words): a row for each place of a channel
        images = np.moveaxis(np.reshape(rows, (depth, *shape, C, -1)), 3, 1)
        for layer in self.layers[:-1]:
            images = layer.fire(images, count)[None]
        return self.layers[-1].scores(images, count)[: len(x)]


def large_pages(words):
    """Memory that begins on a page of 2 MB, where the system has such: (words,) uint64.

    Its rows then lie in the cache side by side. On small pages, which are anywhere, some take each
    other's place: a step was measured at 10 to 20% more time.
    """
    memory = np.empty(words + (1 << 19), np.uint64)           # two such pages more
    first = -memory.ctypes.data % (1 << 21) // 8
    return memory[first : first + words]


class Layer:
    """A block, with its neurons in the order of their fan-in, so that equals are added together.

    Parameters
    ----------
    block : frozen.Block
    memory : (n,) uint64
        Shared with other layers: what is in it matters only while a group of neurons is added.
    """

    def __init__(self, block, memory):
        self.block, self.memory = block, memory
        self.K = block.w.sum(axis=0)
        self.order = np.argsort(-self.K, kind="stable")
        # the inputs of each neuron, one behind the other
        neurons, self.inputs = np.nonzero(block.w.T)
        self.starts = np.searchsorted(neurons, np.arange(len(self.K)))
        self.kept = {}

    def kept_for(self, depth, W):
        """What is made once for each size of rows.

        Returns
        -------
        arrays : tuple
            Rows of all inputs, of what is shared, and of the result.
        steps : dict
            Lists of steps on these arrays.
        """
        if (depth, W) not in self.kept:
            if len(self.kept) == SIZES:
                self.kept = {}
            D, M = self.block.w.shape
            arrays = (
                np.empty((depth, D, W), np.uint64),
                np.empty((PLANES if self.block.centre else 0, 64, W), np.uint64),
                np.empty((M, W), np.uint64) if self.block.threshold is not None
                else np.empty((M, 64 * W), np.int32),
            )
            self.kept[depth, W] = arrays, {}
        return self.kept[depth, W]

    def windows(self, images):
        """Yield runs of output rows, and the arrays for them, with the bits their windows see.

        Parameters
        ----------
        images : (depth, C, H, W, words) uint64

        Yields
        ------
        rows : slice
            Of the OH output rows.
        arrays, steps : see `kept_for`
        """
        block = self.block
        depth, C, H, W, words = images.shape
        if block.kernel is None:
            arrays, steps = self.kept_for(depth, words)
            arrays[0].reshape(depth, H, W, C, words)[...] = np.moveaxis(images, 1, 3)
            yield slice(0, 1), arrays, steps
            return
        P = block.padding
        images = np.pad(images, ((0, 0), (0, 0), (P, P), (P, P), (0, 0)))
        OH, OW, _ = block.sums_shape
        step = max(1, COLUMNS // (OW * words))
        for start in range(0, OH, step):
            rows = slice(start, min(start + step, OH))
            arrays, steps = self.kept_for(depth, (rows.stop - start) * OW * words)
            self.cut(images, rows, arrays[0])
            yield rows, arrays, steps

    def cut(self, images, rows, seen):
        """Write what windows of some output rows see, (depth, KH KW C, W), of padded images."""
        (KH, KW), stride = self.block.kernel, self.block.stride
        depth, C, _, _, words = images.shape
        OW, n = self.block.sums_shape[1], rows.stop - rows.start
        seen = seen.reshape(depth, KH * KW, C, n, OW, words)
        for i, (kh, kw) in enumerate(np.ndindex(KH, KW)):
            first = stride * rows.start + kh
            seen[:, i] = images[
                :, :, first : first + stride * (n - 1) + 1 : stride,
                kw : kw + stride * (OW - 1) + 1 : stride,
            ]

    def whole_and_rest(self, neurons=slice(None)):
        """The a and b of a centred block's thresholds; see `shared_steps`."""
        return np.divmod(self.block.threshold[neurons].astype(np.int64) + 63, 64)

    def remainders(self, exact):
        """The b that occur, sorted; with `exact`, all that could."""
        return np.arange(64) if exact else np.unique(self.whole_and_rest()[1])

    def groups(self, W, exact):
        """Yield neurons that are added together, (G,), and their inputs, (K, G).

        About `TOGETHER` words of each input are taken at a time. With `exact` their fan-ins are
        equal: then operations are those that `bitops` tells of. Else some are spared, and a few
        done in vain.
        """
        M, start = len(self.order), 0
        most = max(1, TOGETHER // W)
        size = -(-M // -(-M // most))                         # as few groups, of equal size
        while start < M:
            neurons = self.order[start : start + size]
            K = int(self.K[neurons[0]])
            if exact:
                neurons = neurons[self.K[neurons] == K]
            at = self.starts[neurons] + np.arange(K)[:, None]
            yield neurons, self.inputs[np.minimum(at, len(self.inputs) - 1)]
            start += len(neurons)

    def count_and_compare(self, arrays, exact, high=0):
        """Steps from rows of inputs to sums, or to bits that are not flipped yet.

        Parameters
        ----------
        arrays : see `kept_for`
        exact : bool
            See `groups`.
        high : int
            Planes of what is shared.
        """
        block, steps = self.block, []
        seen, shared, out = arrays
        W = seen.shape[-1]
        for neurons, inputs in self.groups(W, exact):
            G = len(neurons)
            if not len(inputs) and not block.centre and block.threshold is not None:
                steps.append((out.__setitem__, (neurons, ALL)))   # no inputs: always the same
                continue
            more = []
            if block.centre and block.threshold is not None:
                threshold, rest = self.whole_and_rest(neurons)
                threshold = np.maximum(threshold + (1 << high) - 1, 0)
                rest = np.searchsorted(self.remainders(exact), rest)
                more = [(plane, rest) for plane in shared[:high]]
            elif block.threshold is not None:
                threshold = block.threshold[neurons]
            buffers = self.memory[: BUFFERS * G * W].reshape(BUFFERS, G, W)
            found, planes = count_ones(seen, inputs, self.K[neurons], buffers, more)
            steps += found
            if block.threshold is None:
                steps.append((write_numbers, (planes, out, neurons)))
            else:
                found, passed = at_least(planes, threshold)
                steps += [*found, (out.__setitem__, (neurons, passed))]
        return steps

    def fire(self, images, count=None):
        """Bits that go out, (M, OH, OW, words), pooled; images as `windows` takes them."""
        block, words = self.block, images.shape[-1]
        OH, OW, M = (1, 1, *block.sums_shape)[-3:]
        fired = np.empty((M, OH, OW, words), np.uint64)
        exact = count is not None
        for rows, arrays, steps in self.windows(images):
            high = self.share(arrays, steps, exact, count) if block.centre else 0
            if (exact, high) not in steps:
                steps[exact, high] = self.count_and_compare(arrays, exact, high)
            run(steps[exact, high], count)
            fired[:, rows] = arrays[2].reshape(M, -1, OW, words)
        size = block.pool
        fired = fired[:, : OH - OH % size, : OW - OW % size]
        # the largest sum of a square passes if any does; a flip comes behind that
        pooled = fired[:, ::size, ::size].copy()
        for i, j in list(np.ndindex(size, size))[1:]:
            pooled |= fired[:, i::size, j::size]
        pooled ^= np.where(block.flip, ALL, np.uint64(0))[:, None, None, None]
        if count:
            count.word_ops += pooled.size * size * size
        return pooled

    def share(self, arrays, steps, exact, count):
        """Do `shared_steps`, and return how many planes there are."""
        key = "shared", exact
        if key not in steps:
            seen, shared, _ = arrays
            remainders = self.remainders(exact)
            used = shared[:, : len(remainders)]
            steps[key] = *shared_steps(self.block, seen, used, remainders), used
        found, high, used = steps[key]
        run(found, count)
        # without planes of sums that nobody reaches; an even number, so that few are in use
        while high > 1 and not exact and (used[high - 2 : high] == ALL).all():
            high -= 2
        return high

    def scores(self, images, count=None):
        """Class scores, (64 W, M) float32, of the last block."""
        block, exact = self.block, count is not None
        ((_, arrays, steps),) = self.windows(images)
        seen, _, z = arrays
        if exact not in steps:
            steps[exact] = self.count_and_compare(arrays, exact)
        run(steps[exact], count)
        if block.centre:
            if "sum" not in steps:
                steps["sum"] = sum_steps(seen)
            found, total = steps["sum"]
            run(found, count)
            z = block.unit * z - block.centre * numbers(total)
        return floats.scored(block, z.T.astype(np.float32) / np.float32(block.unit))


def write_numbers(planes, z, neurons):
    """Write numbers, given by their planes (G, W), into rows of z, (M, 64 W) int32."""
    z[neurons] = numbers(planes)


def shared_steps(block, seen, shared, remainders):
    """Steps to what all neurons of a centred block share: c times the sum of inputs, c = 64 centre.

    A neuron passes if 64 z - c S >= threshold, where S is the sum of all inputs. With
    threshold + 63 = 64 a + b, where b is from 0 to 63, that is

        z  >=  a + H,        H = floor((c S + b) / 64),

    and with h planes for H, whose complement is 2^h - 1 - H,

        z + complement of H  >=  a + 2^h - 1.

    There are at most 64 different H. So a neuron has h more rows to add, of weights 1, 2, 4, ...,
    and then compares with a constant as any other does.

    Parameters
    ----------
    block : frozen.Block
    seen : (depth, D, W) uint64
        See `Layer.windows`.
    shared : (PLANES, R, W) uint64
        Its first h planes will be the complements.
    remainders : (R,) int
        The b that are needed.

    Returns
    -------
    steps : list
        See `adders.run`.
    h : int
    """
    steps, total = sum_steps(seen)
    levels = [np.empty((0, seen.shape[-1]), np.uint64)] * (len(total) + 6)
    for i in range(len(levels)):                              # c has bits 0 to 6
        chosen = [plane for j, plane in enumerate(total) if i >= j and block.centre >> i - j & 1]
        if chosen:
            levels[i] = np.empty((len(chosen), seen.shape[-1]), np.uint64)
            steps.append((np.stack, (chosen, 0, levels[i])))
    found, product = add_up(levels)
    steps += found
    low = np.empty((6, *shared.shape[1:]), np.uint64)
    steps += [(np.copyto, pair) for pair in zip(low, product)]
    found, carry = at_least(list(low), 64 - remainders)       # into the planes above
    steps += found
    for plane, complement in zip(product[6:], shared):
        steps += [
            (np.bitwise_xor, (plane, ALL, other := np.empty_like(plane))),
            (np.bitwise_xor, (other, carry, complement)),
            (np.bitwise_and, (plane, carry, carry)),
        ]
    high = len(product) - 6
    steps.append((np.bitwise_xor, (carry, ALL, shared[high])))
    return steps, high + 1


def sum_steps(seen):
    """Steps to the sum of all inputs, for each image and place, and its planes."""
    rows = np.empty_like(seen)
    steps, planes = add_up(list(rows))
    return [(np.copyto, (rows, seen)), *steps], planes
