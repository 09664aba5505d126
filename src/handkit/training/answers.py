"""What weights answer for every frame of a packed store, and the score of these answers with its protocol."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64

from handkit.datasets.catalog import TEST_SETS
from handkit.datasets.publication import part_masks
from handkit.depth import DepthImage
from handkit.errors import StoreError, UsageError
from handkit.evaluation import Protocol, Result, score
from handkit.evaluation.protocol import NO_TEST
from handkit.files.atomic import written_whole
from handkit.files.folders import unwritable
from handkit.graph import LocalizerGraph
from handkit.models import readout_of
from handkit.models.arguments import check_readout, read_arguments, write_arguments
from handkit.models.checkpoint import load, read_info
from handkit.recipes import CenterSource, Recipe, synthetic_recipe
from handkit.recipes.cubes import cubes_of
from handkit.reports import write_report
from handkit.store.store import PackedFrames
from handkit.training.seen import chosen_words
from handkit.training.stored import predict
from handkit.training.submission import SUBMISSION, write_submission

Answers = Float32[np.ndarray, "N J 3"]
Mask = Bool[np.ndarray, " N"]


def answers_of(
    path: Path,
    store: PackedFrames,
    mask: Mask,
    *,
    center: CenterSource | None = None,
    finder: LocalizerGraph | None = None,
    readout: dict[str, Any] | None = None,
) -> Answers:
    """Answers of the weights in a file for the frames of `mask`, as `predict`; raises CheckpointError or StoreError."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load(path, readout=readout)
    model.to(device)
    if finder:
        finder.to(device)
    recipe, rows = cubes_in(path), np.flatnonzero(mask)
    return predict(model, store, recipe, rows=rows, center=center, finder=finder, device=device)


def cubes_in(path: Path) -> Recipe:
    """A recipe with the cubes of the one in a weights file; raises CheckpointError where there is none."""
    info = read_info(path)
    train, test = cubes_of(path, info.recipe)
    return replace(synthetic_recipe(info.model), cube=train, test_cube=test)


def protocol_of(
    path: Path, store: PackedFrames, center: CenterSource | None, *, mask: Mask, fold: str | None
) -> Protocol:
    """Everything that the number depends on."""
    settings, recipe = store.manifest.settings, cubes_in(path)
    fx, fy, cx, cy, *_ = settings.camera
    packed = f"{settings.center_words} (as packed)"
    words = {
        CenterSource.MEAN: f"{CenterSource.MEAN.words}, at test too",
        CenterSource.LOCALIZER: f"{CenterSource.LOCALIZER.words}, from {packed}",
    }
    known = center is CenterSource.MEAN or (center not in words and settings.centers.of_labels)
    info = read_info(path)
    averaged = (info.recipe or {}).get("average", 0.0)
    edition = TEST_SETS[settings.dataset].edition(len(store)) if settings.dataset in TEST_SETS else None
    return Protocol(
        dataset=settings.dataset,
        version=edition.version if edition else f"{len(store):,} frames",
        split=f"{settings.split}, subject {fold}" if fold else settings.split,
        joints=store.skeleton.joints,
        center=(words.get(center, packed) if center else packed) + f" ({NO_TEST})" * known,
        cube=str(recipe.test_cube),
        intrinsics=(fx, fy, cx, cy),
        epoch=f"{chosen_words(info, store, mask)}{', weights averaged' if averaged else ''}",
        predictions=f"the network's own answers, {path.name}, {_frames(store, mask)}",
    )


def _frames(store: PackedFrames, mask: Mask) -> str:
    answered, asked = int((mask & store.rows["valid"]).sum()), int(mask.sum())
    return f"{asked:,} frames" if answered == asked else f"{answered:,} of {asked:,} frames, the others faulty"


def with_words(protocol: Protocol, *, readout: dict[str, Any], seen: bool) -> Protocol:
    """The protocol that says how maps were read, if not as in training, and that the frames are no test."""
    words = [protocol.predictions]
    words += [f"read with {write_arguments(readout)}"] if readout else []
    words += ["trained on such frames"] if seen else []
    return replace(protocol, predictions=", ".join(words))


