"""How a command ends when it cannot go on."""

from pathlib import Path


class CommandError(Exception):
    """One sentence for stderr, and the exit status: 1 nothing could be done, 2 wrong usage."""

    def __init__(self, sentence: str, *, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


def make_folder(out: Path) -> None:
    """The folder given as --out, made if it is not there; raises CommandError where it cannot be."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(out, error) from None


def unwritable(out: Path, error: OSError) -> CommandError:
    """For a folder given as --out: missing rights, a file in its place, a full disk."""
    sentence = f"--out {out} cannot be written: {error.strerror or error}"
    return CommandError(f"{sentence}; give a new folder on a disk with a few MB free")
