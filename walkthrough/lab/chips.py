"""Run frozen networks on simulated chips: the same C, compiled for each, fed by a serial line.

Two chips that cost little more than a dollar are simulated:

    Cortex-M0     the nRF51 of the BBC micro:bit, 32 bits, in QEMU, which counts instructions
    ATmega328P    of the Arduino Uno, 8 bits, in simavr, which knows the cycles of each one

`export` writes C, the chip's compiler makes a program of it and of the files in the folder chips/,
and the simulator runs that. The program asks for images and tells scores, the timer and the stack.
The same program also runs on this computer itself, which is faster and counts nothing.
"""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from sbnn_np.export import exporter, layouts

FOLDER = Path(__file__).resolve().parent / "chips"
SECONDS = 300                  # a compiler or a simulator that takes longer is stopped
PREFIX = "model"
# how a linker calls what lies in flash; what variables begin with lies there, too
TABLES = (".rodata", ".progmem", ".data")
CODE = (".text", ".vectors", ".init", ".fini", ".trampolines")
RAM_BEGINS = 0x800000          # no lower, as the linkers of both chips count


class ChipError(RuntimeError):
    """A tool is missing, a program does not fit a chip, or the simulator ended too soon."""


@dataclass(frozen=True)
class Chip:
    """A chip, and what it takes to compile for it and to simulate it.

    Attributes
    ----------
    name : str
    tools : tuple of str
        Commands that are needed.
    packages : str
        Debian's packages that have them.
    compiler : tuple of str
        The command, with its options.
    files : tuple of str
        Of the folder chips/.
    link : tuple of str
        More options, to link.
    counts : str
        What its timer counts: "instructions" or "cycles".
    per_tick : float
        How many of these a tick of the timer is.
    flash, ram : int
        Bytes that it has.
    """

    name: str
    tools: tuple
    packages: str
    compiler: tuple
    files: tuple
    link: tuple
    counts: str
    per_tick: float
    flash: int
    ram: int


CORTEX_M0 = Chip(
    "Cortex-M0",
    ("arm-none-eabi-gcc", "qemu-system-arm"),
    "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm",
    ("arm-none-eabi-gcc", "-std=gnu99", "-Os", "-mcpu=cortex-m0", "-mthumb",
     "-ffunction-sections", "-fdata-sections"),
    ("program.c", "cortex_m0.c"),
    ("-Wl,--gc-sections", "--specs=nano.specs", "-nostartfiles",
     f"-Wl,-T,{FOLDER / 'cortex_m0.ld'}"),
    # an instruction takes a billionth of a second there, and the timer runs at 16 MHz
    "instructions", 62.5, 256 << 10, 16 << 10,
)
ATMEGA328P = Chip(
    "ATmega328P",
    ("avr-gcc", "gcc"),
    "gcc libc6-dev gcc-avr avr-libc libsimavr-dev",
    ("avr-gcc", "-std=gnu99", "-Os", "-mmcu=atmega328p",
     "-ffunction-sections", "-fdata-sections", "-Dchip_free_memory=__heap_start"),
    ("program.c", "atmega328p.c"),
    ("-Wl,--gc-sections", "-lm"),
    "cycles", 1, 32 << 10, 2 << 10,
)
CHIPS = (CORTEX_M0, ATMEGA328P)
# the computer that runs Python: nothing is counted, and no sizes are told
HOST = Chip(
    "this computer", ("gcc",), "gcc libc6-dev", ("gcc", "-std=c99", "-O2"),
    ("program.c", "host.c"), (), "nothing", 0, 0, 0,
)


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


def made(model, images, chip, folder, by_layer=False, class_only=False, flash_bytes=None):
    """Export a network and compile it.

    Parameters
    ----------
    model, images, chip, by_layer, class_only, flash_bytes : see `run`
    folder : Path
        Where files go.

    Returns
    -------
    program : Path
    content : (N, bytes) uint8
        The images, as the program takes them.
    flash, ram : dict of int
        See `build`.
    """
    exporter.export(
        model, folder / "export", PREFIX, class_only=class_only, flash_bytes=flash_bytes
    )
    content = layouts.image_bytes(model, images)
    called = f"-DCLASS={PREFIX}_class" if class_only else f"-DSCORES={PREFIX}_scores"
    flags = [f"-DCLASSES={1 if class_only else len(model.classes)}", called]
    if by_layer:
        flags += [
            "-include", str(FOLDER / "chip.h"),
            f"-D{PREFIX.upper()}_ENTER(layer)=chip_enter_layer(layer)",
        ]
    source = folder / "export" / f"{PREFIX}.c"
    program, flash, ram = build(source, content.shape[1], flags, chip, folder)
    return program, content, flash, ram


def build(source, image_bytes, flags, chip, folder):
    """Compile a network for a chip.

    Parameters
    ----------
    source : Path
        The C file of the network.
    image_bytes : int
    flags : list of str
        More options of the compiler: CLASSES and SCORES, see chips/program.c.
    chip : Chip
    folder : Path
        Where files go.

    Returns
    -------
    program : Path
    flash, ram : dict of int
        See `Run`; of the RAM, the activations alone.
    """
    flags = [*flags, f"-DIMAGE_BYTES={image_bytes}", f"-I{FOLDER}"]
    objects = []
    for path in (source, *(FOLDER / name for name in chip.files)):
        objects.append(folder / ("network.o" if path == source else f"{path.stem}.o"))
        call([*chip.compiler, *flags, "-c", str(path), "-o", str(objects[-1])])
    program, places = folder / "program.elf", folder / "program.map"
    linked = [*map(str, objects), f"-Wl,-Map={places}", "-o", str(program), *chip.link]
    try:
        call([*chip.compiler, *linked])
    except ChipError as error:
        if re.search("will not fit|is not within|overflowed", str(error)):
            raise ChipError(f"the program is too large for the {chip.name}") from None
        raise
    flash, ram = account(places.read_text(encoding="utf-8"))
    if chip is HOST:
        return program, {}, {}
    if ram["activations"] + image_bytes > chip.ram:
        raise ChipError(f"the activations are too large for the {chip.name}")
    return program, flash, ram


def account(places):
    """Sum up a linker's map, which tells of each section of each file where it was put.

    Parameters
    ----------
    places : str
        The map.

    Returns
    -------
    flash, ram : dict of int
        See `build`.
    """
    flash, ram = dict.fromkeys(("tables", "code", "library", "frame"), 0), {"activations": 0}
    for section, address, size, file in sections(places):
        ours = file.endswith("network.o")
        if ours and address >= RAM_BEGINS:
            ram["activations"] += size
        if section in TABLES and ours:
            flash["tables"] += size
        elif section in TABLES + CODE:
            flash["code" if ours else "library" if ".a(" in file else "frame"] += size
    return flash, ram


def sections(places):
    """What lies where: section, address, size and file of each part in a linker's map."""
    places = places.split("Linker script and memory map")[1]
    return [
        (section, int(address, 16), int(size, 16), file) for section, address, size, file in
        re.findall(
            r"^ (\.[a-z]+|COMMON)\S*\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+)", places,
            re.MULTILINE,
        )
    ]


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


def call(command, sent=b""):
    """Run a command with what it reads; returns what it writes, str.

    Raises
    ------
    ChipError
        If it fails or takes too long; then it is stopped.
    """
    try:
        done = subprocess.run(command, input=sent, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise ChipError(f"{command[0]} was stopped after {SECONDS} seconds") from None
    except OSError as error:
        raise ChipError(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise ChipError(f"{command[0]}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout.decode(errors="replace")
