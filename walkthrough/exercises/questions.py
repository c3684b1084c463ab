"""The questions at the end of the chapters: their answers are computed here, not written down."""

import textwrap
from dataclasses import dataclass
from itertools import product

import numpy as np

from sbnn_np.bits import bitops
from sbnn_np.core import layers, ops, quantize, sparsity, windows
from sbnn_np.engines.sliced import adders


@dataclass(frozen=True)
class Question:
    """One question whose answer is a whole number.

    Parameters
    ----------
    text : str
        As it stands in the chapter.
    compute : function without arguments
        Computes the answer.
    why : str
        Shown with a right answer.
    hint : str
        Shown with a wrong one.
    """

    text: str
    compute: object
    why: str
    hint: str


# chapter 0

INPUTS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
WANTED = np.array([[0.0], [1], [1], [0]])
LIMIT, ANSWER_LIMIT = np.array([0.5, 1.5, 1.5]), 1.5


def xor_forward(w, answer_w, direction):
    """The four answers, and the distances y of both layers."""
    y = direction * (ops.dense_forward(INPUTS, w)[0] - LIMIT)
    bits, _ = ops.bit_forward(y)
    answer_y = ops.dense_forward(bits, answer_w)[0] - ANSWER_LIMIT
    return ops.bit_forward(answer_y)[0], bits, y, answer_y


def right_settings(direction):
    """How many of the 512 settings of nine bits answer all four cases rightly."""
    found = 0
    for nine in product((0.0, 1.0), repeat=9):
        w, answer_w = np.reshape(nine[:6], (2, 3)), np.reshape(nine[6:], (3, 1))
        found += np.array_equal(xor_forward(w, answer_w, direction)[0], WANTED)
    return found


def steps_to_learn(from_b_to_a):
    """Steps until chapter 0's network is right, if one of its latents starts as it is said."""
    direction = np.array([1, -1, 1])
    latent = np.array([[2.0, 1, -2], [from_b_to_a, 0, -4]])
    answer_latent = np.array([[2.0], [0], [-2]])
    for step in range(100):
        w, answer_w = quantize.zero_one(latent), quantize.zero_one(answer_latent)
        answer, bits, y, answer_y = xor_forward(w, answer_w, direction)
        if np.array_equal(answer, WANTED):
            return step
        danswer_y = ops.bit_backward(answer - WANTED, (answer_y,))
        dbits, danswer_w = ops.dense_backward(danswer_y, (bits, answer_w))
        _, dw = ops.dense_backward(direction * ops.bit_backward(dbits, (y,)), (INPUTS, w))
        latent = latent - quantize.straight_through(dw)
        answer_latent = answer_latent - quantize.straight_through(danswer_w)
    return None


# chapter 1


def firing_cases():
    """Of the eight settings of three inputs, those in which their sum is below 2."""
    return sum(sum(bits) < 2 for bits in product((0, 1), repeat=3))


# chapter 2


def larger(H, W, C, kernel, padding):
    """How many times more numbers an im2col matrix has than its image."""
    image = np.zeros((1, H, W, C))
    return windows.im2col(image, (kernel, kernel), padding=padding).size // image.size


def adds_of_a_filter(ones, shape):
    """Additions of one filter of 3 x 3 at all places of an image, with padding 1."""
    latent = -np.ones((9 * shape[2], 1))
    latent[:ones] = 1
    return bitops.adds(layers.Conv(latent, shape, (3, 3), "0/1", padding=1))


def windows_of_a_pixel(row, column, size, kernel):
    """In how many windows a pixel of a square image is."""
    cols = np.ones(((size - kernel + 1) ** 2, kernel**2))
    return int(windows.col2im(cols, (1, size, size, 1), (kernel, kernel))[0, row, column, 0])


# chapter 3


def different_neurons(ones):
    """How many different sets of counts a threshold and a flip can give the bit 1."""
    counts = np.arange(ones + 1)
    return len({
        tuple(((counts >= threshold) ^ flip).tolist())
        for threshold in range(ones + 2) for flip in (False, True)
    })


