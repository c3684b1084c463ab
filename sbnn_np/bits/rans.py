"""Coding bits that are mostly 0, close to their entropy: gaps between the ones, by rANS.

A sparse row of bits is known if the gaps between its ones are known. If a fraction p of the bits is
1, a gap of g zeros has probability p (1-p)^g, whatever came before, and an ideal code spends -log2
of that. rANS (Duda, 2013, "Asymmetric numeral systems") spends nearly as little. It keeps one
number, the state. What it codes are symbols (here the lengths of gaps), and 65536 slots are divided
among the possible symbols: a symbol of frequency f has f slots, which begin at slot c. To write it,

    state  ->  (state // f) 65536  +  c  +  state % f.

To read a symbol, find the symbol that has slot state % 65536, and reverse this step. A symbol makes
the state 65536 / f times larger, so it costs log2(65536 / f) bits. When the state gets too large,
the writer puts out its low 16 bits. When it gets too small, the reader takes in 16 bits. The last
symbol written is the first one read. So the writer begins with the last symbol.

The symbols are distributed over many states, the lanes, in turn. NumPy does a step of all lanes at
once. The number of ones is all that a reader needs to know the frequencies.

Format, little endian: a byte, 0 for plain bits (eight to a byte, the first one lowest, and 0 behind
the last), or 1 and

    K      uint32        number of ones among the n bits
    T      uint32        number of symbols
    state  uint32        one for each of L = min(T, max(16, ceil(T / 1024))) lanes; the reader
                         begins with them
    words  uint16 ...    in the order of reading

A writer takes the shorter form, or the coded one if all bits are alike; a reader reads both. If
2 K > n, the bits are inverted before they are coded: 0 becomes 1, and 1 becomes 0. So at most half
of the coded bits are ones. If no ones are left, T is 0 and nothing follows it. Each one with g
zeros before it becomes g // 255 symbols 255, then the symbol g % 255. So a symbol below 255 stands
for its zeros and the one behind them. Zeros behind the last one are not written, so the last symbol
is not 255.

With p = min(K, n - K) / n, symbol g < 255 has frequency 1 + floor(65280 p (1-p)^g), and symbol 255
has 1 + floor(65280 (1-p)^255). All numbers are IEEE doubles, and powers are repeated products: q is
1 at first; for each g in turn p(1-p)^g is q p, and then q becomes q (1 - p). The frequencies must
add up to 65536. The symbol with the largest probability gets the difference; if several have it,
the smallest of them does. The slots are in the order of the symbols 0, 1, ..., 255: symbol s begins
at slot c, the sum of the frequencies of all symbols before it.

Symbol t belongs to lane t % L. The reader goes from the first symbol to the last. The symbol is the
one that has slot state % 65536. With its frequency f and first slot c,

    state  ->  (state // 65536) f  +  state % 65536  -  c.

If that is below 65536, state -> 65536 state + the next word. At the end all words have been read,
and every state is 65536.
"""

import struct

import numpy as np

