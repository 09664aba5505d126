"""Wrong numbers of a camera, or of its unit: by a backend that knows the truth."""

from dataclasses import replace

import numpy as np
import pytest
from fake_backend import FakeBackend, hand

from handkit import Camera, DepthImage, HandPoseEstimator
from handkit.doubts import Guess, mistake_in, seen_by_other_numbers
from handkit.hand import Prediction

CAMERA = Camera.named("sr300")
RIGHT = hand((-80, 0, 500))


def image(camera: Camera = CAMERA, value: float = 510.0) -> DepthImage:
    """A wall where the hands are."""
    return DepthImage.of(np.full((camera.height, camera.width), value, np.float32), camera)


@pytest.mark.parametrize(("size", "times"), [(2.0, "2.0 times"), (0.5, "0.5 times")])
def test_a_hand_of_another_size_names_unit_and_intrinsics(size: float, times: str):
    giant = HandPoseEstimator(FakeBackend(CAMERA, [hand((0, 0, 500), size=size)]), rotations=1)
    refused = giant.run(image()).reason
    answered = giant.run(image(), minimum_confidence=0.0).warnings
    for sentence in (refused, *answered):
        assert sentence is not None
        assert times in sentence
        assert "--depth-scale" in sentence


@pytest.mark.parametrize(
    ("changes", "size", "words"),
    [
        ({"cx": CAMERA.cy, "cy": CAMERA.cx}, 1.0, "are cx and cy exchanged?"),
        ({"cx": CAMERA.fx, "cy": CAMERA.fy, "fx": CAMERA.cx, "fy": CAMERA.cy}, 1.0, "the order is fx,fy,cx,cy"),
        ({"cx": CAMERA.fy, "fy": CAMERA.cx}, 1.0, "are fy and cx exchanged?"),
        ({"fx": CAMERA.cx, "fy": CAMERA.fx, "cx": CAMERA.cy, "cy": CAMERA.fy}, 1.0, "the order is fx,fy,cx,cy"),
        ({"cx": 2 * CAMERA.cx, "cy": 2 * CAMERA.cy}, 0.85, "another resolution, 2 times this one?"),
        ({"cx": 1.25 * CAMERA.cx, "cy": 1.25 * CAMERA.cy}, 0.85, "another resolution, 1.2 times this one?"),
        ({"cx": 0.7 * CAMERA.cx, "cy": 0.7 * CAMERA.cy}, 1.2, "another resolution, 0.69 times this one?"),
        ({"fx": 1.5 * CAMERA.fx, "fy": 1.5 * CAMERA.fy}, 0.8, "of a larger resolution? so this image is"),
    ],
)
def test_a_mistaken_camera_answers_no_hand(changes: dict[str, float], size: float, words: str):
    """The hand is where these numbers would see it; whoever reads the confidence alone is told as well."""
    mistaken = replace(CAMERA, **changes)
    seeing = HandPoseEstimator(FakeBackend(mistaken, [hand((0, 0, 500), size=size)]), rotations=1)
    prediction = seeing.run(image(mistaken))
    assert prediction.hands == []
    assert words in str(prediction.reason)
    (pose,) = seeing.run(image(mistaken), minimum_confidence=0.0).hands
    assert pose.confidence == pytest.approx(0.3 * 0.9 * 0.95)


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({"cx": 2 * CAMERA.cx, "cy": 2 * CAMERA.cy}, 1.0),
        ({"cx": 1.25 * CAMERA.cx, "cy": 1.25 * CAMERA.cy}, 1.2),
        ({"cx": 0.7 * CAMERA.cx, "cy": 0.7 * CAMERA.cy}, 0.85),
        ({"fx": 1.5 * CAMERA.fx, "fy": 1.5 * CAMERA.fy}, 0.85),
        ({"fx": 1.5 * CAMERA.fx, "fy": 1.5 * CAMERA.fy, "cx": 125, "cy": 100, "width": 250, "height": 200}, 0.8),
    ],
)
def test_a_window_of_an_image_is_no_mistake_where_the_hand_has_its_size(changes: dict[str, float], size: float):
    """Its numbers are those of another resolution, through which hands would be smaller, or larger."""
    window = replace(CAMERA, **changes)
    seeing = HandPoseEstimator(FakeBackend(window, [hand((0, 0, 500), size=size)]), rotations=1)
    (pose,) = seeing.run(image(window)).hands
    assert pose.confidence == pytest.approx(0.9 * 0.95)


class Sighted(HandPoseEstimator):
    """Sees the hand through the right focal lengths alone."""

    def run(self, image: DepthImage, **asked) -> Prediction:
        return super().run(image, **asked) if image.camera == CAMERA else Prediction([], "no hand", {})


