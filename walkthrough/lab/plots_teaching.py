"""The pictures that chapter 1 explains with; see `plots`. They are drawn from `teaching`."""

import numpy as np

from lab import teaching
from lab.plots import BLUE, COLOURS, ORANGE, canvas, headline, page, png

STAGES = (                       # above, name, its gradient, what the way to the next stage does
    ("5 latents", "latent", "dlatent"), ("5 bits", "w", "dw"), ("4 sums", "z", "dz"),
    ("4 pre-activations", "y", "dy"), ("4 bits", "a", "da"),
)
FORWARD = ("[latent > 0]", "z = x w", "batch norm", "[y > 0]")
BACKWARD = (
    "straight\nthrough", "$dw = x^T\\, dz$", "batch norm's\nderivative",
    "slope 1 if\n$|y| \\leq 1$, else 0",
)


def figures():
    """Draw all pictures: from the name of each to its PNG."""
    return {"way": way(), "pen": pen(), "penalty": penalty()}


def way():
    """Draw a neuron's numbers from latent to bit, and the way of the gradient back.

    Returns
    -------
    png : bytes
    """
    found = teaching.way()
    fig = page(4.6, layout=None)
    headline(fig, (
        "One neuron, four images: bits of latents add inputs, batch norm places the sums around 0, "
        "a threshold makes bits; the gradient takes the same way back"
    ))
    ax = fig.add_axes((0.01, 0.01, 0.98, 0.82))
    ax.set(xlim=(0, 10), ylim=(0, 6))
    ax.axis("off")
    for i, (what, name, gradient) in enumerate(STAGES):
        x = 1 + 2 * i
        ax.text(x, 5.75, what, ha="center", fontsize=10, color=BLUE)
        column(ax, x, 4.45, name, found[name], BLUE, rounded=name in ("w", "z", "a"))
        column(ax, x, 1.35, gradient, found[gradient], ORANGE)
    for i, (there, back) in enumerate(zip(FORWARD, BACKWARD)):
        for y, start, end, text, colour in (
            (4.45, 1.5 + 2 * i, 2.5 + 2 * i, there, BLUE),
            (1.35, 2.5 + 2 * i, 1.5 + 2 * i, back, ORANGE),
        ):
            ax.annotate("", (end, y), (start, y), arrowprops={
                "arrowstyle": "-|>", "color": colour, "lw": 1.8,
                "linestyle": "-" if colour == BLUE else "--",
            })
            ax.text(2 + 2 * i, y + 0.12, text, ha="center", va="bottom", fontsize=8.5,
                    color=colour)
    ax.text(0.35, 3.0, "forward: solid\nbackward: dashed", fontsize=9, color="#555555", va="center")
    ax.text(
        9.95, 3.0, "da comes from the layers behind.", fontsize=9, color="#555555", va="center",
        ha="right",
    )
    return png(fig)


def column(ax, x, y, name, numbers, colour, rounded=False):
    """Write an array as a column of numbers in a box, its name above.

    Parameters
    ----------
    ax : matplotlib Axes
    x, y : float
        Middle of the box.
    name : str
    numbers : (n,) float
    colour : str
    rounded : bool
        Whether the numbers are whole.
    """
    form = "{:.0f}" if rounded else "{:.2f}"
    lines = [form.format(number + 0.0).replace("-", "\N{MINUS SIGN}") for number in numbers]
    ax.text(
        x, y, "\n".join([name, *lines]), ha="center", va="center", fontsize=9.5, color=colour,
        linespacing=1.35, bbox={"boxstyle": "round", "fc": "white", "ec": colour},
    )


def pen():
    """Draw a digit of a thin and of a thick pen, and what random neurons sum up of both.

    Returns
    -------
    png : bytes
    """
    found = teaching.pen()
    fig = page(4.4)
    thin, bold = (sums.mean() for sums in found["plain"])
    headline(fig, (
        f"A thicker pen raises the plain sums, from {thin:.1f} to {bold:.1f} on average; "
        "centred sums stay around 0"
    ))
    left, right = fig.subfigures(1, 2, width_ratios=[1, 3.4])
    shades = COLOURS["0/1"], BLUE
    for ax, image, ink, name in zip(
        left.subplots(2, 1), found["images"], found["ink"], ("thin", "thick"), strict=True
    ):
        ax.imshow(255 - image, cmap="gray", vmin=0, vmax=255)
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"{name}: {ink:.0f} pixels of ink", fontsize=9.5)
    axes = right.subplots(2, 1, sharex=True)
    for ax, kind in zip(axes, ("plain", "centred")):
        edges = np.arange(-8, 18, 0.5)
        for sums, colour, name in zip(found[kind], shades, ("thin", "thick")):
            counts, _ = np.histogram(sums, edges)
            ax.stairs(counts, edges, color=colour, lw=2)
            peak = edges[np.argmax(counts)] + 0.25
            ax.axvline(sums.mean(), color=colour, lw=1)
            at = (peak, counts.max())
            side = -1 if name == "thin" else 1
            ax.annotate(
                name, at, xytext=(side * 40, -6), textcoords="offset points", color=colour,
                ha="center", fontsize=9.5,
            )
        centre = f"{round(64 * found['centre'])}/64"
        ax.set_title(
            "plain: weights 0 and 1" if kind == "plain"
            else f"centred: each less {centre} of all ink", fontsize=9.5, loc="left",
        )
        ax.spines[["top", "right"]].set_visible(False)
        ax.set(ylabel="neurons")
    axes[1].set(xlabel="sum of a neuron (in pixels full of ink); a thin line is the mean")
    return png(fig)


def penalty():
    """Draw two latents under the penalty, and the density that it brings down.

    Returns
    -------
    png : bytes
    """
    found = teaching.falling()
    steps = np.arange(len(found["density"]))
    flip = int(np.argmax(np.array(found["useless"]) <= 0))
    done = int(np.argmax(np.array(found["push"]) == 0))
    fig, axes = canvas(2, 1, height=5.0, sharex=True, height_ratios=[1.5, 1])
    headline(fig, (
        f"The penalty pushes every latent down. A bit that the task does not need flips to 0, here "
        f"at step {flip}; one that it needs stays 1. At step {done} the push ends"
    ))
    (top,), (bottom,) = axes
    for name, colour, at in (("useful", BLUE, 62), ("useless", ORANGE, 40)):
        top.plot(steps, found[name], color=colour, lw=2)
        top.annotate(
            "the task pushes this one up" if name == "useful" else "nothing pushes this one up",
            (at, found[name][at]), xytext=(0, -18 if name == "useful" else 8),
            textcoords="offset points", color=colour,
        )
    top.axhline(0, color="black", lw=1)
    for text, va, y in (("w = 1", "bottom", 0.004), ("w = 0", "top", -0.004)):
        top.annotate(text, (1, y), va=va, fontsize=9.5)
    top.plot([flip], [0], "o", color=ORANGE)
    top.set(ylabel="latent")
    bottom.plot(steps, 100 * np.array(found["density"]), color="black", lw=2)
    bottom.axhline(5, color="black", ls="--", lw=1)
    bottom.annotate("expected: 5%", (1, 6), fontsize=9.5)
    bottom.set(ylabel="ones (%)", xlabel="step", ylim=(0, None), xlim=(0, steps[-1]))
    return png(fig)
