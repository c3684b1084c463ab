"""The commands for model files: what they print, and what they will not take."""

import gzip
import struct
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from sbnn_np import __main__ as commands
from sbnn_np.bits import freeze, storage
from sbnn_np.core import network
from sbnn_np.datasets import strokes
from sbnn_np.engines import floats

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A frozen network for 28 x 28 pixels, and where it is stored."""
    rng = np.random.default_rng(0)
    net = network.mlp([784, 40, 10], "0/1 centred", rng, p0=0.05)
    net.forward(strokes.draw(np.arange(10).repeat(5), rng).reshape(50, 784), train=True)
    frozen = freeze.freeze(net)
    path = tmp_path_factory.mktemp("model") / "digits.sbnn"
    storage.save(frozen, path)
    return frozen, path


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "sbnn_np", *map(str, arguments)], capture_output=True, text=True
    )


def test_show_tells_of_every_byte(model):
    frozen, path = model
    done = run("show", path)
    assert done.returncode == 0, done.stderr
    assert "takes 784 pixels from 0 to 255" in done.stdout
    assert f"{path.stat().st_size:>10,} bytes" in done.stdout
    lines = [line for line in done.stdout.splitlines() if "%" in line and "bytes" in line]
    assert sum(int(line.split(" bytes")[0].split()[-1].replace(",", "")) for line in lines) == (
        path.stat().st_size
    )
    ones = sum(int(block.w.sum()) for block in frozen.blocks)
    assert f"{ones:,}" in done.stdout and "binary layers" in done.stdout


def test_predict_gives_the_class_and_the_scores_in_time(model, tmp_path):
    frozen, path = model
    digit = strokes.draw(np.array([3]), np.random.default_rng(1))[0, :, :, 0]
    matplotlib.image.imsave(tmp_path / "three.png", digit, cmap="gray", vmin=0, vmax=255)
    start = time.perf_counter()
    done = run("predict", path, tmp_path / "three.png")
    assert time.perf_counter() - start < 3                     # 1.5 s, where nothing else runs
    assert done.returncode == 0, done.stderr
    scores = floats.Floats(frozen).forward(digit.reshape(1, 784))[0]
    said = done.stdout.split("three.png: ")[1]
    assert said.startswith(f"{scores.argmax()}   scores {scores.argmax()} {scores.max():.2f}")


def png(path, pixels, **kwargs):
    matplotlib.image.imsave(path, pixels, **kwargs)
    return path


def test_an_unknown_backend_of_figures_does_not_matter(monkeypatch):
    examples = ROOT / "figures" / "examples"
    command = ["predict", examples / "digits.sbnn", examples / "digit_4.png"]
    expected = run(*command)
    assert expected.returncode == 0
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    assert run(*command).stdout == expected.stdout


def test_what_is_done_to_an_image_is_said(model, tmp_path):
    frozen, _ = model
    digit = strokes.draw(np.array([3]), np.random.default_rng(1))[0, :, :, 0]
    grey = np.repeat(digit[:, :, None], 3, axis=2)
    straight, done = commands.read_images(png(tmp_path / "a.png", grey), frozen, 10)
    assert done == [] and np.array_equal(straight, digit.reshape(1, 784))
    # dark on light, twice as large
    large = np.kron(255 - grey, np.ones((2, 2, 1), np.uint8))
    images, done = commands.read_images(png(tmp_path / "b.png", large), frozen, 10)
    assert done == ["56 x 56 pixels made 28 x 28", "dark on light made light on dark"]
    assert np.array_equal(images, straight)
    coloured = grey.copy()
    coloured[:, :, 0] //= 2
    images, done = commands.read_images(png(tmp_path / "c.png", coloured), frozen, 10)
    assert done == ["colours made grey"]
    expected = coloured @ np.array([0.299, 0.587, 0.114])
    assert np.abs(images.reshape(28, 28) - expected).max() <= 0.5 + 1e-6
    clear = np.dstack([grey, np.where(digit > 0, 255, 0).astype(np.uint8)])
    _, done = commands.read_images(png(tmp_path / "d.png", clear), frozen, 10)
    assert done[0] == "what is transparent made white"


def test_idx_files_are_read_compressed_or_not(model, tmp_path):
    frozen, path = model
    images = strokes.draw(np.arange(10), np.random.default_rng(1))
    content = struct.pack(">IIII", 2051, 10, 28, 28) + images.tobytes()
    (tmp_path / "images").write_bytes(content)
    (tmp_path / "images.gz").write_bytes(gzip.compress(content))
    for name in ("images", "images.gz"):
        found, done = commands.read_images(tmp_path / name, frozen, 4)
        assert np.array_equal(found, images[:4].reshape(4, 784))
        assert done == ["the first 4 of 10 images (--first)"]
    done = run("predict", path, tmp_path / "images.gz", "--first", 3)
    assert done.stdout.count("scores") == 3 and "images.gz[2]: " in done.stdout


def test_what_cannot_be_asked_is_refused(model, tmp_path):
    _, path = model
    labels = tmp_path / "labels"
    labels.write_bytes(struct.pack(">II", 2049, 1) + b"\3")
    text = tmp_path / "text.txt"
    text.write_text("no picture")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(bytes(1000))[:15])
    empty = tmp_path / "empty"
    empty.write_bytes(struct.pack(">IIII", 2051, 0, 28, 28))
    wide = png(tmp_path / "wide.png", np.zeros((28, 60, 3), np.uint8))
    for arguments, message in (
        (("predict", path, labels), "labels: an idx file of labels, not of images"),
        (("predict", path, text), "text.txt: neither a PNG nor an idx file"),
        (("predict", path, broken), "broken.png: cannot be read as PNG"),
        (("predict", path, cut), "cut.gz: cannot be decompressed"),
        (("predict", path, empty), "empty: an idx file without any pixel"),
        (("predict", path, wide, "--first", "0"), "0 is no whole number from 1 on"),
        (("predict", path, wide), "wide.png: 28 x 60 pixels; the network takes 28 x 28"),
        (("predict", path, tmp_path / "none.png"), "none.png: No such file"),
        (("show", text), "text.txt: magic: this is no .sbnn file"),
        (("show", tmp_path), "Is a directory"),
    ):
        done = run(*arguments)
        assert done.returncode == 2 and message in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


def test_overlap_keeps_the_mean(rng):
    for old, new in ((28, 28), (56, 28), (30, 28), (10, 28)):
        parts = commands.overlap(old, new)
        assert parts.shape == (new, old) and np.allclose(parts.sum(axis=1), 1)
        assert np.allclose(parts.sum(axis=0), new / old)
