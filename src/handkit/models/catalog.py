"""Every network by its name."""

from handkit.models.attention_hourglass import AttentionHourglass
from handkit.models.confidence import Confidence
from handkit.models.crossinfonet import CrossInfoNet
from handkit.models.densereg import DenseReg
from handkit.models.detector import HandDetector
from handkit.models.latent_fusion import LatentFusion
from handkit.models.localizer import Localizer
from handkit.models.network import HandPoseModel as HandPoseModel
from handkit.models.network import Network
from handkit.models.srn import SRN

MODELS: dict[str, type[HandPoseModel]] = {
    "attention-hourglass": AttentionHourglass,
    "crossinfonet": CrossInfoNet,
    "densereg": DenseReg,
    "latent-fusion": LatentFusion,
    "srn": SRN,
}
"""Every pose network by the name that the command line and weights files use; called with a skeleton."""

PARTS: dict[str, type[Network]] = {"localizer": Localizer, "detector": HandDetector, "confidence": Confidence}
"""What stands around a pose network; without a skeleton."""


def readout_of(network: str) -> frozenset[str]:
    """`HandPoseModel.readout` of a network by name; parts have none."""
    return MODELS[network].readout if network in MODELS else frozenset()
