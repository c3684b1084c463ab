"""Cycles of a program on a Cortex-M0, from the trace of its instructions.

QEMU counts instructions, not cycles. But it can write down the address of each one that it runs,
and the Cortex-M0 Technical Reference Manual says what each kind takes: one cycle as a rule, two to
load or to store, three to branch, four to call, and one for each register that is pushed or popped.
This holds where memory has no wait states, as in the nRF51.
"""

import re
import tempfile
from pathlib import Path

import numpy as np

from lab import chip_programs, chips


def cycles(model, image, class_only=False, flash_bytes=None):
    """Count the instructions and the cycles that a network takes for an image.

    Parameters
    ----------
    model : frozen.Frozen
    image : see `frozen.Frozen.pixels`
        One image, with a first axis of 1.
    class_only, flash_bytes : see `exporter.export`

    Returns
    -------
    instructions, cycles : int
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        program, content, _, _ = chip_programs.made(
            model, image, chips.CORTEX_M0, folder, class_only=class_only, flash_bytes=flash_bytes
        )
        told = program.with_suffix(".map").read_text(encoding="utf-8")
        code = [
            (address, size, file) for section, address, size, file in chip_programs.sections(told)
            if section == ".text" and size and (file.endswith("network.o") or ".a(" in file)
        ]
        log, binary = folder / "log", folder / "binary"
        chips.simulate(program, content, chips.CORTEX_M0, (
            "-singlestep", "-d", "exec,nochain", "-D", str(log), "-dfilter",
            ",".join(f"{address:#x}+{size:#x}" for address, size, _ in code),
        ))
        places = np.array([
            int(place, 16) for place in re.findall(
                r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", log.read_text(encoding="utf-8"),
                re.MULTILINE,
            )
        ])
        chip_programs.call(["arm-none-eabi-objcopy", "-O", "binary", str(program), str(binary)])
        words = np.frombuffer(binary.read_bytes().ljust(1 << 18, b"\0"), "<u2")
    # the frame has used the library before: what counts begins with the network's own code
    own = np.zeros(len(places), bool)
    for address, size, file in code:
        own |= file.endswith("network.o") & (places >= address) & (places < address + size)
    places = places[own.argmax() :]
    # an address twice in a row: QEMU stopped there, before the instruction had run
    places = places[np.append(np.diff(places) != 0, True)]
    jumped = np.append(places[1:], 0) != places + 2
    found = words[places // 2]
    return len(places), int(sum(map(cost, found.tolist(), jumped.tolist())))


def cost(word, jumped):
    """The cycles of an instruction.

    Parameters
    ----------
    word : int
        Its first 16 bits.
    jumped : bool
        Whether the instruction behind it was not the next one.

    Returns
    -------
    cycles : int

    Examples
    --------
    >>> cost(0x1840, False), cost(0x7800, False)        # add r0, r0, r1; ldrb r0, [r0]
    (1, 2)
    >>> cost(0xD1FC, True), cost(0xD1FC, False)         # bne, taken and not taken
    (3, 1)
    >>> cost(0xB510, False), cost(0xBD10, True)         # push {r4, lr}; pop {r4, pc}
    (3, 5)
    """
    if word >> 11 in (0b11101, 0b11110, 0b11111):             # of 32 bits: a call
        return 4
    if word >> 9 in (0b1011010, 0b1011110) or word >> 12 == 0b1100:
        registers = (word & (0x1FF if word >> 12 == 0b1011 else 0xFF)).bit_count()
        return 3 + registers if word >> 8 == 0xBD else 1 + registers
    if word >> 12 in range(0b0101, 0b1010) or word >> 11 == 0b01001:
        return 2                                              # loads and stores
    if word >> 12 in (0b1101, 0b1110) or word >> 8 in (0x44, 0x46, 0x47):
        return 3 if jumped else 1                             # branches, and what writes to pc
    return 1
