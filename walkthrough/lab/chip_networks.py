"""Networks for chips with 4, 16 and 32 KB of flash: the candidates, and what they take on chips.

What a network takes depends on its architecture and on how many ones it has, not on which ones. So
it is known before training, from random bits. `sweep_5` trains the candidates and chooses.
"""

from dataclasses import dataclass

import numpy as np

from lab import chips, experiment, models
from sbnn_np.bits import freeze
from sbnn_np.datasets import strokes
from sbnn_np.export import exporter

EPOCHS = 25
RAM = 2 << 10          # bytes, of every target


@dataclass(frozen=True)
class Target:
    """What a network has to keep to.

    Attributes
    ----------
    name : str
        Of the model file.
    flash : int
        Bytes for the whole program of the Cortex-M0, with its start and its serial line. The
        program of the ATmega328P is larger, and has 32 KB.
    class_only : bool
        Whether it computes the class alone, without floats.
    instructions : int or None
        The most that the Cortex-M0 may take for an image.
    networks : tuple of dict
        Of the candidates, `method`, `density`, and the architecture.
    """

    name: str
    flash: int
    class_only: bool
    instructions: int | None
    networks: tuple

    @property
    def network_flash(self):
        """Bytes that are left for the network by the start, the serial line and the timer."""
        return self.flash - 800


def network(method, density, convs, sizes, kernel):
    """One of a target's candidates. Kernels of 3 have padding, kernels of 5 have none."""
    spread = tuple(word for F in convs for word in (F, "pool"))
    return {
        "method": method, "density": density, "convs": spread, "sizes": sizes, "kernel": kernel,
        "padding": 1 if kernel == 3 else 0, "rate": 1e-2 if method == "0/1 centred" else 3e-2,
    }


TARGETS = (
    Target("digits_4_kb", 4 << 10, True, None, (
        network("0/1", 0.16, (8, 32), (10,), 5),
        network("0/1", 0.11, (8, 48), (10,), 5),
        network("0/1", 0.2, (8, 16, 24), (10,), 3),
    )),
    Target("digits_16_kb", 16 << 10, False, 650_000, (
        network("0/1", 0.16, (16, 32, 48), (100, 10), 3),
        network("0/1 centred", 0.14, (16, 32, 48), (100, 10), 3),
        network("0/1", 0.2, (16, 32, 64), (10,), 3),
        network("0/1 centred", 0.18, (16, 28, 64), (10,), 3),
        network("0/1", 0.09, (8, 64), (100, 10), 5),
        network("0/1 centred", 0.09, (8, 64), (100, 10), 5),
        network("0/1", 0.06, (8, 48), (100, 10), 5),
    )),
    Target("digits_32_kb", 32 << 10, False, None, (
        network("0/1", 0.135, (16, 32, 60), (250, 10), 3),
        network("0/1 centred", 0.12, (16, 32, 60), (250, 10), 3),
        network("0/1 centred", 0.07, (8, 64), (250, 10), 5),
    )),
)


def recipe(network, seed, epochs=EPOCHS):
    """The recipe of a candidate: every neuron has equally many ones, as in chapter 2."""
    return experiment.Recipe(
        optimizer="Adam", epochs=epochs, seed=seed, batch=64, every=1, even=True, **network
    )


def candidates(seed):
    """Each candidate: a list of pairs of a target and a recipe."""
    return [
        (target, recipe(each, seed))
        for target in TARGETS for each in target.networks
    ]


def untrained(recipe, images):
    """A frozen network as a recipe begins, whose batch norms have seen some images.

    Parameters
    ----------
    recipe : experiment.Recipe
    images : (N, H, W, C) uint8

    Returns
    -------
    model : frozen.Frozen
    """
    net, _, _ = experiment.build(recipe, images.shape[1:], np.random.default_rng(recipe.seed))
    net.forward((images > models.THRESHOLD).view(np.uint8), train=True)
    return freeze.freeze(net, binarize=models.THRESHOLD)


def measured(model, target, images):
    """What a frozen network takes on each chip.

    Parameters
    ----------
    model : frozen.Frozen
    target : Target
    images : (N, H, W, C) uint8
        What the chips are given.

    Returns
    -------
    found : dict
        `ones`, and under the name of each chip `flash`, `ram` and `count`: bytes of the whole
        program, and the instructions or cycles of an image; or `error`, why it does not run there.
    """
    found = {"ones": sum(int(block.w.sum()) for block in model.blocks)}
    for limit in (None, target.network_flash):
        for chip in chips.CHIPS:
            try:
                done = chips.run(
                    model, images, chip, class_only=target.class_only, flash_bytes=limit
                )
            except (chips.ChipError, exporter.ExportError) as error:
                found[chip.name] = {"error": str(error).strip().splitlines()[-1]}
                continue
            found[chip.name] = {
                "flash": sum(done.flash.values()), "ram": sum(done.ram.values()),
                "count": int(done.counts.max()),
            }
        if fits(found, target):
            break                       # gaps need not be coded, which takes time
    return found


def fits(found, target):
    """Whether a network runs on both chips, and keeps to the limits of its target on the first."""
    if any("error" in found[chip.name] for chip in chips.CHIPS):
        return False
    first = found[chips.CORTEX_M0.name]
    return (
        first["flash"] <= target.flash and first["ram"] <= RAM
        and first["count"] <= (target.instructions or first["count"])
    )


def drawn():
    """Two drawn digits, for chips to count with: what an image takes hardly depends on it."""
    return strokes.draw(np.array([3, 8]), np.random.default_rng(0))
