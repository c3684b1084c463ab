"""Programs for chips: what it takes to compile for each, and where a program's bytes go.

`export` writes a network as C. The chip's compiler makes a program of it and of the files in the
folder chips/: the start of the chip, its serial line and its timer.
"""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

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
    flags = [
        f"-DCLASSES={1 if class_only else len(model.classes)}", called,
        f"-DIMAGE_BYTES={content.shape[1]}",
    ]
    told = (
        "-include", str(FOLDER / "chip.h"),
        f"-D{PREFIX.upper()}_ENTER(layer)=chip_enter_layer(layer)",
    )
    source = folder / "export" / f"{PREFIX}.c"
    program, flash, ram = build(source, flags, chip, folder, told if by_layer else ())
    return program, content, flash, ram


def build(source, flags, chip, folder, more=()):
    """Compile a network for a chip.

    Parameters
    ----------
    source : Path
        The C file of the network.
    flags : list of str
        Options that say CLASSES, IMAGE_BYTES and SCORES or CLASS, see chips/program.c.
    chip : Chip
    folder : Path
        Where files go.
    more : tuple of str
        More options for the network alone.

    Returns
    -------
    program : Path
    flash, ram : dict of int
        See `chips.Run`; of the RAM, the activations alone.
    """
    network = folder / "network.o"
    call([*chip.compiler, *more, "-c", str(source), "-o", str(network)])
    around = frame(chip, tuple(flags)).name
    objects = [network, *(Path(around, name).with_suffix(".o") for name in chip.files)]
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
    if ram["activations"] > chip.ram:
        raise ChipError(f"the activations are too large for the {chip.name}")
    return program, flash, ram


@lru_cache
def frame(chip, flags):
    """Compile the files around a network, once for a size of image: the folder that holds them.

    Parameters
    ----------
    chip : Chip
    flags : tuple of str
        See `build`.

    Returns
    -------
    folder : tempfile.TemporaryDirectory
    """
    folder = tempfile.TemporaryDirectory()
    for name in chip.files:
        compiled = Path(folder.name, name).with_suffix(".o")
        call([*chip.compiler, *flags, "-c", str(FOLDER / name), "-o", str(compiled)])
    return folder


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
