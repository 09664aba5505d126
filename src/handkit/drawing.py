"""Depth, skeletons and side views as pictures: uint8, BGR (OpenCV's order), any size.

A finger has one color everywhere, thumb to pinky as the rainbow goes, so a mirrored hand shows at a glance.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import cv2
import numpy as np

from handkit.camera import Camera
from handkit.shapes import Bool, Float, Float32, UInt8
from handkit.skeleton import FINGERS, Skeleton

Picture: TypeAlias = UInt8[np.ndarray, "_ _ 3"]
Color: TypeAlias = tuple[int, int, int]

FINGER_COLORS: dict[str, Color] = dict(
    zip(FINGERS, ((92, 86, 255), (38, 168, 255), (96, 214, 72), (250, 178, 48), (250, 112, 196)), strict=True)
)
PALM_COLOR: Color = (226, 226, 226)
PAPER: Color = (26, 22, 20)
"""Where depth is invalid, and between pictures."""
INK: Color = (236, 236, 236)
FAINT: Color = (110, 102, 98)
GRID: Color = (48, 42, 40)
MARGIN = 1.35
"""Pictures of a hand are this many times as wide as it."""


@runtime_checkable
class Drawable(Protocol):
    """What is drawn of a hand: `HandPose` has it."""

    @property
    def joints_mm(self) -> Float32[np.ndarray, "J 3"]: ...

    @property
    def joints_px(self) -> Float32[np.ndarray, "J 2"]: ...

    @property
    def skeleton(self) -> Skeleton: ...


_FONT = cv2.FONT_HERSHEY_DUPLEX
_FRACTION_BITS = 4
_FRACTION = 1 << _FRACTION_BITS
_FAR_OFF = 1e5
_DARKEST = 0.30


def depth_range(depth: Float[np.ndarray, "H W"], joints_mm: Float[np.ndarray, "J 3"] | None) -> tuple[float, float]:
    """Nearest and farthest mm worth contrast: the hand with 40 mm around it, else nearly all depth values."""
    if joints_mm is not None:
        return float(joints_mm[:, 2].min()) - 40, float(joints_mm[:, 2].max()) + 40
    values = depth[depth > 0]
    if not values.size:
        return 0.0, 1.0
    near, far = np.percentile(values, (1, 90))
    return float(near), max(float(far), float(near) + 1)


def show_depth(
    depth: Float[np.ndarray, "H W"], *, near: float, far: float, colors: Literal["turbo", "gray"] = "gray"
) -> Picture:
    """Depth as a shaded relief: near is bright (or warm), what is behind `far` fades, invalid is paper."""
    seen = depth > 0
    level = np.clip((far - depth) / (far - near), 0, 1)
    behind = np.clip((depth - far) / (2 * (far - near)), 0, 1)
    if colors == "turbo":
        hue = cv2.applyColorMap((40 + 190 * level).astype(np.uint8), cv2.COLORMAP_TURBO).astype(np.float32)
    else:
        hue = np.repeat((70 + 170 * level)[..., None], 3, axis=2)
    strength = _relief(depth, seen) * (1 - 0.62 * np.sqrt(behind))
    paper = np.array(PAPER, np.float32)
    picture = paper + (hue - paper) * strength[..., None]
    return np.where(seen[..., None], picture, paper).round().astype(np.uint8)


def _relief(depth: Float[np.ndarray, "H W"], seen: Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
    """Lambert shading, light from the upper left; a pixel is taken to be a millimeter wide."""
    smooth = cv2.bilateralFilter(cv2.medianBlur(depth.astype(np.float32), 5), 5, 12, 2)
    dx, dy = (cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=3, scale=1 / 8) for order in ((1, 0), (0, 1)))
    light = (0.35 * dx + 0.45 * dy + 0.82) / np.sqrt(1 + dx * dx + dy * dy)
    return np.where(seen, np.clip(light * 1.1, _DARKEST, 1), 0)


def draw_skeleton(
    picture: Picture,
    joints_px: Float[np.ndarray, "J 2"],
    skeleton: Skeleton,
    *,
    depth_mm: Float[np.ndarray, " J"] | None = None,
) -> None:
    """Bones and joints over `picture`, in place; with `depth_mm` nearer bones cover farther ones."""
    nearness = np.zeros(len(joints_px)) if depth_mm is None else -depth_mm
    unit = max(1.0, _extent(joints_px, picture) / 115)
    tips = set(skeleton.fingertips)
    for start, end in sorted(skeleton.bones, key=lambda bone: nearness[list(bone)].sum()):
        color = _color(skeleton, start, end)
        ends = _fixed(joints_px[start]), _fixed(joints_px[end])
        for tint, width in ((PAPER, 2.0 * unit + 2), (color, 2.0 * unit)):
            cv2.line(picture, *ends, tint, max(1, round(width)), cv2.LINE_AA, _FRACTION_BITS)
        for joint, point in zip((start, end), ends, strict=True):
            radius = (2.6 if joint in tips else 1.9) * unit
            _dot(picture, point, radius=radius + 0.9, color=PAPER)
            _dot(picture, point, radius=radius, color=INK if joint in tips else _color(skeleton, joint, joint))


def draw_rings(picture: Picture, points_px: Float[np.ndarray, "N 2"]) -> None:
    """Thin white rings in place, for labels beside an estimate."""
    radius = round(_FRACTION * max(2.0, _extent(points_px, picture) / 45))
    for point in points_px:
        cv2.circle(picture, _fixed(point), radius, (255, 255, 255), 1, cv2.LINE_AA, _FRACTION_BITS)


def draw_text(picture: Picture, text: str, at: tuple[int, int], *, height: int = 14, color: Color = INK) -> None:
    """One line of ASCII in place; `at` is its lower left corner, moved as needed to stay in the picture."""
    scale, bold = _scale_and_weight(height)
    (width, _), descent = cv2.getTextSize(text, _FONT, scale, bold)
    left = min(at[0], picture.shape[1] - width - 3)
    low = min(max(at[1], height + 3), picture.shape[0] - descent - 1)
    for tint, extra in ((PAPER, 2), (color, 0)):
        cv2.putText(picture, text, (max(left, 3), low), _FONT, scale, tint, bold + extra, cv2.LINE_AA)


def text_width(text: str, *, height: int) -> int:
    """Pixels that `draw_text` needs."""
    return cv2.getTextSize(text, _FONT, *_scale_and_weight(height))[0][0]


def draw_hand(
    picture: Picture,
    joints_px: Float[np.ndarray, "J 2"],
    skeleton: Skeleton,
    *,
    caption: str,
    depth_mm: Float[np.ndarray, " J"] | None = None,
) -> None:
    """Skeleton and, above it, a caption such as handedness and confidence; in place."""
    draw_skeleton(picture, joints_px, skeleton, depth_mm=depth_mm)
    left, top = np.nan_to_num(np.clip(joints_px, 0, _FAR_OFF)).min(axis=0).astype(int).tolist()
    draw_text(picture, caption, (left, top - 12), height=max(11, picture.shape[0] // 44))


def enlarge(picture: Picture, factor: int) -> Picture:
    """The picture in whole multiples; pixel p of the old one is centered at `factor * (p + 0.5) - 0.5`."""
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)


def draw_hands(
    depth: Float[np.ndarray, "H W"], hands: Sequence[Drawable], *, width: int, caption: Callable[[Any], str]
) -> Picture:
    """The depth image, enlarged in whole multiples to about `width` pixels, with every hand and its caption over it."""
    near, far = depth_range(depth, np.concatenate([hand.joints_mm for hand in hands]) if hands else None)
    factor = max(1, round(width / depth.shape[1]))
    picture = enlarge(show_depth(depth, near=near, far=far), factor)
    for hand in hands:
        joints_px = (hand.joints_px + 0.5) * factor - 0.5
        draw_hand(picture, joints_px, hand.skeleton, caption=caption(hand), depth_mm=hand.joints_mm[:, 2])
    return picture


def side_view(
    depth: Float[np.ndarray, "H W"],
    camera: Camera,
    joints_mm: Float[np.ndarray, "J 3"],
    skeleton: Skeleton,
    *,
    size: int,
) -> Picture:
    """Skeleton and values from the right: camera on the left, z goes right, y down, a line every 50 mm."""
    span = max(150.0, MARGIN * float(np.ptp(joints_mm, axis=0).max()))
    middle = (joints_mm.min(axis=0) + joints_mm.max(axis=0)) / 2
    origin, pitch = middle[[2, 1]] - span / 2, size / span

    picture = draw_grid(origin, span=span, size=size)
    _splat(picture, _points_near(depth, camera, middle, span), origin, pitch)
    draw_skeleton(picture, (joints_mm[:, [2, 1]] - origin) * pitch, skeleton, depth_mm=-joints_mm[:, 0])
    draw_text(picture, f"z {middle[2]:.0f} mm", (6, size - 6), height=max(9, size // 26), color=FAINT)
    return picture


def draw_grid(origin: Float[np.ndarray, "2"], *, span: float, size: int) -> Picture:
    """An empty square of `span` mm, `size` pixels wide, with a line every 50 mm; `origin` (mm) is its upper left."""
    picture = np.full((size, size, 3), PAPER, np.uint8)
    for axis in (0, 1):
        for line in np.arange(np.ceil(origin[axis] / 50) * 50, origin[axis] + span, 50):
            at = round((line - origin[axis]) * (size / span))
            ends = ((at, 0), (at, size)) if axis == 0 else ((0, at), (size, at))
            cv2.line(picture, *ends, GRID, 1)
    return picture


class View(NamedTuple):
    """A square part of an image, around a hand."""

    zoom: float
    shift: Float[np.ndarray, "2"]
    """A pixel p of the image is at `zoom * p + shift`."""
    size: int

    @classmethod
    def around(cls, joints_px: Float[np.ndarray, "J 2"], *, size: int) -> "View":
        """`size` pixels a side, with a little of what lies around the joints."""
        low, high = joints_px.min(axis=0), joints_px.max(axis=0)
        zoom = size / max(24.0, MARGIN * float((high - low).max()))
        return cls(zoom, (size - 1) / 2 - zoom * (low + high) / 2, size)

    def cut(self, picture: Picture) -> Picture:
        """That part of a picture of the image."""
        affine = np.array([[self.zoom, 0, self.shift[0]], [0, self.zoom, self.shift[1]]])
        return cv2.warpAffine(picture, affine, (self.size, self.size), flags=cv2.INTER_LINEAR, borderValue=PAPER)


def three_panels(
    depth: Float[np.ndarray, "H W"],
    camera: Camera,
    joints_mm: Float[np.ndarray, "J 3"],
    skeleton: Skeleton,
    *,
    size: int = 300,
) -> Picture:
    """Around one hand, side by side: the depth, the skeleton over it, and both from the side."""
    joints_px = camera.project(joints_mm.astype(np.float32))
    near, far = depth_range(depth, joints_mm)
    view = View.around(joints_px, size=size)
    colored, skeleton_panel = (
        view.cut(show_depth(depth, near=near, far=far, colors=colors)) for colors in ("turbo", "gray")
    )
    draw_skeleton(skeleton_panel, joints_px * view.zoom + view.shift, skeleton, depth_mm=joints_mm[:, 2])
    side = side_view(depth, camera, joints_mm, skeleton, size=size)
    return np.hstack([colored, skeleton_panel, side])


def contact_sheet(tiles: Sequence[Picture], captions: Sequence[str], *, columns: int, title: str) -> Picture:
    """Tiles row by row with their captions, under a title and the colors of the fingers.

    Wider than its tiles where the title needs it.
    """
    gap, strip, head, legend = 8, 24, 44, 70 * len(FINGER_COLORS)
    height, width = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet_width = max(columns * (width + gap) + gap, gap + text_width(title, height=18) + 2 * gap + legend)
    sheet = np.full((head + rows * (height + strip + gap), sheet_width, 3), PAPER, np.uint8)
    for i, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left, top = gap + (i % columns) * (width + gap), head + (i // columns) * (height + strip + gap)
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
        draw_text(sheet, caption, (left + 2, top + height + 17), height=13)
    draw_text(sheet, title, (gap + 2, 29), height=18)
    for i, (finger, color) in enumerate(FINGER_COLORS.items()):
        draw_text(sheet, finger, (sheet_width - legend + 70 * i, 29), height=13, color=color)
    return sheet


def _scale_and_weight(height: int) -> tuple[float, int]:
    return height / 22, max(1, round(height / 18))


def _color(skeleton: Skeleton, start: int, end: int) -> Color:
    """That of the finger to which the bone leads, if it is named; else of the one that it comes from."""
    fingers = [skeleton.joints[joint].partition("_")[0] for joint in (start, end)]
    return FINGER_COLORS.get(fingers[1], FINGER_COLORS.get(fingers[0], PALM_COLOR))


def _extent(points: Float[np.ndarray, "N 2"], picture: Picture) -> float:
    """Longer side of the points' bounding box within the picture, pixels: what line widths go by."""
    height, width, _ = picture.shape
    inside = np.nan_to_num(np.clip(points, 0, (width, height)))
    return float(np.ptp(inside, axis=0).max(initial=0))


