"""Exercises of chapter 3: a counter, a full adder, and the steps of a coder.

Fill in the functions. Check one by `python -m walkthrough.exercises 3.1`.
"""

import numpy as np


def count_adds(x, w):
    """3.1  Run a layer of 0/1 weights on one image, and count the additions.

    A neuron with K ones takes its first input and adds the others: K - 1 additions. It adds an
    input that happens to be 0 as well. A neuron without ones gives 0 and adds nothing.

    Parameters
    ----------
    x : (D,) array of whole numbers
        The inputs.
    w : (D, M) array of 0 and 1
        One neuron a column.

    Returns
    -------
    z : (M,) array
        The sum of each neuron.
    adds : int
        Additions of all neurons.

    Examples
    --------
    >>> w = np.array([[1, 0, 0], [1, 0, 1], [1, 0, 0]])
    >>> z, adds = count_adds(np.array([4, 0, 2]), w)
    >>> z, int(adds)
    (array([6, 0, 0]), 2)

    Hint
    ----
    w.sum(axis=0) are the ones of each neuron. np.maximum(K - 1, 0) is 0 for a neuron without any.
    """
    raise NotImplementedError


def full_adder(a, b, c):
    """3.2  Add three bits with AND, OR and XOR, for 64 images at once.

    Each argument is a word of 64 bits, one bit an image. The sum of three bits is 0, 1, 2 or 3:
    two bits. `low` is the bit that counts 1, `carry` the bit that counts 2:

        a + b + c = low + 2 carry,   for each image

    Parameters
    ----------
    a, b, c : (words,) uint64

    Returns
    -------
    low, carry : (words,) uint64

    Examples
    --------
    >>> low, carry = full_adder(*np.array([[0b0111], [0b0110], [0b0100]], np.uint64))
    >>> f"{int(low[0]):04b}", f"{int(carry[0]):04b}"
    ('0101', '0110')

    Hint
    ----
    Use ^ (one of the two, not both), & (both) and | (at least one). low is 1 where one or all
    three of the bits are 1. carry is 1 where at least two are. Five operations are enough.
    """
    raise NotImplementedError


def rans_write(state, frequency, first_slot):
    """3.3  Write one symbol into the state of an rANS coder.

    rANS keeps all that it has written in one whole number, the state. 65536 slots are divided
    among the possible symbols: a symbol has `frequency` slots, from `first_slot` on. To write it,

        new = (state // frequency) * 65536  +  first_slot  +  state % frequency

    So new % 65536 is one of the symbol's slots, and tells a reader which symbol it was. The state
    becomes about 65536 / frequency times larger: a frequent symbol costs few bits.

    Parameters
    ----------
    state, frequency, first_slot : int

    Returns
    -------
    new : int

    Examples
    --------
    >>> rans_write(100_000, frequency=1000, first_slot=30)
    6553630

    Hint
    ----
    // is the quotient of whole numbers, % is the rest. It is one line.
    """
    raise NotImplementedError


def rans_read(new, frequency, first_slot):
    """3.4  Take one symbol out of the state: undo `rans_write`.

    Parameters
    ----------
    new : int
        A state that rans_write(state, frequency, first_slot) returned.
    frequency, first_slot : int
        Of the symbol, which the reader knows from new % 65536.

    Returns
    -------
    state : int
        The state that it was made of.

    Examples
    --------
    >>> rans_read(6553630, frequency=1000, first_slot=30)
    100000

    Hint
    ----
    new // 65536 is state // frequency, and new % 65536 - first_slot is state % frequency. A
    whole number is its quotient times the divisor, plus the rest.
    """
    raise NotImplementedError