def score_answers(
    store: PackedFrames, answers: Answers, protocol: Protocol, *, method: str, mask: Mask
) -> Result | None:
    """Of the frames of `mask`; None where none has both a label and an answer."""
    estimated = _labeled_only(store, answers)
    if not (np.isfinite(estimated).all(axis=(1, 2)) & mask).any():
        return None
    truth = store.rows["joints"].astype(np.float64)
    parts = {name: part[mask] for name, part in parts_of(store).items()}
    return score(estimated=estimated[mask], truth=truth[mask], method=method, protocol=protocol, parts=parts)


class Written(NamedTuple):
    """What stands in a folder of answers."""

    page: Path | None
    """Of the report, where there is a result."""
    unanswered: tuple[str, ...] = ()
    """Frames of HANDS2017 that have a guess in `submission.txt`; without any answer there is no such file."""


def write_answers(folder: Path, store: PackedFrames, answers: Answers, result: Result | None, *, mask: Mask) -> Written:
    """Predictions, and a report where there is a result.

    `predictions.npy` (frames x joints x 3) and `predictions.txt` (a line a frame), camera mm, y down, NaN: none. Raises
    HandkitError where they cannot be written; no half of a file is left then, which --resume would take up. Of
    HANDS2017 also `submission.txt`, and none of an earlier run stays.
    """
    rows, unanswered = np.flatnonzero(mask), ()

    def depth_of(row: int) -> DepthImage:
        frame = store.batch([int(rows[row])])
        return DepthImage.of(frame.depth[0], frame.camera.camera(0))

    with refused_in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SUBMISSION).unlink(missing_ok=True)
        with written_whole(folder / "predictions.txt") as file:
            np.savetxt(file, answers[mask].reshape(len(rows), -1), fmt="%.3f")
        with written_whole(folder / "predictions.npy") as file:
            np.save(file, answers[mask])
        if store.manifest.settings.dataset == "hands17":
            unanswered = write_submission(folder / SUBMISSION, store, answers, mask=mask)
        if result is None:
            return Written(None, unanswered)
        estimated = _labeled_only(store, answers)[mask]
        truth = store.rows["joints"].astype(np.float64)[mask]
        page = write_report(
            folder, result, store.skeleton, predictions_mm=estimated, labels_mm=truth, depth_of=depth_of
        )
        return Written(page, unanswered)


def read_readout(path: Path, pairs: tuple[str, ...]) -> dict[str, Any]:
    """Arguments from `key=value` pairs; raises HandkitError where one of them would need other weights."""
    if not pairs:
        return {}
    network = read_info(path).model
    check_readout(network, pairs)
    known = readout_of(network)
    values = read_arguments(network, pairs)
    if strange := sorted(values.keys() - known):
        possible = f"without training {network} takes {', '.join(sorted(known))}" if known else "it has none that can"
        raise UsageError(f"--readout {strange[0]} changes what {network} is trained for; {possible}")
    return values


def parts_of(store: PackedFrames) -> dict[str, Mask]:
    """Those of the published test set, where this is a whole one; else subjects."""
    settings = store.manifest.settings
    if settings.dataset in TEST_SETS and settings.split in {"test", "all"}:
        masks = part_masks(TEST_SETS[settings.dataset].edition(len(store)).parts, len(store))
        if masks:
            return masks
    names = subjects_of(store)
    if len(names) < 2:
        return {}
    return {f"subject {name}": np.asarray(store.rows["subject"] == name.encode()) for name in names}


def subjects_of(store: PackedFrames) -> list[str]:
    """Whose hands are in the store, sorted."""
    return [name.decode() for name in np.unique(store.rows["subject"])]


def folds_of(store: PackedFrames) -> list[str]:
    """Subjects to leave out in turn; raises StoreError where there is one only."""
    subjects = subjects_of(store)
    if len(subjects) < 2:
        raise StoreError(f"{store.path} has frames of {subjects[0]} only; folds need several subjects")
    return subjects


@contextmanager
def refused_in_words(out: Path) -> Generator[None]:
    """What cannot be written to the folder ends in one sentence: HandkitError."""
    try:
        yield
    except OSError as error:
        raise unwritable(out, error) from None


def _labeled_only(store: PackedFrames, answers: Answers) -> Float64[np.ndarray, "N J 3"]:
    """In double precision, NaN where there is no label to score by."""
    estimated = answers.astype(np.float64)
    estimated[np.isnan(store.rows["joints"]).any(axis=(1, 2))] = np.nan
    return estimated