def full_adders(rows):
    """Full adders that add so many bits for 64 images: each has one OR, and half adders none."""
    steps, _ = adders.row_sum_steps([np.zeros((rows, 1), np.uint64)])
    return sum(len(np.atleast_2d(a[-1])) for f, a in steps if f is np.bitwise_or)


def ones_of_a_longer_list(n):
    """The smallest number of ones whose gaps, 16 bits each, take more than a bit a weight."""
    return next(K for K in range(n) if 16 * K > n)


# chapter 4


def entropy_of_twice_the_width():
    """By how many percent the entropy grows with four times the weights and as many ones."""
    narrow, wide = quantize.binary_entropy(0.05), 4 * quantize.binary_entropy(0.0125)
    return round(100 * (wide / narrow - 1))


def additions_of_growing(steps=10_000):
    """Additions of a growing network, in percent of those at a constant density."""
    schedule = sparsity.Schedule(0.05, start=0.005, over=0.5)
    return round(100 * np.mean([schedule(step / steps) for step in range(steps)]) / 0.05)


def densest_of_half_the_bytes():
    """The largest percentage of ones whose ideal code takes at most half a bit a weight."""
    return max(p for p in range(51) if quantize.binary_entropy(p / 100) <= 0.5)


QUESTIONS = {
    "0.a": Question(
        "Nine bits have 512 settings. How many of them answer all four cases rightly?",
        lambda: right_settings(np.array([1, -1, 1])),
        "A and B must both count, and both must add a and b. Then C may add what it likes if it "
        "does not count (4 settings), or count as long as it is always 0 (3 settings).",
        "Start with C: when may it count, when not?",
    ),
    "0.b": Question(
        "Make all three directions +1. How many of the 512 settings are right now?",
        lambda: right_settings(np.ones(3)),
        "With only positive directions an input that becomes 1 can only raise the answer, but "
        "the answer to (1, 1) must be below the answer to (0, 1).",
        "What happens to the answer when an input becomes 1?",
    ),
    "0.c": Question(
        "Start the latent from b to A at -1, not at 0. After how many steps is every answer "
        "right?",
        lambda: steps_to_learn(-1),
        "It takes longer, since that latent must be pushed twice.",
        "Change the latent in the file, run it, and read its last lines. 'Step 1' shows the "
        "start, before anything has moved. So 'Step n' shows what n - 1 steps have done.",
    ),
    "1.a": Question(
        "A network of 784-512-512-10 may have 5% ones. How many ones are that? (Only whole "
        "ones count.)",
        lambda: quantize.ones_within(0.05, 784 * 512 + 512 * 512 + 512 * 10),
        "There are 668,672 weights, and a twentieth of them is 33,433.6.",
        "The network has 784 x 512 + 512 x 512 + 512 x 10 weights. If 5% of that is no whole "
        "number, round down: one more would be more than 5%.",
    ),
    "1.b": Question(
        "A neuron has three ones, and its inputs are bits. Its scale is negative, and it fires "
        "while its sum is below 2. In how many of the eight settings of these three inputs does "
        "it fire?",
        firing_cases,
        "The sum is 0 once, and 1 three times.",
        "List the settings of three bits, and add each.",
    ),
    "1.c": Question(
        "With 2% ones, how many times smaller than float32 can the weights be? (To the nearest "
        "whole number.)",
        lambda: round(32 / quantize.binary_entropy(0.02)),
        "H(0.02) is 0.1414 bits a weight, and float32 takes 32.",
        "It is 32 / H(p), with H(p) = -p log2 p - (1-p) log2 (1-p).",
    ),
    "2.a": Question(
        "An image has 32 x 32 pixels of 64 channels. Windows have 3 x 3 pixels, padding is 1 and "
        "stride 1. How many times larger than the image is its im2col matrix?",
        lambda: larger(32, 32, 64, 3, 1),
        "There is a window at each of the 32 x 32 places, and it has 3 x 3 x 64 numbers.",
        "How many places are there, and how many numbers has a row?",
    ),
    "2.b": Question(
        "A plain 0/1 filter of 3 x 3 x 64 has 29 ones. It is moved over 16 x 16 places. How many "
        "additions does it cost for one image?",
        lambda: adds_of_a_filter(29, (16, 16, 64)),
        "28 additions at each of 256 places.",
        "29 numbers are added by one addition fewer; do that at each place.",
    ),
    "2.c": Question(
        "An image has 28 x 28 pixels, and windows have 5 x 5, without padding. In how many "
        "windows is the pixel in row 2 and column 10? (Rows and columns are counted from 0.)",
        lambda: windows_of_a_pixel(2, 10, 28, 5),
        "Windows that see row 2 start at row 0, 1 or 2; those that see column 10 start at one of "
        "five columns.",
        "At which rows may such a window start, and at which columns?",
    ),
    "3.a": Question(
        "A plain neuron has 20 ones, and its inputs are bits. Frozen, it is a threshold and a "
        "flip. How many different neurons can they make of it? (Two neurons are different if "
        "they differ at some count from 0 to 20.)",
        lambda: different_neurons(20),
        "Thresholds from 0 to 21 give 22 neurons, and with the flip 22 more; 'always' and "
        "'never' are then counted twice.",
        "Do not count 'always' and 'never' twice.",
    ),
    "3.b": Question(
        "The sliced engine adds 39 bits for 64 images at once. How many full adders does it "
        "need? (Half adders do not count.)",
        lambda: full_adders(39),
        "19 for the 39 bits of weight 1, 9 for the 19 that they carry, 4 for 9, and 1 for 4. With "
        "two half adders that makes 169 operations for 64 images, fewer than 3 an image. AND and "
        "popcount on a row of 784 bits take 26.",
        "A full adder takes three bits of one weight and leaves one: how many until one or two "
        "are left? Each also carries a bit to the next weight.",
    ),
    "3.c": Question(
        "A layer has 4,096 weights. From how many ones on does a list of 16-bit gaps take more "
        "bits than a mask?",
        lambda: ones_of_a_longer_list(4096),
        "The mask takes 4,096 bits; 256 gaps take just as many.",
        "The mask takes one bit a weight, the list 16 bits a one.",
    ),
    "4.a": Question(
        "A layer of 512 inputs and 512 neurons is made twice as wide: 1024 inputs, 1024 neurons. "
        "Its density goes from 5% to 1.25%, so it has as many ones as before. By how many percent "
        "does its entropy grow? (To the nearest whole number.)",
        entropy_of_twice_the_width,
        "There are four times the weights, each of H(0.0125) = 0.0969 bits in place of "
        "H(0.05) = 0.2864. The ones are as many, but they have more places to be in.",
        "The entropy of n weights is n H(p): compare 4 H(0.0125) with H(0.05).",
    ),
    "4.b": Question(
        "A network grows from 0.5% to 5% ones, by an equal factor each step, over half of the "
        "training. What does it spend on additions, in percent of a constant 5%? (Take additions "
        "as proportional to ones. To the nearest whole number.)",
        additions_of_growing,
        "The mean of 0.005 * 10^t over t from 0 to 1 is 0.045 / ln 10 = 0.0195, and the second "
        "half has 0.05.",
        "Take the mean of start * 10^t over t from 0 to 1 for the first half, and 5% for the "
        "second.",
    ),
    "4.c": Question(
        "Weights of -1 and +1 take one bit each. Up to how many percent of ones do 0/1 weights "
        "take at most half of that, with an ideal code? (Whole percent.)",
        densest_of_half_the_bytes,
        "H(0.11) is 0.49992 bits.",
        "Find p with H(p) just below 0.5.",
    ),
}


def check(number, answer):
    """Compare a reader's answer with the computed one.

    Parameters
    ----------
    number : str
        "2.a", for example.
    answer : str or None
        As it was typed: a whole number; commas are skipped. None to read the question.

    Returns
    -------
    right : bool
    report : str
    """
    question = QUESTIONS[number]
    right = False
    if answer is None:
        told = f"Put your answer, a whole number, behind {number}."
    elif not answer.replace(",", "").lstrip("-").isdecimal():
        told = f"{answer} is no whole number."
    elif right := int(answer.replace(",", "")) == question.compute():
        told = f"{answer} is right. {question.why}"
    else:
        told = f"{answer} is not right. Hint: {question.hint}"
    lines = (textwrap.fill(part, 90) for part in (f"{number}  {question.text}", told))
    return right, "\n\n".join(lines)
