"""A small data set in memory, for what comes after the readers."""

import dataclasses
import functools
import time

import numpy as np
import torch

from handkit.camera import Camera
from handkit.datasets.dataset import HandDataset, Record
from handkit.errors import DatasetError
from handkit.geometry.cube import Cube
from handkit.recipes import CenterSource
from handkit.skeleton import HAND21, Skeleton
from handkit.store.packing import MARGIN, Packing
from handkit.store.shards import Settings

DAMAGED = "the image is cut short"


def joints_of(index):
    generator = np.random.default_rng(index)
    center = generator.uniform((-120, -90, 300), (120, 90, 500))
    return (center + generator.normal(0, 30, (21, 3))).astype(np.float32)


@functools.cache
def image(index):
    """A noisy ball with holes around the joints, before a wall."""
    generator, camera, center = np.random.default_rng(1000 + index), Camera.named("icvl"), joints_of(index).mean(0)
    (u, v), (rows, columns) = camera.project(center).tolist(), np.mgrid[:240, :320]
    near = np.hypot(columns - u, rows - v) < 70 * 240 / center[2]
    depth = np.where(near, center[2], 900) + generator.normal(0, 4, near.shape)
    return np.where(generator.random(near.shape) < 0.1, 0, np.rint(depth)).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Recorded:
    """Whole-millimeter images of a wall and a ball before it, with joints on the ball; `damaged` have no image."""

    count: int
    damaged: tuple[int, ...] = ()
    suspect: tuple[int, ...] = ()
    seconds: float = 0.0
    """What one image costs."""
    labeled: bool = True
    name: str = "icvl"
    skeleton: Skeleton = HAND21
    camera: Camera = dataclasses.field(default_factory=lambda: Camera.named("icvl"))

    def record(self, index):
        if not 0 <= index < self.count:
            raise IndexError(index)
        joints = joints_of(index) if self.labeled else None
        fault = "its label is wrong" if index in self.suspect else None
        return Record(f"seq/{index:04d}.png", joints, f"P{index % 3}", fault)

    def depth(self, index):
        time.sleep(self.seconds)
        if index in self.damaged:
            raise DatasetError(f"{index}: {DAMAGED}")
        return image(index)

    def __len__(self):
        return self.count


def around_joints(index, _record, _depth):
    return Cube.around(torch.from_numpy(joints_of(index).mean(0)[None]), edge=200.0)


def settings_of(frames: HandDataset, **changes) -> Settings:
    camera = frames.camera
    (fx, _, cx), (_, fy, cy), _ = camera.matrix.tolist()
    settings = Settings(
        dataset=frames.name,
        split="all",
        skeleton=frames.skeleton.name,
        frames=len(frames),
        camera=(fx, fy, cx, cy, camera.width, camera.height),
        centers=CenterSource.MEAN,
        center_detail="",
        cube="200 mm",
        margin=MARGIN,
        unit_mm=1.0,
        codec="none",
    )
    return dataclasses.replace(settings, **changes)


def packing_of(frames: HandDataset, *, shard_frames=4, **changes) -> Packing:
    return Packing(frames, around_joints, settings_of(frames, **changes), shard_frames)
