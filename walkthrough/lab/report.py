"""Results of chapters 1 and 2 as text: what they print, and what the READMEs show."""

import numpy as np

from lab.tables import aligned, grouped, markdown, mean, percent, with_spread
from sbnn_np.core import network


def number(name, form):
    """A column function: the number of a name in a form, or None where there is none."""
    return lambda row: None if row[name] is None else form.format(row[name])


COLUMNS = (
    ("method", lambda row: row["method"]),
    ("schedule", lambda row: row["schedule"]),
    ("target", lambda row: percent(row["target_density"], 1)),
    ("ones %", lambda row: percent(row["density"])),
    ("valid", lambda row: f"{100 * row['validation_accuracy']:.2f}"),
    ("test", lambda row: f"{100 * row['test_accuracy']:.2f}"),
    ("ones", number("ones", "{:,}")),
    ("mask", number("mask_bytes", "{:,}")),
    ("entropy", number("entropy_bytes", "{:,.0f}")),
    ("float", lambda row: f"{row['float_bytes']:,}" if row["float_bytes"] else None),
    ("smaller (entropy)", number("compression_weights_entropy", "{:.1f}x")),
    ("adds", number("adds", "{:,}")),
    ("of +-1", lambda row: f"{row['adds'] / row['dense_adds']:.3f}"),
    ("s", number("seconds", "{:.0f}")),
)


def table(rows):
    """Rows of results as aligned text, below the network that they are of."""
    return aligned(COLUMNS, rows, above=lambda row: row["architecture"])


def means(rows):
    """Group rows that differ in their seed alone.

    Returns
    -------
    groups : list of dict
        `data`, `architecture`, `method`, `schedule`, `seeds`, `test_accuracy` (mean),
        `spread` (largest distance of a seed from the mean), `density` (largest),
        `entropy_bytes` and `compression_weights_entropy` (means), `seconds` (sum).
    """
    same = "data", "architecture", "method", "schedule"
    result = []
    for mine in grouped(rows, same):
        accuracy = np.array([row["test_accuracy"] for row in mine])
        result.append({
            **{name: mine[0][name] for name in same},
            "seeds": len(mine),
            "test_accuracy": float(accuracy.mean()),
            "spread": float(np.abs(accuracy - accuracy.mean()).max()),
            "density": None if mine[0]["density"] is None else max(r["density"] for r in mine),
            "entropy_bytes": mean(mine, "entropy_bytes"),
            "compression_weights_entropy": mean(mine, "compression_weights_entropy"),
            "seconds": sum(row["seconds"] for row in mine),
        })
    return result


def accuracy(group, sign):
    """Mean test accuracy in %, and how far a seed is from it."""
    return with_spread(100 * group["test_accuracy"], 100 * group["spread"], group["seeds"], sign)


def table_of_means(rows):
    """The groups of `means` as aligned text."""
    return aligned((
        ("architecture", lambda group: group["architecture"]),
        ("method", lambda group: group["method"]),
        ("schedule", lambda group: group["schedule"]),
        ("seeds", lambda group: group["seeds"]),
        ("test", lambda group: accuracy(group, "+-")),
        ("largest density", lambda group: percent(group["density"])),
    ), means(rows))


def coded_bytes(row):
    """Bytes of a row's bits: the entropy of 0/1 weights, one bit for a +-1 weight."""
    return row["mask_bytes"] if row["entropy_bytes"] is None else row["entropy_bytes"]


EQUAL_BYTES = (
    ("method", lambda row: row["method"]),
    ("architecture", lambda row: row["architecture"]),
    ("ones", lambda row: percent(row["density"])),
    ("KB of bits", lambda row: f"{coded_bytes(row) / 1000:.1f}"),
    ("KB of floats", lambda row: f"{row['float_bytes'] / 1000:.1f}"),
    ("test accuracy (%)", lambda row: f"{100 * row['test_accuracy']:.2f}"),
)


def table_of_bytes(rows):
    """The rows of chapter 2 that compare networks of equal bytes as aligned text."""
    return aligned(EQUAL_BYTES, rows)


def accuracy_table(default, full, script):
    """The table of a chapter in figures/README.md.

    Parameters
    ----------
    default, full : dict
        The contents of its two result files.
    script : str
        The chapter's file name.

    Returns
    -------
    table : str
    """
    groups = [
        group | {"command": command}
        for content, command in ((default, script), (full, f"{script} --full"))
        for group in means(content["rows"])
    ]
    return markdown((
        ("data", lambda group: group["data"]),
        ("method", lambda group: group["method"]),
        ("density is", lambda group: group["schedule"]),
        ("architecture", lambda group: group["architecture"]),
        ("ones", lambda group: percent(group["density"])),
        ("test accuracy (%)", lambda group: accuracy(group, "±")),
        ("smaller (entropy)", number("compression_weights_entropy", "{:.1f}x")),
        ("seeds", lambda group: group["seeds"]),
        ("`python walkthrough/`", lambda group: f"`{group['command']}`"),
        ("minutes", lambda group: f"{group['seconds'] / 60:.1f}"),
    ), groups)


