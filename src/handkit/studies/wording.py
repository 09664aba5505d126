"""What a study says of itself: on which frames it is trained and measured, and how it departs from the papers."""

from collections.abc import Iterator

import numpy as np

from handkit.evaluation.protocol import NO_TEST
from handkit.hub import find_weights
from handkit.models.checkpoint import TRAINED_ON, read_info
from handkit.recipes import PUBLISHED, CenterSource, Recipe
from handkit.store.store import PackedFrames
from handkit.studies.conditions import Conditions
from handkit.studies.papers import SPLITS
from handkit.studies.plan import SYNTHETIC_RESOLUTION, experiment_of, lender_of_epochs
from handkit.studies.table import Study
from handkit.training.adapt import unlike_published
from handkit.training.stored import rows_to_learn


def frames_in_words(study: Study, conditions: Conditions, *, measured: int | None = None) -> str:
    """On what the trials are trained and measured, for the table, and what departs from the papers; raises StoreError.

    `measured`: frames that every trial has been measured on, if it is known.
    """
    asked = f"{conditions.samples:,} samples" if conditions.samples is not None else None
    if conditions.train is None or conditions.test is None:
        size = conditions.resolution if conditions.resolution is not None else SYNTHETIC_RESOLUTION
        trained = f"Trained on rendered frames, {asked} a row, crops of {size} pixels"
        return f"{trained}; measured on {conditions.crops:,} others.{_located_in_words(study, conditions)}"
    train, test = PackedFrames.open(conditions.train), PackedFrames.open(conditions.test)
    asked = asked or (f"{conditions.epochs} epochs" if conditions.epochs else "the published epochs")
    learned = f"Trained on {len(rows_to_learn(train)):,} of the {_store_in_words(train)}"
    labeled = int((test.rows["valid"] & np.isfinite(test.rows["joints"]).any(axis=(1, 2))).sum())
    count = labeled if measured is None else measured
    found = departures(study, conditions)
    departing = f" Unlike the papers: {'; '.join(found)}." if found else ""
    if study.folds:
        told = f"{learned}, every subject left out in turn, {asked} a row; measured on {count:,} of them"
        return f"{told}, each by the weights that have not seen its subject.{departing}"
    known = f"; {NO_TEST}" if test.manifest.settings.centers.of_labels else ""
    return (
        f"{learned}, {asked} a row; measured on {count:,} of the {_store_in_words(test)}{known}."
        f"{_located_in_words(study, conditions)}{departing}"
    )


def _located_in_words(study: Study, conditions: Conditions) -> str:
    """Who moves the centers, where anybody does."""
    if not any(row.located for row in study.rows):
        return ""
    learned = read_info(find_weights(conditions.localizer)).notes.get(TRAINED_ON, ())
    frames = ", ".join(dict.fromkeys(each["dataset"] for each in learned)) or "rendered frames"
    return f" Centers are moved by the localizer {conditions.localizer}, which learned from {frames}."


def _store_in_words(store: PackedFrames) -> str:
    settings = store.manifest.settings
    return f"{len(store):,} frames of {settings.dataset} {settings.split} (centers: {settings.center_words})"


def departures(study: Study, conditions: Conditions) -> list[str]:
    """Where trials on a store are not the papers' experiments, or begin with other centers."""
    if conditions.train is None or conditions.test is None:
        return []
    train, test = map(PackedFrames.open, (conditions.train, conditions.test))
    found: list[str] = []
    for row in study.rows:
        recipe = experiment_of(study, conditions, row, 1).recipe
        found += [sentence for sentence in (unlike_published(recipe, train),) if sentence and not row.refinement]
        if lender := lender_of_epochs(study, conditions, row):
            found.append(f"{row.name} has the {lender.epochs} epochs of {lender.network} on {lender.data}")
        if published := PUBLISHED.get((recipe.network, train.manifest.settings.dataset)):
            found += [f"{recipe.network} on {recipe.data}: {each}" for each in _changed(recipe, published, conditions)]
    if any(row.refinement for row in study.rows):
        found += [
            f"{study.name}: the paper's rows begin with centers of mass, {store.path} has those of: "
            f"{store.manifest.settings.center_words} (`handkit data pack --centers mass`)"
            for store in (train, test)
            if store.manifest.settings.centers is not CenterSource.MASS
        ]
    return list(dict.fromkeys([*found, *_other_frames(study, train, test)]))


def _changed(recipe: Recipe, published: Recipe, conditions: Conditions) -> Iterator[str]:
    """What options have made of the published experiment."""
    if recipe.batch != published.batch:
        yield f"batches of {recipe.batch} frames, published {published.batch}"
    parts = [each.batch / each.accumulate for each in (recipe, published)]
    if parts[0] != parts[1] and published.accumulate > 1:
        yield f"batch statistics of {parts[0]:g} frames, published {parts[1]:g}"
    sizes = recipe.resolutions[-1][1], published.resolutions[-1][1]
    if sizes[0] != sizes[1]:
        yield f"crops of {sizes[0]} pixels, published {sizes[1]}"
    if conditions.samples is not None:
        yield f"{conditions.samples:,} samples, published {published.epochs} epochs"
    elif recipe.epochs != published.epochs:
        yield f"{recipe.epochs} epochs, published {published.epochs}; learning rates fall at the same shares of them"
    if recipe.precision != published.precision:
        yield f"trained in {recipe.precision}, published {published.precision}"


def _other_frames(study: Study, train: PackedFrames, test: PackedFrames) -> Iterator[str]:
    """Other frames than the papers', and centers that differ between training and test."""
    ours, theirs = train.manifest.settings, test.manifest.settings
    for network in dict.fromkeys(row.network or study.network for row in study.rows):
        split = study.splits.get(ours.dataset) or SPLITS.get((network, ours.dataset))
        if (network, ours.dataset) in PUBLISHED and split not in {None, ours.split}:
            yield f"{network} on {ours.dataset}: published of the split {split}, this store has {ours.split}"
    if ours.dataset != theirs.dataset:
        yield f"trained on {ours.dataset}, measured on {theirs.dataset}"
    if theirs.dataset in {"icvl", "nyu", "hands17"} and theirs.split != "test":
        yield f"measured on {theirs.dataset} {theirs.split}, the papers on its test frames"
    if theirs.dataset == "msra" and not study.folds:
        yield "measured on one split of msra, the papers on every subject left out in turn"
    if ours.centers is not theirs.centers:
        yield f"trained around other centers ({ours.center_words}) than it is measured around ({theirs.center_words})"
