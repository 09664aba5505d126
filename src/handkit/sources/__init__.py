"""Depth images in: files, recordings, cameras, synthetic. A camera's package is imported when it is opened."""

from handkit.sources.files import count_frames, find_files, read_frames
from handkit.sources.opening import open_source
from handkit.sources.source import Source, TimedFrame

__all__ = ["Source", "TimedFrame", "count_frames", "find_files", "open_source", "read_frames"]
