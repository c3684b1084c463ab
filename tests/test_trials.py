"""Tests of the trials: the search, the ideas that can be tried, the watch, and the tables."""

import json
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest
from conftest import FIGURES, TOP_KEYS, fresh
from lab import experiment, growing, options, recipes, report_trials, sweep, trials, variants
from lab.watch import Watch

from sbnn_np.core import network, sparsity
from sbnn_np.datasets import data


def judged(worth):
    """A function like `sweep`, that gives recipes the accuracy that `worth` says, and no more."""
    def part(what, candidates):
        return [
            {"validation_accuracy": worth(recipe), "density": 0.05, "target_density": 0.05}
            for recipe in candidates
        ]

    return part


def near(**wanted):
    """The accuracy of a recipe: the nearer its settings are to those wanted, the better."""
    def worth(recipe):
        far = sum(
            abs(np.log10(max(getattr(recipe, key) or 0, 1e-6)) - np.log10(max(value, 1e-6)))
            for key, value in wanted.items()
        )
        return 1 / (1 + far)

    return worth


BEGIN = replace(recipes.tried("mnist", 0), **recipes.WAYS["constant"])


@pytest.mark.parametrize("wanted", [
    {"rate": 1e-2, "eps": 0.1, "fade": 0.03},
    {"rate": 3e-3, "eps": 1e-5, "fade": 0.1},       # the least rate of the grid is best: go on
    {"rate": 0.9, "eps": 1e3, "fade": 0.03},        # so is the largest, and the largest eps
    {"rate": 1e-3, "eps": 1.0, "fade": 0.0},
])
def test_the_search_ends_where_the_best_lies_inside(wanted):
    found = trials.search(BEGIN, judged(near(**wanted)))
    assert found.eps == wanted["eps"] and (found.fade or 0.0) == wanted["fade"]
    assert found.rate == pytest.approx(wanted["rate"])


def test_no_recipe_is_tried_twice_and_another_density_is_no_candidate():
    seen = []

    def part(what, candidates):
        seen.extend(candidates)
        return [
            {"validation_accuracy": recipe.rate, "target_density": 0.05,
             "density": 0.2 if recipe.rate > 0.02 else 0.05} for recipe in candidates
        ]

    found = trials.search(BEGIN, part)
    assert len(set(seen)) == len(seen)
    assert found.rate == 0.018                    # 0.01, and then 1.8 times that


def test_the_trials_hand_their_executor_on_and_say_what_was_best(tmp_path, monkeypatch, capsys):
    given = []

    def made_up(part, name, args, candidates, executor):
        given.append((part, executor))
        return [
            {"part": part, "density": None, "target_density": None, "seconds": 1.0,
             "validation_accuracy": near(rate=1e-2, eps=1.0, fade=0.03)(recipe),
             "seed": recipe.seed} for recipe in candidates
        ]

    monkeypatch.setattr(trials, "sweep", made_up)
    monkeypatch.setattr(options, "open_data", lambda name, folder: Namespace(name="MNIST"))
    trials.run(Namespace(out=tmp_path, data_dir=None, seed=0, data="mnist"), "an executor")
    assert {executor for _, executor in given} == {"an executor"}
    rows = json.loads((tmp_path / "01_trials.json").read_text(encoding="utf-8"))["rows"]
    assert {row["way"] for row in rows} == set(recipes.WAYS)
    assert sum(row["part"] == "seeds" for row in rows) == trials.SEEDS * len(recipes.WAYS)
    ideas = sum(len(found) for found in trials.IDEAS.values())
    assert sum(row["part"] in {i for w in trials.IDEAS.values() for i in w} for row in rows) == (
        trials.SEEDS * ideas
    )
    told = capsys.readouterr().out
    assert "'growing': rate 0.01, eps 1.0, beta2 0.98, fade 0.03" in told


def test_an_idea_helps_only_beyond_the_spread_of_seeds():
    def rows(*values):
        return [{"validation_accuracy": value} for value in values]

    assert report_trials.helps(rows(0.96, 0.97, 0.98), rows(0.94, 0.95, 0.96))
    assert not report_trials.helps(rows(0.93, 0.97, 0.98), rows(0.94, 0.95, 0.96))
    assert not report_trials.helps(rows(0.96, 0.96, 0.96), rows(0.93, 0.95, 0.97))


