"""Chapter 3 runs without data, keeps what it trained, and its committed results hold."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT, TOP_KEYS, environment
from lab import experiment, models, recipes, sources

from sbnn_np.bits import storage
from sbnn_np.core import train
from sbnn_np.datasets import data, strokes
from sbnn_np.engines import floats

CHAPTER = ROOT / "walkthrough" / "03_bits_and_bytes.py"


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A quick run without data, and another one that finds what the first one trained."""
    out, cache = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("cache")
    command = [sys.executable, str(CHAPTER), "--quick", "--out", str(out)]
    done = [
        subprocess.run(command, capture_output=True, text=True, env=environment(cache))
        for _ in range(2)
    ]
    return done, out, cache


def test_quick_runs_on_built_in_data(quick):
    (first, again), out, cache = quick
    assert first.returncode == 0, first.stderr
    assert again.returncode == 0, again.stderr
    assert "built-in STROKE DIGITS" in first.stdout and "built-in SHAPES" in first.stdout
    content = json.loads((out / "03_bits_and_bytes_builtin.json").read_text(encoding="utf-8"))
    assert content.keys() >= TOP_KEYS | {"race", "race_by_batch", "race_conv", "operations"}
    for row in content["rows"]:
        assert set(row["agree"].values()) == {300}
        assert sum(size for _, _, size in row["parts"]) == row["file_bytes"]
        assert row["compression_file"] == row["float32_bytes"] / row["file_bytes"]
    pictures = sorted(path.name for path in out.glob("*.png"))
    assert pictures == [
        f"03_bits_and_bytes_builtin_{what}.png" for what in ("bytes", "operations", "time")
    ]


def test_what_was_trained_is_kept(quick):
    (first, again), _, cache = quick
    kept = sorted((cache / "sbnn_np" / "models").glob("*"))
    assert {path.suffix for path in kept} == {".sbnn", ".npy", ".json"}

    def told(said):
        part = said.split("2. Train, freeze, compare")[1].split("3. Count")[0]
        return [line for line in part.splitlines() if "file" in line]

    assert told(first.stdout) == told(again.stdout) and len(told(first.stdout)) == len(kept) / 3


def test_a_kept_model_is_the_trained_one(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "cache_folder", lambda: tmp_path)
    images, labels, test_images, test_labels = strokes.stroke_digits(400, 60)
    dataset = models.as_bits(data.Data("tiny", images, labels, test_images, test_labels))
    assert dataset.name == "tiny as bits" and dataset.train_images.max() == 1
    recipe = experiment.Recipe("0/1 centred", (784, 20, 10), "Adam", 1e-2, 1, 0, 0.1)
    row, model, scores = models.trained(recipe, dataset, models.THRESHOLD)
    everyone = {"float32 BLAS": 60, "packed words": 60, "bit-sliced": 60}
    assert models.agreement(model, dataset.test_images, scores) == everyone
    scores[3, 2] += 1
    assert models.agreement(model, dataset.test_images, scores) == dict.fromkeys(everyone, 59)
    scores[3, 2] -= 1
    monkeypatch.setattr(experiment, "run", None)
    again, kept, found = models.trained(recipe, dataset, models.THRESHOLD)
    assert again == row and np.array_equal(found, scores)
    assert storage.dumps(kept) == storage.dumps(model)
    scores = floats.Floats(kept).forward(test_images)
    assert np.mean(scores.argmax(axis=1) == test_labels) == row["test_accuracy"]
    # and trained again when its sources have changed
    monkeypatch.setattr(sources, "digest", lambda words, start=None: "other")
    with pytest.raises(TypeError):
        models.trained(recipe, dataset, models.THRESHOLD)


def test_what_cannot_be_saved_need_not_be_trained_again(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "cache_folder", lambda: tmp_path)
    dataset = models.as_bits(data.Data("tiny", *strokes.stroke_digits(400, 60)))
    recipe = experiment.Recipe("0/1", (784, 20, 10), "Adam", 1e-2, 1, 0, 0.1)

    def full(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "save", full)
        with pytest.raises(OSError, match="disk full"):
            models.trained(recipe, dataset, models.THRESHOLD)
    monkeypatch.setattr(train, "train_step", None)            # whoever trains now fails
    models.trained(recipe, dataset, models.THRESHOLD)
    assert {path.suffix for path in (tmp_path / "models").iterdir()} == {".sbnn", ".npy", ".json"}


# the committed results


def committed():
    return json.loads((ROOT / "figures" / "03_bits_and_bytes.json").read_text(encoding="utf-8"))


def test_committed_results_are_of_these_sources():
    content = committed()
    chosen = [recipe for _, recipe in recipes.chapter_3(0)]
    assert content.keys() >= TOP_KEYS
    assert content["sources_digest"] == experiment.digest(*chosen, start=models.AGREEMENT)
    for row, recipe in zip(content["rows"], chosen, strict=True):
        for key in ("method", "optimizer", "rate", "epochs", "schedule", "architecture"):
            assert row[key] == getattr(recipe, key)
        assert row["target_density"] == recipe.density


def test_every_engine_gave_every_score_of_the_trained_networks():
    rows = committed()["rows"]
    assert len(rows) == 12 and {row["data"] for row in rows} == {
        "MNIST", "MNIST as bits", "CIFAR-10",
    }
    for row in rows:
        assert set(row["agree"].values()) == {10000} and len(row["agree"]) >= 2
    (wide,) = (row for row in rows if row["architecture"] == "784-1024-1024-10")
    assert wide["compression_file"] >= 95


def test_slices_were_as_fast_as_the_readme_says():
    content = committed()
    gain = {
        (row["method"], row["density"] and round(row["density"], 2)):
            row["microseconds"]["float32 BLAS"] / row["microseconds"]["bit-sliced"]
        for row in content["race"]
        if row["inputs"] == "bits" and "bit-sliced" in row["microseconds"]
    }
    assert gain["0/1", 0.05] >= 5 and gain["0/1 centred", 0.05] >= 4
    assert gain["0/1", 0.01] >= 15 and gain["0/1 centred", 0.01] >= 10
    assert content["race_conv"]["gain, layers of bits"] >= 3


def test_the_model_in_the_repository_works():
    examples = ROOT / "figures" / "examples"
    path = examples / "digits.sbnn"
    assert path.stat().st_size <= 100_000
    model = storage.load(path)
    (row,) = (
        row for row in committed()["rows"]
        if row["data"] == "MNIST" and row["architecture"] == "784-512-512-10"
    )
    assert path.stat().st_size == row["file_bytes"]
    pictures = sorted(examples.glob("digit_*.png"))
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "sbnn_np", "predict", str(path), str(pictures[4])],
        capture_output=True, text=True, cwd=ROOT,
    )
    # 1.5 s on a machine with nothing else to do
    assert time.perf_counter() - started < 6
    assert done.returncode == 0 and "digit_4.png: 4 " in done.stdout, done.stderr
    assert len(pictures) == 10
    if "SBNN_DATA" in os.environ:
        mnist = data.load("mnist")
        scores = floats.Floats(model).forward(mnist.test_images)
        assert np.mean(scores.argmax(axis=1) == mnist.test_labels) == row["test_accuracy"]
