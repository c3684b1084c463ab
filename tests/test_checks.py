"""The doors: what is refused, in which words, and what goes through."""

import numpy as np
import pytest

from sbnn_np.bits import freeze
from sbnn_np.core import fast, losses, network, quantize, sparsity, train
from sbnn_np.support import checks


def small(shape=(4, 4, 1), method="0/1", classes=3):
    rng = np.random.default_rng(0)
    if len(shape) == 1:
        return network.mlp([*shape, classes], method, rng, p0=0.3)
    return network.convnet(shape, [2], [classes], 3, 1, method, rng, p0=0.3)


def pictures(shape=(4, 4, 1), n=24, classes=3):
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (n, *shape)).astype(np.uint8), np.arange(n) % classes


def fit(net, training, validation, **kwargs):
    rule = kwargs.pop("rule", sparsity.NetBudget(sparsity.Schedule(0.3)))
    return train.fit(
        net, training, validation, rule, fast.Adam(net.params()), 1e-2, 1,
        np.random.default_rng(2), batch=8, **kwargs,
    )


# whole numbers


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_whole_numbers_of_numpy_are_whole_numbers(value):
    number = checks.whole_number(value, "x", 0, 3)
    assert number == 3 and type(number) is int


@pytest.mark.parametrize("value, error, message", [
    (3.0, TypeError, "x is 3.0; it must be a whole number"),
    ("3", TypeError, "x is '3'; it must be"),
    (-1, ValueError, "x is -1; it must be from 0 to 3"),
    (4, ValueError, "x is 4; it must be from 0 to 3"),
])
def test_other_values_are_refused(value, error, message):
    with pytest.raises(error, match=message):
        checks.whole_number(value, "x", 0, 3)


def test_networks_of_numpy_integers_train_and_freeze():
    x, labels = pictures()
    for net in (
        network.mlp(np.array([16, 8, 3]), "0/1", np.random.default_rng(0), p0=0.3),
        network.convnet(
            np.array([4, 4, 1]), [np.int64(4), "pool"], np.array([3]), np.int64(3), np.int32(1),
            "0/1", np.random.default_rng(0), p0=0.3,
        ),
    ):
        fit(net, (x, labels), (x, labels))
        assert freeze.freeze(net).shape in ((16,), (4, 4, 1))


@pytest.mark.parametrize("kwargs, message", [
    ({"sizes": [4, 2.5]}, "a number of sizes is 2.5"),
    ({"kernel": 3.0}, "kernel is 3.0"),
    ({"shape": (4, 4)}, r"shape is \(4, 4\); it must be \(H, W, C\)"),
    ({"convs": [2.5]}, "convs is .*; it takes numbers"),
    ({"convs": [2, "pool"], "shape": (5, 5, 1), "kernel": 5, "padding": 0},
     "it pools an image of 1 x 1 to nothing"),
])
def test_impossible_networks_are_refused(kwargs, message):
    how = {"shape": (4, 4, 1), "convs": [2], "sizes": [3], "kernel": 3, "padding": 1} | kwargs
    with pytest.raises((ValueError, TypeError), match=message):
        network.convnet(**how, method="0/1", rng=np.random.default_rng(0), p0=0.3)


@pytest.mark.parametrize("density", [0.29, np.float32(0.29), np.float64(0.29), np.float16(0.29)])
def test_a_density_is_the_decimal_that_it_prints_as(density):
    assert quantize.ones_within(density, 100) == 29


# the order of axes


@pytest.mark.parametrize("shape, given", [
    ((32, 32, 3), (3, 32, 32)), ((32, 16, 1), (16, 32, 1)), ((32, 16, 1), (1, 32, 16)),
    ((32, 16, 1), (16, 32)), ((32, 16, 1), (511,)), ((32, 32, 3), (32, 96)), ((8, 8, 1), ()),
])
def test_images_in_another_order_are_refused(shape, given):
    with pytest.raises(ValueError, match="images has shape .*, channels last, N at least 1"):
        checks.check_shape(np.zeros((5, *given)), shape)


@pytest.mark.parametrize("shape, given", [
    ((32, 32, 3), (32, 32, 3)), ((32, 32, 3), (3072,)), ((32, 16, 1), (32, 16)),
    ((512,), (512,)), ((512,), (32, 16)), ((512,), (32, 16, 1)),
])
def test_images_that_fit_go_through(shape, given):
    checks.check_shape(np.zeros((5, *given)), shape)


