"""Results of chapter 3 as text: the README's lines."""


def readme_lines(content):
    """Lines of the README's table: each multilayer network's accuracy, file and time."""
    lines = []
    for row in content["race"]:
        ones = "-" if row["density"] is None else f"{100 * row['density']:.2f}%"
        times = row["microseconds"]
        sliced = times.get("bit-sliced")
        slices = "- | -"
        if sliced is not None:
            slices = f"{sliced:.2f} | {times['float32 BLAS'] / sliced:.1f}x"
        lines.append(
            f"| {row['method']} | {row['architecture']} | {row['inputs']} | {ones} "
            f"| {100 * row['test_accuracy']:.2f} | {row['file_bytes']:,} "
            f"| {row['compression_file']:.1f}x | {times['float32 BLAS']:.2f} "
            f"| {times['packed words']:.2f} | {slices} |"
        )
    return lines


def batch_line(content):
    """The README's line on small batches."""
    batches = content["race_by_batch"]
    told = ", ".join(
        f"{row['batch']}: {row['microseconds']['bit-sliced']:.2f} "
        f"({row['microseconds']['float32 BLAS']:.2f})" for row in batches
    )
    return (
        "Slices want many images. Microseconds an image of the plain network at 5%, by how many "
        f"come at a time (and of float32 BLAS): {told}."
    )


def slope_line(content):
    """The README's line on how time grows with the ones."""
    few, many = (
        next(
            row["microseconds"]["bit-sliced"] for row in content["race"]
            if row["method"] == "0/1" and round(row["density"], 2) == density
        )
        for density in (0.01, 0.1)
    )
    return (
        f"Ten times the ones, 10% for 1%, take {many / few:.1f} times as long in slices: images "
        "are compared, sliced and handed over for any density, and each operation is a call from "
        "Python."
    )


def conv_line(content):
    """The README's line on the small CIFAR-10 network."""
    row = next(row for row in content["rows"] if "p" in row["architecture"])
    race = content["race_conv"]
    return (
        f"The small network for CIFAR-10 ({100 * row['test_accuracy']:.2f}%, a file of "
        f"{row['file_bytes']:,} bytes, {row['compression_file']:.1f} times smaller) takes "
        f"{1000 * race['bit-sliced, whole network']:.0f} ms for {race['images']} images in slices "
        f"and {1000 * race['float32, whole network']:.0f} ms in float32; its layers of "
        f"bits alone are {race['gain, layers of bits']:.1f} times faster."
    )
