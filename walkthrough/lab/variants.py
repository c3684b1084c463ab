"""Ideas that a run can be tried with, beside its recipe: `trials.py` says what each was worth.

An idea is an entry of VARIANTS, which a recipe names: a function of (recipe, network, rule) that
may change the network before its training, and returns the rule to train with and a function of
(step, network), to be called after each step, or None.
"""

import math

import numpy as np

from sbnn_np.core import fast, quantize


def balanced(recipe, network, rule):
    """Give every neuron and, as nearly as can be, every input of a layer equally many ones.

    Latents drawn at random leave some neurons of a nearly-empty network with no one, and others
    with many. Here each layer's ones are dealt out in turn: neuron m takes its inputs from an
    endless row of shuffled inputs, where the neuron before it has stopped. Which latents there are
    does not change, only their places: those above 0 go where the ones are.
    """
    rng = np.random.default_rng(recipe.seed)
    for layer in network.sparse_layers:
        latent = layer.params["latent"]
        D, M = latent.shape
        k = int(np.count_nonzero(latent > 0))
        inputs = np.concatenate([rng.permutation(D) for _ in range(-(-k // D))])[:k]
        neurons = np.sort(np.resize(rng.permutation(M), k))
        ones = np.zeros((D, M), bool)
        ones[inputs, neurons] = True                          # a pair met twice is a one less
        k = int(ones.sum())
        ordered = np.sort(latent.reshape(-1))[::-1]
        high, low = rng.permutation(ordered[:k]), rng.permutation(ordered[k:])
        latent[ones], latent[~ones] = high, low
        layer.set_mask(latent > 0)
        layer.recentre()
    return rule, None


def learned_centre(recipe, network, rule):
    """Train each layer's centre, from the density of its start, beside its latents.

    A weight is w = b - centre, so that d loss / d centre = -sum of dw. The centre moves by the
    slope over its root mean square so far, times a tenth of a 64th. The weights have the nearest
    64th, as in a frozen network.
    """
    held = [layer for layer in network.sparse_layers if layer.weights == "0/1 centred"]
    centres, squares = [layer.centre for layer in held], [0.0] * len(held)

    def hold(i):
        nearest = round(64 * centres[i]) / 64
        if nearest != held[i].centre:
            held[i].write_centre(nearest)

    for i, layer in enumerate(held):
        layer.recentre = lambda i=i: hold(i)                  # at each epoch's start

    def on_step(step, network):
        for i, layer in enumerate(held):
            slope = -float(layer.grads["latent"].sum(dtype=np.float64))
            squares[i] += 0.01 * (slope**2 - squares[i])
            size = math.sqrt(squares[i] / (1 - 0.99 ** (step + 1)))
            centres[i] = min(max(centres[i] - slope / max(size, 1e-30) / 640, 0.0), 0.5)
            hold(i)

    return rule, on_step


class Swaps:
    """Bits that gradients choose: RigL (Evci et al., 2020) with a sign.

    After each `pause` choices a part of the ones is exchanged. The 1s with the smallest latents
    turn 0, and the 0s whose derivative is the most negative turn 1: the loss would fall fastest if
    they grew. Between exchanges no bit changes. The part falls from `part` to 0 along half a
    cosine. Where the schedule grows, there are more new ones than old ones that go.

    Parameters
    ----------
    schedule : sparsity.Schedule
    part : float
    pause : int
    """

    def __init__(self, schedule, part=0.3, pause=96):
        self.schedule, self.part, self.pause = schedule, part, pause
        self.ones, self.calls = None, 0

    def choose(self, latents, progress, grads=None):
        """Choose the ones; see `sparsity.NetBudget.choose`."""
        flat = np.concatenate([latent.reshape(-1) for latent in latents])
        k = quantize.ones_within(self.schedule(progress), flat.size)
        if self.ones is None:
            self.ones = quantize.top_k([flat], k)[0][0]
        elif self.calls % self.pause == 0 and progress < 1:
            self.exchange(flat, np.concatenate([g.reshape(-1) for g in grads]), k, progress)
            ends = np.cumsum([latent.size for latent in latents])
            for latent, new in zip(latents, np.split(flat, ends[:-1])):
                latent[...] = new.reshape(latent.shape)
        self.calls += 1
        ends = np.cumsum([latent.size for latent in latents])
        return [
            mask.reshape(latent.shape).copy()
            for mask, latent in zip(np.split(self.ones, ends[:-1]), latents)
        ]

    def exchange(self, flat, slopes, k, progress):
        """Turn the ones with the smallest latents 0, and the promising 0s 1."""
        have = np.flatnonzero(self.ones)
        go = int(self.part * 0.5 * (1 + math.cos(math.pi * progress)) * len(have))
        come = go + max(k - len(have), 0)
        free = np.flatnonzero(~self.ones)
        leaving = have[np.argsort(flat[have])[:go]]
        coming = free[np.argsort(slopes[free])[:come]]
        self.ones[leaving], self.ones[coming] = False, True
        staying = np.median(flat[self.ones])                  # a new one starts in the middle
        flat[coming] = np.maximum(flat[coming], staying)
        flat[leaving] = np.minimum(flat[leaving], np.median(flat[~self.ones]))

    def penalty(self, loss, masks):
        """Nothing; see `sparsity.NetBudget.penalty`."""
        return 0.0, 0.0


class Seldom:
    """Another rule's choice, but in the second half of the training at each fourth call only.

    Parameters
    ----------
    rule : see `train.requantize`
    """

    def __init__(self, rule):
        self.rule, self.calls, self.masks = rule, 0, None

    def choose(self, latents, progress, grads=None):
        """Choose the ones; see `sparsity.NetBudget.choose`."""
        if self.masks is None or progress < 0.5 or self.calls % 4 == 0:
            self.masks = self.rule.choose(latents, progress, grads)
        self.calls += 1
        return self.masks

    def penalty(self, loss, masks):
        """That of the other rule."""
        return self.rule.penalty(loss, masks)


class Lid:
    """Bits by sign, and a budget in place of the penalty: if more latents are above 0, the largest.

    Parameters
    ----------
    density : float
    """

    def __init__(self, density):
        self.density, self.top_k = density, fast.TopK()

    def choose(self, latents, progress, grads=None):
        """Choose the ones; see `sparsity.NetBudget.choose`."""
        masks = [latent > 0 for latent in latents]
        k = quantize.ones_within(self.density, sum(mask.size for mask in masks))
        if sum(np.count_nonzero(mask) for mask in masks) > k:
            masks, _ = self.top_k(latents, k)
        return masks

    def penalty(self, loss, masks):
        """Nothing; see `sparsity.NetBudget.penalty`."""
        return 0.0, 0.0


VARIANTS = {
    "plain": lambda recipe, network, rule: (rule, None),
    "balanced start": balanced,
    "learned centre": learned_centre,
    "swaps": lambda recipe, network, rule: (
        Swaps(recipe.budget, pause=96 // recipe.every), None
    ),
    "lid": lambda recipe, network, rule: (Lid(recipe.density), None),
    "seldom late": lambda recipe, network, rule: (Seldom(rule), None),
}
