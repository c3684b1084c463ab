"""Chapter 1. A network of single bits learns to read digits.

At its end you will know

    - what a latent is, why a gradient may go straight through a threshold, and what a flip is,
    - what batch norm and cross-entropy compute, and how a gradient comes back through all of it:
      you will have done it by hand, and compared it with the package,
    - two ways to keep a network sparse, a budget and a penalty, and two ways to grow one,
    - why growing from a nearly-empty start fails with the usual settings, and what mends it,
    - why scales of batch norm need random signs, and what centred weights change,
    - how close networks of 0/1 weights come to ordinary ones, in how many bytes.

Chapter 0 has the whole idea on four neurons. Here the same four steps train networks of 668,672
weights (784-512-512-10) on MNIST: with ordinary float weights, with weights of -1 and +1, and with
weights of 0 and 1 (plain, and centred), of which at most one in twenty is 1.

    python walkthrough/01_mlp_mnist.py           7 minutes on two cores
    python walkthrough/01_mlp_mnist.py --quick   a look at everything in 20 seconds
    python walkthrough/01_mlp_mnist.py --full    three seeds, longer, and a wider net
    python walkthrough/01_mlp_mnist.py --renew   write into figures/, not into out/

On MNIST the first command ends with these test accuracies (seed 0). The word in the middle says how
the density came about: it was constant, or grew, or a penalty kept it down.

    full precision             99.30%
    +-1                        98.25%
    0/1             constant   98.00%
    0/1 centred     penalty    98.47%
    0/1 centred     growing    98.08%
"""

# %% Set up
import itertools
import json
import os
import time

import numpy as np
from lab import (
    experiment,
    growing,
    options,
    plots_mends,
    plots_training,
    recipes,
    report,
    teaching,
    timing,
)
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
print(f"{NAME}: {len(dataset.train_images)} training and {len(dataset.test_images)} test images")
RESULT = "01_mlp_mnist" + ("_full" if args.full else "")
if args.quick:
    print("Training starts in section 8. All of it takes about 20 seconds.")
else:
    known = json.loads((experiment.FIGURES / f"{RESULT}.json").read_text(encoding="utf-8"))
    print(f"All of it takes about {report.minutes(known)} on two cores.")


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
print("One bit should become 1. Its latent takes a push at every step, until it crosses 0.")
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
# move. The straight-through estimator replaces the slope of the step, 0, by 1. The size is
# made up, but the direction is right: a larger latent never makes a smaller w, so moving the
# latent against dw moves w, sooner or later, to where it makes the loss smaller. (dw is the
# slope at the bit of now, and a flip is a jump of 1. So a single flip may make the loss larger.
# Then dw changes its sign, and pushes the latent back. Chapter 0 shows such a flip.)
#
# Activations are bits too, a = 1 where the pre-activation y is above 0, and their
# estimator has slope 1 only within [-1, 1]: a y far out will not flip soon, so its
# neuron is left alone. For latents there is no such window, and they are not clipped to
# an interval either: section 6 will ask which latents are the largest, and all that were
# clipped at the upper end would tie.

heading("2. Why the gradient goes straight through the threshold")
print("The bit's true slope is 0 nearly everywhere. The estimators take 1 in its place: for")
print("latents everywhere, for activations from -1 to 1.")
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

# %% 3. From sums to bits: batch norm
#
# A neuron adds the inputs whose weight is 1. Its sum z can lie anywhere: a neuron with 40 ones
# has larger sums than one with 4. So no single threshold fits all neurons. Batch norm gives each
# neuron its own. It looks at the neuron's sums for all images of the batch, takes off their
# mean, and divides by their standard deviation:
#
#     y = scale (z - mean) / sqrt(variance + eps) + shift
#
# The result y is called the pre-activation, because the activation, the bit that goes on to the
# next layer, is made of it: 1 where y is above 0. With scale 1 and shift 0 the bit says whether
# the sum is above the neuron's mean. The scale and the shift are learnt, as the latents are.
# eps (0.00001) keeps the division from failing where all sums are equal. In evaluation there is
# no batch to measure; then running means of what training measured are used.
#
# figures/teaching_way.png shows the whole way of one neuron, from latents to bits, and the way
# of the gradient back.

