"""A hand that moves, in canonical mm, and prediction files of it as people write them."""

import gzip
from pathlib import Path

import numpy as np

from handkit.datasets.catalog import TEST_SETS


def moving_hand(joints: int, frames: int, *, seed: int = 0) -> np.ndarray:
    """(frames, joints, 3) mm: joints spread over 90 mm, drifting, in front of every data set's camera."""
    generator = np.random.default_rng(seed)
    shape = generator.uniform(-90, 90, (joints, 3))
    drift = np.cumsum(generator.normal(0, 4, (frames, 1, 3)), axis=0)
    return shape + drift + [20.0, -10.0, 480.0]


def swaying_hand(joints: int, frames: int, *, seed: int = 0) -> np.ndarray:
    """As `moving_hand`, coming nearer and turning about the vertical: its bones are as long in every frame."""
    shape = moving_hand(joints, 1, seed=seed)[0] - [20.0, -10.0, 480.0]
    angle, away = np.linspace(-1, 1, frames), np.linspace(350, 650, frames)
    cos, sin, zero, one = np.cos(angle), np.sin(angle), np.zeros(frames), np.ones(frames)
    turn = np.array([[cos, zero, sin], [zero, one, zero], [-sin, zero, cos]]).transpose(2, 0, 1)
    return shape @ turn + np.stack([zero, zero, away], axis=-1)[:, None]


def to_uvd(joints_mm: np.ndarray, dataset: str) -> np.ndarray:
    fx, fy, cx, cy = TEST_SETS[dataset].intrinsics
    x, y, z = np.moveaxis(joints_mm, -1, 0)
    return np.stack([x * fx / z + cx, y * fy / z + cy, z], axis=-1)


def write(path: Path, values: np.ndarray, *, names=None, separator=" ", ending="\n", digits=4) -> Path:
    """One line a frame."""
    rows = [separator.join(f"{value:.{digits}f}" for value in frame.reshape(-1)) for frame in values]
    lines = [row if names is None else names[i] + separator + row for i, row in enumerate(rows)]
    text = ending.join(lines) + ending
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path
