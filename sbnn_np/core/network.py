"""A network is a list of layers, run forwards and backwards."""

import math
import operator

import numpy as np

from sbnn_np.core import quantize, sparsity, windows
from sbnn_np.core.layers import Activation, BatchNorm, Conv, Dense, Flatten, MaxPool
from sbnn_np.support import checks

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

    Attributes
    ----------
    trained_on : "bits", "pixels", "other" or None
        What the inputs in training were; see `input_kind`. None before any training. A network is
        of use on such inputs alone.

    Examples
    --------
    >>> net = mlp([4, 3, 2], "0/1", np.random.default_rng(0), p0=0.5)
    >>> net.forward(np.ones((1, 4))).shape
    (1, 2)
    """

    def __init__(self, layers, shape):
        self.layers, self.shape, self.trained_on = layers, shape, None
        self.dtype = next(p.dtype for layer in layers for p in layer.params.values())

    def forward(self, x, train=False):
        """Compute class scores.

        Parameters
        ----------
        x : (N, *shape), (N, D) or, for one channel, (N, H, W)
            Real numbers of any dtype, channels last; an image's pixels as they are, 0 to 255. A
            network of shape (D,) takes images of any axes with D numbers.
        train : bool
            Whether batch norm uses, and remembers, the statistics of this batch.

        Returns
        -------
        scores : (N, M) float

        Raises
        ------
        ValueError
            If x is empty, holds NaN or infinity or no real numbers, or does not fit the network.
        """
        checks.check_shape(x, self.shape, "x")
        if x.dtype.kind not in "buif":
            raise ValueError(f"x is of dtype {x.dtype}; it must be of real numbers")
        # a NaN would pass the first threshold as a 0 and never be seen again
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            raise ValueError("x holds NaN or infinity; pixels must be finite")
        if train and self.trained_on in (None, "bits"):       # bits, until a pixel above 1 comes
            self.trained_on = input_kind(x)
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
    def classes(self):
        """Number of scores that the network gives for an input."""
        return self.weight_layers[-1].w.shape[1]

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


def input_kind(images):
    """Say what numbers images hold, for a network that is to be frozen.

    Parameters
    ----------
    images : (N, ...) array of real numbers

    Returns
    -------
    kind : str
        "bits" if all are 0 or 1, "pixels" if they are whole numbers from 0 to 255, else "other".

    Examples
    --------
    >>> input_kind(np.array([[0, 255]])), input_kind(np.array([[0.0, 1.0]]))
    ('pixels', 'bits')
    >>> input_kind(np.array([[0, 255]]) / 255), input_kind(np.array([[0, 4095]]))
    ('bits', 'other')
    >>> input_kind(np.array([[0, 100]]) / 255)
    'other'
    """
    if images.dtype == bool:
        return "bits"
    if images.dtype != np.uint8 and not (
        images.min() >= 0 and images.max() <= 255 and (images == np.floor(images)).all()
    ):
        return "other"
    return "pixels" if images.max() > 1 else "bits"


def mlp(sizes, method, rng, p0=0.005, sigma=0.1, dtype=np.float32, eps=1e-5):
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
    eps : float
        Of batch norm. A neuron that has few ones yet, or rare ones, has almost no variance, and
        its gradient is multiplied by 1 / sqrt(variance + eps): by 300 where eps is 1e-5. Sums of
        bits have steps of 1, so that an eps near 0.1 keeps such neurons calm and changes little
        for all others.

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
    sizes = [checks.whole_number(size, "a number of sizes", 1) for size in sizes]
    if len(sizes) < 2:
        raise ValueError(f"sizes is {sizes}; it needs two or more numbers, all at least 1")
    weights, activation = weights_and_activation(method)
    layers = []
    for i, (D, M) in enumerate(zip(sizes, sizes[1:])):
        latent, scale = initial((D, M), weights, rng, p0, sigma, dtype)
        norm = BatchNorm(scale, eps)
        layers += [Dense(latent, weights, first=i == 0), norm, Activation(activation)]
    return Network(layers[:-1], (sizes[0],))


def convnet(
    shape, convs, sizes, kernel, padding, method, rng,
    p0=0.005, sigma=0.1, float_first=False, dtype=np.float32, eps=1e-5,
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
    method, rng, sigma, dtype, eps : see `mlp`
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
    weights, activation = weights_and_activation(method)
    shape = tuple(checks.whole_number(size, "a number of shape", 1) for size in shape)
    if len(shape) != 3:
        raise ValueError(f"shape is {shape}; it must be (H, W, C)")
    convs = filters_and_pools(convs)
    sizes = [checks.whole_number(size, "a number of sizes", 1) for size in sizes]
    if not sizes:
        raise ValueError("sizes is []; it needs one or more numbers, all at least 1")
    kernel = checks.whole_number(kernel, "kernel", 1)
    padding = checks.whole_number(padding, "padding", 0)
    layers, place = [], shape
    shapes = weight_shapes(shape, convs, sizes, kernel, padding)
    starts = iter(sparsity.even(shapes[1:] if float_first else shapes, p0))
    for i, F in enumerate(convs):
        if F == "pool":
            continue
        kinds = "float" if float_first and not layers else weights
        p = None if float_first and not layers else next(starts)
        latent, scale = initial((kernel * kernel * place[2], F), kinds, rng, p, sigma, dtype)
        conv = Conv(latent, place, (kernel, kernel), kinds, first=not layers, padding=padding)
        layers += [conv]
        place = conv.out_shape
        if "pool" in convs[i + 1 : i + 2]:
            layers += [MaxPool(2)]
            place = (place[0] // 2, place[1] // 2, F)
        layers += [BatchNorm(scale, eps), Activation(activation)]
    layers += [Flatten()]
    for D, M in zip([math.prod(place), *sizes], sizes):
        latent, scale = initial((D, M), weights, rng, next(starts), sigma, dtype)
        layers += [Dense(latent, weights), BatchNorm(scale, eps), Activation(activation)]
    return Network(layers[:-1], shape)


def filters_and_pools(convs):
    """Check `convs` of `convnet`, and return it as a list of int and "pool"."""
    try:
        found = [F if isinstance(F, str) else operator.index(F) for F in convs]
    except TypeError:
        found = [None]
    for before, F in zip(["pool", *found], found):
        if before == "pool" if F == "pool" else not isinstance(F, int) or F < 1:
            raise ValueError(
                f'convs is {convs}; it takes numbers from 1 on, and at most one "pool" behind each'
            )
    return found


def weight_shapes(shape, convs, sizes, kernel, padding):
    """Shape (D, M) of each layer's weights.

    Parameters
    ----------
    shape, convs, sizes, kernel, padding : see `convnet`

    Returns
    -------
    shapes : list of (D, M)

    Raises
    ------
    ValueError
        If an image gets smaller than the kernel, or is pooled to nothing.
    """
    (H, W, C), shapes = shape, []
    for F in convs:
        if F == "pool":
            if min(H, W) < 2:
                raise ValueError(f"convs is {convs}; it pools an image of {H} x {W} to nothing")
            H, W = H // 2, W // 2
        else:
            shapes.append((kernel * kernel * C, F))
            H, W, C = (*(windows.out_size(size, kernel, 1, padding) for size in (H, W)), F)
    return shapes + list(zip([H * W * C, *sizes], sizes))


def weights_and_activation(method):
    """What a method, one of METHODS, is made of: two str, for `Dense` and for `Activation`."""
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    return METHODS[method]


def initial(shape, weights, rng, p0, sigma, dtype):
    """Draw a layer's latents, and the scales of the batch norm behind it.

    Parameters
    ----------
    shape : (D, M)
    weights : str
        See `Dense`.
    rng, p0, sigma, dtype : see `mlp`

    Returns
    -------
    latent : (D, M) dtype
    scale : (M,) dtype
        -1 or +1 at random behind 0/1 weights, else 1.
    """
    D, M = shape
    sparse = weights.startswith("0/1")
    if weights == "float":
        latent = (rng.standard_normal((D, M)) * np.sqrt(2 / D)).astype(dtype)
    else:
        latent = quantize.nearly_empty((D, M), p0 if sparse else 0.5, sigma, rng, dtype)
    scale = rng.choice([-1, 1], M) if sparse else np.ones(M)
    return latent, scale.astype(dtype)
