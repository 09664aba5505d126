"""Crops a second of every paper's network, beside what its paper says. Needs torch."""

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from handkit.asked import check_threads
from handkit.errors import UsageError
from handkit.models import MODELS
from handkit.models.papers import PAPERS
from handkit.skeleton import NYU14

DEVICES = ("cpu", "cuda")
FEWEST = 5
"""Calls of each network with each batch."""


def measure_networks(
    batches: Sequence[int], *, device: str, threads: int, seconds: float = 1.0
) -> Iterator[dict[str, Any]]:
    """A row each, as its constructor makes it for the 14 joints of NYU, with first weights: from points to joints.

    Crops a second are by the median and by the fastest of at least `FEWEST` calls, for `seconds`. Raises UsageError for
    a device that is not there.
    """
    if device.partition(":")[0] not in DEVICES:
        raise UsageError(f"--device {device}: give {' or '.join(DEVICES)}")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch sees no GPU here")
    check_threads(threads)
    torch.set_num_threads(threads)
    for name in MODELS:
        speed = PAPERS[name].speed
        paper = {"frames_per_second": speed.frames_per_second, "machine": speed.machine} if speed else None
        model = MODELS[name](NYU14).eval().to(device)
        model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        rates = {str(batch): _rate(model, batch, device=device, seconds=seconds) for batch in batches}
        yield {"network": name, "resolution": model.resolution, "device": device, "batches": rates, "paper": paper}


@torch.inference_mode()
def _rate(model: Any, batch: int, *, device: str, seconds: float) -> dict[str, float]:  # noqa: ANN401
    """Crops a second."""
    points = torch.rand(batch, 3, model.resolution, model.resolution, device=device).mul_(2).sub_(1)
    points = points.to(memory_format=torch.channels_last)
    spans: list[float] = []
    model(points)
    while len(spans) < FEWEST or sum(spans) < seconds:
        _wait(device)
        begun = time.perf_counter()
        model(points)
        _wait(device)
        spans.append(time.perf_counter() - begun)
    return {"median": round(batch / statistics.median(spans), 1), "fastest": round(batch / min(spans), 1)}


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
