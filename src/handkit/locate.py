"""Where hands could be in a whole depth image. numpy and OpenCV only.

depth image -> `canonical` -> network -> `decode` -> hands in camera mm, the surest first

Where the detector sees none, `propose` names the nearest surfaces: a tight crop of a fist, say, shows neither arm nor
surroundings by which it tells a hand.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from handkit.camera import Camera
from handkit.odds import probabilities
from handkit.shapes import Float32

FOCAL = 160.0
"""Focal length of the images that the network reads, pixels."""
STRIDE = 4
"""Pixels of a cell's side."""
MULTIPLE = 32
"""Sides of an image are multiples of it."""
THRESHOLD = 0.3
"""Least objectness of a hand."""
APART_MM = 50.0
"""Centers nearer to one another are one hand, the surer one."""
OTHER_MM = 25.0
"""Of a left and a right hand, both sure of it, that touch or cross."""
SURE = 0.8
"""Probability of a handedness that is sure."""
WEAK = 0.1
"""Peaks below it are not looked at."""
NEAR, FAR = 150.0, 1500.0
"""Range in which hands are looked for, mm."""
REACH_MM = 90.0
"""A hand fits into a ball of this radius."""
SURFACES_APART_MM = 150.0
"""Between two nearest points, at least."""


class Canonical(NamedTuple):
    """A depth image as the detector reads it, and the camera that belongs to it."""

    depth: Float32[np.ndarray, "H W"]
    """mm, 0 invalid; sides are multiples of `MULTIPLE`, zeros around what the camera saw."""
    intrinsics: tuple[float, float, float, float]
    """fx, fy, cx, cy of `depth`, pixels."""


class Maps(NamedTuple):
    """What the network answers for one image; see `handkit.models.detector.Detection`."""

    heat: Float32[np.ndarray, "h w"]
    offset: Float32[np.ndarray, "2 h w"]
    depth: Float32[np.ndarray, "h w"]
    left: Float32[np.ndarray, "h w"]


class FoundHand(NamedTuple):
    """One hand."""

    center: Float32[np.ndarray, "3"]
    """Mean of its joints, camera mm."""
    score: float
    """Objectness, 0 to 1."""
    left: float
    """Probability, 0 to 1, that it is a left hand."""

    def is_same(self, other: "FoundHand") -> bool:
        """Whether two that were found are one hand."""
        opposite = max(self.left, other.left) > SURE and min(self.left, other.left) < 1 - SURE
        return same_hand(self.center, other.center, opposite=opposite)


def find_hands(
    network: Callable[[Float32[np.ndarray, "H W"]], Maps],
    depth: Float32[np.ndarray, "h w"],
    intrinsics: tuple[float, float, float, float],
    *,
    limit: int = 2,
    threshold: float = THRESHOLD,
) -> list[FoundHand]:
    """At most `limit` hands in a depth image (mm, 0 invalid), the surest first; fx, fy, cx, cy of its pixels.

    `network` gives the maps of an image as it reads it (`Canonical`).
    """
    view = canonical(depth, intrinsics)
    return decode(network(view.depth), view.intrinsics, limit=limit, threshold=threshold)


