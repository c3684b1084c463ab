"""What fits: the density, and the width, at which a network keeps to budgets, before any training.

A cheap device has so many bytes of flash and of memory, and time for so many additions. All three
depend on the density, and can be counted before any training: fill the architecture with random
bits, and count. Trained bits of the same density in each layer take as much, within a percent or
two. That is why a design names its rule: `EvenBudget` gives each layer the density that was counted
with. Under one budget for the whole net, training distributes the ones over the layers, and nobody
knows beforehand how.
"""

from dataclasses import dataclass

import numpy as np

from sbnn_np.bits import bitops, freeze, storage
from sbnn_np.core import layers, quantize, sparsity
from sbnn_np.export import account, plan

# Of these budgets, so much is left to what training alone decides: thresholds, and long gaps.
RESERVE, RESERVED = 0.02, ("file_bytes", "flash_bytes")
FORMS = {
    "file_bytes": "bytes of the model file", "flash_bytes": "bytes of tables and code as C",
    "ram_bytes": "bytes of memory as C", "adds": "additions for one image",
}


@dataclass(frozen=True)
class Design:
    """A network's density, the rule that keeps to it in training, and what the network then takes.

    Attributes
    ----------
    width : int or None
        Which of the widths it is, if there were several.
    density : float
        Fraction of ones among all 0/1 weights: a multiple of 1/1000, at most 0.5.
    rule : sparsity.EvenBudget
        The counts hold for a network that is trained with this rule.
    file_bytes : int
        Size of the model file, with thresholds and header.
    flash_bytes, ram_bytes : int or None
        What the network takes as C: tables and code, and memory for activations; see `account`. The
        code is an estimate. None if the network cannot be exported.
    adds : int
        Additions for one image, over all layers.
    entropy_bytes : float
        What an ideal code of all weights needs: how much they can hold.
    """

    width: int | None
    density: float
    rule: object
    file_bytes: int
    flash_bytes: int | None
    ram_bytes: int | None
    adds: int
    entropy_bytes: float


def fit(
    network, file_bytes=None, flash_bytes=None, ram_bytes=None, adds=None, widths=None,
    binarize=None, coded=False, class_only=False, seed=0,
):
    """Find the largest density at which a network keeps to its budgets.

    Parameters
    ----------
    network : Network, or function of a width that makes one
        Of 0/1 weights, centred or not. Its masks and the means of its batch norms are overwritten.
    file_bytes : int, optional
        Largest allowed size of the model file.
    flash_bytes, ram_bytes : int, optional
        Largest allowed size of tables and code, and of memory for activations, as C.
    adds : int, optional
        Largest allowed number of additions for one image; see `bitops`.
    widths : sequence of int, optional
        Of these, the one is chosen whose weights can hold the most: the most `entropy_bytes`.
    binarize : int, optional
        The network will be trained on bits, [pixel > binarize]; left out, on pixels.
    coded : bool
        Whether the C may code gaps, which is smaller and slower.
    class_only : bool
        See `exporter.export`.
    seed : int
        Seed of the random bits.

    Returns
    -------
    design : Design

    Raises
    ------
    ValueError
        If no budget is given, if the network has no 0/1 weights or cannot be exported though a
        budget is for C, or if even a density of 1/1000 exceeds a budget.

    Examples
    --------
    >>> from sbnn_np.core.network import mlp
    >>> net = mlp([784, 300, 100, 10], "0/1", np.random.default_rng(0))
    >>> found = fit(net, file_bytes=8000)
    >>> found.density, 7500 < found.file_bytes <= 8000, type(found.rule).__name__
    (0.031, True, 'EvenBudget')
    """
    budgets = {
        "file_bytes": file_bytes, "flash_bytes": flash_bytes, "ram_bytes": ram_bytes, "adds": adds,
    }
    budgets = {form: budget for form, budget in budgets.items() if budget is not None}
    if not budgets:
        raise ValueError(f"no budget is given; give at least one of {', '.join(FORMS)}")
    options = (binarize, coded, class_only, seed)
    if widths is None:
        return largest(network, None, budgets, options)
    found, refusals = [], []
    for width in widths:
        try:
            found.append(largest(network(width), width, budgets, options))
        except ValueError as error:
            refusals.append(error)
    if not found:
        raise refusals[0] if refusals else ValueError("widths is empty")
    return max(found, key=lambda design: design.entropy_bytes)


