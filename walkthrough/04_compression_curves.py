"""Chapter 4. Compression curves: the four claims, tried.

Compression well beyond the 32x of +-1 weights; fewer operations; good generalization; and all that
grown from a nearly-empty start instead of pruned. You will train some hundred and fifty networks
(or look at the results that lie in figures/runs/), each leaving one small file, and see what
accuracy costs in bytes and in additions, beside full precision, +-1 and ternary weights of the
same architecture.

You will learn how to read a compression curve, why a wider and sparser network beats a narrower and
denser one at the same size, and when growing a network pays.

    python walkthrough/04_compression_curves.py            hours: every run whose file is missing
    python walkthrough/04_compression_curves.py --plan     what would run, and for how long
    python walkthrough/04_compression_curves.py --only 784-300-100-10 --only growth
    python walkthrough/04_compression_curves.py --figures  draw the finished runs, in seconds
    python walkthrough/04_compression_curves.py --quick    a tiny version in 40 seconds
    python walkthrough/04_compression_curves.py --workers 2    in a pool of processes

A run that is cut off goes on after its last whole epoch; one that is finished is not run again.
"""

# %% Set up
import os

# one thread for the products of each half of a batch; to be said before NumPy is imported
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import curves
import experiment
import report

from sbnn_np import plots_curves

parser = experiment.command_line("Chapter 4: accuracy against bytes and operations.")
parser.add_argument("--plan", action="store_true", help="say what would run, and stop")
parser.add_argument(
    "--only", action="append", default=[], metavar="WORD",
    help="run and show only tasks whose part, data, method or architecture is WORD",
)
parser.add_argument("--figures", action="store_true", help="train nothing, draw what is finished")
parser.add_argument("--workers", type=int, default=0, help="processes; 0 to train in this one")
parser.add_argument("--quick", action="store_true", help="eight runs on few images")
in_editor = "ipykernel" in sys.modules
args = parser.parse_args([] if in_editor else None)
if args.quick and args.out == parser.get_default("out"):
    args.out = args.out / "quick"
experiment.prepare(args.out)
began = time.perf_counter()


def heading(text):
    print(f"\n{text}\n{'-' * len(text)}")


# %% 1. The plan

tasks = curves.plan(args.out / "runs", args.data_dir, args.seed, args.quick)
words = set(args.only)
known = {word for task in tasks for word in curves.words_of(task)}
if words - known:
    parser.error(f"--only {' '.join(words - known)}: it must be one of {', '.join(sorted(known))}")
tasks = [task for task in tasks if not words or words & curves.words_of(task)]
contents = [curves.done(task) for task in tasks]
left = [task for task, content in zip(tasks, contents) if content is None]
seconds = sum(curves.expected_seconds(task, contents) for task in left)
print(f"{len(tasks)} runs, {len(tasks) - len(left)} of them finished; the others take about "
      f"{seconds / 60:.0f} minutes")
if args.plan:
    for task in left:
        print(f"    {task.part:<7} {curves.expected_seconds(task, contents):6.0f} s  "
              f"{experiment.run_name(task.recipe, task.data, True)}")
    sys.exit()

# %% 2. The runs
#
# `curves.one` is a function of a task, and leaves a file. So whoever can call functions can run
# them: this process, a pool of processes, a cluster.

if not args.figures:
    log = lambda line: print(line, flush=True)  # noqa: E731
    try:
        if args.workers:
            # "spawn": workers that share nothing but the folders
            with ProcessPoolExecutor(args.workers, get_context("spawn")) as pool:
                contents = curves.run(tasks, pool, log)
        else:
            contents = curves.run(tasks, None, log)
    except KeyboardInterrupt:
        print("\nStopped. What is finished is kept, and the last whole epoch of each run begun:")
        print("the same command goes on from there.", flush=True)
        sys.exit(130)
contents = [content for content in contents if content]
if not contents:
    sys.exit(experiment.complain("nothing is finished yet; run without --figures first"))

# %% 3. The curves
