"""What is known of a network without training it: its size, its cost, its arguments, and what its paper says."""

from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from handkit.models import MODELS, PARTS
from handkit.models.arguments import options
from handkit.models.confidence import Confidence
from handkit.models.detector import HEIGHT, WIDTH, HandDetector
from handkit.models.listing import paper_facts, weights_files
from handkit.models.localizer import Localizer
from handkit.models.network import HandPoseModel, Network
from handkit.models.papers import PAPERS
from handkit.skeleton import HAND21, NYU14, Skeleton


def network_facts(name: str) -> dict[str, Any]:
    """A network as its constructor makes it without arguments: for 14 joints (NYU), as papers count, and for our 21."""
    model = _build(name, NYU14)
    parameters = count_parameters(model)
    facts = {
        "name": name,
        "input": _input(model),
        "space": model.space.value if name in MODELS else "-",
        "parameters": parameters,
        "megabytes": round(4 * parameters / 1e6, 2),
        "parameters_21_joints": count_parameters(_build(name, HAND21)),
        "gflops": round(count_operations(model) / 1e9, 3) if name != "confidence" else None,
        "about": model.about,
    }
    size = PAPERS[name].size if name in PAPERS else None
    ours = size and {"ours": round(size.of(parameters), 3), "ratio": round(size.of(parameters) / size.value, 3)}
    said = paper_facts(name)
    return facts | said | {"reported": ours and said["reported"] | ours}


def count_parameters(model: Network) -> int:
    """Numbers that training changes."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_operations(model: HandPoseModel | Localizer | HandDetector) -> int:
    """Floating point operations of one crop, or image: a multiplication and an addition are two. Counted, not run."""
    network = model.to("meta").eval()
    shape = (1, HEIGHT, WIDTH) if isinstance(model, HandDetector) else (3, model.resolution, model.resolution)
    points = torch.empty(1, *shape, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(points)
    return counter.get_total_flops()


def _input(model: HandPoseModel | Localizer | HandDetector | Confidence) -> str:
    """Pixels, or what else a network reads."""
    if isinstance(model, HandDetector):
        return f"{WIDTH}x{HEIGHT}"
    return "features" if isinstance(model, Confidence) else f"{model.resolution}x{model.resolution}"


def _build(name: str, skeleton: Skeleton) -> Any:  # noqa: ANN401
    """Without memory or first weights."""
    with torch.device("meta"):
        return PARTS[name]() if name in PARTS else MODELS[name](skeleton)


def one_network(name: str) -> dict[str, Any]:
    """What is known of one, its constructor's arguments, and the weights of it that are found by name."""
    arguments = {
        option.name: {"default": option.default, "choices": list(option.choices), "several": option.several}
        for option in options(name).values()
    }
    weights = [each for each in weights_files() if each.get("model") == name]
    return network_facts(name) | {"arguments": arguments, "weights": weights}
