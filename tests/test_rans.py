"""Coded bits: the identity, close to the entropy, and no bytes but a writer's are believed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbnn_np.bits import rans
from sbnn_np.core import quantize


@given(st.integers(0, 2**32 - 1), st.integers(1, 5000), st.floats(0, 1))
def test_what_is_read_is_what_was_written(seed, n, p):
    bits = np.random.default_rng(seed).random(n) < p
    coded = rans.encode(bits)
    assert np.array_equal(rans.decode(coded, n), bits)
    assert len(coded) <= 1 + -(-n // 8) or not bits.any() or bits.all()


@pytest.mark.parametrize("places", [[], [0], [254], [255], [256], [509], [510], [999], [0, 999]])
def test_gaps_of_every_length(places):
    bits = np.zeros(1000, bool)
    bits[places] = True
    for each in (bits, ~bits):
        assert np.array_equal(rans.decode(rans.encode(each), 1000), each)


def test_gaps_by_hand():
    bits = np.zeros(800, bool)
    bits[[2, 3, 259, 600]] = True
    # 2 zeros; none; 255; 340 = 255 + 85
    assert rans.gap_symbols(bits).tolist() == [2, 0, rans.LONG_GAP, 0, rans.LONG_GAP, 85]


@pytest.mark.parametrize("density", [0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("n", [10_000, 40_000, 300_000])
def test_size_is_the_entropy_and_little_more(density, n, rng):
    bits = np.zeros(n, bool)
    bits[rng.choice(n, quantize.ones_within(density, n), replace=False)] = True
    entropy = n * quantize.binary_entropy(np.count_nonzero(bits) / n) / 8
    assert entropy - 1 < len(rans.encode(bits)) <= 1.02 * entropy + 128


@given(st.floats(1e-7, 0.5))
def test_every_symbol_has_a_slot_and_there_are_65536(p):
    frequency, first_slot = rans.frequencies(p)
    assert frequency.min() >= 1 and int(frequency.sum()) == 65536
    ends = first_slot + frequency
    assert first_slot[0] == 0 and np.array_equal(ends[:-1], first_slot[1:])


def test_no_other_bytes_are_read(rng):
    bits = rng.random(3000) < 0.05
    coded = rans.encode(bits)
    for end in range(len(coded)):
        with pytest.raises(ValueError):
            rans.decode(coded[:end], 3000)
    for wrong in (coded + b"\0\0", b"\2" + coded[1:], b"\0" + coded[1:]):
        with pytest.raises(ValueError):
            rans.decode(wrong, 3000)
    with pytest.raises(ValueError):
        rans.decode(coded, 2000)
    with pytest.raises(ValueError):
        rans.decode(rans.encode(np.zeros(3000, bool)) + b"\0\0", 3000)
    plain = rans.encode(rng.random(13) < 0.5)
    with pytest.raises(ValueError, match="behind the last one"):
        rans.decode(plain[:-1] + b"\xff", 13)
