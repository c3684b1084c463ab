"""A network at a glance: layer by layer its shape, its ones, its additions, its bytes."""

from sbnn_np.bits import bitops

COLUMNS = (
    ("layer", "{:<20}"), ("output", "{:<12}"), ("weights", "{:>11}"), ("ones", "{:>10}"),
    ("density", "{:>8}"), ("adds", "{:>12}"), ("of full", "{:>8}"), ("bytes", "{:>10}"),
)


def summary(network, sizes=None):
    """Print a table of a network's layers, and totals of the binary ones and of all.

    Parameters
    ----------
    network : Network
    sizes : list of int, optional
        Bytes of each layer of weights, of a file for example. Left out, what the weights alone
        need: entropy for 0/1 and ternary ones, a bit for +-1, 4 bytes for floats.

    Notes
    -----
    Conventions are those of `bitops`: `adds` are additions an image, `of full` their part of what
    the same layer would cost if no weight were 0. `ones` of a ternary layer are its weights that
    are not 0; of a +-1 or float layer, all.
    """
    print("\n".join(lines(network, sizes)))


def lines(network, sizes=None):
    """The table of `summary`, a list of str."""
    found = [header := form([title for title, _ in COLUMNS]), "-" * len(header)]
    rows = []
    counted = bitops.operations(network)
    for i, (layer, counts) in enumerate(zip(network.weight_layers, counted)):
        D, M = layer.w.shape
        row = {
            "weights": D * M,
            "ones": layer.ones if layer.sparse else D * M,
            "adds": counts["adds"],
            "dense": layer.places * M * (D - 1),
            "bytes": weight_bytes(layer) if sizes is None else sizes[i],
            "binary": counts["binary"],
        }
        rows.append(row)
        name = f"{type(layer).__name__.lower()} {layer.weights}"
        shape = getattr(layer, "out_shape", (M,))
        found.append(line(name, " x ".join(map(str, shape)), row))
    found.append("-" * len(header))
    binary = [row for row in rows if row["binary"]]
    for name, some in (("binary layers", binary), ("all layers", rows)):
        if some:
            keys = ("weights", "ones", "adds", "dense", "bytes")
            found.append(line(name, "", {key: sum(row[key] for row in some) for key in keys}))
    return found


def line(name, shape, row):
    """One line of the table."""
    return form([
        name, shape, f"{row['weights']:,}", f"{row['ones']:,}",
        f"{100 * row['ones'] / row['weights']:.2f}%", f"{row['adds']:,}",
        f"{row['adds'] / row['dense']:.4f}" if row["dense"] else "-", f"{row['bytes']:,.0f}",
    ])


def form(cells):
    """Cells in the widths of the columns."""
    return "  ".join(width.format(cell) for cell, (_, width) in zip(cells, COLUMNS)).rstrip()


def weight_bytes(layer):
    """Bytes that a layer's weights alone need, under the convention of their kind."""
    if layer.weights == "float":
        return 4 * layer.w.size
    return bitops.entropy_bytes(layer) if layer.sparse else bitops.mask_bytes(layer)
