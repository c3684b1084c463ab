"""Results as text: the tables a chapter prints, and the lines of the README."""

import numpy as np

from sbnn_np.core import network

COLUMNS = (
    ("method", "{:<15}", "method", lambda v: v),
    ("schedule", "{:<9}", "schedule", lambda v: v or "-"),
    ("target", "{:>6}", "target_density", lambda v: f"{100 * v:.1f}%"),
    ("ones %", "{:>6}", "density", lambda v: f"{100 * v:.2f}%"),
    ("valid", "{:>6}", "validation_accuracy", lambda v: f"{100 * v:.2f}"),
    ("test", "{:>6}", "test_accuracy", lambda v: f"{100 * v:.2f}"),
    ("ones", "{:>9}", "ones", lambda v: f"{v:,}"),
    ("mask", "{:>8}", "mask_bytes", lambda v: f"{v:,}"),
    ("entropy", "{:>8}", "entropy_bytes", lambda v: f"{v:,.0f}"),
    ("float", "{:>9}", "float_bytes", lambda v: f"{v:,}" if v else "-"),
    ("smaller (entropy)", "{:>17}", "compression_weights_entropy", lambda v: f"{v:.1f}x"),
    ("adds", "{:>10}", "adds", lambda v: f"{v:,}"),
    ("of +-1", "{:>7}", "adds_of_dense", lambda v: f"{v:.3f}"),
    ("s", "{:>5}", "seconds", lambda v: f"{v:.0f}"),
)


def table(rows):
    """Format rows of results as aligned text; "-" for what a method has not."""
    lines = ["  ".join(form.format(title) for title, form, _, _ in COLUMNS)]
    architecture = None
    for row in rows:
        if row["architecture"] != architecture:
            architecture = row["architecture"]
            lines.append(architecture)
        row = {**row, "adds_of_dense": row["adds"] / row["dense_adds"]}
        cells = []
        for _, form, key, show in COLUMNS:
            empty = row[key] is None and key != "schedule"
            cells.append(form.format("-" if empty else show(row[key])))
        lines.append("  ".join(cells))
    return "\n".join(lines)


def means(rows):
    """Group rows that differ in their seed alone.

    Returns
    -------
    groups : list of dict
        `data`, `architecture`, `method`, `schedule`, `seeds`, `test_accuracy` (mean),
        `spread` (largest distance of a seed from the mean), `density` (largest),
        `entropy_bytes` and `compression_weights_entropy` (means), `seconds` (sum).
    """
    groups = {}
    for row in rows:
        key = tuple(row[name] for name in ("data", "architecture", "method", "schedule"))
        groups.setdefault(key, []).append(row)
    result = []
    for (data, architecture, method, schedule), mine in groups.items():
        accuracy = np.array([row["test_accuracy"] for row in mine])

        def mean(key, mine=mine):
            return None if mine[0][key] is None else float(np.mean([row[key] for row in mine]))

        result.append({
            "data": data,
            "architecture": architecture,
            "method": method,
            "schedule": schedule,
            "seeds": len(mine),
            "test_accuracy": float(accuracy.mean()),
            "spread": float(np.abs(accuracy - accuracy.mean()).max()),
            "density": None if mine[0]["density"] is None else max(r["density"] for r in mine),
            "entropy_bytes": mean("entropy_bytes"),
            "compression_weights_entropy": mean("compression_weights_entropy"),
            "seconds": sum(row["seconds"] for row in mine),
        })
    return result


def table_of_bytes(rows):
    """Format the rows of chapter 2 that compare networks of equal bytes as aligned text."""
    lines = [
        "architecture                    method         ones  bytes of bits  of floats    total"
        "  test"
    ]
    for row in rows:
        ones = "-" if row["density"] is None else f"{100 * row['density']:.2f}%"
        lines.append(
            f"{row['architecture']:<30}  {row['method']:<11}  {ones:>6}  "
            f"{coded_bytes(row):>13,.0f}  {row['float_bytes']:>9,}  "
            f"{coded_bytes(row) + row['float_bytes']:>7,.0f}  {100 * row['test_accuracy']:.2f}"
        )
    return "\n".join(lines)


def coded_bytes(row):
    """Bytes of a row's bits: the entropy of 0/1 weights, one bit for a +-1 weight."""
    return row["mask_bytes"] if row["entropy_bytes"] is None else row["entropy_bytes"]


def table_of_means(rows):
    """Format `means` as aligned text."""
    lines = [
        "architecture                    method           schedule   seeds  test           "
        "largest density"
    ]
    for group in means(rows):
        density = "-" if group["density"] is None else f"{100 * group['density']:.2f}%"
        lines.append(
            f"{group['architecture']:<30}  {group['method']:<15}  {group['schedule'] or '-':<9}  "
            f"{group['seeds']:>5}  {100 * group['test_accuracy']:.2f}"
            f"{spread(group, ' +- '):<8}  {density:>15}"
        )
    return "\n".join(lines)


