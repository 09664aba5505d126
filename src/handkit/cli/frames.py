"""`handkit predict`: pictures in, poses out; a picture that cannot be read does not stop the others."""

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np
from jaxtyping import Float32
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from handkit.cli.errors import make_folder
from handkit.drawing import Picture, depth_range, draw_hand, draw_text, enlarge, show_depth
from handkit.errors import FrameError, HandkitError, SourceError
from handkit.inference import HandPoseEstimator, Prediction
from handkit.sinks import JsonLines, PictureFolder, frame_record
from handkit.sources import CameraChoice, find_pictures, read_depth

OVERLAY_WIDTH = 1000
"""Overlays are enlarged in whole multiples to about this many pixels."""


@dataclass(frozen=True)
class Request:
    """The options of the command."""

    camera: str
    depth_scale: float
    hand: Literal["right", "left", "auto"]
    weights: str
    out: Path | None


@dataclass
class Tally:
    """What became of the frames."""

    processed: int = 0
    with_hand: int = 0
    refused: int = 0
    totals_ms: list[float] = field(default_factory=list[float])
    reasons: Counter[str] = field(default_factory=Counter[str])

    def add(self, prediction: Prediction | None) -> None:
        """Count one frame; None: it could not be read."""
        if prediction is None:
            self.refused += 1
            return
        self.processed += 1
        self.with_hand += bool(prediction.hands)
        self.totals_ms.append(prediction.timings_ms["total"])
        if prediction.reason:
            self.reasons[prediction.reason.partition(" (")[0]] += 1  # without this frame's own numbers


@dataclass(frozen=True)
class Reader:
    """Everything that stays the same from frame to frame."""

    request: Request
    camera: CameraChoice
    estimator: HandPoseEstimator
    lines: JsonLines
    pictures: PictureFolder | None

    def predict(self, path: Path) -> Prediction | None:
        """Read, estimate and write one frame; None, with the reason on stderr, if it cannot be read."""
        try:
            depth = read_depth(path, depth_scale=self.request.depth_scale)
            height, width = depth.shape
            camera = self.camera.fit(width, height, picture=str(path))
            prediction = self.estimator.run(depth, camera, hand=self.request.hand)
        except (SourceError, FrameError) as error:
            named = error if isinstance(error, SourceError) else f"{path}: {error}"
            print(f"handkit: {named}", file=sys.stderr)
            self.lines.write(frame_record(str(path), self.camera.camera, [], reason=str(error)))
            return None
        self.lines.write(
            frame_record(
                str(path),
                camera,
                prediction.hands,
                reason=prediction.reason,
                timings_ms=prediction.timings_ms,
            )
        )
        if self.pictures:
            self.pictures.write(path, overlay(depth, prediction))
        return prediction


def predict_frames(frames: Sequence[str], request: Request) -> int:
    """Answer 0 if at least one frame was processed, else 1; raises HandkitError where nothing can begin."""
    camera = _camera(request)
    sources = [path for given in frames for path in find_pictures(given)]
    if not sources:
        raise HandkitError("predict needs at least one FRAME: a picture, a folder or a glob", status=2)
    if request.out:
        _refuse_folder_of_sources(request.out, sources)
    estimator = HandPoseEstimator.from_pretrained(request.weights)
    console, tally = Console(stderr=True), Tally()
    if request.out:
        make_folder(request.out)
    with ExitStack() as stack:
        pictures = PictureFolder(request.out) if request.out else None
        target = request.out / "poses.jsonl" if request.out else sys.stdout
        lines = stack.enter_context(JsonLines(target))
        reader = Reader(request, camera, estimator, lines, pictures)
        quiet = not (request.out and console.is_terminal)
        for path in track(sources, "frames", console=console, transient=True, disable=quiet):
            tally.add(reader.predict(path))
    if request.out:
        _summarize(tally, request.out, console)
    return 0 if tally.processed else 1


def overlay(depth: Float32[np.ndarray, "H W"], prediction: Prediction) -> Picture:
    """The depth picture, enlarged, with every hand over it, or the reason why there is none."""
    hands = prediction.hands
    near, far = depth_range(depth, np.concatenate([hand.joints_mm for hand in hands]) if hands else None)
    factor = max(1, round(OVERLAY_WIDTH / depth.shape[1]))
    picture = enlarge(show_depth(depth, near=near, far=far), factor)
    for hand in hands:
        draw_hand(
            picture,
            (hand.joints_px + 0.5) * factor - 0.5,
            hand.skeleton,
            caption=f"{hand.handedness} {hand.confidence:.2f}",
            depth_mm=hand.joints_mm[:, 2],
        )
    if prediction.reason:
        draw_text(picture, prediction.reason, (12, picture.shape[0] - 12), height=18)
    return picture


def _camera(request: Request) -> CameraChoice:
    if not 0 < request.depth_scale < float("inf"):
        raise HandkitError(f"--depth-scale {request.depth_scale:g} is not a positive number of mm per unit", status=2)
    try:
        return CameraChoice.parse(request.camera)
    except ValueError as error:
        raise HandkitError(str(error), status=2) from None


def _refuse_folder_of_sources(out: Path, sources: Sequence[Path]) -> None:
    """An overlay carries its frame's name: written beside the frame, it would replace it."""
    if any(path.resolve().parent == out.resolve() for path in sources):
        raise HandkitError(
            f"--out {out} is the folder of the frames, which the overlays would overwrite; name another",
            status=2,
        )


def _summarize(tally: Tally, out: Path, console: Console) -> None:
    count = tally.processed + tally.refused
    console.print(
        f"[bold]{count}[/] frame{'s' * (count != 1)}: "
        f"[green]{tally.with_hand} with a hand[/], {tally.processed - tally.with_hand} without, "
        f"{f'[red]{tally.refused} unreadable[/]' if tally.refused else '0 unreadable'}"
        + (f", median {median(tally.totals_ms):.1f} ms" if tally.totals_ms else ""),
        highlight=False,
    )
    for reason, times in tally.reasons.most_common(3):
        console.print(f"  {times} x {escape(reason)}", highlight=False, style="dim")
    console.print(f"  poses and overlays in {escape(str(out))}", highlight=False, style="dim")
