"""`handkit compare`: the typed function; its work is imported when it runs."""

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

Contestants = Annotated[Positional[tuple[str, ...]], arg(metavar="NETWORK[:KEY=VALUE,...]...", help_behavior_hint="")]
Folder = Annotated[Path, arg(metavar="DIR")]
Folders = Annotated[tuple[Path, ...], arg(metavar="DIR...")]


def compare(
    networks: Contestants = (),
    /,
    *,
    samples: int,
    seeds: Annotated[tuple[int, ...], arg(metavar="N...")] = (1,),
    resolution: int = 96,
    out: Folder = Path("runs/compare"),
    runs: Folder = Path("runs/compare"),
    real: Folders = (),
    localize: Annotated[Literal["none", "test", "both"] | None, arg(metavar="none|test|both")] = None,
    batch: Annotated[int | None, arg(metavar="N")] = None,
    crops: int = 1024,
    workers: int = 1,
    readme: Annotated[Path | None, arg(metavar="FILE")] = None,
) -> int:
    """Train networks alike, measure them alike; interrupted, the same command goes on where it stopped.

    Args:
        networks: Such as srn or srn:stages=1,theta=0.6; all by default. `handkit info NETWORK` names its variants.
        samples: Training samples of each.
        seeds: First weights and frames; every network is trained once with each.
        resolution: Crop pixels a side, for all; a multiple of 32 suits every network.
        out: Folder of compare.csv, compare-success.png and compare-joints.png.
        runs: Folder of the trainings: weights, logs and, while one goes on, its state.
        real: Folders of PNGs with marked fingertips (labels.json) to measure on as well.
        localize: Rough cubes: as they are, moved by the localizer at test, or in training too.
        batch: Training frames a step, for all; smaller needs less memory.
        crops: Size of the synthetic validation set.
        workers: Processes that render frames.
        readme: Also write the table between the marker lines of this file.
    """
    from handkit.cli.compare_networks import Comparison, compare_networks

    return compare_networks(
        Comparison(networks, samples, seeds, resolution, out, runs, real, localize, batch, crops, workers, readme)
    )
