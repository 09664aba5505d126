"""`handkit data pack` and `handkit data verify` on a terminal."""

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from handkit.datasets.catalog import find_data_set
from handkit.errors import UsageError
from handkit.evaluation.protocol import NO_TEST
from handkit.store.centers import FAR_MM, MOST_FAR, NO_CENTER, OTHER_CENTERS, distances_mm
from handkit.store.packing import pack
from handkit.store.plan import Plan, packing_of
from handkit.store.shards import Manifest
from handkit.store.store import PackedFrames

LISTED = 10
"""How many faulty frames are named."""


def pack_with_bar(plan: Plan, out: Path, *, workers: int) -> None:
    """Pack, then say what was packed; raises HandkitError where nothing can be packed."""
    if workers < 1:
        raise UsageError(f"--workers {workers}: give at least 1")
    packing, console = packing_of(plan), Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"packing {plan.name}", total=packing.settings.frames)
        manifest = pack(packing, out, workers=workers, tell=lambda frames: progress.advance(task, frames))
    summarize(manifest, out, console)
    if plan.split is None and len(parts := find_data_set(plan.name).parts) > 1:
        sentence = f"split: {manifest.settings.split}, for none was asked for; --split takes {', '.join(parts)}"
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    _tell_distances(PackedFrames.open(out), console)


def verify_store(path: Path) -> int:
    """Read everything and compare checksums; answers 0 for a sound store. Raises HandkitError."""
    console = Console(stderr=True)
    store = PackedFrames.open(path)
    with console.status("verifying"):
        damage = store.damage()
    for sentence in damage:
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    if not damage:
        console.print(f"{path}: {len(store):,} frames, every checksum is right", highlight=False, markup=False)
    return int(bool(damage))


def summarize(manifest: Manifest, out: Path, console: Console) -> None:
    """What was packed, and every reason for which frames are faulty, with the first of them by name."""
    settings = manifest.settings
    megabytes = sum(shard.total_bytes for shard in manifest.shards) / 1e6
    known = f" ({NO_TEST})" if settings.centers.of_labels else ""
    lines = [
        f"{out}: {settings.frames:,} frames of {settings.dataset} {settings.split}, {megabytes:,.1f} MB",
        f"centers: {settings.center_words}{known}; cubes: {settings.cube}, patches {settings.margin:g} times as wide; "
        f"{settings.unit_mm:g} mm a unit; codec {settings.codec}",
    ]
    if manifest.faults:
        lines.append(f"{len(manifest.faults):,} frames are faulty; all are listed in {out / 'store.json'}:")
    lines += [f"  frame {fault.frame}, {fault.source}: {fault.reason}" for fault in manifest.faults[:LISTED]]
    without = sum(fault.reason == NO_CENTER for fault in manifest.faults)
    if without > MOST_FAR * settings.frames:
        lines.append(
            f"warning: {without:,} of {settings.frames:,} frames have no center, are not learned from and have no "
            f"answer: {OTHER_CENTERS}"
        )
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _tell_distances(store: PackedFrames, console: Console) -> None:
    """How far the cubes stand from the hands, where there are labels to tell."""
    far = distances_mm(store.rows["center"], store.rows["joints"])
    if len(far):
        console.print(
            f"centers: {np.median(far):.0f} mm from the joints' mean in the median frame, "
            f"{(far > FAR_MM).mean():.1%} of the frames more than {FAR_MM:.0f} mm",
            highlight=False,
        )
    if len(far) and (far > FAR_MM).mean() > MOST_FAR:
        console.print(f"warning: that is more than {MOST_FAR:.0%}: {OTHER_CENTERS}", highlight=False, soft_wrap=True)
