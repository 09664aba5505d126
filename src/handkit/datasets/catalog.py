"""Data sets by name, the four and frames of one's own: what they consist of, how many frames, where they come from."""

from pathlib import Path

from handkit.datasets import hands17, icvl, msra, nyu, own
from handkit.datasets.dataset import LabeledFiles
from handkit.datasets.publication import Publication, TestSet
from handkit.errors import DatasetError, suggest

DATA_SETS: dict[str, Publication] = {
    "icvl": icvl.PUBLICATION,
    "nyu": nyu.PUBLICATION,
    "msra": msra.PUBLICATION,
    "hands17": hands17.PUBLICATION,
    "own": own.PUBLICATION,
}
TEST_SETS: dict[str, TestSet] = {
    "nyu": nyu.TEST_SET,
    "icvl": icvl.TEST_SET,
    "msra": msra.TEST_SET,
    "hands17": hands17.TEST_SET,
}


def find_data_set(name: str) -> Publication:
    """Raises DatasetError that suggests the nearest name."""
    if name not in DATA_SETS:
        raise DatasetError(f"there is no data set {name!r}; {suggest(name, DATA_SETS)}known: {', '.join(DATA_SETS)}")
    return DATA_SETS[name]


def open_split(name: str, root: Path, split: str | None = None) -> LabeledFiles:
    """A part of a data set as it was unpacked; without `split` the first of its parts. Raises DatasetError.

    icvl: test, train, rotated (the rotated copies), train-all (both). nyu: test, train, and -view2, -view3 of either.
    msra: all, test-P0 to test-P8, train-P0 to train-P8 (everybody but P0 ...). hands17: train, test. own: all.
    """
    parts = find_data_set(name).parts
    chosen = split or next(iter(parts))
    if chosen not in parts:
        raise DatasetError(f"{name} has no split {chosen!r}; {suggest(chosen, parts)}it has: {', '.join(parts)}")
    return parts[chosen](root)