heading("3. From sums to bits: batch norm")
print("Batch norm moves a neuron's sums so that their mean is 0 and their spread 1. A bit says")
print("whether a sum is above the neuron's mean.")
z = np.array([[3.0], [1.0], [2.0], [0.0]])                    # one neuron's sums, four images
scale, shift, eps = np.array([1.0]), np.array([0.0]), 1e-5
mean = z.mean(axis=0)
std = np.sqrt(((z - mean) ** 2).mean(axis=0) + eps)
y = scale * (z - mean) / std + shift
print(f"mean {mean[0]}, standard deviation {std[0]:.3f}")
print("sum z                  " + "  ".join(f"{v:6.2f}" for v in z[:, 0]))
print("pre-activation y       " + "  ".join(f"{v:6.2f}" for v in y[:, 0]))
print("bit [y > 0]            " + "  ".join(f"{v:6.0f}" for v in ops.bit_forward(y)[0][:, 0]))
if not np.allclose(y, ops.batchnorm_forward(z, scale, shift, eps)[0], rtol=0, atol=1e-12):
    raise AssertionError("ops.batchnorm_forward gives something else")

# %% 4. Cross-entropy
#
# The last layer ends in batch norm, without a threshold: ten numbers an image, the scores, one
# for each class. Training needs one number that says how wrong they are, and its slope.
#
# Softmax makes probabilities of scores: p[m] = exp(s[m]) / sum of exp(s[j]) over all classes j.
# They are above 0 and add up to 1, and the largest score gets the most. The loss of an image
# is -log of the probability that the right class got: 0 if that is 1, 0.7 if it is a half, and
# more the less it is. Of a batch the mean is taken. This is the cross-entropy.
#
# Its derivative is simple: p[m] for every class, less 1 for the right one (and over the number of
# images, because of the mean). So scores of wrong classes are pushed down by what they got, and
# the score of the right class is pushed up by what it lacks. Nothing is pushed any more when the
# right class gets 1.

heading("4. Cross-entropy")
print("Scores become probabilities. The loss is small where the right class got a large one;")
print("its gradient is the probability, less 1 at the right class, over the number of images.")
scores = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 3.0]])         # two images, three classes
labels = np.array([0, 1])                                     # the right class of each
p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
right = p[np.arange(2), labels]                               # what the right class got
loss = -np.log(right).mean()
dscores = (p - np.eye(3)[labels]) / 2
for n in range(2):
    print(
        f"image {n + 1}, class {labels[n]}:  scores {scores[n]}  probabilities {p[n].round(3)}  "
        f"loss {-np.log(right[n]):.3f}  gradient {dscores[n].round(3)}"
    )
of_package, by_package = losses.softmax_cross_entropy(scores, labels)
if not (np.isclose(loss, of_package) and np.allclose(dscores, by_package)):
    raise AssertionError("losses.softmax_cross_entropy gives something else")

# %% 5. The way back, by hand
#
# Here is a whole network with one hidden layer, 784-32-10, and 64 images. Forward, every line
# makes a new array of the one before, up to the loss. Backward, the same lines come in reverse.
# Each takes the derivative of the loss with respect to its result, and gives that with respect to
# its arguments. A d before a name is such a derivative.
#
# Dense, z = x w: each sum z[n, m] holds x[n, d] w[d, m], so dw[d, m] adds up x[n, d] dz[n, m]
# over the images, which is x.T @ dz; and dx is dz @ w.T.
#
# Batch norm, y = scale xhat + shift with xhat = (z - mean) / std. If only z itself counted, dz
# would be scale dy / std. But z also moves the mean and the std of its neuron, and with them xhat
# of every other image. The mean takes off the mean of the gradient: adding 1 to all z changes
# nothing. The std takes off the part along xhat: making all z wider changes nothing, either.
# Both are one line below.
#
# Two lines are made up, as section 2 said, and not derivatives: that of the hidden bits, which
# hands their gradient on where |y| <= 1, and straight_through, from a weight's bit to its latent.
# All others are the chain rule, and exact.
#
# net.backward, which the chapters use, does the same for any list of layers; its functions are
# in ops.py, each f_backward right below its f_forward. The table compares the two, array by
# array. (The network here computes in float64.)

heading("5. The way back, by hand")
print("The gradient of every array, computed by hand and by net.backward. Differences are of")
print("rounding: float64 has 16 digits.")
training, validation = data.split(dataset.train_images, dataset.train_labels)
rng = np.random.default_rng(args.seed)
net = network.mlp([784, 32, 10], "0/1", rng, p0=0.2, dtype=np.float64)
dense1, norm1, _, dense2, norm2 = net.layers
x, answers = training[0][:64].reshape(64, -1).astype(float), training[1][:64]


