"""The figures of chapter 1 and of its sweep; see `plots`."""

import matplotlib
import numpy as np

from lab.plots import (
    BLUE,
    COLOURS,
    LAYER_COLOURS,
    MARKERS,
    ORANGE,
    canvas,
    figure,
    headline,
    label_ends,
    logarithmic,
    page,
    png,
)


def figures(results):
    """Draw all figures of chapter 1.

    Parameters
    ----------
    results : list of dict
        As `experiment.run` returns them, in the order of training.

    Returns
    -------
    found : dict
        From the name of a figure to its PNG.
    """
    first = {}
    for result in results:
        first.setdefault(result["row"]["method"], result)
    found = {"accuracy": accuracy_per_epoch(list(first.values()))}
    for result in results:
        if result["row"]["schedule"] == "growing":
            found["latents"] = latents_before_after(result)
            found["density"] = density_over_steps(result)
    return found


def title_of_accuracy(rows):
    """The message: how far centred 0/1 weights end behind the first method, on both sets.

    Parameters
    ----------
    rows : list of dict
        Rows of results, one a method, centred 0/1 among them.
    """
    centred = next(row for row in rows if row["method"] == "0/1 centred")

    def distance(key):
        points = 100 * (rows[0][key] - centred[key])
        return f"{abs(points):.1f} points {'behind' if points >= 0 else 'ahead of'}"

    return (
        f"{centred['data']}, {100 * centred['density']:.0f}% ones: centred 0/1 weights end "
        f"{distance('validation_accuracy')} {rows[0]['method']} on validation images, and "
        f"{distance('test_accuracy')} it on test images"
    )


def accuracy_per_epoch(results):
    """Draw validation accuracy after every epoch, one line a method.

    Parameters
    ----------
    results : list of dict
        As `experiment.run` returns them, one a method, centred 0/1 among them.

    Returns
    -------
    png : bytes
    """
    rows = [result["row"] for result in results]
    fig, ax = figure(title_of_accuracy(rows))
    ends = []
    for result in results:
        method = result["row"]["method"]
        epoch = [row["epoch"] for row in result["epochs"]]
        accuracy = [100 * row["validation_accuracy"] for row in result["epochs"]]
        ax.plot(epoch, accuracy, color=COLOURS[method], lw=2, marker=MARKERS[method], ms=4)
        ends.append((epoch[-1], accuracy[-1], f"{method}  {accuracy[-1]:.1f}%", COLOURS[method]))
    longest = max(len(result["epochs"]) for result in results)
    # in a long training the first epochs would press all others together
    shown = [
        100 * row["validation_accuracy"] for result in results
        for row in result["epochs"][longest // 6 :]
    ]
    margin = 0.04 * (max(shown) - min(shown))
    ax.set(ylabel="validation accuracy (%)", ylim=(min(shown) - margin, max(shown) + margin))
    ax.set(xlabel=f"epoch (one training a method, seed {rows[0]['seed']})")
    ax.set_xlim(0.7, longest + 0.1)
    ax.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
    ax.grid(axis="y", alpha=0.3)
    label_ends(ax, ends)
    return png(fig)


def weights_of_layers(row):
    """How many weights each layer of a multilayer network has."""
    sizes = [int(size) for size in row["architecture"].split("-")]
    return np.array([D * M for D, M in zip(sizes, sizes[1:])])


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
    weights = weights_of_layers(row)
    net = layers @ weights / weights.sum()
    most = int(np.argmax(layers[-1]))
    fig, ax = figure(
        f"{row['data']}: the network grows from {net[0]:.1f}% ones to {net[-1]:.1f}%; "
        f"layer {most + 1} ends with the most, {layers[-1, most]:.1f}% of its own weights"
    )
    ends = []
    sizes = row["architecture"].split("-")
    for i, (D, M) in enumerate(zip(sizes, sizes[1:])):
        colour = LAYER_COLOURS[min(i, len(LAYER_COLOURS) - 1)]
        ax.plot(steps, layers[:, i], color=colour, lw=1.8)
        label = f"layer {i + 1} ({D} x {M})  {layers[-1, i]:.1f}%"
        ends.append((steps[-1], layers[-1, i], label, colour))
    ax.plot(steps, net, color="black", lw=2.5)
    ends.append((steps[-1], net[-1], f"whole net  {net[-1]:.1f}%", "black"))
    ax.set(xlabel="step (one batch of 128 images)", ylabel="weights that are 1 (%)")
    ax.set(xlim=(0, steps[-1]), ylim=(0, 1.08 * layers.max()))
    ax.grid(axis="y", alpha=0.3)
    label_ends(ax, ends)
    return png(fig)


def draw_latents(ax, histogram, colour):
    """Draw one histogram of latents, the ones in colour, and its threshold."""
    edges, counts = np.array(histogram["edges"]), np.array(histogram["counts"])
    middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    ones = middle > histogram["threshold"]
    height = counts / width
    ax.bar(middle, height, width, color=np.where(ones, colour, "#c8c8c8"))
    ax.axvline(histogram["threshold"], color="black", lw=1)
    ax.set(yticks=[], ylim=(0, 1.05 * height.max()))
    ax.spines["left"].set_visible(False)


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
    weights = weights_of_layers(row)
    before = np.array(result["trace"][0][1]) @ weights / weights.sum()
    fig, ((upper,), (lower,)) = canvas(2, 1, sharex=True)
    headline(fig, (
        f"{row['data']}: the threshold keeps {100 * before:.0f}% of the latents as ones at the "
        f"start, and {100 * row['density']:.0f}% after training, which spread the latents"
    ))
    for ax, when, density in ((upper, "before", before), (lower, "after", row["density"])):
        histogram = result["latents"][when]
        draw_latents(ax, histogram, COLOURS[row["method"]])
        ax.annotate(
            f"  threshold {histogram['threshold']:.2f}\n  right of it w = 1: "
            f"{100 * density:.1f}% of the weights",
            (histogram["threshold"], 0.95), xycoords=("data", "axes fraction"), va="top",
        )
        ax.annotate(
            f"{when} training\nleft of the threshold w = 0", (0.01, 0.95), va="top",
            xycoords="axes fraction",
        )
    # all but the outermost 1% at the left and 0.05% at the right
    share = np.cumsum(histogram["counts"]) / np.sum(histogram["counts"])
    edges = histogram["edges"]
    lower.set_xlim(edges[np.argmax(share > 0.01)], edges[1 + np.argmax(share > 0.9995)])
    lower.set_xlabel("latent (the float that training moves); an area is a number of weights")
    return png(fig)


def idea(content):
    """Draw the picture of the front page: latents, their threshold, and the ones that are kept.

    Parameters
    ----------
    content : dict
        Of figures/front.json, as `front.content` returns it.

    Returns
    -------
    png : bytes
    """
    fig = page(4.2)
    left, right = fig.subfigures(1, 2, width_ratios=(1, 1.05), wspace=0.03)
    upper, lower = left.subplots(2, 1, sharex=True)
    for ax, when in ((upper, "before"), (lower, "after")):
        histogram = content["latents"][when]
        draw_latents(ax, histogram, BLUE)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_title(f"{when} training", fontsize=10, loc="left")
        ax.annotate(
            f"  w = 1\n  {100 * histogram['ones']:.1f}%", (histogram["threshold"], 0.97),
            xycoords=("data", "axes fraction"), va="top", color=BLUE, fontweight="bold",
        )
        ax.annotate(
            "w = 0  ", (histogram["threshold"], 0.97), xycoords=("data", "axes fraction"),
            va="top", ha="right", color="#666666",
        )
    lower.set_xlim(content["latents"]["before"]["edges"][0], 0.45)
    lower.set_xlabel("latent; the line is the threshold", fontsize=9.5)
    left.suptitle("The latents learn: 784 x 512 floats", fontsize=11, fontweight="bold")
    axes = right.subplots(3, 4)
    right.suptitle("The ones are kept: 12 of 512 neurons", fontsize=11, fontweight="bold")
    ink = 1 - 0.35 * np.array(content["ink"])[..., None] / np.max(content["ink"]) * np.ones(3)
    for ax, lines, up in zip(axes.flat, content["filters"], content["scales"]):
        shades = ink.copy()
        ones = np.array([[mark == "#" for mark in line] for line in lines])
        shades[ones] = matplotlib.colors.to_rgb(BLUE if up else ORANGE)
        ax.imshow(shades)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="#bbbbbb")
        ax.set_title("+" if up else "\N{MINUS SIGN}", fontsize=10, pad=2)
    right.supxlabel(
        "coloured: w = 1, on 28 x 28 pixels; grey: the mean digit\n"
        "+ fires on much ink there, \N{MINUS SIGN} on little", fontsize=9.5,
    )
    return png(fig)


