"""The figures of chapter 2; see `plots`."""

import matplotlib
import numpy as np

from lab import report
from lab.plots import BLUE, COLOURS, ORANGE, canvas, headline, png
from lab.plots_training import accuracy_per_epoch


def figures(results, digits, pictures):
    """Draw all figures of chapter 2.

    Parameters
    ----------
    results : list of dict
        As `experiment.run` returns them, in the order of training.
    digits, pictures : data.Data
        The two data sets; of each the first 40 test images are drawn.

    Returns
    -------
    found : dict
        From the name of a figure to its PNG.
    """
    found, sparse = {}, []
    for what, data in (("lenet5", digits), ("cifar10", pictures)):
        mine = report.by_method(results, data.name)
        sparse += [result for method, result in mine.items() if method.startswith("0/1")]
        found[f"accuracy_{what}"] = accuracy_per_epoch(list(mine.values()))
        found[f"examples_{what}"] = guesses(mine["0/1 centred"], data)
        if mine["0/1 centred"]["filters"]:
            found[f"filters_{what}"] = bit_filters(mine["0/1 centred"])
    return found | {"layers": density_by_layer(sparse)}


def title_of_layers(rows):
    """The message: how unequal the shares are, and which networks missed what was asked for.

    Parameters
    ----------
    rows : list of dict
        Rows of results of 0/1 networks.
    """
    every = [density for row in rows for density in row["layer_densities"]]
    title = (
        f"Layers share the ones unequally: from {100 * min(every):.1f}% in one layer to "
        f"{100 * max(every):.0f}% in another"
    )
    missed = [row for row in rows if row["density"] > 1.01 * row["target_density"]]
    for row in missed:
        title += (
            f". {row['data']}, {row['method']} by {row['schedule']}: "
            f"{100 * row['density']:.1f}% in all, where {100 * row['target_density']:.0f}% were "
            "asked for"
        )
    return title


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
    fig, axes = canvas(len(names), 1, height=6)
    headline(fig, title_of_layers([result["row"] for result in results]))
    for ax, name in zip(axes[:, 0], names):
        mine = [result for result in results if result["row"]["data"] == name]
        recipe = mine[0]["recipe"]
        layers = [f"conv {size}" for size in recipe["convs"] if size != "pool"]
        layers = layers[recipe["float_first"] :] + [f"dense {size}" for size in recipe["sizes"]]
        for k, result in enumerate(mine):
            row = result["row"]
            density = 100 * np.array(row["layer_densities"])
            at = np.arange(len(layers)) + 0.4 * (k - (len(mine) - 1) / 2)
            label = f"{row['method']}, {row['schedule']}: {100 * row['density']:.1f}% in all"
            bars = ax.bar(at, density, 0.36, color=COLOURS[row["method"]], label=label)
            ax.bar_label(
                bars, [f"{d:.1f}" for d in density], padding=2, fontsize=9,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )
        target = 100 * mine[0]["row"]["target_density"]
        ax.axhline(target, color="black", lw=1, ls="--", zorder=0)
        ax.annotate(f"asked for: {target:.0f}%", (1, target), xycoords=("axes fraction", "data"),
                    xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
        ax.set_ylim(0, 1.25 * max(100 * d for r in mine for d in r["row"]["layer_densities"]))
        ax.set_xticks(range(len(layers)), layers)
        ax.set_title(f"{name}, {mine[0]['row']['architecture']}", fontsize=10, loc="left")
        ax.set_ylabel("ones in the layer (%)")
        ax.legend(frameon=False, fontsize=9, loc="upper center")
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
    fig, axes = canvas(rows, columns, 1.05 * rows + 1.1, layout=None)
    headline(fig, (
        f"{result['row']['data']}: the {len(bits)} filters that the first layer of LeNet-5 "
        f"learned, {int(bits.sum())} ones among {bits.size} weights"
    ))
    draw_filters(list(axes.flat), bits, positive)
    for ax, up in zip(axes.flat, positive):
        ax.set_title("+" if up else "\N{MINUS SIGN}", fontsize=11, pad=1)
    fig.text(
        0.01, 0.03, "A coloured square is a weight 1.   +, blue: fires where the sum is large.   "
        "\N{MINUS SIGN}, orange: fires where it is small.", fontsize=10,
    )
    fig.subplots_adjust(0.02, 0.11, 0.98, 0.76, hspace=0.3)
    return png(fig)


def draw_filters(axes, bits, positive):
    """Draw filters of bits: ones blue where the scale is positive, else orange."""
    for ax in axes:
        ax.set_axis_off()
    for ax, each, up in zip(axes, bits, positive):
        shades = np.full((*each.shape, 3), 0.92)
        shades[each == 1] = matplotlib.colors.to_rgb(BLUE if up else ORANGE)
        ax.imshow(shades)


def guesses(result, data):
    """Draw the first 40 test images with what the network takes them for.

    Parameters
    ----------
    result : dict
        As `experiment.run` returns it, with `examples`.
    data : data.Data

    Returns
    -------
    png : bytes
    """
    predicted = np.array(result["examples"])
    labels = data.test_labels[: len(predicted)]
    row = result["row"]
    fig, axes = canvas(4, 10, 5.2, layout=None)
    headline(fig, (
        f"{row['data']}: a {row['method']} network, {100 * row['density']:.0f}% ones, is right "
        f"on {int(np.sum(predicted == labels))} of the first {len(predicted)} test images "
        "(above an image its class; below it, where it is wrong, the answer)"
    ))
    for ax, image, label, guess in zip(axes.flat, data.test_images, labels, predicted):
        ax.imshow(image.squeeze(), cmap="gray_r" if image.shape[-1] == 1 else None)
        ax.set(xticks=[], yticks=[])
        ax.set_title(data.classes[label], fontsize=7.5, pad=3)
        wrong = guess != label
        if wrong:
            ax.set_xlabel(data.classes[guess], fontsize=7.5, labelpad=3, color=ORANGE,
                          fontweight="bold")
        for side in ax.spines.values():
            side.set(color=ORANGE, linewidth=3 if wrong else 0, visible=True)
    fig.subplots_adjust(0.01, 0.04, 0.99, 0.84, hspace=0.45, wspace=0.1)
    return png(fig)
