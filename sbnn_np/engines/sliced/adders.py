"""Adders: add and compare bits with logical operations, 64 images at a time.

Each bit of a word belongs to another image (`slicing` says which), so one operation does one step
for 64 images. A full adder takes three bits of one place value. It leaves one bit there, and
carries one bit to the next place:

    sum = a ^ b ^ c        carry = (a & b) | (c & (a ^ b))        five operations.

When one bit of each place value is left, these bits are the sum in binary. A number is a list of
*planes*: plane i is an array of words, and holds the bits of place value 2^i.

Functions here do not add. They return *steps*, a list of (function, arguments) that `run_steps`
calls. The arguments are arrays that are written to and read again in each run. To find the steps
can take Python longer than to run them, so they are found once and run many times.
"""

import numpy as np

ALL_ONES = np.uint64(2**64 - 1)
LOGICAL = (np.bitwise_and, np.bitwise_or, np.bitwise_xor)


def run_steps(steps, count=None):
    """Run steps.

    Parameters
    ----------
    steps : list of (function, arguments)
    count : bitops.Count, optional
        Its `word_ops` grows by the logical operations on words.
    """
    for function, arguments in steps:
        function(*arguments)
    if count:
        count.word_ops += sum(
            arguments[-1].size for function, arguments in steps if function in LOGICAL
        )


class AdderChain:
    """Collects steps that add rows of bits, one row after another, in G sums side by side.

    There is a full adder for each plane. The first row that comes to a plane is its sum, the second
    row waits, and with the third row the full adder takes all three. It carries a row to the next
    plane. So each plane has two rows in memory, and they stay in cache. A row may be for the first
    n of the sums alone; then adders skip the other sums. Rows must come with falling n, because a
    later row that is longer than a waiting one would lose bits.

    Parameters
    ----------
    buffers : (2 * planes + 4, G, words) uint64
        Memory: two rows a plane, and those that a full adder works with.

    Attributes
    ----------
    steps : list of (function, arguments)
        See `run_steps`.
    planes : list of (G, words) uint64
        After the steps, the sums without the rows that wait.
    waiting : list of ((G, words) uint64, n), or None
        For each plane, a row for the first n sums that is not added yet.
    """

    def __init__(self, buffers):
        self.scratch, *self.free = buffers
        self.own = {id(row) for row in self.free}
        self.steps, self.planes, self.waiting = [], [], []

    def add_selected(self, i, rows, selected):
        """Add rows[selected[g]] to plane i of sum g, for the first n sums.

        Parameters
        ----------
        i : int
        rows : (R, words) uint64
        selected : (n,) int
            From 0 to R - 1.
        """
        row, n = self.free.pop(), len(selected)
        # without "clip" NumPy would check the numbers once more
        self.steps.append((rows.take, (selected, 0, row[:n], "clip")))
        self.add_row(i, row, n)

    def add_row(self, i, row, n):
        """Add a row to plane i, for the first n sums.

        Parameters
        ----------
        i : int
        row : (G, words) uint64
            A row that is not one of the buffers must be for all sums. It is not written to.
        n : int
        """
        while i < len(self.planes) and self.waiting[i]:
            waiting, m = self.waiting[i]
            if n < m:
                self.steps.append((row[n:m].fill, (0,)))
            carry = waiting if id(waiting) in self.own else self.free.pop()
            a, b, c, d, v = (
                each[:m] for each in (self.planes[i], waiting, row, carry, self.scratch)
            )
            self.steps += [
                (np.bitwise_xor, (a, b, v)),
                (np.bitwise_and, (a, b, d)),
                (np.bitwise_xor, (c, v, a)),                  # sum: a ^ b ^ c
                (np.bitwise_and, (c, v, v)),
                (np.bitwise_or, (d, v, d)),                   # carry: (a & b) | (c & (a ^ b))
            ]
            if id(row) in self.own:
                self.free.append(row)
            self.waiting[i] = None
            i, row, n = i + 1, carry, m
        while i >= len(self.planes):
            self.planes.append(None)
            self.waiting.append(None)
        if self.planes[i] is not None:
            self.waiting[i] = row, n
            return
        self.planes[i] = row
        if id(row) not in self.own:
            self.planes[i] = self.free.pop()
            self.steps.append((np.copyto, (self.planes[i][:n], row[:n])))
        if n < len(self.scratch):
            self.steps.append((self.planes[i][n:].fill, (0,)))

    def add_waiting(self):
        """Add the rows that wait, with half adders. Without any row, the sum is 0 in one plane."""
        i = 0
        while i < len(self.planes):                           # `add_row` may append planes
            if self.waiting[i]:
                waiting, n = self.waiting[i]
                a, b, carry = self.planes[i][:n], waiting[:n], self.free.pop()
                self.steps += [(np.bitwise_and, (a, b, carry[:n])), (np.bitwise_xor, (a, b, a))]
                self.waiting[i] = None
                self.add_row(i + 1, carry, n)
            i += 1
        if not self.planes:
            self.planes.append(self.free.pop())
            self.steps.append((self.planes[0].fill, (0,)))


