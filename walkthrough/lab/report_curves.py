"""Results of chapter 4 as text: its tables, its answers, and what figures/README.md shows."""

import numpy as np

from lab.tables import aligned, grouped, markdown, mean, percent, with_spread


def label_of(content):
    """What a run's method is called in figures and tables."""
    row = content["row"]
    regularised = row["method"] == "ternary" and row["schedule"] == "penalty"
    return "ternary regularised" if regularised else row["method"]


def means(contents):
    """Group runs that differ in their seed alone.

    Parameters
    ----------
    contents : list of dict
        As `curves.run_task` returns them.

    Returns
    -------
    groups : list of dict
        What the runs agree in (`data`, `architecture`, `method`, `target`, `schedule`, `epochs`),
        `seeds`, test errors in % (`error`, their mean; `spread`, the largest distance of a seed
        from it; `low` and `high`), `validation` errors in %, means over the seeds, and `minutes`,
        their sum.
    """
    same = "data", "architecture", "method", "target", "schedule", "epochs"
    rows = [
        {
            **content["row"], "method": label_of(content),
            "target": content["row"]["target_density"],
            "in_training": content["adds_in_training"],
            "validation": 100 * (1 - content["row"]["validation_accuracy"]),
            "words": operations["and_words"] + operations["popcount_words"],
            "adds": operations["adds"], "sliced": operations["word_ops"],
        }
        for content in contents for operations in [content["row"]["operations"]]
    ]
    found = []
    for mine in grouped(rows, same):
        error = np.array([100 * (1 - row["test_accuracy"]) for row in mine])
        averaged = {
            name: mean(mine, name)
            for name in ("validation", "density", "compression", "adds", "words", "sliced")
        }
        found.append({
            **{name: mine[0][name] for name in same},
            **averaged,
            "seeds": len(mine),
            "error": float(error.mean()), "spread": float(np.abs(error - error.mean()).max()),
            "low": float(error.min()), "high": float(error.max()),
            "bytes": mean(mine, "coded_bytes"), "is_file": mine[0]["file_bytes"] is not None,
            "float32": mine[0].get("float32_bytes"), "in_training": mine[0]["in_training"],
            "minutes": sum(row["seconds"] for row in mine) / 60,
        })
    return found


def error(group, sign="±"):
    """Mean test error in %, and how far a seed is from it."""
    return with_spread(group["error"], group["spread"], group["seeds"], sign)


def whole(name):
    """A column function: a number without decimals, or None where it is 0."""
    return lambda group: f"{group[name]:,.0f}" if group[name] else None


def table(contents):
    """A line for each group of seeds as aligned text, below its data set."""
    return aligned((
        ("network", lambda g: g["architecture"]),
        ("method", lambda g: g["method"]),
        ("epochs", lambda g: g["epochs"]),
        ("ones %", lambda g: percent(g["density"])),
        ("target", lambda g: percent(g["target"])),
        ("error %", lambda g: error(g, "+-")),
        ("bytes", whole("bytes")),
        ("smaller (file)", lambda g: f"{g['compression']:.1f}x"),
        ("adds", whole("adds")),
        ("sliced", whole("sliced")),
        ("packed", whole("words")),
    ), means(contents), above=lambda g: g["data"])


GROWTH = (
    ("data", lambda g: g["data"]),
    ("network", lambda g: g["architecture"]),
    ("epochs", lambda g: g["epochs"]),
    ("density is", lambda g: g["schedule"]),
    ("test error (%)", lambda g: f"{g['error']:.2f}"),
    ("validation error (%)", lambda g: f"{g['validation']:.2f}"),
    ("billions of additions in training", lambda g: f"{g['in_training'] / 1e9:.1f}"),
)


def by_length(contents):
    """The groups of runs about growth, shortest trainings first, and the ways in one order."""
    ways = "constant", "growing", "shrinking"
    growth = means([c for c in contents if c["part"] in ("growth", "both")])
    names = list(dict.fromkeys(g["data"] for g in growth))
    return sorted(
        growth, key=lambda g: (names.index(g["data"]), g["epochs"], ways.index(g["schedule"]))
    )


def table_of_growth(contents):
    """A line for each way to the density, and length of training, as aligned text."""
    return aligned(GROWTH, by_length(contents))


# of plain networks the table in figures/README.md shows one density, of centred ones some; the
# chapter prints all
SHOWN = {"0/1": (0.05,), "0/1 centred": (0.25, 0.1, 0.05, 0.045, 0.02, 0.015, 0.01)}


def curves_table(contents):
    """The runs that are not about growth, for figures/README.md."""
    return markdown((
        ("data", lambda g: g["data"]),
        ("architecture", lambda g: g["architecture"]),
        ("method", lambda g: g["method"]),
        ("ones", lambda g: percent(g["density"])),
        ("test error (%)", error),
        ("KB", lambda g: f"{g['bytes'] / 1000:,.1f}{'' if g['is_file'] else '*'}"),
        ("smaller (file)", lambda g: f"{g['compression']:.1f}x"),
        ("adds", lambda g: f"{g['adds'] / 1000:,.0f}"),
        ("epochs", lambda g: g["epochs"]),
        ("seeds", lambda g: g["seeds"]),
        ("minutes", lambda g: f"{g['minutes']:.1f}"),
    ), [
        g for g in means([c for c in contents if c["part"] != "growth"])
        if g["target"] in SHOWN.get(g["method"], (g["target"],))
    ])


