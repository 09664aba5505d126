"""The hands of scenes: everyone's first, what it holds or what becomes of it, and a second one near some."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from handkit.synthetic.arms import FOREARM, Arm, Placed, arms_only, beside, dress, forearm_lengths, hidden
from handkit.synthetic.assemblies import Solids, join, reach
from handkit.synthetic.hand import Articulation, HandShape, articulate, sample_shapes
from handkit.synthetic.objects import hold
from handkit.synthetic.poses import sample_articulations
from handkit.synthetic.viewpoints import (
    Viewpoint,
    beyond_border,
    chance,
    sample_places,
    sample_rotations,
)

WHOLE, NO_ARM, OUTSIDE, NO_HAND = range(4)
"""What becomes of the first hand: all there; not in the world; beyond the image's border; only its forearm there."""


class Cast(NamedTuple):
    """The hands of B scenes: everyone's first, and the second of scenes `two`."""

    first: Placed
    fate: Int[Tensor, " B"]
    focus: Float[Tensor, "B 3"]
    """The middle of the first hand, or of where it would be."""
    two: Int[Tensor, " T"]
    other: Placed
    left: Bool[Tensor, " T"]
    clothes: Float[Tensor, "M 6 8"]
    """Of the first arms, then of the others."""

    def has_hand(self) -> Bool[Tensor, " B"]:
        """Whether the first hand is in the world, in the image or out of it."""
        return (self.fate == WHOLE) | (self.fate == OUTSIDE)

    def has_arm(self) -> Bool[Tensor, " B"]:
        """Whether its forearm is."""
        return self.fate != NO_ARM

    def balls(self) -> Float[Tensor, "B N 4"]:
        """Of all hands and forearms that are there (as `Placed.balls`), and the focus where no hand is."""
        balls = self.first.balls()
        arm = balls.shape[1] - 3
        there = torch.arange(balls.shape[1]) < arm
        kept = torch.where(there, self.has_hand()[:, None], self.has_arm()[:, None])
        middle = torch.cat([self.focus, torch.where(self.fate == WHOLE, 0.0, 4.0)[:, None]], dim=-1)
        held = _around(self.first.held) * self.has_hand()[:, None]
        other = torch.cat([self.other.balls(), _around(self.other.held)[:, None]], dim=1)
        return torch.cat([balls * kept[..., None], middle[:, None], held[:, None], self._spread(other)], dim=1)

    def solids(self) -> Solids:
        """Of all of them; the first hand's cones, then its wedges, come first."""
        count, hand, arm = len(self.fate), self.has_hand()[:, None, None], self.has_arm()[:, None, None]
        one, two = self.first.cones, self.other.cones
        cones = [one[:, :-FOREARM] * hand, one[:, -FOREARM:] * arm, self.clothes[:count] * arm]
        cones += [self._spread(two), self._spread(self.clothes[count:])]
        wedges = [self.first.wedges * hand, self._spread(self.other.wedges)]
        held = self.first.held.where(self.has_hand().float())
        others = Solids(*(self._spread(part) for part in self.other.held))
        return join([arms_only(torch.cat(cones, dim=1), torch.cat(wedges, dim=1)), held, others])

    def _spread(self, rows: Float[Tensor, "T N K"]) -> Float[Tensor, "B N K"]:
        """Rows of scenes with a second hand among those of all scenes."""
        return rows.new_zeros(len(self.fate), *rows.shape[1:]).index_copy(0, self.two, rows)


