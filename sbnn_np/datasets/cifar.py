"""CIFAR-10 in its binary version: records, and the archive they come in.

A record is one byte of label and 3072 bytes of image: 1024 of red, row by row, then 1024 of
green, then 1024 of blue. A file holds 10,000 of them; five files are for training, one is
for the test. https://www.cs.toronto.edu/~kriz/cifar.html
"""

import hashlib
import os
import tarfile
import zlib
from pathlib import Path

import numpy as np

from sbnn_np.datasets.download import DataError, decompress
from sbnn_np.support import atomic

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
FOLDER = "cifar-10-batches-bin"
PLACES = (FOLDER, f"cifar-10-binary/{FOLDER}", "")  # where folders hold them; "" is itself
FILES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
RECORD = 1 + 3 * 32 * 32
SIZE = 10000 * RECORD
CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)


# of other data sets and versions: folder, "" for the one that is named, and file
OTHERS = {
    "CIFAR-10's Python version": [
        ("cifar-10-batches-py", "data_batch_1"), ("", "cifar-10-python.tar.gz"),
    ],
    "CIFAR-10's Matlab version": [
        ("cifar-10-batches-mat", "data_batch_1.mat"), ("", "cifar-10-matlab.tar.gz"),
    ],
    "CIFAR-100's binary version": [
        ("cifar-100-binary", "fine_label_names.txt"), ("", "cifar-100-binary.tar.gz"),
    ],
    "CIFAR-100's Python version": [
        ("cifar-100-python", "meta"), ("", "cifar-100-python.tar.gz"),
    ],
    "the archive of the right files": [("", "cifar-10-binary.tar.gz")],
}


def other(folder):
    """What a folder without CIFAR-10's binary version holds of its kind, and where; or ""."""
    for name, signs in OTHERS.items():
        for place, file in signs:
            for path in (Path(folder, place, file), Path(folder, file)):
                if os.path.isfile(path):
                    return f"{name} ({path})"
    return ""


def read_records(content, path):
    """Read records.

    Parameters
    ----------
    content : bytes
    path : str or Path
        For the messages.

    Returns
    -------
    images : (N, 32, 32, 3) uint8
    labels : (N,) int64

    Raises
    ------
    DataError
        If the content is empty or no whole number of records, or a label is outside 0..9.

    Examples
    --------
    >>> images, labels = read_records(bytes([7]) + bytes(range(256)) * 12, "records")
    >>> images.shape, labels, images[0, 0, 1].tolist()
    ((1, 32, 32, 3), array([7]), [1, 1, 1])
    """
    if not content or len(content) % RECORD:
        raise DataError(
            f"{path}: {len(content)} bytes; records have {RECORD} bytes each, so the file is "
            "truncated or too long"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].astype(np.int64)
    wrong = np.flatnonzero(labels > 9)
    if wrong.size:
        raise DataError(
            f"{path}: record {wrong[0]} has label {labels[wrong[0]]}; labels must be from 0 to 9"
        )
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels


def read_file(path):
    """Read one of the six files, gzipped or not: `read_records`, and exactly 10,000 of them.

    Size and labels are checked. Pixels cannot be: checksums are known of the archive alone.
    """
    content = decompress(path)
    if len(content) != SIZE:
        what = "truncated" if len(content) < SIZE else "too long"
        if content[:1] == b"\x80" and content[-1:] == b".":
            what = "a pickle, as in CIFAR-10's Python version; the binary version is needed"
        elif content and len(content) % (RECORD + 1) == 0:
            what = "records of two labels, as in CIFAR-100"
        raise DataError(
            f"{path}: {what}; {len(content)} bytes, a file of the binary version has {SIZE}; "
            f"see {URL}"
        )
    return read_records(content, path)


def check_archive(path, name):
    """Raise DataError, calling the file `name`, unless it is the official archive.

    Parameters
    ----------
    path : Path
    name : str
    """
    with open(path, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise DataError(f"{name}: wrong checksum; it is not the archive of CIFAR-10")


def extract(archive, folder):
    """Take the six files out of the archive; nothing else of it is written anywhere.

    Parameters
    ----------
    archive : Path
    folder : Path
        Gets the files. Whatever names and paths the archive holds, nothing is written
        outside of this folder: the six files are asked for by name, and land under those.

    Raises
    ------
    DataError
        If the archive is damaged, lacks a file, or holds another thing under its name.
    """
    try:
        with tarfile.open(archive, "r:*") as tar:
            for file in FILES:
                member = tar.getmember(f"{FOLDER}/{file}")
                if not member.isreg() or member.size != SIZE:
                    raise DataError(f"{archive}: {file} is no file of {SIZE} bytes")
                atomic.write(folder / file, tar.extractfile(member).read())
    except KeyError as error:
        raise DataError(f"{archive}: {error.args[0]}") from None
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise DataError(f"{archive}: damaged, or not to be extracted: {error}") from None
