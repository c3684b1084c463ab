"""Layers of the fast bit-sliced engine: steps from input bits to output bits.

A *row* is an array of words: one bit for each of 64 images a word. In a convolution a row has the
words of several places, one place after another. `words` counts the words of images, and
`row_words` all words of a row.
"""

import numpy as np

from sbnn_np.engines.sliced import shared_sum
from sbnn_np.engines.sliced.adders import ALL_ONES, at_least_steps, neuron_sum_steps, run_steps
from sbnn_np.engines.sliced.slicing import unslice

CACHE_WORDS = 220 << 10   # in use while neurons are added: 1.8 MB
MAX_ROW_WORDS = 512
BUFFER_ROWS = 100         # memory to add one neuron: enough for sums below 2^47
MAX_VARIANTS = 3          # variants of a centred layer that are kept, by how large its sums are


def adder_memory(row_words):
    """Allocate the memory in which neurons are added.

    Its first word lies at the start of a page of 2 MB, if the system has such pages. Then the rows
    are side by side in the cache. Small pages are scattered, some of them push each other out of
    the cache, and steps are slower.

    Parameters
    ----------
    row_words : int
        Most words of a row.

    Returns
    -------
    memory : (n,) uint64
    """
    words = max(CACHE_WORDS, BUFFER_ROWS * row_words)
    memory = np.empty(words + (1 << 19), np.uint64)           # two pages more
    first = -memory.ctypes.data % (1 << 21) // 8
    return memory[first : first + words]


