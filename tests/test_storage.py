"""Model files: the identity, their size, and what happens to damaged and to forged ones."""

import json
import os
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, forged, frozen_example, rebuilt

from sbnn_np.bits import freeze, storage
from sbnn_np.core import network, quantize
from sbnn_np.datasets import strokes
from sbnn_np.engines import floats


@pytest.mark.parametrize("kind", ["dense", "conv", "float first", "+-1"])
def test_save_load_save_is_the_identity(kind, tmp_path):
    model, images = frozen_example(kind)
    size = storage.save(model, tmp_path / "a.sbnn")
    again = storage.load(tmp_path / "a.sbnn")
    storage.save(again, tmp_path / "b.sbnn")
    content = (tmp_path / "a.sbnn").read_bytes()
    assert content == (tmp_path / "b.sbnn").read_bytes() and len(content) == size
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["a.sbnn", "b.sbnn"]
    scores = floats.Floats(model).forward(images)
    assert np.array_equal(floats.Floats(again).forward(images), scores)
    assert (again.classes, again.binarize, again.shape) == (
        model.classes, model.binarize, model.shape
    )


@pytest.mark.parametrize("ground", ["dark", "light"])
def test_version_2_holds_the_ground(ground, rng):
    net = network.mlp([30, 4, 3], "0/1", rng, p0=0.3)
    model = freeze.freeze(net, ["a", "b", "c"], 127, ground)
    content = storage.dumps(model)
    again = storage.loads(content)
    assert content[4:6] == b"\2\0" and storage.dumps(again) == content
    assert (again.shape, again.binarize, again.ground, again.classes) == (
        (30,), 127, ground, ("a", "b", "c")
    )
    model.ground = None
    assert storage.dumps(model)[4:6] == b"\1\0"
    assert storage.loads(storage.dumps(model)).ground is None


@pytest.mark.parametrize("ground", ["grey", 1, ["dark"], True])
def test_other_grounds_are_refused(ground, rng):
    net = network.mlp([30, 4, 3], "0/1", rng, p0=0.3)
    with pytest.raises(ValueError, match="ground is .*; it must be"):
        freeze.freeze(net, ground=ground)
    content = storage.dumps(freeze.freeze(net, ground="dark"))
    with pytest.raises(storage.ModelFileError, match="ground"):
        storage.loads(with_header(content, setting("ground", ground)))
    assert storage.loads(with_header(content, setting("ground", None))).ground is None


def test_a_file_of_version_1_is_read_as_ever():
    content = (ROOT / "tests" / "data" / "version_1.sbnn").read_bytes()
    assert content[:6] == b"SBNN\1\0"
    model = storage.loads(content)
    assert (model.shape, model.binarize, model.ground) == ((784,), None, None)
    assert model.classes == tuple("0123456789") and storage.dumps(model) == content
    drawn = strokes.draw(np.arange(10), np.random.default_rng(0))
    found = floats.Floats(model).forward(drawn).argmax(axis=1)
    assert (found == np.arange(10)).sum() >= 7                 # digits of another hand


def test_numpy_integers_are_written(rng):
    net = network.convnet(
        (np.int64(8), 8, 1), [4, "pool"], [3], np.int64(3), np.int64(1), "0/1", rng, 0.3
    )
    model = freeze.freeze(net, binarize=np.int64(127))
    content = storage.dumps(model)
    assert storage.loads(content).binarize == 127
    # so they are in a network made by hand
    model.binarize, model.blocks[0].stride = np.int16(127), np.int64(1)
    assert storage.dumps(model) == content


def test_a_small_file_takes_little_memory_to_read(tmp_path):
    model, _ = frozen_example("dense")
    storage.save(model, tmp_path / "a.sbnn")
    tracemalloc.start()
    storage.load(tmp_path / "a.sbnn")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4 << 20                                      # a piece, and the network


def test_a_file_beyond_the_limit_is_read_no_further(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "MAX_FILE_BYTES", 1 << 21)
    with open(tmp_path / "large.sbnn", "wb") as file:
        file.write(storage.MAGIC)
        file.truncate(1 << 30)
    tracemalloc.start()
    with pytest.raises(storage.ModelFileError, match="more than 2097152 bytes"):
        storage.load(tmp_path / "large.sbnn")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 << 20


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    model, _ = frozen_example("dense")
    storage.save(model, tmp_path / "a.sbnn")
    before = (tmp_path / "a.sbnn").read_bytes()

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        storage.save(model, tmp_path / "a.sbnn")
    assert (tmp_path / "a.sbnn").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_sections_are_the_whole_file_and_weights_are_near_their_entropy():
    rng = np.random.default_rng(1)
    net = network.mlp([784, 512, 512, 10], "0/1", rng, p0=0.05)
    model = freeze.freeze(net)
    sections = storage.sections(model)
    assert b"".join(content for _, _, content in sections) == storage.dumps(model)
    for i, layer in enumerate(net.weight_layers[:2]):
        (size,) = (len(c) for n, name, c in sections if (n, name) == (i, "weights"))
        n = layer.w.size
        entropy = n * quantize.binary_entropy(layer.ones / n) / 8
        assert entropy < size <= 1.02 * entropy + 128


