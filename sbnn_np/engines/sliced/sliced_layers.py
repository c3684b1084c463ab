"""Layers of the bit-sliced engine: steps from bits that come in to bits that go out.

A *row*, (W,) uint64, holds one bit for each of 64 W images; for a convolution, of 64 W pairs of
an image and a place.
"""

import numpy as np

from sbnn_np.engines.sliced import shared_sum
from sbnn_np.engines.sliced.adders import ALL, at_least, count_ones, run
from sbnn_np.engines.sliced.slicing import numbers

CACHE = 220 << 10   # words that are in use while neurons are added: 1.8 MB
COLUMNS = 512       # words of a row at a time
ROWS = 100          # to add one neuron: enough for sums below 2^47
VARIANTS = 3        # of a centred layer, by how large its sums are, that are kept


def memory_for(W):
    """Memory to add neurons in, if rows have up to W words: (n,) uint64.

    It begins on a page of 2 MB, where the system has such: then its rows lie in the cache side by
    side. Of small pages, which are anywhere, some take each other's place, and steps are slower.
    """
    words = max(CACHE, ROWS * W)
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

    Attributes
    ----------
    K : (M,) int
        Fan-in of each neuron.
    order : (M,) int
        Neurons, the largest fan-in first.
    sources : (ones,) int
        The inputs of the first neuron, of the second, and so on.
    starts : (M,) int
        Where those of a neuron begin.
    """

    def __init__(self, block, memory):
        self.block, self.memory = block, memory
        self.K = block.w.sum(axis=0)
        self.order = np.argsort(-self.K, kind="stable")
        neurons, self.sources = np.nonzero(block.w.T)
        self.starts = np.searchsorted(neurons, np.arange(len(self.K)))

    def inputs(self, shape, depth, words):
        """Memory for what comes in.

        Parameters
        ----------
        shape : (D,) or (H, W, C)
            Of an input.
        depth : int
        words : int

        Returns
        -------
        seen : (depth, D, words) or, padded, (depth, C, H + 2P, W + 2P, words) uint64
        into : (depth, C, H, W, words)
            The part of it that is to be written, a row for each place of a channel.
        """
        H, W, C = (1, 1, *shape)[-3:]
        if self.block.kernel is None:
            seen = np.empty((depth, H, W, C, words), np.uint64)
            return seen.reshape(depth, -1, words), np.moveaxis(seen, 3, 1)
        P = self.block.padding
        seen = np.zeros((depth, C, H + 2 * P, W + 2 * P, words), np.uint64)
        return seen, seen[:, :, P : P + H, P : P + W]

    def fire(self, seen, into):
        """Steps from what comes in to the bits that go out.

        Parameters
        ----------
        seen : see `inputs`
        into : (M, OH, OW, words) uint64
            Written to; pooled, if the block does that.
        """
        block, size = self.block, self.block.pool
        if block.kernel is None:
            steps = self.bits(seen, into[:, 0, 0])
        else:
            OH, OW, M = block.sums_shape
            fired = np.empty((M, OH, OW, into.shape[-1]), np.uint64)
            steps = self.convolve(seen, fired)
            # the largest sum of a square passes if any does; a flip comes behind that
            fired = fired[:, : OH - OH % size, : OW - OW % size]
            first, *squares = (fired[:, i::size, j::size] for i, j in np.ndindex(size, size))
            steps.append((np.copyto, (into, first)))
            steps += [(np.bitwise_or, (into, each, into)) for each in squares]
        flip = np.where(block.flip, ALL, np.uint64(0))[:, None, None, None]
        return [*steps, (np.bitwise_xor, (into, flip, into))]

    def convolve(self, seen, fired):
        """Steps from padded inputs to bits that are not pooled yet, some output rows at a time."""
        (KH, KW), stride = self.block.kernel, self.block.stride
        depth, C, _, _, words = seen.shape
        M, OH, OW, _ = fired.shape
        most, steps, kept = max(1, COLUMNS // (OW * words)), [], {}
        for start in range(0, OH, most):
            n = min(most, OH - start)
            if n not in kept:
                windows = np.empty((depth, KH * KW, C, n, OW, words), np.uint64)
                out = np.empty((M, n, OW, words), np.uint64)
                rows = windows.reshape(depth, KH * KW * C, -1)
                kept[n] = windows, out, self.bits(rows, out.reshape(M, -1))
            windows, out, found = kept[n]
            for i, (kh, kw) in enumerate(np.ndindex(KH, KW)):
                first = stride * start + kh
                part = seen[
                    :, :, first : first + stride * (n - 1) + 1 : stride,
                    kw : kw + stride * (OW - 1) + 1 : stride,
                ]
                steps.append((np.copyto, (windows[:, i], part)))
            steps += [*found, (np.copyto, (fired[:, start : start + n], out))]
        return steps

    def bits(self, seen, out):
        """Steps from rows of inputs to bits that are not flipped yet.

        Parameters
        ----------
        seen : (depth, D, W) uint64
        out : (M, W) uint64
            Written to.
        """
        block = self.block
        if not block.centre:
            return self.count_and_compare(seen, out)
        rests = shared_sum.rests(block.threshold)
        steps, high, low = shared_sum.shared_steps(block.centre, seen, rests)
        kept = {}

        def add_what_is_needed():
            # A plane of ones belongs to a bit of c S that is 0 for all images: without it p is
            # smaller, and nothing else changes. In pairs, so that there are half as many variants
            n = len(high)
            while n > 1 and (high[n - 2 : n] == ALL).all():
                n -= 2
            if n not in kept:
                if len(kept) == VARIANTS:
                    kept.clear()
                kept[n] = self.count_and_compare(seen, out, high[:n], low, rests)
            run(kept[n])

        return [*steps, (add_what_is_needed, ())]

    def count_and_compare(self, seen, out, high=(), low=None, rests=None):
        """The same, for all neurons; of a centred block with what they share.

        Parameters
        ----------
        seen, out : see `bits`
        high, low : see `shared_sum.shared_steps`
        rests : see `shared_sum.rests`
        """
        block, steps = self.block, []
        for neurons, inputs, (first, *buffers) in self.groups(seen, len(high)):
            if not len(inputs) and not block.centre:
                steps.append((out.__setitem__, (neurons, ALL)))   # no inputs: always the same
                continue
            found, planes = count_ones(seen, inputs, self.K[neurons], buffers, high)
            steps += found
            threshold, passed = block.threshold[neurons], None
            if block.centre:
                threshold, rest = shared_sum.whole_and_rest(threshold, len(high))
                passed = first
                steps.append((low.take, (np.searchsorted(rests, rest), 0, passed, "clip")))
            found, passed = at_least(planes, threshold, buffers[0], passed)
            steps += [*found, (out.__setitem__, (neurons, passed))]
        return steps

    def groups(self, seen, high=0):
        """Yield neurons that are added together, as many as the cache has room for.

        Parameters
        ----------
        seen : (depth, D, W) uint64
        high : int
            Planes of another number that is added.

        Yields
        ------
        neurons : (G,) int
        inputs : (K, G) int
            What they are connected to.
        buffers : (rows, G, W) uint64
            Memory to add them.
        """
        depth, _, W = seen.shape
        largest = int(self.K.max()) * ((1 << depth) - 1) + (1 << high)
        rows = 2 * largest.bit_length() + 5                   # see `Chain`, and one for [L >= B]
        most, M = max(1, CACHE // (rows * W)), len(self.order)
        size = -(-M // -(-M // most))                         # no more groups, but equal ones
        for start in range(0, M, size):
            neurons = self.order[start : start + size]
            at, G = self.starts[neurons] + np.arange(self.K[neurons[0]])[:, None], len(neurons)
            at = np.minimum(at, len(self.sources) - 1)        # beyond a fan-in any will do
            yield neurons, self.sources[at], self.memory[: rows * G * W].reshape(rows, G, W)

    def sums(self, seen):
        """Steps of the last block to its sums.

        Returns
        -------
        steps : list
        z : (M, 64 W) int32
        total : list of (W,) uint64
            Planes of the sum of all inputs, if the block is centred.
        """
        steps, total = shared_sum.sum_steps(seen) if self.block.centre else ([], [])
        z = np.empty((len(self.K), 64 * seen.shape[-1]), np.int32)
        for neurons, inputs, (_, *buffers) in self.groups(seen):
            found, planes = count_ones(seen, inputs, self.K[neurons], buffers)
            steps += [*found, (write_numbers, (planes, z, neurons))]
        return steps, z, total


def write_numbers(planes, z, neurons):
    """Write numbers, given by their planes (G, W), into rows of z, (M, 64 W) int32."""
    z[neurons] = numbers(planes)
