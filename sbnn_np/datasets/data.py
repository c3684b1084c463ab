"""Data sets by name, found or downloaded, and checked; validation split; batches."""

import http.client
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sbnn_np.datasets import cifar, mnist, shapes, strokes
from sbnn_np.datasets.download import (
    DataError,
    NoDownload,
    cache_folder,
    decompress,
    download,
    find,
    home_cache,
)


@dataclass(frozen=True)
class Data:
    """Images (N, H, W, C) uint8 and labels (N,) int64, for training and for the test.

    `classes` are the names of the labels 0, 1, 2 and so on.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: tuple = tuple("0123456789")


def load(name, folder=None):
    """Load a data set by its name.

    Parameters
    ----------
    name : "mnist", "cifar10", "strokes" or "shapes"
    folder : str or Path, optional
        Where the files of MNIST or of CIFAR-10 (binary version) are, gzipped or not, themselves
        or in a folder such as `mnist`, `MNIST/raw` or `cifar-10-batches-bin`. `~` is
        the user's home. Left out, $SBNN_DATA is taken, and else the user's cache folder, into
        which missing files are downloaded. Strokes and shapes are built in and need no files.

    Returns
    -------
    data : Data

    Raises
    ------
    ValueError
        If the name is unknown.
    DataError
        If a file is missing from a folder that was named, or damaged, or of another data set:
        MNIST is checked to the last bit, CIFAR-10 by its sizes and labels (and its archive when
        downloaded).
    NoDownload
        If no folder was named and no mirror gave the files.
    """
    folder = folder or os.environ.get("SBNN_DATA")
    if name == "strokes":
        return Data("stroke digits", *strokes.stroke_digits(train=12000, test=2000))
    if name == "shapes":
        return Data("shapes", *shapes.shape_images(train=12000, test=2000), shapes.NAMES)
    if name not in ("mnist", "cifar10"):
        raise ValueError(f"name is {name!r}; it must be mnist, cifar10, strokes or shapes")
    try:
        folder = Path(folder).expanduser() if folder else None
    except RuntimeError as error:
        raise DataError(f"{folder}: {error}") from None
    try:
        return load_mnist(folder) if name == "mnist" else load_cifar10(folder)
    except NoDownload:
        raise
    except DataError as error:
        if folder:
            raise
        raise DataError(f"{error}; delete it, and it will be downloaded again") from None


def load_mnist(folder):
    """MNIST from a folder, or from the cache folder if that is None."""
    arrays = []
    for file, sha256 in mnist.FILES.items():
        path = find(folder, mnist.PLACES, file) if folder else cached_mnist(file, sha256)
        if not path:
            inner = ", ".join(filter(None, mnist.PLACES))
            raise DataError(
                f"{folder}: no file {file} or {file}.gz in it, or in its folder {inner}"
                f"{mnist.other(folder)}; fetch {file}.gz from {mnist.MIRRORS[0]}"
            )
        arrays.append(mnist.read_idx(mnist.checked(decompress(path), path, sha256), path))
    train_images, train_labels, test_images, test_labels = arrays
    return Data("MNIST", train_images, train_labels, test_images, test_labels)


def load_cifar10(folder):
    """CIFAR-10 from a folder, or from the cache folder if that is None."""
    if folder:
        paths = [find(folder, cifar.PLACES, file) for file in cifar.FILES]
        if None in paths:
            file, found = cifar.FILES[paths.index(None)], cifar.other(folder)
            raise DataError(
                f"{folder}: no file {file} or {file}.gz in it, or in its folder {cifar.FOLDER}"
                f"{found and '; it holds ' + found}; fetch {cifar.URL} and unpack it there"
            )
    else:
        paths = cached_cifar10()
    parts = [cifar.read_file(path) for path in paths]
    train_images, train_labels = (np.concatenate(arrays) for arrays in zip(*parts[:-1]))
    return Data("CIFAR-10", train_images, train_labels, *parts[-1], cifar.CLASSES)


def cached(name, files):
    """A folder of the cache: the user's if it holds these files, else one to put them into.

    Parameters
    ----------
    name : str
    files : list of str
    """
    home = home_cache()
    if home and all(os.access(home / name / file, os.R_OK) for file in files):
        return home / name
    try:
        return cache_folder() / name
    except OSError as error:
        raise NoDownload(f"there is no folder to download {name} to: {error}") from None


def cached_mnist(file, sha256):
    """Path of a file of MNIST in the cache; downloaded first if it is not there.

    Parameters
    ----------
    file, sha256 : str
    """
    path = cached("mnist", [file + ".gz"]) / (file + ".gz")
    if not path.is_file():
        fetch(
            [mirror + path.name for mirror in mnist.MIRRORS], path,
            lambda path, name: mnist.checked(decompress(path, name), name, sha256),
        )
    return path


def cached_cifar10():
    """Paths of the files of CIFAR-10 in the cache; downloaded first if one is missing."""
    folder = cached(cifar.FOLDER, cifar.FILES)
    paths = [folder / file for file in cifar.FILES]
    if not all(path.is_file() for path in paths):
        def extract(path, name):
            cifar.check_archive(path, name)
            cifar.extract(path, folder)

        archive = folder.parent / Path(cifar.URL).name
        # out of the temporary file, which no other process takes away
        fetch([cifar.URL], archive, extract)
        archive.unlink(missing_ok=True)
    return paths


def fetch(urls, path, check):
    """Download a file from the first address that gives the right one, or raise NoDownload.

    Parameters
    ----------
    urls : list of str
    path : Path
    check : function of a Path
        Raises DataError if the file is not the right one.
    """
    reasons = []
    for url in urls:
        try:
            return download(url, path, check)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reasons.append(f"{url}: {error!r}")
    raise NoDownload(f"could not download {path.name}: " + "; ".join(reasons))


def split(images, labels, held=5000):
    """Hold out images for validation: always the same ones, drawn evenly.

    Parameters
    ----------
    images : (N, ...) array
    labels : (N,) int
    held : int
        At most a tenth of the images is taken.

    Returns
    -------
    training, validation : (images, labels)

    Raises
    ------
    ValueError
        If there are more or fewer labels than images.

    Examples
    --------
    >>> training, validation = split(np.arange(100), np.arange(100))
    >>> len(training[0]), len(validation[0])
    (90, 10)
    """
    check_lengths(images, labels)
    order = np.random.default_rng(0).permutation(len(images))
    held = min(held, len(images) // 10)
    rest, out = np.sort(order[held:]), np.sort(order[:held])
    return (images[rest], labels[rest]), (images[out], labels[out])


def few(dataset, training, test):
    """The first images of a data set, for a quick look; its name says so.

    Parameters
    ----------
    dataset : Data
    training, test : int
        How many of each.

    Returns
    -------
    few : Data
    """
    return Data(
        f"some {dataset.name}", dataset.train_images[:training], dataset.train_labels[:training],
        dataset.test_images[:test], dataset.test_labels[:test], dataset.classes,
    )


def steps_per_epoch(n, batch):
    """Number of whole batches among n images.

    Parameters
    ----------
    n, batch : int
    """
    if not 1 <= batch <= n:
        raise ValueError(f"batch is {batch}; it must be from 1 to {n}, the number of images")
    return n // batch


def check_lengths(images, labels):
    """Refuse labels that are not one for each image.

    Parameters
    ----------
    images, labels : (N, ...) array
    """
    if np.ndim(labels) != 1 or len(images) != len(labels):
        raise ValueError(
            f"labels has shape {np.shape(labels)}; {len(images)} images need ({len(images)},), one "
            "label each"
        )


def check_axes(images):
    """Refuse arrays that are no images, such as rows of pixels."""
    if images.ndim not in (3, 4):
        raise ValueError(
            f"images has shape {images.shape}; it must be (N, H, W, C), or (N, H, W) if C is 1"
        )


def shifted(images, shift, rng):
    """Move every image by up to `shift` pixels along both axes; what comes in is 0.

    Parameters
    ----------
    images : (N, H, W, C) or (N, H, W) array
    shift : int
        At least 0.
    rng : numpy.random.Generator

    Returns
    -------
    moved : array of the same shape

    Raises
    ------
    ValueError
        If the array is no such images.

    Examples
    --------
    >>> image = np.arange(9).reshape(1, 3, 3, 1)
    >>> shifted(image, 1, np.random.default_rng(2))[0, :, :, 0]
    array([[0, 3, 4],
           [0, 6, 7],
           [0, 0, 0]])
    """
    check_axes(images)
    N, H, W = images.shape[:3]
    border = [(0, 0), (shift, shift), (shift, shift), (0, 0)]
    padded = np.pad(images, border[: images.ndim])
    moved = np.empty_like(images)
    for n, (y, x) in enumerate(rng.integers(0, 2 * shift + 1, (2, N)).T):
        moved[n] = padded[n, y : y + H, x : x + W]
    return moved


def flipped(images, rng):
    """Mirror each image, left to right, with probability one half.

    Parameters
    ----------
    images : (N, H, W, C) or (N, H, W) array
    rng : numpy.random.Generator

    Returns
    -------
    flipped : array of the same shape

    Raises
    ------
    ValueError
        If the array is no such images.

    Examples
    --------
    >>> image = np.arange(6).reshape(1, 2, 3, 1)
    >>> flipped(np.repeat(image, 2, axis=0), np.random.default_rng(0))[:, 0, :, 0]
    array([[0, 1, 2],
           [2, 1, 0]])
    """
    check_axes(images)
    mirror = rng.random(len(images)) < 0.5
    images = images.copy()
    images[mirror] = images[mirror, :, ::-1]
    return images


def batches(images, labels, batch, rng, augment=None):
    """Go once through the images in random order, in whole batches.

    What is left over (fewer images than a batch) is in another epoch's batches.

    Parameters
    ----------
    images : (n, ...) array
    labels : (n,) int
    batch : int
        From 1 to n.
    rng : numpy.random.Generator
    augment : function of (images, rng), optional
        Changes the images of a batch at random, as `shifted` and `flipped` do.

    Yields
    ------
    x, y : (batch, ...) array, (batch,) int
    """
    check_lengths(images, labels)
    order = rng.permutation(len(images))
    for step in range(steps_per_epoch(len(images), batch)):
        i = order[step * batch : (step + 1) * batch]
        yield (augment(images[i], rng) if augment else images[i]), labels[i]
