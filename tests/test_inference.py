"""The whole path on rendered pictures with the bundled weights, and each of its answers to bad input."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from handkit import Camera, Cube, DepthImage, HandPoseEstimator
from handkit.errors import HandkitError
from handkit.evaluation import LabeledImage
from handkit.geometry.frame import DepthFrame
from handkit.inference import estimate
from handkit.models.latent_fusion import LatentFusion
from handkit.skeleton import ICVL16
from handkit.training.testset import synthetic_images


@pytest.fixture(scope="module")
def estimator() -> HandPoseEstimator:
    return HandPoseEstimator.from_pretrained()


@pytest.fixture(scope="module")
def pictures() -> list[LabeledImage]:
    return list(synthetic_images(14))


def test_finds_hands_and_their_joints(estimator: HandPoseEstimator, pictures: list[LabeledImage]):
    errors: list[float] = []
    for picture in pictures:
        hands = estimator.predict(picture.depth, picture.camera, handedness=picture.handedness)
        errors += [float(np.linalg.norm(hand.joints_mm - picture.joints, axis=1).mean()) for hand in hands]
    assert len(errors) >= len(pictures) - 1
    assert np.median(errors) < 15


def test_a_hand_looks_like_a_hand(estimator: HandPoseEstimator, pictures: list[LabeledImage]):
    hand = estimator.predict(pictures[0].depth, pictures[0].camera, handedness="right")[0]
    assert hand.joints_mm.shape == (21, 3)
    assert hand.joints_px.shape == (21, 2)
    assert hand.skeleton.name == "hand21"
    assert 0 <= hand.confidence <= 1
    projected = pictures[0].camera.project(hand.joints_mm)
    assert np.allclose(projected, hand.joints_px, atol=1e-3)


def test_the_same_twice(estimator: HandPoseEstimator, pictures: list[LabeledImage]):
    first, second = (estimator.predict(pictures[1].depth, pictures[1].camera)[0] for _ in range(2))
    assert np.array_equal(first.joints_mm, second.joints_mm)


def test_left_in_the_mirror_is_right(estimator: HandPoseEstimator, pictures: list[LabeledImage]):
    """A left hand in a mirrored cube is the right hand of the mirrored image."""
    picture, mirror = pictures[2], pictures[2].mirrored
    flip = torch.tensor([-1.0, 1.0, 1.0])
    center = torch.from_numpy(picture.joints.mean(0))
    frame = DepthFrame.single(torch.from_numpy(picture.depth), picture.camera)
    other = DepthFrame.single(torch.from_numpy(mirror.depth), mirror.camera)
    cube = Cube.around(center[None], edge=280.0)
    left = estimate(estimator.model, frame, cube.views(mirrored=(True,)))
    right = estimate(estimator.model, other, Cube.around((center * flip)[None], edge=280.0))
    # Nearest sampling may round a border pixel the other way.
    assert (left[0] - right[0] * flip).norm(dim=-1).median() < 3.0


def test_rows_of_one_frame_are_the_single_ones(estimator: HandPoseEstimator, pictures: list[LabeledImage]):
    """Hypotheses and rotations of one frame in one call; each is near the others, for the hand is the same."""
    frame = DepthFrame.single(torch.from_numpy(pictures[0].depth), pictures[0].camera)
    cube = Cube.around(torch.from_numpy(pictures[0].joints.mean(0))[None], edge=280.0)
    views = cube.views(mirrored=(False, True), rotations=2)
    together = estimate(estimator.model, frame, views)
    for row in range(4):
        alone = estimate(estimator.model, frame, views[row : row + 1])
        assert torch.allclose(together[row], alone[0], atol=0.05)
    right, turned = together[:2]
    assert (right - turned).norm(dim=-1).median() < 15, "a half turn is undone"


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "no valid depth value"), (5000.0, "between 150 and 1500 mm"), (60.0, "between 150")]
)
def test_nothing_there_says_why(estimator: HandPoseEstimator, value: float, words: str):
    prediction = estimator.run(DepthImage.of(np.full((480, 640), value, np.float32), Camera.named("sr300")))
    assert prediction.hands == []
    assert prediction.reason is not None
    assert words in prediction.reason
    assert set(prediction.timings_ms) == {"locate", "estimate", "total"}


def test_a_wall_is_no_hand(estimator: HandPoseEstimator):
    prediction = estimator.run(DepthImage.of(np.full((480, 640), 700.0, np.float32), Camera.named("sr300")))
    assert prediction.hands == []
    assert prediction.reason


def test_a_hand_cut_by_the_border_is_less_sure(estimator: HandPoseEstimator, pictures: list[LabeledImage]):
    picture = pictures[0]
    whole = estimator.predict(picture.depth, picture.camera, handedness="right")[0]
    cut = int(np.clip(whole.joints_px[:, 0].mean(), 1, picture.camera.width - 1))
    camera = replace(picture.camera, cx=picture.camera.cx - cut, width=picture.camera.width - cut)
    rest = estimator.predict(picture.depth[:, cut:].copy(), camera, handedness="right")
    assert all(hand.confidence < 0.9 * whole.confidence for hand in rest)


def test_a_collapsed_skeleton_is_hardly_believed(
    estimator: HandPoseEstimator, pictures: list[LabeledImage], monkeypatch: pytest.MonkeyPatch
):
    forward, shown = estimator.model.forward, (pictures[0].depth, pictures[0].camera)
    (whole,) = estimator.predict(*shown, handedness="right")
    monkeypatch.setattr(estimator.model, "forward", lambda points: 0.3 * forward(points))
    (collapsed,) = estimator.predict(*shown, handedness="right")
    assert whole.confidence > 0.8
    assert collapsed.confidence < 0.1


def test_other_joints_than_handedness_compares_need_it_given(estimator: HandPoseEstimator):
    other = HandPoseEstimator(
        LatentFusion(ICVL16), estimator.localizer, estimator.handedness, edge_mm=280.0, localizer_edge_mm=400.0
    )
    other.check("left")
    with pytest.raises(HandkitError, match=r"16 joints \(icvl16\).*--handedness"):
        other.check("auto")


WRONG = """
from handkit import HandPoseEstimator
estimator = HandPoseEstimator.from_pretrained()
for call in (lambda: estimator.check("Left"), lambda: HandPoseEstimator.from_pretrained(rotations=3)):
    try:
        call()
    except ValueError as error:
        print(error)
"""


def test_arguments_are_checked_where_they_enter():
    """In a process of its own, without the type checker of the tests."""
    done = subprocess.run([sys.executable, "-c", WRONG], capture_output=True, text=True, check=True)
    handedness, rotations = done.stdout.splitlines()
    assert handedness == "handedness is 'Left'; it must be auto, left or right"
    assert rotations == "rotations is 3; it must be 1, 2 or 4"


def test_many_at_once_with_one_that_is_refused(estimator: HandPoseEstimator, pictures: list[LabeledImage]):
    picture = pictures[0]
    alone = estimator.predict(picture.depth, picture.camera, handedness="right")
    many = estimator.predict_many([picture.depth, picture.depth[:5], picture.depth], picture.camera, handedness="right")
    assert [each.hands for each in many] == [alone, [], alone]
    assert "but the camera is" in str(many[1].reason)
