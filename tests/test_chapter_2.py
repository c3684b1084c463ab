"""Chapter 2 runs without data, resumes after an interruption, and its results are as it says."""

import json
import pickle
import re
import signal
import subprocess
import sys
from argparse import Namespace
from concurrent.futures import Executor, Future
from dataclasses import replace

import numpy as np
import pytest
from conftest import FIGURES, ROOT, ROW_KEYS, TOP_KEYS, committed, environment, fresh
from lab import (
    experiment,
    jobs,
    options,
    recipes,
    report,
    reproduce,
    sweep,
    sweep_1,
    sweep_2,
    sweep_4,
)

from sbnn_np.datasets import data, shapes

CHAPTER = ROOT / "walkthrough" / "02_conv_cifar10.py"


@pytest.fixture(scope="module")
def interrupted_and_resumed(tmp_path_factory):
    """A quick run, stopped by Ctrl-C when the first picture network is done, then resumed."""
    out, cache = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("cache")
    command = [sys.executable, str(CHAPTER), "--quick", "--out", str(out)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(cache),
        # a shell's background job ignores Ctrl-C, and so would what it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    before = ""
    for line in process.stdout:
        before += line
        if line.startswith("some shapes: +-1"):
            process.send_signal(signal.SIGINT)
            break
    rest, errors = process.communicate()
    again = subprocess.run(
        [*command, "--resume"], capture_output=True, text=True, env=environment(cache)
    )
    return process.returncode, before + rest, errors, again, out


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(interrupted_and_resumed):
    code, said, errors, _, out = interrupted_and_resumed
    assert code == 130 and "Traceback" not in errors
    assert "the same command with --resume goes on from there" in said
    assert "built-in STROKE DIGITS" in said and "built-in SHAPES" in said


def test_resume_does_not_train_again_what_is_finished(interrupted_and_resumed):
    _, _, _, again, out = interrupted_and_resumed
    assert again.returncode == 0, again.stderr
    trained = again.stdout.count("epoch    loss")
    assert trained == len(recipes.chapter_2(0)) - 5            # four for digits, one for pictures
    content = json.loads((out / "02_conv_cifar10_builtin.json").read_text(encoding="utf-8"))
    assert content.keys() >= TOP_KEYS
    rows = content["rows"]
    assert len(rows) == len(recipes.chapter_2(0))
    for row in rows:
        assert row.keys() >= ROW_KEYS and row["data"] in ("some stroke digits", "some shapes")
        sparse = row["method"].startswith("0/1")
        assert sparse == (row["density"] is not None) == (row["schedule"] is not None)
        if sparse and row["schedule"] != "penalty":
            assert row["density"] <= row["target_density"] == 0.05
    for name in ("some stroke digits", "some shapes"):
        methods = {row["method"] for row in rows if row["data"] == name}
        assert methods == set(recipes.METHODS)
    assert content["step_cost"].keys() >= {"ratio", "products_gflops", "sgemm_gflops"}
    pictures = {path.name for path in out.glob("*.png")}
    for what in (
        "layers", "accuracy_lenet5", "accuracy_cifar10", "examples_lenet5", "examples_cifar10",
        "filters_lenet5",
    ):
        assert f"02_conv_cifar10_builtin_{what}.png" in pictures


def test_the_chapter_shows_its_identities(interrupted_and_resumed):
    said = interrupted_and_resumed[3].stdout
    left, right = re.search(r"sum\(im2col\(x\) \* cols\) = (-?\d+), .* = (-?\d+)", said).groups()
    assert left == right
    assert "agree to the last bit" in said
    assert "their OR is 1, bit of the largest 1" in said
    assert "their AND is 0, bit of the largest 0" in said


def test_full_has_a_figure_of_both_methods_for_each_data_set():
    results = [
        {"row": {"data": what, "method": r.method, "architecture": r.architecture}, "seed": r.seed}
        for what, r in recipes.chapter_2(0, full=True)
    ]
    for what, sizes in (
        ("digits", "20-p-50-p-500-10"), ("pictures", "64-p-64-128-p-128-256-p-512-10"),
    ):
        chosen = report.by_method(results, what)
        assert list(chosen) == ["+-1", "0/1 centred"]
        assert all(result["row"]["architecture"] == sizes for result in chosen.values())
        assert all(result["seed"] == 0 for result in chosen.values())


# reproducing


def left_with(capsys, *words):
    """Exit code and error of a command that ends at once."""
    with pytest.raises(SystemExit) as left:
        reproduce.main(list(words))
    return left.value.code, capsys.readouterr().err


@pytest.fixture
def tiny_result(tmp_path, monkeypatch):
    """A result of three runs, two of one method, on a few digits; its sources have changed."""
    few = replace(data.few(data.load("strokes"), 600, 50), name="stroke digits")
    monkeypatch.setattr(options, "open_data", lambda name, folder: few)
    tried = [
        experiment.Recipe("0/1", (784, 8, 10), "Adam", 1e-2, 2, 0, 0.1),
        experiment.Recipe("0/1", (784, 8, 10), "Adam", 1e-2, 1, 0, 0.1),
        experiment.Recipe("+-1", (784, 8, 10), "Adam", 1e-2, 1, 0),
    ]
    runs = [experiment.run_once(recipe, few, [tmp_path / "runs"]) for recipe in tried]
    rows = [{"part": "rates", **run["row"], "seconds": run["row"]["epochs"]} for run in runs]
    for run, row in zip(runs, rows):
        run["row"]["seconds"] = row["seconds"]
        name = experiment.run_name(experiment.recipe_of(run), few.name, True)
        experiment.write_json(tmp_path / "runs" / f"{name}.json", run)
    experiment.write_json(tmp_path / "r.json", {"rows": rows, "sources_digest": "of old sources"})
    return ["r", "--results", str(tmp_path)], tmp_path / "r.json"


def test_reproduce_tells_and_writes_only_if_asked(tiny_result, capsys):
    words, path = tiny_result
    before = path.read_bytes()
    reproduce.main(words)
    assert "2 of 3 runs: the same to the last digit" in capsys.readouterr().out
    assert path.read_bytes() == before
    reproduce.main([*words, "--write"])
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content.pop("reproduced").keys() == {"date", "runs", "of", "sources_digest"}
    assert content == json.loads(before)
    assert fresh(json.loads(path.read_text(encoding="utf-8")), path.parent)


def test_reproduce_does_a_single_run(tiny_result, capsys):
    words, path = tiny_result
    before = path.read_bytes()
    reproduce.main([*words, "--list"])
    listed = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert len(listed) == 3
    reproduce.main([*words, "--run", listed[0][-6:]])
    assert capsys.readouterr().out.splitlines() == [
        listed[0], "1 of 3 runs: the same to the last digit",
    ]
    # which does not speak for the other method
    code, error = left_with(capsys, *words, "--run", listed[0], "--write")
    assert code == 2 and "needs a run of each kind; none is of stroke digits: +-1, Adam" in error
    code, error = left_with(capsys, *words, "--run", "nothing")
    assert code == 2 and "no run of" in error
    assert path.read_bytes() == before


def test_reproduce_sees_a_difference_in_the_last_bit(tiny_result, capsys):
    words, path = tiny_result
    file = next(file for file in (path.parent / "runs").iterdir() if "pm1" in file.name)
    run = json.loads(file.read_text(encoding="utf-8"))
    run["epochs"][0]["loss"] = float(np.nextafter(run["epochs"][0]["loss"], 9))
    experiment.write_json(file, run)
    before = path.read_bytes()
    code, error = left_with(capsys, *words, "--write")
    assert code == 2 and "gives other numbers now: epochs" in error
    assert path.read_bytes() == before


def test_reproduce_does_what_a_result_holds_itself(tiny_result, capsys):
    words, path = tiny_result
    content = json.loads(path.read_text(encoding="utf-8"))
    runs = reproduce.runs_of(content, path.parent)
    for file in (path.parent / "runs").iterdir():
        file.unlink()
    experiment.write_json(path, content | {"runs": runs})
    reproduce.main(words)
    assert "2 of 3 runs: the same to the last digit" in capsys.readouterr().out


def test_reproduce_needs_the_result_and_its_runs(tmp_path, capsys):
    code, error = left_with(capsys, "nothing", "--results", str(tmp_path))
    assert code == 2 and "result is nothing; there is no" in error
    experiment.write_json(tmp_path / "result.json", {"rows": [{"method": "0/1"}]})
    code, error = left_with(capsys, "result", "--results", str(tmp_path))
    assert code == 2 and "no run of" in error


@pytest.mark.parametrize("name", [
    "01_mlp_mnist", "01_mlp_mnist_full", "01_sweep", "02_conv_cifar10", "02_conv_cifar10_full",
    "02_sweep", "04_compression_curves", "04_sweep",
])
def test_reproduce_finds_every_run_of_the_committed_results(name):
    content = committed(name)
    runs = reproduce.runs_of(content, FIGURES)
    assert len(runs) == len(content["rows"])
    assert ("part" in runs[0]) == name.startswith("04_comp")
    for run, row in zip(runs, content["rows"]):
        assert run["row"] == {key: row[key] for key in row if key != "part"}
        assert experiment.recipe_of(run).method == row["method"]


# one run, interrupted


@pytest.fixture
def pictures():
    images, labels, test_images, test_labels = shapes.shape_images(320, 60)
    return data.Data("tiny", images, labels, test_images, test_labels, shapes.NAMES)


def test_an_interrupted_run_resumes_to_the_same_result(tmp_path, pictures, monkeypatch):
    monkeypatch.setattr(experiment, "cache_folder", lambda: tmp_path / "cache")
    _, recipe = recipes.conv_recipe(
        "pictures", recipes.vgg(4), "0/1 centred", 0, 3, (1e-2, "shrinking")
    )
    whole = experiment.run_once(recipe, pictures, [tmp_path / "whole"])

    def interrupt(line):
        if line.lstrip().startswith("2 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment.run_once(recipe, pictures, [tmp_path / "runs"], log=interrupt)
    assert not (tmp_path / "runs").exists()
    assert len(list((tmp_path / "cache" / "checkpoints").iterdir())) == 1
    resumed = experiment.run_once(recipe, pictures, [tmp_path / "runs"], resume=True)
    for result in (whole, resumed):
        for row in (result["row"], *result["epochs"], result):
            del row["seconds"]
    assert json.dumps(whole) == json.dumps(resumed)
    assert list((tmp_path / "cache" / "checkpoints").iterdir()) == []
    # and is not run again, unless asked to
    monkeypatch.setattr(experiment, "run", None)
    experiment.run_once(recipe, pictures, [tmp_path / "runs"])
    with pytest.raises(TypeError):
        experiment.run_once(recipe, pictures, [tmp_path / "runs"], again=True)


def test_a_sweep_reads_no_test_set_and_runs_nothing_twice(tmp_path, pictures, monkeypatch):
    monkeypatch.setattr(experiment, "cache_folder", lambda: tmp_path / "cache")
    tried = [
        recipes.conv_recipe("pictures", recipes.vgg(4), "0/1", 0, 1, (rate, "constant"))[1]
        for rate in (1e-3, 1e-2)
    ]
    monkeypatch.setattr(experiment, "load", lambda name, folder: pictures)
    args = Namespace(out=tmp_path, data_dir=None)
    rows = sweep.sweep("rates", "tiny", args, tried)
    assert [row["rate"] for row in rows] == [1e-3, 1e-2]
    assert all(row["part"] == "rates" and row["test_accuracy"] is None for row in rows)
    assert sweep.best(rows, "0/1")["validation_accuracy"] == max(
        row["validation_accuracy"] for row in rows
    )
    monkeypatch.setattr(experiment, "run", None)
    assert sweep.sweep("rates", "tiny", args, tried) == rows


class Elsewhere(Executor):
    """Calls each function in a Python that has nothing of ours on its path."""

    def submit(self, function, *arguments):
        code = "import pickle, sys; function, arguments = pickle.load(sys.stdin.buffer); "
        code += "sys.stdout.buffer.write(pickle.dumps(function(*arguments)))"
        done = subprocess.run(
            [sys.executable, "-I", "-c", code], input=pickle.dumps((function, arguments)),
            stdout=subprocess.PIPE, check=True,
        )
        future = Future()
        future.set_result(pickle.loads(done.stdout))
        return future


def test_a_worker_needs_nothing_on_its_path():
    tried = [recipes.recipe_for(method, 0, 1) for method in ("+-1", "0/1")]
    named = [(recipe, "data", False) for recipe in tried]
    here, there = (dict(jobs.run(experiment.run_name, named, e)) for e in (None, Elsewhere()))
    assert here == there and len(set(here.values())) == 2


@pytest.mark.parametrize("module, parts", [(sweep_1, 3), (sweep_2, 5), (sweep_4, 6)])
def test_every_sweep_hands_its_executor_on(module, parts, tmp_path, monkeypatch):
    given = []

    def made_up(part, name, args, candidates, executor):
        given.append(executor)
        return [
            {"part": part, "validation_accuracy": 0.9, "test_accuracy": None, "density": None,
             "seconds": 1.0, "target_density": None, "schedule": recipe.schedule,
             **{k: getattr(recipe, k) for k in ("method", "optimizer", "rate", "epochs")}}
            for recipe in candidates
        ]

    monkeypatch.setattr(module, "sweep", made_up)
    monkeypatch.setattr(options, "open_data", lambda name, folder: pictures_or_digits[name])
    pictures_or_digits = {"mnist": Namespace(name="MNIST"), "cifar10": Namespace(name="CIFAR-10")}
    module.run(Namespace(out=tmp_path, data_dir=None, seed=0, data="mnist"), "an executor")
    assert given == ["an executor"] * parts
    (result,) = tmp_path.glob("*.json")
    assert len(json.loads(result.read_text(encoding="utf-8"))["rows"]) > 20


def test_recipes_that_differ_have_files_of_their_own():
    _, recipe = recipes.conv_recipe("pictures", recipes.vgg(4), "0/1 centred", 0, 3)
    others = [replace(recipe, **{k: v}) for k, v in {
        "seed": 1, "rate": 0.5, "epochs": 4, "shift": 3, "flip": False, "batch": 32, "every": 3,
        "over": 0.2, "start": 0.3, "images": 7, "float_first": False, "padding": 0,
    }.items()]
    names = {experiment.run_name(r, "data", True) for r in [recipe, *others]}
    assert len(names) == 1 + len(others)


def test_augmentation_is_what_the_recipe_says(rng):
    images = rng.integers(0, 256, (50, 8, 8, 1)).astype(np.uint8)
    _, recipe = recipes.conv_recipe("digits", recipes.LENET5, "+-1", 0, 1)
    still = replace(recipe, shift=0)
    assert np.array_equal(still.augment(images, rng), images)
    mirrored = replace(still, flip=True).augment(images, rng)
    same = [(a == b).all() for a, b in zip(images, mirrored)]
    turned = [(a[:, ::-1] == b).all() for a, b in zip(images, mirrored)]
    assert 10 < sum(same) < 40 and all(s or t for s, t in zip(same, turned))


# the committed results


@pytest.mark.parametrize("name", ["02_conv_cifar10", "02_conv_cifar10_full", "02_sweep"])
def test_committed_results_are_of_these_sources(name):
    content = committed(name)
    assert content.keys() >= TOP_KEYS
    assert fresh(content), f"figures/{name}.json: its sources have changed since; run it again"


def test_the_chapter_follows_what_the_sweep_chose():
    rows = committed("02_sweep")["rows"]
    assert all(row["test_accuracy"] is None for row in rows), "a sweep must not read the test set"
    for what, name in (("digits", "MNIST"), ("pictures", "CIFAR-10")):
        for method, (rate, schedule) in recipes.CHOSEN_2[what].items():
            mine = [row for row in rows if row["data"] == name and row["method"] == method]
            rates = [row for row in mine if row["part"] == "rates"]
            assert sorted(row["rate"] for row in rates) == [3e-3, 1e-2, 3e-2, 1e-1]
            assert rate == max(rates, key=lambda row: row["validation_accuracy"])["rate"]
            tried = [row for row in mine if row["part"] == "schedules"]
            if schedule is None:
                assert tried == []
                continue
            within = [row for row in tried if row["density"] <= row["target_density"]]
            best = max(within, key=lambda row: row["validation_accuracy"])
            assert (best["rate"], best["schedule"]) == (rate, schedule)
            assert {row["schedule"] for row in tried} == set(recipes.SCHEDULES)


@pytest.mark.parametrize("name, full", [("02_conv_cifar10", False), ("02_conv_cifar10_full", True)])
def test_committed_rows_are_of_the_recipes(name, full):
    rows = committed(name)["rows"]
    chosen = recipes.chapter_2(0, full=full)
    assert len(rows) == len(chosen)
    for row, (what, recipe) in zip(rows, chosen):
        assert row["data"] == {"digits": "MNIST", "pictures": "CIFAR-10"}[what]
        for key in ("method", "seed", "optimizer", "rate", "epochs", "schedule", "architecture"):
            assert row[key] == getattr(recipe, key)


def rows_of(recipes_, rows):
    """The committed rows of some recipes."""
    return [rows[recipes.chapter_2(0, full=True).index(recipe)] for recipe in recipes_]


def test_long_trainings_reach_what_was_asked_of_them():
    rows = committed("02_conv_cifar10_full")["rows"]
    groups = {(g["data"], g["architecture"], g["method"]): g for g in report.means(rows)}
    lenet5 = groups["MNIST", "20-p-50-p-500-10", "0/1 centred"]
    assert lenet5["seeds"] == 2 and lenet5["test_accuracy"] >= 0.99 and lenet5["density"] <= 0.05
    wide = "64-p-64-128-p-128-256-p-512-10"
    signs, centred = (groups["CIFAR-10", wide, m] for m in ("+-1", "0/1 centred"))
    assert signs["test_accuracy"] >= 0.80 and centred["test_accuracy"] >= 0.785
    assert centred["test_accuracy"] >= signs["test_accuracy"] - 0.025
    assert centred["density"] <= 0.05


def test_rows_at_equal_bytes_are_at_most_those_of_the_signs():
    signs, *bits = rows_of(recipes.equal_bytes(0), committed("02_conv_cifar10_full")["rows"])
    assert signs["method"] == "+-1" and len(bits) == 2
    for row in bits:
        assert report.coded_bytes(row) <= report.coded_bytes(signs)


def test_the_chapter_shows_the_committed_numbers():
    default = committed("02_conv_cifar10")
    chapter = CHAPTER.read_text(encoding="utf-8")
    assert default["step_cost"]["ratio"] <= 2 and default["peak_mib"] <= 1024
    assert default["seconds_in_all"] <= 25 * 60 and "--resume" not in default["command"]
    for line in report.numbers_to_see(default):
        assert line in chapter, line
    assert f"{report.minutes({'seconds': default['seconds_in_all']})} on two cores" in chapter
    sweep = (ROOT / "walkthrough" / "lab" / "sweep_2.py").read_text(encoding="utf-8")
    assert f"{report.minutes(committed('02_sweep'))} on two cores" in sweep
    assert (FIGURES / "02_conv_cifar10_layers.png").is_file()
