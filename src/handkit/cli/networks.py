"""What is known of a network without training it: its paper, its size, its cost, and what the paper says of them."""

import sys
from typing import Any, Literal, NamedTuple, cast

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from handkit.detection import HEIGHT, WIDTH
from handkit.geometry.skeleton import HAND21, NYU14, Skeleton
from handkit.models import MODELS, PARTS, HandPoseModel, Part
from handkit.models.detector import HandDetector
from handkit.models.handedness import Handedness
from handkit.models.localizer import Localizer


class Reported(NamedTuple):
    """The size that a paper, or one that quotes it, gives for NYU's 14 joints (reference facts, 0 and 3)."""

    value: float
    unit: Literal["M parameters", "MB", "MB (2^20 parameters)"]
    note: str

    def of(self, parameters: int) -> float:
        """So many parameters in the unit of the paper."""
        return {"M parameters": 1e-6, "MB": 4e-6, "MB (2^20 parameters)": 2**-20}[self.unit] * parameters


class Paper(NamedTuple):
    name: str
    reported: Reported | None


PAPERS = {
    "crossinfonet": Paper("Du, CVPR 2019", Reported(95.1, "MB", "quoted by Latent Fusion; float32 weights (3.1)")),
    "srn": Paper(
        "Ren, BMVC 2019",
        Reported(21.3, "MB (2^20 parameters)", "not bytes: parameters / 2^20 is the reading that fits (3.2)"),
    ),
    "attention-hourglass": Paper("B. Liu, ICIP", None),
    "latent-fusion": Paper("S. Liu, IEEE Access 2020", Reported(2.0, "M parameters", "also 7.9 MB (3.4)")),
    "densereg": Paper(
        "Wan, CVPR 2018",
        Reported(84.0, "MB", "quoted by Latent Fusion; weights alone are 23 MB, with Adam's moments 70 MB (3.5)"),
    ),
}
"""No paper reports operations."""


def network_facts(name: str) -> dict[str, Any]:
    """A network as its constructor makes it without arguments: for 14 joints (NYU), as papers count, and for our 21."""
    model = _build(name, NYU14)
    document = sys.modules[type(model).__module__].__doc__ or ""
    parameters = count_parameters(model)
    facts = {
        "name": name,
        "input": _input(model),
        "space": model.space.value if name in MODELS else "-",
        "parameters": parameters,
        "megabytes": round(4 * parameters / 1e6, 2),
        "parameters_21_joints": count_parameters(_build(name, HAND21)),
        "gflops": round(count_operations(model) / 1e9, 3) if name != "handedness" else None,
        "about": document.partition("\n\n")[0].replace("\n", " "),
    }
    paper = PAPERS.get(name)
    if paper is None:
        return facts
    said = paper.reported
    reported = said and {
        **said._asdict(),
        "ours": round(said.of(parameters), 3),
        "ratio": round(said.of(parameters) / said.value, 3),
    }
    return facts | {"paper": paper.name, "reported": reported}


def count_parameters(model: HandPoseModel | Part) -> int:
    """Numbers that training changes."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_operations(model: HandPoseModel | Localizer | HandDetector) -> int:
    """Floating point operations of one crop, or image: a multiplication and an addition are two. Counted, not run."""
    network = cast(nn.Module, model).to("meta").eval()
    shape = (1, HEIGHT, WIDTH) if isinstance(model, HandDetector) else (3, model.resolution, model.resolution)
    points = torch.empty(1, *shape, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(points)
    return counter.get_total_flops()


def _input(model: HandPoseModel | Part) -> str:
    """Pixels, or what else a network reads."""
    if isinstance(model, HandDetector):
        return f"{WIDTH}x{HEIGHT}"
    return "two poses" if isinstance(model, Handedness) else f"{model.resolution}x{model.resolution}"


def _build(name: str, skeleton: Skeleton) -> Any:  # noqa: ANN401
    """Without memory or first weights."""
    with torch.device("meta"):
        return PARTS[name]() if name in PARTS else MODELS[name](skeleton)
