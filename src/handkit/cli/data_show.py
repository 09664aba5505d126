"""`handkit data show`: options that become one call of `handkit.datasets.picture.draw_frame`, and its file."""

from pathlib import Path

from handkit.datasets.picture import draw_frame
from handkit.drawing import Picture
from handkit.errors import HandkitError
from handkit.files.png import write_png


def show_frame(name: str, root: Path, *, index: int, split: str | None, out: Path | None) -> int:
    """Writes the picture and says where; answers 0. Raises HandkitError."""
    picture, split, record = draw_frame(name, root, index=index, split=split)
    target = out or Path(f"{name}-{split}-{index}.png")
    if target.suffix.lower() != ".png" or not _write(target, picture):
        raise HandkitError(
            f"--out {target} cannot be written; give a .png file in a folder that you may write to, on a disk with room"
        )
    fault = f", {record.fault}" if record.fault else ""
    print(f"{target}: frame {index} of {name} {split}, {record.source}, subject {record.subject}{fault}")
    return 0


def _write(target: Path, picture: Picture) -> bool:
    """Whether the whole picture is there now."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_png(target, picture)
    except OSError:
        return False
    return True
