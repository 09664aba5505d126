"""Every public name, called with what it cannot take: one sentence that says what was seen, never an error of Python's.

The shape checker that runs with the tests is off here: a user has none.
"""

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import jaxtyping
import numpy as np
import pytest
import torch
from fake_backend import FakeBackend

import handkit
from handkit import (
    HAND21,
    ICVL16,
    NYU14,
    Camera,
    Crop,
    Cube,
    DepthFrame,
    DepthImage,
    HandkitError,
    HandPose,
    HandPoseEstimator,
    HandTracker,
    Intrinsics,
    LabeledFrame,
    Skeleton,
    TrackedHand,
    crop_hand,
    open_source,
)
from handkit.evaluation import Protocol, score

CAMERA = Camera(fx=90.0, fy=90.0, cx=39.5, cy=29.5, width=80, height=60)
IMAGE = DepthImage.of(np.full((60, 80), 600.0), CAMERA)
NUMBERS: dict[str, Any] = {"fx": 90.0, "fy": 90.0, "cx": 39.5, "cy": 29.5, "width": 80, "height": 60}
JOINTS, PIXELS, SPREAD = np.zeros((21, 3), np.float32), np.zeros((21, 2), np.float32), np.zeros(21, np.float32)
POSE: dict[str, Any] = {
    "joints_mm": JOINTS, "joints_px": PIXELS, "handedness": "left", "pose_confidence": 0.9, "skeleton": HAND21,
    "uncertainty_mm": SPREAD, "handedness_probability": 1.0,
}  # fmt: skip
FOLLOWED: dict[str, Any] = {
    "id": 1, "time_s": 0.0, "tracked": True, "raw_mm": JOINTS, "velocity_mm_s": JOINTS, "seen_s": 0.0,
}  # fmt: skip
SENSOR: dict[str, Any] = {
    "fx": 90.0, "fy": 90.0, "ppx": 39.5, "ppy": 29.5, "width": 80, "height": 60, "model": "none", "coeffs": [0.0] * 5,
}  # fmt: skip
ROS: dict[str, Any] = {"K": CAMERA.matrix.ravel(), "width": 80, "height": 60, "D": [0.0] * 5}
ESTIMATOR, TRACKER = HandPoseEstimator(FakeBackend(CAMERA, [])), HandTracker(HandPoseEstimator(FakeBackend(CAMERA, [])))
HAND = HandPose(**POSE)
CENTER = torch.zeros(2, 3)
CUBE, FRAME = Cube.around(CENTER, edge=250.0), DepthFrame.single(torch.zeros(60, 80), CAMERA)
BATCH = Intrinsics.of(CAMERA)
CROP = crop_hand(FRAME, Cube.around(torch.tensor([[0.0, 0.0, 600.0]]), edge=250.0), 8)
PROTOCOL = Protocol(dataset="nyu", version="1", split="test", joints=("a", "b"))
FACT: dict[str, Any] = {
    "estimated": np.zeros((4, 2, 3)),
    "truth": np.zeros((4, 2, 3)),
    "method": "m",
    "protocol": PROTOCOL,
}
WRONG = (None, "abcd", math.nan, 3, np.zeros((3, 4, 5)), torch.zeros(3, 4, 5))


def matrix_with(distortion: Any) -> Camera:
    return Camera.from_matrix(CAMERA.matrix, width=80, height=60, distortion=distortion)


def sensor_with(name: str, value: Any) -> Camera:
    return Camera.from_realsense(SimpleNamespace(**SENSOR | {name: value}))


def predict_with(name: str, value: Any) -> list[HandPose]:
    return ESTIMATOR.predict(IMAGE.depth, CAMERA, **{name: value})


def frame_with(image: Any) -> Any:
    return SimpleNamespace(image=image, time_s=0.0)


class Call(NamedTuple):
    """One argument of a public name."""

    name: str
    call: Callable[[Any], object]
    fits: tuple[type, ...] = ()
    """Of what is tried, what is right there."""


