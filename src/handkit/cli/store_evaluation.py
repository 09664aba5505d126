"""`handkit evaluate WEIGHTS --data STORE`: answers for every frame of a packed store, and a report of their errors."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float32
from rich.console import Console
from torch import nn

from handkit.cli.errors import unwritable
from handkit.cli.score_file import PIPED_WIDTH, print_result
from handkit.cli.variants import read_variant, write_variant
from handkit.datasets.catalog import TEST_SETS
from handkit.datasets.publication import part_masks
from handkit.errors import HandkitError
from handkit.evaluation import Protocol, Result, score
from handkit.files.atomic import written_whole
from handkit.geometry.frame import DepthFrame
from handkit.models import MODELS, HandPoseModel, readout_of
from handkit.models.checkpoint import load, load_part, read_info
from handkit.models.localizer import Localizer
from handkit.models.pretrained import cube_edge, cubes_of, find_weights
from handkit.recipes import Recipe, synthetic_recipe
from handkit.reports import write_report
from handkit.store.store import PackedFrames
from handkit.training.seen import check_unseen
from handkit.training.stored import Finder, TestCenter, of_subject, predict

CENTER_WORDS: dict[TestCenter, str] = {
    "gt": "mean of the labels, at test too",
    "located": "a localizer's answer, from",
    "packed": "",
    "refined": "",
}

Answers = Float32[np.ndarray, "N J 3"]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What the user asked for."""

    weights: str
    store: Path
    center: TestCenter = "packed"
    localizer: str = "localizer"
    fold: str | None = None
    """Only frames of this subject."""
    readout: tuple[str, ...] = ()
    """Arguments of the network that decide only how its maps are read, as `key=value`."""
    allow_seen: bool = False
    out: Path | None = None


def evaluate_on_store(asked: Evaluation) -> int:
    """Print the figures; with `out` write predictions and a report there. Answers 0; raises HandkitError."""
    store = PackedFrames.open(asked.store)
    path = find_weights(asked.weights)
    mask = of_subject(store, asked.fold) if asked.fold else np.ones(len(store), bool)
    readout = read_readout(path, asked.readout)
    seen = check_unseen(read_info(path), store, mask, allowed=asked.allow_seen)
    if asked.out:  # told before the work, not after it
        with _told_of(asked.out):
            asked.out.mkdir(parents=True, exist_ok=True)
    answers = answers_of(path, store, mask, center=asked.center, localizer=asked.localizer, readout=readout)
    protocol = protocol_of(path, store, asked.center, mask=mask, fold=asked.fold)
    words = ([f"read with {write_variant(readout)}"] if readout else []) + (["trained on such frames"] if seen else [])
    protocol = replace(protocol, predictions=", ".join([protocol.predictions, *words]))
    report(store, answers, protocol, method=path.stem, mask=mask, out=asked.out)
    return 0


def read_readout(path: Path, pairs: tuple[str, ...]) -> dict[str, Any]:
    """Arguments from `key=value` pairs; raises HandkitError where one of them would need other weights."""
    network = read_info(path).model
    if not pairs:
        return {}
    known = readout_of(network) if network in MODELS else frozenset[str]()
    values = read_variant(network, pairs)
    if strange := sorted(values.keys() - known):
        possible = f"without training {network} takes {', '.join(sorted(known))}" if known else "it has none that can"
        raise HandkitError(f"--readout {strange[0]} changes what {network} is trained for; {possible}", status=2)
    return values


