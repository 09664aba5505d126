"""Files that appear under their name when every byte of them is on the disk, or not at all."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from handkit.files.regular import check_regular


@contextmanager
def replacing(path: Path, *, beside: Path | None = None) -> Generator[Path]:
    """A path beside `path` to write to; the file there takes the place of `path` once all of it is on the disk.

    `beside` is that path, where several processes may write the same file at once; else it is `path` with `.partial`.

    Where anything fails, `path` is as it was and nothing is left beside it. An OSError that names no file, as that of
    a full disk, or that names the one beside it, names `path`. A link stays one, to the file that is replaced; a pipe
    or a device is no file that could be, which raises OSError.
    """
    check_regular(path)
    target = path.resolve() if path.is_symlink() else path
    partial = beside or target.with_name(f"{target.name}.partial")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(target)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename in {None, str(partial)}:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    if os.name == "posix":  # elsewhere folders cannot be opened
        with opened_folder(target.parent) as descriptor:
            os.fsync(descriptor)


@contextmanager
def written_whole(path: Path) -> Generator[IO[bytes]]:
    """As `replacing`, with the file open."""
    with replacing(path) as partial, partial.open("wb") as file:
        yield file


def write_whole(path: Path, content: bytes | str) -> None:
    """All of the content (text as UTF-8) or, where OSError is raised, what was there before."""
    with written_whole(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def opened_folder(folder: Path) -> Generator[int]:
    """A descriptor, to lock a folder by or to put the names in it on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
