"""Images, labels and names of classes as NumPy arrays: read from .npy and .npz, and checked.

Each error says what was found, and a line of Python that puts it right.
"""

import io
import json
import zipfile
import zlib

import numpy as np

from sbnn_np.datasets import download
from sbnn_np.datasets.download import DataError

MAX_NAMES = 60_000    # bytes of all names together: they have to fit into a model file's header


def opened(file, path):
    """An array of a .npy file, or the arrays of a .npz file by name.

    Parameters
    ----------
    file : str, Path or binary file object
    path : str or Path
        For the error.

    Returns
    -------
    arrays : array or NpzFile

    Raises
    ------
    DataError
        If it is neither, is damaged, or holds an array of Python objects.
    OSError
        If it cannot be read.
    """
    try:
        return np.load(file, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        if "Object arrays" in str(error):
            raise DataError(f"{path}: {of_objects('its array')}") from None
        raise DataError(f"{path}: no whole .npy or .npz file of NumPy") from None


def member(arrays, name, path):
    """One array of a .npz file.

    Parameters
    ----------
    arrays : NpzFile
    name : str
    path : str or Path
        For the error.

    Raises
    ------
    DataError
        If there is none of this name, or it cannot be read.
    """
    if name not in arrays:
        raise DataError(
            f"{path}: it has no array {name}, only {', '.join(arrays) or 'none at all'}; "
            f'np.savez("{path}", images=..., labels=...) makes one'
        )
    try:
        return arrays[name]
    except (ValueError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        if "Object arrays" in str(error):
            raise DataError(f"{path}: {of_objects(name)}") from None
        raise DataError(f"{path}: array {name} is damaged") from None


def of_objects(name):
    """What is wrong with an array of Python objects, a str."""
    if name == "classes":
        return "classes are Python objects; this makes names of them: np.array(classes, dtype=str)"
    return (
        f"{name} holds Python objects, as NumPy makes of images of unlike sizes; all must have one "
        "size, and be one array of numbers"
    )


def pixels(images, path):
    """Whole numbers from 0 to 255 of an array of pixels or bits.

    Parameters
    ----------
    images : array
        Pixels, whole numbers from 0 to 255, or bits, 0 and 1, of any real dtype.
    path : str or Path
        For the error.

    Returns
    -------
    pixels : uint8, in the shape of images
        A bit that is 1 has become 255.
    bits : bool
        Whether the images held two values alone, 0 and 1 or 0 and 255.

    Raises
    ------
    DataError
        If images hold anything else.

    Examples
    --------
    >>> pixels(np.array([[0.0, 1.0]]), "a.npy")
    (array([[  0, 255]], dtype=uint8), True)
    >>> pixels(np.array([[0.0, 0.5]]), "a.npy")
    Traceback (most recent call last):
    ...
    sbnn_np.datasets.download.DataError: a.npy: images hold 0.5; they must hold pixels, whole \
numbers from 0 to 255, or bits, 0 and 1. This makes pixels of them: np.rint(255 * images)
    """
    if images.dtype.kind not in "buif":
        raise DataError(f"{path}: images are of dtype {images.dtype}; they must be real numbers")
    if images.size == 0:
        raise DataError(f"{path}: images has shape {images.shape}: there is no pixel in it")
    low, high = images.min().item(), images.max().item()
    if not (np.isfinite(low) and np.isfinite(high)):
        first = np.argwhere(~np.isfinite(images))[0].tolist()
        raise DataError(f"{path}: images hold {images[tuple(first)]}, first at {first}")
    if images.dtype.kind == "f" and (fractions := images != np.floor(images)).any():
        wrong = images[fractions][0].item()
    else:
        wrong = low if low < 0 else high if high > 255 else None
    if wrong is not None:
        way = f"(images.astype(float) - {low}) * (255 / {high - low or 1})"
        if 0 <= low and high <= 1:
            way = "255 * images"
        raise DataError(
            f"{path}: images hold {wrong}; they must hold pixels, whole numbers from 0 to 255, or "
            f"bits, 0 and 1. This makes pixels of them: np.rint({way})"
        )
    bits = high in (1, 255) and bool(((images == 0) | (images == high)).all())
    return ((images > 0) * np.uint8(255) if bits else images.astype(np.uint8)), bits


def with_channels(images, path):
    """Images with four axes, (N, H, W, C) of 1 or 3 channels.

    Parameters
    ----------
    images : (N, H, W) or (N, H, W, C) array
    path : str or Path
        For the error.

    Raises
    ------
    DataError
        If they have other axes.
    """
    shape = images.shape
    if len(shape) == 3:
        return images[:, :, :, None]
    if len(shape) == 4 and shape[3] in (1, 3):
        return images
    if len(shape) == 2:
        side = round(shape[1] ** 0.5)
        rows = (side, side) if side * side == shape[1] else (1, shape[1])
        way = f". Of rows of numbers this makes images: images.reshape{(-1, *rows)}"
    elif len(shape) == 4 and shape[1] in (1, 3):
        way = ". This puts the channels last: np.moveaxis(images, 1, 3)"
    elif len(shape) == 4 and shape[3] in (2, 4):
        way = f". This leaves the last channel out: images[..., :{shape[3] - 1}]"
    else:
        way = ""
    raise DataError(
        f"{path}: images has shape {shape}; it must be (N, H, W), or (N, H, W, C) of 1 or 3 "
        f"channels{way}"
    )


def labels_and_names(labels, classes, N, path):
    """Labels from 0 on, and the name of each.

    Parameters
    ----------
    labels : (N,) array of whole numbers
    classes : (M,) array of str, or None
        The names of the labels 0 to M - 1. None: the labels are names themselves, and may be any
        whole numbers.
    N : int
        Number of images.
    path : str or Path
        For the error.

    Returns
    -------
    labels : (N,) int64
    names : list of str

    Raises
    ------
    DataError
        If they are not one label for each image, or classes are no names of these.

    Examples
    --------
    >>> labels_and_names(np.array([7, 3, 7]), None, 3, "a.npz")
    (array([1, 0, 1]), ['3', '7'])
    """
    if labels.shape != (N,):
        way = ""
        if labels.shape == (N, 1):
            way = ". This makes such of them: labels.reshape(-1)"
        elif labels.ndim == 2 and len(labels) == N:
            way = ". If each row has a 1 at its class: labels.argmax(axis=1)"
        raise DataError(
            f"{path}: labels has shape {labels.shape}; {N} images need ({N},), one label each{way}"
        )
    if labels.dtype.kind not in "iub":
        way = "labels.astype(int)"
        if labels.dtype.kind in "US":
            way = "classes, labels = np.unique(labels, return_inverse=True)"
        raise DataError(
            f"{path}: labels are of dtype {labels.dtype}; they must be whole numbers. This makes "
            f"such: {way}"
        )
    if classes is None:
        found, labels = np.unique(labels.astype(np.int64), return_inverse=True)
        return labels, [str(label) for label in found]
    if classes.ndim != 1 or classes.dtype.kind != "U":
        raise DataError(
            f"{path}: classes has shape {classes.shape} and dtype {classes.dtype}; it must be a "
            "row of names: np.array(names, dtype=str)"
        )
    outside = labels[(labels < 0) | (labels >= len(classes))]
    if len(outside):
        raise DataError(
            f"{path}: labels hold {outside[0]}; with {len(classes)} classes they must be from 0 to "
            f"{len(classes) - 1}"
        )
    return labels.astype(np.int64), classes.tolist()


def check_names(names, path):
    """Refuse names of classes that a model file or a table could not show.

    Parameters
    ----------
    names : list of str
    path : str or Path
        For the error.

    Raises
    ------
    DataError
        If a name is empty, there twice, or cannot be printed, or all are too long.
    """
    for n, name in enumerate(names):
        if not name.strip() or not name.isprintable():
            raise DataError(
                f"{path}: class {n} has the name {name!a}; it must be one that can be printed"
            )
        if name in names[:n]:
            raise DataError(f"{path}: two classes have the name {name!a}")
    size = len(json.dumps(names, ensure_ascii=False).encode())
    if size > MAX_NAMES:
        raise DataError(f"{path}: the names of classes take {size} bytes; the limit is {MAX_NAMES}")


def of_npy(content, path, first, shape):
    """The first images of a .npy file, or of the array `images` of a .npz file.

    Parameters
    ----------
    content : bytes
    path : str
        For the error.
    first : int
    shape : (H, W, C)
        What the network takes. The array must be of such images, or be one of them; they may be
        rows of H W C numbers.

    Returns
    -------
    images : (N, H, W, C) uint8
    done : list of str

    Raises
    ------
    DataError
    """
    found = opened(io.BytesIO(content), path)
    if not isinstance(found, np.ndarray):
        with found:
            sizes = {info.filename: info.file_size for info in found.zip.infolist()}
            if sizes.get("images.npy", 0) > download.LARGEST:
                raise DataError(f"{path}: images have more than {download.LARGEST} bytes")
            found = member(found, "images", path)
    H, W, C = shape
    allowed = [(H, W, C), *[(H, W)] * (C == 1), (H * W * C,)]
    if found.shape in allowed:
        found = found[None]
    if found.shape[1:] not in allowed:
        takes = " or ".join(str(("N", *each)).replace("'", "") for each in allowed[:-1])
        raise DataError(
            f"{path}: the array has shape {found.shape}; the network takes {takes}, channels last"
        )
    done = []
    if len(found) > first:
        done.append(f"the first {first} of {len(found)} images (--first)")
    found = found[:first]
    ready, _ = pixels(found, path)
    if found.max() == 1:
        done.append("bits: each 1 made a white pixel")
    return ready.reshape(-1, *shape), done
