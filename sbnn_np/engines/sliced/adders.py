"""Adding bits with logical operations, 64 images at a time.

Each bit of a word belongs to an image of its own (which one, `slices` says), so one operation does
one step for 64 images. A full adder turns three bits of one weight into one of that weight and one
of twice that,

    sum = a ^ b ^ c        carry = (a & b) | (c & (a ^ b))        five operations,

until one bit of each weight is left: the sum, in binary. Numbers are lists of *planes*, the i-th of
weight 2^i, each an array of words.
"""

import numpy as np

ALL = np.uint64(2**64 - 1)
LOGICAL = (np.bitwise_and, np.bitwise_or, np.bitwise_xor)


def run(steps, count=None):
    """Do steps that were written down before: finding them can take Python longer than doing them.

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


class Chain:
    """Steps that add rows of bits as they come, in G sums side by side.

    It is a chain of full adders. A row goes in; when two rows wait beside a sum, a full adder takes
    all three, and what is carried goes on to the next plane. So of each plane two rows are in
    memory, and they stay in cache. A row may be for the first n of the sums alone, and no adder
    works on the others; rows must come with falling n, or bits are lost.

    Parameters
    ----------
    buffers : (2 planes + 4, G, W) uint64
        Written to: two a plane, and what a full adder works with.

    Attributes
    ----------
    steps : list
        See `run`.
    planes : list of (G, W) uint64
        The sums, when the steps are done, less what waits.
    waiting : list of ((G, W) uint64, n), or None
        For each plane a row, for the first n sums, that is still to be added.
    """

    def __init__(self, buffers):
        self.v, *self.free = buffers
        self.own = {id(row) for row in self.free}
        self.steps, self.planes, self.waiting = [], [], []

    def take(self, i, rows, which):
        """Add rows[which[g]] to plane i of the sum g, for the first n sums.

        Parameters
        ----------
        i : int
        rows : (R, W) uint64
        which : (n,) int
        """
        row, n = self.free.pop(), len(which)
        # "clip" only because NumPy looks at the numbers twice otherwise
        self.steps.append((rows.take, (which, 0, row[:n], "clip")))
        self.put(i, row, n)

    def put(self, i, row, n):
        """Add a row to plane i, for the first n sums.

        Parameters
        ----------
        i : int
        row : (G, W) uint64
            One that is no buffer must be for all sums, and is not written to.
        n : int
        """
        while i < len(self.planes) and self.waiting[i]:
            waits, m = self.waiting[i]
            if n < m:
                self.steps.append((row[n:m].fill, (0,)))
            carry = waits if id(waits) in self.own else self.free.pop()
            a, b, c, d, v = (each[:m] for each in (self.planes[i], waits, row, carry, self.v))
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
        if n < len(self.v):
            self.steps.append((self.planes[i][n:].fill, (0,)))

    def finish(self):
        """Add the rows that wait. Without any row, the sum is one plane of zeros."""
        i = 0
        while i < len(self.planes):                           # `put` may append planes
            if self.waiting[i]:
                waits, n = self.waiting[i]
                a, b, carry = self.planes[i][:n], waits[:n], self.free.pop()
                self.steps += [(np.bitwise_and, (a, b, carry[:n])), (np.bitwise_xor, (a, b, a))]
                self.waiting[i] = None
                self.put(i + 1, carry, n)
            i += 1
        if not self.planes:
            self.planes.append(self.free.pop())
            self.steps.append((self.planes[0].fill, (0,)))


def count_ones(seen, inputs, fan_in, buffers, more=()):
    """Steps that count how many of its inputs are 1, for each neuron and image.

    Parameters
    ----------
    seen : (depth, D, W) uint64
        The bits of each input, the lowest first.
    inputs : (K, G) int
        Of each of G neurons, from 0 to D - 1; those beyond its fan-in are not looked at.
    fan_in : (G,) int
        Not rising, and K at first: so row j of `inputs` is for the neurons at the front, those of
        a fan-in above j.
    buffers : see `Chain`
    more : list of (W,) uint64
        Planes of a number that is added to all.

    Returns
    -------
    steps, planes : see `Chain`

    Examples
    --------
    >>> seen = np.array([[[0b0111], [0b0110], [0b0100]]], np.uint64)    # one, two and three ones
    >>> buffers = np.empty((8, 1, 1), np.uint64)
    >>> steps, planes = count_ones(seen, np.array([[0], [1], [2]]), np.array([3]), buffers)
    >>> run(steps)
    >>> [int(plane[0, 0]) for plane in planes]
    [5, 6]
    """
    chain, shape = Chain(buffers), buffers[0].shape
    for i, row in enumerate(more):
        chain.put(i, np.broadcast_to(row, shape), len(fan_in))
    ends = np.searchsorted(-fan_in, -np.arange(len(inputs)))  # how many have a j-th input
    for which, n in zip(inputs, ends.tolist()):
        for i, plane in enumerate(seen):
            chain.take(i, plane, which[:n])
    chain.finish()
    return chain.steps, chain.planes


def add_up(levels):
    """Steps that add rows of bits with full adders, all that have one weight, then the next.

    Rows of one weight are cut into thirds, which are added in one go: a third is left, and a third
    carried. Faster than a `Chain` where there is one sum, of many rows.

    Parameters
    ----------
    levels : list of (n, ..., W) uint64
        The i-th holds rows of weight 2^i; all of one shape but for n. Overwritten.

    Returns
    -------
    steps : list
    planes : list of (..., W) uint64
        With the sum, lowest weight first, when the steps are done.

    Examples
    --------
    >>> ones = np.array([[0b0111], [0b0110], [0b0100]], np.uint64)   # one, two and three ones
    >>> steps, planes = add_up([ones])
    >>> run(steps)
    >>> [int(plane[0]) for plane in planes]
    [5, 6]
    """
    steps, planes, i = [], [], 0
    carried = np.empty((0, *levels[0].shape[1:]), np.uint64)
    while i < len(levels) or len(carried):
        x = carried
        if i < len(levels) and len(levels[i]):
            x = levels[i]
            if len(carried):
                x = np.empty((len(levels[i]) + len(carried), *carried.shape[1:]), np.uint64)
                steps.append((np.concatenate, ((levels[i], carried), 0, x)))
        carried = np.empty((len(x) // 2, *x.shape[1:]), np.uint64)
        steps += add_level(x, carried)
        planes.append(x[-1] if len(x) else np.zeros(x.shape[1:], np.uint64))
        i += 1
    return steps, planes


def add_level(x, carried):
    """Steps that add rows of one weight: the last row of x is left, and the rest is carried.

    Parameters
    ----------
    x : (n, ..., W) uint64
        Overwritten.
    carried : (n // 2, ..., W) uint64
        Written to.

    Returns
    -------
    steps : list
    """
    steps, done, ahead = [], 0, len(x)
    u = np.empty((len(x) // 3, *x.shape[1:]), np.uint64)
    while ahead > 2:
        n = ahead // 3
        a, b, c = (x[len(x) - ahead + i * n :][:n] for i in range(3))
        carry, v = carried[done : done + n], u[:n]
        steps += [
            (np.bitwise_xor, (a, b, v)),
            (np.bitwise_and, (a, b, a)),
            (np.bitwise_and, (c, v, b)),
            (np.bitwise_or, (a, b, carry)),                   # (a & b) | (c & (a ^ b))
            (np.bitwise_xor, (c, v, c)),                      # a ^ b ^ c
        ]
        ahead, done = ahead - 2 * n, done + n
    if ahead == 2:
        a, b = x[-2], x[-1]
        steps += [(np.bitwise_and, (a, b, carried[done])), (np.bitwise_xor, (a, b, b))]
    return steps


def at_least(planes, threshold, spare, passed=None):
    """Steps that compare numbers with a constant a row: bits [number >= threshold].

    Parameters
    ----------
    planes : list of (G, W) uint64
        The first is overwritten if `passed` is not given.
    threshold : (G,) int
        At least 0. Those that no number of so many planes reaches never pass.
    spare : (G, W) uint64
        Overwritten.
    passed : (G, W) uint64, optional
        Overwritten. Numbers equal to the threshold pass only with a 1 here; left out, all do.

    Returns
    -------
    steps : list
    passed : (G, W) uint64
        What was given, or the first plane, with the result when the steps are done.

    Notes
    -----
    From the lowest bit up: where the threshold's bit is 1, the number's must be 1 and the rest
    must pass, plane & passed; where it is 0, either will do, plane | passed. With k = 0 in the
    first case and all ones in the second, both are (plane & passed) | (k & (plane | passed)).

    Examples
    --------
    >>> planes = [np.array([[0b1010]] * 2, np.uint64), np.array([[0b1100]] * 2, np.uint64)]
    >>> steps, passed = at_least(planes, np.array([1, 2]), np.empty((2, 1), np.uint64))
    >>> run(steps)
    >>> [f"{int(word):04b}" for word in passed[:, 0]]         # of the numbers 3, 2, 1 and 0
    ['1110', '1100']
    """
    bits = (threshold >> np.arange(len(planes))[:, None] & 1).astype(np.uint64)
    k = (bits - np.uint64(1))[:, :, None]                     # 0 for a 1, all ones for a 0
    steps, start = [], 0
    if passed is None:                                        # at first all pass
        passed, start = planes[0], 1
        steps.append((np.bitwise_or, (passed, k[0], passed)))
    for plane, each in zip(planes[start:], k[start:]):
        steps += [
            (np.bitwise_or, (plane, passed, spare)),
            (np.bitwise_and, (plane, passed, passed)),
            (np.bitwise_and, (spare, each, spare)),
            (np.bitwise_or, (passed, spare, passed)),
        ]
    beyond = threshold >> len(planes) > 0
    if beyond.any():
        steps.append((passed.__setitem__, (beyond, 0)))
    return steps, passed
