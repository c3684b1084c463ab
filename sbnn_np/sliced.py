"""Engine 4: 64 images in a word, added bit by bit.

Bit n of a word belongs to image n, so one logical operation does one step for 64 images at
once. A neuron gathers the words of the inputs it is connected to and adds them with full
adders: three words of equal weight become one of that weight and one of twice that,

    sum = a ^ b ^ c        carry = (a & b) | (c & (a ^ b))        five operations,

until one word of each weight is left: the sum, in binary, of 64 images at once. A comparison
with the threshold, again bit by bit, gives the next layer's input, sliced already. Work follows
the ones: a weight that is 0 costs nothing.

A *row*, (W,) uint64, holds one bit for each of 64 W images; for a convolution, of 64 W pairs of
an image and a place. Numbers are lists of *planes*, the i-th of weight 2^i.
"""

import numpy as np

from sbnn_np import floats, frozen, threads

ALL = np.uint64(2**64 - 1)
CHUNK = 1 << 15   # words that are added in one go: 256 KB, and half as many that are carried
COLUMNS = 128     # words of a row at a time


class Sliced:
    """A frozen 0/1 network, ready to run on 64 images a word, on two threads.

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
        self.layers = [Layer(block) for block in model.blocks if block.weights != "float"]
        # words of images at a time: so many that a row of places fills the columns
        widest = max(block.sums_shape[1] if block.kernel else 1 for block in model.blocks)
        self.words = max(1, COLUMNS // widest)

    def forward(self, images, count=None):
        """Compute class scores.

        Parameters
        ----------
        images : see `frozen.Frozen.inputs`
        count : bitops.Count, optional
            Its `word_ops` grows by the logical operations on words.

        Returns
        -------
        scores : (N, M) float32
        """
        return self.run(floats.first_bits(self.model, images), count)

    def run(self, x, count=None):
        """Scores from what `floats.first_bits` gives."""
        scores = np.empty((len(x), len(self.model.classes)), np.float32)

        def some(part):
            for start in range(part.start, part.stop, self.words):
                n = slice(64 * start, min(64 * min(start + self.words, part.stop), len(x)))
                scores[n] = self.through(*floats.as_bits(self.model, x[n]), count)

        words = -(-len(x) // 64)
        some(slice(0, words)) if count else threads.halves(some, words)
        return scores

    def through(self, x, depth, count):
        """Scores of inputs (N, ...) uint8 of `depth` bits each, on this thread."""
        N, flat = len(x), x.reshape(len(x), -1)
        rows = np.stack([slice_bits(flat if depth == 1 else flat >> i & 1) for i in range(depth)])
        *shape, C = (*x.shape[1:],) if x.ndim == 4 else (1, 1, x[0].size)
        # (depth, H, W, C, words) to (depth, C, H, W, words): a row for each place of a channel
        images = np.moveaxis(rows.reshape(depth, *shape, C, -1), 3, 1)
        for layer in self.layers[:-1]:
            images = layer.fire(layer.fit(images), count)[None]
        return self.layers[-1].scores(self.layers[-1].fit(images), count)[:N]


class Layer:
    """A block, with its neurons in the order of their fan-in, so that equals are added together.

    Parameters
    ----------
    block : frozen.Block
    """

    def __init__(self, block):
        self.block = block
        self.K = block.w.sum(axis=0)
        self.order = np.argsort(-self.K, kind="stable")
        # the inputs of each neuron, one behind the other
        neurons, self.inputs = np.nonzero(block.w.T)
        self.starts = np.searchsorted(neurons, np.arange(len(self.K)))
        self.groups = {}

    def fit(self, images):
        """Images (depth, C, H, W, words) as this block takes them; a dense one wants (D,)."""
        if self.block.kernel is not None:
            P = self.block.padding
            return np.pad(images, ((0, 0), (0, 0), (P, P), (P, P), (0, 0)))
        depth, C, H, W, words = images.shape
        return np.moveaxis(images, 1, 3).reshape(depth, H * W * C, 1, 1, words)

    def windows(self, images):
        """Yield runs of output rows, and the rows of bits that their windows see.

        Yields
        ------
        rows : slice
            Of the OH output rows.
        seen : (depth, D + 1, W) uint64
            A row for each of the D inputs of a window, and one of zeros.
        """
        (KH, KW), stride = self.block.kernel or (1, 1), self.block.stride
        depth, C, _, _, words = images.shape
        OH, OW, _ = self.block.sums_shape if self.block.kernel else (1, 1, 0)
        step = max(1, COLUMNS // (OW * words))
        for start in range(0, OH, step):
            n = min(start + step, OH) - start
            seen = np.empty((depth, KH * KW * C + 1, n, OW, words), np.uint64)
            seen[:, -1] = 0
            for i, (kh, kw) in enumerate(np.ndindex(KH, KW)):
                seen[:, i * C : (i + 1) * C] = images[
                    :, :, stride * start + kh : stride * (start + n - 1) + kh + 1 : stride,
                    kw : kw + stride * (OW - 1) + 1 : stride,
                ]
            yield slice(start, start + n), seen.reshape(depth, KH * KW * C + 1, -1)

    def groups_of(self, depth, W, exact):
        """Neurons that are added together: (neurons (G,), their inputs (K, G)), a list.

        A few neurons at a time fill the cache. If rows are short, many fit, and for the sake of
        fewer and larger steps their fan-ins may differ: fewer inputs are filled up with the row of
        zeros. With `exact` they may not, so that no operation is done in vain.
        """
        if (depth, W, exact) not in self.groups:
            groups, start, D = [], 0, len(self.block.w)
            while start < len(self.order):
                K = int(self.K[self.order[start]])
                neurons = self.order[start : start + max(1, CHUNK // (depth * max(K, 1) * W))]
                neurons = neurons[self.K[neurons] >= (K if exact else (K + 1) // 2)]
                j = np.arange(K)[:, None]
                at = np.minimum(self.starts[neurons] + j, len(self.inputs) - 1)
                inputs = np.where(j < self.K[neurons], self.inputs[at], D) if K else at
                groups.append((neurons, inputs))
                start += len(neurons)
            self.groups[depth, W, exact] = groups
        return self.groups[depth, W, exact]

    def fire(self, images, count=None):
        """Bits that go out, (M, OH, OW, words), pooled; images as from `fit`."""
        block, words = self.block, images.shape[-1]
        OH, OW, M = (1, 1, *block.sums_shape)[-3:]
        fired = np.empty((M, OH, OW * words), np.uint64)
        for rows, seen in self.windows(images):
            depth, _, W = seen.shape
            shared = Shared(block, seen, count) if block.centre else None
            for neurons, inputs in self.groups_of(depth, W, count is not None):
                if not len(inputs) and not shared:
                    fired[neurons, rows] = ALL                # no inputs: always the same
                    continue
                z = add_up([np.take(plane, inputs, axis=0) for plane in seen], count)
                passed = (shared.at_least if shared else at_least)(
                    z, block.threshold[neurons], count
                )
                fired[neurons, rows] = passed.reshape(len(neurons), -1, OW * words)
        size = block.pool
        fired = fired.reshape(M, OH, OW, words)[:, : OH - OH % size, : OW - OW % size]
        corners = [fired[:, i::size, j::size] for i, j in np.ndindex(size, size)]
        out = np.bitwise_or.reduce(corners) if size > 1 else fired
        # the largest sum of a square passes if any does; a flip comes behind that
        out ^= np.where(block.flip, ALL, np.uint64(0))[:, None, None, None]
        if count:
            count.word_ops += out.size * size * size
        return out

    def scores(self, images, count=None):
        """Class scores, (64 W, M) float32, of the last block."""
        block = self.block
        ((_, seen),) = self.windows(images)
        depth, _, W = seen.shape
        z = np.empty((64 * W, block.w.shape[1]), np.int64)
        for neurons, inputs in self.groups_of(depth, W, count is not None):
            rows = [np.take(plane, inputs, axis=0) for plane in seen]
            z[:, neurons] = numbers(add_up(rows, count)).T
        if block.centre:
            total = numbers(add_up(list(seen[:, :-1].copy()), count))
            z = block.unit * z - block.centre * total[:, None]
        return floats.scored(block, (z / block.unit).astype(np.float32))


class Shared:
    """What all neurons of a centred block share: c times the sum of the inputs, c = 64 centre.

    A neuron passes if 64 z - c S >= threshold. With threshold + 63 = 64 a + b, where b is from 0
    to 63, and c S = 64 high + low, that is

        z - high - [low >= 64 - b]  >=  a,

    so what is left a neuron is one subtraction with a borrow, and one comparison with a constant.

    Parameters
    ----------
    block : frozen.Block
    seen : (depth, D + 1, W) uint64
        See `Layer.windows`.
    count : bitops.Count, optional
    """

    def __init__(self, block, seen, count=None):
        total = add_up(list(seen[:, :-1].copy()), count)
        W = seen.shape[-1]
        levels = [np.empty((0, W), np.uint64)] * (len(total) + 6)
        for j in range(7):                                    # of a centre up to 64
            if block.centre >> j & 1:
                for i, plane in enumerate(total):
                    levels[i + j] = np.concatenate([levels[i + j], plane[None]])
        product = add_up(levels, count)
        self.not_high = [plane ^ ALL for plane in product[6:]]
        low = [np.broadcast_to(plane, (64, W)) for plane in product[:6]]
        self.no_borrow = at_least(low, 64 - np.arange(64), count) ^ ALL
        if count:
            count.word_ops += (len(self.not_high) + 64) * W

    def at_least(self, z, threshold, count=None):
        a, b = np.divmod(threshold.astype(np.int64) + frozen.UNIT - 1, frozen.UNIT)
        bits = max(len(z), len(self.not_high)) + 1
        difference = add_two(z, self.not_high, self.no_borrow[b], bits, count)
        difference[-1] ^= ALL                                 # plus 2^(bits-1): never negative
        if count:
            count.word_ops += difference[-1].size
        return at_least(difference, np.maximum(a + (1 << (bits - 1)), 0), count)


def add_up(levels, count=None):
    """Add rows of bits with full adders, all that have one weight, then the next.

    Parameters
    ----------
    levels : list of (n, ..., W) uint64
        The i-th holds rows of weight 2^i; all of one shape behind n. Overwritten.
    count : bitops.Count, optional
        Its `word_ops` grows by the logical operations on words.

    Returns
    -------
    planes : list of (..., W) uint64
        The sum, lowest weight first.

    Examples
    --------
    >>> ones = np.array([[0b0111], [0b0110], [0b0100]], np.uint64)   # one, two and three ones
    >>> [int(plane[0]) for plane in add_up([ones])]
    [5, 6]
    """
    planes, i = [], 0
    carried = np.empty((0, *levels[0].shape[1:]), np.uint64)
    while i < len(levels) or len(carried):
        x = carried
        if i < len(levels):
            x = np.concatenate([levels[i], carried]) if len(carried) else levels[i]
        carried = np.empty((len(x) // 2, *x.shape[1:]), np.uint64)
        planes.append(add_level(x, carried, count) if len(x) else np.zeros(x.shape[1:], np.uint64))
        i += 1
    return planes


def add_level(x, carried, count=None):
    """Add rows of one weight: return what is left of that weight, and write what is carried.

    Parameters
    ----------
    x : (n, ..., W) uint64
        Overwritten.
    carried : (n // 2, ..., W) uint64
        Written to.
    count : see `add_up`

    Returns
    -------
    plane : (..., W) uint64
        The last row of x.
    """
    done, ahead, u = 0, len(x), np.empty((len(x) // 3, *x.shape[1:]), np.uint64)
    while ahead > 2:
        n = ahead // 3
        a, b, c = (x[len(x) - ahead + i * n :][:n] for i in range(3))
        carry = carried[done : done + n]
        np.bitwise_xor(a, b, out=u[:n])
        a &= b
        np.bitwise_and(c, u[:n], out=b)
        np.bitwise_or(a, b, out=carry)                        # (a & b) | (c & (a ^ b))
        c ^= u[:n]                                            # a ^ b ^ c
        ahead, done = ahead - 2 * n, done + n
        if count:
            count.word_ops += 5 * a.size
    if ahead == 2:
        np.bitwise_and(x[-2], x[-1], out=carried[done])
        x[-1] ^= x[-2]
        if count:
            count.word_ops += 2 * x[-1].size
    return x[-1]


def add_two(a, b, carry, bits, count=None):
    """Add two numbers and a bit, as planes, modulo 2^bits.

    Parameters
    ----------
    a : list of (G, W) uint64
        Planes that are missing are 0.
    b : list of (W,) uint64
        Planes that are missing are 1, as in the complement of a small number.
    carry : (G, W) uint64
    bits : int
    count : see `add_up`

    Returns
    -------
    planes : list of (G, W) uint64
    """
    planes = []
    for i in range(bits):
        if i < len(a) and i < len(b):
            u = a[i] ^ b[i]
            planes.append(u ^ carry)
            carry = (a[i] & b[i]) | (carry & u)
            ops = 5
        elif i < len(a):
            planes.append(a[i] ^ carry ^ ALL)
            carry = a[i] | carry
            ops = 3
        elif i < len(b):
            planes.append(b[i] ^ carry)
            carry = b[i] & carry
            ops = 2
        else:
            planes.append(carry ^ ALL)
            ops = 1
        if count:
            count.word_ops += ops * carry.size
    return planes


def at_least(planes, threshold, count=None):
    """Compare numbers with a constant a row: bits [number >= threshold].

    Parameters
    ----------
    planes : list of (G, W) uint64
    threshold : (G,) int
        At least 0.
    count : see `add_up`

    Returns
    -------
    passed : (G, W) uint64

    Notes
    -----
    From the lowest bit up: where the threshold's bit is 1, the number's must be 1 and the rest
    must pass; where it is 0, either will do.
    """
    passed = None
    for i, plane in enumerate(planes):
        free = np.where(threshold >> i & 1, np.uint64(0), ALL)[:, None]
        either = plane | (free if passed is None else passed)
        passed = either if passed is None else (plane & passed) | (free & either)
    passed[threshold >> len(planes) > 0] = 0
    if count:
        count.word_ops += (4 * len(planes) - 3) * passed.size
    return passed


def slice_bits(x):
    """Turn bits by image into words of 64 images.

    Parameters
    ----------
    x : (N, D) uint8
        Of 0 and 1.

    Returns
    -------
    rows : (D, W) uint64, W = ceil(N / 64)

    Notes
    -----
    Blocks of 64 x 64 bits are transposed by changing places of their quarters, then of the
    quarters of those, down to single bits: six rounds for all blocks at once (Warren, Hacker's
    Delight, 7-3).

    Examples
    --------
    >>> slice_bits(np.array([[1, 0], [1, 1], [0, 1]], np.uint8))
    array([[3],
           [6]], dtype=uint64)
    """
    N, D = x.shape
    W, words = -(-N // 64), -(-D // 64)
    padded = np.zeros((64 * W, 8 * words), np.uint8)
    packed = np.packbits(x, axis=1, bitorder="little")
    padded[:N, : packed.shape[1]] = packed
    # block[i, d, w] is the d-th word of image 64 w + i
    block = padded.view("<u8").reshape(W, 64, words).transpose(1, 2, 0).copy()
    for j in (32, 16, 8, 4, 2, 1):
        keep = np.uint64(sum(1 << i for i in range(64) if not i & j))
        halves = block.reshape(64 // (2 * j), 2, j, words, W)
        first, second = halves[:, 0], halves[:, 1]
        change = (first >> np.uint64(j) ^ second) & keep
        second ^= change
        first ^= change << np.uint64(j)
    return block.transpose(1, 0, 2).reshape(64 * words, W)[:D]


def numbers(planes):
    """Numbers from their planes: (..., 64 W) int64 from a list of (..., W) uint64."""
    total = 0
    for i, plane in enumerate(planes):
        bits = np.unpackbits(plane.astype("<u8").view(np.uint8), axis=-1, bitorder="little")
        total = total + (bits.astype(np.int64) << i)
    return total
