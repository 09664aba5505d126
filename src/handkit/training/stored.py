"""A packed store as a stream of training batches, and a network's answers for every frame of it.

Cubes stand where the store has them, with the edges of the recipe: one store serves every method whose cubes fit into
its patches.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor
from torch.utils.data import Dataset

from handkit.errors import StoreError
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.graph import LocalizerGraph, estimate
from handkit.models import HandPoseModel
from handkit.recipes import CenterSource, Recipe
from handkit.recipes.augment import jitter
from handkit.store.store import PackedFrames
from handkit.training.streams import WHOLE, Share
from handkit.training.targets import relocate

TEST_BATCH = 64
TRIALS = 4096
"""Jittered cubes that are drawn to see how far a recipe reaches."""


@dataclass(frozen=True, eq=False)
class StoredFrames(Dataset[LabeledFrame]):
    """Endless batches from some rows of a store; item `i` depends on `seed` and `i` alone.

    Every epoch takes each row once, in an order of its own; a batch may begin in one epoch and end in the next.
    """

    store: PackedFrames
    recipe: Recipe
    rows: Int[np.ndarray, " N"]
    seed: int
    size: int
    share: Share = WHOLE

    def __getitem__(self, index: int) -> LabeledFrame:
        rows = self._chosen(index)
        centers = torch.from_numpy(self.store.rows["center"][rows])
        cube = Cube.around(centers, edge=cube_edges(self.store, rows, self.recipe, test=False))
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        mine = self.share.rows(self.size)
        cube = jitter(cube, self.recipe.augment, generator)[mine]
        return replace(self.store.batch(rows[mine]), cube=cube)

    def _chosen(self, index: int) -> Int[np.ndarray, " B"]:
        """Rows of one batch."""
        count = len(self.rows)
        places = np.arange(index * self.size, (index + 1) * self.size)
        epochs, places = places // count, places % count
        chosen = [_order(self.seed, int(epoch), count)[places[epochs == epoch]] for epoch in np.unique(epochs)]
        return self.rows[np.concatenate(chosen)]


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> Int[np.ndarray, " N"]:
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(count, generator=generator).numpy()


def rows_to_learn(store: PackedFrames, *, without: str | None = None) -> Int[np.ndarray, " N"]:
    """Rows with a patch, a whole label and no known fault, but those of one subject.

    Raises StoreError where there is no row left, or `without` is nobody's name.
    """
    rows = store.rows
    fit = rows["valid"] & ~rows["faulty"] & np.isfinite(rows["joints"]).all(axis=(1, 2))
    if without is not None:
        fit &= ~of_subject(store, without)
    if not fit.any():
        raise StoreError(f"{store.path} has no labeled frame to train on")
    return np.flatnonzero(fit)


def of_subject(store: PackedFrames, subject: str) -> Bool[np.ndarray, " N"]:
    """Rows that show this subject's hand; raises StoreError that lists who is in the store."""
    mine = np.asarray(store.rows["subject"] == subject.encode())
    if not mine.any():
        known = ", ".join(sorted(name.decode() for name in np.unique(store.rows["subject"])))
        raise StoreError(f"{store.path} has no frames of {subject}; it has {known}")
    return mine


def cube_edges(store: PackedFrames, rows: Int[np.ndarray, " B"], recipe: Recipe, *, test: bool) -> Float[Tensor, "B 3"]:
    """Edges of the recipe's cubes in mm: at test another one perhaps, and by subject where the recipe has it so."""
    rule = recipe.test_cube if test and recipe.test_cube else recipe.cube
    return torch.tensor([rule.of(subject.decode()) for subject in store.rows["subject"][rows]], dtype=torch.float32)


