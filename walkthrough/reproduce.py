"""Is a committed result still what the sources give? Train some of its runs again, and compare.

A result whose sources have changed since it was made is stale. Often the change moves no
number: a speed-up, an option that this result does not use. Then it need not take hours to
know. This takes the quickest run of each method that the result consists of, trains it again
and compares all that it reported, epoch by epoch, to the last digit. If nothing differs, the
result gets a note, `reproduced`, of when, of which runs, and of the digest of the sources of now.

    python walkthrough/reproduce.py 01_sweep
"""

import json
import sys
from datetime import date

import experiment

parser = experiment.command_line("Train some runs of a result again, and compare.")
parser.add_argument("--data", choices=["mnist", "cifar10"], default="mnist", help="data set")
parser.add_argument("result", help="name of a file in the results folder, without .json")
args = parser.parse_args()
path = args.out / f"{args.result}.json"
if not path.is_file():
    parser.error(f"result is {args.result}; there is no {path}")
content = json.loads(path.read_text())


def without_seconds(value):
    """The same, without what is never the same twice."""
    if isinstance(value, dict):
        return {k: without_seconds(v) for k, v in value.items() if k != "seconds"}
    return [without_seconds(v) for v in value] if isinstance(value, list) else value


def compared(new, old):
    """What the old result reported, of the new one, and the old one."""
    old = without_seconds({"row": old["row"], "epochs": old["epochs"]})
    new = without_seconds(json.loads(json.dumps({"row": new["row"], "epochs": new["epochs"]})))
    new["row"] = {k: v for k, v in new["row"].items() if k in old["row"]}
    return new, old


rows = [{k: v for k, v in row.items() if k != "part"} for row in content["rows"]]
quickest = {}
for file in sorted((args.out / "runs").glob("*.json")):
    result = json.loads(file.read_text())
    row = result["row"]
    best = quickest.get(row["method"])
    if row in rows and (best is None or row["seconds"] < best["row"]["seconds"]):
        quickest[row["method"]] = result
if not quickest:
    sys.exit(experiment.complain(f"no run of {path} is in {args.out / 'runs'}"))

dataset = experiment.open_data(args.data, args.data_dir)
done = []
for old in quickest.values():
    recipe = experiment.recipe_of(old)
    name = experiment.run_name(recipe, dataset.name, old["row"]["test_accuracy"] is not None)
    print(name, flush=True)
    new, _ = experiment.run(recipe, dataset, read_test=old["row"]["test_accuracy"] is not None)
    new, old = compared(new, old)
    if new != old:
        sys.exit(experiment.complain(f"{name} gives other numbers now; {path} must be made anew"))
    done.append(name)
content["reproduced"] = {
    "date": date.today().isoformat(),
    "runs": done,
    "of": len(rows),
    "sources_digest": experiment.DIGEST,
}
experiment.write_json(path, content)
print(f"{len(done)} of {len(rows)} runs, one a method: the same to the last digit; noted in {path}")
