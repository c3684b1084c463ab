"""Networks in C give Python's scores to the last bit; the account is what the compiler finds."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from exported import (
    COMPILER,
    FAST,
    SAFE,
    check_answers,
    needs_compiler,
    random_network,
    run_together,
)
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sbnn_np.bits import freeze, storage
from sbnn_np.core import layers, network
from sbnn_np.datasets import data
from sbnn_np.engines.sliced import bit_sliced
from sbnn_np.export import account, exporter


@needs_compiler
# not to be shrunk: a network of a smaller seed is no simpler
@settings(max_examples=2, phases=[Phase.generate])
@given(st.integers(0, 2**31))
def test_random_networks_of_every_kind_give_the_scores_of_python(seed):
    cases = []
    for n in range(12):
        model, images = random_network(seed + n)
        # of the last ones the gaps are coded, or the class alone is computed
        options = [{}, {}, {"flash_bytes": 1, "class_only": True}, {"class_only": True}][n // 3]
        if "flash_bytes" in options:
            coded = exporter.fitted(model, True, 1)[1].flash_bytes
            options = options | {"flash_bytes": coded}
        cases.append((model, images, options))
    with tempfile.TemporaryDirectory() as folder:
        check_answers(cases, run_together(Path(folder), cases, SAFE))


@pytest.fixture(scope="module")
def digits():
    """The committed network of two dense layers of 512 neurons."""
    return storage.load(ROOT / "figures" / "examples" / "digits.sbnn")


@needs_compiler
@pytest.mark.skipif("SBNN_DATA" not in os.environ, reason="$SBNN_DATA names no folder with MNIST")
@pytest.mark.parametrize(
    "path", sorted((ROOT / "figures").rglob("digits*.sbnn")), ids=lambda path: path.stem
)
def test_all_test_images_of_mnist_have_the_scores_of_python(path, tmp_path):
    model, images = storage.load(path), data.load("mnist").test_images
    # where it can, FAST multiplies and adds in one instruction, which rounds once and not twice
    ((scores, classes),) = run_together(tmp_path, [(model, images, {})], FAST)
    expected = bit_sliced.Sliced(model).forward(images)
    assert np.array_equal(scores.view(np.uint32), expected.view(np.uint32))
    assert np.array_equal(classes, expected.argmax(axis=1))


# where the compilers of chips are, they are asked as well
COMPILERS = [c for c in (COMPILER, "arm-none-eabi-gcc", "avr-gcc") if c and shutil.which(c)]


@needs_compiler
@pytest.mark.parametrize("compiler", COMPILERS, ids=lambda path: Path(path).name)
def test_the_account_is_what_the_compiler_makes(compiler, digits, tmp_path):
    rng = np.random.default_rng(0)
    net = network.convnet((28, 28, 1), [32, "pool", 64, "pool"], [10], 3, 0, "0/1", rng, 0.2)
    net.forward(rng.integers(0, 2, (20, 784)), train=True)
    tool = compiler.replace("gcc", "size").replace("clang", "size")
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool}; this installs it: apt-get install binutils")
    chip = {"avr-gcc": ["-mmcu=atmega328p"], "arm-none-eabi-gcc": ["-mcpu=cortex-m0"]}
    for model in (digits, freeze.freeze(net, binarize=127)):
        told = exporter.export(model, tmp_path, "model")
        subprocess.run(
            [compiler, "-std=c99", "-Os", *chip.get(compiler, []), "-c", "model.c"],
            check=True, cwd=tmp_path,
        )
        listed = subprocess.run(
            [tool, "-A", tmp_path / "model.o"], capture_output=True, text=True
        ).stdout
        found = {"rodata": 0, "progmem": 0, "bss": 0, "data": 0, "text": 0}
        for name, size in re.findall(r"^\.(\w+)\S*\s+(\d+)", listed, re.MULTILINE):
            if name in found:
                found[name] += int(size)
        assert found["data"] == 0
        assert told.ram_bytes <= found["bss"] <= 1.03 * told.ram_bytes
        tables = found["rodata"] + found["progmem"]
        assert told.table_bytes <= tables <= 1.03 * told.table_bytes
        if compiler == "arm-none-eabi-gcc":
            # an estimate; the functions for floats are not in this file
            estimate = told.code_bytes - account.FLOAT_CODE
            assert 0.75 * estimate < found["text"] < 1.35 * estimate


def test_coded_gaps_are_close_to_the_entropy(digits):
    fast, coded = (exporter.fitted(digits, False, flash) for flash in (None, 1))
    assert [step.layout for step in coded[0].steps] == ["coded"] * 3
    for block, step in zip(digits.blocks, coded[0].steps):
        p, n = block.w.mean(), block.w.size
        entropy = -n * (p * np.log2(p) + (1 - p) * np.log2(1 - p)) / 8
        # ones that are not spread evenly can even take less
        assert len(step.bits) < 1.04 * entropy
    assert coded[1].table_bytes < 0.8 * fast[1].table_bytes
    # no more layers are coded than necessary
    between = (fast[1].flash_bytes + coded[1].flash_bytes) // 2
    planned, told = exporter.fitted(digits, False, between)
    assert told.flash_bytes <= between
    assert "gaps" in {step.layout for step in planned.steps}


def test_the_c_multiplies_nothing_in_layers_of_bits(tmp_path):
    calls = {"n0": random_conv(0, 1), "n1": random_conv(1, 2), "n2": random_conv(2, 1, None)}
    for prefix, model in calls.items():
        exporter.export(model, tmp_path, prefix)
        text = (tmp_path / f"{prefix}.c").read_text(encoding="utf-8")
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        layered = re.sub(r"^#.*|u?int\d+_t \*", "", code[: code.index("_scores(")], flags=re.M)
        assert "while" in layered or "for" in layered
        assert not re.search(r"[\w)\]] ?[*/%] ?[\w(]", layered), prefix
        assert set(re.findall(r"#include (.*)", code)) == {f'"{prefix}.h"', "<avr/pgmspace.h>"}
        assert max(map(len, text.splitlines())) <= 100
        # all names begin with the prefix
        defined = re.findall(r"^(?:static )?(?:const )?[\w ]+?\*?(\w+)[\[(].*[{=,(]$", code, re.M)
        assert defined and all(name.startswith(f"{prefix}_") for name in defined)


def random_conv(seed, stride, binarize=99):
    """A frozen network of a convolution and a dense layer, centred."""
    rng = np.random.default_rng(seed)
    latent, scale = network.initial((18, 4), "0/1 centred", rng, 0.3, 0.1, np.float32)
    conv = layers.Conv(latent, (9, 8, 2), (3, 3), "0/1 centred", True, stride, 1)
    last, last_scale = network.initial(
        (int(np.prod(conv.out_shape)), 4), "0/1 centred", rng, 0.3, 0.1, np.float32
    )
    net = network.Network(
        [conv, layers.BatchNorm(scale), layers.Activation("bit"), layers.Flatten(),
         layers.Dense(last, "0/1 centred"), layers.BatchNorm(last_scale)], (9, 8, 2),
    )
    for layer in net.sparse_layers:
        layer.recentre()
    images = rng.integers(0, 256, (8, 9, 8, 2))
    net.forward(images if binarize is None else (images > binarize) * 1, train=True)
    return freeze.freeze(net, binarize=binarize)
