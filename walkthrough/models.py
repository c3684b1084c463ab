"""Trained and frozen networks for the chapters: trained once, then kept in the user's cache."""

import json

import experiment
import numpy as np
import sources

from sbnn_np import data, floats, freeze, packed, sliced, storage
from sbnn_np.download import cache_folder

THRESHOLD = 127   # of images as bits: [pixel > 127]
START = (("models", "trained"), ("experiment", "Recipe"))


def as_bits(dataset):
    """The same data with images of bits, as uint8 of 0 and 1, named so."""
    return data.Data(
        f"{dataset.name} as bits",
        (dataset.train_images > THRESHOLD).view(np.uint8), dataset.train_labels,
        (dataset.test_images > THRESHOLD).view(np.uint8), dataset.test_labels,
        dataset.classes,
    )


def trained(recipe, dataset, binarize=None, log=None):
    """Train a network and freeze it, or take it from the cache if its sources are unchanged.

    Parameters
    ----------
    recipe : experiment.Recipe
    dataset : data.Data
        As the network sees it: with `binarize`, of bits.
    binarize : int, optional
        See `freeze.freeze`.
    log : see `experiment.run`

    Returns
    -------
    row : dict
        As `experiment.run` gives it; and `agree`, for each engine how many test images have
        the scores of the trained network, to the last bit.
    model : frozen.Frozen
    """
    name = experiment.run_name(recipe, dataset.name, True)
    folder = cache_folder() / "models"
    told, file = folder / f"{name}.json", folder / f"{name}.sbnn"
    if told.exists() and file.exists():
        content = json.loads(told.read_text())
        if content["sources_digest"] == DIGEST:
            return content["row"], storage.load(file)
    result, net = experiment.run(recipe, dataset, log=log, save_to=folder / f"{name}.part",
                                 resume=True)
    (folder / f"{name}.part").unlink(missing_ok=True)
    model = freeze.freeze(net, dataset.classes, binarize)
    row = result["row"] | {"agree": agreement(net, model, dataset.test_images)}
    folder.mkdir(parents=True, exist_ok=True)
    storage.save(model, file)
    experiment.write_json(told, {"row": row, "sources_digest": DIGEST})
    return row, model


def engines(model):
    """Every fast engine that can run a model, by name."""
    found = {"float32 BLAS": floats.Floats(model), "packed words": packed.Packed(model)}
    if not model.signs:
        found["bit-sliced"] = sliced.Sliced(model)
    return found


def agreement(net, model, images, batch=200):
    """How many images have the scores of the trained network, bit for bit: a dict by engine.

    Parameters
    ----------
    net : Network
    model : frozen.Frozen
    images : (N, ...) uint8
        As the network sees them.
    batch : int
        Images at a time; sums of a float layer might depend on it in their last bits.
    """
    ready = engines(model)
    same = dict.fromkeys(ready, 0)
    for start in range(0, len(images), batch):
        some = images[start : start + batch]
        expected = net.forward(some)
        # where the network sees bits, pixels that give them
        pixels = some if model.binarize is None else some * np.uint8(255)
        for name, engine in ready.items():
            same[name] += int(np.count_nonzero((engine.forward(pixels) == expected).all(axis=1)))
    return same


# of the sources as this process has read them
DIGEST = sources.digest(START)
