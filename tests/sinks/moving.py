"""Hands that move as a script says, as sinks get them."""

from functools import cache

import numpy as np
from tracked import Script, Seen, frame

from handkit.sinks import Moment
from handkit.tracking import HandTracker


@cache
def moments(count=30) -> list[Moment]:
    """A right hand that moves and, from frame 10 on, a left one that rests."""

    def hands(i):
        return [Seen((100 + 3.0 * i, -20, 500)), Seen((-150, 0, 450), left=True, visible=i >= 10)]

    tracker = HandTracker(Script(hands, noise_mm=1))
    return [Moment(i, 5 + i / 30, tracker.update(frame(i)), tracker.reason) for i in range(count)]


def wavering(count=40, *, left=False, opposed=0.0) -> np.ndarray:
    """Joints (T, 21, 3) in camera mm of a hand that turns, bends and moves, with bones of constant length.

    Its thumb is turned out of the palm's plane, about the wrist, by `opposed` radians and a little more or less.
    """
    from tracked import hand_at

    still = hand_at((0, 0, 0), left=left).astype(np.float64)
    poses = []
    for i in range(count):
        pose = still.copy()
        for start in range(1, 21, 4):
            for joint in range(start, start + 3):
                bend = turn((1, 0, 0), 0.02 * i)
                pose[joint + 1 : start + 4] = pose[joint] + (pose[joint + 1 : start + 4] - pose[joint]) @ bend.T
        across = turn((0, 1, 0), opposed * (1 + 0.2 * np.sin(i)))
        pose[1:5] = pose[0] + (pose[1:5] - pose[0]) @ across.T
        whole = turn((1, 2, 3), 0.15 * i)
        poses.append(pose @ whole.T + (5 * i, -3 * i, 500 + 2 * i))
    return np.array(poses)


def turn(axis, angle) -> np.ndarray:
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
