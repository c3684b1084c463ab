"""What chapter 5 measures of its networks: sizes, agreement, layers, density, energy."""

import json
from dataclasses import dataclass

import numpy as np

from lab import chip_networks, chips, experiment, m0_cycles, sources
from sbnn_np.bits import freeze, storage
from sbnn_np.core import network, quantize
from sbnn_np.datasets import strokes
from sbnn_np.engines import packed
from sbnn_np.export import account, exporter, layouts, plan

START = (("exporter", "export"), ("layouts", "image_bytes"), ("storage", "load"))
DENSE = chip_networks.Target("dense", 256 << 10, False, None, ())     # of chapter 3; no limit
# what data sheets say a running chip draws: volts, milliamperes, and the MHz at which they do
SHEETS = {
    "Cortex-M0": (3.0, 4.4, 16, "nRF51822 Product Specification v3.1, run current from flash"),
    "ATmega328P": (5.0, 5.2, 8, "ATmega48A/.../328P data sheet 8271H, table 29-12"),
}


def digest():
    """The digest of what decides the chapter's numbers, besides the networks and chips/*.c."""
    return sources.digest(frozenset(), START)


@dataclass(frozen=True)
class Known:
    """A frozen network of the chapter.

    Attributes
    ----------
    name, architecture : str
    model : frozen.Frozen
    target : chip_networks.Target
    trained : bool
        Whether its bits were learnt; if not, they are random.
    accuracy : float or None
        On the test images of MNIST.
    """

    name: str
    architecture: str
    model: object
    target: object
    trained: bool
    accuracy: float | None

    @property
    def ones(self):
        """How many weights are 1."""
        return sum(int(block.w.sum()) for block in self.model.blocks)

    @property
    def density(self):
        """The part of the weights that are 1."""
        return self.ones / sum(block.w.size for block in self.model.blocks)


def networks(seed):
    """The committed networks for chips, and behind them the dense one of chapter 3: list of Known.

    For a target whose network has not been trained yet, its first candidate with random bits takes
    the place: it has the same size and speed, and knows nothing.
    """
    path, found = experiment.FIGURES / "05_sweep.json", []
    chosen = json.loads(path.read_text(encoding="utf-8"))["chosen"] if path.exists() else {}
    for target in chip_networks.TARGETS:
        file = experiment.FIGURES / "chips" / f"{target.name}.sbnn"
        if file.exists():
            told = chosen[target.name]
            found.append(Known(
                target.name, told["architecture"], storage.load(file), target, True,
                told["test_accuracy"],
            ))
        else:
            recipe = chip_networks.recipe(target.networks[0], seed)
            model = chip_networks.untrained(recipe, random_digits())
            found.append(Known(target.name, recipe.architecture, model, target, False, None))
    dense = json.loads((experiment.FIGURES / "03_bits_and_bytes.json").read_text(encoding="utf-8"))
    row = next(
        r for r in dense["rows"] if r["data"] == "MNIST" and r["architecture"] == "784-512-512-10"
    )
    model = storage.load(experiment.FIGURES / "examples" / "digits.sbnn")
    return [
        *found, Known("digits", row["architecture"], model, DENSE, True, row["test_accuracy"])
    ]


def drawn():
    """Two drawn digits; what an image takes hardly depends on it."""
    return chip_networks.drawn()


def random_digits():
    """Drawn digits that batch norms of untrained networks see."""
    return strokes.draw(np.arange(200) % 10, np.random.default_rng(0))


def dense_network(sizes, density, seed):
    """A dense network of random bits that takes images of bits: a frozen.Frozen."""
    net = network.mlp(sizes, "0/1", np.random.default_rng(seed), density)
    net.forward((random_digits() > 127).view(np.uint8), train=True)
    return freeze.freeze(net, binarize=127)


def layout_bytes(w):
    """Bytes of the ones of a layer, (D, M) bool, in several layouts: a dict."""
    heads, bits, *_ = layouts.coded_table(w)
    return {
        "a mask": w.size / 8,
        "two bytes a one": 2 * int(w.sum()),
        "gaps": len(b"".join(layouts.gap_table(w))),
        "coded gaps": len(b"".join(heads)) + len(bits),
        "entropy": w.size * quantize.binary_entropy(float(w.mean())) / 8,
    }


def in_layout(model, images, chip, coded):
    """Run a dense network on a chip, its gaps as bytes or all of them coded: a chips.Run."""
    limit = None
    if coded:
        layers = range(len(model.blocks))
        limit = account.account(plan.plan(model, layers)).flash_bytes
    return chips.run(model, images, chip, flash_bytes=limit)


