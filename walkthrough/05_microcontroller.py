"""Chapter 5. A network on a microcontroller: the same scores from a chip for a dollar.

A microcontroller is a computer on one chip: a processor of 8 or 32 bits that runs at some MHz, a
few kilobytes of flash memory for the program and its tables, and even less RAM for what changes.
You will write trained networks as C, say before any compiler how much flash and RAM they take, and
run the same digit in Python, in C on this computer, and on two simulated chips. All four give the
same scores, to the last bit. Then you will see where the cycles go, what a one costs, and what a
digit costs in millijoules, on paper.

At its end you will know

    - what of a network lies in flash and what in RAM, and which of the two is short,
    - why a list of gaps is faster than a shorter code, and when the code is worth its time,
    - how a processor of 32 bits counts for a whole row of an image at once,
    - why cycles follow the ones, not the weights,
    - how to turn a data sheet and a number of cycles into energy.

    python walkthrough/05_microcontroller.py            2 minutes; nothing is trained
    python walkthrough/05_microcontroller.py --quick    few images, in 30 seconds
    python walkthrough/05_microcontroller.py --renew    write into figures/, not into out/

It takes compilers and simulators beside Python. If one is missing, the chapter says which packages
of Debian or Ubuntu have it.
"""

# %% Set up
import os
import time

from lab import chip_study, chips, experiment, options, plots_chips, report_chips
from lab.options import heading
from lab.tables import aligned

from sbnn_np.engines import packed
from sbnn_np.export import exporter
from sbnn_np.support import atomic

parser = options.command_line("Chapter 5: networks as C, on two simulated chips.")
parser.add_argument(
    "--data", choices=["mnist", "strokes"], default="mnist", help="digits of MNIST, or built-in"
)
parser.add_argument("--quick", action="store_true", help="few images and densities")
IN_CELLS = []  # options where there is no command line, as in a notebook: ["--quick"], for example
args = options.read(parser, IN_CELLS)

began = time.perf_counter()
dataset = options.open_data(args.data, args.data_dir)
ready = []
for chip in (chips.HOST, *chips.CHIPS):
    line = chips.missing(chip)
    if line:
        print(f"! {chip.name}: a compiler or a simulator is missing. This installs it:\n!   {line}")
    else:
        ready.append(chip)
simulated = [chip for chip in ready if chip is not chips.HOST]
if len(simulated) < len(chips.CHIPS):
    options.stop("the chapter needs both simulated chips; install what is missing, see above")
images = dataset.test_images[: 4 if args.quick else 200]
test_images = dataset.test_images[: 100 if args.quick else None]

# %% 1. What fits
#
# The networks are for three sizes of flash: 4, 16 and 32 KB of 1024 bytes (lab/sweep_5.py). They
# see images of bits, [pixel > 127], so that an image takes 112 bytes and not 784: RAM is even
# shorter than flash. Flash holds what never changes: the code, and tables of the ones and of the
# thresholds. RAM holds what changes: the activations of one layer and of the next, and the stack.
# Tables and activations are known from the model alone, before any compiler; code and stack are
# estimated. The last network is the dense one of chapter 3.

heading("1. What fits (bytes)")
networks = chip_study.networks(args.seed)
for known in networks:
    _, told = exporter.fitted(known.model, known.target.class_only, None)
    print(
        f"{known.name:<13} {known.architecture:<22} {known.ones:>6,} ones "
        f"({100 * known.density:4.1f}%)   flash: {told.table_bytes:>6,} of tables and about "
        f"{told.code_bytes:,} of code   RAM: {told.ram_bytes:,}, and about {told.stack_bytes} of "
        "stack"
    )
    if not known.trained:
        print("              random bits for now: it has the right size, but has learnt nothing")

# %% 2. What a layout costs
#
# How are the ones of a neuron written down? As a mask, one bit a weight, however few are 1. As a
# list of their numbers, two bytes each. As gaps: how far is it to the next one? At 5% ones that is
# 20 on average, and fits in a byte. Or as gaps in a code of Golomb and Rice, which has few bits for
# short gaps and many for long ones. That is close to the entropy, but the chip has to read it bit
# by bit. The program below is the same dense network twice, listed by gaps and coded.

