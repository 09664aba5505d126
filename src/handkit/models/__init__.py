"""Networks, one file per paper: point map in, joints out, both in the normalized space of the crop."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from handkit.geometry.crop import Space
from handkit.models.attention_hourglass import AttentionHourglass
from handkit.models.confidence import Confidence
from handkit.models.crossinfonet import CrossInfoNet
from handkit.models.densereg import DenseReg
from handkit.models.detector import HandDetector
from handkit.models.latent_fusion import LatentFusion
from handkit.models.localizer import Localizer
from handkit.models.srn import SRN
from handkit.skeleton import Skeleton


@runtime_checkable  # for the shape checker that runs under pytest; nothing here asks isinstance
class HandPoseModel(Protocol):
    """What every network offers; each is an ``nn.Module`` besides.

    Channel 2 of ``points`` is the depth crop in both spaces: [-1, 1], background 1.
    """

    space: Space
    """Of the points it reads and of the joints it answers."""
    resolution: int
    """S, crop pixels a side."""
    skeleton: Skeleton
    """Names the J joints."""
    arguments: dict[str, Any]
    """Of the constructor, beside the skeleton; JSON values, enough to build the network again."""

    def forward(self, points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
        """Joints in [-1, 1]^3 of ``space``."""
        ...

    def loss(self, points: Float[Tensor, "B 3 S S"], joints: Float[Tensor, "B J 3"]) -> dict[str, Float[Tensor, ""]]:
        """Named terms, already weighted, whose sum is the objective; ``joints`` are true, in ``space``."""
        ...

    def __call__(self, points: Float[Tensor, "B 3 S S"], /) -> Float[Tensor, "B J 3"]: ...

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]: ...  # noqa: FBT001, FBT002

    def train(self, mode: bool = True) -> nn.Module: ...  # noqa: FBT001, FBT002

    def eval(self) -> nn.Module: ...


MODELS: dict[str, Callable[..., HandPoseModel]] = {
    "attention-hourglass": AttentionHourglass,
    "crossinfonet": CrossInfoNet,
    "densereg": DenseReg,
    "latent-fusion": LatentFusion,
    "srn": SRN,
}
"""Every network by the name that the command line and weights files use; called with a skeleton."""

Part = Localizer | HandDetector | Confidence

PARTS: dict[str, type[Localizer] | type[HandDetector] | type[Confidence]] = {
    "localizer": Localizer,
    "detector": HandDetector,
    "confidence": Confidence,
}
"""What stands around a pose network; without a skeleton."""


def readout_of(network: str) -> frozenset[str]:
    """Arguments of a pose network that decide only how its answer is read; it is trained without regard to them."""
    return getattr(MODELS[network], "readout", frozenset[str]())
