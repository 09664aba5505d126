"""The decision by hand: a backend that knows the truth stands in for the networks."""

import subprocess
import sys
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from fake_backend import FakeBackend, TrueHand, hand

from handkit import Camera, DepthImage, HandPoseEstimator
from handkit.asked import Asked
from handkit.backends.backend import Backend
from handkit.errors import UsageError
from handkit.skeleton import ICVL16

CAMERA = Camera.named("sr300")
RIGHT, LEFT = hand((-80, 0, 500)), hand((90, 10, 520), left=True, good=0.8)


SPECK = np.where(np.arange(CAMERA.width) == 300, 600.0, 2500.0) * np.ones((CAMERA.height, 1))
"""A wall, and a line of pixels before it."""


def image(camera: Camera = CAMERA, value: float = 510.0) -> DepthImage:
    """A wall where the hands are, for there must be some surface; `propose` looks at it too."""
    return DepthImage.of(np.full((camera.height, camera.width), value, np.float32), camera)


def estimator(*hands: TrueHand, rotations: Literal[1, 2] = 1, **changes) -> HandPoseEstimator:
    return HandPoseEstimator(FakeBackend(CAMERA, hands, **changes), rotations=rotations)


def test_the_stand_in_is_a_backend():
    assert isinstance(FakeBackend(CAMERA, []), Backend)


def test_one_hand_as_it_is():
    prediction = estimator(RIGHT).run(image())
    (pose,) = prediction.hands
    assert np.allclose(pose.joints_mm, RIGHT.joints, atol=1e-3)
    assert np.allclose(pose.joints_px, CAMERA.project(RIGHT.joints), atol=1e-3)
    assert (pose.handedness, pose.skeleton.name, prediction.reason) == ("right", "hand21", None)
    assert pose.uncertainty_mm.tolist() == [5.0] * 21
    assert pose.handedness_probability == 0.95
    assert pose.confidence == pytest.approx(0.9 * 0.95), "good, and of that handedness"
    assert set(prediction.timings_ms) == {"locate", "estimate", "total"}


def test_given_handedness_is_not_doubted_in_the_confidence():
    (pose,) = estimator(RIGHT).predict(image().depth, CAMERA, handedness="right")
    assert (pose.confidence, pose.handedness_probability) == (0.9, 1.0)


def test_a_given_handedness_is_doubted_where_the_other_one_is_likelier():
    """Of a hand that is a left one with a probability of 0.8, well seen as either."""
    hands = estimator(LEFT._replace(good=0.9, as_other=0.9, sure=0.8))
    (wrong,) = hands.run(image(), handedness="right", minimum_confidence=0.0).hands
    assert (wrong.confidence, wrong.handedness_probability) == (pytest.approx(0.9 * 2 * 0.2, abs=1e-3), 1.0)
    assert hands.run(image(), handedness="right").hands == []
    (right,) = hands.run(image(), handedness="left").hands
    assert right.confidence == pytest.approx(0.9, abs=1e-3)


def test_two_hands_the_surer_first():
    found = estimator(LEFT, RIGHT).run(image()).hands
    assert [pose.handedness for pose in found] == ["right", "left"]
    assert np.allclose(found[1].joints_mm, LEFT.joints, atol=1e-3)
    assert [pose.handedness for pose in estimator(LEFT, RIGHT).run(image(), hands=1).hands] == ["right"]


def test_hands_that_touch_are_two():
    near = hand((-40, 0, 510), left=True)
    assert {pose.handedness for pose in estimator(RIGHT, near).run(image()).hands} == {"left", "right"}


def test_two_peaks_of_one_hand_are_one():
    again = RIGHT._replace(joints=RIGHT.joints + np.array([30, 0, 0], np.float32), score=0.4)
    assert len(estimator(RIGHT, again).run(image()).hands) == 1


def test_cubes_are_centered_on_the_joints_of_a_first_look():
    backend = FakeBackend(CAMERA, [RIGHT._replace(score=0.2, good=0.7)])
    shown = image().depth.copy()
    shown[200:280, 200:280] = 480  # beside the joints' mean
    HandPoseEstimator(backend, rotations=1).predict(shown, CAMERA)
    *first, second = backend.looked_at
    assert sum(len(look.mirrored) for look in first) > len(second.mirrored) == 2
    assert np.allclose(second.center, RIGHT.joints.mean(0), atol=1e-2)
    assert second.mirrored.tolist() == [False, True]


