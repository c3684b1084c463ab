"""Engine 4: 64 images in a word, added bit by bit.

Each bit of a word belongs to an image of its own. A neuron takes the words of the inputs it is
connected to and counts their ones with full adders (see `adders`): its sum, in binary, of 64 images
at once. A comparison with the threshold, again bit by bit, gives the next layer's input, sliced
already. Work follows the ones: a weight that is 0 costs nothing.

A *row*, (W,) uint64, holds one bit for each of 64 W images; for a convolution, of 64 W pairs of
an image and a place.
"""

import numpy as np

from sbnn_np import floats, frozen
from sbnn_np.adders import ALL, BUFFERS, add_up, at_least, count_ones, numbers, run, slice_bits

TOGETHER = 12 << 10 # words that one operation is done on: 96 KB; 15 such rows stay in cache
COLUMNS = 128       # words of a row at a time
PLANES = 28         # of what is shared, at the most


class Sliced:
    """A frozen 0/1 network, ready to run on 64 images a word, on one core; see `duo` for two.

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
        scores, step = np.empty((len(x), len(self.model.classes)), np.float32), 64 * self.words
        for start in range(0, len(x), step):
            n = slice(start, start + step)
            scores[n] = self.through(x[n], count)
        return scores

    def through(self, x, count):
        """Scores of inputs (N, ...) uint8."""
        _, depth = floats.as_bits(self.model, x[:1])
        rows = [
            slice_bits(x.reshape(len(x), -1), lambda part, i=i: self.bit(part, i, depth))
            for i in range(depth)
        ]
        *shape, C = (*x.shape[1:],) if x.ndim == 4 else (1, 1, x[0].size)
        # (depth, H, W, C, words) to (depth, C, H, W, words): a row for each place of a channel
        images = np.moveaxis(np.reshape(rows, (depth, *shape, C, -1)), 3, 1)
        for layer in self.layers[:-1]:
            images = layer.fire(images, count)[None]
        return self.layers[-1].scores(images, count)[: len(x)]

    def bit(self, x, i, depth):
        """Bit i of what the first block of bits sees of inputs x."""
        seen, _ = floats.as_bits(self.model, x)
        return seen if depth == 1 else seen >> np.uint8(i) & np.uint8(1)


def large_pages(words):
    """Memory that begins on a page of 2 MB, where the system has such: (words,) uint64.

    Its rows then lie in the cache side by side. On small pages, which are anywhere, some take each
    other's place: a step was measured at 10 to 20% more time.
    """
    memory = np.empty(words + (1 << 20), np.uint64)
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
        self.arrays, self.steps = {}, {}

    def arrays_for(self, depth, W):
        """Rows of all inputs, of what is shared, and of the result: made once for each size."""
        if (depth, W) not in self.arrays:
            D, M = self.block.w.shape
            self.arrays[depth, W] = (
                np.empty((depth, D, W), np.uint64),
                np.empty((PLANES, 64, W), np.uint64),
                np.empty((M, W), np.uint64) if self.block.threshold is not None
                else np.empty((64 * W, M), np.int32),
            )
        return self.arrays[depth, W]

    def windows(self, images):
        """Yield runs of output rows, and the arrays for them, with the bits their windows see.

        Parameters
        ----------
        images : (depth, C, H, W, words) uint64

        Yields
        ------
        rows : slice
            Of the OH output rows.
        arrays : see `arrays_for`
        """
        block = self.block
        depth, C, H, W, words = images.shape
        if block.kernel is None:
            arrays = self.arrays_for(depth, words)
            arrays[0].reshape(depth, H, W, C, words)[...] = np.moveaxis(images, 1, 3)
            yield slice(0, 1), arrays
            return
        P, (KH, KW), stride = block.padding, block.kernel, block.stride
        images = np.pad(images, ((0, 0), (0, 0), (P, P), (P, P), (0, 0)))
        OH, OW, _ = block.sums_shape
        step = max(1, COLUMNS // (OW * words))
        for start in range(0, OH, step):
            n = min(start + step, OH) - start
            arrays = self.arrays_for(depth, n * OW * words)
            seen = arrays[0].reshape(depth, KH * KW, C, n, OW, words)
            for i, (kh, kw) in enumerate(np.ndindex(KH, KW)):
                seen[:, i] = images[
                    :, :, stride * start + kh : stride * (start + n - 1) + kh + 1 : stride,
                    kw : kw + stride * (OW - 1) + 1 : stride,
                ]
            yield slice(start, start + n), arrays

    def groups(self, W, exact):
        """Yield neurons that are added together, (G,), and their inputs, (K, G).

        So many that their words are worth an operation each. With `exact` their fan-ins are
        equal, so that no operation is done in vain.
        """
        M = len(self.order)
        size, start = -(-M // -(-M * W // TOGETHER)), 0
        while start < M:
            neurons = self.order[start : start + size]
            K = int(self.K[neurons[0]])
            if exact:
                neurons = neurons[self.K[neurons] == K]
            at = self.starts[neurons] + np.arange(K)[:, None]
            yield neurons, self.inputs[np.minimum(at, len(self.inputs) - 1)]
            start += len(neurons)

    def steps_for(self, depth, W, exact, high=0):
        """Steps from rows of inputs to sums, or to bits that are not flipped yet.

        Parameters
        ----------
        depth, W : int
        exact : bool
            See `groups`.
        high : int
            Planes of what is shared.
        """
        key = depth, W, exact, high
        if key in self.steps:
            return self.steps[key]
        block, steps = self.block, []
        seen, shared, out = self.arrays_for(depth, W)
        for neurons, inputs in self.groups(W, exact):
            G = len(neurons)
            if not len(inputs) and not block.centre and block.threshold is not None:
                steps.append((out.__setitem__, (neurons, ALL)))   # no inputs: always the same
                continue
            more = []
            if block.centre and block.threshold is not None:
                threshold, rest = np.divmod(
                    block.threshold[neurons].astype(np.int64) + frozen.UNIT - 1, frozen.UNIT
                )
                threshold = np.maximum(threshold + (1 << high) - 1, 0)
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
        self.steps[key] = steps
        return steps

    def fire(self, images, count=None):
        """Bits that go out, (M, OH, OW, words), pooled; images as `windows` takes them."""
        block, depth, words = self.block, len(images), images.shape[-1]
        OH, OW, M = (1, 1, *block.sums_shape)[-3:]
        fired = np.empty((M, OH, OW, words), np.uint64)
        for rows, (seen, shared, out) in self.windows(images):
            high = 0
            if block.centre:
                planes = shared_planes(block, seen, count)
                high = len(planes)
                shared[:high] = planes
            run(self.steps_for(depth, seen.shape[-1], count is not None, high), count)
            fired[:, rows] = out.reshape(M, -1, OW, words)
        size = block.pool
        fired = fired[:, : OH - OH % size, : OW - OW % size]
        corners = [fired[:, i::size, j::size] for i, j in np.ndindex(size, size)]
        out = np.bitwise_or.reduce(corners) if size > 1 else fired
        # the largest sum of a square passes if any does; a flip comes behind that
        out ^= np.where(block.flip, ALL, np.uint64(0))[:, None, None, None]
        if count:
            count.word_ops += out.size * size * size
        return out

    def scores(self, images, count=None):
        """Class scores, (64 W, M) float32, of the last block."""
        block = self.block
        ((_, (seen, _, z)),) = self.windows(images)
        run(self.steps_for(len(seen), seen.shape[-1], count is not None), count)
        if block.centre:
            total = numbers(add_up(list(seen.copy()), count))
            z = block.unit * z - block.centre * total[:, None]
        return floats.scored(block, (z / np.float32(block.unit)).astype(np.float32))


def write_numbers(planes, z, neurons):
    """Write numbers, given by their planes (G, W), into columns of z, (64 W, M) int32."""
    z[:, neurons] = numbers(planes).T


def shared_planes(block, seen, count=None):
    """What all neurons of a centred block share: c times the sum of the inputs, c = 64 centre.

    A neuron passes if 64 z - c S >= threshold, where S is the sum of all inputs. With
    threshold + 63 = 64 a + b, where b is from 0 to 63, that is

        z  >=  a + H,        H = floor((c S + b) / 64),

    and with h planes for H, whose complement is 2^h - 1 - H,

        z + complement of H  >=  a + 2^h - 1.

    There are only 64 different H. So a neuron has h more rows to add, of weights 1, 2, 4, ..., and
    then compares with a constant as any other does.

    Parameters
    ----------
    block : frozen.Block
    seen : (depth, D, W) uint64
        See `Layer.windows`.
    count : bitops.Count, optional

    Returns
    -------
    complement : list of (64, W) uint64
        The planes; row b is for the remainder b.
    """
    total = add_up(list(seen.copy()), count)
    W = seen.shape[-1]
    levels = [np.empty((0, W), np.uint64)] * (len(total) + 6)
    for j in range(7):                                        # of a centre up to 64
        if block.centre >> j & 1:
            for i, plane in enumerate(total):
                levels[i + j] = np.concatenate([levels[i + j], plane[None]])
    product = add_up(levels, count)
    low = [np.tile(plane, (64, 1)) for plane in product[:6]]
    steps, carry = at_least(low, 64 - np.arange(64))
    run(steps, count)
    complement = []
    for plane in product[6:]:
        complement.append(plane ^ ALL ^ carry)
        carry = plane & carry
    complement.append(carry ^ ALL)
    if count:
        count.word_ops += len(product[6:]) * (1 + 2 * 64) * W + carry.size
    else:
        while complement and (complement[-1] == ALL).all():
            complement.pop()                                  # sums that nobody reaches
    return complement
