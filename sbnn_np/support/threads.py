"""Two threads: one half of a batch each, while NumPy lets go of the interpreter lock.

A convolution moves much memory, and NumPy copies, compares and adds with one core only.
So the batch is cut in two, and each half goes through windows, products and all else on a
thread of its own. The products then need no threads of their own: with
OPENBLAS_NUM_THREADS=1 in the environment before NumPy is imported (as the chapter on
convolution sets it), the two kinds of threads do not get in each other's way.

The cut depends on sizes alone, never on the machine, and results come back in order: so
sums are always added in the same order, and a training can be repeated to the last bit.
"""

import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

SMALL = 1 << 17  # numbers that are not worth a second thread; two such arrays stay in cache


@cache
def helper():
    """The second thread, started when it is first needed; the first is the caller's own."""
    return ThreadPoolExecutor(1, thread_name_prefix="second half")


@cache
def warm_up():
    """Multiply two large matrices in each thread, so that small products run at full speed later.

    BLAS packs matrices into memory of its own before it multiplies them, and the processor reads
    ahead of what is packed. Where that memory has never been touched, reading ahead is slow: with
    OpenBLAS 0.3.31 on AVX2, a product of 128 x 784 by 784 x 300 numbers took 5.0 ms, and takes
    1.6 ms once a larger product has touched the rest.
    """
    square = np.ones((512, 512), np.float32)
    second = helper().submit(np.dot, square, square)          # both at once: each has its memory
    np.dot(square, square)
    second.result()


class Lock:
    """A lock that is free again in a forked child, where the thread that held it does not exist.

    Examples
    --------
    >>> lock = Lock()
    >>> with lock:
    ...     lock.lock.locked()
    True
    >>> lock.lock.locked()
    False
    """

    def __init__(self):
        self.lock = threading.Lock()
        LOCKS.add(self)

    def __enter__(self):
        self.lock.acquire()

    def __exit__(self, *_):
        self.lock.release()


LOCKS = weakref.WeakSet()


def begin_child():
    """Forget, in a forked child, the thread and the held locks of the parent."""
    helper.cache_clear()
    warm_up.cache_clear()
    for lock in LOCKS:
        lock.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=begin_child)


def in_halves(work, N):
    """Call work(part) for the two halves of range(N), on two threads.

    Parameters
    ----------
    work : function of a slice
    N : int

    Returns
    -------
    results : list
        In the order of the parts; one result if N is 1.

    Notes
    -----
    There is one second thread: `work` must not call this, nor `over_rows` or `elementwise`, itself.

    Examples
    --------
    >>> in_halves(lambda part: list(range(5))[part], 5)
    [[0, 1, 2], [3, 4]]
    """
    middle = (N + 1) // 2
    if middle == N:
        return [work(slice(0, N))]
    second = helper().submit(work, slice(middle, N))
    try:
        first = work(slice(0, middle))
    finally:
        second.exception()                                    # wait: it writes to our arrays
    return [first, second.result()]


def over_rows(work, x):
    """Call work(part) for runs of rows of x that stay in cache, on two threads if x is large.

    Parameters
    ----------
    work : function of a slice
    x : (N, ...) array

    Returns
    -------
    results : list
        In the order of the parts; a single one, of all rows, if x is small.

    Examples
    --------
    >>> over_rows(lambda part: (part.start, part.stop), np.empty((3, 2)))
    [(0, 3)]
    >>> over_rows(lambda part: (part.start, part.stop), np.empty((3 * SMALL, 1)))
    [(0, 131072), (131072, 196608), (196608, 327680), (327680, 393216)]
    """
    N = len(x)
    if x.size <= SMALL:
        return [work(slice(0, N))]
    step = max(1, SMALL * N // x.size)

    def half(part):
        return [
            work(slice(start, min(start + step, part.stop)))
            for start in range(part.start, part.stop, step)
        ]

    return sum(in_halves(half, N), [])


def elementwise(f, *arrays):
    """f(*arrays), for an f that treats each number by itself; on two threads if they are many.

    Parameters
    ----------
    f : function of arrays, to an array of the same shape and dtype
    arrays : (N, ...) arrays of one shape

    Returns
    -------
    result : (N, ...) array
    """
    if arrays[0].size <= SMALL:
        return f(*arrays)
    result = np.empty_like(arrays[0])
    over_rows(lambda n: np.copyto(result[n], f(*(array[n] for array in arrays))), arrays[0])
    return result
