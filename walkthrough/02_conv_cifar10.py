"""Chapter 2. Single bits learn to see: convolution by im2col.

You will write the windows of an image as rows of a matrix, see that a convolution is then the
dense layer of chapter 1, and send gradients back through it. Then you will train LeNet-5 on
MNIST and a small network of five convolutions on CIFAR-10, each with full-precision weights,
with weights of -1 and +1, and with weights of 0 and 1 (plain, and centred), of which one in
twenty is meant to be 1.

At its end you will know

    - what im2col does, and its way back, which adds up what it copied,
    - why the way back of a convolution is a convolution, too,
    - what a filter of single bits looks like, and what it costs at each place,
    - why max pooling and a threshold make OR or AND of bits,
    - which layers get how many of the ones, and how close they come to full precision.

    python walkthrough/02_conv_cifar10.py            18 minutes on two cores
    python walkthrough/02_conv_cifar10.py --quick    a look at everything in 30 seconds
    python walkthrough/02_conv_cifar10.py --full     wider and longer; a run a file
    python walkthrough/02_conv_cifar10.py --resume   go on after an interruption
    python walkthrough/02_conv_cifar10.py --renew    write into figures/, not into out/

The first command ends with these test accuracies (seed 0):

    MNIST     full precision             99.50%
    MNIST     +-1                        99.11%
    MNIST     0/1             penalty    98.75%
    MNIST     0/1 centred     constant   98.75%
    CIFAR-10  full precision             80.88%
    CIFAR-10  +-1                        69.49%
    CIFAR-10  0/1             constant   61.22%
    CIFAR-10  0/1 centred     constant   66.36%
    CIFAR-10  0/1 centred     growing    64.30%
"""

# %% Set up
import os

# a convolution uses both cores itself, half of the batch each (see support/threads.py); this
# must be said before NumPy is imported
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import sys
import time

import numpy as np
from lab import experiment, options, plots_convolution, recipes, report, timing
from lab.options import heading, log

from sbnn_np.core import convolution, fast, pooling, quantize, windows
from sbnn_np.datasets import data, strokes
from sbnn_np.support import atomic, checkpoint

parser = options.command_line("Chapter 2: 0/1 convolutions on MNIST and CIFAR-10.")
options.both_data_sets(parser)
parser.add_argument("--quick", action="store_true", help="few images, one epoch")
parser.add_argument("--full", action="store_true", help="two seeds, longer, and wider networks")
parser.add_argument(
    "--resume", action="store_true", help="use finished runs and go on with the begun one"
)
IN_CELLS = []  # options where there is no command line, as in a notebook: ["--quick"], for example
args = options.read(parser, IN_CELLS)

began = time.perf_counter()
digits, pictures = options.open_both(args)
if args.quick:
    digits, pictures = data.few(digits, 6000, 500), data.few(pictures, 1200, 500)
for each in (digits, pictures):
    print(f"{each.name}: {len(each.train_images)} training, {len(each.test_images)} test images")


# %% 1. A convolution is a dense layer that looks through a window
#
# A dense neuron of chapter 1 sees the whole image. A filter is a neuron that sees a small
# window of it, 3 x 3 pixels for example, and is asked at every place of the image. All
# filters ask the same of all windows; so write each window as a row, and what is left is the
# dense layer: windows times weights. That matrix of windows is called im2col ("image to
# columns", from a language that stores matrices by columns).
#
# Here is an image of 4 x 4 pixels with windows of 3 x 3: there are 2 x 2 places for it. Where
# windows overlap, pixels are written several times. That is the price, memory; what it buys is
# the fastest thing a processor can do, one large matrix product.

heading("1. A convolution is a dense layer that looks through a window")
image = np.arange(1, 17).reshape(1, 4, 4, 1)
cols = windows.im2col(image, (3, 3))
places = [f"window at row {h}, column {w}" for h in range(2) for w in range(2)]
for line in range(4):
    pixels = " ".join(f"{v:3d}" for v in image[0, line, :, 0])
    row = " ".join(f"{v:3d}" for v in cols[line])
    print(f"{'image' if line == 0 else '':6s} {pixels}      {places[line]}: {row}")
w = np.array([[1, 0], [0, 0], [0, 0], [0, 1], [1, 0], [0, 1], [0, 0], [0, 1], [1, 0]])
print("\ntwo filters of bits, and im2col @ w: one row a place, one column a filter")
product = cols @ w
for line in range(9):
    result = f"      {places[line]}: {product[line]}" if line < 4 else ""
    print(f"  {w[line]}{result}")
