"""A network is a list of layers, run forwards and backwards."""

import math

import numpy as np

from sbnn_np.core import quantize, sparsity, windows
from sbnn_np.core.layers import Activation, BatchNorm, Conv, Dense, Flatten, MaxPool

# method: (weights, activation)
METHODS = {
    "full precision": ("float", "relu"),
    "+-1": ("+-1", "sign"),
    "ternary": ("ternary", "sign"),
    "0/1": ("0/1", "bit"),
    "0/1 centred": ("0/1 centred", "bit"),
}


class Network:
    """Layers in a row.

    Parameters
    ----------
    layers : list
    shape : tuple of int
        Of one input, (D,) or (H, W, C).

    Examples
    --------
    >>> net = mlp([4, 3, 2], "0/1", np.random.default_rng(0), p0=0.5)
    >>> net.forward(np.ones((1, 4))).shape
    (1, 2)
    """

    def __init__(self, layers, shape):
        self.layers, self.shape = layers, shape
        self.dtype = next(p.dtype for layer in layers for p in layer.params.values())

    def forward(self, x, train=False):
        """Compute class scores.

        Parameters
        ----------
        x : (N, ...) array
            Numbers of any dtype, as many for each input as `shape` has, in that order;
            an image's pixels as they are, 0 to 255.
        train : bool
            Whether batch norm uses, and remembers, the statistics of this batch.

        Returns
        -------
        scores : (N, M) float

        Raises
        ------
        ValueError
            If x is empty, holds NaN or infinity, or does not fit the network.
        """
        if x.ndim < 2 or len(x) == 0 or x[0].size != math.prod(self.shape):
            takes = ", ".join(["N", *map(str, self.shape)])
            raise ValueError(f"x has shape {x.shape}; the network takes ({takes}), N at least 1")
        # a NaN would pass the first threshold as a 0 and never be seen again
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            raise ValueError("x holds NaN or infinity; pixels must be finite")
        x = x.astype(self.dtype, copy=False).reshape(-1, *self.shape)
        for layer in self.layers:
            x = layer.forward(x, train)
        return x

    def backward(self, dscores):
        """Assign the gradient of every parameter, given that of the scores, (N, M)."""
        dy = dscores
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
            if dy is None:
                break

    def params(self):
        """All trained arrays, first layer first."""
        return [p for layer in self.layers for p in layer.params.values()]

    def grads(self):
        """Their gradients, in the same order."""
        return [g for layer in self.layers for g in layer.grads.values()]

    @property
    def weight_layers(self):
        """The layers that hold weights."""
        return [layer for layer in self.layers if "latent" in layer.params]

    @property
    def sparse_layers(self):
        """The layers whose weights can be 0: 0/1 ones, centred or not, and ternary ones."""
        return [layer for layer in self.weight_layers if layer.sparse]

    def density(self):
        """Fraction of ones (of weights not 0) over all sparse layers, or None without any."""
        total = sum(layer.mask.size for layer in self.sparse_layers)
        return sum(layer.ones for layer in self.sparse_layers) / total if total else None


