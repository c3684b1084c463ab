"""Chapter 1. A network of single bits learns to read digits.

You will build a neuron whose weights are 0 or 1, see why that should not be able to
learn, see how it learns all the same, and then train networks of one shape
(784-512-512-10) on MNIST: with ordinary float weights, with weights of -1 and +1, and
with weights of 0 and 1 (plain, and centred), of which at most one in twenty is 1.

You will learn what a latent weight is, why the gradient goes straight through a
threshold, what a nearly-empty start is, why the scales of batch norm need random signs,
and what the centred domain changes.

    python walkthrough/01_mlp_mnist.py           2 minutes on two cores
    python walkthrough/01_mlp_mnist.py --quick   a look at everything in 20 seconds
    python walkthrough/01_mlp_mnist.py --full    three seeds, longer, and a wider net
    python walkthrough/01_mlp_mnist.py --renew   write into figures/, not into out/

On MNIST the first command ends with these test accuracies (seed 0):

    full precision             99.27%
    +-1                        98.51%
    0/1             constant   98.13%
    0/1 centred     penalty    98.35%
    0/1 centred     growing    98.23%
"""

# %% Set up
import itertools
import os
import time

import numpy as np
from lab import experiment, options, plots_training, recipes, report, timing
from lab.options import heading, log

from sbnn_np.core import fast, losses, network, ops, optim, quantize, sparsity, train
from sbnn_np.datasets import data
from sbnn_np.support import atomic

parser = options.command_line(
    "Chapter 1: a 0/1 network learns MNIST, beside those it is judged against."
)
parser.add_argument("--data", choices=["mnist", "strokes"], default="mnist", help="data set")
parser.add_argument("--quick", action="store_true", help="few images, two epochs")
parser.add_argument("--full", action="store_true", help="three seeds, longer, and a wider net")
IN_CELLS = []  # options where there is no command line, as in a notebook: ["--quick"], for example
args = options.read(parser, IN_CELLS)

began = time.perf_counter()
dataset = options.open_data(args.data, args.data_dir)
if args.quick:
    dataset = data.few(dataset, 12000, 1000)
NAME = dataset.name
print(f"{NAME}: {len(dataset.train_images)} training and {len(dataset.test_images)} test images\n")


# %% 1. One weight of one bit, and its latent
#
# A 0/1 weight w cannot move a little: it can only flip. So training keeps a float beside
# it, the latent, and sets w = 1 where the latent is above 0. The gradient of the loss
# with respect to w is handed to the latent as if there were no threshold between them.
#
# Here is the whole idea on one weight. The input is 1, the answer should be 1, so w
# should be 1; the loss is (w - 1)^2 / 2 and its derivative dw = w - 1. The bit stays 0
# while the latent collects the pushes; then it flips, dw becomes 0, and it rests.

heading("1. One weight of one bit, and its latent")
latent = np.array([-0.35])
print("step  latent   w   loss    dw")
for step in range(6):
    w = quantize.zero_one(latent)
    dw = w - 1
    print(f"{step:4d}  {latent[0]:6.2f}  {w[0]:2.0f}  {(w[0] - 1) ** 2 / 2:5.2f}  {dw[0]:4.0f}")
    latent = latent - 0.1 * quantize.straight_through(dw)
print("The latent collects pushes until the bit flips. Only the bit is ever used to compute,")
print("and only the bit is kept when training is over.")

# %% 2. Why the gradient goes straight through the threshold
#
# What calculus says: w does not change when the latent changes a little, so the
# derivative of the loss with respect to the latent is 0 (and does not exist at the
# threshold). It is a true statement that teaches nothing: with it, no latent would ever
# move. The straight-through estimator replaces the slope of the step, 0, by 1. That is
# wrong in size but right in sign: a larger latent never makes a smaller w, so moving the
# latent against dw moves w, sooner or later, to where dw points. (dw is the slope at the
# w of now, and a flip is a jump of 1, so a single flip may still raise the loss. It is a
# bet, renewed at every step: a bad flip changes dw, and is pushed back.)
#
# Activations are bits too, a = 1 where the pre-activation y is above 0, and their
# estimator has slope 1 only within [-1, 1]: a y far out will not flip soon, so its
# neuron is left alone. For latents there is no such window, and they are not clipped to
# an interval either: section 3 will ask which latents are the largest, and all that were
# clipped at the upper end would tie.