class SlicedLayer:
    """A block, with its neurons in the order of their fan-in, so that similar ones are neighbours.

    Parameters
    ----------
    block : frozen.Block
    memory : (n,) uint64
        See `adder_memory`. Layers share it: its content matters only while a group of neurons is
        added.

    Attributes
    ----------
    K : (M,) int
        Fan-in of each neuron.
    order : (M,) int
        Neurons, the largest fan-in first.
    sources : (ones,) int
        The inputs of the first neuron, then those of the second, and so on.
    starts : (M,) int
        Where in `sources` the inputs of each neuron begin.
    """

    def __init__(self, block, memory):
        self.block, self.memory = block, memory
        self.K = block.w.sum(axis=0)
        self.order = np.argsort(-self.K, kind="stable")
        neurons, self.sources = np.nonzero(block.w.T)
        self.starts = np.searchsorted(neurons, np.arange(len(self.K)))

    def input_memory(self, shape, input_bits, words):
        """Allocate memory for the inputs.

        Parameters
        ----------
        shape : (D,) or (H, W, C)
            Of one input.
        input_bits : int
            Bits of one number of it.
        words : int

        Returns
        -------
        inputs : (input_bits, D, words), or (input_bits, C, H + 2P, W + 2P, words) uint64
            The inputs; with padding P in a convolution.
        unpadded : (input_bits, C, H, W, words) uint64
            A view of the part that is to be written, one row for each place of a channel.
        """
        H, W, C = (1, 1, *shape)[-3:]
        if self.block.kernel is None:
            inputs = np.empty((input_bits, H, W, C, words), np.uint64)
            return inputs.reshape(input_bits, -1, words), np.moveaxis(inputs, 3, 1)
        P = self.block.padding
        inputs = np.zeros((input_bits, C, H + 2 * P, W + 2 * P, words), np.uint64)
        return inputs, inputs[:, :, P : P + H, P : P + W]

    def activation_steps(self, inputs, out):
        """Find steps from the inputs to the activations.

        Parameters
        ----------
        inputs : see `input_memory`
        out : (M, OH, OW, words) uint64
            Written to; after pooling, if the block pools.

        Returns
        -------
        steps : list of (function, arguments)
            See `adders.run_steps`.
        """
        block, size = self.block, self.block.pool
        if block.kernel is None:
            steps = self.compare_steps(inputs, out[:, 0, 0])
        else:
            OH, OW, M = block.sums_shape
            passed = np.empty((M, OH, OW, out.shape[-1]), np.uint64)
            steps = self.convolution_steps(inputs, passed)
            # the largest sum of a square passes if any sum does; the flip comes after that
            passed = passed[:, : OH - OH % size, : OW - OW % size]
            first, *others = (passed[:, i::size, j::size] for i, j in np.ndindex(size, size))
            steps.append((np.copyto, (out, first)))
            steps += [(np.bitwise_or, (out, each, out)) for each in others]
        flip = np.where(block.flip, ALL_ONES, np.uint64(0))[:, None, None, None]
        return [*steps, (np.bitwise_xor, (out, flip, out))]

    def convolution_steps(self, inputs, passed):
        """Find steps from padded inputs to bits before pooling, a few output rows at a time.

        Parameters
        ----------
        inputs : (input_bits, C, H + 2P, W + 2P, words) uint64
        passed : (M, OH, OW, words) uint64
            Written to.

        Returns
        -------
        steps : list of (function, arguments)
        """
        (KH, KW), stride = self.block.kernel, self.block.stride
        input_bits, C, _, _, words = inputs.shape
        M, OH, OW, _ = passed.shape
        most, steps, parts = max(1, MAX_ROW_WORDS // (OW * words)), [], {}
        for start in range(0, OH, most):
            n = min(most, OH - start)
            if n not in parts:
                windows = np.empty((input_bits, KH * KW, C, n, OW, words), np.uint64)
                out = np.empty((M, n, OW, words), np.uint64)
                rows = windows.reshape(input_bits, KH * KW * C, -1)
                parts[n] = windows, out, self.compare_steps(rows, out.reshape(M, -1))
            windows, out, compare = parts[n]
            for i, (kh, kw) in enumerate(np.ndindex(KH, KW)):
                top = stride * start + kh
                shifted = inputs[
                    :, :, top : top + stride * (n - 1) + 1 : stride,
                    kw : kw + stride * (OW - 1) + 1 : stride,
                ]
                steps.append((np.copyto, (windows[:, i], shifted)))
            steps += [*compare, (np.copyto, (passed[:, start : start + n], out))]
        return steps

    def compare_steps(self, inputs, out):
        """Find steps from rows of inputs to bits [Z >= threshold], before the flip.

        Parameters
        ----------
        inputs : (input_bits, D, row_words) uint64
        out : (M, row_words) uint64
            Written to.

        Returns
        -------
        steps : list of (function, arguments)
        """
        block = self.block
        if not block.centre:
            return self.sum_and_compare_steps(inputs, out)
        remainders = shared_sum.distinct_remainders(block.threshold)
        steps, high_planes, low_passed = shared_sum.shared_steps(block.centre, inputs, remainders)
        variants = {}

        def run_variant():
            # A high plane of all ones belongs to a bit of c S that is 0 for all images. Without it
            # p is smaller, and nothing else changes. Planes are left out in pairs, so that there
            # are half as many variants.
            n = len(high_planes)
            while n > 1 and (high_planes[n - 2 : n] == ALL_ONES).all():
                n -= 2
            if n not in variants:
                if len(variants) == MAX_VARIANTS:
                    variants.clear()
                variants[n] = self.sum_and_compare_steps(
                    inputs, out, high_planes[:n], low_passed, remainders
                )
            run_steps(variants[n])

        return [*steps, (run_variant, ())]

    def sum_and_compare_steps(self, inputs, out, high_planes=(), low_passed=None, remainders=None):
        """Find the steps of `compare_steps`; in a centred block, with what the neurons share.

        Parameters
        ----------
        inputs, out : see `compare_steps`
        high_planes, low_passed : see `shared_sum.shared_steps`
        remainders : see `shared_sum.distinct_remainders`

        Returns
        -------
        steps : list of (function, arguments)
        """
        block, steps = self.block, []
        for neurons, sources, (first, *buffers) in self.groups(inputs, len(high_planes)):
            if not len(sources) and not block.centre:
                # neurons without inputs: always 1
                steps.append((out.__setitem__, (neurons, ALL_ONES)))
                continue
            sum_steps, z = neuron_sum_steps(inputs, sources, self.K[neurons], buffers, high_planes)
            steps += sum_steps
            threshold, passed = block.threshold[neurons], None
            if block.centre:
                threshold, remainder = shared_sum.split_thresholds(threshold, len(high_planes))
                passed = first
                rows = np.searchsorted(remainders, remainder)
                steps.append((low_passed.take, (rows, 0, passed, "clip")))
            compare, passed = at_least_steps(z, threshold, buffers[0], passed)
            steps += [*compare, (out.__setitem__, (neurons, passed))]
        return steps

    def groups(self, inputs, addend_planes=0):
        """Yield groups of neurons that are added together, each as large as the cache allows.

        Parameters
        ----------
        inputs : (input_bits, D, row_words) uint64
        addend_planes : int
            Planes of one more number that each neuron adds.

        Yields
        ------
        neurons : (G,) int
        sources : (K, G) int
            Their inputs; see `adders.neuron_sum_steps`.
        buffers : (rows, G, row_words) uint64
            Memory to add them.
        """
        input_bits, _, row_words = inputs.shape
        largest = int(self.K.max()) * ((1 << input_bits) - 1) + (1 << addend_planes)
        # those of an `AdderChain`, and one for [L >= B]
        rows = 2 * largest.bit_length() + 5
        most, M = max(1, CACHE_WORDS // (rows * row_words)), len(self.order)
        size = -(-M // -(-M // most))                         # as few groups, but of equal size
        for start in range(0, M, size):
            neurons = self.order[start : start + size]
            G = len(neurons)
            at = self.starts[neurons] + np.arange(self.K[neurons[0]])[:, None]
            at = np.minimum(at, len(self.sources) - 1)        # beyond a fan-in any input will do
            buffers = self.memory[: rows * G * row_words].reshape(rows, G, row_words)
            yield neurons, self.sources[at], buffers

    def score_sum_steps(self, inputs):
        """Find steps from the inputs of the last block to its sums.

        Parameters
        ----------
        inputs : (input_bits, D, words) uint64

        Returns
        -------
        steps : list of (function, arguments)
        z : (M, 64 * words) int32
            After the steps, the sum of each neuron's own inputs.
        total : list of (words,) uint64
            After the steps, planes of the sum of all inputs. Empty if the block is not centred.
        """
        steps, total = shared_sum.total_steps(inputs) if self.block.centre else ([], [])
        z = np.empty((len(self.K), 64 * inputs.shape[-1]), np.int32)
        for neurons, sources, (_, *buffers) in self.groups(inputs):
            sum_steps, planes = neuron_sum_steps(inputs, sources, self.K[neurons], buffers)
            steps += [*sum_steps, (write_numbers, (planes, z, neurons))]
        return steps, z, total


def write_numbers(planes, z, neurons):
    """Write numbers into the rows of some neurons.

    Parameters
    ----------
    planes : list of (G, words) uint64
        Planes of the numbers.
    z : (M, 64 * words) int32
        Written to.
    neurons : (G,) int
    """
    z[neurons] = unslice(planes)
