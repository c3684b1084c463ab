"""Draw the committed figures of chapters 3 and 4 again from their JSON; nothing is trained.

    PYTHONPATH=walkthrough python -m lab.redraw
"""

import json
from pathlib import Path

from lab import plots_bits, plots_curves
from sbnn_np.support import atomic

FIGURES = Path(__file__).parents[2] / "figures"


def chapter_3(content):
    """Draw time and operations of chapter 3; a dict from the name of a figure to its PNG."""
    race = [
        r for r in content["race"] if r["inputs"] == "bits" and r["method"] != "0/1 centred"
    ]
    batch = max(r["batch"] for r in content["race_by_batch"])
    return {
        "time": plots_bits.time_against_density(race, content["race_by_batch"], batch),
        "operations": plots_bits.operations_against_density(content["operations_by_density"]),
    }


def chapter_4(contents):
    """Draw all figures of chapter 4 from its runs; a dict from the name of a figure to its PNG."""
    ran = [c for c in contents if c["part"] != "growth"]
    found = {}
    for data, word in (("MNIST", "mnist"), ("CIFAR-10", "cifar10")):
        found[f"bytes_{word}"] = plots_curves.accuracy_against_bytes(ran, data)
        found[f"adds_{word}"] = plots_curves.accuracy_against_adds(ran, data)
    found["layers"] = plots_curves.density_by_layer(ran, "784-1024-1024-10")
    growth = [c for c in contents if c["part"] in ("growth", "both")]
    return found | {"growth": plots_curves.growth_against_pruning(growth)}


def runs():
    """Every committed run of chapter 4."""
    paths = sorted((FIGURES / "runs").glob("*.json"))
    contents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return [content for content in contents if "part" in content]


if __name__ == "__main__":
    third = json.loads((FIGURES / "03_bits_and_bytes.json").read_text(encoding="utf-8"))
    for name, figures in (
        ("03_bits_and_bytes", chapter_3(third)), ("04_compression_curves", chapter_4(runs())),
    ):
        for what, picture in figures.items():
            atomic.write(FIGURES / f"{name}_{what}.png", picture)