def neuron_sum_steps(inputs, sources, fan_in, buffers, addend=()):
    """Find steps that add, for each neuron and image, the inputs of the neuron.

    Parameters
    ----------
    inputs : (input_bits, D, words) uint64
        Planes of the D inputs.
    sources : (K, G) int
        For each of G neurons the inputs that it adds, from 0 to D - 1. Those beyond its fan-in are
        ignored.
    fan_in : (G,) int
        Falling or equal, and K at first. So row j of `sources` is for the first neurons, those
        with a fan-in above j.
    buffers : see `AdderChain`
    addend : list of (words,) uint64
        Planes of a number that is added to each sum.

    Returns
    -------
    steps : list of (function, arguments)
    planes : list of (G, words) uint64
        After the steps, the sums.

    Examples
    --------
    >>> inputs = np.array([[[0b0111], [0b0110], [0b0100]]], np.uint64)  # one, two and three ones
    >>> buffers = np.empty((8, 1, 1), np.uint64)
    >>> steps, planes = neuron_sum_steps(
    ...     inputs, np.array([[0], [1], [2]]), np.array([3]), buffers
    ... )
    >>> run_steps(steps)
    >>> [int(plane[0, 0]) for plane in planes]
    [5, 6]
    """
    chain, shape = AdderChain(buffers), buffers[0].shape
    for i, row in enumerate(addend):
        chain.add_row(i, np.broadcast_to(row, shape), len(fan_in))
    # how many neurons have a j-th input
    neurons_with = np.searchsorted(-fan_in, -np.arange(len(sources)))
    for selected, n in zip(sources, neurons_with.tolist()):
        for i, plane in enumerate(inputs):
            chain.add_selected(i, plane, selected[:n])
    chain.add_waiting()
    return chain.steps, chain.planes


