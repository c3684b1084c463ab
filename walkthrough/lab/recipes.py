"""What the chapters train: the density, the schedules, and what the sweeps chose.

A chapter's recipes are made here, and not in the chapter, so that its sweep, its text and the
tests that hold both to the committed results all use the same ones.
"""

from dataclasses import replace

from lab.experiment import Recipe
from sbnn_np.core import network

DENSITY = 0.05  # of ones, over the whole net
START = 0.01    # of ones at step 0: the nearly-empty start

# the ways to a network that the trials compare, the baselines first: the method, and how a 0/1
# network comes to its density
EMPTY = 0.005   # of ones at step 0, where a network grows
SHARE = 0.1     # of the penalty in the loss, where gradients turn the ones on
GROWING = {
    "grown by gradient": {"start": EMPTY, "share": SHARE},
    "growing": {"start": EMPTY},
    "constant": {},
    "shrinking": {"start": 0.5},
}
WAYS = {
    "full precision": {"method": "full precision"},
    "+-1": {"method": "+-1"},
    "ternary": {"method": "ternary"},
    "0/1": {"method": "0/1", "density": DENSITY},
    **{
        way: {"method": "0/1 centred", "density": DENSITY, **schedule}
        for way, schedule in GROWING.items()
    },
}

METHODS = [method for method in network.METHODS if method != "ternary"]
# how a 0/1 network comes to its density
SCHEDULES = {
    "constant": {"start": None, "share": None},
    "growing": {"start": START, "share": None},
    "shrinking": {"start": 0.5, "share": None},
    "penalty": {"start": DENSITY, "share": 0.1},
}
# what did best on the validation images in the trials (figures/01_trials.json): the rate, what
# makes a training forget, and ideas that gained more than the spread of seeds
FOUND = {
    "mnist": {
        "full precision": {"rate": 3e-3, "beta2": 0.98},
        "+-1": {"rate": 5.5e-3},
        "ternary": {"rate": 3e-2},
        "0/1": {"rate": 1e-2, "eps": 10.0},
        "grown by gradient": {"rate": 1e-2, "eps": 100.0},
        "growing": {"rate": 1.8e-2, "eps": 0.1, "beta2": 0.98, "fade": 0.1, "over": 0.1},
        "constant": {"rate": 3e-2, "eps": 1.0},
        "shrinking": {"rate": 1e-2, "beta2": 0.98, "fade": 0.03},
    },
}


def tried(data, seed):
    """The recipe that the trials on a data set begin with; its method and rate are theirs to say.

    Parameters
    ----------
    data : "mnist", "strokes", "cifar10" or "shapes"
    seed : int
    """
    if data in ("mnist", "strokes"):
        return Recipe("+-1", (784, 300, 100, 10), "Adam", 3e-3, 8, seed)
    return Recipe("+-1", optimizer="Adam", rate=3e-3, epochs=4, seed=seed, images=10000, **vgg(16))


def growing_short(seed, mends, epochs):
    """A short training of chapter 1 that grows by gradient, with some settings changed.

    Parameters
    ----------
    seed : int
    mends : dict of dict
        Settings of a Recipe, by the name of what they mend.
    epochs : int
    """
    settings = {key: value for change in mends.values() for key, value in change.items()}
    return replace(
        tried("mnist", seed), epochs=epochs, images=12800, rate=1e-2,
        **WAYS["grown by gradient"], **settings,
    )


# what did best on the validation images (figures/01_sweep.json): optimizer, rate, schedule
CHOSEN = {
    "full precision": ("NormalizedSGD", 1e-2, None),
    "+-1": ("Adam", 1e-2, None),
    "0/1": ("Adam", 1e-2, "constant"),
    "0/1 centred": ("NormalizedSGD", 3e-3, "penalty"),
}


def recipe_for(method, seed, epochs, choice=None, sizes=(784, 512, 512, 10)):
    """Recipe of a method, with the optimizer, rate and schedule of `choice`, or CHOSEN."""
    optimizer, rate, schedule = choice or CHOSEN[method]
    sparse = {"density": DENSITY, **SCHEDULES[schedule]} if schedule else {}
    return Recipe(method, sizes, optimizer, rate, epochs, seed, **sparse)


def chapter_1(seed, quick=False, full=False):
    """What chapter 01 trains, in this order; without `full` a growing one is among them."""
    if full:
        narrow, wide = (784, 512, 512, 10), (784, 1024, 1024, 10)
        return [
            *(recipe_for(m, seed + i, 30, sizes=narrow) for i in range(3) for m in METHODS),
            *(recipe_for("0/1 centred", seed + i, 30, sizes=wide) for i in range(3)),
            recipe_for("+-1", seed, 30, sizes=wide),
        ]
    epochs = 2 if quick else 15
    chosen = [recipe_for(method, seed, epochs) for method in METHODS]
    growing = (*CHOSEN["0/1 centred"][:2], "growing")
    return list(dict.fromkeys([*chosen, recipe_for("0/1 centred", seed, epochs, growing)]))


# chapter 2: the networks, and how their training images are changed
LENET5 = {
    "convs": (20, "pool", 50, "pool"), "sizes": (500, 10), "kernel": 5, "batch": 64, "every": 1,
    "even": True,
}


