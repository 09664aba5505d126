"""Hands that leave and come back: how soon each is noticed, and what is taken for a hand meanwhile.

    python benchmarks/leave_and_return.py DATA [--events 1000] [--seed 0]

Real Kinect v2 frames of a hand, 5 to 30 at a time (DATA/kinect2), then 15 to 40 times one image without a hand: real
ones (DATA/nohand: a room, a person's head), or synthetic ones for the same camera (furniture, things, people and
forearms whose hands are hidden or out of the image). Frames count as 30 a second. What is shown once more is not
searched once more: the answer is the same.
"""

from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import tyro
from report import print_report, run_benchmark
from tracking import RATE, read_folder
from tyro.conf import Positional

from handkit.asked import Asked, Rotations
from handkit.backends.opening import BackendName
from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.errors import FrameError
from handkit.estimator import HandPoseEstimator
from handkit.hand import HandPose, Prediction
from handkit.shapes import Float32
from handkit.synthetic.scenes import World, sample_scenes, whole_frames
from handkit.tracking import HandTracker

STAY, AWAY = (5, 31), (15, 41)
CAMERA = "kinect2"
LONG_MS = 500
"""A ghost of longer is counted apart."""


class Event(NamedTuple):
    """In ms; None where it never was."""

    found: float | None
    """From the hand's first frame to the first in which it is said to be seen."""
    reported: float
    """From its last frame to the last in which it is reported at all."""
    ghost: float
    """Longest time that a hand is said to be seen where none is."""


class Remembering:
    """An estimator that searches every image once, whichever hands are known."""

    def __init__(self, estimator: HandPoseEstimator, *, hands: int) -> None:
        self._estimator, self._hands = estimator, hands
        self._known: dict[int, Prediction] = {}

    def run(
        self,
        image: DepthImage,
        *,
        hands: int,
        handedness: Asked,
        minimum_confidence: float,
        known: Sequence[Float32[np.ndarray, "3"]],
    ) -> Prediction:
        if id(image) not in self._known:
            self._known[id(image)] = self._estimator.run(
                image, hands=self._hands, handedness=handedness, minimum_confidence=minimum_confidence
            )
        return self._known[id(image)]

    def follow(
        self,
        image: DepthImage,
        centers: Float32[np.ndarray, "N 3"],
        *,
        left: Sequence[bool | None],
        rotations: Rotations,
    ) -> list[HandPose]:
        return self._estimator.follow(image, centers, left=left, rotations=rotations)


def main(
    data: Annotated[Positional[Path], tyro.conf.arg(metavar="DATA")],
    /,
    *,
    weights: str = "latent-fusion",
    backend: BackendName | None = None,
    events: int = 1000,
    scenes: int = 60,
    hands: int = 1,
    seed: int = 0,
) -> None:
    """`events` with each kind of image without a hand; `scenes` synthetic ones; `hands` are looked for at most."""
    estimator = Remembering(HandPoseEstimator.from_pretrained(weights, backend=backend), hands=hands)
    shown = read_folder(data / CAMERA, Camera.named(CAMERA))
    kinds = {"real": read_folder(data / "nohand", Camera.named(CAMERA)), "synthetic": without_hands(scenes, seed)}
    rows = [
        figures(f"{name}, {len(empty)} images", play(estimator, shown, empty, events=events, hands=hands, seed=seed))
        for name, empty in kinds.items()
    ]
    print_report("a hand leaves and comes back; ms", rows)


def play(
    estimator: Remembering,
    shown: Sequence[DepthImage],
    empty: Sequence[DepthImage],
    *,
    events: int,
    hands: int,
    seed: int,
) -> list[Event]:
    """One tracker, one event after the other."""
    random, tracker, clock = np.random.default_rng(seed), HandTracker(estimator, hands=hands), 0
    made: list[Event] = []
    for _ in range(events):
        start, stay, away = (int(random.integers(*each)) for each in ((0, len(shown) - STAY[1] + 1), STAY, AWAY))
        images = [*shown[start : start + stay], *[empty[int(random.integers(len(empty)))]] * away]
        found = [tracker.track(image, (clock + i) / RATE) for i, image in enumerate(images)]
        clock += len(images)
        seen = [any(hand.tracked for hand in each) for each in found]
        made.append(
            Event(
                found=seen.index(True) * 1000 / RATE if any(seen[:stay]) else None,
                reported=max((i + 1 for i, each in enumerate(found[stay:]) if each), default=0) * 1000 / RATE,
                ghost=longest(seen[stay:]) * 1000 / RATE,
            )
        )
    return made


def longest(seen: Sequence[bool]) -> int:
    """Frames in a row.

    >>> longest([True, False, True, True])
    2
    """
    return max((len(list(run)) for value, run in groupby(seen) if value), default=0)


def figures(name: str, events: Sequence[Event]) -> dict[str, str]:
    """One row; median, 99th percentile and worst."""
    found = [event.found for event in events if event.found is not None]
    return {
        "without a hand": name,
        "events": f"{len(events)}",
        "never found": f"{len(events) - len(found)}",
        "found after": spread(found),
        "reported after it left": spread([event.reported for event in events]),
        "ghosts": f"{sum(event.ghost > 0 for event in events)}",
        f"over {LONG_MS} ms": f"{sum(event.ghost > LONG_MS for event in events)}",
        "longest": f"{max(event.ghost for event in events):.0f}",
    }


def spread(times_ms: Sequence[float]) -> str:
    """Median, 99th percentile, worst."""
    return ", ".join(f"{each:.0f}" for each in np.percentile(times_ms, (50, 99, 100))) if times_ms else "-"


def without_hands(count: int, seed: int) -> list[DepthImage]:
    """Synthetic, for the camera of the real frames; those that the gate refuses are left out."""
    scene = sample_scenes(count, torch.Generator().manual_seed(seed), device=CAMERA, world=World(empty=1.0))
    assert not scene.present.any()
    images: list[DepthImage] = []
    for depth in whole_frames(scene).depth.numpy():
        with suppress(FrameError):
            images.append(DepthImage.of(depth, Camera.named(CAMERA)))
    return images


if __name__ == "__main__":
    run_benchmark(main)