def mlp(sizes, method, rng, p0=0.005, sigma=0.1, dtype=np.float32):
    """Build a multilayer network: dense, batch norm and threshold, again and again.

    Parameters
    ----------
    sizes : list of int
        Inputs, hidden neurons layer by layer, classes; 784, 512, 512, 10 for example.
    method : str
        "full precision" (float weights, ReLU), "+-1" (weights and activations -1 or
        +1), "ternary" (weights -1, 0 or +1, activations -1 or +1), "0/1" (weights and
        activations 0 or 1), or "0/1 centred".
    rng : numpy.random.Generator
    p0 : float
        Fraction of ones at the start of a 0/1 network.
    sigma : float
        Standard deviation of quantized latents. Float weights take sqrt(2/D) (He, 2015).
    dtype : numpy dtype
        float32, or float64 for checks.

    Returns
    -------
    network : Network

    Raises
    ------
    ValueError
        If sizes has fewer than two numbers or one below 1, or the method is unknown.

    Examples
    --------
    >>> net = mlp([784, 512, 512, 10], "0/1 centred", np.random.default_rng(0), p0=0.01)
    >>> [layer.w.shape for layer in net.weight_layers], round(net.density(), 3)
    ([(784, 512), (512, 512), (512, 10)], 0.01)
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes is {sizes}; it needs two or more numbers, all at least 1")
    weights, activation = known(method)
    layers = []
    for i, (D, M) in enumerate(zip(sizes, sizes[1:])):
        latent, scale = drawn((D, M), weights, rng, p0, sigma, dtype)
        layers += [Dense(latent, weights, first=i == 0), BatchNorm(scale), Activation(activation)]
    return Network(layers[:-1], (sizes[0],))


def convnet(
    shape, convs, sizes, kernel, padding, method, rng,
    p0=0.005, sigma=0.1, float_first=False, dtype=np.float32,
):
    """Build a convolutional network: convolutions, then dense layers.

    Parameters
    ----------
    shape : (H, W, C)
        Of an input image.
    convs : list or tuple of int or "pool"
        Filters of each convolution; a "pool" behind one halves the image.
    sizes : list of int
        Neurons of the dense layers, the last of them the classes.
    kernel, padding : int
        Of all convolutions; kernels are square.
    method, rng, sigma, dtype : see `mlp`
    p0 : float
        Fraction of ones at the start, over the whole net; see `sparsity.even`.
    float_first : bool
        Whether the first convolution keeps float weights.

    Returns
    -------
    network : Network
        Each block is convolution (or dense), max pooling if any, batch norm, threshold.

    Raises
    ------
    ValueError
        If the method is unknown, an image gets smaller than the kernel, sizes are missing, or
        convs hold anything but numbers from 1 on, each with one "pool" behind it at the most.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> lenet5 = convnet((28, 28, 1), [20, "pool", 50, "pool"], [500, 10], 5, 0, "0/1", rng)
    >>> [layer.w.shape for layer in lenet5.weight_layers]
    [(25, 20), (500, 50), (800, 500), (500, 10)]
    >>> sum(layer.w.size for layer in lenet5.weight_layers)
    430500
    """
    weights, activation = known(method)
    for before, F in zip(["pool", *convs], convs):
        if before == "pool" if F == "pool" else not isinstance(F, int) or F < 1:
            raise ValueError(
                f'convs is {convs}; it takes numbers from 1 on, and at most one "pool" behind each'
            )
    if len(sizes) < 1 or min(sizes) < 1:
        raise ValueError(f"sizes is {sizes}; it needs one or more numbers, all at least 1")
    layers, place = [], shape
    shapes = weight_shapes(shape, convs, sizes, kernel, padding)
    starts = iter(sparsity.even(shapes[1:] if float_first else shapes, p0))
    for i, F in enumerate(convs):
        if F == "pool":
            continue
        kinds = "float" if float_first and not layers else weights
        p = None if float_first and not layers else next(starts)
        latent, scale = drawn((kernel * kernel * place[2], F), kinds, rng, p, sigma, dtype)
        conv = Conv(latent, place, (kernel, kernel), kinds, first=not layers, padding=padding)
        layers += [conv]
        place = conv.out_shape
        if "pool" in convs[i + 1 : i + 2]:
            layers += [MaxPool(2)]
            place = (place[0] // 2, place[1] // 2, F)
        layers += [BatchNorm(scale), Activation(activation)]
    layers += [Flatten()]
    for D, M in zip([math.prod(place), *sizes], sizes):
        latent, scale = drawn((D, M), weights, rng, next(starts), sigma, dtype)
        layers += [Dense(latent, weights), BatchNorm(scale), Activation(activation)]
    return Network(layers[:-1], shape)


def weight_shapes(shape, convs, sizes, kernel, padding):
    """Shape (D, M) of each layer's weights; the parameters are those of `convnet`."""
    (H, W, C), shapes = shape, []
    for F in convs:
        if F == "pool":
            H, W = H // 2, W // 2
        else:
            shapes.append((kernel * kernel * C, F))
            H, W, C = (*(windows.out_size(size, kernel, 1, padding) for size in (H, W)), F)
    return shapes + list(zip([H * W * C, *sizes], sizes))


def known(method):
    """Weights and activation of a method."""
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    return METHODS[method]


def drawn(shape, weights, rng, p0, sigma, dtype):
    """Latents, (D, M), and the scales of the batch norm behind them, (M,), at the start."""
    D, M = shape
    sparse = weights.startswith("0/1")
    if weights == "float":
        latent = (rng.standard_normal((D, M)) * np.sqrt(2 / D)).astype(dtype)
    else:
        latent = quantize.nearly_empty((D, M), p0 if sparse else 0.5, sigma, rng, dtype)
    scale = rng.choice([-1, 1], M) if sparse else np.ones(M)
    return latent, scale.astype(dtype)
