"""What weights have seen: written into them while they are trained on a store, and asked before they are measured.

`trained_on` in a weights file's notes lists data set, split, subjects, number and checksum of the frames that it and
those before it (`--init`) were trained on.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from handkit.datasets.own import LABELS, UNKNOWN
from handkit.errors import StoreError
from handkit.models.checkpoint import MEASURED_ON, TRAINED_ON, CheckpointInfo
from handkit.store.store import PackedFrames


def learned_from(store: PackedFrames, rows: Int[np.ndarray, " N"]) -> dict[str, Any]:
    """What is noted of a training on these rows, or of its test frames, as JSON values."""
    settings = store.manifest.settings
    subjects = sorted(name.decode() for name in np.unique(store.rows["subject"][rows]))
    return {
        "dataset": settings.dataset,
        "split": settings.split,
        "centers": settings.center_words,
        "subjects": subjects,
        "frames": len(rows),
        "index_crc32": index_crc32(store),
    }


def index_crc32(store: PackedFrames) -> str:
    """Which frames, labels and cubes these are: a store of others has another one."""
    return f"{store.manifest.index_crc32:08x}"


def refuse_test_split(store: PackedFrames, *, allowed: bool = False, remedy: str = ", or say --allow-test") -> None:
    """Raise StoreError where a store holds a published test set, unless that is `allowed`, as the `remedy` says."""
    settings = store.manifest.settings
    if settings.split.startswith("test") and not allowed:
        raise StoreError(
            f"{store.path} holds the test frames of {settings.dataset} ({settings.split}); train on another split "
            f"(`handkit data pack {settings.dataset} --split train --root DIR --out STORE`){remedy}"
        )


def seen_subjects(info: CheckpointInfo, store: PackedFrames, mask: Bool[np.ndarray, " N"]) -> list[str]:
    """Of the frames of `mask`: subjects whose frames the weights were trained on.

    One person is in both of NYU's splits, which share no frame; in all other data sets a subject is in one split only.
    """
    return overlap(info.notes.get(TRAINED_ON, ()), store, mask)


def overlap(learned: Iterable[Mapping[str, Any]], store: PackedFrames, mask: Bool[np.ndarray, " N"]) -> list[str]:
    """Subjects of the frames of `mask` that are in `learned`, of which each is as `learned_from` has it."""
    settings = store.manifest.settings
    asked = [name.decode() for name in np.unique(store.rows["subject"][mask])]
    known = {_frames_of(each["dataset"], each["split"], subject) for each in learned for subject in each["subjects"]}
    return [subject for subject in asked if _frames_of(settings.dataset, settings.split, subject) in known]


def chosen_words(info: CheckpointInfo, store: PackedFrames, mask: Bool[np.ndarray, " N"]) -> str:
    """Which of its training's weights these are: the last, or those that did best on these frames or on others."""
    if "error_mm" not in info.notes:
        return "the last one"
    on = [measured] if (measured := info.notes.get(MEASURED_ON)) else []
    if chosen_on(info, store):
        return "the best on these very frames"
    same = ", of the same people" if overlap(on, store, mask) else ""
    return f"the best on the test frames of its training{same}"


def chosen_on(info: CheckpointInfo, store: PackedFrames) -> bool:
    """Whether these frames are those on which the weights did best."""
    return (info.notes.get(MEASURED_ON) or {}).get("index_crc32") == index_crc32(store)


def check_unseen(
    info: CheckpointInfo, store: PackedFrames, mask: Bool[np.ndarray, " N"], *, allowed: bool = False, remedy: str = ""
) -> list[str]:
    """`seen_subjects`; raises StoreError where there are any, unless that is `allowed`, as the `remedy` says."""
    seen = seen_subjects(info, store, mask)
    if seen and not allowed:
        others = sorted({name.decode() for name in np.unique(store.rows["subject"])} - set(seen))
        other = f"give --fold {others[0]}" if others else "give other frames"
        raise StoreError(
            f"{info.path} was trained on frames of {_listed(seen)} in {store.path}: its error there is no test; "
            f"{nameless(seen, store)}{remedy or f'{other}, or say --allow-seen'}"
        )
    return seen


def nameless(subjects: Iterable[str], store: PackedFrames) -> str:
    """What to do where own frames do not say whose hands these are, with a semicolon behind."""
    if UNKNOWN not in subjects or store.manifest.settings.dataset != "own":
        return ""
    return f'if these are other people or scenes, name them in the lines of both {LABELS} ("subject": "anna"); '


def _frames_of(dataset: str, split: str, subject: str) -> tuple[str, ...]:
    return (dataset, split.partition("-")[0], subject) if dataset == "nyu" else (dataset, subject)


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