def test_a_network_refuses_channels_first_in_training_and_evaluation():
    net = small((6, 6, 3))
    x, labels = pictures((3, 6, 6))
    for call in (
        lambda: net.forward(x), lambda: net.forward(x, train=True), lambda: train.predict(net, x),
        lambda: train.evaluate(net, x, labels), lambda: fit(net, (x, labels), (x, labels)),
    ):
        with pytest.raises(ValueError, match="channels last"):
            call()


def test_images_of_one_channel_need_no_axis_for_it():
    x, labels = pictures()
    net, flat = small(), small()
    shapes = []

    def augment(images, rng):
        shapes.append(images.shape)
        return images

    rows, _ = fit(net, (x[..., 0], labels), (x.reshape(24, 16), labels), augment=augment)
    expected, _ = fit(flat, (x, labels), (x, labels))
    assert rows[0]["loss"] == expected[0]["loss"] and set(shapes) == {(8, 4, 4, 1)}


@pytest.mark.parametrize("x, message", [
    (np.zeros((2, 16), complex), "x is of dtype complex128; it must be of real numbers"),
    (np.full((2, 16), "a"), "x is of dtype <U1"),
    (np.full((2, 16), np.nan), "NaN or infinity"),
])
def test_inputs_that_are_no_numbers_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        small().forward(x)


# labels


BAD_LABELS = [
    (lambda labels: labels[:, None], r"has shape \(24, 1\); 24 images need \(24,\), one label"),
    (lambda labels: np.eye(24)[labels], r"has shape \(24, 24\)"),
    (lambda labels: labels[:1], r"has shape \(1,\)"),
    (lambda labels: labels[0], r"has shape \(\)"),
    (lambda labels: labels[:-1], r"has shape \(23,\)"),
    (lambda labels: np.append(labels, 0), r"has shape \(25,\)"),
    (lambda labels: labels.astype(str), "is of dtype <U"),
    (lambda labels: labels.astype(float), "is of dtype float64; labels must be integers from 0"),
    (lambda labels: labels == 1, "is of dtype bool"),
    (lambda labels: labels + 1, "holds 3; a label must be from 0 to 2"),
    (lambda labels: labels - 1, "holds -1; a label must be from 0 to 2"),
]


@pytest.mark.parametrize("spoil, message", BAD_LABELS, ids=[m for _, m in BAD_LABELS])
def test_labels_that_are_not_one_class_an_image_are_refused_everywhere(spoil, message):
    x, labels = pictures()
    net, bad = small(), spoil(labels)
    scores = np.zeros((24, 3))
    before = [p.copy() for p in net.params()]
    for name, call in (
        ("labels", lambda: train.evaluate(net, x, bad)),
        ("labels", lambda: losses.softmax_cross_entropy(scores, bad)),
        ("training labels", lambda: fit(net, (x, bad), (x, labels))),
        ("validation labels", lambda: fit(net, (x, labels), (x, bad))),
    ):
        with pytest.raises(ValueError, match=f"^{name} {message}"):
            call()
    # all of it before anything was trained
    assert all(map(np.array_equal, before, net.params()))


def test_labels_of_any_integers_go_through():
    x, labels = pictures()
    net = small()
    right = train.evaluate(net, x, train.predict(net, x))
    assert right == 1
    accuracy = train.evaluate(net, x, labels)
    for kind in (np.uint8, np.int32, list):
        same = list(labels) if kind is list else labels.astype(kind)
        assert train.evaluate(net, x, same) == accuracy


def test_a_network_of_bits_needs_a_rule():
    x, labels = pictures()
    with pytest.raises(ValueError, match="rule is None; 0/1 weights need a rule that chooses"):
        fit(small(), (x, labels), (x, labels), rule=None)
    fit(small(method="+-1"), (x, labels), (x, labels), rule=None)


@pytest.mark.parametrize("name, value", [("epochs", 0), ("epochs", 1.5), ("every", 0)])
def test_impossible_lengths_are_refused(name, value):
    x, labels = pictures()
    net = small()
    how = {"epochs": 1, "every": 1} | {name: value}
    with pytest.raises((ValueError, TypeError), match=f"{name} is {value}"):
        train.fit(
            net, (x, labels), (x, labels), sparsity.NetBudget(sparsity.Schedule(0.3)),
            fast.Adam(net.params()), 1e-2, how["epochs"], np.random.default_rng(0), batch=8,
            every=how["every"],
        )


