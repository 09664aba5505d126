"""A camera that is slow to be read, unplugged, silent or broken, played by a fake."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np
import pytest

from handkit.camera import Camera
from handkit.errors import SourceError
from handkit.sources import live
from handkit.sources.live import Live
from handkit.sources.source import RawFrame, Source

CAMERA = Camera(fx=100.0, fy=100.0, cx=32.0, cy=24.0, width=64, height=48)
WALL = np.full((48, 64), 800, np.uint16)


class Fake:
    """Does in turn what each of its steps says: a raw frame, None, or an error raised."""

    name = "fake"

    def __init__(self, steps: Iterator[RawFrame | BaseException | None]) -> None:
        self.steps = steps
        self.opened = self.closed = 0
        self.refusals = 0
        self.refusal: Exception = SourceError("no fake camera")

    def open(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise self.refusal
        self.opened += 1

    def read(self) -> RawFrame | None:
        step = next(self.steps)
        if isinstance(step, BaseException):
            raise step
        return step

    def close(self) -> None:
        self.closed += 1


def raw_frame(index: int, values: np.ndarray = WALL) -> RawFrame:
    return RawFrame(values, CAMERA, 5_000_000_000 + index * 1_000_000)


def forever(step: Callable[[int], RawFrame | None]) -> Iterator[RawFrame | None]:
    index = 0
    while True:
        time.sleep(0.001)
        yield step(index)
        index += 1


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "AGAIN_S", 0.02)
    monkeypatch.setattr(live, "SILENT_S", 0.1)


def test_a_slow_consumer_gets_the_newest_and_drops_the_rest() -> None:
    source = Live(Fake(forever(raw_frame)), pytest.fail)
    assert isinstance(source, Source)
    seen: list[tuple[int, float]] = []
    with source:
        for frame in source:
            seen.append((frame.index, frame.time_s))
            if len(seen) == 5:
                break
            time.sleep(0.05)
    gaps = np.diff([index for index, _ in seen])
    assert gaps.min() > 5, "frames are dropped, not queued"
    first = seen[0][0]
    assert [time_s for _, time_s in seen] == [(index - first) * 1e6 / 1e9 for index, _ in seen]


def test_nothing_comes_twice() -> None:
    steps = iter([raw_frame(0), *[None] * 20, raw_frame(1)])

    def slowly() -> Iterator[RawFrame | None]:
        for step in steps:
            time.sleep(0.01)
            yield step
        while True:
            time.sleep(0.01)
            yield None

    device = Fake(slowly())
    with Live(device, lambda sentence: None) as source:
        frames = iter(source)
        assert [next(frames).index, next(frames).index] == [0, 1]


def test_unplugged_it_waits_says_so_and_goes_on() -> None:
    def steps() -> Iterator[RawFrame | BaseException]:
        yield raw_frame(0)
        time.sleep(0.05)
        device.refusals = 3
        yield SourceError("fake has been unplugged")
        for index in range(1, 1000):
            time.sleep(0.005)
            yield raw_frame(index)

    told: list[str] = []
    device = Fake(steps())
    with Live(device, told.append) as source:
        frames = iter(source)
        assert next(frames).index == 0
        assert next(frames).index >= 1
    assert told == ["fake has been unplugged; waiting for the camera", "fake is back"]
    assert (device.opened, device.refusals) == (2, 0)


def test_silence_is_taken_for_unplugged() -> None:
    def steps() -> Iterator[RawFrame | None]:
        yield raw_frame(0)
        for _ in range(20):
            time.sleep(0.01)
            yield None
        yield from forever(raw_frame)

    told: list[str] = []
    with Live(Fake(steps()), told.append) as source:
        frames = iter(source)
        next(frames)
        next(frames)
    assert told[0].startswith("fake has given no frame for 0.1 s")


def test_a_refused_frame_is_reported_and_not_fatal() -> None:
    told: list[str] = []
    images = [WALL.astype(np.uint8), WALL]
    with Live(Fake(forever(lambda index: raw_frame(index, images[index >= 10]))), told.append) as source:
        frame = next(iter(source))
    assert frame.index >= 10
    assert re.fullmatch(r"frame \d: depth needs 16-bit .*", told[0])
    refused = source.refusals.total
    assert told[1:] == [f"refused {refused} of {refused + 1} frames: {told[0].partition(': ')[2]}"] * (refused > 1)


def test_what_nobody_foresaw_is_a_sentence_where_frames_are_taken() -> None:
    device = Fake(iter([raw_frame(0), RuntimeError("driver bug")]))
    with (
        Live(device, pytest.fail) as source,
        pytest.raises(SourceError, match=r"fake: its package has failed \(RuntimeError: driver bug\)"),
    ):
        list(source)
    assert device.closed


def test_whatever_a_package_raises_at_first_is_a_sentence_and_later_is_waited_for() -> None:
    device = Fake(forever(raw_frame))
    device.refusal, device.refusals = RuntimeError("USB is busy"), 1
    with (
        pytest.raises(SourceError, match=r"its package has failed \(RuntimeError: USB is busy\)"),
        Live(device, pytest.fail),
    ):
        pass
    said: list[str] = []
    gone = Fake(chain([raw_frame(0), SourceError("unplugged")], forever(lambda i: raw_frame(i + 1))))
    gone.refusal = RuntimeError("USB is busy")
    with Live(gone, said.append) as source:
        gone.refusals = 2
        frames = iter(source)
        while "fake is back" not in said:
            next(frames)
    assert said == ["unplugged; waiting for the camera", "fake is back"]


def test_a_camera_that_is_not_there_ends_at_once() -> None:
    device = Fake(iter([]))
    device.refusals = 1
    before = threading.active_count()
    with pytest.raises(SourceError, match="no fake camera"), Live(device, pytest.fail):
        pass
    assert threading.active_count() == before
