"""Chapter 3. Bits and bytes: freeze a 0/1 network, count it, store it, run it.

In chapters 1 and 2 the bits lay in float arrays. Here they become bits. You will freeze trained
networks into whole numbers and see that not one of 10,000 test images gets another score; count
their operations under names that others use; write them into files and see where every byte
goes; ask what fits into a device; and run them on three engines (a fourth, loops.py, says what they
must give), one of which adds the bits of 64 images at a time and is, on thousands of images of
bits, several times faster than a library for matrix products.

At its end you will know

    - why the threshold of a frozen neuron is a whole number, and why no score changes,
    - why "how many operations" has no answer without a name for what is counted,
    - why a list of the ones is not the shortest file, and where each byte of a file goes,
    - how to add with nothing but AND, OR and XOR, for 64 images at once.

    python walkthrough/03_bits_and_bytes.py            10 minutes the first time, then 90 s:
                                                       trained networks are kept
    python walkthrough/03_bits_and_bytes.py --quick    a look at everything in 30 seconds
    python walkthrough/03_bits_and_bytes.py --renew    write into figures/, not into out/
"""

# %% Set up
import os

# the engines use both cores themselves (see support/threads.py); to be said before NumPy comes
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import io
import time

import numpy as np
from lab import experiment, models, options, plots_bits, recipes
from lab.options import heading
from matplotlib import image

from sbnn_np.bits import bitops, freeze, rans, storage, summary
from sbnn_np.core import layers, network, quantize
from sbnn_np.datasets import data, strokes
from sbnn_np.engines import common, floats
from sbnn_np.engines.sliced import adders, two_processes
from sbnn_np.export import design
from sbnn_np.support import atomic, checkpoint

parser = options.command_line("Chapter 3: freeze, count, store and run 0/1 networks.")
options.both_data_sets(parser)
parser.add_argument("--quick", action="store_true", help="few images, one epoch, few repeats")
IN_CELLS = []  # options where there is no command line, as in a notebook: ["--quick"], for example
args = options.read(parser, IN_CELLS)

began = time.perf_counter()
digits, pictures = options.open_both(args)
if args.quick:
    digits, pictures = data.few(digits, 6000, 300), data.few(pictures, 1200, 300)


# %% 1. A threshold that is a whole number
#
# Behind the sums of a 0/1 layer come batch norm and a threshold: bit = [factor z + offset > 0],
# in float32. But z counts ones, so it is a whole number, and there are not many of them. All that
# batch norm does is to say from which count on the bit is 1. Where the scale is negative it says
# up to which count; then the bit is turned round, "flipped". So the neuron keeps one integer and
# one bit, and the floats can go. Nothing is rounded that was not rounded before: the integer is
# found by asking the very float32 expression that training used.
#
# In a centred layer z is not whole, but 64 z is: the centre is a multiple of 1/64, c/64, so that
# 64 times a centred sum is 64 times the count less c times the sum of all inputs. float32 has 24
# bits for the digits of a number, and so holds every whole number up to 2^24 = 16,777,216 exactly.
# The largest sum here is of 784 pixels of 255: 199,920, and 64 times that is 12,794,880. So every
# sum is exact, in whatever order it is added.

heading("1. A threshold that is a whole number")
norm = layers.BatchNorm(np.array([0.8, -0.8], np.float32))
norm.params["shift"][:], norm.mean[:], norm.var[:] = 0.1, 3.3, 2.0
counts = np.arange(8)
asked = norm.forward(np.repeat(counts[:, None], 2, axis=1).astype(np.float32)) > 0
threshold, flip = freeze.thresholds(norm, np.zeros(2, int), np.full(2, 7), unit=1)
print(f"{'count of ones':<36}" + "  ".join(str(z) for z in counts))
for m, sign in enumerate(("positive", "negative")):
    shown = f"batch norm, {sign} scale: bit"
    print(f"{shown:<36}" + "  ".join(str(int(bit)) for bit in asked[:, m]))
    frozen = (counts >= threshold[m]) ^ flip[m]
    shown = f"    [z >= {threshold[m]}]{', turned round' if flip[m] else ''}"
    print(f"{shown:<36}" + "  ".join(str(int(bit)) for bit in frozen))
    if not np.array_equal(frozen, asked[:, m]):
        raise AssertionError("freezing changed a bit")

