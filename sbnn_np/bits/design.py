"""The largest density at which a network fits a budget of flash bytes or of additions.

The model file of a cheap device must fit into its flash memory, and its additions into its time.
Both depend on the density, and both can be estimated before any training: fill the architecture
with random bits, write the file, and count. Random bits need as many bytes and additions as trained
bits of the same density do. The thresholds, a few percent of the file, are an estimate.
"""

from dataclasses import dataclass

import numpy as np

from sbnn_np.bits import bitops, freeze, storage
from sbnn_np.core import layers, quantize, sparsity


@dataclass(frozen=True)
class Design:
    """A density, and the costs of a network that has it.

    Attributes
    ----------
    density : float
        Fraction of ones among all 0/1 weights: a multiple of 1/1000, at most 0.5.
    file_bytes : int
        Size of the whole file, with thresholds and header.
    adds : int
        Additions for one image, over all layers.
    """

    density: float
    file_bytes: int
    adds: int


def largest_density(network, flash_bytes=None, adds=None, seed=0):
    """Find the largest density at which a network keeps to its budgets.

    Parameters
    ----------
    network : Network
        Of 0/1 weights, centred or not, that takes pixels. Its masks and the means of its batch
        norms are overwritten. `sparsity.even` distributes the ones over the layers.
    flash_bytes : int, optional
        Largest allowed size of the model file.
    adds : int, optional
        Largest allowed number of additions for one image; see `bitops`.
    seed : int
        Seed of the random bits.

    Returns
    -------
    design : Design

    Raises
    ------
    ValueError
        If no budget is given, if the network has no 0/1 weights, or if even a density of 1/1000
        exceeds a budget.

    Examples
    --------
    >>> from sbnn_np.core.network import mlp
    >>> net = mlp([784, 300, 100, 10], "0/1", np.random.default_rng(0))
    >>> found = largest_density(net, flash_bytes=8000)
    >>> found.density, found.file_bytes <= 8000
    (0.032, True)
    """
    if flash_bytes is None and adds is None:
        raise ValueError("flash_bytes and adds are both None; give at least one budget")
    if not network.sparse_layers or network.sparse_layers[0].weights == "ternary":
        raise ValueError("the network has no 0/1 weights whose density could be chosen")

    def design_at(thousandths):
        fill(network, thousandths / 1000, np.random.default_rng(seed))
        size = len(storage.dumps(freeze.freeze(network)))
        return Design(thousandths / 1000, size, sum(map(bitops.adds, network.weight_layers)))

    def fits(design):
        return (flash_bytes is None or design.file_bytes <= flash_bytes) and (
            adds is None or design.adds <= adds
        )

    best, low, high = design_at(1), 1, 500
    if not fits(best):
        raise ValueError(
            f"at a density of 0.001 the file has {best.file_bytes} bytes and an image takes "
            f"{best.adds} additions; the budgets are {flash_bytes} and {adds}"
        )
    while low < high:
        middle = (low + high + 1) // 2
        design = design_at(middle)
        low, high = (middle, high) if fits(design) else (low, middle - 1)
        best = design if fits(design) else best
    return best


def fill(network, density, rng):
    """Give a 0/1 network random masks, and batch norms whose thresholds lie among its sums.

    The thresholds assume inputs that are independent, and as likely to be small as large. Sums of
    real images vary more, so the thresholds are spread twice as wide as these inputs would need.

    Parameters
    ----------
    network : Network
        Of 0/1 weights. Its masks and the means of its batch norms are overwritten.
    density : float
    rng : numpy.random.Generator
    """
    shapes = [layer.w.shape for layer in network.sparse_layers]
    densities = iter(sparsity.even(shapes, density))
    next_max = 255                            # largest input of the next layer of weights
    for layer in network.layers:
        if getattr(layer, "sparse", False):
            k = quantize.ones_within(next(densities), layer.w.size)
            mask = np.zeros(layer.w.size, bool)
            mask[rng.choice(layer.w.size, k, replace=False)] = True
            layer.set_mask(mask.reshape(layer.w.shape))
            layer.recentre()
        if hasattr(layer, "w"):
            w, max_input, next_max = layer.w, next_max, 1
        elif isinstance(layer, layers.BatchNorm):
            # an input has mean max / 2; its variance is that of 0 and max, max^2 / 4
            mean = max_input * w.sum(axis=0) / 2
            deviation = max_input * np.sqrt((w**2).sum(axis=0)) / 2
            layer.mean[...] = rng.normal(mean, 2 * deviation)
