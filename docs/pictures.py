"""All pictures of README and documentation, from synthetic frames: `python docs/pictures.py --out docs`.

Needs matplotlib and the training extra. The same weights and seeds give the same pictures.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from handkit import HAND21, Camera, HandPose, HandPoseEstimator, HandTracker, open_source
from handkit.drawing import FINGER_COLORS, PAPER, depth_range, draw_skeleton, draw_text, show_depth, text_width
from handkit.files.atomic import write_whole
from handkit.files.png import write_png
from handkit.geometry.crop import Crop, Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.layers.fields import encode, foreground, shrink
from handkit.layers.heatmaps import gaussian_heatmaps
from handkit.skeleton import FINGERS
from handkit.synthetic.hand import Articulation, articulate, sample_shapes
from handkit.synthetic.scenes import World, look, sample_scenes
from handkit.synthetic.testset import testset
from handkit.viewing.video import picture

CAMERA = ("fx", "fy", "cx", "cy", "width", "height", "unit_mm")
HEIGHT = 300
SHOWN = {"two": 457, "held": 231, "egocentric": 5}
"""Frames of the test set, chosen because much of each hand can be seen; they stay where networks change."""
LIVE_SIZE, LIVE_COLORS = (480, 360), 128
SEED = 5
MIDDLE_TIP = 12
FACING, STRETCHED_MM, SHARP = 0.93, 58.0, 0.6
"""Of an open hand: cosine of its palm's normal to the optical axis, distance of each tip from its knuckle, and pixels
of the device for a millimeter."""


def main() -> None:
    """Draw all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="the folder of pictures/ and browser/samples/")
    out: Path = parser.parse_args().out
    pictures, tried = out / "pictures", out / "browser/samples"
    for folder in (pictures, tried):
        folder.mkdir(parents=True, exist_ok=True)
    mpl.rcParams.update({"svg.hashsalt": "handkit", "font.family": "DejaVu Sans", "font.size": 11})
    write_png(pictures / "overview.png", overview())
    write_samples(tried)
    first, *rest = live()
    first.save(pictures / "live.gif", save_all=True, append_images=rest, duration=66, loop=0, optimize=True)
    for name, figure in {"joints": joints(), "axes": axes()}.items():
        figure.tight_layout()  # without a background: readable on light and dark pages
        figure.savefig(pictures / f"{name}.svg", transparent=True, metadata={"Date": None})
    for name, figure in papers().items():
        figure.tight_layout()
        figure.savefig(pictures / f"{name}.png", dpi=110, facecolor="white", metadata={"Software": None})


def overview() -> np.ndarray:
    """Three depth images of the test set with what the default estimator answers."""
    estimator, row = HandPoseEstimator.from_pretrained(), list[np.ndarray]()
    for frame in map(testset, SHOWN.values()):
        hands = estimator.predict_many([frame.depth], frame.camera)[0].hands
        row.append(_seen(frame.depth, frame.camera, hands))
    return np.hstack(row)


def write_samples(out: Path) -> None:
    """Depth images to try in the browser, beside the recording of the package."""
    listed = list[dict[str, object]]()
    for kind, title in {"two": "Two hands", "held": "A held object"}.items():
        frame = testset(SHOWN[kind])
        write_png(out / f"{kind}.png", frame.depth.round().astype(np.uint16))
        camera = {name: round(getattr(frame.camera, name), 3) for name in CAMERA}
        listed.append({"title": title, "frames": [f"{kind}.png"], "camera": camera})
    write_whole(out / "samples.json", json.dumps(listed, indent=1).encode() + b"\n")


def live() -> list[Image.Image]:
    """Two seconds of the synthetic recording, tracked; one palette and no dither, which would double the file."""
    tracker = HandTracker(HandPoseEstimator.from_pretrained(), hands=1)
    with open_source("synthetic:1") as source, tracker:
        shown = [picture(frame, tracker.update(frame)) for frame in islice(source, 60)][::2]
    small = [cv2.resize(each, LIVE_SIZE, interpolation=cv2.INTER_AREA)[..., ::-1] for each in shown]
    palette = Image.fromarray(np.vstack(small[::6])).quantize(LIVE_COLORS)
    return [Image.fromarray(each).quantize(palette=palette, dither=Image.Dither.NONE) for each in small]


