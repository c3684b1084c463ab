"""Optimizers, in place and in pieces that stay in cache, and the cosine schedule."""

import math

import numpy as np

TINY = 1e-30   # far above where floats get slow (1e-38), far below what moves anything
PIECE = 32768  # numbers updated at a time; the five arrays of a piece fit in a 1 MB cache


def cosine(base, progress):
    """Learning rate that falls from base to 0 along half a cosine.

    Parameters
    ----------
    base : float
    progress : float
        Part of the training that is done, from 0 to 1.

    Returns
    -------
    rate : float

    Notes
    -----
    Loshchilov, Hutter (2017), "SGDR", without the restarts.

    Examples
    --------
    >>> [round(cosine(1.0, progress), 3) for progress in (0, 0.25, 0.5, 0.75, 1)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """
    return base * 0.5 * (1 + math.cos(math.pi * progress))


class SGD:
    """Stochastic gradient descent with momentum: v = momentum v + g, p = p - rate v.

    Parameters
    ----------
    params : list of arrays
        Updated in place by `step`. They must be contiguous.
    momentum : float
        In [0, 1).

    Raises
    ------
    ValueError
        If momentum is outside [0, 1).

    Examples
    --------
    >>> p = np.array([1.0])
    >>> sgd = SGD([p], momentum=0.5)
    >>> sgd.step([np.array([1.0])], rate=0.1); sgd.step([np.array([1.0])], rate=0.1); p
    array([0.75])
    """

    def __init__(self, params, momentum=0.9):
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum is {momentum}; it must be from 0 to below 1")
        self.params, self.momentum = params, momentum
        self.v = [np.zeros_like(p) for p in params]

    def step(self, grads, rate):
        for p, g, v in zip(self.params, grads, self.v):
            v *= self.momentum
            v += g
            p -= rate * v


