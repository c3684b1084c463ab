"""What chapter 4 trains, and one run of it: a task goes in, one small JSON file comes out.

A task is a plain tuple and `run_task` a function of it, so that any executor can run them, here or
elsewhere (see `jobs`). A task whose file is there, of the sources of now, is not run again;
one that was cut off goes on after its last whole epoch.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lab import experiment, jobs, recipes, sources
from lab.experiment import Recipe
from sbnn_np.bits import bitops, freeze, storage
from sbnn_np.datasets import data
from sbnn_np.datasets.download import cache_folder

DENSITIES = (0.5, 0.25, 0.1, 0.05, 0.04, 0.03, 0.02, 0.01, 0.005)
START = (*sources.START, ("curves", "measured"))


class Task(NamedTuple):
    """One run: of which part, on which data, of which recipe, and where its file goes."""

    part: str             # "curves", "long", "growth", or "both": curves and growth
    data: str             # as `data.load` knows it
    recipe: Recipe
    out: str
    data_dir: str | None
    images: int | None = None     # of the training and test images each, for a quick look


# networks, and epochs
MLPS = {"784-300-100-10": 12, "784-1024-1024-10": 12}
LENET_EPOCHS, CIFAR_EPOCHS = 3, 3
LONG = 18     # of the wide multilayer network, to see what more training gives
# where ternary weights are regularised: what part of them may differ from 0 at no cost, and the
# share of the penalty in the loss
EXPECTED, SHARE = 0.1, 0.1


def dense(architecture, method, seed, density=None, epochs=None, start=None, share=None):
    """A multilayer network; optimizer and rate are what chapter 1 or the sweep chose."""
    optimizer, rate = recipes.CHOSEN_4["dense"][(method, share is not None)]
    return Recipe(
        method, tuple(map(int, architecture.split("-"))), optimizer, rate,
        epochs or MLPS[architecture], seed, density, start, share,
    )


def conv(what, method, seed, density=None, epochs=None, start=None, share=None, net=None):
    """LeNet-5 on "digits", or the small network of chapter 2 on "pictures", if not another."""
    usual, length = {
        "digits": (recipes.LENET5, LENET_EPOCHS), "pictures": (recipes.vgg(32), CIFAR_EPOCHS),
    }[what]
    rate = recipes.CHOSEN_4[what][(method, share is not None)]
    return Recipe(
        method, optimizer="Adam", rate=rate, epochs=epochs or length, seed=seed,
        density=density, start=start, share=share, **(net or usual),
    )


def plan(out, digits="mnist", pictures="cifar10", data_dir=None, seed=0, quick=False):
    """All tasks of the chapter, in the order in which they are run: a list of Task."""
    tasks = []

    def add(part, what, recipe):
        tasks.append(Task(part, what, recipe, str(out), data_dir, 600 if quick else None))

    baselines = [("full precision", None), ("+-1", None), ("ternary", None), ("ternary", SHARE)]
    seeds = range(seed, seed + (1 if quick else 3))
    for architecture in MLPS:
        for s in seeds:
            for method, share in baselines:
                density = EXPECTED if share else None
                add("curves", digits, dense(architecture, method, s, density, share=share))
            for method in ("0/1", "0/1 centred"):
                for p in DENSITIES:
                    add("curves", digits, dense(architecture, method, s, p))
    wide = "784-1024-1024-10"
    for s in seeds:
        add("long", digits, dense(wide, "full precision", s, epochs=LONG))
        add("long", digits, dense(wide, "+-1", s, epochs=LONG))
        for p in (0.05, 0.015):
            add("long", digits, dense(wide, "0/1 centred", s, p, LONG))
        # about as many bytes as Deep Compression's LeNet-300-100
        add("long", digits, dense("784-512-512-10", "0/1 centred", s, 0.05, 30))
    for s in seeds[:2]:
        for method in ("0/1", "0/1 centred"):
            for p in (0.1, 0.05, 0.02, 0.01):
                add("curves", digits, conv("digits", method, s, p))
    for what, name in (("digits", digits), ("pictures", pictures)):
        for method, share in baselines:
            density = EXPECTED if share else None
            add("curves", name, conv(what, method, seed, density, share=share))
    for p in (0.25, 0.1, 0.05, 0.02):
        add("curves", pictures, conv("pictures", "0/1 centred", seed, p))
    add("curves", pictures, conv("pictures", "0/1", seed, 0.05))
    # what a +-1 network of half the width takes, in bytes, spent on bits that are mostly 0
    add("curves", pictures, conv("pictures", "+-1", seed, net=recipes.vgg(16)))
    add("curves", pictures, conv("pictures", "0/1 centred", seed, 0.045))
    # growth against pruning: a nearly-empty start, a constant density, half ones at the start
    known = {task.recipe for task in tasks}
    for start in (0.005, None, 0.5):
        of_digits = [
            dense("784-300-100-10", "0/1 centred", seed, 0.05, epochs, start)
            for epochs in (4, 12, 36)
        ]
        of_pictures = [
            conv("pictures", "0/1 centred", seed, 0.05, epochs, start, net=recipes.vgg(16))
            for epochs in (1, 2, 4)
        ]
        for what, found in ((digits, of_digits), (pictures, of_pictures)):
            for recipe in found:
                if recipe in known:
                    at = [task.recipe for task in tasks].index(recipe)
                    tasks[at] = tasks[at]._replace(part="both")
                else:
                    add("growth", what, recipe)
    if quick:
        small = {"784-300-100-10", "20-p-50-p-500-10"}
        tasks = [
            task._replace(recipe=replace(task.recipe, epochs=1 if task.recipe.convs else 2))
            for task in tasks
            if task.recipe.architecture in small
            and task.recipe.density in (None, 0.05, 0.01, EXPECTED)
            and (task.recipe.method != "0/1" or not task.recipe.convs)
        ]
    return list(dict.fromkeys(tasks))


def labels_of(task):
    """The words by which `--only` selects a task, a set of str."""
    parts = {"curves", "growth"} if task.part == "both" else {task.part}
    return {*parts, task.data, task.recipe.method, task.recipe.architecture}


def dataset(task):
    """The data of a task."""
    found = experiment.load(task.data, task.data_dir)
    return data.few(found, 10 * task.images, task.images) if task.images else found


def path_of(task):
    """Where a task's result goes."""
    held = dataset(task)
    name = experiment.run_name(task.recipe, held.name, True)
    return Path(task.out) / f"{task.part}-{name}.json"


