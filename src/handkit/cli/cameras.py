"""`handkit cameras`: what is plugged in, and for the rest the command that installs it."""

from dataclasses import dataclass
from importlib.util import find_spec

from handkit.cli.saying import say
from handkit.extras import install_command

HINTS = {
    "realsense": "RealSense D400, L515, SR300, SR305",
    "orbbec": "Orbbec Gemini, Femto, Astra 2",
    "oak": "Luxonis OAK-D (stereo)",
    "record3d": "iPhone, iPad: TrueDepth or LiDAR, with the Record3D app",
}


@dataclass(frozen=True)
class Cameras:
    """Depth cameras that are plugged in and usable; for the rest, the command that installs them."""

    def run(self) -> int:
        """Answers 0 where at least one can be used, else 1."""
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        from handkit.sources.opening import kinds, plugged_in

        table = Table("--source", "cameras", "", box=None, pad_edge=False)
        usable = 0
        found = plugged_in()
        for kind, cameras in found.items():
            if isinstance(cameras, Exception):
                state = f"[dim]{escape(str(cameras))}[/]"
            elif cameras:
                state = f"[green]{escape(', '.join(cameras))}[/]"
                usable += 1
            else:
                state = "none plugged in"
            table.add_row(kind, HINTS[kind], state)
        for kind in kinds():
            if kind not in {*found, "demo", "synthetic"}:
                table.add_row(kind, "", "brought by another package")
        table.add_row("demo", "a bundled recording", "needs no camera, twelve frames")
        table.add_row("synthetic", "a rendered recording", escape(_synthetic()))
        Console().print(table)
        if not usable:
            say(
                "no camera can be used (exit status 1): plug one in, or install what its line says; "
                "`handkit live --source demo` needs none"
            )
        return int(not usable)


def _synthetic() -> str:
    """What the renderer still needs."""
    return "needs no camera" + ("" if find_spec("torch") else f": {install_command('train')}")
