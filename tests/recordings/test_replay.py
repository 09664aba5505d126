"""A session, its recording, and that replayed: the same hands to the last bit, with the bundled networks."""

from pathlib import Path

import numpy as np
import pytest

from handkit import live
from handkit.backends.opening import BackendName
from handkit.errors import UsageError
from handkit.estimator import HandPoseEstimator
from handkit.hand import TrackedHand
from handkit.sources import open_source
from handkit.tracking import HandTracker

pytest.importorskip("mcap_ros2")

from handkit.recordings.recorder import Recorder


class Kept:
    """What comes by."""

    def __init__(self) -> None:
        self.hands: list[tuple[int, list[TrackedHand]]] = []

    def __enter__(self) -> "Kept":
        return self

    def write(self, frame, hands) -> None:
        self.hands.append((frame.index, list(hands)))

    def __exit__(self, *_) -> None:
        pass


def session(estimator: HandPoseEstimator, source: str, recording: Path | None = None) -> list[bytes]:
    """Everything that is said of the hands, a frame each."""
    kept = Kept()
    keepers = [kept, Recorder(recording)] if recording else [kept]
    live.run(open_source(source), HandTracker(estimator), keepers=keepers)
    return [content(index, hands) for index, hands in kept.hands]


def content(index: int, hands: list[TrackedHand]) -> bytes:
    numbers = [index]
    for hand in hands:
        places = (hand.joints_mm, hand.raw_mm, hand.joints_px, hand.velocity_mm_s, hand.uncertainty_mm)
        numbers += [hand.id, hand.tracked, hand.handedness == "left", hand.confidence, hand.handedness_probability]
        numbers += [value for place in places for value in place.ravel().tolist()]
    return np.array(numbers, np.float64).tobytes()


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_replay_has_the_same_hands_to_the_last_bit(backend: BackendName, tmp_path: Path) -> None:
    try:
        estimator = HandPoseEstimator.from_pretrained(backend=backend)
    except UsageError as error:
        pytest.skip(str(error))
    seen = session(estimator, "demo", tmp_path / "first.mcap")
    assert len(seen) == 12
    assert sum(len(each) > 8 for each in seen) >= 10, "hands in nearly every frame"
    assert session(estimator, str(tmp_path / "first.mcap"), tmp_path / "second.mcap") == seen
    another = HandPoseEstimator.from_pretrained(backend=backend)
    assert session(another, str(tmp_path / "second.mcap")) == seen
