"""The figures of chapter 5, drawn from its JSON; see `plots`."""

from lab import report_chips
from lab.plots import COLOURS, ROUND, canvas, figure, headline, label_ends, logarithmic, png

SECTIONS = {
    "tables": ("#0072b2", "ones and thresholds"),
    "code": ("#e69f00", "the network's code"),
    "library": ("#999999", "arithmetic of floats"),
    "frame": ("#cccccc", "start, serial line, timer"),
}
CHIPS = {"Cortex-M0": ("#0072b2", "o"), "ATmega328P": ("#d55e00", "s")}
COUNTS = {"Cortex-M0": "instructions", "ATmega328P": "cycles"}


def figures(content):
    """Draw all figures of chapter 5.

    Parameters
    ----------
    content : dict
        Of its result file.

    Returns
    -------
    found : dict
        From the name of a figure to its PNG.
    """
    rows = report_chips.by_chip(content["rows"])
    return {
        "flash": flash_by_section([row for row in rows if row["name"] != "digits"]),
        "density": count_against_density(content["by_density"]),
        "published": beside_published(rows),
    }


def title_of_flash(rows):
    """The message: how much of the programs are tables, in the smallest and in the largest."""
    def part(row):
        return row["flash"]["tables"] / sum(row["flash"].values())

    sizes = sorted(rows, key=lambda row: sum(row["flash"].values()))
    return (
        f"Of the smallest program {100 * part(sizes[0]):.0f}% are ones and thresholds, of the "
        f"largest {100 * part(sizes[-1]):.0f}%"
    )


def flash_by_section(rows):
    """Draw what fills the flash of each chip, one bar a network.

    Parameters
    ----------
    rows : list of dict
        `name`, `chip` and `flash`, by section.

    Returns
    -------
    png : bytes
    """
    fig, axes = canvas(2, 1, height=5.2, sharex=True)
    headline(fig, title_of_flash(rows))
    for ax, chip in zip(axes[:, 0], CHIPS):
        mine = [row for row in rows if row["chip"] == chip]
        for y, row in enumerate(mine):
            left = 0.0
            for section, (colour, _) in SECTIONS.items():
                size = row["flash"][section] / 1024
                ax.barh(y, size, left=left, color=colour, height=0.6)
                left += size
            ax.text(
                left + 0.3, y, f"{left:.1f} KB", va="center",
                bbox={"color": "white", "pad": 1},
            )
        ax.set_yticks(range(len(mine)), [row["name"] for row in mine])
        ax.invert_yaxis()
        ax.set_title(chip, loc="left", fontsize=11)
        for size in (4, 16, 32):
            ax.axvline(size, color="black", lw=0.8, ls="--", zorder=0)
    axes[-1, 0].set(xlabel="flash (KB of 1024 bytes); dashed: 4, 16 and 32 KB", xlim=(0, 36))
    axes[-1, 0].set_xticks([0, 4, 8, 12, 16, 20, 24, 28, 32])
    handles = [
        axes[0, 0].scatter([], [], marker="s", s=60, color=colour, label=label)
        for colour, label in SECTIONS.values()
    ]
    axes[0, 0].legend(
        handles=handles, loc="upper right", framealpha=1, edgecolor="none", fontsize=9
    )
    return png(fig)


def title_of_density(rows):
    """The message: how cycles grow with the ones in the dense network and in the convolution."""
    def growth(kind):
        mine = [row for row in rows if row["kind"] == kind and row["chip"] == "ATmega328P"]
        mine.sort(key=lambda row: row["ones"])
        return mine[-1]["ones"] / mine[0]["ones"], mine[-1]["count"] / mine[0]["count"]

    dense, conv = growth("dense"), growth("convolution")
    return (
        f"Cycles follow the ones: {dense[0]:.0f} times the ones of a dense network take "
        f"{dense[1]:.1f} times the cycles, {conv[0]:.0f} times those of a convolution "
        f"{conv[1]:.1f} times"
    )


def count_against_density(rows):
    """Draw what an image takes against the density, a panel for each kind of network.

    Parameters
    ----------
    rows : list of dict
        `kind`, `chip`, `density` and `count`.

    Returns
    -------
    png : bytes
    """
    fig, axes = canvas(1, 2, height=4.8, sharey=True)
    headline(fig, title_of_density(rows))
    every = [row["count"] for row in rows]
    titles = {"dense": "784-64-10", "convolution": "8-p-32-p-10, filters of 5 x 5"}
    for ax, kind in zip(axes[0], titles):
        for chip, (colour, marker) in CHIPS.items():
            mine = [row for row in rows if (row["kind"], row["chip"]) == (kind, chip)]
            x, y = [100 * row["density"] for row in mine], [row["count"] for row in mine]
            ax.plot(x, y, color=colour, marker=marker, lw=2, label=f"{COUNTS[chip]}, {chip}")
        logarithmic(ax.xaxis, x, x[0] / 1.2, 1.2 * x[-1])
        logarithmic(ax.yaxis, ROUND, min(every) / 1.5, 1.5 * max(every), "{:,.0f}")
        ax.set(xlabel="weights that are 1 (%)")
        ax.set_title(titles[kind], loc="left", fontsize=11)
        ax.grid(axis="y", alpha=0.3)
    axes[0, 0].set(ylabel="for one image")
    axes[0, 0].legend(frameon=False, loc="upper left")
    return png(fig)


def title_of_published(rows):
    """The message: our best network on the Cortex-M0 that takes fewer cycles than the published."""
    known = [row for row in rows if row["test_accuracy"] and row.get("cycles")]
    if not known:
        return "Networks of others on cheap chips"
    best = max(known, key=lambda row: row["test_accuracy"])
    return (
        f"{best['name']}: {100 * best['test_accuracy']:.2f}% of MNIST's test images in "
        f"{best['cycles'] / 1000:,.0f},000 cycles of a Cortex-M0"
    )


def beside_published(rows):
    """Draw test error against cycles: ours on the Cortex-M0, and what others published.

    Parameters
    ----------
    rows : list of dict
        See `report_chips.by_chip`. Networks that have not been trained are left out.

    Returns
    -------
    png : bytes
    """
    mine = [row for row in rows if row["chip"] == "Cortex-M0" and row.get("cycles")]
    fig, ax = figure(title_of_published(mine))
    ends = []
    for row in mine:
        if row["test_accuracy"]:
            at = row["cycles"], 100 * (1 - row["test_accuracy"])
            ax.plot(*at, "D", color=COLOURS["0/1"], ms=9)
            size = sum(row["flash"].values()) / 1024
            ends.append((*at, f"{row['name']}, {size:.1f} KB of flash", "#0072b2"))
    for row in report_chips.PUBLISHED:
        if row["accuracy"]:
            at = row["cycles"], 100 * (1 - row["accuracy"])
            ax.plot(*at, "o", color="#777777", ms=8)
            ends.append((*at, f"{row['name']}, {row['weights']}", "#555555"))
    x, y = [end[0] for end in ends], [end[1] for end in ends]
    logarithmic(ax.xaxis, ROUND, min(x) / 1.5, 8 * max(x), "{:,.0f}")
    logarithmic(ax.yaxis, ROUND, min(y) / 1.4, 1.4 * max(y))
    ax.set(
        xlabel="cycles for one image: Cortex-M0 (0/1 networks), or RISC-V of the CH32V003 (others)",
        ylabel="test error on MNIST (%)",
    )
    ax.grid(alpha=0.3)
    label_ends(ax, ends, fontsize=9)
    return png(fig)
