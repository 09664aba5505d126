"""The experiments that the rows of a paper's table become under the conditions of all trials.

Everything that makes a trial what it is has its place in its key, the frames of a store and the source of a user's own
network among it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch

from handkit.asked import check_seed
from handkit.errors import UsageError
from handkit.hub import find_weights
from handkit.models import HandPoseModel, readout_of
from handkit.models.arguments import add_network
from handkit.models.checkpoint import read_info
from handkit.models.network import check_answer
from handkit.recipes import PUBLISHED, SRN_TABLE_1, CenterSource, Recipe
from handkit.recipes.recipe import PRECISIONS
from handkit.skeleton import HAND21, Skeleton
from handkit.store.store import PackedFrames
from handkit.studies.conditions import Conditions
from handkit.studies.measuring import read_real
from handkit.studies.table import Row, Study
from handkit.synthetic.scenes import EDITION
from handkit.training.adapt import make_experiment
from handkit.training.answers import folds_of
from handkit.training.experiment import LOCALIZER, Experiment
from handkit.training.folds import check_test
from handkit.training.processes import Machine, started
from handkit.training.seen import index_crc32, refuse_test_split

SYNTHETIC_RESOLUTION = 96
"""Of all crops of a study of rendered frames, if none is asked for: a multiple of 32 suits every network."""


def dataset_of(conditions: Conditions) -> str:
    """Whose frames are measured on; raises StoreError."""
    return PackedFrames.open(conditions.test).manifest.settings.dataset if conditions.test else "synthetic"


def skeleton_of(conditions: Conditions) -> Skeleton:
    """Of what is measured; raises StoreError."""
    return PackedFrames.open(conditions.test).skeleton if conditions.test else HAND21


def find_study(name: str, studies: Mapping[str, Study]) -> Study:
    """By its name; raises UsageError that suggests the nearest."""
    if name in studies:
        return studies[name]
    near = get_close_matches(name, studies, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"there is no study {name!r}; {hint}known: {', '.join(studies)}")


def with_rows(study: Study, names: Sequence[str]) -> Study:
    """The study with these rows alone, in the order of `names`; all of them without names. Raises UsageError.

    Rows that build on one another keep the paper's order.
    """
    known = [row.name for row in study.rows]
    if strange := [name for name in names if name not in known]:
        raise UsageError(f"{study.name} has no row {strange[0]!r}; it has {', '.join(map(repr, known))}")
    if not names:
        return study
    order = [name for name in known if name in names] if study.cumulative else dict.fromkeys(names)
    return replace(study, rows=tuple(study.rows[known.index(name)] for name in order))


def with_own(study: Study, conditions: Conditions) -> Study:
    """The study with the user's own network, if there is one, as its last row; raises HandkitError."""
    if conditions.own is None:
        return study
    name = add_network(conditions.own)
    return replace(study, rows=(*study.rows, own_row(name, conditions.own, network=name)))


def own_row(name: str, own: str, *, network: str, arguments: Mapping[str, Any] | None = None) -> Row:
    """Of a network of the user's own, `FILE.py:CLASS`, which `add_network` has made known."""
    source = hashlib.sha256(Path(own.rpartition(":")[0]).read_bytes()).hexdigest()
    return Row(name, arguments or {}, network=network, own=own, source=source)


def check_study(study: Study, conditions: Conditions) -> None:
    """Raise HandkitError where its trials cannot begin."""
    if started() != (1, 1):
        raise UsageError("no training of a study is shared by several processes; leave torchrun out, and give --jobs N")
    if (conditions.train is None) != (conditions.test is None):
        raise UsageError("a study of packed frames needs both: --data TRAIN and --test TEST")
    if conditions.train is None and conditions.samples is None:
        raise UsageError("a study of synthetic frames needs a budget: --samples N")
    if conditions.train is None and study.folds:
        raise UsageError(f"{study.name} leaves subjects out in turn; give --data STORE --test STORE, the same store")
    if conditions.localizer != LOCALIZER and not any(row.located for row in study.rows):
        raise UsageError(f"--localizer {conditions.localizer}: no row of {study.name} has its centers moved")
    _check_numbers(conditions)
    read_real(conditions.real)
    for row in study.rows:
        _check_row(row, experiment_of(study, conditions, row, 1), samples=conditions.samples)
    if conditions.train and conditions.test:
        _check_stores(study, conditions, PackedFrames.open(conditions.train), PackedFrames.open(conditions.test))


def _check_row(row: Row, experiment: Experiment, *, samples: int | None) -> None:
    """Raises UsageError where it has no budget, makes no network, or one of the user's own answers no joints."""
    if samples is not None:
        experiment.budget(samples=samples)
    elif experiment.recipe.epochs is None:
        raise UsageError(
            f"{experiment.recipe.network} has no published experiment on {experiment.recipe.data}, whose epochs "
            "would be its budget; give --epochs N or --samples N"
        )
    with torch.device("cpu" if row.source else "meta"):
        model = experiment.network()
    if row.source and isinstance(model, HandPoseModel):
        check_answer(model)


