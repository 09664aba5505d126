"""The folder or the file that a command writes to, and what is said where it cannot be."""

import errno
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from handkit.errors import HandkitError
from handkit.files.regular import check_regular


def make_folder(out: Path) -> None:
    """The folder given as --out, made if it is not there; raises HandkitError where it cannot be."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(out, error) from None


def make_new_folder(out: Path) -> None:
    """The same for what may not be mixed with what another run left there: raises HandkitError where anything is."""
    make_folder(out)
    try:
        there = next(iter(sorted(out.iterdir())), None)
        with NamedTemporaryFile(dir=out):
            pass
    except OSError as error:
        raise unwritable(out, error) from None
    if there is not None:
        raise HandkitError(f"--out {out} is not empty ({there.name} is in it); give a new folder, or empty this one")


def check_writable(out: Path) -> None:
    """Before the work that it is written at the end of; raises HandkitError where no file of that name can be made."""
    try:
        target = out.resolve()
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        check_regular(target)
        with NamedTemporaryFile(dir=target.parent, prefix=target.name):
            pass
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle, before Python 3.13
        sentence = f"{out} cannot be written: {getattr(error, 'strerror', None) or error}"
        raise HandkitError(f"{sentence}; give a name in a folder that can be written to") from None


def unwritable(out: Path, error: OSError) -> HandkitError:
    """For a folder given as --out: missing rights, a file in its place, a full disk."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        file = next((each for each in (*reversed(out.parents), out) if each.exists() and not each.is_dir()), out)
        return HandkitError(f"--out {out} cannot be a folder: {file} is a file; give another name")
    sentence = f"--out {out} cannot be written: {error.strerror or error}"
    return HandkitError(f"{sentence}; give a new folder on a disk with a few MB free")
