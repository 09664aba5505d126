"""`handkit export`: options that become one call of `handkit.export.export`, and of its comparison."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from handkit.cli.options import Count, MaybeWeights


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write a graph: depth image, intrinsics and cubes in; joints in mm and pixels and how good they are out.

    Of a localizer, the centers in mm of the hands that it sees in the cubes.
    """

    network: Annotated[Positional[str], arg(metavar="NETWORK|WEIGHTS")]
    """Weights by name or path: a pose network, `localizer` or `detector`."""
    out: Annotated[Path, arg(metavar="FILE")]
    """The file: .onnx, or .xml with a .bin beside it."""
    form: Annotated[Literal["onnx", "openvino"], arg(name="format")] = "onnx"
    """For ONNX Runtime (and others), or for OpenVINO."""
    precision: Literal["f32", "bf16"] = "f32"
    """Of the network in OpenVINO; geometry is in float32 whatever it is."""
    confidence: MaybeWeights = None
    """Weights of the confidence network that learned from this pose network; none by default."""
    verify: bool = False
    """Compare with the network itself, in mm; in f32 more than 0.05 mm end in exit status 1."""
    count: Count = 200
    """Synthetic frames to compare on."""

    def run(self) -> int:
        """Answers 0; raises HandkitError where the graph is too far from the network."""
        from handkit.extras import load

        load("onnxscript", extra="export")  # first, for this extra brings torch too
        from handkit.export import check_count, export

        check_count(self.count)
        made = export(
            self.network, self.out, form=self.form, precision=self.precision, confidence=self.confidence
        )  # fmt: skip
        print(f"{self.out}: {made.megabytes:.1f} MB")
        if self.verify:
            print(f"comparing with the network on {self.count} synthetic frames, a minute or two", flush=True)
            parity = made.compare(count=self.count)
            print(parity.in_words())
            made.check(parity)
        return 0
