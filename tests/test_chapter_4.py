"""Chapter 4: a sweep that can be cut anywhere; tables, answers and figures from its runs."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from conftest import ROOT, TOP_KEYS, environment
from lab import curves, experiment, recipes, report_curves, reproduce, sources

from sbnn_np.core import network, train

CHAPTER = ROOT / "walkthrough" / "04_compression_curves.py"


class PowerCut(BaseException):
    """Ends a sweep at once."""


def tiny(out, epochs=3):
    """Three tasks that take a moment."""
    recipes_ = [
        experiment.Recipe("0/1 centred", (784, 8, 10), "Adam", 1e-2, epochs, 0, 0.1, 0.5, batch=50),
        experiment.Recipe("+-1", (784, 8, 10), "Adam", 1e-2, epochs, 0, batch=50),
        experiment.Recipe("ternary", (784, 8, 10), "NormalizedSGD", 1e-2, epochs, 0, 0.1, None, 0.1,
                          batch=50),
    ]
    return [curves.Task("curves", "strokes", r, str(out), None, 40) for r in recipes_]


def without_times(contents):
    """Contents of result files, less what may differ from run to run."""
    contents = json.loads(json.dumps(contents))
    for content in contents:
        for part in (content, content["row"], *content["epochs"]):
            part.pop("seconds")
        content.pop("date")
    return contents


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def quiet(line):
    """A log that says nothing."""


def test_a_run_leaves_all_that_was_asked_for(tmp_path, cache):
    contents = curves.run(tiny(tmp_path), log=quiet)
    bits, signs, ternary = contents
    for content in contents:
        row = content["row"]
        assert content.keys() >= TOP_KEYS - {"command", "seed", "data", "rows"} | {"epochs"}
        assert row["compression"] == row["float32_bytes"] / row["coded_bytes"]
        assert row["float32_bytes"] == 4 * (784 * 8 + 80 + 18)
        assert row["operations"].keys() >= {"adds", "and_words", "word_ops", "micronet_ops"}
        assert len(content["epochs"]) == 3
    assert bits["row"]["file_bytes"] == bits["row"]["coded_bytes"]
    assert signs["row"]["file_bytes"] > 784 and signs["adds_in_training"] is None
    assert ternary["row"]["file_bytes"] is None
    assert ternary["row"]["coded_bytes"] > ternary["row"]["entropy_bytes"]
    # half ones at first, a tenth in the end, of 6352 weights, 350 images (7 batches), 3 epochs
    most = 3 * 350 * 6352
    assert 0.1 * most < bits["adds_in_training"] < 0.5 * most
    assert sorted(path.name for path in (tmp_path).glob("*.json")) == sorted(
        curves.path_of(task).name for task in tiny(tmp_path)
    )


def test_what_is_finished_is_not_run_again(tmp_path, cache, monkeypatch):
    first = curves.run(tiny(tmp_path), log=quiet)
    monkeypatch.setattr(experiment, "run", None)
    assert curves.run(tiny(tmp_path), log=quiet) == json.loads(json.dumps(first))
    monkeypatch.setattr(sources, "digest", lambda words, start=None: "other")
    with pytest.raises(TypeError):
        curves.run(tiny(tmp_path), log=quiet)


def cut_at(monkeypatch, n):
    """End the process's next sweep before the n-th file is moved into place."""
    count, replace = [0], os.replace

    def replacing(*args):
        count[0] += 1
        if count[0] == n:
            raise PowerCut
        replace(*args)

    monkeypatch.setattr(os, "replace", replacing)
    return count


def counted_steps(monkeypatch):
    """A list that grows by one at each training step from here on."""
    steps, step = [], train.train_step

    def counting(*args):
        steps.append(None)
        return step(*args)

    monkeypatch.setattr(train, "train_step", counting)
    return steps


