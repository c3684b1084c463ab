"""The command `train`: somebody's own images go in, and a model file comes out."""

import argparse
import shlex
from pathlib import Path

import numpy as np

from sbnn_np.bits import storage, summary
from sbnn_np.datasets.download import DataError
from sbnn_np.engines import packed
from sbnn_np.own import own_data, own_training
from sbnn_np.page.trace import Trace
from sbnn_np.support import atomic

WIDEST = 12             # classes whose confusion is shown as a table; of more, the commonest pairs
HELP = """\
Train a network of 0/1 weights on your own images, and save it as a model file.

The images come in one of two ways. A file of NumPy arrays:

    images   (N, H, W), or (N, H, W, C) of 1 or 3 channels: pixels, which are whole
             numbers from 0 to 255, or bits, which are 0 and 1
    labels   (N,) whole numbers, one for each image
    classes  (M,) names of the labels 0 to M - 1; may be left out

    np.savez("data.npz", images=images, labels=labels, classes=["cat", "dog"])

Or a folder with a folder for each class, such as data/cat/1.png and data/dog/7.png.
All images must have one size. A class needs 5 images; some hundreds are better. Things
should lie at about the same place and be of about the same size: each weight belongs to
one pixel.

A fifth of the images (of more than 2,000 images a tenth) is not trained on. It tells
how good the network is: see `valid` in the table, and what is taken for what at the end.
Where `train` is far above `valid`, the network knows its images by heart: more images
help, or --shift 2. Where both are low, more neurons, a higher density or more epochs
may help."""


def run(args):
    """Train a network on somebody's own images, save it, and say how good it is.

    Parameters
    ----------
    args : argparse.Namespace
        `data`, a path; `out`, the path of the model file; `density`; `layers`, hidden neurons;
        `epochs` and `shift`, or None; `seed`; `trace`, the path of a trace for the page, or None.

    Raises
    ------
    DataError, images.ImageError
        If the data cannot be read or learned from, or the model file not be written.
    """
    check_out(args.out, args.data)
    if args.trace:
        check_out(args.trace, args.data, "--trace")
    own = own_data.load(args.data)
    if args.trace:
        check_traced(own.images.shape[1:])
    training, validation = own.split(args.seed)
    how = own_training.plan(
        own.images.shape[1:], len(training), [*args.layers, len(own.classes)], args.density,
        own.bits, args.epochs, args.shift,
    )
    describe(args.data, own, len(training), len(validation), how)
    trace = Trace() if args.trace else None
    model, net = own_training.trained(own, training, validation, how, args.seed, trace)
    print()
    summary.summary(net)
    try:
        size = storage.save(model, args.out)
        if trace:
            trace.save(args.trace)
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror or error}") from None
    print(f"\n{args.out}: {size:,} bytes")
    # the answers of the file, and not of the network that trained
    scores = packed.Packed(storage.load(args.out)).forward(own.images[validation])
    print("\n".join(confusion(own.labels[validation], scores.argmax(axis=1), own.classes)))
    sample = own.files[validation[0] if len(own.files) > 1 else 0]
    left = [] if own.ground or own.images.shape[3] == 3 else ["--invert", "no"]
    print("\nNext:")
    commands = [["show", args.out], ["predict", args.out, sample, *left]]
    if trace:
        commands.append(["page", args.out, "--images", sample, "--trace", args.trace])
    for words in commands:
        print(f"    python -m sbnn_np {shlex.join(words)}")


def add_arguments(parser):
    """Add what `run` takes to a parser of the command line."""
    parser.add_argument("data", help="a .npz file, or a folder with a folder of PNGs a class")
    parser.add_argument(
        "--out", default="model.sbnn", help="the model file (default: model.sbnn)"
    )
    parser.add_argument(
        "--density", type=density, default=0.05, metavar="PART",
        help="part of the weights that are 1 (default: 0.05); fewer make a smaller file",
    )
    parser.add_argument(
        "--layers", type=layers, default=[256, 128], metavar="M,M,...",
        help="neurons of the hidden layers (default: 256,128)",
    )
    parser.add_argument(
        "--epochs", type=whole(1), metavar="E",
        help="times through the images (default: so many that they take "
        f"{own_training.STEPS:,} steps, but {own_training.FEWEST_EPOCHS} to "
        f"{own_training.MOST_EPOCHS})",
    )
    parser.add_argument(
        "--shift", type=whole(0), metavar="PIXELS",
        help="move training images at random by up to so many pixels (default: 1, or 0 for images "
        "of fewer than 12 pixels a side); 0 where the place of things tells their class",
    )
    parser.add_argument(
        "--trace", metavar="FILE",
        help="keep, epoch by epoch, which weights of sixteen neurons are 1; `page --trace FILE` "
        "plays it. For square grey images",
    )
    parser.add_argument(
        "--seed", type=whole(0), default=0, help="of all that is random (default: 0)"
    )


def whole(low):
    """A function that reads a whole number from `low` on."""
    def read(text):
        if not text.isdecimal() or int(text) < low:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {low} on")
        return int(text)

    return read


