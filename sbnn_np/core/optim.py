"""Optimizers, which update arrays in place, and the cosine schedule.

The chapters train with the tuned twins of Adam and NormalizedSGD in `fast`.
"""

import math

import numpy as np


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
        Updated in place by `step`.
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
        """Move all parameters once.

        Parameters
        ----------
        grads : list of arrays
            Shaped as `params`, in the same order.
        rate : float
        """
        for p, g, v in zip(self.params, grads, self.v):
            v[...] = self.momentum * v + g
            p -= rate * v


class NormalizedSGD:
    """Gradient descent with steps of one size: p = p - rate g / rms(g), array by array.

    The root mean square is taken over the whole array and over the last 80 steps or so. Every layer
    then moves as fast as every other, however small its gradients are. Within a layer the gradient
    keeps its proportions: Adam gives the weights of a rare input the same speed as all others; here
    they move rarely.

    Matrices also fade, by the part `fade * rate` a step, which keeps a network that starts nearly
    empty able to learn. Its few ones drive some latents far away in the beginning, and without
    fading those would stand in the way of all that comes later. Fading changes no bit by itself,
    since signs and order stay. But latents get smaller, and so a step of the same size moves them
    past one another sooner.

    Parameters
    ----------
    params : list of arrays
        Updated in place by `step`.
    memory : float
        Part of the mean square that survives eight steps, in [0, 1). The tuned twin measures at
        each eighth step.
    fade : float
        At least 0.

    Raises
    ------
    ValueError
        If memory is outside [0, 1), or fade is negative.

    Notes
    -----
    For each array, with keep = memory^(1/8)::

        v = keep v + (1-keep) mean(g^2)       vhat = v / (1 - keep^t)
        p = (1 - fade rate) p                 where p is a matrix
        p = p - rate g / sqrt(vhat)

    This is Adam without momentum, with one second moment an array and decoupled weight decay.
    Compare NovoGrad (Ginsburg et al., 2019), AdamW (Loshchilov, Hutter, 2019) and
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

    def step(self, grads, rate):
        """Move all parameters once; see `SGD.step`.

        Parameters
        ----------
        grads, rate : see `SGD.step`

        Raises
        ------
        FloatingPointError
            If a gradient is measured that is not finite.
        """
        self.t += 1
        keep = self.memory ** (1 / 8)
        for i, (p, g) in enumerate(zip(self.params, grads)):
            self.v[i] = keep * self.v[i] + (1 - keep) * mean_square(g, i)
            vhat = self.v[i] / (1 - keep**self.t)
            if p.ndim > 1:
                p *= 1 - self.fade * rate
            if vhat > 0:
                p -= rate * g / math.sqrt(vhat)


def mean_square(g, i):
    """Mean of g^2 over the gradient of array i; FloatingPointError if it is not finite.

    Parameters
    ----------
    g : (...) float
    i : int
        For the error.
    """
    square = float(g.reshape(-1) @ g.reshape(-1)) / g.size
    if not math.isfinite(square):
        raise FloatingPointError(f"the gradient of array {i} is not finite")
    return square


class Adam:
    """Adam: every number moves by about `rate`, whatever the size of its gradient.

    Parameters
    ----------
    params : list of arrays
        Updated in place by `step`.
    beta1, beta2 : float
        Memory of the mean and of the square of the gradient, in [0, 1).
    eps : float
    fade : float
        At least 0. Matrices lose the part `fade * rate` a step; see `NormalizedSGD`.

    Raises
    ------
    ValueError
        If a beta is outside [0, 1), or fade is negative.

    Notes
    -----
    Kingma, Ba (2015)::

        m = beta1 m + (1-beta1) g             mhat = m / (1 - beta1^t)
        v = beta2 v + (1-beta2) g^2           vhat = v / (1 - beta2^t)
        p = (1 - fade rate) p                 where p is a matrix
        p = p - rate mhat / (sqrt(vhat) + eps)

    The fading is AdamW's decoupled weight decay (Loshchilov, Hutter, 2019).

    Examples
    --------
    >>> p = np.array([1.0, 1.0])
    >>> Adam([p]).step([np.array([100.0, -0.01])], rate=0.1); p.round(6)
    array([0.9, 1.1])
    """

    def __init__(self, params, beta1=0.9, beta2=0.999, eps=1e-8, fade=0.0):
        for name, beta in (("beta1", beta1), ("beta2", beta2)):
            if not 0 <= beta < 1:
                raise ValueError(f"{name} is {beta}; it must be from 0 to below 1")
        if not fade >= 0:
            raise ValueError(f"fade is {fade}; it must be 0 or more")
        self.params, self.beta1, self.beta2, self.eps = params, beta1, beta2, eps
        self.fade = fade
        self.m = [np.zeros_like(p) for p in params]
        self.v = [np.zeros_like(p) for p in params]
        self.t = 0

    def step(self, grads, rate):
        """Move all parameters once; see `SGD.step`.

        Parameters
        ----------
        grads, rate : see `SGD.step`
        """
        self.t += 1
        for p, g, m, v in zip(self.params, grads, self.m, self.v):
            m[...] = self.beta1 * m + (1 - self.beta1) * g
            v[...] = self.beta2 * v + (1 - self.beta2) * g**2
            mhat, vhat = m / (1 - self.beta1**self.t), v / (1 - self.beta2**self.t)
            if p.ndim > 1:
                p *= 1 - self.fade * rate
            p -= rate * mhat / (np.sqrt(vhat) + self.eps)
