"""Adding bits with logical operations, 64 images at a time.

Each bit of a word belongs to an image of its own (which one, `slice_bits` says), so one operation
on words does one step for 64 images at once.
A full adder turns three bits of equal weight into one of that weight and one of twice that,

    sum = a ^ b ^ c        carry = (a & b) | (c & (a ^ b))        five operations,

until one bit of each weight is left: the sum, in binary. Numbers are lists of *planes*, the i-th of
weight 2^i, each an array of words.
"""

import numpy as np

ALL = np.uint64(2**64 - 1)
BUFFERS = 90     # rows of words in use at a time: two a plane, of numbers below 2^43, and some
LOGICAL = (np.bitwise_and, np.bitwise_or, np.bitwise_xor)


def run(steps, count=None):
    """Do steps that were written down before.

    A neuron's steps are always the same, on the same arrays. To find them takes Python as long as
    doing them takes NumPy, so they are found once.

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


def count_ones(seen, inputs, fan_in, buffers, more=()):
    """Steps that count how many of its inputs are 1, for each neuron and image.

    It is a chain of full adders. A row of inputs goes in; when two rows wait beside a sum, a full
    adder takes all three, and what is carried goes on to the next plane. So of each plane two rows
    are in memory, and they stay in cache. Neurons stand in the order of their fan-in, the largest
    first: the j-th row is for those which have a j-th input, and no adder works on the others.

    Parameters
    ----------
    seen : (depth, D, W) uint64
        The bits of each input, the lowest first.
    inputs : (K, G) int
        Of each of G neurons, from 0 to D - 1; those beyond its fan-in are not looked at.
    fan_in : (G,) int
        Falling, from K.
    buffers : (BUFFERS, G, W) uint64
        Written to.
    more : sequence of (array of rows, row numbers (G,))
        A number to be added, by its planes: one more row for each of them.

    Returns
    -------
    steps : list
        See `run`.
    planes : list of (G, W) uint64
        Some of the buffers, with the sums when the steps are done.

    Examples
    --------
    >>> seen = np.array([[[0b0111], [0b0110], [0b0100]]], np.uint64)    # one, two and three ones
    >>> buffers = np.empty((BUFFERS, 1, 1), np.uint64)
    >>> steps, planes = count_ones(seen, np.array([[0], [1], [2]]), np.array([3]), buffers)
    >>> run(steps)
    >>> [int(plane[0, 0]) for plane in planes]
    [5, 6]
    """
    u, *free = buffers
    G, steps, planes, waiting = len(u), [], [], []

    def put(i, row, n):
        """Add a row, of which the first n are given, to plane i."""
        while i < len(planes) and waiting[i]:
            waits, m = waiting[i]
            if n < m:
                steps.append((row[n:m].fill, (0,)))
            a, b, c, v = planes[i][:m], waits[:m], row[:m], u[:m]
            steps.extend([
                (np.bitwise_xor, (a, b, v)),
                (np.bitwise_and, (a, b, b)),
                (np.bitwise_xor, (c, v, a)),                  # sum: a ^ b ^ c
                (np.bitwise_and, (c, v, c)),
                (np.bitwise_or, (b, c, c)),                   # carry: (a & b) | (c & (a ^ b))
            ])
            free.append(waits)
            waiting[i] = None
            i, n = i + 1, m
        while i >= len(planes):
            planes.append(None)
            waiting.append(None)
        if planes[i] is not None:
            waiting[i] = row, n
            return
        planes[i] = row
        if n < G:
            steps.append((row[n:].fill, (0,)))

    def add(i, rows, numbers):
        row, n = free.pop(), len(numbers)
        # "clip" only because NumPy looks at the numbers twice otherwise
        steps.append((rows.take, (numbers, 0, row[:n], "clip")))
        put(i, row, n)

    for i, (rows, numbers) in enumerate(more):
        add(i, rows, numbers)
    ends = np.searchsorted(-fan_in, -np.arange(len(inputs)))  # how many have a j-th input
    for numbers, n in zip(inputs, ends.tolist()):
        for i, plane in enumerate(seen):
            add(i, plane, numbers[:n])
    i = 0
    while i < len(planes):                                    # there may be more and more
        if waiting[i]:
            waits, n = waiting[i]
            a, b, carry = planes[i][:n], waits[:n], free.pop()
            steps += [(np.bitwise_and, (a, b, carry[:n])), (np.bitwise_xor, (a, b, a))]
            waiting[i] = None
            put(i + 1, carry, n)
        i += 1
    for i, plane in enumerate(planes or [None]):
        if plane is None:
            planes[i : i + 1] = [free.pop()]
            steps.append((planes[i].fill, (0,)))
    return steps, planes


def add_up(levels):
    """Steps that add rows of bits with full adders, all that have one weight, then the next.

    Of n rows a third is added at a time, so few are left soon: faster than the chain of
    `count_ones` where there is one sum, of many rows.

    Parameters
    ----------
    levels : list of (n, ..., W) uint64
        The i-th holds rows of weight 2^i; all of one shape behind n. Overwritten.

    Returns
    -------
    steps : list
        See `run`.
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
        See `run`.
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


