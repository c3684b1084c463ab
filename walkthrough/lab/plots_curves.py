"""The figures of the chapter on compression curves, drawn from its runs; see `plots`."""

import numpy as np

from lab.plots import COLOURS, LAYER_COLOURS, figure, panels, png

METHOD_COLOURS = COLOURS | {"ternary": "#009e73", "ternary regularised": "#00614a"}
STYLES = ("-", "--", ":", "-.")
MARKERS = {
    "full precision": "o", "+-1": "s", "ternary": "v", "ternary regularised": "P", "0/1": "^",
    "0/1 centred": "D",
}
# compression (weights alone), error in % and side of the label; from tables of the papers named
PUBLISHED = {
    "MNIST": (
        ("Deep Compression, 300-100 (Han 2016)", 40, 1.58, "left"),
        ("Deep Compression, LeNet-5 (Han 2016)", 39, 0.74, "right"),
        ("Ternary Weight Networks (Li 2016)", 16, 0.65, "right"),
        ("BinaryConnect (in Li 2016)", 32, 1.18, "left"),
        ("BinaryNet, 3 x 4096 (its authors)", 32, 0.96, "left"),
    ),
    "CIFAR-10": (
        ("Ternary Weight Networks (Li 2016)", 16, 7.44, "right"),
        ("BinaryConnect (in Li 2016)", 32, 8.27, "right"),
        ("BinaryNet (its authors)", 32, 11.4, "right"),
    ),
}
HIGHEST = 30   # % of errors in figures of MNIST; networks that err more often have lost a layer


def label_of(content):
    """What a run's method is called in figures and tables."""
    row = content["row"]
    regularised = row["method"] == "ternary" and row["schedule"] == "penalty"
    return "ternary regularised" if regularised else row["method"]


def groups(contents, x):
    """Means over seeds, method by method and architecture by architecture.

    Parameters
    ----------
    contents : list of dict
        As `curves.one` returns them.
    x : function of a row

    Returns
    -------
    lines : dict
        From (label, architecture) to a list of (x, error, lowest, highest, validation error), by
        x; errors in %.
    """
    points = {}
    for content in contents:
        row = content["row"]
        architecture = row["architecture"]
        if content["part"] == "long":
            architecture += f", {row['epochs']} epochs"
        key = label_of(content), architecture, row["target_density"]
        points.setdefault(key, []).append((
            x(row), 100 * (1 - row["test_accuracy"]), 100 * (1 - row["validation_accuracy"]),
        ))
    lines = {}
    for (label, architecture, _), found in points.items():
        at, errors, held = (np.array(values) for values in zip(*found))
        lines.setdefault((label, architecture), []).append(
            (at.mean(), errors.mean(), errors.min(), errors.max(), held.mean())
        )
    return {key: sorted(line) for key, line in lines.items()}


def draw_lines(ax, lines):
    """One line for each method and architecture, with bars from the best seed to the worst.

    The first architecture has full marks, the others hollow ones.
    """
    architectures = list(dict.fromkeys(architecture for _, architecture in lines))
    for (label, architecture), line in lines.items():
        at, mean, low, high, _ = (np.array(values) for values in zip(*line))
        nth = architectures.index(architecture)
        shown = mean < HIGHEST                                # no bars of points beyond the axis
        colour = METHOD_COLOURS[label]
        ax.errorbar(
            at, mean, (shown * (mean - low), shown * (high - mean)), color=colour,
            ls=STYLES[nth % len(STYLES)], lw=1.8, marker=MARKERS[label], capsize=3, elinewidth=1,
            ms=9 if label == "+-1" else 6, mfc=colour if nth == 0 else "white",
            zorder=4 if label == "+-1" else 3,
        )
    methods = list(dict.fromkeys(label for label, _ in lines))
    handles = [
        ax.plot([], [], color=METHOD_COLOURS[m], marker=MARKERS[m], ls="", label=m)[0]
        for m in methods
    ]
    handles += [
        ax.plot([], [], color="black", ls=STYLES[i % len(STYLES)], marker="o", ms=5,
                mfc="black" if i == 0 else "white", label=name)[0]
        for i, name in enumerate(architectures)
    ]
    return handles


def error_axis(ax, errors):
    """A logarithmic axis of errors with round numbers at its ticks."""
    ticks = [t for t in (0.5, 0.7, 1, 1.2, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 90)
             if 0.7 * min(errors) <= t <= 1.3 * max(errors)]
    ax.set(yscale="log", ylabel="test error (%)")
    ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
    ax.set_yticks([], minor=True)
    highest = 1.15 * max(errors)
    if min(errors) < 2:
        highest = min(highest, HIGHEST)
    ax.set_ylim(0.85 * min(errors), highest)
    ax.grid(axis="y", alpha=0.3)


def factor_axis(ax, low, high, label):
    """A logarithmic axis of factors."""
    ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if low * 0.8 <= t <= high * 1.3]
    ax.set(xscale="log", xlabel=label)
    ax.set_xticks(ticks, [f"{t}x" for t in ticks])
    ax.set_xticks([], minor=True)


