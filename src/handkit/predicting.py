"""Depth images in files to poses: a line of JSON and a picture each; one that cannot be read does not stop the others.

frames -> find_files -> read_frames -> DepthImage -> HandPoseEstimator.run -> frame_record, overlay
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from handkit.asked import MINIMUM_CONFIDENCE, Asked, check_asked
from handkit.camera import Camera
from handkit.depth import DepthImage, Handless, image_size
from handkit.drawing import Picture, draw_hands, draw_text
from handkit.errors import HandkitError, SourceError, UsageError
from handkit.estimator import HandPoseEstimator
from handkit.files.folders import make_new_folder
from handkit.hand import CAUSES, HandPose, Prediction
from handkit.shapes import Float32
from handkit.sinks.records import JsonLines, PictureFolder, TextStream, frame_record
from handkit.sources.files import find_files, read_frames
from handkit.sources.refusals import Refusals, Warnings
from handkit.sources.source import Calibration, Report, log

OVERLAY_WIDTH = 1000
"""Overlays are enlarged in whole multiples to about this many pixels."""


@dataclass(frozen=True, eq=False)
class PredictedFrame:
    """What became of one depth image of a file."""

    name: str
    """Of its file, with `[3]` behind it where the file holds several."""
    path: Path
    """Of its own, as an overlay is named: `stack-0003.npy`."""
    image: DepthImage | None
    """None where it could not be used, which the prediction's reason says."""
    prediction: Prediction
    error: HandkitError | None = None
    """Why it could not be used."""


@dataclass
class Counts:
    """What became of the frames so far."""

    processed: int = 0
    with_hand: int = 0
    refused: int = 0
    totals_ms: list[float] = field(default_factory=list[float])
    reasons: Counter[str] = field(default_factory=Counter[str])
    """Of processed frames without a hand, in words that hold for all of them."""

    def add(self, frame: PredictedFrame) -> None:
        """Count one more."""
        if frame.error:
            self.refused += 1
            return
        found = frame.prediction
        self.processed += 1
        self.with_hand += bool(found.hands)
        self.totals_ms.append(found.timings_ms["total"])
        if found.reason:
            self.reasons[CAUSES[found.cause] if found.cause else found.reason] += 1


def predict_file(
    estimator: HandPoseEstimator,
    path: Path,
    calibration: Calibration,
    *,
    hands: int = 2,
    handedness: Asked = "auto",
    minimum_confidence: float = MINIMUM_CONFIDENCE,
) -> Iterator[PredictedFrame]:
    """Every depth image of a file; a file or an image that cannot be used has the error. Raises UsageError."""
    try:
        arrays = read_frames(path)
    except (HandkitError, MemoryError) as error:
        yield _refused(str(path), path, error)
        return
    for index, array in enumerate(arrays):
        alone = len(arrays) == 1
        name = str(path) if alone else f"{path}[{index}]"
        own = path if alone else path.with_name(f"{path.stem}-{index:04d}{path.suffix}")
        try:
            image = DepthImage.of(array, calibration.pick(*image_size(array), name=name))
            prediction = estimator.run(image, hands=hands, handedness=handedness, minimum_confidence=minimum_confidence)
        except UsageError:
            raise
        except (HandkitError, MemoryError) as error:
            yield _refused(name, own, error)
        else:
            yield PredictedFrame(name, own, image, prediction)


def predict_files(
    estimator: HandPoseEstimator,
    frames: Sequence[str],
    *,
    out: Path | TextStream,
    camera: str | Camera | None = None,
    depth_scale: float | None = None,
    hands: int = 2,
    handedness: Asked = "auto",
    minimum_confidence: float = MINIMUM_CONFIDENCE,
    report: Report = log,
    watch: Callable[[int, int], None] = lambda _, __: None,
) -> Counts:
    """Of files, folders and globs a line of JSON for each depth image: to a stream, or to `poses.jsonl` in a folder,
    with an overlay of each image beside it.

    `camera` and `depth_scale` are as of `open_source`. What is refused, and what is unusual, goes to `report`; `watch`
    is given how many files are done, of how many.

    Raises UsageError, CameraError, HandkitError where the folder cannot be made or is not empty, OSError where it
    cannot be written to.
    """
    calibration = Calibration.of(camera, depth_scale)
    paths = [path for given in frames for path in find_files(given)]
    if not paths:
        raise UsageError("predict needs at least one FRAME: a file, a folder or a glob")
    check_asked(hands=hands, handedness=handedness, minimum_confidence=minimum_confidence)
    folder = out if isinstance(out, Path) else None
    if folder:
        _refuse_folder_of_frames(folder, paths)
        make_new_folder(folder)
    with _Writer(out, calibration.known, report) as writer:
        for done, path in enumerate(paths, start=1):
            for frame in predict_file(
                estimator, path, calibration,
                hands=hands, handedness=handedness, minimum_confidence=minimum_confidence,
            ):  # fmt: skip
                writer.write(frame)
            watch(done, len(paths))
        writer.tell_doubt(estimator)
    return writer.counts


def overlay(depth: Float32[np.ndarray, "H W"], prediction: Prediction) -> Picture:
    """The depth image, enlarged, with every hand over it, or the reason why there is none."""
    picture = draw_hands(depth, prediction.hands, width=OVERLAY_WIDTH, caption=_caption)
    if prediction.reason:
        draw_text(picture, prediction.reason, (12, picture.shape[0] - 12), height=18)
    return picture


def _caption(hand: HandPose) -> str:
    return f"{hand.handedness} {hand.confidence:.2f}"


class _Writer:
    """Lines, overlays, and what is said beside them."""

    def __init__(self, out: Path | TextStream, camera: Camera | None, report: Report) -> None:
        self.counts = Counts()
        self._pictures = PictureFolder(out) if isinstance(out, Path) else None
        self._lines = JsonLines(out / "poses.jsonl" if isinstance(out, Path) else out)
        self._report, self._camera = report, camera
        self._refusals, self._warnings = Refusals(report), Warnings(report)
        self._handless = Handless()

    def write(self, frame: PredictedFrame) -> None:
        found, image = frame.prediction, frame.image
        self.counts.add(frame)
        if frame.error:
            self._refusals.add(frame.error, frame=frame.name)
        self._warnings.add(found.warnings)
        self._lines.write(frame_record(frame.name, image.camera if image else self._camera, found))
        if image is None:
            return
        self._handless.add(image, seen=bool(found.hands))
        if self._pictures:
            self._pictures.write(frame.path, overlay(image.depth, found))

    def tell_doubt(self, estimator: HandPoseEstimator) -> None:
        """Whether other focal lengths or units show a hand, where most frames have none."""
        if doubt := estimator.doubt_of_camera(*self._handless.doubtful()):
            self._report(f"warning: {doubt}")

    def __enter__(self) -> "_Writer":
        self._lines.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:  # noqa: ANN401
        self._refusals.tell(self.counts.processed + self.counts.refused)
        self._lines.__exit__(*raised)


def _refused(name: str, path: Path, error: HandkitError | MemoryError) -> PredictedFrame:
    known = error if isinstance(error, HandkitError) else SourceError("needs more memory than there is", source=name)
    return PredictedFrame(name, path, None, Prediction([], str(known), {}, cause="refused"), known)


def _refuse_folder_of_frames(out: Path, paths: Sequence[Path]) -> None:
    """An overlay carries its frame's name: written beside the frame, it would replace it."""
    if any(path.resolve().parent == out.resolve() for path in paths):
        raise UsageError(f"--out {out} is the folder of the frames, which the overlays would overwrite; name another")
