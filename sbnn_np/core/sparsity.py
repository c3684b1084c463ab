"""Which weights are 1, or, among ternary ones, not 0: four rules with one interface.

A rule has two methods. choose(latents, progress, grads) returns a mask for each array of
latents, True where the weight is to be 1. penalty(loss, masks) returns what the rule adds to the
loss, and the derivative of that with respect to any one |w|. A budget chooses and adds
nothing; the penalty adds, and chooses by sign.
"""

from dataclasses import dataclass

import numpy as np

from sbnn_np.core import fast, losses, quantize


@dataclass(frozen=True)
class Schedule:
    """Density over the training: from start to target, by an equal factor each step.

    Parameters
    ----------
    target : float
        Density to end with, in (0, 1].
    start : float, optional
        Density to begin with: below target the network grows, above it shrinks;
        left out, the density is constant.
    over : float
        Part of the training, from its start, in which the density changes; in (0, 1].

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> grow = Schedule(target=0.04, start=0.01, over=0.5)
    >>> [round(grow(progress), 3) for progress in (0, 0.25, 0.5, 1)], grow.name
    ([0.01, 0.02, 0.04, 0.04], 'growing')
    """

    target: float
    start: float | None = None
    over: float = 0.5

    def __post_init__(self):
        for name in ("target", "over") if self.start is None else ("target", "start", "over"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise ValueError(f"{name} is {value}; it must be above 0 and at most 1")

    def __call__(self, progress):
        if self.start is None or progress >= self.over:
            return self.target
        return self.start * (self.target / self.start) ** (progress / self.over)

    @property
    def name(self):
        """"constant", "growing" or "shrinking"."""
        if self.start is None or self.start == self.target:
            return "constant"
        return "growing" if self.start < self.target else "shrinking"


class NetBudget:
    """One budget for the whole net: the k largest of all latents are 1.

    Parameters
    ----------
    schedule : Schedule
    """

    def __init__(self, schedule):
        self.schedule = schedule
        self.top_k = fast.TopK()

    def choose(self, latents, progress, grads=None):
        """Choose the ones.

        Parameters
        ----------
        latents : list of (D, M) float
        progress : float
            Part of the training that is done, from 0 to 1.
        grads : list of (D, M) float, optional
            Of the latents, from the step before. A budget does not look at them.

        Returns
        -------
        masks : list of (D, M) bool
        """
        n = sum(latent.size for latent in latents)
        masks, _ = self.top_k(latents, quantize.ones_within(self.schedule(progress), n))
        return masks

    def penalty(self, loss, masks):
        """What the rule adds to the loss, and its derivative with respect to any |w|: nothing.

        Parameters
        ----------
        loss : float
        masks : list of (D, M) bool
        """
        return 0.0, 0.0


def even(shapes, density):
    """Density of each layer if every neuron is to have equally many ones, but half at the most.

    A filter of 25 inputs with one in twenty of them has one or none; a neuron of 2,000 inputs
    does not need a hundred. Layers of a convolutional net differ that much.

    Parameters
    ----------
    shapes : list of (D, M)
    density : float
        Fraction of ones over all layers, above 0 and at most 0.5.

    Returns
    -------
    densities : list of float

    Examples
    --------
    >>> [round(p, 4) for p in even([(25, 20), (475, 20)], 0.05)]
    [0.5, 0.0263]
    """
    if not 0 < density <= 0.5:
        raise ValueError(f"density is {density}; it must be above 0 and at most 0.5")
    # with K ones a neuron there are sum_l M min(K, D/2) in all, a line that bends at each D/2
    bends = [0.0, *sorted(D / 2 for D, _ in shapes)]
    ones = [sum(M * min(K, D / 2) for D, M in shapes) for K in bends]
    K = np.interp(density * sum(D * M for D, M in shapes), ones, bends)
    return [min(float(K) / D, 0.5) for D, _ in shapes]


class EvenBudget:
    """A budget for each layer: neurons have equally many ones everywhere, on average.

    Parameters
    ----------
    schedule : Schedule
        Of the density over the whole net, at most 0.5.

    Notes
    -----
    How many ones each layer has is `even`; which of its neurons have them, and which of their
    inputs, is decided by the layer's latents alone.
    """

    def __init__(self, schedule):
        self.schedule = schedule
        self.top_k = []

    def choose(self, latents, progress, grads=None):
        """Choose the ones of each layer; see `NetBudget.choose`.

        Parameters
        ----------
        latents, progress, grads : see `NetBudget.choose`
        """
        self.top_k = self.top_k or [fast.TopK() for _ in latents]
        densities = even([latent.shape for latent in latents], self.schedule(progress))
        return [
            top_k([latent], quantize.ones_within(density, latent.size))[0][0]
            for top_k, latent, density in zip(self.top_k, latents, densities)
        ]

    def penalty(self, loss, masks):
        """Nothing; see `NetBudget.penalty`.

        Parameters
        ----------
        loss, masks : see `ConnectionsPenalty.penalty`
        """
        return 0.0, 0.0


class ConnectionsPenalty:
    """No budget: a weight is 1 if its latent is above 0, and too many ones cost loss.

    Parameters
    ----------
    expected : float
        Fraction of ones that costs nothing, in (0, 1].
    share : float
        Share of the penalty in the whole loss, in [0, 1).
    """

    def __init__(self, expected, share):
        self.expected, self.share = expected, share

    def choose(self, latents, progress, grads=None):
        """Choose by sign; see `NetBudget.choose`.

        Parameters
        ----------
        latents, progress, grads : see `NetBudget.choose`
        """
        return [latent > 0 for latent in latents]

    def penalty(self, loss, masks):
        """What the ones add to the loss.

        Parameters
        ----------
        loss : float
            What it is added to.
        masks : list of (D, M) bool
            The ones of now.

        Returns
        -------
        penalty, dw : float
            See `losses.expected_connections`.
        """
        ones = sum(np.count_nonzero(mask) for mask in masks)
        total = sum(mask.size for mask in masks)
        return losses.expected_connections(ones, total, self.expected, self.share, loss)


class TernaryThreshold:
    """A weight is not 0 if its latent is far from 0: |latent| > 0.7 mean|latent|, layer by layer.

    The threshold of Ternary Weight Networks (Li, Zhang, Liu, 2016). Left alone it makes about
    a third of the weights 0; for fewer, the penalty on expected connections can be added.

    Parameters
    ----------
    expected : float, optional
        Fraction of weights other than 0 that costs nothing, in (0, 1].
    share : float, optional
        Share of the penalty in the whole loss, in [0, 1); left out, there is none.
    """

    def __init__(self, expected=None, share=None):
        self.connections = None if share is None else ConnectionsPenalty(expected, share)

    def choose(self, latents, progress, grads=None):
        """Choose the weights that are not 0; see `NetBudget.choose`.

        Parameters
        ----------
        latents, progress, grads : see `NetBudget.choose`
        """
        return [quantize.ternary(latent, 0.7 * np.abs(latent).mean()) != 0 for latent in latents]

    def penalty(self, loss, masks):
        """What weights that are not 0 add to the loss; see `ConnectionsPenalty.penalty`.

        Parameters
        ----------
        loss, masks : see `ConnectionsPenalty.penalty`
        """
        return self.connections.penalty(loss, masks) if self.connections else (0.0, 0.0)
