"""What a training leaves for the page to play: the ones of a few neurons, epoch by epoch.

A trace listens to `train.fit` by its hooks, and changes nothing:

    trace = Trace()
    train.fit(..., on_step=trace.on_step, on_epoch=trace.on_epoch)
    trace.save("training.npz")

Its file is of NumPy (.npz), without pickled objects, and holds

    shape       (2,) int64: rows and columns of the picture whose pixels the neurons take
    bits        (E + 1, neurons, D) bool: before training, and after each of E epochs
    densities   (E + 1, layers) float64: the part of each layer's weights that is 1
    density     (E + 1,) float64: the part of all weights
    accuracy    (E,) float64: of the validation images, after each epoch
"""

import io
import zipfile

import numpy as np

from sbnn_np.support import atomic

NEURONS = 16
MAX_FRAMES = 1001
NAMES = ("shape", "bits", "densities", "density", "accuracy")


class TraceError(ValueError):
    """A file is no trace, or the trace cannot be shown."""


class Trace:
    """The ones of the first 16 neurons of a network's first layer, and its densities.

    Attributes
    ----------
    bits : list of (neurons, D) bool
        At the start, and after each epoch.
    densities : list of lists of float
        The density of each layer at the same times.
    density : list of float
        The density of the whole network.
    accuracy : list of float
        Of the validation images, after each epoch.
    """

    def __init__(self):
        self.bits, self.densities, self.density, self.accuracy = [], [], [], []
        self.shape = None

    def on_step(self, step, network):
        """Note the ones with which a training begins: those of its step 0.

        Parameters
        ----------
        step : int
            Number of the step, from 0. Later steps are not noted.
        network : Network

        Raises
        ------
        TraceError
            If its first layer is not a dense one of 0/1 weights that takes a square grey picture;
            or if the training goes on from a checkpoint.
        """
        if step == 0:
            self.bits, self.densities, self.density, self.accuracy = [], [], [], []
            self.shape = picture_shape(network)
            self.note(network)
        elif not self.bits:
            raise TraceError(f"the training goes on with step {step}; a trace begins with step 0")

    def on_epoch(self, row, network):
        """Note the ones after an epoch, and the validation accuracy.

        Parameters
        ----------
        row : dict
            See `train.fit`.
        network : Network

        Raises
        ------
        TraceError
            If the first step was not noted.
        """
        if not self.bits:
            raise TraceError("step 0 was not noted; hand `on_step` to `train.fit` as well")
        self.note(network)
        self.accuracy.append(float(row["validation_accuracy"]))

    def note(self, network):
        """Note the ones and the densities of a network as it is now."""
        first = network.weight_layers[0]
        self.bits.append(first.mask[:, :NEURONS].T.copy())
        self.densities.append([layer.ones / layer.mask.size for layer in network.sparse_layers])
        self.density.append(network.density())

    def save(self, path):
        """Write the trace to a file, whole or not at all.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        TraceError
            If nothing was noted.
        OSError
            If the file cannot be written.
        """
        if not self.accuracy:
            raise TraceError("no epoch was noted; hand `on_epoch` to `train.fit`")
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{name: np.array(getattr(self, name)) for name in NAMES})
        atomic.write(path, buffer.getvalue())


def picture_shape(network):
    """Rows and columns of the picture that a network's first layer takes.

    Parameters
    ----------
    network : Network

    Returns
    -------
    shape : (int, int)

    Raises
    ------
    TraceError
        See `Trace.on_step`.
    """
    first, shape = network.weight_layers[0], network.shape
    side = round(shape[0] ** 0.5) if len(shape) == 1 else shape[0]
    if shape not in ((side * side,), (side, side, 1)):
        raise TraceError(f"the network takes inputs of shape {shape}, not square grey pictures")
    if first.places != 1 or not first.weights.startswith("0/1"):
        kind = f"{type(first).__name__} with weights {first.weights}"
        raise TraceError(f"the first layer is {kind}; a trace needs Dense with 0/1 weights")
    return side, side


def load(path):
    """Read a trace from a file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    trace : Trace

    Raises
    ------
    TraceError
        If the file is no trace; the message names it.
    OSError
        If it cannot be read.
    """
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in NAMES}
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            raise TraceError(f"{path}: this is no trace; see sbnn_np/page/trace.py") from None
    shape, bits = found["shape"].tolist(), found["bits"]
    frames = len(bits) if bits.ndim else 0
    fits = (
        len(shape) == 2 and bits.ndim == 3 and bits.dtype == bool and 2 <= frames <= MAX_FRAMES
        and bits.shape[2] == shape[0] * shape[1] and 1 <= bits.shape[1] <= NEURONS
        and found["densities"].ndim == 2 and len(found["densities"]) == frames
        and found["density"].shape == (frames,) and found["accuracy"].shape == (frames - 1,)
        and all(found[name].dtype == float for name in NAMES[2:])
        and all(((found[n] >= 0) & (found[n] <= 1)).all() for n in NAMES[2:])
    )
    if not fits:
        raise TraceError(f"{path}: its arrays do not fit one another; see sbnn_np/page/trace.py")
    trace = Trace()
    trace.shape = tuple(shape)
    for name in NAMES[1:]:
        setattr(trace, name, list(found[name]))
    return trace
