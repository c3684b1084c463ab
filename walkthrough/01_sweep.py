"""The sweep behind chapter 1: which optimizer, rate, length and schedule each method gets.

Every method gets the same grid, the baselines first, and only validation images decide;
the test set is not read. Three parts:

    rates      4 methods x 2 optimizers x 4 rates, 10 epochs
    lengths    4 methods, each with its best optimizer and rate, 20 and 40 epochs
    schedules  both 0/1 methods: density constant, growing, shrinking, or by the penalty,
               with two seeds each, so that differences can be told from noise

    python walkthrough/01_sweep.py     @SWEEP@ minutes on two cores

A finished run leaves a file in figures/runs/ and is not run again.
"""

import argparse
import time
from pathlib import Path

import experiment
from experiment import DENSITY, Recipe, recipe_for

from sbnn_np import network, plots

RATES = (1e-3, 3e-3, 1e-2, 3e-2)
EPOCHS = 10

parser = argparse.ArgumentParser(
    description="The sweep that chose the rates of chapter 1.",
    formatter_class=argparse.ArgumentDefaultsHelpFormatter,
)
parser.add_argument("--data", choices=["mnist", "strokes"], default="mnist", help="data set")
parser.add_argument("--data-dir", help="folder of its files (else $SBNN_DATA, cache, download)")
parser.add_argument("--seed", type=int, default=0, help="of weights and order of images")
parser.add_argument("--out", type=Path, default=experiment.ROOT / "figures", help="results folder")
args = parser.parse_args()

began = time.perf_counter()
dataset = experiment.open_data(args.data, args.data_dir)


def sweep(part, recipes):
    """Run the recipes without reading the test set; return their rows."""
    rows = []
    for recipe in recipes:
        result = experiment.run_once(recipe, dataset, args.out / "runs", read_test=False)
        row = {"part": part, **result["row"], "share": recipe.share}
        rows.append(row)
        print(
            f"{part:9s}  {row['method']:<15} {row['optimizer']:<13} rate {row['rate']:<6} "
            f"{row['epochs']:2d} epochs  {row['schedule'] or '-':<9} seed {row['seed']}  "
            f"density {100 * (row['density'] or 0):5.2f}%  "
            f"validation {100 * row['validation_accuracy']:.2f}%",
            flush=True,
        )
    return rows


rates = sweep("rates", [
    recipe_for(method, args.seed, EPOCHS, optimizer=optimizer, rate=rate)
    for method in network.METHODS
    for optimizer in experiment.OPTIMIZERS
    for rate in RATES
])
best = {}
for row in rates:
    leader = best.setdefault(row["method"], row)
    if row["validation_accuracy"] > leader["validation_accuracy"]:
        best[row["method"]] = row


def chosen(method, seed, epochs, **changes) -> Recipe:
    row = best[method]
    return recipe_for(method, seed, epochs, optimizer=row["optimizer"], rate=row["rate"], **changes)


lengths = sweep("lengths", [
    chosen(method, args.seed, epochs) for method in network.METHODS for epochs in (20, 40)
])
schedules = sweep("schedules", [
    chosen(method, args.seed + i, EPOCHS, **changes)
    for method in ("0/1", "0/1 centred")
    for changes in (
        {"start": None},
        {},
        {"start": 0.5},
        {"start": DENSITY, "share": 0.05},
        {"start": DENSITY, "share": 0.1},
    )
    for i in range(2)
])

content = {
    "command": " ".join(["python", "walkthrough/01_sweep.py", *experiment.shown(args)]),
    "seed": args.seed,
    "data": dataset.name,
    **experiment.provenance(time.perf_counter() - began),
    "rows": rates + lengths + schedules,
}
content["seconds"] = round(sum(row["seconds"] for row in content["rows"]), 1)
experiment.write_json(args.out / "01_sweep.json", content)
experiment.write_whole(args.out / "01_sweep.png", plots.rate_sweep(rates))
for method, row in best.items():
    print(
        f"{method}: {row['optimizer']}, rate {row['rate']}, "
        f"validation {100 * row['validation_accuracy']:.2f}%"
    )
