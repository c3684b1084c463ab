"""One part of a sweep: recipes that differ in what is to be chosen, judged by validation images."""

from dataclasses import fields
from pathlib import Path

from lab import experiment, jobs
from lab.experiment import Recipe

# what a row of a sweep says of its recipe beside what every row says, where it is not the usual
ALSO = ("eps", "beta2", "fade", "start", "share", "over", "variant")


def measure(recipe, name, data_dir, out):
    """The row of one run, which does not read the test set; see `sweep`."""
    folders = [Path(out) / "runs", experiment.FIGURES / "runs"]
    dataset = experiment.load(name, data_dir)
    return experiment.run_once(recipe, dataset, folders, read_test=False)["row"]


def sweep(part, name, args, candidates, executor=None):
    """Run recipes without reading the test set.

    Parameters
    ----------
    part : str
        What the sweep calls this part of it.
    name : str
        Of the data, as `data.load` knows it.
    args : argparse.Namespace
        `data_dir`, and `out`, the results folder: runs are written to its folder `runs`. Those that
        are finished, there or among the committed ones, are not run again.
    candidates : list of Recipe
    executor : see `jobs.run`

    Returns
    -------
    rows : list of dict
        The rows of the runs, each with its `part`, in the order of the candidates.
    """
    rows = [None] * len(candidates)
    tried = [(recipe, name, args.data_dir, str(args.out)) for recipe in candidates]
    for place, row in jobs.run(measure, tried, executor):
        changed = {
            field.name: getattr(candidates[place], field.name) for field in fields(Recipe)
            if field.name in ALSO and getattr(candidates[place], field.name) != field.default
        }
        rows[place] = {"part": part, "settings": changed, **row}
        print(
            f"{part:9s}  {row['method']:<15} {row['optimizer']:<13} rate {row['rate']:<6} "
            f"{row['epochs']:2d} epochs  {row['schedule'] or '-':<9} seed {row['seed']}  "
            f"density {100 * (row['density'] or 0):5.2f}%  "
            f"validation {100 * row['validation_accuracy']:.2f}%  "
            + ", ".join(f"{name} {value}" for name, value in changed.items()),
            flush=True,
        )
    return rows


def best(rows, method):
    """The best row of a method; see `best_of`."""
    return best_of([row for row in rows if row["method"] == method])


def best_of(rows):
    """The row with the best validation accuracy among those within their density, if any is.

    The penalty alone can miss its density. Of equals, the first one is taken.
    """
    within = [row for row in rows if (row["density"] or 0) <= (row["target_density"] or 1)]
    return max(within or rows, key=lambda row: row["validation_accuracy"])