def growth_table(contents):
    """The runs about growth, for figures/README.md."""
    return markdown(GROWTH, by_length(contents))


def claims_list(contents):
    """The answers to the claims as a list in Markdown."""
    return "\n".join(
        f"- {line}" if not line.startswith(" ") else f"  - {line.strip()}"
        for line in claims(contents)
    )


def claims(contents):
    """The four claims, each with what the finished runs say of it: a list of lines."""
    groups = means([c for c in contents if c["part"] != "growth"])
    lines = []
    for data in dict.fromkeys(g["data"] for g in groups):
        mine = [g for g in groups if g["data"] == data]
        lines += [f"{data}:", *(f"    {line}" for line in claims_of(mine))]
        lines += [f"    {line}" for line in equal_bytes(mine)]
        lines += [f"    {line}" for line in beside_deep_compression(mine)]
    growth = growth_claims(by_length(contents))
    if growth:
        lines.append("4. Growth from a nearly-empty start, against a constant density and pruning:")
    return lines + [f"    {line}" for line in growth]


def growth_claims(groups):
    """Claim 4: for each length of training the way that validation prefers, and the others."""
    lines = []
    for mine in grouped(groups, ("data", "epochs")):
        best = preferred(mine)
        others = ", ".join(f"{g['schedule']} {g['error']:.2f}%" for g in mine if g is not best)
        lines.append(
            f"{best['data']}, {best['epochs']} epochs: validation prefers {best['schedule']}, "
            f"which errs on {best['error']:.2f}% of test images ({others})"
        )
    return lines


def called(g):
    """A 0/1 network in words."""
    return f"{g['architecture']} ({g['method']}, {100 * g['density']:.1f}% ones)"


def preferred(groups):
    """Of some groups, the one that errs least on validation images."""
    return min(groups, key=lambda g: g["validation"])


def equal_bytes(groups):
    """At the bytes of each +-1 network, the 0/1 network that validation prefers."""
    for signs in groups:
        fits = [
            g for g in groups if g["method"].startswith("0/1") and g["bytes"] <= signs["bytes"]
            and g["epochs"] == signs["epochs"]
        ]
        if signs["method"] == "+-1" and fits:
            best = preferred(fits)
            yield (
                f"At the bytes of +-1, {signs['architecture']}, {signs['epochs']} epochs "
                f"({signs['bytes']:,.0f}, {signs['error']:.2f}% errors): {called(best)} in "
                f"{best['bytes']:,.0f} bytes errs on {best['error']:.2f}%"
            )


DEEP_COMPRESSION = 27_000, 1.58   # bytes and error in % of its LeNet-300-100 (Han 2016)


def beside_deep_compression(groups):
    """On MNIST, the multilayer network of no more bytes that validation prefers."""
    most, errors = DEEP_COMPRESSION
    fits = [
        g for g in groups if g["data"] == "MNIST" and g["architecture"].startswith("784-")
        and g["method"].startswith("0/1") and g["bytes"] <= most
    ]
    if fits:
        best = preferred(fits)
        yield (
            f"Within {most:,} bytes (Deep Compression's LeNet-300-100, {errors}% errors): "
            f"{called(best)}, {best['epochs']} epochs, in {best['bytes']:,.0f} bytes errs on "
            f"{best['error']:.2f}%"
        )


def claims_of(groups):
    """Claims 1 to 3 on one data set, architecture by architecture."""
    for architecture, epochs in dict.fromkeys((g["architecture"], g["epochs"]) for g in groups):
        mine = [g for g in groups if (g["architecture"], g["epochs"]) == (architecture, epochs)]
        by = {g["method"]: g for g in mine if not g["method"].startswith("0/1")}
        bits = [g for g in mine if g["method"].startswith("0/1")]
        if not bits or not {"full precision", "+-1"} <= by.keys():
            continue
        floats, signs, name = by["full precision"], by["+-1"], f"{architecture}, {epochs} epochs"
        beyond = [g for g in bits if g["compression"] >= 64]
        if beyond:
            best = preferred(beyond)
            yield (
                f"1. Beyond 64x, {name}: {best['method']} at "
                f"{100 * best['density']:.1f}% ones is {best['compression']:.0f} times smaller "
                f"than float32 and errs on {best['error']:.2f}% (+-1, "
                f"{signs['compression']:.0f} times: {signs['error']:.2f}%)"
            )
        as_good = [g for g in bits if g["validation"] <= signs["validation"]]
        if as_good:
            few = min(as_good, key=lambda g: g["adds"])
            yield (
                f"2. Fewer operations, {name}: {few['method']} at "
                f"{100 * few['density']:.1f}% ones errs on {few['error']:.2f}% (+-1: "
                f"{signs['error']:.2f}%) with "
                f"{signs['adds'] / few['adds']:.1f} times fewer additions. On packed "
                f"words it takes {few['words']:,.0f} operations and the +-1 network "
                f"{signs['words']:,.0f}, bit-sliced it takes {few['sliced']:,.0f}"
            )
        else:
            yield (
                f"2. Fewer operations, {name}: on validation images no 0/1 network errs as little "
                "as +-1"
            )
        best = preferred(bits)
        yield (
            f"3. Generalization, {name}: the 0/1 network that validation prefers "
            f"({best['method']}, {100 * best['density']:.1f}% ones) errs on "
            f"{best['error']:.2f}%, +-1 on {signs['error']:.2f}%, full precision on "
            f"{floats['error']:.2f}%"
        )
