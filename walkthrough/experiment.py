"""One experiment: a recipe goes in, a row of the results table comes out.

The chapters share this file: what a run consists of, which of its numbers are kept, and
how they are written, with the command, date, versions and the digest of the sources
that decided them. The chapters themselves only choose recipes and show results.
"""

import argparse
import ast
import hashlib
import io
import json
import os
import platform
import re
import sys
import time
import tokenize
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np

import sbnn_np
from sbnn_np import bitops, data, network, optim, sparsity, train

ROOT = Path(__file__).resolve().parent.parent
BATCH = 128
SHIFT = 1  # pixels that a training image is moved by at the most, for every method
OPTIMIZERS = {"Adam": optim.Adam, "NormalizedSGD": optim.NormalizedSGD}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, but for the data."""

    method: str
    sizes: tuple
    optimizer: str
    rate: float
    epochs: int
    seed: int
    density: float | None = None      # of 0/1 networks: the budget over the whole net
    start: float | None = None        # density at step 0; left out, the budget is constant
    share: float | None = None        # if given, the penalty takes the place of the budget

    @property
    def schedule(self):
        if self.density is None:
            return None
        return "penalty" if self.share is not None else self.budget.name

    @property
    def budget(self):
        return sparsity.Schedule(self.density, self.start, over=0.5)


def build(recipe, rng):
    """Network, sparsity rule and optimizer of a recipe."""
    p0 = min(recipe.start or recipe.density or 0.5, 0.5)
    net = network.mlp(recipe.sizes, recipe.method, rng, p0=p0)
    rule = None
    if recipe.share is not None:
        # the penalty only pushes, and is silent until 1e-4 above what it expects
        rule = sparsity.ConnectionsPenalty(0.99 * recipe.density, recipe.share)
    elif recipe.density is not None:
        rule = sparsity.NetBudget(recipe.budget)
    return net, rule, OPTIMIZERS[recipe.optimizer](net.params())


def run(recipe, dataset, read_test=True, log=None):
    """Train one network and account for it.

    Parameters
    ----------
    recipe : Recipe
    dataset : data.Data
    read_test : bool
        Whether to read the test set, once, when everything is decided. A run that
        serves to choose something does not.
    log : function of a str, optional

    Returns
    -------
    result : dict
        `row`, `epochs`, `trace` (see `train.fit`), `latents` (histograms of all latents
        before and after), `recipe`.
    net : Network
    """
    start = time.perf_counter()
    rng = np.random.default_rng(recipe.seed)
    net, rule, optimizer = build(recipe, rng)
    before = latent_histogram(net)
    training, validation = data.split(dataset.train_images, dataset.train_labels)
    epochs, trace = train.fit(
        net, training, validation, rule, optimizer, recipe.rate, recipe.epochs, rng,
        BATCH, SHIFT, log,
    )
    test_accuracy = None
    if read_test:
        test_accuracy = train.evaluate(net, dataset.test_images, dataset.test_labels)
    seconds = time.perf_counter() - start
    account = bitops.account(net)
    row = {
        "method": recipe.method,
        "architecture": "-".join(str(size) for size in recipe.sizes),
        "data": dataset.name,
        "target_density": recipe.density,
        "density": net.density(),
        "layer_densities": train.layer_densities(net),
        "schedule": recipe.schedule,
        "validation_accuracy": epochs[-1]["validation_accuracy"],
        "test_accuracy": test_accuracy,
        **account,
        "optimizer": recipe.optimizer,
        "rate": recipe.rate,
        "epochs": recipe.epochs,
        "seconds": round(seconds, 1),
        "seed": recipe.seed,
    }
    result = {
        "row": row,
        "epochs": epochs,
        "trace": trace,
        "latents": {"before": before, "after": latent_histogram(net)},
        "recipe": asdict(recipe),
    }
    return result, net


def run_once(recipe, dataset, folder, read_test=True, log=None):
    """Do `run`, or read its result if the folder holds it and its sources are unchanged."""
    words = [dataset.name, *(v for v in asdict(recipe).values() if v is not None)]
    words.append("test" if read_test else "validation")
    name = "-".join(str(word) for word in words).replace("+-", "pm")
    path = Path(folder) / (re.sub(r"[^0-9A-Za-z.]+", "-", name).replace("-e-", "e-") + ".json")
    if path.exists():
        result = json.loads(path.read_text())
        same = result["recipe"] == json.loads(json.dumps(asdict(recipe)))
        if same and result["sources_digest"] == DIGEST:
            return result
    result, _ = run(recipe, dataset, read_test, log)
    result |= provenance(result["row"]["seconds"])
    write_json(path, result)
    return result


def latent_histogram(net):
    """Counts of the latents of all 0/1 layers in 120 bins, and the bins' edges."""
    if not net.bit_layers:
        return None
    latents = np.concatenate([layer.params["latent"].reshape(-1) for layer in net.bit_layers])
    low, high = np.quantile(latents, [0.0005, 0.9995])
    counts, edges = np.histogram(latents, bins=120, range=(float(low), float(high)))
    ones = np.concatenate([layer.mask.reshape(-1) for layer in net.bit_layers])
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