def normalize(z, norm):
    std = np.sqrt(z.var(axis=0) + norm.eps)
    xhat = (z - z.mean(axis=0)) / std
    return norm.params["scale"] * xhat + norm.params["shift"], xhat, std


def normalize_back(dy, xhat, std, norm):
    dxhat = dy * norm.params["scale"]
    dz = (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) / std
    return dz, (dy * xhat).sum(axis=0), dy.sum(axis=0)


# forward
z1 = x @ dense1.w
y1, xhat1, std1 = normalize(z1, norm1)
a1 = (y1 > 0).astype(float)
z2 = a1 @ dense2.w
scores, xhat2, std2 = normalize(z2, norm2)
loss, dscores = losses.softmax_cross_entropy(scores, answers)
# backward: the same lines from the last to the first
dz2, dscale2, dshift2 = normalize_back(dscores, xhat2, std2, norm2)
da1, dw2 = dz2 @ dense2.w.T, a1.T @ dz2
dy1 = da1 * (np.abs(y1) <= 1)                                 # the hidden bits: made up
dz1, dscale1, dshift1 = normalize_back(dy1, xhat1, std1, norm1)
dw1 = x.T @ dz1
dlatent1, dlatent2 = map(quantize.straight_through, (dw1, dw2))
by_hand = {
    "latents of layer 1": dlatent1, "scales 1": dscale1, "shifts 1": dshift1,
    "latents of layer 2": dlatent2, "scales 2": dscale2, "shifts 2": dshift2,
}
net.backward(losses.softmax_cross_entropy(net.forward(x, train=True), answers)[1])
print(f"loss {loss:.4f}")
print(f"{'gradient of':<20}{'shape':<12}{'largest':>9}  {'largest difference':>18}")
for (name, mine), theirs in zip(by_hand.items(), net.grads(), strict=True):
    difference = np.abs(mine - theirs).max()
    print(f"{name:<20}{str(mine.shape):<12}{np.abs(mine).max():>9.1e}  {difference:>18.1e}")
    if difference > 1e-12:
        raise AssertionError(f"net.backward gives other gradients of {name}")

# %% 6. The nearly-empty start, and the budget
#
# Most ways to a sparse network fill it first and prune it later. The idea here is to start
# almost empty, and to grow only as far as the device has room: the network that is trained
# never has more ones than the one that is used. (A training step gets no cheaper by it here:
# every weight keeps its float latent, and the matrix products are full ones.)
#
# The latents are drawn from a bell curve. Its width is 0.1, and its middle lies so far below 0
# that a fraction p0 of the latents is above 0. (The width alone means nothing. What counts is
# how far a step moves a latent beside that width. A latent of -0.1 needs ten steps of 0.01.)
#
# How does the network grow from there? One way is a timetable. A budget says which fraction of
# all n weights may be 1 at time t. It grows from p0 to the final density, by an equal factor
# each step, over the first half of the training, and then stays. With k that fraction of n, the
# k largest latents of the whole network, all layers together, are the ones. So the threshold
# is no longer 0 but the k-th largest latent, tau, and a bit can flip without a push of its own:
# because others fell, or because the budget grew. A budget may also be constant, or shrink from
# half ones, which is pruning.

heading("6. The nearly-empty start, and the budget")
print("A neuron of 784 inputs starts with 8 ones or so. The budget then lets the network grow.")
P0, DENSITY = recipes.START, recipes.DENSITY
rng = np.random.default_rng(args.seed)
start = quantize.zero_one(quantize.nearly_empty((784, 512), P0, 0.1, rng))
K = start.sum(axis=0)
print(f"784 x 512 weights, p0 = {P0}: {int(K.sum())} ones, {K.mean():.1f} a neuron,")
print(f"from {int(K.min())} to {int(K.max())}. (A neuron without any is legal: its sum is 0.)")
budget = sparsity.Schedule(DENSITY, start=P0, over=0.5)
for t in (0, 0.125, 0.25, 0.375, 0.5, 1):
    print(f"{100 * t:5.1f}% of the training done: {100 * budget(t):.2f}% ones")

