"""`handkit data ...`: the published data sets. Options only; their work is imported when they run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from handkit.cli.options import Folder

DataSet = Annotated[Positional[Literal["icvl", "nyu", "msra", "hands17", "own"]], arg(metavar="NAME")]
Split = Annotated[str | None, arg(metavar="SPLIT")]
Images = Annotated[int | Literal["all"], arg(metavar="N|all")]


@dataclass(frozen=True, kw_only=True)
class Check:
    """Say what is there of a data set, and what is missing, damaged or of another edition.

    Exit status 1 if a part that is there cannot be used, or none is there.
    """

    name: DataSet
    """icvl, nyu, msra, hands17, or own: 16-bit PNGs with a labels.jsonl as `handkit render` writes it."""
    root: Folder
    """The folder into which it was unpacked."""
    split: Split = None
    """Look at this split only."""
    images: Images = 200
    """Decode this many depth images of each part, evenly spread."""

    def run(self) -> int:
        from handkit.cli.data_check import check_data_set

        count = None if self.images == "all" else self.images
        return check_data_set(self.name, self.root, split=self.split, images=count)


@dataclass(frozen=True, kw_only=True)
class Show:
    """Draw one frame with its labels."""

    name: DataSet
    """icvl, nyu, msra, hands17, or own: 16-bit PNGs with a labels.jsonl as `handkit render` writes it."""
    root: Folder
    """The folder into which it was unpacked."""
    index: int = 0
    """Which frame, from 0."""
    split: Split = None
    """Of which split; the test split, or all of msra, or the training split of hands17 by default."""
    out: Annotated[Path | None, arg(metavar="FILE.png")] = None
    """The picture to write; NAME-SPLIT-INDEX.png in the current folder by default."""

    def run(self) -> int:
        from handkit.cli.data_show import show_frame

        return show_frame(self.name, self.root, index=self.index, split=self.split, out=self.out)


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Pack a split for training and evaluation. Interrupted, the same command goes on where it stopped.

    Every frame keeps its row; what is wrong with a frame is listed. At the end everything is read back and verified.
    """

    name: DataSet
    """icvl, nyu, msra, hands17, or own: 16-bit PNGs with a labels.jsonl as `handkit render` writes it."""
    root: Folder
    """The folder into which it was unpacked."""
    out: Annotated[Path, arg(metavar="STORE")]
    """Folder of the store."""
    split: Annotated[str | None, arg(metavar="SPLIT", help_behavior_hint="")] = None
    """test, train, ... as `data check` lists them; by default test of icvl and nyu, train of hands17, all of msra (best
    packed whole: training picks its folds) and own."""
    centers: Annotated[str, arg(metavar="mean|box|mass|FILE")] = "mean"
    """Mean or box of the labels (no test protocol), center of mass, or a file; HANDS2017's test: mass in its boxes."""
    form: Literal["auto", "xyz-y-up", "xyz", "uvd"] = "auto"
    """How that file counts; auto takes what comes nearest to the labels."""
    cube: Annotated[str, arg(metavar="MM|METHOD")] = "300"
    """Edge of the cubes in mm, or the method whose rule it follows: srn, v2v, ren, deepprior++ ..."""
    margin: float = 1.75
    """Patches cover cubes this many times as wide, so that augmentation can move, turn and scale them."""
    codec: Literal["none", "zstd"] = "none"
    """Pack patches without loss (zstandard): ten times smaller, and twice as slow to read."""
    workers: int = 1
    """Threads."""
    annotations: Annotated[Path | None, arg(metavar="FILE")] = None
    """Labels of HANDS2017's test frames, in the format of its training annotations."""

    def run(self) -> int:
        from handkit.cli.data_pack import pack_with_bar, verify_store
        from handkit.store.plan import Plan

        plan = Plan(
            name=self.name, root=self.root, split=self.split, centers=self.centers, form=self.form, cube=self.cube,
            margin=self.margin, codec=self.codec, annotations=self.annotations,
        )  # fmt: skip
        pack_with_bar(plan, self.out, workers=self.workers)
        return verify_store(self.out)


@dataclass(frozen=True, kw_only=True)
class Verify:
    """Read a packed store whole and compare checksums. Exit status 1 if something is damaged."""

    store: Annotated[Positional[Path], arg(metavar="STORE")]
    """The folder that `data pack` wrote."""

    def run(self) -> int:
        from handkit.cli.data_pack import verify_store

        return verify_store(self.store)


DATA_COMMANDS = {"check": Check, "show": Show, "pack": Pack, "verify": Verify}
