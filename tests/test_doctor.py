"""What is wrong with depth images: one fault at a time, and what is said to mend it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.doctor import Finding, diagnose, examine, mirrored
from handkit.errors import FrameError, UsageError
from handkit.sources.files import read_frames
from handkit.sources.refusals import Refusals
from handkit.sources.source import TimedFrame

CAMERA = Camera(fx=120, fy=120, cx=79.5, cy=59.5, width=160, height=120)


def scene(index: int) -> np.ndarray:
    """A slanted wall and a hand-sized box before it, in mm."""
    rows, columns = np.indices((120, 160))
    depth = 1100 + 0.7 * columns + 0.4 * rows + np.random.default_rng(index).normal(0, 2, rows.shape)
    depth[40:90, 60:110] = 500 + 0.3 * columns[40:90, 60:110] + index
    return depth.round().astype(np.uint16)


def found(
    change: Callable[[np.ndarray], np.ndarray] = lambda depth: depth,
    *,
    camera: Camera = CAMERA,
    times: list[float] | None = None,
    refused: Refusals | None = None,
) -> dict[str, Finding]:
    seconds = times or [0.0, 0.031, 0.066, 0.1, 0.132]
    taken = [change(scene(index)) for index in range(len(seconds))]
    frames = [
        TimedFrame(DepthImage.of(values, camera), time_s, index, values)
        for index, (values, time_s) in enumerate(zip(taken, seconds, strict=True))
    ]
    return {each.check: each for each in examine(frames, refused or Refusals(lambda _: None))}


def far_constant(depth: np.ndarray) -> np.ndarray:
    return np.where(np.arange(160) < 30, 65535, depth)


def riddled(depth: np.ndarray) -> np.ndarray:
    return np.where(np.random.default_rng(0).random(depth.shape) < 0.45, 0, depth)


def gridded(depth: np.ndarray) -> np.ndarray:
    return np.where((np.indices(depth.shape) % 2 == 0).all(0), depth, 0)


@pytest.mark.parametrize(("change", "share"), [(far_constant, "19%"), (gridded, "75%"), (riddled, "44%")])
def test_invalid_pixels_are_counted_as_they_were_taken(change: Callable[[np.ndarray], np.ndarray], share: str) -> None:
    """A constant that stands for them is among them, and so is what is filled."""
    assert found(change)["holes"].seen.startswith(f"{share} of the pixels invalid")


def test_nothing_is_wrong_with_a_good_image() -> None:
    assert [each.check for each in found().values() if each.mend] == []
    assert found()["times"].seen == "30 frames a second"
    nearest = float(found()["range"].seen.partition(" ")[0])
    assert 518 <= nearest <= 525, "the box begins at 518 mm"


@pytest.mark.parametrize(
    ("check", "words", "change"),
    [
        ("range", "the unit is smaller", lambda depth: depth * 8),
        ("range", "centimeters", lambda depth: depth // 10),
        ("range", "lens cap", lambda depth: depth * 0),
        ("holes", "go 20 cm back", riddled),
        ("values", "squeezed into 8 bits", lambda depth: (depth // 40 * 40).astype(np.uint16)),
        ("cleaning", "far beyond everything else", far_constant),
    ],
)
def test_each_fault_is_named(check: str, words: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    assert words in found(change)[check].mend
    assert words not in found()[check].mend


def test_intrinsics_that_do_not_fit() -> None:
    exchanged = replace(CAMERA, cx=59.5, cy=79.5)
    assert "are cx and cy exchanged?" in found(camera=exchanged)["camera"].mend
    other = replace(CAMERA, fx=600, fy=600, cx=320, cy=240)
    assert "of another resolution" in found(camera=other)["camera"].mend
    numbers = f"--camera {CAMERA.fx:.6g},{CAMERA.fy:.6g},{CAMERA.cx:.6g},{CAMERA.cy:.6g}"
    assert found()["camera"].seen.endswith(numbers)


@pytest.mark.parametrize("times", [0.05, 5.0])
def test_a_unit_that_was_given_is_asked_for(times: float) -> None:
    """Values that it has carried out of reach are not those of the file."""
    eighths = replace(CAMERA, unit_mm=0.125)
    mend = found(lambda depth: (depth * 8 * times).astype(np.float32), camera=eighths)["range"].mend
    assert "is a unit of depth 0.125 mm, as the camera has it?" in mend
    assert "centimeters" not in mend


def test_a_question_is_nothing_that_was_done() -> None:
    """Values so near that their unit is asked about."""
    said = found(lambda depth: depth // 9)["cleaning"].mend
    assert said.endswith("?")
    assert not said.startswith("done for you")


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([0.0, 0.03, 0.03, 0.09, 0.12], "the clock stands or goes back at 1 of 4 frames"),
        ([0.0, 0.2, 0.41, 0.6, 0.81], "fast hands are lost"),
    ],
)
def test_clocks(times: list[float], words: str) -> None:
    assert words in found(times=times)["times"].mend


def test_images_that_stand_still() -> None:
    assert "4 frames repeat the one before" in found(lambda _: scene(0))["times"].mend


def test_files_have_no_times() -> None:
    assert "as those of files without times are" in found(times=[0.0, 0.1, 0.2, 0.3, 0.4])["times"].seen


def test_what_was_refused_says_what_mends_it() -> None:
    refused = Refusals(lambda _: None)
    for index in range(3):
        refused.add(FrameError("these look like meters; give --depth-scale 1000"), frame=f"frame {index}")
    assert found(refused=refused)["frames"] == Finding(
        "frames", "3 of 8 refused", "these look like meters; give --depth-scale 1000 (3 times)"
    )
    (alone,) = examine([], refused)
    assert alone.seen == "3 of 3 refused"


def test_hands_that_look_too_large_are_told(shared_data: Path) -> None:
    """Through focal lengths three quarters as long as they are."""
    right = Camera.named("sr305")
    numbers = f"{0.75 * right.fx},{0.75 * right.fy},{right.cx},{right.cy}"
    for camera, told in (("sr305", False), (numbers, True)):
        found = diagnose(str(shared_data / "sr305"), camera=camera, depth_scale=0.125)
        (hands,) = (each for each in found if each.check == "hands")
        assert ("times as long as an adult's" in hands.mend) == told


@pytest.mark.parametrize("count", [1, 2])
def test_means_over_frames_are_told(shared_data: Path, count: int) -> None:
    """Of two in a row, while a hand moves; the frames themselves have edges as they should."""
    taken = [read_frames(path)[0] for path in sorted((shared_data / "kinect2").glob("*.png"))[:12]]
    images = [np.mean(taken[i : i + count], axis=0) for i in range(len(taken) - 1)]
    camera = Camera.named("kinect2")
    frames = [TimedFrame(DepthImage.of(each, camera), i / 30, i, each) for i, each in enumerate(images)]
    edges = {each.check: each for each in examine(frames, Refusals(lambda _: None))}["edges"]
    assert ("temporal and spatial filters off" in edges.mend) == (count == 2)


def test_it_says_that_more_frames_follow() -> None:
    frames = [TimedFrame(DepthImage.of(scene(i), CAMERA), i / 30, i, scene(i)) for i in range(3)]
    none = Refusals(lambda _: None)
    assert examine(frames, none, more=True)[0].seen == "the first 3 looked at, more follow (--frames)"
    assert examine(frames, none)[0].seen == "3 read"


def test_a_mirrored_image_is_told_by_the_hand_in_it() -> None:
    assert mirrored("right", ["right", "right", "left"], of=6).mend == ""
    assert "the image is mirrored" in mirrored("right", ["left", "right", "left"], of=6).mend
    assert "hold a left hand into view" in mirrored("left", [], of=3).mend
    few = mirrored("right", ["left", "left"], of=5)
    assert (few.seen, "mirrored" in few.mend) == ("a hand in 2 of 5 images, too few to tell", False)


def test_a_wrong_unit_is_told_by_the_hand_that_it_hides(shared_data: Path) -> None:
    """Integer millimeters that were taken for quarters, halves, twos."""
    for scale in (0.125, 0.5, 2.0):
        findings = {
            each.check: each for each in diagnose(str(shared_data / "kinect2"), camera="kinect2", depth_scale=scale)
        }
        assert "give --depth-scale 1," in findings["hands"].mend
    right = {each.check: each for each in diagnose(str(shared_data / "kinect2"), camera="kinect2")}
    assert (right["hands"].seen, right["hands"].mend) == ("in 12 of 12 images looked at", "")
    empty = {each.check: each for each in diagnose(str(shared_data / "nohand"), camera="kinect2")}
    assert (empty["hands"].seen, empty["hands"].mend) == ("in 0 of 10 images looked at", "")


def test_a_source_is_looked_at_as_far_as_it_is_asked() -> None:
    first = diagnose("demo", frames=3)
    assert first[0].seen == "the first 3 looked at, more follow (--frames)"
    assert diagnose("demo")[0].seen == "12 read"
    *others, last = diagnose("demo", shows="left", frames=3)
    assert others == first
    assert last.seen == "a left hand, taken for a left one in 0 of 3 images"
    with pytest.raises(UsageError, match="--frames is 0; it must be 1 or more"):
        diagnose("demo", frames=0)
