"""Each tuned function beside its plain one, and a network trained with the plain ones."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sbnn_np.core import (
    convolution,
    fast,
    layers,
    network,
    ops,
    optim,
    pooling,
    quantize,
    sparsity,
    train,
)
from sbnn_np.support import threads

CORE = Path(fast.__file__).parent
PLAIN = {
    "top_k": quantize, "batchnorm_forward": ops, "batchnorm_backward": ops, "bit_backward": ops,
    "sign_forward": ops, "sign_backward": ops, "maxpool_forward": pooling,
    "maxpool_backward": pooling, "conv_forward": convolution, "conv_backward": convolution,
    "NormalizedSGD": optim, "Adam": optim,
}
TIED = arrays(np.float32, st.integers(1, 40), elements=st.integers(-2, 2).map(float))


def test_every_tuned_function_names_its_plain_one():
    for name, module in PLAIN.items():
        assert hasattr(module, name)
        assert f"`{module.__name__.split('.')[-1]}.{name}`" in getattr(fast, name).__doc__
    # what is here besides are helpers, which have no plain twin
    tree = ast.parse(Path(fast.__file__).read_text(encoding="utf-8"))
    named = {node.name for node in tree.body if hasattr(node, "name")}
    helpers = {
        "TopK", "write_weights", "rows_abreast", "sum_rows", "to_first", "gather", "few_images",
        "pieces", "check_contiguous",
    }
    assert named == set(PLAIN) | helpers


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.stem)
def test_only_the_tuned_file_has_threads_and_pieces(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, (ast.arg, ast.alias)):
            names.add(getattr(node, "arg", getattr(node, "name", None)))
    tricks = {"threads", "rows_abreast", "pieces", "piece", "guess"}
    # the training loop warms both threads up, and does no more with them
    allowed = {"fast": tricks, "train": {"threads"}}
    assert names & tricks == allowed.get(path.stem, set())
    if path.stem == "train":
        assert path.read_text(encoding="utf-8").count("threads.") == 1


# top_k


@given(st.lists(TIED, min_size=1, max_size=3), st.data())
def test_a_guess_changes_nothing_however_bad(latents, draw):
    k = draw.draw(st.integers(1, sum(latent.size for latent in latents)))
    low = draw.draw(st.floats(-10, 10, width=32))
    guess = draw.draw(st.one_of(st.none(), st.just((low, low + draw.draw(st.floats(0, 5))))))
    plain, tau = quantize.top_k(latents, k)
    tuned, tau_tuned = fast.top_k(latents, k, guess)
    assert tau == tau_tuned and all(map(np.array_equal, plain, tuned))


def test_top_k_in_pieces_is_the_same(monkeypatch, rng):
    latents = [rng.integers(-50, 50, n).astype(np.float32) for n in ((37, 11), (5,), (23, 3))]
    plain, tau = quantize.top_k(latents, 100)
    monkeypatch.setattr(fast, "LATENTS", 7)
    tuned, tau_tuned = fast.top_k(latents, 100, guess=(tau - 3, tau + 3))
    assert tau == tau_tuned and all(map(np.array_equal, plain, tuned))


def test_top_k_that_remembers_does_not_look_at_all_latents_again(monkeypatch, rng):
    latent = rng.standard_normal((300, 40)).astype(np.float32)
    choose, looks = fast.TopK(), []
    checked = quantize.check_finite
    monkeypatch.setattr(quantize, "check_finite", lambda v: (looks.append(v.size), checked(v)))
    for _ in range(50):
        (mask,), tau = choose([latent], 600)
        assert mask.sum() == 600 and latent[mask].min() == tau
        latent += (0.001 * rng.standard_normal(latent.shape)).astype(np.float32)
    # the first step has no guess, and the second one guesses tau itself
    assert len(looks) <= 2


def test_weights_that_flip_are_written_and_only_they(rng):
    old, mask = rng.random((6, 5)) < 0.5, rng.random((6, 5)) < 0.5
    w = np.where(old, 0.75, -0.25)
    w[old == mask] = 7.0
    fast.write_weights(w, old, mask, -0.25, 0.75)
    assert np.array_equal(w, np.where(old == mask, 7.0, np.where(mask, 0.75, -0.25)))


# ops


@pytest.mark.parametrize("shape", [(6, 4), (96000, 3), (1, 5), (70001, 2), (500, 300)])
def test_batch_norm_is_the_same(shape, rng):
    x, dy = (rng.integers(-9, 9, shape).astype(np.float64) for _ in range(2))
    scale, shift = rng.standard_normal((2, shape[1]))
    plain, tuned = (
        how.batchnorm_forward(x, scale, shift, eps=0.1) for how in (ops, fast)
    )
    # sums in another order: errors of 1e-16 times the root of up to 96,000
    for a, b in zip((plain[0], *plain[2:]), (tuned[0], *tuned[2:])):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)
    for a, b in zip(ops.batchnorm_backward(dy, plain[1]), fast.batchnorm_backward(dy, tuned[1])):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_large_batches_are_folded_and_cut():
    assert fast.rows_abreast(96000, 3) > 1
    assert len(threads.over_rows(lambda n: n, np.empty((96000, 3)))) > 1


def test_an_eps_of_0_is_refused():
    with pytest.raises(ValueError, match="eps is 0; it must be above 0"):
        fast.batchnorm_forward(np.ones((2, 1)), np.ones(1), np.zeros(1), eps=0)


@pytest.mark.parametrize("rows", [3, 70000])
def test_activations_are_the_same(rows, rng):
    x, da = rng.standard_normal((2, rows, 4))
    x[0] = 0.0
    (plain, cache), (tuned, tuned_cache) = (how.sign_forward(x) for how in (ops, fast))
    assert np.array_equal(plain, tuned)
    assert np.array_equal(ops.sign_backward(da, cache), fast.sign_backward(da, tuned_cache))
    assert np.array_equal(ops.bit_backward(da, cache), fast.bit_backward(da, cache))


# pooling and convolution; small ones stand beside the loops in their own files


def test_large_pooling_is_the_same(rng):
    x = rng.integers(0, 9, (40, 33, 32, 8)).astype(np.float32)
    assert len(threads.over_rows(lambda n: n, x)) > 1
    dy = rng.integers(1, 9, (40, 16, 16, 8)).astype(np.float32)
    for how in (pooling, fast):
        y, cache = how.maxpool_forward(x, 2)
        dx = how.maxpool_backward(dy, cache)
        if how is pooling:
            plain = y, dx
    assert all(map(np.array_equal, plain, (y, dx)))


@pytest.mark.parametrize("kernel, stride, padding", [
    ((3, 3), 1, 1), ((5, 5), 1, 0), ((3, 2), 2, 1),
])
def test_large_convolutions_are_the_same(kernel, stride, padding, rng):
    x = rng.integers(0, 2, (12, 32, 32, 16)).astype(np.float32)
    w = rng.integers(0, 2, (kernel[0] * kernel[1] * 16, 8)).astype(np.float32)
    how = kernel, stride, padding
    plain, cache = convolution.conv_forward(x, w, *how)
    tuned, tuned_cache = fast.conv_forward(x, w, *how)
    assert np.array_equal(plain, tuned)
    # few images fit at a time
    assert plain[0, :, :, 0].size * len(w) * len(x) > fast.COLUMNS
    dy = rng.integers(-2, 3, plain.shape).astype(np.float32)
    for a, b in zip(convolution.conv_backward(dy, cache), fast.conv_backward(dy, tuned_cache)):
        assert np.array_equal(a, b)


# optimizers


@pytest.mark.parametrize("name, tolerance", [
    # Adam: the same formula, rounded otherwise
    ("Adam", 1e-12),
    # NormalizedSGD: the plain one measures every gradient, the tuned one every eighth. The mean
    # squares of 5,000 random numbers differ by 2%, their roots by 1%, and errors add up at random
    ("NormalizedSGD", 0.02),
])
def test_optimizers_go_the_same_way(name, tolerance, rng):
    start = rng.standard_normal((100, 50))
    plain, tuned = start.copy(), start.copy()
    steps = [getattr(how, name)([p]) for how, p in ((optim, plain), (fast, tuned))]
    for t in range(100):
        g = rng.standard_normal(start.shape) + np.sign(start)
        for optimizer in steps:
            optimizer.step([g], optim.cosine(0.01, t / 100))
    moved = np.abs(plain - start)
    assert moved.mean() > 0.1
    assert np.abs(plain - tuned).max() < tolerance * moved.max()


def test_pieces_that_do_not_divide_an_array_change_nothing(monkeypatch, rng):
    start = rng.standard_normal((3, 4))
    grads = rng.standard_normal((20, 3, 4))
    ways = []
    for size in (5, 1 << 15):
        monkeypatch.setattr(fast, "UPDATES", size)
        for kind in (fast.Adam, fast.NormalizedSGD):
            p = start.copy()
            optimizer = kind([p])
            for g in grads:
                optimizer.step([g], 0.01)
            ways.append(p)
    assert np.array_equal(ways[0], ways[2]) and np.array_equal(ways[1], ways[3])


@pytest.mark.parametrize("kind", [fast.Adam, fast.NormalizedSGD])
def test_arrays_that_would_not_move_are_refused(kind, rng):
    for array in (np.asfortranarray(np.ones((3, 4))), np.ones((4, 3)).T, np.ones((6, 4))[::2]):
        with pytest.raises(ValueError, match=r"params\[1\] of shape .* is not contiguous"):
            kind([np.ones(3), array])


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.NormalizedSGD])
def test_the_plain_ones_move_arrays_of_any_layout(kind):
    p, view = np.ones((3, 4)), np.ones((4, 3)).T
    for array in (p, view):
        kind([array]).step([np.full((3, 4), 2.0)], 0.1)
    assert np.array_equal(p, view) and (p < 1).all()


# all together


def trained(method, seed=0):
    """Rows of a small convolutional network after two epochs."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (300, 8, 8, 1)).astype(np.uint8)
    labels = images[:, 2:6, 2:6].mean(axis=(1, 2, 3)).argsort().argsort() * 3 // 300
    net = network.convnet((8, 8, 1), [6, "pool"], [3], 3, 1, method, rng, p0=0.2, dtype=np.float64)
    rule = sparsity.NetBudget(sparsity.Schedule(0.2))
    rows, _ = train.fit(
        net, (images[:200], labels[:200]), (images[200:], labels[200:]), rule,
        fast.Adam(net.params()), 1e-2, 2, rng, batch=20,
    )
    return net, rows


