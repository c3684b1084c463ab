"""How much flash and memory an exported network takes, known from the model before any compiler.

    tables      flash: the weights, thresholds, factors and offsets
    arena       RAM: all activations

These two are what a compiler makes of them, to the byte. Code and stack depend on the compiler.
"""

from dataclasses import dataclass

from sbnn_np.bits import bitops, freeze

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Account:
    """What an exported network takes.

    Attributes
    ----------
    table_bytes : int
        Flash for all tables.
    ram_bytes : int
        Static memory for all activations; the image and the stack come on top.
    image_bytes : int
        Of one image, which the caller keeps.
    adds : int
        Additions for one image; see `bitops.adds`.
    """

    table_bytes: int
    ram_bytes: int
    image_bytes: int
    adds: int

    def lines(self):
        """What to print of it: a list of (what, number, unit)."""
        return [
            ("flash for tables", self.table_bytes, "bytes, besides the code"),
            ("RAM for activations", self.ram_bytes, "bytes, besides image and stack"),
            ("one image", self.image_bytes, "bytes"),
            ("additions for an image", self.adds, ""),
        ]


def account(plan):
    """Count what a planned program takes.

    Parameters
    ----------
    plan : plan.Plan

    Returns
    -------
    account : Account
    """
    layers = freeze.thaw(plan.model).weight_layers
    return Account(
        sum(step.table_bytes for step in plan.steps) + 2 * FLOAT_BYTES * len(plan.model.classes),
        4 * plan.arena_words, plan.image_bytes, sum(map(bitops.adds, layers)),
    )
