"""What the picture of the front page shows: trains one network and writes figures/front.json.

    PYTHONPATH=walkthrough python -m lab.front    half a minute on two cores

It is the growing network of chapter 1, seed 0. Another machine's matrix products may round
otherwise, and so give other bits; redraw draws the picture from the file alone.
"""

import numpy as np

from lab import experiment, recipes
from sbnn_np.datasets import data

NEURONS = 12


def histogram(layer):
    """Counts of a layer's latents, the edges of the bins, and the smallest latent of a one."""
    latents = layer.params["latent"]
    counts, edges = np.histogram(latents, bins=np.linspace(-0.9, 0.6, 76))
    return {
        "counts": counts.tolist(), "edges": [round(float(edge), 2) for edge in edges],
        "threshold": float(latents[layer.mask].min()), "ones": float(layer.mask.mean()),
    }


def content(net, before, row, images):
    """What the picture needs of a trained multilayer network.

    Parameters
    ----------
    net : Network
    before : dict
        The `histogram` of its first layer before training.
    row : dict
        Its row of results.
    images : (N, 28, 28, 1) uint8
        Training images, whose mean is drawn below the ones.

    Returns
    -------
    content : dict
        `row`, `latents` before and after, `filters` of the first NEURONS neurons (rows of "#"
        and "."), `scales` (whether the scale of each is above 0), and the mean image `ink`.
    """
    layer = net.layers[0]
    scale = next(each.params["scale"] for each in net.layers if "scale" in each.params)
    bits = layer.mask[:, :NEURONS].T.reshape(NEURONS, 28, 28)
    return {
        "row": row,
        "latents": {"before": before, "after": histogram(layer)},
        "filters": [["".join(".#"[bit] for bit in line) for line in each.astype(int)]
                    for each in bits],
        "scales": (scale[:NEURONS] > 0).tolist(),
        "ink": images.mean(axis=0).reshape(28, 28).round().astype(int).tolist(),
    }


if __name__ == "__main__":
    (recipe,) = (each for each in recipes.chapter_1(0) if each.schedule == "growing")
    digits = data.load("mnist")
    start, _, _ = experiment.build(
        recipe, digits.train_images.shape[1:], np.random.default_rng(recipe.seed)
    )
    result, trained = experiment.run(recipe, digits)
    found = content(
        trained, histogram(start.layers[0]), result["row"], digits.train_images
    )
    experiment.write_json(
        experiment.FIGURES / "front.json",
        experiment.provenance(result["row"]["seconds"], experiment.digest(recipe)) | found,
    )