NONE = (type(None),)
FITS = {"pose_confidence": (float,), "handedness_probability": (float,)}
"""NaN: not known."""
CALLS = [
    *(Call(f"Camera {name}", lambda x, name=name: Camera(**NUMBERS | {name: x}), (int,)) for name in NUMBERS),
    Call("Camera unit_mm", lambda x: Camera(**NUMBERS, unit_mm=x), (int,)),
    Call("Camera distortion", lambda x: Camera(**NUMBERS, distortion=x), NONE),
    Call("Camera.named", Camera.named),
    Call("Camera.from_matrix", lambda x: Camera.from_matrix(x, width=80, height=60)),
    Call("Camera.from_matrix distortion", lambda x: matrix_with(distortion=x), NONE),
    Call("Camera.from_ros", Camera.from_ros),
    *(Call(f"Camera.from_ros {name}", lambda x, name=name: Camera.from_ros(ROS | {name: x}),
           (int,) if name in {"width", "height"} else NONE if name == "D" else ()) for name in ROS),
    Call("Camera.from_realsense", Camera.from_realsense),
    *(Call(f"Camera.from_realsense {name}", lambda x, name=name: sensor_with(name, x),
           (int,) if name not in {"coeffs"} else NONE) for name in SENSOR if name != "model"),
    Call("Camera.from_realsense depth_scale",
         lambda x: Camera.from_realsense(SimpleNamespace(**SENSOR), depth_scale=x), (int,)),
    Call("Camera.project", CAMERA.project),
    Call("Camera.unproject pixels", lambda x: CAMERA.unproject(x, SPREAD)),
    Call("Camera.unproject depth", lambda x: CAMERA.unproject(PIXELS, x)),
    Call("DepthImage.of", lambda x: DepthImage.of(x, CAMERA)),
    Call("DepthImage.of camera", lambda x: DepthImage.of(IMAGE.depth, x)),
    Call("DepthImage depth", lambda x: DepthImage(x, CAMERA)),
    Call("DepthImage camera", lambda x: DepthImage(IMAGE.depth, x)),
    Call("HandPoseEstimator", HandPoseEstimator),
    Call("HandPoseEstimator rotations", lambda x: HandPoseEstimator(ESTIMATOR.backend, rotations=x)),
    Call("HandPoseEstimator.from_pretrained", HandPoseEstimator.from_pretrained),
    *(Call(f"HandPoseEstimator.from_pretrained {name}",
           lambda x, name=name: HandPoseEstimator.from_pretrained("latent-fusion", **{name: x}), fits)
      for name, fits in (("backend", NONE), ("threads", (int,)), ("rotations", ()), ("detector", ()),
                         ("confidence", NONE))),
    Call("HandPoseEstimator.predict", lambda x: ESTIMATOR.predict(x, CAMERA)),
    Call("HandPoseEstimator.predict camera", lambda x: ESTIMATOR.predict(IMAGE.depth, x)),
    *(Call(f"HandPoseEstimator.predict {name}", lambda x, name=name: predict_with(name, x),
           (int,) if name == "hands" else ()) for name in ("hands", "handedness", "minimum_confidence")),
    Call("HandPoseEstimator.predict_many", lambda x: ESTIMATOR.predict_many(x, CAMERA), (np.ndarray, torch.Tensor)),
    Call("HandPoseEstimator.predict_many camera", lambda x: ESTIMATOR.predict_many([IMAGE.depth], x)),
    Call("HandPoseEstimator.run", ESTIMATOR.run),
    Call("HandPoseEstimator.follow", lambda x: ESTIMATOR.follow(x, np.zeros((1, 3), np.float32), left=[True])),
    Call("HandPoseEstimator.follow rotations",
         lambda x: ESTIMATOR.follow(IMAGE, np.zeros((0, 3), np.float32), left=[], rotations=x)),
    Call("HandPoseEstimator.doubt_of_camera", ESTIMATOR.doubt_of_camera),
    Call("HandTracker", HandTracker),
    *(Call(f"HandTracker {name}", lambda x, name=name: HandTracker(ESTIMATOR, **{name: x}),
           (int,) if name == "hands" else ()) for name in ("hands", "handedness", "minimum_confidence", "rotations")),
    Call("HandTracker.update", TRACKER.update),
    Call("HandTracker.update image", lambda x: TRACKER.update(frame_with(x))),
    Call("HandTracker.track", lambda x: TRACKER.track(x, 0.0)),
    Call("HandTracker.track time_s", lambda x: TRACKER.track(IMAGE, x), (int, float)),
    Call("HandTracker.at", TRACKER.at, (int, float)),
    Call("open_source", open_source),
    Call("open_source camera", lambda x: open_source("demo", camera=x), NONE),
    Call("open_source depth_scale", lambda x: open_source("demo", depth_scale=x), (int, type(None))),
    *(Call(f"HandPose {name}", lambda x, name=name: HandPose(**POSE | {name: x}), FITS.get(name, ())) for name in POSE),
    *(Call(f"TrackedHand {name}", lambda x, name=name: TrackedHand(**POSE | FOLLOWED | {name: x}), FITS.get(name, ()))
      for name in (*POSE, "raw_mm", "velocity_mm_s")),
    Call("HandPose joint", lambda x: HAND[x]),
    Call("HandPose.to", HAND.to),
    Call("Skeleton joints", lambda x: Skeleton("mine", x, (), (), ())),
    Call("Skeleton bones", lambda x: Skeleton("mine", ("wrist",), x, (), ())),
    Call("Skeleton palm", lambda x: Skeleton("mine", ("wrist",), (), x, ())),
    Call("Skeleton.indices_in", HAND21.indices_in),
    Call("Skeleton.convert", lambda x: HAND21.convert(x, HAND21)),
    Call("Skeleton.convert source", lambda x: HAND21.convert(JOINTS, x)),
    *(Call(f"Cube {name}", lambda x, name=name: Cube(**vars(CUBE) | {name: x})) for name in vars(CUBE)),
    Call("Cube.around", lambda x: Cube.around(x, edge=250.0)),
    Call("Cube.around edge", lambda x: Cube.around(CENTER, edge=x), (int, float)),
    Call("Cube.normalize", CUBE.normalize),
    Call("Cube.denormalize", CUBE.denormalize),
    Call("Intrinsics", lambda x: Intrinsics(x, 80, 60)),
    Call("Intrinsics.of", Intrinsics.of),
    Call("Intrinsics.project", BATCH.project),
    Call("Intrinsics.unproject", lambda x: BATCH.unproject(x, torch.zeros(1, 2))),
    Call("DepthFrame depth", lambda x: DepthFrame(x, BATCH), (torch.Tensor,)),
    Call("DepthFrame camera", lambda x: DepthFrame(FRAME.depth, x)),
    Call("DepthFrame.single", lambda x: DepthFrame.single(x, CAMERA)),
    Call("DepthFrame.single camera", lambda x: DepthFrame.single(FRAME.depth[0], x)),
    Call("LabeledFrame joints", lambda x: LabeledFrame(FRAME.depth, BATCH, x, CUBE)),
    Call("LabeledFrame cube", lambda x: LabeledFrame(FRAME.depth, BATCH, torch.zeros(1, 21, 3), x)),
    *(Call(f"Crop {name}", lambda x, name=name: Crop(**vars(CROP) | {name: x}),
           (torch.Tensor,) if name in {"depth", "foreground"} else ()) for name in vars(CROP)),
    Call("crop_hand frame", lambda x: crop_hand(x, CUBE, 8)),
    Call("crop_hand cube", lambda x: crop_hand(FRAME, x, 8)),
    Call("crop_hand resolution", lambda x: crop_hand(FRAME, CUBE, x), (int,)),
    *(Call(f"score {name}", lambda x, name=name: score(**FACT | {name: x}))
      for name in ("estimated", "truth", "protocol")),
]  # fmt: skip
UNCALLED = {
    "MODELS": "networks by name",
    "HandPoseModel": "a class to derive from",
    "HAND21": "", "HANDS17": "", "ICVL16": "", "MSRA21": "", "NYU14": "",
    "CameraError": "", "CheckpointError": "", "FrameError": "", "HandkitError": "", "JointError": "",
    "MissingExtraError": "", "SourceError": "", "UsageError": "", "__version__": "",
    "Prediction": "what an estimator answers", "Space": "an enumeration",
}  # fmt: skip
"""Public names that take no argument of a user's."""


