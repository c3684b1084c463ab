"""Operations and bytes of a network, each counted under a named convention.

D is the number of a neuron's inputs, and K the number of its weights that are not 0.

Operations, for one image. A convolution repeats them at each place of its window, and pixels that
padding adds count as inputs. Batch norm is a threshold in a frozen network, and is counted as one.
Pooling is counted in `word_ops` alone.

=================  =========================================================
adds               additions: max(K-1, 0) for each neuron of 0/1 or ternary weights,
                   even if an input is 0. A centred layer also adds its D inputs once
                   (D-1), and subtracts centre times this sum from each neuron (M).
                   A neuron of +-1 or float weights costs D-1; its D sign changes
                   (`xnors`, if the inputs are bits) or its D multiplications
                   (`float_macs`) are counted elsewhere. (`adds` and `account` count
                   the shared sum even if the centre is 0 of 64; `operations`
                   does not)
dense_macs         D for each neuron, whatever its weights
xnors              D for each neuron of +-1 weights whose inputs are bits
and_words,         ceil(D / 64) of each for each neuron and each bit of an input (a
popcount_words     pixel has eight): operations on 64-bit words. XNOR takes the place
                   of AND if inputs are -1 and +1. One more popcount for the sum that
                   all neurons share, if the layer is centred, or if weights are +-1
                   and inputs pixels. Ternary and float layers have none
word_ops           logical operations on words in the bit-sliced engine, divided by 64,
                   because one of them serves 64 images: 5 for a full adder, 2 for a
                   half adder, and so on (see `sliced_ops`). 0/1 layers alone have
                   them. The plain form of the engine (`plain_sliced`) does exactly
                   these. The fast form also adds some rows of zeros and saves some
                   shared work: a test holds it to 0.7 to 1.25 times as many
compares           one for each hidden neuron: its threshold
float_macs         D for each neuron of float weights, and one for each score
reactnet_ops       float MACs + binary MACs / 64, as if no weight were 0. Pixels that
                   meet binary weights count as eight binary inputs (Liu et al., 2020).
                   The batch norm of the scores is left out, here and in the next
micronet_ops       multiplications and additions, each times its bits / 32. A neuron has
                   K multiplications (D if its weights are +-1 or float), with the bits
                   of an input, and the additions above, with the bits of the largest
                   possible sum. Floats have 32 bits. A weight of 0 costs nothing
                   (MicroNet challenge, 2019)
=================  =========================================================

Bytes.

=================  =========================================================
mask_bytes         one bit a weight, two if ternary, each layer rounded up to
                   whole bytes: never below 1/32 of float32, however sparse
entropy_bytes      n H(p) / 8 for a layer of n weights of which a fraction p is 1.
                   An ideal code that knows p and nothing else needs so many. A ternary
                   layer, of which a fraction p is not 0 and q of those is +1, needs
                   n (H(p) + p H(q)) / 8
float_bytes        4 bytes for each weight of a layer of floats
=================  =========================================================
"""

import math
from dataclasses import dataclass

import numpy as np

from sbnn_np.core import quantize


@dataclass
class Count:
    """Operations so far. An engine that takes a Count adds to it what it does.

    Attributes
    ----------
    adds, xnors, and_words, popcount_words, word_ops, compares, float_macs : int
        See the table above.
    """

    adds: int = 0
    xnors: int = 0
    and_words: int = 0
    popcount_words: int = 0
    word_ops: int = 0
    compares: int = 0
    float_macs: int = 0