# %% 2. Train, freeze, compare
#
# Networks of the shape of chapter 1's are trained, all with a constant budget, on images of bits: a
# pixel counts as 1 if it is above 127. So the first layer's inputs are bits, too. There are plain
# networks from 1% to 30% ones, centred ones and one of +-1 weights; then two that see pixels of 8
# bits, one of them twice as wide; and the small CIFAR-10 network of chapter 2, which keeps a float
# first layer. Each is frozen, and each engine's scores are compared with the trained network's, to
# the last bit.

heading("2. Train, freeze, compare")
bits = models.as_bits(digits)
wanted = recipes.chapter_3(args.seed, quick=args.quick)
found, rows = {}, []
for what, recipe in wanted:
    dataset = {"bits": bits, "digits": digits, "pictures": pictures}[what]
    try:
        row, model, scores = models.trained(
            recipe, dataset, models.THRESHOLD if dataset is bits else None
        )
    except checkpoint.CheckpointError as error:               # of other sources, for example
        options.stop(f"{error}\nDelete that file to train from the start.")
    size = len(storage.dumps(model))
    float32 = bitops.float32_bytes(block.w for block in model.blocks)
    row |= {
        "agree": models.agreement(model, dataset.test_images, scores),
        "file_bytes": size, "float32_bytes": float32, "compression_file": float32 / size,
        "parts": [[i, name, len(content)] for i, name, content in storage.sections(model)],
    }
    found[recipe.method, recipe.architecture, recipe.density, dataset.name] = model
    rows.append(row)
    ones = "" if row["density"] is None else f"{100 * row['density']:5.2f}% ones"
    images = len(dataset.test_images)
    same = ", ".join(f"{name} {n}" for name, n in row["agree"].items())
    print(
        f"{dataset.name:<14} {recipe.method:<11} {recipe.architecture:<28} {ones:<12} test "
        f"{100 * row['test_accuracy']:.2f}%  file {size:>7,} bytes, {float32 / size:5.1f}x\n"
        f"    same scores on all {images} test images: {same}", flush=True,
    )
    if set(row["agree"].values()) != {images}:
        raise AssertionError("an engine gives other scores than the trained network")


def model_of(method, density, dataset=bits, width=512):
    return found[method, f"784-{width}-{width}-10", density, dataset.name]


def row_of(model):
    return rows[list(found.values()).index(model)]


# %% 3. Count
#
# "How many operations" has no answer without a name for what is counted. A neuron with K ones
# costs K - 1 additions; the same neuron with +-1 weights costs D - 1, and D sign changes. On words
# of 64 bits, AND and popcount cost a word each, however many of its bits are 1: there a sparse
# row is no cheaper than a full one. Sliced, an addition for 64 images costs about 5 logical
# operations. All these are counted by formula, and in the tests by counters that grow by one at
# each operation.

heading("3. Count")
model = model_of("0/1 centred", 0.05)
summary.summary(freeze.thaw(model))
totals = {}
for name, each in (
    ("0/1", model_of("0/1", 0.05)), ("0/1 centred", model), ("+-1", model_of("+-1", None)),
):
    layer_counts = bitops.operations(freeze.thaw(each), input_bits=1)
    totals[name] = {
        key: sum(layer[key] for layer in layer_counts) for key in layer_counts[0] if key != "binary"
    }
print(f"\n{'operations of an image':<26}{'0/1':>14}{'0/1 centred':>14}{'+-1':>14}")
for key in totals["0/1"]:
    cells = (f"{totals[name][key]:,.0f}" if totals[name][key] else "-" for name in totals)
    print(f"{key:<26}" + "".join(f"{cell:>14}" for cell in cells))
print("The top of sbnn_np/bits/bitops.py says what each name means. Thresholds are whole")
print("numbers; of batch norm only a factor and an offset for each score are left.")

# %% 4. Store
#
# 5% of the weights are ones. To list them would take 16 bits each and more; a mask takes one bit a
# weight, 32 times less than float32, however sparse. The entropy says what is possible: 0.286
# bits a weight at 5%. Gaps between ones are coded by rANS (sbnn_np/bits/rans.py), and the file is
# counted whole: header, thresholds, flips, scores, checksum.

