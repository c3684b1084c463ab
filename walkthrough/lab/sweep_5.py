"""Train the candidates of `chip_networks` on images of bits, and choose one for each target.

Among the candidates of a target that keep to its limits, the one with the best validation accuracy
is chosen. It alone reads the test set.

    python walkthrough/lab/sweep_5.py --plan         what each candidate takes; nothing is trained
    python walkthrough/lab/sweep_5.py                trains all, about 70 minutes on two cores
    python walkthrough/lab/sweep_5.py --only 16      those for 16 KB alone
    python walkthrough/lab/sweep_5.py --renew        and writes over the committed networks

A trained candidate is kept in out/chips/ and is not trained again. The chosen networks go to the
folder chips/ of the results, as .sbnn files, and what was tried to 05_sweep.json. Where --only
leaves targets out, their results stay as they are.
"""

import os
import sys
from pathlib import Path

# half of the batch on each core; must be said before NumPy is imported
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import json

import numpy as np

from lab import chip_networks, chips, experiment, jobs, models, options
from lab.tables import aligned, percent
from sbnn_np.bits import freeze, storage
from sbnn_np.datasets import strokes
from sbnn_np.engines import packed

KEPT = experiment.FIGURES.parent / "out" / "chips"


def trained(recipe, dataset):
    """Train a candidate and freeze it, or read it, if its sources are unchanged.

    Parameters
    ----------
    recipe : experiment.Recipe
    dataset : data.Data
        Of images of bits.

    Returns
    -------
    result : dict
        As `experiment.run_once` gives it, without the test set.
    model : frozen.Frozen
    """
    name, digest = experiment.run_name(recipe, dataset.name, False), experiment.digest(recipe)
    result_path, model_path = KEPT / f"{name}.json", KEPT / f"{name}.sbnn"
    if result_path.exists() and model_path.exists():
        result = json.loads(result_path.read_text(encoding="utf-8"))
        if result["sources_digest"] == digest:
            return result, storage.load(model_path)
    result, net = experiment.run(
        recipe, dataset, read_test=False, save_to=KEPT / f"{name}.part", resume=True
    )
    result |= experiment.provenance(result["row"]["seconds"], digest)
    model = freeze.freeze(net, dataset.classes, models.THRESHOLD)
    storage.save(model, model_path)
    experiment.write_json(result_path, result)
    (KEPT / f"{name}.part").unlink(missing_ok=True)
    return result, model


def measure(place, seed, name, data_dir):
    """Train a candidate, by its place in `chip_networks.candidates`; reads no test set.

    Returns
    -------
    result : dict
        See `trained`.
    found : dict
        See `chip_networks.measured`; and `kernel` and `fits`.
    """
    target, recipe = chip_networks.candidates(seed)[place]
    result, model = trained(recipe, models.as_bits(experiment.load(name, data_dir)))
    found = chip_networks.measured(model, target, chip_networks.drawn())
    fits = chip_networks.fits(found, target)
    return result, {**found, "kernel": recipe.kernel, "fits": fits}


def choose(candidates, target):
    """The candidate with the best validation accuracy among those that fit; None if none does.

    Parameters
    ----------
    candidates : list of dict
        With `part`, the name of a target, `fits`, and `validation_accuracy`.
    target : chip_networks.Target
    """
    good = [each for each in candidates if each["part"] == target.name and each["fits"]]
    return max(good, key=lambda each: each["validation_accuracy"], default=None)


def of_chip(name, what):
    """A column function: a number of a row for one chip, or None where it does not run."""
    return lambda row: f"{row[name][what]:,}" if "error" not in row[name] else None


COLUMNS = (
    ("target", lambda row: row["part"]),
    ("method", lambda row: row["method"]),
    ("architecture", lambda row: row["architecture"]),
    ("kernel", lambda row: row["kernel"]),
    ("ones", lambda row: f"{row['ones']:,}"),
    ("density", lambda row: percent(row["density"])),
    ("M0 flash", of_chip("Cortex-M0", "flash")),
    ("M0 RAM", of_chip("Cortex-M0", "ram")),
    ("instructions", of_chip("Cortex-M0", "count")),
    ("AVR flash", of_chip("ATmega328P", "flash")),
    ("AVR RAM", of_chip("ATmega328P", "ram")),
    ("cycles", of_chip("ATmega328P", "count")),
    ("fits", lambda row: "yes" if row["fits"] else "no"),
)
ACCURACY = (
    ("validation (%)", lambda row: percent(row["validation_accuracy"])),
)


