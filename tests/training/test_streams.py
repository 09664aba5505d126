"""What networks learn from: windows of scenes, crops with their labels, and rows that are left out."""

import dataclasses
import math

import torch

from handkit.camera import Camera
from handkit.geometry.crop import Space
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.models.latent_fusion import LatentFusion
from handkit.models.localizer import Localizer, Location
from handkit.recipes import CONFIDENCE_SYNTHETIC, LATENT_FUSION_SYNTHETIC, LOCALIZER_SYNTHETIC
from handkit.recipes.augment import Augment
from handkit.skeleton import HAND21
from handkit.training.streams import NEAREST_MM, RANDOM_NUMBERS, Hypotheses, HypothesisFrame, SyntheticFrames, hidden
from handkit.training.targets import judged, located_targets, location_targets, pose_targets, relocate, usable

RECIPE = dataclasses.replace(LATENT_FUSION_SYNTHETIC, batch=2)
FRAMES = SyntheticFrames(RECIPE, seed=5, size=2, resolution=48)


def test_location_targets_by_hand():
    """Cubes of 200 mm around 500 mm; hands 50 and 150 mm to the right of their middle; every second row mirrored."""
    camera = Intrinsics.of(Camera(fx=100.0, fy=100.0, cx=15.5, cy=15.5, width=32, height=32))
    depth = (torch.arange(32.0) + 480).expand(4, 32, 32)
    joints = torch.tensor([50.0, 50.0, 150.0, 150.0])[:, None, None] * torch.tensor([1.0, 0.0, 0.0])
    joints = joints.expand(4, 21, 3) + torch.tensor([0.0, 20.0, 500.0])
    cube = Cube.around(torch.tensor([[0.0, 0.0, 500.0]]).expand(4, 3), edge=200.0)
    frame = LabeledFrame(depth, Intrinsics(camera.matrix.expand(4, 3, 3), 32, 32), joints, cube)
    targets = location_targets(frame, 16)
    expected = torch.tensor([[0.5, 0.2, 0.0], [-0.5, 0.2, 0.0], [1.5, 0.2, 0.0], [-1.5, 0.2, 0.0]])
    torch.testing.assert_close(targets["offset"], expected)
    assert targets["hand"].tolist() == [True, True, False, False]
    plain, mirrored = targets["points"][:2]
    torch.testing.assert_close(mirrored[2], plain[2].flip(-1))
    torch.testing.assert_close(mirrored[0], plain[0])
    assert not torch.equal(plain[2], plain[2].flip(-1))


def test_pose_targets_are_the_crop_s():
    frame, model = FRAMES[0], LatentFusion(HAND21, resolution=32)
    targets = pose_targets(model)(frame, 24)
    assert targets["points"].shape == (2, 3, 24, 24)
    assert targets["joints"].shape == (2, 21, 3)
    assert model.space is Space.IMAGE
    assert (targets["joints"].mean(1).abs() < 0.6).all(), "the cube is around the hand"


def test_batches_depend_on_seed_and_number_alone():
    again = SyntheticFrames(RECIPE, seed=5, size=2, resolution=48)
    assert again[3].depth.numpy().tobytes() == FRAMES[3].depth.numpy().tobytes()
    assert again[3].depth.numpy().tobytes() != FRAMES[4].depth.numpy().tobytes()
    other = SyntheticFrames(RECIPE, seed=6, size=2, resolution=48)
    assert other[3].depth.numpy().tobytes() != FRAMES[3].depth.numpy().tobytes()


def test_a_localizer_sees_places_without_hands():
    recipe = dataclasses.replace(LOCALIZER_SYNTHETIC, negatives=0.5, augment=Augment())
    frame = SyntheticFrames(recipe, seed=0, size=60, resolution=32)[0]
    hand = location_targets(frame, 16)["hand"]
    assert 0.4 < float(hand.float().mean()) < 0.8
    taken_out = frame.joints[:, 0, 2] > 5000
    assert 0.1 < float(taken_out.float().mean()) < 0.4
    assert not hand[taken_out].any()
    assert (frame.cube.center[:, 2] >= 150).all()


def test_rows_to_learn_from():
    model = LatentFusion(HAND21, resolution=32)
    frame = SyntheticFrames(RECIPE, seed=5, size=6, resolution=48)[0]
    frame.joints[1:3, 3, 1] = torch.nan
    frame.depth[5] = 0
    targets = pose_targets(model)(frame, 32)
    assert usable(targets).tolist() == [True, False, False, True, True, False]
    targets["points"][0, 2, 7, 7] = torch.inf
    assert usable(targets).tolist() == [False, False, False, True, True, False]
    nothing = {"points": torch.ones(2, 3, 4, 4), "offset": torch.zeros(2, 3), "hand": torch.tensor([True, False])}
    assert usable(nothing).tolist() == [False, True], "an empty crop may show that there is no hand"


def test_depth_values_that_are_no_numbers_are_invalid():
    frame = FRAMES[0]
    holes = frame.depth.clone()
    holes[:, ::7, ::5] = torch.nan
    holes[:, 1::7, ::5] = torch.inf
    model = LatentFusion(HAND21, resolution=32)
    targets = pose_targets(model)(dataclasses.replace(frame, depth=holes), 32)
    assert usable(targets).all()
    without = dataclasses.replace(frame, depth=holes.nan_to_num(0, posinf=0))
    assert torch.equal(targets["points"], pose_targets(model)(without, 32)["points"])


