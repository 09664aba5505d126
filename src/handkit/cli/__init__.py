"""The command line: what a user types. A command's work is imported when it runs, so that help is instant.

Exit status: 0 something was done, 1 nothing could be, 2 wrong usage, 130 interrupted.
"""

import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, Protocol

from tyro.conf import Positional, arg
from tyro.extras import subcommand_cli_from_dict

import handkit
from handkit.cli.cameras import Cameras
from handkit.cli.compare import compare
from handkit.cli.convert import Convert
from handkit.cli.data import DATA_COMMANDS
from handkit.cli.doctor import Doctor
from handkit.cli.export import export
from handkit.cli.live import live
from handkit.cli.replay import Replay
from handkit.cli.score import score
from handkit.errors import HandkitError

Pictures = Annotated[Positional[tuple[str, ...]], arg(metavar="FRAME...", help_behavior_hint="")]
CameraText = Annotated[str, arg(metavar="NAME|fx,fy,cx,cy[,k1,k2,p1,p2...]")]
Scale = Annotated[float | None, arg(metavar="MM_PER_UNIT")]
Weights = Annotated[str, arg(metavar="NAME|PATH")]
Rotations = Literal[1, 2, 4]
Folder = Annotated[Path, arg(metavar="DIR")]
# A metavar has to stand around `| None`: inside, the help shows `{None}|PATH` instead.
MaybeFolder = Annotated[Path | None, arg(metavar="DIR")]
MaybeWeights = Annotated[str | None, arg(metavar="NAME|PATH")]
Count = Annotated[int, arg(metavar="N")]
Backend = Annotated[Literal["onnx", "openvino", "torch"] | None, arg(metavar="onnx|openvino|torch")]
MaybeCount = Annotated[int | None, arg(metavar="N")]
Fold = Annotated[str | None, arg(metavar="SUBJECT|all")]
Localize = Annotated[Literal["none", "test", "both"] | None, arg(metavar="none|test|both")]
Network = Annotated[Positional[str], arg(metavar="NETWORK")]


def predict(
    frames: Pictures = (),
    /,
    *,
    camera: CameraText,
    depth_scale: Scale = None,
    handedness: Literal["right", "left", "auto"] = "auto",
    weights: Weights = "latent-fusion",
    hands: Count = 2,
    minimum_confidence: Annotated[float, arg(metavar="P")] = 0.5,
    backend: Backend = None,
    threads: Count = 1,
    out: MaybeFolder = None,
) -> int:
    """Find the hands in depth images: 21 joints in camera millimeters, one line of JSON per image.

    Args:
        frames: 16-bit PNG, PGM or TIFF, .npy or .npz files, folders of them, or globs.
        camera: A named camera (see `handkit info`), or its intrinsics in pixels (and distortion, in OpenCV's order).
        depth_scale: Millimeters per unit of depth: 1 unless the named camera has another, 1000 for meters.
        handedness: Answer only hands of this side; auto: of either, and predict it.
        weights: A bundled network by name, an .onnx graph, or a .safetensors file (which needs torch).
        hands: So many hands at most, the surest first.
        minimum_confidence: Probability, 0 to 1, below which a hand is not answered.
        backend: What runs the networks: onnx by default, openvino (bfloat16, faster) or torch.
        threads: Of the networks; on a machine that does other work as well, one is the fastest.
        out: Write poses.jsonl and one overlay picture per frame there, and nothing to stdout.
    """
    from handkit.cli.frames import Request, predict_frames

    asked = Request(
        camera, depth_scale, handedness, weights, out, threads,
        hands=hands, minimum_confidence=minimum_confidence, backend=backend,
    )  # fmt: skip
    return predict_frames(frames, asked)


