"""From what a user types to a source."""

import difflib
import importlib
from importlib.metadata import entry_points
from os import PathLike, fspath
from pathlib import Path

from handkit.camera import Camera, CameraChoice
from handkit.errors import HandkitError, UsageError, shown
from handkit.sources.source import Opener, Options, Report, Source, log

GROUP = "handkit.sources"
"""Entry points of packages that bring sources of their own: the name is the kind, the object an `Opener`."""

CAMERAS = ("realsense", "orbbec", "oak", "record3d")
_BUILT_IN = {
    "demo": ("sources.demo", "open_demo"),
    "synthetic": ("sources.synthetic", "open_synthetic"),
    "realsense": ("sources.realsense", "open_realsense"),
    "orbbec": ("sources.orbbec", "open_orbbec"),
    "oak": ("sources.oak", "open_oak"),
    "record3d": ("sources.record3d", "open_record3d"),
}
"""Module and function of every kind; a camera's package is imported when it is opened."""
_FILES = {
    "": ("sources.folder", "open_files"),
    ".mcap": ("recordings.player", "open_recording"),
    ".db3": ("sources.realsense", "open_recording"),
    ".bag": ("sources.realsense", "open_recording"),
}
"""By suffix of a file; the empty one for folders, globs and all other files."""


def open_source(
    spec: str | PathLike[str],
    *,
    camera: str | Camera | None = None,
    depth_scale: float | None = None,
    report: Report = log,
) -> Source:
    """The source that `spec` names, to be used as `with open_source(spec) as source: for frame in source: …`.

    `spec` is a camera (`realsense`, `orbbec`, `oak`, `record3d`, each with `:SERIAL` where there are several),
    `demo` (a bundled recording), `synthetic[:SEED]`, a recording (`.mcap`; RealSense's `.db3` and `.bag`), a folder, a
    file or a glob of depth images, or the kind of another package's entry point. `camera` is that of files that do not
    name theirs: a name or `fx,fy,cx,cy`; `depth_scale` is the mm of one unit, if it is not what the source says.
    `report` is given what is wrong and not fatal; by default it is logged as a warning.

    Raises UsageError, SourceError, CameraError, MissingExtraError.
    """
    if not isinstance(spec, str | PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(f"a source is a name, a path or a glob; got {shown(spec)}")
    spec = fspath(spec)
    choice = CameraChoice.parse(camera) if isinstance(camera, str) else camera
    options = Options(choice, depth_scale, report)
    kind, _, argument = spec.partition(":")
    opener = _opener(kind)
    if opener is not None:
        return opener(argument, options)
    path = Path(spec)
    if not path.exists() and not path.suffix and "/" not in spec and "*" not in spec:
        near = difflib.get_close_matches(kind, kinds(), n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"there is no file and no kind of source {spec!r}{hint}; known: {', '.join(kinds())}")
    suffix = path.suffix.lower() if not path.is_dir() else ""
    module, name = _FILES.get(suffix, _FILES[""])
    return _load(module, name)(spec, options)


def kinds() -> list[str]:
    """All that can stand before the colon, those of other packages last."""
    return [*_BUILT_IN, *sorted({point.name for point in entry_points(group=GROUP)} - set(_BUILT_IN))]


def plugged_in() -> dict[str, list[str] | HandkitError]:
    """By kind: the cameras that their packages see, or why they cannot be asked."""
    found: dict[str, list[str] | HandkitError] = {}
    for kind in CAMERAS:
        try:
            found[kind] = importlib.import_module(f"handkit.sources.{kind}").found()
        except HandkitError as error:
            found[kind] = error
    return found


def _opener(kind: str) -> Opener | None:
    if kind in _BUILT_IN:
        return _load(*_BUILT_IN[kind])
    for point in entry_points(group=GROUP, name=kind):
        return point.load()
    return None


def _load(module: str, name: str) -> Opener:
    return getattr(importlib.import_module(f"handkit.{module}"), name)
