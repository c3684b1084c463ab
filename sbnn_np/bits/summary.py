"""A table of a network, layer by layer: its shape, its ones, its additions, its bytes."""

from sbnn_np.bits import bitops

COLUMNS = (
    ("layer", "{:<17}"), ("output", "{:<12}"), ("weights", "{:>11}"), ("ones", "{:>10}"),
    ("density", "{:>8}"), ("adds", "{:>12}"), ("of dense", "{:>8}"), ("bytes", "{:>13}"),
)


def summary(network, file_bytes=None):
    """Print a table of a network's layers, with totals of the binary layers and of all layers.

    Parameters
    ----------
    network : Network
    file_bytes : list of int, optional
        Bytes of each layer in a file. The last column shows them, as "file bytes". Left out, it
        shows "entropy bytes", the bytes of the weights alone: their entropy if they are 0/1 or
        ternary, one bit each if +-1, 4 bytes each if float.

    Notes
    -----
    `adds` are additions for one image, counted as `bitops` says. `of dense` is their fraction of
    the additions that the same layer would need if no weight were 0. `ones` are the weights that
    are not 0, and all weights of a +-1 or float layer.
    """
    print("\n".join(table_lines(network, file_bytes)))


def table_lines(network, file_bytes=None):
    """Make the lines of the table.

    Parameters
    ----------
    network, file_bytes : see `summary`

    Returns
    -------
    lines : list of str
    """
    titles = [title for title, _ in COLUMNS]
    titles[-1] = "entropy bytes" if file_bytes is None else "file bytes"
    lines = [header := table_line(titles), "-" * len(header)]
    rows = []
    operations = bitops.operations(network)
    for i, (layer, counts) in enumerate(zip(network.weight_layers, operations)):
        D, M = layer.w.shape
        row = {
            "weights": D * M,
            "ones": layer.ones if layer.sparse else D * M,
            "adds": counts["adds"],
            "dense": layer.places * M * (D - 1),
            "bytes": weight_bytes(layer) if file_bytes is None else file_bytes[i],
            "binary": counts["binary"],
        }
        rows.append(row)
        name = f"{type(layer).__name__.lower()} {layer.weights}"
        shape = getattr(layer, "out_shape", (M,))
        lines.append(layer_line(name, " x ".join(map(str, shape)), row))
    lines.append("-" * len(header))
    binary = [row for row in rows if row["binary"]]
    for name, group in (("binary layers", binary), ("all layers", rows)):
        if group:
            keys = ("weights", "ones", "adds", "dense", "bytes")
            total = {key: sum(row[key] for row in group) for key in keys}
            lines.append(layer_line(name, "", total))
    return lines


def layer_line(name, shape, row):
    """Format one layer, or a total.

    Parameters
    ----------
    name, shape : str
    row : dict
        `weights`, `ones`, `adds`, `dense` (additions if no weight were 0), `bytes`.

    Returns
    -------
    line : str
    """
    return table_line([
        name, shape, f"{row['weights']:,}", f"{row['ones']:,}",
        f"{100 * row['ones'] / row['weights']:.2f}%", f"{row['adds']:,}",
        f"{row['adds'] / row['dense']:.4f}" if row["dense"] else "-", f"{row['bytes']:,.0f}",
    ])


def table_line(cells):
    """Put cells (str, one for each column) into the widths of the columns; a str."""
    return "  ".join(width.format(cell) for cell, (_, width) in zip(cells, COLUMNS)).rstrip()


def weight_bytes(layer):
    """Bytes of a layer's weights alone.

    Parameters
    ----------
    layer : Dense or Conv

    Returns
    -------
    size : float
        The entropy of 0/1 and ternary weights; one bit for each +-1 weight; 4 bytes for each float.
    """
    if layer.weights == "float":
        return 4 * layer.w.size
    return bitops.entropy_bytes(layer) if layer.sparse else bitops.mask_bytes(layer)
