"""Layers: thin objects that hold arrays and hand them to the mathematics.

The mathematics is in `ops`, `convolution`, `pooling` and `quantize`. Where `fast` has a tuned
function of the same name, that one runs here.

Every layer has `params` and `grads`, dictionaries with the same keys; forward(x,
train); and backward(dy), which differentiates the last forward with train=True, assigns
grads and returns dx.
"""

import numpy as np

from sbnn_np.core import fast, ops, quantize, windows

WEIGHTS = ("float", "+-1", "ternary", "0/1", "0/1 centred")


class Dense:
    """M neurons with D inputs each: y = x w, with w quantized from latents.

    Parameters
    ----------
    latent : (D, M) float
        Becomes the layer's own; the optimizer changes it in place.
    weights : "float", "+-1", "ternary", "0/1" or "0/1 centred"
        What w is. Float weights are the latents themselves. All others are chosen by one bit
        a weight, the `mask`: -1 or +1; 0 or 1; -centre or 1 - centre; and, ternary, 0 or the sign
        of the latent. The centre is the multiple of 1/64 nearest to the density of ones (so 0
        below 1/128). It is set by `recentre`, which training calls once an epoch.
    first : bool
        The inputs are data, whose gradient nobody asks for: backward returns None.

    Raises
    ------
    ValueError
        If weights is none of the five.

    Attributes
    ----------
    estimator : function of (dw, latent)
        What the latents get in place of the quantizer's derivative; `quantize.straight_through`,
        unless `train.fit` is given another.

    Notes
    -----
    The mask starts as [latent > 0]; afterwards `train.requantize` sets it. The same mask
    trains, evaluates and is counted.
    """

    places = 1  # at which a neuron computes a sum, for one input; a convolution has many

    def __init__(self, latent, weights="0/1", first=False):
        if weights not in WEIGHTS:
            raise ValueError(f"weights is {weights!r}; it must be one of {', '.join(WEIGHTS)}")
        self.weights, self.first = weights, first
        latent = np.ascontiguousarray(latent)                 # a flat view of it writes to it
        self.params, self.grads = {"latent": latent}, {"latent": np.zeros_like(latent)}
        self.estimator, self.cache = quantize.straight_through, None
        if weights == "float":
            self.mask, self.w = None, latent
        else:
            self.mask, self.w = latent > 0, np.empty(latent.shape, latent.dtype)
            self.recentre()

    @property
    def sparse(self):
        """Whether weights can be 0, so that a rule (see `sparsity`) must choose which are not."""
        return self.weights in ("ternary", "0/1", "0/1 centred")

    @property
    def ones(self):
        """Number of weights whose bit is 1."""
        return int(np.count_nonzero(self.mask))

    def recentre(self):
        """Set the centre by the density of now, and with it the two values, and write all of w."""
        centred = self.weights == "0/1 centred"
        self.write_centre(round(64 * self.ones / self.mask.size) / 64 if centred else 0.0)

    def write_centre(self, centre):
        """Set the centre, and with it the two values, and write all of w."""
        self.centre = centre
        self.values = (-1.0, 1.0) if self.weights == "+-1" else (-self.centre, 1 - self.centre)
        if self.weights == "ternary":
            np.multiply(self.mask, quantize.sign(self.params["latent"]), out=self.w)
        else:
            zero, one = self.values
            self.w[...] = np.where(self.mask, one, zero)

    def set_mask(self, mask):
        """Change the bits to `mask`, (D, M) bool, and w with them; the two values stay."""
        old, self.mask = self.mask, mask
        if self.weights == "ternary":       # a sign can change where the bit does not
            self.recentre()
        else:
            fast.write_weights(self.w, old, mask, *self.values)

    def penalize(self, dw):
        """Add a penalty's derivative to the gradient: dw with respect to any one |w|."""
        self.grads["latent"] += dw * self.w if self.weights == "ternary" else dw

    def forward(self, x, train=False):
        """Multiply by w: y, (N, M) float, from x, (N, D) float.

        Parameters
        ----------
        x : (N, D) float
        train : bool
            Whether to keep what backward needs.
        """
        y, cache = ops.dense_forward(x, self.w)
        self.cache = cache if train else self.cache
        return y

    def backward(self, dy):
        """Assign the latents' gradient and return dx, (N, D), or None in a first layer."""
        dx, dw = ops.dense_backward(dy, self.cache, need_dx=not self.first)
        # the quantizer is a step, of slope 0; straight_through takes the slope as 1: dlatent = dw
        dlatent = self.estimator(dw, self.params["latent"])
        self.grads["latent"] = dlatent
        return dx


