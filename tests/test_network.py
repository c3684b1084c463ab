"""Networks: what they refuse, their gradients end to end, and a golden run."""

import numpy as np
import pytest

from sbnn_np.core import losses, network, optim, sparsity, train
from sbnn_np.datasets import data, shapes, strokes
from sbnn_np.support import gradcheck


def test_impossible_networks_are_refused(rng):
    with pytest.raises(ValueError, match=r"sizes is \[3\]; it needs two or more"):
        network.mlp([3], "0/1", rng)
    with pytest.raises(ValueError, match="sizes is"):
        network.mlp([3, 0, 2], "0/1", rng)
    with pytest.raises(ValueError, match="method is 'binary'; it must be one of full precision"):
        network.mlp([3, 2], "binary", rng)


@pytest.mark.parametrize("x, message", [
    (np.array([[1.0, np.nan, 1.0]]), "NaN or infinity"),
    (np.array([[1.0, -np.inf, 1.0]]), "NaN or infinity"),
    (np.zeros((2, 4)), r"x has shape \(2, 4\); the network takes \(N, 3\)"),
    (np.zeros((0, 3)), "N at least 1"),
    (np.zeros(3), "x has shape"),
])
@pytest.mark.parametrize("training", [False, True])
def test_bad_input_is_refused(x, message, training, rng):
    net = network.mlp([3, 2], "0/1 centred", rng, p0=0.5)
    with pytest.raises(ValueError, match=message):
        net.forward(x, train=training)


@pytest.mark.parametrize("method", network.METHODS)
def test_a_batch_of_one_is_legal(method, rng):
    net = network.mlp([6, 5, 3], method, rng, p0=0.5)
    scores = net.forward(np.arange(6.0).reshape(1, 6), train=True)
    _, dscores = losses.softmax_cross_entropy(scores, np.array([2]))
    net.backward(dscores)
    assert np.isfinite(scores).all()
    assert all(np.isfinite(g).all() for g in net.grads())
    assert np.isfinite(net.forward(np.arange(6.0).reshape(1, 6))).all()


@pytest.mark.parametrize("method", network.METHODS)
def test_grads_match_params(method, rng):
    net = network.mlp([6, 5, 3], method, rng, p0=0.5)
    net.backward(net.forward(rng.standard_normal((4, 6)), train=True))
    assert [g.shape for g in net.grads()] == [p.shape for p in net.params()]
    assert {a.dtype for a in net.grads() + net.params()} == {np.dtype("float32")}


def test_the_full_precision_network_has_exact_gradients_end_to_end(rng):
    net = network.mlp([5, 4, 3], "full precision", rng, dtype=np.float64)
    x, dy = rng.standard_normal((7, 5)), rng.standard_normal((7, 3))
    net.forward(x, train=True)
    net.backward(dy)
    for p, g in zip(net.params(), net.grads()):

        def forward(value, p=p):
            p[...] = value
            return net.forward(x, train=True)

        # float64, h = 1e-6: errors of h^2 and 1e-16 / h; no ReLU input is that near to 0
        value = p.copy()
        gradcheck.check(g, forward, value, dy, h=1e-6, tolerance=1e-6)
        p[...] = value


def test_the_methods_differ_as_their_names_say(rng):
    for method, (weights, kind) in network.METHODS.items():
        net = network.mlp([8, 6, 4], method, rng, p0=0.3)
        values = [set(np.unique(layer.w)) for layer in net.weight_layers]
        if weights == "0/1":
            assert values == [{0, 1}] * 2
        if weights == "+-1":
            assert values == [{-1, 1}] * 2
        if weights == "0/1 centred":
            assert values == [{-layer.centre, 1 - layer.centre} for layer in net.weight_layers]
            assert all(layer.centre > 0 for layer in net.weight_layers)
        assert [layer.kind for layer in net.layers if hasattr(layer, "kind")] == [kind]
        signs = {v for layer in net.layers for v in np.sign(layer.params.get("scale", []))}
        assert signs == ({-1, 1} if weights.startswith("0/1") else {1})


def test_eps_reaches_every_batch_norm(rng):
    for net in (
        network.mlp([6, 5, 3], "0/1", rng, p0=0.5, eps=0.25),
        network.convnet((4, 4, 1), [2], [5, 3], 3, 1, "0/1", rng, p0=0.5, eps=0.25),
    ):
        assert {layer.eps for layer in net.layers if hasattr(layer, "eps")} == {0.25}
    with pytest.raises(ValueError, match="eps is 0; it must be above 0"):
        network.mlp([6, 3], "0/1", rng, eps=0)


