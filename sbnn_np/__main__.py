"""Commands for model files.

    python -m sbnn_np train data.npz               learn from your own images; makes model.sbnn
    python -m sbnn_np show model.sbnn              what is in it, layer by layer, byte by byte
    python -m sbnn_np predict model.sbnn image...  what it takes images for
    python -m sbnn_np export model.sbnn --to folder    as C for a small device
    python -m sbnn_np page model.sbnn              a page for the browser, where it can be tried
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from sbnn_np.bits import bitops, freeze, storage, summary
from sbnn_np.datasets.download import DataError
from sbnn_np.engines import packed
from sbnn_np.export import exporter
from sbnn_np.own import images, train_command
from sbnn_np.page import page as pages
from sbnn_np.page import trace as traces
from sbnn_np.support import atomic


def show(args):
    """Print the summary of a model file and where its bytes go."""
    model = loaded(args.model)
    sections = storage.sections(model)
    sizes = [sum(len(c) for i, _, c in sections if i == n) for n in range(len(model.blocks))]
    takes = " x ".join(map(str, model.shape))
    if model.binarize is None:
        print(f"{args.model}: takes {takes} pixels from 0 to 255")
    else:
        print(f"{args.model}: takes {takes} pixels, each as the bit [pixel > {model.binarize}]")
    if model.ground:
        print(f"ground of the images: {model.ground}")
    print(f"classes: {', '.join(model.classes)}\n")
    summary.summary(freeze.thaw(model), sizes)
    print()
    total = sum(len(content) for _, _, content in sections)
    for i, name, content in sections:
        where = "" if i is None else f"layer {i}: "
        print(f"{where + name:<26}{len(content):>10,} bytes  {100 * len(content) / total:5.1f}%")
    floats = bitops.float32_bytes(block.w for block in model.blocks)
    print(f"{'the whole file':<26}{total:>10,} bytes")
    print(f"{'as float32':<26}{floats:>10,} bytes, {floats / total:.1f} times as many")


def predict(args):
    """Print the class of each image, and the scores; 2 if an image could not be read."""
    model = loaded(args.model)
    images.image_shape(model)
    engine, status = packed.Packed(model), 0
    for path in args.image:
        try:
            batch, done = images.read(path, model, args.first, args.invert)
        except images.ImageError as error:
            status = complain(error)
            continue
        if done:
            print(f"{path}: {'; '.join(done)}")
        shown = np.array([not images.is_blank(image, model) for image in batch])
        answers = iter(engine.forward(batch[shown])) if shown.any() else None
        for n, image in enumerate(batch):
            name = path if len(batch) == 1 else f"{path}[{n}]"
            if not shown[n]:
                print(f"{name}: blank: its pixels go from {image.min()} to {image.max()} of 255")
                continue
            scores = next(answers)
            best = np.argsort(-scores, kind="stable")
            told = "  ".join(f"{model.classes[m]} {scores[m]:.2f}" for m in best)
            print(f"{name}: {model.classes[best[0]]}   scores {told}")
    return status


def export(args):
    """Write a model file as C, and print what it takes; 2 if that cannot be done."""
    prefix = args.prefix or Path(args.model).stem
    try:
        told = exporter.export(
            loaded(args.model), args.to, prefix, Path(args.model).name, args.class_only,
            args.flash_bytes, args.ram_bytes,
        )
    except exporter.ExportError as error:
        unnamed = not args.prefix and str(error).startswith("prefix")
        return complain(f"{error}; --prefix gives another" if unnamed else error)
    except OSError as error:
        return complain(f"{error.filename}: {error.strerror}")
    print(f"{args.to}: {prefix}.h, {prefix}.c, example.c and README")
    for what, number, unit in told.lines():
        print(f"{what:<26}{number:>10,} {unit}".rstrip())
    return 0


def page(args):
    """Write the page of a model, one HTML file; the test images are those beside the model."""
    model = loaded(args.model)
    pages.check(model)
    paths = args.images
    if paths is None:
        paths = sorted(Path(args.model).parent.glob("digit_*.png"))[: pages.MOST_EXAMPLES]
    batches = [images.read(path, model, pages.MOST_EXAMPLES)[0] for path in paths]
    names = [
        Path(path).stem.removeprefix("digit_") if len(batch) == 1 else str(n)
        for path, batch in zip(paths, batches) for n in range(len(batch))
    ]
    try:
        trace = None if args.trace is None else traces.load(args.trace)
        html = pages.make(model, [image for batch in batches for image in batch], names, trace)
        atomic.write(args.out, html.encode())
    except OSError as error:
        return complain(f"{error.filename or args.trace}: {error.strerror or error}")
    size = len(html.encode())
    print(f"{args.out}: {size:,} bytes, {len(names)} test images; open it in a browser")


def train(args):
    """Train a network on somebody's own images, and save it."""
    try:
        train_command.run(args)
    except MemoryError:
        return complain("there is not enough memory for these images and layers")
    except KeyboardInterrupt:
        complain("stopped before the end; no model was saved")
        return 128 + 2                            # what a shell says of a process that Ctrl-C ends