by_ops, _ = convolution.conv_forward(image.astype(float), w.astype(float), (3, 3))
if not np.array_equal(by_ops.reshape(4, 2), product):
    raise AssertionError("convolution.conv_forward gives something else")
print("convolution.conv_forward gives the same. Training runs fast.conv_forward, which does it for")
print("a few images at a time, so that the windows stay in cache.")

# %% 2. The way back
#
# The gradient of a pixel is the sum of what all windows that saw it send back. im2col only
# copies numbers, so it is linear, and its way back is its adjoint, the linear map col2im with
#
#     sum over all entries of  im2col(x) * cols   =   sum over all pixels of  x * col2im(cols)
#
# for every x and cols. It adds each row back to where it was taken from. With col2im of ones
# one can see how many windows a pixel is in.
#
# Adding to scattered places is slow, so a layer mostly does it from the pixel's point of view:
# the windows that saw a pixel lie around it, and so their gradients are themselves a window, in
# dy. The gradient of a convolution is another convolution, with its filters turned by half a
# turn, and with their inputs and outputs changing places.

heading("2. The way back")
rng = np.random.default_rng(args.seed)
x, other = rng.integers(-9, 10, image.shape), rng.integers(-9, 10, cols.shape)
left = np.sum(windows.im2col(x, (3, 3)) * other)
right = np.sum(x * windows.col2im(other, x.shape, (3, 3)))
print(f"random integers: sum(im2col(x) * cols) = {left}, sum(x * col2im(cols)) = {right}")
seen = windows.col2im(np.ones(cols.shape, int), image.shape, (3, 3))[0, :, :, 0]
print("in how many windows each pixel is:")
print("\n".join("    " + " ".join(str(v) for v in row) for row in seen))
dy = rng.integers(-9, 10, (1, 2, 2, 2)).astype(float)
dx = np.empty(x.shape)
fast.gather(dx, dy, w.astype(float), (3, 3), padding=0, part=slice(0, 1))
if left != right or not np.array_equal(
    dx, windows.col2im(dy.reshape(4, 2) @ w.T, x.shape, (3, 3))
):
    raise AssertionError("the way back is wrong")
print("fast.gather and col2im, which scatters, agree to the last bit.")

# %% 3. A filter of single bits
#
# A 0/1 filter marks pixels, and its sum counts the ink that lies under the marks. This one
# marks a column; drawn below is where on a stroke digit its count is high. A filter with K
# marks costs K - 1 additions a window, whatever the window's size. A centred filter also takes
# off the centre times the total of the window, which is the same for all filters: one more sum
# a window, shared by all of them, and one subtraction a filter.

heading("3. A filter of single bits")
digit = strokes.draw(np.array([4]), np.random.default_rng(args.seed))
ink = quantize.zero_one(digit.astype(np.float32), tau=100)
bits = np.zeros((5, 5, 1), np.float32)
bits[:, 2] = 1
bits = bits.reshape(25, 1)
plain, _ = convolution.conv_forward(ink, bits, (5, 5))
centred, _ = convolution.conv_forward(ink, bits - np.float32(13 / 64), (5, 5))
marks = ["".join("#" if b else "." for b in row) for row in bits.reshape(5, 5)]
print(f"{'the filter':12s}{'the image':28s}    {'count >= 4':24s}    centred count >= 2.5")
for line in range(2, 26):
    parts = [
        marks[line - 2] if line < 7 else "",
        "".join("#" if v else "." for v in ink[0, line, :, 0]),
        "".join("#" if v >= 4 else "." for v in plain[0, line - 2, :, 0]),
        "".join("#" if v >= 2.5 else "." for v in centred[0, line - 2, :, 0]),
    ]
    print(f"{parts[0]:12s}{parts[1]}    {parts[2]}    {parts[3]}")
print("The plain count is high wherever there is enough ink; the centred one asks for ink")
print("under the marks and not beside them.")

# %% 4. Max pooling of bits is OR, or AND
#
# Pooling takes the largest sum of each 2 x 2 square, and then comes batch norm and the
# threshold. With a positive scale the square's bit is 1 if any of its four sums passes the
# threshold: OR. With a negative scale the neuron fires on *small* sums, and the largest of four
# is small only if all four are: AND. So a frozen network can turn each sum into its bit at once,
# and pool bits. Sums of bits are small integers, and often equal: then the gradient goes to the
# first.

