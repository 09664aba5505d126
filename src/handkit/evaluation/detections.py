"""How well hands are found in whole depth images: recall, false hands, centers, handedness, time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handkit.camera import Camera
from handkit.locate.detect import THRESHOLD, FoundHand, Maps, canonical, decode
from handkit.shapes import Bool, Float32

WITHIN_MM = 80.0
"""A found center this near to the true one is that hand."""


def find_hands(
    network: Callable[[Float32[np.ndarray, "H W"]], Maps],
    depth: Float32[np.ndarray, "H W"],
    camera: Camera,
    *,
    limit: int = 2,
    threshold: float = THRESHOLD,
) -> list[FoundHand]:
    """At most `limit` hands in a depth image (mm, 0 invalid) of a camera without roll or skew, the surest first.

    `network` gives the maps of an image as it reads it.
    """
    view = canonical(depth, (camera.fx, camera.fy, camera.cx, camera.cy))
    return decode(network(view.depth), view.intrinsics, limit=limit, threshold=threshold)


@dataclass
class DetectionScore:
    """What adds up over frames; `summary` is the figures."""

    frames: int = 0
    hands: int = 0
    false: int = 0
    """Found, and no hand."""
    milliseconds: list[float] = field(default_factory=list[float])
    errors_mm: list[float] = field(default_factory=list[float])
    """Of the centers of hands that were found."""
    sides: list[bool] = field(default_factory=list[bool])
    """Whether their handedness is right."""

    def add(
        self,
        found: list[FoundHand],
        centers: Float32[np.ndarray, "N 3"],
        left: Bool[np.ndarray, " N"],
        *,
        within_mm: float = WITHIN_MM,
    ) -> None:
        """One frame and its true hands (joint means in camera mm); the surest takes the nearest hand."""
        self.frames += 1
        self.hands += len(centers)
        free = set(range(len(centers)))
        for hand in found:
            away = {index: float(np.linalg.norm(hand.center - centers[index])) for index in free}
            nearest = min(away, key=away.__getitem__, default=-1)
            if nearest < 0 or away[nearest] > within_mm:
                self.false += 1
                continue
            free.remove(nearest)
            self.errors_mm.append(away[nearest])
            self.sides.append((hand.left > 0.5) == bool(left[nearest]))

    def summary(self) -> dict[str, Any]:
        """Recall and precision (shares), centers (mm), handedness error (share), time (ms)."""
        found = len(self.errors_mm)
        errors = np.array(self.errors_mm) if found else np.array([np.nan])
        return {
            "frames": self.frames,
            "hands": self.hands,
            "recall": round(found / self.hands, 4) if self.hands else None,
            "precision": round(found / (found + self.false), 4) if found + self.false else None,
            "false hands": self.false,
            "center mm, median": round(float(np.median(errors)), 1),
            "center mm, 95 %": round(float(np.percentile(errors, 95)), 1),
            "handedness error": round(1 - float(np.mean(self.sides)), 4) if found else None,
            "ms, median": round(float(np.median(self.milliseconds)), 2) if self.milliseconds else None,
        }


class Stopwatch:
    """Milliseconds of a `with` block, added to a score."""

    def __init__(self, score: DetectionScore) -> None:
        self.score = score

    def __enter__(self) -> None:
        self.begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.score.milliseconds.append((time.perf_counter() - self.begun) * 1e3)
