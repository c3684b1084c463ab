"""The commands for model files: what they print, and what they will not take."""

import contextlib
import dataclasses
import gzip
import io
import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import matplotlib.image
import numpy as np
import pytest

from sbnn_np import __main__ as commands
from sbnn_np.bits import freeze, storage
from sbnn_np.core import network
from sbnn_np.datasets import strokes
from sbnn_np.engines import floats, packed

pytestmark = pytest.mark.container

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
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "sbnn_np", *map(str, arguments)], capture_output=True, text=True
    )


def call(*arguments):
    """Run a command in this process, which is faster; the same answer."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["sbnn_np", *map(str, arguments)]),
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        commands.main()
    return SimpleNamespace(
        returncode=end.value.code or 0, stdout=out.getvalue(), stderr=err.getvalue()
    )


def test_show_tells_of_every_byte(model):
    frozen, path = model
    done = call("show", path)
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


def test_images_of_an_idx_file_are_numbered(model, tmp_path):
    _, path = model
    images = strokes.draw(np.arange(10), np.random.default_rng(1))
    content = struct.pack(">IIII", 2051, 10, 28, 28) + images.tobytes()
    (tmp_path / "images.gz").write_bytes(gzip.compress(content))
    done = call("predict", path, tmp_path / "images.gz", "--first", 3)
    assert done.stdout.count("scores") == 3 and "images.gz[2]: " in done.stdout
    assert "images.gz: the first 3 of 10 images (--first)" in done.stdout


def test_one_image_that_cannot_be_read_does_not_stop_the_others(model, tmp_path):
    frozen, path = model
    digits = strokes.draw(np.array([3, 4]), np.random.default_rng(1))
    first = png(tmp_path / "first.png", digits[0, :, :, 0], cmap="gray", vmin=0, vmax=255)
    last = png(tmp_path / "last.png", digits[1, :, :, 0], cmap="gray", vmin=0, vmax=255)
    alone = [call("predict", path, image).stdout for image in (first, last)]
    assert all("scores" in said for said in alone)
    (tmp_path / "broken.png").write_bytes(first.read_bytes()[:60])
    done = call(
        "predict", path, first, tmp_path / "broken.png", tmp_path, tmp_path / "none.png", last
    )
    assert done.returncode == 2 and done.stdout == "".join(alone)
    said = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in said] == [
        str(tmp_path / "broken.png"), str(tmp_path), str(tmp_path / "none.png")
    ]
    assert all(line.startswith("error: ") for line in said)
    assert call("predict", path, first, last).returncode == 0


def test_a_blank_image_is_said_to_be_blank(model, tmp_path):
    _, path = model
    white = png(tmp_path / "white.png", np.full((28, 28, 3), 255, np.uint8))
    done = call("predict", path, white, "--invert", "no")
    assert done.returncode == 0 and "scores" not in done.stdout
    assert done.stdout.endswith("white.png: blank: its pixels go from 255 to 255 of 255\n")
    digit = strokes.draw(np.array([3]), np.random.default_rng(1))
    three = np.concatenate([np.zeros_like(digit), digit, digit // 64])
    (tmp_path / "three").write_bytes(struct.pack(">IIII", 2051, 3, 28, 28) + three.tobytes())
    lines = call("predict", path, tmp_path / "three").stdout.splitlines()
    assert [line.split(": ")[1][:5] for line in lines[:1] + lines[2:]] == ["blank"] * 2
    (tmp_path / "one").write_bytes(struct.pack(">IIII", 2051, 1, 28, 28) + digit.tobytes())
    (alone,) = call("predict", path, tmp_path / "one").stdout.splitlines()
    assert lines[1].split(": ")[1] == alone.split(": ")[1]


def test_an_image_is_inverted_as_the_model_and_the_user_say(model, tmp_path):
    frozen, _ = model
    digit = strokes.draw(np.array([3]), np.random.default_rng(1))[0, :, :, 0]
    light = png(tmp_path / "light.png", 255 - digit, cmap="gray", vmin=0, vmax=255)
    scores = {
        inverted: floats.Floats(frozen).forward(image.reshape(1, 784))[0]
        for inverted, image in ((True, digit), (False, 255 - digit))
    }
    path = tmp_path / "model.sbnn"
    for ground, invert, inverted in (
        ("light", "auto", False), ("dark", "auto", True), ("light", "yes", True),
        ("dark", "no", False),
    ):
        storage.save(dataclasses.replace(frozen, ground=ground), path)
        assert f"ground of the images: {ground}" in call("show", path).stdout
        said = call("predict", path, light, "--invert", invert).stdout.splitlines()[-1]
        m = scores[inverted].argmax()
        assert said.split(": ")[1].startswith(f"{m}   scores {m} {scores[inverted][m]:.2f}")


def test_what_cannot_be_asked_is_refused(model, tmp_path):
    _, path = model
    labels = tmp_path / "labels"
    labels.write_bytes(struct.pack(">II", 2049, 1) + b"\3")
    text = tmp_path / "text.txt"
    text.write_text("no picture", encoding="utf-8")
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
        (("predict", path, cut), "cut.gz: damaged or truncated"),
        (("predict", path, empty), "empty: an idx file without any pixel"),
        (("predict", path, wide, "--first", "0"), "0 is no whole number from 1 on"),
        (("predict", path, wide), "wide.png: 28 x 60 pixels; the network takes 28 x 28"),
        (("predict", path, tmp_path / "none.png"), "none.png: No such file"),
        (("show", text), "text.txt: magic: this is no .sbnn file"),
        (("show", tmp_path), "Is a directory"),
    ):
        done = call(*arguments)
        assert done.returncode == 2 and message in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


def test_want_of_memory_is_said(monkeypatch):
    def none_left(self, images):
        raise MemoryError

    monkeypatch.setattr(packed.Packed, "forward", none_left)
    examples = ROOT / "figures" / "examples"
    done = call("predict", examples / "digits.sbnn", examples / "digit_4.png")
    assert done.returncode == 2 and done.stderr.startswith("error: there is not enough memory")


# what stdout cannot take


@pytest.fixture
def named(model, tmp_path):
    """A model whose classes have names of many alphabets, and a digit whose name has an accent."""
    frozen, _ = model
    classes = ("naïve", "日本", *"23456789")
    storage.save(dataclasses.replace(frozen, classes=classes), tmp_path / "é.sbnn")
    digit = strokes.draw(np.array([3]), np.random.default_rng(1))[0, :, :, 0]
    return tmp_path / "é.sbnn", png(tmp_path / "ü.png", digit, cmap="gray", vmin=0, vmax=255)


@pytest.mark.skipif(
    sys.getfilesystemencoding() != "utf-8", reason="names of files have no accents here"
)
@pytest.mark.parametrize("encoding, said", [
    ("ascii", ["\\xe9.sbnn", "na\\xefve", "\\u65e5\\u672c"]),
    ("cp1252", ["é.sbnn", "naïve", "\\u65e5\\u672c"]),
    ("utf-8", ["é.sbnn", "naïve", "日本"]),
])
def test_names_that_the_terminal_cannot_say_are_said_by_backslashes(named, encoding, said):
    path, image = named
    env = os.environ | {"PYTHONIOENCODING": encoding}
    for command in (["show", path], ["predict", path, image], ["predict", path, path]):
        done = subprocess.run(
            [sys.executable, "-m", "sbnn_np", *map(str, command)], capture_output=True, env=env
        )
        out, err = done.stdout.decode(encoding), done.stderr.decode(encoding)
        if command[-1] == path and command[0] == "predict":
            assert done.returncode == 2 and f"{said[0]}: neither a PNG nor an idx file" in err
        else:
            assert done.returncode == 0, err
            assert all(word in out for word in said[command[0] == "predict" :])


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are for Linux")
def test_a_file_name_may_be_of_any_bytes(model, tmp_path):
    _, path = model
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.sbnn")
    shutil.copy(path, name)
    done = run("show", name)
    assert done.returncode == 0 and "\\udcff.sbnn: takes 784 pixels" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_closed_pipe_ends_the_command_in_silence(model, buffered):
    """As `show model.sbnn | head -1` may."""
    _, path = model
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "sbnn_np", "show", path], stdout=writing, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": buffered},
    )
    os.close(writing)
    assert done.returncode == 141 and done.stderr == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the full disk is of Linux")
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_full_disk_behind_stdout_is_said(model, buffered):
    _, path = model
    with open("/dev/full", "wb") as full:
        for err in (subprocess.PIPE, full):
            done = subprocess.run(
                [sys.executable, "-m", "sbnn_np", "show", path], stdout=full, stderr=err,
                env=os.environ | {"PYTHONUNBUFFERED": buffered},
            )
            assert done.returncode == 2
            if err != full:
                assert done.stderr == b"error: standard output: No space left on device\n"


@pytest.mark.skipif(sys.platform != "linux", reason="a file that opens and cannot be read")
def test_a_file_that_cannot_be_read_is_named(model):
    _, path = model
    for command in (["show", "/proc/self/mem"], ["predict", path, "/proc/self/mem"]):
        done = call(*command)
        assert done.returncode == 2 and "error: /proc/self/mem: Input/output" in done.stderr
