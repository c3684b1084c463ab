"""The training loop, evaluation, and one row of numbers an epoch."""

import sys
import time
import warnings
from pathlib import Path

import numpy as np

from sbnn_np.core import losses, optim, quantize
from sbnn_np.core.network import input_kind
from sbnn_np.datasets import data
from sbnn_np.support import checkpoint, checks, threads


def requantize(network, rule, progress):
    """Read every quantized weight anew from its latent.

    Parameters
    ----------
    network : Network
    rule : NetBudget, EvenBudget, ConnectionsPenalty, TernaryThreshold, or None
        None is for networks whose weights cannot be 0.
    progress : float
        Part of the training that is done, from 0 to 1.

    Raises
    ------
    ValueError
        If there is no rule, and weights can be 0.
    """
    for layer in network.weight_layers:
        if layer.weights == "+-1":
            layer.set_mask(layer.params["latent"] > 0)
    sparse = network.sparse_layers
    if sparse:
        if rule is None:
            raise ValueError(
                f"rule is None; {sparse[0].weights} weights need a rule that chooses which are 1, "
                "such as sparsity.NetBudget"
            )
        latents = [layer.params["latent"] for layer in sparse]
        masks = rule.choose(latents, progress, [layer.grads["latent"] for layer in sparse])
        for layer, mask in zip(sparse, masks):
            layer.set_mask(mask)


def train_step(network, x, labels, rule, optimizer, rate, step, steps, every=1):
    """Do one step: quantize, forward, loss, backward, update.

    Parameters
    ----------
    network : Network
    x : (N, ...) array
    labels : (N,) int
    rule : see `requantize`
    optimizer : SGD, NormalizedSGD or Adam
    rate : float
        Learning rate of step 0; it falls along a cosine to 0.
    step, steps : int
        Number of this step, from 0, and of all steps of the training.
    every : int
        Steps from one choice of the bits to the next; in between the latents gather
        pushes. To choose costs time, and seldom is enough where few bits flip; where the
        latents move fast it costs accuracy.

    Returns
    -------
    loss : float
        Cross-entropy plus penalty.
    hits : int
        Images of this batch that were classified rightly.

    Raises
    ------
    FloatingPointError
        If the loss is not finite; the message names the first layer that is to blame.
    """
    progress = step / steps
    if step % every == 0:
        requantize(network, rule, progress)
    scores = network.forward(x, train=True)
    loss, dscores = losses.softmax_cross_entropy(scores, labels)
    if not np.isfinite(loss):
        raise FloatingPointError(
            f"the loss is {loss} at step {step}: {blame(network, x)}; a rate below {rate} may help"
        )
    network.backward(dscores)
    if network.sparse_layers:
        penalty, dw = rule.penalty(loss, [layer.mask for layer in network.sparse_layers])
        loss += penalty
        if dw:
            for layer in network.sparse_layers:
                layer.penalize(dw)
    optimizer.step(network.grads(), optim.cosine(rate, progress))
    return loss, int(np.count_nonzero(scores.argmax(axis=1) == labels))


def blame(network, x=None):
    """Name the first layer that holds, or makes of x, a number that is not finite.

    Parameters
    ----------
    network : Network
    x : (N, ...) array, optional
        Left out, only what the layers hold is looked at.

    Returns
    -------
    name : str
        "layer 3 (BatchNorm): scale is not finite", for example; "" if there is none.
    """
    x = x if x is None else x.astype(network.dtype).reshape(-1, *network.shape)
    for i, layer in enumerate(network.layers):
        held = {**layer.params, **{k: v for k, v in vars(layer).items() if k in ("mean", "var")}}
        for name, array in held.items():
            if not np.isfinite(array).all():
                return f"layer {i} ({type(layer).__name__}): {name} is not finite"
        if x is not None:
            x = layer.forward(x, train=True)
            if not np.isfinite(x).all():
                return f"layer {i} ({type(layer).__name__}): its output is not finite"
    return ""


def predict(network, images, batch=200):
    """Find the class of each image: that of the largest score, the first of equal ones.

    Parameters
    ----------
    network : Network
    images : (N, ...) array
        See `Network.forward`.
    batch : int
        Images at a time.

    Returns
    -------
    classes : (N,) int
    """
    checks.check_shape(images, network.shape)
    parts = [images[i : i + batch] for i in range(0, len(images), batch)]
    return np.concatenate([network.forward(part).argmax(axis=1) for part in parts])


