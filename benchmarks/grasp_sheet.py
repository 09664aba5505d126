"""A contact sheet of hands and what they hold, shaded: fingers shall lie around things and not go through them.

Each tile is one grasp from two sides; the hand is gray, the thing colored.
"""

from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from report import run_benchmark

from handkit.geometry.kinematics import axis_rotation
from handkit.synthetic.distances import Parts
from handkit.synthetic.grasps import GRASP_NAMES
from handkit.synthetic.hand import articulate, forearm_cones, sample_shapes, surface
from handkit.synthetic.objects import hold
from handkit.synthetic.rasterize import Surface, render
from handkit.synthetic.things import NAMES

VIEWS = ((0.25, 0.2), (0.5, -1.1))
"""Turns (rad) about the horizontal and the vertical, from the view into the palm."""


def main(*, out: Path = Path("grasps.png"), seed: int = 0, rows: int = 10, columns: int = 5, size: int = 170) -> None:
    """Write `rows` x `columns` grasps to a PNG; each of the kinds of grasp fills successive tiles."""
    many = 40 * rows * columns
    generator = torch.Generator().manual_seed(seed)
    shape = sample_shapes(many, generator)
    held = hold(shape, generator)
    each = rows * columns // len(GRASP_NAMES)
    chosen = torch.cat([(held.present & (held.grasp == row)).nonzero()[:each, 0] for row in range(len(GRASP_NAMES))])
    posed = articulate(shape, held.pose)
    cones, wedges = surface(shape, posed)
    arm = forearm_cones(shape, posed, length=torch.full((many,), 120.0))
    empty = torch.zeros(many, 0, 12)
    hand = Parts(torch.cat([cones, arm], dim=1), wedges, empty, torch.zeros(many, 0, 9), empty)
    tiles: list[np.ndarray] = []
    for row in chosen.tolist():
        pair = [
            picture([Parts(*(part[row : row + 1] for part in some)) for some in (hand, held.parts)], view, size)
            for view in VIEWS
        ]
        tile = np.hstack(pair)
        words = f"{GRASP_NAMES[int(held.grasp[row])]}: {NAMES[int(held.kind[row])]}"
        tiles.append(cv2.putText(tile, words, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA))
    lines = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles) - columns + 1, columns)]
    cv2.imwrite(str(out), np.vstack(lines))


def picture(parts: list[Parts], view: tuple[float, float], size: int) -> UInt8[np.ndarray, "S S 3"]:
    """Hand and thing, each in its color, shaded by where the surface faces."""
    rotation = axis_rotation("x", torch.tensor(view[0])) @ axis_rotation("y", torch.tensor(view[1]))
    rotation = (rotation @ torch.diag(torch.tensor([-1.0, -1.0, 1.0])))[None]
    position = torch.tensor([[0.0, 0.0, 700.0]]) - rotation @ torch.tensor([0.0, 75.0, -20.0])
    intrinsics = np.array([[2.5 * size, 2.5 * size, size / 2, size / 2]])
    depths = [depth(some.moved(rotation, position), intrinsics, size) for some in parts]
    nearest = np.minimum(*depths)
    down, right = np.gradient(nearest)
    pitch = np.where(np.isfinite(nearest), nearest, 0.0) / (2.5 * size)
    with np.errstate(invalid="ignore", divide="ignore"):
        normal = np.stack([right / pitch, down / pitch, np.ones_like(pitch)])
        light = (normal * np.array([0.35, 0.45, 0.85])[:, None, None]).sum(0) / np.linalg.norm(normal, axis=0)
    light = np.nan_to_num(np.abs(light), nan=0.25).clip(0.12, 1.0)
    color = np.where((depths[1] < depths[0])[..., None], (90, 170, 255), (215, 215, 215))
    return np.where(np.isfinite(nearest)[..., None], color * light[..., None], 40).astype(np.uint8)


def depth(parts: Parts, intrinsics: Float[np.ndarray, "1 4"], size: int) -> Float[np.ndarray, "S S"]:
    cones, wedges, boxes, cylinders, ellipsoids = (part.numpy() for part in parts)
    faces = Surface(cones, wedges, np.zeros((1, 0, 4)), boxes, cylinders, ellipsoids)
    image = render(faces, intrinsics, width=size, height=size)[0]
    return np.where(image > 0, image, np.inf)


if __name__ == "__main__":
    run_benchmark(main)
