"""How a network is trained on somebody's own images: what is chosen for them, and the training."""

import dataclasses

import numpy as np

from sbnn_np.bits import freeze, reading
from sbnn_np.bits.frozen import FLOAT32_EXACT, UNIT
from sbnn_np.core import fast, network, sparsity, train
from sbnn_np.datasets import data
from sbnn_np.datasets.download import DataError
from sbnn_np.own import own_data

STEPS = 1500            # of a training on few images
FEWEST_EPOCHS, MOST_EPOCHS = 8, 200
LINES = 15              # of the table of epochs, at the most


@dataclasses.dataclass
class Plan:
    """How a network is trained.

    Attributes
    ----------
    sizes : list of int
        Inputs, hidden neurons layer by layer, classes.
    density : float
    method : str
        See `network.METHODS`.
    batch, epochs : int
    shift : int
        Training images are moved by up to so many pixels.
    every : int
        Steps from one choice of the ones to the next.
    rate : float
    """

    sizes: list
    density: float
    method: str
    batch: int
    epochs: int
    shift: int
    every: int
    rate: float = 1e-2

    @property
    def weights(self):
        """Number of weights, int."""
        return sum(D * M for D, M in zip(self.sizes, self.sizes[1:]))


def plan(shape, N, sizes, density, bits, epochs=None, shift=None):
    """Choose how to train.

    Parameters
    ----------
    shape : (H, W, C)
        Of an image.
    N : int
        Number of training images.
    sizes : list of int
        Hidden neurons layer by layer, then classes.
    density : float
    bits : bool
        Whether the network takes bits.
    epochs, shift : int, optional
        What somebody has chosen.

    Returns
    -------
    plan : Plan

    Raises
    ------
    DataError
        If the network would be larger than a model file may be, or have fewer ones than neurons.

    Examples
    --------
    >>> few = plan((16, 16, 1), 480, [256, 128, 3], 0.05, bits=False)
    >>> few.sizes, few.method, few.batch, few.epochs, few.shift, few.every
    ([256, 256, 128, 3], '0/1 centred', 32, 100, 1, 1)
    """
    H, W, C = shape
    D = H * W * C
    batch = min(N, 32 if N < 2000 else 64 if N < 20000 else 128)
    if epochs is None:
        epochs = min(max(FEWEST_EPOCHS, round(STEPS * batch / N)), MOST_EPOCHS)
    if shift is None:
        shift = int(min(H, W) >= 12)
    # float32 holds a centred neuron's sum, 64 z - c sum(x), below 2^24 alone. A neuron of the first
    # layer may come to have several times as many ones as the others
    ones = D if D <= 1000 else min(D, 6 * density * D)
    method = "0/1 centred" if bits or 255 * UNIT * ones < FLOAT32_EXACT else "0/1"
    every = 1 if epochs * (N // batch) < 5000 else 8
    made = Plan([D, *sizes], density, method, batch, epochs, shift, every)
    if made.weights > reading.MAX_WEIGHTS:
        raise DataError(
            f"images of {H} x {W} x {C} and layers of {sizes} make {made.weights:,} weights; a "
            f"model file has at most {reading.MAX_WEIGHTS:,}: take smaller images or fewer neurons"
        )
    if density * made.weights < sum(sizes):
        raise DataError(
            f"--density {density:g} makes fewer ones of {made.weights:,} weights than there are "
            f"neurons, {sum(sizes):,}; it must be at least {1.01 * sum(sizes) / made.weights:.3g}"
        )
    return made


def trained(own, training, validation, how, seed, trace=None):
    """Train a network, and freeze it.

    Parameters
    ----------
    own : own_data.OwnData
    training, validation : (n,) int
        Numbers of images.
    how : Plan
    seed : int
    trace : Trace, optional
        Listens to the training; see `page.trace`.

    Returns
    -------
    model : frozen.Frozen
        It takes images (H, W, C).
    net : Network
    """
    rng = np.random.default_rng(seed)
    net = network.mlp(how.sizes, how.method, rng, p0=min(how.density, 0.5), eps=0.1)
    rule = sparsity.NetBudget(sparsity.Schedule(how.density))
    optimizer = fast.Adam(net.params(), beta2=0.98, fade=0.03)
    seen = (own.images > own_data.THRESHOLD).view(np.uint8) if own.bits else own.images
    binarize = own_data.THRESHOLD if own.bits else None

    def frozen():
        try:
            model = freeze.freeze(net, own.classes, binarize, own.ground)
        except ValueError as error:
            raise DataError(f"{error}; a lower --density or smaller images may help") from None
        return dataclasses.replace(model, shape=own.images.shape[1:])

    def tell(row, net):
        if row["epoch"] % -(-how.epochs // LINES) == 0 or row["epoch"] == how.epochs:
            print(train.format_row(row), flush=True)
            frozen()                                          # better refused now than at the end
        if trace:
            trace.on_epoch(row, net)

    print("epoch    loss   train  valid density   flips seconds", flush=True)
    train.fit(
        net, (seen[training], own.labels[training]), (seen[validation], own.labels[validation]),
        rule, optimizer, how.rate, how.epochs, rng, how.batch,
        mover(how.shift, (1 if own.bits else 255) if own.ground == "light" else 0), how.every,
        on_step=trace.on_step if trace else None, on_epoch=tell,
    )
    return frozen(), net


def mover(shift, ground):
    """A function of (images, rng) that moves images at random; what comes in is ground.

    Parameters
    ----------
    shift : int
        See `data.shifted`.
    ground : 0 or the brightest pixel
    """
    def moved(batch, rng):
        if ground:
            return ground - data.shifted(ground - batch, shift, rng)
        return data.shifted(batch, shift, rng)

    return moved if shift else None
