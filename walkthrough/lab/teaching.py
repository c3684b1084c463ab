"""Small examples that chapter 1 explains itself with: numbers for its texts and for its pictures.

Nothing is trained and nothing is read from a file. The pictures are drawn by `plots_teaching`.
"""

import numpy as np

from sbnn_np.core import losses, ops, quantize
from sbnn_np.datasets import strokes

WAYS_TO_STORE = (("-1 or +1", None), ("0/1, 10% ones", 0.1), ("0/1, 5% ones", 0.05),
                 ("0/1, 1% ones", 0.01))


def way():
    """One neuron of five inputs on a batch of four images: all numbers, forward and backward.

    Returns
    -------
    found : dict
        `latent`, `w`, `dw` and `dlatent` have five numbers; `z`, `y`, `a`, `da`, `dy` and `dz`
        have four. The sum z, batch norm's result y (the pre-activation) and the bit a are those
        of the neuron; a d before a name is the derivative of the loss with respect to it.
    """
    latent = np.array([[0.3], [-0.1], [0.1], [-0.4], [0.2]])
    x = np.array([[1.0, 0, 1, 0, 1], [0, 1, 1, 0, 0], [1, 1, 0, 1, 1], [0, 0, 0, 1, 0]])
    da = np.array([[0.5], [1.0], [-0.5], [0.25]])              # from the layers behind, made up
    w = quantize.zero_one(latent)
    z, dense = ops.dense_forward(x, w)
    y, norm, _, _ = ops.batchnorm_forward(z, scale=np.ones(1), shift=np.zeros(1))
    a, threshold = ops.bit_forward(y)
    dy = ops.bit_backward(da, threshold)
    dz, _, _ = ops.batchnorm_backward(dy, norm)
    _, dw = ops.dense_backward(dz, dense)
    found = {
        "latent": latent, "w": w, "z": z, "y": y, "a": a, "da": da, "dy": dy, "dz": dz, "dw": dw,
        "dlatent": quantize.straight_through(dw),
    }
    return {name: array[:, 0] for name, array in found.items()}


def thick(image):
    """The same drawing with a thicker pen: each pixel becomes the darkest of its neighbours.

    Parameters
    ----------
    image : (H, W) uint8

    Returns
    -------
    thicker : (H, W) uint8
    """
    H, W = image.shape
    frame = np.pad(image, 1)
    return np.max([frame[i : i + H, j : j + W] for i in range(3) for j in range(3)], axis=0)


def pen(density=0.05, neurons=512, seed=0):
    """The sums of random neurons for one digit, drawn with a thin and with a thick pen.

    Parameters
    ----------
    density : float
        Fraction of ones.
    neurons, seed : int

    Returns
    -------
    found : dict
        `images` (two of 28 x 28), `ink` (the sum of each, counted in pixels full of ink), `centre`,
        and `plain` and `centred`: for each image the sum of each neuron, counted in the same way.
    """
    rng = np.random.default_rng(seed)
    thin = strokes.draw(np.array([3]), rng)[0, :, :, 0]
    images = [thin, thick(thin)]
    x = np.array(images).reshape(2, -1) / 255
    bits = (rng.random((x.shape[1], neurons)) < density).astype(float)
    centre = round(64 * density) / 64
    return {
        "images": images, "ink": x.sum(axis=1), "centre": centre,
        "plain": ops.dense_forward(x, bits)[0],
        "centred": ops.dense_forward(x, bits - centre)[0],
    }


def falling(steps=130, total=1000, expected=0.05, share=0.2, loss=1.0, rate=1.0, seed=0):
    """A thousand latents under the penalty alone, but for one that the task pushes up as well.

    Parameters
    ----------
    steps, total : int
    expected, share, loss : see `losses.expected_connections`
        The loss is kept as it is, as if nothing else were learnt.
    rate : float
    seed : int

    Returns
    -------
    found : dict
        For each step `density`, `push` (the penalty's dw) and the latents `useless` and `useful`.
        Both of these start at the same place. The useful one has another gradient besides, of
        -3 times the first push: its bit makes the loss smaller.
    """
    latent = np.random.default_rng(seed).normal(0, 0.1, total)
    latent[:2] = 0.05
    found = {"density": [], "push": [], "useless": [], "useful": []}
    for _ in range(steps + 1):
        ones = int(np.count_nonzero(latent > 0))
        _, push = losses.expected_connections(ones, total, expected, share, loss)
        for name, value in zip(found, (ones / total, push, latent[0], latent[1])):
            found[name].append(float(value))
        latent = latent - rate * push
        latent[1] += rate * 3 * found["push"][0]
    return found


def bits_table():
    """Why a weight of -1 or +1 is 32 times smaller than float32, and a rare 1 is smaller still.

    Returns
    -------
    lines : list of str

    Examples
    --------
    >>> print("\\n".join(bits_table()))
    weights           bits a weight  smaller than float32
    -1 or +1                 1.0000                 32.0x
    0/1, 10% ones            0.4690                 68.2x
    0/1, 5% ones             0.2864                111.7x
    0/1, 1% ones             0.0808                396.1x
    """
    lines = [f"{'weights':<16}  {'bits a weight':>13}  smaller than float32"]
    for name, p in WAYS_TO_STORE:
        bits = 1.0 if p is None else quantize.binary_entropy(p)
        lines.append(f"{name:<16}  {bits:>13.4f}  {32 / bits:>19.1f}x")
    return lines
