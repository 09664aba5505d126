"""Reading files that end: a pipe would be waited for, a device such as /dev/zero would be read for ever."""

import errno
from pathlib import Path
from typing import IO


def check_regular(path: Path) -> None:
    """Raises OSError where there is neither a file nor a folder but a pipe, a socket or a device."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))


def open_regular(path: Path) -> IO[bytes]:
    """Open to read; raises OSError, FileNotFoundError among them, which a link to nothing is not."""
    check_regular(path)
    try:
        return path.open("rb")
    except FileNotFoundError:
        if path.is_symlink():
            raise OSError(errno.EINVAL, f"it is a link to {path.readlink()}, which is not there", str(path)) from None
        raise


def read_regular(path: Path) -> bytes:
    """All of it; raises as `open_regular`."""
    with open_regular(path) as file:
        return file.read()
