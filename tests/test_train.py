"""The loop, what it reports, and how it stops."""

import sys

import numpy as np
import pytest

from sbnn_np.core import network, optim, sparsity, train
from sbnn_np.datasets import data, strokes


@pytest.fixture(scope="module")
def digits():
    images, labels, _, _ = strokes.stroke_digits(train=600, test=0)
    return data.split(images, labels)


def fit(digits, method="0/1 centred", epochs=2, **kwargs):
    rng = np.random.default_rng(3)
    net = network.mlp([784, 24, 10], method, rng, p0=0.02)
    rule = sparsity.NetBudget(sparsity.Schedule(0.1, start=0.02, over=0.5))
    optimizer = optim.NormalizedSGD(net.params())
    rows, trace = train.fit(net, *digits, rule, optimizer, 1e-2, epochs, rng, batch=60, **kwargs)
    return net, rows, trace


def test_one_row_an_epoch(digits):
    lines = []
    net, rows, trace = fit(digits, log=lines.append)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert len(lines) == 3 and {len(line) for line in lines} == {len(lines[0])}
    last = rows[-1]
    assert last["density"] == net.density() == 1905 / 19056
    assert last["validation_accuracy"] == train.evaluate(net, *digits[1])
    assert last["layer_densities"] == [layer.ones / layer.mask.size for layer in net.sparse_layers]
    assert 0 < last["flips"] < 1 and 0 <= last["train_accuracy"] <= 1 and last["seconds"] > 0
    steps = [step for step, _ in trace]
    assert steps == sorted(steps) and steps[0] == 0 and all(len(d) == 2 for _, d in trace)


def test_the_density_grows_from_the_nearly_empty_start(digits):
    _, _, trace = fit(digits)
    sizes = np.array([784 * 24, 240])
    density = [np.dot(d, sizes) / sizes.sum() for _, d in trace]
    assert abs(density[0] - 0.02) < 1e-3 and abs(density[-1] - 0.1) < 1e-3
    assert (np.diff(density) >= 0).all()


def test_networks_without_bits_have_no_density(digits):
    _, rows, trace = fit(digits, "full precision", epochs=1)
    assert rows[0]["density"] is None and rows[0]["flips"] is None and trace == []
    assert rows[0]["layer_densities"] == []
    _, rows, _ = fit(digits, "+-1", epochs=1)
    assert rows[0]["density"] is None and rows[0]["flips"] > 0


def test_the_same_seed_repeats_every_number_but_the_seconds(digits):
    def numbers(rows):
        return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]

    first, second = fit(digits), fit(digits)
    assert numbers(first[1]) == numbers(second[1])
    assert all(np.array_equal(a, b) for a, b in zip(first[0].params(), second[0].params()))


def test_the_bits_are_chosen_at_every_eighth_step(rng):
    net = network.mlp([6, 5, 3], "+-1", rng)
    before, flipped = net.weight_layers[0].mask, []
    for step in range(17):
        # all latents change their sign at every step
        net.weight_layers[0].params["latent"] *= -1
        x, labels = rng.random((4, 6)), np.array([0, 1, 2, 0])
        train.train_step(net, x, labels, None, optim.SGD(net.params()), 0, step, 17, every=8)
        flipped.append(net.weight_layers[0].mask is not before)
        before = net.weight_layers[0].mask
    assert [step for step in range(17) if flipped[step]] == [0, 8, 16]


def test_a_loss_that_is_no_number_stops_the_run(rng):
    net = network.mlp([4, 3], "full precision", rng)
    net.params()[0][...] = np.nan
    x, labels = np.ones((2, 4)), np.array([0, 1])
    message = r"the loss is nan at step 0: layer 0 \(Dense\): latent is not finite; a rate below"
    with pytest.raises(FloatingPointError, match=message):
        train.train_step(net, x, labels, None, optim.Adam(net.params()), 0.1, 0, 1)
    net.params()[0][...] = 3e38                                # finite, but their sum is not
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(FloatingPointError, match=r"layer 0 \(Dense\): its output is not finite"),
    ):
        train.train_step(net, x, labels, None, optim.Adam(net.params()), 0.1, 0, 1)


def test_a_number_that_bits_hide_stops_the_run_after_its_epoch(digits):
    class Breaks(optim.Adam):
        def step(self, grads, rate):
            super().step(grads, rate)
            if self.t == 9:                                    # the last step of the epoch
                self.params[1][0] = np.nan                     # a scale; its bits are then 0

    rng = np.random.default_rng(3)
    net = network.mlp([784, 8, 10], "0/1", rng, p0=0.1)
    rule = sparsity.NetBudget(sparsity.Schedule(0.1))
    message = r"after epoch 1: layer 1 \(BatchNorm\): scale is not finite"
    with pytest.raises(FloatingPointError, match=message):
        train.fit(net, *digits, rule, Breaks(net.params()), 1e-2, 2, rng, batch=60)


def test_bad_labels_stop_the_run(rng):
    net = network.mlp([4, 3], "+-1", rng)
    x, labels = np.ones((2, 4)), np.array([0, 3])
    with pytest.raises(ValueError, match="labels holds 3; a label must be from 0 to 2"):
        train.train_step(net, x, labels, None, optim.Adam(net.params()), 0.1, 0, 1)


def test_prediction_in_batches_is_prediction_in_one(digits):
    net, _, _ = fit(digits, epochs=1)
    images = digits[0][0]
    in_sevens, in_one = train.predict(net, images, batch=7), train.predict(net, images, batch=1000)
    assert np.array_equal(in_sevens, in_one)


def test_progress_is_shown_on_a_terminal_only(capsys, monkeypatch):
    train.progress_line("step 1")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    train.progress_line("step 1")
    assert "step 1" in capsys.readouterr().err
