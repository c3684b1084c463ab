"""The chapters run, stop with clear errors, and their committed results are what they say."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import FIGURES, ROOT, ROW_KEYS, TOP_KEYS, committed, environment, fresh
from lab import experiment, options, recipes, report, sources

from sbnn_np.datasets import data, strokes

CHAPTER = ROOT / "walkthrough" / "01_mlp_mnist.py"


def run_chapter(cache, *options, script=CHAPTER, **more):
    """Run a chapter without any data or network, but for what `more` puts into the environment."""
    return subprocess.run(
        [sys.executable, str(script), *options], capture_output=True, text=True,
        env=environment(cache) | more,
    )


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """One quick run with nothing named and nothing to download."""
    out, cache = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("cache")
    before = {path: path.stat().st_mtime_ns for path in FIGURES.glob("*")}
    done = run_chapter(cache, "--quick", "--out", str(out))
    after = {path: path.stat().st_mtime_ns for path in FIGURES.glob("*")}
    return done, out, before == after


def test_quick_goes_on_with_stroke_digits_and_says_so(quick):
    done, out, untouched = quick
    assert done.returncode == 0, done.stderr
    assert "built-in STROKE DIGITS" in done.stdout
    assert "stroke digits, in the order of training" in done.stdout
    assert untouched, "the quick run changed the committed figures"
    content = json.loads((out / "01_mlp_mnist_builtin.json").read_text(encoding="utf-8"))
    assert content.keys() >= TOP_KEYS and content["data"] == "some stroke digits"
    assert content["sources_digest"] == experiment.digest(*recipes.chapter_1(0))
    pictures = sorted(path.name for path in out.glob("*.png"))
    assert pictures == [
        f"01_mlp_mnist_builtin_{w}.png" for w in ("accuracy", "density", "latents", "mends")
    ]
    assert all((out / name).read_bytes().startswith(b"\x89PNG") for name in pictures)


def test_quick_has_a_whole_row_for_every_method(quick):
    rows = json.loads((quick[1] / "01_mlp_mnist_builtin.json").read_text(encoding="utf-8"))["rows"]
    assert {row["method"] for row in rows} == set(recipes.METHODS)
    for row in rows:
        assert row.keys() >= ROW_KEYS
        assert 0 < row["test_accuracy"] <= 1 and 0 < row["validation_accuracy"] <= 1
        sparse = row["method"].startswith("0/1")
        assert sparse == (row["density"] is not None) == (row["schedule"] is not None)
        if sparse:
            assert row["density"] <= row["target_density"] == 0.05
            assert row["ones"] == round(row["density"] * row["weights"])
            assert row["compression_weights_entropy"] >= 111.7


def test_the_chapter_checks_its_own_loop_and_prints_what_a_step_costs(quick):
    assert "does the same, bit for bit" in quick[0].stdout
    assert re.search(r"its own matrix products.*\d ms\nratio \d", quick[0].stdout)


def test_a_folder_without_the_files_stops_the_chapter(tmp_path):
    for done in (
        run_chapter(tmp_path, "--quick", "--data-dir", str(tmp_path), "--out", f"{tmp_path}/out"),
        run_chapter(tmp_path, "--quick", "--out", f"{tmp_path}/out", SBNN_DATA=str(tmp_path)),
    ):
        assert done.returncode == 2
        assert f"{tmp_path}: no file train-images-idx3-ubyte" in done.stderr
        assert "Traceback" not in done.stderr
        assert list((tmp_path / "out").iterdir()) == []


def test_an_unwritable_out_stops_the_chapter_before_it_trains(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    done = run_chapter(tmp_path, "--quick", "--data", "strokes", "--out", f"{blocked}/deeper")
    assert done.returncode == 2 and "--out" in done.stderr and "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr and "epoch" not in done.stdout
    sweep = CHAPTER.parent / "lab" / "sweep_1.py"
    done = run_chapter(tmp_path, "--data", "strokes", "--out", f"{blocked}/deeper", script=sweep)
    assert done.returncode == 2 and "cannot be written" in done.stderr and not done.stdout


def test_quick_and_full_exclude_each_other(tmp_path):
    done = run_chapter(tmp_path, "--quick", "--full")
    assert done.returncode == 2 and "exclude each other" in done.stderr


# where results go


@pytest.fixture
def typed(monkeypatch):
    """What a chapter takes from a command line."""

    def read(*words):
        parser = options.command_line("A chapter.")
        parser.add_argument("--quick", action="store_true")
        monkeypatch.setattr(sys, "argv", ["chapter.py", *words])
        monkeypatch.setattr(options, "prepare", lambda out: None)
        return options.read(parser)

    return read


def test_results_go_to_a_folder_of_their_own_unless_the_committed_ones_are_to_be_renewed(typed):
    assert typed().out == ROOT / "out"
    assert typed("--quick").out == ROOT / "out" / "quick"
    assert typed("--renew").out == FIGURES
    assert typed("--quick", "--out", "here").out == Path("here")
    for contradiction in (["--quick", "--renew"], ["--out", "here", "--renew"]):
        with pytest.raises(SystemExit) as left:
            typed(*contradiction)
        assert left.value.code == 2


SET_UP = """
import sys, types
from pathlib import Path
sys.modules["ipykernel"] = types.ModuleType("ipykernel")
chapter, *sys.argv = sys.argv[1:]
cells = Path(chapter).read_text(encoding="utf-8").split("# %%")
typed = '["--data-dir", "nowhere", "--quick", "--out", "here"]'
assert cells[1].count("IN_CELLS = []") == 1
exec("#" + cells[1].split("began =")[0].replace("IN_CELLS = []", "IN_CELLS = " + typed))
print(args.quick, args.data_dir, args.seed)
"""


@pytest.mark.parametrize("chapter", sorted(CHAPTER.parent.glob("0[1-9]*.py")), ids=lambda p: p.stem)
def test_run_as_cells_a_chapter_takes_the_options_of_its_first_cell(chapter, tmp_path):
    for argv, expected in (
        (["python/site-packages/ipykernel_launcher.py", "-f", "k.json"], "True nowhere 0"),
        (["python/spyder_kernels/console/__main__.py"], "True nowhere 0"),
        ([f"kernels/{chapter.name}", "--seed", "3", "--out", "here"], "False None 3"),  # by %run
    ):
        done = subprocess.run(
            [sys.executable, "-c", SET_UP, str(chapter), *argv], capture_output=True, text=True,
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{chapter.parent}"},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split("\n")[-2] == expected


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git ignores, and this is no clone")
def test_git_ignores_the_folder_of_results():
    def ignored(path):
        done = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT)
        return done.returncode == 0

    assert ignored("out/01_mlp_mnist.json") and not ignored("figures/01_mlp_mnist.json")


# writing


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    experiment.write_json(path, {"a": 1})

    def fails(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="disk full"):
        experiment.write_json(path, {"a": 2})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


def test_a_finished_run_is_not_run_again(tmp_path, monkeypatch):
    recipe = experiment.Recipe("0/1", (784, 8, 10), "Adam", 1e-3, 1, 0, 0.1)
    images, labels, test_images, test_labels = strokes.stroke_digits(400, 20)
    dataset = data.Data("tiny", images, labels, test_images, test_labels)
    first = experiment.run_once(recipe, dataset, [tmp_path])
    monkeypatch.setattr(experiment, "run", None)              # a second run would fail
    again = experiment.run_once(recipe, dataset, [tmp_path])
    assert again == json.loads(json.dumps(first))
    monkeypatch.setattr(sources, "digest", lambda words, start: "other")
    with pytest.raises(TypeError):
        experiment.run_once(recipe, dataset, [tmp_path])


# the committed results


@pytest.mark.parametrize("name", ["01_mlp_mnist", "01_mlp_mnist_full", "01_sweep"])
def test_committed_results_are_of_these_sources(name):
    content = committed(name)
    assert content.keys() >= TOP_KEYS
    assert content["data"] == "MNIST"
    stale = f"figures/{name}.json: its sources have changed since; run its command again"
    assert fresh(content), stale


def test_committed_runs_followed_the_recipes_that_the_sweep_chose():
    sweep = committed("01_sweep")["rows"]
    assert all(row["test_accuracy"] is None for row in sweep), "a sweep must not read the test set"
    tried = {}
    for row in sweep:
        tried.setdefault((row["part"], row["method"]), []).append(row)
    best = {}
    for method, chosen in recipes.CHOSEN.items():
        best[method] = tried["rates", method]
        row = max(best[method], key=lambda row: row["validation_accuracy"])
        assert chosen[:2] == (row["optimizer"], row["rate"])
        if ("schedules", method) in tried:
            within = [r for r in tried["schedules", method] if r["density"] <= r["target_density"]]
            row = max(within, key=lambda row: row["validation_accuracy"])
            assert chosen[2] == row["schedule"]
    grids = {
        tuple(sorted((row["optimizer"], row["rate"], row["epochs"]) for row in rows))
        for rows in best.values()
    }
    assert len(grids) == 1 and best.keys() == set(recipes.METHODS)
    for name, wanted in (
        ("01_mlp_mnist", recipes.chapter_1(0)),
        ("01_mlp_mnist_full", recipes.chapter_1(0, full=True)),
    ):
        rows = committed(name)["rows"]
        assert len(rows) == len(wanted)
        for row, recipe in zip(rows, wanted):
            for key in ("method", "seed", "optimizer", "rate", "epochs", "schedule"):
                assert row[key] == getattr(recipe, key)
            assert row["architecture"] == recipe.architecture


def test_the_chapter_shows_the_committed_numbers():
    default = committed("01_mlp_mnist")
    assert default["step_cost"]["ratio"] <= 2
    chapter, sweep = (
        path.read_text(encoding="utf-8")
        for path in (CHAPTER, CHAPTER.parent / "lab" / "sweep_1.py")
    )
    assert f"{report.minutes(default)} on two cores" in chapter
    assert f"{report.minutes(committed('01_sweep'))} on two cores" in sweep
    for line in report.numbers_to_see(committed("01_mlp_mnist")):
        assert line in chapter, line


def test_a_path_that_the_terminal_cannot_say_does_not_end_a_chapter(tmp_path):
    code = "from lab import options; options.read(options.command_line('')); print('caf\\xe9')"
    done = subprocess.run(
        [sys.executable, "-c", code, "--out", str(tmp_path)], capture_output=True,
        env=os.environ | {
            "PYTHONIOENCODING": "ascii", "PYTHONPATH": f"{ROOT}{os.pathsep}{CHAPTER.parent}"
        },
    )
    assert done.stdout.split() == [b"caf\\xe9"] and done.returncode == 0, done.stderr