def plan(args):
    """Print what each candidate takes, counted with random bits; nothing is trained."""
    rows, seen = [], strokes.draw(np.arange(200) % 10, np.random.default_rng(0))
    for target, recipe in chip_networks.candidates(args.seed):
        if args.only not in target.name:
            continue
        model = chip_networks.untrained(recipe, seen)
        found = chip_networks.measured(model, target, chip_networks.drawn())
        rows.append({
            "part": target.name, "method": recipe.method, "architecture": recipe.architecture,
            "kernel": recipe.kernel, "density": recipe.density, **found,
            "fits": chip_networks.fits(found, target),
        })
    print(aligned(COLUMNS, rows))
    for row in rows:
        for chip in chips.CHIPS:
            if "error" in row[chip.name]:
                print(f"{row['architecture']} on the {chip.name}: {row[chip.name]['error']}")


def run(args, executor=None):
    """Train all candidates, choose, and write the chosen networks and the result file.

    Parameters
    ----------
    args : argparse.Namespace
        `data_dir`, `seed`, `out` and `only`.
    executor : see `jobs.run`
    """
    for chip in chips.CHIPS:
        if chips.missing(chip):
            options.stop(f"the {chip.name} cannot be simulated here; this installs what it takes: "
                         f"{chips.missing(chip)}")
    if args.plan:
        return plan(args)
    pixels = options.open_data("mnist", args.data_dir)
    dataset, held = models.as_bits(pixels), options.LOADED_AS[pixels.name]
    both = chip_networks.candidates(args.seed)
    tried = [n for n, (target, _) in enumerate(both) if args.only in target.name]
    KEPT.mkdir(parents=True, exist_ok=True)
    file = args.out / f"{options.named('05_sweep', pixels.name)}.json"
    empty = {"rows": [], "found": [], "chosen": {}}
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else empty
    done = {both[n][0].name for n in tried}
    rows = [
        (row, found) for row, found in zip(before["rows"], before["found"])
        if row["part"] not in done
    ]
    chosen = {name: each for name, each in before["chosen"].items() if name not in done}
    for place, (result, found) in jobs.run(
        measure, [(n, args.seed, held, args.data_dir) for n in tried], executor
    ):
        target, recipe = both[tried[place]]
        row = {"part": target.name, **result["row"]}
        rows.append((row, found))
        name = experiment.run_name(recipe, dataset.name, False)
        experiment.write_json(args.out / "runs" / f"{name}.json", result)
        print(
            f"{target.name}  {row['method']:<11} {row['architecture']:<24} "
            f"{100 * row['density']:5.2f}% ones  validation {100 * row['validation_accuracy']:.2f}%"
            f"  {row['seconds']:.0f} s", flush=True,
        )
    rows.sort(key=lambda each: [target.name for target in chip_networks.TARGETS].index(
        each[0]["part"]
    ))
    candidates = [{**row, **found} for row, found in rows]
    print(f"\n{aligned((*COLUMNS, *ACCURACY), candidates)}\n")
    (args.out / "chips").mkdir(exist_ok=True)
    for target in chip_networks.TARGETS:
        best = choose(candidates, target)
        if target.name not in done or best is None:
            continue
        recipe = next(
            recipe for wanted, recipe in both if wanted is target
            and recipe.density == best["target_density"] and recipe.kernel == best["kernel"]
            and (recipe.method, recipe.architecture) == (best["method"], best["architecture"])
        )
        _, model = trained(recipe, dataset)
        predicted = packed.Packed(model).forward(pixels.test_images).argmax(axis=1)
        chosen[target.name] = {
            "architecture": recipe.architecture, "method": recipe.method,
            "density": recipe.density, "kernel": recipe.kernel,
            "test_accuracy": float(np.mean(predicted == pixels.test_labels)),
            "file_bytes": storage.save(model, args.out / "chips" / f"{target.name}.sbnn"),
        }
        print(f"{target.name}: {recipe.method} {recipe.architecture}, test accuracy "
              f"{100 * chosen[target.name]['test_accuracy']:.2f}%")
    experiment.write_json(file, options.with_provenance(
        "lab/sweep_5", args, dataset.name, sum(row["seconds"] for row, _ in rows),
        experiment.digest(*(recipe for _, recipe in both)), {
            "rows": [row for row, _ in rows], "found": [found for _, found in rows],
            "chosen": chosen,
        },
    ))
    print(f"wrote {os.path.relpath(file)}, and the chosen networks into the folder chips beside it")


if __name__ == "__main__":
    parser = options.command_line("Trains networks for chips and chooses among them.")
    parser.add_argument("--plan", action="store_true", help="say what they take; train nothing")
    parser.add_argument("--only", default="", help="targets whose name contains this")
    options.with_workers(parser, run)