def sources_digest(start=("run", "Recipe")):
    """SHA-256 of every definition that `run` can reach, comments and docstrings left out.

    Starting from `run` and `Recipe`, each name in a definition's text that is defined at the top
    level of this file or of the package leads on to that definition. So a result is
    called stale when something that decides it has changed (but for the data), and not
    for a better comment.

    Returns
    -------
    digest : str
    """
    files = [Path(__file__), *sorted((ROOT / "sbnn_np").glob("*.py"))]
    definitions = {}
    for path in files:
        for name, text in top_level(path.read_text()):
            definitions.setdefault(name, []).append(f"{path.name}: {text}")
    reached, ahead = {}, list(start)
    while ahead:
        name = ahead.pop()
        if name not in reached and name in definitions:
            reached[name] = definitions[name]
            ahead += re.findall(r"\w+", " ".join(definitions[name]))
    text = "\n".join(line for name in sorted(reached) for line in reached[name])
    return hashlib.sha256(text.encode()).hexdigest()


def top_level(source):
    """Yield name and text of each top-level function, class and constant of a source."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            doc = node.body[0]
            lines[doc.lineno - 1 : doc.end_lineno] = [""] * (doc.end_lineno - doc.lineno + 1)
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)][:1]
        else:
            continue
        first = min([node.lineno] + [d.lineno for d in getattr(node, "decorator_list", [])])
        text = "\n".join(line.rstrip() for line in lines[first - 1 : node.end_lineno])
        for name in names:
            yield name, re.sub(r"\n+", "\n", text)


def write_json(path, content):
    """Write JSON to a temporary name, then move it into place."""
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())


def write_whole(path, content):
    """Write bytes so that the file is, at any moment, the old one or the whole new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def command_line(description):
    """Parser with the options that every chapter has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", choices=["mnist", "strokes"], default="mnist", help="data set")
    parser.add_argument("--data-dir", help="folder of its files (else $SBNN_DATA, cache, download)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order of images")
    parser.add_argument("--out", type=Path, default=ROOT / "figures", help="results folder")
    return parser


def prepare(out):
    """Make the results folder, and leave with exit code 2 if it cannot be written to."""
    try:
        write_whole(out / ".probe", b"")
        (out / ".probe").unlink()
    except OSError as error:
        sys.exit(complain(f"--out {out} cannot be written: {error}"))


def open_data(name, folder):
    """Load a data set for a chapter; say loudly when another one takes its place.

    Leaves with exit code 2 if a file is missing or damaged. If nothing was named and
    nothing can be downloaded, the built-in stroke digits are taken instead of MNIST.
    """
    try:
        return data.load(name, folder)
    except data.NoDownload as error:
        print("!" * 78)
        print(f"! {error}")
        print("! Going on with the built-in STROKE DIGITS. They are easier than handwriting:")
        print("! no accuracy below is one of MNIST. Name a folder with --data-dir for MNIST.")
        print("!" * 78)
        return data.load("strokes")
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
        words += [flag] if value is True else [flag, str(value)]
    return words


COLUMNS = (
    ("method", "{:<15}", "method", lambda v: v),
    ("schedule", "{:<9}", "schedule", lambda v: v or "-"),
    ("target", "{:>6}", "target_density", lambda v: f"{100 * v:.1f}%"),
    ("ones %", "{:>6}", "density", lambda v: f"{100 * v:.2f}%"),
    ("valid", "{:>6}", "validation_accuracy", lambda v: f"{100 * v:.2f}"),
    ("test", "{:>6}", "test_accuracy", lambda v: f"{100 * v:.2f}"),
    ("ones", "{:>9}", "ones", lambda v: f"{v:,}"),
    ("mask", "{:>8}", "mask_bytes", lambda v: f"{v:,}"),
    ("entropy", "{:>8}", "entropy_bytes", lambda v: f"{v:,.0f}"),
    ("smaller", "{:>7}", "compression_weights_entropy", lambda v: f"{v:.1f}x"),
    ("adds", "{:>9}", "adds", lambda v: f"{v:,}"),
    ("of +-1", "{:>7}", "adds_of_pm1", lambda v: f"{v:.3f}"),
    ("s", "{:>5}", "seconds", lambda v: f"{v:.0f}"),
)


def table(rows):
    """Format rows of results as aligned text; "-" for what a method has not."""
    lines = ["  ".join(form.format(title) for title, form, _, _ in COLUMNS)]
    architecture = None
    for row in rows:
        if row["architecture"] != architecture:
            architecture = row["architecture"]
            lines.append(architecture)
        row = {**row, "adds_of_pm1": row["adds"] / adds_of_pm1(row["architecture"])}
        cells = []
        for _, form, key, show in COLUMNS:
            empty = row[key] is None and key != "schedule"
            cells.append(form.format("-" if empty else show(row[key])))
        lines.append("  ".join(cells))
    return "\n".join(lines)


def adds_of_pm1(architecture):
    """Additions an image of the +-1 network of this shape: D-1 a neuron."""
    sizes = [int(size) for size in architecture.split("-")]
    return sum(M * (D - 1) for D, M in zip(sizes, sizes[1:]))


def means(rows):
    """Group rows that differ in their seed alone.

    Returns
    -------
    groups : list of dict
        `architecture`, `method`, `seeds`, `test_accuracy` (mean), `spread` (largest
        distance of a seed from the mean), `density` (largest), `entropy_bytes` and
        `compression_weights_entropy` (means), `seconds` (sum).
    """
    groups = {}
    for row in rows:
        groups.setdefault((row["architecture"], row["method"], row["schedule"]), []).append(row)
    result = []
    for (architecture, method, schedule), mine in groups.items():
        accuracy = np.array([row["test_accuracy"] for row in mine])

        def mean(key, mine=mine):
            return None if mine[0][key] is None else float(np.mean([row[key] for row in mine]))

        result.append({
            "architecture": architecture,
            "method": method,
            "schedule": schedule,
            "seeds": len(mine),
            "test_accuracy": float(accuracy.mean()),
            "spread": float(np.abs(accuracy - accuracy.mean()).max()),
            "density": None if mine[0]["density"] is None else max(r["density"] for r in mine),
            "entropy_bytes": mean("entropy_bytes"),
            "compression_weights_entropy": mean("compression_weights_entropy"),
            "seconds": sum(row["seconds"] for row in mine),
        })
    return result


def table_of_means(rows):
    """Format `means` as aligned text."""
    lines = [
        "architecture       method           schedule   seeds  test           largest density"
    ]
    for group in means(rows):
        density = "-" if group["density"] is None else f"{100 * group['density']:.2f}%"
        lines.append(
            f"{group['architecture']:<17}  {group['method']:<15}  {group['schedule'] or '-':<9}  "
            f"{group['seeds']:>5}  {100 * group['test_accuracy']:.2f}"
            f"{spread(group, ' +- '):<8}  {density:>15}"
        )
    return "\n".join(lines)


def step_cost(dataset, seed, groups):
    """Time training steps of the centred 0/1 network, and their matrix products alone.

    Some work is done at every eighth step only, so steps are timed in groups of eight;
    groups of steps and of products alternate, so that both see the same machine, and
    medians over the groups are taken. The products are three a layer on contiguous
    float32 arrays of the same shapes: y = x w, dw = x' dy and, but in the first layer,
    dx = dy w'. To gather a batch and to move its images is not in a step's time.

    Returns
    -------
    cost : dict
        `step_ms`, `products_ms`, `ratio`.
    """
    recipe = recipe_for("0/1 centred", seed, epochs=20)
    rng = np.random.default_rng(seed)
    net, rule, optimizer = build(recipe, rng)
    arrays = []
    for layer in net.weight_layers:
        D, M = layer.w.shape
        shapes = ((BATCH, D), (D, M), (BATCH, M), (D, M))
        arrays.append([rng.random(shape, dtype=np.float32) for shape in shapes])

    def products():
        for i, (x, w, dy, dw) in enumerate(arrays):
            x @ w
            np.matmul(x.T, dy, out=dw)
            if i:
                dy @ w.T

    batches = list(data.batches(dataset.train_images, dataset.train_labels, BATCH, rng))
    # from the middle of a training on, where weights flip at their usual pace
    step, steps = 1000, 2000
    times = {"step": [], "products": []}
    for group in range(groups + 20):
        start = time.perf_counter()
        for _ in range(8):
            x, labels = batches[step % len(batches)]
            train.train_step(net, x, labels, rule, optimizer, recipe.rate, step, steps)
            step += 1
        middle = time.perf_counter()
        for _ in range(8):
            products()
        end = time.perf_counter()
        if group >= 20:                                       # tau has come to rest
            times["step"].append((middle - start) / 8)
            times["products"].append((end - middle) / 8)
    step_ms, products_ms = (1000 * float(np.median(t)) for t in times.values())
    return {"step_ms": step_ms, "products_ms": products_ms, "ratio": step_ms / products_ms}


# of the sources as this process has read them, not as they may be when a run ends
DIGEST = sources_digest()

DENSITY = 0.05  # of ones, over the whole net
START = 0.01    # of ones at step 0: the nearly-empty start

METHODS = list(network.METHODS)
# how a 0/1 network comes to its density
SCHEDULES = {
    "constant": {"start": None, "share": None},
    "growing": {"start": START, "share": None},
    "shrinking": {"start": 0.5, "share": None},
    "penalty": {"start": DENSITY, "share": 0.1},
}
# what did best on the validation images (figures/01_sweep.json): optimizer, rate, schedule
CHOSEN = {
    "full precision": ("NormalizedSGD", 1e-2, None),
    "+-1": ("Adam", 1e-2, None),
    "0/1": ("Adam", 1e-2, "constant"),
    "0/1 centred": ("NormalizedSGD", 3e-3, "penalty"),
}


def recipe_for(method, seed, epochs, choice=None, sizes=(784, 512, 512, 10)):
    """Recipe of a method, with the optimizer, rate and schedule of `choice`, or CHOSEN."""
    optimizer, rate, schedule = choice or CHOSEN[method]
    sparse = {"density": DENSITY, **SCHEDULES[schedule]} if schedule else {}
    return Recipe(method, sizes, optimizer, rate, epochs, seed, **sparse)


def recipes(seed, quick=False, full=False):
    """What chapter 01 trains, in this order; without `full` a growing one is among them."""
    if full:
        narrow, wide = (784, 512, 512, 10), (784, 1024, 1024, 10)
        return [
            *(recipe_for(m, seed + i, 30, sizes=narrow) for i in range(3) for m in METHODS),
            *(recipe_for("0/1 centred", seed + i, 30, sizes=wide) for i in range(3)),
            recipe_for("+-1", seed, 30, sizes=wide),
        ]
    epochs = 2 if quick else 15
    chosen = [recipe_for(method, seed, epochs) for method in METHODS]
    growing = (*CHOSEN["0/1 centred"][:2], "growing")
    return list(dict.fromkeys([*chosen, recipe_for("0/1 centred", seed, epochs, growing)]))


def readme_table(default, full):
    """Lines of the README's table of results, from the content of the two result files."""
    lines = []
    for row in default["rows"]:
        lines.append(
            f"| {row['method']} | {row['schedule'] or '-'} | {row['architecture']} "
            f"| {percent(row['density'])} "
            f"| {100 * row['test_accuracy']:.2f} | {smaller(row)} | 1 | `01_mlp_mnist.py` "
            f"| {row['seconds'] / 60:.1f} |"
        )
    for group in means(full["rows"]):
        lines.append(
            f"| {group['method']} | {group['schedule'] or '-'} | {group['architecture']} "
            f"| {percent(group['density'])} "
            f"| {100 * group['test_accuracy']:.2f}{spread(group, ' ± ')} | {smaller(group)} "
            f"| {group['seeds']} | `01_mlp_mnist.py --full` | {group['seconds'] / 60:.1f} |"
        )
    return lines


def spread(group, sign):
    """Largest distance of a seed from the mean, in points; nothing where there is one seed."""
    return f"{sign}{100 * group['spread']:.2f}" if group["seeds"] > 1 else ""


def step_line(default):
    """The README's line on what a training step costs."""
    cost = default["step_cost"]
    return (
        f"A training step of the centred 0/1 network takes {cost['step_ms']:.2f} ms at batch 128, "
        f"{cost['ratio']:.2f} times its own matrix products."
    )


def minutes(content):
    """How long a result took, for prose: "3 minutes"."""
    return f"{content['seconds'] / 60:.0f} minutes"


def percent(density):
    return "-" if density is None else f"{100 * density:.2f}%"


def smaller(row):
    compression = row["compression_weights_entropy"]
    return "-" if compression is None else f"{compression:.1f}x"


def numbers_to_see(content):
    """Lines of chapter 01's docstring: what its first command ends with."""
    return [
        f"    {row['method']:<14}  {row['schedule'] or '':<9}  {100 * row['test_accuracy']:.2f}%"
        for row in content["rows"]
    ]