def density(text):
    """A number above 0 and at most 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no number above 0 and at most 1, as 0.05 is")
    return value


def layers(text):
    """Whole numbers from 1 on, with commas between them: a list of int."""
    return [whole(1)(word) for word in text.split(",")]


def check_out(out, source, option="--out"):
    """Refuse a place for a file that cannot be written to, before hours are spent.

    Parameters
    ----------
    out, source : str
        Paths of the file and of the images.
    option : str
        That names the file.
    """
    path = Path(out)
    if path.is_dir():
        raise DataError(
            f"{option} {out}: it is a folder; it must be a file, as {path / 'model.sbnn'}"
        )
    if path.exists() and path.resolve() == Path(source).resolve():
        raise DataError(f"{option} {out}: the images are in this file")
    try:
        atomic.probe(path.parent)
    except OSError as error:
        raise DataError(f"{option} {out}: cannot be written: {error.strerror or error}") from None


def check_traced(shape):
    """Refuse to trace a training on images, (H, W, C), that the page cannot show."""
    H, W, C = shape
    if H != W or C != 1:
        raise DataError(
            f"--trace: the images are {H} x {W} x {C}; the page shows square ones of one channel"
        )


def describe(path, own, training, validation, how):
    """Print what the images are, and how the network is trained.

    Parameters
    ----------
    path : str
    own : own_data.OwnData
    training, validation : int
        Number of images.
    how : own_training.Plan
    """
    kind = "bits" if own.bits else "pixels from 0 to 255"
    counts = np.bincount(own.labels)
    classes = ", ".join(f"{name} ({n})" for name, n in zip(own.classes, counts))
    if len(own.classes) > WIDEST:
        classes = f"{counts.min()} to {counts.max()} each"
    size = " x ".join(map(str, own.images.shape[1:]))
    ground = f"on {own.ground} ground" if own.ground else "on light and on dark ground"
    print(f"{path}: {len(own.images):,} images of {size}, {kind}, {ground}")
    notes = [*own.notes]
    if not own.ground and own.images.shape[3] == 1:
        notes.append("`predict` would make all grounds alike; --invert no keeps it from doing so")
    for note in notes:
        print(f"note: {note}")
    print(f"{len(own.classes)} classes and their images: {classes}")
    print(f"{training:,} images to train on, {validation:,} of all classes for validation")
    hidden = " and ".join(f"{M:,}" for M in how.sizes[1:-1])
    print(
        f"network: {how.sizes[0]:,} inputs, {hidden} neurons, {how.sizes[-1]} scores; "
        f"{how.weights:,} weights, {100 * how.density:g}% of them 1 ({how.method})"
    )
    steps = training // how.batch
    moved = f"each moved by up to {how.shift} pixel{'s' * (how.shift > 1)}" if how.shift else ""
    print(
        f"training: {how.epochs} epochs of {steps} step{'s' * (steps > 1)}, batches of {how.batch} "
        f"images{', ' * bool(moved)}{moved}; Adam with rate {how.rate:g}; the ones are chosen anew "
        f"at every {'' if how.every == 1 else '8th '}step\n", flush=True,
    )


def confusion(labels, answers, classes):
    """Lines of text that say which classes are taken for which.

    Parameters
    ----------
    labels, answers : (N,) int
    classes : list of str

    Returns
    -------
    lines : list of str

    Examples
    --------
    >>> for line in confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), ["cat", "dog"]): print(line)
    2 of 3 validation images are right, 66.7% (with one answer for all it would be 2)
    <BLANKLINE>
    is    taken for
          cat  dog
    cat     1    1
    dog     0    1
    """
    M = len(classes)
    table = np.bincount(labels * M + answers, minlength=M * M).reshape(M, M)
    right, N, most = int(np.trace(table)), len(labels), int(table.sum(axis=1).max())
    lines = [
        f"{right:,} of {N:,} validation images are right, {100 * right / N:.1f}% "
        f"(with one answer for all it would be {most:,})", "",
    ]
    if M > WIDEST:
        wrong = table * ~np.eye(M, dtype=bool)
        commonest = np.argsort(-wrong, axis=None, kind="stable")[:WIDEST]
        pairs = [divmod(int(place), M) for place in commonest if wrong.flat[place]]
        return lines + [
            f"{wrong[i, j]:>5} of {table[i].sum()} images of {classes[i]} are taken for "
            f"{classes[j]}" for i, j in pairs
        ]
    first = max(len("is"), *map(len, classes))
    widths = [max(len(name), len(str(table[:, m].max()))) for m, name in enumerate(classes)]
    lines += [f"{'is':<{first}}  taken for", " " * first]
    lines[-1] += "".join(f"  {name:>{width}}" for name, width in zip(classes, widths))
    for name, counts in zip(classes, table):
        cells = (f"  {count:>{width}}" for count, width in zip(counts, widths))
        lines.append(f"{name:<{first}}{''.join(cells)}")
    return lines
