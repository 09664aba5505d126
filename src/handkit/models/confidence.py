"""How good an answer is: a small network that reads what a pose network knows about one hypothesis.

Ours, of no paper. A hypothesis is a crop looked at as a right hand; a left hand is a mirrored cube. For every joint
there is a row of evidence: the pose network's features where it put the joint, the deviations and the peak of the
joint's heat map, the joint itself, and how far the surface lies behind it. Beside the rows stand the features and the
crop itself, through a few convolutions: a pose network bends a wrong hypothesis into a plausible skeleton, and what
gives it away may lie beside its joints, or in the hollow of a palm that the pose network has no need to see.

Both hypotheses of one hand are judged by the same weights, and the difference of their `right` is the log odds of
the first: exchanging them exchanges the sign.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from handkit.hand import GOOD_MM
from handkit.layers.residual import PreActivationBottleneck, normalized_convolution
from handkit.models.network import Network

MEASURES = 7
"""Of the rows of evidence: deviations (2), peak, joint (3), gap."""
EDGE_MM = 280.0
"""Of the cubes whose surface it knows: `surface_of` counts in sevenths of the crop, 40 mm each."""
TYPICAL_MM = 8.0
"""Where the scales of the joint errors begin."""


class Evidence(NamedTuple):
    """What is known about B hypotheses, float32."""

    tokens: Float[Tensor, "B J N"]
    """A row for each joint: `MEASURES` numbers, then the pose network's C features at the joint."""
    features: Float[Tensor, "B C H W"]
    """Over the crop."""
    depth: Float[Tensor, "B S S"]
    """The crop, [-1, 1]; S = 4 H."""


class Verdict(NamedTuple):
    """What is concluded; log odds and log mm, float32."""

    good: Float[Tensor, " B"]
    """A hand is there and its mean joint error under `GOOD_MM`, provided that it is of the hypothesis' handedness."""
    hand: Float[Tensor, " B"]
    """A hand is in the cube."""
    right: Float[Tensor, " B"]
    """The larger of two hypotheses' is the right one's; their difference is its log odds."""
    log_scale: Float[Tensor, "B J"]
    """Log of the expected error (mm) of each joint: b of a Laplace likelihood."""


def log_confidence(good: Float[Tensor, "B 2"], right: Float[Tensor, "B 2"]) -> Float[Tensor, "B 2"]:
    """Log of the probability that each of two hypotheses of one cube is right: its handedness, and `good`."""
    odds = right - right.flip(1)
    return functional.logsigmoid(good) + functional.logsigmoid(odds)


def _scaled(measures: Float[Tensor, "B J 7"]) -> Float[Tensor, "B J 10"]:
    """In numbers of about 1; joints both in the cube and about their mean."""
    spread, peak, joints, gap = measures.split([2, 1, 3, 1], dim=-1)
    about_mean = 3 * (joints - joints.mean(1, keepdim=True))
    return torch.cat([10 * spread, 5 * peak, joints.clamp(-3, 3), about_mean, 5 * gap.clamp(-0.3, 0.3)], dim=-1)


def surface_of(depth: Float[Tensor, "B S S"]) -> Float[Tensor, "B 3 S S"]:
    """Depth, relief (how far behind its surroundings a pixel lies, in 10 mm of a cube of `EDGE_MM`), and foreground."""
    depth = depth[:, None]
    there = (depth < 1).to(depth.dtype)
    place = torch.arange(depth.shape[-1], device=depth.device)
    near = place.new_tensor(depth.shape[-1] // 7 // 2)  # a square of 40 mm
    window = ((place[:, None] - place).abs() <= near).to(depth.dtype)
    with torch.autocast(depth.device.type, enabled=False):  # depths differ by less than bfloat16 can tell
        sums = window @ torch.cat([depth * there, there], dim=1) @ window
    around = sums[:, :1] / sums[:, 1:].clamp(min=1e-1)
    relief = (14 * (depth - around)).clamp(-2, 2) * there
    return torch.cat([depth, relief, there], dim=1)


class Look(nn.Module):
    """The pose network's features and the crop's own surface, of four times their resolution, to one row.

    Palm and back of a hand differ by a few millimeters, which what the pose network keeps need not show.
    """

    def __init__(self, features: int, *, width: int) -> None:
        super().__init__()
        self.surface = nn.Sequential(
            normalized_convolution(3, 16, kernel=5, stride=2),
            normalized_convolution(16, width, kernel=3, stride=2),
        )
        self.enter = nn.Sequential(nn.BatchNorm2d(features), nn.Conv2d(features, width, 1)) if features else None
        self.joined = nn.Sequential(
            PreActivationBottleneck(inputs=width, outputs=width),
            normalized_convolution(width, width, kernel=3, stride=2),
            PreActivationBottleneck(inputs=width, outputs=width),
            normalized_convolution(width, 2 * width, kernel=3, stride=2),
        )

    def forward(self, features: Float[Tensor, "B C H W"], surface: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B N"]:
        seen = self.surface(surface)
        if self.enter is not None:
            seen = seen + self.enter(features)
        seen = self.joined(seen)
        return torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], dim=1)


