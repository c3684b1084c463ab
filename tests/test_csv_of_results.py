"""The results as data are the numbers of the JSON files, all of them, to the last digit."""

import csv
import io
import json
from statistics import fmean

import pytest
from conftest import FIGURES
from lab import csv_of_results, experiment
from lab.result_columns import COLUMNS

MADE = ("results.csv", "results_means.csv", "results_columns.csv")
# what a run's file has and the table has not: lists, and words that other columns say
LEFT_OUT = {"agree", "parts", "operations", "part", "sizes", "convs"}
OTHER_NAMES = {"start": "start_density", "share": "penalty_share"}


def lines(name):
    return list(csv.DictReader(io.StringIO((FIGURES / name).read_bytes().decode("utf-8"))))


def text_of(value):
    """What a cell must be: "" for None, else what gives the same value again."""
    return "" if value is None else value if isinstance(value, str) else repr(value)


@pytest.fixture(scope="module")
def table():
    return lines("results.csv")


@pytest.mark.parametrize("name", MADE)
def test_the_files_are_those_of_the_committed_json(name):
    assert (FIGURES / name).read_bytes() == csv_of_results.files()[name].encode(), (
        f"figures/{name} is out of date; PYTHONPATH=walkthrough python -m lab.rewrite writes it"
    )


def test_every_run_has_a_row_with_all_its_numbers(table):
    """Looked up the other way round: from each number of a JSON file to its cell."""
    by_file = {}
    for line in table:
        by_file.setdefault(line["file"], []).append(line)
    for path in (FIGURES / "runs").glob("*.json"):
        run = json.loads(path.read_text(encoding="utf-8"))
        (line,) = by_file.pop(f"runs/{path.name}")
        for name, value in run["row"].items():
            if not isinstance(value, (list, dict)):
                assert line[name] == text_of(value), (path, name)
        for name, value in run["row"].get("operations", {}).items():
            assert line[f"operations_{name}"] == text_of(value), (path, name)
        settings = {"density": "target_density"} | OTHER_NAMES
        for name, value in run["recipe"].items():
            if not isinstance(value, list):
                assert line[settings.get(name, name)] == text_of(value), (path, name)
        assert line["train_loss"] == repr(run["epochs"][-1]["loss"])
        assert line["adds_in_training"] == text_of(run.get("adds_in_training"))
        assert [float(p) for p in line["layer_densities"].split()] == run["row"]["layer_densities"]
    # the runs of these two chapters are in their own files
    first = json.loads((FIGURES / "01_mlp_mnist.json").read_text(encoding="utf-8"))
    third = json.loads((FIGURES / "03_bits_and_bytes.json").read_text(encoding="utf-8"))
    for name, content in (("01_mlp_mnist.json", first), ("03_bits_and_bytes.json", third)):
        found = {line["test_accuracy"] + line["seconds"] for line in by_file.pop(name)}
        assert found == {f"{r['test_accuracy']!r}{r['seconds']!r}" for r in content["rows"]}
    assert not by_file


def test_the_row_says_which_results_have_the_run(table):
    for path in FIGURES.glob("0[1-4]_*.json"):
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        mine = [line for line in table if path.stem in line["results"].split("; ")]
        # a sweep may show one run in two of its parts
        told = {(text_of(row["validation_accuracy"]), text_of(row["seconds"])) for row in rows}
        assert {(line["validation_accuracy"], line["seconds"]) for line in mine} == told
        assert sum(len(line["parts"].split("; ")) for line in mine) == len(rows)
        for line in mine:
            assert (line["test_was_read"] == "False") == path.stem.endswith(("sweep", "trials"))
            assert (line["test_accuracy"] == "") == (line["test_was_read"] == "False")


def test_every_number_of_a_run_and_every_setting_has_a_column(table):
    """A new key of result files or field of Recipe needs a line in result_columns.py."""
    names = set(table[0])
    for path in (FIGURES / "runs").glob("*.json"):
        row = json.loads(path.read_text(encoding="utf-8"))["row"]
        assert row.keys() <= names | LEFT_OUT, path
        assert {f"operations_{key}" for key in row.get("operations", {})} <= names, path
    for field in experiment.fields(experiment.Recipe):
        name = OTHER_NAMES.get(field.name, field.name)
        assert name in names | LEFT_OUT, field.name


def test_means_are_over_runs_that_differ_in_their_seed_alone(table):
    means = lines("results_means.csv")
    settings = list(means[0])[: list(means[0]).index("seeds")]
    assert settings[0] == "results" and settings[-1] == "variant" and "seed" not in settings
    groups = {}
    for line in table:
        groups.setdefault(tuple(line[name] for name in settings), []).append(line)
    assert len(groups) == len(means)
    for line in means:
        group = groups[tuple(line[name] for name in settings)]
        assert int(line["seeds"]) == len(group) == len({each["seed"] for each in group})
        for name in ("test_accuracy", "validation_accuracy", "adds", "entropy_bytes", "seconds"):
            numbers = [float(each[name]) for each in group if each[name]]
            if not numbers:
                assert line[name] == ""
                continue
            assert float(line[name]) == pytest.approx(fmean(numbers), rel=1e-15), name
            if name.endswith("accuracy"):
                assert float(line[f"{name}_low"]) == min(numbers)
                assert float(line[f"{name}_high"]) == max(numbers)
    (wide,) = (
        line for line in means if line["architecture"] == "784-1024-1024-10"
        and line["method"] == "0/1 centred" and line["schedule"] == "penalty"
    )
    assert (wide["seeds"], f"{100 * float(wide['test_accuracy']):.2f}") == ("3", "98.92")


def test_columns_are_explained_once(table):
    told = [line["column"] for line in lines("results_columns.csv")]
    assert told[: len(COLUMNS)] == list(table[0]) == [column.name for column in COLUMNS]
    assert len(set(told)) == len(told)
    assert all(line["meaning"] for line in lines("results_columns.csv"))


def test_files_have_line_feeds_and_no_digit_is_lost(tmp_path):
    row = {
        "data": "a, b", "method": "0/1", "architecture": "4-2", "target_density": 0.1,
        "schedule": None, "optimizer": "Adam", "rate": 1e-2, "epochs": 1,
        "validation_accuracy": 1 / 3, "test_accuracy": None, "seconds": 2.5,
    }
    told = {"date": "2026-01-02", "versions": {"python": "3", "numpy": "2"}}
    rows = [row | {"seed": seed, "validation_accuracy": (1 + seed) / 3} for seed in (10, 9)]
    other = {"rows": [{"method": "of some other table"}]}
    for name, content in (("01_a", {"rows": rows} | told), ("02_b", other | told)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    csv_of_results.write(tmp_path)
    for name in MADE:
        content = (tmp_path / name).read_bytes()
        assert content.endswith(b"\n") and b"\r" not in content
    found = list(csv.DictReader((tmp_path / "results.csv").read_text("utf-8").splitlines()))
    assert [line["seed"] for line in found] == ["9", "10"]
    assert [float(line["validation_accuracy"]) for line in found] == [10 / 3, 11 / 3]
    assert found[0]["data"] == "a, b" and found[0]["batch"] == found[0]["schedule"] == ""
    (line,) = csv.DictReader((tmp_path / "results_means.csv").read_text("utf-8").splitlines())
    assert float(line["validation_accuracy"]) == 3.5 and line["test_accuracy"] == ""
    assert (line["validation_accuracy_low"], line["seeds"]) == (repr(10 / 3), "2")
