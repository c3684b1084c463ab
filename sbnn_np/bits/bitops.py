"""Operations and bytes of a network, each under a named convention.

Operations, an image. A convolution does all this once for each place of its window; pixels that
padding adds are inputs like any other. Batch norm is a threshold in a frozen network, and counted
as such; pooling is counted in `word_ops` alone.

=================  =========================================================
adds               additions: a neuron with K ones costs max(K-1, 0),
                   and an input that is 0 is added like any other. A centred
                   layer also sums its D inputs once (D-1) and takes that sum,
                   times the centre, from each neuron (M). A ternary neuron with K
                   weights that are not 0 costs max(K-1, 0). One of +-1 or
                   float weights costs D-1; its D sign changes (`xnors`, where
                   the inputs are bits), or its D multiplications
                   (`float_macs`), are not in this number. (`adds` and `account`
                   count the shared sum even if the centre is 0 of 64; `operations`
                   does not)
dense_macs         D for each neuron, whatever the weights
xnors              D for each neuron of +-1 weights whose inputs are bits
and_words,         on rows of 64-bit words, ceil(D / 64) of each for each neuron,
popcount_words     for each bit of the inputs: eight for pixels. XNOR takes the place
                   of AND where inputs are -1 and +1. One more popcount for the
                   sum that all neurons share, if centred, or if weights are +-1
                   and inputs pixels. None of ternary and float layers
word_ops           logical operations on words of the bit-sliced engine: 5 a full
                   adder, 2 a half adder, and so on (see `sliced_ops`), for 64
                   images at once, so a 64th of that. Of 0/1 layers alone. These are
                   the operations of the engine's plain form (`counted`). The fast
                   one adds rows of zeros, too, and spares some of what centred
                   neurons share: a test holds it to 0.7 to 1.25 times as many
compares           one for each hidden neuron: its threshold
float_macs         D for each neuron of float weights, and one for each score
reactnet_ops       float MACs + binary MACs / 64, dense; pixels that meet bits of
                   weight count as eight binary inputs (Liu et al., 2020). Batch norm
                   of the scores is left out, here and in the next
micronet_ops       multiplications and additions apart, each times bits / 32: K or D
                   multiplications of the inputs' bits a neuron, and the
                   additions above, with as many bits as the largest sum has; 32
                   for floats. A 0 costs nothing (MicroNet challenge, 2019)
=================  =========================================================

Bytes.

=================  =========================================================
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

from sbnn_np.core import quantize


@dataclass
class Count:
    """Operations so far; a loop that is handed one adds 1 at each operation it does."""

    adds: int = 0
    xnors: int = 0
    and_words: int = 0
    popcount_words: int = 0
    word_ops: int = 0
    compares: int = 0
    float_macs: int = 0


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
    >>> from sbnn_np.core.network import mlp
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


def operations(network, depth=8):
    """Count the operations of every layer, an image, under all conventions.

    Parameters
    ----------
    network : Network
    depth : int
        Bits of an input of the first layer: 8 for pixels, 1 for bits.

    Returns
    -------
    layers : list of dict
        One for each layer of weights, with a number for each convention named above; and
        `binary`, whether the layer's weights are bits or ternary.

    Raises
    ------
    TypeError
        If a layer is of a kind that has weights and no rule here.

    Examples
    --------
    >>> from sbnn_np.core.network import mlp
    >>> net = mlp([128, 10], "+-1", np.random.default_rng(0))
    >>> found = operations(net, depth=1)[0]
    >>> found["adds"], found["dense_macs"], found["and_words"], found["popcount_words"]
    (1270, 1280, 20, 22)
    """
    counted, groups = [], []
    for layer in network.layers:
        if hasattr(layer, "w"):
            groups.append([layer, 1])
        elif hasattr(layer, "size"):
            groups[-1][1] = layer.size
    for i, (layer, size) in enumerate(groups):
        last = i == len(groups) - 1
        counted.append(layer_operations(layer, depth if i == 0 else 1, i > 0, last, size))
    return counted


def layer_operations(layer, depth, hidden_input, last, size):
    """Count one layer; see `operations`.

    Parameters
    ----------
    layer : Dense or Conv
    depth : int
        Bits of an input.
    hidden_input : bool
        Whether inputs are another layer's activations: -1 and +1 for +-1 and ternary layers.
    last : bool
        Whether scores come out, so that no threshold does.
    size : int
        Of the pooling behind the layer; 1 without.
    """
    additions, (D, M), places = adds(layer), layer.w.shape, layer.places
    floats, words = layer.weights == "float", -(-D // 64)
    K = np.full(M, D) if layer.mask is None or not layer.sparse else layer.mask.sum(axis=0)
    bits = 32 if floats else depth
    packed = layer.weights in ("0/1", "0/1 centred", "+-1")
    signs = hidden_input and layer.weights in ("+-1", "ternary")
    centred = layer.weights == "0/1 centred"
    if centred and not layer.centre:
        additions -= places * (D - 1 + M)                     # nothing is taken from anybody
    shared = centred and layer.centre > 0 or layer.weights == "+-1" and not signs
    macs = places * D * M
    multiplications = places * int(K.sum())
    accumulator = 32 if floats else (D * (2**depth - 1)).bit_length() + (layer.weights == "+-1")
    word_ops = 0
    if layer.weights in ("0/1", "0/1 centred"):
        OH, OW = layer.out_shape[:2] if hasattr(layer, "out_shape") else (1, 1)
        pooled = (OH // size) * (OW // size)
        word_ops = places * sliced_ops(K, D, depth, round(64 * layer.centre), last)
        if not last:
            word_ops += pooled * M * size * size              # OR of each square, and the flip
    return {
        "binary": not floats,
        "dense_macs": macs,
        "adds": additions,
        "xnors": macs if signs and layer.weights == "+-1" else 0,
        "and_words": places * depth * words * M if packed else 0,
        "popcount_words": places * depth * words * (M + shared) if packed else 0,
        "word_ops": word_ops / 64,
        "compares": 0 if last or floats else places * M,
        "float_macs": (macs if floats else 0) + (M if last else 0),
        "reactnet_ops": macs if floats else macs * depth / 64,
        "micronet_ops": (multiplications * bits + additions * accumulator) / 32,
    }


def sliced_ops(K, D, depth, centre, last):
    """Logical operations on words of the bit-sliced engine, at one place, for 64 images.

    Parameters
    ----------
    K : (M,) int
        Fan-in of each neuron.
    D : int
    depth : int
        Bits of an input.
    centre : int
        In 64ths; 0 for a plain layer.
    last : bool
        Whether numbers are wanted, and no comparison.

    Returns
    -------
    ops : int
    """
    ops, high = 0, 0
    if centre:
        ops, total = adder_ops([D] * depth)
        if not last:
            levels = [0] * (total + 6)
            for j in range(7):
                for i in range(total):
                    levels[i + j] += centre >> j & 1
            more, planes = adder_ops(levels)
            # of each of 64 remainders, a comparison and what it carries into the planes above
            high = planes - 6
            ops += more + 64 * (compare_ops(6) + 2 * high + 1) + high
    for fan_in in K.tolist():
        if not (fan_in or last or centre):
            continue
        levels = [fan_in] * depth
        if centre and not last:
            # one more row for each plane of what is shared
            levels += [0] * (high + 1 - depth)
            levels = [n + (i <= high) for i, n in enumerate(levels)]
        more, planes = adder_ops(levels)
        ops += more + (0 if last else compare_ops(planes))
    return ops


def adder_ops(levels):
    """Operations to add levels[i] bits of weight 2^i for each i, and the planes of the sum.

    Three bits of one weight become one, and one that is carried, by a full adder of 5 operations;
    two that are left, by a half adder of 2.

    Examples
    --------
    >>> adder_ops([3]), adder_ops([4]), adder_ops([1, 1])
    ((5, 2), (9, 3), (0, 2))
    """
    ops, i, carried = 0, 0, 0
    while i < len(levels) or carried:
        n = carried + (levels[i] if i < len(levels) else 0)
        carried = n // 2
        if n:
            ops += 5 * ((n - 1) // 2) + 2 * ((n + 1) % 2)
        i += 1
    return ops, i


def compare_ops(planes):
    """Operations of a comparison with a constant: three a plane, and one less."""
    return 3 * planes - 1
