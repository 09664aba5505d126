"""`handkit demo`: its options; its work is imported when it runs."""

from dataclasses import dataclass
from pathlib import Path

from handkit.cli.options import Backend, Count, Folder


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Find the hand in every frame of a bundled synthetic recording, and show how well and how fast that went."""

    out: Folder = Path("demo")
    """Folder for poses.jsonl and demo.png."""
    backend: Backend = None
    """What runs the networks: onnx by default, openvino or torch."""
    threads: Count = 1
    """Of the networks."""

    def run(self) -> int:
        from handkit.cli.demonstration import run_demo

        return run_demo(out=self.out, backend=self.backend, threads=self.threads)
