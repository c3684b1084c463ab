"""The figures of chapter 4 on where the ones are, and on ways to come to them; see `plots`."""

import numpy as np

from lab.plots import LAYER_COLOURS, ROUND, canvas, figure, headline, logarithmic, png

# ways to a density, the paper's own first: colour and mark
WAYS = {
    "grown by gradient": ("#d55e00", "D"), "growing": ("#cc79a7", "^"),
    "constant": ("#0072b2", "o"), "shrinking": ("#b07900", "v"),
}
LABELS = {way: way for way in WAYS} | {"growing": "grown by timetable"}


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
    """The message: growing beside a constant density, after the longest training of each data.

    Parameters
    ----------
    contents : list of dict
        Runs of the part "growth".
    """
    told = []
    for data in dict.fromkeys(c["row"]["data"] for c in contents):
        mine = [c for c in contents if c["row"]["data"] == data]
        longest = max(c["row"]["epochs"] for c in mine)
        by = {
            way: point([c for c in mine if c["row"]["epochs"] == longest], way) for way in WAYS
        }
        way = next(way for way in WAYS if by[way])
        (adds, errors), (all_adds, all_errors) = by[way], by["constant"]
        told.append(
            f"{data}: {np.mean(errors):.1f}% errors if {LABELS[way]}, {np.mean(all_errors):.1f}% "
            f"if constant, for {100 * adds / all_adds:.0f}% of its additions"
        )
    return f"Ways to 5% ones, after the longest training. {'; '.join(told)}"


def point(contents, way):
    """Mean additions, in billions, and the test errors in % of the runs of a way; or None."""
    mine = [c for c in contents if c["row"]["schedule"] == way]
    if not mine:
        return None
    return (
        np.mean([c["adds_in_training"] for c in mine]) / 1e9,
        [100 * (1 - c["row"]["test_accuracy"]) for c in mine],
    )


def growth_against_pruning(contents):
    """Draw test error against the additions spent in training, for ways to one density.

    Parameters
    ----------
    contents : list of dict
        Runs of the part "growth".

    Returns
    -------
    png : bytes
    """
    names = list(dict.fromkeys(c["row"]["data"] for c in contents))
    fig, axes = canvas(1, len(names), height=5.2)
    headline(fig, title_of_growth(contents))
    for ax, name in zip(axes[0], names):
        of_data = [c for c in contents if c["row"]["data"] == name]
        lengths = sorted({c["row"]["epochs"] for c in of_data})
        for way, (colour, marker) in WAYS.items():
            points = [
                point([c for c in of_data if c["row"]["epochs"] == epochs], way)
                for epochs in lengths
            ]
            if None in points:
                continue
            x = [adds for adds, _ in points]
            y = [np.mean(errors) for _, errors in points]
            away = [[y - min(e) for y, (_, e) in zip(y, points)],
                    [max(e) - y for y, (_, e) in zip(y, points)]]
            ax.errorbar(x, y, away, color=colour, marker=marker, lw=1.8, capsize=3,
                        label=LABELS[way])
            if way == "constant":
                for at, e, epochs in zip(x, y, lengths):
                    ax.annotate(
                        f"{epochs}", (at, e), xytext=(7, 6), fontsize=9, color=colour,
                        textcoords="offset points", va="bottom", ha="left",
                    )
        adds = [c["adds_in_training"] / 1e9 for c in of_data]
        errors = [100 * (1 - c["row"]["test_accuracy"]) for c in of_data]
        logarithmic(ax.xaxis, ROUND, 0.75 * min(adds), 1.4 * max(adds))
        dense = [1.5, 3, 4, 7, 15, 30, 40, 60]
        logarithmic(ax.yaxis, [*ROUND, *dense], 0.9 * min(errors), 1.08 * max(errors))
        ax.set(xlabel="billions of additions, all forward passes", ylabel="test error (%)")
        seeds = max(
            len(point([c for c in of_data if c["row"]["epochs"] == lengths[-1]], way)[1])
            for way in {c["row"]["schedule"] for c in of_data}
        )
        ax.set_title(
            f"{name}, {of_data[0]['row']['architecture']}\n{seeds} seed{'s' * (seeds > 1)}"
            f"{': mean, and from best to worst' * (seeds > 1)}; numbers: epochs",
            fontsize=10, loc="left",
        )
        ax.grid(axis="y", alpha=0.3)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return png(fig)