def answers_of(
    path: Path,
    store: PackedFrames,
    mask: Bool[np.ndarray, " N"],
    *,
    center: TestCenter,
    localizer: str = "localizer",
    readout: dict[str, Any] | None = None,
) -> Answers:
    """Answers of the weights in a file for the frames of `mask`; raises CheckpointError or StoreError."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load(path, readout=readout)
    _to_device(model, device)
    finder = None
    if center == "located":
        place = find_weights(localizer)
        finder = Finder(load_part(place, Localizer).to(device), cube_edge(place))
    console = Console(stderr=True)
    rows = np.flatnonzero(mask)
    with console.status(f"{len(rows):,} frames"):
        return predict(model, store, test_recipe(path), rows=rows, center=center, finder=finder, device=device)


def test_recipe(path: Path) -> Recipe:
    """Cubes as the recipe in a weights file has them; raises CheckpointError where there is none."""
    train, test = cubes_of(path)
    return replace(synthetic_recipe(read_info(path).model), cube=train, test_cube=test)


def protocol_of(
    path: Path, store: PackedFrames, center: TestCenter, *, mask: Bool[np.ndarray, " N"], fold: str | None
) -> Protocol:
    """Everything that the number depends on."""
    settings, recipe = store.manifest.settings, test_recipe(path)
    fx, fy, cx, cy, *_ = settings.camera
    packed = f"{settings.centers} (as packed)"
    words = {"packed": packed, "refined": packed, "located": f"{CENTER_WORDS['located']} {packed}"}
    averaged = (read_info(path).recipe or {}).get("average", 0.0)
    frames = int(mask.sum())
    edition = TEST_SETS[settings.dataset].edition(len(store)) if settings.dataset in TEST_SETS else None
    return Protocol(
        dataset=settings.dataset,
        version=edition.version if edition else f"{len(store):,} frames",
        split=f"{settings.split}, subject {fold}" if fold else settings.split,
        joints=store.skeleton.joints,
        center=words.get(center, CENTER_WORDS["gt"]),
        cube=str(recipe.test_cube),
        intrinsics=(fx, fy, cx, cy),
        epoch=f"the last one{', weights averaged' if averaged else ''}",
        predictions=f"the network's own answers, {path.name}, {frames:,} frames",
    )


def report(
    store: PackedFrames,
    answers: Answers,
    protocol: Protocol,
    *,
    method: str,
    mask: Bool[np.ndarray, " N"],
    out: Path | None,
) -> Result | None:
    """Print, and with `out` write, what became of the frames of `mask`; None where there are no labels to score by.

    Raises HandkitError where `out` cannot be written; the figures are printed by then.
    """
    truth = store.rows["joints"].astype(np.float64)
    unlabelled = np.isnan(truth).any(axis=(1, 2))
    estimated = answers.astype(np.float64)
    estimated[unlabelled] = np.nan
    console = Console()
    if not (np.isfinite(estimated).all(axis=(1, 2)) & mask).any():
        console.print("no frame has both a label and an answer: nothing to score", highlight=False)
        write_predictions(out, answers[mask])
        write_submission(out, store, answers, mask)
        return None
    parts = {name: part[mask] for name, part in parts_of(store).items()}
    result = score(estimated=estimated[mask], truth=truth[mask], method=method, protocol=protocol, parts=parts)
    print_result(console if console.is_terminal else Console(width=PIPED_WIDTH), result)
    write_predictions(out, answers[mask])
    write_submission(out, store, answers, mask)
    if out:
        rows = np.flatnonzero(mask)

        def depth_of(row: int) -> DepthFrame:
            return store.batch([int(rows[row])])

        with _told_of(out):
            page = write_report(
                out, result, store.skeleton, predictions_mm=estimated[mask], labels_mm=truth[mask], depth_of=depth_of
            )
        console.print(f"report: {page}", highlight=False, markup=False, soft_wrap=True)
    return result


def parts_of(store: PackedFrames) -> dict[str, Bool[np.ndarray, " N"]]:
    """Those of the published test set, where this is a whole one; else subjects."""
    settings = store.manifest.settings
    if settings.dataset in TEST_SETS and settings.split in {"test", "all"}:
        masks = part_masks(TEST_SETS[settings.dataset].edition(len(store)).parts, len(store))
        if masks:
            return masks
    subjects = np.unique(store.rows["subject"])
    if len(subjects) < 2:
        return {}
    return {f"subject {name.decode()}": np.asarray(store.rows["subject"] == name) for name in subjects}


def write_predictions(folder: Path | None, answers: Answers) -> None:
    """`predictions.npy` (frames x joints x 3) and `predictions.txt` (a line a frame), camera mm, y down, NaN: none.

    Raises HandkitError where they cannot be written; no half of a file is left then, which --resume would take up.
    """
    if folder is None:
        return
    with _told_of(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(folder / "predictions.txt") as file:
            np.savetxt(file, answers.reshape(len(answers), -1), fmt="%.3f")
        with written_whole(folder / "predictions.npy") as file:
            np.save(file, answers)


def write_submission(folder: Path | None, store: PackedFrames, answers: Answers, mask: Bool[np.ndarray, " N"]) -> None:
    """`submission.txt` of HANDS2017's challenge, in the format of its annotations: name and 63 mm, tabs between.

    None of another data set, or where a frame has no answer, which the challenge does not allow.
    """
    if folder is None or store.manifest.settings.dataset != "hands17":
        return
    if not np.isfinite(answers[mask]).all():
        missing = int((~np.isfinite(answers[mask]).all(axis=(1, 2))).sum())
        Console(stderr=True).print(f"no submission.txt: {missing:,} frames have no answer", highlight=False)
        return
    names = [store.sources[row].rpartition("/")[2] for row in np.flatnonzero(mask)]
    with _told_of(folder), written_whole(folder / "submission.txt") as file:
        for name, joints in zip(names, answers[mask], strict=True):
            file.write("\t".join([name, *(f"{number:.4f}" for number in joints.ravel())]).encode() + b"\n")


@contextmanager
def _told_of(out: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(out, error) from None


def _to_device(model: HandPoseModel, device: str) -> None:
    assert isinstance(model, nn.Module)
    model.to(device)
