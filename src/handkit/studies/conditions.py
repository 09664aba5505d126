"""What all trials of a study have in common. Light to import: the command line reads its options off it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """On which frames, with what budget."""

    train: Path | None = None
    """A packed store that is trained on; without one, frames are rendered."""
    test: Path | None = None
    """The store that is measured on."""
    samples: int | None = None
    """Training samples of each row."""
    epochs: int | None = None
    """Passes over the store instead of the published ones."""
    seeds: tuple[int, ...] = (1,)
    """First weights and frames; every row is trained once with each, its figures are the mean ± half the range."""
    resolution: int | None = None
    """Crops of this many pixels a side; 96 of rendered frames by default, the published ones of a store."""
    batch: int | None = None
    """Training frames a step, if not the recipe's."""
    precision: Literal["bf16", "f32"] | None = None
    """Of each training: mixed bfloat16, or float32 throughout; a published experiment's, or bf16, by default."""
    crops: int = 1024
    """Synthetic frames that are measured on."""
    localizer: str = "localizer"
    """Name or path of the localizer, for rows whose centers it moves."""
    real: tuple[Path, ...] = ()
    """Folders of PNGs with marked fingertips (labels.json) to measure on as well."""
    jobs: int = 1
    """Trainings side by side; on a machine with several GPUs each has one of them."""
    threads: int | None = None
    """Of each training's network; all cores, divided among the jobs, by default."""
    workers: int | None = None
    """Processes that make frames beside each training; by default 1, none with several jobs, more for a GPU."""
    out: Path = Path("runs/studies")
    """Folder of the table (NAME.md, .csv, .tex), its curves, the trials and their weights."""
    own: str | None = None
    """`FILE.py:CLASS`, a network of the user's own, which becomes the last row."""