# %% 7. The penalty, and growing by gradient
#
# The other way to grow is the paper's own, and has no timetable. The threshold stays at 0. A
# weight turns 1 when its own gradient has pushed its latent above 0, and for no other reason:
# the network is grown by gradient. So that it does not grow without end, ones cost something. Let
#
#     h        = ones / all weights - expected       (how far the ones are above what is asked)
#     penalty  = strength * h                        (0 where h is 0.0001 or less)
#     strength = share * loss / (h * (1 - share))
#
# The penalty is added to the loss. The strength is chosen such that the penalty is always the
# same share of the whole: with share 0.2, a fifth of loss + penalty. For the derivative the
# strength counts as a fixed number, found anew at each step. (Else the penalty would be a fixed
# part of the loss, whatever h is, and push nothing.) One more weight that is 1 makes h larger
# by 1 / all weights, so every weight gets the same dw, strength / all weights. The
# straight-through estimator hands it to the latents: all are pushed down by the same amount.
#
# A latent whose bit makes the loss smaller is pushed up by the loss as well, and stays above 0.
# One that nothing pushes up falls, crosses 0, and its bit flips to 0. When there are few enough
# ones, the push ends. So the penalty does not say which weights are to be 0. It asks each one
# whether it is worth its price. Since the share is kept, the push becomes stronger as h becomes
# smaller; the last steps go a little too far. Nor does it forbid anything: whoever needs at most
# 5% has to look whether it was kept.
#
# Below are a thousand latents without any task, so that nothing pushes up. Five lines are the
# rule. figures/teaching_penalty.png also shows a latent that a task pushes up.

heading("7. The penalty, and growing by gradient")
print("The penalty pushes every latent down, as long as there are too many ones. Latent 0 crosses")
print("0, and its bit flips to 0.")
rng = np.random.default_rng(args.seed)
latent = rng.normal(0, 0.1, 1000)                             # about half of them are above 0
latent[0] = 0.05
expected, share, loss, rate = 0.05, 0.2, 1.0, 1.0
print("step   latent 0  bit  penalty  push on each latent   ones")
for step in range(131):
    ones, total = np.count_nonzero(latent > 0), latent.size
    h = ones / total - expected                               # too many ones, as a fraction
    strength = share * loss / (h * (1 - share)) if h > 1e-4 else 0.0
    penalty = strength * max(h, 0)                            # what the loss grows by
    dw = strength / total                                     # of each weight
    if step % 22 == 0 or h <= 1e-4 and step % 10 == 0:
        print(
            f"{step:4d}  {latent[0]:9.4f}  {int(latent[0] > 0):3d}  {penalty:7.2f}  {dw:19.5f}  "
            f"{100 * ones / total:4.1f}%"
        )
    latent -= rate * dw

# %% 8. Why scales need signs
#
# A sum z of inputs under weights 0 and 1 can only grow when an input turns on; nothing
# ever counts *against* anything. Behind the sum stands batch norm, y = scale (z - mean)
# / std + shift, and its scale may be negative: then the neuron fires when the sum is
# *small*. If all scales start at +1, every neuron says "yes, there is ink", and only few
# scales find their way through 0. So they start at +1 or -1 at random. The networks below
# are trained with and without, and differ in nothing else; their density is constant, to
# keep the matter apart from growing. (The centred ones are explained in section 9. There a
# weight that is 0 does count against, but only a little; see whether that is enough.)

heading("8. Why scales need signs")
print("A neuron with a negative scale fires when its sum is small. Networks with random signs")
print("learn more than those whose scales all start at +1.")
pixels = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1]], dtype=float)
z, _ = ops.dense_forward(pixels, np.ones((3, 1)))
print("images with 0, 1, 2, 3 pixels of ink; all weights 1, so the sum z is", z[:, 0])
for scale in (1.0, -1.0):
    y = ops.batchnorm_forward(z, np.array([scale]), np.zeros(1))[0]
    print(f"scale {scale:+.0f}: the bit is", ops.bit_forward(y)[0][:, 0])
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

# %% 9. The centred domain
#
# No weight is negative, so a neuron's sum follows the total ink. figures/teaching_pen.png shows a
# 3 drawn with a thin pen and with a thick one, and the sums of 512 neurons with random ones. The
# thick pen has nearly twice the ink, and nearly doubles the sums: from 4.7 to 8.6 on average.
# A threshold that suits the thin 3 does not suit the thick one. Batch norm does not mend that: it
# takes the same number off all images. What has to be taken off is a number for each image.
#
# Which number? If 5% of the weights are ones, and they were placed at random, a neuron would
# see 5% of the ink of every image. So take 5% of each image's ink off all sums. What is left says
# whether the neuron sees more or less than a random one would. The part taken off, 0.05, is
# called the centre. It is the same as to use weights of -centre and 1 - centre, with b the bits:
#
#     sum_d x[d] (b[d] - centre)  =  sum_d x[d] b[d]  -  centre sum_d x[d]
#
# Training uses the left side, one matrix product. A device uses the right side: it stores one
# bit a weight and one centre a layer. It adds up the ink once for all neurons, and then takes off
# one number from each. The centre is rounded to a multiple of 1/64, so that both sides are the same
# to the last bit; chapter 3 says why. It is read anew at the start of each epoch, because the
# density changes.

