"""Somebody's own images: an .npz file of arrays, or a folder that has a folder of PNGs a class."""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sbnn_np.core import train
from sbnn_np.datasets import download
from sbnn_np.datasets.download import DataError
from sbnn_np.own import arrays, images

THRESHOLD = 127       # of images as bits: [pixel > 127]
FEWEST = 5            # images of a class: four to train on and one to check with
ALIKE = 0.99          # part of the images whose ground is light, or dark, for all to count as such


@dataclass
class OwnData:
    """Labelled images, checked.

    Attributes
    ----------
    images : (N, H, W, C) uint8
        Pixels from 0 to 255; C is 1 or 3.
    labels : (N,) int64
    classes : list of str
        The name of each label.
    bits : bool
        Whether pixels are 0 and 255 alone, so that a network can take them as bits.
    notes : list of str
        What was done to them, and what they lack.
    files : list of str
        The file of each image, or one file of all.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: list
    bits: bool
    notes: list
    files: list

    @property
    def ground(self):
        """The brightness of the background, "dark", "light", or None if it is mixed.

        An image's ground is light if its border is, on average; see `images.inverted`.
        """
        N, _, _, C = self.images.shape
        border = images.border(self.images).reshape(N, -1, C).mean(axis=1)          # (N, C)
        light = ((border @ images.LUMA if C == 3 else border[:, 0]) > 127.5).mean()
        return "light" if light >= ALIKE else "dark" if light <= 1 - ALIKE else None

    def split(self, seed):
        """Hold some images of each class out, a fifth of 2,000 or fewer, else a tenth.

        Parameters
        ----------
        seed : int
            Of the choice.

        Returns
        -------
        training, validation : (n,) int
            Numbers of images. Each class has one or more in both.
        """
        rng, part = np.random.default_rng(seed), 0.2 if len(self.images) <= 2000 else 0.1
        training, validation = [], []
        for m in range(len(self.classes)):
            mine = rng.permutation(np.flatnonzero(self.labels == m))
            held = max(1, round(part * len(mine)))
            validation.append(mine[:held])
            training.append(mine[held:])
        return np.sort(np.concatenate(training)), np.sort(np.concatenate(validation))


def load(path):
    """Labelled images of a .npz file or a folder.

    Parameters
    ----------
    path : str
        A .npz file with the arrays `images`, `labels` and, if there are names, `classes`; or a
        folder with a folder for each class, which holds PNGs.

    Returns
    -------
    data : OwnData

    Raises
    ------
    DataError, images.ImageError
        If it cannot be read, or a network cannot learn from it; the message says what is wrong.
    """
    try:
        data = of_folder(Path(path)) if Path(path).is_dir() else of_npz(path)
    except OSError as error:
        raise DataError(f"{error.filename or path}: {error.strerror or error}") from None
    arrays.check_names(data.classes, path)
    if len(data.classes) < 2:
        raise DataError(
            f"{path}: all images are of one class, {data.classes[0]}; a network learns to tell two "
            "or more apart"
        )
    counts = np.bincount(data.labels, minlength=len(data.classes))
    if counts.min() < FEWEST:
        few = data.classes[counts.argmin()]
        raise DataError(
            f"{path}: too few images of class {few}, {counts.min()}; each class needs {FEWEST} or "
            "more, so that some can be held back for validation"
        )
    low, high = data.images.min(), data.images.max()
    if high - low < images.BLANK:
        raise DataError(f"{path}: all images are blank: their pixels go from {low} to {high}")
    if high < 64:
        data.notes.append(
            f"the brightest pixel is {high} of 255; multiply images by {255 // high} if you want "
            "to ask about PNGs later, whose white is 255"
        )
    return data


def of_npz(path):
    """The images of a .npz file, an OwnData; see `load`.

    Parameters
    ----------
    path : str
    """
    content = arrays.opened(path, path)
    if isinstance(content, np.ndarray):
        raise DataError(
            f"{path}: it holds one array of shape {content.shape} and no labels; "
            'np.savez("data.npz", images=..., labels=...) makes a file of both'
        )
    with content:
        found = arrays.member(content, "images", path)
        labels = arrays.member(content, "labels", path)
        names = arrays.member(content, "classes", path) if "classes" in content else None
    found = arrays.with_channels(found, path)
    labels, names = arrays.labels_and_names(labels, names, len(found), path)
    found, bits = arrays.pixels(found, path)
    return OwnData(found, labels, names, bits, [], [path])


def of_folder(path):
    """The images of a folder that has a folder a class, an OwnData; see `load`.

    Parameters
    ----------
    path : Path
    """
    folders = sorted((each for each in visible(path) if each.is_dir()), key=by_number)
    if not folders:
        raise DataError(
            f"{path}: there is no folder in it; it must have a folder for each class, with PNGs of "
            f"this class, such as {path / 'cat' / '1.png'} and {path / 'dog' / '1.png'}"
        )
    files, labels, others = [], [], []
    for m, folder in enumerate(folders):
        mine = visible(folder)
        pngs = [each for each in mine if each.suffix.lower() == ".png"]
        others += [each for each in mine if each not in set(pngs)]
        if not pngs:
            holds = f"; it holds {mine[0].name}, and only PNGs are read" if mine else ""
            raise DataError(f"{folder}: there is no PNG in it{holds}")
        files += pngs
        labels += [m] * len(pngs)
    notes = Counter()
    found = []
    for n, file in enumerate(files, 1):
        image, done = png(file)
        notes.update(done)
        if image.shape[:2] != (found or [image])[0].shape[:2]:
            sizes = [" x ".join(map(str, each.shape[:2])) for each in (found[0], image)]
            raise DataError(
                f"{path}: images of unlike sizes: {files[0]} has {sizes[0]} pixels, and {file} has "
                f"{sizes[1]}; all must have one size"
            )
        found.append(image)
        if n % 100 == 0:
            train.progress_line(f"{n} of {len(files)} images read")
    train.progress_line("")
    C = max(image.shape[2] for image in found)
    grey = sum(image.shape[2] < C for image in found)
    if grey:
        notes["grey made three equal colours"] = grey
    found = np.stack([np.broadcast_to(image, (*image.shape[:2], C)) for image in found])
    told = [f"{n} of {len(files)} images: {what}" for what, n in notes.items()]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        told.append(f"left out, being no PNG: {others[0]}{more}")
    names = [folder.name for folder in folders]
    bits = bool(((found == 0) | (found == 255)).all())
    return OwnData(found, np.array(labels), names, bits, told, list(map(str, files)))


def visible(folder):
    """What is in a folder, by name, without files that systems hide: a list of Path."""
    return sorted(each for each in folder.iterdir() if not each.name.startswith("."))


def by_number(folder):
    """A key that sorts folders: 2 before 10, and numbers before words."""
    number = int(folder.name) if folder.name.isdecimal() else math.inf
    return number, folder.name


def png(path):
    """A PNG as (H, W, 1 or 3) uint8, and what was done to it, a list of str.

    Parameters
    ----------
    path : Path
    """
    with open(path, "rb") as file:
        content = download.limited(file, path)
    if content[:8] != images.PNG:
        raise DataError(f"{path}: its name says PNG, and its content is something else")
    H, W, _ = images.png_header(content, path)
    image, done = images.of_png(content, path, H, W)
    return np.rint(image[0]).astype(np.uint8), done