def test_scores_are_the_folded_batchnorm_of_exact_sums(rng):
    net = network.mlp([20, 8, 4], "0/1 centred", rng, p0=0.3)
    x = rng.integers(0, 256, (30, 20)).astype(np.uint8)
    net.forward(x, train=True)
    scores = net.forward(x)
    a = x.astype(np.int64)
    for dense, norm in (net.layers[0:2], net.layers[3:5]):
        # 64 z - c sum(x), in integers
        sums = a @ (64 * dense.mask.astype(np.int64) - round(64 * dense.centre))
        factor, offset = norm.fold()
        y = (sums / 64).astype(np.float32) * factor + offset
        a = (y > 0).astype(np.int64)
    assert np.array_equal(scores, y)


def tiny_run(seed, dtype, method="0/1 centred", steps=10):
    rng = np.random.default_rng(seed)
    images, labels, _, _ = strokes.stroke_digits(train=200, test=0)
    net = network.mlp([784, 24, 10], method, rng, p0=0.05, dtype=dtype)
    rule = sparsity.NetBudget(sparsity.Schedule(0.1, start=0.05))
    optimizer = optim.Adam(net.params())
    return [
        train.train_step(net, x, y, rule, optimizer, 1e-2, step, steps, every=8)[0]
        for step, (x, y) in zip(range(steps), data.batches(images, labels, 20, rng))
    ]


def test_golden_run():
    """Ten losses of a fixed seed in float64: any change of the mathematics moves them."""
    expected = [
        2.660635450, 2.772566017, 2.551604873, 2.505087523, 2.337863931,
        2.476288326, 2.906432388, 2.625615158, 2.507774017, 2.409806009,
    ]
    # sums of float64 in another order differ by 1e-15 or so; a flipped bit would show in 1e-3
    np.testing.assert_allclose(tiny_run(7, np.float64), expected, atol=1e-6)


def test_the_same_seed_gives_the_same_losses_and_another_does_not():
    assert tiny_run(7, np.float32) == tiny_run(7, np.float32)
    assert tiny_run(7, np.float32) != tiny_run(8, np.float32)


def test_products_large_enough_for_several_threads_repeat_bit_for_bit():
    images, labels, _, _ = strokes.stroke_digits(train=640, test=0)

    def losses_of(seed):
        rng = np.random.default_rng(seed)
        net = network.mlp([784, 512, 512, 10], "0/1 centred", rng, p0=0.05)
        rule = sparsity.NetBudget(sparsity.Schedule(0.05))
        optimizer = optim.NormalizedSGD(net.params())
        return [
            train.train_step(net, x, y, rule, optimizer, 1e-2, step, 5, every=8)[0]
            for step, (x, y) in enumerate(data.batches(images, labels, 128, rng))
        ]

    assert losses_of(0) == losses_of(0) != losses_of(1)


@pytest.mark.parametrize("method", network.METHODS)
def test_a_network_learns_20_images_by_heart(method):
    rng = np.random.default_rng(0)
    images, labels, _, _ = strokes.stroke_digits(train=20, test=0)
    net = network.mlp([784, 64, 10], method, rng, p0=0.1)
    rule = sparsity.NetBudget(sparsity.Schedule(0.1))
    optimizer = optim.Adam(net.params())
    for step in range(200):
        train.train_step(net, images, labels, rule, optimizer, 1e-2, step, 200, every=8)
    assert train.evaluate(net, images, labels) == 1


# convolutional networks


@pytest.mark.parametrize("method", network.METHODS)
@pytest.mark.parametrize("float_first", [False, True])
def test_blocks_are_convolution_pool_batch_norm_threshold(method, float_first, rng):
    net = network.convnet(
        (9, 8, 2), (3, 4, "pool"), (5, 6), 3, 1, method, rng, 0.2, float_first=float_first
    )
    kinds = [type(layer).__name__ for layer in net.layers]
    block = ["BatchNorm", "Activation"]
    assert kinds == [
        "Conv", *block, "Conv", "MaxPool", *block, "Flatten", "Dense", *block, "Dense", "BatchNorm"
    ]
    shapes = [layer.w.shape for layer in net.weight_layers]
    assert shapes == [(18, 3), (27, 4), (4 * 4 * 4, 5), (5, 6)]
    weights = [layer.weights for layer in net.weight_layers]
    assert weights[1:] == [network.METHODS[method][0]] * 3
    assert weights[0] == ("float" if float_first else weights[1])
    assert [layer.first for layer in net.weight_layers] == [True, False, False, False]
    images = rng.integers(0, 256, (7, 9, 8, 2)).astype(np.uint8)
    assert net.forward(images).shape == (7, 6)


