"""The sweep behind chapter 2: which rate and schedule each method gets.

Every method gets the same grid of rates, the baselines first. The 0/1 methods then also get four
density schedules, and the centred one alone is tried with other batches, pooling and layers. Only
validation images decide; the test set is not read. So that it does not take a day, the sweep trains
on 10,000 images of MNIST and of CIFAR-10, for four epochs. Two parts for each of the two, and a
third for CIFAR-10:

    rates      4 methods x 4 rates of Adam; the density constant
    schedules  both 0/1 methods: density constant, growing, shrinking, or by the penalty (which
               ends with 14% ones for centred weights on CIFAR-10, where 5% are asked for; a run
               that misses its density is not chosen)
    trials     centred 0/1, one thing changed: bits chosen at every eighth step only; batches
               of 128; images halved one convolution later; no dense layer before the classes

    python walkthrough/lab/sweep_2.py     26 minutes on two cores

A finished run leaves a file in out/runs/ and is not run again, nor is a committed one in
figures/runs/.
"""

import os
import sys
from pathlib import Path

# half of the batch on each core; must be said before NumPy is imported
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import experiment, options, recipes
from lab.recipes import METHODS, conv_recipe
from lab.sweep import best, sweep

RATES = (3e-3, 1e-2, 3e-2, 1e-1)
IMAGES = 10000
TRIALS = (
    {"every": 8},
    {"batch": 128},
    {"convs": (32, 32, "pool", 64, 64, "pool", 128, "pool")},
    {"sizes": (10,)},
)
NETS = {"digits": (recipes.LENET5, 4), "pictures": (recipes.vgg(32), 4)}
SPARSE = [method for method in METHODS if method.startswith("0/1")]


def run(args, executor=None):
    """Do all parts, and write and print what they choose.

    Parameters
    ----------
    args : argparse.Namespace
        `data_dir`, `seed` and `out`.
    executor : see `jobs.run`
    """
    rows, chosen, tried, data_names = [], {}, [], []

    def part(what, name, candidates):
        tried.extend(candidates)
        return sweep(what, name, args, candidates, executor)

    for what, name in (("digits", "mnist"), ("pictures", "cifar10")):
        dataset = options.open_data(name, args.data_dir)
        held = options.LOADED_AS[dataset.name]
        data_names.append(dataset.name)
        print(f"\n{dataset.name}")
        net, epochs = NETS[what]
        rates = part("rates", held, [
            conv_recipe(
                what, net, method, args.seed, epochs,
                (rate, "constant" if method in SPARSE else None), images=IMAGES,
            )[1]
            for method in METHODS
            for rate in RATES
        ])
        rate = {method: best(rates, method)["rate"] for method in METHODS}
        schedules = part("schedules", held, [
            conv_recipe(
                what, net, method, args.seed, epochs, (rate[method], schedule), images=IMAGES
            )[1]
            for method in SPARSE
            for schedule in recipes.SCHEDULES
        ])
        rows += rates + schedules
        if what == "pictures":
            choice = rate["0/1 centred"], best(schedules, "0/1 centred")["schedule"]
            rows += part("trials", held, [
                conv_recipe(
                    what, net | trial, "0/1 centred", args.seed, epochs, choice, images=IMAGES
                )[1]
                for trial in ({}, *TRIALS)
            ])
        chosen[what] = {method: (rate[method], None) for method in METHODS}
        for method in SPARSE:
            chosen[what][method] = (rate[method], best(schedules, method)["schedule"])

    file = args.out / f"{options.named('02_sweep', *data_names)}.json"
    experiment.write_json(file, options.with_provenance(
        "lab/sweep_2", args, " and ".join(data_names), sum(row["seconds"] for row in rows),
        experiment.digest(*tried), {"rows": rows},
    ))
    print(f"\nwrote {os.path.relpath(file)}")
    print("chosen (recipes.CHOSEN_2 says the same, or a test fails):")
    for what, choice in chosen.items():
        print(f"    {what!r}: {choice},")


if __name__ == "__main__":
    options.with_workers(
        options.command_line("The sweep that chose the rates of chapter 2."), run
    )
