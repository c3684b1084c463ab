"""From somebody's own images to a model file that answers, in three commands."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_main import call

from sbnn_np.bits import storage
from sbnn_np.core import train
from sbnn_np.datasets.download import DataError
from sbnn_np.engines import packed
from sbnn_np.engines.sliced import bit_sliced
from sbnn_np.own import own_data, own_training, train_command
from sbnn_np.page import trace as traces

pytestmark = pytest.mark.container

CLASSES = ["disc", "bar", "hook"]
QUICK = "--layers", "48,24", "--density", "0.1"


def drawn(n, rng):
    """3 n images of 16 x 16 pixels, light on dark, and their labels: easy to tell apart."""
    y, x = np.mgrid[:16, :16]
    found = []
    for label in np.arange(3 * n) % 3:
        cy, cx = rng.uniform(6, 10, 2)
        ink = [
            np.hypot(y - cy, x - cx) < 4,
            (abs(x - cx) < 1.6) & (abs(y - cy) < 6),
            (np.minimum(abs(x - cx + 3), abs(y - cy - 3)) < 1.6)
            & (np.maximum(abs(y - cy), abs(x - cx)) < 5),
        ][label]
        found.append(ink * rng.uniform(120, 255) + rng.uniform(0, 30, (16, 16)))
    return np.clip(found, 0, 255).astype(np.uint8), np.arange(3 * n) % 3


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def next_commands(done):
    """What the end of a training says to type: lists of words after `python -m sbnn_np`."""
    lines = done.stdout.split("\nNext:\n")[1].splitlines()
    found = [shlex.split(line) for line in lines]
    assert all(words[:3] == ["python", "-m", "sbnn_np"] for words in found)
    return [words[3:] for words in found]


def right(done):
    """How many of how many validation images a training says are right."""
    found = re.search(r"^(\d+) of (\d+) validation images", done.stdout, re.M)
    return int(found[1]), int(found[2])


def test_three_commands_from_arrays_to_an_answer(here, rng):
    images, labels = drawn(40, rng)
    np.savez(here / "data.npz", images=images, labels=labels, classes=CLASSES)
    command = ["train", "data.npz", *QUICK, "--epochs", "60", "--out", "model.sbnn"]
    done = subprocess.run(
        [sys.executable, "-m", "sbnn_np", *command], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(own_training.__file__).parents[2])},
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    for line in (
        "data.npz: 120 images of 16 x 16 x 1, pixels from 0 to 255, on dark ground",
        "3 classes and their images: disc (40), bar (40), hook (40)",
        "96 images to train on, 24 of all classes for validation",
        "network: 256 inputs, 48 and 24 neurons, 3 scores; 13,512 weights, 10% of them 1 "
        "(0/1 centred)",
        "training: 60 epochs of 3 steps, batches of 32 images, each moved by up to 1 pixel; "
        "Adam with rate 0.01; the ones are chosen anew at every step",
    ):
        assert line in done.stdout.splitlines()
    hits, N = right(done)
    assert N == 24 and hits >= 20
    # the table of confusion: rows are classes, and the diagonal is what is right
    rows = [line.split() for line in done.stdout.splitlines() if line.split()[:1] != [] and
            line.split()[0] in CLASSES and len(line.split()) == 4 and line.split()[1].isdigit()]
    assert [row[0] for row in rows] == CLASSES
    table = np.array([row[1:] for row in rows], int)
    assert table.sum() == 24 and np.trace(table) == hits and (table.sum(axis=1) == 8).all()

    show, predict = next_commands(done)
    assert show == ["show", "model.sbnn"] and predict == ["predict", "model.sbnn", "data.npz"]
    shown = call(*show)
    assert "takes 16 x 16 x 1 pixels from 0 to 255\nground of the images: dark" in shown.stdout
    assert "classes: disc, bar, hook" in shown.stdout
    told = call(*predict, "--first", 120).stdout.splitlines()
    answers = [line.split(": ")[1].split()[0] for line in told]
    assert np.mean([CLASSES.index(a) == m for a, m in zip(answers, labels)]) > 0.8

    # the file is a network that all engines run, and ones are as many as were asked for
    model = storage.load("model.sbnn")
    scores = packed.Packed(model).forward(images)
    assert np.array_equal(scores, bit_sliced.Sliced(model).forward(images[..., None]))
    assert [CLASSES[m] for m in scores.argmax(axis=1)] == answers
    assert sum(int(block.w.sum()) for block in model.blocks) == 1351
    for command in (["export", "model.sbnn", "--to", "c"], ["page", "model.sbnn"]):
        assert call(*command).returncode == 0


@pytest.mark.parametrize("colour", [False, True])
def test_three_commands_from_a_folder_of_pngs(here, rng, colour):
    images, labels = drawn(20, rng)
    for n, (image, m) in enumerate(zip(images, labels)):
        place = here / "my images" / CLASSES[m] / f"{n}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        if colour:
            image = np.stack([image, image // 2, 255 - image], axis=2)
        Image.fromarray(image).save(place)
    done = call("train", "my images", *QUICK, "--epochs", 60, "--out", "new/model.sbnn")
    assert done.returncode == 0 and not done.stderr
    C = 3 if colour else 1
    assert f"my images: 60 images of 16 x 16 x {C}, pixels from 0 to 255, on " in done.stdout
    assert right(done)[0] >= 9
    show, predict = next_commands(done)
    assert f"takes 16 x 16 x {C} pixels" in call(*show).stdout
    asked = call(*predict)
    path = Path(predict[2])
    assert path.parent.parent.name == "my images"
    assert asked.stdout.startswith(f"{path}: ") and "   scores " in asked.stdout
    every = sorted((here / "my images").glob("*/*.png"))
    told = call("predict", "new/model.sbnn", *every).stdout.splitlines()
    hits = [line.split(": ")[1].split()[0] == path.parent.name for line, path in zip(told, every)]
    assert len(told) == 60 and np.mean(hits) > 0.75


def test_bits_are_trained_on_as_bits_and_asked_about_as_bits_or_pixels(here, rng):
    images, labels = drawn(20, rng)
    np.savez("data.npz", images=images > 80, labels=labels)
    done = call("train", "data.npz", *QUICK, "--epochs", 40)
    assert done.returncode == 0, done.stderr
    assert "60 images of 16 x 16 x 1, bits, on dark ground" in done.stdout
    assert "each as the bit [pixel > 127]" in call("show", "model.sbnn").stdout
    pixels = np.where(images > 80, 200, 20).astype(np.uint8)
    np.save("bits.npy", images > 80)
    np.save("pixels.npy", pixels)
    asked = [call("predict", "model.sbnn", name).stdout for name in ("bits.npy", "pixels.npy")]
    answers = [re.findall(r"\]: (.*)", text) for text in asked]
    assert answers[0] == answers[1] and len(answers[0]) == 10


def test_mixed_grounds_and_many_classes(here, rng):
    """`predict` then must not make all grounds alike, and a table of classes would be too wide."""
    images, _ = drawn(35, rng)
    images[::2] = 255 - images[::2]
    np.savez("data.npz", images=images, labels=np.arange(105) % 15)
    done = call("train", "data.npz", *QUICK, "--epochs", 2)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert told[0].endswith("pixels from 0 to 255, on light and on dark ground")
    assert told[1].startswith("note: `predict` would make all grounds alike; --invert no")
    assert told[2] == "15 classes and their images: 7 to 7 each"
    assert right(done)[1] == 15 and re.search(r" of 1 images of \d+ are taken for ", done.stdout)
    _, predict = next_commands(done)
    assert predict == ["predict", "model.sbnn", "data.npz", "--invert", "no"]
    note, *lines = call(*predict, "--first", 105).stdout.splitlines()
    assert note == "data.npz: 53 of 105 images: dark on light, and left so (--invert no)"
    scores = packed.Packed(storage.load("model.sbnn")).forward(images)
    assert [int(line.split(": ")[1].split()[0]) for line in lines] == scores.argmax(1).tolist()


def test_light_grounds_stay_light_when_images_are_moved(rng):
    images, _ = drawn(5, rng)
    for white in (1, 255):
        for ground in (0, white):
            light = ground > 0
            batch = (((images > 80) ^ light) * np.uint8(white))[..., None]
            moved = own_training.mover(4, ground)(batch, np.random.default_rng(0))
            assert moved.dtype == np.uint8 and not np.array_equal(moved, batch)
            assert set(np.unique(moved)) == {0, white}
            for side in (moved[:, 0], moved[:, -1], moved[:, :, 0], moved[:, :, -1]):
                assert (side == ground).mean() > 0.8
    assert own_training.mover(0, 255) is None


def test_the_plan_follows_the_number_of_images():
    for N, batch, epochs in (
        (12, 12, 200), (400, 32, 120), (1600, 32, 30), (5000, 64, 19), (9000, 64, 11),
        (54000, 128, 8),
    ):
        how = own_training.plan((28, 28, 1), N, [256, 128, 10], 0.05, False)
        assert (how.batch, how.epochs, how.every, how.shift) == (batch, epochs, 1, 1)
        assert how.epochs * (N // how.batch) <= 4000
    how = own_training.plan((28, 28, 1), 54000, [256, 10], 0.05, True, epochs=50, shift=0)
    assert (how.epochs, how.every, how.shift) == (50, 8, 0)
    assert own_training.plan((8, 28, 1), 100, [8, 2], 0.05, False).shift == 0
    # sums of a centred neuron are exact below 2^24 alone
    for side, bits, method in (
        (31, False, "0/1 centred"), (50, False, "0/1 centred"), (64, False, "0/1"),
        (64, True, "0/1 centred"),
    ):
        assert own_training.plan((side, side, 1), 100, [8, 2], 0.05, bits).method == method
    with pytest.raises(DataError, match="make 25,165,888 weights; .* at most 16,777,216"):
        own_training.plan((512, 512, 3), 100, [32, 2], 0.05, False, 1)
    with pytest.raises(DataError, match="0.01 makes .* of 1,008 weights .* 26; .* at least 0.0261"):
        own_training.plan((8, 5, 1), 100, [24, 2], 0.01, False)


def test_a_model_file_that_cannot_be_written_is_refused_before_training(here, rng, monkeypatch):
    images, labels = drawn(5, rng)
    np.savez("data.npz", images=images, labels=labels)
    monkeypatch.setattr(own_data, "load", lambda path: pytest.fail("the images were read"))
    (here / "file").write_bytes(b"")
    for out, said in (
        (here, f"it is a folder; it must be a file, as {here / 'model.sbnn'}"),
        ("data.npz", "the images are in this file"), ("file/model.sbnn", "cannot be written: "),
    ):
        done = call("train", "data.npz", "--out", out)
        assert done.returncode == 2 and done.stderr.startswith(f"error: --out {out}: {said}")
        assert not done.stdout
    assert sorted(path.name for path in here.iterdir()) == ["data.npz", "file"]


def test_data_that_cannot_be_learned_from_leaves_no_model(here, rng):
    images, labels = drawn(5, rng)
    np.savez("data.npz", images=images / 255, labels=labels)
    done = call("train", "data.npz")
    assert done.returncode == 2 and done.stderr.startswith("error: data.npz: images hold 0.")
    assert not done.stdout and not (here / "model.sbnn").exists()


@pytest.mark.parametrize("words, said", [
    (["--density", "0"], "0 is no number above 0 and at most 1, as 0.05 is"),
    (["--density", "nan"], "nan is no number above 0"), (["--density", "5%"], "5% is no number"),
    (["--layers", "64,"], " is no whole number from 1 on"),
    (["--layers", "64 32"], "64 32 is no whole number from 1 on"),
    (["--epochs", "0"], "0 is no whole number from 1 on"), (["--shift", "-1"], "-1 is no whole"),
])
def test_numbers_that_make_no_training_are_refused(here, words, said):
    done = call("train", "data.npz", *words)
    assert done.returncode == 2 and said in done.stderr


def test_ctrl_c_and_want_of_memory_are_said(here, rng, monkeypatch):
    images, labels = drawn(5, rng)
    np.savez("data.npz", images=images, labels=labels)
    for error, status, said in (
        (KeyboardInterrupt, 130, "error: stopped before the end; no model was saved\n"),
        (MemoryError, 2, "error: there is not enough memory for these images and layers\n"),
    ):
        def stop(*args, error=error, **kwargs):
            raise error

        monkeypatch.setattr(train, "fit", stop)
        done = call("train", "data.npz")
        assert done.returncode == status and done.stderr == said
        assert not (here / "model.sbnn").exists()


def test_of_many_classes_the_commonest_confusions_are_told():
    classes = [f"c{m}" for m in range(20)]
    labels = np.repeat(np.arange(20), 10)
    answers = labels.copy()
    answers[30:34], answers[70:72] = 5, 6
    lines = train_command.confusion(labels, answers, classes)
    assert lines[0] == (
        "194 of 200 validation images are right, 97.0% (with one answer for all it would be 10)"
    )
    assert lines[1:] == [
        "", "    4 of 10 images of c3 are taken for c5",
        "    2 of 10 images of c7 are taken for c6",
    ]
    assert train_command.confusion(labels, labels, classes)[2:] == []


def test_a_seed_repeats_a_training_to_the_last_bit(here, rng):
    images, labels = drawn(5, rng)
    np.savez("data.npz", images=images, labels=labels)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        done = call("train", "data.npz", *QUICK, "--epochs", 3, "--out", name, "--seed", seed)
        assert done.returncode == 0
    a, b, c = (Path(name).read_bytes() for name in "abc")
    assert a == b != c
    assert json.loads(a[10 : 10 + int.from_bytes(a[6:10], "little")])["shape"] == [16, 16, 1]


def test_a_training_leaves_a_trace_that_the_page_plays(here, rng):
    images, labels = drawn(20, rng)
    np.savez("data.npz", images=images, labels=labels, classes=CLASSES)
    how = [*QUICK, "--epochs", 3, "--out", "model.sbnn"]
    done = call("train", "data.npz", *how, "--trace", "steps.npz")
    assert done.returncode == 0 and not done.stderr
    *_, page = next_commands(done)
    assert page == ["page", "model.sbnn", "--images", "data.npz", "--trace", "steps.npz"]
    assert call(*page).returncode == 0
    trace = traces.load("steps.npz")
    assert len(trace.accuracy) == 3 and trace.shape == (16, 16)
    model = storage.load("model.sbnn")
    assert np.array_equal(trace.bits[-1], model.blocks[0].w[:, : traces.NEURONS].T.astype(bool))
    # to listen changes no bit
    assert call("train", "data.npz", *how, "--out", "alone.sbnn").returncode == 0
    assert (here / "alone.sbnn").read_bytes() == (here / "model.sbnn").read_bytes()

    np.savez("colour.npz", images=np.repeat(images[..., None], 3, axis=3), labels=labels)
    done = call("train", "colour.npz", "--trace", "more.npz")
    assert done.returncode == 2 and "--trace: the images are 16 x 16 x 3" in done.stderr
    done = call("train", "data.npz", "--trace", here)
    assert done.returncode == 2 and f"--trace {here}: it is a folder" in done.stderr
