"""Do two versions of the sources train the same networks? Train them with both, on one machine.

A change that is to move no number can be checked so: short runs of the recipes of chapters 1, 2 and
4 are trained with these sources and with those of another checkout, such as one that
`git worktree add ../before COMMIT` makes. Compared are the rows, the numbers of every epoch, the
densities, the latents, the answers and the model files, to the last bit, but for seconds.
(`reproduce.py` compares with what is committed, which may come from another kind of processor.)

    python walkthrough/lab/compare.py ../before          6 minutes on two cores
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve()
TREE = HERE.parents[2]


def trained(part, data_dir):
    """Train the short runs of a part, and yield a name and a hash of all that came of each.

    Parameters
    ----------
    part : "dense" or "convolutions"
    data_dir : str or None
        See `data.load`.
    """
    from lab import curves, experiment, recipes
    from sbnn_np.bits import freeze, storage
    from sbnn_np.datasets import data

    sets = {
        "digits": data.load("mnist", data_dir), "pictures": data.load("cifar10", data_dir),
    }
    if part == "dense":
        runs = [("digits", replace(recipe, epochs=2)) for recipe in recipes.chapter_1(0)]
    else:
        short = {"epochs": 1, "images": 3000}
        runs = [(what, replace(recipe, **short)) for what, recipe in recipes.chapter_2(0)]
        runs += [
            ("digits", replace(task.recipe, epochs=2, images=20000))
            for task in curves.plan("nowhere")
            if task.recipe.architecture == "784-300-100-10" and task.recipe.seed == 0
            and task.recipe.epochs == 12
            and (task.recipe.method == "ternary" or task.recipe.density in (0.05, 0.01))
        ]
    for what, recipe in runs:
        result, net = experiment.run(recipe, sets[what])
        del result["recipe"], result["row"]["seconds"]        # a field may have come or gone
        for epoch in result["epochs"]:
            del epoch["seconds"]
        content = json.dumps(result, sort_keys=True).encode()
        if recipe.method not in ("full precision", "ternary"):
            content += storage.dumps(freeze.freeze(net))
        name = f"{recipe.method}, {recipe.architecture}, {result['row']['schedule'] or '-'}, "
        name += f"density {recipe.density}, {sets[what].name}"
        yield name, hashlib.sha256(content).hexdigest()


def hashes_of(tree, data_dir):
    """What `trained` yields with the sources of a checkout, both parts: dict from name to hash.

    Parameters
    ----------
    tree : Path
    data_dir : str or None
    """
    found = {}
    for part, threads in (("dense", None), ("convolutions", "1")):
        # as in the chapters: convolutions use both cores themselves
        env = os.environ | {"PYTHONPATH": os.pathsep.join([str(tree), str(tree / "walkthrough")])}
        if threads:
            env["OPENBLAS_NUM_THREADS"] = threads
        command = [sys.executable, str(HERE), str(tree), "--part", part]
        command += ["--data-dir", data_dir] if data_dir else []
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
        found |= json.loads(done.stdout)
    return found


def main():
    """Compare, and exit with 1 if a run differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", type=Path, help="another checkout of this repository")
    parser.add_argument("--data-dir", help="folder of MNIST and CIFAR-10")
    parser.add_argument("--part", choices=["dense", "convolutions"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        sys.path.remove(str(HERE.parent))                     # or its files would hide others
        print(json.dumps(dict(trained(args.part, args.data_dir))))
        return
    if not (args.tree / "walkthrough" / "lab").is_dir():
        parser.error(f"{args.tree} is no checkout of this repository with a folder walkthrough/lab")
    before, now = (hashes_of(tree.resolve(), args.data_dir) for tree in (args.tree, TREE))
    for name in sorted(before.keys() | now.keys()):
        same = before.get(name) == now.get(name)
        print(f"{'same     ' if same else 'DIFFERENT'}  {name}")
    same = sum(before.get(name) == digest for name, digest in now.items())
    print(f"{same} of {len(before.keys() | now.keys())} runs are the same to the last bit")
    sys.exit(before != now)


if __name__ == "__main__":
    main()
