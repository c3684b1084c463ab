"""The trials behind the recipes: rates, and a training that forgets, for every method alike.

Each way to a network gets the same search, the baselines first: full precision, +-1 and ternary;
plain 0/1 weights; and centred ones with their density constant, growing by timetable, shrinking,
and grown by gradient. Only validation images decide; the test set is not read.

    rates      Adam at four rates, and on beyond an end of them while that end is the best
    eps        that of batch norm: 0.1 and 1 in place of 1e-5, and on while the larger is better
    memory     Adam's beta2 of 0.98 in place of 0.999, with latents that fade by 0, 0.03 or 0.1
               times the rate a step
    again      half of a step up and down in the rate, with what was best so far
    seeds      what was best so far, and two more seeds of it
    ideas      the same three seeds with one thing more: see `IDEAS`

    python walkthrough/lab/trials.py --data mnist      784-300-100-10, 8 epochs: 80 minutes
    python walkthrough/lab/trials.py --data cifar10    five convolutions of 16 to 64 filters, 4
                                                       epochs of 10,000 images: two hours

A finished run leaves a file in out/runs/ and is not run again, nor is a committed one in
figures/runs/.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

# one thread for a product, so that the number of cores decides no number; must be said before NumPy
# is imported
os.environ["OPENBLAS_NUM_THREADS"] = "1"

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import experiment, options, recipes
from lab.sweep import best_of, sweep

RATES = (3e-3, 1e-2, 3e-2, 1e-1)
EPS = (1e-1, 1.0)
MEMORIES = ((0.98, None), (0.98, 0.03), (0.98, 0.1))
# what is tried beside the best of a way: its name, and what of the recipe changes
IDEAS = {
    "constant": {
        "balanced start": {"variant": "balanced start"},
        "learned centre": {"variant": "learned centre"},
        "bits chosen less often late": {"variant": "seldom late"},
        "swaps by gradient": {"variant": "swaps"},
    },
    "growing": {
        "over a tenth": {"over": 0.1},
        "swaps by gradient": {"variant": "swaps"},
    },
    "grown by gradient": {
        "share 0.07": {"share": 0.07},
        "share 0.2": {"share": 0.2},
        "a budget as the lid": {"variant": "lid"},
        "start at 0.2%": {"start": 0.002},
        "start at 1%": {"start": 0.01},
        "balanced start": {"variant": "balanced start"},
        "learned centre": {"variant": "learned centre"},
        "bits chosen less often late": {"variant": "seldom late"},
    },
}
SEEDS = 3
FILES = {
    "mnist": "01_trials", "strokes": "01_trials", "cifar10": "02_trials", "shapes": "02_trials",
}


def search(begin, part):
    """Find what is best for a way: rate, eps, memory, and the rate again.

    Parameters
    ----------
    begin : Recipe
    part : function of (str, list of Recipe)
        Runs them, and returns their rows.

    Returns
    -------
    chosen : Recipe
    """
    tried = {}

    def run(what, candidates):
        candidates = [recipe for recipe in candidates if recipe not in tried]
        tried.update(zip(candidates, part(what, candidates)))
        top = best_of(list(tried.values()))
        return next(recipe for recipe, row in tried.items() if row is top)

    chosen = run("rates", [replace(begin, rate=rate) for rate in RATES])
    for edge, factor in ((RATES[-1], 3), (RATES[0], 1 / 3)):
        while chosen.rate == edge and 1e-4 < edge < 2:
            edge = float(f"{edge * factor:.1g}")
            chosen = run("rates", [replace(chosen, rate=edge)])
    chosen = run("eps", [replace(chosen, eps=eps) for eps in EPS])
    edge = EPS[-1]
    while chosen.eps == edge and edge < 1e4:
        edge *= 10
        chosen = run("eps", [replace(chosen, eps=edge)])
    chosen = run("memory", [
        replace(chosen, beta2=beta2, fade=fade) for beta2, fade in MEMORIES
    ])
    return run("again", [
        replace(chosen, rate=float(f"{chosen.rate * factor:.2g}")) for factor in (0.55, 1.8)
    ])


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
    rows, tried, chosen = [], [], {}
    for way, what in recipes.WAYS.items():
        print(f"\n{way}", flush=True)

        def part(label, candidates, way=way):
            tried.extend(candidates)
            found = sweep(label, name, args, candidates, executor)
            rows.extend({"way": way, **row} for row in found)
            return found

        chosen[way] = search(replace(recipes.tried(args.data, args.seed), **what), part)
        seeds = range(args.seed, args.seed + SEEDS)
        part("seeds", [replace(chosen[way], seed=seed) for seed in seeds])
        for idea, change in IDEAS.get(way, {}).items():
            part(idea, [replace(chosen[way], seed=seed, **change) for seed in seeds])

    file = args.out / f"{options.named(FILES[name], dataset.name)}.json"
    experiment.write_json(file, options.with_provenance(
        "lab/trials", args, dataset.name, sum(row["seconds"] for row in rows),
        experiment.digest(*tried), {"rows": rows},
    ))
    print(f"\nwrote {os.path.relpath(file)}")
    print("chosen (recipes.FOUND says the same, or a test fails):")
    for way, recipe in chosen.items():
        print(
            f"    {way!r}: rate {recipe.rate}, eps {recipe.eps}, beta2 {recipe.beta2}, "
            f"fade {recipe.fade}"
        )


if __name__ == "__main__":
    parser = options.command_line("Trials of rates, and of what makes a training forget.")
    parser.add_argument(
        "--data", choices=["mnist", "cifar10", "strokes", "shapes"], default="mnist",
        help="data set",
    )
    options.with_workers(parser, run)
