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


def pack(
    name: DataSet,
    /,
    *,
    root: Root,
    out: Annotated[Path, arg(metavar="STORE")],
    split: Split = None,
    centers: Annotated[str, arg(metavar="gt|box|com|FILE")] = "gt",
    form: Literal["auto", "xyz-y-up", "xyz", "uvd"] = "auto",
    cube: Annotated[str, arg(metavar="MM|METHOD")] = "300",
    margin: float = 1.75,
    codec: Literal["none", "rvl"] = "none",
    workers: int = 1,
    annotations: Annotated[Path | None, arg(metavar="FILE")] = None,
) -> int:
    """Pack a split for training and evaluation. Interrupted, the same command goes on where it stopped.

    Every frame keeps its row; what is wrong with a frame is listed. At the end everything is read back and verified.

    Args:
        name: icvl, nyu, msra or hands17.
        root: The folder into which it was unpacked.
        out: Folder of the store.
        split: test, train, ... as `data check` lists them; MSRA15 is best packed whole (all): training picks its folds.
        centers: Joint mean (gt) or box of the labels (of HANDS2017's test set: mass in its bounding boxes), centre of
            mass within a depth range (com), or a published file.
        form: How that file counts; auto takes what comes nearest to the labels.
        cube: Edge of the cubes in mm, or the method whose rule it follows: srn, v2v, ren, deepprior++ ...
        margin: Patches cover cubes so many times as wide, so that augmentation can move, turn and scale them.
        codec: Pack patches without loss (rvl): several times smaller, and several times slower to read.
        workers: Threads.
        annotations: Labels of HANDS2017's test frames, in the format of its training annotations.
    """
    from handkit.cli.data_pack import Request, pack_data_set

    return pack_data_set(Request(name, root, out, split, centers, form, cube, margin, codec, workers, annotations))


def verify(store: Annotated[Positional[Path], arg(metavar="STORE")], /) -> int:
    """Read a packed store whole and compare checksums. Exit status 1 if something is damaged.

    Args:
        store: The folder that `data pack` wrote.
    """
    from handkit.cli.data_pack import verify_store

    return verify_store(store)


DATA_COMMANDS: dict[str, Callable[..., int]] = {
    "check": check,
    "show": show,
    "pack": pack,
    "verify": verify,
}
