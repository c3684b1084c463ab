"""Files: found in folders, or from the network, whole and proven right, or not at all."""

import atexit
import gzip
import io
import os
import shutil
import sys
import tempfile
import urllib.request
import zlib
from pathlib import Path

from sbnn_np.support import atomic

LARGEST = 1 << 28  # bytes of a file; MNIST's largest has 47 million, CIFAR-10's archive 170
USABLE = {}        # by the place of the user's cache, the folder that takes its place if need be


class DataError(ValueError):
    """A data file is missing, damaged, or not what its name says."""


class NoDownload(DataError):
    """The files are nowhere, and no mirror gave them."""


def home_cache():
    """The user's cache folder for this package, by the custom of the operating system.

    It may not be there, nor be ours to write to. None where there is no home folder, as for users
    whom a container does not know.
    """
    try:
        if sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        return None
    return Path(base) / "sbnn_np"


def cache_folder():
    """A folder to keep files in: the user's cache folder, if it can be written to.

    Else it is a temporary one, which this process removes when it ends; that is said on stderr,
    once.
    """
    place = home_cache()
    if place not in USABLE:
        try:
            if place is None:
                raise OSError("there is no home folder")
            atomic.probe(place)
            USABLE[place] = place
        except OSError as error:
            USABLE[place] = Path(tempfile.mkdtemp(prefix="sbnn_np-"))
            atexit.register(remove, USABLE[place], os.getpid())
            where = f"{place}: {error.strerror}" if place else error
            print(
                f"no cache ({where}): files are kept until this process ends, in {USABLE[place]}",
                file=sys.stderr,
            )
    return USABLE[place]


def remove(folder, process):
    """Remove a folder of this process, which is not one that was forked from it.

    Parameters
    ----------
    folder : Path
    process : int
        Number of the process that made it.
    """
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def find(folder, places, file):
    """Path of a file of a data set, as this or other tools leave it; or None.

    It may be gzipped or not, be called `train-images.idx3-ubyte` instead of
    `train-images-idx3-ubyte`, and be in a folder of its own name, as some unpackers make it.

    Parameters
    ----------
    folder : str or Path
    places : sequence of str
        Folders in it, in the order of preference; "" is itself.
    file : str
    """
    names = [name + end for name in (file, file.replace("-idx", ".idx")) for end in ("", ".gz")]
    for place in places:
        paths = [Path(folder, place, name) for name in names]
        for path in paths + [path / name for path in paths for name in names]:
            if os.path.isfile(path):              # unlike Path's, False where we may not look
                return path
    return None


def download(url, path, check, timeout=5):
    """Download a file and move it into place once its content is proven right.

    Parameters
    ----------
    url : str
    path : Path
        Holds the whole right file afterwards, or nothing.
    check : function of (path, name)
        Raises DataError, calling the file `name`, if what is at `path` is not right.
    timeout : float
        Seconds to wait for the server, at the start and in between.

    Raises
    ------
    OSError, http.client.HTTPException
        If the server cannot be reached, breaks off or talks nonsense.
    ValueError
        If the address, or one that a server or the settings of a proxy lead to, is malformed.
    DataError
        If what came is not the right file.
    """
    try:
        with atomic.replacing(path) as out, urllib.request.urlopen(url, timeout=timeout) as reply:
            told = reply.headers.get("Content-Length") or ""
            size, done = int(told) if told.isdecimal() else 0, 0
            while chunk := reply.read(1 << 16):
                out.write(chunk)
                done += len(chunk)
                if done > LARGEST:
                    raise DataError(f"more than {LARGEST} bytes; no file here has so many")
                if sys.stderr.isatty():
                    share = f"{100 * done // size}%" if size else f"{done} bytes"
                    print(f"\r\x1b[K{path.name} {share}", end="", file=sys.stderr, flush=True)
            if size and done != size:
                raise OSError(f"broke off after {done} of {size} bytes")
            out.flush()
            check(Path(out.name), url)
    finally:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def decompress(path, name=None):
    """Content of a file, gzipped or not, of at most LARGEST bytes; errors call it `name`.

    Parameters
    ----------
    path : Path
    name : str
    """
    name = name or path
    try:
        with open(path, "rb") as file:
            content = limited(file, name)
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror or error}") from None
    return unzipped(content, name)


def unzipped(content, name):
    """The content of a gzipped file, of at most LARGEST bytes; of another file, as it is.

    Parameters
    ----------
    content : bytes
    name : str
        For the error.
    """
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            return limited(file, name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{name}: damaged or truncated: {error}") from None


def limited(file, name):
    """All that a binary file holds, or DataError, calling it `name`, if it is more than LARGEST.

    Parameters
    ----------
    file : binary file object
    name : str or Path

    Returns
    -------
    content : bytes
    """
    pieces, size = [], 0
    # in pieces: to ask for all that is allowed would take so much memory
    while piece := file.read(1 << 20):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST:
            raise DataError(f"{name}: more than {LARGEST} bytes; no file here may have so many")
    return b"".join(pieces)
