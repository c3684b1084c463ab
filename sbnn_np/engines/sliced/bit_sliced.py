"""Engine 4: 64 images in a word, added bit by bit.

Each bit of a word belongs to an image of its own. A neuron takes the words of the inputs it is
connected to and counts their ones with full adders (see `adders`): its sum, in binary, of 64 images
at once. A comparison with the threshold, again bit by bit, gives the next layer's input, sliced
already. Work follows the ones: a weight that is 0 costs nothing.

A network's steps are always the same, on the same arrays. So they are found once for each size of
a batch, which takes Python milliseconds, or tenths of a second if layers are wide, and then only
done.
"""

import numpy as np

from sbnn_np.engines import common
from sbnn_np.engines.sliced.adders import run
from sbnn_np.engines.sliced.sliced_layers import COLUMNS, Layer, memory_for
from sbnn_np.engines.sliced.slicing import Slicer, numbers
from sbnn_np.support import threads

WORDS = 128         # of images at a time, at the most: 8192 images


class Sliced:
    """A frozen 0/1 network, ready to run on 64 images a word, on one core; see `duo` for two.

    Calls share memory, so threads that use one engine wait for one another.

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
        blocks = [block for block in model.blocks if block.weights != "float"]
        # words of images at a time: not more than a row of places has room for
        widest = max(block.sums_shape[1] if block.kernel else 1 for block in blocks)
        self.words = min(WORDS, max(1, COLUMNS // widest))
        memory = memory_for(self.words * widest)
        self.layers = [Layer(block, memory) for block in blocks]
        self.kept, self.lock = {}, threads.Lock()

    def forward(self, images):
        """Compute class scores.

        Parameters
        ----------
        images : see `frozen.Frozen.pixels`

        Returns
        -------
        scores : (N, M) float32
        """
        return self.run(common.first_bits(self.model, images))

    def run(self, x):
        """Scores from what `common.first_bits` gives."""
        return self.through(x, writers(self.model))

    def through(self, x, write):
        """The same; x is (N, ...) uint8, and write[i] writes bit i of it, see `Slicer.slice`."""
        x = x.reshape(len(x), -1)
        scores, step = np.empty((len(x), len(self.model.classes)), np.float32), 64 * self.words
        with self.lock:
            for start in range(0, len(x), step):
                part = x[start : start + step]
                program = self.program(len(write), -(-len(part) // 64))
                scores[start : start + step] = program.scores(part, write)
        return scores

    def program(self, depth, words):
        """The `Program` for inputs of so many bits and so many words of images, written once."""
        if (depth, words) not in self.kept:
            # kept as long as all hold no more than two of the largest do
            if sum(held for _, held in self.kept) + words > 2 * self.words:
                self.kept = {}
            self.kept[depth, words] = Program(self.layers, depth, words)
        return self.kept[depth, words]


def writers(model):
    """A function for each bit of what the first block of bits takes; see `Slicer.slice`."""
    if model.blocks[0].weights == "float":
        return [np.copyto]
    if model.binarize is not None:
        return [lambda out, x: np.greater(x, model.binarize, out.view(bool))]

    def bit(i):
        def write(out, x):
            np.bitwise_and(x, 1 << i, out)
            np.not_equal(out, 0, out.view(bool))
        return write

    return [bit(i) for i in range(8)]


class Program:
    """A network laid out for rows of one size: all of its arrays, and every step on them in order.

    Parameters
    ----------
    layers : list of Layer
    depth : int
        Bits of an input.
    words : int
        Of images: there is room for 64 of them in each.

    Attributes
    ----------
    rows : (depth, D, words) uint64
        What comes in, sliced.
    steps : list
        See `adders.run`.
    z : (M, 64 words) int32
        Sums of the last block, when the steps are done.
    total : list of (words,) uint64
        Planes of the sum of its inputs, if it is centred.
    """

    def __init__(self, layers, depth, words):
        self.last, first = layers[-1], layers[0].block
        seen, into = layers[0].inputs(first.shape, depth, words)
        self.rows, self.steps = seen, []
        if first.kernel:                                      # from its H, W, C to C, H, W
            rows = np.empty((depth, *first.shape, words), np.uint64)
            self.rows = rows.reshape(depth, -1, words)
            self.steps.append((np.copyto, (into, np.moveaxis(rows, 3, 1))))
        self.slicer = Slicer(self.rows.shape[1], words)
        for layer, following in zip(layers, layers[1:]):
            seen_next, into = following.inputs(layer.block.out_shape, 1, words)
            self.steps += layer.fire(seen, into[0])
            seen = seen_next
        found, self.z, self.total = self.last.sums(seen)
        self.steps += found

    def scores(self, x, write):
        """Class scores, (N, M) float32, of at most 64 images a word; see `Sliced.through`."""
        for each, rows in zip(write, self.rows):
            self.slicer.slice(x, each, rows)
        run(self.steps)
        block, z = self.last.block, self.z[:, : len(x)]
        if block.centre:
            z = block.unit * z - block.centre * numbers(self.total)[: len(x)]
        return common.scored(block, z.T.astype(np.float32) / np.float32(block.unit))