heading("4. Max pooling of bits is OR, or AND")
sums = np.array([[1.0, 5.0], [2.0, 2.0]]).reshape(1, 2, 2, 1)
pooled, _ = pooling.maxpool_forward(sums, 2)
for scale, name in ((1.0, "OR"), (-1.0, "AND")):
    of_each, of_pooled = (
        (scale * (z - 3) > 0).astype(int).reshape(-1) for z in (sums, pooled)
    )
    print(
        f"sums {sums.reshape(-1)}, threshold 3, scale {scale:+.0f}: bits {of_each}, their {name} "
        f"is {int(of_each.any() if scale > 0 else of_each.all())}, bit of the largest "
        f"{of_pooled[0]}"
    )

# %% 5. The networks
#
# LeNet-5 (after LeCun et al., 1998, with the sizes that papers on compression use): two
# convolutions of 5 x 5, 20 and 50 filters, each with pooling, then 500 neurons, then 10. All its
# weights are bits, in the 0/1 and +-1 versions, and its inputs are the pixels as they are.
#
# For CIFAR-10 convolutions of 3 x 3, padded by a pixel so that the image keeps its size, pooling
# after the first, third and fifth, and a dense layer before the classes. As in most work on binary
# networks the first convolution keeps float weights: it has 27 inputs a filter, and everything
# after it sees its bits alone. Its weights are less than a hundredth of all, but floats: beside
# bits that compress well their bytes count, and are counted.
#
# The budget is even: each layer of bits has its own, such that neurons have equally many ones
# everywhere, on average, but half of their inputs at the most. So the 5% of the whole net are
# 20% of a small filter and 3% of the large dense layer, which needs no more.
#
# Rates (of Adam) and schedules are what did best on validation images in the sweep
# (walkthrough/lab/sweep_2.py). It gave every method the same grid of rates. The 0/1 methods then
# also got four density schedules. Of these a penalty may miss the density: for centred weights on
# CIFAR-10 it did best, but with 14% ones, and so was not chosen. The batch size, the places of
# pooling and the dense layer of the network for CIFAR-10 were tried on centred weights alone. The
# test set is read once a network, after its last epoch. The last network of all grows from a
# nearly-empty start.

chosen = recipes.chapter_2(args.seed, quick=args.quick, full=args.full)
# long runs that are finished and committed are shown as they are
folders = [args.out / "runs"] + args.full * [experiment.FIGURES / "runs"]
results = []
try:
    for name, recipe in chosen:
        dataset = digits if name == "digits" else pictures
        what = f"{recipe.method}, {recipe.schedule}" if recipe.schedule else recipe.method
        heading(f"{dataset.name}: {what}, {recipe.architecture}, seed {recipe.seed}")
        results.append(experiment.run_once(
            recipe, dataset, folders, log=log,
            again=not (args.full or args.resume), resume=args.resume,
        ))
except checkpoint.CheckpointError as error:
    options.stop(f"{error}\nDelete that file, or run without --resume.")
except KeyboardInterrupt:
    print("\nStopped. What is finished is kept, and the last whole epoch of this training, too:")
    print("the same command with --resume goes on from there.", flush=True)
    sys.exit(130)
rows = [result["row"] for result in results]

# %% The tables
#
# The columns are those of chapter 1. New are "float", the bytes of a first layer that keeps its
# float weights, and what convolution does to the additions: a filter's are counted once for
# each place of its window. "smaller (entropy)" is all weights as float32 over entropy + float.

for name in dict.fromkeys(row["data"] for row in rows):
    heading(f"{name}, in the order of training")
    print(report.table([row for row in rows if row["data"] == name]))
print(
    "\nThe share of ones is asked of the whole net; a budget deals it out to the layers evenly:"
)
for result in results:
    row = result["row"]
    if row["density"] is not None and row["schedule"] != "growing":
        shares = ", ".join(f"{100 * d:.1f}%" for d in row["layer_densities"])
        print(f"    {row['data']}, {row['method']:<11}  {shares}")
