"""`write_report`: a result as a folder."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from handkit.drawing import Picture
from handkit.evaluation import Result
from handkit.geometry.skeleton import Skeleton
from handkit.reports.hands import DepthOf, worst_frames_sheet


def write_report(
    folder: Path,
    result: Result,
    skeleton: Skeleton,
    *,
    predictions_mm: Float[np.ndarray, "N J 3"],
    labels_mm: Float[np.ndarray, "N J 3"],
    depth_of: DepthOf | None = None,
) -> Path:
    """Write result.json, pictures and report.html to `folder`, which is made; answers the path of report.html.

    The arrays are those that `result` was scored from. `depth_of(row)` answers the depth picture of a row (a batch of
    one, in the camera frame of the joints), over which the worst frames are then drawn. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    result.save(folder / "result.json")
    sheet = worst_frames_sheet(
        result.worst_frames, skeleton, estimated=predictions_mm, truth=labels_mm, depth_of=depth_of
    )
    _save_png(folder / "worst.png", sheet)
    return folder / "report.html"


def _save_png(path: Path, picture: Picture) -> bytes:
    """Write a picture, BGR; answers the bytes of the file."""
    content = cv2.imencode(".png", picture)[1].tobytes()
    path.write_bytes(content)
    return content
