"""The figure of chapter 1 on why growing failed, and what mended it; see `plots`."""

import numpy as np

from lab.growing import BIN, typical
from lab.plots import canvas, headline, png

LOOK = {
    "all mends": ("#0072b2", "-"),
    "without any": ("#d55e00", "-"),
    "without a larger eps": ("#e69f00", "--"),
    "without a shorter memory": ("#009e73", "-."),
    "without fading": ("#cc79a7", ":"),
}


def mends(lines):
    """Draw gradients, flips and accuracy of growing networks, with each mend and without it.

    Parameters
    ----------
    lines : list of dict
        As `growing.compare` returns them, the one with all mends first.

    Returns
    -------
    png : bytes
    """
    named = {line["name"]: line for line in lines}
    gap = 100 * (lines[0]["validation_accuracy"] - named["without any"]["validation_accuracy"])
    peak = max(named["without any"]["largest"]) / typical(named["without any"])
    fig, ((left, right),) = canvas(1, 2, height=4.6)
    headline(fig, (
        "Growing from nearly no ones: with the usual settings one neuron's gradient is "
        f"{float(f'{peak:.0e}'):,.0f} times the usual one, fewer bits flip late, and {gap:.1f} "
        "points of accuracy are lost"
    ))
    for line in lines:
        colour, dash = LOOK[line["name"]]
        steps = BIN * (np.arange(len(line["flips"])) + 0.5)
        smooth = np.convolve(np.pad(line["flips"], 2, mode="edge"), np.full(5, 0.2), mode="valid")
        label = f"{line['name']}: {100 * line['validation_accuracy']:.1f}%"
        left.plot(steps, line["largest"], color=colour, ls=dash, lw=1.8, label=label)
        right.plot(steps, smooth, color=colour, ls=dash, lw=1.8)
    for ax in (left, right):
        ax.set(xlabel="step", yscale="log", xlim=(0, steps[-1]))
        ax.grid(axis="y", alpha=0.3)
    left.set_title("largest gradient of a neuron of layer 1", fontsize=10, loc="left")
    right.set_title("bits that flip in a step, mean of 40 steps", fontsize=10, loc="left")
    right.set_ylim(bottom=1)
    fig.legend(
        *left.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False,
        title="validation accuracy after this short training",
    )
    return png(fig)
