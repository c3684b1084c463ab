"""On simulated chips every score is the same as in Python, and their timers and sizes are right."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from lab import chip_programs, chips

from sbnn_np.bits import freeze
from sbnn_np.core import network
from sbnn_np.datasets import data
from sbnn_np.engines import packed
from sbnn_np.export import exporter


@pytest.fixture(params=chips.CHIPS, ids=lambda chip: chip.name)
def chip(request):
    """Each chip; where its compiler or its simulator is missing, the test says what installs it."""
    line = chips.missing(request.param)
    if line:
        pytest.skip(f"{request.param.name} cannot be simulated here; this installs it: {line}")
    return request.param


@pytest.fixture(scope="module")
def digits():
    """200 images of MNIST, or built-in digits where it is not at hand."""
    return data.load("mnist" if "SBNN_DATA" in os.environ else "strokes").test_images[:200]


def frozen(net, images, binarize=None):
    """A network of random bits, frozen after its batch norms have seen the images."""
    seen = images if binarize is None else (images > binarize).view(np.uint8)
    net.forward(seen, train=True)
    return freeze.freeze(net, binarize=binarize)


def small(kind, digits):
    """A small network of a kind, for digits."""
    rng = np.random.default_rng(0)
    if kind == "dense, bits":
        return frozen(network.mlp([784, 40, 10], "0/1 centred", rng, 0.05), digits, 127)
    if kind == "dense, pixels":
        return frozen(network.mlp([784, 20, 12, 10], "0/1", rng, 0.05), digits)
    convs = [4, "pool", 6, "pool"]
    net = network.convnet((28, 28, 1), convs, [10], 3, 1, "0/1 centred", rng, 0.2)
    return frozen(net, digits, 127)


def same_bits(a, b):
    """Whether two float32 arrays are the same to the last bit."""
    return np.array_equal(a.view(np.uint32), b.view(np.uint32))


# the serial line is slow where images are of pixels, and the ATmega328P where they are convolved
@pytest.mark.parametrize("kind, n", [
    ("dense, bits", 200), ("dense, pixels", 30), ("convolution, bits", 10),
])
def test_images_get_the_scores_of_python_to_the_last_bit(kind, n, chip, digits):
    model = small(kind, digits)
    done = chips.run(model, digits[:n], chip)
    assert same_bits(done.scores, packed.Packed(model).forward(digits[:n]))
    assert np.array_equal(done.classes, done.scores.argmax(axis=1))
    assert done.counts.shape == (n,) and done.layers is None
    assert sum(done.flash.values()) <= chip.flash and sum(done.ram.values()) <= chip.ram


def test_layers_add_up_to_the_whole(chip, digits):
    model = small("dense, bits", digits)
    done = chips.run(model, digits[:2], chip, by_layer=True)
    assert same_bits(done.scores, packed.Packed(model).forward(digits[:2]))
    assert done.layers.shape == (2, 2) and done.layers.min() > 0
    rest = done.counts - done.layers.sum(axis=1)
    assert (abs(rest) <= 0.02 * done.counts).all()


@pytest.mark.skipif(bool(chips.missing(chips.HOST)), reason=chips.missing(chips.HOST))
def test_this_computer_gives_the_scores_of_python(digits):
    model = small("convolution, bits", digits)
    done = chips.run(model, digits, chips.HOST)
    assert same_bits(done.scores, packed.Packed(model).forward(digits)) and not done.counts.any()


def test_the_class_alone_takes_less_flash(chip, digits):
    model = small("convolution, bits", digits)
    whole, alone = (chips.run(model, digits[:3], chip, class_only=only) for only in (False, True))
    assert alone.scores is None and np.array_equal(alone.classes, whole.classes)
    assert sum(alone.flash.values()) < sum(whole.flash.values()) - 500


# the harness, with functions in the place of networks

TAKES_LONG = {
    # a loop of two instructions, 500,000 times
    "Cortex-M0": "uint32_t n = 500000; __asm__ volatile"
                 '(".syntax unified\\n1: subs %0, #1\\n bne 1b" : "+l"(n) : : "cc");',
    "ATmega328P": "__builtin_avr_delay_cycles(1000000);",
}


def simulated(body, chip, folder):
    """Build and run a program whose function of the network has this body, for three images."""
    source = folder / "source.c"
    source.write_text(
        "#include <stdint.h>\nvoid network(const uint8_t *image, float *scores);\n"
        f"void network(const uint8_t *image, float *scores) {{ {body} }}\n", encoding="utf-8",
    )
    program, flash, ram = chip_programs.build(
        source, ["-DIMAGE_BYTES=3", "-DCLASSES=2", "-DSCORES=network"], chip, folder
    )
    images = np.arange(9, dtype=np.uint8).reshape(3, 3)
    return chips.simulate(program, images, chip), program, flash, ram


def test_the_timer_counts_a_million_and_sections_are_what_size_says(chip, tmp_path):
    body = (
        "static uint8_t all[77]; static const float table[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};"
        "scores[0] = table[++all[image[0]]] * scores[1];"
    )
    (_, short, _, _), *_ = simulated(body, chip, tmp_path)
    (_, long, _, _), program, flash, ram = simulated(body + TAKES_LONG[chip.name], chip, tmp_path)
    # on the ATmega328P the cycles are exact, although the timer came round 15 times
    assert (abs(long - short - 1_000_000) <= 3 * (chip.per_tick - 1)).all()
    tool = chip.compiler[0].replace("gcc", "size")
    done = subprocess.run([tool, str(program)], capture_output=True, text=True, check=True)
    text, variables = map(int, done.stdout.splitlines()[1].split()[:2])
    # but for bytes that fill up to a multiple of four
    assert 0 <= text + variables - sum(flash.values()) <= 16 and min(flash.values()) > 0
    # the ATmega328P copies what is not marked as a table into its memory
    assert ram["activations"] == 77 + 36 * (chip is chips.ATMEGA328P)


def test_the_stack_is_measured(chip, tmp_path):
    deep = "volatile uint8_t deep[300]; for (int i = 0; i < 300; i++) deep[i] = image[i % 3];"
    used = [simulated(body, chip, tmp_path)[0][3] for body in ("scores[1] = image[2];", deep)]
    assert 300 <= used[1] - used[0] <= 330


def test_a_stack_that_runs_into_the_variables_is_an_error(chip, tmp_path):
    size = chip.ram - 320
    body = f"volatile uint8_t deep[{size}]; for (int i = 0; i < {size}; i++) deep[i] = image[0];"
    with pytest.raises(chips.ChipError, match="the stack ran into the variables"):
        simulated(f"static volatile uint8_t all[300]; all[0] = 1; {body}", chip, tmp_path)


def test_what_does_not_fit_is_an_error(chip, tmp_path):
    with pytest.raises(chips.ChipError, match="too large for the"):
        simulated(f"static uint8_t all[{chip.ram}]; all[image[0]]++; scores[0] = all[7];",
                  chip, tmp_path)


def test_a_program_that_never_ends_is_stopped(chip, tmp_path, monkeypatch):
    monkeypatch.setattr(chip_programs, "SECONDS", 1)
    with pytest.raises(chips.ChipError, match="stopped after 1 seconds"):
        simulated("for (;;) __asm__ volatile(\"nop\");", chip, tmp_path)


# without any chip


def test_a_missing_tool_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr(chips.shutil, "which", lambda tool: None)
    for chip in (*chips.CHIPS, chips.HOST):
        assert chips.missing(chip) == f"apt-get install {chip.packages}"


def test_the_map_of_a_linker_is_read():
    told = """ .text 0x0 0x99 network.o