def test_rolled_cubes_have_corners():
    """Windows of rolled cubes are as wide as the diagonal: no corner of a crop is cut off for lack of pixels."""
    recipe = dataclasses.replace(RECIPE, augment=Augment(roll=math.pi))
    frame = SyntheticFrames(recipe, seed=1, size=4, resolution=48)[0]
    assert frame.depth.shape == (4, 68, 68)
    corners = torch.tensor([[-1.0, -1, 0], [-1, 1, 0], [1, -1, 0], [1, 1, 0]]).expand(4, 4, 3)
    pixels = frame.camera.project(frame.cube.denormalize(corners))
    assert pixels.min() > -0.6
    assert pixels.max() < 67.6


class Finder(Localizer):
    """A localizer that sees the hand 50 mm to the right of every cube's center of 400 mm."""

    def forward(self, points):
        return Location(points.new_tensor([[0.25, 0.0, 0.0]]).expand(len(points), 3), points.new_zeros(len(points)))


def test_a_localizer_s_place_in_training():
    frame = FRAMES[0]
    moved = relocate(frame, Finder(hidden=1), edge_mm=400.0).cube
    torch.testing.assert_close(moved.center - frame.cube.center, torch.tensor([[50.0, 0.0, 0.0]]).expand(2, 3))
    assert torch.equal(moved.edges, frame.cube.edges)
    model = LatentFusion(HAND21, resolution=32)
    targets = located_targets(pose_targets(model), Finder(hidden=1), 400.0)(frame, 32)
    expected = pose_targets(model)(dataclasses.replace(frame, cube=moved), 32)
    assert torch.equal(targets["joints"], expected["joints"])
    assert model.loss(**targets)["fused"].requires_grad


def test_what_is_true_of_a_hypothesis_by_hand():
    """A right hand at x = 0 and a left one at x = 80; cubes at 0, 0 mirrored, 80 mirrored, and 400 mm away."""
    first = torch.tensor([0.0, 0.0, 500.0]).expand(4, 21, 3)
    hands = torch.stack([first, first + torch.tensor([80.0, 0.0, 0.0])], dim=1)
    left = torch.tensor([[False, True]]).expand(4, 2)
    center = torch.tensor([[0.0, 0, 500], [0, 0, 500], [80, 0, 500], [400, 0, 500]])
    cube = dataclasses.replace(Cube.around(center, edge=280.0), mirrored=torch.tensor([False, True, True, False]))
    camera = Intrinsics(torch.eye(3).expand(4, 3, 3), 8, 8)
    frame = HypothesisFrame(
        torch.zeros(4, 8, 8), camera, first, cube, hands=hands, left=left, present=torch.ones(4, 2, dtype=torch.bool)
    )
    answer = hands[torch.arange(4), torch.tensor([0, 0, 1, 0])] + torch.tensor([3.0, 4.0, 0.0])
    answer[3] += 1000
    judged_rows = judged(frame, answer)
    assert judged_rows["hand"].tolist() == [True, True, True, False]
    assert judged_rows["right"][:3].tolist() == [True, False, True]
    torch.testing.assert_close(judged_rows["errors_mm"][:, 0], torch.tensor([5.0, 5.0, 5.0, 200.0]))


def test_hypotheses_of_every_kind():
    frame = Hypotheses(CONFIDENCE_SYNTHETIC, seed=2, size=256, resolution=32)[0]
    truth = judged(frame, frame.cube.center[:, None].expand(256, 21, 3))
    assert 0.4 < float(truth["hand"].float().mean()) < 0.9
    assert 0.7 < float(truth["right"][truth["hand"]].float().mean()) < 1  # second hands may be left ones
    assert frame[1:3].to("cpu").hands.shape == (2, 2, 21, 3)


def test_what_hides_a_part_of_a_window():
    """In a share of the windows; never behind what is there, 25 to 200 mm and a tilt before the cube, or unmeasured."""
    center = torch.linspace(200, 1500, 64)
    depth = torch.where(torch.arange(32) < 16, center[:, None, None], 0.0).expand(64, 32, 32)
    chance = torch.rand(64, RANDOM_NUMBERS, generator=torch.Generator().manual_seed(0))
    assert torch.equal(hidden(depth, center, chance, share=0.0), depth)
    found = hidden(depth, center, chance, share=0.5)
    changed = (found != depth).flatten(1).any(1)
    assert not (changed & (chance[:, 0] >= 0.5)).any()
    assert int(changed.sum()) >= 0.8 * int((chance[:, 0] < 0.5).sum())
    covered = (found != depth) & (found > 0)
    distance = (center[:, None, None] - found)[covered]
    assert float(distance.min()) >= 9.9
    assert float(distance.max()) < 240
    assert float(found[covered].min()) >= NEAREST_MM / 2
    parts = ((found != depth) & (depth > 0)).flatten(1).float().mean(1)[changed] / 0.5
    assert 0.3 < float(parts.mean()) < 0.7
