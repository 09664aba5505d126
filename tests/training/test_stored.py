"""Batches from a store and answers for every frame of it, on small data sets in memory."""

import dataclasses

import numpy as np
import pytest
import torch
from store.recorded import Recorded, packing_of

from handkit.errors import StoreError
from handkit.geometry.crop import Space
from handkit.graph import LocalizerGraph
from handkit.models.localizer import Localizer, Location
from handkit.models.network import HandPoseModel
from handkit.recipes import PUBLISHED, CenterSource
from handkit.recipes.augment import Augment
from handkit.recipes.cubes import CubeRule, cube
from handkit.skeleton import HAND21, HANDS17, ICVL16
from handkit.store.packing import pack
from handkit.store.store import PackedFrames
from handkit.training.stored import (
    StoredFrames,
    check_center,
    check_reach,
    cube_edges,
    of_subject,
    predict,
    rows_to_learn,
)

RECIPE = dataclasses.replace(PUBLISHED["srn", "msra"], batch=4)
COUNT = 13
LABELLED = [0, 1, 3, 4, 6, 7, 8, 9, 10, 11, 12]
"""Frame 2 has no picture, frame 5 is known to be wrong."""


class Middle(HandPoseModel):
    """Answers the middle of the cube, for every joint."""

    space, resolution = Space.CUBE, 24

    def __init__(self, skeleton):
        super().__init__()
        self.skeleton = skeleton

    def forward(self, points):
        return points.new_zeros(len(points), len(self.skeleton), 3)

    def loss(self, points, joints):
        return {"joints": (self(points) - joints).square().mean()}


class Shifting(Localizer):
    """Answers a tenth of the cube's half edge to the right."""

    def forward(self, points):
        return Location(points.new_tensor([0.1, 0.0, 0.0]).expand(len(points), 3), points.new_zeros(len(points)))


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> PackedFrames:
    path = tmp_path_factory.mktemp("stored") / "store"
    pack(packing_of(Recorded(COUNT, damaged=(2,), suspect=(5,)), centers=CenterSource.MASS, cube="250 mm"), path)
    return PackedFrames.open(path)


def stream(store, *, seed=1, size=4, **recipe) -> StoredFrames:
    return StoredFrames(store, dataclasses.replace(RECIPE, **recipe), rows_to_learn(store), seed, size)


def test_rows_to_learn(store):
    assert rows_to_learn(store).tolist() == LABELLED
    assert rows_to_learn(store, without="P1").tolist() == [row for row in LABELLED if row % 3 != 1]
    assert np.flatnonzero(of_subject(store, "P2")).tolist() == [2, 5, 8, 11]
    with pytest.raises(StoreError, match="has no frames of P7; it has P0, P1, P2"):
        rows_to_learn(store, without="P7")


def test_an_epoch_takes_every_row_once_in_an_order_of_its_own(store):
    frames = stream(store, size=3)
    rows = np.concatenate([frames._chosen(index) for index in range(11)])
    epochs = rows.reshape(3, 11)
    assert (np.sort(epochs, axis=1) == LABELLED).all()
    assert len(np.unique(epochs, axis=0)) == 3
    assert len(stream(store, size=30)._chosen(0)) == 30, "a batch of more rows than there are"


def parts(frame):
    return frame.cube.center, frame.joints


def test_batches_depend_on_seed_and_number_alone(store):
    one, again, other = stream(store)[7], stream(store)[7], stream(store, seed=2)[7]
    assert torch.equal(one.depth, again.depth)
    assert torch.equal(parts(one)[0], parts(again)[0])
    assert not torch.equal(parts(one)[0], parts(other)[0])


def test_augmentation_moves_the_cube_and_not_the_joints(store):
    frames = stream(store, augment=Augment(center_mm=20.0))
    (center, joints), rows = parts(frames[0]), frames._chosen(0)
    assert torch.equal(joints, torch.from_numpy(store.rows["joints"][rows]))
    assert (center - torch.from_numpy(store.rows["center"][rows])).abs().max() > 1
    still, _ = parts(stream(store, augment=Augment())[0])
    assert torch.equal(still, torch.from_numpy(store.rows["center"][rows]))