@pytest.mark.parametrize("convs, sizes, message", [
    (["pool", 3], [2], "convs is .*; it takes numbers"),
    ([3, "pool", "pool"], [2], "convs is"),
    ([3, "Pool"], [2], "convs is"),
    ([0], [2], "convs is"),
    ([3], [], r"sizes is \[\]; it needs one or more"),
    ([3], [0, 2], "sizes is"),
])
def test_impossible_convolutional_networks_are_refused(convs, sizes, message, rng):
    with pytest.raises(ValueError, match=message):
        network.convnet((8, 8, 1), convs, sizes, 3, 1, "0/1", rng)


def test_a_window_that_outgrows_the_image_is_refused(rng):
    with pytest.raises(ValueError, match="kernel is 5; an image of 2 pixels"):
        network.convnet((8, 8, 1), [2, "pool", 2], [3], 5, 0, "0/1", rng)


def test_every_neuron_starts_with_equally_many_ones(rng):
    shapes_ = [(25, 20), (500, 50), (800, 500), (500, 10)]
    densities = sparsity.even(shapes_, 0.05)
    ones = [p * D for p, (D, _) in zip(densities, shapes_)]
    assert ones[0] == 12.5 and np.allclose(ones[1:], ones[1]) and ones[1] > 12.5
    total = sum(D * M for D, M in shapes_)
    assert np.isclose(sum(k * M for k, (_, M) in zip(ones, shapes_)), 0.05 * total)
    assert sparsity.even(shapes_, 0.5) == [0.5] * 4
    for density in (0, 0.6):
        with pytest.raises(ValueError, match="density is .*; it must be above 0 and at most 0.5"):
            sparsity.even(shapes_, density)
    net = network.convnet((28, 28, 1), [20, "pool", 50, "pool"], [500, 10], 5, 0, "0/1", rng, 0.05)
    assert [layer.w.shape for layer in net.weight_layers] == shapes_
    drawn = [layer.ones / layer.w.shape[1] for layer in net.weight_layers]
    # a layer's ones are a binomial number: within five standard deviations
    for k, expected, (_, M) in zip(drawn, ones, shapes_):
        assert abs(k - expected) < 5 * np.sqrt(expected / M)


def test_the_float_first_layer_has_no_part_in_the_ones(rng):
    net = network.convnet((8, 8, 3), [4, 4], [2], 3, 1, "0/1", rng, 0.25, float_first=True)
    assert [layer.w.shape for layer in net.weight_layers] == [(27, 4), (36, 4), (256, 2)]
    ones = 0.25 * (36 * 4 + 256 * 2) / 6                      # of each neuron: 27 > 36 / 2
    assert ones > 18
    assert abs(net.sparse_layers[0].ones - 18 * 4) < 5 * np.sqrt(18 * 4 / 2)


def test_a_convolutional_network_learns(rng):
    images, labels, _, _ = shapes.shape_images(train=320, test=0)
    for method in network.METHODS:
        rng = np.random.default_rng(0)
        net = network.convnet((32, 32, 3), [8, "pool", 8, "pool"], [10], 3, 1, method, rng, 0.2)
        rule = sparsity.NetBudget(sparsity.Schedule(0.2))
        if method == "ternary":
            rule = sparsity.TernaryThreshold()
        optimizer, losses_ = optim.Adam(net.params()), []
        for step in range(40):
            i = np.arange(step * 32, step * 32 + 32) % 320
            loss, _ = train.train_step(
                net, images[i], labels[i], rule, optimizer, 1e-2, step, 80
            )
            losses_.append(loss)
        assert np.mean(losses_[-8:]) < np.mean(losses_[:8]) - 0.2, method


def test_gradients_of_a_float_convolutional_network(rng):
    net = network.convnet(
        (6, 5, 2), [3, "pool"], [4], 3, 1, "full precision", rng, dtype=np.float64
    )
    x, labels = rng.standard_normal((5, 6, 5, 2)), rng.integers(0, 4, 5)

    def loss():
        return losses.softmax_cross_entropy(net.forward(x, train=True), labels)

    _, dscores = loss()
    net.backward(dscores)
    for p, g in zip(net.params(), [g.copy() for g in net.grads()]):
        i = tuple(int(rng.integers(0, n)) for n in p.shape)
        value, h = p[i], 1e-6
        p[i] = value + h
        above = loss()[0]
        p[i] = value - h
        below = loss()[0]
        p[i] = value
        # central differences err by h^2 and by 1e-16 / h
        assert abs((above - below) / (2 * h) - g[i]) < 1e-6