heading("4. Store")
layer_bits = model.blocks[0].w.T.reshape(-1)
n, p = layer_bits.size, float(layer_bits.mean())
entropy = n * quantize.binary_entropy(p) / 8
print(f"the first layer has {n:,} weights, {100 * p:.2f}% of them ones. Its bits, in bytes:")
for what, size in (
    ("as float32", 4 * n), ("a mask", n / 8), ("a list of 16-bit gaps", 2 * layer_bits.sum()),
    ("entropy", entropy), ("coded", len(rans.encode(layer_bits))),
):
    print(f"    {what:<22}{size:>12,.0f}")
wide = model_of("0/1 centred", 0.05, digits, 1024) if not args.quick else model
row = row_of(wide)
print(
    f"\nthe whole file of {row['architecture']}: {row['file_bytes']:,} bytes; its float32 "
    f"parameters {row['float32_bytes']:,}: {row['compression_file']:.1f} times smaller"
)
for i, name, size in row["parts"]:
    where = "" if i is None else f"layer {i}: "
    print(f"    {where + name:<22}{size:>10,} bytes  {100 * size / row['file_bytes']:5.1f}%")

# %% 5. What fits
#
# A cheap microcontroller has a few kilobytes of flash, and time for so many additions. Both are
# known before training: fill the architecture with random bits, and count. A file is coded as
# closely as can be; a program that runs on the chip has its ones listed as bytes, and its code.

heading("5. What fits")
rng = np.random.default_rng(args.seed)
for sizes, budget in (
    ([784, 300, 100, 10], {"file_bytes": 4096}), ([784, 300, 100, 10], {"flash_bytes": 16384}),
    ([784, 300, 100, 10], {"adds": 10_000}), ([784, 64, 10], {"flash_bytes": 4096}),
):
    fit = design.fit(network.mlp(sizes, "0/1", rng), **budget)
    ((what, most),) = budget.items()
    print(
        f"{'-'.join(map(str, sizes)):<16} {what:<11} <= {most:>6,}: density "
        f"{100 * fit.density:4.1f}%, a file of {fit.file_bytes:,} bytes, {fit.flash_bytes:,} bytes "
        f"as C, {fit.adds:,} additions"
    )

# %% 6. Add without a plus sign
#
# Three bits a, b, c have a sum from 0 to 3: two bits, sum = a ^ b ^ c and carry = (a & b) | (c &
# (a ^ b)). Do it on words, and 64 images are added at once. Here the four inputs of a neuron are
# added for five images, and compared with 2. (Here image n is bit n. The engine puts images into
# another order, see `slicing`; to an adder it makes no difference.)

heading("6. Add without a plus sign")
inputs = np.array([[1, 1, 0, 0, 1], [1, 0, 0, 1, 1], [1, 0, 1, 0, 1], [0, 0, 1, 0, 1]], np.uint8)
words = np.array([[int("".join(map(str, row[::-1])), 2)] for row in inputs], np.uint64)
for name, word in zip("abcd", words[:, 0]):
    print(f"{f'input {name} of images 4 to 0':<36}{int(word):05b}")
steps, planes = adders.row_sum_steps([words.copy()])
adders.run_steps(steps)
for i, plane in enumerate(planes):
    print(f"{f'sum, bit of weight {1 << i}':<36}{int(plane[0]):05b}")
sums = [sum((int(plane[0]) >> n & 1) << i for i, plane in enumerate(planes)) for n in range(5)]
if sums != inputs.sum(axis=0).tolist():
    raise AssertionError("the sums are wrong")
planes = [plane[None] for plane in planes]
steps, passed = adders.at_least_steps(planes, np.array([2]), np.empty_like(planes[0]))
adders.run_steps(steps)
print(f"{'[sum >= 2]':<36}{int(passed[0, 0]):05b}")

# %% 7. Race
#
# Engines take the same images, 8192 at a time, as uint8, and give scores; packing and unpacking are
# in their time. They run in turns on the same two cores, so that a disturbance does not hit one of
# them alone; and the median counts.


def race(runners, repeats, turns=4):
    """Median seconds of each of some functions, called twice before each turn of timed calls."""
    seconds = {name: [] for name in runners}
    for _ in range(min(turns, repeats)):
        for name, runner in runners.items():
            runner(), runner()
            for _ in range(max(1, repeats // turns)):
                start = time.perf_counter()
                runner()
                seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(each)) for name, each in seconds.items()}


