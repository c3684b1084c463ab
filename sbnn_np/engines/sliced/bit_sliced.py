"""Engine 4: 64 images in a word, added bit by bit.

Each bit of a word belongs to another image. A neuron takes the words of its inputs and adds their
bits with full adders (see `adders`): this gives its sum, in binary, for 64 images at once. A
comparison with the threshold, bit by bit again, gives the input of the next layer, which is sliced
already. A weight of 0 costs nothing.

Nearly all steps of a network are the same for every batch of a size, on the same arrays. So the
engine finds them when a size comes first, in milliseconds (in tenths of a second for wide layers),
and then only runs them. Some steps of a centred layer depend on how large the sum of its inputs is
at most; they are found when such a sum comes first.
"""

import numpy as np

from sbnn_np.engines import common
from sbnn_np.engines.sliced.adders import run_steps
from sbnn_np.engines.sliced.sliced_layers import MAX_ROW_WORDS, SlicedLayer, adder_memory
from sbnn_np.engines.sliced.slicing import Slicer, unslice
from sbnn_np.support import threads

MAX_WORDS = 128     # words of images at a time: 8192 images


class Sliced:
    """A frozen 0/1 network, ready to run on 64 images a word, on one core.

    `two_processes` has the same engine on two cores. Calls share memory, so threads that use one
    engine wait for one another.

    Parameters
    ----------
    model : frozen.Frozen

    Raises
    ------
    TypeError
        If the network has +-1 weights, for which this engine has no adders.
    """

    def __init__(self, model):
        if model.blocks[-1].weights != "0/1":
            raise TypeError("the bit-sliced engine is for 0/1 weights; take the packed one")
        self.model = model
        blocks = [block for block in model.blocks if block.weights != "float"]
        # one row of places must not exceed MAX_ROW_WORDS
        widest = max(block.sums_shape[1] if block.kernel else 1 for block in blocks)
        self.max_words = min(MAX_WORDS, max(1, MAX_ROW_WORDS // widest))
        memory = adder_memory(self.max_words * widest)
        self.layers = [SlicedLayer(block, memory) for block in blocks]
        self.programs, self.lock = {}, threads.Lock()

    def forward(self, images):
        """Compute class scores.

        Parameters
        ----------
        images : see `frozen.Frozen.pixels`

        Returns
        -------
        scores : (N, M) float32
        """
        return self.forward_inputs(common.engine_inputs(self.model, images))

    def forward_inputs(self, x):
        """Compute class scores from the inputs of the first block that has binary weights.

        Parameters
        ----------
        x : (N, ...) uint8
            See `common.engine_inputs`.

        Returns
        -------
        scores : (N, M) float32
        """
        return self.forward_bits(x, bit_writers(self.model))

    def forward_bits(self, x, write_bits):
        """Compute class scores from bits of numbers.

        Parameters
        ----------
        x : (N, ...) uint8
        write_bits : list of functions
            write_bits[i] writes bit i of each input; see `Slicer.slice`.

        Returns
        -------
        scores : (N, M) float32
        """
        x = x.reshape(len(x), -1)
        scores, step = np.empty((len(x), len(self.model.classes)), np.float32), 64 * self.max_words
        with self.lock:
            for start in range(0, len(x), step):
                part = x[start : start + step]
                program = self.program(len(write_bits), -(-len(part) // 64))
                scores[start : start + step] = program.scores(part, write_bits)
        return scores

    def program(self, input_bits, words):
        """Return the program for one size of a batch, which is made once and then kept.

        Parameters
        ----------
        input_bits : int
            Bits of one input.
        words : int
            Words of images.

        Returns
        -------
        program : Program
        """
        if (input_bits, words) not in self.programs:
            # all programs together hold at most as much as two of the largest
            if sum(kept for _, kept in self.programs) + words > 2 * self.max_words:
                self.programs = {}
            self.programs[input_bits, words] = Program(self.layers, input_bits, words)
        return self.programs[input_bits, words]


def bit_writers(model):
    """Make the functions that write each bit of the inputs of the first block with binary weights.

    Parameters
    ----------
    model : frozen.Frozen

    Returns
    -------
    write_bits : list of functions
        See `Slicer.slice`: one function for bits, eight for pixels.
    """
    if model.blocks[0].weights == "float":
        return [np.copyto]
    if model.binarize is not None:
        return [lambda out, x: np.greater(x, model.binarize, out.view(bool))]

    def writer(i):
        def write_bit(out, x):
            np.bitwise_and(x, 1 << i, out)
            np.not_equal(out, 0, out.view(bool))
        return write_bit

    return [writer(i) for i in range(8)]


class Program:
    """A network laid out for one size of a batch: all of its arrays, and all steps in order.

    Parameters
    ----------
    layers : list of SlicedLayer
    input_bits : int
        Bits of one input.
    words : int
        Words of images, with room for 64 images in each.

    Attributes
    ----------
    rows : (input_bits, D, words) uint64
        The sliced inputs.
    steps : list of (function, arguments)
        See `adders.run_steps`.
    z : (M, 64 * words) int32
        After the steps, the sums of the last block.
    total : list of (words,) uint64
        After the steps, planes of the sum of its inputs. Empty if the block is not centred.
    """

    def __init__(self, layers, input_bits, words):
        self.last, first = layers[-1], layers[0].block
        inputs, unpadded = layers[0].input_memory(first.shape, input_bits, words)
        self.rows, self.steps = inputs, []
        if first.kernel:                                      # from H, W, C to C, H, W
            rows = np.empty((input_bits, *first.shape, words), np.uint64)
            self.rows = rows.reshape(input_bits, -1, words)
            self.steps.append((np.copyto, (unpadded, np.moveaxis(rows, 3, 1))))
        self.slicer = Slicer(self.rows.shape[1], words)
        for layer, next_layer in zip(layers, layers[1:]):
            next_inputs, out = next_layer.input_memory(layer.block.out_shape, 1, words)
            self.steps += layer.activation_steps(inputs, out[0])
            inputs = next_inputs
        last_steps, self.z, self.total = self.last.score_sum_steps(inputs)
        self.steps += last_steps

    def scores(self, x, write_bits):
        """Compute class scores.

        Parameters
        ----------
        x : (N, D) uint8
            At most 64 * words images.
        write_bits : see `Sliced.forward_bits`

        Returns
        -------
        scores : (N, M) float32
        """
        for write_bit, rows in zip(write_bits, self.rows):
            self.slicer.slice(x, write_bit, rows)
        run_steps(self.steps)
        block, z = self.last.block, self.z[:, : len(x)]
        if block.centre:
            z = block.unit * z - block.centre * unslice(self.total)[: len(x)]
        return common.class_scores(block, z.T.astype(np.float32) / np.float32(block.unit))
