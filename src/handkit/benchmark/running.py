"""Everything that is measured, in one call, as JSON values: what `handkit benchmark --json` writes.

from handkit.benchmark import run_pipeline, tables

made = run_pipeline("demo", rounds=1)
for title, rows in tables(made).items():
    print(title, *rows, sep="\n")
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from handkit.asked import check_threads
from handkit.backends.opening import BackendName
from handkit.benchmark.machine import machine
from handkit.benchmark.pipeline import available, measure, recorded
from handkit.benchmark.session import session
from handkit.errors import UsageError

LONGEST_S = 3600


def run_pipeline(
    source: str = "demo",
    *,
    camera: str | None = None,
    weights: str = "latent-fusion",
    backends: Sequence[BackendName] = (),
    hands: int = 1,
    threads: int = 1,
    rounds: int = 3,
    busy: int | None = None,
    seconds: float = 20.0,
    report: Callable[[str], None] = lambda sentence: None,
) -> dict[str, Any]:
    """Every stage from a frame to its hands, by each backend: tracked, searched, and on request in real time.

    Args:
        source: what is played: demo, synthetic, a recording, a folder.
        camera: that took the frames of a folder.
        weights: a network by name, or its file.
        backends: all that are installed by default.
        hands: that are followed, at most.
        threads: of the networks.
        rounds: how often the source is played by each backend, to its end and back, after one that is not counted.
        busy: also track in real time, beside so many processes that keep a core busy each.
        seconds: of real time by each backend, 1 to 3600.
        report: hears of backends that are left out.

    Returns:
        `machine`, `threads`, `source`, `size` ("WxH" in pixels), `hands`; `pipeline`, a list of
        `pipeline.Row` as dictionaries, ms; and where `busy` is given `sessions`, a list of `session.Latency`.

    Raises:
        UsageError: a number is out of its range.
        HandkitError: the source has no frame, or no backend runs the network.
    """
    for name, given, least in (("threads", threads, 1), ("rounds", rounds, 1), ("busy", busy, 0), ("hands", hands, 1)):
        if given is not None and given < least:
            raise UsageError(f"--{name} {given}: give {least} or more")
    if not 1 <= seconds <= LONGEST_S:
        raise UsageError(f"--seconds {seconds:g}: give 1 to {LONGEST_S}")
    shown = recorded(source, camera)
    estimators = available(weights, backends, threads=threads, report=report)
    made: dict[str, Any] = {"machine": machine(), "threads": threads, "source": source}
    made |= {"size": f"{shown[0].camera.width}x{shown[0].camera.height}", "hands": hands}
    made["pipeline"] = [asdict(row) for row in measure(estimators, shown, hands=hands, rounds=rounds)]
    if busy is not None:
        made["sessions"] = [
            asdict(session(name, each, shown, hands=hands, neighbors=busy, seconds=seconds))
            for name, each in estimators.items()
        ]
    return made


def run_networks(batches: Sequence[int] = (1, 8, 32), *, device: str = "cpu", threads: int = 1) -> dict[str, Any]:
    """Crops a second of each paper's network by torch, given so many crops at once, beside what the paper says.

    Answers `machine`, `threads` and `networks`, a list of the rows of `networks.measure_networks`. Raises UsageError,
    also for a device ("cpu" or "cuda") that is not there.
    """
    check_threads(threads)
    if not batches or min(batches) < 1:
        raise UsageError("--batches takes numbers of crops, 1 or more")
    from handkit.benchmark.networks import measure_networks

    return {
        "machine": machine(),
        "threads": threads,
        "networks": list(measure_networks(batches, device=device, threads=threads)),
    }
