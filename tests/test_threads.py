"""Two threads: every row once, in order, with the same result as one."""

import os
import signal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbnn_np.support import threads


@given(st.integers(1, 50))
def test_halves_cover_all_in_order(N):
    parts = threads.in_halves(lambda part: list(range(N))[part], N)
    assert sum(parts, []) == list(range(N)) and len(parts) == min(N, 2)


@given(st.integers(1, 3000), st.integers(1, 300))
def test_rows_cover_all_in_order_and_stay_small(N, D):
    x = np.broadcast_to(np.float32(0), (N, D))
    parts = threads.over_rows(lambda part: part, x)
    covered = [n for part in parts for n in range(part.start, part.stop)]
    assert covered == list(range(N))
    assert all((part.stop - part.start) * D <= threads.SMALL for part in parts)


def test_apply_gives_what_the_function_gives(rng):
    for N in (3, 3 * threads.SMALL):
        a, b = rng.standard_normal((2, N, 2)).astype(np.float32)
        assert np.array_equal(threads.elementwise(np.subtract, a, b), a - b)


def test_an_error_in_a_thread_is_not_lost():
    with pytest.raises(ZeroDivisionError):
        threads.in_halves(lambda part: 1 / (part.start - 2), 4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_second_thread_of_its_own():
    assert threads.in_halves(lambda part: part.stop, 4) == [2, 4]
    child = os.fork()
    if not child:
        signal.alarm(10)                                       # ends a child that hangs
        os._exit(0 if threads.in_halves(lambda part: part.stop, 6) == [3, 6] else 1)
    assert os.waitpid(child, 0)[1] == 0