def done(task):
    """The result of a task if it is there or committed, of the sources of now; else None."""
    path = path_of(task)
    for place in (path, experiment.FIGURES / "runs" / path.name):
        if place.exists():
            content = json.loads(place.read_text(encoding="utf-8"))
            if (
                content["sources_digest"] == experiment.digest(task.recipe, start=START)
                and experiment.recipe_of(content) == task.recipe
            ):
                return content
    return None


def run_task(task):
    """Run a task, unless its result is there.

    Parameters
    ----------
    task : Task

    Returns
    -------
    content : dict
        `part`, `row` (see `experiment.run`, with the accounts of `accounts`), `epochs`,
        `adds_in_training`, `recipe`, and where all of it comes from.
    """
    content = done(task)
    if content:
        return content
    held = dataset(task)
    save_to = cache_folder() / "checkpoints" / path_of(task).stem
    result, net = experiment.run(task.recipe, held, save_to=save_to, resume=True)
    content = {
        "part": task.part,
        **measured(task.recipe, held, result, net),
        **experiment.provenance(
            result["row"]["seconds"], experiment.digest(task.recipe, start=START)
        ),
    }
    experiment.write_json(path_of(task), content)
    save_to.unlink(missing_ok=True)
    return content


def measured(recipe, held, result, net):
    """What is kept of a run, as `experiment.run` gives it, and what its network costs."""
    return {
        "row": result["row"] | accounts(net),
        "epochs": result["epochs"],
        "adds_in_training": adds_in_training(net, result["trace"], recipe, held),
        "recipe": result["recipe"],
    }


