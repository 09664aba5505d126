"""Recordings: what goes in comes out bit for bit, whatever befalls the file."""

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from full_disk import full_disk

import handkit
from handkit.camera import Camera
from handkit.cli import main
from handkit.depth import DepthImage
from handkit.errors import SinkError, SourceError, UsageError
from handkit.estimator import HandPoseEstimator
from handkit.hand import HandPose
from handkit.skeleton import HAND21
from handkit.sources.source import TimedFrame

pytest.importorskip("mcap_ros2")

from handkit.recordings import player, recorder
from handkit.recordings.messages import CAMERA_INFO, DEFINITIONS, IMAGE, camera_info
from handkit.recordings.recorder import Recorder

LENS = (0.12, -0.05, 0.001, -0.002, 0.01)
CAMERA = Camera(fx=60.1, fy=60.2, cx=31.5, cy=23.5, width=64, height=48)


def frame(index: int, values: np.ndarray | None = None, camera: Camera = CAMERA) -> TimedFrame:
    noise = np.random.default_rng(index).integers(500, 900, (48, 64)).astype(np.uint16)
    taken = noise if values is None else values
    return TimedFrame(DepthImage.of(taken, camera), index * 33_333_333 / 1e9, index, taken)


def record(path: Path, frames: Sequence[TimedFrame], hands: Sequence[HandPose] = ()) -> Path:
    with Recorder(path) as sink:
        for each in frames:
            sink.write(each, hands)
    return path


def play(path: Path, **options: object) -> tuple[list[TimedFrame], list[str]]:
    told: list[str] = []
    with handkit.open_source(str(path), report=told.append, **options) as source:  # pyright: ignore
        return list(source), told


def same(one: TimedFrame, other: TimedFrame) -> bool:
    return (
        one.image.depth.tobytes() == other.image.depth.tobytes()
        and one.values.dtype == other.values.dtype
        and one.values.tobytes() == other.values.tobytes()
        and (one.time_s, one.image.notes) == (other.time_s, other.image.notes)
    )


