"""How hands grasp: for each grasp what it takes, and the angles between which its fingers close.

After Feix et al., The GRASP Taxonomy of Human Grasp Types, IEEE Transactions on Human-Machine Systems 46(1), 2016
(https://doi.org/10.1109/THMS.2015.2470657): power grasps against the palm, precision grasps between the pads,
lateral, hook and platform; and things that touch or hide a hand that does not hold them.
"""

from typing import NamedTuple

import torch

from handkit.synthetic.hand import radians
from handkit.synthetic.things import NAMES

Angles = tuple[float, ...]
PRESSED, PINCHED, FREE = range(3)
"""Against palm and fingers; between thumb and fingers; near a hand of any articulation."""

ROD = ("pen", "brush", "screwdriver")
ROUND = ("ball", "fruit", "cloth")
VESSEL = ("can", "glass", "bottle", "mug")
RELAXED = ((2.0, 0.0, 8.0, 5.0), (70.0, 0.0, 85.0, 50.0))
"""Between which a finger that does not take part is found."""


class Grasp(NamedTuple):
    """Angles in degrees as in `Articulation`: finger flexions (MCP, PIP, DIP) and the five of the thumb."""

    share: float
    way: int
    kinds: tuple[str, ...]
    half: tuple[float, float]
    """Half thickness of what is taken, mm for an average hand."""
    opened: tuple[float, float, float]
    closed: tuple[float, float, float]
    thumb: tuple[Angles, Angles]
    fingers: int = 4
    """How many, from the index finger on, take part; the others are `RELAXED`."""
    spread: float = 0.0


GRASPS = {
    "wrap": Grasp(
        0.20, PRESSED, (*VESSEL, "hammer", "screwdriver", "brush", "banana", "gripper", "box", "cloth"), (7.0, 40.0),
        (-14, 0, 0), (88, 105, 75), ((-12, 44, 15, 0, 0), (54, 4, 30, 50, 70)),
    ),
    "sphere": Grasp(
        0.09, PRESSED, (*ROUND, "box"), (18.0, 46.0),
        (-16, 0, 0), (82, 95, 65), ((-18, 46, 15, -5, -5), (52, 8, 30, 50, 65)), spread=1.0,
    ),
    "hook": Grasp(
        0.07, PRESSED, ("mug_by_handle", "bag", "bag", "can", "hammer"), (4.0, 11.0),
        (4, 12, 5), (30, 108, 70), ((-10, 10, 5, 5, 5), (10, 14, 8, 20, 25)),
    ),
    "two fingers": Grasp(
        0.12, PINCHED, (*ROUND, *ROD, "box", "card", "can"), (1.0, 20.0),
        (2, 8, 2), (78, 65, 42), ((-8, 18, 10, 0, 0), (42, -10, 16, 30, 35)), fingers=1,
    ),
    "three fingers": Grasp(
        0.10, PINCHED, (*ROUND, *ROD, *VESSEL, "box", "card", "phone"), (1.0, 28.0),
        (2, 8, 2), (78, 65, 42), ((-6, 20, 10, 0, 0), (42, -6, 18, 32, 36)), fingers=2,
    ),
    "five fingers": Grasp(
        0.11, PINCHED, (*ROUND, *VESSEL, "box", "phone", "plate"), (5.0, 42.0),
        (-4, 8, 2), (78, 65, 42), ((-4, 28, 12, 0, 0), (44, 0, 20, 36, 38)), spread=0.7,
    ),
    "tripod": Grasp(
        0.07, PINCHED, ROD, (3.0, 7.0),
        (14, 22, 6), (80, 60, 36), ((-6, 18, 10, 0, 0), (42, -8, 16, 32, 36)), fingers=2,
    ),
    "lateral": Grasp(
        0.07, PINCHED, ("card", "card", "phone", "box", "gripper"), (0.5, 5.0),
        (38, 62, 25), (66, 90, 45), ((-12, 4, 2, 0, 0), (36, -20, 12, 22, 26)),
    ),
    "platform": Grasp(
        0.07, PRESSED, (*ROUND, *VESSEL, "box", "card", "phone", "plate", "banana"), (2.0, 40.0),
        (-12, 0, 0), (30, 35, 22), ((-25, 8, 0, 0, 0), (8, 22, 12, 14, 14)), spread=0.6,
    ),
    "free": Grasp(
        0.10, FREE, NAMES, (3.0, 50.0),
        (0, 0, 0), (0, 0, 0), ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0)),
    ),
}  # fmt: skip
GRASP_NAMES = tuple(GRASPS)


class Tables(NamedTuple):
    """The same by row of `GRASPS`, angles in rad."""

    share: torch.Tensor
    way: torch.Tensor
    kinds: torch.Tensor
    """Shares of each of `NAMES`."""
    half: torch.Tensor
    opened: torch.Tensor
    closed: torch.Tensor
    thumb: torch.Tensor
    fingers: torch.Tensor
    spread: torch.Tensor


def tables() -> Tables:
    rows = tuple(GRASPS.values())
    return Tables(
        torch.tensor([row.share for row in rows]),
        torch.tensor([row.way for row in rows]),
        torch.tensor([[float(row.kinds.count(name)) for name in NAMES] for row in rows]),
        torch.tensor([row.half for row in rows]),
        torch.stack([radians(row.opened) for row in rows]),
        torch.stack([radians(row.closed) for row in rows]),
        torch.stack([torch.stack([radians(angles) for angles in row.thumb]) for row in rows]),
        torch.tensor([row.fingers for row in rows]),
        torch.tensor([row.spread for row in rows]),
    )
