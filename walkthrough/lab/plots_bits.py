"""The figures of the chapter on bits and bytes, drawn from its JSON; see `plots`."""

import numpy as np

from lab.plots import COLOURS, figure, png

ENGINES = {
    "float32 BLAS": ("#222222", "o"),
    "packed words": ("#666666", "s"),
    "bit-sliced": ("#0072b2", "D"),
}
PARTS = {"weights": "#0072b2", "thresholds": "#e69f00", "all else": "#999999"}


def bytes_by_section(models):
    """Draw where the bytes of model files go, beside the same network as float32.

    Parameters
    ----------
    models : list of dict
        `label`, `density` (None for +-1 weights), `float32_bytes` (the same for all) and
        `parts`, a list of (block or None, name, bytes). The title is about the second.

    Returns
    -------
    png : bytes
    """
    totals = [sum(size for _, _, size in model["parts"]) for model in models]
    floats = models[0]["float32_bytes"]
    fig, ax = figure(
        f"The whole file of a 0/1 network with {100 * models[1]['density']:.0f}% ones is "
        f"compressed\n{floats / totals[1]:.0f} times against its float32 numbers"
    )
    right = 1.35 * max(totals) / 1000
    ax.barh(0, right, color="#dddddd", height=0.55)
    ax.text(
        right * 0.985, 0, f"float32: {floats / 1000:,.0f} KB, {floats / 1000 / right:.0f} times "
        "as long as this bar  >>>", ha="right", va="center", fontsize=10,
    )
    for y, (model, total) in enumerate(zip(models, totals), 1):
        left = 0.0
        for kind, colour in PARTS.items():
            size = sum(
                n for _, name, n in model["parts"]
                if (name if name in PARTS else "thresholds" if name == "flips" else "all else")
                == kind
            ) / 1000
            ax.barh(y, size, left=left, color=colour, height=0.55)
            left += size
        ax.text(
            left + right * 0.01, y, f"{total / 1000:.1f} KB, {floats / total:.0f}x compression",
            va="center", fontsize=10,
        )
    ax.set_yticks(range(len(models) + 1), ["float32", *(model["label"] for model in models)])
    ax.invert_yaxis()
    ax.set(xlabel="the whole file (KB of 1000 bytes)", xlim=(0, right))
    handles = [
        ax.scatter([], [], marker="s", s=60, color=colour, label=kind)
        for kind, colour in PARTS.items()
    ]
    ax.legend(handles=handles, loc="lower right", frameon=False)
    return png(fig)


def title_of_time(race, by_batch, batch):
    """The message: the gain of a large batch at 5% ones, and the loss of a single image."""
    plain = [r for r in race if r["method"] == "0/1"]
    at = min(plain, key=lambda r: abs(r["density"] - 0.05))

    def told(micro):
        gain = micro["float32 BLAS"] / micro["bit-sliced"]
        return f"{gain:.0f} times faster" if gain > 1 else f"{1 / gain:.0f} times slower"

    single = next(r["microseconds"] for r in by_batch if r["batch"] == 1)
    return (
        f"At {100 * at['density']:.0f}% ones, bit-sliced addition is {told(at['microseconds'])} "
        f"than float32 products\non {batch} images at a time, and {told(single)} on one image"
    )


def time_against_density(race, by_batch, batch):
    """Draw the time of an image against the density, one line an engine.

    Parameters
    ----------
    race : list of dict
        `density`, `method`, and `microseconds`: engine to time. Plain 0/1 networks, and one
        of +-1 weights.
    by_batch : list of dict
        `batch` and `microseconds` of the plain network with 5% ones.
    batch : int
        Images at a time.

    Returns
    -------
    png : bytes
    """
    plain = sorted((r for r in race if r["method"] == "0/1"), key=lambda r: r["density"])
    fig, ax = figure(title_of_time(race, by_batch, batch))
    ends = []
    for engine, (colour, marker) in ENGINES.items():
        x = [100 * r["density"] for r in plain]
        y = [r["microseconds"][engine] for r in plain]
        ax.plot(x, y, color=colour, marker=marker, lw=2)
        ends.append((x[-1], y[-1], engine, colour))
    for r in race:
        if r["method"] == "+-1":
            y = r["microseconds"]["packed words"]
            ends_at = [100 * plain[0]["density"], 100 * plain[-1]["density"]]
            ax.plot(ends_at, [y, y], color=COLOURS["+-1"], lw=1, ls=":")
            ax.text(ends_at[0], 1.06 * y, "+-1 weights on packed words (XNOR and popcount)",
                    va="bottom", color=COLOURS["+-1"], fontsize=9)
    ax.set(
        xscale="log", yscale="log", xlabel="weights that are 1 (%)",
        ylabel=f"microseconds per image (batch of {batch})",
    )
    ticks = [100 * r["density"] for r in plain]
    ax.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlim(0.9 * ticks[0], 2.6 * ticks[-1])
    every = [t for r in race for t in r["microseconds"].values()]
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if min(every) / 2 < t < 2 * max(every)]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_yticks([], minor=True)
    ax.grid(axis="y", alpha=0.3)
    label_ends(ax, ends)
    return png(fig)


def label_ends(ax, ends):
    """Write each label behind its line's end, on a logarithmic axis, so that they can be read."""
    below = 0.0
    low, high = ax.get_ylim()
    for x, y, text, colour in sorted(ends, key=lambda end: end[1]):
        below = max(y, below * (high / low) ** 0.05)
        ax.annotate(
            text, (x, below), xytext=(8, 0), textcoords="offset points", va="center",
            color=colour, annotation_clip=False,
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
    x = 100 * np.array(counts["densities"])
    sliced, words = np.array(counts["word_ops"]), np.array(counts["words"])
    adds = np.array(counts["adds"])

    def crossing(y):
        return float(np.exp(np.interp(0, np.log(y / words), np.log(x))))

    fig, ax = figure(
        f"Single additions are fewer than operations on packed words below {crossing(adds):.1f}%"
        f"\nones; bit-sliced operations are fewer below {crossing(sliced):.0f}%"
    )
    lines = (
        ("additions, 0/1", counts["adds"], COLOURS["0/1"], "-"),
        ("additions, +-1", [counts["adds_of_dense"]] * len(x), COLOURS["+-1"], "--"),
        ("packed: AND, popcount", words, "#666666", "-."),
        ("bit-sliced, for 64 at once", sliced, COLOURS["0/1 centred"], "--"),
    )
    ends = []
    for label, y, colour, style in lines:
        ax.plot(x, y, color=colour, ls=style, lw=2)
        ends.append((x[-1], y[-1], label, colour))
    for y in (adds, sliced):
        at = crossing(y)
        ax.plot([at], [words[0]], "o", color="black", ms=8, zorder=5)
        ax.annotate(
            f"{at:.{0 if at > 10 else 1}f}%", (at, words[0]), xytext=(-6, 8), ha="right",
            textcoords="offset points", fontsize=11, fontweight="bold",
        )
    ax.set(
        xscale="log", yscale="log", xlabel="weights that are 1 (%)",
        ylabel="operations per image (by formula)",
    )
    ax.text(
        0.98, 0.03, "counts, not times: an operation is an addition of two numbers,\n"
        "or one on a 64-bit word", transform=ax.transAxes, ha="right", fontsize=9, color="#555555",
    )
    ticks = [0.5, 1, 2, 5, 10, 20, 50]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlim(x[0], 7 * x[-1])
    ax.grid(axis="y", alpha=0.3)
    label_ends(ax, ends)
    return png(fig)
