"""The figures of chapter 3, drawn from its JSON; see `plots`."""

import numpy as np

from lab.plots import COLOURS, ORANGE, ROUND, figure, label_ends, logarithmic, png

ENGINES = {
    "float32 BLAS": ("#222222", "o"),
    "packed words": ("#777777", "s"),
    "bit-sliced": ("#0072b2", "D"),
}
PARTS = {"weights": "#0072b2", "thresholds": "#e69f00", "all else": "#999999"}


def figures(content):
    """Draw all figures of chapter 3.

    Parameters
    ----------
    content : dict
        Of its result file.

    Returns
    -------
    found : dict
        From the name of a figure to its PNG.
    """
    def of(method, density):
        return next(
            row for row in content["rows"]
            if (row["method"], row["target_density"]) == (method, density)
        )

    race = [
        r for r in content["race"] if r["inputs"] == "bits" and r["method"] != "0/1 centred"
    ]
    return {
        "bytes": bytes_by_section([of("+-1", None), of("0/1", 0.05), of("0/1", 0.01)]),
        "time": time_against_density(race, content["race_by_batch"]),
        "operations": operations_against_density(content["operations_by_density"]),
    }


def title_of_bytes(row):
    """The message: how many times smaller the whole file of a network is than its floats."""
    return (
        f"The whole file of a {row['method']} network with {100 * row['density']:.0f}% ones is "
        f"{row['float32_bytes'] / row['file_bytes']:.0f} times smaller than its float32 numbers"
    )


def bytes_by_section(rows):
    """Draw where the bytes of model files go, beside the same network as float32.

    Parameters
    ----------
    rows : list of dict
        `method`, `density` (None for +-1 weights), `file_bytes`, `float32_bytes` (the same for
        all) and `parts`, a list of (block or None, name, bytes). The title is about the second.

    Returns
    -------
    png : bytes
    """
    floats = rows[0]["float32_bytes"]
    fig, ax = figure(title_of_bytes(rows[1]))
    right = 1.35 * max(row["file_bytes"] for row in rows) / 1000
    ax.barh(0, right, color="#dddddd", height=0.55)
    ax.text(
        right * 0.985, 0, f"{floats / 1000:,.0f} KB: {floats / 1000 / right:.0f} times as long as "
        "this bar  >>>", ha="right", va="center",
    )
    for y, row in enumerate(rows, 1):
        left = 0.0
        for kind, colour in PARTS.items():
            size = sum(n for _, name, n in row["parts"] if kind_of(name) == kind) / 1000
            ax.barh(y, size, left=left, color=colour, height=0.55)
            left += size
        ax.text(
            left + right * 0.01, y, f"{row['file_bytes'] / 1000:.1f} KB, "
            f"{floats / row['file_bytes']:.0f} times smaller", va="center",
        )
    names = [
        "+-1" if row["density"] is None else f"{row['method']}, {100 * row['density']:.0f}% ones"
        for row in rows
    ]
    ax.set_yticks(range(len(rows) + 1), ["float32", *names])
    ax.invert_yaxis()
    ax.set(xlabel="the whole file (KB of 1000 bytes)", xlim=(0, right))
    handles = [
        ax.scatter([], [], marker="s", s=60, color=colour, label=kind)
        for kind, colour in PARTS.items()
    ]
    ax.legend(handles=handles, loc="lower right", frameon=False)
    return png(fig)


def kind_of(part):
    """Under which of PARTS a part of a file is drawn."""
    return "thresholds" if part == "flips" else part if part in PARTS else "all else"


def title_of_time(race, by_batch):
    """The message: the gain of a large batch at 5% ones, and the loss of a single image."""
    plain = [r for r in race if r["method"] == "0/1"]
    at = min(plain, key=lambda r: abs(r["density"] - 0.05))

    def gain(microseconds):
        factor = microseconds["float32 BLAS"] / microseconds["bit-sliced"]
        return f"{factor:.0f} times faster" if factor > 1 else f"{1 / factor:.0f} times slower"

    single = next(r["microseconds"] for r in by_batch if r["batch"] == 1)
    return (
        f"At {100 * at['density']:.0f}% ones, bit-sliced addition is {gain(at['microseconds'])} "
        f"than float32 products on {max(r['batch'] for r in by_batch)} images at a time, and "
        f"{gain(single)} on one image"
    )


