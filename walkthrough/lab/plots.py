"""The figures, each drawn from the JSON content that a chapter wrote, each with one message.

One colour and one marker a method throughout, so that they differ in grey as well; labels
stand at the lines themselves.
"""

import io

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = {
    "full precision": "#222222",
    "+-1": "#d55e00",
    "0/1": "#56b4e9",
    "0/1 centred": "#0072b2",
}
MARKERS = {"full precision": "o", "+-1": "s", "0/1": "^", "0/1 centred": "D"}
LAYER_COLOURS = ("#08306b", "#2c7fb8", "#7fb8d8", "#b6d4e8")


def canvas(rows, columns, height=4.8, **options):
    """Start a figure 800 pixels wide on the Agg canvas, whatever MPLBACKEND says, with axes."""
    fig = Figure(figsize=(8, height), dpi=100, layout=options.pop("layout", None))
    FigureCanvasAgg(fig)
    return fig, fig.subplots(rows, columns, **options)


def figure(title):
    """Start a figure of 800 x 480 pixels with its message as the title."""
    fig, ax = canvas(1, 1, layout="constrained")
    ax.set_title(title, loc="left", fontsize=13, fontweight="bold")
    ax.spines[["top", "right"]].set_visible(False)
    return fig, ax


def panels(title, names):
    """Start a figure of 800 x 480 pixels with a message, and a panel for each name side by side."""
    fig, axes = canvas(1, len(names), layout="constrained", squeeze=False)
    fig.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    for ax in axes[0]:
        ax.spines[["top", "right"]].set_visible(False)
    return fig, axes[0]


def png(fig):
    """Render a figure: PNG as bytes."""
    file = io.BytesIO()
    fig.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def spread_labels(ax, ends, gap):
    """Write each label behind its line's end, pushed apart so that they can be read.

    Parameters
    ----------
    ax : matplotlib Axes
    ends : list of (x, y, text, colour)
    gap : float
        Smallest distance of two labels, in units of y.
    """
    below = -np.inf
    for x, y, text, colour in sorted(ends, key=lambda end: end[1]):
        below = max(y, below + gap)
        ax.annotate(
            text, (x, below), xytext=(6, 0), textcoords="offset points",
            va="center", color=colour, fontsize=10, annotation_clip=False,
        )


def accuracy_per_epoch(results):
    """Draw validation accuracy after every epoch, one line a method.

    Centred 0/1 must be among them: the title compares it with the first one.

    Parameters
    ----------
    results : list of dict
        As `experiment.run` returns them, one a method.

    Returns
    -------
    png : bytes
    """
    data = results[0]["row"]["data"]
    last = {r["row"]["method"]: 100 * r["row"]["validation_accuracy"] for r in results}
    other = results[0]["row"]["method"]
    behind = last[other] - last["0/1 centred"]
    fig, ax = figure(
        f"{data}: with only {100 * centred_density(results):.0f}% ones, centred 0/1 weights end\n"
        f"{behind:.1f} points behind {other} on validation images"
    )
    ends = []
    for result in results:
        method = result["row"]["method"]
        epoch = [row["epoch"] for row in result["epochs"]]
        accuracy = [100 * row["validation_accuracy"] for row in result["epochs"]]
        ax.plot(epoch, accuracy, color=COLOURS[method], lw=2, marker=MARKERS[method], ms=4)
        ends.append((epoch[-1], accuracy[-1], f"{method}  {accuracy[-1]:.1f}%", COLOURS[method]))
    every = [100 * row["validation_accuracy"] for r in results for row in r["epochs"]]
    low, high = max(np.quantile(every, 0.06) - 0.4, 0), max(every) + 0.3
    ax.set(xlabel="epoch", ylabel="validation accuracy (%)", ylim=(low, high))
    longest = max(len(r["epochs"]) for r in results)
    ax.set_xlim(0.5, longest * 1.27)
    ax.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
    ax.set_xticks([tick for tick in ax.get_xticks() if 1 <= tick <= longest])
    spread_labels(ax, ends, gap=(high - low) / 18)
    ax.grid(axis="y", alpha=0.3)
    return png(fig)


def centred_density(results):
    """Density of the centred 0/1 network among some results."""
    return next(r["row"]["density"] for r in results if r["row"]["method"] == "0/1 centred")


