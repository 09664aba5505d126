"""The four data sets by name: what they consist of, how many frames were published, where they come from."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from handkit.data import hands17, icvl, msra, nyu
from handkit.data.dataset import LabeledFiles
from handkit.errors import DatasetError

Opener = Callable[[Path], LabeledFiles]


@dataclass(frozen=True)
class Publication:
    """What is known of a data set before a file of it is opened."""

    title: str
    parts: Mapping[str, Opener]
    """What `open_split` opens, by the name that a user types; the first is the usual one to look at."""
    frames: Mapping[str, tuple[int, ...]]
    """How many frames the parts worth checking have in the published editions."""
    source: str
    """From whom, and what to download."""
    terms: str


def _msra_parts() -> dict[str, Opener]:
    one = {f"test-{subject}": partial(msra.open_msra, subjects=(subject,)) for subject in msra.SUBJECTS}
    rest = {f"train-{subject}": partial(msra.open_msra, subjects=msra.fold(subject)) for subject in msra.SUBJECTS}
    return {"all": msra.open_msra, **one, **rest}


def _nyu_parts() -> dict[str, Opener]:
    parts: dict[str, Opener] = {part: partial(nyu.open_nyu, part=part) for part in ("test", "train")}
    for view in (2, 3):
        parts |= {f"{part}-view{view}": partial(nyu.open_nyu, part=part, view=view) for part in ("test", "train")}
    return parts


DATA_SETS: dict[str, Publication] = {
    "icvl": Publication(
        title="ICVL hand posture data set",
        parts={part: partial(icvl.open_icvl, part=part) for part in ("test", "train", "rotated", "train-all")},
        frames={
            "test": (sum(icvl.TEST_ROWS.values()),),
            "train": icvl.ORIGINALS,
            "rotated": tuple(icvl.TRAIN_ROWS - originals for originals in icvl.ORIGINALS),
        },
        source="Imperial College London (Tang et al., CVPR 2014), https://labicvl.github.io/hand.html: "
        "Training.tar.gz and Testing.tar.gz",
        terms="none stated with the files; cite the paper and ask the authors before any use beyond research",
    ),
    "nyu": Publication(
        title="NYU hand pose data set",
        parts=_nyu_parts(),
        frames={part: (nyu.FRAMES[part],) for part in ("test", "train")},
        source="New York University (Tompson et al., TOG 2014), "
        "https://jonathantompson.github.io/NYU_Hand_Pose_Dataset.htm: the archive with dataset/train and dataset/test",
        terms="research use; cite the paper",
    ),
    "msra": Publication(
        title="MSRA15 hand gesture database",
        parts=_msra_parts(),
        frames={"all": tuple(sum(counts) for counts in msra.EDITIONS.values())},
        source="Microsoft Research Asia (Sun et al., CVPR 2015), https://jimmysuen.github.io: "
        "cvpr15_MSRAHandGestureDB.zip (that page's zip is the new edition)",
        terms="none stated beside a request to cite the paper; ask the authors before any use beyond research",
    ),
    "hands17": Publication(
        title="HANDS2017 challenge, frame based",
        parts={part: partial(hands17.open_hands17, part=part) for part in ("train", "test")},
        frames={part: (hands17.FRAMES[part],) for part in ("train", "test")},
        source="Imperial College London (Yuan et al., 2017), http://icvl.ee.ic.ac.uk/hands17/challenge/: "
        "training and frame, on request",
        terms="academic use only, under the form that is signed to get it",
    ),
}


def find_data_set(name: str) -> Publication:
    """Raises DatasetError that suggests the nearest name."""
    if name not in DATA_SETS:
        raise DatasetError(f"there is no data set {name!r}{_hint(name, DATA_SETS)}; known: {', '.join(DATA_SETS)}")
    return DATA_SETS[name]


def open_split(name: str, root: Path, split: str | None = None) -> LabeledFiles:
    """A part of a data set as it was unpacked; without `split` the first of its parts. Raises DatasetError.

    icvl: test, train, rotated (the rotated copies), train-all (both). nyu: test, train, and -view2, -view3 of either.
    msra: all, test-P0 to test-P8, train-P0 to train-P8 (everybody but P0 ...). hands17: train, test.
    """
    parts = find_data_set(name).parts
    chosen = split or next(iter(parts))
    if chosen not in parts:
        raise DatasetError(f"{name} has no split {chosen!r}{_hint(chosen, parts)}; it has: {', '.join(parts)}")
    return parts[chosen](root)


def _hint(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    return f", did you mean {near[0]!r}?" if near else ""
