"""One experiment: a recipe goes in, a row of the results table comes out.

The chapters share this file: what a run consists of, which of its numbers are kept, and
how they are written, with the command, date, versions and the digest of the sources
that decided them. The chapters themselves only choose recipes and show results.
"""

import argparse
import hashlib
import json
import platform
import re
import sys
import time
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path

import numpy as np

import sbnn_np
from lab import sources
from sbnn_np.bits import bitops
from sbnn_np.core import fast, network, sparsity, train
from sbnn_np.datasets import data
from sbnn_np.datasets.download import cache_folder
from sbnn_np.support import atomic, threads

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "figures"                # the committed results
BATCH = 128
OPTIMIZERS = {"Adam": fast.Adam, "NormalizedSGD": fast.NormalizedSGD}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, but for the data."""

    method: str
    sizes: tuple                      # neurons of the dense layers; without convs, inputs first
    optimizer: str
    rate: float
    epochs: int
    seed: int
    density: float | None = None      # of 0/1 networks: the budget over the whole net
    start: float | None = None        # density at step 0; left out, the budget is constant
    share: float | None = None        # if given, the penalty takes the place of the budget
    convs: tuple = ()                 # filters of the convolutions, and "pool"s
    kernel: int = 0
    padding: int = 0
    float_first: bool = False         # whether the first convolution keeps float weights
    over: float = 0.5                 # part of the training in which the density changes
    shift: int = 1                    # pixels that training images are moved by at the most
    images: int | None = None         # how many images to train on, if not all
    batch: int = 128
    every: int = 8                    # steps from one choice of the bits to the next
    flip: bool = False                # whether half of them are mirrored
    even: bool = False                # whether each layer has a budget: equal ones a neuron

    @property
    def schedule(self):
        if self.density is None:
            return None
        return "penalty" if self.share is not None else self.budget.name

    @property
    def budget(self):
        return sparsity.Schedule(self.density, self.start, self.over)

    @property
    def architecture(self):
        return "-".join("p" if size == "pool" else str(size) for size in self.convs + self.sizes)

    def augment(self, images, rng):
        if self.flip:
            images = data.flipped(images, rng)
        return data.shifted(images, self.shift, rng) if self.shift else images


def build(recipe, shape, rng):
    """Network, sparsity rule and optimizer of a recipe, for images of a shape (H, W, C)."""
    p0 = min(recipe.start or recipe.density or 0.5, 0.5)
    if recipe.convs:
        net = network.convnet(
            shape, recipe.convs, recipe.sizes, recipe.kernel, recipe.padding, recipe.method, rng,
            p0, float_first=recipe.float_first,
        )
    else:
        net = network.mlp(recipe.sizes, recipe.method, rng, p0)
    rule = None
    if recipe.method == "ternary":
        rule = sparsity.TernaryThreshold(recipe.density, recipe.share)
    elif recipe.share is not None:
        # the penalty only pushes, and is silent until 1e-4 above what it expects
        rule = sparsity.ConnectionsPenalty(0.99 * recipe.density, recipe.share)
    elif recipe.density is not None:
        rule = (sparsity.EvenBudget if recipe.even else sparsity.NetBudget)(recipe.budget)
    return net, rule, OPTIMIZERS[recipe.optimizer](net.params())


def run(recipe, dataset, read_test=True, log=None, save_to=None, resume=False):
    """Train one network and account for it.

    Parameters
    ----------
    recipe : Recipe
    dataset : data.Data
    read_test : bool
        Whether to read the test set, once, when everything is decided. A run that
        serves to choose something does not.
    log, save_to, resume : see `train.fit`

    Returns
    -------
    result : dict
        `row`, `epochs`, `trace` (see `train.fit`), `latents` (histograms of all latents
        before and after), `examples` (what the first 40 test images are taken for),
        `filters` (see `first_filters`), `recipe`.
    net : Network
    """
    rng = np.random.default_rng(recipe.seed)
    net, rule, optimizer = build(recipe, dataset.train_images.shape[1:], rng)
    before = latent_histogram(net)
    training, validation = data.split(dataset.train_images, dataset.train_labels)
    training = tuple(array[: recipe.images] for array in training)
    epochs, trace = train.fit(
        net, training, validation, rule, optimizer, recipe.rate, recipe.epochs, rng,
        recipe.batch, recipe.augment, recipe.every, log, save_to, resume,
        identity=f"{recipe} {dataset.name} {DIGEST}",
    )
    test_accuracy = examples = None
    if read_test:
        predicted = train.predict(net, dataset.test_images)
        test_accuracy = float(np.mean(predicted == dataset.test_labels))
        examples = predicted[:40].tolist()
    row = {
        "method": recipe.method,
        "architecture": recipe.architecture,
        "data": dataset.name,
        "target_density": recipe.density,
        "density": net.density(),
        "layer_densities": train.layer_densities(net),
        "schedule": recipe.schedule,
        "validation_accuracy": epochs[-1]["validation_accuracy"],
        "test_accuracy": test_accuracy,
        **bitops.account(net),
        "optimizer": recipe.optimizer,
        "rate": recipe.rate,
        "epochs": recipe.epochs,
        "seconds": round(sum(epoch["seconds"] for epoch in epochs), 1),
        "seed": recipe.seed,
    }
    result = {
        "row": row,
        "epochs": epochs,
        "trace": trace,
        "latents": {"before": before, "after": latent_histogram(net)},
        "examples": examples,
        "filters": first_filters(net),
        "recipe": asdict(recipe),
    }
    return result, net


def run_once(recipe, dataset, folders, read_test=True, log=None, again=False, resume=False):
    """Do `run`, or read its result if a folder holds it and its sources are unchanged.

    Parameters
    ----------
    recipe, dataset, read_test, log, resume : see `run`
    folders : list of Path
        They hold a file for each finished run; new ones are written into the first. An
        unfinished run leaves a checkpoint an epoch in the user's cache folder.
    again : bool
        Whether to train even if the result is there.

    Returns
    -------
    result : dict
    """
    name = run_name(recipe, dataset.name, read_test)
    paths = [Path(folder) / f"{name}.json" for folder in folders]
    save_to = cache_folder() / "checkpoints" / name
    for path in paths:
        if path.exists() and not again:
            result = json.loads(path.read_text(encoding="utf-8"))
            if recipe_of(result) == recipe and result["sources_digest"] == DIGEST:
                return result
    result, _ = run(recipe, dataset, read_test, log, save_to, resume)
    result |= provenance(result["row"]["seconds"])
    write_json(paths[0], result)
    save_to.unlink(missing_ok=True)
    return result


def run_name(recipe, data_name, read_test):
    """A name that tells the run from all others, fit for a file."""
    words = [data_name, recipe.method, recipe.architecture, recipe.optimizer, recipe.rate]
    words += [f"{recipe.epochs} epochs", f"seed {recipe.seed}"]
    if recipe.density is not None:
        words += [recipe.density, recipe.schedule]
    words += ["float first"] * recipe.float_first + [recipe.images] * bool(recipe.images)
    words += ["test" if read_test else "validation"]
    name = "-".join(str(word) for word in words).replace("+-", "pm")
    # and by all that it does not say; what a recipe leaves at its default is not said either
    said = {f.name: getattr(recipe, f.name) for f in fields(recipe)}
    said = [(f.name, said[f.name]) for f in fields(recipe) if said[f.name] != f.default]
    told = hashlib.sha256(repr(said).encode()).hexdigest()[:6]
    return re.sub(r"[^0-9A-Za-z.]+", "-", name).replace("-e-", "e-") + f"-{told}"


def recipe_of(result):
    """The Recipe that a result file tells of."""
    told = {k: tuple(v) if isinstance(v, list) else v for k, v in result["recipe"].items()}
    return Recipe(**told)


def first_filters(net):
    """Bits of the first layer's filters, if it is a 0/1 convolution; else None.

    Returns
    -------
    filters : dict
        `bits`, F lists of KH lists of KW lists of C numbers, and `scales`, whether each
        filter's batch norm has a scale above 0.
    """
    layer = net.layers[0]
    if not hasattr(layer, "kernel") or not layer.weights.startswith("0/1"):
        return None
    scale = next(layer.params["scale"] for layer in net.layers if "scale" in layer.params)
    bits = layer.mask.T.reshape(-1, *layer.kernel, layer.shape[2]).astype(int)
    return {"bits": bits.tolist(), "scales": (scale > 0).tolist()}


def peak_mib():
    """The most memory that this process ever held, in MiB; None where nobody counts it."""
    try:
        import resource
    except ImportError:                                       # on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def latent_histogram(net):
    """Counts of the latents of a 0/1 network in 120 bins, and the bins' edges."""
    if not net.sparse_layers or net.sparse_layers[0].weights == "ternary":
        return None
    latents = np.concatenate([layer.params["latent"].reshape(-1) for layer in net.sparse_layers])
    low, high = np.quantile(latents, [0.0005, 0.9995])
    counts, edges = np.histogram(latents, bins=120, range=(float(low), float(high)))
    ones = np.concatenate([layer.mask.reshape(-1) for layer in net.sparse_layers])
    threshold = float(latents[ones].min()) if ones.any() else None
    return {
        "counts": counts.tolist(),
        "edges": [round(float(edge), 5) for edge in edges],
        "threshold": threshold,
    }


