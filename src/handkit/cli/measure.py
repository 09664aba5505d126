"""`handkit evaluate`: the whole path on a fixed set of synthetic depth images."""

import json
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import track
from rich.table import Table

from handkit.asked import check_asked
from handkit.errors import UsageError
from handkit.estimator import HandPoseEstimator
from handkit.evaluation import Tally, evaluate_images
from handkit.evaluation.whole_images import protocol_of
from handkit.files.atomic import write_whole
from handkit.files.folders import check_writable, make_folder
from handkit.synthetic.testset import FRAMES
from handkit.training.testset import first_images, world_images

COLUMNS = {
    "images": "images", "hands": "hands", "missed": "missed", "false": "false",
    "handedness_errors": "handedness errors", "mean_error_mm": "mean mm", "success_20mm": "max within 20 mm",
    "mean_confidence": "confidence", "good": "good", "ece": "ECE",
}  # fmt: skip
"""Of the summary, those that are printed."""


def evaluate_synthetic(
    estimator: HandPoseEstimator,
    images: Literal["world", "first"],
    *,
    count: int,
    handedness: Literal["predicted", "given"],
    minimum_confidence: float,
    out: Path | None,
) -> int:
    """Print the figures of every kind of image; with `out` also write them there as JSON."""
    if not 1 <= count <= FRAMES:
        raise UsageError(f"--count {count}: the set has {FRAMES} images; give 1 to {FRAMES}")
    check_asked(hands=1, handedness="auto", minimum_confidence=minimum_confidence)
    if out:
        make_folder(out.parent)
        check_writable(out)
    console, hands = Console(stderr=True), 1 if images == "first" else 2
    frames = (first_images if images == "first" else world_images)(count)
    shown = track(frames, "images", total=count, console=console, disable=not console.is_terminal)
    kinds = evaluate_images(estimator, shown, hands=hands, handedness=handedness, minimum_confidence=minimum_confidence)
    total = sum(kinds.values(), Tally(minimum_confidence)).summary()
    figures = {kind: tally.summary() for kind, tally in kinds.items()}
    protocol = protocol_of(handedness, minimum_confidence=minimum_confidence)
    table = Table(box=None, header_style="dim")
    for title in ("", *COLUMNS.values()):
        table.add_column(title, justify="right" if title else "left")
    for kind, summary in ({"all": total} | figures if len(figures) > 1 else {"all": total}).items():
        table.add_row(kind, *("-" if summary[name] is None else str(summary[name]) for name in COLUMNS))
    Console().print(table)
    Console(soft_wrap=True).print(protocol, highlight=False)
    if out:
        content = total | {"protocol": protocol, "kinds": figures}
        write_whole(out, json.dumps(content, indent=2) + "\n")
    return 0