for result in results:
    if result["filters"]:
        ones = np.array(result["filters"]["bits"]).sum(axis=(1, 2, 3))
        print(
            f"\n{result['row']['data']}, {result['row']['method']}: {np.sum(ones == 0)} of the "
            f"{len(ones)} filters of the first layer have no ones, the others at most {ones.max()}."
        )
print("A filter without ones is the same everywhere, and could be left out of the file.")
if args.full:
    heading("Means over the seeds, and the largest distance of a seed from its mean")
    print(report.table_of_means(rows))
    heading("At equal bytes of bits")
    equal = [recipe for _, recipe in recipes.equal_bytes(args.seed)]
    print(report.table_of_bytes([
        result["row"] for result in results if experiment.recipe_of(result) in equal
    ]))

# %% What a step costs
#
# The floor is the matrix products alone: of windows that lie in cache already, a half of the
# batch on each of two threads. What a step adds to them is to write those windows, pooling,
# batch norm, thresholds, and the choice of the bits. It is measured at batch 128, as in chapter 1,
# though the networks above train with 64.

heading("What a training step costs")
_, recipe = recipes.chapter_2(args.seed)[recipes.STEP]
cost = timing.step_cost(recipe, pictures, groups=1 if args.quick else 6)
memory = timing.peak_mib()
print(
    f"one step of the centred {recipe.architecture}, batch 128: {cost['step_ms']:.0f} ms\n"
    f"its own matrix products, same shapes, same run: {cost['products_ms']:.0f} ms, "
    f"{cost['products_gflops']:.0f} GFLOP/s (one large product: {cost['sgemm_gflops']:.0f})\n"
    f"ratio {cost['ratio']:.2f}"
)
if memory:
    print(f"memory at the most, data sets and all: {memory:.0f} MiB")

# %% Results and figures

seconds = sum(row["seconds"] for row in rows)
digest = experiment.digest(*(recipe for _, recipe in chosen))
content = options.with_provenance("02_conv_cifar10", args, pictures.name, seconds, digest, {
    "seconds_in_all": round(time.perf_counter() - began, 1),
    "step_cost": cost,
    "peak_mib": memory,
    "rows": rows,
})
name = "02_conv_cifar10" + ("_full" if args.full else "")
name = options.named(name, digits.name, pictures.name)
experiment.write_json(args.out / f"{name}.json", content)
figures = plots_convolution.figures(results, digits, pictures)
for what, picture in figures.items():
    atomic.write(args.out / f"{name}_{what}.png", picture)
print(f"\nwrote {os.path.relpath(args.out / name)}.json and {len(figures)} figures beside it")
print(f"{time.perf_counter() - began:.0f} seconds in all")

# %% To think about
#
# 1. Why does fast.gather turn the filters by half a turn? Take a row of pixels and a filter
#    of three numbers, and write down what pixel 5 gets back.
# 2. Pooling after the threshold instead of before: for which scales is the result the same?
# 3. Padding puts zeros around an image of bits. Why are those honest bits for a 0/1 network, and
#    why does a +-1 network pad with -1?
#
# Answers
#
# 1. y[i] = x[i] w[0] + x[i+1] w[1] + x[i+2] w[2]; x[5] is in y[5], y[4] and y[3], with w[0], w[1]
#    and w[2]: dx[5] = dy[3] w[2] + dy[4] w[1] + dy[5] w[0], the filter turned round.
# 2. In a frozen network, for positive ones: the threshold keeps the order, so it and the maximum
#    can change places; with a negative scale pooling bits would have to be AND. In training
#    nothing is the same, since batch norm would see other sums.
# 3. A pixel outside is a bit that is 0, and is added like any other 0. In a +-1 network a 0 would
#    be a third value, which one bit cannot store.
#
# %% Three questions
#
# The answers are computed by the program that checks yours:
# python -m walkthrough.exercises 2.a NUMBER (and 2.b, 2.c). The functions to fill in are in
# walkthrough/exercises/chapter_2.py.
#
# 2.a An image has 32 x 32 pixels of 64 channels. Windows have 3 x 3 pixels, padding is 1 and
#     stride 1. How many times larger than the image is its im2col matrix?
# 2.b A plain 0/1 filter of 3 x 3 x 64 has 29 ones. It is moved over 16 x 16 places. How many
#     additions does it cost for one image?
# 2.c An image has 28 x 28 pixels, and windows have 5 x 5, without padding. In how many windows
#     is the pixel in row 2 and column 10? (Rows and columns are counted from 0.)