@pytest.fixture(autouse=True)
def unchecked() -> Iterator[None]:
    """As a user runs it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # torch's, of numpy 1
@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_wrong_argument_ends_in_a_sentence(call: Call, wrong: Any) -> None:
    if isinstance(wrong, call.fits):
        return
    with pytest.raises(HandkitError) as caught:
        call.call(wrong)
    sentence = str(caught.value)
    assert len(sentence) > 20
    assert "\n" not in sentence


def test_no_public_name_is_left_out() -> None:
    tried = {call.name.partition(" ")[0].partition(".")[0] for call in CALLS}
    assert {*handkit.__all__} <= tried | UNCALLED.keys()


@pytest.mark.parametrize("points", [np.zeros((21, 2)), np.zeros(2), [[0.0, 0.0, 500.0]]], ids=str)
def test_points_are_rows_of_three(points: Any) -> None:
    with pytest.raises(HandkitError, match=r"expected an array \(..., 3\); got "):
        CAMERA.project(points)


def test_joints_of_another_skeleton() -> None:
    with pytest.raises(HandkitError, match="icvl16 has no joint for wrist"):
        HAND21.convert(np.zeros((16, 3)), ICVL16)
    with pytest.raises(HandkitError, match=r"joints of nyu14 are \(..., 14, 3\); got ndarray of shape \(21, 3\)"):
        NYU14.convert(np.zeros((21, 3)), NYU14)
    with pytest.raises(KeyError, match=r"^hand21 has no joint 'indx_tip'; did you mean index_tip"):
        HAND["indx_tip"]


def test_depth_images_of_which_one_is_wrong() -> None:
    good, bad = ESTIMATOR.predict_many([IMAGE.depth, None], CAMERA)
    assert (good.cause, bad.cause) == ("not sure", "refused")
