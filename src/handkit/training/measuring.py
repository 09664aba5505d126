"""Weights measured on a packed store: their answers, the score with its protocol, and a report."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32

from handkit.evaluation import Protocol, Result
from handkit.files.folders import make_folder
from handkit.graph import load_localizer
from handkit.hub import find_weights
from handkit.models.checkpoint import read_info
from handkit.recipes import CenterSource
from handkit.store.store import PackedFrames
from handkit.training.answers import (
    Written,
    answers_of,
    protocol_of,
    read_readout,
    score_answers,
    with_words,
    write_answers,
)
from handkit.training.seen import check_unseen
from handkit.training.stored import of_subject


class Measured(NamedTuple):
    """What came of one weights file on some frames."""

    weights: Path
    result: Result | None
    """None where no frame has both a label and an answer."""
    page: Path | None
    """Of the report; None without one."""
    unanswered: tuple[str, ...] = ()
    """Frames of HANDS2017 without an answer, which have a guess in `submission.txt`."""


def measure_weights(
    weights: str,
    store: PackedFrames,
    *,
    subject: str | None = None,
    center: CenterSource | None = None,
    localizer: str = "localizer",
    readout: tuple[str, ...] = (),
    allow_seen: bool = False,
    out: Path | None = None,
    tell: Callable[[Result | None], None] = lambda _: None,
) -> Measured:
    """A pose network by name or path on all frames of a store, or on a `subject`'s; `out` keeps answers and report,
    after `tell` was given the result: a full disk does not cost the figures.

    Cubes stand where they are packed, or where `center` has them; `readout` (`top=1`) is how maps are read.
    Raises CheckpointError, StoreError for frames that the weights were trained on unless `allow_seen`, HandkitError.
    """
    path, mask = find_weights(weights), of_subject(store, subject) if subject else np.ones(len(store), bool)
    values = read_readout(path, readout)
    seen = check_unseen(read_info(path), store, mask, allowed=allow_seen)
    if out:
        make_folder(out)
    finder = load_localizer(localizer) if center is CenterSource.LOCALIZER else None
    if finder:
        seen += check_unseen(read_info(find_weights(localizer)), store, mask, allowed=allow_seen)
    answers = answers_of(path, store, mask, center=center, finder=finder, readout=values)
    protocol = protocol_of(path, store, center, mask=mask, fold=subject)
    protocol = with_words(protocol, readout=values, seen=bool(seen))
    return scored(path, store, answers, protocol, mask=mask, method=path.stem, out=out, tell=tell)


def measure_refined(
    path: Path,
    store: PackedFrames,
    mask: Bool[np.ndarray, " N"],
    *,
    method: str,
    out: Path,
    localizer: str | None,
    subject: str | None = None,
) -> Measured:
    """Weights that were just trained; `localizer` names the one that moves their cubes, if one does. As above."""
    finder = load_localizer(localizer) if localizer else None
    answers = answers_of(path, store, mask, finder=finder)
    protocol = protocol_of(path, store, CenterSource.LOCALIZER if localizer else None, mask=mask, fold=subject)
    return scored(path, store, answers, protocol, mask=mask, method=method, out=out)


def scored(
    path: Path,
    store: PackedFrames,
    answers: Float32[np.ndarray, "N J 3"],
    protocol: Protocol,
    *,
    mask: Bool[np.ndarray, " N"],
    method: str,
    out: Path | None,
    tell: Callable[[Result | None], None] = lambda _: None,
) -> Measured:
    """The answers' score, and with `out` both in a folder."""
    result = score_answers(store, answers, protocol, method=method, mask=mask)
    tell(result)
    written = write_answers(out, store, answers, result, mask=mask) if out else Written(None)
    return Measured(path, result, *written)