def counted(function, used):
    """A plain function that notes that it was called."""
    def plain(*args, **kwargs):
        used.append(function.__name__)
        return function(*args, **kwargs)

    return plain


@pytest.mark.parametrize("method", network.METHODS)
def test_a_network_trains_the_same_with_the_plain_functions(method, monkeypatch):
    tuned, tuned_rows = trained(method)
    used = []
    for name, module in PLAIN.items():
        monkeypatch.setattr(fast, name, counted(getattr(module, name), used))
    pairs = {
        kind: tuple(getattr(ops, f"{kind}_{way}") for way in ("forward", "backward"))
        for kind in layers.Activation.PAIRS
    }
    monkeypatch.setattr(layers.Activation, "PAIRS", pairs)
    monkeypatch.setattr(fast, "TopK", lambda: quantize.top_k)
    monkeypatch.setattr(
        fast, "write_weights",
        lambda w, old, mask, zero, one: np.copyto(w, np.where(mask, one, zero)),
    )
    net, rows = trained(method)
    assert {"batchnorm_forward", "conv_backward", "maxpool_backward", "Adam"} <= set(used)
    # float64: sums in another order, over 20 steps
    for row, tuned_row in zip(rows, tuned_rows, strict=True):
        assert np.isclose(row["loss"], tuned_row["loss"], rtol=1e-9)
        assert row["density"] == tuned_row["density"]
    for layer, tuned_layer in zip(net.weight_layers, tuned.weight_layers, strict=True):
        assert layer.mask is None or np.array_equal(layer.mask, tuned_layer.mask)
        np.testing.assert_allclose(layer.w, tuned_layer.w, rtol=1e-7, atol=1e-9)
