"""The frames that went worst as pictures: truth and estimate from the front, the side and above."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import cv2
import numpy as np

from handkit.depth import DepthImage
from handkit.drawing import (
    FAINT,
    MARGIN,
    Color,
    Picture,
    View,
    contact_sheet,
    depth_range,
    draw_grid,
    draw_skeleton,
    draw_text,
    show_depth,
)
from handkit.errors import HandkitError
from handkit.shapes import Float
from handkit.skeleton import Skeleton

DepthOf: TypeAlias = Callable[[int], DepthImage]
"""A row of the scored arrays to its depth image, whose camera frame is that of the joints.

Raises HandkitError where it cannot be used."""
Hand: TypeAlias = Float[np.ndarray, "J 3"]

VIEWS = {"front": (0, 1), "side": (2, 1), "above": (0, 2)}
"""Which of x, y, z go right and down; from above, what is near the camera is at the upper edge."""
TRUTH: Color = (255, 244, 160)
MISS: Color = (80, 110, 255)
LEAST_SPAN = 120.0
"""mm across a panel, at least."""
PANEL = 230
"""Pixels of a panel's side."""


def worst_frames_sheet(
    rows: Sequence[int],
    skeleton: Skeleton,
    *,
    estimated: Float[np.ndarray, "N J 3"],
    truth: Float[np.ndarray, "N J 3"],
    depth_of: DepthOf | None,
) -> tuple[Picture, dict[int, str]]:
    """A tile for each row: estimate in the colors of the fingers, truth in pale blue, and lines between the two.

    Beside it the rows whose depth image cannot be used, each with the reason.
    """
    tiles: list[Picture] = []
    captions: list[str] = []
    refused: dict[int, str] = {}
    for row in rows:
        image = None
        try:
            image = depth_of(row) if depth_of else None
        except HandkitError as error:
            refused[row] = str(error)
        tiles.append(hand_tile(skeleton, estimated=estimated[row], truth=truth[row], image=image, size=PANEL))
        distances = np.linalg.norm(estimated[row] - truth[row], axis=-1)
        worst = skeleton.joints[int(distances.argmax())]
        captions.append(f"frame {row}: mean {distances.mean():.1f} mm, worst {distances.max():.1f} mm ({worst})")
    return contact_sheet(tiles, captions, columns=2, title="worst frames, truth in pale blue"), refused


def hand_tile(
    skeleton: Skeleton, *, estimated: Hand, truth: Hand, image: DepthImage | None = None, size: int
) -> Picture:
    """Three panels side by side; the first is the depth image in perspective where there is one."""
    span = max(LEAST_SPAN, MARGIN * float(np.ptp(truth, axis=0).max()))
    middle = (truth.min(axis=0) + truth.max(axis=0)) / 2
    panels: list[Picture] = []
    for name, axes in VIEWS.items():
        if name == "front" and image is not None:
            panels.append(_depth_panel(skeleton, image, estimated=estimated, truth=truth, size=size))
            continue
        shown = list(axes)
        panel = draw_grid(middle[shown] - span / 2, span=span, size=size)
        scale = size / span
        flat = [(hand[:, shown] - middle[shown]) * scale + size / 2 for hand in (estimated, truth)]
        _draw_pair(panel, skeleton, estimated_px=flat[0], truth_px=flat[1], depth_mm=estimated[:, 3 - sum(axes)])
        draw_text(panel, name, (6, size - 6), height=11, color=FAINT)
        panels.append(panel)
    return np.hstack(panels)


def _depth_panel(skeleton: Skeleton, image: DepthImage, *, estimated: Hand, truth: Hand, size: int) -> Picture:
    """Both skeletons over the depth image, cut to the true hand."""
    depth, camera = image.depth, image.camera.pinhole
    truth_px, estimated_px = (camera.project(hand.astype(np.float32)) for hand in (truth, estimated))
    view = View.around(truth_px, size=size)
    near, far = depth_range(depth, truth)
    panel = view.cut(show_depth(depth, near=near, far=far))
    flat = [points * view.zoom + view.shift for points in (estimated_px, truth_px)]
    _draw_pair(panel, skeleton, estimated_px=flat[0], truth_px=flat[1], depth_mm=estimated[:, 2])
    return panel


def _draw_pair(
    panel: Picture,
    skeleton: Skeleton,
    *,
    estimated_px: Float[np.ndarray, "J 2"],
    truth_px: Float[np.ndarray, "J 2"],
    depth_mm: Float[np.ndarray, " J"],
) -> None:
    """Estimate, then the way from each of its joints to the true one, then the truth, in place."""
    draw_skeleton(panel, estimated_px, skeleton, depth_mm=depth_mm)
    for start, end in zip(estimated_px, truth_px, strict=True):
        _line(panel, start, end, MISS)
    for start, end in skeleton.bones:
        _line(panel, truth_px[start], truth_px[end], TRUTH)
    for joint in truth_px:
        _ring(panel, joint)


def _line(panel: Picture, start: Float[np.ndarray, "2"], end: Float[np.ndarray, "2"], color: Color) -> None:
    ends = [_sixteenths(point) for point in (start, end)]
    cv2.line(panel, ends[0], ends[1], color, 1, cv2.LINE_AA, 4)


def _ring(panel: Picture, at: Float[np.ndarray, "2"]) -> None:
    cv2.circle(panel, _sixteenths(at), 16 * 3, TRUTH, 1, cv2.LINE_AA, 4)


def _sixteenths(point: Float[np.ndarray, "2"]) -> tuple[int, int]:
    """OpenCV's fixed point; a joint far outside lands beyond the panel."""
    x, y = (np.clip(point, -1e4, 1e4) * 16).round().astype(int).tolist()
    return x, y