@pytest.mark.parametrize("kind", ["uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("unit_mm", [1.0, 0.125, 0.1, 0.25, 10.0, 1000.0])
def test_every_unit_and_number_type_comes_back_bit_for_bit(tmp_path: Path, kind: str, unit_mm: float) -> None:
    millimeters = np.random.default_rng(7).uniform(400, 900, (48, 64))
    values = (millimeters / unit_mm).astype(kind)
    if kind == "float32":
        values[0, :3] = np.nan, np.inf, -1.0
    camera = Camera(fx=60, fy=60, cx=32, cy=24, width=64, height=48, unit_mm=unit_mm)
    if unit_mm == 1000 and kind in {"uint16", "int32"}:
        values = np.full((48, 64), 1, kind)
    taken = frame(3, values, camera)
    (played,), told = play(record(tmp_path / "a.mcap", [taken]))
    assert told == []
    if kind == "float64" and unit_mm != 1000:  # the gate looks at 32 bits, and these come back
        assert played.image.depth.tobytes() == taken.image.depth.tobytes()
    else:
        assert played.image.depth.tobytes() == taken.image.depth.tobytes()
        np.testing.assert_array_equal(played.values, taken.values)
    assert played.image.camera == camera


@pytest.mark.parametrize("lens", [LENS[:4], LENS, (*LENS, 0.1, 0.01, 0.001)])
def test_the_lens_comes_back(tmp_path: Path, lens: tuple[float, ...]) -> None:
    camera = Camera(fx=60.1, fy=60.2, cx=31.5, cy=23.5, width=64, height=48, distortion=lens)
    taken = frame(0, camera=camera)
    (played,), _ = play(record(tmp_path / "a.mcap", [taken]))
    assert same(played, taken)


def test_a_change_of_resolution_is_followed(tmp_path: Path) -> None:
    small = Camera(fx=30, fy=30, cx=16, cy=12, width=32, height=24)
    frames = [frame(0), frame(1, np.full((24, 32), 700, np.uint16), small), frame(2)]
    played, told = play(record(tmp_path / "a.mcap", frames))
    assert told == []
    assert all(map(same, played, frames))


def test_times_and_gaps_are_kept(tmp_path: Path) -> None:
    frames = [frame(index) for index in (3, 4, 5, 17, 18)]
    played, _ = play(record(tmp_path / "a.mcap", frames))
    assert [each.time_s for each in played] == [each.time_s for each in frames]
    assert all(map(same, played, frames))


def test_hands_are_kept_as_a_record_and_as_points(tmp_path: Path) -> None:
    from mcap.reader import make_reader
    from mcap_ros2.decoder import DecoderFactory

    joints = np.arange(63, dtype=np.float32).reshape(21, 3) + 400
    hand = HandPose(joints, joints[:, :2], "left", 0.9, HAND21, np.zeros(21, np.float32), 1.0)
    record(tmp_path / "a.mcap", [frame(0)], [hand])
    with (tmp_path / "a.mcap").open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        found = {each.channel.topic: each.decoded_message for each in reader.iter_decoded_messages()}
    cloud = np.frombuffer(found["/hands/joints"].data, "<f4").reshape(-1, 3)
    np.testing.assert_allclose(cloud * 1000, joints, rtol=1e-6)
    assert '"handedness": "left"' in found["/handkit/frame"].data
    assert found["/depth/image"].encoding == "16UC1"
    assert found["/depth/camera_info"].k[0] == 60.1


def test_truncated_anywhere_it_plays_to_the_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "CHUNK_BYTES", 1)
    frames = [frame(index) for index in range(6)]
    whole = record(tmp_path / "a.mcap", frames).read_bytes()
    counts: list[int] = []
    for size in range(len(whole) // 20, len(whole) - 1, len(whole) // 40):
        cut = tmp_path / "cut.mcap"
        cut.write_bytes(whole[:size])
        try:
            played, told = play(cut)
        except SourceError:  # there is no depth image yet
            counts.append(0)
            continue
        assert all(map(same, played, frames))
        assert "ends in the middle, after byte" in told[-1]
        counts.append(len(played))
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 6)


@pytest.mark.parametrize("command", ["replay", "convert", "doctor", "annotate", "live"])
def test_cut_in_its_first_chunk_it_says_so(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", lambda *_, **__: object())
    whole = record(tmp_path / "a.mcap", [frame(index) for index in range(6)]).read_bytes()
    cut = tmp_path / "cut.mcap"
    more = {"convert": [str(tmp_path / "out")], "annotate": ["--out", str(tmp_path / "o.parquet")]}.get(command, [])
    for size in (9, 40, len(whole) // 8, len(whole) // 2):
        cut.write_bytes(whole[:size])
        assert main([command, *(["--source"] if command == "live" else []), str(cut), *more]) == 1
        (sentence,) = capsys.readouterr().err.splitlines()
        assert re.search(
            rf"cut\.mcap ends in the middle, after byte \d+ of {size}: no depth image before that", sentence
        )


def test_a_flipped_bit_never_gives_other_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "CHUNK_BYTES", 1)
    frames = [frame(index) for index in range(4)]
    whole = record(tmp_path / "a.mcap", frames).read_bytes()
    generator = np.random.default_rng(0)
    for at in generator.integers(0, len(whole), 150):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(generator.integers(8))
        (tmp_path / "damaged.mcap").write_bytes(damaged)
        try:
            played, _ = play(tmp_path / "damaged.mcap")
        except (SourceError, UsageError):
            continue
        assert len(played) <= 4
        assert all(map(same, played, frames))


@pytest.mark.parametrize(
    ("topic", "kind"), [("/depth/image", "sensor_msgs/msg/Image"), ("/handkit/frame", "std_msgs/msg/String")]
)
def test_a_message_that_is_not_what_its_schema_says_costs_its_frame_alone(
    topic: str, kind: str, tmp_path: Path
) -> None:
    frames = [frame(index) for index in range(5)]
    good, bad = record(tmp_path / "a.mcap", frames), tmp_path / "bad.mcap"
    spoil(good, bad, topic=topic, which=2)
    played, told = play(bad)
    assert [each.index for each in played] == [0, 1, 3, 4]
    assert all(map(same, played, [each for each in frames if each.index != 2]))
    assert len(told) == 1
    assert re.search(rf"frame 2: a message on {topic} is no {kind}", told[0])


def test_the_first_message_may_be_the_one(tmp_path: Path) -> None:
    spoil(record(tmp_path / "a.mcap", [frame(0), frame(1)]), tmp_path / "bad.mcap", topic="/depth/image", which=0)
    played, _ = play(tmp_path / "bad.mcap")
    assert [each.index for each in played] == [1]


def spoil(good: Path, bad: Path, *, topic: str, which: int) -> None:
    """The same recording, sound to its last byte, with one message of a topic cut to three bytes."""
    from mcap.reader import make_reader
    from mcap.writer import Writer

    with good.open("rb") as source, bad.open("wb") as file:
        writer, count, ids = Writer(file), 0, dict[str, int]()
        writer.start()
        for schema, channel, message in make_reader(source).iter_messages(log_time_order=False):
            assert schema is not None
            if channel.topic not in ids:
                own = writer.register_schema(schema.name, schema.encoding, schema.data)
                ids[channel.topic] = writer.register_channel(channel.topic, channel.message_encoding, own)
            count += channel.topic == topic
            cut = channel.topic == topic and count == which + 1
            data = message.data[:3] if cut else message.data
            writer.add_message(ids[channel.topic], message.log_time, data, message.publish_time)
        writer.finish()


def test_what_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "a.mcap").write_bytes(b"something else")
    with pytest.raises(SourceError, match="is no MCAP recording"):
        play(tmp_path / "a.mcap")
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        play(tmp_path / "b.mcap")
    record(tmp_path / "c.mcap", [])
    with pytest.raises(SourceError, match="has no depth images"):
        play(tmp_path / "c.mcap")
    with pytest.raises(SourceError, match="one that ends in"):
        Recorder(tmp_path / "d.bag")
    with pytest.raises(SourceError, match="exists; give the recording another name"):
        Recorder(tmp_path / "c.mcap")
    with pytest.raises(SourceError, match="cannot be written"):
        Recorder(tmp_path / "nowhere" / "d.mcap")


def test_where_no_source_opens_the_name_stays_free(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not plugged in"), Recorder(tmp_path / "a.mcap"):
        raise SourceError("not plugged in")
    record(tmp_path / "a.mcap", [frame(0)])
    assert len(play(tmp_path / "a.mcap")[0]) == 1


@pytest.mark.parametrize("chunk", [1, 16_000, 1 << 19])
@pytest.mark.parametrize("room", range(200, 60_000, 3_777))
def test_a_full_disk_ends_the_recording_and_keeps_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, chunk: int
) -> None:
    monkeypatch.setattr(recorder, "CHUNK_BYTES", chunk)
    frames = [frame(index) for index in range(8)]
    if len(record(tmp_path / "whole.mcap", frames).read_bytes()) <= room:
        pytest.skip("there is room for all")
    path = tmp_path / "a.mcap"
    with full_disk(room), pytest.raises(SinkError) as refused, Recorder(path) as sink:  # noqa: PT012
        for each in frames:
            sink.write(each)
    if not path.exists():
        assert str(refused.value) == f"{path} cannot be written: File too large"
        return
    played, told = play(path)
    assert str(refused.value) == f"{path} ends early, with {len(played)} whole frames: File too large"
    assert 0 < len(played) <= 8
    assert all(map(same, played, frames))
    assert "ends in the middle" in told[0]


def test_a_disk_that_is_full_from_the_start_leaves_nothing(tmp_path: Path) -> None:
    with full_disk(5), pytest.raises(SourceError, match="cannot be written: File too large"):
        Recorder(tmp_path / "a.mcap")
    assert list(tmp_path.iterdir()) == []


def test_after_a_full_disk_frames_are_taken_and_let_go(tmp_path: Path) -> None:
    with full_disk(20_000):
        sink = Recorder(tmp_path / "a.mcap")
        with pytest.raises(SinkError):  # noqa: PT012
            for index in itertools.count():
                sink.write(frame(index))
        for index in range(2 * recorder.WAITING):
            sink.write(frame(index))
        sink.close()


def record_in_a_process(path: Path, what_follows: str) -> subprocess.Popen[bytes]:
    program = f"""
import itertools, sys
from pathlib import Path
sys.path[:0] = {sys.path!r}
import numpy as np
from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.recordings.recorder import Recorder
from handkit.sources.source import TimedFrame
camera = Camera(fx=600, fy=600, cx=320, cy=240, width=640, height=480)
values = np.random.default_rng(0).integers(500, 900, (480, 640)).astype(np.uint16)
frames = (TimedFrame(DepthImage.of(values, camera), index / 30, index, values) for index in itertools.count())
sink = Recorder(Path({str(path)!r}))
{what_follows}
"""
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_ended_keeps_its_recording(tmp_path: Path, how: signal.Signals) -> None:
    path = tmp_path / "a.mcap"
    following = """
with sink:
    for frame in frames:
        sink.write(frame)
        if frame.index == 10:
            print("ten", flush=True)
"""
    child = record_in_a_process(path, following)
    assert child.stdout is not None
    child.stdout.readline()
    while path.stat().st_size < 2_000_000:
        time.sleep(0.01)
    os.kill(child.pid, how)
    try:
        child.wait(timeout=30)
    finally:
        child.kill()
    child.stdout.close()
    played, told = play(path)
    assert played
    assert [each.index for each in played] == list(range(len(played)))
    assert told == [] if how == signal.SIGINT else "ends in the middle" in told[0]


def test_a_process_that_forgets_to_close_ends_with_a_whole_recording(tmp_path: Path) -> None:
    with record_in_a_process(tmp_path / "a.mcap", "for _ in range(5): sink.write(next(frames))") as child:
        try:
            assert child.wait(timeout=60) == 0
        finally:
            child.kill()
    played, told = play(tmp_path / "a.mcap")
    assert ([each.index for each in played], told) == ([0, 1, 2, 3, 4], [])


def ros_file(path: Path, order: str, *, image: dict[str, object], topic: str = "/camera/depth") -> Path:
    """As `ros2 bag record` writes it: c the camera, i an image, d another camera's."""
    from mcap_ros2.writer import Writer

    with path.open("wb") as file, Writer(file) as writer:
        schemas = {name: writer.register_msgdef(name, DEFINITIONS[name]) for name in (IMAGE, CAMERA_INFO)}
        for count, letter in enumerate(order):
            stamp = 1_790_000_000_000_000_000 + count * 10_000_000
            info = camera_info(CAMERA, stamp)
            if letter == "i":
                writer.write_message(f"{topic}/image_raw", schemas[IMAGE], {**image, "header": info["header"]}, stamp)
            else:
                name = f"{topic}/camera_info" if letter == "c" else "/camera/color/camera_info"
                writer.write_message(name, schemas[CAMERA_INFO], info, stamp)
    return path


def ros_image(stored: np.ndarray, encoding: str, *, padding: int = 0) -> dict[str, object]:
    height, width = stored.shape
    rows = np.pad(stored, ((0, 0), (0, padding)))
    return {
        "height": height, "width": width, "encoding": encoding, "is_bigendian": int(stored.dtype.byteorder == ">"),
        "step": rows.strides[0], "data": rows.tobytes(),
    }  # fmt: skip


@pytest.mark.parametrize("order", ["cici", "icii", "diidci"])
@pytest.mark.parametrize(
    ("kind", "encoding", "scale", "padding"),
    [("<u2", "16UC1", 1, 0), (">u2", "16UC1", 1, 3), ("<f4", "32FC1", 1000, 0), ("<u2", "mono16", 1, 0)],
)
def test_recordings_of_ros(tmp_path: Path, order: str, kind: str, encoding: str, scale: int, padding: int) -> None:
    depth = np.random.default_rng(1).integers(500, 900, (48, 64))
    image = ros_image((depth / scale).astype(kind), encoding, padding=padding)
    played, told = play(ros_file(tmp_path / "ros.mcap", order, image=image))
    assert (len(played), told) == (order.count("i"), [])
    np.testing.assert_allclose(played[0].image.depth, depth, rtol=1e-6)
    assert played[0].image.camera.fx == CAMERA.fx
    steps = np.diff([at for at, letter in enumerate(order) if letter == "i"])
    np.testing.assert_allclose(np.diff([each.time_s for each in played]), steps * 0.01, atol=1e-12)


def test_ros_without_a_camera_asks_for_one(tmp_path: Path) -> None:
    path = ros_file(tmp_path / "ros.mcap", "ii", image=ros_image(np.full((48, 64), 700, np.uint16), "16UC1"))
    with pytest.raises(UsageError, match="does not say which camera took it"):
        play(path)
    played, _ = play(path, camera="60,60,32,24")
    assert [each.image.camera.fx for each in played] == [60, 60]


def test_ros_images_that_are_cut_are_reported(tmp_path: Path) -> None:
    image = ros_image(np.full((48, 64), 700, np.uint16), "16UC1") | {"data": bytes(100)}
    played, told = play(ros_file(tmp_path / "ros.mcap", "cii", image=image))
    assert played == []
    reason = "an image of 64x48 16UC1 has 100 bytes"
    assert told == [f"frame 0: {reason}", f"refused 2 of 2 frames: {reason}"]


def test_patience_with_a_camera_that_never_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "PATIENCE", 3)
    path = ros_file(tmp_path / "ros.mcap", "iiiiiii", image=ros_image(np.full((48, 64), 700, np.uint16), "16UC1"))
    with pytest.raises(UsageError, match="name the camera"):
        play(path)
