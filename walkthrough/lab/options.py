"""The options of a chapter or a sweep, the data sets that they name, and what they print."""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

from lab.experiment import FIGURES, load, provenance
from sbnn_np.datasets import data
from sbnn_np.datasets.download import cache_folder
from sbnn_np.support import atomic

# names of data sets, and what `data.load` calls them
LOADED_AS = {
    "MNIST": "mnist", "CIFAR-10": "cifar10", "stroke digits": "strokes", "shapes": "shapes",
}


def command_line(description):
    """Parser with the options that every chapter has, but for --data."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data-dir", help="folder of its files (else $SBNN_DATA, cache, download)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order of images")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--out", type=Path, default=FIGURES.parent / "out", help="results folder")
    place.add_argument(
        "--renew", dest="out", action="store_const", const=FIGURES, default=argparse.SUPPRESS,
        help="write over the committed results, in figures/",
    )
    return parser


def both_data_sets(parser):
    """Give a chapter on digits and pictures its option --data; `open_both` follows it."""
    parser.add_argument(
        "--data", choices=["real", "builtin"], default="real",
        help="MNIST and CIFAR-10, or stroke digits and shapes",
    )


def add_workers(parser):
    """Give a command that does many runs its option --workers; `executor` follows it."""
    parser.add_argument("--workers", type=int, default=0, help="processes; 0 to train in this one")


def executor(args):
    """A pool of as many processes as --workers says, to be used by `with`; of none, None."""
    if not args.workers:
        return nullcontext()
    if "fork" not in get_all_start_methods():
        stop("--workers: this system cannot fork processes; run without")
    cache_folder()              # before the fork: where it is a temporary one, workers share it
    # any other way of starting a worker would begin with running the chapter again
    return ProcessPoolExecutor(args.workers, get_context("fork"))


def with_workers(parser, run):
    """Call run(args, executor) with what a sweep's command line says."""
    add_workers(parser)
    args = read(parser)
    with executor(args) as pool:
        run(args, pool)


def open_both(args):
    """The digits and the pictures that --data names; see `open_data`."""
    names = ("strokes", "shapes") if args.data == "builtin" else ("mnist", "cifar10")
    return [open_data(name, args.data_dir) for name in names]


def read(parser, in_cells=()):
    """The options of a chapter or a sweep, and the results folder ready.

    Leaves with exit code 2 if options contradict each other, or if the results folder cannot be
    written to.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    in_cells : list of str
        The options if a notebook's kernel runs the chapter cell by cell: the kernel's own command
        line holds none for it. With `%run chapter.py --quick` it does, and that counts.

    Returns
    -------
    args : argparse.Namespace
    """
    # a kernel was started by ipykernel_launcher.py, or by the __main__.py of a package
    started = Path(sys.argv[0]).name
    of_kernel = "ipykernel" in sys.modules and ("kernel" in started or started == "__main__.py")
    args = parser.parse_args(in_cells if of_kernel else None)
    if getattr(args, "quick", False):
        if getattr(args, "full", False):
            parser.error("--quick and --full exclude each other")
        if args.out == FIGURES:
            parser.error("--quick and --renew exclude each other")
        if args.out == parser.get_default("out"):
            args.out = args.out / "quick"
    prepare(args.out)
    if hasattr(sys.stdout, "reconfigure"):                    # a notebook's own has no encoding
        # a path that the terminal's encoding cannot say must not end a long training
        sys.stdout.reconfigure(errors="backslashreplace")
    return args


def prepare(out):
    """Make the results folder, and leave with exit code 2 if it cannot be written to."""
    try:
        atomic.probe(out)
    except OSError as error:
        stop(f"--out {out} cannot be written: {error}")


def open_data(name, folder):
    """Load a data set for a chapter; say loudly when another one takes its place.

    Leaves with exit code 2 if a file is missing or damaged. If nothing was named and
    nothing can be downloaded, the built-in stroke digits are taken instead of MNIST, and the
    built-in shapes instead of CIFAR-10.
    """
    instead = {"mnist": ("strokes", "STROKE DIGITS"), "cifar10": ("shapes", "SHAPES")}
    try:
        return load(name, folder)
    except data.NoDownload as error:
        print("!" * 78)
        print(f"! {error}")
        built_in, loudly = instead[name]
        print(f"! Going on with the built-in {loudly}. They are much easier: no accuracy below is")
        print(f"! one of the real data. Name a folder with the files of {name} by --data-dir.")
        print("!" * 78)
        return load(built_in, None)
    except data.DataError as error:
        stop(error)


def stop(error):
    """Leave with exit code 2 and an error for the user."""
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


def heading(text):
    """Print a title, underlined."""
    print(f"\n{text}\n{'-' * len(text)}")


def log(line):
    """Print a line at once, for those who wait for it."""
    print(line, flush=True)


def with_provenance(script, args, data_name, seconds, sources_digest, content):
    """What a chapter found, below how and where it came about; see `provenance`."""
    return {
        "command": " ".join(["python", f"walkthrough/{script}.py", *shown(args)]),
        "seed": args.seed,
        "data": data_name,
        **provenance(seconds, sources_digest),
        **content,
    }


def named(name, *data_names):
    """The name of a chapter's results, which says so if any data were the built-in ones."""
    real = all(each.removeprefix("some ") in ("MNIST", "CIFAR-10") for each in data_names)
    return name if real else f"{name}_builtin"


def shown(args):
    """The options of a command as it was typed, but for folders, which are the user's own."""
    words = []
    for name, value in vars(args).items():
        if name in ("data_dir", "out") or value in (None, False):
            continue
        flag = "--" + name.replace("_", "-")
        for each in value if isinstance(value, list) else [value]:
            words += [flag] if each is True else [flag, str(each)]
    return words
