"""Write files whole: at any moment there is the old one or the new one, never a part of one."""

import os
from pathlib import Path


def write(path, content):
    """Write bytes to a temporary name beside a file, then move them into place.

    Parameters
    ----------
    path : str or Path
        Its folder is made if it is missing.
    content : bytes

    Raises
    ------
    OSError
        If the file cannot be written; what was there before is then unharmed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
