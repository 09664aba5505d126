"""Hands over time: each followed by one crop around its last joints, found again when it is lost."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from numbers import Real
from types import TracebackType
from typing import Protocol, runtime_checkable

import numpy as np

from handkit.asked import MINIMUM_CONFIDENCE, Asked, Rotations, check_asked, check_rotations
from handkit.camera import Camera
from handkit.clock import FrameClock
from handkit.depth import DepthImage, check_image
from handkit.errors import UsageError, check_kind
from handkit.hand import Cause, HandPose, Prediction, TrackedHand
from handkit.locate import same_hand
from handkit.odds import share_of_given
from handkit.shapes import Float32
from handkit.track import HOLD_S, Track, apart

SEARCH_S, SECOND_S = 0.09, 0.5
"""Least time between two searches of the whole image: while a hand is missing that was there, or all are; while
another hand is followed without a gap."""
STALL_S = 1.0
"""A hand that the last frame showed is looked for where it was, even if the next frame comes this late."""
SAME_CAMERA = 0.02
"""Share by which intrinsics may change from frame to frame, as those of an autofocus do."""
AHEAD_S = 0.05
"""A pose is moved on by its velocity for this long at most."""
_log: Callable[[str], None] = logging.getLogger("handkit").warning


@runtime_checkable  # for the shape checker that runs under pytest
class Estimator(Protocol):
    """What a tracker asks of an estimator: `HandPoseEstimator` has it."""

    def run(
        self,
        image: DepthImage,
        *,
        hands: int,
        handedness: Asked,
        minimum_confidence: float,
        known: Sequence[Float32[np.ndarray, "3"]],
    ) -> Prediction:
        """Search the whole image, but for what lies at the centers (camera mm) of hands that are known."""
        ...

    def follow(
        self,
        image: DepthImage,
        centers: Float32[np.ndarray, "N 3"],
        *,
        left: Sequence[bool | None],
        rotations: Rotations,
    ) -> list[HandPose]:
        """Look around each center, camera mm, in all rotations; without a side (`left` None) at both hypotheses."""
        ...


@runtime_checkable
class Frame(Protocol):
    """What a tracker asks of a frame: `sources.TimedFrame` has it."""

    @property
    def image(self) -> DepthImage: ...

    @property
    def time_s(self) -> float: ...


class HandTracker:
    """The hands of a sequence of depth images, smoothed, with numbers that stay theirs.

    A new hand is answered where it is sure (`track.AT_ONCE`), or once it has been seen in two frames.

    The same frames give the same hands: time is that of the frames, never the computer's, and what their clock does is
    no matter (`FrameClock`). Another camera, of another size or with intrinsics more than 2 % off, starts the tracking
    anew. Both are given to `report`, which logs a warning by default.
    """

    def __init__(
        self,
        estimator: Estimator,
        *,
        hands: int = 2,
        handedness: Asked = "auto",
        minimum_confidence: float = MINIMUM_CONFIDENCE,
        rotations: Rotations = 1,
        report: Callable[[str], None] = _log,
    ) -> None:
        """`hands` at most; with `handedness` given only those of that side: what turns out to be a hand of the other
        one is followed no more. Raises UsageError.

        Each followed hand is looked at in `rotations` of its crop: more take longer, and their mean is nearer and
        calmer (results/live.md).
        """
        check_asked(hands=hands, handedness=handedness, minimum_confidence=minimum_confidence)
        check_rotations(rotations)
        check_kind("estimator", estimator, Estimator)
        self.estimator, self.hands = estimator, hands
        self.handedness: Asked = handedness
        self.rotations: Rotations = rotations
        self.minimum_confidence, self._report = minimum_confidence, report
        self.reason: str | None = None
        """Why there is no hand, by the last search; None while there is one."""
        self.cause: Cause | None = None
        """What `reason` says, for programs."""
        self.timings_ms = {"follow": 0.0, "search": 0.0, "total": 0.0}
        """Of the last frame; the same mapping for every frame."""
        self._given = None if handedness == "auto" else handedness == "left"
        self._camera: Camera | None = None
        self._count = 0
        self.reset()

    def reset(self) -> None:
        """Forget all hands, whose numbers are not given again, and the time."""
        self._tracks: list[Track] = []
        self._clock, self._now = FrameClock(self._report), 0.0
        self._searched = -math.inf
        self._last: tuple[list[TrackedHand], list[TrackedHand]] = ([], [])

    def update(self, frame: Frame) -> list[TrackedHand]:
        """The hands of the next frame, the longest followed first; those just lost are among them (`tracked` False).

        Raises UsageError for what is no frame of a source.
        """
        check_kind("frame", frame, Frame)
        return self.track(frame.image, frame.time_s)

    def track(self, image: DepthImage, time_s: float) -> list[TrackedHand]:
        """As `update`, of a depth image taken at `time_s` by any clock."""
        check_image(image)
        check_kind("time_s", time_s, Real)
        begun = time.perf_counter()
        self._check_camera(image.camera)
        before, self._now = self._now, self._clock.tick(float(time_s))
        self._tracks = [track for track in self._tracks if self._worth_a_look(track, before)]
        self._follow(image)
        followed = time.perf_counter()
        self._search(image)
        hands = [track.hand(self._now, self._clock.time_s, image.camera) for track in self._tracks if track.confirmed]
        self._last = (self._last[1], hands)
        ended = time.perf_counter()
        spans = {"follow": followed - begun, "search": ended - followed, "total": ended - begun}
        self.timings_ms.update({name: round(span * 1e3, 3) for name, span in spans.items()})
        return hands

    def at(self, time_s: float, *, ahead: bool = False) -> list[TrackedHand]:
        """The hands at another moment, by the frames' clock, as a renderer asks for them.

        Between the last two frames their joints are interpolated. After the last one they stay; `ahead` moves them on
        by their velocity for at most 50 ms, which is the farther from the truth, the more a hand turns.
        """
        check_kind("time_s", time_s, Real)
        if math.isnan(time_s):
            raise UsageError("time_s is nan; give a time by the clock of the frames")
        before = {hand.id: hand for hand in self._last[0]}
        return [self._moved(hand, before.get(hand.id), time_s, ahead=ahead) for hand in self._last[1]]

    def _moved(self, hand: TrackedHand, before: TrackedHand | None, time_s: float, *, ahead: bool) -> TrackedHand:
        joints = hand.joints_mm
        late = time_s - hand.time_s
        if late > 0 and ahead:
            joints = joints + hand.velocity_mm_s * np.float32(min(late, AHEAD_S))
        elif late < 0 and before is not None and before.time_s < hand.time_s:
            share = max(0.0, (time_s - before.time_s) / (hand.time_s - before.time_s))
            joints = before.joints_mm + np.float32(share) * (joints - before.joints_mm)
        assert self._camera is not None
        return replace(hand, joints_mm=joints, joints_px=self._camera.project(joints), time_s=time_s)

    def _check_camera(self, camera: Camera) -> None:
        if self._camera is not None and not _alike(camera, self._camera):
            was, now = (
                f"{each.width}x{each.height}, fx {each.fx:.1f}, fy {each.fy:.1f}, cx {each.cx:.1f}, cy {each.cy:.1f}"
                for each in (self._camera, camera)
            )
            self._report(f"the camera has changed ({was}, now {now}): hands are searched for anew")
            self.reset()
        self._camera = camera

    def _worth_a_look(self, track: Track, before: float) -> bool:
        """Unseen for a short time only, or, where frames stall, in no frame since `before`."""
        unseen = self._now - track.seen
        return unseen <= HOLD_S or (track.seen == before and unseen <= STALL_S)

    def _follow(self, image: DepthImage) -> None:
        """Look where each hand was; what is not a hand any more, or another one's, counts as unseen."""
        sides = [track.looked_at(self._now) for track in self._tracks]
        poses = self._look(image, self._tracks, sides)
        for track, pose, side in zip(self._tracks, poses, sides, strict=True):
            if side is None and self._is_hand(pose):
                track.weigh(pose, self._now)
        # Where both hypotheses were looked at, the likelier one of this frame may not be that of all frames.
        other = [i for i, track in enumerate(self._tracks) if (poses[i].handedness == "left") != track.left]
        again = self._look(image, [self._tracks[i] for i in other], [self._tracks[i].left for i in other])
        for i, pose in zip(other, again, strict=True):
            share = share_of_given(1 - poses[i].handedness_probability) if self._tracks[i].given else 1.0
            poses[i] = replace(pose, pose_confidence=share * pose.pose_confidence)
        self._accept(poses)
        self._tracks = [
            track
            for track in self._tracks
            if track.confirmed and track.believed >= 0.8 * self.minimum_confidence and self._now - track.seen <= HOLD_S
        ]
        if any(track.contradicted for track in self._tracks):
            self._tracks = [track for track in self._tracks if not track.contradicted]
            self.reason, self.cause = f"the hand in view is not a {self.handedness} one", "other side"

    def _is_hand(self, pose: HandPose) -> bool:
        return pose.pose_confidence >= 0.5 * self.minimum_confidence

    def _look(self, image: DepthImage, tracks: list[Track], left: Sequence[bool | None]) -> list[HandPose]:
        if not tracks:
            return []
        centers = np.stack([track.center for track in tracks])
        return self.estimator.follow(image, centers, left=left, rotations=self.rotations)

    def _accept(self, poses: list[HandPose]) -> None:
        """Give each track its pose; where two have seen one hand, it is that of the track it continues best."""
        sure = [i for i, pose in enumerate(poses) if self._is_hand(pose)]
        taken: list[HandPose] = []
        for i in sorted(sure, key=lambda i: apart(poses[i].joints_mm, self._tracks[i].pose.joints_mm)):
            if not any(_same(poses[i], other) for other in taken):
                taken.append(poses[i])
                believed = poses[i].pose_confidence if self._tracks[i].given else poses[i].confidence
                self._tracks[i].see(poses[i], self._now, sure=believed >= self.minimum_confidence)

    def _search(self, image: DepthImage) -> None:
        """Look for hands in the whole image, if some are missing and it is not too soon."""
        seen = [track for track in self._tracks if track.seen == self._now]
        if seen:
            self.reason = self.cause = None
        steady = bool(seen) and len(seen) == len(self._tracks)
        if len(seen) >= self.hands or self._now - self._searched < (SECOND_S if steady else SEARCH_S):
            return
        self._searched = self._now
        prediction = self.estimator.run(
            image,
            hands=self.hands - len(seen),
            handedness=self.handedness,
            minimum_confidence=self.minimum_confidence,
            known=[track.pose.center for track in seen],
        )
        self._place([pose for pose in prediction.hands if not any(_same(pose, each.pose) for each in seen)])
        self.reason, self.cause = prediction.reason, prediction.cause
        if any(track.confirmed for track in self._tracks):
            self.reason = self.cause = None
        elif self._tracks:
            found = max(track.pose.confidence for track in self._tracks)
            self.reason = f"a hand found with confidence {found:.2f} is answered once a second frame shows it"
            self.cause = "not sure"

    def _place(self, poses: Iterable[HandPose]) -> None:
        """Each found hand is one that was lost, or a new one; a new one takes the place of a lost one at need."""
        for pose in poses:
            lost = [track for track in self._tracks if track.seen < self._now]
            back = [track for track in lost if track.could_be(pose, self._now)]
            if back:
                track = min(back, key=lambda track: apart(track.pose.joints_mm, pose.joints_mm))
                if self._given is None:
                    track.weigh(pose, self._now)
                if track.left == (pose.handedness == "left"):
                    track.see(pose, self._now, sure=False)
                continue
            new = Track(self._count + 1, pose, self._now, given=self._given is not None)
            if len(self._tracks) >= self.hands:
                if not (lost and new.confirmed):
                    continue
                self._tracks.remove(min(lost, key=lambda track: track.seen))
            self._count += 1
            self._tracks.append(new)

    def __enter__(self) -> "HandTracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.reset()


def _alike(camera: Camera, other: Camera) -> bool:
    """Whether what one saw is where the other would see it, nearly."""
    if (camera.width, camera.height) != (other.width, other.height):
        return False
    return all(
        abs(one - two) <= SAME_CAMERA * length
        for one, two, length in (
            (camera.fx, other.fx, other.fx), (camera.fy, other.fy, other.fy),
            (camera.cx, other.cx, other.width), (camera.cy, other.cy, other.height),
        )
    )  # fmt: skip


def _same(pose: HandPose, other: HandPose) -> bool:
    """Whether two poses of one frame are one hand."""
    return same_hand(pose.center, other.center, opposite=pose.handedness != other.handedness)
