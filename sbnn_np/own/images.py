"""Images from files, as a network takes them: PNG by Pillow, which matplotlib brings, idx, .npy.

A file is read once, so a pipe will do. Sizes are looked at before memory is taken for pixels.
"""

import io
import struct

import numpy as np
from PIL import Image, UnidentifiedImageError

from sbnn_np.datasets import download, mnist
from sbnn_np.own import arrays

PNG = b"\x89PNG\r\n\x1a\n"                             # the beginning of such a file
ARRAYS = b"\x93NUMPY", b"PK\x03\x04"                    # of .npy and .npz files
LARGEST = 1 << 25                                       # pixels of an image: 5792 x 5792
BLANK = 8                                               # levels of 255; see `is_blank`
LUMA = np.array([0.299, 0.587, 0.114])                  # of ITU-R BT.601


class ImageError(ValueError):
    """An image that the network cannot be asked about."""


def read(path, model, first=10, invert="auto"):
    """Images of a PNG, idx, .npy or .npz file as a network takes them.

    Parameters
    ----------
    path : str or Path
        A file or a pipe.
    model : frozen.Frozen
    first : int
        So many images of an idx, .npy or .npz file at most.
    invert : "auto", "yes" or "no"
        Whether to make 255 - pixel of each pixel; see `inverted`.

    Returns
    -------
    images : (N, *model.shape) uint8
    done : list of str
        What was done to them.

    Raises
    ------
    ImageError
        If the file cannot be read, is of another kind, is larger than what is allowed, or is of
        a shape that cannot be made to fit.
    """
    H, W, C = image_shape(model)
    try:
        with open(path, "rb") as file:
            content = download.limited(file, path)
        if content[:8] == PNG:
            images, done = of_png(content, path, H, W)
        elif content[:2] in (b"\x1f\x8b", b"\0\0"):
            images, done = of_idx(content, path, first, H, W)
        elif content.startswith(ARRAYS):
            images, done = arrays.of_npy(content, path, first, (H, W, C))
        else:
            raise ImageError(f"{path}: neither a PNG nor an idx file, and no .npy or .npz file")
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror or error}") from None
    except download.DataError as error:
        raise ImageError(str(error)) from None
    except MemoryError:
        raise ImageError(f"{path}: it needs more memory than there is") from None
    if images.shape[3] == 3 and C == 1:
        images = images @ LUMA[:, None]
        done.append("colours made grey")
    if images.shape[3] == 1 and C == 3:
        images = np.repeat(images, 3, axis=3)
        done.append("grey made three equal colours")
    images, more = inverted(images, model.ground, invert)
    if images.dtype != np.uint8:
        images = np.rint(images).astype(np.uint8)
    return images.reshape(-1, *model.shape), done + more


def image_shape(model):
    """Height, width and channels of what a model takes; a row of numbers is a square image."""
    if len(model.shape) == 3 and model.shape[2] in (1, 3):
        return model.shape
    if len(model.shape) == 3:
        raise ImageError(f"the network takes {model.shape[2]} channels; images have 1 or 3")
    side = round(model.shape[0] ** 0.5)
    if side * side != model.shape[0]:
        raise ImageError(f"the network takes {model.shape[0]} numbers, which are no square image")
    return side, side, 1


def of_idx(content, path, first, H, W):
    """The first images of an idx file, compressed or not: (N, H, W, 1), and what was done.

    Parameters
    ----------
    content : bytes
    path : str
        For the error.
    first, H, W : int
    """
    images = mnist.read_idx(download.unzipped(content, path), path)
    if images.ndim != 4:
        raise ImageError(f"{path}: an idx file of labels, not of images")
    n, h, w, _ = images.shape
    check_size(path, h, w, H, W)
    done = [f"the first {first} of {n} images (--first)"] if n > first else []
    images = images[:first]
    if (h, w) != (H, W):
        images = np.stack([resized(image[:, :, 0], H, W)[:, :, None] for image in images])
        done.append(f"{h} x {w} pixels made {H} x {W}")
    return images, done


