"""The sweep behind chapter 1: which optimizer, rate and schedule each method gets.

Every method gets the same grid of optimizers and rates, the baselines first. The 0/1 methods then
also get four density schedules. Only validation images decide; the test set is not read. Three
parts:

    rates      4 methods x 2 optimizers x 3 rates, 20 epochs; the density constant
    schedules  both 0/1 methods: density constant, growing, shrinking, or by the penalty
    lengths    4 methods, each with what was best for it, 5 and 10 epochs: every method
               gains by length, so chapter 1 takes what its minutes allow, 15, and 30
               with --full

    python walkthrough/lab/sweep_1.py     30 minutes on two cores

A finished run leaves a file in out/runs/ and is not run again, nor is a committed one in
figures/runs/.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import experiment, options, plots_training, recipes
from lab.recipes import METHODS, recipe_for
from lab.sweep import best, sweep
from sbnn_np.support import atomic

RATES = (1e-3, 3e-3, 1e-2)
EPOCHS = 20
SPARSE = [method for method in METHODS if method.startswith("0/1")]


def run(args, executor=None):
    """Do all parts, and write and print what they choose.

    Parameters
    ----------
    args : argparse.Namespace
        `data`, `data_dir`, `seed` and `out`.
    executor : see `jobs.run`
    """
    dataset = options.open_data(args.data, args.data_dir)
    name = options.LOADED_AS[dataset.name]
    tried = []

    def part(what, candidates):
        tried.extend(candidates)
        return sweep(what, name, args, candidates, executor)

    constant = dict.fromkeys(SPARSE, "constant")              # until the schedules are compared
    rates = part("rates", [
        recipe_for(method, args.seed, EPOCHS, (optimizer, rate, constant.get(method)))
        for method in METHODS
        for optimizer in experiment.OPTIMIZERS
        for rate in RATES
    ])
    choice = {}
    for method in METHODS:
        row = best(rates, method)
        choice[method] = (row["optimizer"], row["rate"])
    schedules = part("schedules", [
        recipe_for(method, args.seed, EPOCHS, (*choice[method], schedule))
        for method in SPARSE
        for schedule in recipes.SCHEDULES
    ])
    for method in METHODS:
        choice[method] += (best(schedules, method)["schedule"] if method in SPARSE else None,)
    lengths = part("lengths", [
        recipe_for(method, args.seed, epochs, choice[method])
        for method in METHODS
        for epochs in (5, 10)
    ])

    rows = rates + schedules + lengths
    file = options.named("01_sweep", dataset.name)
    experiment.write_json(args.out / f"{file}.json", options.with_provenance(
        "lab/sweep_1", args, dataset.name, sum(row["seconds"] for row in rows),
        experiment.digest(*tried), {"rows": rows},
    ))
    atomic.write(args.out / f"{file}.png", plots_training.rate_sweep(rates))
    print(f"\nwrote {os.path.relpath(args.out / file)}.json and a figure beside it")
    print("chosen (recipes.CHOSEN says the same, or a test fails):")
    for method, chosen in choice.items():
        print(f"    {method!r}: {chosen},")


if __name__ == "__main__":
    parser = options.command_line("The sweep that chose the rates of chapter 1.")
    parser.add_argument("--data", choices=["mnist", "strokes"], default="mnist", help="data set")
    options.with_workers(parser, run)