def answers(known, images, chip, by_layer=False):
    """Run a network of the chapter on a chip as its target wants it: a chips.Run, or an error.

    Parameters
    ----------
    known : Known
    images : (N, H, W, C) uint8
    chip : chips.Chip
    by_layer : bool

    Returns
    -------
    done : chips.Run, or str
        Why it does not run there.
    """
    try:
        return chips.run(
            known.model, images, chip, by_layer, known.target.class_only, limit_of(known)
        )
    except (chips.ChipError, exporter.ExportError) as error:
        return str(error).strip().splitlines()[-1]


def limit_of(known):
    """The flash that the exporter is to keep to, or None where it does so without coded gaps."""
    _, told = exporter.fitted(known.model, known.target.class_only, None)
    return known.target.network_flash if told.flash_bytes > known.target.network_flash else None


def same(known, done, images):
    """How many images got exactly the scores that Python computes, or the class where that is all.

    Parameters
    ----------
    known : Known
    done : chips.Run
    images : (N, H, W, C) uint8

    Returns
    -------
    count : int
    """
    scores = packed.Packed(known.model).forward(images)
    if done.scores is None:
        return int((done.classes == scores.argmax(axis=1)).sum())
    return int((done.scores.view(np.uint32) == scores.view(np.uint32)).all(axis=1).sum())


def measured(known, images, test_images, ready, trace):
    """All that the chapter says of a network.

    Parameters
    ----------
    known : Known
    images : (N, H, W, C) uint8
        For the simulated chips.
    test_images : (N, H, W, C) uint8
        For this computer.
    ready : list of chips.Chip
    trace : bool
        Whether to count the cycles of the Cortex-M0, which takes some seconds.

    Returns
    -------
    row : dict
    """
    _, told = exporter.fitted(known.model, known.target.class_only, None)
    row = {
        "name": known.name, "architecture": known.architecture, "trained": known.trained,
        "method": "0/1 centred" if any(b.centre for b in known.model.blocks) else "0/1",
        "ones": known.ones, "density": known.density, "test_accuracy": known.accuracy,
        "file_bytes": len(storage.dumps(known.model)), "class_only": known.target.class_only,
        "coded": limit_of(known) is not None,
        "told": {
            "tables": told.table_bytes, "code": told.code_bytes, "activations": told.ram_bytes,
            "stack": told.stack_bytes, "adds": told.adds,
        },
        "chips": {},
    }
    for chip in ready:
        given = test_images if chip is chips.HOST else images
        done = answers(known, given, chip)
        if isinstance(done, str):
            row["chips"][chip.name] = {"error": done}
            continue
        row["chips"][chip.name] = {"images": len(given), "same": same(known, done, given)}
        if chip is chips.HOST:
            continue
        layers = answers(known, images[:1], chip, by_layer=True).layers[0]
        row["chips"][chip.name] |= {
            "flash": done.flash, "ram": done.ram, "count": round(float(done.counts.mean())),
            "least": int(done.counts.min()), "most": int(done.counts.max()),
            "layers": layers.tolist(),
        }
        if chip.counts == "cycles":
            row["chips"][chip.name]["cycles"] = row["chips"][chip.name]["count"]
        elif trace:
            _, row["chips"][chip.name]["cycles"] = m0_cycles.cycles(
                known.model, images[:1], known.target.class_only, limit_of(known)
            )
    return row


def by_density(kind, densities, chip, seed):
    """What an image takes on a chip, by density, with random bits.

    Parameters
    ----------
    kind : "dense" or "convolution"
    densities : list of float
    chip : chips.Chip
    seed : int

    Returns
    -------
    rows : list of dict
        `kind`, `chip`, `density`, `ones`, `weights`, `count` and `tables`.
    """
    rows = []
    for density in densities:
        if kind == "dense":
            model = dense_network([784, 64, 10], density, seed)
        else:
            recipe = chip_networks.recipe(
                chip_networks.network("0/1", density, (8, 32), (10,), 5), seed
            )
            model = chip_networks.untrained(recipe, random_digits())
        done = chips.run(model, chip_networks.drawn(), chip)
        rows.append({
            "kind": kind, "chip": chip.name, "density": density,
            "ones": sum(int(block.w.sum()) for block in model.blocks),
            "weights": sum(block.w.size for block in model.blocks),
            "count": round(float(done.counts.mean())), "tables": done.flash["tables"],
        })
    return rows


def millijoules(chip, cycles):
    """Energy of some cycles, from what the data sheet says: volts x amperes x seconds.

    Parameters
    ----------
    chip : str
        A key of SHEETS.
    cycles : int

    Returns
    -------
    energy : float
    """
    volts, milliamperes, megahertz, _ = SHEETS[chip]
    return volts * milliamperes * cycles / (megahertz * 1e6)
