"""A contact sheet of real hands beside our own: same camera, same pose, shaded, with slices of depth beside them.

Every frame's joints come from a network (or from `labels.json`), our hand is fitted to joints and depth values, and
both are drawn at the same scale. What an eye sees at once between the two columns is what the synthetic surface lacks.

    python benchmarks/real_beside_synthetic.py FOLDER --camera kinect2 --hand left --out sheet.png
"""

import json
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
import tyro
from report import run_benchmark
from torch import Tensor

from handkit import HandPoseEstimator
from handkit.camera import Camera
from handkit.named_cameras import CAMERAS
from handkit.sources import read_frames
from handkit.synthetic.hand import Articulation, HandShape, Posed, articulate, forearm_cones, surface
from handkit.synthetic.postures import FINGER_LIMITS, THUMB_LIMITS, WRIST_LIMITS, within
from handkit.synthetic.rasterize import Surface, render

EDGE_MM, SIDE = 230.0, 300
"""What a crop shows, and its size on the sheet (pixels)."""
SLICES = ((5, 17, 0.0), (5, 17, 0.45), (6, 18, 0.5), (0, 9, 0.5))
"""Depth profiles: across the knuckles, the palm and the fingers, and along the hand (two joints, share of the way
from wrist (palm) or on to the next joint (fingers))."""


def main(
    folder: tyro.conf.Positional[Path],
    *,
    camera: str,
    hand: Literal["right", "left"] = "right",
    unit: float = 1.0,
    frames: int = 8,
    labels: bool = False,
    out: Path = Path("sheet.png"),
) -> None:
    """Write a sheet of `frames` frames spread over the folder; `labels` reads joints from its labels.json."""
    files = sorted(folder.glob("*.png"))
    files = [files[i] for i in np.linspace(0, len(files) - 1, frames).round().astype(int)]
    numbers = CAMERAS[camera][:4] if camera in CAMERAS else tuple(float(x) for x in camera.split(","))
    known = json.loads((folder / "labels.json").read_text())["frames"] if labels else None
    estimator = HandPoseEstimator.from_pretrained()
    rows: list[np.ndarray] = []
    gaps: list[tuple[float, float]] = []
    for file in files:
        depth = read_frames(file)[0].astype(np.float32) * unit
        fx, fy, cx, cy = numbers
        if hand == "left":
            depth, cx = np.ascontiguousarray(depth[:, ::-1]), depth.shape[1] - 1 - cx
        one = Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=depth.shape[1], height=depth.shape[0])
        given = known[file.stem] if known and file.stem in known else known[file.name] if known else None
        found = estimator.predict(depth, one, handedness="right")
        if not found and given is None:
            continue
        joints = torch.from_numpy(found[0].joints_mm).clone() if found else torch.full((21, 3), torch.nan)
        for index, place in (given or {}).items():
            joints[int(index)] = torch.tensor(place)
        row, gap = _row(depth, joints, (fx, fy, cx, cy), file.stem)
        rows.append(row)
        gaps.append(gap)
    cv2.imwrite(str(out), np.concatenate(rows))
    near, far = np.mean(gaps, axis=0)
    print(
        f"{folder.name}: {len(rows)} frames; depth differs by {near:.2f} mm (median), over 6 mm in {far:.1%} of pixels"
    )


