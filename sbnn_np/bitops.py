"""Operations and bytes of a network, each under a named convention.

=================  =========================================================
adds               additions an image: a neuron with K ones costs max(K-1, 0),
                   and an input that is 0 is added like any other. A centred
                   layer also sums its D inputs once (D-1) and takes that sum,
                   times the centre, from each neuron (M). A neuron of +-1 or
                   float weights costs D-1; its D sign changes (XNORs, where
                   the inputs are bits), or its D multiplications, are not in
                   this number, and neither is batch norm.
mask_bytes         one bit a weight, each layer rounded up to whole bytes:
                   never below 1/32 of float32, however sparse
entropy_bytes      n H(p) / 8 for a layer of n weights of which a fraction p is
                   1: what an ideal code spends that knows p and nothing else
=================  =========================================================
"""

import math
from dataclasses import dataclass

import numpy as np

from sbnn_np import quantize


@dataclass
class Count:
    """Operations so far; a loop that is handed one adds 1 at each operation it does."""

    adds: int = 0


def adds(layer):
    """Additions an image of a Dense layer, in closed form.

    Parameters
    ----------
    layer : Dense

    Returns
    -------
    adds : int

    Raises
    ------
    TypeError
        If the layer is of a kind that has weights and no rule here.
    """
    if not hasattr(layer, "w") or layer.w.ndim != 2:
        raise TypeError(f"cannot count the additions of {type(layer).__name__}")
    D, M = layer.w.shape
    if not layer.sparse:
        return M * (D - 1)
    # sum_m max(K[m] - 1, 0), K[m] = sum_d mask[d,m]
    K = layer.mask.sum(axis=0)
    shared = D - 1 + M if layer.weights == "0/1 centred" else 0
    return int(np.maximum(K - 1, 0).sum()) + shared


def account(network):
    """Count a whole network: weights, ones, additions and bytes.

    Parameters
    ----------
    network : Network

    Returns
    -------
    account : dict
        `weights`, `adds` (an image), and, of 0/1 networks, `ones`, `mask_bytes`,
        `entropy_bytes` and `compression_weights_entropy` (4 bytes a weight over
        entropy_bytes; None if those are 0, as in a network of ones alone). A +-1 network
        has mask_bytes alone; the rest is None.

    Examples
    --------
    >>> from sbnn_np.network import mlp
    >>> net = mlp([8, 4], "0/1", np.random.default_rng(0), p0=0.25)
    >>> account(net)["weights"], account(net)["mask_bytes"]
    (32, 4)
    """
    layers = network.weight_layers
    result = {
        "weights": sum(layer.w.size for layer in layers),
        "adds": sum(adds(layer) for layer in layers),
        "ones": None,
        "mask_bytes": None,
        "entropy_bytes": None,
        "compression_weights_entropy": None,
    }
    if all(layer.mask is not None for layer in layers):
        result["mask_bytes"] = sum(math.ceil(layer.w.size / 8) for layer in layers)
    if all(layer.sparse for layer in layers):
        result["ones"] = sum(layer.ones for layer in layers)
        result["entropy_bytes"] = sum(
            layer.w.size * quantize.binary_entropy(layer.ones / layer.w.size) / 8
            for layer in layers
        )
        if result["entropy_bytes"]:
            result["compression_weights_entropy"] = 4 * result["weights"] / result["entropy_bytes"]
    return result