def _fixed(point: Float[np.ndarray, "2"]) -> tuple[int, int]:
    """Fixed point for OpenCV; what is not finite or beyond its range lands off the picture."""
    x, y = (np.nan_to_num(np.clip(point, -_FAR_OFF, _FAR_OFF), nan=-_FAR_OFF) * _FRACTION).round().astype(int)
    return int(x), int(y)


def _dot(picture: Picture, point: tuple[int, int], *, radius: float, color: Color) -> None:
    cv2.circle(picture, point, round(radius * _FRACTION), color, cv2.FILLED, cv2.LINE_AA, _FRACTION_BITS)


def _points_near(
    depth: Float[np.ndarray, "H W"], camera: Camera, middle: Float[np.ndarray, "3"], span: float
) -> Float32[np.ndarray, "N 3"]:
    """Camera mm of the values within a cube of edge `span`."""
    v, u = np.nonzero(np.abs(depth - middle[2]) < span / 2)
    points = camera.unproject(np.stack([u, v], axis=-1).astype(np.float32), depth[v, u].astype(np.float32))
    return points[(np.abs(points - middle) < span / 2).all(axis=1)]


def _splat(picture: Picture, points: Float32[np.ndarray, "N 3"], origin: Float[np.ndarray, "2"], pitch: float) -> None:
    """Points as small squares in place, nearer to the viewer (larger x) brighter and on top."""
    points = points[np.argsort(points[:, 0])]
    level = np.linspace(60, 150, len(points)).astype(np.uint8)
    at = np.rint((points[:, [2, 1]] - origin) * pitch).astype(int)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        u, v = np.clip(at + np.array([dx, dy]), 0, picture.shape[0] - 1).T
        picture[v, u] = level[:, None]
