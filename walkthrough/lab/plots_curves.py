"""The figures of chapter 4, drawn from its runs; see `plots`."""

import textwrap

import numpy as np

from lab.plots import (
    COLOURS,
    MARKERS,
    ROUND,
    canvas,
    headline,
    logarithmic,
    png,
)
from lab.plots_growth import density_by_layer, growth_against_pruning
from lab.report_curves import means, preferred

MULTILAYER, LENET5 = "784-1024-1024-10", "20-p-50-p-500-10"
PICTURES = "32-p-32-64-p-64-128-p-256-10"
# from tables of the papers named: beside which of our networks a published one stands, how many
# times its weights alone are smaller than float32, and its error in %
PUBLISHED = {
    "Deep Compression (Han 2016)": {"784-300-100-10": (40, 1.58), LENET5: (39, 0.74)},
    "Ternary Weight Networks (Li 2016)": {LENET5: (16, 0.65), PICTURES: (16, 7.44)},
    "BinaryConnect (in Li 2016)": {MULTILAYER: (32, 1.18), PICTURES: (32, 8.27)},
    "BinaryNet (its authors)": {MULTILAYER: (32, 0.96), PICTURES: (32, 11.4)},
}
HIGHEST = 20   # % of errors in figures of MNIST; networks that err more often have lost a layer
WORDS = {"MNIST": "mnist", "stroke digits": "mnist", "CIFAR-10": "cifar10", "shapes": "cifar10"}


def figures(contents):
    """Draw all figures of chapter 4 that its finished runs allow.

    Parameters
    ----------
    contents : list of dict
        As `curves.run_task` returns them.

    Returns
    -------
    found : dict
        From the name of a figure to its PNG.
    """
    ran = [c for c in contents if c["part"] != "growth"]
    growth = [c for c in contents if c["part"] in ("growth", "both")]
    found = {}
    for data in dict.fromkeys(c["row"]["data"] for c in ran):
        what = WORDS[data.removeprefix("some ")]
        groups = means([c for c in ran if c["row"]["data"] == data])
        if all(g["method"] == "full precision" for g in groups):
            continue
        found[f"bytes_{what}"] = error_against_bytes(groups, data)
        found[f"adds_{what}"] = error_against_adds(groups, data)
    wide = [
        c for c in ran if c["part"] == "curves"
        and (c["row"]["architecture"], c["row"]["method"]) == (MULTILAYER, "0/1 centred")
    ]
    if wide:
        found["layers"] = density_by_layer(wide)
    if growth:
        found["growth"] = growth_against_pruning(growth)
    return found


def networks(groups):
    """Groups of runs, network by network: what each panel of a figure shows.

    Parameters
    ----------
    groups : list of dict
        As `report_curves.means` returns them, of one data set.

    Returns
    -------
    found : list of list of dict
        Each of one architecture and length of training, but for networks that were trained at
        one or two settings only: they come last in the list of the most similar network.
    """
    found = {}
    for g in groups:
        found.setdefault((g["epochs"], g["architecture"]), []).append(g)
    def kind(mine):
        return "p" in mine[0]["architecture"], mine[0]["epochs"], mine[0]["float32"]

    large = sorted((mine for mine in found.values() if len(mine) > 2), key=kind)
    small = [mine for mine in found.values() if len(mine) <= 2]
    for mine in small if large else ():
        similar = [other for other in large if kind(other)[0] == kind(mine)[0]] or large
        similar[-1].extend(mine)
    return large or small