def of_png(content, path, H, W):
    """A PNG as (1, H, W, 1 or 3) floats from 0 to 255, and what was done to it.

    Parameters
    ----------
    content : bytes
    path : str
        For the error.
    H, W : int
    """
    h, w, depth = png_header(content, path)
    check_size(path, h, w, H, W)
    try:
        planes, opaque = planes_of(Image.open(io.BytesIO(content), formats=["PNG"]), depth)
    except MemoryError:
        raise
    except UnidentifiedImageError:                # its text is of an object in memory
        raise ImageError(f"{path}: cannot be read as PNG: its header is damaged") from None
    except Exception as error:                    # of many kinds, where a file is damaged
        raise ImageError(f"{path}: cannot be read as PNG: {error}") from None
    done = [f"{h} x {w} pixels made {H} x {W}"] if (h, w) != (H, W) else []
    if opaque is None or opaque.min() == 255:
        image = np.stack([resized(plane, H, W) for plane in planes], axis=2)
    else:
        # to shrink and to lay on a ground may change places: both are sums of products
        cover = resized(opaque, H, W)[:, :, None] / 255
        wide = np.float32 if depth == 16 else np.uint16     # 255 x 255 fits
        ink = np.stack([resized(plane.astype(wide) * opaque, H, W) for plane in planes], axis=2)
        ink /= 255
        light = ground_is_light(ink, cover)
        done.append(f"what is transparent made {'white' if light else 'black'}")
        image = ink + 255 * light * (1 - cover)
    if (image == image[:, :, :1]).all():
        image = image[:, :, :1]
    return image[None], done


def png_header(content, path):
    """Height, width and bits of a sample of a PNG.

    Parameters
    ----------
    content : bytes
    path : str
        For the error.
    """
    if len(content) < 26 or content[12:16] != b"IHDR":
        raise ImageError(f"{path}: cannot be read as PNG: it has no header")
    w, h, depth = struct.unpack(">IIB", content[16:25])
    return h, w, depth