def check_reach(store: PackedFrames, recipe: Recipe) -> None:
    """Raise StoreError where the recipe's cubes, moved and turned, need more than the patches of the store hold."""
    cube = Cube.around(torch.zeros(TRIALS, 3), edge=recipe.cube.largest)
    moved = jitter(cube, recipe.augment, torch.Generator().manual_seed(0))
    half = moved.edges / 2
    cos, sin = moved.roll.cos().abs(), moved.roll.sin().abs()
    across = torch.stack([cos * half[:, 0] + sin * half[:, 1], sin * half[:, 0] + cos * half[:, 1], half[:, 2]], dim=1)
    needed = float((moved.center.abs() + across).max())
    edges = store.rows["edges"][: TRIALS * 16]
    held = float(np.nanmin(edges, initial=np.inf)) * store.manifest.settings.margin / 2
    if needed > held:
        raise StoreError(
            f"the cubes of this recipe reach {needed:.0f} mm from their centers, the patches of {store.path} "
            f"{held:.0f} mm: pack with --margin {np.ceil(store.manifest.settings.margin * needed / held * 20) / 20:g}"
        )


def check_center(store: PackedFrames, center: CenterSource | None, *, testing: Int[np.ndarray, " N"]) -> None:
    """Raise StoreError where this store has no such centers, or has them from the labels that are to be found."""
    settings = store.manifest.settings
    if center is CenterSource.MEAN and not np.isfinite(store.rows["joints"][testing]).all(axis=(1, 2)).any():
        raise StoreError(f"{store.path} has no labels to put cubes on; use the packed centers or the localizer")
    if center is CenterSource.REFINED and settings.centers is not CenterSource.REFINED:
        raise StoreError(
            f"{store.path} was packed with centers from {settings.center_words}; "
            "pack with --centers FILE for refined ones"
        )
    if center is CenterSource.LOCALIZER and settings.centers.of_labels:
        other = "a center file" if settings.centers is CenterSource.BOX_MASS else "--centers mass or a center file"
        raise StoreError(
            f"{store.path} was packed around its labels, which tells the localizer where the hand is: pack with {other}"
        )


@torch.inference_mode()
def predict(
    model: HandPoseModel,
    store: PackedFrames,
    recipe: Recipe,
    *,
    rows: Int[np.ndarray, " N"],
    center: CenterSource | None = None,
    finder: LocalizerGraph | None = None,
    device: torch.device | str = "cpu",
) -> Float32[np.ndarray, "F J 3"]:
    """Camera mm of the store's joints for every frame of the store; NaN in those that are not in `rows` or no patch.

    Cubes stand as they were packed; with `center` on the mean of the labels (MEAN), or where the finder sees the hand.
    Raises StoreError where the network answers other joints, or as `check_center`.
    """
    center = center or (CenterSource.LOCALIZER if finder else None)
    check_center(store, center, testing=rows)
    try:
        order = list(store.skeleton.indices_in(model.skeleton))
    except ValueError as error:
        raise StoreError(f"the network does not answer the joints of {store.path}: {error}") from None
    answers = np.full((len(store), len(store.skeleton), 3), np.nan, np.float32)
    rows = rows[store.rows["valid"][rows]]
    for chosen in np.array_split(rows, max(1, -(-len(rows) // TEST_BATCH))):
        if not len(chosen):
            continue
        frame = in_test_cubes(store, chosen, recipe, center=center).to(device)
        if finder:
            frame = relocate(frame, finder.localizer, edge_mm=finder.edge_mm)
        answers[chosen] = estimate(model, frame, frame.cube)[:, order].float().cpu().numpy()
    return answers


def in_test_cubes(
    store: PackedFrames, rows: Int[np.ndarray, " B"], recipe: Recipe, *, center: CenterSource | None
) -> LabeledFrame:
    """Frames with the cubes that they are measured with, before any localizer; raises StoreError."""
    frame = store.batch(rows)
    cube = replace(frame.cube, edges=cube_edges(store, rows, recipe, test=True))
    return replace(frame, cube=replace(cube, center=frame.joints.mean(1)) if center is CenterSource.MEAN else cube)