def test_a_file_of_100_kb_is_read_in_100_ms():
    net = network.mlp([784, 1024, 1024, 784], "0/1", np.random.default_rng(1), p0=0.05)
    content = storage.dumps(freeze.freeze(net))
    assert 80_000 < len(content) < 120_000
    seconds = []
    for _ in range(5):
        start = time.process_time()                           # other processes do not count
        storage.loads(content)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.1


# damage


def test_cut_longer_and_flipped_files_are_refused():
    content = storage.dumps(frozen_example("dense")[0])
    assert 1500 < len(content) < 3000
    for end in range(len(content)):
        with pytest.raises(storage.ModelFileError):
            storage.loads(content[:end])
    for more in (b"\0", b"x" * 100, content):
        with pytest.raises(storage.ModelFileError):
            storage.loads(content + more)
    for i in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[i // 8] ^= 1 << i % 8
        with pytest.raises(storage.ModelFileError):
            storage.loads(bytes(damaged))


MUTATE = """
import sys
import time
import numpy as np
from sbnn_np.bits import storage
from sbnn_np.engines import floats
from conftest import forged, frozen_example, limit_memory

model, images = frozen_example("dense")
content = storage.dumps(model)
storage.loads(content)
limit_memory()
rng = np.random.default_rng(0)
refused, loaded, slowest = 0, 0, 0.0
for i in range(4000):
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        where = int(rng.integers(4 if i % 2 else 90, len(content)))
        what = rng.integers(3)
        if what == 0:
            damaged[where % len(damaged)] = int(rng.integers(256))
        elif what == 1:
            del damaged[where : where + int(rng.integers(1, 9))]
        else:
            damaged[where:where] = bytes(rng.integers(0, 256, 3).astype(np.uint8))
    damaged = bytes(damaged)
    if damaged == content:
        continue
    try:
        storage.loads(damaged)
    except storage.ModelFileError:
        pass
    else:
        sys.exit(f"mutation {i} was not noticed")
    start = time.perf_counter()
    try:
        found = storage.loads(forged(damaged))
        loaded += 1
    except storage.ModelFileError:
        refused += 1
    else:
        if found.shape == model.shape:
            assert np.isfinite(floats.Floats(found).forward(images)).all()
        storage.dumps(found)
    slowest = max(slowest, time.perf_counter() - start)
print(refused, loaded, slowest)
"""


def printed_by(source):
    """Run a program that limits its own memory, and return what it prints; for Linux."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("limits memory as Linux does")
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True,
        cwd=ROOT / "tests", env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_4000_mutations_are_refused_or_load_as_a_valid_network():
    refused, loaded, slowest = map(float, printed_by(MUTATE).split())
    assert refused > 2_000 and loaded > 20 and slowest < 1


def with_header(content, change):
    """The bytes of a model file in which a function has changed the header.

    The checksum is corrected. The function changes the header in place, or returns bytes or
    another object to put in its place.
    """
    (n,) = struct.unpack_from("<I", content, 6)
    header = json.loads(content[10 : 10 + n])
    changed = change(header)
    text = changed if isinstance(changed, bytes) else json.dumps(changed or header).encode()
    return forged(content[:6] + struct.pack("<I", len(text)) + text + content[10 + n :])


def setting(*path_and_value):
    """A function that sets one entry of a header: the keys that lead to it, then its value."""
    *path, value = path_and_value

    def change(header):
        for key in path[:-1]:
            header = header[key]
        header[path[-1]] = value

    return change


@pytest.mark.parametrize("change, message", [
    (lambda header: b"{", "header: this is no JSON"),
    (lambda header: b"[" * 50_000, "header: this is no JSON"),
    (lambda header: b" " * 70_000, "header: it has 70000 bytes"),
    (lambda header: [1], "header: it must have"),
    (lambda header: header.pop("classes") and None, "header: it must have"),
    (setting("shape", []), "shape"),
    (setting("shape", [400.0]), "shape"),
    (setting("shape", [1 << 25]), "shape"),
    (setting("shape", [5000, 5000, 3]), "shape"),
    (setting("shape", True), "shape"),
    (setting("binarize", 255), "binarize"),
    (setting("binarize", "1"), "binarize"),
    (setting("classes", ["a"]), "classes has 1 names for 10 scores"),
    (setting("classes", [1] * 10), "classes"),
    (setting("classes", ["\ud800"] * 10), "classes"),
    (setting("classes", ["\x1b[2J"] * 10), "classes"),
    (setting("blocks", []), "blocks"),
    (setting("blocks", 0, "weights", "0/2"), "block 0: weights"),
    (setting("blocks", 0, "neurons", 0), "block 0: neurons"),
    (setting("blocks", 0, "neurons", 1 << 24), "block 0: neurons"),
    (setting("blocks", 0, "neurons", 1 << 17), "block 0: it has 52428800 weights"),
    (setting("blocks", 0, "neurons", 81), "block 0: weights"),
    (setting("blocks", 0, "kernel", [3, 3]), "block 0: kernel"),
    (setting("blocks", 0, "pool", 2), "block 0 pools"),
    (setting("blocks", 0, "centre", 65), "block 0: centre"),
    (setting("blocks", 0, "stride", 0), "block 0: stride"),
    (setting("blocks", 1, "weights", "float"), "block 1"),
    (setting("blocks", 0, "weights", "+-1"), "block 0"),
    (setting("blocks", 0, "extra", 1), "block 0: it must have"),
])
def test_forged_headers_are_refused_by_name(change, message):
    content = storage.dumps(frozen_example("dense")[0])
    assert storage.dumps(storage.loads(with_header(content, lambda header: None))) == content
    with pytest.raises(storage.ModelFileError, match=message):
        storage.loads(with_header(content, change))


@pytest.mark.parametrize("block, name, change, message", [
    (0, "weights", lambda body: body[:-2], "block 0: weights: words end before symbols do"),
    (0, "weights", lambda body: b"\7" + body[1:], "block 0: weights: neither plain nor coded"),
    (0, "flips", lambda body: body + b"\0", "block 0: flips: 11 bytes are not 80 bits"),
    (0, "thresholds", lambda body: body[:3], "block 0: thresholds: 3 bytes are too few"),
    (0, "thresholds", lambda body: body[:4] + b"\xff" + body[5:], "they have 255 bits"),
    (0, "thresholds", lambda body: struct.pack("<i", 1 << 30) + body[4:], "outside the range of"),
    (1, "scores", lambda body: body[4:], "block 1: scores: 76 bytes are not 20 float32"),
    (1, "scores", lambda body: b"\0\0\xc0\x7f" + body[4:], "block 1: scores: not all are finite"),
    (1, "scores", lambda body: struct.pack("<f", 3e38) + body[4:], "scores of block 1 can become"),
])
def test_forged_sections_are_refused_by_name(block, name, change, message):
    model, _ = frozen_example("dense")
    with pytest.raises(storage.ModelFileError, match=message):
        storage.loads(rebuilt(model, block, name, change))


def test_what_cannot_be_read_is_not_written(tmp_path):
    for change in ({"binarize": 255}, {"classes": tuple(range(10))}, {"classes": ("\n",) * 10}):
        model, _ = frozen_example("dense")
        for name, value in change.items():
            setattr(model, name, value)
        with pytest.raises(ValueError):
            storage.save(model, tmp_path / "a.sbnn")
    assert list(tmp_path.iterdir()) == []


LARGE = """
import numpy as np
from sbnn_np.bits import frozen, rans, storage
from conftest import limit_memory, rebuilt

def model(D, M):
    w = np.zeros((D, M), bool)
    w[:, : max(1, M // 20)] = True
    hidden = frozen.Block(
        "0/1", w, (D,), threshold=np.zeros(M, np.int32), flip=np.zeros(M, bool)
    )
    ones = np.ones(1, np.float32)
    last = frozen.Block("0/1", np.ones((M, 1), bool), (M,), factor=ones, offset=ones)
    return frozen.Frozen([hidden, last], (D,), ("a",))

contents = [storage.dumps(model(1, 1 << 17)), storage.dumps(model(1 << 11, 1 << 12))]
small = model(16, 16)
contents += [
    rebuilt(small, 0, "weights", lambda body: body + bytes(1 << 22)),
    rebuilt(small, 0, "thresholds", lambda body: body[:4] + b"\\x20" + bytes(1 << 22)),
]
limit_memory()
for content in contents:
    try:
        storage.loads(content)
        print("loaded", len(content))
    except storage.ModelFileError as error:
        print("refused", len(content), error)
"""


def test_large_files_take_at_most_100_mib():
    results = [line.split()[0] for line in printed_by(LARGE).splitlines()]
    assert results == ["loaded", "loaded", "refused", "refused"]


def test_bits_behind_the_last_one_are_refused():
    model, _ = frozen_example("conv")
    forgery = rebuilt(model, 0, "flips", lambda body: b"\xff")
    with pytest.raises(storage.ModelFileError, match="block 0: flips: bits behind the last one"):
        storage.loads(forgery)


def test_another_version_and_other_files_are_refused(tmp_path):
    content = storage.dumps(frozen_example("dense")[0])
    with pytest.raises(storage.ModelFileError, match="version: it is 3; this reads 1 and 2"):
        storage.loads(forged(content[:4] + b"\3\0" + content[6:]))
    for number in (b"\2\0", b"\1\0"):                         # a ground is missing, or too much
        other = storage.dumps(frozen_example("dense")[0])
        if number == b"\1\0":
            model, _ = frozen_example("dense")
            model.ground = "dark"
            other = storage.dumps(model)
        with pytest.raises(storage.ModelFileError, match="header: it must have"):
            storage.loads(forged(other[:4] + number + other[6:]))
    path = tmp_path / "picture.sbnn"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(storage.ModelFileError, match=r"picture\.sbnn: magic: this is no .sbnn"):
        storage.load(path)
