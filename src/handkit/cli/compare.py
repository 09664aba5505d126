"""`handkit compare`: its options; its work is imported when it runs."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from handkit.cli.options import Folder, MaybeCount, Refined


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Train networks alike, measure them alike; interrupted, the same command goes on where it stopped."""

    networks: Annotated[
        Positional[tuple[str, ...]], arg(metavar="NETWORK[:KEY=VALUE,...]...", help_behavior_hint="")
    ] = ()
    """Such as srn or srn:stages=1,theta=0.6; all by default. `handkit info NETWORK` names its arguments."""
    samples: int
    """Training samples of each."""
    seeds: Annotated[tuple[int, ...], arg(metavar="N...")] = (1,)
    """First weights and frames; every network is trained once with each."""
    resolution: int = 96
    """Crop pixels a side, for all; a multiple of 32 suits every network."""
    out: Folder = Path("runs/compare")
    """Folder of compare.csv, compare-success.png and compare-joints.png."""
    runs: Folder = Path("runs/compare")
    """Folder of the trainings: weights, logs and, while one goes on, its state."""
    real: Annotated[tuple[Path, ...], arg(metavar="DIR...")] = ()
    """Folders of PNGs with marked fingertips (labels.json) to measure on as well."""
    center_refinement: Refined = None
    """Coarse centers: as they are, moved by the localizer at test, or in training too."""
    batch: MaybeCount = None
    """Training frames a step, for all; smaller needs less memory."""
    crops: int = 1024
    """Size of the synthetic validation set."""
    workers: int = 1
    """Processes that render frames."""
    readme: Annotated[Path | None, arg(metavar="FILE")] = None
    """Also write the table between the marker lines of this file."""

    def run(self) -> int:
        from handkit.cli.progress import Bar, say
        from handkit.studies.comparison import Comparison, compare_networks

        asked = {field.name: getattr(self, field.name) for field in fields(Comparison)}
        compare_networks(Comparison(**asked), watch=Bar, say=say)
        return 0
