"""Playing a recording: handkit's own, or any MCAP file with the depth images and the camera of ROS 2."""

import json
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from handkit.camera import Camera
from handkit.errors import HandkitError, SourceError, UsageError
from handkit.extras import load
from handkit.files.regular import open_regular
from handkit.recordings.messages import CAMERA_INFO, IMAGE, TEXT, camera_of, pixels_of, stamp_ns, values_of
from handkit.recordings.recorder import FRAME
from handkit.sources.source import Calibration, Played, RawFrame, Report

DECODED = (IMAGE, CAMERA_INFO, TEXT)
MAGIC = b"\x89MCAP0\r\n"
PATIENCE = 100
"""Depth images that may come before the first word about their camera."""


class Message(NamedTuple):
    """One message of a recording."""

    topic: str
    kind: str
    content: Any
    """SourceError for one that is not what its schema says."""


class Recorded(NamedTuple):
    """What `/handkit/frame` says of the depth image that follows it."""

    time_ns: int
    unit_mm: float
    kind: str


def open_recording(given: str, calibration: Calibration, report: Report) -> Played:
    """Raises SourceError where there is no recording, or none with depth; MissingExtraError without `mcap`."""
    path = Path(given)
    topic = depth_topic(path)
    return Played(given, partial(_raw_frames, path, topic, calibration), report)


def _raw_frames(path: Path, topic: str, calibration: Calibration) -> Generator[RawFrame | HandkitError]:
    damage: list[str] = []
    yield from raw_frames(path, topic, calibration, damage=damage)
    yield from (SourceError(f"{each}: what was whole before that was played", source=path) for each in damage)


def raw_frames(
    path: Path, topic: str, calibration: Calibration, *, damage: list[str]
) -> Generator[RawFrame | HandkitError]:
    """The images of one topic; in place of one that cannot be used, the reason. Images that come before their camera
    wait for it; `damage` as for `messages`.
    """
    cameras = _Cameras(topic, calibration)
    record: Recorded | SourceError | None = None
    waiting: list[tuple[Any, Recorded | SourceError | None]] = []
    for message in messages(path, damage=damage):
        if message.kind == CAMERA_INFO:
            cameras.add(message)
        elif message.topic == FRAME:
            record = _recorded(message.content)
        elif message.topic == topic:
            waiting.append((message.content, record))
            record = None
        if cameras.known or len(waiting) > PATIENCE:
            yield from _flush(waiting, cameras)
    yield from _flush(waiting, cameras)


def _flush(
    waiting: list[tuple[Any, Recorded | SourceError | None]], cameras: "_Cameras"
) -> Iterator[RawFrame | HandkitError]:
    """Everything that waits, or why it cannot be read."""
    for image, record in waiting:
        try:
            yield _raw_frame(image, record, cameras)
        except UsageError:
            raise  # the same for every image
        except HandkitError as error:
            yield error
    waiting.clear()


def _raw_frame(image: Any, record: Recorded | SourceError | None, cameras: "_Cameras") -> RawFrame:  # noqa: ANN401
    if isinstance(image, SourceError):
        raise image
    if isinstance(record, SourceError):
        raise record
    if record is not None:
        camera = replace(cameras.of(image), unit_mm=record.unit_mm)
        return RawFrame(values_of(image, unit_mm=record.unit_mm, kind=record.kind), camera, record.time_ns, 0)
    pixels = pixels_of(image)
    camera = cameras.of(image)
    if pixels.dtype.kind == "f" and cameras.calibration.unit_mm is None:
        camera = replace(camera, unit_mm=1000.0)
    return RawFrame(pixels, camera, stamp_ns(image))


def _recorded(content: Any) -> Recorded | SourceError | None:  # noqa: ANN401
    """None for a record that is not of this kind."""
    if isinstance(content, SourceError):
        return content
    try:
        found = json.loads(content.data)
        unit_mm, kind = float(found["unit_mm"]), str(found["kind"])
        return Recorded(round(float(found["time_s"]) * 1e9), unit_mm, kind) if kind[:1] in "uif" else None
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


