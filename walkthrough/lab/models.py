"""Trained and frozen networks for the chapters: trained once, then kept in the user's cache."""

import io
import json

import numpy as np

from lab import experiment, sources
from sbnn_np.bits import freeze, storage
from sbnn_np.datasets import data
from sbnn_np.datasets.download import cache_folder
from sbnn_np.engines import floats, packed
from sbnn_np.engines.sliced import two_processes
from sbnn_np.support import atomic

THRESHOLD = 127   # of images as bits: [pixel > 127]
BATCH = 200       # test images at a time
# what decides a kept model, and what else decides whether engines agree with it
START = (*sources.START, ("models", "frozen"), ("storage", "save"), ("storage", "load"))
AGREEMENT = (*START, ("models", "agreement"), ("two_processes", "serve"))


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
        As `experiment.run` gives it.
    model : frozen.Frozen
    scores : (N, classes) float32
        What the trained network gave the test images before it was frozen.
    """
    name = experiment.run_name(recipe, dataset.name, True)
    folder = cache_folder() / "models"
    row_path, model_path, scores_path, checkpoint_path = (
        folder / f"{name}{end}" for end in (".json", ".sbnn", ".npy", ".part")
    )
    if row_path.exists() and model_path.exists() and scores_path.exists():
        content = json.loads(row_path.read_text(encoding="utf-8"))
        if content["sources_digest"] == experiment.digest(recipe, start=START):
            return content["row"], storage.load(model_path), np.load(scores_path)
    result, net = experiment.run(recipe, dataset, log=log, save_to=checkpoint_path, resume=True)
    model, scores = frozen(net, dataset, binarize)
    storage.save(model, model_path)
    buffer = io.BytesIO()
    np.save(buffer, scores)
    atomic.write(scores_path, buffer.getvalue())
    digest = experiment.digest(recipe, start=START)
    experiment.write_json(row_path, {"row": result["row"], "sources_digest": digest})
    checkpoint_path.unlink(missing_ok=True)
    return result["row"], model, scores


def frozen(net, dataset, binarize):
    """A network frozen, and the scores that it gave the test images before; see `trained`."""
    model = freeze.freeze(net, dataset.classes, binarize)
    starts = range(0, len(dataset.test_images), BATCH)
    scores = np.concatenate([net.forward(dataset.test_images[n : n + BATCH]) for n in starts])
    return model, scores


def engines(model):
    """Every fast engine that can run a model, by name."""
    found = {"float32 BLAS": floats.Floats(model), "packed words": packed.Packed(model)}
    if not model.signed:
        found["bit-sliced"] = two_processes.TwoProcessSliced(model)
    return found


def agreement(model, images, scores):
    """How many images get exactly these scores, to the last bit: a dict by engine.

    Parameters
    ----------
    model : frozen.Frozen
    images : (N, ...) uint8
        As the network sees them.
    scores : (N, classes) float32
        Of the trained network, `BATCH` images at a time: sums of a float layer might depend
        on that in their last bits.
    """
    ready = engines(model)
    same = dict.fromkeys(ready, 0)
    for start in range(0, len(images), BATCH):
        n = slice(start, start + BATCH)
        # where the network sees bits, pixels that give them
        pixels = images[n] if model.binarize is None else images[n] * np.uint8(255)
        for name, engine in ready.items():
            same[name] += int((engine.forward(pixels) == scores[n]).all(axis=1).sum())
    if model.blocks[0].weights != "float":
        # all at once is another way through the engines
        pixels = images if model.binarize is None else images * np.uint8(255)
        for name, engine in ready.items():
            same[name] = min(same[name], int((engine.forward(pixels) == scores).all(axis=1).sum()))
    return same