TRIALS = (
    "as it is", "bits chosen at every eighth step", "batches of 128",
    "pooling after convolutions 2, 4 and 5", "no dense layer",
)


def trials_table(sweep):
    """What was tried with the centred network for CIFAR-10, from the sweep of chapter 2."""
    rows = [row for row in sweep["rows"] if row["part"] == "trials"]
    return markdown((
        ("tried on centred weights", lambda trial: trial[0]),
        ("validation accuracy (%)", lambda trial: f"{100 * trial[1]['validation_accuracy']:.1f}"),
        ("time", lambda trial: f"{trial[1]['seconds'] / rows[0]['seconds']:.2f}x"),
    ), list(zip(TRIALS, rows)))


def growing_line(*sweeps):
    """How far growing was behind a constant density in the sweeps, in a sentence.

    Parameters
    ----------
    *sweeps : dict
        Contents of the sweeps of chapters 1 and 2.
    """
    ranges = []
    for sweep in sweeps:
        rows = [
            row for row in sweep["rows"]
            if row["method"].startswith("0/1") and row["part"] != "trials"
        ]
        behind = []
        for mine in grouped(rows, ("method", "architecture", "epochs", "rate")):
            by = {row["schedule"]: 100 * row["validation_accuracy"] for row in mine}
            if "growing" in by:
                behind.append(by["constant"] - by["growing"])
        ranges.append(f"{min(behind):.1f} to {max(behind):.1f}")
    return (
        f"On validation images growing was {ranges[0]} points behind a constant density in the "
        f"[sweep of chapter 1](../figures/01_sweep.json), and {ranges[1]} points behind in the "
        "[sweep of chapter 2](../figures/02_sweep.json)."
    )


def penalty_line(sweep, default):
    """What the penalty did where it missed or led, in sentences: from the sweep and chapter 2."""
    def tried(data, method, schedule):
        return next(
            row for row in sweep["rows"] if row["part"] == "schedules"
            and (row["data"], row["method"], row["schedule"]) == (data, method, schedule)
        )

    short = tried("MNIST", "0/1", "penalty")
    long = next(row for row in default["rows"] if row["schedule"] == "penalty")
    missed, constant = (tried("CIFAR-10", "0/1 centred", way) for way in ("penalty", "constant"))
    return (
        "The penalty is no budget, and may miss the density that is asked for, 5%. In the sweep, "
        f"on 10,000 images, it ended with {percent(short['density'])} ones for plain LeNet-5 and "
        "did best there, so chapter 2 uses it; on all images it ends with "
        f"{percent(long['density'])}. For centred weights on CIFAR-10 it reached "
        f"{percent(missed['validation_accuracy'], 1)} of the validation images in the sweep, and a "
        f"constant density {percent(constant['validation_accuracy'], 1)}; but it had "
        f"{percent(missed['density'])} ones, so the constant density was chosen."
    )


def by_method(results, data):
    """One result a method: of a data set's last architecture, the first run of each.

    Returns
    -------
    chosen : dict
        From the method to its result, in the order of `network.METHODS`.
    """
    mine = [result for result in results if result["row"]["data"] == data]
    last = mine[-1]["row"]["architecture"]
    chosen = {}
    for result in mine:
        if result["row"]["architecture"] == last:
            chosen.setdefault(result["row"]["method"], result)
    return {method: chosen[method] for method in network.METHODS if method in chosen}


def step_line(default):
    """What a training step costs, in a sentence."""
    cost = default["step_cost"]
    line = (
        f"A training step of the centred 0/1 network for {default['data']} takes "
        f"{cost['step_ms']:.{1 if cost['step_ms'] < 10 else 0}f} ms at batch 128, "
        f"{cost['ratio']:.2f} times its own matrix products"
    )
    if "products_gflops" in cost:
        line += (
            f" (those reach {cost['products_gflops']:.0f} billion operations a second, one large "
            f"product {cost['sgemm_gflops']:.0f}). The chapter needs {default['peak_mib']:.0f} MiB "
            "of memory at the most"
        )
    return f"{line}."


def minutes(content):
    """How long a result took, for prose: "3 minutes"."""
    return f"{content['seconds'] / 60:.0f} minutes"


def numbers_to_see(content):
    """Lines of a chapter's docstring: what its first command ends with."""
    several = len({row["data"] for row in content["rows"]}) > 1
    return [
        "    " + f"{row['data']:<8}  " * several
        + f"{row['method']:<14}  {row['schedule'] or '':<9}  {100 * row['test_accuracy']:.2f}%"
        for row in content["rows"]
    ]
