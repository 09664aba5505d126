"""Where to look when the detector sees nothing: the nearest surfaces. numpy and OpenCV only.

A tight crop of a fist, say, shows neither arm nor surroundings by which a detector tells a hand.
"""

import cv2
import numpy as np

from handkit.camera import Camera
from handkit.locate.detect import canonical
from handkit.shapes import Float32

NEAR, FAR = 150.0, 1500.0
"""Range in which hands are looked for, mm."""
REACH_MM = 90.0
"""A hand fits into a ball of this radius."""
APART_MM = 150.0
"""Between two nearest points, at least."""


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
        left &= np.linalg.norm(points - nearest, axis=1) > APART_MM
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