def density_over_steps(result):
    """Draw how the density of each layer grows from the nearly-empty start.

    Parameters
    ----------
    result : dict
        Of a 0/1 network, as `experiment.run` returns it.

    Returns
    -------
    png : bytes
    """
    row = result["row"]
    steps = np.array([step for step, _ in result["trace"]])
    layers = 100 * np.array([densities for _, densities in result["trace"]])   # (steps, layers)
    sizes = [int(size) for size in row["architecture"].split("-")]
    weights = np.array([D * M for D, M in zip(sizes, sizes[1:])])
    net = layers @ weights / weights.sum()
    most = int(np.argmax(layers[-1]))
    fig, ax = figure(
        f"{row['data']}: the network grows from {net[0]:.1f}% ones to {net[-1]:.1f}%;\n"
        f"layer {most + 1} ends with the most, {layers[-1, most]:.1f}%"
    )
    ends = []
    for i, (D, M) in enumerate(zip(sizes, sizes[1:])):
        colour = LAYER_COLOURS[min(i, len(LAYER_COLOURS) - 1)]
        ax.plot(steps, layers[:, i], color=colour, lw=1.8)
        label = f"layer {i + 1} ({D}x{M})  {layers[-1, i]:.1f}%"
        ends.append((steps[-1], layers[-1, i], label, colour))
    ax.plot(steps, net, color="black", lw=2.5)
    ends.append((steps[-1], net[-1], f"whole net  {net[-1]:.1f}%", "black"))
    top = 1.08 * layers.max()
    ax.set(xlabel="step (one batch of 128 images)", ylabel="weights that are 1 (%)", ylim=(0, top))
    ax.set_xlim(0, steps[-1] * 1.32)
    ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= steps[-1]])
    spread_labels(ax, ends, gap=top / 18)
    ax.grid(axis="y", alpha=0.3)
    return png(fig)


