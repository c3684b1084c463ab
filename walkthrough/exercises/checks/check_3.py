"""What is right in the exercises of chapter 3, and the mistakes that have a name."""

import numpy as np

from sbnn_np.bits import bitops
from sbnn_np.core import quantize, reference

from .compare import Exercise

MANY = [int(n) for n in np.random.default_rng(3).integers(65536, 2**31, 6)]


def count_adds(x, w):
    """Sums and additions by the specification, which counts each addition as it is done."""
    count = bitops.Count()
    z = reference.count_dense(x.tolist(), w.tolist(), None, count)
    return np.array(z), count.adds


def words(*numbers):
    """Words of 64 bits."""
    return np.array(numbers, np.uint64)


def full_adder(a, b, c):
    """Add the three bits of each image with +, and put the two bits of the sum into words."""
    low, carry = [], []
    for three in zip(a.tolist(), b.tolist(), c.tolist()):
        sums = [sum(word >> n & 1 for word in three) for n in range(64)]
        low.append(sum((s & 1) << n for n, s in enumerate(sums)))
        carry.append(sum((s >> 1) << n for n, s in enumerate(sums)))
    return words(*low), words(*carry)


def rans_write(state, frequency, first_slot):
    """The step of the docstring of rans.py."""
    return state // frequency * 65536 + first_slot + state % frequency


def rans_read(new, frequency, first_slot):
    """Its reverse, as a reader of that docstring does it."""
    return new // 65536 * frequency + new % 65536 - first_slot


SYMBOLS = [(1000, 30), (1, 0), (7, 65529), (32768, 0), (3000, 40000), (65536, 0)]
WRITTEN = [
    {"state": state, "frequency": f, "first_slot": c}
    for state, (f, c) in zip([100_000, *MANY], SYMBOLS)
]
READ = [
    {"new": rans_write(**case), "frequency": case["frequency"], "first_slot": case["first_slot"]}
    for case in WRITTEN
]
W = quantize.zero_one(np.random.default_rng(2).normal(-0.4, 1, (6, 5))).astype(int)

EXERCISES = [
    Exercise("3.1", "count_adds", ("z", "adds"), [
        {"x": np.array([4, 0, 2]), "w": np.array([[1, 0, 0], [1, 0, 1], [1, 0, 0]])},
        {"x": np.array([1, 0, 1, 1]), "w": np.zeros((4, 2), int)},
        {"x": np.array([3, 0, 5, 1, 0, 2]), "w": W},
    ], count_adds, [
        ("adds", "K ones take K - 1 additions, since the first input is only taken, not added.",
         lambda x, w: w.sum()),
        ("adds", "A neuron without ones adds nothing: 0, not -1.",
         lambda x, w: (w.sum(0) - 1).sum()),
        ("adds", "An input that is 0 is added as well; here it is left out.",
         lambda x, w: np.maximum((w * (x != 0)[:, None]).sum(0) - 1, 0).sum()),
        ("adds", "These are the additions of a full layer, D - 1 a neuron; only ones count.",
         lambda x, w: w.shape[1] * (len(w) - 1)),
        ("adds", "The ones are counted by input; a neuron is a column of w: axis=0.",
         lambda x, w: np.maximum(w.sum(1) - 1, 0).sum()),
        ("z", "z is a count of ones; it must be the sum of the inputs whose weight is 1.",
         lambda x, w: w.sum(0)),
    ]),
    Exercise("3.2", "full_adder", ("low", "carry"), [
        {"a": words(0b0111), "b": words(0b0110), "c": words(0b0100)},
        {"a": words(0b11110000), "b": words(0b11001100), "c": words(0b10101010)},
        {"a": words(2**64 - 1, 0), "b": words(2**64 - 1, 2**63), "c": words(1, 2**63 + 1)},
    ], full_adder, [
        ("low", "low is 1 where one or all three bits are 1; here it is where any is: ^, not |.",
         lambda a, b, c: a | b | c),
        ("low", "The third bit is missing in low.", lambda a, b, c: a ^ b),
        ("carry", "The third bit is missing in carry.", lambda a, b, c: a & b),
        ("carry", "carry is 1 where at least two bits are; here it is only where all three are.",
         lambda a, b, c: a & b & c),
        ("carry", "carry is 1 where at least two bits are; here one is enough.",
         lambda a, b, c: a | b | c),
        ("carry", "low and carry are in the wrong order.", lambda a, b, c: a ^ b ^ c),
        ("low", "+, % and // take a word for one number; it holds a bit of each of 64 images.",
         lambda a, b, c: (a + b + c) % np.uint64(2)),
    ], binary=True),
    Exercise("3.3", "rans_write", ("new",), WRITTEN, rans_write, [
        ("new", "frequency and first_slot have changed places.",
         lambda state, frequency, first_slot:
         rans_write(state, max(first_slot, 1), frequency)),
        ("new", "first_slot is missing.",
         lambda state, frequency, first_slot: rans_write(state, frequency, 0)),
        ("new", "state % frequency is missing.",
         lambda state, frequency, first_slot: state // frequency * 65536 + first_slot),
        ("new", "/ makes a float; the quotient of whole numbers is //.",
         lambda state, frequency, first_slot:
         state / frequency * 65536 + first_slot + state % frequency),
    ]),
    Exercise("3.4", "rans_read", ("state",), READ, rans_read, [
        ("state", "first_slot is not taken off.",
         lambda new, frequency, first_slot: rans_read(new, frequency, 0)),
        ("state", "first_slot is added; it must be taken off.",
         lambda new, frequency, first_slot: rans_read(new, frequency, -first_slot)),
        ("state", "The quotient is not multiplied by frequency.",
         lambda new, frequency, first_slot: new // 65536 + new % 65536 - first_slot),
        ("state", "This writes the symbol once more; it must take it out.",
         lambda new, frequency, first_slot: rans_write(new, frequency, first_slot)),
    ]),
]