def at_least(planes, threshold):
    """Steps that compare numbers with a constant a row: bits [number >= threshold].

    Parameters
    ----------
    planes : list of (G, W) uint64
        Overwritten.
    threshold : (G,) int
        At least 0.

    Returns
    -------
    steps : list
        See `run`.
    passed : (G, W) uint64
        The lowest plane, with these bits when the steps are done.

    Notes
    -----
    From the lowest bit up: where the threshold's bit is 1, the number's must be 1 and the rest
    must pass, plane & passed; where it is 0, either will do, plane | passed. Turned round, one is
    the other: with k = 0 in the first case and all ones in the second, passed ^ k becomes
    (passed ^ k) & (plane ^ k).

    Examples
    --------
    >>> planes = [np.array([[0b1010]] * 2, np.uint64), np.array([[0b1100]] * 2, np.uint64)]
    >>> steps, passed = at_least(planes, np.array([1, 2]))
    >>> run(steps)
    >>> [f"{int(word):04b}" for word in passed[:, 0]]         # of the numbers 3, 2, 1 and 0
    ['1110', '1100']
    """
    bits = (threshold >> np.arange(len(planes))[:, None] & 1).astype(np.uint64)
    k = (bits - np.uint64(1))[:, :, None]                     # 0 for a 1, all ones for a 0
    passed = planes[0]
    steps = [(np.bitwise_and, (passed, k[0] ^ ALL, passed))]
    for i, plane in enumerate(planes[1:], 1):
        steps += [
            (np.bitwise_xor, (passed, k[i - 1] ^ k[i], passed)),
            (np.bitwise_xor, (plane, k[i], plane)),
            (np.bitwise_and, (passed, plane, passed)),
        ]
    steps.append((np.bitwise_xor, (passed, k[-1], passed)))
    beyond = threshold >> len(planes) > 0
    if beyond.any():
        steps.append((passed.__setitem__, (beyond, 0)))
    return steps, passed


def slice_bits(x, bits=lambda part: part):
    """Turn numbers by image into words of 64 images, of which bit b of byte i is image 8 W b + i.

    Parameters
    ----------
    x : (N, D) uint8
    bits : function, optional
        From some images, (n, D) uint8, to what is to be sliced, the same of 0 and 1; left out, they
        are such already. It gets an eighth at a time, which stays in cache.

    Returns
    -------
    rows : (D, W) uint64, W = ceil(N / 64)

    Notes
    -----
    So the eight bits of a byte are eighths of x, one on top of the other, and all that is left is
    to turn columns of bytes into rows.

    Examples
    --------
    >>> x = np.zeros((16, 2), np.uint8)                       # W = 1: eighths of 8 images
    >>> x[[0, 1, 8]] = [1, 0], [1, 1], [0, 1]
    >>> [[f"{byte:08b}" for byte in row.tobytes()[:2]] for row in slice_bits(x).astype("<u8")]
    [['00000001', '00000001'], ['00000010', '00000001']]
    """
    N, D = x.shape
    n = 8 * -(-N // 64)
    stack = np.zeros((n, -(-D // 8)), np.uint64)              # eight inputs in a word, for speed
    padded = np.zeros((n, 8 * stack.shape[1]), np.uint8)
    for start in range(7 * n, -1, -n):
        stack <<= np.uint64(1)                                # no bit leaves its byte
        part = bits(x[start : start + n])
        if part.shape != padded.shape:
            padded[: len(part), :D], padded[len(part) :] = part, 0
            part = padded
        stack |= np.ascontiguousarray(part).view(np.uint64)
    rows = np.ascontiguousarray(stack.view(np.uint8)[:, :D].T)
    return rows.view("<u8").astype(np.uint64)


def numbers(planes):
    """Numbers by image, (..., 64 W) int32, from their planes, a list of (..., W) uint64."""
    total = 0
    for i, plane in enumerate(planes):
        bits = np.unpackbits(plane.astype("<u8").view(np.uint8), axis=-1, bitorder="little")
        # bytes as long as they hold the sum
        total = total + (bits << np.uint8(i) if i < 8 else bits.astype(np.int32) << np.int32(i))
    # images lie across the bytes, see `slice_bits`
    total = total.reshape(*total.shape[:-1], -1, 8).swapaxes(-1, -2)
    return np.ascontiguousarray(total, np.int32).reshape(*total.shape[:-2], -1)
