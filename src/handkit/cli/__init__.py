"""The command line: what a user types. A command's work is imported when it runs, so that help is instant.

Exit status: 0 something was done, 1 nothing could be, 2 wrong usage, 130 interrupted.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg
from tyro.extras import subcommand_cli_from_dict

import handkit
from handkit.cli.compare import compare
from handkit.cli.data import DATA_COMMANDS
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
    threads: Annotated[int, arg(metavar="N")] = 1,
    out: MaybeFolder = None,
) -> int:
    """Find the hand in depth images: 21 joints in camera millimeters, one line of JSON per image.

    Args:
        frames: 16-bit PNG, PGM or TIFF, .npy or .npz files, folders of them, or globs.
        camera: A named camera (see `handkit info`), or its intrinsics in pixels (and distortion, in OpenCV's order).
        depth_scale: Millimeters per unit of depth: 1 unless the named camera has another, 1000 for meters.
        handedness: Which hand it is; auto predicts it.
        weights: Bundled weights by name, or a .safetensors file.
        threads: Of the networks; on a machine that does other work as well, one is the fastest.
        out: Write poses.jsonl and one overlay picture per frame there, and nothing to stdout.
    """
    from handkit.cli.frames import Request, predict_frames

    return predict_frames(frames, Request(camera, depth_scale, handedness, weights, out, threads))


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
    localizer: Weights = "localizer",
    test: Annotated[str | None, arg(metavar="STORE")] = None,
    allow_test: bool = False,
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
        localizer: Weights of the localizer that does so.
        test: A packed store to measure on at every checkpoint; the last weights and the best on it are both reported.
        allow_test: Train on a published test set all the same.
        fold: Leave a subject of the store out (P0 to P8 of MSRA15) and measure on it; all: one after the other.
        batch: Frames in a step, if not the recipe's.
        learning_rate: Peak of the schedule, if not the recipe's.
        precision: Mixed bfloat16, or float32 throughout: a published experiment's by default, bf16 for our own recipes.
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
        localizer=localizer, test=test, allow_test=allow_test,
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


def demo(*, out: Folder = Path("demo"), frames: int = 60, seed: int = 0) -> int:
    """Render a recording, find the hand in every frame, and show how well and how fast that went.

    Args:
        out: Folder for poses.jsonl and demo.png.
        frames: Length of the recording.
        seed: Another seed gives another recording.
    """
    from handkit.cli.recording import run_demo

    return run_demo(out=out, frames=frames, seed=seed)


def evaluate(
    weights: Annotated[Positional[str], arg(metavar="NAME|PATH")] = "latent-fusion",
    /,
    *,
    data: Annotated[str, arg(metavar="synthetic|STORE")] = "synthetic",
    localizer: Weights = "localizer",
    count: int = 2000,
    handedness: Literal["predicted", "given"] = "predicted",
    rotations: Rotations = 4,
    center: Literal["packed", "gt", "refined", "located"] = "packed",
    fold: Annotated[str | None, arg(metavar="SUBJECT")] = None,
    readout: Annotated[tuple[str, ...], arg(metavar="KEY=VALUE...")] = (),
    allow_seen: bool = False,
    out: Annotated[Path | None, arg(metavar="FILE|DIR")] = None,
) -> int:
    """Measure the whole path on synthetic pictures, the hand found automatically, or a network on a packed store.

    Args:
        weights: Bundled weights by name, or a .safetensors file.
        data: A fixed set of synthetic pictures, or a packed store.
        localizer: Weights of the localizer.
        count: How many synthetic pictures, from the first on.
        handedness: Synthetic: left or right predicted by the estimator, or given to it.
        rotations: Synthetic: rolled views of every crop that are averaged; 4 is more accurate, 1 faster.
        center: Store: cubes as packed, on the labels' mean, on packed refined centres, or moved by the localizer.
        fold: Store: frames of this subject only.
        readout: Store: how the network's maps are read, without another training, such as top=1 sigma=0.5 of densereg.
        allow_seen: Store: measure on frames that the weights were trained on all the same.
        out: Synthetic: a file for the figures, as JSON. Store: a folder for the predictions and a report.
    """
    if data == "synthetic":
        from handkit.cli.measure import evaluate_synthetic

        return evaluate_synthetic(
            weights, localizer=localizer, count=count, handedness=handedness, rotations=rotations, out=out
        )
    from handkit.cli.store_evaluation import Evaluation, evaluate_on_store

    return evaluate_on_store(
        Evaluation(
            weights=weights,
            store=Path(data),
            center=center,
            localizer=localizer,
            fold=fold,
            out=out,
            readout=readout,
            allow_seen=allow_seen,
        )
    )


def info(network: Annotated[Positional[str | None], arg(metavar="NETWORK")] = None, /, *, json: bool = False) -> int:
    """Networks beside their papers, weights, cameras and versions; of one network all its arguments.

    Args:
        network: Show this one.
        json: Print JSON instead of tables.
    """
    from handkit.cli.overview import print_overview

    return print_overview(network, as_json=json)


def data() -> int:
    """ICVL, NYU, MSRA15 and HANDS2017 as they were downloaded: commands of their own."""
    return main(["data"])  # for the list of commands; `main` passes on to the group's own before it gets here


COMMANDS: dict[str, Callable[..., int]] = {
    "predict": predict,
    "train": train,
    "render": render,
    "demo": demo,
    "evaluate": evaluate,
    "score": score,
    "compare": compare,
    "info": info,
    "data": data,
}
GROUPS: dict[str, dict[str, Callable[..., int]]] = {"data": DATA_COMMANDS}
"""Commands that have commands of their own."""

DESCRIPTION = "From any depth frame to a hand: 21 joints in camera millimeters."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, answer its exit status; bad input ends in a sentence on stderr, not in a traceback."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given == ["--version"]:
        print(f"handkit {handkit.__version__}")
        return 0
    group = given[0] if given and given[0] in GROUPS else ""
    try:
        return subcommand_cli_from_dict(
            GROUPS.get(group, COMMANDS),
            prog=f"handkit {group}".strip(),
            description=COMMANDS[group].__doc__ if group else DESCRIPTION,
            args=given[1:] if group else given,
        )
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