heading("2. Why the gradient goes straight through the threshold")
h = 0.01
points = np.array([-1.5, -1.0, 0.5, 1.0, 1.5])
true = (quantize.zero_one(points + h) - quantize.zero_one(points - h)) / (2 * h)
clipped = quantize.straight_through_clipped(np.ones(5), points)
for name, values in (
    ("latent, or pre-activation", points),
    ("w", quantize.zero_one(points)),
    ("true slope of w", true),
    ("estimator's slope for latents", quantize.straight_through(np.ones(5))),
    ("estimator's slope for activations", clipped),
):
    print(f"{name:37s}  " + "  ".join(f"{v:5.1f}" for v in values))

# %% 3. The nearly-empty start
#
# Most ways to a sparse network fill it first and prune it later. The idea here is to
# start almost empty, and to grow only as far as the device has room: the network that is
# trained never has more ones than the one that is used. (A training step gets no cheaper
# by it here: every weight keeps its float latent, and the matrix products are full ones.
# Whether it serves accuracy, section 7 tries.)
#
# A budget says which fraction of all n weights may be 1 at time t: it grows from p0 to the
# final density, by an equal factor each step, over the first half of the training, and
# then stays. With k that fraction of n, the k largest latents of the whole network, all
# layers together, are the ones. So the threshold is no longer 0 but the k-th largest
# latent, tau, and a bit can flip without a push of its own: because others fell, or
# because the budget grew. The latents are drawn to agree with that: from a bell curve of
# width sigma (0.1; what counts is the learning rate over sigma) whose middle lies so far
# below 0 that a fraction p0 of them is above.
#
# Growing is one of four schedules of the density. A budget may also be constant, or shrink
# from half ones. And instead of a budget there is the penalty rule: the threshold stays
# at 0, and a term in the loss pushes all latents down while there are more ones than asked.

heading("3. The nearly-empty start")
P0, DENSITY = recipes.START, recipes.DENSITY
rng = np.random.default_rng(args.seed)
start = quantize.zero_one(quantize.nearly_empty((784, 512), P0, 0.1, rng))
K = start.sum(axis=0)
print(f"784 x 512 weights, p0 = {P0}: {int(K.sum())} ones, {K.mean():.1f} a neuron,")
print(f"from {int(K.min())} to {int(K.max())}. (A neuron without any is legal: its sum is 0.)")
budget = sparsity.Schedule(DENSITY, start=P0, over=0.5)
for t in (0, 0.125, 0.25, 0.375, 0.5, 1):
    print(f"{100 * t:5.1f}% of the training done: {100 * budget(t):.2f}% ones")

# %% 4. Why scales need signs
#
# A sum z of inputs under weights 0 and 1 can only grow when an input turns on; nothing
# ever counts *against* anything. Behind the sum stands batch norm, y = scale (z - mean)
# / std + shift, and its scale may be negative: then the neuron fires when the sum is
# *small*. If all scales start at +1, every neuron says "yes, there is ink", and only few
# scales find their way through 0. So they start at +1 or -1 at random. The networks below
# are trained with and without, and differ in nothing else; their density is constant, to
# keep the matter apart from growing. (The centred ones are explained in section 5. There a
# weight that is 0 does count against, but only a little; see whether that is enough.)

heading("4. Why scales need signs")
pixels = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1]], dtype=float)
z, _ = ops.dense_forward(pixels, np.ones((3, 1)))
print("images with 0, 1, 2, 3 pixels of ink; all weights 1, so the sum z is", z[:, 0])
for scale in (1.0, -1.0):
    y = ops.batchnorm_forward(z, np.array([scale]), np.zeros(1))[0]
    print(f"scale {scale:+.0f}: the bit is", ops.bit_forward(y)[0][:, 0])
