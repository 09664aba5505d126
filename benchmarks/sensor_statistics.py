"""Noise and outlines of real depth images beside those of our sensor models, by the same measures.

The hand is the nearest connected surface of a frame. On it, patches of 11 x 11 pixels are fitted with a quadric;
what remains is noise: its amplitude, and how alike neighbors are (white noise: below 0 at every shift, since the fit
takes some of it away). On its outline: how far the contour strays from its own smoothed course, how many pixels a
3 x 3 median would turn, and what lies beside it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float32
from report import print_report, run_benchmark

from handkit.synthetic.devices import sample_sensors
from handkit.synthetic.scenes import Scene, World, sample_scenes, whole_frames
from handkit.synthetic.strengths import Sensor

Depth = Float32[np.ndarray, "H W"]
Mask = Bool[np.ndarray, "H W"]

SIZE = 11
"""Pixels of a patch's side."""
SHIFTS = (1, 2, 4)
NEAREST_MM = 130.0
"""A hand reaches this far behind its nearest point."""


class Source(NamedTuple):
    """Real frames, and the camera, the kind of sensor and the distances that ours are made with."""

    files: str
    unit_mm: float
    device: str
    kind: str
    distances: tuple[float, float]


SOURCES = {
    "Kinect v2 (time of flight)": Source("kinect2/*.png", 1.0, "kinect2", "time of flight", (550, 800)),
    "CVAR (time of flight, 320x240)": Source("cvar/*[05].png", 1.0, "icvl", "raw time of flight", (250, 450)),
    "SR305 (coded light)": Source("sr305/*.png", 0.125, "sr300", "structured light", (250, 600)),
    "Kinect v1 (speckle)": Source("cases/collapsed_fist/*.png", 1.0, "kinect1", "speckle", (600, 1000)),
}


def main(data: tyro.conf.Positional[Path], *, frames: int = 40, seed: int = 0, kinds: tuple[str, ...] = ()) -> None:
    """Measure every set under DATA and `frames` of ours for it; `kinds` names other sensors for the four sets."""
    torch.set_num_threads(1)
    rows: list[dict[str, str]] = []
    for number, (name, source) in enumerate(SOURCES.items()):
        kind = kinds[number] if kinds else source.kind
        paths = sorted(data.glob(source.files))
        rows.append({"frames": name} | describe([read(path, source.unit_mm) for path in paths]))
        rows.append({"frames": f"ours: {kind}"} | describe(list(synthetic(source, kind, frames, seed))))
    print_report("noise on surfaces, outlines of hands (medians over frames; 10th to 90th percentile)", rows)


def read(path: Path, unit_mm: float) -> Depth:
    """A depth image in mm."""
    depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if depth is None:
        raise SystemExit(f"cannot read {path}")
    return depth.astype(np.float32) * np.float32(unit_mm)


def synthetic(source: Source, kind: str, count: int, seed: int) -> Iterator[Depth]:
    """Whole images of our bare hands at the distances of the real ones, where they are the nearest surface."""
    generator = torch.Generator().manual_seed(seed)
    while count > 0:
        scene = sample_scenes(256, generator, device=source.device, world=World(second=0.0, held=0.0))
        distance = scene.joints[..., 2].mean(1)
        rows = ((distance > source.distances[0]) & (distance < source.distances[1])).nonzero()[:, 0]
        own = sample_sensors(len(rows), generator, kind=kind)
        own = own._replace(scale=0 * own.scale, offset=0 * own.offset, nearest=0 * own.nearest)
        for at, row in enumerate(rows.tolist()):
            frame = whole_frames(one_scene(scene, row, own, at))
            depth, camera = frame.depth[0].numpy(), frame.camera.camera(0)
            pixels = np.rint(camera.project(scene.joints[row].numpy())).astype(int)
            inside = ((pixels >= 0) & (pixels < [camera.width, camera.height])).all(1)
            columns, lines = pixels[inside].T
            if count > 0 and nearest_surface(depth)[lines, columns].mean() > 0.5:
                count -= 1
                yield depth


def one_scene(scene: Scene, row: int, sensors: Sensor, at: int) -> Scene:
    """One world, seen by one of the sensors."""
    own = Sensor(*(strength[at : at + 1] for strength in sensors))
    return scene.rows(slice(row, row + 1))._replace(sensor=own)


