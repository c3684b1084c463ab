"""Networks for chips: what they take is known before training, and the best that fits is chosen."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from lab import chip_networks, chips, experiment, models, sweep_5

from sbnn_np.bits import storage
from sbnn_np.datasets import data, strokes
from sbnn_np.engines import packed


def needs_chips():
    """Skip where a chip cannot be simulated."""
    for chip in chips.CHIPS:
        line = chips.missing(chip)
        if line:
            pytest.skip(f"{chip.name} cannot be simulated here; this installs it: {line}")


def found(flash, ram=1000, count=100, avr=None):
    chip = {"flash": flash, "ram": ram, "count": count}
    return {"Cortex-M0": chip, "ATmega328P": avr or {**chip, "flash": 2 * flash}}


@pytest.mark.parametrize("row, good", [
    (found(4000), True), (found(4097), False), (found(4000, ram=2049), False),
    (found(4000, count=501), False), (found(4000, avr={"error": "too large"}), False),
])
def test_a_network_fits_by_flash_ram_and_instructions(row, good):
    target = chip_networks.Target("t", 4096, False, 500, ())
    assert chip_networks.fits(row, target) == good


def test_the_best_on_validation_images_is_chosen_among_those_that_fit():
    target = chip_networks.Target("t", 4096, False, None, ())
    rows = [
        {"part": "t", "fits": fits, "validation_accuracy": accuracy}
        for fits, accuracy in ((True, 0.9), (True, 0.95), (False, 0.99))
    ] + [{"part": "other", "fits": True, "validation_accuracy": 1.0}]
    assert sweep_5.choose(rows, target) is rows[1]
    assert sweep_5.choose(rows[2:], target) is None


def test_names_of_targets_and_their_candidates_differ():
    assert len({target.name for target in chip_networks.TARGETS}) == len(chip_networks.TARGETS)
    recipes = [recipe for _, recipe in chip_networks.candidates(0)]
    assert len(set(recipes)) == len(recipes)
    # the centre and the rest of a layer's ones are even: no neuron is to have more than half
    assert all(recipe.even and 0 < recipe.density < 0.25 for recipe in recipes)


def test_a_small_sweep_trains_chooses_and_is_not_repeated(tmp_path, monkeypatch, capsys):
    needs_chips()
    tiny = data.Data("stroke digits", *strokes.stroke_digits(400, 50))
    small = [
        chip_networks.network("0/1", density, (3, 4), (10,), 5) for density in (0.1, 0.2)
    ]
    targets = (chip_networks.Target("tiny_4_kb", 4096, True, None, tuple(small)),)
    monkeypatch.setattr(chip_networks, "TARGETS", targets)
    monkeypatch.setattr(
        chip_networks, "recipe",
        lambda network, seed: experiment.Recipe(
            optimizer="Adam", epochs=1, seed=seed, batch=64, every=1, even=True, **network
        ),
    )
    monkeypatch.setattr(experiment, "load", lambda name, folder: tiny)
    monkeypatch.setattr(sweep_5.options, "open_data", lambda name, folder: tiny)
    monkeypatch.setattr(sweep_5, "KEPT", tmp_path / "kept")
    args = SimpleNamespace(data_dir=None, seed=0, out=tmp_path, only="", plan=False)
    sweep_5.run(args)
    content = json.loads((tmp_path / "05_sweep_builtin.json").read_text(encoding="utf-8"))
    rows, told = content["rows"], content["found"]
    assert len(rows) == 2 and told[0]["ones"] < told[1]["ones"]
    assert all(each["fits"] for each in told)
    assert all(row["test_accuracy"] is None for row in rows), "a sweep must not read the test set"
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "runs").iterdir()]
    assert [{"part": "tiny_4_kb", **run["row"]} in rows for run in runs] == [True, True]
    assert content["sources_digest"] == experiment.digest(*map(experiment.recipe_of, runs))
    chosen = content["chosen"]["tiny_4_kb"]
    best = max(rows, key=lambda row: row["validation_accuracy"])
    assert chosen["density"] == best["target_density"]
    model = storage.load(tmp_path / "chips" / "tiny_4_kb.sbnn")
    scores = packed.Packed(model).forward(tiny.test_images)
    assert np.mean(scores.argmax(axis=1) == tiny.test_labels) == chosen["test_accuracy"]
    ones = sum(block.w.sum() for block in model.blocks)
    assert model.binarize == models.THRESHOLD and told[rows.index(best)]["ones"] == ones
    said = capsys.readouterr().out
    assert "tiny_4_kb" in said and "validation" in said
    # again: nothing is trained; before training, random bits told the same sizes but for thresholds
    monkeypatch.setattr(experiment, "run", None)
    kept = [sweep_5.trained(recipe, models.as_bits(tiny))[1]
            for _, recipe in chip_networks.candidates(0)]
    assert storage.dumps(model) in [storage.dumps(each) for each in kept]
    args.plan = True
    sweep_5.run(args)
    planned = capsys.readouterr().out.splitlines()[1:3]
    for each, line in zip(told, planned):
        flash = int(line.split()[6].replace(",", ""))
        assert abs(flash - each["Cortex-M0"]["flash"]) <= 0.03 * flash