def draw_networks(groups, title, x, label, note):
    """Draw a panel for each network, a line for each method, with bars from seed to seed.

    Parameters
    ----------
    groups : list of dict
    title : str
    x : str
        The key of a group that is its place on the axis of x.
    label : str
        What that axis shows.
    note : str
        Stands above the legend.

    Returns
    -------
    fig : matplotlib Figure
    axes : list of (Axes, list of dict)
        Each panel and its groups.
    """
    found = networks(groups)
    columns = min(2, len(found))
    rows = -(-len(found) // columns)
    fig, axes = canvas(rows, columns, 2 + 2.9 * rows, sharex=True, sharey=True)
    headline(fig, title)
    for ax in axes.flat[len(found) :]:
        ax.set_axis_off()
    handles = {}
    for ax, mine in zip(axes.flat, found):
        name = mine[0]["architecture"], mine[0]["epochs"]
        for method in COLOURS:
            of_method = [g for g in mine if g["method"] == method and x in g]
            own = [g for g in of_method if (g["architecture"], g["epochs"]) == name]
            others = [g for g in of_method if g not in own]
            if own:
                handles[method] = draw_line(ax, own, x, "-", COLOURS[method])
            for g in others:
                draw_line(ax, [g], x, "", "white")
                ax.annotate(
                    f"{g['architecture']},\n{g['epochs']} epochs", (g[x], g["error"]),
                    xytext=(4, 6), textcoords="offset points", ha="right", va="bottom",
                    fontsize=7.5, color=COLOURS[method],
                )
        ax.set_title(f"{name[0]}, {name[1]} epochs", fontsize=10, loc="left")
        ax.grid(alpha=0.3)
    fig.legend(
        handles.values(), handles, loc="outside lower center", ncols=5, frameon=False, title=note,
        title_fontsize=9.5,
    )
    for ax in axes[:, 0]:
        ax.set_ylabel("test error (%)")
    for ax in axes[-1]:
        ax.set_xlabel(label)
    return fig, [(ax, mine) for ax, mine in zip(axes.flat, found)]


def draw_line(ax, groups, x, style, face):
    """Draw the groups of one method, and the density of some centred ones."""
    groups = sorted(groups, key=lambda g: g[x])
    method = groups[0]["method"]
    at, error, low, high = (
        np.array([g[key] for g in groups]) for key in (x, "error", "low", "high")
    )
    shown = error < HIGHEST if min(error) < 10 else error > 0   # no bars of points beyond the axis
    if method == "0/1 centred" and style:
        for g in groups:
            if g["target"] in (0.25, 0.1, 0.05, 0.02, 0.015, 0.01):
                ax.annotate(
                    f"{100 * g['target']:g}%", (g[x], g["error"]), xytext=(0, -8), ha="center",
                    va="top", textcoords="offset points", fontsize=7.5, color=COLOURS[method],
                    annotation_clip=True,
                )
    # lists: with some versions, Matplotlib takes an array of one number for a number
    bars = [(shown * (error - low)).tolist(), (shown * (high - error)).tolist()]
    return ax.errorbar(
        at, error, bars, color=COLOURS[method],
        ls=style, lw=1.6, marker=MARKERS[method], ms=6, mfc=face, capsize=2, elinewidth=1,
        zorder=4 if method == "+-1" else 3,
    )


def error_axis(ax, errors, others=()):
    """Make the axis of y one of errors: logarithmic where they differ by more than a factor 2."""
    low, high = min([*errors, *others]), max(errors)
    if min(errors) < 10:
        high = min(high, HIGHEST)
    if high < 2 * low:
        margin = 0.1 * (high - low) or 1
        ax.set_ylim(low - margin, high + 2 * margin)
    else:
        logarithmic(ax.yaxis, [*ROUND, 0.7, 1.5, 3, 7, 15, 30], 0.8 * low, 1.5 * high)


def title_of_bytes(groups, data):
    """The message: the 0/1 network beyond 64x that validation prefers, beside full precision."""
    beyond = [g for g in groups if g["method"].startswith("0/1") and g["compression"] >= 64]
    floats = [g for g in groups if g["method"] == "full precision"]
    if not beyond or not floats:
        return f"{data}: test error against size"
    best, full = preferred(beyond), preferred(floats)
    return (
        f"{data}: of networks at least 64 times smaller than float32, validation prefers "
        f"one of {best['method']} weights, {100 * best['density']:.0f}% ones: {best['error']:.1f}% "
        f"test error ({full['error']:.1f}% in full precision)"
    )


def error_against_bytes(groups, data):
    """Draw test error against how many times smaller than float32 a network is.

    Parameters
    ----------
    groups : list of dict
        As `report_curves.means` returns them, of one data set.
    data : str
        Its name.

    Returns
    -------
    png : bytes
    """
    bits = [g for g in groups if g["method"] != "full precision"]
    floats = [g for g in groups if g["method"] == "full precision"]
    ours = {g["architecture"] for g in bits} if data in ("MNIST", "CIFAR-10") else ()
    published = [paper for paper, known in PUBLISHED.items() if set(known) & set(ours)]
    names = ", ".join(f"{'abcd'[i]}\N{NO-BREAK SPACE}{paper}" for i, paper in enumerate(published))
    fig, panels = draw_networks(
        bits, title_of_bytes(groups, data), "compression",
        "times smaller than float32 (whole file)",
        "32x is one bit a weight. Below points: the ones of centred networks.\n"
        + textwrap.fill(f"Published elsewhere (weights alone): {names}", 110) * bool(names),
    )
    errors, factors = ([g[key] for g in bits] for key in ("error", "compression"))
    drawn = set()
    for ax, mine in panels:
        name = mine[0]["architecture"], mine[0]["epochs"]
        for g in floats:
            if (g["architecture"], g["epochs"]) == name:
                ax.axhline(g["error"], color="#222222", lw=1)
                ax.annotate(
                    f"full precision {g['error']:.1f}%", (1, g["error"]), xytext=(-2, 2),
                    xycoords=("axes fraction", "data"), textcoords="offset points", ha="right",
                    fontsize=8,
                )
        for i, paper in enumerate(published):
            if name[0] in PUBLISHED[paper] and name[0] not in drawn:
                factor, error = PUBLISHED[paper][name[0]]
                ax.plot(factor, error, "o", mfc="white", mec="#666666", ms=11, zorder=4)
                ax.text(factor, error, "abcd"[i], ha="center", va="center_baseline", fontsize=8,
                        zorder=5)
                factors.append(factor)
        drawn.add(name[0])
        ax.axvline(32, color="#888888", lw=1, zorder=1)
    others = [PUBLISHED[paper][name][1] for paper in published for name in PUBLISHED[paper]
              if name in ours]
    error_axis(panels[0][0], errors, [*others, *(g["error"] for g in floats)])
    ticks = [16, 32, 64, 128, 256, 512]
    logarithmic(panels[0][0].xaxis, ticks, 0.85 * min(factors), 1.15 * max(factors), "{}x")
    return png(fig)


def title_of_adds(groups, data):
    """The message: a 0/1 network level with +-1 on validation images, its gain and its error."""
    pairs = [
        (signs, g) for signs in groups for g in groups
        if signs["method"] == "+-1" and g["method"].startswith("0/1")
        and (g["architecture"], g["epochs"]) == (signs["architecture"], signs["epochs"])
        and g["validation"] <= signs["validation"]
    ]
    if not pairs:
        return f"{data}: on validation images no 0/1 network reaches its +-1 network"
    signs, g = max(pairs, key=lambda pair: pair[0]["adds"] / pair[1]["adds"])
    points = g["error"] - signs["error"]
    return (
        f"{data}: {signs['adds'] / g['adds']:.1f} times fewer additions than +-1, for a "
        f"{g['method']} network that is as good on validation images; on test images it errs "
        f"{abs(points):.1f} points {'more' if points > 0 else 'less'} ({g['architecture']})"
    )


def error_against_adds(groups, data):
    """Draw test error against additions of an image; see `error_against_bytes`."""
    bits = [g for g in groups if g["method"] != "full precision"]
    fig, panels = draw_networks(
        bits, title_of_adds(groups, data), "adds", "thousands of additions per image (all layers)",
        "Below points: the ones of centred networks.",
    )
    adds = [g["adds"] for g in bits]
    error_axis(panels[0][0], [g["error"] for g in bits])
    ax = panels[0][0]
    ticks = [1000 * tick for tick in ROUND if len(panels) == 1 or f"{tick:g}"[0] == "1"]
    logarithmic(ax.xaxis, ticks, 0.8 * min(adds), 1.25 * max(adds))
    ax.set_xticks(ax.get_xticks(), [f"{tick / 1000:,.0f}" for tick in ax.get_xticks()])
    return png(fig)
