"""What all figures share: sizes, colours, marks, and labels that stand at the lines themselves.

Each figure is drawn from the JSON content that a chapter wrote, and has one message, its title.
A method has one colour and one mark throughout, so that figures can be read in grey as well. A
solid line joins measured points; a dashed one is a value that was asked for, or a formula.
"""

import io
import textwrap

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = {
    "full precision": "#222222",
    "+-1": "#d55e00",
    "ternary": "#009e73",
    "ternary regularised": "#00614a",
    "0/1": "#56b4e9",
    "0/1 centred": "#0072b2",
}
MARKERS = {
    "full precision": "o", "+-1": "s", "ternary": "v", "ternary regularised": "P", "0/1": "^",
    "0/1 centred": "D",
}
LAYER_COLOURS = ("#08306b", "#2c7fb8", "#7fb8d8", "#b6d4e8")
BLUE, ORANGE = "#08306b", COLOURS["+-1"]      # of ones under scales above and below 0
ROUND = [base * 10**power for power in range(-2, 8) for base in (1, 2, 5)]


def page(height, layout="constrained"):
    """Start a figure 800 pixels wide on the Agg canvas, whatever MPLBACKEND says."""
    fig = Figure(figsize=(8, height), dpi=100, layout=layout)
    FigureCanvasAgg(fig)
    return fig


def canvas(rows=1, columns=1, height=4.8, layout="constrained", **options):
    """Start a figure with axes; see `page`.

    Parameters
    ----------
    rows, columns : int
    height : float
        In units of 100 pixels.
    layout : "constrained" or None
    **options
        Of `Figure.subplots`.

    Returns
    -------
    fig : matplotlib Figure
    axes : (rows, columns) array of Axes
    """
    fig = page(height, layout)
    axes = fig.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    return fig, axes


def headline(fig, title):
    """Write the message of a figure over it, from the left, in as many lines as it needs."""
    lines = textwrap.fill(title, 80, break_on_hyphens=False)
    fig.suptitle(lines, x=0.01, ha="left", fontsize=12, fontweight="bold")


def figure(title, height=4.8):
    """Start a figure of one panel with its message as the title."""
    fig, axes = canvas(height=height)
    headline(fig, title)
    return fig, axes[0, 0]


def png(fig):
    """Render a figure: PNG as bytes."""
    file = io.BytesIO()
    fig.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def spread(places, gap):
    """Move places apart as little as needed so that neighbours keep a distance.

    Parameters
    ----------
    places : sequence of float
    gap : float
        Smallest distance.

    Returns
    -------
    moved : list of float
        In the order of `places`.

    Examples
    --------
    >>> spread([0, 10, 10], 2)
    [0.0, 9.0, 11.0]
    """
    order = np.argsort(places, kind="stable")
    clusters = []                                             # (sum of wished starts, places)
    for at in np.asarray(places, float)[order]:
        total, count = at, 1
        while clusters:
            before, many = clusters[-1]
            if before / many + many * gap <= total / count:
                break
            clusters.pop()
            # the start of a joined cluster: the mean of what each place wishes it to be
            total, count = before + total - count * many * gap, count + many
        clusters.append((total, count))
    moved = np.empty(len(order))
    moved[order] = [
        total / count + i * gap for total, count in clusters for i in range(count)
    ]
    return moved.tolist()


def label_ends(ax, ends, fontsize=10):
    """Write each label behind its line's end, moved up or down so that all can be read.

    Call it when nothing else will move the axes. A thin line leads to a label that had to move.

    Parameters
    ----------
    ax : matplotlib Axes
    ends : list of (x, y, text, colour)
    fontsize : float
        In points.
    """
    ax.figure.draw_without_rendering()
    points = [72 / ax.figure.dpi * ax.transData.transform((x, y))[1] for x, y, _, _ in ends]
    for (x, y, text, colour), wished, at in zip(ends, points, spread(points, 1.3 * fontsize)):
        leader = {"arrowstyle": "-", "color": colour, "lw": 0.7, "shrinkA": 0, "shrinkB": 3}
        ax.annotate(
            text, (x, y), xytext=(14, at - wished), textcoords="offset points", va="center",
            color=colour, fontsize=fontsize, annotation_clip=False,
            arrowprops=leader if abs(at - wished) > 2 else None,
        )


def logarithmic(axis, ticks, low, high, form="{:g}"):
    """Make an axis logarithmic, with those of some round ticks that lie within its limits."""
    name = axis.axis_name
    axis.axes.set(**{f"{name}scale": "log", f"{name}lim": (low, high)})
    shown = [tick for tick in ticks if low <= tick <= high]
    axis.set_ticks(shown, [form.format(tick) for tick in shown])
    axis.set_ticks([], minor=True)
