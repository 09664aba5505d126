"""From what a user types to a source."""

import importlib
from importlib.metadata import EntryPoint, entry_points
from os import PathLike, fspath
from pathlib import Path

from handkit.camera import Camera
from handkit.errors import HandkitError, MissingExtraError, SourceError, UsageError, shown, suggest
from handkit.extras import install_command
from handkit.sources.foreign import Foreign
from handkit.sources.source import CAMERAS, Calibration, Opener, Report, Source, log

GROUP = "handkit.sources"
"""Entry points of packages that bring sources of their own: the name is the kind, the object an `Opener`."""

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
    calibration = Calibration.of(camera, depth_scale)
    kind, _, argument = spec.partition(":")
    if kind in _BUILT_IN:
        return _load(*_BUILT_IN[kind])(argument, calibration, report)
    for point in entry_points(group=GROUP, name=kind):
        brought = f"--source {kind} is brought by {point.value}"
        return Foreign(_load_foreign(point, brought), argument, calibration, report, brought=brought)
    path = Path(spec)
    if not path.exists() and not path.suffix and "/" not in spec and "*" not in spec:
        hint = suggest(kind, kinds(), cutoff=0.6)
        raise UsageError(f"there is no file and no kind of source {spec!r}; {hint}known: {', '.join(kinds())}")
    suffix = path.suffix.lower() if not path.is_dir() else ""
    module, name = _FILES.get(suffix, _FILES[""])
    return _load(module, name)(spec, calibration, report)


def open_default(*, depth_scale: float | None = None, report: Report = log) -> Source:
    """What a user gets who names no source; `report` is told which it is.

    The one camera that is plugged in; without one `synthetic`, or `demo` where the packages that render are not
    installed. Raises UsageError where several cameras are plugged in.
    """
    cameras = [(kind, name) for kind, found in plugged_in().items() if isinstance(found, list) for name in found]
    if len(cameras) > 1:
        listed = ", ".join(f"{kind} {name}" for kind, name in cameras)
        raise UsageError(
            f"{len(cameras)} cameras are plugged in ({listed}); say which: --source {cameras[0][0]}, or KIND:SERIAL "
            "(record3d:NUMBER) where two are of one kind"
        )
    for kind, name in cameras:
        report(f"{name} is plugged in: --source {kind}")
        return open_source(kind, depth_scale=depth_scale, report=report)
    try:
        source = open_source("synthetic", report=report)
        report("no camera is plugged in (see `handkit cameras`): ten rendered seconds, --source synthetic")
    except MissingExtraError:
        source = open_source("demo", report=report)
        report(
            "no camera is plugged in (see `handkit cameras`): the bundled recording, --source demo; to render more: "
            f"{install_command('train')}"
        )
    return source


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
        except Exception as error:  # whatever a vendor's package raises where it may not look at USB
            found[kind] = SourceError(f"its package cannot look for cameras: {error}")
    return found


def _load_foreign(point: EntryPoint, brought: str) -> Opener:
    try:
        return point.load()
    except Exception as error:  # whatever another package does
        raise SourceError(f"{brought}, which cannot be loaded ({type(error).__name__}: {error})") from error


def _load(module: str, name: str) -> Opener:
    return getattr(importlib.import_module(f"handkit.{module}"), name)