def latents_before_after(result):
    """Draw the latents of a 0/1 network before and after training, with the threshold.

    Parameters
    ----------
    result : dict
        Of a 0/1 network, as `experiment.run` returns it.

    Returns
    -------
    png : bytes
    """
    row = result["row"]
    fig, (upper, lower) = canvas(2, 1, sharex=True, layout="constrained")
    fig.suptitle(
        f"{row['data']}: training spreads the latents; at its end {100 * row['density']:.1f}% "
        "are ones", x=0.01, ha="left", fontsize=13, fontweight="bold",
    )
    colour = COLOURS[row["method"]]
    for ax, when in ((upper, "before"), (lower, "after")):
        histogram = result["latents"][when]
        edges, counts = np.array(histogram["edges"]), np.array(histogram["counts"])
        middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
        ones = middle > histogram["threshold"]
        height = counts / width / counts.sum()
        ax.bar(middle, height, width, color=np.where(ones, colour, "#c8c8c8"))
        ax.axvline(histogram["threshold"], color="black", lw=1)
        ax.annotate(
            f" threshold {histogram['threshold']:.2f}: right of it w = 1",
            (histogram["threshold"], 0.9 * height.max()), fontsize=10,
        )
        ax.set(ylabel="share of weights\nper unit of latent")
        ax.annotate(f"{when} training", (0.01, 0.88), xycoords="axes fraction", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    # all but the outermost 1% at the left and 0.05% at the right
    share = np.cumsum(counts) / counts.sum()
    lower.set_xlim(edges[np.argmax(share > 0.01)], edges[1 + np.argmax(share > 0.9995)])
    lower.set_xlabel("latent (the float that training moves)")
    return png(fig)


def density_by_layer(results):
    """Draw the density that each layer ends with, a panel a data set.

    Parameters
    ----------
    results : list of dict
        Of 0/1 networks, as `experiment.run` returns them.

    Returns
    -------
    png : bytes
    """
    names = list(dict.fromkeys(result["row"]["data"] for result in results))
    every = [d for result in results for d in result["row"]["layer_densities"]]
    target = results[0]["row"]["target_density"]
    fig, axes = panels(
        f"Layers share the ones unequally: from {100 * min(every):.1f}% in one layer "
        f"to {100 * max(every):.0f}% in another", names,
    )
    for ax, name in zip(axes, names):
        mine = [result for result in results if result["row"]["data"] == name]
        recipe = mine[0]["recipe"]
        layers = [f"conv\n{size}" for size in recipe["convs"] if size != "pool"]
        layers = layers[recipe["float_first"] :] + [f"dense\n{size}" for size in recipe["sizes"]]
        for k, result in enumerate(mine):
            method = result["row"]["method"]
            density = 100 * np.array(result["row"]["layer_densities"])
            at = np.arange(len(layers)) + 0.4 * (k - (len(mine) - 1) / 2)
            bars = ax.bar(at, density, 0.38, color=COLOURS[method], label=method)
            ax.bar_label(
                bars, [f"{d:.1f}" for d in density], padding=3, fontsize=8 - (len(layers) > 4),
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )
        ax.axhline(100 * target, color="black", lw=1, ls="--", zorder=0)
        ax.set_ylim(0, 1.25 * max(100 * d for r in mine for d in r["row"]["layer_densities"]))
        ax.set_xticks(range(len(layers)), layers)
        ax.set_title(f"{name}, {mine[0]['row']['architecture']}", fontsize=10)
        ax.legend(frameon=False, fontsize=10, loc="upper left", ncols=2)
    axes[0].set_ylabel("ones in the layer (%); dashed: the density asked for")
    return png(fig)


def bit_filters(result):
    """Draw the filters of a first layer of bits, one square a weight.

    Parameters
    ----------
    result : dict
        As `experiment.run` returns it, with `filters` of one channel.

    Returns
    -------
    png : bytes
    """
    bits = np.array(result["filters"]["bits"])[..., 0]                      # (F, KH, KW)
    positive = result["filters"]["scales"]
    columns = 10
    rows = -(-len(bits) // columns)
    fig, axes = canvas(rows, columns, 1.05 * rows + 1)
    row = result["row"]
    fig.suptitle(
        f"{row['data']}: the {len(bits)} learned filters of LeNet-5, "
        f"{int(bits.sum())} ones among {bits.size} weights",
        x=0.01, ha="left", fontsize=13, fontweight="bold",
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, filter_, up in zip(axes.flat, bits, positive):
        shades = np.full((*filter_.shape, 3), 0.92)
        shades[filter_ == 1] = matplotlib.colors.to_rgb("#08306b" if up else "#d55e00")
        ax.imshow(shades)
        ax.set_title("+" if up else "\N{MINUS SIGN}", fontsize=11, pad=1)
    fig.text(
        0.01, 0.02, "coloured: weight 1.   +: fires where the sum is large (blue).   "
        "\N{MINUS SIGN}: fires where it is small (orange).", fontsize=10,
    )
    fig.subplots_adjust(0.02, 0.1, 0.98, 0.8, hspace=0.35)
    return png(fig)


def guesses(result, images, labels, classes):
    """Draw the first 40 test images with what the network takes them for.

    Parameters
    ----------
    result : dict
        As `experiment.run` returns it, with `examples`.
    images : (40, H, W, C) uint8
    labels : (40,) int
    classes : tuple of str

    Returns
    -------
    png : bytes
    """
    predicted = np.array(result["examples"])
    right = int(np.sum(predicted == labels[: len(predicted)]))
    fig, axes = canvas(4, 10, 4.6)
    row = result["row"]
    fig.suptitle(
        f"{row['data']}: {row['method']} weights, {100 * row['density']:.0f}% ones, name {right} "
        f"of the first {len(predicted)}\ntest images rightly",
        x=0.01, ha="left", fontsize=13, fontweight="bold",
    )
    for ax, image, label, guess in zip(axes.flat, images, labels, predicted):
        ax.imshow(image.squeeze(), cmap="gray_r" if image.shape[-1] == 1 else None)
        ax.set(xticks=[], yticks=[])
        wrong = guess != label
        ax.set_title(
            f"{classes[label]},\nnot {classes[guess]}" if wrong else classes[guess],
            fontsize=6.5, pad=2,
            color="#d55e00" if wrong else "black", fontweight="bold" if wrong else "normal",
        )
        for side in ax.spines.values():
            side.set(color="#d55e00", linewidth=3 if wrong else 0)
    fig.subplots_adjust(0.01, 0.01, 0.99, 0.82, hspace=0.3, wspace=0.1)
    return png(fig)


def rate_sweep(rows):
    """Draw validation accuracy against learning rate, one line a method and optimizer.

    Parameters
    ----------
    rows : list of dict
        Rows of `experiment.run`.

    Returns
    -------
    png : bytes
    """
    fig, ax = figure("Every method got the same grid; its best point is ringed")
    ends = []
    for method, colour in COLOURS.items():
        mine = [row for row in rows if row["method"] == method]
        for optimizer, style in (("NormalizedSGD", "-"), ("Adam", "--")):
            line = [row for row in mine if row["optimizer"] == optimizer]
            if line:
                points = sorted((row["rate"], row["validation_accuracy"]) for row in line)
                rate, accuracy = np.array(points).T
                ax.plot(rate, 100 * accuracy, style, color=colour, marker=MARKERS[method], ms=4)
        if mine:
            best = max(mine, key=lambda row: row["validation_accuracy"])
            x, y = best["rate"], 100 * best["validation_accuracy"]
            ax.plot(x, y, "o", ms=12, mfc="none", mec=colour)
            ends.append((max(row["rate"] for row in mine), y, f"{method}  {y:.1f}%", colour))
    ax.set(
        xscale="log", xlabel="learning rate at the start (solid NormalizedSGD, dashed Adam)",
        ylabel="validation accuracy (%)",
    )
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, high - 4), high)
    spread_labels(ax, ends, gap=(high - max(low, high - 4)) / 16)
    ax.grid(axis="y", alpha=0.3)
    return png(fig)
