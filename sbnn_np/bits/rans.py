"""Coding bits that are mostly 0, close to their entropy: gaps between the ones, by rANS.

A sparse row of bits is told by the gaps between its ones. If a fraction p is 1, a gap of g zeros
has probability p (1-p)^g, whatever came before, and an ideal code spends -log2 of that. rANS
(Duda, 2013, "Asymmetric numeral systems") comes within a hair of it. Its whole memory is a
number, the state. To write a symbol that has f of 2^16 parts, beginning at part c, is

    state  ->  (state // f) 2^16  +  c  +  state % f

and to read it is to look into which part state % 2^16 falls, and to do the reverse. The state
grows by a factor of 2^16 / f, so by as many bits as the symbol deserves. Before it gets too large
its low 16 bits are put out; when it gets too small, reading takes 16 in. Last in, first out: so
the writer begins with the last symbol.

Symbols are dealt out to many states, the lanes, in turn; what NumPy does for one, it does for all.
Nothing but the number of ones is needed to know the probabilities.

Format, little endian: a byte, 0 for plain bits (eight to a byte, the first one lowest, and 0 behind
the last), or 1 and

    K      uint32        number of ones, of the n bits as they are
    T      uint32        number of symbols
    state  uint32        for each of L = min(T, max(16, ceil(T / 1024))) lanes, as the reader begins
    words  uint16 ...    in the order of reading

A writer takes what is shorter; a reader takes both. If 2 K > n, what is coded is the bits turned
round, so that ones are never the more frequent ones. If there are none then, T is 0 and nothing
follows it. Before each one stand g zeros: g // 255 symbols 255, then the symbol g % 255, which says
that the one comes. What follows the last one is not written at all, so the last symbol is not 255.

With p = min(K, n - K) / n, symbol g < 255 has 1 + floor(65280 p (1-p)^g) parts of the 65536 and
symbol 255 has 1 + floor(65280 (1-p)^255). All is in IEEE doubles, and powers are products: q = 1
at first; p(1-p)^g is q p, and then q becomes q (1 - p). What is missing to 65536 goes to the symbol
of the largest share, the lower one of equals. Symbols lie in the order 0, 1, ..., 255: symbol s
begins at c, the sum of the parts of all before it.

Symbol t belongs to lane t % L. The reader goes from the first symbol to the last. The part
state % 65536 tells the symbol, of f parts beginning at c; then

    state  ->  (state // 65536) f  +  state % 65536  -  c,

and if that is below 65536, state -> 65536 state + the next word. At the end all words are read, and
every state is 65536.
"""

import struct

import numpy as np

LONG = 255        # the symbol of 255 zeros after which the gap goes on
PIECE = 1 << 18   # symbols that are turned into places in one go
PARTS = 1 << 16
START = 1 << 16   # of every state; what a reader must end with


