"""`write_report`: a result as a folder."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from handkit.drawing import Picture
from handkit.evaluation import Result
from handkit.extras import load
from handkit.files.atomic import write_whole
from handkit.files.png import encode_png
from handkit.reports.hands import DepthOf, worst_frames_sheet
from handkit.reports.page import Figures, report_page
from handkit.shapes import Float
from handkit.skeleton import Skeleton


def write_report(
    folder: Path,
    result: Result,
    skeleton: Skeleton,
    *,
    predictions_mm: Float[np.ndarray, "N J 3"],
    labels_mm: Float[np.ndarray, "N J 3"],
    depth_of: DepthOf | None = None,
) -> Path:
    """Write a result and its pictures to `folder`, which is made; returns the path of report.html in it.

    Also: result.json, success and joints as .pdf, .svg and .png, worst.png. The arrays are those that `result` was
    scored from. `depth_of(row)` returns the depth image of a row (in the camera frame of the joints), over which the
    worst frames are drawn; where it raises HandkitError the page says so. Raises OSError, MissingExtraError without
    matplotlib.
    """
    load("matplotlib", extra="reports")
    from handkit.reports.charts import save_figure
    from handkit.reports.figures import joints_chart, series_of, success_chart

    folder.mkdir(parents=True, exist_ok=True)
    result.save(folder / "result.json")
    series = series_of(result)
    title = f"{result.protocol.dataset.upper()}, {result.protocol.version}"
    success = success_chart(series, thresholds_mm=result.curves.thresholds_mm, title=title)
    joints = joints_chart(series, joints=result.protocol.joints)
    sheet, refused = worst_frames_sheet(
        result.worst_frames, skeleton, estimated=predictions_mm, truth=labels_mm, depth_of=depth_of
    )
    figures = Figures(
        success_svg=save_figure(success, folder / "success"),
        joints_svg=save_figure(joints, folder / "joints"),
        worst_png=_save_png(folder / "worst.png", sheet),
        worst_words=(
            "The frames with the greatest mean joint error; of neighbors in a video only the worst. "
            "Estimates in the colors of the fingers, truth in pale blue, red lines between the two; "
            "a grid line every 50 mm." + _without_depth(refused)
        ),
    )
    page = folder / "report.html"
    write_whole(page, report_page(result, figures))
    return page


def _without_depth(refused: Mapping[int, str]) -> str:
    """How many of the frames lack their depth image, and why the first of them does."""
    if not refused:
        return ""
    row, reason = next(iter(refused.items()))
    return f" Without its depth image: {len(refused)} of them; frame {row}, because {reason}."


def _save_png(path: Path, picture: Picture) -> bytes:
    """Write a picture, BGR; returns the bytes of the file."""
    content = encode_png(picture)
    write_whole(path, content)
    return content