def adds(layer):
    """Count the additions of a Dense or Conv layer for one image, in closed form.

    Parameters
    ----------
    layer : Dense or Conv

    Returns
    -------
    adds : int

    Raises
    ------
    TypeError
        If there is no rule for layers of this kind.

    Examples
    --------
    >>> from sbnn_np.core.layers import Dense
    >>> adds(Dense(np.array([[1.0, 1, -1], [1, -1, -1], [1, -1, -1]]), "0/1"))    # 2 + 0 + 0
    2
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
        Of all layers: `weights`, `adds` (for one image), `dense_adds` (the same, if no
        weight were 0), `float_bytes`. Of all layers but float ones: `mask_bytes`. Of the
        sparse layers (0/1 and ternary): `ones` (weights that are not 0), `entropy_bytes`,
        and `compression_weights_entropy`: 4 bytes a weight over entropy_bytes + float_bytes
        (None if those are 0, as in a network of ones alone). A value is None if the network has
        no layers for it.

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
    """Bytes of a layer's weights at one bit each, or two if ternary.

    Parameters
    ----------
    layer : Dense or Conv

    Returns
    -------
    size : int
    """
    return math.ceil(layer.w.size * (2 if layer.weights == "ternary" else 1) / 8)


def entropy_bytes(layer):
    """Bytes that an ideal code needs for a sparse layer if it knows the densities alone.

    Parameters
    ----------
    layer : Dense or Conv
        Of 0/1 or ternary weights.

    Returns
    -------
    size : float
    """
    bits = layer.w.size * quantize.binary_entropy(layer.ones / layer.w.size)
    if layer.weights == "ternary" and layer.ones:
        plus = np.count_nonzero(layer.w > 0)
        bits += layer.ones * quantize.binary_entropy(plus / layer.ones)
    return bits / 8


def float32_bytes(weights):
    """Bytes of a file of float32 numbers: 4 for each weight, and for one folded bias a neuron.

    Parameters
    ----------
    weights : iterable of (D, M) array
        Of each layer.

    Returns
    -------
    size : int

    Examples
    --------
    >>> float32_bytes([np.zeros((3, 2)), np.zeros((2, 1))])
    44
    """
    return 4 * sum(w.size + w.shape[1] for w in weights)


def operations(network, input_bits=8):
    """Count the operations of every layer for one image, under all conventions.

    Parameters
    ----------
    network : Network
    input_bits : int
        Bits of an input of the first layer: 8 for pixels, 1 for bits.

    Returns
    -------
    layers : list of dict
        One dict for each layer of weights. It has a number for each operation named above, and
        `binary`: whether the layer's weights are bits or ternary.

    Raises
    ------
    TypeError
        If there is no rule for layers of some kind.

    Examples
    --------
    >>> from sbnn_np.core.network import mlp
    >>> net = mlp([128, 10], "+-1", np.random.default_rng(0))
    >>> found = operations(net, input_bits=1)[0]
    >>> found["adds"], found["dense_macs"], found["and_words"], found["popcount_words"]
    (1270, 1280, 20, 22)
    """
    per_layer, groups = [], []                # groups of a layer of weights and its pool size
    for layer in network.layers:
        if hasattr(layer, "w"):
            groups.append([layer, 1])
        elif hasattr(layer, "size"):
            groups[-1][1] = layer.size
    for i, (layer, pool) in enumerate(groups):
        last = i == len(groups) - 1
        per_layer.append(layer_operations(layer, input_bits if i == 0 else 1, i > 0, last, pool))
    return per_layer


def layer_operations(layer, input_bits, hidden_input, last, pool):
    """Count the operations of one layer for one image.

    Parameters
    ----------
    layer : Dense or Conv
    input_bits : int
        Bits of one input.
    hidden_input : bool
        Whether inputs are another layer's activations: -1 and +1 for +-1 and ternary layers.
    last : bool
        Whether this is the last layer, which gives scores and has no threshold.
    pool : int
        Size of the pooling behind the layer; 1 means no pooling.

    Returns
    -------
    counts : dict
        See `operations`.
    """
    additions, (D, M), places = adds(layer), layer.w.shape, layer.places
    floats, words = layer.weights == "float", -(-D // 64)
    K = np.full(M, D) if layer.mask is None or not layer.sparse else layer.mask.sum(axis=0)
    bits = 32 if floats else input_bits
    packed = layer.weights in ("0/1", "0/1 centred", "+-1")
    signed = hidden_input and layer.weights in ("+-1", "ternary")
    centred = layer.weights == "0/1 centred"
    if centred and not layer.centre:
        additions -= places * (D - 1 + M)                     # a centre of 0 has no shared sum
    shared = centred and layer.centre > 0 or layer.weights == "+-1" and not signed
    macs = places * D * M
    multiplications = places * int(K.sum())
    sum_bits = (D * (2**input_bits - 1)).bit_length() + (layer.weights == "+-1")
    accumulator = 32 if floats else sum_bits
    word_ops = 0
    if layer.weights in ("0/1", "0/1 centred"):
        OH, OW = layer.out_shape[:2] if hasattr(layer, "out_shape") else (1, 1)
        pooled = (OH // pool) * (OW // pool)
        word_ops = places * sliced_ops(K, D, input_bits, round(64 * layer.centre), last)
        if not last:
            word_ops += pooled * M * pool * pool              # the OR of each square, and the flip
    return {
        "binary": not floats,
        "dense_macs": macs,
        "adds": additions,
        "xnors": macs if signed and layer.weights == "+-1" else 0,
        "and_words": places * input_bits * words * M if packed else 0,
        "popcount_words": places * input_bits * words * (M + shared) if packed else 0,
        "word_ops": word_ops / 64,
        "compares": 0 if last or floats else places * M,
        "float_macs": (macs if floats else 0) + (M if last else 0),
        "reactnet_ops": macs if floats else macs * input_bits / 64,
        "micronet_ops": (multiplications * bits + additions * accumulator) / 32,
    }


def sliced_ops(K, D, input_bits, centre, last):
    """Count the logical operations of the bit-sliced engine on words, at one place.

    Each operation serves 64 images. `plain_sliced` does exactly these.

    Parameters
    ----------
    K : (M,) int
        Fan-in of each neuron.
    D : int
    input_bits : int
        Bits of one input.
    centre : int
        In 64ths; 0 in a plain layer.
    last : bool
        Whether the layer gives sums, without a comparison.

    Returns
    -------
    ops : int
    """
    ops, high_planes = 0, 0
    if centre:
        ops, sum_planes = adder_ops([D] * input_bits)
        if not last:
            rows = [0] * (sum_planes + 6)     # of each plane of centre * sum
            for j in range(7):
                for i in range(sum_planes):
                    rows[i + j] += centre >> j & 1
            product_ops, product_planes = adder_ops(rows)
            # for each of 64 remainders: a comparison, and its carry into the planes above
            high_planes = product_planes - 6
            ops += product_ops + 64 * (compare_ops(6) + 2 * high_planes + 1) + high_planes
    for fan_in in K.tolist():
        if not (fan_in or last or centre):
            continue
        rows = [fan_in] * input_bits
        if centre and not last:
            # one more row for each plane of the shared sum
            rows += [0] * (high_planes + 1 - input_bits)
            rows = [n + (i <= high_planes) for i, n in enumerate(rows)]
        neuron_ops, planes = adder_ops(rows)
        ops += neuron_ops + (0 if last else compare_ops(planes))
    return ops


def adder_ops(rows):
    """Count the operations that add rows of bits, and the planes of their sum.

    A full adder takes three bits of one place value. It leaves one bit there, and carries one to
    the next place, in 5 operations. A half adder does it for the last two bits, in 2.

    Parameters
    ----------
    rows : list of int
        rows[i] is the number of bits of place value 2^i.

    Returns
    -------
    ops : int
    planes : int
        Bits of the sum.

    Examples
    --------
    >>> adder_ops([3]), adder_ops([4]), adder_ops([1, 1])
    ((5, 2), (9, 3), (0, 2))
    """
    ops, i, carried = 0, 0, 0
    while i < len(rows) or carried:
        n = carried + (rows[i] if i < len(rows) else 0)
        carried = n // 2
        if n:
            ops += 5 * ((n - 1) // 2) + 2 * ((n + 1) % 2)
        i += 1
    return ops, i


def compare_ops(planes):
    """Count the operations that compare a number of so many planes with a constant.

    Three operations a plane, and one less for the first plane.

    Parameters
    ----------
    planes : int

    Returns
    -------
    ops : int
    """
    return 3 * planes - 1
