"""The report of a recording: how surely and how calmly hands were followed, and the worst moments, in one HTML file."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np

from handkit.drawing import Picture
from handkit.errors import SinkError, UsageError
from handkit.extras import load
from handkit.files.atomic import write_whole
from handkit.files.folders import check_writable
from handkit.files.png import encode_png
from handkit.hand import HandPose
from handkit.reports.page import page, png, tile, tiles
from handkit.shapes import Float32
from handkit.sources.source import TimedFrame
from handkit.viewing.video import picture

WORST = 6
HEIGHT_IN = 1.5
"""Of a chart."""


class Moment(NamedTuple):
    """What is kept of one hand in one frame."""

    time_s: float
    confidence: float
    jitter_mm: float
    """Mean second difference of its joints over the last three frames; NaN where there were none."""
    raw_jitter_mm: float
    """The same of what the network gave, before smoothing."""


class RecordingReport:
    """Takes frames beside their hands; writes the page when it is closed."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError where the name is taken, MissingExtraError without matplotlib."""
        load("matplotlib", extra="reports")
        if path.exists():
            raise UsageError(f"{path} exists; give the report another name")
        self._path = path
        self._times: list[float] = []
        self._empty = 0
        self._moments: list[Moment] = []
        self._past: dict[int, list[tuple[Float32[np.ndarray, "J 3"], Float32[np.ndarray, "J 3"]]]] = {}
        self._worst: list[tuple[float, float, Picture]] = []

    def __enter__(self) -> "RecordingReport":
        """Raises HandkitError where the page could not be written in the end."""
        check_writable(self._path)
        return self

    def write(self, frame: TimedFrame, hands: Sequence[HandPose]) -> None:
        self._times.append(frame.time_s)
        self._empty += not hands
        numbers = [getattr(hand, "id", place) for place, hand in enumerate(hands)]
        self._past = {number: past for number, past in self._past.items() if number in numbers}
        for number, hand in zip(numbers, hands, strict=True):
            past = self._past.setdefault(number, [])
            past.append((hand.joints_mm, getattr(hand, "raw_mm", hand.joints_mm)))
            del past[:-3]
            smoothed, raw = (_second_difference([pair[i] for pair in past]) for i in (0, 1))
            self._moments.append(Moment(frame.time_s, hand.confidence, smoothed, raw))
        if hands:
            self._keep(min(hand.confidence for hand in hands), frame, hands)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Raises SinkError."""
        try:
            write_whole(self._path, self._page())
        except OSError as failure:
            raise SinkError(f"{self._path} cannot be written: {failure.strerror or failure}") from None

    def _keep(self, badness: float, frame: TimedFrame, hands: Sequence[HandPose]) -> None:
        """The least sure frames, of each second only one."""
        near = [each for each in self._worst if abs(each[1] - frame.time_s) < 1]
        if any(each[0] <= badness for each in near):
            return
        if not near and len(self._worst) == WORST and self._worst[-1][0] <= badness:
            return
        others = [each for each in self._worst if each not in near] if near else self._worst
        self._worst = sorted([*others, (badness, frame.time_s, picture(frame, hands))], key=lambda each: each[:2])[
            :WORST
        ]

    def _page(self) -> str:
        title = f"Recording {self._path.stem}"
        body = [
            tiles(tile(name, value) for name, value in self._numbers().items()),
            "<h2>Confidence over time</h2>",
            _chart([[(each.time_s, each.confidence) for each in self._moments]], top=1.0),
            "<h2>Jitter over time</h2>",
            "<p class='faint'>Mean second difference of the joints, mm a frame: gray as the network gave them, blue "
            "as they were handed over.</p>",
            _chart(
                [
                    [(each.time_s, each.raw_jitter_mm) for each in self._moments],
                    [(each.time_s, each.jitter_mm) for each in self._moments],
                ],
                top=20.0,
            ),
            "<h2>Least sure moments</h2>",
            f'<div class="pair">{"".join(_figure(*each) for each in self._worst)}</div>',
            f'<p class="faint">handkit {version("handkit")}</p>',
        ]
        return page(title, body, style="\nfigure { margin: 0 } svg { width: 100% }")

    def _numbers(self) -> dict[str, str]:
        count = len(self._times)
        length = self._times[-1] - self._times[0] if count else 0.0
        jitter = [each.jitter_mm for each in self._moments if np.isfinite(each.jitter_mm)]
        raw = [each.raw_jitter_mm for each in self._moments if np.isfinite(each.raw_jitter_mm)]
        return {
            "frames": f"{count}",
            "seconds": f"{length:.1f}",
            "frames with a hand": f"{(count - self._empty) / max(count, 1):.0%}",
            "mean confidence": f"{np.mean([each.confidence for each in self._moments]):.2f}" if self._moments else "-",
            "median jitter": f"{np.median(jitter):.1f} mm" if jitter else "-",
            "before smoothing": f"{np.median(raw):.1f} mm" if raw else "-",
        }


def _second_difference(joints: list[Float32[np.ndarray, "J 3"]]) -> float:
    if len(joints) < 3:
        return float("nan")
    return float(np.linalg.norm(joints[0] - 2 * joints[1] + joints[2], axis=-1).mean())


def _figure(confidence: float, time_s: float, shown: Picture) -> str:
    words = f"{time_s:.2f} s, confidence {confidence:.2f}"
    return f"<figure>{png(encode_png(shown), words=words)}<figcaption>{words}</figcaption></figure>"


def _chart(series: Sequence[Sequence[tuple[float, float]]], *, top: float) -> str:
    """Dots over time, in SVG, the first series gray where there are two; values above `top` lie on the upper edge."""
    from handkit.reports.charts import LIGHT, PAGE_IN, SERIES, charted, to_svg

    if not any(series):
        return "<p>No hand was seen.</p>"
    with charted(PAGE_IN, HEIGHT_IN) as (figure, (axes,)):
        for color, points in zip((LIGHT["faint"], SERIES[0])[-len(series) :], series, strict=True):
            times, values = np.array(points).T
            # Each dot as a mark of its own would make the page of an hour's recording many megabytes.
            axes.plot(times, np.minimum(values, top), ".", color=color, markersize=2, rasterized=True)
        axes.set(xlabel="seconds", ylim=(0, top * 1.03))
    return to_svg(figure)