def planes_of(image, depth):
    """Grey, or red, green and blue, of a PNG that Pillow has opened, and how opaque it is.

    Parameters
    ----------
    image : PIL.Image.Image
    depth : int
        Bits of a sample in the file.

    Returns
    -------
    planes : list of one or three (h, w) arrays
        From 0 to 255. Of 16 bits, colours have the upper 8 alone: that is how Pillow reads them.
    opaque : (h, w) uint8 from 0 to 255, or None if all is
    """
    if image.mode == "P":
        image = image.convert("RGBA")
    key = image.info.get("transparency")                    # the one value that is transparent
    pixels = np.asarray(image)
    planes = [pixels] if pixels.ndim == 2 else list(np.moveaxis(pixels, 2, 0))
    if image.mode in ("LA", "RGBA"):
        return planes[:-1], planes[-1]
    if image.mode == "1":
        planes = [planes[0] * np.uint8(255)]
    elif image.mode not in ("L", "RGB") and not image.mode.startswith("I"):
        raise ValueError(f"Pillow's mode {image.mode} is not known here")
    opaque = None
    if key is not None:
        # Pillow gives grey keys of less than 8 bits as they are in the file (but some versions not
        # of one bit), and pixels from 0 to 255; keys of 16 bits for colours of the upper 8 alone
        keys = [key] if len(planes) == 1 else key
        if image.mode == "1":
            keys = [255 if key else 0]
        elif image.mode == "L" and depth < 8:
            keys = [(key & (1 << depth) - 1) * 255 // ((1 << depth) - 1)]
        elif image.mode == "RGB" and depth == 16:
            keys = [k >> 8 for k in key]
        same = np.all([plane == k for plane, k in zip(planes, keys)], axis=0)
        opaque = np.where(same, 0, 255).astype(np.uint8)
    if image.mode.startswith("I"):
        planes = [planes[0] / np.float32(257)]
    return planes, opaque


def ground_is_light(ink, cover):
    """Whether what is transparent is to become white, and not black, so that ink stays ink.

    If most of the border is opaque, as of a card with round corners, the ground is like it. If
    most of it is transparent, the ground is unlike the ink. It is never one on which all is lost.

    Parameters
    ----------
    ink : (H, W, 1 or 3) float
        Pixels from 0 to 255, times `cover`.
    cover : (H, W, 1) float
        How opaque they are, from 0 to 1.
    """
    grey = ink @ (LUMA[:, None] if ink.shape[2] == 3 else np.ones((1, 1)))
    if border(cover[None]).mean() > 0.5:
        light = border(grey[None]).sum() > 127.5 * border(cover[None]).sum()
        return light != is_blank(grey + 255 * light * (1 - cover))
    return grey.sum() <= 127.5 * cover.sum()


def check_size(path, h, w, H, W):
    """Raise ImageError if h x w pixels are too many, or cannot become H x W ones.

    Parameters
    ----------
    path : str
        For the error.
    h, w : int
        Height and width of the image.
    H, W : int
        What the network takes.
    """
    if h * w > LARGEST:
        raise ImageError(f"{path}: {h} x {w} pixels; at most {LARGEST} in all are allowed")
    if abs(h * W - w * H) > 0.1 * h * W:
        raise ImageError(
            f"{path}: {h} x {w} pixels; the network takes {H} x {W}, and to make one of the "
            "other would change the proportions: crop it first"
        )


def resized(plane, H, W):
    """One axis after the other, pixels become means over areas: (h, w) array to (H, W) float.

    Parameters
    ----------
    plane : (h, w) array
    H, W : int

    Examples
    --------
    >>> resized(np.array([[0, 2, 10, 10], [4, 6, 20, 20]]), 1, 2)
    array([[ 3., 15.]])
    """
    h, w = plane.shape
    if h != H:
        # in strips, for the floats take eight times the memory of pixels
        rows, strips = overlap(h, H), [slice(i, i + 256) for i in range(0, h, 256)]
        plane = sum(rows[:, strip] @ plane[strip].astype(float) for strip in strips)
    return (plane if w == W else plane @ overlap(w, W).T).astype(float)


def overlap(old, new):
    """How much each of `old` pixels has to do with each of `new` ones: (new, old), rows sum to 1.

    Parameters
    ----------
    old, new : int

    Examples
    --------
    >>> overlap(4, 2)
    array([[0.5, 0.5, 0. , 0. ],
           [0. , 0. , 0.5, 0.5]])
    """
    edges = np.linspace(0, old, new + 1)
    pixel = np.arange(old)
    part = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.maximum(part, 0) * new / old


def border(images):
    """The pixels at the four sides of images: (N, H, W, C) to (N, number)."""
    sides = images[:, [0, -1]], images[:, :, [0, -1]]
    return np.concatenate([side.reshape(len(images), -1) for side in sides], axis=1)


def inverted(images, ground, invert):
    """Images with each pixel as 255 - pixel, where their ground is not the network's.

    An image's ground is light if its border is, on average. Colours would become other colours:
    they are inverted only if `invert` is "yes".

    Parameters
    ----------
    images : (N, H, W, C) array
        From 0 to 255.
    ground : "dark", "light" or None
        The network's; None: taken to be dark, as a guess, but for colours.
    invert : "auto", "yes" or "no"
        Where grounds differ, always, or never.

    Returns
    -------
    images : (N, H, W, C) array
    done : list of str

    Examples
    --------
    >>> white = np.full((1, 2, 2, 1), 255)
    >>> print(*inverted(white, "dark", "auto")[1])
    dark on light made light on dark, the ground that the network knows
    >>> inverted(white, "light", "auto")[1]
    []
    """
    if invert == "yes":
        return 255 - images, ["inverted (--invert yes)"]
    colours = images.shape[3] == 3
    if ground is None and colours:
        return images, []
    light = border(images @ LUMA[:, None] if colours else images).mean(axis=1) > 127.5
    wrong = light != (ground == "light")
    if not wrong.any():
        return images, []
    is_now = "light on dark" if ground == "light" else "dark on light"
    is_now = is_now if wrong.all() else f"{wrong.sum()} of {len(wrong)} images: {is_now}"
    if invert == "no":
        return images, [f"{is_now}, and left so (--invert no)"]
    if colours:
        return images, [f"{is_now}, and left so, for the colours' sake (--invert yes inverts)"]
    images = np.where(wrong[:, None, None, None], 255 - images, images)
    made = "dark on light" if ground == "light" else "light on dark"
    why = "the ground that the network knows" if ground else (
        "a guess, for the model does not say its ground (--invert no leaves it)"
    )
    return images, [f"{is_now} made {made}, {why}"]


def is_blank(image, model=None):
    """Whether pixels are less than BLANK levels of 255 apart, or all alike as a model's bits.

    Parameters
    ----------
    image : (...) array
        Of pixels from 0 to 255.
    model : frozen.Frozen, optional
    """
    image = np.rint(image)
    same = model is not None and np.ptp(model.first_inputs(image)) == 0
    return bool(same or image.max() - image.min() < BLANK)
