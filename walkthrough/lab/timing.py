"""What a training step costs, beside the matrix products alone that it cannot do without."""

import sys
import time

import numpy as np

from lab.experiment import build
from sbnn_np.core import fast, train
from sbnn_np.datasets import data
from sbnn_np.support import threads

BATCH = 128


def step_cost(recipe, dataset, groups):
    """Time training steps of a recipe's network, at batch 128, and their matrix products alone.

    Some work may be done at every eighth step only, so steps are timed in groups of eight;
    groups of steps and of products alternate, so that both see the same machine, and
    medians over the groups are taken. To gather a batch and to change its images is not in a
    step's time.

    Returns
    -------
    cost : dict
        `step_ms`, `products_ms`, `ratio`, and, for networks with convolutions,
        `products_gflops` and `sgemm_gflops`: what the products reach, and what a large
        product alone reaches on the same two threads.
    """
    rng = np.random.default_rng(recipe.seed)
    net, rule, optimizer = build(recipe, dataset.train_images.shape[1:], rng)
    products = [product for layer in net.weight_layers for product in products_of(layer, rng)]
    batches = list(data.batches(dataset.train_images, dataset.train_labels, BATCH, rng))
    # from the middle of a training on, where weights flip at their usual pace
    step, steps = 1000, 2000
    times, warm_up = {"step": [], "products": []}, min(groups, 20)  # tau comes to rest
    for group in range(groups + warm_up):
        start = time.perf_counter()
        for _ in range(8):
            x, labels = batches[step % len(batches)]
            train.train_step(
                net, x, labels, rule, optimizer, recipe.rate, step, steps, recipe.every
            )
            step += 1
        middle = time.perf_counter()
        for _ in range(8):
            for product in products:
                product()
        end = time.perf_counter()
        if group >= warm_up:
            times["step"].append((middle - start) / 8)
            times["products"].append((end - middle) / 8)
    step_ms, products_ms = (1000 * float(np.median(t)) for t in times.values())
    cost = {"step_ms": step_ms, "products_ms": products_ms, "ratio": step_ms / products_ms}
    if recipe.convs:
        # multiply and add are two operations; the first layer needs two products, others three
        flops = sum(
            2 * BATCH * layer.places * layer.w.size * (2 if layer.first else 3)
            for layer in net.weight_layers
        )
        cost |= {"products_gflops": flops / products_ms / 1e6, "sgemm_gflops": sgemm_gflops(rng)}
    return cost


def products_of(layer, rng):
    """The two or three matrix products of a layer's training step, as functions to be timed.

    They are y = x w, dw = x' dy and, but in the first layer, dx = dy w', on contiguous
    float32 arrays. For a convolution x are its windows, of as many images at a time as stay in
    cache, a half of the batch on each thread; so the products never wait for memory.
    """

    def random(*shape):
        return rng.random(shape, dtype=np.float32)

    D, M = layer.w.shape
    dw = random(D, M)
    if not hasattr(layer, "kernel"):
        x, w, dy = random(BATCH, D), random(D, M), random(BATCH, M)
        products = [lambda: x @ w, lambda: np.matmul(x.T, dy, out=dw), lambda: dy @ w.T]
        return products[: 2 if layer.first else 3]

    def in_runs(places, inner, outer, multiply):
        big = random(BATCH * places, outer)
        step = places * max(1, fast.COLUMNS // (places * inner))

        def half(part):
            cols = np.ones((step, inner), np.float32)
            for start in range(part.start * places, part.stop * places, step):
                rows = slice(start, min(start + step, part.stop * places))
                multiply(cols[: rows.stop - start], big[rows])

        return lambda: threads.in_halves(half, BATCH)

    w, C = random(D, M), layer.shape[2]
    turned = random(layer.kernel[0] * layer.kernel[1] * M, C)
    forward = in_runs(layer.places, D, M, lambda cols, y: np.matmul(cols, w, out=y))
    to_dw = in_runs(layer.places, D, M, lambda cols, dy: cols.T @ dy)
    H, W, _ = layer.shape
    to_dx = in_runs(H * W, len(turned), C, lambda cols, dx: np.matmul(cols, turned, out=dx))
    return [forward, to_dw] if layer.first else [forward, to_dw, to_dx]


def sgemm_gflops(rng, size=2048):
    """Billions of operations a second of a large float32 product, a half on each thread."""
    a, b = (rng.random((size, size), dtype=np.float32) for _ in range(2))
    out = np.empty_like(a)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        threads.in_halves(lambda n: np.matmul(a[n], b, out=out[n]), size)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9


def peak_mib():
    """The most memory that this process ever held, in MiB; None where nobody counts it."""
    try:
        import resource
    except ImportError:                                       # on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