training, validation = data.split(dataset.train_images, dataset.train_labels)
short = tuple(part[:12800] for part in training)
for method, signs in itertools.product(("0/1", "0/1 centred"), ("all +1", "random")):
    rng = np.random.default_rng(args.seed)
    net = network.mlp([784, 512, 512, 10], method, rng, p0=DENSITY)
    scales = [layer.params["scale"] for layer in net.layers if "scale" in layer.params]
    if signs == "all +1":
        for scale in scales:
            scale[...] = 1
    rule = sparsity.NetBudget(sparsity.Schedule(DENSITY))
    optimizer = fast.NormalizedSGD(net.params())
    epochs = 1 if args.quick else 4
    rows, _ = train.fit(net, short, validation, rule, optimizer, 1e-2, epochs, rng, every=8)
    negative = np.mean(np.concatenate(scales) < 0)
    print(
        f"{method:<11}  signs {signs:<6}: {100 * rows[-1]['validation_accuracy']:.1f}% after a "
        f"short training, {100 * negative:.0f}% of the scales negative at its end"
    )

# %% 5. The centred domain
#
# Another thing that plain 0/1 weights do: a neuron's sum follows the total ink, because
# no weight is negative. An image with a thick pen raises *all* sums. Batch norm does not
# mend that: it takes one number from a neuron, the same for all images. What is wanted is
# one number from an image: its total, times the fraction of it that a neuron would see by
# chance. That fraction is the density of the layer's ones, and is called the centre. To
# take it off is the same as to use weights of -centre and 1 - centre, with b the bits:
#
#     sum_d x[d] (b[d] - centre)  =  sum_d x[d] b[d]  -  centre sum_d x[d]
#
# Training uses the left side, one matrix product. A device uses the right side: what is
# stored stays one bit a weight, and beside it one centre a layer; the total is computed
# once for all neurons, and then costs each of them one subtraction. The centre is rounded
# to a multiple of 1/64, so that with integer inputs both sides are exact in float32 (as
# long as sums stay below 2^24 / 64), and it is read anew at the start of each epoch, since
# the density moves.

heading("5. The centred domain")
x = training[0][:1000].reshape(1000, -1).astype(np.float32)
bits = quantize.zero_one(
    quantize.nearly_empty((784, 512), DENSITY, 0.1, np.random.default_rng(args.seed + 1))
)
for name, centre in (("plain", 0.0), ("centred", round(64 * DENSITY) / 64)):
    z, _ = ops.dense_forward(x, bits - np.float32(centre))
    follows = np.array([np.corrcoef(z[:, m], x.sum(axis=1))[0, 1] for m in range(512)])
    print(
        f"{name:8s} (centre {centre:.4f}): a neuron's sum and the ink correlate by "
        f"{follows.mean():+.2f} on average, from {follows.min():+.2f} to {follows.max():+.2f}"
    )

# %% 6. The training loop
#
# Quantize, forward, loss, backward, update. The bits are chosen anew at every eighth step
# only: few flip in one step, and choosing costs time. The learning rate falls along half
# a cosine. The optimizer is Adam, or the simpler NormalizedSGD:
#
#     latent = latent - rate * dlatent / rms(dlatent)
#
# with the root mean square over the whole array: all layers move equally fast. At every
# eighth step it also multiplies the latents by a little less than 1. That changes no bit,
# but makes the steps that follow count for more, so that what a nearly-empty network
# learnt does not bind the grown one (see optim.py; what runs is its faster twin in fast.py).
#
# train.fit, which sections 4 and 7 use, does the same step after step; the check below
# holds this loop and its train_step together. Around the steps, fit moves the training
# images by up to a pixel if it is asked to, reads the centres anew at each epoch (this
# short loop keeps those of the start), and writes a row an epoch.

