"""Figures are drawn whatever MPLBACKEND says, and their titles say what is so."""

import os
import subprocess
import sys
from pathlib import Path

from lab import plots_bits, plots_curves

WALKTHROUGH = Path(__file__).parents[1] / "walkthrough"


def test_figures_need_no_backend():
    code = "from lab import plots; print(plots.png(plots.figure('t')[0])[:4])"
    path = os.pathsep.join([str(WALKTHROUGH), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env=os.environ | {"MPLBACKEND": "nonsense", "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert "PNG" in done.stdout


def test_the_title_of_times_tells_the_gain_and_the_loss():
    race = [{"method": "0/1", "density": 0.05,
             "microseconds": {"float32 BLAS": 24, "bit-sliced": 3}}]
    single = [{"batch": 1, "microseconds": {"float32 BLAS": 100, "bit-sliced": 500}}]
    title = plots_bits.title_of_time(race, single, 8192)
    assert "8 times faster" in title and "8192 images" in title
    assert "5 times slower on one image" in title


def test_the_best_way_to_grow_is_picked_by_validation():
    def run(schedule, validation, test):
        return {"row": {"data": "MNIST", "epochs": 4, "schedule": schedule,
                        "validation_accuracy": validation, "test_accuracy": test}}

    contents = [run("growing", 0.90, 0.95), run("shrinking", 0.92, 0.94)]
    title = plots_curves.title_of_growth(contents, ["MNIST"])
    assert title == "MNIST: validation picks shrinking, 6.0% (growing -1.0)"