heading("2. What a layout costs")
w = networks[-1].model.blocks[0].w
layout_bytes = chip_study.layout_bytes(w)
print(f"the first layer of {networks[-1].architecture} has {w.sum():,} ones; in bytes")
for what, size in layout_bytes.items():
    print(f"    {what:<18}{size:>10,.0f}")
print("\na network of 784-64-10 with 5% ones, random bits, in both layouts:")
dense, layouts = chip_study.dense_network([784, 64, 10], 0.05, args.seed), []
for coded in (False, True):
    for chip in simulated:
        done = chip_study.in_layout(dense, chip_study.drawn(), chip, coded)
        row = {
            "layout": "coded gaps" if coded else "gaps", "chip": chip.name,
            "tables": done.flash["tables"], "code": done.flash["code"],
            "count": int(done.counts.max()),
        }
        layouts.append(row)
        print(
            f"    {row['layout']:<11} {chip.name:<11} {row['tables']:>6,} bytes of tables, "
            f"{row['code']:>5,} of code, {row['count']:>8,} {chip.counts}"
        )

# %% 3. A row of an image at once
#
# A convolution of bits has a neuron at every place of the image, with the same ones everywhere. The
# inputs of one of its ones, for all places of a row, are a row of the image, shifted. A row of 28
# bits fits in a word of 32. So a full adder on words (in chapter 3 it adds for 64 images) counts
# for 28 places at once. Here a filter with ones at columns 0 and 2 meets a row of eight bits.

heading("3. A row of an image at once")
row = 0b01101100                                              # its first place is the lowest bit
first, second = row, row >> 2
print(f"the row                            {row:08b}")
print(f"the inputs of the one at column 2  {second:08b}")
print(f"the ones of all sums               {first ^ second:08b}")
print(f"the twos of all sums               {first & second:08b}")
sums = [(row >> place & 1) + (row >> place + 2 & 1) for place in range(8)]
ones, twos = first ^ second, first & second
if sums != [(ones >> place & 1) + 2 * (twos >> place & 1) for place in range(8)]:
    raise AssertionError("the sums are wrong")

# %% 4. The same digit four times
#
# The first network with scores looks at the first image: in Python, in C on this computer, and in C
# on both chips. The bits of each float32 score are printed as hexadecimal digits. Whoever compares
# classes alone would not see a wrong bit; whoever compares scores with a tolerance would not know
# whether it is too large. Here there is nothing to tolerate.

heading("4. The same digit four times")
known = networks[1]
scores = packed.Packed(known.model).forward(images[:1])[0]
print(f"{known.name}, an image of the digit {dataset.test_labels[0]}")
print(f"{'Python':<14}" + " ".join(f"{bits:08x}" for bits in scores.view("u4")))
for chip in ready:
    done = chip_study.answers(known, images[:1], chip)
    print(f"{chip.name:<14}" + " ".join(f"{bits:08x}" for bits in done.scores[0].view("u4")))
    if chip_study.same(known, done, images[:1]) != 1:
        raise AssertionError("a score is another one")

# %% 5. Flash, RAM, cycles
#
# Now all networks, and many images. *Flash* is the whole program, with its start and its serial
# line. *RAM* is what the network, an image, its scores and the stack take where the stack is
# deepest: the free memory is painted before, and looked at afterwards. simavr knows the cycles of
# each instruction of the ATmega328P. QEMU counts instructions alone. The cycles of the Cortex-M0
# come from a list of all instructions that it ran for one image, and from the cycles that Arm's
# manual names for each kind.

heading("5. Flash, RAM, cycles")
rows = []
for known in networks:
    row = chip_study.measured(known, images, test_images, ready, trace=not args.quick)
    rows.append(row)
    for name, found in row["chips"].items():
        if "error" in found:
            print(f"{known.name}, {name}: {found['error']}")
        elif found["same"] != found["images"]:
            raise AssertionError(f"{known.name}, {name}: other scores than in Python")
print(aligned(report_chips.COLUMNS, report_chips.by_chip(rows)))
print("\nimages with the scores of Python, to the last bit (of 4 KB networks: with its class)")
for row in rows:
    agree = ", ".join(
        f"{name} {found['same']} of {found['images']}"
        for name, found in row["chips"].items() if "error" not in found
    )
    print(f"    {row['name']:<13} {agree}")