def row_sum_steps(rows_of_plane):
    """Find steps that add rows of bits with full adders: all rows of one plane, then the next.

    The rows of a plane are cut into thirds, which one full adder takes at once. One third is left,
    and one third is carried. This is faster than an `AdderChain` if there is one sum of many rows.

    Parameters
    ----------
    rows_of_plane : list of (n, ..., words) uint64
        Array i holds the rows of place value 2^i. All have the same shape but for n, and all are
        overwritten.

    Returns
    -------
    steps : list of (function, arguments)
    planes : list of (..., words) uint64
        After the steps, the sum.

    Examples
    --------
    >>> ones = np.array([[0b0111], [0b0110], [0b0100]], np.uint64)   # one, two and three ones
    >>> steps, planes = row_sum_steps([ones])
    >>> run_steps(steps)
    >>> [int(plane[0]) for plane in planes]
    [5, 6]
    """
    steps, planes, i = [], [], 0
    carried = np.empty((0, *rows_of_plane[0].shape[1:]), np.uint64)
    while i < len(rows_of_plane) or len(carried):
        x = carried
        if i < len(rows_of_plane) and len(rows_of_plane[i]):
            x = rows_of_plane[i]
            if len(carried):
                x = np.empty((len(x) + len(carried), *carried.shape[1:]), np.uint64)
                steps.append((np.concatenate, ((rows_of_plane[i], carried), 0, x)))
        carried = np.empty((len(x) // 2, *x.shape[1:]), np.uint64)
        steps += plane_sum_steps(x, carried)
        planes.append(x[-1] if len(x) else np.zeros(x.shape[1:], np.uint64))
        i += 1
    return steps, planes


def plane_sum_steps(x, carried):
    """Find steps that add the rows of one plane. The last row of x becomes the plane of the sum.

    Parameters
    ----------
    x : (n, ..., words) uint64
        Overwritten.
    carried : (n // 2, ..., words) uint64
        Written to: the rows that are carried to the next plane.

    Returns
    -------
    steps : list of (function, arguments)
    """
    steps, carries, left = [], 0, len(x)
    scratch = np.empty((len(x) // 3, *x.shape[1:]), np.uint64)
    while left > 2:
        n = left // 3
        a, b, c = (x[len(x) - left + i * n :][:n] for i in range(3))
        carry, v = carried[carries : carries + n], scratch[:n]
        steps += [
            (np.bitwise_xor, (a, b, v)),
            (np.bitwise_and, (a, b, a)),
            (np.bitwise_and, (c, v, b)),
            (np.bitwise_or, (a, b, carry)),                   # (a & b) | (c & (a ^ b))
            (np.bitwise_xor, (c, v, c)),                      # a ^ b ^ c
        ]
        left, carries = left - 2 * n, carries + n
    if left == 2:
        a, b = x[-2], x[-1]
        steps += [(np.bitwise_and, (a, b, carried[carries])), (np.bitwise_xor, (a, b, b))]
    return steps


def at_least_steps(planes, threshold, scratch, passed=None):
    """Find steps that compare numbers with constants: bits [number >= threshold].

    Parameters
    ----------
    planes : list of (G, words) uint64
        The first plane is overwritten if `passed` is not given.
    threshold : (G,) int
        At least 0. A threshold above all numbers of so many planes is never passed.
    scratch : (G, words) uint64
        Overwritten.
    passed : (G, words) uint64, optional
        Overwritten. A number equal to its threshold passes only where this is 1. Left out, it
        always passes.

    Returns
    -------
    steps : list of (function, arguments)
    passed : (G, words) uint64
        After the steps, the bits. The memory is that of the given `passed`, or of the first plane.

    Notes
    -----
    From the lowest plane up: if the threshold's bit is 1, the number's bit must be 1 and the lower
    bits must pass, plane & passed. If it is 0, one of both suffices, plane | passed. With k = 0 in
    the first case and all ones in the second, both are (plane & passed) | (k & (plane | passed)).

    Examples
    --------
    >>> planes = [np.array([[0b1010]] * 2, np.uint64), np.array([[0b1100]] * 2, np.uint64)]
    >>> steps, passed = at_least_steps(planes, np.array([1, 2]), np.empty((2, 1), np.uint64))
    >>> run_steps(steps)
    >>> [f"{int(word):04b}" for word in passed[:, 0]]         # of the numbers 3, 2, 1 and 0
    ['1110', '1100']
    """
    bits = (threshold >> np.arange(len(planes))[:, None] & 1).astype(np.uint64)
    k = (bits - np.uint64(1))[:, :, None]                     # 0 for a 1, all ones for a 0
    steps, start = [], 0
    if passed is None:                                        # at first all pass
        passed, start = planes[0], 1
        steps.append((np.bitwise_or, (passed, k[0], passed)))
    for plane, k_of_plane in zip(planes[start:], k[start:]):
        steps += [
            (np.bitwise_or, (plane, passed, scratch)),
            (np.bitwise_and, (plane, passed, passed)),
            (np.bitwise_and, (scratch, k_of_plane, scratch)),
            (np.bitwise_or, (passed, scratch, passed)),
        ]
    never = threshold >> len(planes) > 0
    if never.any():
        steps.append((passed.__setitem__, (never, 0)))
    return steps, passed