def provenance(seconds):
    """What a result file says about where it comes from."""
    return {
        "date": date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "sbnn_np": sbnn_np.__version__,
        },
        "seconds": round(seconds, 1),
        "sources_digest": DIGEST,
    }


def headed(script, args, data_name, seconds, content):
    """What a chapter found, below how and where it came about; see `provenance`."""
    return {
        "command": " ".join(["python", f"walkthrough/{script}.py", *shown(args)]),
        "seed": args.seed,
        "data": data_name,
        **provenance(seconds),
        **content,
    }


def write_json(path, content):
    """Write JSON, all or nothing."""
    atomic.write(path, (json.dumps(content, indent=1) + "\n").encode())


def command_line(description):
    """Parser with the options that every chapter has, but for --data."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data-dir", help="folder of its files (else $SBNN_DATA, cache, download)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order of images")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--out", type=Path, default=ROOT / "out", help="results folder")
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


def open_both(args):
    """The digits and the pictures that --data names; see `open_data`."""
    names = ("strokes", "shapes") if args.data == "builtin" else ("mnist", "cifar10")
    return [open_data(name, args.data_dir) for name in names]


def options(parser, in_cells=()):
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
    return args


def prepare(out):
    """Make the results folder, and leave with exit code 2 if it cannot be written to."""
    try:
        atomic.probe(out)
    except OSError as error:
        sys.exit(complain(f"--out {out} cannot be written: {error}"))


def open_data(name, folder):
    """Load a data set for a chapter; say loudly when another one takes its place.

    Leaves with exit code 2 if a file is missing or damaged. If nothing was named and
    nothing can be downloaded, the built-in stroke digits are taken instead of MNIST, and the
    built-in shapes instead of CIFAR-10.
    """
    instead = {"mnist": ("strokes", "STROKE DIGITS"), "cifar10": ("shapes", "SHAPES")}
    try:
        return data.load(name, folder)
    except data.NoDownload as error:
        print("!" * 78)
        print(f"! {error}")
        built_in, loudly = instead[name]
        print(f"! Going on with the built-in {loudly}. They are much easier: no accuracy below is")
        print(f"! one of the real data. Name a folder with the files of {name} by --data-dir.")
        print("!" * 78)
        return data.load(built_in)
    except data.DataError as error:
        sys.exit(complain(error))


def complain(error):
    """Print an error for the user and return the exit code 2."""
    print(f"error: {error}", file=sys.stderr)
    return 2


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


def step_cost(recipe, dataset, groups):
    """Time training steps of a recipe's network, at batch 128, and their matrix products alone.

    Some work may be done at every eighth step only, so steps are timed in groups of eight;
    groups of steps and of products alternate, so that both see the same machine, and
    medians over the groups are taken. To gather a batch and to change its images is not in a
    step's time.

    Returns
    -------
    cost : dict
        `step_ms`, `products_ms`, `ratio`, and, for networks with convolutions,
        `products_gflops` and `sgemm_gflops`: what the products reach, and what a large
        product alone reaches on the same two threads.
    """
    rng = np.random.default_rng(recipe.seed)
    net, rule, optimizer = build(recipe, dataset.train_images.shape[1:], rng)
    products = [product for layer in net.weight_layers for product in products_of(layer, rng)]
    batches = list(data.batches(dataset.train_images, dataset.train_labels, BATCH, rng))
    # from the middle of a training on, where weights flip at their usual pace
    step, steps = 1000, 2000
    times, warm_up = {"step": [], "products": []}, min(groups, 20)  # tau comes to rest
    for group in range(groups + warm_up):
        start = time.perf_counter()
        for _ in range(8):
            x, labels = batches[step % len(batches)]
            train.train_step(
                net, x, labels, rule, optimizer, recipe.rate, step, steps, recipe.every
            )
            step += 1
        middle = time.perf_counter()
        for _ in range(8):
            for product in products:
                product()
        end = time.perf_counter()
        if group >= warm_up:
            times["step"].append((middle - start) / 8)
            times["products"].append((end - middle) / 8)
    step_ms, products_ms = (1000 * float(np.median(t)) for t in times.values())
    cost = {"step_ms": step_ms, "products_ms": products_ms, "ratio": step_ms / products_ms}
    if recipe.convs:
        # multiply and add are two operations; the first layer needs two products, others three
        flops = sum(
            2 * BATCH * layer.places * layer.w.size * (2 if layer.first else 3)
            for layer in net.weight_layers
        )
        cost |= {"products_gflops": flops / products_ms / 1e6, "sgemm_gflops": sgemm_gflops(rng)}
    return cost


def products_of(layer, rng):
    """The two or three matrix products of a layer's training step, as functions to be timed.

    They are y = x w, dw = x' dy and, but in the first layer, dx = dy w', on contiguous
    float32 arrays. For a convolution x are its windows, of as many images at a time as stay in
    cache, a half of the batch on each thread; so the products never wait for memory.
    """

    def random(*shape):
        return rng.random(shape, dtype=np.float32)

    D, M = layer.w.shape
    dw = random(D, M)
    if not hasattr(layer, "kernel"):
        x, w, dy = random(BATCH, D), random(D, M), random(BATCH, M)
        products = [lambda: x @ w, lambda: np.matmul(x.T, dy, out=dw), lambda: dy @ w.T]
        return products[: 2 if layer.first else 3]

    def in_runs(places, inner, outer, multiply):
        big = random(BATCH * places, outer)
        step = places * max(1, fast.COLUMNS // (places * inner))

        def half(part):
            cols = np.ones((step, inner), np.float32)
            for start in range(part.start * places, part.stop * places, step):
                rows = slice(start, min(start + step, part.stop * places))
                multiply(cols[: rows.stop - start], big[rows])

        return lambda: threads.halves(half, BATCH)

    w, C = random(D, M), layer.shape[2]
    turned = random(layer.kernel[0] * layer.kernel[1] * M, C)
    forward = in_runs(layer.places, D, M, lambda cols, y: np.matmul(cols, w, out=y))
    to_dw = in_runs(layer.places, D, M, lambda cols, dy: cols.T @ dy)
    H, W, _ = layer.shape
    to_dx = in_runs(H * W, len(turned), C, lambda cols, dx: np.matmul(cols, turned, out=dx))
    return [forward, to_dw] if layer.first else [forward, to_dw, to_dx]


def sgemm_gflops(rng, size=2048):
    """Billions of operations a second of a large float32 product, a half on each thread."""
    a, b = (rng.random((size, size), dtype=np.float32) for _ in range(2))
    out = np.empty_like(a)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        threads.halves(lambda n: np.matmul(a[n], b, out=out[n]), size)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9


# of the sources as this process has read them, not as they may be when a run ends
DIGEST = sources.digest()
