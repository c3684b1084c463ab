"""The results as data: one row a run in results.csv, and means over seeds in results_means.csv.

    PYTHONPATH=walkthrough python -m lab.csv_of_results

Both are written from the committed JSON, and nothing is trained. `rewrite` does the same.
results_columns.csv says what each column is.
"""

import csv
import io
import json
import math

from lab import experiment
from lab.result_columns import COLUMNS, NUMBERS, SETTINGS
from sbnn_np.support import atomic

FIGURES = experiment.FIGURES
SPREAD = "low", "high"
IDENTITY = (
    "data", "method", "architecture", "target_density", "schedule", "optimizer", "rate", "epochs",
    "seed", "validation_accuracy", "test_accuracy", "seconds",
)


def runs(folder=FIGURES):
    """Every run below a folder of results, once.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    runs : list of dict
        `row`, `epochs`, `date` and `versions` as a result file has them; `file`, where they are;
        `results`, the names of the result files whose table has the run; `parts`, the parts of
        these that it is in; `recipe`, or None where the file has none.
    """
    found = {}

    def add(run, path, origin):
        recipe = experiment.recipe_of(run) if "recipe" in run else None
        found.setdefault(identity(run["row"]), []).append({
            "file": path.relative_to(folder).as_posix(), "results": [], "parts": [],
            "row": run["row"], "recipe": recipe, "epochs": run.get("epochs"),
            "adds_in_training": run.get("adds_in_training"),
            "date": origin["date"], "versions": origin["versions"],
        })

    for path in sorted((folder / "runs").glob("*.json")):
        run = read(path)
        add(run, path, run)
    for path in sorted(folder.glob("[0-9]*.json")):
        content = read(path)
        for run in content.get("runs", []):
            add(run, path, content)
        for row in content.get("rows", []):
            if identity(row) not in {None, *found}:
                add({"row": row}, path, content)
            for run in found.get(identity(row), []):
                for told, word in (("results", path.stem), ("parts", row.get("part"))):
                    run[told] += [word] if word and word not in run[told] else []
    return sorted((run for same in found.values() for run in same), key=place)


def read(path):
    """Content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def identity(row):
    """What tells a run from all others, or None if a row is of no run."""
    return tuple(row[name] for name in IDENTITY) if row.keys() >= set(IDENTITY) else None


def place(run):
    """Where a run stands among all others: by its settings, then its seed, then its file."""
    values = [column.value(run) for column in SETTINGS] + [run["row"].get("seed"), run["file"]]
    # numbers by size, then words, then what is missing
    return [
        (0, value, "") if isinstance(value, (int, float)) else (1 + (value is None), 0, cell(value))
        for value in values
    ]


def cell(value):
    """A value as text: "" for None, and for a float the fewest digits that give the same float.

    Examples
    --------
    >>> cell(0.1), cell(7), cell(None), cell(True), cell([0.25, 1])
    ('0.1', '7', '', 'True', '0.25 1')
    """
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return " ".join(map(cell, value))
    return value if isinstance(value, str) else repr(value)


def groups(found):
    """Runs that differ in their seed alone, together.

    Parameters
    ----------
    found : list of dict
        See `runs`.

    Returns
    -------
    groups : list of list of dict
        In the order of their first runs.
    """
    together = {}
    for run in found:
        settings = tuple(cell(column.value(run)) for column in SETTINGS)
        together.setdefault(settings, []).append(run)
    return list(together.values())


def mean(values):
    """The mean of numbers, or None unless all are there.

    Examples
    --------
    >>> mean([1, 2]), mean([1, None])
    (1.5, None)
    """
    return None if None in values else math.fsum(values) / len(values)


def text_of(titles, lines):
    """CSV text, with lines that end in a line feed.

    Parameters
    ----------
    titles : list of str
    lines : iterable of list
        See `cell`.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([titles, *([cell(value) for value in line] for line in lines)])
    return out.getvalue()


def line_of_means(group):
    """The line of results_means.csv for runs that differ in their seed alone: a list."""
    line = [column.value(group[0]) for column in SETTINGS] + [len(group)]
    for column in NUMBERS:
        values = [column.value(run) for run in group]
        line.append(mean(values))
        if column.spread:
            line += [None, None] if None in values else [min(values), max(values)]
    return line


def files(folder=FIGURES):
    """The three files as they are to be.

    Parameters
    ----------
    folder : Path
        It has the JSON.

    Returns
    -------
    files : dict
        From a name to text.
    """
    found = runs(folder)
    of_means = [column.name for column in SETTINGS] + ["seeds"]
    for column in NUMBERS:
        of_means += [column.name, *[f"{column.name}_{end}" for end in SPREAD if column.spread]]
    return {
        "results.csv": text_of(
            [column.name for column in COLUMNS],
            [[column.value(run) for column in COLUMNS] for run in found],
        ),
        "results_means.csv": text_of(of_means, map(line_of_means, groups(found))),
        "results_columns.csv": text_of(
            ["column", "meaning"],
            [[column.name, column.meaning] for column in COLUMNS] + [
                ["seeds", "in results_means.csv: number of runs that the numbers are means over"],
                ["..._low, ..._high", "in results_means.csv: the lowest and highest of the seeds"],
            ],
        ),
    }


def write(folder=FIGURES):
    """Write the three files, and return their names."""
    texts = files(folder)
    for name, text in texts.items():
        atomic.write(folder / name, text.encode())
    return list(texts)


if __name__ == "__main__":
    print("\n".join(write()))