def train(
    network: Network,
    /,
    *,
    data: Annotated[str, arg(metavar="synthetic|STORE")] = "synthetic",
    minutes: Annotated[float | None, arg(metavar="M")] = None,
    samples: MaybeCount = None,
    init: MaybeWeights = None,
    pose: MaybeWeights = None,
    variant: Annotated[tuple[str, ...], arg(metavar="KEY=VALUE...")] = (),
    resolution: MaybeCount = None,
    localize: Localize = None,
    fold: Fold = None,
    batch: MaybeCount = None,
    learning_rate: Annotated[float | None, arg(metavar="RATE")] = None,
    precision: Annotated[Literal["bf16", "f32"] | None, arg(metavar="bf16|f32")] = None,
    threads: MaybeCount = None,
    workers: MaybeCount = None,
    seed: int = 1,
    out: MaybeFolder = None,
    resume: bool = False,
) -> int:
    """Train a network; checkpoints, weights and a log go to a folder.

    Args:
        network: What to train; `handkit info` names the networks, `handkit info NETWORK` its variants.
        data: Frames rendered on the fly, or a packed store.
        minutes: Stop after so many minutes of training (60 if no budget is given).
        samples: Stop after so many training samples instead; a published experiment has so many epochs of its own.
        init: Begin with what fits of these weights, at the recipe's last resolution and half its learning rate.
        pose: Handedness, confidence: the pose network whose answers they judge; the bundled latent-fusion by default.
        variant: Constructor arguments of the network, such as stages=1; parts of a list are joined by +.
        resolution: Crops of so many pixels a side throughout.
        localize: Rough cubes: as they are, moved by the localizer at test, or in training too.
        fold: Leave a subject of the store out (P0 to P8 of MSRA15) and measure on it; all: one after the other.
        batch: Frames in a step, if not the recipe's.
        learning_rate: Peak of the schedule, if not the recipe's.
        precision: Mixed bfloat16, or float32 throughout; bf16 by default.
        threads: Of the network; all cores by default.
        workers: Processes that render or read frames beside it; 1 by default, on a GPU one for every core but one.
        seed: Another seed gives other first weights and other frames.
        out: Folder of the run; runs/NETWORK by default.
        resume: Continue the run in that folder exactly where it stopped.
    """
    from handkit.cli.progress import Training, train_network

    asked = Training(
        network, data, minutes, samples, init, seed, out or Path("runs") / network, resume,
        variant=variant, resolution=resolution, localize=localize, fold=fold, batch=batch,
        learning_rate=learning_rate, precision=precision, threads=threads, workers=workers, pose=pose,
    )  # fmt: skip
    if data == "synthetic":
        return train_network(asked)
    from handkit.cli.store_training import train_on_store

    return train_on_store(asked)


def render(*, count: int, out: Folder, seed: int = 0) -> int:
    """Render labelled synthetic frames: 16-bit PNGs, labels.jsonl and a contact sheet.

    Args:
        count: Number of frames.
        out: Folder to write to.
        seed: Another seed gives other hands, poses, scenes and cameras.
    """
    from handkit.cli.recording import render_frames

    return render_frames(count, out=out, seed=seed)


def demo(*, out: Folder = Path("demo"), backend: Backend = None, threads: Count = 1) -> int:
    """Find the hand in every frame of a bundled synthetic recording, and show how well and how fast that went.

    Args:
        out: Folder for poses.jsonl and demo.png.
        backend: What runs the networks: onnx by default, openvino or torch.
        threads: Of the networks.
    """
    from handkit.cli.demo import run_demo

    return run_demo(out=out, backend=backend, threads=threads)