heading("6. The training loop")


def loop(net, rule, optimizer, rate, steps, rng):
    images, labels = training
    for step, (x, answers) in zip(range(steps), data.batches(images, labels, 128, rng)):
        progress = step / steps
        if step % 8 == 0:
            # which weights are 1? the k largest latents, k from the schedule
            train.requantize(net, rule, progress)
        # scores from bits alone
        scores = net.forward(x, train=True)
        loss, dscores = losses.softmax_cross_entropy(scores, answers)
        # every threshold on the way back is passed by its straight-through estimator
        net.backward(dscores)
        # the latents move; the bits follow at the next choice
        optimizer.step(net.grads(), optim.cosine(rate, progress))
        if step % 10 == 0:
            print(f"step {step:3d}  loss {loss:.3f}  ones {100 * net.density():.2f}%")


def fresh():
    rng = np.random.default_rng(args.seed)
    net = network.mlp([784, 512, 512, 10], "0/1 centred", rng, p0=P0)
    return net, sparsity.NetBudget(budget), fast.NormalizedSGD(net.params()), rng


by_hand, rule, optimizer, rng = fresh()
loop(by_hand, rule, optimizer, 1e-2, 40, rng)

by_fit, rule, optimizer, rng = fresh()
for step, (x, answers) in zip(range(40), data.batches(*training, 128, rng)):
    train.train_step(by_fit, x, answers, rule, optimizer, 1e-2, step, 40, every=8)
same = all(np.array_equal(a, b) for a, b in zip(by_hand.params(), by_fit.params()))
if not same:
    raise AssertionError("the loop of this chapter and the one of train.py differ")
print("train.train_step does the same, bit for bit.")

# %% 7. Four networks of one shape
#
#     full precision   float weights, ReLU
#     +-1              weights and activations -1 or +1; the threshold stays at 0, and as
#                      no weight is 0 there is no budget
#     0/1              weights and activations 0 or 1, at most 5% of the weights 1
#     0/1 centred      the same, with the weights of section 5
#
# Optimizers, learning rates and density schedules are those that did best on the
# validation images in the sweep (walkthrough/lab/sweep_1.py, figures/01_sweep.json). It gave
# every method the same grid of optimizers and rates. The 0/1 methods then also got four density
# schedules. Training images are moved by up to a pixel, for every method. The test set is read
# once, after the last epoch. Since another schedule than growing did best, a fifth network shows
# what growing from the nearly-empty start gives.

chosen = recipes.chapter_1(args.seed, quick=args.quick, full=args.full)
folders = [args.out / "runs", experiment.FIGURES / "runs"]
results = []
for recipe in chosen:
    what = f"{recipe.method}, {recipe.schedule}" if recipe.schedule else recipe.method
    made = f"seed {recipe.seed}: {recipe.optimizer}, rate {recipe.rate}"
    heading(f"{what}, {recipe.architecture}, {made}")
    if args.full:
        results.append(experiment.run_once(recipe, dataset, folders, log=log))
    else:
        results.append(experiment.run(recipe, dataset, log=log)[0])
rows = [result["row"] for result in results]

# %% The table
#
#     target, ones %   the fraction of ones that was asked for, and that there is
#     valid, test      accuracy in percent
#     ones             weights that are 1
#     mask             bytes at one bit a weight, of +-1 weights too
#     entropy          bytes that an ideal code needs if it knows, of each layer, only the
#                      fraction p of ones: (-p log2 p - (1-p) log2 (1-p)) / 8 a weight
#     smaller          bytes of the weights as float32, over entropy; chapter 4 compares
#     (entropy)        whole files, "smaller (file)"
#     adds             additions for one image. A neuron with K ones takes max(K - 1, 0),
#                      whether its inputs happen to be 0 or not; a centred layer also sums
#                      all D inputs once and subtracts from each neuron. A +-1 or float
#                      neuron of D inputs takes D - 1, and D sign changes (XNORs) or
#                      multiplications besides, which are left out, as is batch norm.
#     of +-1           adds, over the adds of the +-1 network of this shape
#     s                seconds of training
#
# "-" is what a method has not.

