"""Move a tool with a hand: goals for a robot's controller, from the datagrams of `handkit live --send udp://...`.

    handkit live --source realsense --hands 1 --send udp://127.0.0.1:9000
    python examples/teleoperation.py 9000

Nothing but the standard library, so it runs where the robot's controller runs. A line of JSON comes out for every goal:
`offset_mm`, how far the tool is from where it was when the hand was taken up (camera frame: x right, y down, z
forward), and `grip`, 0 open to 1 closed. It was not run on a robot: limit speed and reach in the controller as well.
"""

import contextlib
import json
import math
import socket
import sys
from dataclasses import dataclass, field
from typing import Any

WRIST, THUMB_TIP, INDEX_TIP, MIDDLE_MCP = 0, 4, 8, 9
OPEN, CLOSED = 1.0, 0.3
"""Distance of thumb and index fingertip, in lengths of the palm."""
SURE = 0.6
"""Hands with less confidence move nothing."""
LARGEST_STEP_MM = 60.0
"""A hand that goes farther from one frame to the next was lost, or is another one: it is taken up anew."""
SILENCE_S = 0.25
"""Without a datagram for this long the hand is let go of."""


@dataclass
class Teleoperation:
    """One hand drives one tool; `goal` is None while it must hold still."""

    offset_mm: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    _hand: int | None = None
    _last: list[float] = field(default_factory=list)

    def goal(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Of one datagram's content."""
        seen = [hand for hand in record["hands"] if hand["tracked"] and hand["confidence"] >= SURE]
        chosen = next((hand for hand in seen if hand["id"] == self._hand), seen[0] if seen else None)
        if chosen is None:
            self.release()
            return None
        joints = chosen["joints_mm"]
        known = chosen["id"] == self._hand and math.dist(joints[WRIST], self._last) <= LARGEST_STEP_MM
        if known:
            steps = zip(self.offset_mm, joints[WRIST], self._last, strict=True)
            self.offset_mm = [offset + now - before for offset, now, before in steps]
        self._hand, self._last = chosen["id"], joints[WRIST]
        rounded = [round(each, 1) for each in self.offset_mm]
        return {"time_s": record["time_s"], "offset_mm": rounded, "grip": round(grip(joints), 3)}

    def release(self) -> None:
        """Hold still; the next hand goes on from there, wherever it is."""
        self._hand = None


def grip(joints_mm: list[list[float]]) -> float:
    """0: thumb and index finger apart; 1: together. Scaled by the palm, so large and small hands do the same."""
    palm = math.dist(joints_mm[WRIST], joints_mm[MIDDLE_MCP])
    apart = math.dist(joints_mm[THUMB_TIP], joints_mm[INDEX_TIP]) / max(palm, 1e-6)
    return min(max((OPEN - apart) / (OPEN - CLOSED), 0.0), 1.0)


def main(port: int) -> None:
    """Print goals until Ctrl-C."""
    robot = Teleoperation()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", port))
        listening.settimeout(SILENCE_S)
        print(f"listening on udp://127.0.0.1:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
        while True:
            try:
                goal = robot.goal(json.loads(listening.recv(65535)))
            except TimeoutError:
                robot.release()
                continue
            if goal:
                print(json.dumps(goal), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 9000)