def test_asked_for_the_other_hand():
    """Given "right", a left hand is not answered as a right one; another hand that is found may be."""
    prediction = estimator(LEFT._replace(sure=0.99)).run(image(), handedness="right")
    assert prediction.hands == []
    assert prediction.reason == "the hand in view is a left one (probability 0.99), not a right one"
    for count in (1, 2):
        both = estimator(LEFT._replace(sure=0.99), RIGHT).run(image(), handedness="left", hands=count)
        assert [pose.handedness for pose in both.hands] == ["left"]
        assert np.allclose(both.hands[0].joints_mm, LEFT.joints, atol=1e-3)


@pytest.mark.parametrize("sure", [0.9, 0.99])
@pytest.mark.parametrize("count", [1, 2])
def test_of_two_hands_the_one_asked_for_whatever_is_seen_better(count: int, sure: float):
    """A left hand that can well be seen as a right one is no reason to miss the right one beside it."""
    left, right = LEFT._replace(good=0.95, as_other=0.95, sure=sure), RIGHT._replace(good=0.6, sure=0.9)
    (pose, *_) = estimator(left, right).run(image(), handedness="right", hands=count).hands
    assert np.allclose(pose.joints_mm, RIGHT.joints, atol=1e-3)


@pytest.mark.parametrize(
    ("seen", "asked", "again"),
    [
        (RIGHT, "right", [False, True]),
        (RIGHT, "left", [False, True]),
        (RIGHT, "auto", [False, True]),
        (RIGHT._replace(sure=0.999), "auto", [False]),
        (RIGHT._replace(sure=0.999), "right", [False]),
        (RIGHT._replace(sure=0.999), "left", [False, True]),
    ],
)
def test_a_side_is_looked_at_again_where_it_is_in_doubt(seen: TrueHand, asked: Asked, again: list[bool]):
    """Both, unless the side is clear and none or the same was given."""
    backend = FakeBackend(CAMERA, [seen])
    HandPoseEstimator(backend, rotations=2).run(image(), handedness=asked, minimum_confidence=0.0)
    assert list(dict.fromkeys(backend.looked_at[-1].mirrored.tolist())) == again


def test_a_look_that_found_the_center_in_place_is_one_of_the_rotations():
    """Both sides once, then the side that is clear once more, rolled by half a turn."""
    found = RIGHT._replace(sure=0.999)
    backend = FakeBackend(CAMERA, [found])
    HandPoseEstimator(backend, rotations=1).run(image())
    assert [len(look.roll) for look in backend.looked_at] == [2]
    backend = FakeBackend(CAMERA, [found], drift=10.0)
    (pose,) = HandPoseEstimator(backend, rotations=2).run(image()).hands
    first, second = backend.looked_at
    assert (first.roll == 0).all()
    assert np.allclose(second.roll, np.pi)
    assert second.mirrored.tolist() == [False]
    assert np.allclose(pose.joints_mm, RIGHT.joints, atol=1e-3)


def test_two_peaks_of_one_hand_hide_no_other_hand():
    """Three places, two of them on one hand: the third is the other hand."""
    again = RIGHT._replace(joints=RIGHT.joints + np.array([30, 0, 0], np.float32), score=0.85)
    found = estimator(RIGHT, again, LEFT._replace(score=0.5)).run(image(), hands=2).hands
    assert sorted(pose.handedness for pose in found) == ["left", "right"]


def test_more_places_are_looked_at_where_the_first_are_in_doubt():
    """Of three hands with the detector's order against theirs, the two that are good are answered."""
    specks = [hand((x, -120, 510), score=0.9, good=0.1) for x in (-150, 150)]
    backend = FakeBackend(CAMERA, [*specks, RIGHT._replace(score=0.5)])
    (pose,) = HandPoseEstimator(backend, rotations=1).run(image(), hands=2).hands
    assert np.allclose(pose.joints_mm, RIGHT.joints, atol=1e-3)
    backend = FakeBackend(CAMERA, [RIGHT._replace(score=0.9, good=0.99), specks[0]._replace(score=0.5)])
    HandPoseEstimator(backend, rotations=1).run(image(), hands=1)
    assert len(backend.looked_at[0].mirrored) == 2, "one place, which is clear"