def rate_sweep(rows):
    """Draw validation accuracy against learning rate, a panel an optimizer and a line a method.

    Parameters
    ----------
    rows : list of dict
        Rows of `experiment.run`.

    Returns
    -------
    png : bytes
    """
    best = {}
    for row in rows:
        mine = best.setdefault(row["method"], row)
        if row["validation_accuracy"] > mine["validation_accuracy"]:
            best[row["method"]] = row
    optimizers = list(dict.fromkeys(row["optimizer"] for row in rows))
    fig, axes = canvas(1, len(optimizers), sharey=True)
    headline(fig, (
        "Every method got the same grid of optimizers and rates; its best point, by validation, "
        "is ringed, and written below"
    ))
    for ax, optimizer in zip(axes[0], optimizers):
        for method in best:
            line = sorted(
                (row["rate"], 100 * row["validation_accuracy"]) for row in rows
                if (row["method"], row["optimizer"]) == (method, optimizer)
            )
            ax.plot(
                *zip(*line), color=COLOURS[method], marker=MARKERS[method], ms=5,
                label=f"{method}, {100 * best[method]['validation_accuracy']:.1f}%",
            )
            if best[method]["optimizer"] == optimizer:
                x, y = best[method]["rate"], 100 * best[method]["validation_accuracy"]
                ax.plot(x, y, "o", ms=13, mfc="none", mec=COLOURS[method], clip_on=False)
        rates = sorted({row["rate"] for row in rows})
        logarithmic(ax.xaxis, rates, rates[0] / 1.3, rates[-1] * 1.3)
        ax.set(xlabel="learning rate at the start")
        ax.set_title(optimizer, fontsize=10)
        ax.grid(axis="y", alpha=0.3)
    axes[0, 0].set(ylabel="validation accuracy (%)")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
               frameon=False)
    return png(fig)