def _row(
    depth: np.ndarray, joints: Tensor, numbers: tuple[float, ...], name: str
) -> tuple[np.ndarray, tuple[float, float]]:
    """One frame: real, synthetic, their difference, and the slices; median difference (mm), share of 6 mm and more."""
    center = joints[joints.isfinite().all(-1)].mean(0)
    window = _window(center, numbers)
    # The synthetic crop has the device's own pixels, as the real one has.
    pitch = numbers[0] * EDGE_MM / float(center[2]) / SIDE
    real = cv2.warpAffine(depth, _affine(numbers, window), (SIDE, SIDE), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    near = (real > center[2].item() - 150) & (real < center[2].item() + 120)
    real = np.where(near, real, 0)
    shape, posed, rotation, position = fit(joints, _points(real, window))
    fake = _render(shape, posed, rotation, position, window)
    coarse = _coarse(fake, pitch)
    placed = posed.joints[0].detach() @ rotation.T + position
    pictures = [_shade(real, window), _shade(coarse, window), _difference(real, fake)]
    for picture in pictures[:2]:
        for u, v in (placed[:, :2] / placed[:, 2:]).tolist():
            at = (int(u * window[0] + window[2]), int(v * window[1] + window[3]))
            cv2.circle(picture, at, 2, (60, 60, 255), -1)
    for lines, fraction in zip(range(len(SLICES)), SLICES, strict=True):
        pictures.append(_profile(real, coarse, placed, window, fraction, first=lines == 0))
    both = cv2.erode(((real > 0) & (fake > 0)).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    gap = np.abs(real - fake)[both]
    text = f"{name}: median |difference| {np.median(gap):.1f} mm"
    cv2.putText(pictures[2], text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate(pictures, axis=1), (float(np.median(gap)), float((gap > 6).mean()))


def fit(
    joints: Tensor, points: Tensor, *, steps: tuple[int, int] = (120, 150)
) -> tuple[HandShape, Posed, Tensor, Tensor]:
    """Our hand on joints (NaN: unknown) and depth points of a frame (camera mm), with its rotation and position."""
    shape_log, offsets = torch.zeros(20, requires_grad=True), torch.zeros(1, 5, 3, requires_grad=True)
    fingers, thumb = torch.full((1, 4, 4), 0.15, requires_grad=True), torch.zeros(1, 5, requires_grad=True)
    cup, move = torch.zeros(1, requires_grad=True), torch.zeros(6, requires_grad=True)
    wrist = torch.zeros(1, 2, requires_grad=True)
    with torch.no_grad():
        fingers[..., 1] = 0
    leaves = [shape_log, offsets, fingers, thumb, wrist, cup, move]
    known = joints.isfinite().all(-1)
    known[0] = False
    optimizer = torch.optim.Adam([{"params": leaves[:1], "lr": 0.01}, {"params": leaves[1:2], "lr": 0.1},
                                  {"params": leaves[2:], "lr": 0.03}])  # fmt: skip

    def build() -> tuple[HandShape, Posed]:
        grown = shape_log.exp()
        lengths, (broad, thick, palm) = grown[1:16].view(1, 5, 3), grown[16:19, None]
        shape = HandShape(grown[:1], lengths, broad, thick, palm, offsets, torch.zeros(1, 10, 4))
        digits = within(fingers, FINGER_LIMITS), within(thumb, THUMB_LIMITS)
        pose = Articulation(*digits, within(wrist, WRIST_LIMITS), cup.clamp(0, 1))
        return shape, articulate(shape, pose)

    shape, posed = build()
    rotation, position = torch.eye(3), torch.zeros(3)
    for step in range(sum(steps)):
        shape, posed = build()
        rotation, position = _align(posed.joints[0][known], joints[known])
        rotation = rotation @ torch.linalg.matrix_exp(_skew(move[:3]))
        position = position + move[3:] * 30
        placed = posed.joints[0] @ rotation.T + position
        distance = (placed - joints)[known].norm(dim=-1)
        prior = 40 * (shape_log[1:] ** 2).sum() + 0.02 * (offsets**2).sum() + 0.3 * (fingers[..., 1] ** 2).sum()
        if step < steps[0]:
            loss = (distance**2).mean() / 4 + prior
        else:
            local = (points - position) @ rotation
            cones, wedges = surface(shape, posed)
            gap = signed_distance(local, torch.cat([cones, _forearm(shape, posed)], 1), wedges).abs()
            loss = 3 * torch.where(gap < 6, gap**2 / 12, gap - 3).clamp(max=12).mean() + prior
            loss = loss + torch.nn.functional.huber_loss(distance, torch.zeros_like(distance), delta=8.0) / 60
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (
        HandShape(*(field.detach() for field in shape)),
        Posed(*(field.detach() for field in posed)),
        rotation.detach(),
        position.detach(),
    )


def _forearm(shape: HandShape, posed: Posed) -> Tensor:
    """Of 120 mm."""
    return forearm_cones(shape, posed, length=torch.tensor([120.0]))


def signed_distance(points: Tensor, cones: Tensor, wedges: Tensor) -> Tensor:
    """Distance (mm) of N points from the surface of one hand in the same frame, negative inside; a close bound."""
    parts: list[Tensor] = []
    for balls in (cones[0], wedges[0]):
        corner = balls.unflatten(-1, (-1, 4))
        start, edges = corner[:, 0], corner[:, 1:] - corner[:, :1]
        axes = edges[..., :3]
        gram = axes @ axes.mT + 1e-3 * torch.eye(axes.shape[1])
        reach = torch.einsum("npd,pkd->npk", points[:, None] - start[None, :, :3], axes)
        weight = torch.linalg.solve(gram, reach[..., None])[..., 0].clamp(0, 1)
        weight = weight / weight.sum(-1, keepdim=True).clamp(min=1)
        nearest = start + torch.einsum("npk,pkd->npd", weight, edges)
        parts.append((points[:, None] - nearest[..., :3]).norm(dim=-1) - nearest[..., 3])
    return torch.cat(parts, dim=1).amin(1)


def _align(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation and position that bring `source` onto `target`, without a gradient."""
    with torch.no_grad():
        u, _, vh = torch.linalg.svd((target - target.mean(0)).T @ (source - source.mean(0)))
        rotation = u @ torch.diag(torch.tensor([1.0, 1.0, float(torch.det(u @ vh).sign())])) @ vh
        return rotation, target.mean(0) - source.mean(0) @ rotation.T


def _skew(vector: Tensor) -> Tensor:
    x, y, z = vector.unbind()
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).view(3, 3)


def _window(center: Tensor, numbers: tuple[float, ...]) -> tuple[float, float, float, float]:
    """fx, fy, cx, cy of a crop of EDGE_MM about the hand."""
    x, y, z = center.tolist()
    fx = SIDE * z / EDGE_MM
    fy = fx
    return fx, fy, SIDE / 2 - fx * x / z, SIDE / 2 - fy * y / z


def _affine(numbers: tuple[float, ...], window: tuple[float, ...]) -> np.ndarray:
    """From pixels of the crop to those of the frame."""
    a, b = numbers[0] / window[0], numbers[1] / window[1]
    return np.array([[a, 0, numbers[2] - a * window[2]], [0, b, numbers[3] - b * window[3]]])


def _points(depth: np.ndarray, window: tuple[float, ...], *, most: int = 900) -> Tensor:
    v, u = np.nonzero(depth)
    chosen = np.random.default_rng(0).permutation(len(u))[:most]
    z = depth[v[chosen], u[chosen]]
    x, y = (u[chosen] - window[2]) / window[0] * z, (v[chosen] - window[3]) / window[1] * z
    return torch.from_numpy(np.stack([x, y, z], -1).astype(np.float32))


def _render(
    shape: HandShape, posed: Posed, rotation: Tensor, position: Tensor, window: tuple[float, ...]
) -> np.ndarray:
    cones, wedges = surface(shape, posed)
    arm = _forearm(shape, posed)

    def place(balls: Tensor) -> np.ndarray:
        split = balls.unflatten(-1, (-1, 4))
        return torch.cat([split[..., :3] @ rotation.T + position, split[..., 3:]], -1).flatten(-2).numpy()

    faces = Surface(place(torch.cat([cones, arm], 1)), place(wedges), np.zeros((1, 1, 4), np.float32))
    depth = render(faces, np.array([window], np.float32), width=SIDE, height=SIDE)[0]
    return np.where(depth < position[2].item() + 150, depth, 0)


def _coarse(depth: np.ndarray, pitch: float) -> np.ndarray:
    """The crop as a device with `pitch` pixels a pixel of it sees it."""
    index = (np.round((np.arange(SIDE) + 0.5) * pitch - 0.5) + 0.5) / pitch - 0.5
    index = index.round().astype(int).clip(0, SIDE - 1)
    return depth[index][:, index]


def _shade(depth: np.ndarray, window: tuple[float, ...]) -> np.ndarray:
    """Lit from the upper left, after a bilateral filter of 2 mm that takes a sensor's noise away."""
    filled = cv2.bilateralFilter(cv2.medianBlur(depth.astype(np.float32), 5), 9, 12.0, 3.0)
    scale = filled / window[0]
    dx, dy = cv2.Sobel(filled, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(filled, cv2.CV_32F, 0, 1, scale=1 / 8)
    normal = np.stack([dx, dy, -scale], -1)
    normal = normal / (np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-6)
    light = np.array([-0.5, -0.6, -0.62])
    gray = np.clip(normal @ light * 0.9 + 0.15, 0.05, 1) * 255
    gray = np.where(depth > 0, gray, 255).astype(np.uint8)
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)


def _difference(real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """Red: the synthetic hand is nearer (too thick), blue: farther, gray: only one is there; full color at 12 mm."""
    gap = np.clip((fake - real) / 12, -1, 1)
    white = np.ones(3)
    red = np.array([0.1, 0.1, 0.9])
    blue = np.array([0.9, 0.2, 0.1])
    side = np.where(gap[..., None] < 0, red, blue)
    color = white * (1 - np.abs(gap[..., None])) + side * np.abs(gap[..., None])
    color = np.where(((real > 0) ^ (fake > 0))[..., None], 0.75, color)
    color = np.where(((real == 0) & (fake > 0))[..., None], np.array([0.6, 0.8, 0.6]), color)
    return (np.where(((real > 0) | (fake > 0))[..., None], color, 1.0) * 255).astype(np.uint8)


def _profile(
    real: np.ndarray, fake: np.ndarray, joints: Tensor, window: tuple[float, ...], slice_: tuple[int, int, float],
    *, first: bool,
) -> np.ndarray:  # fmt: skip
    """Depth along a line: black real, red synthetic; a grid of 20 mm."""
    one, other, share = slice_
    if one == 0:
        ends = joints[0], joints[9] + 0.2 * (joints[9] - joints[0])
    elif one == 5:
        ends = joints[one] * (1 - share) + joints[0] * share, joints[other] * (1 - share) + joints[0] * share
    else:
        ends = (joints[one - 1] + joints[one]) / 2, (joints[other - 1] + joints[other]) / 2
    ends = [end[:2] / end[2] * torch.tensor(window[:2]) + torch.tensor(window[2:]) for end in ends]
    along = torch.linspace(-0.6, 1.6, SIDE)[:, None]
    u, v = (ends[0] + along * (ends[1] - ends[0])).round().long().clamp(0, SIDE - 1).T.numpy()
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    level = float(joints[:, 2].mean())
    for mm in range(-60, 61, 20):
        row = int(SIDE / 2 + mm * 2.0)
        cv2.line(picture, (0, row), (SIDE, row), (230, 230, 230), 1)
    for depth, color in ((real, (0, 0, 0)), (fake, (40, 40, 230))):
        for x in range(SIDE):
            z = depth[v[x], u[x]]
            if z > 0:
                cv2.circle(picture, (x, int(SIDE / 2 + (z - level) * 2.0)), 1, color, -1)
    names = {(5, 17, 0.0): "knuckles", (5, 17, 0.45): "palm", (6, 18, 0.5): "fingers", (0, 9, 0.5): "along"}
    cv2.putText(picture, names[slice_], (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return picture


if __name__ == "__main__":
    run_benchmark(main)
