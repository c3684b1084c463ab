"""The figures of chapter 4 on where the ones are, and on ways to come to them; see `plots`."""

import numpy as np

from lab.plots import LAYER_COLOURS, ROUND, canvas, figure, headline, logarithmic, png

WAYS = {"growing": ("#cc79a7", "^"), "constant": ("#0072b2", "o"), "shrinking": ("#b07900", "v")}


def density_by_layer(contents):
    """Draw how the layers of centred networks share the ones as the budget tightens.

    Parameters
    ----------
    contents : list of dict
        Runs of centred networks of one architecture.

    Returns
    -------
    png : bytes
    """
    found = {}
    for c in contents:
        found.setdefault(c["row"]["target_density"], []).append(c["row"]["layer_densities"])
    x = sorted(found)
    layers = 100 * np.array([np.mean(found[p], axis=0) for p in x])
    middle = min(range(len(x)), key=lambda i: abs(x[i] - 0.05))
    most, least = int(layers[middle].argmax()), int(layers[middle].argmin())
    fig, ax = figure(
        f"Centred 0/1 networks, {contents[0]['row']['architecture']}: with {100 * x[middle]:g}% "
        f"ones in all, layer {most + 1} has {layers[middle, most]:.1f}% and "
        f"layer {least + 1} {layers[middle, least]:.1f}%"
    )
    at = 100 * np.array(x)
    for i, line in enumerate(layers.T):
        colour = LAYER_COLOURS[min(i, len(LAYER_COLOURS) - 1)]
        ax.plot(at, line, color=colour, marker="osDv"[i % 4], lw=2)
        ax.annotate(f"layer {i + 1}", (at[0], line[0]), xytext=(-10, 0), ha="right",
                    textcoords="offset points", va="center", color=colour)
    ax.plot(at, at, color="black", ls="--", lw=1)
    ax.annotate("dashed: equal shares", (0.98, 0.03), xycoords="axes fraction", ha="right")
    ax.set(xlabel="ones in the whole net (%)", ylabel="ones in the layer (%)")
    logarithmic(ax.xaxis, at, at[0] / 1.6, 1.1 * at[-1])
    logarithmic(ax.yaxis, ROUND, 0.8 * layers.min(), 1.2 * layers.max())
    return png(fig)


def title_of_growth(contents):
    """The message: which way validation picks, after the longest training on each data set."""
    picks = []
    for data in dict.fromkeys(c["row"]["data"] for c in contents):
        mine = [c["row"] for c in contents if c["row"]["data"] == data]
        longest = max(row["epochs"] for row in mine)
        best = max(
            (row for row in mine if row["epochs"] == longest),
            key=lambda row: row["validation_accuracy"],
        )
        picks.append(
            f"{best['schedule']} on {data} ({100 * (1 - best['test_accuracy']):.1f}% test error)"
        )
    return (
        "Three ways to 5% ones. After the longest training, validation prefers "
        + " and ".join(picks)
    )


def growth_against_pruning(contents):
    """Draw test error against the additions spent in training, for three ways to one density.

    Parameters
    ----------
    contents : list of dict
        Runs of the part "growth".

    Returns
    -------
    png : bytes
    """
    names = list(dict.fromkeys(c["row"]["data"] for c in contents))
    fig, axes = canvas(1, len(names))
    headline(fig, title_of_growth(contents))
    beside = {"growing": (-5, -5), "constant": (-5, -5), "shrinking": (5, 5)}
    for ax, name in zip(axes[0], names):
        of_data = [c for c in contents if c["row"]["data"] == name]
        for schedule, (colour, marker) in WAYS.items():
            mine = sorted(
                (c for c in of_data if c["row"]["schedule"] == schedule),
                key=lambda c: c["row"]["epochs"],
            )
            x = [c["adds_in_training"] / 1e9 for c in mine]
            y = [100 * (1 - c["row"]["test_accuracy"]) for c in mine]
            ax.plot(x, y, color=colour, marker=marker, lw=2, label=schedule)
            right = beside[schedule][0] > 0
            for at, error, c in zip(x, y, mine):
                ax.annotate(
                    c["row"]["epochs"], (at, error), xytext=beside[schedule], fontsize=9,
                    textcoords="offset points", color=colour, ha="left" if right else "right",
                    va="bottom" if right else "top",
                )
        adds = [c["adds_in_training"] / 1e9 for c in of_data]
        errors = [100 * (1 - c["row"]["test_accuracy"]) for c in of_data]
        logarithmic(ax.xaxis, ROUND, 0.75 * min(adds), 1.3 * max(adds))
        dense = [1.5, 3, 4, 7, 15, 30, 40, 60]
        logarithmic(ax.yaxis, [*ROUND, *dense], 0.8 * min(errors), 1.08 * max(errors))
        ax.set(xlabel="billions of additions, all forward passes", ylabel="test error (%)")
        ax.set_title(f"{name}, {of_data[0]['row']['architecture']}", fontsize=10, loc="left")
        ax.text(0.98, 0.98, "numbers: epochs", transform=ax.transAxes, fontsize=9, ha="right",
                va="top")
        ax.grid(axis="y", alpha=0.3)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3,
               frameon=False)
    return png(fig)