def accuracy_against_bytes(contents, data):
    """Draw test error against the compression of a network: float32 bytes over coded bytes.

    Parameters
    ----------
    contents : list of dict
        Runs of the part "curves".
    data : str
        "MNIST" or "CIFAR-10", whose runs are drawn.

    Returns
    -------
    png : bytes
    """
    mine = [c for c in contents if c["row"]["data"].endswith(data)]
    lines = groups(mine, lambda row: row["compression"])
    fig, ax = figure(title_of_bytes(lines, data))
    errors = [point[1] for line in lines.values() for point in line]
    floats = {k: line for k, line in lines.items() if k[0] == "full precision"}
    others = {k: line for k, line in lines.items() if k not in floats}
    handles = draw_lines(ax, others)
    low, high = (f(p[0] for line in others.values() for p in line) for f in (min, max))
    low = min(low, *(factor for _, factor, *_ in PUBLISHED.get(data, ((0, low),))))
    for (_, architecture), ((_, error, *_),) in floats.items():
        if architecture.endswith("epochs"):
            continue                                          # a line for each architecture will do
        ax.axhline(error, color="#222222", lw=0.8)
        ax.annotate(f"full precision, {architecture}", (1.25 * high, error), xytext=(0, 2),
                    textcoords="offset points", ha="right", fontsize=8)
    for name, factor, error, side in PUBLISHED.get(data, ()):
        ax.plot(factor, error, "o", mfc="none", mec="#666666", mew=1.5, ms=8, zorder=4)
        ax.annotate(
            name, (factor, error), xytext=(8 if side == "right" else -8, 0), va="center",
            textcoords="offset points", ha="left" if side == "right" else "right", fontsize=7.5,
            color="#555555", zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3, "alpha": 0.8},
        )
        errors.append(error)
    ax.axvline(32, color="#d55e00", lw=1, ls=":")
    ax.annotate("32x: one bit a weight", (32, 1), xycoords=("data", "axes fraction"),
                xytext=(4, -12), textcoords="offset points", color="#d55e00", fontsize=9)
    error_axis(ax, errors)
    factor_axis(ax, low, high, "compression against float32 (whole file; published: weights alone)")
    ax.set_xlim(0.5 * low, 1.3 * high)
    densities = {
        c["row"]["target_density"] for c in mine if c["row"]["method"].startswith("0/1")
    }
    told = ", ".join(f"{100 * p:g}" for p in sorted(densities, reverse=True))
    ax.text(
        *((0.36, 0.9) if min(errors) < 2 else (0.5, 0.55)),
        f"0/1, from left to right:\n{told}% ones", transform=ax.transAxes, fontsize=8, va="top",
    )
    handles.append(ax.plot([], [], "o", mfc="none", mec="#666666", label="published")[0])
    ax.legend(handles=handles, frameon=False, fontsize=8.5, loc="upper left")
    return png(fig)


def title_of_bytes(lines, data):
    """The message: the best 0/1 network beyond 64x, by validation, against full precision."""
    bits = [
        (held, error, at, label) for (label, _), line in lines.items() if label.startswith("0/1")
        for at, error, _, _, held in line if at >= 64
    ]
    floats = [
        (line[0][4], line[0][1]) for (label, _), line in lines.items() if label == "full precision"
    ]
    if not bits or not floats:
        return f"{data}: test error against size"
    _, error, at, label = min(bits)
    return (
        f"{data}: a {label} network compressed {at:.0f} times errs on\n"
        f"{error:.1f}%; the best full-precision one (by validation) on {min(floats)[1]:.1f}%"
    )


def accuracy_against_adds(contents, data):
    """Draw test error against additions of an image; see `accuracy_against_bytes`."""
    mine = [
        c for c in contents
        if c["row"]["data"].endswith(data) and c["row"]["method"] != "full precision"
    ]
    lines = groups(mine, lambda row: row["operations"]["adds"])
    fig, ax = figure(title_of_adds(lines, data))
    handles = draw_lines(ax, lines)
    error_axis(ax, [point[1] for line in lines.values() for point in line])
    ax.set(xscale="log", xlabel="additions per image (all layers)")
    ax.legend(handles=handles, frameon=False, fontsize=8.5, loc="upper right")
    return png(fig)


def title_of_adds(lines, data):
    """The message: with how many fewer additions a 0/1 network does as well as a +-1 one."""
    best = None
    for (label, architecture), line in lines.items():
        if label != "+-1":
            continue
        adds, error, *_, signs = line[0]
        for (other, same), points in lines.items():
            if other.startswith("0/1") and same == architecture:
                for at, err, _, _, held in points:
                    if held <= signs and (best is None or adds / at > best[0]):
                        best = adds / at, other, architecture, err, error
    if best is None:
        return f"{data}: no 0/1 network reaches the +-1 network of its architecture"
    return (
        f"{data}: with {best[0]:.0f} times fewer additions a {best[1]} network\n"
        f"errs on {best[3]:.1f}%, the +-1 one on {best[4]:.1f}% ({best[2]})"
    )


