"""Where poses go: records in files, animations, the network. A package is imported when its sink is opened."""

from handkit.sinks.opening import open_sink, open_sinks
from handkit.sinks.records import STAGES, JsonLines, PictureFolder, frame_record, save_depth
from handkit.sinks.sink import Moment, Sink

__all__ = [
    "STAGES",
    "JsonLines",
    "Moment",
    "PictureFolder",
    "Sink",
    "frame_record",
    "open_sink",
    "open_sinks",
    "save_depth",
]
