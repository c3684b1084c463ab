"""Is a committed result still what the sources give? Train some of its runs again, and compare.

A result whose sources have changed since it was made is stale. Often the change moves no number: a
speed-up, an option that this result does not use. Then it need not take hours to know. This
trains the quickest run of each kind again (kinds differ in the data, or in what their recipes
choose by name), or the runs that --run names, and compares every number of theirs to the last
digit, but for seconds. It tells what it finds, and changes nothing.

A run is the same to the last digit only on the same kind of processor: with other instructions
(AVX2 or AVX-512) matrix products add in another order, and a training goes another way from the
first rounding on. `versions` of a result names the instructions as `simd`. To see whether a change
of the sources moved a number, train the same recipe with both sources on one machine.

    python walkthrough/lab/reproduce.py 01_mlp_mnist
    python walkthrough/lab/reproduce.py 02_sweep --list                  the names of its runs
    python walkthrough/lab/reproduce.py 04_compression_curves --run 784-300-100-10-Adam
    python walkthrough/lab/reproduce.py 01_sweep --write                 and note it in the file

The note, `reproduced`, has the date, the runs, and the digest of the sources of now. It is written
only if a run of each kind was trained and nothing differs.
"""

import os
import sys
from pathlib import Path

# as in the chapters: the first leaves the threads to the products, the others do not
if __name__ == "__main__" and not any(word.startswith("01") for word in sys.argv):
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
from datetime import date

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import curves, experiment, options, sources

# what a sweep adds to the row of a run
ADDED = ("part", "settings", "way")
# what is compared of a run, so far as its file has it
COMPARED = ("row", "epochs", "trace", "latents", "examples", "filters", "adds_in_training")


def runs_of(content, folder):
    """The runs that a result consists of.

    Parameters
    ----------
    content : dict
        Of a result file.
    folder : Path
        Where it is. Its folder `runs` has those runs that the result does not hold itself.

    Returns
    -------
    runs : list of dict
        `row`, `recipe`, `epochs` and what else a run's file has, in the order of the rows.

    Raises
    ------
    LookupError
        If the run of a row is missing.
    """
    held = content.get("runs") or [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((folder / "runs").glob("*.json"))
    ]
    found = []
    for row in content["rows"]:
        row = {key: value for key, value in row.items() if key not in ADDED}
        mine = [run for run in held if run["row"] == row]
        if not mine:
            raise LookupError(f"no run of {row} is in {folder / 'runs'}")
        found.append(mine[0])
    return found


def digest_of(runs):
    """The digest of what decides some runs, all of chapter 4 or none."""
    start = curves.START if "part" in runs[0] else sources.START
    return experiment.digest(*map(experiment.recipe_of, runs), start=start)


def name_of(run):
    """The name by which `--run` finds a run."""
    row = run["row"]
    read_test = row["test_accuracy"] is not None
    return experiment.run_name(experiment.recipe_of(run), row["data"], read_test)


def kind_of(run):
    """What must be alike in two runs for one to speak for both."""
    return f"{run['row']['data']}: {', '.join(sorted(experiment.recipe_of(run).words))}"


def trained_again(run, dataset):
    """The same run as the sources give it now."""
    recipe = experiment.recipe_of(run)
    read_test = run["row"]["test_accuracy"] is not None
    result, net = experiment.run(recipe, dataset, read_test)
    return curves.measured(recipe, dataset, result, net) if "part" in run else result


def without_seconds(value):
    """Numbers as a file holds them, less the seconds, which are never the same."""
    if isinstance(value, dict):
        return {k: without_seconds(v) for k, v in value.items() if k != "seconds"}
    if isinstance(value, (list, tuple)):
        return [without_seconds(each) for each in value]
    return value


def differences(old, new):
    """Names of the numbers of a run that are others now."""
    found = []
    for part in COMPARED:
        if part not in old:
            continue
        before, after = without_seconds(old[part]), without_seconds(new[part])
        if part == "row":                                     # may have got columns since
            found += [f"row: {key}" for key in before if after.get(key) != before[key]]
        elif before != after:
            found.append(part)
    return found


def main(words=None):
    parser = argparse.ArgumentParser(description="Train runs of a result again, and compare.")
    parser.add_argument("result", help="name of a file in the results folder, without .json")
    parser.add_argument(
        "--run", action="append", default=[], metavar="WORDS",
        help="only runs whose name contains this; given several times, any of them",
    )
    parser.add_argument("--list", action="store_true", help="say the names of its runs, and stop")
    parser.add_argument("--write", action="store_true", help="note in the file what was found")
    parser.add_argument("--data-dir", help="folder of the data (else $SBNN_DATA, cache, download)")
    parser.add_argument(
        "--results", type=Path, default=experiment.FIGURES, help="the results folder"
    )
    args = parser.parse_args(words)
    path = args.results / f"{args.result}.json"
    if not path.is_file():
        parser.error(f"result is {args.result}; there is no {path}")
    content = json.loads(path.read_text(encoding="utf-8"))
    try:
        runs = runs_of(content, args.results)
    except (KeyError, LookupError) as error:
        options.stop(f"{path} has no runs that could be trained again: {error}")
    if args.list:
        for run in runs:
            print(f"{run['row']['seconds']:6.0f} s  {name_of(run)}")
        return
    chosen = [run for run in runs if any(each in name_of(run) for each in args.run)]
    if not args.run:
        quickest = {}
        for run in sorted(runs, key=lambda run: run["row"]["seconds"]):
            quickest.setdefault(kind_of(run), run)
        chosen = list(quickest.values())
    if not chosen:
        options.stop(f"--run {' '.join(args.run)}: no run of {path} has it in its name; see --list")
    missing = {kind_of(run) for run in runs} - {kind_of(run) for run in chosen}
    if args.write and missing:
        options.stop(f"--write needs a run of each kind; none is of {sorted(missing)[0]}")

    for old in chosen:
        name = old["row"]["data"]
        dataset = options.open_data(options.LOADED_AS[name], args.data_dir)
        if dataset.name != name:
            options.stop(f"{path} is of {name}, which is not here")
        print(name_of(old), flush=True)
        found = differences(old, json.loads(json.dumps(trained_again(old, dataset))))
        if found:
            options.stop(
                f"{path} gives other numbers now: {', '.join(found)}\n(if the sources of then do "
                "so here, too, this processor or its BLAS rounds in another way)"
            )
    print(f"{len(chosen)} of {len(runs)} runs: the same to the last digit")
    if args.write:
        content["reproduced"] = {
            "date": date.today().isoformat(),
            "runs": [name_of(run) for run in chosen],
            "of": len(runs),
            "sources_digest": digest_of(runs),
        }
        experiment.write_json(path, content)
        print(f"noted in {path}")


if __name__ == "__main__":
    main()