heading("9. The centred domain")
print("How closely a neuron's sum follows the total ink of an image: +1 would be completely. Plain")
print("sums follow it, centred ones hardly.")
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

# %% 10. The training loop
#
# Quantize, forward, loss, backward, update. The bits are chosen anew at every eighth step
# only: few flip in one step, and choosing costs time. The learning rate falls along half
# a cosine. The optimizer is Adam, which section 11 explains, or the simpler NormalizedSGD:
#
#     latent = latent - rate * dlatent / rms(dlatent)
#
# with the root mean square over the whole array: all layers move equally fast. At every eighth
# step it also moves all latents a little towards 0: they fade. No bit changes by that: which are
# above 0, and which are the k largest, stays the same. But a step of the same size now moves a
# latent past more of the others. So what an almost empty network learnt in the beginning can
# be unlearnt later, when there is room for more ones. (optim.py has the formula. What runs is its
# faster twin in fast.py.)
#
# train.fit, which sections 8, 11 and 12 use, does the same step after step. At the end of this
# section both are run, and must give the same numbers to the last bit. Around the steps, fit
# moves the training images by up to a pixel if it is asked to, reads the centres anew at each
# epoch (this short loop keeps those of the start), and writes a row an epoch.

heading("10. The training loop")
print("Forty steps of the loop that stands in this file: the loss falls, and the ones grow.")


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

# %% 11. Why growing fails at first, and what mends it
#
# Grown by gradient with the settings that other networks are trained with, a network stays
# behind one whose density was constant. The idea is not at fault; the training cannot forget what
# the empty network taught it. There are three places where it remembers too well.
#
# eps. A neuron with one rare input has sums that are nearly always 0: their variance is almost
#     nothing. Batch norm multiplies its gradient by 1 / sqrt(variance + eps), which is 316 if eps
#     is 0.00001, and a gradient that passes three such layers is multiplied by millions. Sums of
#     bits are whole numbers, so a variance below 1 says little. An eps of that size makes a
#     small variance harmless, and changes nothing for a neuron that has many ones.
# memory. Adam divides each gradient by the root of a mean of its squares over the last
#     1 / (1 - beta2) steps, so that every latent moves by about the rate. With the usual beta2 of
#     0.999 that is a thousand steps. After one gradient that was a million times too large, a
#     latent hardly moves for a thousand steps. With 0.98 it is fifty.
# fading. Few neurons work in an empty network, and so the loss pushes some latents far above 0 and
#     others far below. What is right for few ones need not be right for many, but a latent that
#     is far away does not come back in time. Adam's latents fade as well if they are told to: at
#     each step they lose the part rate * fade.
#
# Here are five short trainings that differ in these three settings only: with all mends, with
# each switched off, with none. To switch off others, change MENDS. The size of a neuron's
# gradient is the root mean square over its latents. The first number is the largest size that any
# neuron had, over that of a usual neuron. A flip is a weight whose bit has changed in a step. The
# figure 01_mlp_mnist_mends.png shows both as the training goes on. (In trainings twenty times as
# long, an eps of 100 alone did as much as all three: walkthrough/lab/trials.py.)

heading("11. Why growing fails at first, and what mends it")
print("Five short trainings from 0.5% ones: with all mends, with each switched off, with none.")
MENDS = {
    "a larger eps": {"eps": 1.0},
    "a shorter memory": {"beta2": 0.98},
    "fading": {"fade": 0.03},
}
recipe = recipes.growing_short(args.seed, MENDS, epochs=1 if args.quick else 4)
mends = growing.compare(recipe, MENDS, dataset, log)
print(growing.told(mends))

