"""Growing by gradient with and without what makes it work: short runs, and what they show."""

from dataclasses import replace

import numpy as np

from lab import experiment
from lab.watch import Watch

# what a training usually has, which fails where a network begins nearly empty
USUAL = {"eps": 1e-5, "beta2": 0.999, "fade": 0.0}
BIN = 8  # steps to a point of a line


def compare(recipe, mends, dataset, log):
    """Train with all mends, with each switched off, and with none; and watch.

    Parameters
    ----------
    recipe : Recipe
        Of the training with all of them, a short one.
    mends : dict
        From a name of a mend to the settings of the recipe that it is.
    dataset : data.Data
    log : function of a str
        Receives a table, line by line.

    Returns
    -------
    lines : list of dict
        `name`, the settings, `validation_accuracy`, `density`, `tried`, and lists with a number for
        each eight steps: `largest` (of the neurons' gradients, see `Watch`, the maximum over the
        steps), `usual` (the median), and `flips` (mean a step).
    """
    settings = {key: getattr(recipe, key) for change in mends.values() for key in change}
    trials = {"all mends": settings}
    for name, change in mends.items():
        trials[f"without {name}"] = settings | {key: USUAL[key] for key in change}
    trials["without any"] = {key: USUAL[key] for key in settings}
    log("                     largest gradient    flips a step      ones      valid")
    log("                     over the usual one  last quarter      at the end")
    lines = []
    for name, change in trials.items():
        watch = Watch(layer=0)
        result, _ = experiment.run(
            replace(recipe, **change), dataset, read_test=False, on_step=watch
        )
        row = result["row"]
        line = {
            "name": name, **change, "validation_accuracy": row["validation_accuracy"],
            "density": row["density"], "tried": watch.tried[-1],
            "largest": binned(watch.largest, np.max), "usual": binned(watch.usual, np.median),
            "flips": binned(watch.flips, np.mean),
        }
        lines.append(line)
        late = line["flips"][3 * len(line["flips"]) // 4 :]
        log(
            f"{name:<22}{max(line['largest']) / typical(line):13,.0f}"
            f"{np.mean(late):16.1f}{100 * row['density']:15.2f}%"
            f"{100 * row['validation_accuracy']:9.2f}%"
        )
    return lines


def typical(line):
    """The median of the usual gradients, of the steps in which most neurons had one."""
    return float(np.median([size for size in line["usual"] if size > 0] or [np.inf]))


def told(lines):
    """What the mends together change, in a sentence.

    Parameters
    ----------
    lines : list of dict
        As `compare` returns them.
    """
    by = {line["name"]: line for line in lines}
    with_all, without = by["all mends"], by["without any"]
    times = max(without["largest"]) / max(with_all["largest"])
    points = 100 * (with_all["validation_accuracy"] - without["validation_accuracy"])
    return (
        f"With all mends the largest gradient is {times:,.0f} times smaller than with none, and "
        f"{abs(points):.1f} points {'more' if points >= 0 else 'fewer'} of the validation images "
        "are classified rightly."
    )


def binned(values, f):
    """f of each run of BIN values, as a list of float that a file can hold in few digits."""
    whole = len(values) // BIN * BIN
    return [float(f"{f(part):.4g}") for part in np.reshape(values[:whole], (-1, BIN))]
