"""A session: frames in, hands out to everything at once, whatever fails on the way."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from tracked import Script, Seen, frame

from handkit.cli import main
from handkit.errors import SinkError, UsageError
from handkit.live import Session, open_keeper, run
from handkit.sinks import Moment, open_sink
from handkit.sources.refusals import Refusals
from handkit.tracking import HandTracker


class Frames:
    """A source of scripted frames; an exception in their place is raised there."""

    name, live = "scripted", False

    def __init__(self, *items):
        self.items, self.closed, self.refusals = items, False, Refusals(pytest.fail)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True

    def __iter__(self):
        for item in self.items:
            if isinstance(item, BaseException):
                raise item
            yield frame(item)


class Sinking:
    """A sink that fails at its third frame, and once more when it is closed."""

    name = "sinking"

    def __init__(self):
        self.written, self.closed = 0, 0

    def __enter__(self):
        return self

    def write(self, moment):
        if self.written == 2:
            raise SinkError("sinking cannot be written: No space left on device")
        self.written += 1

    def __exit__(self, *_):
        self.closed += 1
        raise SinkError("sinking cannot be closed")


class Keeping:
    def __init__(self):
        self.kept, self.closed = [], False

    def __enter__(self):
        return self

    def write(self, frame, hands):
        self.kept.append((frame.index, len(hands)))

    def __exit__(self, *_):
        self.closed = True


def tracker():
    return HandTracker(Script(lambda i: [Seen((0, 0, 500))] if i >= 5 else []), hands=1)


def test_everything_gets_every_frame(tmp_path):
    keeper, source, watched = Keeping(), Frames(*range(20)), []
    sinks = [open_sink(str(tmp_path / name)) for name in ("hands.jsonl", "hands.csv")]
    session = run(source, tracker(), sinks, keepers=[keeper], watch=lambda _, moment: watched.append(moment.index))
    lines = [json.loads(line) for line in (tmp_path / "hands.jsonl").read_text().splitlines()]
    assert [line["index"] for line in lines] == [index for index, _ in keeper.kept] == watched == list(range(20))
    assert [len(line["hands"]) for line in lines] == [count for _, count in keeper.kept]
    assert (session.frames, session.dropped, session.ids) == (20, 0, {1})
    assert session.with_hands == 14, "searched for at frames 3 and 6"
    assert keeper.closed
    assert source.closed
    assert session.latency_ms(99) >= session.latency_ms(50) > 0


def test_dropped_frames_are_counted():
    assert run(Frames(3, 4, 8), tracker()).dropped == 6


class Breaking(Keeping):
    """A viewer that is closed at its third frame."""

    def write(self, frame, hands):
        if len(self.kept) == 2:
            raise SinkError("the window was closed")
        super().write(frame, hands)

    def __exit__(self, *_):
        super().__exit__()
        raise SinkError("nothing there to be closed")


def test_a_keeper_that_fails_ends_alone(tmp_path):
    breaking, keeper, said = Breaking(), Keeping(), []
    sink = open_sink(str(tmp_path / "hands.jsonl"))
    session = run(Frames(*range(20)), tracker(), [sink], keepers=[breaking, keeper], report=said.append)
    assert said == ["the window was closed; tracking goes on without it"]
    assert (len(breaking.kept), breaking.closed, len(keeper.kept)) == (2, True, 20)
    assert session.frames == len((tmp_path / "hands.jsonl").read_text().splitlines()) == 20
    assert session.failed == [breaking]


def test_a_viewer_that_does_not_open_is_done_without():
    class Closed(Keeping):
        def __enter__(self):
            raise SinkError("there is no screen")

    closed, keeper, said = Closed(), Keeping(), []
    session = run(Frames(*range(20)), tracker(), keepers=[closed, keeper], report=said.append)
    assert said == ["there is no screen; tracking goes on without it"]
    assert (closed.kept, closed.closed, len(keeper.kept), session.frames) == ([], False, 20, 20)


def test_a_sink_that_does_not_open_ends_the_session(tmp_path):
    keeper = Keeping()
    with pytest.raises(SinkError, match="cannot be written"):
        run(Frames(0), tracker(), [open_sink(str(tmp_path / "no" / "a.csv"))], keepers=[keeper])
    assert keeper.kept == []


def test_a_sink_that_fails_ends_alone(tmp_path):
    sinking, said = Sinking(), []
    other = open_sink(str(tmp_path / "hands.jsonl"))
    session = run(Frames(*range(20)), tracker(), [sinking, other], report=said.append)
    assert session.frames == len((tmp_path / "hands.jsonl").read_text().splitlines()) == 20
    assert said == ["sinking cannot be written: No space left on device; tracking goes on without it"]
    assert (sinking.written, sinking.closed) == (2, 1)


def test_whoever_leaves_stdout_ends_the_session_and_everything_is_closed():
    class Leaving(Sinking):
        def write(self, moment):
            if moment.index == 3:
                raise BrokenPipeError

    keeper, source = Keeping(), Frames(*range(20))
    with pytest.raises(BrokenPipeError):
        run(source, tracker(), [Leaving()], keepers=[keeper], report=lambda _: None)
    assert (len(keeper.kept), keeper.closed, source.closed) == (3, True, True)


def test_what_cannot_be_closed_is_said():
    said = []
    run(Frames(0), tracker(), [Sinking()], report=said.append)
    assert said == ["sinking cannot be closed"]


def test_ctrl_c_closes_everything(tmp_path):
    keeper, source, said = Keeping(), Frames(*range(12), KeyboardInterrupt()), []
    path = tmp_path / "hands.glb"
    script = HandTracker(Script(lambda i: [Seen((0, 0, 500))]))
    session = run(source, script, [open_sink(str(path))], keepers=[keeper], report=said.append)
    assert (session.frames, said) == (12, ["stopped"])
    assert path.read_bytes()[:4] == b"glTF"
    assert keeper.closed
    assert source.closed


def test_an_error_of_the_source_closes_everything_and_is_raised():
    keeper = Keeping()
    with pytest.raises(ZeroDivisionError):
        run(Frames(0, ZeroDivisionError()), tracker(), keepers=[keeper])
    assert keeper.closed


def test_a_long_session_keeps_few_numbers():
    session = Session()
    for i in range(30_000):
        session.count(Moment(i, i / 30, []), frame(i).image, latency_ms=float(i))
    assert len(session.handless.doubtful()) == 4
    assert len(session.latencies_ms) == 10_000
    assert session.latency_ms(0) == 20_000


class Signalled(Frames):
    """A source during which the process gets a signal, after its fifth frame."""

    number = signal.SIGTERM

    def __iter__(self):
        for item in self.items:
            yield frame(item)
            if item == 4:
                os.kill(os.getpid(), self.number)


class Insisted(Keeping):
    """Closed while signals go on."""

    def __exit__(self, *_):
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        super().__exit__()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_end_a_session_as_ctrl_c_does(name, monkeypatch):
    if signal.getsignal(getattr(signal, name, signal.SIGINT)) is signal.SIG_IGN or not hasattr(signal, name):
        pytest.skip("no such signal here, or it is ignored, as under nohup")
    monkeypatch.setattr(Signalled, "number", getattr(signal, name))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    keeper, source, said = Insisted(), Signalled(*range(20)), []
    session = run(source, tracker(), keepers=[keeper], report=said.append)
    assert (session.frames, len(keeper.kept), said) == (5, 5, ["stopped"])
    assert keeper.closed
    assert source.closed
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_signal_does_not_interrupt_the_closing_of_a_session_that_has_ended():
    keeper = Insisted()
    assert run(Frames(*range(5)), tracker(), keepers=[keeper], report=pytest.fail).frames == 5
    assert keeper.closed


def test_what_keeps_frames_beside_their_hands_is_known_by_its_name(tmp_path):
    for name in ("a.mp4", "a.GIF"):
        assert open_keeper(tmp_path / name)
    with pytest.raises(UsageError, match=r"a\.avi: give a name that ends in \.rrd, \.mp4, \.gif, \.html, \.mcap"):
        open_keeper(tmp_path / "a.avi")
    assert not list(tmp_path.iterdir())


class Unusual(Frames):
    """By a camera whose pixels are not square, at a median depth that changes."""

    def __iter__(self):
        for each in super().__iter__():
            image = replace(each.image, notes=(f"the median depth is {100 + each.index} mm",))
            yield replace(each, image=image)


def test_what_is_unusual_is_said_once():
    said: list[str] = []
    run(Unusual(0, 1, 2), HandTracker(Script(lambda _: [])), report=said.append)
    assert said == ["warning: the median depth is 100 mm"]


def test_a_session_without_hands_asks_for_the_unit(shared_data: Path, capfd: pytest.CaptureFixture[str]):
    """Eighths of a millimeter that were taken for whole ones, and numbers in another order."""
    assert main(["live", "--source", str(shared_data / "sr305"), "--camera", "sr300"]) == 1
    assert "give --depth-scale 0.125" in capfd.readouterr().err
    assert main(["live", "--source", str(shared_data / "sr305"), "--camera", "475,320,475,240"]) == 1
    assert "are fy and cx exchanged? the order is fx,fy,cx,cy" in capfd.readouterr().err