# %% 12. Four networks of one shape
#
#     full precision   float weights, ReLU
#     +-1              weights and activations -1 or +1; the threshold stays at 0, and as
#                      no weight is 0 there is no budget
#     0/1              weights and activations 0 or 1, at most 5% of the weights 1
#     0/1 centred      the same, with the weights of section 9
#
# Optimizers, learning rates and density schedules are those that did best on the
# validation images in the sweep (walkthrough/lab/sweep_1.py, figures/01_sweep.json). It gave
# every method the same grid of optimizers and rates. The 0/1 methods then also got four density
# schedules. Training images are moved by up to a pixel, for every method. The test set is read
# once, after the last epoch. Since another schedule than growing did best, a fifth network shows
# what growing from the nearly-empty start gives.

print()
print("An epoch is one pass through the training images. The columns: the mean loss; accuracy on")
print("training images and on validation images, which are not trained on; weights that are 1;")
print("flips, the weights whose bit is not what it was at the end of the epoch before; seconds.")
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
print("""
target, ones %: the fraction of ones that was asked for, and that there is. valid, test: accuracy in
percent. ones: how many weights are 1. mask: bytes at one bit a weight. entropy: bytes that an ideal
code needs. smaller (entropy): bytes as float32 over entropy. adds: additions for one image; of +-1:
as a part of those of a +-1 network of this shape. s: seconds.""")
if args.full:
    heading("Means over the seeds, and the largest distance of a seed from its mean")
    print(report.table_of_means(rows))

# %% Why 32 times, and why more
#
# A float32 takes 32 bits. A weight of -1 or +1 takes one: 32 times less. No code does better as
# long as both are equally frequent. But if a 1 is rare, a 0 is no news, and can be told in much
# less than a bit. With a fraction p of ones the ideal code takes, on average,
#
#     H(p) = -p log2 p - (1-p) log2 (1-p)   bits a weight, the entropy.
#
# A one costs -log2 p bits, a zero -log2 (1-p), and there are p and 1-p of them. With 5% ones that
# is 0.05 * 4.32 + 0.95 * 0.074 = 0.286 bits: 32 / 0.286 = 112 times less than float32. The file of
# chapter 3 comes close to it.

heading("Why 32 times, and why more")
print("\n".join(teaching.bits_table()))

# %% What a step costs
#
# The matrix products alone are the floor: three a layer (forward, and two backward; the
# first layer needs no gradient of its input). Everything else a step does is overhead.

heading("What a training step costs")
print("A step against its own matrix products, timed in turns.")
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
    "mends": mends,
    "rows": rows,
    "runs": [] if args.full else results,
})
name = options.named(RESULT, NAME)
experiment.write_json(args.out / f"{name}.json", content)
pictures = plots_training.figures(results)
if not args.full:                                             # the same training, the same figure
    pictures["mends"] = plots_mends.mends(mends)
for what, picture in pictures.items():
    atomic.write(args.out / f"{name}_{what}.png", picture)
print(f"\nwrote {os.path.relpath(args.out / name)}.json and {len(pictures)} figure(s) beside it")
print(f"{time.perf_counter() - began:.0f} seconds in all")

# %% Three questions
#
# The answers are computed by the program that checks yours:
# python -m walkthrough.exercises 1.a NUMBER (and 1.b, 1.c). The functions to fill in are in
# walkthrough/exercises/chapter_1.py.
#
# 1.a A network of 784-512-512-10 may have 5% ones. How many ones are that? (Only whole ones
#     count.)
# 1.b A neuron has three ones, and its inputs are bits. Its scale is negative, and it fires
#     while its sum is below 2. In how many of the eight settings of these three inputs does it
#     fire?
# 1.c With 2% ones, how many times smaller than float32 can the weights be? (To the nearest whole
#     number.)

# %% To think about
#
# 1. What is the smallest change of a 0/1 weight, and what is the smallest change of its
#    latent? Which of the two does the optimizer see?
# 2. A plain neuron of the first layer has no ones. What does it compute, what is the
#    variance of its sum over a batch, and why does batch norm not divide by zero?
# 3. All scales are +1 and all weights 0 or 1. Show that after training, when mean and std are
#    fixed, turning a pixel on can only turn hidden bits on, and that no score can fall by it.
# 4. Under a budget, add 7 to every latent. Which weights change? What then does the
#    middle of the bell curve in section 6 decide?
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
# 5. The centre is one number a layer, c/64. Times 64, a centred sum is 64 z - c S, with z the sum
#    over the ones and S the sum of all inputs: a whole number, since pixels are whole numbers
#    from 0 to 255. float32 holds it exactly, as chapter 3 shows.
