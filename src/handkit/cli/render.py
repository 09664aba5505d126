"""`handkit render`: its options; its work is imported when it runs."""

from dataclasses import dataclass

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

    def run(self) -> int:
        from handkit.cli.recording import render_frames

        return render_frames(self.count, out=self.out, seed=self.seed, empty=self.empty)
