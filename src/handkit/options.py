"""Options that have a name in the library: the command line reads names, types, defaults and help off them.

Light to import: neither numpy nor torch.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, Suppress, arg

DatasetName = Literal["nyu", "icvl", "msra", "hands17"]
NOT_STATED = "not stated"
"""What nobody said of a protocol."""

Folder = Annotated[Path, arg(metavar="DIR")]
Files = Annotated[tuple[Path, ...], arg(metavar="FILE...")]
Words = Annotated[str, arg(metavar="WORDS")]
Count = Annotated[int, arg(metavar="N")]
# A metavar has to stand around `| None`: inside, the help shows `{None}|PATH` instead.
MaybeCount = Annotated[int | None, arg(metavar="N")]
MaybeStore = Annotated[Path | None, arg(metavar="STORE")]


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What is scored against what, and what is said of its protocol."""

    predictions: Annotated[Positional[Path], arg(metavar="PREDICTIONS")]
    """Text, .gz or not: a frame a line, three numbers a joint in the order of the labels."""
    dataset: DatasetName
    """Whose test set it is."""
    labels: Files
    """Its label files, in the same layout or as the data set has them, or the folder it was unpacked to."""
    form: Annotated[Literal["auto", "uvd", "xyz", "densereg", "denseReg"], arg(name="format")] = "auto"
    """Of the predictions: pixels and mm, mm, DenseReg's mm with y down; auto takes what fits the labels."""
    label_form: Annotated[Literal["auto", "uvd", "xyz"], arg(name="label-format")] = "auto"
    """Of the label files: pixels and mm, or mm; auto takes what keeps the bones as long as they are."""
    compare: Files = ()
    """Other prediction files, compared frame by frame."""
    split: Annotated[str, arg(metavar="PART")] = "all"
    """Score one part alone: subject1, subject2 (nyu), seq1, seq2 (icvl), P0 to P8 (msra), or a --part."""
    parts: Annotated[tuple[str, ...], arg(name="part", metavar="NAME=FILE...")] = ()
    """A further part of the frames, its FILE listing their names or their row numbers from 0."""
    camera: Annotated[str | None, arg(metavar="NAME|fx,fy,cx,cy")] = None
    """Intrinsics for u v d instead of those of the published numbers."""
    missing: Literal["refuse", "skip"] = "refuse"
    """What to do with frames that have no number in the file."""
    name: Annotated[str | None, arg(metavar="METHOD")] = None
    """What to call the method; the file's name otherwise."""
    center: Words = NOT_STATED
    """For the protocol: where the crops were centered."""
    cube: Words = NOT_STATED
    """For the protocol: how large they were."""
    epoch: Words = NOT_STATED
    """For the protocol: how the weights were picked."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """On which frames, with what budget: what all trials of a study have in common."""

    train: Annotated[MaybeStore, arg(name="data")] = None
    """A packed store that is trained on; without one, frames are rendered."""
    test: MaybeStore = None
    """The store that is measured on."""
    samples: MaybeCount = None
    """Training samples of each row."""
    epochs: MaybeCount = None
    """Passes over the store instead of the published ones."""
    seeds: Annotated[tuple[int, ...], arg(metavar="N...")] = (1,)
    """First weights and frames; every row is trained once with each."""
    resolution: MaybeCount = None
    """Crops of this many pixels a side; 96 of rendered frames by default, the published ones of a store."""
    batch: MaybeCount = None
    """Training frames a step, if not the recipe's."""
    crops: Count = 1024
    """Synthetic frames that are measured on."""
    real: Annotated[tuple[Path, ...], arg(metavar="DIR...")] = ()
    """Folders of PNGs with marked fingertips (labels.json) to measure on as well."""
    jobs: Count = 1
    """Trainings side by side."""
    threads: MaybeCount = None
    """Of each training's network; all cores, divided among the jobs, by default."""
    workers: MaybeCount = None
    """Processes that render or read frames beside each training; 1 by default, none with several jobs."""
    out: Folder = Path("runs/studies")
    """Folder of the table (NAME.md, .csv, .tex), its curves, the trials and their weights."""
    own: Suppress[str | None] = None
    """`FILE.py:CLASS`, a network of the user's own, which becomes the last row."""
