"""What fits: the largest density within a budget; the summary of a network."""

import numpy as np
import pytest

from sbnn_np.bits import bitops, design, freeze, storage, summary
from sbnn_np.core import network
from sbnn_np.datasets import strokes


def lenet(rng, method="0/1 centred"):
    return network.mlp([784, 300, 100, 10], method, rng, p0=0.05)


def test_the_largest_density_within_flash(rng):
    net = lenet(rng)
    found = design.largest_density(net, flash_bytes=8192)
    assert found.file_bytes <= 8192
    design.fill(net, found.density + 0.001, np.random.default_rng(0))
    assert len(storage.dumps(freeze.freeze(net))) > 8192


def test_the_largest_density_within_additions(rng):
    net = lenet(rng)
    found = design.largest_density(net, adds=15_000)
    assert found.adds <= 15_000
    design.fill(net, found.density, np.random.default_rng(0))
    assert sum(map(bitops.adds, net.weight_layers)) == found.adds
    assert abs(net.density() - found.density) < 1e-3
    design.fill(net, found.density + 0.001, np.random.default_rng(0))
    assert sum(map(bitops.adds, net.weight_layers)) > 15_000


def test_of_two_budgets_the_tighter_one_counts(rng):
    flash = design.largest_density(lenet(rng), flash_bytes=6000)
    adds = design.largest_density(lenet(rng), adds=40_000)
    both = design.largest_density(lenet(rng), flash_bytes=6000, adds=40_000)
    assert both.density == min(flash.density, adds.density)


@pytest.mark.parametrize("method", ["0/1", "0/1 centred"])
def test_a_network_that_has_seen_digits_keeps_to_the_budget(rng, method):
    digits = strokes.draw(np.arange(200) % 10, rng).reshape(200, 784)
    for budget in (4096, 8192):
        net = lenet(rng, method)
        found = design.largest_density(net, flash_bytes=budget)
        design.fill(net, found.density, np.random.default_rng(1))
        for layer in net.layers:
            if hasattr(layer, "steps"):
                layer.steps = 0                                # forget what the filling set
        net.forward(digits, train=True)
        # where the centre becomes 1/64, thresholds grow by six bits: sizes jump
        assert 0.85 * budget < len(storage.dumps(freeze.freeze(net))) <= budget


def test_a_float_first_layer_has_its_bytes(rng):
    net = network.convnet(
        (16, 16, 3), [8, "pool", 16, "pool"], [40, 10], 3, 1, "0/1", rng, float_first=True
    )
    found = design.largest_density(net, flash_bytes=8000)
    assert 4 * 27 * 8 < found.file_bytes <= 8000


def test_impossible_budgets_are_refused(rng):
    with pytest.raises(ValueError, match="flash_bytes and adds are both None"):
        design.largest_density(lenet(rng))
    with pytest.raises(ValueError, match=r"the file has \d+ bytes .* the budgets are 100 and None"):
        design.largest_density(lenet(rng), flash_bytes=100)
    for method in ("+-1", "full precision", "ternary"):
        with pytest.raises(ValueError, match="no 0/1 weights"):
            design.largest_density(lenet(rng, method), flash_bytes=8000)


# the summary


@pytest.mark.parametrize("method", list(network.METHODS))
def test_a_summary_adds_up(method, rng, capsys):
    net = network.convnet(
        (8, 8, 3), [4, "pool", 6], [9, 5], 3, 1, method, rng, 0.2, float_first=True
    )
    summary.summary(net)
    lines = capsys.readouterr().out.splitlines()
    total = lines[-1].split()
    weights = sum(layer.w.size for layer in net.weight_layers)
    assert lines[-1].startswith("all layers") and total[2] == f"{weights:,}"
    account = bitops.account(net)
    assert total[5] == f"{account['adds']:,}"
    coded = account["entropy_bytes"] or account["mask_bytes"] or 0
    assert total[-1] == f"{coded + account['float_bytes']:,.0f}"
    binary = [line for line in lines if line.startswith("binary layers")]
    assert len(binary) == (method != "full precision")
    assert "8 x 8 x 4" in lines[2] and "conv float" in lines[2]
