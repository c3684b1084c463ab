"""MNIST: its files, where they lie, and the idx format that they are in.

https://yann.lecun.com/exdb/mnist/
"""

import contextlib
import hashlib
import math
import struct
from pathlib import Path

import numpy as np

from sbnn_np.datasets.download import DataError, decompress, find

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
# SHA-256 of the decompressed files
FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# where folders hold them: as they come, as torchvision leaves them, and in the folder itself
PLACES = ("mnist", "MNIST/raw", "MNIST", "raw", "")
# files of Fashion-MNIST have the same names; the first of its labels
FASHION = {
    "train-labels-idx1-ubyte": [9, 0, 0, 3, 0, 2, 7, 2, 5, 5],
    "t10k-labels-idx1-ubyte": [9, 2, 1, 1, 6, 1, 4, 6, 5, 7],
}


def read_idx(content, path):
    """Read the idx format of MNIST: big-endian magic number, sizes, then bytes.

    Parameters
    ----------
    content : bytes
    path : str or Path
        For the messages.

    Returns
    -------
    array : (N, H, W, 1) uint8 images, or (N,) int64 labels

    Raises
    ------
    DataError
        If the magic number is neither 2051 (images) nor 2049 (labels), if there are fewer or more
        bytes than the sizes say or none at all, or if a label is outside 0..9.

    Notes
    -----
    https://yann.lecun.com/exdb/mnist/ , "FILE FORMATS FOR THE MNIST DATABASE".

    Examples
    --------
    >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9]), "labels")
    array([7, 0, 9])
    """
    if len(content) < 4:
        raise DataError(f"{path}: truncated; {len(content)} bytes, no magic number")
    (magic,) = struct.unpack_from(">I", content)
    if magic not in (2049, 2051):
        raise DataError(f"{path}: wrong magic number {magic}; it must be 2051 or 2049")
    axes = magic % 256
    if len(content) < 4 + 4 * axes:
        raise DataError(f"{path}: truncated; {len(content)} bytes, the header is cut")
    shape = struct.unpack_from(f">{axes}I", content, 4)
    expected = 4 + 4 * axes + math.prod(shape)
    if len(content) != expected:
        what = "truncated" if len(content) < expected else "too long"
        raise DataError(f"{path}: {what}; {len(content)} bytes, its header says {expected}")
    if expected == 4 + 4 * axes:                  # other sizes may be too large for an array
        raise DataError(f"{path}: an idx file without any {'pixel' if axes == 3 else 'label'}")
    array = np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
    if axes == 3:
        return array[:, :, :, None]
    if array.max() > 9:
        raise DataError(f"{path}: label {array.max()}; labels must be from 0 to 9")
    return array.astype(np.int64)


def checked(content, path, sha256):
    """The content, if its SHA-256 is right; else an error, the most telling one there is.

    Parameters
    ----------
    content : bytes
    path : Path
    sha256 : str
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        read_idx(content, path)                   # may say more than that a checksum is wrong
        raise DataError(
            f"{path}: wrong checksum; it is not the file of MNIST{beside(path)}; fetch that from "
            f"{MIRRORS[0]}"
        )
    return content


def beside(path):
    """Words for an error, if the labels beside a file are those of Fashion-MNIST."""
    for folder in (Path(path).parent, Path(path).parent.parent):
        for file, first in FASHION.items():
            labels = find(folder, ("",), file)
            with contextlib.suppress(DataError):
                if labels and read_idx(decompress(labels), labels)[:10].tolist() == first:
                    return f", but of Fashion-MNIST, as the labels of {labels} say"
    return ""


def other(folder):
    """Words for an error, if a folder without MNIST holds Fashion-MNIST as torchvision leaves it.

    Both have files of the same names: only the name of a folder tells what they are.
    """
    for place in ("FashionMNIST/raw", "FashionMNIST", "fashion-mnist", "fashion_mnist", "fashion"):
        if any(find(folder, (place,), file) for file in FILES):
            return f"; its folder {place} holds files of Fashion-MNIST, which is another data set"
    return ""