# the scale of inputs


def scaled(x, how):
    return {
        "pixels": x, "bits": (x > 127).astype(np.uint8), "bools": x > 127,
        "whole floats": x.astype(np.float32), "fractions": x / 255, "12 bits": x.astype(int) * 16,
        "negative": x.astype(int) - 128,
    }[how]


@pytest.mark.parametrize("how, kind", [
    ("pixels", "pixels"), ("whole floats", "pixels"), ("bits", "bits"), ("bools", "bits"),
    ("fractions", "other"), ("12 bits", "other"), ("negative", "other"),
])
def test_a_network_remembers_what_it_was_trained_on(how, kind):
    x, labels = pictures()
    x = scaled(x, how)
    net, by_hand = small(), small()
    by_hand.forward(x[:8], train=True)
    by_hand.forward(x[8:], train=True)
    if kind == "other":
        with pytest.warns(UserWarning, match="training images hold other numbers than pixels"):
            fit(net, (x, labels), (x, labels))
    else:
        fit(net, (x, labels), (x, labels))
    assert net.trained_on == by_hand.trained_on == kind
    binarize = {"pixels": None, "bits": 127, "other": None}[kind]
    for trained in (net, by_hand):
        if kind == "other":
            with pytest.raises(ValueError, match="trained on images of other numbers than pixels"):
                freeze.freeze(trained)
        else:
            assert freeze.freeze(trained, binarize=binarize).binarize == binarize


def test_freezing_for_another_scale_is_refused():
    x, _ = pictures()
    on_pixels, on_bits = small(), small()
    on_pixels.forward(x, train=True)
    on_bits.forward(x > 127, train=True)
    with pytest.raises(ValueError, match="binarize is 127, and the network was trained on pixels"):
        freeze.freeze(on_pixels, binarize=127)
    with pytest.raises(ValueError, match="binarize is None, and the network was trained on bits"):
        freeze.freeze(on_bits)


def test_a_blank_first_batch_is_not_taken_for_bits():
    x, _ = pictures()
    net = small()
    net.forward(np.zeros_like(x), train=True)
    assert net.trained_on == "bits"
    net.forward(x, train=True)
    assert net.trained_on == "pixels"


def test_training_and_validation_on_two_scales_are_refused():
    x, labels = pictures()
    with pytest.raises(ValueError, match="training images hold pixels, and validation images oth"):
        fit(small(), (x, labels), (x / 255, labels))


def test_networks_that_cannot_be_frozen_take_any_numbers_without_a_warning(recwarn):
    x, labels = pictures()
    for method in ("full precision", "ternary"):
        rule = sparsity.TernaryThreshold()
        fit(small(method=method), (x / 255, labels), (x / 255, labels), rule=rule)
    assert not recwarn.list


# hooks


def test_fit_calls_back_and_hands_rules_the_gradients():
    x, labels = pictures()
    net, steps, epochs, given = small(), [], [], []

    class Looks(sparsity.NetBudget):
        def choose(self, latents, progress, grads=None):
            given.append([g.copy() for g in grads])
            return super().choose(latents, progress)

    rows, _ = fit(
        net, (x, labels), (x, labels), rule=Looks(sparsity.Schedule(0.3)),
        on_step=lambda step, network: steps.append((step, network is net)),
        on_epoch=lambda row, network: epochs.append((row["epoch"], network is net)),
    )
    assert steps == [(0, True), (1, True), (2, True)] and epochs == [(1, True)]
    # at each step and after the epoch; in the first step of an epoch there is none yet
    assert [any(g.any() for g in each) for each in given] == [False, True, True, True]


def test_the_estimator_is_what_latents_get():
    x, labels = pictures()
    net, seen = small(), []

    def estimator(dw, latent):
        seen.append((dw.copy(), latent))
        return 0 * dw

    before = [layer.params["latent"].copy() for layer in net.weight_layers]
    fit(net, (x, labels), (x, labels), estimator=estimator)
    assert len(seen) == 3 * 2 and any(dw.any() for dw, _ in seen)
    for layer, latent in zip(net.weight_layers, before):
        assert np.array_equal(layer.params["latent"], latent)
        assert any(given is layer.params["latent"] for _, given in seen)
