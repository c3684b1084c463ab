"""Draw the committed figures again from their JSON; nothing is trained.

    PYTHONPATH=walkthrough python -m lab.redraw

The examples of chapter 2 show test images; so MNIST and CIFAR-10 must be at hand.
"""

import json

from lab import (
    curves,
    experiment,
    plots_bits,
    plots_chips,
    plots_convolution,
    plots_curves,
    plots_mends,
    plots_teaching,
    plots_training,
    recipes,
)
from sbnn_np.datasets import data
from sbnn_np.support import atomic

FIGURES = experiment.FIGURES


def read(path):
    """Content of a JSON file below the folder of figures."""
    return json.loads((FIGURES / path).read_text(encoding="utf-8"))


def runs_of(chosen):
    """The committed runs of some recipes.

    Parameters
    ----------
    chosen : list of (str, Recipe)
        The name of a data set, as its runs have it, and what was trained on it.
    """
    return [read(f"runs/{experiment.run_name(recipe, name, True)}.json") for name, recipe in chosen]


def chapter_1():
    """Figures of chapter 1, of its long runs, and of its sweep: from a name to a PNG."""
    first = read("01_mlp_mnist.json")
    short = plots_training.figures(first["runs"]) | {"mends": plots_mends.mends(first["mends"])}
    long = plots_training.figures(
        runs_of([("MNIST", recipe) for recipe in recipes.chapter_1(0, full=True)])
    )
    rates = [row for row in read("01_sweep.json")["rows"] if row["part"] == "rates"]
    return {
        **{f"01_mlp_mnist_{what}": picture for what, picture in short.items()},
        **{f"01_mlp_mnist_full_{what}": picture for what, picture in long.items()},
        "01_sweep": plots_training.rate_sweep(rates),
    }


def chapter_2():
    """Figures of chapter 2 and of its long runs: from a name to a PNG."""
    digits, pictures = data.load("mnist"), data.load("cifar10")
    names = {"digits": digits.name, "pictures": pictures.name}
    found = {}
    for full in (False, True):
        chosen = recipes.chapter_2(0, full=full)
        results = runs_of([(names[what], recipe) for what, recipe in chosen])
        for what, picture in plots_convolution.figures(results, digits, pictures).items():
            found[f"02_conv_cifar10{'_full' * full}_{what}"] = picture
    return found


def chapter_3():
    """Figures of chapter 3: from a name to a PNG."""
    found = plots_bits.figures(read("03_bits_and_bytes.json"))
    return {f"03_bits_and_bytes_{what}": picture for what, picture in found.items()}


def runs_of_curves():
    """The committed runs of chapter 4, in the order of its plan."""
    names = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
    return [
        read(f"runs/{task.part}-{experiment.run_name(task.recipe, names[task.data], True)}.json")
        for task in curves.plan(FIGURES)
    ]


def chapter_4():
    """Figures of chapter 4: from a name to a PNG."""
    found = plots_curves.figures(runs_of_curves())
    return {f"04_compression_curves_{what}": picture for what, picture in found.items()}


def chapter_5():
    """Figures of chapter 5: from a name to a PNG."""
    found = plots_chips.figures(read("05_microcontroller.json"))
    return {f"05_microcontroller_{what}": picture for what, picture in found.items()}


def teaching():
    """The pictures that explain, which show no results: from a name to a PNG."""
    return {f"teaching_{what}": picture for what, picture in plots_teaching.figures().items()}


def front():
    """The picture of the front page: from a name to a PNG."""
    return {"front": plots_training.idea(read("front.json"))}


if __name__ == "__main__":
    for chapter in (front, teaching, chapter_1, chapter_2, chapter_3, chapter_4, chapter_5):
        for name, picture in chapter().items():
            atomic.write(FIGURES / f"{name}.png", picture)
            print(name)