class Confidence(Network):
    """Evidence to a verdict.

    Args:
        joints: number of joints J.
        features: channels C of the pose network's features; 0 without.
        hidden: width of the layers that see the whole hand.
        width: channels of the convolutions.
        dropout: probability after each hidden layer.
    """

    about = "how good a pose network's answer is, and of which hand"

    def __init__(
        self, *, joints: int = 21, features: int = 128, hidden: int = 256, width: int = 64, dropout: float = 0.1
    ) -> None:
        super().__init__()
        inner, narrow = 96, 32
        self.normalize = nn.BatchNorm1d(features) if features else nn.Identity()
        self.joint = nn.Parameter(torch.randn(joints, inner) * 0.1)
        self.enter = nn.Linear(features + MEASURES + 3, inner)
        self.token = nn.Sequential(nn.ReLU(), nn.Linear(inner, narrow), nn.ReLU())
        self.look = Look(features, width=width)
        self.hand = nn.Sequential(
            nn.Linear(joints * narrow + joints * (MEASURES + 3) + 4 * width, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
        )  # fmt: skip
        self.decide = nn.Linear(hidden, 3)
        self.scale = nn.Linear(hidden, joints)

    def forward(
        self, tokens: Float[Tensor, "B J N"], features: Float[Tensor, "B C H W"], depth: Float[Tensor, "B S S"]
    ) -> Verdict:
        """The verdict on each hypothesis, from its `Evidence`."""
        return self.judge(tokens, self.look(features, surface_of(depth)))

    def judge(self, tokens: Float[Tensor, "B J N"], seen: Float[Tensor, "B M"]) -> Verdict:
        """The verdict on each hypothesis, from its tokens and what `look` has seen of it."""
        measures = _scaled(tokens[..., :MEASURES])
        at_joints = self.normalize(tokens[..., MEASURES:].flatten(0, 1)).unflatten(0, tokens.shape[:2])
        entered = self.enter(torch.cat([measures, at_joints], dim=-1)) + self.joint
        parts = [self.token(entered).flatten(1), measures.flatten(1), seen]
        whole = self.hand(torch.cat(parts, dim=-1))
        good, hand, right = self.decide(whole).float().unbind(-1)
        log_scale = self.scale(whole).float() + math.log(TYPICAL_MM)
        return Verdict(good, hand, right, log_scale.clamp(-1, 6))

    def loss(
        self,
        tokens: Float[Tensor, "B 2 J N"],
        features: Float[Tensor, "B 2 C H W"],
        depth: Float[Tensor, "B 2 S S"],
        *,
        hand: Bool[Tensor, "B 2"],
        right: Bool[Tensor, "B 2"],
        errors_mm: Float[Tensor, "B 2 J"],
    ) -> dict[str, Float[Tensor, ""]]:
        """Of both hypotheses of B cubes: cross entropies, and the Laplace likelihood of the joint errors.

        Errors count where a hand of the hypothesis' handedness is; `right` counts where a hand is.
        """
        said = self(tokens.flatten(0, 1), features.flatten(0, 1), depth.flatten(0, 1))
        verdict = Verdict(*(part.unflatten(0, (-1, 2)) for part in said))
        there = hand.float()
        good = (hand & right & (errors_mm.mean(-1) < GOOD_MM)).float()
        # Of the whole probability, which users get; what it says of the handedness is learned by "right" alone.
        sure = log_confidence(verdict.good, verdict.right.detach()).clamp(max=-1e-6)
        entropy = functional.binary_cross_entropy_with_logits
        one = (hand.all(1) & (right[:, 0] != right[:, 1])).float()
        sides = entropy(verdict.right[:, 0] - verdict.right[:, 1], right[:, 0].float(), reduction="none") * one
        fitting = (hand & right).float()
        laplace = (verdict.log_scale + errors_mm / verdict.log_scale.exp()).mean(-1) * fitting
        return {
            "good": -(good * sure + (1 - good) * (-sure.expm1()).log()).mean(),
            "hand": entropy(verdict.hand, there),
            "right": sides.sum() / one.sum().clamp(min=1),
            "errors": 0.1 * laplace.sum() / fitting.sum().clamp(min=1),
        }