def encode(bits):
    """Code bits.

    Parameters
    ----------
    bits : (n,) bool

    Returns
    -------
    coded : bytes

    Examples
    --------
    >>> bits = np.arange(10000) % 97 == 0
    >>> len(encode(bits)), bool((decode(encode(bits), 10000) == bits).all())
    (169, True)
    """
    bits = np.asarray(bits, bool)
    plain = b"\0" + np.packbits(bits, bitorder="little").tobytes()
    K = int(np.count_nonzero(bits))
    symbols = gaps(bits if 2 * K <= len(bits) else ~bits)
    T = len(symbols)
    if not T:
        return b"\1" + struct.pack("<II", K, T)
    f, c = parts(min(K, len(bits) - K) / len(bits))
    L = lanes(T)
    state, words = np.full(L, START, np.uint64), []
    for start in range((T - 1) // L * L, -1, -L):
        symbol = symbols[start : start + L]
        mine, f_, c_ = state[: len(symbol)], f[symbol], c[symbol]
        full = mine >= f_ << np.uint64(16)
        words.append((mine[full] % PARTS)[::-1])
        mine[full] >>= np.uint64(16)
        mine[:] = (mine // f_ << np.uint64(16)) + c_ + mine % f_
    stream = np.concatenate(words)[::-1].astype("<u2")
    coded = b"\1" + struct.pack("<II", K, T) + state.astype("<u4").tobytes() + stream.tobytes()
    return min(coded, plain, key=len)


def decode(coded, n):
    """Read n bits that `encode` wrote.

    Parameters
    ----------
    coded : bytes
    n : int

    Returns
    -------
    bits : (n,) bool

    Raises
    ------
    ValueError
        If they were not written so.
    """
    if coded[:1] == b"\0":
        if len(coded) != 1 + -(-n // 8):
            raise ValueError(f"{len(coded)} bytes are not the {n} bits they should be")
        bits = np.unpackbits(np.frombuffer(coded, np.uint8, offset=1), bitorder="little")
        if bits[n:].any():
            raise ValueError("bits behind the last one are not 0")
        return bits[:n].view(bool)
    if coded[:1] != b"\1" or len(coded) < 9:
        raise ValueError("neither plain nor coded bits")
    K, T = struct.unpack_from("<II", coded, 1)
    few = min(K, n - K)
    if K > n or T > few + n // LONG or (T == 0) != (few == 0):
        raise ValueError(f"{K} ones in {T} symbols cannot be {n} bits")
    L = lanes(T)
    # a symbol takes a word at the most
    if not 9 + 4 * L <= len(coded) <= 9 + 4 * L + 2 * T or len(coded) % 2 == 0:
        raise ValueError(f"{len(coded)} bytes cannot be {T} symbols")
    bits = spread(read(coded, T, L, *parts(few / n)), n) if T else np.zeros(n, bool)
    if np.count_nonzero(bits) != few:
        raise ValueError(f"there are other than {few} gaps")
    return bits if 2 * K <= n else ~bits


def read(coded, T, L, f, c):
    """The T symbols of `coded`, (T,) uint8, where f and c are from `parts`."""
    state = np.frombuffer(coded, "<u4", L, 9).astype(np.uint64)
    stream = np.frombuffer(coded, "<u2", offset=9 + 4 * L).astype(np.uint64)
    # what a part leads to, found once: its symbol, the symbol's f, and part - c
    symbol_of_part = np.repeat(np.arange(256, dtype=np.uint8), f.astype(int))
    f_of_part = f[symbol_of_part]
    rest_of_part = np.arange(PARTS, dtype=np.uint64) - c[symbol_of_part]
    low, shift, begin = np.uint64(PARTS - 1), np.uint64(16), 0
    symbols = np.empty(T, np.uint8)
    for start in range(0, T, L):
        mine = state[: min(L, T - start)]
        part = (mine & low).view(np.int64)
        symbols[start : start + L] = symbol_of_part.take(part)
        mine >>= shift
        mine *= f_of_part.take(part)
        mine += rest_of_part.take(part)
        (empty,) = (mine < START).nonzero()
        more = stream[begin : begin + len(empty)]
        if len(more) < len(empty):
            raise ValueError("words end before symbols do")
        mine[empty] = mine[empty] << shift | more
        begin += len(empty)
    if begin != len(stream) or (state != START).any():
        raise ValueError("states do not end where they began")
    return symbols


def lanes(T):
    """Number of lanes for T symbols: few, as each costs 4 bytes, but at most 1024 rounds."""
    return min(T, max(16, -(-T // 1024)))


def parts(p):
    """How many of 2^16 parts each symbol has, and where they begin, if a fraction p is 1.

    Parameters
    ----------
    p : float

    Returns
    -------
    f, c : (256,) uint64
        Every f is at least 1. They follow from products of doubles alone, so that every machine
        finds the same.
    """
    share, left = [], 1.0
    for _ in range(LONG):
        share.append(left * p)
        left *= 1 - p
    share.append(left)
    f = [1 + int(s * (PARTS - 256)) for s in share]
    f[share.index(max(share))] += PARTS - sum(f)
    return np.array(f, np.uint64), np.cumsum([0, *f[:-1]]).astype(np.uint64)


def gaps(bits):
    """Zeros before each one, as symbols: LONG for each 255 of them, and what remains."""
    places = np.flatnonzero(bits)
    gap = np.diff(places, prepend=-1) - 1
    long = gap // LONG
    symbols = np.full(len(gap) + long.sum(), LONG, np.uint8)
    symbols[np.cumsum(long + 1) - 1] = gap % LONG
    return symbols


def spread(symbols, n):
    """Bits, (n,), from `gaps`."""
    bits, before = np.zeros(n, bool), 0
    for start in range(0, len(symbols), PIECE):
        piece = symbols[start : start + PIECE]
        is_one = piece != LONG
        ends = before + np.cumsum(piece.astype(np.int64) + is_one)
        before = int(ends[-1])
        if before > n:
            raise ValueError(f"gaps reach beyond {n} bits")
        bits[ends[is_one] - 1] = True
    if symbols[-1] == LONG:
        raise ValueError("gaps do not end with a one")
    return bits
