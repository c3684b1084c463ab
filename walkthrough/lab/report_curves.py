"""Results of chapter 4 as text: its tables, its answers, and the README's lines."""

import numpy as np

from lab.plots_curves import label_of


def means(contents):
    """Group runs that differ in their seed alone: a list of dict, in the order of the runs."""
    groups = {}
    for content in contents:
        row = content["row"]
        key = (row["data"], row["architecture"], label_of(content), row["target_density"],
               row["schedule"], row["epochs"])
        groups.setdefault(key, []).append(content)
    found = []
    for (data, architecture, method, target, schedule, epochs), mine in groups.items():
        rows = [content["row"] for content in mine]
        error = np.array([100 * (1 - row["test_accuracy"]) for row in rows])
        found.append({
            "data": data, "architecture": architecture, "method": method, "target": target,
            "schedule": schedule, "epochs": epochs, "seeds": len(rows),
            "error": float(error.mean()), "spread": float(np.abs(error - error.mean()).max()),
            "validation": float(np.mean([100 * (1 - row["validation_accuracy"]) for row in rows])),
            "density": (
                None if rows[0]["density"] is None else float(np.mean([r["density"] for r in rows]))
            ),
            "bytes": float(np.mean([row["coded_bytes"] for row in rows])),
            "is_file": rows[0]["file_bytes"] is not None,
            "compression": float(np.mean([row["compression"] for row in rows])),
            "adds": float(np.mean([row["operations"]["adds"] for row in rows])),
            "words": float(np.mean([
                row["operations"]["and_words"] + row["operations"]["popcount_words"]
                for row in rows
            ])),
            "sliced": float(np.mean([row["operations"]["word_ops"] for row in rows])),
            "in_training": mine[0]["adds_in_training"],
            "minutes": sum(row["seconds"] for row in rows) / 60,
        })
    return found


def table(contents):
    """Aligned text, a line for each group of seeds."""
    lines = [
        f"{'network':<30}{'method':<21}{'epochs':>6}{'ones %':>8}{'target':>8}  {'error %':<14}"
        f"{'bytes':>11}{'smaller (file)':>16}{'adds':>12}{'sliced':>9}{'packed':>9}"
    ]
    data = None
    for g in means(contents):
        if g["data"] != data:
            data = g["data"]
            lines.append(data)
        ones, target = (
            "-" if p is None else f"{100 * p:.2f}" for p in (g["density"], g["target"])
        )
        error = f"{g['error']:.2f}" + (f" +- {g['spread']:.2f}" if g["seeds"] > 1 else "")
        packed, sliced = (f"{n:,.0f}" if n else "-" for n in (g["words"], g["sliced"]))
        lines.append(
            f"{g['architecture']:<30}{g['method']:<21}{g['epochs']:>6}{ones:>8}{target:>8}  "
            f"{error:<14}{g['bytes']:>11,.0f}{g['compression']:>15.1f}x{g['adds']:>12,.0f}{sliced:>9}"
            f"{packed:>9}"
        )
    return "\n".join(lines)


def table_of_growth(contents):
    """Aligned text, a line for each way and length."""
    lines = [
        f"{'network':<30}{'density is':<12}{'epochs':>7}{'error %':>9}  "
        "ones x places x images in training"
    ]
    for g in means(contents):
        lines.append(
            f"{g['architecture']:<30}{g['schedule']:<12}{g['epochs']:>7}{g['error']:>9.2f}  "
            f"{g['in_training']:.3g}"
        )
    return "\n".join(lines)


# of plain networks the README shows one density, of centred ones some; the chapter prints all
SHOWN = {"0/1": (0.05,), "0/1 centred": (0.25, 0.1, 0.05, 0.045, 0.02, 0.015, 0.01)}


def readme_lines(contents):
    """Lines of the README's table, of the runs that are not about growth."""
    lines = []
    for g in means([c for c in contents if c["part"] != "growth"]):
        if g["target"] not in SHOWN.get(g["method"], (g["target"],)):
            continue
        ones = "-" if g["density"] is None else f"{100 * g['density']:.2f}%"
        error = f"{g['error']:.2f}" + (f" ± {g['spread']:.2f}" if g["seeds"] > 1 else "")
        lines.append(
            f"| {g['data']} | {g['architecture']} | {g['method']} | {ones} | {error} "
            f"| {g['bytes'] / 1000:,.1f}{'' if g['is_file'] else '*'} | {g['compression']:.1f}x "
            f"| {g['adds'] / 1000:,.0f} | {g['epochs']} | {g['seeds']} | {g['minutes']:.1f} |"
        )
    return lines


def readme_claims(contents):
    """The answers to the claims, as the README lists them."""
    return [
        f"- {line}" if not line.startswith(" ") else f"  - {line.strip()}"
        for line in claims(contents)
    ]


def claims(contents):
    """The four claims, each with what the finished runs say of it: a list of lines."""
    groups = means([c for c in contents if c["part"] != "growth"])
    growth = means([c for c in contents if c["part"] in ("growth", "both")])
    lines = []
    for data in dict.fromkeys(g["data"] for g in groups):
        mine = [g for g in groups if g["data"] == data]
        lines += [f"{data}:", *(f"    {line}" for line in claims_of(mine))]
        lines += [f"    {line}" for line in equal_bytes(mine)]
        lines += [f"    {line}" for line in beside_deep_compression(mine)]
    lines.append("4. Growth from a nearly-empty start, against a constant density and pruning:")
    for data in dict.fromkeys(g["data"] for g in growth):
        mine = [g for g in growth if g["data"] == data]
        for epochs in sorted({g["epochs"] for g in mine}):
            told = ", ".join(
                f"{g['schedule']} {g['error']:.2f}% with {g['in_training']:.2g} additions"
                for g in mine if g["epochs"] == epochs
            )
            lines.append(f"    {data}, {epochs} epochs: {told}")
    return lines if growth else lines[:-1]


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
    most, error = DEEP_COMPRESSION
    fits = [
        g for g in groups if g["data"] == "MNIST" and g["architecture"].startswith("784-")
        and g["method"].startswith("0/1") and g["bytes"] <= most
    ]
    if fits:
        best = preferred(fits)
        yield (
            f"Within {most:,} bytes (Deep Compression's LeNet-300-100, {error}% errors): "
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
                f"{signs['adds'] / few['adds']:.1f} times fewer additions; on packed words "
                f"{few['words']:,.0f} operations against {signs['words']:,.0f}, in slices "
                f"{few['sliced']:,.0f}"
            )
        else:
            yield f"2. Fewer operations, {name}: none errs as little as +-1"
        near = preferred(bits)
        yield (
            f"3. Generalization, {name}: the best 0/1 network ({near['method']}, "
            f"{100 * near['density']:.1f}% ones) errs on {near['error']:.2f}%, +-1 on "
            f"{signs['error']:.2f}%, full precision on {floats['error']:.2f}%"
        )