def loaded(path):
    """The model of a file; what is wrong with it names the file."""
    try:
        return storage.load(path)
    except OSError as error:
        raise storage.ModelFileError(f"{path}: {error.strerror or error}") from None


def command_line():
    """The parser of all commands; each sets `function`, which does it."""
    parser = argparse.ArgumentParser(
        prog="python -m sbnn_np", description="Make model files, look into them, and use them.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def add(function, text):
        """A command named as its function; all but `train` begin with a model file."""
        trains = function is train
        command = commands.add_parser(
            function.__name__, help=text,
            description=train_command.HELP if trains else text.capitalize() + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter if trains
            else argparse.ArgumentDefaultsHelpFormatter,
        )
        if not trains:
            command.add_argument("model", help="a .sbnn file")
        command.set_defaults(function=function)
        return command

    add(show, "print what is in a model file, and where its bytes go")
    predict_options(add(predict, "print what a model takes images for"))
    export_options(add(export, "write a model as C for a small device"))
    page_options(add(page, "write a page for the browser"))
    train_command.add_arguments(add(train, "train a network on your own images"))
    return parser


def predict_options(command):
    """Add what `predict` takes."""
    command.add_argument("image", nargs="+", help="PNG; or idx, .npy or .npz file of images")
    command.add_argument("--first", type=positive, default=10, help="images of a file of many")
    command.add_argument(
        "--invert", choices=["auto", "yes", "no"], default="auto",
        help="make 255 - pixel of each pixel; auto: of images whose ground is not the model's",
    )


def export_options(command):
    """Add what `export` takes."""
    command.add_argument("--to", required=True, help="folder for the files; made if missing")
    command.add_argument("--prefix", help="of all names; None: the name of the model file")
    command.add_argument(
        "--class-only", action="store_true", help="no scores, and no floats: a smaller program"
    )
    command.add_argument(
        "--flash-bytes", type=positive, help="take no more flash; the layout becomes denser for it"
    )
    command.add_argument("--ram-bytes", type=positive, help="take no more memory for activations")


def page_options(command):
    """Add what `page` takes."""
    command.add_argument("--out", default="page.html", help="the page")
    command.add_argument(
        "--images", nargs="+",
        help="files of test images, 20 in all, as of predict; None: digit_*.png beside the model",
    )
    command.add_argument(
        "--trace", help="record of a training (.npz), which the page then plays. `train --trace` "
        "makes one. So does any training: let t = sbnn_np.page.trace.Trace(), hand "
        "on_step=t.on_step and on_epoch=t.on_epoch to train.fit, and call t.save(file)"
    )


def main():
    """Read the command line, and do what it says; exit code 2 if that cannot be done."""
    args = command_line().parse_args()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # names of classes and files may hold what the terminal's encoding cannot say
            stream.reconfigure(errors="backslashreplace")
    try:
        status = args.function(args)
        if sys.stdout:
            sys.stdout.flush()
    except (
        storage.ModelFileError, images.ImageError, pages.PageError, traces.TraceError, DataError
    ) as error:
        status = complain(error)
    except MemoryError:
        status = complain("there is not enough memory; --first takes fewer images of a file")
    except OSError as error:                      # of stdout: those of files have been dealt with
        status = hung_up(error)
    sys.exit(status)


def hung_up(error):
    """The exit code where stdout takes no more: as of `head`, silently, or as of a full disk."""
    discard(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return 128 + 13                           # what a shell says of a process that SIGPIPE ends
    return complain(f"standard output: {error.strerror or error}")


def positive(text):
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return int(text)


def complain(error):
    """Print an error and return the exit code 2."""
    try:
        if sys.stderr:                            # None, where it is closed
            print(f"error: {error}", file=sys.stderr)
    except OSError:
        discard(sys.stderr)
    return 2


def discard(stream):
    """Let what is still to be written go nowhere, or Python would complain of it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
