"""The folder that a command writes to, and what is said where it cannot be."""

from pathlib import Path

from handkit.errors import HandkitError


def make_folder(out: Path) -> None:
    """The folder given as --out, made if it is not there; raises HandkitError where it cannot be."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(out, error) from None


def unwritable(out: Path, error: OSError) -> HandkitError:
    """For a folder given as --out: missing rights, a file in its place, a full disk."""
    sentence = f"--out {out} cannot be written: {error.strerror or error}"
    return HandkitError(f"{sentence}; give a new folder on a disk with a few MB free")