def evaluate(network, images, labels):
    """Fraction of the images that are classified rightly.

    Parameters
    ----------
    network : Network
    images : (N, ...) array
        See `Network.forward`.
    labels : (N,) int

    Returns
    -------
    accuracy : float

    Raises
    ------
    ValueError
        If images do not fit the network, or labels are not one class for each image.
    """
    checks.check_labels(labels, len(images), network.classes)
    return float(np.mean(predict(network, images) == labels))


def fit(
    network, training, validation, rule, optimizer, rate, epochs, rng,
    batch=128, augment=None, every=1, log=None, save_to=None, resume=False, identity="",
    on_step=None, on_epoch=None, estimator=quantize.straight_through,
):
    """Train, and report every epoch.

    Parameters
    ----------
    network : Network
    training, validation : (images, labels)
        Images as `Network.forward` takes them, and (N,) int. For a network that is to be frozen
        they hold pixels, whole numbers from 0 to 255, or bits; a warning says if they do not.
    rule : see `requantize`
    optimizer : SGD, NormalizedSGD or Adam
    rate : float
        Learning rate of step 0; it falls along a cosine to 0.
    epochs, batch : int
    rng : numpy.random.Generator
        Draws the order of the images, and what `augment` draws.
    augment : function of (images, rng), optional
        Changes the training images at random; see `data.batches`.
    every : int
        See `train_step`.
    log : function of a str, optional
        Receives the header and one aligned line an epoch.
    save_to : Path, optional
        Where to leave a checkpoint after each epoch. If that fails, as on a full disk, `log`
        is told, and the training goes on.
    resume : bool
        Whether to go on from the checkpoint at `save_to`, if there is one. What is
        returned in the end is the same to the last bit as without the break.
    identity : str
        What this training is; a checkpoint of another one is refused.
    on_step : function of (step, network), optional
        Called after each step, whose number is from 0 on.
    on_epoch : function of (row, network), optional
        Called after each epoch, with its row of `rows`.
    estimator : function of (dw, latent)
        What latents of quantized weights get in place of the quantizer's derivative.

    Returns
    -------
    rows : list of dict
        One an epoch: `epoch`, `loss` and `train_accuracy` (means over its steps),
        `validation_accuracy`, `density` and `layer_densities` at its end (None and []
        without sparse layers), `flips` (fraction of the bits that differ
        from the end of the epoch before), `seconds`.
    trace : list of [step, layer densities]
        200 to 400 points over a training of that many steps; empty without sparse layers.

    Raises
    ------
    ValueError
        If images or labels do not fit the network or one another; or if checkpoints are to be left
        without an `identity`, or `resume` without `save_to`.
    FloatingPointError
        If the loss, or after an epoch any trained number, is not finite.
    checkpoint.CheckpointError
        If the checkpoint to go on from is damaged or of another training.
    """
    if save_to and not identity or resume and not save_to:
        raise ValueError(
            f"save_to is {save_to}, resume {resume} and identity {identity!r}; to resume needs a "
            "place, and a checkpoint needs an identity"
        )
    epochs = checks.whole_number(epochs, "epochs", 1)
    every = checks.whole_number(every, "every", 1)
    images, labels = fitting(network, training, "training")
    validation = fitting(network, validation, "validation")
    note_kind(network, images, validation[0])
    for layer in network.weight_layers:
        if layer.weights != "float":
            layer.estimator = estimator
    threads.warm_up()
    steps_an_epoch = data.steps_per_epoch(len(images), batch)
    steps, rows, trace = steps_an_epoch * epochs, [], []
    log = log or (lambda line: None)
    log("epoch    loss   train  valid density   flips seconds")
    if resume and Path(save_to).is_file():
        done = checkpoint.load(save_to, network, optimizer, rng, identity)
        rows, trace = done["rows"], done["trace"]
        for row in rows:
            log(format_row(row))
    began, epochs_done = time.perf_counter(), len(rows)

    def show(epoch, step):
        done = step - steps_an_epoch * epochs_done
        left = (steps - step) * (time.perf_counter() - began) / done
        progress_line(f"epoch {epoch} of {epochs}, step {step} of {steps}, {time_left(left)}")

    for epoch in range(epochs_done + 1, epochs + 1):
        start = time.perf_counter()
        masks_before = [layer.mask for layer in network.weight_layers]
        for layer in network.sparse_layers:
            layer.recentre()                                # the centre follows the density
            layer.grads["latent"][...] = 0                    # checkpoints hold no gradients
        step_losses, hits = [], 0
        batches = data.batches(images, labels, batch, rng, augment)
        for step, (x, y) in enumerate(batches, steps_an_epoch * (epoch - 1)):
            loss, hit = train_step(network, x, y, rule, optimizer, rate, step, steps, every)
            step_losses.append(loss)
            hits += hit
            if step % max(1, steps // 200) == 0 and network.sparse_layers:
                trace.append([step, layer_densities(network)])
            if on_step:
                on_step(step, network)
            if (step + 1) % 20 == 0:
                show(epoch, step + 1)
        progress_line("")
        requantize(network, rule, epoch / epochs)
        if broken := blame(network):
            raise FloatingPointError(f"after epoch {epoch}: {broken}; a rate below {rate} may help")
        rows.append({
            "epoch": epoch,
            "loss": float(np.mean(step_losses)),
            "train_accuracy": hits / (steps_an_epoch * batch),
            "validation_accuracy": evaluate(network, *validation),
            "density": network.density(),
            "layer_densities": layer_densities(network),
            "flips": flips(network, masks_before),
            "seconds": time.perf_counter() - start,
        })
        log(format_row(rows[-1]))
        if on_epoch:
            on_epoch(rows[-1], network)
        if save_to:
            leave_checkpoint(save_to, network, optimizer, rng, identity, rows, trace, log)
    return rows, trace


def fitting(network, pair, name):
    """Images and labels that fit the network and one another, the images in its own shape.

    Parameters
    ----------
    network : Network
    pair : (images, labels)
    name : str
        "training" or "validation", for the error.

    Returns
    -------
    images : (N, ...) array
        (N, H, W, C) if the network takes images; as they were, if it takes rows.
    labels : (N,) int
    """
    images, labels = map(np.asarray, pair)
    checks.check_shape(images, network.shape, f"{name} images")
    checks.check_labels(labels, len(images), network.classes, f"{name} labels")
    if len(network.shape) == 3:
        images = images.reshape(-1, *network.shape)
    return images, labels


def note_kind(network, images, validation):
    """Note what the images hold; warn if no frozen network could take it.

    Parameters
    ----------
    network : Network
    images, validation : (N, ...) array
        Of training and of validation.

    Raises
    ------
    ValueError
        If the two are on different scales.
    """
    network.trained_on, other = input_kind(images), input_kind(validation)
    if network.trained_on != other:
        raise ValueError(
            f"training images hold {network.trained_on}, and validation images {other}, where "
            'pixels are whole numbers from 0 to 255 and bits are 0 and 1; they must be of one kind'
        )
    weights = {layer.weights for layer in network.weight_layers}
    if network.trained_on == "other" and weights & {"0/1", "0/1 centred", "+-1"}:
        warnings.warn(
            "training images hold other numbers than pixels, whole ones from 0 to 255, or bits: "
            "this network can be trained and evaluated on such images, but not frozen",
            stacklevel=3,
        )


def leave_checkpoint(path, network, optimizer, rng, identity, rows, trace, log):
    """Save what `fit` needs to go on; if that fails, as on a full disk, tell `log`.

    Parameters
    ----------
    path, network, optimizer, rng, identity : see `checkpoint.save`
    rows, trace, log : see `fit`
    """
    try:
        done = {"rows": rows, "trace": trace}
        checkpoint.save(path, network, optimizer, rng, identity, done)
    except OSError as error:
        log(f"no checkpoint of epoch {len(rows)}: {path}: {error.strerror}")


def time_left(seconds):
    """A duration in words: "3 min left"."""
    return f"{seconds / 60:.0f} min left" if seconds >= 90 else f"{seconds:.0f} s left"


def layer_densities(network):
    """Fraction of ones in every 0/1 layer, first layer first."""
    return [layer.ones / layer.mask.size for layer in network.sparse_layers]


def flips(network, masks_before):
    """Fraction of the bits that have flipped since the network had other masks.

    Parameters
    ----------
    network : Network
    masks_before : list of (D, M) bool, or None for a layer of float weights

    Returns
    -------
    flips : float, or None for a network without bits
    """
    masks = [(layer.mask, old) for layer, old in zip(network.weight_layers, masks_before)]
    masks = [(new, old) for new, old in masks if new is not None]
    if not masks:
        return None
    flipped = sum(np.count_nonzero(new != old) for new, old in masks)
    return flipped / sum(new.size for new, _ in masks)


def format_row(row):
    """One aligned line of `fit`'s table."""
    density, flipped = (
        " " * 7 if value is None else f"{100 * value:6.2f}%"
        for value in (row["density"], row["flips"])
    )
    return (
        f"{row['epoch']:5d} {row['loss']:7.4f}  {100 * row['train_accuracy']:5.2f}% "
        f"{100 * row['validation_accuracy']:5.2f}% {density} {flipped} {row['seconds']:7.1f}"
    )


def progress_line(text):
    """Show text in the terminal's last line; nothing where there is no terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