heading(f"{NAME}, in the order of training")
print(report.table(rows))
for row in rows:
    if row["schedule"] == "growing":
        other = next(r for r in rows if r["method"] == row["method"])
        print(
            f"\nGrown from {100 * P0:.0f}% ones: {100 * row['test_accuracy']:.2f}%; by the "
            f"schedule that did best on validation images in the sweep ({other['schedule']}): "
            f"{100 * other['test_accuracy']:.2f}%."
        )
if args.full:
    heading("Means over the seeds, and the largest distance of a seed from its mean")
    print(report.table_of_means(rows))

# %% What a step costs
#
# The matrix products alone are the floor: three a layer (forward, and two backward; the
# first layer needs no gradient of its input). Everything else a step does is overhead.

heading("What a training step costs")
recipe = recipes.recipe_for("0/1 centred", args.seed, epochs=20)
cost = timing.step_cost(recipe, dataset, groups=5 if args.quick else 50)
print(
    f"one step of the centred 0/1 network, batch 128: {cost['step_ms']:.2f} ms\n"
    f"its own matrix products, same shapes, same run: {cost['products_ms']:.2f} ms\n"
    f"ratio {cost['ratio']:.2f}"
)

# %% Results and figures

# runs that were there already took their time, too
seconds = sum(row["seconds"] for row in rows) if args.full else time.perf_counter() - began
content = options.with_provenance("01_mlp_mnist", args, NAME, seconds, experiment.digest(*chosen), {
    "step_cost": cost,
    "rows": rows,
    "runs": [] if args.full else results,
})
name = options.named("01_mlp_mnist" + ("_full" if args.full else ""), NAME)
experiment.write_json(args.out / f"{name}.json", content)
pictures = plots_training.figures(results)
for what, picture in pictures.items():
    atomic.write(args.out / f"{name}_{what}.png", picture)
print(f"\nwrote {os.path.relpath(args.out / name)}.json and {len(pictures)} figure(s) beside it")
print(f"{time.perf_counter() - began:.0f} seconds in all")

# %% Exercises
#
# 1. What is the smallest change of a 0/1 weight, and what is the smallest change of its
#    latent? Which of the two does the optimizer see?
# 2. A plain neuron of the first layer has no ones. What does it compute, what is the
#    variance of its sum over a batch, and why does batch norm not divide by zero?
# 3. All scales are +1 and all weights 0 or 1. Show that turning a pixel on can only turn
#    hidden bits on, and that no class score can fall by it.
# 4. Under a budget, add 7 to every latent. Which weights change? What then does the
#    middle of the bell curve in section 3 decide?
# 5. The centred weights are -centre and 1 - centre, not 0 and 1. Why does the file that
#    stores them still need one bit a weight, and why are the sums still exact?
#
# Answers
#
# 1. The weight flips, 0 to 1 or back; the latent moves by any float. The optimizer moves
#    the latent alone; the forward and backward passes see the bit alone.
# 2. z = 0 for every image, so its variance is 0; batch norm divides by
#    sqrt(variance + eps), and returns shift for every image.
# 3. A sum over ones cannot fall when an input rises; batch norm with a positive scale
#    keeps the order; the threshold keeps it; so by induction up to the scores.
# 4. None: the k largest stay the k largest, only the order of the latents matters. So the
#    middle decides nothing under a budget (but the first epoch's centre, which is read
#    before the first choice); it decides for the penalty rule, whose threshold stays 0.
# 5. The centre is one number a layer, c/64. Times 64, a centred sum is 64 z - c S, with z
#    the sum over the ones and S the sum of all inputs: an integer, and for 784 pixels of
#    8 bits one below 2^24, so that float32 holds it exactly.
