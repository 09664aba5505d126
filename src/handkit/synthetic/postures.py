"""Random articulations by family, as often as hands show them: before anything keeps a hand from running into itself.

Open, flat and stretched hands, hands at rest, counting, letters of finger-spelling, pointing, fists, grasps, hooks and
anything that the joints allow. Loose families are often on the way to another; fists, pointing and letters seldom.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from handkit.synthetic.hand import Articulation, radians

FINGER_LIMITS = ((-38.0, -22.0, -8.0, -10.0), (95.0, 22.0, 112.0, 85.0))
"""MCP flexion, abduction, PIP and DIP flexion, degrees."""
THUMB_LIMITS = ((-35.0, -22.0, -15.0, -10.0, -30.0), (58.0, 52.0, 48.0, 62.0, 88.0))
"""CMC flexion, palmar abduction, twist, MCP flexion, IP flexion, degrees."""
WRIST_LIMITS = ((-80.0, -32.0), (78.0, 25.0))

FINGERS = {
    "S": (0.0, 0.0, 5.0, 4.0),  # straight
    "C": (78.0, 0.0, 98.0, 58.0),  # curled
    "H": (38.0, 0.0, 45.0, 28.0),  # half bent
    "K": (8.0, 0.0, 92.0, 58.0),  # hooked
    "T": (78.0, 0.0, 8.0, 5.0),  # table top
    "P": (45.0, 0.0, 12.0, 6.0),  # pointing down
    "F": (88.0, 0.0, 104.0, 68.0),  # as in a fist
    "X": (14.0, 15.0, 6.0, 4.0),  # crosses the finger on its thumb's side
    "Y": (0.0, -13.0, 5.0, 4.0),  # is crossed
}
"""MCP flexion, abduction, PIP and DIP flexion, degrees; after the name of the shape."""
SPREAD = ((16.0, 3.0, -8.0, -20.0),)
STRETCH = 30.0
"""Degrees by which the knuckles of a hand that is held out open bend back at most."""
BACK, BENT = 10.0, 25.0
"""Straight fingers of other postures bend back by as much as this, and those bent by more than that not at all."""
THUMBS = {
    "out": (-18.0, 8.0, -5.0, 0.0, -5.0),  # stretched away from the palm
    "beside": (8.0, -12.0, 0.0, 8.0, 10.0),  # beside the index finger
    "front": (-2.0, 38.0, 12.0, 8.0, 8.0),  # abducted in front of the palm
    "opposed": (32.0, 32.0, 32.0, 20.0, 22.0),
    "over": (12.0, 7.0, -6.0, 45.0, 60.0),  # over bent fingers
    "folded": (10.0, -14.0, -6.0, 56.0, 74.0),  # into the palm
    "rest": (4.0, 12.0, 5.0, 12.0, 14.0),
    "up": (-25.0, -8.0, -8.0, -5.0, -18.0),
    "inside": (3.0, -20.0, -8.0, 56.0, 76.0),  # under the fingers of a fist
    "along": (-10.0, -14.0, 5.0, 24.0, 46.0),  # along the side of a fist
}
"""CMC flexion, palmar abduction, twist, MCP and IP flexion, degrees."""
ANYTHING = ("out", "beside", "front", "opposed", "over", "folded", "rest", "up")


class _Letter(NamedTuple):
    """A posture with a name: the four fingers, its thumbs, its weight, and how far straight fingers spread."""

    fingers: str
    thumbs: tuple[str, ...]
    weight: float = 1.0
    spread: float = 0.0


LETTERS = (
    _Letter("SFFF", ("out",), 2.0),  # L
    _Letter("SSFF", ("over", "over", "out"), 3.0, 0.9),  # V, two; three as Europeans count
    _Letter("SSFF", ("over", "out"), 1.5),  # U, H
    _Letter("YXFF", ("over",), 1.0),  # R, crossed
    _Letter("SSSF", ("over", "folded"), 2.0, 0.6),  # three, W
    _Letter("FSSS", ("opposed",), 1.0, 0.6),  # three, F
    _Letter("SSSS", ("folded",), 2.0, 0.5),  # four, B
    _Letter("SFFS", ("over", "out"), 2.0, 0.7),  # horns; "I love you"
    _Letter("FFFS", ("out", "out", "over"), 2.0, 0.5),  # Y, I
    _Letter("FFFF", ("up",), 2.0),  # thumb up
    _Letter("KKKK", ("folded", "rest", "out"), 1.5),  # E, claw
    _Letter("HHHH", ("front", "opposed"), 1.5),  # C, O
    _Letter("KFFF", ("over", "beside"), 1.0),  # X
    _Letter("SPFF", ("front", "beside"), 1.0, 0.5),  # K, P
    _Letter("PFFF", ("beside", "out"), 1.0),  # G, Q
    _Letter("SHHH", ("opposed",), 1.5),  # D
    _Letter("FSFF", ("over",), 0.5),
    _Letter("FFSF", ("over",), 0.3),
)


class Family(NamedTuple):
    """What a share of all hands does; `tight` ones are seldom between postures and vary little."""

    share: float
    tight: bool = False


FAMILIES = {
    "open": Family(0.10),
    "counting": Family(0.09),
    "alike": Family(0.06),
    "each": Family(0.07),
    "grasp": Family(0.13),
    "wild": Family(0.06),
    "fist": Family(0.13, tight=True),
    "point": Family(0.11, tight=True),
    "letter": Family(0.12, tight=True),
    "rest": Family(0.08),
    "flat": Family(0.05, tight=True),
    "stretched": Family(0.12, tight=True),
}
NAMES = tuple(FAMILIES)
PINCHING = ("open", "counting", "alike", "each", "grasp", "wild", "rest")
"""Families in which a thumb may pinch with a finger."""


def sample_families(count: int, generator: torch.Generator) -> Int[Tensor, " B"]:
    """Indices into `FAMILIES`, by their shares."""
    return _choose([family.share for family in FAMILIES.values()], count, generator)


def draw(family: Int[Tensor, " B"], pinched: Int[Tensor, " B"], generator: torch.Generator) -> Articulation:
    """Random articulations, within the joint limits; `pinched` is the finger that meets the thumb, or -1."""
    count = len(family)
    other = sample_families(count, generator)
    tight = torch.tensor([each.tight for each in FAMILIES.values()])[family][:, None]
    blended = torch.rand(count, 1, generator=generator) < torch.where(tight, 0.12, 0.5)
    blend = torch.rand(count, 1, generator=generator) * blended
    own, others = (_digits(which, generator) for which in (family, other))
    fingers, thumb = torch.lerp(own[0], others[0], blend[..., None]), torch.lerp(own[1], others[1], blend)
    fingers, thumb = _prepare_pinch(fingers, thumb, pinched, generator)
    straight = (1 - fingers[..., :1].clamp(min=0) / BENT).clamp(min=0)
    back = BACK * torch.rand(count, 1, 1, generator=generator) * straight
    fingers = torch.cat([fingers[..., :1] - back, fingers[..., 1:]], dim=-1)
    calm = torch.where(tight, 0.55, 1.0)
    fingers = fingers + calm[..., None] * _noise((count, 4), (7.0, 3.5, 8.0, 6.0), generator)
    thumb = thumb + calm * _noise((count,), (8.0, 7.0, 6.0, 7.0, 9.0), generator)
    wrist = _noise((count,), (20.0, 10.0), generator)
    reaching = torch.rand(count, generator=generator) < 0.22  # palm held out to the camera, forearm behind it
    wrist = wrist - torch.stack([reaching * 44.0, torch.zeros(count)], dim=-1)
    cup = torch.rand(count, generator=generator) ** 2 * (0.35 + 0.65 * (fingers[:, 3, 0] / 90).clamp(0, 1))

    # A bent finger cannot be spread: its collateral ligaments are tight.
    loose = (1 - fingers[..., 0].clamp(0, 90) / 110)[..., None]
    fingers = torch.cat([fingers[..., :1], fingers[..., 1:2] * loose, fingers[..., 2:]], dim=-1)
    fingers, thumb, wrist = (radians(1.0) * angles for angles in (fingers, thumb, wrist))
    return Articulation(within(fingers, FINGER_LIMITS), within(thumb, THUMB_LIMITS), within(wrist, WRIST_LIMITS), cup)


def within(angles: Tensor, limits: tuple[tuple[float, ...], tuple[float, ...]]) -> Tensor:
    """Angles (rad) within the limits (degrees)."""
    return torch.maximum(torch.minimum(angles, radians(limits[1])), radians(limits[0]))


def _digits(
    family: Int[Tensor, " B"], generator: torch.Generator
) -> tuple[Float[Tensor, "B 4 4"], Float[Tensor, "B 5"]]:
    """Degrees of the four fingers and of the thumb."""
    count, row = len(family), torch.arange(len(family))
    letter = _choose([letter.weight for letter in LETTERS], count, generator)
    fingers = torch.stack([*_loose_fingers(count, generator), *_tight_fingers(letter, generator)], dim=1)
    chosen = fingers[row, family]
    wide = torch.rand(count, generator=generator) * 1.35 - 0.25
    wide = torch.where(_is(family, "letter"), _SPREADS[letter] * (0.5 + torch.rand(count, generator=generator)), wide)
    wide = torch.where(_is(family, "flat"), 0.15 * torch.randn(count, generator=generator), wide)
    wide = torch.where(_is(family, "stretched"), 0.3 + 0.9 * torch.rand(count, generator=generator), wide)
    chosen = chosen + torch.nn.functional.pad((wide[:, None] * torch.tensor(SPREAD))[..., None], (1, 2))
    return chosen, _thumbs(family, letter, generator)


def _loose_fingers(count: int, generator: torch.Generator) -> list[Float[Tensor, "B 4 4"]]:
    """Open, counting, alike, each, grasp, wild."""
    table = torch.tensor([FINGERS[name] for name in "SCHKTP"])
    each = torch.randint(0, len(table), (count, 4), generator=generator)
    numbers = torch.randint(0, 2, (count, 4), generator=generator)
    curl = torch.rand(count, 1, 1, generator=generator) * 1.05
    slope = torch.linspace(-0.15, 0.15, 4)[:, None] * torch.randn(count, 1, 1, generator=generator)
    grasp = (curl + slope).clamp(0, 1.1) * torch.tensor([68.0, 0.0, 78.0, 46.0])
    low, high = torch.tensor(FINGER_LIMITS)
    wild = low + torch.rand(count, 4, 4, generator=generator) * (high - low) * 0.95
    straight = table[0].expand(count, 4, 4)
    return [straight, table[numbers], table[each[:, :1].expand(-1, 4)], table[each], grasp, wild]


def _tight_fingers(letter: Int[Tensor, " B"], generator: torch.Generator) -> list[Float[Tensor, "B 4 4"]]:
    """Fist, pointing, letters, at rest, flat, stretched."""
    count = len(letter)
    closed = 0.86 + 0.14 * torch.rand(count, 1, 1, generator=generator)
    fist = torch.tensor(FINGERS["F"]) * closed.expand(-1, 4, 4)
    stretched = torch.tensor([14.0, 0.0, 14.0, 8.0]) * torch.rand(count, 1, 1, generator=generator) ** 2
    point = torch.cat([torch.tensor(FINGERS["S"]) + stretched, fist[:, 1:]], dim=1)
    spelled = _LETTER_FINGERS[letter]
    ease = torch.rand(count, 1, 1, generator=generator)
    slope = 1 + torch.linspace(-0.2, 0.3, 4)[:, None]
    rest = (torch.tensor([14.0, 0.0, 18.0, 8.0]) + torch.tensor([26.0, 0.0, 30.0, 14.0]) * ease) * slope
    flat = torch.tensor(FINGERS["S"]).expand(count, 4, 4)
    stretched = flat - STRETCH * torch.rand(count, 1, 1, generator=generator) * torch.tensor([1.0, 0.0, 0.1, 0.15])
    return [fist, point, spelled, rest, flat, stretched]


def _thumbs(family: Int[Tensor, " B"], letter: Int[Tensor, " B"], generator: torch.Generator) -> Float[Tensor, "B 5"]:
    """A named posture that suits the family, or now and then anything between the limits."""
    count, row = len(family), torch.arange(len(family))
    choices = torch.where(_is(family, "letter")[:, None], _LETTER_THUMBS[letter], _FAMILY_THUMBS[family])
    named = torch.tensor(list(THUMBS.values()))[choices[row, torch.randint(0, 12, (count,), generator=generator)]]
    low, high = torch.tensor(THUMB_LIMITS)
    wild = low + torch.rand(count, 5, generator=generator) * (high - low)
    tight = torch.tensor([each.tight for each in FAMILIES.values()])[family]
    often = torch.where(tight, 0.04, 0.18)
    return torch.where((torch.rand(count, generator=generator) < often)[:, None], wild, named)


def _prepare_pinch(
    fingers: Tensor, thumb: Tensor, pinched: Int[Tensor, " B"], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Start pinching hands from an opposed thumb and a half bent finger, with room to search."""
    count = len(pinched)
    bend = torch.tensor([45.0, 0.0, 45.0, 25.0]) + _noise((count,), (12.0, 3.0, 15.0, 12.0), generator)
    opposed = torch.tensor([30.0, 32.0, 28.0, 18.0, 28.0]) + torch.randn(count, 5, generator=generator) * 9
    chosen = torch.nn.functional.one_hot(pinched.clamp(min=0), 4).bool() & (pinched >= 0)[:, None]
    fingers = torch.where(chosen[..., None], bend[:, None], fingers)
    return fingers, torch.where((pinched >= 0)[:, None], opposed, thumb)


