"""What fits: the largest density within a budget; the summary of a network."""

import numpy as np
import pytest

from sbnn_np.bits import bitops, freeze, storage, summary
from sbnn_np.core import network, optim, train
from sbnn_np.datasets import strokes
from sbnn_np.export import design, exporter


def lenet(rng, method="0/1 centred"):
    return network.mlp([784, 150, 60, 10], method, rng, p0=0.05)


def test_the_largest_density_within_a_file(rng):
    net = lenet(rng)
    found = design.fit(net, file_bytes=8192)
    assert 0.95 * 8192 < found.file_bytes <= 8192
    design.fill(net, found.density, np.random.default_rng(0))
    assert len(storage.dumps(freeze.freeze(net))) == found.file_bytes
    design.fill(net, found.density + 0.001, np.random.default_rng(0))
    assert len(storage.dumps(freeze.freeze(net))) > (1 - design.RESERVE) * 8192


def test_the_largest_density_within_additions(rng):
    net = lenet(rng)
    found = design.fit(net, adds=15_000)
    assert found.adds <= 15_000
    design.fill(net, found.density, np.random.default_rng(0))
    assert sum(map(bitops.adds, net.weight_layers)) == found.adds
    assert abs(net.density() - found.density) < 1e-3
    design.fill(net, found.density + 0.001, np.random.default_rng(0))
    assert sum(map(bitops.adds, net.weight_layers)) > 15_000


def test_of_several_budgets_the_tightest_counts(rng):
    budgets = {"file_bytes": 4000, "adds": 40_000}
    alone = [design.fit(lenet(rng), **{form: budget}) for form, budget in budgets.items()]
    assert alone[0].density != alone[1].density
    assert design.fit(lenet(rng), **budgets).density == min(each.density for each in alone)


def test_a_budget_for_c_is_of_the_program_and_not_of_the_file(rng):
    found = design.fit(lenet(rng), flash_bytes=8192)
    assert found.file_bytes < found.flash_bytes <= 8192
    denser = design.fit(lenet(rng), flash_bytes=8192, coded=True)
    assert denser.density > found.density
    without_floats = design.fit(lenet(rng), flash_bytes=8192, class_only=True)
    assert without_floats.density > found.density


@pytest.mark.parametrize("method, binarize, form, budget", [
    ("0/1", None, "file_bytes", 4000), ("0/1 centred", 127, "flash_bytes", 9000),
])
def test_a_trained_network_keeps_to_the_budget(method, binarize, form, budget, rng, tmp_path):
    labels = np.arange(600) % 10
    digits = strokes.draw(labels, rng)
    if binarize is not None:
        digits = (digits > binarize).view(np.uint8)

    def untrained(p0):
        return network.convnet((28, 28, 1), [6, "pool"], [60, 10], 3, 0, method, rng, p0)

    found = design.fit(untrained(0.05), **{form: budget}, binarize=binarize)
    net = untrained(found.density)
    optimizer = optim.NormalizedSGD(net.params())
    train.fit(
        net, (digits, labels), (digits, labels), found.rule, optimizer, rate=1e-2, epochs=1, rng=rng
    )
    model = freeze.freeze(net, binarize=binarize)
    took = {
        "file_bytes": len(storage.dumps(model)),
        "flash_bytes": exporter.export(model, tmp_path).flash_bytes,
    }
    assert 0.9 * budget < took[form] <= budget


def test_of_several_widths_the_one_that_holds_the_most_is_chosen(rng):
    def two_layers(width):
        return network.mlp([784, width, 10], "0/1", rng)

    widths = (8, 60, 3000)                          # the last one has too little memory
    found = design.fit(two_layers, flash_bytes=6000, ram_bytes=1500, widths=widths)
    alone = [design.fit(two_layers(width), flash_bytes=6000) for width in widths[:2]]
    assert found.entropy_bytes == max(each.entropy_bytes for each in alone)
    assert found.width == widths[int(np.argmax([each.entropy_bytes for each in alone]))]
    with pytest.raises(ValueError, match=r"takes .* bytes of memory as C \(ram_bytes is 100\)"):
        design.fit(two_layers, ram_bytes=100, widths=[3000])


def test_a_float_first_layer_has_its_bytes_in_the_file_and_no_c(rng):
    net = network.convnet(
        (16, 16, 3), [8, "pool", 16, "pool"], [40, 10], 3, 1, "0/1", rng, float_first=True
    )
    found = design.fit(net, file_bytes=8000)
    assert 4 * 27 * 8 < found.file_bytes <= 8000 and found.flash_bytes is None
    with pytest.raises(ValueError, match="flash_bytes is 8000; only 0/1 weights can be written"):
        design.fit(net, flash_bytes=8000)


def test_impossible_budgets_are_refused(rng):
    with pytest.raises(ValueError, match="no budget is given; give at least one of file_bytes, "):
        design.fit(lenet(rng))
    with pytest.raises(ValueError, match=r"\d+ bytes of the model file \(file_bytes is 100\)"):
        design.fit(lenet(rng), file_bytes=100)
    for method in ("+-1", "full precision", "ternary"):
        with pytest.raises(ValueError, match="no 0/1 weights"):
            design.fit(lenet(rng, method), file_bytes=8000)


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