def _check_stores(study: Study, conditions: Conditions, train: PackedFrames, test: PackedFrames) -> None:
    """Raises StoreError where the frames are too few, not of one data set, or the test's are trained on."""
    if study.folds:
        if train.path.resolve() != test.path.resolve():
            raise UsageError(f"{study.name} leaves subjects of one store out in turn; give --data and --test the same")
        folds_of(train)
        return
    refuse_test_split(train, remedy="")
    for row in study.rows:
        experiment = replace(experiment_of(study, conditions, row, 1), test=test)
        experiment.frames()
        check_test(experiment)


def _check_numbers(conditions: Conditions) -> None:
    if conditions.batch is not None and conditions.batch < 2:
        raise UsageError(f"--batch {conditions.batch}: batch statistics need at least 2 frames")
    Machine(threads=conditions.threads, workers=conditions.workers)  # raises UsageError
    for seed in conditions.seeds:
        check_seed(seed)
    if len(set(conditions.seeds)) < len(conditions.seeds):
        raise UsageError(f"--seeds {' '.join(map(str, conditions.seeds))}: give each once, for a seed is one training")
    if conditions.epochs is not None and conditions.train is None:
        raise UsageError(f"--epochs {conditions.epochs}: rendered frames have no epochs; give --samples N")
    if conditions.epochs is not None and conditions.epochs < 1:
        raise UsageError(f"--epochs {conditions.epochs}: give at least 1, or none for the published number")
    counts = {"crops": conditions.crops, "jobs": conditions.jobs, "seeds": len(conditions.seeds)}
    for name, given in counts.items():
        if given < 1:
            raise UsageError(f"a study needs at least 1 of --{name}")


def experiment_of(study: Study, conditions: Conditions, row: Row, seed: int) -> Experiment:
    """What a row with a seed trains; raises HandkitError."""
    store = PackedFrames.open(conditions.train) if conditions.train else None
    lender = lender_of_epochs(study, conditions, row)
    rendered = conditions.resolution if conditions.resolution is not None else SYNTHETIC_RESOLUTION
    return make_experiment(
        row.network or study.network,
        store=store,
        arguments=row.arguments,
        resolution=conditions.resolution if store else rendered,
        refinement=row.refinement,
        augmented=row.augmented,
        epochs=conditions.epochs or (lender.epochs if lender else None),
        batch=conditions.batch,
        precision=PRECISIONS[conditions.precision] if conditions.precision else None,
        learning_rate=SRN_TABLE_1[row.experiment].learning_rate if store and row.experiment else None,
        localizer=conditions.localizer if row.located else LOCALIZER,
        seed=seed,
        allow_test=True,  # `_check_stores` refuses it
    )


def lender_of_epochs(study: Study, conditions: Conditions, row: Row) -> Recipe | None:
    """The published experiment whose epochs are those of a user's own network, where no budget is given.

    That of the study's network, else the first on this data set.
    """
    if row.source is None or conditions.train is None or conditions.epochs or conditions.samples:
        return None
    dataset = PackedFrames.open(conditions.train).manifest.settings.dataset
    others = (recipe for (_, data), recipe in PUBLISHED.items() if data == dataset)
    return PUBLISHED.get((study.network, dataset)) or next(others, None)


def trained_recipe(recipe: Recipe) -> Recipe:
    """The same without what makes a difference only when it is measured."""
    readout = readout_of(recipe.network)
    arguments = {name: value for name, value in recipe.arguments.items() if name not in readout}
    return replace(recipe, arguments=arguments, test_center=None)


def training_key(study: Study, conditions: Conditions, row: Row, seed: int) -> str:
    """The same for all trials that share a training, and for no others."""
    experiment = experiment_of(study, conditions, row, seed)
    recipe = trained_recipe(experiment.recipe)
    parts = [recipe.to_json(), seed, conditions.samples, _contents(conditions.train), row.source, study.folds]
    located = [_weights(experiment.localizer)] if recipe.center is CenterSource.LOCALIZER else []
    return _digest([*parts, *located])[:12]


def trial_key(study: Study, conditions: Conditions, row: Row, seed: int) -> str:
    """Of everything that makes the trial what it is: how it is trained, read out, and measured on what."""
    experiment = experiment_of(study, conditions, row, seed)
    frames = [_contents(conditions.test), conditions.crops, *map(_files, conditions.real)]
    located = [_weights(experiment.localizer)] if experiment.refined_at_test else []
    parts = [training_key(study, conditions, row, seed), experiment.recipe.to_json(), *frames, *located]
    return _digest(parts)[:8]


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()


def _contents(store: Path | None) -> str:
    """Of a store not its path but what it holds, of rendered frames the world's edition: other frames, other trials."""
    return index_crc32(PackedFrames.open(store)) if store else f"world {EDITION}"


def _weights(name: str) -> int:
    """Of a weights file what it holds."""
    return read_info(find_weights(name)).crc32


def _files(folder: Path) -> str:
    """Name of a folder, and what its files hold."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return folder.name + _digest([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