def _seen(depth: np.ndarray, camera: Camera, hands: Sequence[HandPose]) -> np.ndarray:
    """The part of a depth image around its hands, skeletons drawn, `HEIGHT` pixels high."""
    near, far = depth_range(depth, np.concatenate([hand.joints_mm for hand in hands]))
    points = np.concatenate([hand.joints_px for hand in hands])
    middle, reach = (points.min(0) + points.max(0)) / 2, 0.75 * float(np.ptp(points, axis=0).max())
    zoom = HEIGHT / (2 * reach)
    affine = np.array([[zoom, 0, 0], [0, zoom, 0]])
    affine[:, 2] = HEIGHT / 2 - zoom * middle
    shaded = show_depth(depth, near=near, far=far, colors="gray")
    picture = cv2.warpAffine(shaded, affine, (HEIGHT, HEIGHT), borderValue=PAPER)
    for hand in hands:
        draw_skeleton(picture, hand.joints_px * zoom + affine[:, 2], HAND21, depth_mm=hand.joints_mm[:, 2])
    for hand in hands:
        low, high = (bound(hand.joints_px * zoom + affine[:, 2], axis=0) for bound in (np.min, np.max))
        caption = f"{hand.handedness} {hand.confidence:.2f}"
        draw_text(
            picture, caption, (int(low[0] + high[0] - text_width(caption, height=13)) // 2, int(low[1]) - 8), height=13
        )
    return picture


def joints() -> Figure:
    """The 21 joints of a right hand, seen from its palm, with their numbers."""
    zero = Articulation(torch.zeros(1, 4, 4), torch.zeros(1, 5), torch.zeros(1, 2), torch.zeros(1))
    spread = torch.tensor([0.28, 0.06, -0.14, -0.34])
    zero.fingers[0, :, 1] = spread
    shape = sample_shapes(1, torch.Generator().manual_seed(SEED))
    places = articulate(shape, zero).joints[0].numpy()
    figure, axis = plt.subplots(figsize=(4.2, 4.6))
    for start, end in HAND21.bones:
        color = np.array(FINGER_COLORS[FINGERS[(end - 1) // 4]][::-1]) / 255
        axis.plot(-places[[start, end], 0], places[[start, end], 1], color=color, linewidth=5, solid_capstyle="round")
    for number, place in enumerate(places):
        axis.text(-place[0], place[1], str(number), ha="center", va="center", fontsize=9,
                  bbox={"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": "#555555"})  # fmt: skip
    axis.set_aspect("equal")
    axis.axis("off")
    return figure


def axes() -> Figure:
    """The camera frame."""
    figure, axis = plt.subplots(figsize=(4.2, 2.6))
    gray = "#808080"
    for (x, y), name, where in (
        ((1.4, 0.0), "x, right", (1.45, 0.0)),
        ((0.0, -1.2), "y, down", (0.08, -1.2)),
        ((1.0, 0.75), "z, forward", (1.05, 0.78)),
    ):
        axis.annotate("", xy=(x, y), xytext=(0, 0), arrowprops={"arrowstyle": "-|>", "color": gray, "linewidth": 2})
        axis.text(*where, name, color=gray, va="center")
    axis.add_patch(Rectangle((-0.45, -0.3), 0.5, 0.6, facecolor="none", edgecolor=gray, linewidth=2))
    axis.text(-0.5, -0.5, "camera", color=gray)
    axis.set_xlim(-0.6, 2.3)
    axis.set_ylim(-1.4, 1.0)
    axis.set_aspect("equal")
    axis.axis("off")
    return figure


def papers() -> dict[str, Figure]:
    """For each paper, what is special about it, on one crop of one synthetic hand."""
    frame = _open_hand()
    crop = crop_hand(frame, frame.cube, 128)
    where = crop.normalize(frame.joints, Space.IMAGE)
    return {
        "crossinfonet": _crossinfonet(crop, where),
        "srn": _srn(crop, where),
        "attention-hourglass": _attention(crop, where),
        "densereg": _densereg(crop, crop.normalize(frame.joints, Space.CUBE)),
        "latent-fusion": _latent_fusion(crop, where),
    }


def _open_hand() -> LabeledFrame:
    """The first bare open hand of the stream that turns its palm or its back to the camera."""
    generator = torch.Generator().manual_seed(SEED)
    while True:
        scene = sample_scenes(1, generator, world=World(second=0.0, held=0.0, egocentric=0.0))
        wrist, index, pinky = (scene.joints[0, joint] for joint in (0, 5, 17))
        across = torch.linalg.cross(index - wrist, pinky - wrist)
        reach = (scene.joints[0, [8, 12, 16, 20]] - scene.joints[0, [5, 9, 13, 17]]).norm(dim=-1)
        sharp = float(scene.intrinsics[0, 0] / scene.focus[0, 2]) > SHARP
        if sharp and abs(float(across[2] / across.norm())) > FACING and float(reach.min()) > STRETCHED_MM:
            return look(scene, Cube.around(scene.focus, edge=250.0), resolution=128)


def _panels(names: Sequence[str]) -> tuple[Figure, list[Axes]]:
    figure, row = plt.subplots(1, len(names), figsize=(2.6 * len(names), 2.9))
    for axis, name in zip(row, names, strict=True):
        axis.set_title(name, fontsize=10)
        axis.axis("off")
    return figure, list(row)


def _depth(axis: Axes, crop: Crop) -> None:
    axis.imshow(np.where(crop.depth[0] < 1, crop.depth[0], np.nan), cmap="bone_r", extent=(-1, 1, 1, -1))


def _crossinfonet(crop: Crop, where: torch.Tensor) -> Figure:
    figure, (depth, palm, fingers) = _panels(["depth crop", "palm branch", "finger branch"])
    _depth(depth, crop)
    for axis, chosen in ((palm, HAND21.palm), (fingers, [j for j in range(21) if j not in HAND21.palm])):
        _depth(axis, crop)
        axis.scatter(*where[0, list(chosen), :2].T, color="#d6453d", s=22, edgecolors="white", linewidths=0.6)
    return figure


def _srn(crop: Crop, where: torch.Tensor) -> Figure:
    points = shrink(crop.points(Space.IMAGE), 32)
    field = encode(where, points, foreground(points), radius=0.4)
    figure, (depth, closeness, direction) = _panels(["a pose of the first stage", "its closeness H", "its direction V"])
    _depth(depth, crop)
    depth.scatter(*where[0, :, :2].T, color="#d6453d", s=14)
    closeness.imshow(field.closeness[0, MIDDLE_TIP], cmap="magma", extent=(-1, 1, 1, -1))
    _arrows(direction, crop, field.direction[0, MIDDLE_TIP])
    return figure


def _attention(crop: Crop, where: torch.Tensor) -> Figure:
    figure, (depth, maps, mask) = _panels(["depth crop", "heat maps", "where depth is read"])
    _depth(depth, crop)
    heat = gaussian_heatmaps(where, 64, sigma=2.0)[0]
    maps.imshow(heat.amax(0), cmap="magma", extent=(-1, 1, 1, -1))
    wide = gaussian_heatmaps(where, 128, sigma=9.0)[0].amax(0)
    _depth(mask, crop)
    mask.imshow(1 - wide, cmap="gray_r", alpha=0.75 * (1 - wide).numpy(), extent=(-1, 1, 1, -1))
    return figure


def _densereg(crop: Crop, where: torch.Tensor) -> Figure:
    points = shrink(crop.points(Space.CUBE), 32)
    field = encode(where, points, foreground(points), radius=80 / 125)
    seen = crop.points(Space.IMAGE)
    image = crop.normalize(crop.denormalize(where, Space.CUBE), Space.IMAGE)[0, MIDDLE_TIP, :2]
    cells = shrink(seen, 32)[0, :2]
    near = (1 - (cells - image[:, None, None]).norm(dim=0) / (2 * 4 / 32)).clamp(min=0)
    figure, (heat, closeness, direction) = _panels(["R, in the image", "S, in space", "V, to the joint"])
    heat.imshow(near, cmap="magma", extent=(-1, 1, 1, -1))
    closeness.imshow(field.closeness[0, MIDDLE_TIP], cmap="magma", extent=(-1, 1, 1, -1))
    _arrows(direction, crop, field.direction[0, MIDDLE_TIP])
    return figure


def _latent_fusion(crop: Crop, where: torch.Tensor) -> Figure:
    space = where[0]
    figure, panels = _panels(["XY, and Z under it", "XZ, and Y under it", "YZ, and X under it"])
    points = crop.points(Space.IMAGE)[0].flatten(1).T
    points = points[points[:, 2] < 1]
    for axis, (across, down) in zip(panels, ((0, 1), (0, 2), (2, 1)), strict=True):
        axis.scatter(points[:, across], points[:, down], s=0.4, color="#9aa3ad")
        axis.scatter(space[:, across], space[:, down], s=16, color="#d6453d")
        axis.set_xlim(-1, 1)
        axis.set_ylim(1, -1)
        axis.set_aspect("equal")
    return figure


def _arrows(axis: Axes, crop: Crop, direction: torch.Tensor) -> None:
    _depth(axis, crop)
    size = direction.shape[-1]
    centers = (np.arange(size) + 0.5) / size * 2 - 1
    there = direction.norm(dim=0) > 0
    rows, columns = np.nonzero(there.numpy())
    axis.quiver(centers[columns], centers[rows], direction[0][there], -direction[1][there], color="#d6453d",
                scale=22, width=0.008)  # fmt: skip


if __name__ == "__main__":
    main()
