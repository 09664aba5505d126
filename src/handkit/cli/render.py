"""`handkit render`: options that become one call of `handkit.rendering.render_frames`."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import arg

from handkit.cli.options import Folder


@dataclass(frozen=True, kw_only=True)
class Render:
    """Render synthetic frames with every hand in them: 16-bit PNGs, labels.jsonl and a contact sheet."""

    count: int
    """Number of frames."""
    out: Folder
    """Folder to write to."""
    seed: int = 0
    """Another seed gives other hands, poses, scenes and cameras."""
    empty: float = 0.0
    """Share of frames without a hand."""
    camera: Annotated[str | None, arg(metavar="NAME")] = None
    """Of all frames; several in turn by default."""

    def run(self) -> int:
        from rich.console import Console
        from rich.progress import Progress

        from handkit.rendering import render_frames

        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("frames", total=self.count)
            render_frames(
                self.count, out=self.out, seed=self.seed, empty=self.empty, camera=self.camera,
                watch=lambda done: progress.update(task, completed=done),
            )  # fmt: skip
        console.print(f"{self.count} frames, labels.jsonl and sheet.png in {self.out}", highlight=False, markup=False)
        return 0
