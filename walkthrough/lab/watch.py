"""What a training does to its gradients, latents and bits, step by step."""

import numpy as np


class Watch:
    """Measures after each step; to be handed to `train.fit` or `experiment.run` as `on_step`.

    Parameters
    ----------
    layer : int
        The 0/1 layer whose neurons are measured; the first one is 0.

    Attributes
    ----------
    largest, usual : list of float
        A neuron's gradient is the root mean square over its latents. Of all neurons of the layer,
        the largest one, and the median.
    moved : list of float
        How far the layer's latents went in the step, as a mean; the first step is left out.
    flips : list of int
        Bits of all layers that differ from the step before.
    tried : list of float
        Part of all weights that has been 1 at any step so far.
    density : list of float
    """

    def __init__(self, layer):
        self.layer, self.before, self.masks, self.ever = layer, None, None, None
        self.largest, self.usual, self.moved = [], [], []
        self.flips, self.tried, self.density = [], [], []

    def __call__(self, step, network):
        layers = network.sparse_layers
        watched = layers[self.layer]
        sizes = np.sqrt(np.square(watched.grads["latent"]).mean(axis=0))
        self.largest.append(float(sizes.max()))
        self.usual.append(float(np.median(sizes)))
        if self.before is not None:
            self.moved.append(float(np.abs(watched.params["latent"] - self.before).mean()))
        self.before = watched.params["latent"].copy()
        masks = [layer.mask for layer in layers]
        self.masks = self.masks or masks
        self.flips.append(
            sum(np.count_nonzero(new != old) for new, old in zip(masks, self.masks))
        )
        self.masks = masks
        self.ever = [
            mask | old for mask, old in zip(masks, self.ever or [np.zeros_like(m) for m in masks])
        ]
        total = sum(mask.size for mask in masks)
        self.tried.append(sum(np.count_nonzero(mask) for mask in self.ever) / total)
        self.density.append(network.density())