def test_cut_at_any_file_it_loses_at_most_an_epoch(tmp_path, cache, monkeypatch):
    whole = without_times(curves.run(tiny(tmp_path / "whole"), log=quiet))
    with monkeypatch.context() as patch:
        count = cut_at(patch, 0)
        curves.run(tiny(tmp_path / "counted"), log=quiet)
    # three checkpoints and a result for each of three runs
    assert count[0] == 12
    for n in range(1, 13):
        tasks = tiny(tmp_path / f"cut {n}")
        with monkeypatch.context() as patch:
            cut_at(patch, n)
            with pytest.raises(PowerCut):
                curves.run(tasks, log=quiet)
        with monkeypatch.context() as patch:
            steps = counted_steps(patch)
            again = curves.run(tasks, log=quiet)
        assert without_times(again) == whole
        epochs_before = 3 * ((n - 1) // 4) + min((n - 1) % 4, 3)
        assert len(steps) == 7 * (9 - epochs_before), n


SWEEP = """
import sys
from lab import curves
from test_chapter_4 import tiny
curves.run(tiny(sys.argv[1], epochs=25))
"""


def test_killed_in_mid_epoch_it_goes_on(tmp_path, cache):
    env = os.environ | {"PYTHONPATH": os.pathsep.join(
        [str(ROOT), str(ROOT / "walkthrough"), str(ROOT / "tests")]
    )}
    command = [sys.executable, "-c", SWEEP]
    killed = subprocess.Popen([*command, str(tmp_path / "killed")], env=env)
    while not list(cache.glob("**/checkpoints/*")):
        assert killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert list(cache.glob("**/checkpoints/*"))
    for folder in ("killed", "whole"):
        if folder == "whole":
            env = env | {"XDG_CACHE_HOME": str(tmp_path / "another")}
        subprocess.run([*command, str(tmp_path / folder)], env=env, check=True, capture_output=True)
    contents = [
        without_times([curves.done(task) for task in tiny(tmp_path / folder, epochs=25)])
        for folder in ("killed", "whole")
    ]
    assert contents[0] == contents[1]


def test_a_pool_of_processes_gives_the_same(tmp_path, cache):
    here = curves.run(tiny(tmp_path / "here"), log=quiet)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        there = curves.run(tiny(tmp_path / "there"), pool, quiet)
    assert without_times(here) == without_times(there)


# the chapter


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out, cache = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("cache")

    def run(*options):
        return subprocess.run(
            [sys.executable, str(CHAPTER), "--out", str(out), *options],
            capture_output=True, text=True, env=environment(cache),
        )

    return run("--quick"), run("--quick", "--figures"), run("--quick", "--plan"), run, out


def test_quick_runs_on_built_in_data(quick):
    done, figures, plan, run, out = quick
    assert done.returncode == 0, done.stderr
    assert "1. Beyond 64x" in done.stdout or "2. Fewer operations" in done.stdout
    assert "3. Generalization" in done.stdout and "4. Growth" in done.stdout
    content = json.loads((out / "04_compression_curves_builtin.json").read_text(encoding="utf-8"))
    assert content.keys() >= TOP_KEYS and {row["part"] for row in content["rows"]} == {
        "curves", "growth", "both",
    }
    assert content["command"].endswith("04_compression_curves.py --data real --figures --quick")
    assert len(list((out / "runs").glob("*.json"))) == len(content["rows"])
    assert figures.returncode == 0 and "nan" not in figures.stdout
    assert "the others take about 0 minutes" in plan.stdout
    for what in ("bytes_mnist", "adds_mnist", "growth"):
        assert (out / f"04_compression_curves_builtin_{what}.png").is_file()


def test_only_picks_and_refuses_what_it_does_not_know(quick):
    *_, run, out = quick
    done = run("--quick", "--plan", "--only", "growth")
    assert done.returncode == 0 and " 0 minutes" in done.stdout
    done = run("--quick", "--plan", "--only", "growth", "--out", str(out / "another"))
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("    ")]
    assert set(listed) == {"growth", "both"}
    done = run("--quick", "--plan", "--only", "nothing")
    assert done.returncode == 2 and "--only nothing: it must be one of" in done.stderr


def test_the_plan_has_all_that_the_curves_need():
    tasks = curves.plan("out")
    assert len(tasks) == len(set(tasks))
    mlps = [t for t in tasks if t.part in ("curves", "both") and not t.recipe.convs]
    for architecture in curves.MLPS:
        mine = [t.recipe for t in mlps if t.recipe.architecture == architecture]
        for method in ("0/1", "0/1 centred"):
            found = {(r.density, r.seed) for r in mine if r.method == method}
            assert found == {(p, s) for p in curves.DENSITIES for s in range(3)}
        assert {r.method for r in mine} == set(network.METHODS)
    pictures = [t.recipe for t in tasks if t.data == "cifar10" and t.part in ("curves", "both")]
    assert {r.density for r in pictures if r.method == "0/1 centred"} == {
        0.25, 0.1, 0.05, 0.045, 0.02,
    }
    growth = [t.recipe for t in tasks if "growth" in curves.labels_of(t)]
    assert {(bool(r.convs), r.schedule, r.epochs) for r in growth} == {
        (conv, schedule, epochs)
        for schedule in ("growing", "constant", "shrinking")
        for conv, lengths in ((False, (4, 12, 36)), (True, (1, 2, 4))) for epochs in lengths
    }
    assert len({t.recipe for t in tasks}) == len(tasks)


