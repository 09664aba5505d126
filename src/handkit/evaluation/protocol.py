"""What a number means: the protocol that it was measured under, and the result that always carries it."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from handkit.errors import ScoreError
from handkit.evaluation.metrics import BLOCK, DRAWS, LEAST_BLOCKS, LEVEL, Interval
from handkit.files.atomic import write_whole
from handkit.files.regular import read_regular

NO_TEST = "these know the labels: no test protocol"
"""Of centers."""
NOT_STATED = "not stated"
"""What nobody said of a protocol."""
SUCCESS = "success rate by maximum joint error: share of frames with no joint more than t mm off (max-frame)"
INTERVALS = (
    f"{100 * LEVEL:.0f} % percentile bootstrap of the mean, {DRAWS} draws; blocks: {BLOCK} consecutive frames drawn "
    f"together, as befits video, or a quarter of the frames where these are fewer than {LEAST_BLOCKS * BLOCK}; frames: "
    "single frames, as if they were independent"
)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Everything without which an error in mm cannot be compared with another one; plain words and numbers."""

    dataset: str
    version: str
    """Which edition of the data: number of frames, archive, view."""
    split: str
    """Which of its frames."""
    joints: tuple[str, ...]
    """Names, in the order of `per_joint_mm`."""
    center: str = NOT_STATED
    """Where the crop's center came from: labels, a detector, a published file."""
    cube: str = NOT_STATED
    """Edges of the crop in mm, and for which frames."""
    epoch: str = NOT_STATED
    """How the evaluated weights were picked: the last epoch, or the best one on which frames."""
    intrinsics: tuple[float, float, float, float] | None = None
    """fx, fy, cx, cy, pixels, by which images, or `u v d` of predictions or labels, became mm; none: all were mm."""
    predictions: str = NOT_STATED
    """What was scored: the network's own predictions, or a file and how its numbers were read."""
    success: str = SUCCESS
    intervals: str = INTERVALS


@dataclass(frozen=True)
class Part:
    """The figures of some of the frames: a subject, a sequence, a fold."""

    frames: int
    mean_error_mm: float
    success: dict[str, float]


@dataclass(frozen=True)
class Curves:
    """Success rates (0 to 1) over thresholds in mm, by the three rules of `metrics.Rule`; `joint` is PCK."""

    thresholds_mm: tuple[float, ...]
    worst_joint: tuple[float, ...]
    mean_joint: tuple[float, ...]
    joint: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One method against another on the same frames; negative: the first one is better."""

    other: str
    """Name of the other method."""
    other_mean_error_mm: float
    difference_mm: float
    """Mean over frames of (this method's mean joint error - the other's)."""
    blocks_mm: Interval
    """Interval of the difference, frames drawn in blocks."""
    frames_mm: Interval
    """The same, frames drawn one by one."""
    better_frames: float
    """Share of frames on which the first method is strictly better."""
    other_curve: tuple[float, ...]
    """Success by maximum joint error of the other method, over the thresholds of the result's curves."""
    other_per_joint_mm: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Result:
    """Errors of one method on one set of frames. `success` keys are thresholds in mm, values 0 to 1."""

    method: str
    protocol: Protocol
    frames: int
    left_out: int
    """Frames without a prediction, in no figure here."""
    mean_error_mm: float
    """Mean joint error (MPJPE)."""
    median_error_mm: float
    """Median over frames of the mean joint error."""
    blocks_mm: Interval
    """Interval of the mean error, frames drawn in blocks."""
    frames_mm: Interval
    """The same, frames drawn one by one."""
    per_joint_mm: tuple[float, ...]
    per_axis_mm: tuple[float, float, float]
    success: dict[str, float]
    success_mean_joint: dict[str, float]
    success_joint: dict[str, float]
    auc_worst_joint: float
    """Area under the success curve by maximum joint error, 0 to 80 mm, over 80."""
    auc_joint: float
    """AUC of the PCK curve: per joint, 0 to 50 mm at 100 thresholds, over 50 (docs/reference.md, 4: AWR's tool)."""
    parts: dict[str, Part]
    curves: Curves
    worst_frames: tuple[int, ...]
    """Rows with the greatest mean joint error, worst first, counted from 0; of neighbors in a video only the worst."""
    comparisons: tuple[Comparison, ...] = ()

    def save(self, path: Path) -> None:
        """Indented JSON with every field under its own name."""
        write_whole(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Result":
        """What `save` wrote; raises ScoreError where the file holds something else."""
        try:
            record = json.loads(read_regular(path))
            return cls.from_json(record)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ScoreError(f"{path} is not a result of handkit ({error}); give a result.json") from None

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Result":
        """The inverse of `dataclasses.asdict` followed by JSON; raises TypeError or KeyError for another record."""
        nested: dict[str, Any] = {
            "protocol": Protocol(**_tuples(record["protocol"])),
            "parts": {name: Part(**part) for name, part in record["parts"].items()},
            "curves": Curves(**_tuples(record["curves"])),
            "comparisons": tuple(_comparison(other) for other in record["comparisons"]),
        }
        return cls(**(_intervals(_tuples(record)) | nested))


def _comparison(record: dict[str, Any]) -> Comparison:
    return Comparison(**_intervals(_tuples(record)))


def _tuples(record: dict[str, Any]) -> dict[str, Any]:
    """JSON knows lists only."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}


def _intervals(record: dict[str, Any]) -> dict[str, Any]:
    return record | {name: Interval(*record[name]) for name in ("blocks_mm", "frames_mm")}


def protocol_rows(protocol: Protocol) -> list[tuple[str, str]]:
    """(field, words) for a table; the joints as their number."""
    rows: list[tuple[str, str]] = []
    for field in fields(protocol):
        value = getattr(protocol, field.name)
        if field.name == "joints":
            value = f"{len(value)}: {', '.join(value)}"
        elif field.name == "intrinsics":
            value = "none needed" if value is None else "fx {:g}, fy {:g}, cx {:g}, cy {:g}".format(*value)
        rows.append((field.name, str(value)))
    return rows