def accounts(net):
    """Bytes and operations of a trained network.

    Returns
    -------
    account : dict
        `file_bytes`: of the real model file of a 0/1 or +-1 network. There is none for ternary and
        full precision ones: `coded_bytes` is what such a file would hold, the entropy of ternary
        weights, or 4 bytes a float, and two bytes a neuron for its threshold; for the others it
        is `file_bytes`. `float32_bytes`: 4 bytes for each weight and one folded bias a neuron.
        `compression`: float32_bytes over coded_bytes. `operations`: see `bitops.operations`.
    """
    weights = [layer.w for layer in net.weight_layers]
    float32 = bitops.float32_bytes(weights)
    kind, file_bytes = net.weight_layers[-1].weights, None
    if kind in ("0/1", "0/1 centred", "+-1"):
        coded = file_bytes = len(storage.dumps(freeze.freeze(net)))
    elif kind == "ternary":
        coded = sum(
            4 * layer.w.size if layer.weights == "float" else bitops.entropy_bytes(layer)
            for layer in net.weight_layers
        ) + 2 * sum(w.shape[1] for w in weights)
    else:
        coded = float32
    layers = bitops.operations(net)
    return {
        "file_bytes": file_bytes,
        "coded_bytes": coded,
        "float32_bytes": float32,
        "compression": float32 / coded,
        "operations": {
            key: sum(layer[key] for layer in layers) for key in layers[0] if key != "binary"
        },
    }


def adds_in_training(net, trace, recipe, held):
    """Additions of all forward passes: each weight that is not 0, at each place, each image.

    Parameters
    ----------
    net : Network
    trace : list of [step, layer densities]
    recipe : Recipe
    held : data.Data

    Returns
    -------
    adds : float
        Of the layers whose weights can be 0; None without any.
    """
    if not trace:
        return None
    (images, _), _ = data.split(np.arange(len(held.train_images)), held.train_labels)
    seen = recipe.epochs * (len(images) // recipe.batch) * recipe.batch
    mean = [sum(d) / len(trace) for d in zip(*(densities for _, densities in trace))]
    return seen * sum(
        density * layer.w.size * layer.places for density, layer in zip(mean, net.sparse_layers)
    )


def run(tasks, executor=None, log=print):
    """Run tasks and collect their results.

    Parameters
    ----------
    tasks : list of Task
    executor : see `jobs.run`
    log : function of a str

    Returns
    -------
    contents : list of dict
        As `run_task` returns them, in the order of the tasks.
    """
    contents = {task: done(task) for task in tasks}
    ahead = [task for task in tasks if contents[task] is None]
    finished = jobs.run(run_task, [(task,) for task in ahead], executor)
    for n, (place, content) in enumerate(finished, 1):
        contents[ahead[place]] = content
        log(f"{n:3d} of {len(ahead)}  {result_line(content['row'])}")
    return [contents[task] for task in tasks]


def result_line(row):
    """One line of text for a row, a str."""
    ones = "" if row["density"] is None else f"{100 * row['density']:.2f}% ones"
    return (
        f"{row['data']:<9} {row['architecture']:<28} {row['method']:<15} {ones:<12} "
        f"{row['schedule'] or '-':<9} {row['epochs']:2d} epochs, seed {row['seed']}: "
        f"test {100 * row['test_accuracy']:.2f}%, {row['coded_bytes']:,.0f} bytes, "
        f"{row['seconds']:.0f} s"
    )


# seconds of an epoch on two cores, for a plan before anything has been run
EPOCH = {"784-300-100-10": 1.1, "784-1024-1024-10": 6.0, "20-p-50-p-500-10": 12.0}


def expected_seconds(task, contents):
    """How long a task will take: as long as others of its architecture, by the epoch."""
    similar = [
        content["row"] for content in contents
        if content and content["row"]["architecture"] == task.recipe.architecture
    ]
    if similar:
        each = sum(row["seconds"] for row in similar) / sum(row["epochs"] for row in similar)
    else:
        each = EPOCH.get(task.recipe.architecture, 42.0)
    return each * task.recipe.epochs

