"""How much flash and memory an exported network takes, known from the model before any compiler.

    flash       tables: weights, thresholds, factors and offsets; and the code
    RAM         one array for all activations and counters; and the stack

Of tables and of the array, any compiler makes exactly the bytes that are counted here. Code and
stack depend on the compiler: they are estimates of what arm-none-eabi-gcc 12 makes for a Cortex-M0
with -Os: most are within a twentieth, and networks without convolutions within a fifth.
"""

from dataclasses import dataclass

from sbnn_np.bits import bitops, freeze

# bytes of code, by kind of step: plain, and how much more if the layer is centred
STEP_CODE = {"unpack": (55, 0), "dense": (65, 55), "places": (230, 30), "rows": (105, 155)}
CODED_CODE = 50        # more of a coded layer
PLANE_CODE = 55        # for each plane of a filter's counter
SHARED_CODE = 32       # for each plane of the sum that filters share
BAND_CODE = 125        # more where the rows of a square are in two words
MAIN_CODE = 65         # the function that calls all steps
FLOAT_CODE = 2000      # scores, and the compiler's functions that add and multiply floats
STACK, SHARED_STACK = 120, 60    # bytes; the second where a convolution on rows is centred


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
    stack_bytes : int
        Of the stack, estimated.
    image_bytes : int
        Of one image, which the caller keeps.
    adds : int
        Additions for one image; see `bitops.adds`.
    """

    table_bytes: int
    code_bytes: int
    ram_bytes: int
    stack_bytes: int
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
            ("RAM for activations", self.ram_bytes, "bytes"),
            ("RAM for the stack, about", self.stack_bytes, "bytes"),
            ("RAM for the image", self.image_bytes, "bytes"),
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
    shared = any(step.kind == "rows" and step.block.centre for step in plan.steps)
    stack = STACK + 4 * len(plan.model.classes) + SHARED_STACK * shared
    return Account(
        table_bytes(plan), code_bytes(plan), 4 * plan.arena_words, stack, plan.image_bytes,
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
            total += PLANE_CODE * step.rows.planes + SHARED_CODE * step.rows.sum_planes
            total += BAND_CODE * (step.rows.bands - 1)
    return total
