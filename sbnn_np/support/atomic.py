"""Write files whole: at any moment there is the old one or the new one, never a part of one."""

import os
import secrets
import time
from contextlib import contextmanager
from pathlib import Path

NAME = ".sbnn_np-{}.part"        # of a temporary file; it has room for a name of any length
OLD = 24 * 3600                  # seconds without a change, after which nobody writes to it


@contextmanager
def replacing(path):
    """Open a temporary file that takes the place of another once the block has ended well.

    If the block raises, the temporary file is removed. If the process is killed, it is left; the
    next writer to the folder removes it once it is a day old.

    Parameters
    ----------
    path : str or Path
        Its folder is made if it is missing.

    Yields
    ------
    file : binary file object
        In the same folder, and of a name that no other writer has; `file.name` is its path.

    Raises
    ------
    OSError
        If the file cannot be written; what was there before is then unharmed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "file") as file:
    ...         _ = file.write(b"all of it")
    ...         before = Path(folder, "file").exists()
    ...     before, Path(folder, "file").read_bytes()
    (False, b'all of it')
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_old(path.parent)
    temporary = path.with_name(NAME.format(secrets.token_hex(8)))
    try:
        # not by `tempfile`, whose files nobody else may read: this has the mode of any new file
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())                           # or a cut of power could lose both
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write(path, content):
    """Write bytes to a file, all or nothing; see `replacing`.

    Parameters
    ----------
    path : str or Path
    content : bytes

    Raises
    ------
    OSError
        If the file cannot be written; what was there before is then unharmed. The error names it.
    """
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None


def probe(folder):
    """Raise OSError unless a folder is there, or can be made, and files can be written to it."""
    path = Path(folder) / NAME.format(secrets.token_hex(8))
    path.parent.mkdir(parents=True, exist_ok=True)
    open(path, "xb").close()
    path.unlink()


def remove_old(folder):
    """Remove what writers that were killed have left in a folder, if it is old."""
    for left in folder.glob(NAME.format("*")):
        try:
            if time.time() - left.stat().st_mtime > OLD:
                left.unlink()
        except OSError:                                       # another writer was faster
            pass