class NormalizedSGD:
    """Gradient descent with steps of one size: p = p - rate g / rms(g), array by array.

    The root mean square is over the whole array and over the last 80 steps or so; it
    changes slowly, so every eighth step measures it. Every layer moves as fast as every
    other, however small its gradients are, and within a layer the gradient keeps its
    proportions: where Adam gives the weights of a rare input the same speed as all
    others, here they move rarely.

    Matrices also fade, by the part `fade * rate` a step. That is what keeps a network
    that starts nearly empty able to learn: what its few ones drove the latents to in the
    beginning would otherwise stand in the way of all that comes later. To fade changes no
    bit by itself (signs and order stay), but makes the next steps count for more.

    Parameters
    ----------
    params : list of arrays
        Updated in place by `step`. They must be contiguous.
    memory : float
        Part of the mean square that survives a measurement, in [0, 1).
    fade : float
        At least 0.

    Raises
    ------
    ValueError
        If memory is outside [0, 1), or fade is negative.
    FloatingPointError
        From `step`, if it measures a gradient that is not finite.

    Notes
    -----
    Adam without momentum, with one second moment an array and decoupled weight decay;
    compare NovoGrad (Ginsburg et al., 2019), AdamW (Loshchilov, Hutter, 2019) and
    Adam-mini (Zhang et al., 2024). The sweep of chapter 01 compares it with Adam.

    Examples
    --------
    >>> p = np.array([1.0, 1.0, 1.0, 1.0])
    >>> NormalizedSGD([p]).step([np.array([20.0, 0.0, 0.0, 0.0])], rate=0.1); p
    array([0.8, 1. , 1. , 1. ])
    """

    def __init__(self, params, memory=0.9, fade=0.05):
        if not 0 <= memory < 1:
            raise ValueError(f"memory is {memory}; it must be from 0 to below 1")
        if not fade >= 0:
            raise ValueError(f"fade is {fade}; it must be 0 or more")
        self.params, self.memory, self.fade = params, memory, fade
        self.v = [0.0] * len(params)
        self.t = 0
        self.buffer = {p.dtype: np.empty(PIECE, p.dtype) for p in params}

    def step(self, grads, rate):
        if self.t % 8 == 0:
            for i, (p, g) in enumerate(zip(self.params, grads)):
                square = float(g.reshape(-1) @ g.reshape(-1)) / g.size
                if not math.isfinite(square):
                    raise FloatingPointError(f"the gradient of array {i} is not finite")
                self.v[i] += (1 - self.memory) * (square - self.v[i])
                if p.ndim > 1:
                    p *= 1 - 8 * self.fade * rate
        self.t += 1
        measured = 1 - self.memory ** ((self.t + 7) // 8)
        for p, g, v in zip(self.params, grads, self.v):
            p, g = p.reshape(-1), g.reshape(-1)
            factor = rate / math.sqrt(v / measured) if v else 0.0
            for start in range(0, p.size, PIECE):
                piece = slice(start, start + PIECE)
                self._update(p[piece], g[piece], factor)

    def _update(self, p, g, factor):
        p -= np.multiply(g, factor, out=self.buffer[p.dtype][: p.size])


class Adam:
    """Adam: every number moves by about `rate`, whatever the size of its gradient.

    Parameters
    ----------
    params : list of arrays
        Updated in place by `step`. They must be contiguous.
    beta1, beta2 : float
        Memory of the mean and of the square of the gradient, in [0, 1).
    eps : float

    Raises
    ------
    ValueError
        If a beta is outside [0, 1).

    Notes
    -----
    Kingma, Ba (2015)::

        m = beta1 m + (1-beta1) g             mhat = m / (1 - beta1^t)
        v = beta2 v + (1-beta2) g^2           vhat = v / (1 - beta2^t)
        p = p - rate mhat / (sqrt(vhat) + eps)

    DEPARTS: the factors 1-beta are kept out of m and v (m here is m / (1-beta1),
    v here is v / (1-beta2)) and put into the two scalars of the last line. That
    saves two of twelve passes over memory and changes nothing but the rounding.

    Examples
    --------
    >>> p = np.array([1.0, 1.0])
    >>> Adam([p]).step([np.array([100.0, -0.01])], rate=0.1); p.round(6)
    array([0.9, 1.1])
    """

    def __init__(self, params, beta1=0.9, beta2=0.999, eps=1e-8):
        for name, beta in (("beta1", beta1), ("beta2", beta2)):
            if not 0 <= beta < 1:
                raise ValueError(f"{name} is {beta}; it must be from 0 to below 1")
        self.params, self.beta1, self.beta2, self.eps = params, beta1, beta2, eps
        self.m = [np.zeros_like(p) for p in params]
        self.v = [np.zeros_like(p) for p in params]
        self.t = 0
        self.buffer = {p.dtype: np.empty(PIECE, p.dtype) for p in params}

    def step(self, grads, rate):
        self.t += 1
        to_mhat = (1 - self.beta1) / (1 - self.beta1**self.t)
        to_vhat = (1 - self.beta2) / (1 - self.beta2**self.t)
        # p -= rate to_mhat m / (sqrt(to_vhat v) + eps), both sides over sqrt(to_vhat)
        rate, eps = rate * to_mhat / math.sqrt(to_vhat), self.eps / math.sqrt(to_vhat)
        if self.t % 64 == 0:
            # where gradients are 0 for long, m fades into numbers so small that processors
            # take a slow path for them
            for m in self.m:
                m[np.abs(m) < TINY] = 0
        for arrays in zip(self.params, grads, self.m, self.v):
            p, g, m, v = (a.reshape(-1) for a in arrays)
            for start in range(0, p.size, PIECE):
                piece = slice(start, start + PIECE)
                self._update(p[piece], g[piece], m[piece], v[piece], rate, eps)

    def _update(self, p, g, m, v, rate, eps):
        buffer = self.buffer[p.dtype][: p.size]
        m *= self.beta1
        m += g
        v *= self.beta2
        v += np.multiply(g, g, out=buffer)
        np.sqrt(v, out=buffer)
        buffer += eps
        np.divide(m, buffer, out=buffer)
        buffer *= rate
        p -= buffer