def test_a_pool_of_workers_in_the_chapter(quick, tmp_path):
    env = environment(tmp_path / "cache")
    command = [sys.executable, str(CHAPTER), "--quick", "--only", "+-1", "--out"]
    done = subprocess.run(
        [*command, str(tmp_path / "here"), "--workers", "2"],
        capture_output=True, text=True, env=env,
    )
    assert done.returncode == 0, done.stderr
    found = sorted((tmp_path / "here" / "runs").glob("*.json"))
    assert found
    rows = [
        without_times([json.loads(path.read_text(encoding="utf-8")) for path in paths])
        for paths in (found, [quick[-1] / "runs" / path.name for path in found])
    ]
    assert rows[0] == rows[1]
    # a checkpoint that cannot be gone on from is named, and nothing is trained
    result = found[0]
    result.unlink()
    left = tmp_path / "cache" / "sbnn_np" / "checkpoints" / result.stem
    left.write_bytes(b"something else")
    for options in ([], ["--workers", "2"]):
        done = subprocess.run(
            [*command, str(tmp_path / "here"), *options], capture_output=True, text=True, env=env,
        )
        assert done.returncode == 2 and str(left) in done.stderr
        assert "Delete that file" in done.stderr and not result.exists()


# the committed results


def committed():
    tasks = curves.plan(ROOT / "figures" / "runs")
    contents = []
    for task in tasks:
        name = {"mnist": "MNIST", "cifar10": "CIFAR-10"}[task.data]
        path = ROOT / "figures" / "runs" / (
            f"{task.part}-{experiment.run_name(task.recipe, name, True)}.json"
        )
        contents.append(json.loads(path.read_text(encoding="utf-8")))
    return tasks, contents


def test_committed_runs_are_of_the_plan_and_of_these_sources():
    for task, content in zip(*committed()):
        assert content["sources_digest"] == experiment.digest(task.recipe, start=curves.START)
        assert experiment.recipe_of(content) == task.recipe and content["part"] == task.part
        assert len(content["epochs"]) == task.recipe.epochs
        row = content["row"]
        if row["method"].startswith("0/1"):
            assert row["density"] <= row["target_density"] + 1e-6 or row["schedule"] == "penalty"


def test_the_rates_of_ternary_networks_are_those_that_the_sweep_chose():
    content = json.loads((ROOT / "figures" / "04_sweep.json").read_text(encoding="utf-8"))
    assert content.keys() >= TOP_KEYS
    runs = reproduce.runs_of(content, ROOT / "figures")
    assert content["sources_digest"] == reproduce.digest_of(runs)
    for what in ("dense", "digits", "pictures"):
        for share in (None, curves.SHARE):
            part = f"{what}, regularised" if share else what
            rows = [row for row in content["rows"] if row["part"] == part]
            assert len(rows) == (6 if what == "dense" else 4)
            best = max(rows, key=lambda row: row["validation_accuracy"])
            chosen = recipes.CHOSEN_4[what]["ternary", share is not None]
            assert chosen in ((best["optimizer"], best["rate"]), best["rate"])


def test_what_the_curves_promise():
    _, contents = committed()
    groups = report_curves.means([c for c in contents if c["part"] != "growth"])

    def of(architecture, epochs, methods):
        return [
            g for g in groups if (g["architecture"], g["epochs"]) == (architecture, epochs)
            and g["method"] in methods and g["seeds"] == 3
        ]

    wide = "784-1024-1024-10", curves.LONG
    (floats,), (signs,) = of(*wide, ["full precision"]), of(*wide, ["+-1"])
    bits = [g for g in of(*wide, ["0/1", "0/1 centred"]) if g["compression"] >= 95]
    best = report_curves.preferred(bits)
    assert best["error"] <= floats["error"] + 0.5 and best["error"] <= signs["error"] + 0.2
    small = [
        g for g in groups if g["data"] == "MNIST" and g["method"].startswith("0/1")
        and g["architecture"].startswith("784-") and g["bytes"] <= 27000
    ]
    assert report_curves.preferred(small)["error"] <= 2.2
    # at the bytes of a +-1 network
    for signs in groups:
        narrow = signs["architecture"] in ("784-300-100-10", "16-p-16-32-p-32-64-p-128-10")
        if signs["method"] == "+-1" and narrow:
            fits = [
                g for g in groups if g["data"] == signs["data"] and g["epochs"] == signs["epochs"]
                and g["method"].startswith("0/1") and g["bytes"] <= signs["bytes"]
            ]
            assert report_curves.preferred(fits)["error"] < signs["error"]
