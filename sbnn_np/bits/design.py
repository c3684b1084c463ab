"""What fits: the density at which a network keeps to a budget of flash bytes or of additions.

The files of a cheap device's network must fit into its flash memory, and its additions into its
time. Both follow the density, and both can be known before any training: the architecture is
filled with bits at random, and written and counted as a trained one would be. Bits and additions
are those of any network of this density; thresholds, a few percent of the file, are a guess.
"""

from dataclasses import dataclass

import numpy as np

from sbnn_np.bits import bitops, freeze, storage
from sbnn_np.core import layers, quantize, sparsity


@dataclass(frozen=True)
class Fit:
    """The largest density that fits, and what it comes to.

    Attributes
    ----------
    density : float
        Of all 0/1 weights together; a multiple of 1/1000, at most 0.5.
    file_bytes : int
        Of the whole file: bits, thresholds, header and all.
    adds : int
        An image, over all layers.
    """

    density: float
    file_bytes: int
    adds: int


def fit(network, flash_bytes=None, adds=None, seed=0):
    """Find the largest density at which a network keeps to its budgets.

    Parameters
    ----------
    network : Network
        Of 0/1 weights, centred or not, for pixels. Its masks and its batch norms' means are
        overwritten. Ones are dealt out to layers as `sparsity.even` does.
    flash_bytes : int, optional
        Largest size of the model file.
    adds : int, optional
        Most additions an image; see `bitops`.
    seed : int
        Of the random bits.

    Returns
    -------
    fit : Fit

    Raises
    ------
    ValueError
        If there is no budget, the network has no 0/1 weights, or one in a thousand is too many.

    Examples
    --------
    >>> from sbnn_np.core.network import mlp
    >>> net = mlp([784, 300, 100, 10], "0/1", np.random.default_rng(0))
    >>> found = fit(net, flash_bytes=8000)
    >>> found.density, found.file_bytes <= 8000
    (0.032, True)
    """
    if flash_bytes is None and adds is None:
        raise ValueError("flash_bytes and adds are both None; give at least one budget")
    if not network.sparse_layers or network.sparse_layers[0].weights == "ternary":
        raise ValueError("the network has no 0/1 weights whose density could be chosen")

    def tried(thousandths):
        fill(network, thousandths / 1000, np.random.default_rng(seed))
        size = len(storage.dumps(freeze.freeze(network)))
        return Fit(thousandths / 1000, size, sum(map(bitops.adds, network.weight_layers)))

    def fits(found):
        return (flash_bytes is None or found.file_bytes <= flash_bytes) and (
            adds is None or found.adds <= adds
        )

    best, low, high = tried(1), 1, 500
    if not fits(best):
        raise ValueError(
            f"at a density of 0.001 the file has {best.file_bytes} bytes and an image takes "
            f"{best.adds} additions; the budgets are {flash_bytes} and {adds}"
        )
    while low < high:
        middle = (low + high + 1) // 2
        found = tried(middle)
        low, high = (middle, high) if fits(found) else (low, middle - 1)
        best = found if fits(found) else best
    return best


def fill(network, density, rng):
    """Give a 0/1 network random masks, and batch norms whose thresholds lie where sums do.

    Inputs are thought of as independent, and as likely to be small as large; with real ones sums
    differ more, so thresholds are spread twice as wide as that would make them.
    """
    shapes = [layer.w.shape for layer in network.sparse_layers]
    densities = iter(sparsity.even(shapes, density))
    largest = 255
    for layer in network.layers:
        if getattr(layer, "sparse", False):
            k = quantize.ones_within(next(densities), layer.w.size)
            mask = np.zeros(layer.w.size, bool)
            mask[rng.choice(layer.w.size, k, replace=False)] = True
            layer.set_mask(mask.reshape(layer.w.shape))
            layer.set_values()
        if hasattr(layer, "w"):
            values, held = layer.w, largest
            largest = 1
        elif isinstance(layer, layers.BatchNorm):
            # each input has mean 1/2 and a variance of 1/4, of the largest
            middle = held * values.sum(axis=0) / 2
            width = held * np.sqrt((values**2).sum(axis=0)) / 2
            layer.mean[...] = rng.normal(middle, 2 * width)