def sample_cast(
    intrinsics: Float[Tensor, "B 6"],
    view: Viewpoint,
    empty: Bool[Tensor, " B"],
    generator: torch.Generator,
    *,
    second: float,
    held: float,
) -> Cast:
    """The hands of scenes seen so; where `empty`, one of the fates that leave no hand in the image.

    Of those with a hand a share `second` has another: of the same person, or of somebody else. Of the
    first hands a share `held` holds something.
    """
    count = len(empty)
    two = (chance(generator, count, second) & ~empty).nonzero()[:, 0]
    lost = torch.multinomial(torch.tensor([0.4, 0.4, 0.2]), count, replacement=True, generator=generator) + NO_ARM
    fate = torch.where(empty, lost, WHOLE)
    everyone = torch.cat([torch.arange(count), two])
    same = chance(generator, len(two), 0.65)
    shape = _with_second(sample_shapes(count, generator), two, same, generator)
    pose, things = _postures(
        shape, chance(generator, len(everyone), held) & (torch.arange(len(everyone)) < count), generator
    )
    posed = articulate(shape, pose)
    rotation = sample_rotations(posed.forearm, Viewpoint(view.kind[everyone], view.up[everyone]), generator)

    middle = posed.joints @ rotation.mT
    nearer = (middle[..., 2].mean(1) - middle[..., 2].amin(1))[:count]
    focus = sample_places(nearer, intrinsics, view, generator)
    toward_hand = (rotation @ posed.forearm[..., 1:2])[:count, :, 0]
    gone = beyond_border(focus, toward_hand, intrinsics)
    where = torch.where((fate == OUTSIDE)[:, None], gone, focus)
    where = torch.cat([where, torch.zeros(len(two), 3)]) - middle.mean(1)
    lengths = forearm_lengths(len(everyone), generator)
    arms = Arm(shape, posed, rotation, where, lengths, things).place()
    clothes = dress(arms, generator)
    left = same | chance(generator, len(two), 0.5)
    first, other = arms.at(slice(count)), arms.at(slice(count, None)).mirrored(left)
    other = other.moved(beside(first.at(two), other, generator))
    # One that would be at the lens, or before all of the first, stays away.
    far = (other.joints[..., 2].amin(1) > 140) & (hidden(first.joints[two], other.balls()) < 0.6)
    clothes = torch.cat([clothes[:count], clothes[count:][far]])
    return Cast(first, fate, focus, two[far], other.at(far), left[far], clothes)


def _postures(shape: HandShape, holding: Bool[Tensor, " B"], generator: torch.Generator) -> tuple[Articulation, Solids]:
    """How the hands are bent, and what those that are `holding` hold, in the hand frame."""
    # Neither kind is drawn for no hand at all: at least one of each, which nobody needs to take.
    bare, full = (~holding).nonzero()[:, 0], holding.nonzero()[:, 0]
    free = sample_articulations(shape[bare if len(bare) else slice(1)], generator)
    grip = hold(shape[full if len(full) else slice(1)], generator)
    order = torch.cat([bare, full]).argsort()
    both = zip(free, grip.pose, strict=True)
    pose = Articulation(*(torch.cat([a[: len(bare)], b[: len(full)]])[order] for a, b in both))
    spread = [part.new_zeros(len(order), *part.shape[1:]) for part in grip.parts]
    filled = (rows.index_copy(0, full, part[: len(full)]) for rows, part in zip(spread, grip.parts, strict=True))
    return pose, Solids(*filled)


def _with_second(
    shape: HandShape, two: Int[Tensor, " T"], same: Bool[Tensor, " T"], generator: torch.Generator
) -> HandShape:
    """Everyone's shape, then those of the second hands: the `same` as the first's, or another."""
    fields: list[Tensor] = []
    for one, new in zip(shape, sample_shapes(len(two), generator), strict=True):
        chosen = torch.where(same.view(-1, *[1] * (one.ndim - 1)), one[two], new)
        fields.append(torch.cat([one, chosen]))
    return HandShape(*fields)


def _around(things: Solids) -> Float[Tensor, "B 4"]:
    """Balls about the middles of the things, as wide as the middle one of their three extents; radius 0: nothing."""
    axes = torch.eye(3)[:, None].expand(3, len(things.cones), 3)
    ends = torch.stack([torch.stack([reach(things, axis), -reach(things, -axis)]) for axis in axes], dim=-1)
    radius = (ends[0] - ends[1]).median(1, keepdim=True).values / 2
    ball = torch.cat([ends.mean(0), radius], dim=-1)
    return ball.where(radius > 0, 0.0)
