"""Which of the proposals is a hand, and where its joints are centered: the outputs of the localizer combined."""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from handkit.camera import Camera
from handkit.geometry.crop import Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.models.localizer import Localizer
from handkit.shapes import Float, Float32

FIRST, CLEAR_ODDS = 3, 4.0
"""Number of proposals looked at first; with these log odds (98 %) for one of them, no more are."""
AGAIN = 3
"""Otherwise all are looked at, and this many of the best once more, re-centered."""
RANK_ODDS = 1.0
"""Log odds that a proposal loses against the one ranked before it."""
AGREE_MM = 60.0
"""Centers within this of one another mean the same hand."""


@runtime_checkable  # for the shape checker that runs under pytest
class Locator(Protocol):
    """Anything that finds coarse centers of hands in an image, camera mm, most likely first, at most a dozen."""

    def __call__(self, depth: Float32[np.ndarray, "H W"], camera: Camera) -> Float32[np.ndarray, "N 3"]: ...


@torch.inference_mode()
def find_hand(
    localizer: Localizer, frame: DepthFrame, proposals: Float[Tensor, "N 3"], *, edge_mm: float
) -> tuple[Float[Tensor, " 3"], float]:
    """Center of the hand's joints in one image (camera mm), and the probability, 0 to 1, that a hand is there.

    The localizer refines proposals (at least one, most likely first), and gives their objectness. Moved
    centers that agree are one candidate, their mean weighed by the odds; of several, the one with most weight
    is returned. `edge_mm` is that of the cubes the localizer was trained on.
    """
    prior = -RANK_ODDS * torch.arange(len(proposals), device=proposals.device)
    center, odds = _move(localizer, frame, proposals[:FIRST], edge_mm=edge_mm)
    if float(odds.max()) < CLEAR_ODDS:
        if len(proposals) > FIRST:
            more, more_odds = _move(localizer, frame, proposals[FIRST:], edge_mm=edge_mm)
            center, odds = torch.cat([center, more]), torch.cat([odds, more_odds])
        best = (odds + prior).argsort(descending=True)[:AGAIN]
        center, again = _move(localizer, frame, center[best], edge_mm=edge_mm)
        odds, prior = (odds[best] + again) / 2, prior[best]
    weight = (odds + prior[: len(odds)]).softmax(0)
    agreeing = weight * (torch.cdist(center, center) < AGREE_MM)
    chosen = agreeing[agreeing.sum(1).argmax()]
    return chosen @ center / chosen.sum(), float(odds[chosen > 0].amax().sigmoid())


def _move(
    localizer: Localizer, frame: DepthFrame, center: Float[Tensor, "N 3"], *, edge_mm: float
) -> tuple[Float[Tensor, "N 3"], Float[Tensor, " N"]]:
    """The refined center of each center, and the objectness there (log odds)."""
    cube = Cube.around(center, edge=edge_mm)
    crop = crop_hand(frame, cube, localizer.resolution)
    location = localizer(crop.points(Space.IMAGE))
    return cube.denormalize(location.offset[:, None])[:, 0], location.objectness