def test_the_sentence_on_growing_has_the_means_of_seeds():
    rows = [
        {"way": way, "part": part, "validation_accuracy": value}
        for way, values in (
            ("grown by gradient", (0.96, 0.97, 0.98)), ("constant", (0.95, 0.95, 0.95)),
            ("growing", (0.9, 0.91, 0.92)),
        )
        for part, value in [("rates", 0.99), *(("seeds", value) for value in values)]
    ]
    told = report_trials.growing_line({"data": "MNIST", "rows": rows})
    for words in (
        "grown by gradient reached 97.00 ± 1.00%", "a constant density 95.00 ± 0.00%",
        "by timetable 91.00 ± 1.00%",
    ):
        assert words in told


# ideas


def grown(method="0/1 centred", p0=0.05, seed=0):
    rng = np.random.default_rng(seed)
    return network.mlp([40, 30, 10], method, rng, p0=p0, sigma=0.1)


def test_a_balanced_start_deals_ones_out_evenly_and_keeps_the_latents():
    net = grown()
    before = [np.sort(layer.params["latent"].reshape(-1)) for layer in net.sparse_layers]
    rule, on_step = variants.VARIANTS["balanced start"](BEGIN, net, "a rule")
    assert rule == "a rule" and on_step is None
    for layer, latents in zip(net.sparse_layers, before):
        latent = layer.params["latent"]
        assert np.array_equal(np.sort(latent.reshape(-1)), latents)
        for axis in (0, 1):
            ones = (latent > 0).sum(axis=axis)
            assert ones.max() - ones.min() <= 2
        assert np.array_equal(layer.mask, latent > 0)
        assert layer.centre == round(64 * layer.mask.mean()) / 64


def test_a_learned_centre_moves_against_its_slope():
    net = grown(p0=0.25)
    _, on_step = variants.VARIANTS["learned centre"](BEGIN, net, None)
    first, second = net.sparse_layers
    begun = first.centre, second.centre
    for step in range(40):
        first.grads["latent"][...], second.grads["latent"][...] = 1.0, -1.0
        on_step(step, net)
    # d loss / d centre = -sum of dw: below 0 in the first layer, so its centre grows
    assert first.centre == pytest.approx(begun[0] + 4 / 64, abs=1 / 64)
    assert second.centre == pytest.approx(begun[1] - 4 / 64, abs=1 / 64)
    first.recentre()
    assert first.centre == pytest.approx(begun[0] + 4 / 64, abs=1 / 64)
    assert np.array_equal(np.unique(first.w), np.float32([-first.centre, 1 - first.centre]))


def test_swaps_take_the_most_promising_zeros_and_give_up_the_smallest_latents():
    rule = variants.Swaps(sparsity.Schedule(0.5), part=0.5, pause=1)
    latents = [np.array([[5.0, 4.0], [3.0, 2.0]]), np.array([[1.0, 0.5, 0.2, 0.1]])]
    first = rule.choose(latents, 0.0)
    assert [mask.tolist() for mask in first] == [[[True, True], [True, True]], [[False] * 4]]
    slopes = [np.zeros((2, 2)), np.array([[0.0, -1.0, -3.0, 2.0]])]
    rule.calls = 1
    second = rule.choose(latents, 0.0, slopes)
    assert second[0].tolist() == [[True, True], [False, False]]
    assert second[1].tolist() == [[False, True, True, False]]
    assert sum(int(mask.sum()) for mask in second) == 4
    assert rule.penalty(1.0, second) == (0.0, 0.0)


def test_a_lid_leaves_signs_alone_until_there_are_too_many_ones():
    rule = variants.Lid(0.5)
    few = [np.array([-1.0, 2.0]), np.array([-3.0, -4.0])]
    many = [np.array([1.0, 2.0]), np.array([3.0, -4.0])]
    assert [mask.tolist() for mask in rule.choose(few, 0.0)] == [[False, True], [False, False]]
    assert [mask.tolist() for mask in rule.choose(many, 0.0)] == [[False, True], [True, False]]
    assert rule.penalty(1.0, []) == (0.0, 0.0)


def test_bits_are_chosen_less_often_late():
    calls = []

    class Count:
        def choose(self, latents, progress, grads):
            calls.append(progress)
            return calls[-1]

        def penalty(self, loss, masks):
            return loss, 7

    rule = variants.Seldom(Count())
    chosen = [rule.choose([], step / 16) for step in range(16)]
    assert calls == [step / 16 for step in [*range(8), 8, 12]]
    assert chosen[9:12] == [8 / 16] * 3 and rule.penalty(3.0, []) == (3.0, 7)