def torch_runner(model, images):
    """The same network in PyTorch's float32, if the reader has it; else nothing."""
    try:
        import torch
    except ImportError:
        return {}
    engine = floats.Floats(model)
    w = [torch.from_numpy(each) for each in engine.w]
    limits = [
        torch.from_numpy((block.threshold / block.unit).astype(np.float32))
        for block in model.blocks[:-1]
    ]
    flips = [torch.from_numpy(block.flip) for block in model.blocks[:-1]]

    def run():
        x = torch.from_numpy(model.first_inputs(images)).float()
        for each, limit, flip in zip(w, limits, flips):
            x = ((x @ each >= limit) ^ flip).float()
            x = 2 * x - 1 if model.signed else x
        return common.class_scores(model.blocks[-1], (x @ w[-1]).numpy())

    if not np.array_equal(run(), engine.forward(images)):
        raise AssertionError("PyTorch gives other scores")
    return {"PyTorch float32": run}


heading("7. Race")
N = 512 if args.quick else 8192
repeats = 3 if args.quick else 20
images = digits.test_images.reshape(len(digits.test_images), -1)
batch = np.ascontiguousarray(np.resize(images, (N, 784)))
results = []
print(f"microseconds an image, {N} images at a time, median of {repeats}")
for model in found.values():
    row = row_of(model)
    if model.blocks[0].kernel:
        continue
    runners = {
        name: lambda engine=engine: engine.forward(batch)
        for name, engine in models.engines(model).items()
    }
    seconds = race(runners | torch_runner(model, batch), repeats)
    micro = {name: 1e6 * value / N for name, value in seconds.items()}
    results.append({
        "method": row["method"], "density": row["density"], "architecture": row["architecture"],
        "inputs": "pixels" if model.binarize is None else "bits",
        "test_accuracy": row["test_accuracy"], "file_bytes": row["file_bytes"],
        "compression_file": row["compression_file"], "microseconds": micro,
    })
    density = "" if row["density"] is None else f"{100 * row['density']:4.1f}%"
    times = "  ".join(f"{name} {value:.2f}" for name, value in micro.items())
    gain = f"  {micro['float32 BLAS'] / micro['bit-sliced']:.1f}x" if "bit-sliced" in micro else ""
    print(
        f"{row['method']:<11} {density:<6} {results[-1]['inputs']:<6} {row['architecture']:<16} "
        f"test {100 * row['test_accuracy']:.2f}%: {times}{gain}", flush=True,
    )
print("\nthe plain network at 5% ones, by batch size:")
by_batch = []
ready = models.engines(model_of("0/1", 0.05))
for n in (1, 64, 512) if args.quick else (1, 64, 512, 4096, 8192):
    seconds = race(
        {
            name: lambda engine=engine, n=n: engine.forward(batch[:n])
            for name, engine in ready.items()
        },
        repeats,
    )
    by_batch.append({"batch": n, "microseconds": {k: 1e6 * v / n for k, v in seconds.items()}})
    print(f"{n:5d}  " + "  ".join(f"{k} {1e6 * v / n:.2f}" for k, v in seconds.items()))

# %% 8. Convolution, sliced
#
# For a convolution a word holds 64 images at one place, and a row some places: windows are rows
# shifted against one another, and everything else stays as it is. The first layer has float
# weights, and is the same for both engines; so the layers of bits are timed alone, and the whole.

heading("8. Convolution, sliced")
model = next(model for model in found.values() if model.blocks[0].kernel)
n = 64 if args.quick else 256
batch = np.ascontiguousarray(np.resize(pictures.test_images, (n, *model.shape)))
into = common.engine_inputs(model, batch)
by_floats, by_slices = floats.Floats(model), two_processes.TwoProcessSliced(model)
conv = race(
    {
        "float32, layers of bits": lambda: by_floats.forward_inputs(into),
        "bit-sliced, layers of bits": lambda: by_slices.forward_inputs(into),
        "float32, whole network": lambda: by_floats.forward(batch),
        "bit-sliced, whole network": lambda: by_slices.forward(batch),
    },
    repeats,
)
for name, seconds in conv.items():
    print(f"{name:<28}{1000 * seconds:8.1f} ms for {n} images")