def test_one_image_is_not_several():
    one = estimator(RIGHT)
    with pytest.raises(UsageError, match="depths are several depth images; got ndarray"):
        one.predict_many(np.full((CAMERA.height, CAMERA.width), 500.0), CAMERA)
    assert len(one.predict_many(np.full((2, CAMERA.height, CAMERA.width), 500.0), CAMERA)) == 2


def test_what_is_known_is_neither_looked_at_nor_answered():
    backend = FakeBackend(CAMERA, [RIGHT, LEFT])
    both = HandPoseEstimator(backend)
    backend.looked_at.clear()
    known = RIGHT.joints.mean(0)
    (other,) = both.run(image(), known=[known]).hands
    assert other.handedness == "left"
    looked = np.concatenate([cubes.center for cubes in backend.looked_at])
    assert np.linalg.norm(looked - known, axis=1).min() > 25
    backend.looked_at.clear()
    none = both.run(image(), known=[known, LEFT.joints.mean(0)])
    assert (none.hands, none.reason, backend.looked_at) == ([], "there is no other hand", [])


def test_a_doubtful_other_hand_is_answered_as_what_it_was_said_to_be():
    (pose,) = estimator(LEFT._replace(sure=0.7)).run(image(), handedness="right", minimum_confidence=0.0).hands
    assert pose.handedness == "right"
    assert pose.confidence == pytest.approx(0.05 * 2 * 0.3, abs=1e-4)


def test_what_is_not_sure_enough_is_not_answered():
    doubtful = estimator(RIGHT._replace(good=0.21, sure=1.0))
    prediction = doubtful.run(image())
    assert prediction.hands == []
    assert prediction.reason == "no hand is sure enough (the likeliest has confidence 0.21 of 0.40 needed)"
    assert len(doubtful.run(image(), minimum_confidence=0.2).hands) == 1


def test_a_collapsed_skeleton_is_never_sure():
    small = hand((0, 0, 500), size=0.3)
    line = RIGHT._replace(joints=np.linspace((-40, 0, 500), (40, 0, 500), 21).astype(np.float32))
    for wrong in (small, line):
        (pose,) = estimator(wrong).run(image(), minimum_confidence=0.0).hands
        assert pose.confidence < 0.1


def test_what_the_detector_does_not_see_is_looked_for_on_the_nearest_surface():
    shown = np.zeros((CAMERA.height, CAMERA.width), np.float32)
    shown[180:300, 230:320] = 500
    shown[:, 500:] = 900
    unseen = RIGHT._replace(score=0.01)
    (pose,) = estimator(unseen).predict(shown, CAMERA)
    assert np.allclose(pose.joints_mm, RIGHT.joints, atol=1e-3)


def test_rotations_are_averaged():
    """Views at 0 and 180 degrees err by +10 and -10 mm."""
    (turned,) = estimator(RIGHT, rotations=2, drift=10.0).run(image()).hands
    (plain,) = estimator(RIGHT, drift=10.0).run(image()).hands
    assert np.allclose(turned.joints_mm, RIGHT.joints, atol=1e-3)
    assert np.allclose(plain.joints_mm[:, 0], RIGHT.joints[:, 0] + 10, atol=1e-3)


def test_a_hand_is_followed_without_a_search():
    backend = FakeBackend(CAMERA, [RIGHT, LEFT])
    centers = np.array([each.joints.mean(0) + 5 for each in (RIGHT, LEFT, RIGHT)], np.float32)
    right, left, wrong = HandPoseEstimator(backend).follow(image(), centers, left=[False, None, True])
    assert backend.searches == 0
    assert [len(cubes.mirrored) for cubes in backend.looked_at] == [4]
    assert (right.handedness, right.confidence, right.handedness_probability) == ("right", 0.9, 1.0)
    assert (left.handedness, left.handedness_probability) == ("left", 0.95)
    assert (wrong.handedness, wrong.confidence) == ("left", 0.05)
    assert HandPoseEstimator(backend).follow(image(), np.empty((0, 3), np.float32), left=[]) == []