class _Cameras:
    """The latest camera of one topic of images: its neighbor `camera_info`, or the only one there is."""

    def __init__(self, topic: str, calibration: Calibration) -> None:
        self.calibration = calibration
        self._name = topic
        self._own = f"{topic.rpartition('/')[0]}/camera_info"
        self._infos: dict[str, Any] = {}

    def add(self, message: Message) -> None:
        if not isinstance(message.content, SourceError):
            self._infos[message.topic] = message.content

    @property
    def known(self) -> bool:
        """Whether an image needs to wait no longer."""
        return self._own in self._infos or self.calibration.camera is not None

    def of(self, image: Any) -> Camera:  # noqa: ANN401
        """Raises HandkitError where there is none, or none that can be used."""
        if self.calibration.camera is None and self._infos:
            info = self._infos.get(self._own) or next(iter(self._infos.values()))
            return self.calibration.fit(camera_of(info))
        return self.calibration.pick(int(image.width), int(image.height), name=self._name)


def messages(path: Path, *, damage: list[str] | None = None) -> Iterator[Message]:
    """Those of `DECODED`, in the file's order; of a truncated or damaged file those before the damage.

    Where there is damage, `is damaged, after byte 10 of 20` is appended to `damage`. Raises SourceError for what is no
    MCAP file at all.
    """
    stream_reader, decoder = load("mcap.stream_reader", extra="record"), load("mcap_ros2.decoder", extra="record")
    try:
        file = open_regular(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    with file:
        size = path.stat().st_size  # no record of a sound file is longer
        reader = stream_reader.StreamReader(file, validate_crcs=True, record_size_limit=size)
        yield from _decoded(_whole_records(reader, path, file, damage), decoder.DecoderFactory())


def _decoded(records: Iterator[Any], factory: Any) -> Iterator[Message]:  # noqa: ANN401
    """Messages of the schemas that are of use here."""
    schemas: dict[int, Any] = {}
    channels: dict[int, Any] = {}
    for record in records:
        kind = type(record).__name__
        if kind == "Schema":
            schemas[record.id] = record
        elif kind == "Channel":
            channels[record.id] = record
        elif kind == "Message" and (channel := channels.get(record.channel_id)) is not None:
            schema = schemas.get(channel.schema_id)
            if schema is not None and schema.name in DECODED:
                yield Message(channel.topic, schema.name, _content(record, channel, schema, factory))


def _content(record: Any, channel: Any, schema: Any, factory: Any) -> Any:  # noqa: ANN401
    """SourceError for a message that is not what its schema says: any error at all is possible there."""
    try:
        return factory.decoder_for(channel.message_encoding, schema)(record.data)
    except Exception as error:  # each decoder raises its own
        return SourceError(
            f"a message on {channel.topic} is no {schema.name} ({error})", kind=f"a message is no {schema.name}"
        )


def _whole_records(reader: Any, path: Path, file: Any, damage: list[str] | None) -> Iterator[Any]:  # noqa: ANN401
    """Records up to the first that is not whole; what a damaged file makes its reader raise can be anything."""
    records, count = iter(reader.records), 0
    while True:
        at = file.tell()
        try:
            record = next(records)
        except StopIteration:
            return
        except Exception as error:  # of the bytes of a damaged file, anything
            if count == 0 and not _begins_well(path):
                raise SourceError(f"{path} is no MCAP recording ({str(error) or type(error).__name__})") from None
            size = path.stat().st_size
            name = type(error).__name__
            cut = name == "RecordLengthLimitExceeded" or (name in {"EndOfFile", "error"} and file.tell() >= size)
            what = "ends in the middle" if cut else "is damaged"
            if damage is not None:
                damage.append(f"{what}, after byte {at} of {size}")
            return
        count += 1
        yield record


def _begins_well(path: Path) -> bool:
    with open_regular(path) as file:
        return file.read(len(MAGIC)) == MAGIC


def depth_topic(path: Path) -> str:
    """The one to play: the first whose name has `depth`, or else the first with 16-bit or floating-point images."""
    found: str | None = None
    damage: list[str] = []
    for count, message in enumerate(messages(path, damage=damage)):
        if found and count > PATIENCE:
            break
        if message.kind == IMAGE and getattr(message.content, "encoding", "") in {"16UC1", "32FC1", "64FC1", "mono16"}:
            if "depth" in message.topic:
                return message.topic
            found = found or message.topic
    if found is None and damage:
        raise SourceError(f"{path} {damage[0]}: no depth image before that is whole; copy the recording again")
    if found is None:
        raise SourceError(f"{path} has no depth images (sensor_msgs/Image, 16UC1 or 32FC1) in any of its topics")
    return found