def test_edges_are_the_recipe_s(store):
    """Subjects P0 to P2 of SRN on MSRA15: 200 mm; CrossInfoNet on NYU: another edge at test."""
    rows = np.arange(4)
    assert cube_edges(store, rows, RECIPE, test=False).tolist() == [[200.0] * 3] * 4
    by_subject = dataclasses.replace(
        RECIPE, cube=CubeRule(cube(180.0).edges, {"P0": cube(150.0).edges, "P1": cube(160.0).edges})
    )
    assert cube_edges(store, rows, by_subject, test=True)[:, 0].tolist() == [150.0, 160.0, 180.0, 150.0]
    nyu = PUBLISHED["crossinfonet", "nyu"]
    assert cube_edges(store, rows, nyu, test=False)[0, 0] == 275.0
    assert cube_edges(store, rows, nyu, test=True)[0, 0] == 250.0


def test_the_second_hand_of_nyu_has_smaller_cubes_at_test(tmp_path):
    class Nyu(Recorded):
        def record(self, index):
            return dataclasses.replace(super().record(index), subject=str(1 + index % 2))

    pack(packing_of(Nyu(2), dataset="nyu"), tmp_path / "store")
    store, recipe = PackedFrames.open(tmp_path / "store"), PUBLISHED["srn", "nyu"]
    assert cube_edges(store, np.arange(2), recipe, test=True)[:, 0].tolist() == pytest.approx([250.0, 250 * 5 / 6])
    assert cube_edges(store, np.arange(2), recipe, test=False)[:, 0].tolist() == [250.0, 250.0]


def test_cubes_that_reach_beyond_the_patches_are_refused(store):
    """Patches reach 200 / 2 * 1.75 = 175 mm; turned by 45 degrees, a cube of 200 mm reaches 141, one of 260 mm 184."""
    check_reach(store, dataclasses.replace(RECIPE, cube=cube(200.0)))
    with pytest.raises(StoreError, match=r"reach 184 mm .* 175 mm: pack with --margin 1\.85"):
        check_reach(store, dataclasses.replace(RECIPE, cube=cube(260.0)))


@pytest.mark.parametrize("skeleton", [HAND21, HANDS17])
def test_answers_for_every_frame(store, skeleton):
    """In the store's joints, by name; the middle of the cube is its center; NaN where nothing was asked or is there."""
    rows = np.arange(1, COUNT)
    answers = predict(Middle(skeleton), store, RECIPE, rows=rows)
    assert answers.shape == (COUNT, 21, 3)
    assert np.flatnonzero(np.isnan(answers).any(axis=(1, 2))).tolist() == [0, 2]
    asked = [row for row in rows if row != 2]
    np.testing.assert_allclose(answers[asked], np.repeat(store.rows["center"][asked][:, None], 21, 1), atol=1e-3)


def test_cubes_at_test(store):
    rows = np.array(LABELLED)
    truth = predict(Middle(HAND21), store, RECIPE, rows=rows, center=CenterSource.MEAN)[rows]
    np.testing.assert_allclose(truth[:, 0], store.rows["joints"][rows].mean(1), atol=1e-3)
    finder = LocalizerGraph(Shifting(hidden=2), edge_mm=300.0)
    located = predict(Middle(HAND21), store, RECIPE, rows=rows, center=CenterSource.LOCALIZER, finder=finder)[rows]
    np.testing.assert_allclose(located[:, 0] - store.rows["center"][rows], [[15.0, 0, 0]] * len(rows), atol=1e-3)


def test_centers_that_a_store_does_not_have(store, tmp_path):
    with pytest.raises(StoreError, match="was packed with centers from center of mass; pack with --centers FILE"):
        check_center(store, CenterSource.REFINED, testing=np.arange(3))
    pack(packing_of(Recorded(2), centers=CenterSource.MEAN), tmp_path / "labels")
    with pytest.raises(StoreError, match="was packed around its labels"):
        check_center(PackedFrames.open(tmp_path / "labels"), CenterSource.LOCALIZER, testing=np.arange(2))
    pack(packing_of(Recorded(2, labeled=False), centers=CenterSource.MASS), tmp_path / "unlabeled")
    unlabeled = PackedFrames.open(tmp_path / "unlabeled")
    with pytest.raises(StoreError, match="has no labels to put cubes on"):
        check_center(unlabeled, CenterSource.MEAN, testing=np.arange(2))
    with pytest.raises(StoreError, match="has no labeled frame to train on"):
        rows_to_learn(unlabeled)
    assert np.isfinite(predict(Middle(HAND21), unlabeled, RECIPE, rows=np.arange(2))).all()


def test_a_network_of_other_joints_is_refused(store):
    with pytest.raises(StoreError, match=r"does not answer the joints of .*icvl16 has no joint for wrist"):
        predict(Middle(ICVL16), store, RECIPE, rows=np.arange(3))