def nearest_surface(depth: Depth) -> Mask:
    """The largest connected part of what lies within a hand's reach of the nearest surface."""
    sure = depth[cv2.erode((depth > 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0]
    if not len(sure):
        return np.zeros(depth.shape, bool)
    near = (depth > 0) & (depth < np.percentile(sure, 0.5) + NEAREST_MM)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(near.astype(np.uint8), connectivity=4)
    return labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def describe(depths: list[Depth]) -> dict[str, str]:
    """The measures of a set of frames."""
    random = np.random.default_rng(0)
    found = [measured for depth in depths if (measured := measure(depth, random))]
    cells: dict[str, str] = {"n": str(len(found))}
    for key in found[0] if found else ():
        values = np.array([measured[key] for measured in found])
        low, middle, high = np.nanpercentile(values, [10, 50, 90])
        cells[key] = f"{middle:.2f} ({low:.2f}..{high:.2f})"
    return cells


def measure(depth: Depth, random: np.random.Generator) -> dict[str, float] | None:
    """All measures of one frame; None without enough surface."""
    hand = nearest_surface(depth)
    noise = surface_noise(depth, hand, random)
    edges = outline(depth, hand)
    return noise | edges if noise and edges else None


def surface_noise(depth: Depth, hand: Mask, random: np.random.Generator) -> dict[str, float]:
    """Amplitude in mm and autocorrelation along rows and columns of what a quadric leaves of patches."""
    half = SIZE // 2
    whole = cv2.erode(hand.astype(np.uint8), np.ones((SIZE, SIZE), np.uint8), borderValue=0) > 0
    rows, columns = np.nonzero(whole[half:-half, half:-half])
    chosen = random.permutation(len(rows))[:400]
    windows = np.lib.stride_tricks.sliding_window_view(depth, (SIZE, SIZE))
    patches = windows[rows[chosen], columns[chosen]].reshape(-1, SIZE * SIZE).astype(float)
    patches = patches[np.ptp(patches, axis=1) < 30.0] if len(patches) else patches
    if len(patches) < 20:
        return {}
    v, u = (np.indices((SIZE, SIZE)).reshape(2, -1) - half) / half
    quadric = np.stack([u**0, u, v, u * u, u * v, v * v], axis=1)
    rest = patches - patches @ np.linalg.pinv(quadric).T @ quadric.T
    # Patches over creases and knuckles are no noise: the calmer half is.
    power = (rest**2).mean(1)
    rest = rest[power <= np.median(power)].reshape(-1, SIZE, SIZE)
    power = (rest**2).mean()
    result = {"noise mm": float(np.sqrt(power))}
    for shift in SHIFTS:
        result[f"row {shift}"] = float((rest[:, :, shift:] * rest[:, :, :-shift]).mean() / max(power, 1e-9))
        result[f"col {shift}"] = float((rest[:, shift:] * rest[:, :-shift]).mean() / max(power, 1e-9))
    return result


def outline(depth: Depth, hand: Mask) -> dict[str, float]:
    """Roughness of the outline in pixels, spikes, and the shares of it with a hole or a mixed pixel beside it."""
    picture = hand.astype(np.uint8)
    contours, _ = cv2.findContours(picture, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max(contours, key=len, default=np.zeros((0, 1, 2)))[:, 0].astype(np.float32)
    if len(longest) < 100:
        return {}
    height, width = hand.shape
    inner = ((longest > 2) & (longest < np.array([width - 3, height - 3]))).all(1)
    rough = {f"rough {sigma:.0f}": float(strays(longest, sigma)[inner].mean()) for sigma in (2.0, 6.0)}
    spikes = (cv2.medianBlur(picture, 3) != picture).sum() / len(longest)
    valid = (depth > 0).astype(np.uint8)
    ring = (cv2.dilate(picture, np.ones((3, 3), np.uint8)) > 0) & ~hand
    far = np.where(depth > 0, depth, 0)
    beyond, near = cv2.dilate(far, np.ones((5, 5))), cv2.erode(np.where(depth > 0, depth, 1e6), np.ones((5, 5)))
    mixed = (depth > near + 25) & (depth < beyond - 25) & (beyond - near > 80)
    inside_holes = (cv2.erode(picture, np.ones((5, 5), np.uint8)) < 1) & (valid == 0)
    closed = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return rough | {
        "spikes": float(spikes),
        "hole beside": float((valid[ring] == 0).mean()),
        "mixed beside": float(mixed[ring].mean()),
        "specks %": float(100 * (inside_holes & (closed > 0) & ~hand).sum() / hand.sum()),
    }


def strays(points: Float32[np.ndarray, "N 2"], sigma: float) -> Float32[np.ndarray, " N"]:
    """Distance of the points of a closed contour from its smoothed course, across it, pixels."""
    reach = int(4 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    turned = np.concatenate([points[-reach:], points, points[:reach]])
    smooth = np.stack([np.convolve(turned[:, axis], weights / weights.sum(), "valid") for axis in (0, 1)], axis=1)
    along = np.roll(smooth, -2, axis=0) - np.roll(smooth, 2, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    return np.abs(((points - smooth) * across).sum(1))


if __name__ == "__main__":
    run_benchmark(main)