# watching, and the short trainings of chapter 1


def test_the_watch_sees_gradients_moves_and_flips():
    net = grown()
    watch, first = Watch(layer=0), net.sparse_layers[0]
    for layer in net.sparse_layers:
        layer.grads["latent"][...] = 0
    first.grads["latent"][:, 0], first.grads["latent"][:, 1:] = 3.0, 2.0
    watch(0, net)
    first.params["latent"] += 0.5
    mask = first.mask.copy()
    mask[:2, 0] = ~mask[:2, 0]
    born = np.count_nonzero(mask & ~first.mask)
    total = sum(layer.mask.size for layer in net.sparse_layers)
    ones = sum(layer.ones for layer in net.sparse_layers)
    first.set_mask(mask)
    watch(1, net)
    assert watch.largest == [3.0, 3.0] and watch.usual == [2.0, 2.0]
    assert watch.moved == [pytest.approx(0.5)] and watch.flips == [0, 2]
    assert watch.tried == [ones / total, (ones + born) / total]


def test_the_mends_are_compared_each_without_one():
    held = data.few(data.load("strokes"), 600, 100)
    found = {"a larger eps": {"eps": 1.0}, "fading": {"fade": 0.03}}
    recipe = replace(recipes.growing_short(0, found, 1), images=512, batch=32)
    lines, told = [], []
    lines = growing.compare(recipe, found, held, told.append)
    assert [(line["name"], line["eps"], line["fade"]) for line in lines] == [
        ("all mends", 1.0, 0.03), ("without a larger eps", 1e-5, 0.03),
        ("without fading", 1.0, 0.0), ("without any", 1e-5, 0.0),
    ]
    for line in lines:
        assert len(line["largest"]) == len(line["usual"]) == len(line["flips"]) == 16 // growing.BIN
        assert 0.004 < line["tried"] < 0.2
    assert len(told) == 2 + len(lines)
    assert max(lines[3]["largest"]) > 10 * max(lines[0]["largest"])
    assert "times smaller than with none" in growing.told(lines)


def test_what_steers_and_what_watches_are_both_called():
    called = []
    both = experiment.both(lambda *a: called.append(("first", *a)), lambda *a: called.append(a))
    both(3, "net")
    assert called == [("first", 3, "net"), (3, "net")]
    assert experiment.both(None, None) is None and experiment.both(len, None) is len


# what is committed


@pytest.mark.parametrize("path", sorted(FIGURES.glob("*_trials.json")), ids=lambda path: path.stem)
def test_committed_trials_gave_every_way_the_same_search(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content.keys() >= TOP_KEYS
    assert fresh(content), f"{path.name}: its sources have changed since; run its command again"
    assert all(row["test_accuracy"] is None for row in content["rows"]), "a test set was read"
    ways = report_trials.ways(content)
    assert ways.keys() == recipes.WAYS.keys()
    for way, rows in ways.items():
        parts = [row["part"] for row in rows]
        assert parts.count("rates") >= len(trials.RATES) and parts.count("eps") >= len(trials.EPS)
        assert (parts.count("memory"), parts.count("again")) == (len(trials.MEMORIES), 2)
        assert {row["seed"] for row in rows if row["part"] == "seeds"} == {0, 1, 2}
        searched = [row for row in rows if row["part"] in report_trials.SEARCH]
        best = sweep.best_of(searched)
        chosen = next(row for row in rows if row["part"] == "seeds")
        assert (best["rate"], best["settings"]) == (chosen["rate"], chosen["settings"])
        found = recipes.FOUND[{"MNIST": "mnist", "CIFAR-10": "cifar10"}[content["data"]]][way]
        usual = {"eps": 1e-5, "beta2": 0.999, "fade": None}
        told = {key: chosen["settings"].get(key, value) for key, value in usual.items()}
        kept, before = {}, [row for row in rows if row["part"] == "seeds"]
        for idea, change in trials.IDEAS.get(way, {}).items():
            if report_trials.helps([row for row in rows if row["part"] == idea], before):
                kept |= change
        assert found == {"rate": chosen["rate"]} | kept | {
            key: value for key, value in told.items() if value != usual[key]
        }
