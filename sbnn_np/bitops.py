"""Operations and bytes of a network, each under a named convention.

=================  =========================================================
adds               additions an image: a neuron with K ones costs max(K-1, 0),
                   and an input that is 0 is added like any other. A centred
                   layer also sums its D inputs once (D-1) and takes that sum,
                   times the centre, from each neuron (M). A ternary neuron with K
                   weights that are not 0 costs max(K-1, 0). One of +-1 or
                   float weights costs D-1; its D sign changes (XNORs, where
                   the inputs are bits), or its D multiplications, are not in
                   this number, and neither is batch norm. A convolution
                   counts all this once for each place of its window; pixels
                   that padding added are added like any other. Max pooling
                   compares, and adds nothing.
mask_bytes         one bit a weight, two if ternary, each layer rounded up to
                   whole bytes: never below 1/32 of float32, however sparse
entropy_bytes      n H(p) / 8 for a layer of n weights of which a fraction p is
                   1: what an ideal code spends that knows p and nothing else;
                   for a ternary layer, of which a fraction p is not 0 and q of
                   those is +1, n (H(p) + p H(q)) / 8
float_bytes        4 bytes for each weight of a layer that keeps floats
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
    """Additions an image of a Dense or Conv layer, in closed form.

    Parameters
    ----------
    layer : Dense or Conv

    Returns
    -------
    adds : int

    Raises
    ------
    TypeError
        If the layer is of a kind that has weights and no rule here.
    """
    if not hasattr(layer, "places") or layer.w.ndim != 2:
        raise TypeError(f"cannot count the additions of {type(layer).__name__}")
    D, M = layer.w.shape
    if not layer.sparse:
        return layer.places * M * (D - 1)
    # sum_m max(K[m] - 1, 0), K[m] = sum_d mask[d,m]
    K = layer.mask.sum(axis=0)
    shared = D - 1 + M if layer.weights == "0/1 centred" else 0
    return layer.places * (int(np.maximum(K - 1, 0).sum()) + shared)


def account(network):
    """Count a whole network: weights, ones, additions and bytes.

    Parameters
    ----------
    network : Network

    Returns
    -------
    account : dict
        Of all layers: `weights`, `adds` (an image), `dense_adds` (the same, if no
        weight were 0), `float_bytes`. Of all layers but float ones: `mask_bytes`. Of the
        sparse layers (0/1 and ternary): `ones` (weights that are not 0), `entropy_bytes`. Of
        a network with such layers, `compression_weights_entropy`: 4 bytes a weight over
        entropy_bytes + float_bytes (None if those are 0, as in a network of ones alone). What
        a network has no layers for is None.

    Examples
    --------
    >>> from sbnn_np.network import mlp
    >>> net = mlp([8, 4], "0/1", np.random.default_rng(0), p0=0.25)
    >>> account(net)["weights"], account(net)["mask_bytes"]
    (32, 4)
    """
    layers = network.weight_layers
    floats = [layer for layer in layers if layer.mask is None]
    bits = [layer for layer in layers if layer.mask is not None]
    result = {
        "weights": sum(layer.w.size for layer in layers),
        "adds": sum(adds(layer) for layer in layers),
        "dense_adds": sum(
            layer.places * layer.w.shape[1] * (layer.w.shape[0] - 1) for layer in layers
        ),
        "float_bytes": 4 * sum(layer.w.size for layer in floats),
        "ones": None,
        "mask_bytes": sum(mask_bytes(layer) for layer in bits) if bits else None,
        "entropy_bytes": None,
        "compression_weights_entropy": None,
    }
    if network.sparse_layers:
        result["ones"] = sum(layer.ones for layer in network.sparse_layers)
        result["entropy_bytes"] = sum(entropy_bytes(layer) for layer in network.sparse_layers)
        coded = result["entropy_bytes"] + result["float_bytes"]
        if coded:
            result["compression_weights_entropy"] = 4 * result["weights"] / coded
    return result


def mask_bytes(layer):
    """Bytes of a layer's weights at one bit each, or two if ternary."""
    return math.ceil(layer.w.size * (2 if layer.weights == "ternary" else 1) / 8)


def entropy_bytes(layer):
    """Bytes that an ideal code spends on a sparse layer if it knows the densities alone."""
    bits = layer.w.size * quantize.binary_entropy(layer.ones / layer.w.size)
    if layer.weights == "ternary" and layer.ones:
        plus = np.count_nonzero(layer.w > 0)
        bits += layer.ones * quantize.binary_entropy(plus / layer.ones)
    return bits / 8
