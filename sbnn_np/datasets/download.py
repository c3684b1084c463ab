"""Files from the network: into the cache folder, whole and proven right, or not at all."""

import gzip
import io
import os
import sys
import urllib.request
import zlib
from pathlib import Path

from sbnn_np.support import atomic

LARGEST = 1 << 28  # bytes of a decompressed file; MNIST's largest has 47 million


class DataError(ValueError):
    """A data file is missing, damaged, or not what its name says."""


class NoDownload(DataError):
    """The files are nowhere, and no mirror gave them."""


def cache_folder():
    """The user's cache folder for this package, by the custom of the operating system."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sbnn_np"


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
    DataError
        If what came is not the right file.
    """
    try:
        with atomic.replacing(path) as out, urllib.request.urlopen(url, timeout=timeout) as reply:
            size, done = int(reply.headers.get("Content-Length") or 0), 0
            while chunk := reply.read(1 << 16):
                out.write(chunk)
                done += len(chunk)
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
    """Content of a file, gzipped or not, of at most LARGEST bytes; errors call it `name`."""
    name = name or path
    with open(path, "rb") as file:
        content = limited(file, name)
    return unzipped(content, name)


def unzipped(content, name):
    """The content of a gzipped file, of at most LARGEST bytes; of another file, as it is."""
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
