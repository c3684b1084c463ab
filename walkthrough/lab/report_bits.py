"""Results of chapter 3 as text, for figures/README.md and the front page."""

from lab.tables import markdown, percent


def gain(row):
    """How many times faster than float32 products the bit-sliced engine is, if it took part."""
    times = row["microseconds"]
    return f"{times['float32 BLAS'] / times['bit-sliced']:.1f}x" if "bit-sliced" in times else None


def time_of(engine):
    """A column function: the microseconds of an engine, or None if it took no part."""
    def shown(row):
        time = row["microseconds"].get(engine)
        return None if time is None else f"{time:.2f}"

    return shown


def race_table(content):
    """Each multilayer network's accuracy, file, and time on each engine."""
    return markdown((
        ("method", lambda row: row["method"]),
        ("architecture", lambda row: row["architecture"]),
        ("inputs", lambda row: row["inputs"]),
        ("ones", lambda row: percent(row["density"])),
        ("test accuracy (%)", lambda row: f"{100 * row['test_accuracy']:.2f}"),
        ("file (bytes)", lambda row: f"{row['file_bytes']:,}"),
        ("smaller (file)", lambda row: f"{row['compression_file']:.1f}x"),
        ("float32 BLAS", time_of("float32 BLAS")),
        ("packed words", time_of("packed words")),
        ("bit-sliced", time_of("bit-sliced")),
        ("gain over BLAS", gain),
    ), content["race"])


def front_table(content):
    """The four networks of the front page."""
    wanted = (("+-1", None), ("0/1", 0.05), ("0/1 centred", 0.05), ("0/1", 0.01))

    def of(method, density):
        return next(
            row for row in content["race"]
            if row["method"] == method and row["inputs"] == "bits"
            and (density is None or abs(row["density"] - density) < 1e-4)
        )

    return markdown((
        ("method", lambda row: row["method"]),
        ("ones", lambda row: percent(row["density"])),
        ("test accuracy (%)", lambda row: f"{100 * row['test_accuracy']:.2f}"),
        ("file (bytes)", lambda row: f"{row['file_bytes']:,}"),
    ), [of(*each) for each in wanted])


def batch_table(content):
    """The time of an image by how many come at a time."""
    return markdown((
        ("images at a time", lambda row: f"{row['batch']:,}"),
        ("bit-sliced", time_of("bit-sliced")),
        ("float32 BLAS", time_of("float32 BLAS")),
        ("gain over BLAS", gain),
    ), content["race_by_batch"])


def slope_line(content):
    """How time grows with the ones, in a sentence."""
    few, many = (
        next(
            row["microseconds"]["bit-sliced"] for row in content["race"]
            if row["method"] == "0/1" and round(row["density"], 2) == density
        )
        for density in (0.01, 0.1)
    )
    return (
        f"With ten times the ones, 10% instead of 1%, the bit-sliced engine takes {many / few:.1f} "
        "times as long. A part of its time does not depend on the ones: it compares sums with "
        "thresholds, turns images into slices, and hands half of them to a second process."
    )


def conv_line(content):
    """How fast the small network for CIFAR-10 is, in two sentences."""
    row = next(row for row in content["rows"] if "p" in row["architecture"])
    race = content["race_conv"]
    return (
        f"The small network for CIFAR-10 ({100 * row['test_accuracy']:.2f}%, a file of "
        f"{row['file_bytes']:,} bytes, {row['compression_file']:.1f} times smaller than float32) "
        f"takes {1000 * race['bit-sliced, whole network']:.0f} ms for {race['images']} images on "
        f"the bit-sliced engine and {1000 * race['float32, whole network']:.0f} ms in float32. "
        "Its first layer has float weights, and takes the same time on both; the layers of bits "
        f"alone are {race['gain, layers of bits']:.1f} times faster."
    )
