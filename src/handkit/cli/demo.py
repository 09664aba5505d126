"""`handkit demo`: its options; its work is imported when it runs."""

from dataclasses import dataclass
from pathlib import Path

from handkit.cli.options import Folder


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Render a recording, find the hand in every frame, and show how well and how fast that went."""

    out: Folder = Path("demo")
    """Folder for poses.jsonl and demo.png."""
    frames: int = 60
    """Length of the recording."""
    seed: int = 0
    """Another seed gives another recording."""

    def run(self) -> int:
        from handkit.cli.recording import run_demo

        return run_demo(out=self.out, frames=self.frames, seed=self.seed)