def _twelve(names: tuple[str, ...]) -> list[int]:
    """Thumbs by equal parts of twelve."""
    order = list(THUMBS)
    return [order.index(names[i * len(names) // 12]) for i in range(12)]


def _is(family: Int[Tensor, " B"], name: str) -> Tensor:
    return family == NAMES.index(name)


def _noise(shape: tuple[int, ...], deviations: tuple[float, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(*shape, len(deviations), generator=generator) * torch.tensor(deviations)


def _choose(weights: list[float], count: int, generator: torch.Generator) -> Int[Tensor, " B"]:
    return torch.multinomial(torch.tensor(weights), count, replacement=True, generator=generator)


_ON_FISTS = ("over",) * 6 + ("inside",) * 2 + ("along",) * 3 + ("up",)
_ON_POINTS = ("over",) * 7 + ("along",) * 2 + ("out",) * 2 + ("beside",)
_AT_REST = ("rest",) * 7 + ("beside",) * 3 + ("front",) * 2
_FLAT = ("beside",) * 5 + ("rest",) * 4 + ("out",) * 3
_STRETCHED = ("out",) * 7 + ("rest",) * 2 + ("front",) * 2 + ("up",)
_OWN_THUMBS = {
    "fist": _ON_FISTS, "point": _ON_POINTS, "rest": _AT_REST, "flat": _FLAT, "stretched": _STRETCHED
}  # fmt: skip
_FAMILY_THUMBS = torch.tensor([_twelve(_OWN_THUMBS.get(name, ANYTHING)) for name in NAMES])
_LETTER_THUMBS = torch.tensor([_twelve(letter.thumbs) for letter in LETTERS])
_LETTER_FINGERS = torch.tensor([[FINGERS[code] for code in letter.fingers] for letter in LETTERS])
_SPREADS = torch.tensor([letter.spread for letter in LETTERS])