def canonical(depth: Float32[np.ndarray, "H W"], intrinsics: tuple[float, float, float, float]) -> Canonical:
    """The same view with a focal length of `FOCAL` pixels: the nearest depth value of each pixel, none are mixed.

    `depth` is in mm, 0 where it is invalid; `intrinsics` are fx, fy, cx, cy of its pixels.
    """
    fx, fy, cx, cy = intrinsics
    height, width = depth.shape
    across, down = (max(1, round(size * FOCAL / own)) for size, own in ((width, fx), (height, fy)))
    # Outer edges of the images lie upon one another: pixel centers are at integers.
    column, row = (
        np.minimum(((np.arange(count) + 0.5) * (size / count)).astype(np.intp), size - 1)
        for count, size in ((across, width), (down, height))
    )
    image = np.zeros([-(-count // MULTIPLE) * MULTIPLE for count in (down, across)], np.float32)
    top, start = (image.shape[0] - down) // 2, (image.shape[1] - across) // 2
    image[top : top + down, start : start + across] = depth[row[:, None], column]
    u, v = across / width, down / height
    return Canonical(image, (fx * u, fy * v, (cx + 0.5) * u - 0.5 + start, (cy + 0.5) * v - 0.5 + top))


def decode(
    maps: Maps,
    intrinsics: tuple[float, float, float, float],
    *,
    limit: int = 2,
    threshold: float = THRESHOLD,
) -> list[FoundHand]:
    """At most `limit` hands with at least `threshold` objectness, the surest first.

    `intrinsics` are those of the image the maps belong to (`Canonical`). Peaks of the heat map are hands. Centers less
    than 50 mm apart are one hand, the surer one, unless they are a sure left and a sure right hand, 25 mm apart.
    """
    maps = maps._replace(heat=probabilities(maps.heat), left=probabilities(maps.left))
    heat = maps.heat
    peaks = (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8))) & (heat >= max(threshold, WEAK))
    rows, columns = np.nonzero(peaks)
    order = np.argsort(-heat[rows, columns], kind="stable")
    cells = rows[order], columns[order]
    kept: list[FoundHand] = []
    for center, row, column in zip(centers_in(maps, intrinsics, cells), *cells, strict=True):
        hand = FoundHand(center, float(heat[row, column]), float(maps.left[row, column]))
        if not any(hand.is_same(other) for other in kept):
            kept.append(hand)
        if len(kept) == limit:
            break
    return kept


def centers_in(
    maps: Maps, intrinsics: tuple[float, float, float, float], cells: tuple[np.ndarray, np.ndarray]
) -> Float32[np.ndarray, "*cells 3"]:
    """Where each of these cells (rows and columns) says that a hand is, camera mm."""
    fx, fy, cx, cy = intrinsics
    z = maps.depth[cells]
    u, v = ((index + shift[cells] + 0.5) * STRIDE - 0.5 for index, shift in zip(cells[::-1], maps.offset, strict=True))
    return np.stack([(u - cx) / fx * z, (v - cy) / fy * z, z], axis=-1).astype(np.float32)


def same_hand(center: Float32[np.ndarray, "3"], other: Float32[np.ndarray, "3"], *, opposite: bool) -> bool:
    """Whether two centers (camera mm) of one frame are those of one hand.

    A left and a right one (`opposite`) may be nearer to one another than two of a side, when they touch.
    """
    return float(np.linalg.norm(center - other)) < (OTHER_MM if opposite else APART_MM)


def propose(depth: Float32[np.ndarray, "H W"], camera: Camera, *, limit: int = 3) -> Float32[np.ndarray, "N 3"]:
    """At most `limit` coarse centers, camera mm, the nearest first: what lies around the nearest points.

    `depth` is in mm, 0 where invalid. Empty where nothing lies between 150 and 1500 mm.
    """
    points = _points(depth, camera)
    left = np.ones(len(points), bool)
    centers: list[np.ndarray] = []
    while left.any() and len(centers) < limit:
        nearest = points[np.flatnonzero(left)[points[left, 2].argmin()]]
        center = nearest
        for _ in range(2):  # from a fingertip into the hand
            around = points[np.linalg.norm(points - center, axis=1) < REACH_MM]
            center = around.mean(0) if len(around) else center
        centers.append(center)
        left &= np.linalg.norm(points - nearest, axis=1) > SURFACES_APART_MM
    return np.array(centers, np.float32).reshape(-1, 3)


def _points(depth: Float32[np.ndarray, "H W"], camera: Camera) -> Float32[np.ndarray, "N 3"]:
    """What is within range, without single pixels that stand out, at the detector's resolution; camera mm."""
    view = canonical(depth, (camera.fx, camera.fy, camera.cx, camera.cy))
    filled = np.where(view.depth > 0, view.depth, np.float32(2 * FAR))
    settled = cv2.medianBlur(filled, 3)
    rows, columns = np.nonzero((settled >= NEAR) & (settled <= FAR))
    fx, fy, cx, cy = view.intrinsics
    z = settled[rows, columns]
    return np.stack([(columns - cx) / fx * z, (rows - cy) / fy * z, z], axis=1).astype(np.float32)