# %% 6. Where the cycles go
#
# The program tells the timer whenever it goes over to a layer. The first convolution has the fewest
# ones and the most places; the dense layers have the most ones, and one place each.

heading("6. Where the cycles go")
for row in rows:
    for chip in simulated:
        found = row["chips"][chip.name]
        if "error" not in found:
            parts = "".join(f"{count:>10,}" for count in found["layers"])
            print(f"{row['name']:<13} {chip.name:<11} {chip.counts:<13}{parts}")

# %% 7. What a one costs
#
# The same architectures with random bits, from few ones to many. A one that is not there takes no
# time at all: no zero is ever looked at.

heading("7. What a one costs")
densities = (0.05, 0.2) if args.quick else (0.02, 0.05, 0.1, 0.2, 0.4)
by_density = []
for kind in ("dense", "convolution"):
    for chip in simulated:
        found = chip_study.by_density(kind, densities, chip, args.seed)
        by_density += found
        least, most = found[0], found[-1]
        each = (most["count"] - least["count"]) / (most["ones"] - least["ones"])
        print(
            f"{kind:<12} {chip.name:<11} {least['ones']:>6,} ones {least['count']:>9,}, "
            f"{most['ones']:>6,} ones {most['count']:>9,} {chip.counts}: {each:6.1f} for one more"
        )

# %% 8. Energy, on paper
#
# A data sheet says what current a chip draws at a voltage and a frequency while it computes. Volts
# times amperes times seconds are joules, and cycles over hertz are seconds. Nothing is measured
# here: a board draws more, and a chip that sleeps between images draws almost nothing then. A coin
# cell, a CR2032 of 225 mAh and 3 V, holds about 2,400 joules.

heading("8. Energy, on paper")
for chip, (volts, milliamperes, megahertz, source) in chip_study.SHEETS.items():
    print(f"{chip}: {milliamperes} mA at {volts:.0f} V and {megahertz} MHz ({source})")
    for row in rows:
        cycles = row["chips"][chip].get("cycles")
        if cycles:
            energy = chip_study.millijoules(chip, cycles)
            print(
                f"    {row['name']:<13} {cycles:>10,} cycles  "
                f"{cycles / megahertz / 1000:>6.1f} ms  {energy:6.3f} mJ  "
                f"{2400 / energy * 1000:>10,.0f} images from a coin cell"
            )

# %% Results and figures

content = {
    "rows": rows, "layout_bytes": layout_bytes, "layouts": layouts, "by_density": by_density,
}
name = options.named("05_microcontroller", dataset.name)
seconds = time.perf_counter() - began
experiment.write_json(
    args.out / f"{name}.json",
    options.with_provenance(
        "05_microcontroller", args, dataset.name, seconds, chip_study.digest(), content
    ),
)
figures = plots_chips.figures(content)
for what, picture in figures.items():
    atomic.write(args.out / f"{name}_{what}.png", picture)
print(f"\nwrote {os.path.relpath(args.out / name)}.json and {len(figures)} figures beside it")
print(f"{time.perf_counter() - began:.0f} seconds in all")

# %% To think about
#
# 1. A neuron has 784 inputs and 39 ones. How many bytes does it take as a mask, as a list of
#    numbers of two bytes, and as gaps with an end mark?
# 2. A row of 28 bits in a word of 32 bits: how many additions does a full adder do at once, and how
#    many on the chip of 8 bits, which needs four instructions for a word?
# 3. Why is the network for 4 KB asked for the class alone?
# 4. Which of these numbers change if the ones of a network move to other places, equally many?
#    Flash, RAM, instructions, accuracy.
#
# Answers
#
# 1. 98, 78 and 40 bytes, if no gap is longer than 254.
# 2. 28, and 28 in four times the instructions. Adding place by place would take at least 28.
# 3. Scores are floats. Neither chip can add floats, so the compiler brings functions for it: 1.6 KB
#    on the Cortex-M0. The class is found with whole numbers.
# 4. Only the accuracy, but for a few gaps of more than 254, and words of a row that fill up.
