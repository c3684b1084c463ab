"""The sweep behind chapter 4: which rates the ternary networks get.

The same grids as in the sweeps of chapters 1 and 2, on the same networks and as many epochs, for
ternary weights as they are and with a penalty on weights that are not 0. Only validation images
decide; the test set is not read.

    python walkthrough/lab/sweep_4.py     15 minutes or so on two cores

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
from lab.curves import EXPECTED, SHARE
from lab.sweep import sweep


def run(args, executor=None):
    """Do all parts, and write and print what they choose.

    Parameters
    ----------
    args : argparse.Namespace
        `data_dir`, `seed` and `out`.
    executor : see `jobs.run`
    """
    rows, chosen, tried, data_names = [], {}, [], {}
    for what, name in (("dense", "mnist"), ("digits", "mnist"), ("pictures", "cifar10")):
        dataset = options.open_data(name, args.data_dir)
        held = options.LOADED_AS[dataset.name]
        data_names[dataset.name] = None                       # a dict, to have each once
        for share in (None, SHARE):
            sparse = {"density": EXPECTED, "share": share} if share else {}
            if what == "dense":
                candidates = [
                    experiment.Recipe(
                        "ternary", (784, 512, 512, 10), optimizer, rate, 20, args.seed, **sparse
                    )
                    for optimizer in experiment.OPTIMIZERS
                    for rate in (1e-3, 3e-3, 1e-2)
                ]
            else:
                net = recipes.LENET5 if what == "digits" else recipes.vgg(32)
                candidates = [
                    experiment.Recipe(
                        "ternary", optimizer="Adam", rate=rate, epochs=4, seed=args.seed,
                        images=10000, **sparse, **net,
                    )
                    for rate in (3e-3, 1e-2, 3e-2, 1e-1)
                ]
            part = f"{what}, regularised" if share else what
            found = sweep(part, held, args, candidates, executor)
            best = max(found, key=lambda row: row["validation_accuracy"])
            chosen[what, bool(share)] = best["optimizer"], best["rate"]
            rows += found
            tried += candidates

    file = args.out / f"{options.named('04_sweep', *data_names)}.json"
    experiment.write_json(file, options.with_provenance(
        "lab/sweep_4", args, " and ".join(data_names), sum(row["seconds"] for row in rows),
        experiment.digest(*tried), {"rows": rows},
    ))
    print(f"\nwrote {os.path.relpath(file)}")
    print("chosen (recipes.CHOSEN_4 says the same, or a test fails):")
    for (what, regularised), choice in chosen.items():
        print(f"    {what}, {'regularised' if regularised else 'as it is'}: {choice}")


if __name__ == "__main__":
    options.with_workers(
        options.command_line("The sweep that chose the rates of ternary networks."), run
    )
