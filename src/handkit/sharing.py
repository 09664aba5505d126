"""Networks to share: a folder on disk, or a repository of the Hugging Face Hub, with a model card.

    weights -> pack -> model.safetensors, config.json, README.md (and model.onnx) -> push; `hub.fetch` gets them again

https://huggingface.co/docs/huggingface_hub
"""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from handkit.backends.onnx import OnnxGraph
from handkit.errors import HandkitError, UsageError
from handkit.extras import load
from handkit.files.atomic import write_whole
from handkit.files.regular import read_regular
from handkit.hub import NAME, SHARED, find_weights, reason
from handkit.models.checkpoint import TRAINED_ON, CheckpointInfo, read_info
from handkit.models.papers import PAPERS

MODEL_GRAPH, MODEL_WEIGHTS, CONFIG, CARD = SHARED
LIMITS = (
    "Single depth images of hands between 18 and 160 cm from the camera; gloves, and tools that hide most of the hand, "
    "were not seen in training. Millimeters are only as good as the camera's calibration."
)


def share(name: str, weights: str, *, results: Sequence[Path] = (), graph: Path | None = None) -> str:
    """Weights, by name or path, packed and pushed as OWNER/NAME; answers the address. Raises as `pack` and `push`."""
    with tempfile.TemporaryDirectory() as scratch:
        return push(name, pack(find_weights(weights), folder=Path(scratch), name=name, results=results, graph=graph))


def pack(
    weights: Path, *, folder: Path, name: str = "OWNER/NAME", results: Sequence[Path] = (), graph: Path | None = None
) -> Path:
    """Write everything that is shared of `weights` into `folder`, which need not exist; answers the folder.

    Args:
        weights: a .safetensors file of handkit's.
        name: on the Hub, for the card.
        folder: where to; files of an earlier call are replaced.
        results: JSON files of `handkit evaluate` or `handkit score`, measured with these weights.
        graph: its exported graph.

    Raises:
        CheckpointError: the weights cannot be read, or the graph is none of a hand.
        HandkitError: a result is no JSON object, or the folder cannot be written to.
    """
    info = read_info(weights)
    measured = {path.name: _result(path) for path in results}
    if graph is not None:
        OnnxGraph(graph, kind="hand")  # raises CheckpointError
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(weights, folder / MODEL_WEIGHTS)
        if graph is not None:
            shutil.copyfile(graph, folder / MODEL_GRAPH)
        write_whole(folder / CONFIG, json.dumps(_config(info), indent=1).encode())
        write_whole(folder / CARD, card(info, measured, name=name, graph=graph is not None).encode())
    except OSError as error:
        raise HandkitError(f"{folder} cannot be written to: {error.strerror or error}") from None
    return folder


def push(name: str, folder: Path) -> str:
    """Upload a packed folder as OWNER/NAME, which is made where it does not exist; answers its address.

    Raises HandkitError: without huggingface_hub, without a token, without a network.
    """
    if NAME.fullmatch(name) is None:
        raise UsageError(f"{name!r} is no name on the Hub; it has the form OWNER/NAME")
    hub = load("huggingface_hub", extra="hub")
    try:
        hub.create_repo(name, exist_ok=True)
        hub.upload_folder(
            repo_id=name, folder_path=folder, allow_patterns=list(SHARED),
            commit_message="handkit push",
        )  # fmt: skip
    except Exception as error:  # whatever the client and its transport raise
        raise HandkitError(f"{name} was not written: {reason(error)}; log in with `hf auth login`") from None
    return f"https://huggingface.co/{name}"


def card(info: CheckpointInfo, results: Mapping[str, Mapping[str, Any]], *, name: str, graph: bool) -> str:
    """The model card, Markdown with the Hub's YAML head; every number in it is from `results`."""
    paper = PAPERS.get(info.model)
    skeleton = "none" if info.skeleton is None else f"{info.skeleton.name}, {len(info.skeleton)} joints"
    seen, trained = _data_sets(info), _trained_on(info)
    samples = info.notes.get("samples")
    cited = f" The network is {paper.citation}: {paper.url}" if paper else ""
    rows = [f"| {file} | {key} | {value} |" for file, result in results.items() for key, value in result.items()]
    table = ["| file | figure | value |", "|---|---|---|", *rows] if rows else ["Nothing was measured with them."]
    lines = [
        "---", f"license: {'other' if seen else 'apache-2.0'}", "library_name: handkit",
        "pipeline_tag: keypoint-detection", "tags: [hand-pose, depth, 3d]", "---", "",
        f"# {info.model}", "",
        "3D hand pose from one depth image, joints in camera millimeters, by "
        "[handkit](https://github.com/handkit/handkit)." + cited,
        "", "```python", "from handkit import Camera, HandPoseEstimator", "",
        f'estimator = HandPoseEstimator.from_pretrained("{name}")',
        'hands = estimator.predict(depth, Camera.named("kinect2"))', "```", "",
        "## What it is", "", f"- arguments: `{json.dumps(info.arguments)}`", f"- skeleton: {skeleton}",
        f"- trained on {trained}" + (f", {samples:,} samples in the last training" if isinstance(samples, int) else ""),
        *(["- license: the terms of these data sets hold for what was learned from them"] if seen else []),
        "- files: " + ", ".join([MODEL_WEIGHTS, CONFIG, *([MODEL_GRAPH] if graph else [])]), "",
        "## Measured", "",
        *table,
        "", "## Limits", "", LIMITS, "",
    ]  # fmt: skip
    return "\n".join(lines)


def _config(info: CheckpointInfo) -> dict[str, Any]:
    """What the weights file says of itself, for readers that have no safetensors."""
    content = {key: value for key, value in asdict(info).items() if key not in {"path", "crc32"}}
    return {"library": "handkit", **content}


def _trained_on(info: CheckpointInfo) -> str:
    """What the weights have seen, and those that they were begun from."""
    if info.recipe is None:
        return "frames that their file does not name"
    rendered = [] if info.notes.get("data", "synthetic") != "synthetic" else ["handkit's own synthetic frames"]
    return " and ".join([*rendered, *_data_sets(info)]) or "frames that their file does not name"


def _data_sets(info: CheckpointInfo) -> list[str]:
    """Published data sets, or one's own, with the part."""
    return sorted({f"{each['dataset']} ({each['split']})" for each in info.notes.get(TRAINED_ON, ())})


def _result(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_regular(path))
    except (OSError, ValueError) as error:
        raise HandkitError(f"{path} holds no result: {error}") from None
    if not isinstance(content, dict):
        raise HandkitError(f"{path} holds no result: a JSON object is needed, as `handkit evaluate --out` writes it")
    return {key: value for key, value in content.items() if not isinstance(value, dict | list)}
