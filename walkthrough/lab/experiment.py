"""One experiment: a recipe goes in, a row of the results table comes out.

The chapters share this file: what a run consists of, which of its numbers are kept, and how they
are written, with the date, versions and the digest of the sources that decided them.
"""

import hashlib
import json
import platform
import re
from dataclasses import asdict, dataclass, fields
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np

import sbnn_np
from lab import sources
from lab.variants import VARIANTS
from sbnn_np.bits import bitops
from sbnn_np.core import fast, network, sparsity, train
from sbnn_np.datasets import data
from sbnn_np.datasets.download import cache_folder
from sbnn_np.support import atomic

FIGURES = Path(__file__).resolve().parents[2] / "figures"     # the committed results
# what a recipe chooses by name; another choice is another entry
OPTIMIZERS = {
    "Adam": lambda recipe, params: fast.Adam(
        params, beta2=recipe.beta2, fade=0.0 if recipe.fade is None else recipe.fade
    ),
    "NormalizedSGD": lambda recipe, params: fast.NormalizedSGD(
        params, fade=0.05 if recipe.fade is None else recipe.fade
    ),
}
NETS = {
    "mlp": lambda recipe, shape, rng, p0: network.mlp(
        recipe.sizes, recipe.method, rng, p0, eps=recipe.eps
    ),
    "convnet": lambda recipe, shape, rng, p0: network.convnet(
        shape, recipe.convs, recipe.sizes, recipe.kernel, recipe.padding, recipe.method, rng, p0,
        float_first=recipe.float_first, eps=recipe.eps,
    ),
}
RULES = {
    "none": lambda recipe: None,
    "net budget": lambda recipe: sparsity.NetBudget(recipe.budget),
    "even budget": lambda recipe: sparsity.EvenBudget(recipe.budget),
    # the penalty only pushes, and is silent until 1e-4 above what it expects
    "penalty": lambda recipe: sparsity.ConnectionsPenalty(0.99 * recipe.density, recipe.share),
    "ternary threshold": lambda recipe: sparsity.TernaryThreshold(recipe.density, recipe.share),
}


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
    eps: float = 1e-5                 # of batch norm
    beta2: float = 0.999              # of Adam: its memory of the gradients' squares
    fade: float | None = None         # of the optimizer; left out, what is usual for it
    variant: str = "plain"            # which of VARIANTS it tries

    @property
    def net(self):
        """Which of NETS it takes."""
        return "convnet" if self.convs else "mlp"

    @property
    def rule(self):
        """Which of RULES chooses its ones."""
        if self.method == "ternary":
            return "ternary threshold"
        if self.share is not None:
            return "penalty"
        if self.density is None:
            return "none"
        return "even budget" if self.even else "net budget"

    @property
    def words(self):
        """What it chooses by name: keys of tables, which decide what its digest is over."""
        return frozenset([self.method, self.optimizer, self.net, self.rule, self.variant])

    @property
    def schedule(self):
        if self.density is None:
            return None
        if self.share is None:
            return self.budget.name
        grows = self.start is not None and self.start < self.density
        return "grown by gradient" if grows else "penalty"

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
    net = NETS[recipe.net](recipe, shape, rng, p0)
    return net, RULES[recipe.rule](recipe), OPTIMIZERS[recipe.optimizer](recipe, net.params())


def digest(*recipes, start=sources.START):
    """The digest of what decides the runs of some recipes; see `sources.digest`."""
    return sources.digest(frozenset().union(*(recipe.words for recipe in recipes)), start)


@lru_cache(maxsize=2)
def load(name, folder):
    """A data set, as `data.load` gives it, loaded once a process."""
    return data.load(name, folder)


def run(recipe, dataset, read_test=True, log=None, save_to=None, resume=False, on_step=None):
    """Train one network and account for it.

    Parameters
    ----------
    recipe : Recipe
    dataset : data.Data
    read_test : bool
        Whether to read the test set, once, when everything is decided. A run that
        serves to choose something does not.
    log, save_to, resume, on_step : see `train.fit`

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
    rule, steer = VARIANTS[recipe.variant](recipe, net, rule)
    before = latent_histogram(net)
    training, validation = data.split(dataset.train_images, dataset.train_labels)
    training = tuple(array[: recipe.images] for array in training)
    epochs, trace = train.fit(
        net, training, validation, rule, optimizer, recipe.rate, recipe.epochs, rng,
        recipe.batch, recipe.augment, recipe.every, log, save_to, resume,
        identity=f"{recipe!r} {dataset.name} {sources.digest(recipe.words)}",
        on_step=both(steer, on_step),
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


def both(first, second):
    """One function of (step, network) that calls two, either of which may be None."""
    if first is None or second is None:
        return first or second
    return lambda step, network: (first(step, network), second(step, network))


# what figures are drawn from, and a run that only serves to choose something does not keep
DRAWN = "trace", "latents", "examples", "filters"


def run_once(recipe, dataset, folders, read_test=True, log=None, again=False, resume=False):
    """Do `run`, or read its result if a folder holds it and its sources are unchanged.

    Parameters
    ----------
    recipe, dataset, read_test, log, resume : see `run`
    folders : list of Path
        They hold a file for each finished run; new ones are written into the first, without DRAWN
        if the test set is not read. An unfinished run leaves a checkpoint an epoch in the user's
        cache folder.
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
            if recipe_of(result) == recipe and result["sources_digest"] == digest(recipe):
                return result
    result, _ = run(recipe, dataset, read_test, log, save_to, resume)
    result |= provenance(result["row"]["seconds"], digest(recipe))
    kept = {key: value for key, value in result.items() if read_test or key not in DRAWN}
    write_json(paths[0], kept)
    save_to.unlink(missing_ok=True)
    return kept


def run_name(recipe, data_name, read_test):
    """A name that tells the run from all others, fit for a file."""
    words = [data_name, recipe.method, recipe.architecture, recipe.optimizer, recipe.rate]
    words += [f"{recipe.epochs} epochs", f"seed {recipe.seed}"]
    if recipe.density is not None:
        words += [recipe.density, recipe.schedule]
    words += ["float first"] * recipe.float_first + [recipe.images] * bool(recipe.images)
    words += ["test" if read_test else "validation"]
    name = "-".join(str(word) for word in words).replace("+-", "pm")
    # the digest is of all settings but those that have their default
    settings = {f.name: getattr(recipe, f.name) for f in fields(recipe)}
    settings = [
        (f.name, settings[f.name]) for f in fields(recipe) if settings[f.name] != f.default
    ]
    digest = hashlib.sha256(repr(settings).encode()).hexdigest()[:6]
    return re.sub(r"[^0-9A-Za-z.]+", "-", name).replace("-e-", "e-") + f"-{digest}"


def recipe_of(result):
    """The Recipe that a result file tells of."""
    settings = result["recipe"].items()
    return Recipe(**{k: tuple(v) if isinstance(v, list) else v for k, v in settings})


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


def provenance(seconds, sources_digest):
    """What a result file says about where it comes from."""
    return {
        "date": date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "sbnn_np": sbnn_np.__version__,
            "simd": np.show_config(mode="dicts")["SIMD Extensions"]["found"],
        },
        "seconds": round(seconds, 1),
        "sources_digest": sources_digest,
    }


def write_json(path, content):
    """Write JSON, all or nothing."""
    atomic.write(path, (json.dumps(content, indent=1) + "\n").encode())
