"""Checkpoints: all that a training needs to go on as if it had never stopped.

A checkpoint is written after an epoch. It holds the trained arrays, the running statistics of
batch norm, what the optimizer remembers, the state of the random generator, the rows of
the epochs so far (whose number is the place in every schedule), the centres, and the bits, which a
rule may have chosen by more than the latents of now.

The file is the SHA-256 of its content, 32 bytes, and then the content, an .npz archive. It is
written whole: see `atomic`.
"""

import hashlib
import io
import json
from pathlib import Path

import numpy as np

from sbnn_np.support import atomic

MEMORY = {
    "SGD": ("v",),
    "NormalizedSGD": ("v", "t"),
    "Adam": ("m", "v", "t"),
}


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or of another training."""


def save(path, network, optimizer, rng, identity, done):
    """Write a checkpoint.

    Parameters
    ----------
    path : str or Path
    network : Network
    optimizer : SGD, NormalizedSGD or Adam
    rng : numpy.random.Generator
        Of any of NumPy's bit generators.
    identity : str
        What is trained and how; `load` asks for the same.
    done : dict
        Of what JSON can say: the rows so far, for example.

    Raises
    ------
    OSError
        If the file cannot be written; what was there before is then unharmed.
    """
    arrays = state(network, optimizer)
    header = {
        "identity": identity, "optimizer": kind_of(optimizer),
        "rng": listed(rng.bit_generator.state), "done": done,
    }
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    content = io.BytesIO()
    np.savez(content, **arrays)
    content = content.getvalue()
    atomic.write(path, hashlib.sha256(content).digest() + content)


def load(path, network, optimizer, rng, identity):
    """Read a checkpoint into network, optimizer and rng.

    Parameters
    ----------
    path : str or Path
    network, optimizer, rng, identity : see `save`
        Of the same making. Nothing is changed unless the whole checkpoint fits.

    Returns
    -------
    done : dict
        As it was given to `save`.

    Raises
    ------
    CheckpointError
        If the file is missing, was cut or altered, or is of another training.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) < 32 or hashlib.sha256(content[32:]).digest() != content[:32]:
        raise CheckpointError(f"{path}: truncated or altered; its checksum does not fit")
    with np.load(io.BytesIO(content[32:]), allow_pickle=False) as archive:
        found = dict(archive)
    header = json.loads(found.pop("header").tobytes())
    if header["identity"] != identity:
        raise CheckpointError(
            f"{path}: is of another training:\n    {header['identity']}\nand not of\n    {identity}"
        )
    arrays = state(network, optimizer)
    for name in sorted(arrays.keys() | found.keys()):
        here, there = (
            f"{a[name].shape} {a[name].dtype}" if name in a else "nothing" for a in (arrays, found)
        )
        if here != there:
            raise CheckpointError(
                f"{path}: is of another architecture: {name} is {there}, and {here} here"
            )
    if header["optimizer"] != kind_of(optimizer):
        raise CheckpointError(
            f"{path}: is of {header['optimizer']}, and not of {kind_of(optimizer)}; what the two "
            "remember is scaled differently"
        )
    drawn = proven(header["rng"], rng, path)
    put(network, optimizer, found)
    rng.bit_generator.state = drawn
    return header["done"]


def listed(state):
    """The state of a bit generator with lists for arrays, as JSON can say it."""
    if isinstance(state, dict):
        return {name: listed(value) for name, value in state.items()}
    return state.tolist() if isinstance(state, (np.ndarray, np.generic)) else state


def proven(state, rng, path):
    """What is to be given to the bit generator of `rng`, after a trial with another of its kind.

    Parameters
    ----------
    state : dict
        As `listed` gives it.
    rng : numpy.random.Generator
    path : str or Path
        For the message.

    Raises
    ------
    CheckpointError
        If the state is of another kind of bit generator, or is none.
    """
    kind = type(rng.bit_generator)
    if state["bit_generator"] != kind.__name__:
        raise CheckpointError(
            f"{path}: its random numbers are by {state['bit_generator']}, and by "
            f"{kind.__name__} here"
        )
    trial = kind()
    try:
        trial.state = state
        same = listed(trial.state) == state
    except (TypeError, ValueError, KeyError, IndexError, OverflowError):
        same = False
    if not same:
        raise CheckpointError(f"{path}: holds no state of {kind.__name__}")
    return trial.state


def kind_of(optimizer):
    """Name of an optimizer's class with its file: the Adam of `optim` is not that of `fast`."""
    return f"{type(optimizer).__module__.split('.')[-1]}.{type(optimizer).__name__}"


def state(network, optimizer):
    """All arrays of a checkpoint, by name; those of the network and optimizer themselves.

    Parameters
    ----------
    network : Network
    optimizer : SGD, NormalizedSGD or Adam
    """
    arrays = {}
    for i, layer in enumerate(network.layers):
        for name, array in layer.params.items():
            arrays[f"{i}.{name}"] = array
        if hasattr(layer, "steps"):
            arrays[f"{i}.mean"], arrays[f"{i}.var"] = layer.mean, layer.var
            arrays[f"{i}.steps"] = np.array(layer.steps)
        if getattr(layer, "sparse", False):
            arrays[f"{i}.centre"] = np.array(layer.centre)
        if getattr(layer, "mask", None) is not None:
            arrays[f"{i}.mask"] = np.packbits(layer.mask)
    if type(optimizer).__name__ not in MEMORY:
        raise TypeError(f"optimizer is {optimizer!r}; it must be one of {', '.join(MEMORY)}")
    for name in MEMORY[type(optimizer).__name__]:
        value = getattr(optimizer, name)
        for i, item in enumerate(value if isinstance(value, list) else [value]):
            arrays[f"optimizer.{name}.{i}"] = np.asarray(item)
    return arrays


def put(network, optimizer, found):
    """Copy arrays, named as by `state`, into network and optimizer.

    Parameters
    ----------
    network, optimizer : see `state`
    found : dict
        Of arrays.
    """
    for name, array in state(network, optimizer).items():
        if array.ndim and not name.endswith(".mask"):
            np.copyto(array, found[name])
    for i, layer in enumerate(network.layers):
        if hasattr(layer, "steps"):
            layer.steps = int(found[f"{i}.steps"])
        if f"{i}.centre" in found:
            layer.write_centre(found[f"{i}.centre"].item())
        if f"{i}.mask" in found:
            bits = np.unpackbits(found[f"{i}.mask"], count=layer.mask.size)
            layer.set_mask(bits.astype(bool).reshape(layer.mask.shape))
    for name in MEMORY[type(optimizer).__name__]:
        value = getattr(optimizer, name)
        if not isinstance(value, list):
            setattr(optimizer, name, found[f"optimizer.{name}.0"].item())
        elif not isinstance(value[0], np.ndarray):
            value[:] = [found[f"optimizer.{name}.{i}"].item() for i in range(len(value))]
