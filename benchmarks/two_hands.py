"""A recording of two hands for `handkit benchmark --hands 2`: the bundled one, and beside it its mirror image.

    python benchmarks/two_hands.py OUT.npz
    handkit benchmark --source OUT.npz --hands 2

Both are moved aside by as many pixels, which at their depth is the same as hands farther apart; what is nearer hides
what is behind it.
"""

import sys
from pathlib import Path

import numpy as np

from handkit.shapes import Shaped
from handkit.sources.opening import open_source

ASIDE_PX = 240


def both(values: Shaped[np.ndarray, "H W"]) -> Shaped[np.ndarray, "H W"]:
    """The image moved to the left, its mirror image to the right."""
    width = values.shape[1]
    left = np.zeros_like(values)
    left[:, : width - ASIDE_PX] = values[:, ASIDE_PX:]
    right = left[:, ::-1]
    nearer = np.minimum(left, right)
    return np.where(nearer > 0, nearer, np.maximum(left, right))


def main(out: Path) -> None:
    with open_source("demo") as source:
        frames = list(source)
    camera = frames[0].image.camera
    np.savez(
        out,
        allow_pickle=False,
        **{f"{i:04d}": both(frame.values) for i, frame in enumerate(frames)},
        camera=np.array([camera.fx, camera.fy, (camera.width - 1) / 2, camera.cy]),
        unit_mm=np.array([camera.unit_mm]),
        time_s=np.array([frame.time_s for frame in frames]),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
