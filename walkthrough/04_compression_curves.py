"""Chapter 4. Compression curves: the four claims, tried.

Compression well beyond the 32x of +-1 weights; fewer operations; good generalization; and all that
grown from a nearly-empty start instead of pruned. You will train almost two hundred networks (or
look at the results that lie in figures/runs/), each leaving one small file, and see what accuracy
costs in bytes and in additions, beside full precision, +-1 and ternary weights of the same
architecture.

At its end you will know

    - how to read a compression curve,
    - at which sizes a wider and sparser network beats a narrower and denser one,
    - whether growing a network pays, beside pruning one,
    - what became of the four claims.

    python walkthrough/04_compression_curves.py            hours: every run whose file is missing
                                                           or of other sources
    python walkthrough/04_compression_curves.py --plan     what would run, and for how long
    python walkthrough/04_compression_curves.py --only 784-300-100-10 --only growth    all runs of
                                                           this network, and all about growth
    python walkthrough/04_compression_curves.py --figures  draw the finished runs, in seconds
    python walkthrough/04_compression_curves.py --quick    a tiny version in 40 seconds
    python walkthrough/04_compression_curves.py --workers 2    in a pool of processes
    python walkthrough/04_compression_curves.py --renew    write into figures/, not into out/

A run that is cut off goes on after its last whole epoch; one that is finished is not run again.
"""

# %% Set up
import os

# one thread for the products of each half of a batch; to be said before NumPy is imported
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sys
import time

from lab import curves, experiment, options, plots_curves, report_curves
from lab.options import heading, log

from sbnn_np.support import atomic, checkpoint

parser = options.command_line("Chapter 4: accuracy against bytes and operations.")
options.both_data_sets(parser)
parser.add_argument("--plan", action="store_true", help="say what would run, and stop")
parser.add_argument(
    "--only", action="append", default=[], metavar="WORD",
    help="run and show only tasks whose part, data, method or architecture is WORD; given several "
    "times, any of them",
)
parser.add_argument("--figures", action="store_true", help="train nothing, draw what is finished")
options.add_workers(parser)
parser.add_argument("--quick", action="store_true", help="twenty runs on few images")
IN_CELLS = []  # options where there is no command line, as in a notebook: ["--quick"], for example
args = options.read(parser, IN_CELLS)
began = time.perf_counter()


# %% 1. The plan

loaded = [options.LOADED_AS[found.name] for found in options.open_both(args)]
tasks = curves.plan(args.out / "runs", *loaded, args.data_dir, args.seed, args.quick)
words = set(args.only)
known = {word for task in tasks for word in curves.labels_of(task)}
if words - known:
    parser.error(f"--only {' '.join(words - known)}: it must be one of {', '.join(sorted(known))}")
tasks = [task for task in tasks if not words or words & curves.labels_of(task)]
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
# `curves.run_task` is a function of a task, and leaves a file. So whatever can call functions can
# run them: this process, a pool of processes, a cluster.

if not args.figures:
    try:
        with options.executor(args) as executor:
            contents = curves.run(tasks, executor, log)
    except KeyboardInterrupt:
        print("\nStopped. What is finished is kept, and the last whole epoch of each run begun:")
        print("the same command goes on from there.", flush=True)
        sys.exit(130)
    except checkpoint.CheckpointError as error:               # of other sources, for example
        options.stop(f"{error}\nDelete that file to train from the start.")
contents = [content for content in contents if content]
if not contents:
    options.stop(
        f"no result of these sources and of this data is in {os.path.relpath(args.out)}/runs or in "
        "figures/runs; without --figures they are trained"
    )

# %% 3. The table
#
# "smaller (file)" is the file of float32 numbers (4 bytes a weight and a bias a neuron) over the
# whole model file: coded bits, thresholds, header and all. Full precision and ternary networks have
# no such file; for ternary ones it is the entropy of their weights and two bytes a threshold.
# "adds" are additions an image, over all layers; "sliced" and "packed" are operations on words of
# 64 bits, over the layers of bits. Whatever is called best below was picked by its validation
# images.

ran = [content for content in contents if content["part"] != "growth"]
growth = [content for content in contents if content["part"] in ("growth", "both")]
if ran:
    heading("Means over the seeds")
    print(report_curves.table(ran))
if growth:
    heading("Growth against pruning: centred 0/1 networks on their way to 5% ones")
    print(report_curves.table_of_growth(growth))

# %% 4. The four claims

heading("The four claims")
print("\n".join(report_curves.claims(contents)))

# %% 5. Figures

figures = plots_curves.figures(contents)
names = list(dict.fromkeys(content["row"]["data"] for content in contents))
# what shows a part, or other data, gets a name of its own
name = "04_compression_curves" + "".join(f"_{word}" for word in sorted(words))
name = options.named(name, *names)
if not words:
    seconds = sum(content["row"]["seconds"] for content in contents)
    digest = experiment.digest(*map(experiment.recipe_of, contents), start=curves.START)
    experiment.write_json(args.out / f"{name}.json", options.with_provenance(
        "04_compression_curves", args, " and ".join(names), seconds, digest, {
            "rows": [content["row"] | {"part": content["part"]} for content in contents],
        },
    ))
for what, picture in figures.items():
    atomic.write(args.out / f"{name}_{what}.png", picture)
print(f"\nwrote {len(figures)} figures to {os.path.relpath(args.out)}")
print(f"{time.perf_counter() - began:.0f} seconds in all")

# %% To think about
#
# 1. At 5% ones a mask is 32 times smaller than float32, a list of ones is 640 times smaller if only
#    ones are counted, and the file about 105 times. Which of the three could be sent by mail?
# 2. Twice the width at a quarter of the density: what becomes of the ones, and of the additions?
#
# Answers
#
# 1. The mask and the file. Of the ones alone nobody knows where they are.
# 2. A hidden layer between two widened ones has four times the weights, so its ones stay as many,
#    and so do the additions (less one a neuron).
#
# %% Three questions
#
# The answers are computed by the program that checks yours:
# python -m walkthrough.exercises 4.a NUMBER (and 4.b, 4.c). The functions to fill in are in
# walkthrough/exercises/chapter_4.py.
#
# 4.a A layer of 512 inputs and 512 neurons is made twice as wide: 1024 inputs, 1024 neurons. Its
#     density goes from 5% to 1.25%, so it has as many ones as before. By how many percent does
#     its entropy grow? (To the nearest whole number.)
# 4.b A network grows from 0.5% to 5% ones, by an equal factor each step, over half of the
#     training. What does it spend on additions, in percent of a constant 5%? (Take additions as
#     proportional to ones. To the nearest whole number.)
# 4.c Weights of -1 and +1 take one bit each. Up to how many percent of ones do 0/1 weights take
#     at most half of that, with an ideal code? (Whole percent.)
