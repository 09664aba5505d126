"""`handkit predict`: depth images in, poses out; one that cannot be read does not stop the others."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from handkit.asked import MINIMUM_CONFIDENCE, Asked, check_asked
from handkit.backends.opening import BackendName
from handkit.camera import Camera, CameraChoice
from handkit.cli.saying import say
from handkit.depth import DepthImage, image_size
from handkit.drawing import Picture, depth_range, draw_hand, draw_text, enlarge, show_depth
from handkit.errors import HandkitError
from handkit.estimator import HandPoseEstimator
from handkit.files.folders import make_folder
from handkit.hand import Prediction
from handkit.shapes import Float32, Shaped
from handkit.sinks import JsonLines, PictureFolder, frame_record
from handkit.sources import find_files, read_frames
from handkit.sources.refusals import Refusals

OVERLAY_WIDTH = 1000
"""Overlays are enlarged in whole multiples to about this many pixels."""


@dataclass(frozen=True)
class Request:
    """The options of the command."""

    camera: str
    depth_scale: float | None
    """mm per unit; None: the camera's."""
    handedness: Asked
    weights: str
    out: Path | None
    threads: int = 1
    hands: int = 2
    minimum_confidence: float = MINIMUM_CONFIDENCE
    backend: BackendName | None = None


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
    warned: set[str] = field(default_factory=set[str])
    refusals: Refusals = field(default_factory=lambda: Refusals(say))
    handless: list[DepthImage] = field(default_factory=list[DepthImage])
    """The first image in which no hand is sure enough, if there is one."""

    def predict(self, path: Path) -> Iterator[Prediction | None]:
        """Read, estimate and write every frame of a file; None, with the reason on stderr, where one cannot be."""
        try:
            arrays = read_frames(path)
        except (HandkitError, MemoryError) as error:
            yield self._refuse(path, error)
            return
        for index, array in enumerate(arrays):
            name = str(path) if len(arrays) == 1 else f"{path}[{index}]"
            stem = path if len(arrays) == 1 else path.with_name(f"{path.stem}-{index:04d}{path.suffix}")
            try:
                image = DepthImage.of(array, self._camera(array, name))
                prediction = self.estimator.run(
                    image,
                    hands=self.request.hands,
                    handedness=self.request.handedness,
                    minimum_confidence=self.request.minimum_confidence,
                )
            except (HandkitError, MemoryError) as error:
                yield self._refuse(name, error)
                continue
            yield self._write(name, stem, image, prediction)

    def _camera(self, array: Shaped[np.ndarray, "..."], name: str) -> Camera:
        camera = self.camera.fit(*image_size(array), source=name)
        return camera if self.request.depth_scale is None else replace(camera, unit_mm=self.request.depth_scale)

    def _refuse(self, name: Path | str, error: Exception) -> None:
        sentence = str(error) or type(error).__name__
        self.refusals.add(sentence, frame=str(name))
        self.lines.write(frame_record(str(name), self.camera.known, [], reason=sentence))

    def tell_doubt(self, tally: Tally) -> None:
        """Whether other focal lengths show a hand, where most frames have none."""
        if self.handless and 2 * tally.with_hand < tally.processed:
            doubt = self.estimator.doubt_of_lens(self.handless[0])
            if doubt:
                say(f"warning: {doubt}")

    def _write(self, name: str, stem: Path, image: DepthImage, prediction: Prediction) -> Prediction:
        for warning in prediction.warnings:
            if warning not in self.warned:
                self.warned.add(warning)
                say(f"warning: {warning}")
        self.lines.write(
            frame_record(
                name, image.camera, prediction.hands, reason=prediction.reason, timings_ms=prediction.timings_ms
            )
        )
        if not (prediction.hands or self.handless):
            self.handless.append(image)
        if self.pictures:
            self.pictures.write(stem, overlay(image.depth, prediction))
        return prediction


def predict_frames(frames: Sequence[str], request: Request) -> int:
    """Answer 0 if at least one frame was processed, else 1; raises HandkitError where nothing can begin."""
    camera = CameraChoice.parse(request.camera)
    sources = [path for given in frames for path in find_files(given)]
    if not sources:
        raise HandkitError("predict needs at least one FRAME: a file, a folder or a glob", status=2)
    if request.out:
        _refuse_folder_of_sources(request.out, sources)
    check_asked(hands=request.hands, handedness=request.handedness, minimum_confidence=request.minimum_confidence)
    estimator = HandPoseEstimator.from_pretrained(request.weights, backend=request.backend, threads=request.threads)
    console, tally = Console(stderr=True), Tally()
    if request.out:
        make_folder(request.out)
    with ExitStack() as stack:
        pictures = PictureFolder(request.out) if request.out else None
        target = request.out / "poses.jsonl" if request.out else sys.stdout
        lines = stack.enter_context(JsonLines(target))
        reader = Reader(request, camera, estimator, lines, pictures)
        stack.callback(lambda: reader.refusals.tell(tally.processed + tally.refused))
        quiet = not (request.out and console.is_terminal)
        for path in track(sources, "frames", console=console, transient=True, disable=quiet):
            for prediction in reader.predict(path):
                tally.add(prediction)
        reader.tell_doubt(tally)
    if request.out:
        _summarize(tally, request.out, console)
    return 0 if tally.processed else 1


def overlay(depth: Float32[np.ndarray, "H W"], prediction: Prediction) -> Picture:
    """The depth image, enlarged, with every hand over it, or the reason why there is none."""
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
