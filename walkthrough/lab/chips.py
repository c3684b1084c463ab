"""Run frozen networks on simulated chips: the same C, compiled for each, fed by a serial line.

Two chips that cost little more than a dollar are simulated:

    Cortex-M0     the nRF51 of the BBC micro:bit, 32 bits, in QEMU, which counts instructions
    ATmega328P    of the Arduino Uno, 8 bits, in simavr, which knows the cycles of each one

The simulator runs a program, see `chip_programs`. It asks for images and tells scores, the timer
and the stack. The same program also runs on this computer itself, which is faster and counts
nothing.
"""

import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from lab.chip_programs import (
    ATMEGA328P,
    CHIPS,
    CORTEX_M0,
    FOLDER,
    HOST,
    ChipError,
    call,
    made,
)

__all__ = ["ATMEGA328P", "CHIPS", "CORTEX_M0", "HOST", "ChipError", "missing", "run", "simulate"]


@dataclass(frozen=True)
class Run:
    """What a chip did.

    Attributes
    ----------
    classes : (N,) int
        What the images are taken for.
    scores : (N, classes) float32 or None
        None if the program knows the class alone.
    counts : (N,) int
        Instructions or cycles for each image.
    layers : (N, L) int or None
        The same for each layer, if they were measured.
    flash : dict of int
        Bytes of the program: "tables", "code" (the network's), "library" (arithmetic of floats,
        which these chips lack), and "frame" (the start, the serial line, the timer).
    ram : dict of int
        Bytes of "activations", "image", "scores" and "stack".
    """

    classes: np.ndarray
    scores: np.ndarray | None
    counts: np.ndarray
    layers: np.ndarray | None
    flash: dict
    ram: dict


def missing(chip):
    """Say what to type where a tool for a chip is missing: a str, empty if all are there."""
    lacks = any(shutil.which(tool) is None for tool in chip.tools)
    if chip is ATMEGA328P and not lacks:
        try:
            board()
        except ChipError:
            lacks = True
    return f"apt-get install {chip.packages}" if lacks else ""


def run(model, images, chip, by_layer=False, class_only=False, flash_bytes=None):
    """Run a frozen network on a simulated chip.

    Parameters
    ----------
    model : frozen.Frozen
    images : see `frozen.Frozen.pixels`
    chip : Chip
        CORTEX_M0, ATMEGA328P or HOST.
    by_layer : bool
        Whether to measure the layers. To do so costs a few dozen cycles a layer.
    class_only, flash_bytes : see `exporter.export`

    Returns
    -------
    done : Run

    Raises
    ------
    ChipError
    exporter.ExportError
        If the network cannot be exported.
    """
    with tempfile.TemporaryDirectory() as folder:
        program, content, flash, ram = made(
            model, images, chip, Path(folder), by_layer, class_only, flash_bytes
        )
        found, counts, layers, stack = simulate(program, content, chip)
    ram |= {"image": content.shape[1], "scores": 4 * found.shape[1], "stack": stack}
    scores = found.view(np.float32)
    classes = found[:, 0].astype(int) if class_only else scores.argmax(axis=1)
    return Run(classes, None if class_only else scores, counts, layers, flash, ram)


def simulate(program, images, chip, more=()):
    """Run a program in its simulator, and read what it tells.

    Parameters
    ----------
    program : Path
    images : (N, bytes) uint8
        See `layouts.image_bytes`.
    chip : Chip
    more : tuple of str
        Options of QEMU.

    Returns
    -------
    answers : (N, classes) uint32
        The bits of the scores, or the class alone.
    counts : (N,) int
    layers : (N, L) int or None
    stack : int
        Bytes of stack that were used at the most.
    """
    if chip is CORTEX_M0:
        command = [
            "qemu-system-arm", "-M", "microbit", "-icount", "shift=0", "-display", "none",
            "-monitor", "none", "-serial", "stdio", "-semihosting", "-kernel", str(program),
            *more,
        ]
    elif chip is HOST:
        command = [str(program)]
    else:
        command = [f"{board().name}/board", str(program)]
    sent = b"".join(b"\1" + image.tobytes() for image in images) + b"\0"
    told = call(command, sent)
    lines = {
        letter: [[int(number, 16) for number in numbers.split()] for numbers in re.findall(
            rf"^{letter}((?: [0-9a-f]{{8}})+)\r?$", told, re.MULTILINE
        )]
        for letter in "ltus"
    }
    if not len(lines["t"]) == len(lines["u"]) == len(lines["s"]) == len(images):
        raise ChipError(f"{chip.name} told of {len(lines['s'])} images; {len(images)} were sent")
    if [0] in lines["u"]:
        raise ChipError(f"the {chip.name} has too little RAM: the stack ran into the variables")
    ticks, layers = np.array(lines["t"]), None
    if lines["l"]:
        layers = np.rint(np.diff(lines["l"], axis=1) * chip.per_tick).astype(int)
    return (
        np.array(lines["s"], np.uint32),
        np.rint(ticks[:, 0] * chip.per_tick).astype(int), layers, int(np.max(lines["u"])),
    )


@lru_cache
def board():
    """Compile chips/board.c, the simulator with a serial line, once: a folder that holds it."""
    folder = tempfile.TemporaryDirectory()
    # the library by its file's name, so that the libraries that it needs in turn are found
    call([
        "gcc", "-std=gnu99", "-O2", str(FOLDER / "board.c"), "-o", f"{folder.name}/board",
        "-l:libsimavr.so.2",
    ])
    return folder