def evaluate(
    weights: Annotated[Positional[str], arg(metavar="NAME|PATH")] = "latent-fusion",
    /,
    *,
    data: Annotated[str, arg(metavar="synthetic|STORE")] = "synthetic",
    localizer: Weights = "localizer",
    count: int = 2000,
    handedness: Literal["predicted", "given"] = "predicted",
    rotations: Rotations = 1,
    detector: Weights = "detector",
    confidence: MaybeWeights = None,
    backend: Backend = None,
    threads: Count = 1,
    center: Literal["packed", "gt", "refined", "located"] = "packed",
    fold: Annotated[str | None, arg(metavar="SUBJECT")] = None,
    out: Annotated[Path | None, arg(metavar="FILE|DIR")] = None,
) -> int:
    """Measure the whole path on synthetic pictures, the hand found automatically, or a network on a packed store.

    Args:
        weights: Bundled weights by name, or a .safetensors file.
        data: A fixed set of synthetic pictures, or a packed store.
        localizer: Store: weights of the localizer.
        count: How many synthetic pictures, from the first on.
        handedness: Synthetic: left or right predicted by the estimator, or given to it.
        rotations: Synthetic: rolled views of every crop that are averaged; 4 is more accurate, 1 faster.
        detector: Synthetic: weights of the hand detector, beside weights of a pose network.
        confidence: Synthetic: weights of the confidence network; by default those beside NAME as NAME-confidence.
        backend: Synthetic: what runs the networks: onnx by default, openvino or torch.
        threads: Synthetic: of the networks.
        center: Store: cubes as packed, on the labels' mean, on packed refined centres, or moved by the localizer.
        fold: Store: frames of this subject only.
        out: Synthetic: a file for the figures, as JSON. Store: a folder for the predictions and a report.
    """
    if data == "synthetic":
        from handkit.cli.measure import evaluate_synthetic

        return evaluate_synthetic(
            weights, detector=detector, confidence=confidence, backend=backend, threads=threads,
            count=count, handedness=handedness, rotations=rotations, out=out,
        )  # fmt: skip
    from handkit.cli.store_evaluation import Evaluation, evaluate_on_store

    return evaluate_on_store(
        Evaluation(weights=weights, store=Path(data), center=center, localizer=localizer, fold=fold, out=out)
    )


def info(network: Annotated[Positional[str | None], arg(metavar="NETWORK")] = None, /, *, json: bool = False) -> int:
    """Networks beside their papers, weights, cameras and versions; of one network all its arguments.

    Args:
        network: Show this one.
        json: Print JSON instead of tables.
    """
    if network is None and find_spec("torch") is None:
        from handkit.cli.installed import print_installed

        return print_installed(as_json=json)
    from handkit.cli.overview import print_overview

    return print_overview(network, as_json=json)


def data() -> int:
    """ICVL, NYU, MSRA15 and HANDS2017 as they were downloaded: commands of their own."""
    return main(["data"])  # for the list of commands; `main` passes on to the group's own before it gets here


class Command(Protocol):
    """Options, and what to do with them."""

    def run(self) -> int:
        """The exit status; raises HandkitError."""
        ...


COMMANDS: dict[str, Callable[..., int | Command]] = {
    "predict": predict,
    "live": live,
    "train": train,
    "render": render,
    "demo": demo,
    "evaluate": evaluate,
    "score": score,
    "compare": compare,
    "export": export,
    "info": info,
    "cameras": Cameras,
    "convert": Convert,
    "replay": Replay,
    "doctor": Doctor,
    "data": data,
}
GROUPS: dict[str, dict[str, Callable[..., int | Command]]] = {"data": {**DATA_COMMANDS}}
"""Commands that have commands of their own."""

EXTRAS = {
    "torch": "train", "lightning": "train", "numba": "train", "safetensors": "train", "jaxtyping": "train",
    "scipy": "data", "onnx": "export", "onnxscript": "export", "openvino": "openvino",
}  # fmt: skip
"""Packages that not everybody installs, and the extra that brings them."""

DESCRIPTION = "From any depth frame to a hand: 21 joints in camera millimeters."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, answer its exit status; bad input ends in a sentence on stderr, not in a traceback."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given == ["--version"]:
        print(f"handkit {handkit.__version__}")
        return 0
    try:
        return _run(given)
    except HandkitError as error:
        print(f"handkit: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("handkit: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has what it wanted (`| head`). Python flushes stdout once more at its end: let it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sentence = f"{where}{error.strerror or error}"
        if isinstance(error, FileExistsError):
            sentence = f"{error.filename} is a file where a folder is to be made; give another --out"
        print(f"handkit: {sentence}", file=sys.stderr)
        return 1


def _run(given: list[str]) -> int:
    """One command; raises HandkitError where it needs a package that is not installed."""
    group = given[0] if given and given[0] in GROUPS else ""
    try:
        asked = subcommand_cli_from_dict(
            GROUPS.get(group, COMMANDS),
            prog=f"handkit {group}".strip(),
            description=COMMANDS[group].__doc__ if group else DESCRIPTION,
            args=given[1:] if group else given,
        )
        return asked if isinstance(asked, int) else asked.run()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise HandkitError(
            f"this needs {package}, which is not installed: pip install 'handkit[{EXTRAS[package]}]'"
        ) from None
