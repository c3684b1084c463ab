"""Is a committed result still what the sources give? Train some of its runs again, and compare.

A result whose sources have changed since it was made is stale. Often the change moves no
number: a speed-up, an option that this result does not use. Then it need not take hours to
know. This takes the quickest run of each method that the result consists of, trains it again
and compares its row and every epoch, to the last digit. If nothing differs, the
result gets a note, `reproduced`, of when, of which runs, and of the digest of the sources of now.

    python walkthrough/lab/reproduce.py 01_sweep
"""

import os
import sys
from pathlib import Path

# as in the chapters: the first leaves the threads to the products, the others do not
if not any(word.startswith("01") for word in sys.argv):
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
from datetime import date

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import experiment, options

parser = options.command_line("Train some runs of a result again, and compare.")
parser.add_argument("result", help="name of a file in the results folder, without .json")
args = parser.parse_args()
path = args.out / f"{args.result}.json"
if not path.is_file():
    parser.error(f"result is {args.result}; there is no {path}")
content = json.loads(path.read_text(encoding="utf-8"))


def told(result):
    """The row and the epochs of a result, without their seconds, which are never the same."""
    result = json.loads(json.dumps({"row": result["row"], "epochs": result["epochs"]}))
    for part in (result["row"], *result["epochs"]):
        del part["seconds"]
    return result


rows = [{k: v for k, v in row.items() if k != "part"} for row in content["rows"]]
quickest = {}
for file in sorted((args.out / "runs").glob("*.json")):
    result = json.loads(file.read_text(encoding="utf-8"))
    row = result["row"]
    best = quickest.get((row["data"], row["method"]))
    if row in rows and (best is None or row["seconds"] < best["row"]["seconds"]):
        quickest[row["data"], row["method"]] = result
if not quickest:
    options.stop(f"no run of {path} is in {args.out / 'runs'}")

done, loaded = [], {}
for old in quickest.values():
    name = old["row"]["data"]
    if name not in loaded:
        loaded[name] = options.open_data(options.LOADED_AS[name], args.data_dir)
    if loaded[name].name != name:
        options.stop(f"{path} is of {name}, which is not here")
    recipe, tested = experiment.recipe_of(old), old["row"]["test_accuracy"] is not None
    print(experiment.run_name(recipe, name, tested), flush=True)
    new, _ = experiment.run(recipe, loaded[name], read_test=tested)
    new, old = told(new), told(old)
    new["row"] = {k: v for k, v in new["row"].items() if k in old["row"]}
    if new != old:
        options.stop(f"it gives other numbers now; {path} must be made anew")
    done.append(experiment.run_name(recipe, name, tested))
content["reproduced"] = {
    "date": date.today().isoformat(),
    "runs": done,
    "of": len(rows),
    "sources_digest": experiment.DIGEST,
}
experiment.write_json(path, content)
print(f"{len(done)} of {len(rows)} runs: the same to the last digit; noted in {path}")