conv |= {
    f"gain, {what}": conv[f"float32, {what}"] / conv[f"bit-sliced, {what}"]
    for what in ("layers of bits", "whole network")
}
print(
    f"{conv['gain, layers of bits']:.1f} times faster in the layers of bits, "
    f"{conv['gain, whole network']:.1f} times in all"
)

# %% 9. Take one with you
#
# A model file and ten digits drawn with a pen, dark on light as on paper and four times as large:
# for the commands that need nothing but the file,
#
#     python -m sbnn_np show figures/examples/digits.sbnn
#     python -m sbnn_np predict figures/examples/digits.sbnn figures/examples/digit_*.png

heading("9. Take one with you")
examples = args.out / options.named("examples", digits.name)
examples.mkdir(exist_ok=True)
storage.save(model_of("0/1 centred", 0.05, digits), examples / "digits.sbnn")
drawn = strokes.draw(np.arange(10), np.random.default_rng(args.seed))
for digit, pixels in enumerate(drawn[:, :, :, 0]):
    file = io.BytesIO()
    large = 255 - np.kron(pixels, np.ones((4, 4), np.uint8))
    image.imsave(file, large, cmap="gray", vmin=0, vmax=255, metadata={"Software": None})
    atomic.write(examples / f"digit_{digit}.png", file.getvalue())
scores = floats.Floats(storage.load(examples / "digits.sbnn")).forward(drawn)
print(f"the ten digits in {os.path.relpath(examples)} are taken for {scores.argmax(axis=1)}")

# %% Results and figures

densities = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
counted = {"densities": densities, "adds": [], "word_ops": [], "words": []}
net = network.mlp([784, 512, 512, 10], "0/1", rng)
for p in densities:
    design.fill(net, p, np.random.default_rng(args.seed))
    each = bitops.operations(net, input_bits=1)
    counted["adds"].append(sum(layer["adds"] for layer in each))
    counted["word_ops"].append(sum(layer["word_ops"] for layer in each))
    counted["words"].append(sum(layer["and_words"] + layer["popcount_words"] for layer in each))
counted["adds_of_dense"] = totals["+-1"]["adds"]
content = {
    "rows": rows,
    "operations": totals,
    "operations_by_density": counted,
    "race": results,
    "race_by_batch": by_batch,
    "race_conv": {"images": n, **conv},
}
digest = experiment.digest(*(recipe for _, recipe in wanted), start=models.AGREEMENT)
name = options.named("03_bits_and_bytes", digits.name, pictures.name)
seconds = time.perf_counter() - began
experiment.write_json(
    args.out / f"{name}.json",
    options.with_provenance("03_bits_and_bytes", args, digits.name, seconds, digest, content),
)
figures = plots_bits.figures(content)
for what, picture in figures.items():
    atomic.write(args.out / f"{name}_{what}.png", picture)
print(f"\nwrote {os.path.relpath(args.out / name)}.json and {len(figures)} figures beside it")
print(f"{time.perf_counter() - began:.0f} seconds in all")

# %% To think about
#
# 1. Why can pooling wait until after the threshold in a frozen network, when training pools first?
# 2. A centred neuron subtracts centre * sum(x). Why does that cost it one addition, and not D?
#
# Answers
#
# 1. The largest of four sums passes the threshold if any of the four does: OR of bits. A flip comes
#    after that, and makes it AND of the flipped ones.
# 2. The sum over all inputs is the same for all neurons of a layer: it is taken once.
#
# %% Three questions
#
# The answers are computed by the program that checks yours:
# python -m walkthrough.exercises 3.a NUMBER (and 3.b, 3.c). The functions to fill in are in
# walkthrough/exercises/chapter_3.py.
#
# 3.a A plain neuron has 20 ones, and its inputs are bits. Frozen, it is a threshold and a flip.
#     How many different neurons can they make of it? (Two neurons are different if they differ at
#     some count from 0 to 20.)
# 3.b The sliced engine adds 39 bits for 64 images at once. How many full adders does it need?
#     (Half adders do not count.)
# 3.c A layer has 4,096 weights. From how many ones on does a list of 16-bit gaps take more bits
#     than a mask?