def test_without_a_confidence_network_the_detector_speaks():
    shown = np.full((CAMERA.height, CAMERA.width), 500.0, np.float32)
    (pose,) = estimator(LEFT, has_confidence=False).predict(shown, CAMERA)
    assert (pose.handedness, pose.handedness_probability) == ("left", 0.9)
    assert pose.confidence == pytest.approx(0.9 * 0.9, abs=1e-3), "objectness, every joint on the surface"
    assert np.isnan(pose.uncertainty_mm).all()
    hollow = shown.copy()
    hollow[:, 398:] = 0
    (half,) = estimator(LEFT, has_confidence=False).run(DepthImage.of(hollow, CAMERA), minimum_confidence=0.0).hands
    assert half.confidence < 0.7 * pose.confidence


def test_a_skeleton_whose_bones_are_not_known_is_not_judged_by_them():
    (pose,) = estimator(RIGHT, skeleton=replace(ICVL16, joints=ICVL16.joints + tuple("abcde"))).run(image()).hands
    assert pose.confidence == pytest.approx(0.9 * 0.95)


def test_pixels_are_those_of_the_image_as_taken():
    bent = replace(CAMERA, distortion=(0.1, 0.0, 0.0, 0.0))
    (pose,) = HandPoseEstimator(FakeBackend(bent, [RIGHT])).run(image(bent)).hands
    assert np.allclose(pose.joints_px, bent.project(RIGHT.joints), atol=1e-3)
    assert not np.allclose(pose.joints_px, CAMERA.project(RIGHT.joints), atol=0.5)


@pytest.mark.parametrize(
    ("value", "cause", "words"),
    [
        (0.0, "no depth", "no valid depth value"),
        (5000.0, "out of range", "nothing between 150 and 1500 mm"),
        (60.0, "out of range", "nothing between 150"),
        (SPECK, "no surface", "nothing that could be a hand between 150"),
    ],
    ids=["none", "far", "near", "speck"],
)
def test_nothing_there_says_why(value: float | np.ndarray, cause: str, words: str):
    shown = image()
    shown = DepthImage(np.broadcast_to(np.float32(value), shown.depth.shape).copy(), shown.camera)
    prediction = estimator().run(shown)
    assert prediction.hands == []
    assert prediction.cause == cause
    assert words in str(prediction.reason)


def test_many_at_once_with_one_that_is_refused():
    shown = image().depth
    alone = estimator(RIGHT).predict(shown, CAMERA)
    many = estimator(RIGHT).predict_many([shown, shown[:5], shown], CAMERA)
    assert [each.hands for each in many] == [alone, [], alone]
    assert "but the camera is" in str(many[1].reason)


WRONG = """
from handkit.asked import check_asked
from handkit.estimator import HandPoseEstimator
for call in (
    lambda: check_asked(hands=2, handedness="Left", minimum_confidence=0.5),
    lambda: check_asked(hands=0, handedness="left", minimum_confidence=0.5),
    lambda: check_asked(hands=1, handedness="left", minimum_confidence=50),
    lambda: HandPoseEstimator(None, rotations=3),
):
    try:
        call()
    except ValueError as error:
        print(error)
"""


def test_arguments_are_checked_where_they_enter():
    """In a process of its own, without the type checker of the tests."""
    done = subprocess.run([sys.executable, "-c", WRONG], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "handedness is 'Left'; it must be auto, left or right",
        "hands is 0; it must be 1 or more",
        "minimum_confidence is 50; it must be between 0 and 1",
        "rotations is 3; it must be 1, 2 or 4",
    ]


def test_where_there_is_hardly_any_surface_is_hardly_a_hand():
    """14 square centimeters, as of a speck of noise at the border of an image without a hand."""
    speck = np.full((CAMERA.height, CAMERA.width), 900, np.float32)
    x, y = CAMERA.project(RIGHT.joints).mean(0).astype(int)
    side = int(CAMERA.fx * 37 / 500)
    speck[y : y + side, x : x + side] = 500
    prediction = estimator(RIGHT).run(DepthImage.of(speck, CAMERA))
    assert prediction.hands == []
    (pose,) = estimator(RIGHT).run(DepthImage.of(speck, CAMERA), minimum_confidence=0.0).hands
    assert pose.confidence == pytest.approx(0.9 * 0.95 * (14 / 30) ** 2, rel=0.2)