def density_by_layer(contents, architecture):
    """Draw how the layers of centred networks share the ones as the budget tightens.

    Parameters
    ----------
    contents : list of dict
    architecture : str

    Returns
    -------
    png : bytes
    """
    found = {}
    for c in contents:
        row = c["row"]
        if (row["architecture"], row["method"], c["part"]) == (
            architecture, "0/1 centred", "curves",
        ):
            found.setdefault(row["target_density"], []).append(row["layer_densities"])
    x = sorted(found)
    layers = 100 * np.array([np.mean(found[p], axis=0) for p in x])
    middle = min(range(len(x)), key=lambda i: abs(x[i] - 0.05))
    most, least = int(layers[middle].argmax()), int(layers[middle].argmin())
    fig, ax = figure(
        f"Centred 0/1 networks, {architecture}: with {100 * x[middle]:g}% ones\n"
        f"layer {most + 1} has {layers[middle, most]:.1f}%, "
        f"layer {least + 1} has {layers[middle, least]:.1f}%"
    )
    at = 100 * np.array(x)
    for i, line in enumerate(layers.T):
        colour = LAYER_COLOURS[min(i, len(LAYER_COLOURS) - 1)]
        ax.plot(at, line, color=colour, marker="o", lw=2)
        ax.annotate(f"layer {i + 1}", (at[0], line[0]), xytext=(-10, 0), ha="right",
                    textcoords="offset points", va="center", color=colour)
    ax.plot(at, at, color="black", ls="--", lw=1)
    ax.annotate("dashed: equal shares", (0.98, 0.03), xycoords="axes fraction", ha="right")
    ax.set(xscale="log", yscale="log", xlabel="ones in the whole net (%)",
           ylabel="ones in the layer (%)")
    ax.set_xticks(at, [f"{p:g}" for p in at])
    ax.set_xticks([], minor=True)
    ticks = [t for t in (0.2, 0.5, 1, 2, 5, 10, 20, 50) if t > 0.8 * layers.min()]
    ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
    ax.set_yticks([], minor=True)
    ax.set_xlim(at[0] / 2, 1.2 * at[-1])
    return png(fig)


def growth_against_pruning(contents):
    """Draw test error against the additions spent in training, for three ways to one density.

    Parameters
    ----------
    contents : list of dict
        Runs of the part "growth".

    Returns
    -------
    png : bytes
    """
    names = list(dict.fromkeys(c["row"]["data"] for c in contents))
    fig, axes = panels(title_of_growth(contents, names), names)
    colours = {"growing": "#009e73", "constant": "#0072b2", "shrinking": "#d55e00"}
    markers = {"growing": "^", "constant": "o", "shrinking": "v"}
    for ax, name in zip(axes, names):
        errors = []
        for schedule, colour in colours.items():
            mine = sorted(
                (c for c in contents
                 if (c["row"]["data"], c["row"]["schedule"]) == (name, schedule)),
                key=lambda c: c["row"]["epochs"],
            )
            if not mine:
                continue
            x = [c["adds_in_training"] for c in mine]
            y = [100 * (1 - c["row"]["test_accuracy"]) for c in mine]
            ax.plot(x, y, color=colour, marker=markers[schedule], lw=2, label=schedule)
            for at, error, c in zip(x, y, mine):
                ax.annotate(c["row"]["epochs"], (at, error), xytext=(4, 4),
                            textcoords="offset points", fontsize=8, color=colour)
            errors += y
        ax.set(xscale="log", xlabel="billions of additions, all forward passes")
        most = max(c["adds_in_training"] for c in contents if c["row"]["data"] == name)
        least = min(c["adds_in_training"] for c in contents if c["row"]["data"] == name)
        ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500) if least < 1.2e9 * t < 1.5 * most]
        ax.set_xticks([1e9 * t for t in ticks], ticks)
        ax.set_xticks([], minor=True)
        error_axis(ax, errors)
        (architecture,) = {
            c["row"]["architecture"] for c in contents if c["row"]["data"] == name
        }
        ax.set_title(f"{name}, {architecture}", fontsize=10)
        ax.text(0.02, 0.03, "numbers: epochs", transform=ax.transAxes, fontsize=9)
        ax.legend(frameon=False)
    return png(fig)


def title_of_growth(contents, names):
    """The answer: which way did best on validation images, at the longest training of each."""
    told = []
    for name in names:
        mine = [c["row"] for c in contents if c["row"]["data"] == name]
        longest = max(row["epochs"] for row in mine)
        error = {
            row["schedule"]: 100 * (1 - row["test_accuracy"])
            for row in mine if row["epochs"] == longest
        }
        held = {
            row["schedule"]: row["validation_accuracy"] for row in mine if row["epochs"] == longest
        }
        best = max(held, key=held.get)
        rest = ", ".join(
            f"{schedule} {value - error[best]:+.1f}" for schedule, value in sorted(error.items())
            if schedule != best
        )
        told.append(f"{name}: validation picks {best}, {error[best]:.1f}% ({rest})")
    return "\n".join(told)
