"""Hands as animations, BVH and binary glTF, as Blender and game engines import them; written at the end."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from handkit.clock import FrameClock
from handkit.errors import SinkError
from handkit.files.atomic import write_whole
from handkit.files.folders import check_writable
from handkit.hand import Side
from handkit.sinks.bvh import bvh_text
from handkit.sinks.gltf import glb_bytes
from handkit.sinks.lines import unwritable
from handkit.sinks.rig import Clip, rig
from handkit.sinks.sink import Moment, Report, log
from handkit.skeleton import Skeleton

FEWEST = 10
"""Frames of a hand that is worth an animation."""


class _Recorded:
    """A hand while it is recorded."""

    def __init__(self, number: int, side: Side, skeleton: Skeleton) -> None:
        self.number, self.side, self.skeleton = number, side, skeleton
        self.times: list[float] = []
        self.joints: list[np.ndarray] = []

    def clip(self) -> Clip:
        joints = np.array(self.joints, np.float64)
        posed = rig(joints, self.skeleton, left=self.side == "left")
        return Clip(f"hand_{self.number}_{self.side}", np.array(self.times), posed)


class Animation:
    """All hands that were followed for at least ten frames, in one file or, as BVH holds one skeleton, one each.

    A hand that changed its handedness is one with its last. Time goes on as `FrameClock` has it. Without such a hand
    there is no file, which is a SinkError at the end.
    """

    def __init__(self, path: str, *, report: Report = log) -> None:
        self.name = path
        self._path, self._report = Path(path), report
        self._hands: dict[int, _Recorded] = {}
        self._clock = FrameClock()

    def __enter__(self) -> "Animation":
        """Raises HandkitError where it could not be written in the end."""
        check_writable(self._path)
        return self

    def write(self, moment: Moment) -> None:
        now = self._clock.tick(moment.time_s)
        for hand in moment.hands:
            kept = self._hands.setdefault(hand.id, _Recorded(hand.id, hand.handedness, hand.skeleton))
            kept.side = hand.handedness
            kept.times.append(now)
            kept.joints.append(hand.joints_mm)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        clips = [each.clip() for each in self._hands.values() if len(each.times) >= FEWEST]
        if not clips:
            missing = f"{self.name} is not written: no hand was followed for {FEWEST} frames"
            if error is None:
                raise SinkError(missing)
            self._report(missing)
            return
        files = _files(self._path, clips)
        try:
            for path, content in files.items():
                write_whole(path, content)
        except OSError as failure:
            raise unwritable(self.name, failure) from None
        if len(files) > 1:
            self._report("; ".join(f"{path} holds {clip.name}" for path, clip in zip(files, clips, strict=True)))


def _files(path: Path, clips: Sequence[Clip]) -> Mapping[Path, bytes | str]:
    if path.suffix.lower() == ".glb":
        return {path: glb_bytes(clips)}
    paths = [path, *(path.with_name(f"{path.stem}-{i}{path.suffix}") for i in range(2, len(clips) + 1))]
    return {each: bvh_text(clip) for each, clip in zip(paths, clips, strict=True)}
