"""The file that HANDS2017's challenge takes: a line for every frame, in the format of its annotations."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Float64

from handkit.camera import Camera
from handkit.files.atomic import written_whole
from handkit.store.store import PackedFrames

SUBMISSION = "submission.txt"


def write_submission(
    path: Path, store: PackedFrames, answers: Float32[np.ndarray, "N J 3"], *, mask: Bool[np.ndarray, " N"]
) -> tuple[str, ...]:
    """A name and 63 mm a line, tabs between; the names of the frames without an answer, whose lines are `guessed`.

    Without any answer at all nothing is written.
    """
    lacking = mask & ~np.isfinite(answers).all(axis=(1, 2))
    names = np.array([source.rpartition("/")[2] for source in store.sources])
    if lacking.any() and (mask & ~lacking).any():
        answers = answers.copy()
        answers[lacking] = guessed(store, answers[mask & ~lacking], np.flatnonzero(lacking))
    if np.isfinite(answers[mask]).all():
        with written_whole(path) as file:
            for name, joints in zip(names[mask], answers[mask], strict=True):
                file.write("\t".join([name, *(f"{number:.4f}" for number in joints.ravel())]).encode() + b"\n")
    return tuple(names[lacking].tolist())


def guessed(
    store: PackedFrames, answers: Float32[np.ndarray, "K J 3"], rows: np.ndarray
) -> Float64[np.ndarray, "L J 3"]:
    """The mean pose of these answers for other rows: on the center of the cube, else in the middle of the published
    box at the answers' mean depth, else, as in stores that hold no boxes, at their mean place.
    """
    places = answers.mean(axis=1, dtype=np.float64)
    pose, place = (answers - places[:, None]).mean(axis=0), places.mean(axis=0)
    frames, settings = store.rows[rows], store.manifest.settings
    fx, fy, cx, cy, width, height = settings.camera
    camera = Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=int(width), height=int(height))
    low = np.stack([frames["left"], frames["top"]], axis=1).astype(np.float64)
    size = np.stack([frames["width"], frames["height"]], axis=1)
    depths = np.full(len(rows), place[2])
    boxed = camera.unproject(low + (size - 1) / 2, depths)
    centers = np.where((size > 0).all(axis=1, keepdims=True), boxed, place)
    return pose + np.where(frames["valid"][:, None], frames["center"], centers)[:, None]