Linker script and memory map
 .vectors       0x00000000        0x8 /x/cortex_m0.o
 .rodata        0x00000100       0x20 /x/network.o
 .text.a_long_name_of_a_function
                0x00000120       0x10 /x/network.o
 .text          0x00000130        0x4 /x/lib/avr5/libm.a(addsf3x.o)
 .text          0x00000134        0x1 /x/libgcc.a(_mulsi3.o)
 *fill*         0x00000135        0x3
 .bss           0x20000000       0x30 /x/network.o
 .bss           0x20000030        0x7 /x/program.o
 .debug_info    0x00000000      0x999 /x/network.o
"""
    flash, ram = chip_programs.account(told)
    assert flash == {"tables": 32, "code": 16, "library": 5, "frame": 8}
    assert ram == {"activations": 48}


def test_a_network_that_cannot_be_exported_is_told_by_the_exporter():
    signs = network.mlp([30, 20, 5], "+-1", np.random.default_rng(0))
    images = np.random.default_rng(1).integers(0, 256, (20, 30)).astype(np.uint8)
    signs.forward(images, train=True)
    with pytest.raises(exporter.ExportError):
        chips.run(freeze.freeze(signs), images, chips.CORTEX_M0)


def test_the_files_of_c_are_all_used():
    told = "".join(
        Path(module.__file__).read_text(encoding="utf-8") for module in (chips, chip_programs)
    )
    for path in chip_programs.FOLDER.iterdir():
        assert path.name in told or path.name == "chip.h"