LONG_GAP = 255               # this symbol stands for 255 zeros, and the gap goes on
SYMBOLS_AT_ONCE = 1 << 18    # the reader turns so many symbols into places at a time
SLOTS = 1 << 16              # divided among the symbols
END_STATE = 1 << 16          # the writer begins with it, and the reader must end with it


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
    symbols = gap_symbols(bits if 2 * K <= len(bits) else ~bits)
    T = len(symbols)
    if not T:
        return b"\1" + struct.pack("<II", K, T)
    frequency, first_slot = frequencies(min(K, len(bits) - K) / len(bits))
    L = lane_count(T)
    state, words = np.full(L, END_STATE, np.uint64), []
    for start in range((T - 1) // L * L, -1, -L):
        symbol = symbols[start : start + L]
        lane, f, c = state[: len(symbol)], frequency[symbol], first_slot[symbol]
        too_large = lane >= f << np.uint64(16)
        words.append((lane[too_large] % SLOTS)[::-1])
        lane[too_large] >>= np.uint64(16)
        lane[:] = (lane // f << np.uint64(16)) + c + lane % f
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
        If these are no n bits in this format.
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
    coded_ones = min(K, n - K)
    if K > n or T > coded_ones + n // LONG_GAP or (T == 0) != (coded_ones == 0):
        raise ValueError(f"{K} ones in {T} symbols cannot be {n} bits")
    L = lane_count(T)
    # a symbol takes at most one word
    if not 9 + 4 * L <= len(coded) <= 9 + 4 * L + 2 * T or len(coded) % 2 == 0:
        raise ValueError(f"{len(coded)} bytes cannot be {T} symbols")
    bits = np.zeros(n, bool)
    if T:
        bits = bits_of(decode_symbols(coded, T, L, *frequencies(coded_ones / n)), n)
    if np.count_nonzero(bits) != coded_ones:
        raise ValueError(f"there are other than {coded_ones} gaps")
    return bits if 2 * K <= n else ~bits


def decode_symbols(coded, T, L, frequency, first_slot):
    """Read the symbols.

    Parameters
    ----------
    coded : bytes
    T, L : int
        Numbers of symbols and of lanes.
    frequency, first_slot : (256,) uint64
        See `frequencies`.

    Returns
    -------
    symbols : (T,) uint8

    Raises
    ------
    ValueError
        If the words are too few or too many, or the states do not end as they must.
    """
    state = np.frombuffer(coded, "<u4", L, 9).astype(np.uint64)
    stream = np.frombuffer(coded, "<u2", offset=9 + 4 * L).astype(np.uint64)
    # tables of what a slot leads to: its symbol, the symbol's frequency, and slot - first_slot
    symbol_of_slot = np.repeat(np.arange(256, dtype=np.uint8), frequency.astype(int))
    frequency_of_slot = frequency[symbol_of_slot]
    offset_of_slot = np.arange(SLOTS, dtype=np.uint64) - first_slot[symbol_of_slot]
    low, shift, words_read = np.uint64(SLOTS - 1), np.uint64(16), 0
    symbols = np.empty(T, np.uint8)
    for start in range(0, T, L):
        lane = state[: min(L, T - start)]
        slot = (lane & low).view(np.int64)
        symbols[start : start + L] = symbol_of_slot.take(slot)
        lane >>= shift
        lane *= frequency_of_slot.take(slot)
        lane += offset_of_slot.take(slot)
        (too_small,) = (lane < END_STATE).nonzero()
        words = stream[words_read : words_read + len(too_small)]
        if len(words) < len(too_small):
            raise ValueError("words end before symbols do")
        lane[too_small] = lane[too_small] << shift | words
        words_read += len(too_small)
    if words_read != len(stream) or (state != END_STATE).any():
        raise ValueError("states do not end where they began")
    return symbols


def lane_count(T):
    """Number of lanes for T symbols, int.

    Few lanes, because each costs 4 bytes; but so many that a lane has at most 1024 symbols.
    """
    return min(T, max(16, -(-T // 1024)))


def frequencies(p):
    """How many of the 65536 slots each symbol has, and where they begin, if a fraction p is 1.

    Parameters
    ----------
    p : float

    Returns
    -------
    frequency, first_slot : (256,) uint64
        Every frequency is at least 1. Only products of doubles are used, so every machine finds
        the same numbers.
    """
    probability, q = [], 1.0
    for _ in range(LONG_GAP):
        probability.append(q * p)
        q *= 1 - p
    probability.append(q)
    frequency = [1 + int(each * (SLOTS - 256)) for each in probability]
    frequency[probability.index(max(probability))] += SLOTS - sum(frequency)
    first_slot = np.cumsum([0, *frequency[:-1]])
    return np.array(frequency, np.uint64), first_slot.astype(np.uint64)


def gap_symbols(bits):
    """Turn bits into symbols: the zeros before each one.

    Parameters
    ----------
    bits : (n,) bool

    Returns
    -------
    symbols : (T,) uint8
        For each one: LONG_GAP for each 255 zeros before it, then the number of those that remain.

    Examples
    --------
    >>> gap_symbols(np.array([0, 0, 1, 1, 0, 1, 0], bool))
    array([2, 0, 1], dtype=uint8)
    """
    places = np.flatnonzero(bits)
    gap = np.diff(places, prepend=-1) - 1
    long_gaps = gap // LONG_GAP
    symbols = np.full(len(gap) + long_gaps.sum(), LONG_GAP, np.uint8)
    symbols[np.cumsum(long_gaps + 1) - 1] = gap % LONG_GAP
    return symbols


def bits_of(symbols, n):
    """Turn symbols back into bits; the reverse of `gap_symbols`.

    Parameters
    ----------
    symbols : (T,) uint8
        At least one.
    n : int

    Returns
    -------
    bits : (n,) bool

    Raises
    ------
    ValueError
        If the gaps are longer than n bits, or the last symbol is LONG_GAP.
    """
    bits, end = np.zeros(n, bool), 0          # end: how many bits the symbols so far stand for
    for start in range(0, len(symbols), SYMBOLS_AT_ONCE):
        chunk = symbols[start : start + SYMBOLS_AT_ONCE]
        ends_in_one = chunk != LONG_GAP
        ends = end + np.cumsum(chunk.astype(np.int64) + ends_in_one)
        end = int(ends[-1])
        if end > n:
            raise ValueError(f"gaps reach beyond {n} bits")
        bits[ends[ends_in_one] - 1] = True
    if symbols[-1] == LONG_GAP:
        raise ValueError("gaps do not end with a one")
    return bits
