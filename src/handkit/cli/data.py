"""`handkit data ...`: the published data sets. Typed functions only; their work is imported when they run."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

DataSet = Annotated[Positional[Literal["icvl", "nyu", "msra", "hands17"]], arg(metavar="NAME")]
Root = Annotated[Path, arg(metavar="DIR")]
Split = Annotated[str | None, arg(metavar="SPLIT")]
Pictures = Annotated[int | Literal["all"], arg(metavar="N|all")]


def check(name: DataSet, /, *, root: Root, split: Split = None, pictures: Pictures = 200) -> int:
    """Say what is there of a data set, and what is missing, damaged or of another edition.

    Exit status 1 if a part that is there cannot be used, or none is there.

    Args:
        name: icvl, nyu, msra or hands17.
        root: The folder into which it was unpacked.
        split: Look at this split only.
        pictures: Decode so many pictures of each part, evenly spread.
    """
    from handkit.cli.data_check import check_data_set

    return check_data_set(name, root, split=split, pictures=None if pictures == "all" else pictures)


def show(
    name: DataSet,
    /,
    *,
    root: Root,
    index: int = 0,
    split: Split = None,
    out: Annotated[Path | None, arg(metavar="FILE.png")] = None,
) -> int:
    """Draw one frame with its labels.

    Args:
        name: icvl, nyu, msra or hands17.
        root: The folder into which it was unpacked.
        index: Which frame, from 0.
        split: Of which split; the test split, or all of msra, or the training split of hands17 by default.
        out: The picture to write; NAME-SPLIT-INDEX.png in the current folder by default.
    """
    from handkit.cli.data_show import show_frame

    return show_frame(name, root, index=index, split=split, out=out)


DATA_COMMANDS: dict[str, Callable[..., int]] = {
    "check": check,
    "show": show,
}