def largest(network, width, budgets, options):
    """Find the largest density of one network; see `fit`.

    Parameters
    ----------
    network : Network
    width : int or None
    budgets : dict
        Number by form.
    options : tuple
        What `count` takes besides.

    Returns
    -------
    design : Design
    """
    if not network.sparse_layers or network.sparse_layers[0].weights == "ternary":
        raise ValueError("the network has no 0/1 weights whose density could be chosen")

    def exceeded(design):
        reserve = {form: RESERVE * (form in RESERVED) for form in budgets}
        return [
            form for form in budgets
            if getattr(design, form) > (1 - reserve[form]) * budgets[form]
        ]

    best, low, high = count(network, width, 1, budgets, *options), 1, 500
    for form in budgets:
        if getattr(best, form) is None:
            raise ValueError(f"{form} is {budgets[form]}; only 0/1 weights can be written as C")
    if exceeded(best):
        told = " and ".join(
            f"{getattr(best, form)} {FORMS[form]} ({form} is {budgets[form]})"
            for form in exceeded(best)
        )
        raise ValueError(f"even at a density of 0.001 the network takes {told}")
    while low < high:
        middle = (low + high + 1) // 2
        design = count(network, width, middle, budgets, *options)
        fits = not exceeded(design)
        low, high = (middle, high) if fits else (low, middle - 1)
        best = design if fits else best
    return count(network, width, round(1000 * best.density), FORMS, *options)


def count(network, width, thousandths, forms, binarize, coded, class_only, seed):
    """Fill a network with random bits, and count what it takes.

    Parameters
    ----------
    network, width, binarize, coded, class_only, seed : see `fit`
    thousandths : int
        The density, times 1000.
    forms : collection of str
        What is counted of FORMS.

    Returns
    -------
    design : Design
        The numbers of bytes of other forms are None.
    """
    density = thousandths / 1000
    fill(network, density, np.random.default_rng(seed), 255 if binarize is None else 1)
    model, size, told = freeze.freeze(network, binarize=binarize), None, None
    if "file_bytes" in forms:
        size = len(storage.dumps(model))
    exportable = all(block.weights == "0/1" for block in model.blocks)
    if exportable and ("flash_bytes" in forms or "ram_bytes" in forms):
        listed = [i for i, block in enumerate(model.blocks) if coded and not block.kernel]
        told = account.account(plan.plan(model, listed, class_only))
    return Design(
        width, density, sparsity.EvenBudget(sparsity.Schedule(density)), size,
        told and told.flash_bytes, told and told.ram_bytes,
        sum(map(bitops.adds, network.weight_layers)), bitops.account(network)["entropy_bytes"],
    )


def fill(network, density, rng, max_input=255):
    """Give a 0/1 network random masks, and batch norms whose thresholds lie among its sums.

    The thresholds assume inputs that are independent, and as likely to be small as large. Sums of
    real images vary more, so the thresholds are spread twice as wide as these inputs would need.

    Parameters
    ----------
    network : Network
        Of 0/1 weights. Its masks and the means of its batch norms are overwritten.
    density : float
    rng : numpy.random.Generator
    max_input : int
        Largest input of the first layer: 255 for pixels, 1 for bits.
    """
    shapes = [layer.w.shape for layer in network.sparse_layers]
    densities = iter(sparsity.even(shapes, density))
    next_max = max_input                      # largest input of the next layer of weights
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
