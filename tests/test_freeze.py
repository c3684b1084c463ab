"""Freezing: thresholds are where float32 changes its mind; what cannot be frozen is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbnn_np.bits import bitops, freeze, frozen
from sbnn_np.core import layers, network

finite = st.floats(-100, 100, width=32)


@given(finite, finite, st.floats(-50, 50, width=32), st.floats(0, 1e4, width=32),
       st.integers(-300, 0), st.integers(0, 300), st.sampled_from([1, 64]))
def test_a_threshold_decides_as_batch_norm_does_for_every_sum(
    scale, shift, mean, var, low, high, unit
):
    norm = layers.BatchNorm(np.array([scale], np.float32))
    norm.params["shift"][:], norm.mean[:], norm.var[:] = shift, mean, var
    threshold, flip = freeze.thresholds(norm, np.array([low]), np.array([high]), unit)
    Z = np.arange(low, high + 1)
    as_trained = norm.forward((Z / unit).astype(np.float32)[:, None])[:, 0] > 0
    assert np.array_equal((Z >= threshold[0]) ^ flip[0], as_trained)
    assert low <= threshold[0] <= high
    if as_trained.all() or not as_trained.any():
        assert threshold[0] == low                             # a constant says so


def test_sum_bounds_are_the_extremes_of_the_sums(rng):
    w = rng.random((6, 40)) < 0.4
    x = rng.integers(0, 2, (500, 6))
    for centre in (0, 5, 64):
        block = frozen.Block("0/1", w, (6,), centre=centre)
        Z = block.unit * (x @ w) - centre * x.sum(axis=1, keepdims=True)
        low, high = block.sum_bounds(1)
        assert (low == Z.min(axis=0)).all() and (high == Z.max(axis=0)).all()
    block = frozen.Block("+-1", w, (6,))
    for inputs, arguments in ((x, (1,)), (2 * x - 1, (1, True))):
        Z = inputs @ np.where(w, 1, -1)
        low, high = block.sum_bounds(*arguments)
        assert (low == Z.min(axis=0)).all() and (high == Z.max(axis=0)).all()


def mlp(method, rng, **kwargs):
    return network.mlp([20, 8, 5, 3], method, rng, p0=0.3, **kwargs)


@pytest.mark.parametrize("method, message", [
    ("ternary", r"block 0 begins with ternary; networks of the methods 0/1, 0/1 centred and \+-1"),
    ("full precision", r"block 0 ends in relu.*networks of the methods 0/1, 0/1 cent"),
])
def test_other_weights_are_refused(method, message, rng):
    with pytest.raises(TypeError, match=message):
        freeze.freeze(mlp(method, rng))


def test_layers_in_another_order_are_refused(rng):
    for change, message in (
        (lambda found: found.insert(1, layers.BatchNorm(np.ones(8, np.float32))),
         "it is Dense, BatchNorm, BatchNorm, Activation"),
        (lambda found: found.insert(2, layers.MaxPool(2)), "BatchNorm, MaxPool"),
        (lambda found: found.pop(1), "it is Dense, Activation"),
        (lambda found: found.append(layers.Activation("bit")), "Dense, BatchNorm, Activation"),
        (lambda found: found.__setitem__(2, layers.Activation("sign")), "ends in sign"),
    ):
        net = mlp("0/1", rng)
        change(net.layers)
        with pytest.raises(TypeError, match=message):
            freeze.freeze(net)
    with pytest.raises(TypeError, match="computes in float64"):
        freeze.freeze(mlp("0/1", rng, dtype=np.float64))


def test_statistics_that_are_not_finite_are_refused(rng):
    net = mlp("0/1", rng)
    net.layers[4].mean[2] = np.nan
    with pytest.raises(ValueError, match="batch norm of block 1 holds numbers that are not finite"):
        freeze.freeze(net)


def test_sums_that_float32_cannot_hold_are_refused(rng):
    net = network.mlp([70_000, 2, 2], "0/1", rng, p0=0.5)
    net.weight_layers[0].set_mask(np.ones((70_000, 2), bool))
    with pytest.raises(ValueError, match="sums of block 0 reach 16777216"):
        freeze.freeze(net)
    assert freeze.freeze(net, binarize=0).max_input == 1


def test_names_for_all_classes(rng):
    net = mlp("0/1", rng)
    assert freeze.freeze(net).classes == ("0", "1", "2")
    assert freeze.freeze(net, ["a", "b", "c"]).classes == ("a", "b", "c")
    with pytest.raises(ValueError, match="classes has 2 names for 3 scores"):
        freeze.freeze(net, ["a", "b"])


@pytest.mark.parametrize("images, message", [
    (np.zeros((0, 20)), "N at least 1"),
    (np.zeros((2, 21)), r"images has shape \(2, 21\); the network takes \(N, 20\)"),
    (np.full((2, 20), 0.5), "other numbers than whole ones"),
    (np.full((2, 20), -1), "other numbers than whole ones"),
    (np.full((2, 20), 256), "other numbers than whole ones"),
    (np.full((2, 20), np.nan), "other numbers than whole ones"),
    (np.full((2, 20), np.inf), "other numbers than whole ones"),
    (np.full((2, 20), 1e30), "other numbers than whole ones"),
    (np.full((2, 20), 1 + 1j), "dtype complex128"),
    (np.full((2, 20), "7"), "dtype <U1"),
    (np.full((2, 20), None), "dtype object"),
])
@pytest.mark.filterwarnings("error")
def test_images_that_do_not_fit_are_refused(images, message, rng):
    with pytest.raises(ValueError, match=message):
        freeze.freeze(mlp("0/1", rng)).pixels(images)


def convnet(shape, rng):
    return network.convnet(shape, [2], [3], 3, 1, "0/1", rng, 0.3)


@pytest.mark.parametrize("shape, fits, others", [
    ((6, 6, 3), [(6, 6, 3), (108,)], [(3, 6, 6), (6, 18), (36, 3), (6, 3, 6), (1, 6, 6, 3)]),
    ((5, 4, 1), [(5, 4, 1), (20,), (5, 4)], [(1, 5, 4), (4, 5, 1), (4, 5), (20, 1), (5, 1, 4)]),
    ((4, 4, 4), [(4, 4, 4), (64,)], [(16, 4), (4, 16)]),
    ((20,), [(20,), (5, 4), (4, 5, 1)], [(21,), (4, 4)]),
])
def test_images_of_another_order_are_refused(shape, fits, others, rng):
    net = network.mlp([20, 4, 3], "0/1", rng, p0=0.3) if shape == (20,) else convnet(shape, rng)
    model = freeze.freeze(net)
    x = rng.integers(0, 256, (2, *shape)).astype(np.uint8)
    for each in fits:
        assert np.array_equal(model.pixels(x.reshape(2, *each)), x)
    for each in others:
        message = "channels last" if len(shape) == 3 else "takes \\(N, 20\\), N at least 1"
        with pytest.raises(ValueError, match=message):
            model.pixels(np.zeros((2, *each), np.uint8))


def test_bits_are_refused_where_the_network_makes_them(rng):
    model = freeze.freeze(mlp("0/1", rng), binarize=100)
    bits = rng.integers(0, 2, (4, 20))
    bits[1, 3] = 1
    for images in (bits, bits.astype(bool), bits.astype(np.uint8), bits.astype(float)):
        with pytest.raises(ValueError, match=r"0 and 1 alone.*\[pixel > 100\]"):
            model.pixels(images)
    for images in (0 * bits, 255 * bits):                      # blank images are no bits
        assert np.array_equal(model.pixels(images), images)
    assert np.array_equal(freeze.freeze(mlp("0/1", rng), binarize=0).pixels(bits), bits)
    assert np.array_equal(freeze.freeze(mlp("0/1", rng)).pixels(bits), bits)


def test_numpy_integers_are_whole_numbers(rng):
    for kind in (np.int64, np.uint8, np.int16):
        model = freeze.freeze(mlp("0/1", rng), binarize=kind(127))
        assert model.binarize == 127 and type(model.binarize) is int
    for value, error in ((127.0, TypeError), ("1", TypeError), (255, ValueError), (-1, ValueError)):
        with pytest.raises(error, match=f"binarize is {value!r}"):
            freeze.freeze(mlp("0/1", rng), binarize=value)


@pytest.mark.parametrize("centre", [-1, 65, 128])
def test_a_centre_lies_from_0_to_64(centre, rng):
    model = freeze.freeze(mlp("0/1 centred", rng))
    model.blocks[0].centre = centre
    with pytest.raises(ValueError, match=f"centre of block 0 is {centre}; it must be from 0 to 64"):
        frozen.check(model)
    model = freeze.freeze(mlp("+-1", rng))
    model.blocks[1].centre = 1
    with pytest.raises(ValueError, match="centre of block 1 is 1; it must be from 0 to 0"):
        frozen.check(model)


def test_scores_that_could_be_infinite_are_refused(rng):
    model = freeze.freeze(mlp("0/1", rng))
    last = model.blocks[-1]
    most = last.w.sum(axis=0)
    m = int(most.argmax())
    assert most[m] >= 2
    # the largest sum just fits, or does not
    last.factor[m], last.offset[m] = np.finfo(np.float32).max / most[m] * 0.999, 0
    frozen.check(model)
    last.factor[m] *= 1.01
    with pytest.raises(ValueError, match="scores of block 2 can become infinite"):
        frozen.check(model)


def test_inputs_are_pixels_or_bits(rng):
    images = rng.integers(0, 256, (4, 5, 4))
    assert np.array_equal(freeze.freeze(mlp("0/1", rng)).pixels(images), images.reshape(4, 20))
    model = freeze.freeze(mlp("0/1", rng), binarize=100)
    bits = model.first_inputs(model.pixels(images))
    assert bits.dtype == np.uint8 and np.array_equal(bits, images.reshape(4, 20) > 100)


@pytest.mark.parametrize("method", ["0/1", "0/1 centred", "+-1"])
def test_a_thawed_network_counts_the_same(method, rng):
    net = network.convnet((9, 8, 2), [5, "pool", 6], [7, 3], 3, 1, method, rng, 0.2)
    for layer in net.sparse_layers:
        layer.recentre()
    thawed = freeze.thaw(freeze.freeze(net))
    assert bitops.operations(thawed) == bitops.operations(net)
    for mine, theirs in zip(thawed.weight_layers, net.weight_layers):
        assert np.array_equal(mine.w, theirs.w)


@pytest.mark.parametrize("method", ["full precision", "ternary"])
@pytest.mark.parametrize("sizes", [[6, 3], [6, 5, 3]])
def test_what_cannot_be_frozen_is_told_what_can(method, sizes):
    net = network.mlp(sizes, method, np.random.default_rng(0))
    with pytest.raises((TypeError, ValueError), match="methods 0/1, 0/1 centred and .-1"):
        freeze.freeze(net)