def readme_table(default, full):
    """Lines of the README's table of results, from the content of the two result files."""
    lines = []
    for row in default["rows"]:
        lines.append(
            f"| {row['method']} | {row['schedule'] or '-'} | {row['architecture']} "
            f"| {percent(row['density'])} "
            f"| {100 * row['test_accuracy']:.2f} | {smaller_entropy(row)} | 1 | `01_mlp_mnist.py` "
            f"| {row['seconds'] / 60:.1f} |"
        )
    for group in means(full["rows"]):
        lines.append(
            f"| {group['method']} | {group['schedule'] or '-'} | {group['architecture']} "
            f"| {percent(group['density'])} "
            f"| {100 * group['test_accuracy']:.2f}{spread(group, ' ± ')} "
            f"| {smaller_entropy(group)} | {group['seeds']} | `01_mlp_mnist.py --full` "
            f"| {group['seconds'] / 60:.1f} |"
        )
    return lines


def readme_table_2(default, full):
    """Lines of the README's table of convolutional networks, from the two result files."""
    lines = []
    for content, command in ((default, "02_conv_cifar10.py"), (full, "02_conv_cifar10.py --full")):
        for group in means(content["rows"]):
            lines.append(
                f"| {group['data']} | {group['method']} | {group['schedule'] or '-'} "
                f"| {group['architecture']} | {percent(group['density'])} "
                f"| {100 * group['test_accuracy']:.2f}{spread(group, ' ± ')} "
                f"| {smaller_entropy(group)} | {group['seeds']} | `{command}` "
                f"| {group['seconds'] / 60:.1f} |"
            )
    return lines


def equal_bytes_lines(rows):
    """Lines of the README's table of networks whose bits take equally many bytes."""
    return [
        f"| {row['method']} | {row['architecture']} | {percent(row['density'])} "
        f"| {coded_bytes(row) / 1000:.1f} | {row['float_bytes'] / 1000:.1f} "
        f"| {100 * row['test_accuracy']:.2f} |"
        for row in rows
    ]


TRIALS = (
    "as it is", "bits chosen at every eighth step", "batches of 128",
    "pooling behind convolutions 2, 4 and 5, in {slower:.2f} times the time", "no dense layer",
)


def trials_line(sweep):
    """The README's line on what was tried with the centred network for CIFAR-10."""
    rows = [row for row in sweep["rows"] if row["part"] == "trials"]
    slower = rows[3]["seconds"] / rows[0]["seconds"]
    return "; ".join(
        f"{what.format(slower=slower)} {100 * row['validation_accuracy']:.1f}%"
        for what, row in zip(TRIALS, rows)
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


def spread(group, sign):
    """Largest distance of a seed from the mean, in points; nothing where there is one seed."""
    return f"{sign}{100 * group['spread']:.2f}" if group["seeds"] > 1 else ""


def step_line(default):
    """The README's line on what a training step costs."""
    cost = default["step_cost"]
    return (
        f"A training step of the centred 0/1 network takes {cost['step_ms']:.2f} ms at batch 128, "
        f"{cost['ratio']:.2f} times its own matrix products."
    )


def step_line_2(default):
    """The README's line on what a training step of a convolutional network costs."""
    cost = default["step_cost"]
    return (
        f"A training step of the centred network for CIFAR-10 takes {cost['step_ms']:.0f} ms at "
        f"batch 128, {cost['ratio']:.2f} times its own matrix products (at "
        f"{cost['products_gflops']:.0f} GFLOP/s; one large product reaches "
        f"{cost['sgemm_gflops']:.0f}), and {default['peak_mib']:.0f} MiB of memory at the most."
    )


def minutes(content):
    """How long a result took, for prose: "3 minutes"."""
    return f"{content['seconds'] / 60:.0f} minutes"


def percent(density):
    return "-" if density is None else f"{100 * density:.2f}%"


def smaller_entropy(row):
    """How many times smaller than float32 the entropy of the weights is, for a table."""
    compression = row["compression_weights_entropy"]
    return "-" if compression is None else f"{compression:.1f}x"


def numbers_to_see(content):
    """Lines of a chapter's docstring: what its first command ends with."""
    return [
        f"    {row['method']:<14}  {row['schedule'] or '':<9}  {100 * row['test_accuracy']:.2f}%"
        for row in content["rows"]
    ]


def numbers_to_see_2(content):
    """The same of chapter 2, where there are two data sets."""
    return [
        f"    {row['data']:<8}  {row['method']:<14}  {row['schedule'] or '':<9}  "
        f"{100 * row['test_accuracy']:.2f}%"
        for row in content["rows"]
    ]