class Conv(Dense):
    """F filters: a dense layer that is applied to every window of an image.

    Parameters
    ----------
    latent : (KH*KW*C, F) float
        A filter a column, its numbers in the order row, column, channel.
    shape : (H, W, C)
        Of an input image.
    kernel : (KH, KW)
    weights, first : see `Dense`
    stride, padding : int
        See `windows.out_size`. Padding adds pixels of 0; among the activations of a +-1
        network, of -1.

    Raises
    ------
    ValueError
        If the windows do not fit the image, or the latents not the windows.
    """

    def __init__(self, latent, shape, kernel, weights="0/1", first=False, stride=1, padding=0):
        H, W, C = shape
        KH, KW = kernel
        if len(latent) != KH * KW * C:
            raise ValueError(
                f"latent has {len(latent)} rows; windows of {KH} x {KW} pixels of {C} channels "
                f"need {KH * KW * C}"
            )
        super().__init__(latent, weights, first)
        self.shape, self.kernel, self.stride, self.padding = shape, kernel, stride, padding
        self.out_shape = (
            windows.out_size(H, KH, stride, padding),
            windows.out_size(W, KW, stride, padding),
            latent.shape[1],
        )
        self.places = self.out_shape[0] * self.out_shape[1]
        self.pad = -1.0 if weights == "+-1" and not first else 0.0

    def forward(self, x, train=False):
        """Convolve: y, (N, OH, OW, F) float, from x, (N, H, W, C) float.

        Parameters
        ----------
        x : (N, H, W, C) float
        train : bool
            Whether to keep what backward needs.
        """
        y, cache = fast.conv_forward(
            x, self.w, self.kernel, self.stride, self.padding, self.pad
        )
        self.cache = cache if train else self.cache
        return y

    def backward(self, dy):
        """Assign the latents' gradient and return dx, (N, H, W, C), or None in a first layer."""
        dx, dw = fast.conv_backward(dy, self.cache, need_dx=not self.first)
        dlatent = self.estimator(dw, self.params["latent"])   # as in `Dense.backward`
        self.grads["latent"] = dlatent
        return dx


class MaxPool:
    """The largest number of each square of size x size pixels; see `pooling.maxpool_forward`."""

    def __init__(self, size=2):
        self.size, self.cache = size, None
        self.params, self.grads = {}, {}

    def forward(self, x, train=False):
        """Pool: (N, H // size, W // size, C) float, from x, (N, H, W, C) float.

        Parameters
        ----------
        x : (N, H, W, C) float
        train : bool
            Whether to keep what backward needs.
        """
        y, cache = fast.maxpool_forward(x, self.size)
        self.cache = cache if train else self.cache
        return y

    def backward(self, dy):
        """Return dx, (N, H, W, C)."""
        return fast.maxpool_backward(dy, self.cache)


class Flatten:
    """Images (N, H, W, C) as rows (N, H*W*C), for the dense layers behind them."""

    def __init__(self):
        self.params, self.grads = {}, {}

    def forward(self, x, train=False):
        """Return x, (N, H, W, C), as (N, H*W*C).

        Parameters
        ----------
        x : (N, H, W, C) float
        train : bool
            Makes no difference here.
        """
        self.shape = x.shape[1:]
        return x.reshape(len(x), -1)

    def backward(self, dy):
        """Return dy, (N, H*W*C), as (N, H, W, C)."""
        return dy.reshape(-1, *self.shape)


class BatchNorm:
    """Batch norm over the last axis, with running statistics for evaluation.

    Parameters
    ----------
    scale : (M,) float
        Becomes the layer's own. Behind 0/1 weights its signs are drawn at random. Weights of 0
        and 1 can only add, so all sums rise with the input. A neuron with a negative scale gives
        1 where its sum is small, and so can count against something.
    eps : float
        Added to the variance; above 0.
    memory : float
        Part of the running statistics that survives a step. In the first 1 / (1 - memory) steps,
        all batches so far count evenly.
    """

    def __init__(self, scale, eps=1e-5, memory=0.95):
        ops.check_eps(eps)
        self.params = {"scale": scale, "shift": np.zeros_like(scale)}
        self.grads = {"scale": np.zeros_like(scale), "shift": np.zeros_like(scale)}
        self.eps, self.memory, self.steps = eps, memory, 0
        self.mean, self.var = np.zeros_like(scale), np.ones_like(scale)

    def forward(self, x, train=False):
        """Normalize x, (..., M): by this batch in training, else by the running statistics.

        Parameters
        ----------
        x : (..., M) float
        train : bool
            Whether the running statistics take this batch in, and what backward needs is kept.
        """
        if not train:
            factor, offset = self.fold()
            return x * factor + offset
        rows = x.reshape(-1, x.shape[-1])
        y, self.cache, mean, var = fast.batchnorm_forward(rows, **self.params, eps=self.eps)
        self.steps += 1
        new = max(1 / self.steps, 1 - self.memory)
        self.mean += new * (mean - self.mean)
        self.var += new * (var - self.var)
        return y.reshape(x.shape)

    def backward(self, dy):
        """Assign the gradients of scale and shift, and return dx, (..., M)."""
        rows = dy.reshape(-1, dy.shape[-1])
        dx, self.grads["scale"], self.grads["shift"] = fast.batchnorm_backward(rows, self.cache)
        return dx.reshape(dy.shape)

    def fold(self):
        """Factor and offset that evaluation uses, (M,) each; see `ops.fold_batchnorm`."""
        return ops.fold_batchnorm(**self.params, mean=self.mean, var=self.var, eps=self.eps)


class Activation:
    """What follows batch norm: "relu", "sign" (-1 or +1) or "bit" (0 or 1).

    Parameters
    ----------
    kind : str

    Raises
    ------
    ValueError
        If kind is none of the three.
    """

    PAIRS = {
        "relu": (ops.relu_forward, ops.relu_backward),
        "sign": (fast.sign_forward, fast.sign_backward),
        "bit": (ops.bit_forward, fast.bit_backward),
    }

    def __init__(self, kind):
        if kind not in self.PAIRS:
            raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(self.PAIRS)}")
        self.kind, self.cache = kind, None
        self.params, self.grads = {}, {}

    def forward(self, x, train=False):
        """Return the activations, of x's shape.

        Parameters
        ----------
        x : (...) float
        train : bool
            Whether to keep what backward needs.
        """
        a, cache = self.PAIRS[self.kind][0](x)
        self.cache = cache if train else self.cache
        return a

    def backward(self, da):
        """Return the derivative with respect to x, or its estimate where x was thresholded."""
        return self.PAIRS[self.kind][1](da, self.cache)