def time_against_density(race, by_batch):
    """Draw the time of an image against the density, one line an engine.

    Parameters
    ----------
    race : list of dict
        `density`, `method`, and `microseconds`: engine to time. Plain 0/1 networks, and one
        of +-1 weights, which has no density and stands beside them.
    by_batch : list of dict
        `batch` and `microseconds` of the plain network with 5% ones. The race was run with the
        largest of the batches.

    Returns
    -------
    png : bytes
    """
    plain = sorted((r for r in race if r["method"] == "0/1"), key=lambda r: r["density"])
    signs = next(r for r in race if r["method"] == "+-1")
    x = [100 * r["density"] for r in plain]
    beside = 2 * x[-1]
    fig, ax = figure(title_of_time(race, by_batch))
    ends = []
    for engine, (colour, marker) in ENGINES.items():
        y = [r["microseconds"][engine] for r in plain]
        ax.plot(x, y, color=colour, marker=marker, lw=2)
        end = x[-1], y[-1]
        if engine in signs["microseconds"]:
            end = beside, signs["microseconds"][engine]
            ax.plot(*end, color=colour, marker=marker)
        ends.append((*end, engine, colour))
    every = [t for r in race for t in r["microseconds"].values()]
    logarithmic(ax.yaxis, ROUND, min(every) / 1.4, 1.4 * max(every))
    ax.set(
        xscale="log", xlim=(x[0] / 1.1, 1.1 * beside),
        xlabel="weights that are 1 (%), and beside them the network of +-1 weights",
        ylabel=f"microseconds per image ({max(r['batch'] for r in by_batch)} at a time)",
    )
    ax.set_xticks([*x, beside], [*(f"{tick:.0f}" for tick in x), "+-1"])
    ax.set_xticks([], minor=True)
    ax.grid(axis="y", alpha=0.3)
    label_ends(ax, ends)
    return png(fig)


def crossing(x, y, level):
    """Where a rising curve on logarithmic axes crosses a level curve."""
    return float(np.exp(np.interp(0, np.log(np.divide(y, level)), np.log(x))))


def title_of_operations(counts):
    """The message: below which densities there are fewer operations than on packed words."""
    at, words = 100 * np.array(counts["densities"]), counts["words"]
    return (
        f"Below {crossing(at, counts['adds'], words):.1f}% ones single additions are fewer than "
        f"operations on packed words; bit-sliced operations are fewer below "
        f"{crossing(at, counts['word_ops'], words):.0f}%"
    )


def operations_against_density(counts):
    """Draw operations of an image against the density, and where lines cross.

    Parameters
    ----------
    counts : dict
        `densities`, and under each of `adds`, `word_ops` and `words` a list of counts;
        `adds_of_dense`, those of the +-1 network.

    Returns
    -------
    png : bytes
    """
    x, words = 100 * np.array(counts["densities"]), counts["words"]
    fig, ax = figure(title_of_operations(counts))
    lines = (
        ("additions, +-1 weights", [counts["adds_of_dense"]] * len(x), ORANGE),
        ("additions, 0/1 weights", counts["adds"], COLOURS["0/1"]),
        ("packed words: AND, popcount", words, "#777777"),
        ("bit-sliced: 64 images at once", counts["word_ops"], COLOURS["0/1 centred"]),
    )
    for _, y, colour in lines:
        ax.plot(x, y, color=colour, lw=2)
    for y in (counts["adds"], counts["word_ops"]):
        at = crossing(x, y, words)
        ax.plot(at, words[0], "o", color="black", ms=8, zorder=5)
        ax.annotate(
            f"{at:.{0 if at > 10 else 1}f}%", (at, words[0]), xytext=(-6, 8), ha="right",
            textcoords="offset points", fontsize=11, fontweight="bold",
        )
    ax.set(
        yscale="log", xlabel="weights that are 1 (%)",
        ylabel="operations per image (counted, not timed)",
    )
    ax.text(
        0.98, 0.03, "An operation is an addition of two numbers, or one\non a word of 64 bits.",
        transform=ax.transAxes, ha="right", fontsize=9, color="#555555",
    )
    logarithmic(ax.xaxis, ROUND, x[0], x[-1])
    ax.grid(axis="y", alpha=0.3)
    label_ends(ax, [(x[-1], y[-1], label, colour) for label, y, colour in lines])
    return png(fig)
