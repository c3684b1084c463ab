"""Counts: closed form against a loop that counts as it adds; bytes by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbnn_np.bits import bitops
from sbnn_np.core import layers, network, reference


def test_a_layer_that_cannot_be_counted_raises():
    with pytest.raises(TypeError, match="cannot count the additions of BatchNorm"):
        bitops.adds(layers.BatchNorm(np.ones(3)))
    with pytest.raises(TypeError, match="cannot count"):
        bitops.adds(SimpleNamespace(w=np.zeros((3, 3, 2, 4)), sparse=True))


def dense(mask, centred=False):
    return layers.Dense(np.where(mask, 1.0, -1.0), "0/1 centred" if centred else "0/1")


def test_additions_by_hand():
    w = np.array([[1, 0, 0], [1, 0, 1], [1, 0, 0]])
    assert bitops.adds(dense(w)) == 2                      # 2, no input at all, a single one
    assert bitops.adds(dense(w, centred=True)) == 2 + 2 + 3
    assert bitops.adds(layers.Dense(np.ones((3, 3)), "+-1")) == 6
    assert bitops.adds(layers.Dense(np.ones((3, 3)), "float")) == 6


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 6), st.booleans())
def test_the_loop_adds_as_often_as_the_formula_says(seed, D, M, centred):
    rng = np.random.default_rng(seed)
    layer = dense(rng.random((D, M)) < rng.random(), centred)
    x, count = rng.integers(0, 256, D), bitops.Count()
    centre = layer.centre if centred else None
    z = reference.count_dense(x.tolist(), layer.mask.tolist(), centre, count)
    assert count.adds == bitops.adds(layer)
    # multiples of 1/64 are exact
    assert z == (x @ layer.mask - layer.centre * x.sum()).tolist()


def test_bytes_by_hand(rng):
    net = network.mlp([100, 20, 5], "0/1", rng, p0=0.1)
    for layer, ones in zip(net.sparse_layers, (100, 50)):
        layer.mask[...] = False
        layer.mask.reshape(-1)[:ones] = True
    account = bitops.account(net)
    assert account["weights"] == 2100 and account["ones"] == 150
    assert account["mask_bytes"] == 250 + 13
    half = 0.05 * math.log2(1 / 0.05) + 0.95 * math.log2(1 / 0.95)
    assert math.isclose(account["entropy_bytes"], (2000 * half + 100 * 1) / 8)
    assert math.isclose(account["compression_weights_entropy"], 8400 / account["entropy_bytes"])


def test_a_network_of_ones_alone_has_no_compression(rng):
    net = network.mlp([4, 3], "0/1", rng, p0=0.5)
    net.sparse_layers[0].mask[...] = True
    account = bitops.account(net)
    assert account["entropy_bytes"] == 0 and account["compression_weights_entropy"] is None


def test_what_a_method_has_not_is_none(rng):
    account = bitops.account(network.mlp([8, 4], "full precision", rng))
    assert account["ones"] is account["mask_bytes"] is account["entropy_bytes"] is None
    account = bitops.account(network.mlp([8, 4], "+-1", rng))
    assert account["mask_bytes"] == 4 and account["entropy_bytes"] is None


def test_ternary_by_hand(rng):
    net = network.mlp([20, 10], "ternary", rng)
    layer = net.sparse_layers[0]
    w = np.zeros(200)
    w[:8], w[8:12] = 1, -1                         # ten neurons in a row: the first two rows
    layer.params["latent"][...] = w.reshape(20, 10)
    layer.set_mask(w.reshape(20, 10) != 0)
    account = bitops.account(net)
    assert account["ones"] == 12 and account["mask_bytes"] == 50
    # neurons 0 and 1 have two weights, so one addition each
    assert account["adds"] == 2 and account["dense_adds"] == 190
    not_zero = 0.06 * math.log2(1 / 0.06) + 0.94 * math.log2(1 / 0.94)
    signs = 2 / 3 * math.log2(3 / 2) + 1 / 3 * math.log2(3)
    assert math.isclose(account["entropy_bytes"], (200 * not_zero + 12 * signs) / 8)


# convolution


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 2), st.integers(0, 1),
    st.booleans(),
)
def test_the_loop_over_windows_adds_as_often_as_the_formula_says(seed, K, stride, padding, centred):
    rng = np.random.default_rng(seed)
    H, W, C, F = int(rng.integers(K, 6)), int(rng.integers(K, 6)), 2, 3
    padding = min(padding, K - 1)
    latent = np.where(rng.random((K * K * C, F)) < rng.random(), 1.0, -1.0)
    layer = layers.Conv(
        latent, (H, W, C), (K, K), "0/1 centred" if centred else "0/1", stride=stride,
        padding=padding,
    )
    x, count = rng.integers(0, 2, (H, W, C)), bitops.Count()
    centre = layer.centre if centred else None
    z = reference.count_conv(
        x.tolist(), layer.mask.astype(int).tolist(), (K, K), stride, padding, centre, count
    )
    assert count.adds == bitops.adds(layer)
    assert z == layer.forward(x[None].astype(np.float64))[0].tolist()


def test_additions_of_lenet5_by_hand(rng):
    net = network.convnet((28, 28, 1), [20, "pool", 50, "pool"], [500, 10], 5, 0, "+-1", rng)
    # places x filters x (inputs - 1), layer by layer
    by_hand = 576 * 20 * 24 + 64 * 50 * 499 + 500 * 799 + 10 * 499
    account = bitops.account(net)
    assert account["adds"] == account["dense_adds"] == by_hand == 2_277_770
    assert account["weights"] == 430_500 and account["mask_bytes"] == 53_813


def test_a_float_first_layer_is_counted_with_its_bytes(rng):
    net = network.convnet((8, 8, 3), [4, 4], [2], 3, 1, "0/1", rng, 0.25, float_first=True)
    account = bitops.account(net)
    assert account["float_bytes"] == 4 * 27 * 4
    bits = sum(layer.mask.size for layer in net.sparse_layers)
    assert account["weights"] == bits + 27 * 4 == 9 * 4 * 4 + 8 * 8 * 4 * 2 + 27 * 4
    coded = account["entropy_bytes"] + account["float_bytes"]
    assert math.isclose(account["compression_weights_entropy"], 4 * account["weights"] / coded)
    assert account["entropy_bytes"] < bits / 8 <= account["mask_bytes"]
