"""How much flash and memory an exported network takes, known from the model before any compiler.

    tables      flash: the weights, thresholds, factors and offsets
    activations static memory

A compiler makes exactly these of them. The code depends on the compiler: `code_bytes` is what
arm-none-eabi-gcc 12 makes of it for a Cortex-M0 with -Os, to about a tenth.
"""

from dataclasses import dataclass

from sbnn_np.bits import bitops, freeze

# bytes of code, as measured: of each kind of step, and more of it if the layer is centred
STEP_CODE = {"unpack": (36, 0), "dense": (90, 60), "places": (420, 60), "rows": (430, 330)}
CODED_CODE = 60        # more of a coded layer
PLANE_CODE = 26        # for each plane of a counter
FLOAT_CODE = 1100      # the compiler's functions that add and multiply floats
MAIN_CODE = 150


@dataclass(frozen=True)
class Account:
    """What an exported network takes.

    Attributes
    ----------
    table_bytes : int
        Flash for all tables.
    code_bytes : int
        Flash for the code, estimated.
    ram_bytes : int
        Static memory for all activations; the image and the stack come on top.
    image_bytes : int
        Of one image, which the caller keeps.
    adds : int
        Additions for one image; see `bitops.adds`.
    """

    table_bytes: int
    code_bytes: int
    ram_bytes: int
    image_bytes: int
    adds: int

    @property
    def flash_bytes(self):
        """Flash for tables and code."""
        return self.table_bytes + self.code_bytes

    def lines(self):
        """What to print of it: a list of (what, number, unit)."""
        return [
            ("flash for tables", self.table_bytes, "bytes"),
            ("flash for code, about", self.code_bytes, "bytes, for a Cortex-M0"),
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
        table_bytes(plan), code_bytes(plan), 4 * plan.arena_words, plan.image_bytes,
        sum(map(bitops.adds, layers)),
    )


def table_bytes(plan):
    """Bytes of all tables; a factor and an offset of 4 bytes for each class are among them."""
    return sum(len(step.content) for step in plan.steps) + 8 * len(plan.model.classes)


def code_bytes(plan):
    """Estimated bytes of code; see the top of this file."""
    total = MAIN_CODE + (0 if plan.class_only else FLOAT_CODE)
    for step in plan.steps:
        plain, more = STEP_CODE[step.kind]
        total += plain + (more if step.kind != "unpack" and step.block.centre else 0)
        total += CODED_CODE if step.layout == "coded" else 0
        if step.kind == "rows":
            total += PLANE_CODE * (step.rows.planes + step.rows.sum_planes)
    return total
