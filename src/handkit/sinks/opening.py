"""From what a user types to a sink."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from handkit.errors import UsageError
from handkit.sinks.animation import Animation
from handkit.sinks.lines import CsvSink, JsonSink
from handkit.sinks.network import Datagrams
from handkit.sinks.sink import Report, Sink, log
from handkit.sinks.websocket import WebSocketSink

KINDS = "udp://HOST:PORT, osc://HOST:PORT, ws://127.0.0.1:PORT, -, or a .jsonl, .csv, .bvh or .glb file"


def open_sink(spec: str, *, report: Report = log) -> Sink:
    """The sink that `spec` names, to be used as `with open_sink(spec) as sink: sink.write(moment)`.

    `spec` is `udp://HOST:PORT`, `osc://HOST:PORT`, `ws://HOST:PORT[?token=SECRET]`, `-` for lines of JSON on stdout, or
    a file by its suffix: .jsonl, .csv, .bvh, .glb. `report` is given what is wrong and not fatal; by default it is
    logged as a warning. Raises UsageError, also where the file is there already; a pipe or a device may be.
    """
    if "://" in spec:
        return _network(spec, report)
    suffix = Path(spec).suffix.lower()
    if spec != "-" and suffix in {".jsonl", ".csv", ".bvh", ".glb"}:
        _check_free(Path(spec))
    if spec == "-" or suffix == ".jsonl":
        return JsonSink(spec)
    if suffix == ".csv":
        return CsvSink(spec)
    if suffix in {".bvh", ".glb"}:
        return Animation(spec, report=report)
    raise UsageError(f"hands cannot be sent to {spec!r}; known: {KINDS}")


def open_sinks(specs: Sequence[str], *, beside: Sequence[Path] = (), report: Report = log) -> list[Sink]:
    """As `open_sink`, several that do not write over one another, nor over the files `beside` them.

    Raises UsageError where two are one, as a second hand's .bvh, with `-2` behind the name of the first's, may be.
    """
    targets = [*specs, *map(str, beside)]
    whole = [each if "://" in each or each == "-" else str(Path(each).resolve()) for each in targets]
    for number, each in enumerate(whole):
        if each in whole[:number] or _of_a_further_hand(each, whole):
            raise UsageError(f"two outputs go to {targets[number]}; give each a name of its own")
    return [open_sink(each, report=report) for each in specs]


def _check_free(path: Path) -> None:
    """Raise UsageError where a file of this name is there, or one of a further hand's."""
    further = sorted(each for each in path.parent.glob("*.bvh") if _of_a_further_hand(str(each), [str(path)]))
    if taken := next((each for each in (path, *further) if each.is_file()), None):
        raise UsageError(f"{taken} exists; give another name")


def _of_a_further_hand(target: str, targets: Sequence[str]) -> bool:
    """Whether another of these animations has a further hand's skeleton there."""
    stem, dash, hand = Path(target).stem.rpartition("-")
    first = str(Path(target).with_name(f"{stem}.bvh"))
    return target.endswith(".bvh") and bool(dash) and hand.isdigit() and first in targets


def _network(spec: str, report: Report) -> Sink:
    parts = urlsplit(spec)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme not in {"udp", "osc", "ws"} or not host or port is None:
        raise UsageError(f"hands cannot be sent to {spec!r}; known: {KINDS}")
    if parts.scheme == "ws":
        return WebSocketSink(host, port, token=parse_qs(parts.query).get("token", [None])[0])
    return Datagrams(host, port, osc=parts.scheme == "osc", report=report)
