"""`handkit doctor`: what is wrong with depth images, and what mends it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from handkit.cli.options import DepthScale, MaybeCamera
from handkit.cli.saying import say
from handkit.errors import UsageError


@dataclass(frozen=True)
class Doctor:
    """Look at the depth images of a file, a recording or a camera: what is wrong, and what mends it."""

    given: Annotated[Positional[str | None], arg(metavar="FRAME|RECORDING|SOURCE")] = None
    """A file, a folder, a recording, or a camera: `handkit cameras` names them."""
    source: Annotated[str | None, arg(metavar="SOURCE")] = None
    """The same, as `handkit live` has it."""
    camera: MaybeCamera = None
    """That took the images, where the source does not say."""
    depth_scale: DepthScale = None
    """Millimeters per unit of depth."""
    shows: Literal["left", "right"] | None = None
    """The hand that is in view: tells whether the image is mirrored."""
    frames: int = 60
    """How many are looked at: the first ones."""

    def run(self) -> int:
        """Answers 1 where anything needs mending."""
        from rich.console import Console
        from rich.table import Table

        from handkit.doctor import diagnose

        given = self.given or self.source
        if given is None or (self.given and self.source):
            raise UsageError("doctor looks at one source: handkit doctor FRAME|RECORDING|SOURCE")
        findings = diagnose(
            given, camera=self.camera, depth_scale=self.depth_scale, shows=self.shows, frames=self.frames, report=say
        )
        table = Table("", "check", "seen", "what mends it", box=None, pad_edge=False)
        for finding in findings:
            mark = "[yellow]![/]" if finding.mend else "[green]ok[/]"
            table.add_row(mark, finding.check, finding.seen, finding.mend)
        Console().print(table, markup=True)
        return int(any(finding.mend for finding in findings))