def vgg(width):
    """Five convolutions for 32 x 32 pixels: width, width, 2, 2 and 4 times width filters.

    The image is halved early, behind the first, third and fifth convolution, and not behind the
    second, fourth and fifth: an image then costs half the multiplications. Behind them stands a
    dense layer of 8 times width neurons. It holds most of the weights, and costs little time;
    and as the budget deals out as many ones to each of its neurons as to any filter, it leaves
    to the convolutions more than 5% of their weights.
    """
    return {
        "convs": (width, "pool", width, 2 * width, "pool", 2 * width, 4 * width, "pool"),
        "sizes": (8 * width, 10), "kernel": 3, "padding": 1, "float_first": True,
        "shift": 2, "flip": True, "batch": 64, "every": 1, "even": True,
    }


# what did best on the validation images (figures/02_sweep.json): rate of Adam, and schedule
CHOSEN_2 = {
    "digits": {
        "full precision": (1e-2, None),
        "+-1": (3e-2, None),
        "0/1": (3e-2, "penalty"),
        "0/1 centred": (1e-2, "constant"),
    },
    "pictures": {
        "full precision": (1e-2, None),
        "+-1": (1e-2, None),
        "0/1": (3e-2, "constant"),
        "0/1 centred": (3e-2, "constant"),
    },
}


def conv_recipe(what, net, method, seed, epochs, choice=None, density=DENSITY, images=None):
    """A run of chapter 2, with the rate and schedule of `choice`, or those of CHOSEN_2.

    Parameters
    ----------
    what : "digits" or "pictures"
    net : dict
        LENET5, or vgg(width).
    """
    rate, schedule = choice or CHOSEN_2[what][method]
    sparse = {"density": density, **SCHEDULES[schedule]} if schedule else {}
    if schedule == "penalty":
        sparse["start"] = density
    if schedule == "shrinking":
        sparse["over"] = 0.7
    recipe = Recipe(
        method, optimizer="Adam", rate=rate, epochs=epochs, seed=seed, images=images, **net,
        **sparse,
    )
    return what, recipe


def chapter_2(seed, quick=False, full=False):
    """What chapter 02 trains, in this order: pairs of "digits" or "pictures", and a recipe."""
    if full:
        compared = ("+-1", "0/1 centred")
        return [
            *(conv_recipe("digits", LENET5, m, seed, 25) for m in compared),
            conv_recipe("digits", LENET5, "0/1 centred", seed + 1, 25),
            *equal_bytes(seed),
            *(conv_recipe("pictures", vgg(64), m, seed, 14) for m in compared),
        ]
    epochs = (1, 1) if quick else (3, 4)
    chosen = [conv_recipe("digits", LENET5, m, seed, epochs[0]) for m in METHODS]
    chosen += [conv_recipe("pictures", vgg(32), m, seed, epochs[1]) for m in METHODS]
    growing = (CHOSEN_2["pictures"]["0/1 centred"][0], "growing")
    grown = conv_recipe("pictures", vgg(32), "0/1 centred", seed, epochs[1], growing)
    return list(dict.fromkeys([*chosen, grown]))


def chapter_3(seed, quick=False):
    """What chapter 03 trains: pairs of "bits", "digits" or "pictures", and a recipe."""
    epochs = 1 if quick else 15
    plain, centred = ("Adam", 1e-2, "constant"), ("NormalizedSGD", 3e-3, "constant")
    wide = (784, 1024, 1024, 10)

    def sparse(method, density, choice):
        return replace(recipe_for(method, seed, epochs, choice), density=density)

    chosen = [
        *(("bits", sparse("0/1", p, plain)) for p in (0.01, 0.02, 0.05, 0.1, 0.3)),
        *(("bits", sparse("0/1 centred", p, centred)) for p in (0.01, 0.05, 0.1)),
        ("bits", recipe_for("+-1", seed, epochs, ("Adam", 1e-2, None))),
        ("digits", recipe_for("0/1 centred", seed, epochs, centred)),
        ("digits", recipe_for("0/1 centred", seed, epochs, centred, wide)),
        conv_recipe("pictures", vgg(32), "0/1 centred", seed, 1 if quick else 4),
    ]
    return [chosen[i] for i in (0, 2, 6, 8, 9, 11)] if quick else chosen


# chapter 4: of each method, and whether it is regularised: optimizer and rate, or rate of Adam.
# Those of the ternary methods did best in figures/04_sweep.json, the others in the sweeps above
CHOSEN_4 = {
    "dense": {
        **{(method, False): choice[:2] for method, choice in CHOSEN.items()},
        ("ternary", False): ("NormalizedSGD", 3e-3),
        ("ternary", True): ("Adam", 1e-2),
    },
    **{
        what: {
            **{(method, False): choice[0] for method, choice in CHOSEN_2[what].items()},
            ("ternary", False): 3e-2,
            ("ternary", True): 3e-2,
        }
        for what in CHOSEN_2
    },
}


STEP = 7  # of chapter 2's list: the network whose training step is timed


def equal_bytes(seed):
    """A narrow +-1 network, and two wider 0/1 networks whose bits take no more bytes."""
    def centred(width, density):
        return conv_recipe("pictures", vgg(width), "0/1 centred", seed, 5, density=density)

    return [
        conv_recipe("pictures", vgg(16), "+-1", seed, 5),
        centred(24, 0.1),
        centred(32, 0.045),
    ]