@pytest.mark.parametrize(("given", "words"), [(0.5, "2 times"), (2.0, "0.5 times"), (3.0, None), (100.0, None)])
def test_focal_lengths_of_another_resolution_are_doubted(given: float, words: str | None):
    wrong = replace(CAMERA, fx=CAMERA.fx * given, fy=CAMERA.fy * given)
    doubt = Sighted(FakeBackend(CAMERA, [RIGHT])).doubt_of_camera(image(wrong))
    assert doubt is None if words is None else f"with focal lengths {words} as long there is a hand" in str(doubt)
    assert words is None or f"a unit of depth {1 / float(words.split()[0]):g} mm" in str(doubt)
    giant = Sighted(FakeBackend(CAMERA, [hand((0, 0, 500), size=1.5)]))
    assert giant.doubt_of_camera(image(wrong)) is None, "no hand that most people have"


def test_depth_values_in_another_unit_are_doubted():
    """Eighths of a millimeter that were taken for millimeters: a hand of the usual size with 0.125, and none with 1."""

    class Near(HandPoseEstimator):
        def run(self, image: DepthImage, **asked) -> Prediction:
            near = float(image.depth.max()) < 1000
            return super().run(image, **asked) if near else Prediction([], "no hand", {})

    doubt = Near(FakeBackend(CAMERA, [RIGHT])).doubt_of_camera(image(value=4080.0))
    assert "with 0.125 mm a unit there is a hand" in str(doubt)
    assert "--depth-scale 0.125" in str(doubt)


@pytest.mark.parametrize(
    ("unit", "factors", "words"),
    [
        (0.125, (8.0, 10.0), "give --depth-scale 1, or the camera that took it"),  # 1.25 mm is nobody's unit
        (1.0, (0.1, 0.125), "give --depth-scale 0.1 or 0.125, whichever its maker says, or the camera that took it"),
        (1.0, (2.0,), "give --depth-scale 2, or the camera that took it"),
    ],
)
def test_a_unit_that_somebody_has_is_meant(unit: float, factors: tuple[float, ...], words: str):
    """The surer hand is seen by the other one."""
    seen: dict[tuple[Guess, float], list[float]] = {
        ("unit", by): [0.9 + 0.01 * place] for place, by in enumerate(factors)
    }
    seen["unit", 4.0] = [0.0]
    doubt = seen_by_other_numbers(replace(CAMERA, unit_mm=unit), seen)
    assert str(doubt).endswith(words)
    surest = 0.9 if unit == 0.125 else 0.9 + 0.01 * (len(factors) - 1)  # of the units that are named
    assert f"(confidence {surest:.2f})" in str(doubt)


def test_nothing_is_asked_of_numbers_that_say_themselves_what_is_wrong():
    """In another order; by half the focal length there would be a hand."""

    class Always(HandPoseEstimator):
        def run(self, image: DepthImage, **asked) -> Prediction:
            right = image.camera != wrong
            return super().run(replace(image, camera=CAMERA), **asked) if right else Prediction([], "no hand", {})

    wrong = replace(CAMERA, cx=CAMERA.cy, cy=CAMERA.cx)
    assert mistake_in(wrong) is not None
    assert Always(FakeBackend(CAMERA, [RIGHT])).doubt_of_camera(image(wrong)) is None


def test_a_hand_that_is_seen_speaks_for_the_camera():
    seeing = HandPoseEstimator(FakeBackend(CAMERA, [RIGHT]), rotations=1)
    assert seeing.doubt_of_camera(image()) is None
    wrong = replace(CAMERA, fx=2 * CAMERA.fx, fy=2 * CAMERA.fy)
    sighted = Sighted(FakeBackend(CAMERA, [RIGHT]))
    assert sighted.doubt_of_camera(image(wrong)) is not None
    assert sighted.doubt_of_camera(image(wrong), image()) is None


@pytest.mark.parametrize(("hands", "said"), [(1, False), (2, True), (3, True)])
def test_at_least_half_of_the_images_speak_for_other_numbers(hands: int, said: bool):
    """Of three images whose depth is in eighths, `hands` show one."""

    class Some(HandPoseEstimator):
        def run(self, image: DepthImage, **asked) -> Prediction:
            near, shows = 500 <= float(image.depth.max()) < 520, float(image.depth.max()) < 510
            return super().run(image, **asked) if near and shows else Prediction([], "no hand", {})

    images = [image(value=4000.0 if number < hands else 4120.0) for number in range(3)]
    doubt = Some(FakeBackend(CAMERA, [RIGHT])).doubt_of_camera(*images)
    assert ("give --depth-scale 0.125" in str(doubt)) == said


def test_half_the_focal_length_and_twice_the_unit_are_named_together():
    """They look alike: to an estimator that sees its hand by both, one sentence says both."""

    class Either(HandPoseEstimator):
        def run(self, image: DepthImage, **asked) -> Prediction:
            halved, twice = image.camera.fx == CAMERA.fx, float(image.depth.max()) == 1000
            seen = image if halved else replace(image, camera=CAMERA)
            return super().run(seen, **asked) if halved or twice else Prediction([], "no hand", {})

    wrong = replace(CAMERA, fx=2 * CAMERA.fx, fy=2 * CAMERA.fy)
    doubt = Either(FakeBackend(CAMERA, [RIGHT])).doubt_of_camera(image(wrong))
    assert "with focal lengths 0.5 times as long" in str(doubt)
    assert "a unit of depth 2 mm (--depth-scale)" in str(doubt)
