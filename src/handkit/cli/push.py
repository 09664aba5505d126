"""`handkit push`: a network of one's own, for others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from handkit.cli.options import MaybeFolder


@dataclass(frozen=True)
class Push:
    """Share weights: a folder with a model card, uploaded to the Hugging Face Hub or kept on this disk."""

    name: Annotated[Positional[str], arg(metavar="OWNER/NAME")]
    """On the Hub; `handkit predict --weights OWNER/NAME` finds it there."""
    weights: Annotated[Positional[str], arg(metavar="NAME|PATH")]
    """A .safetensors file, or a network by name."""
    graph: Annotated[Path | None, arg(metavar="FILE.onnx")] = None
    """Its graph, as `handkit export` has written it: others need no torch then."""
    results: Annotated[tuple[Path, ...], arg(metavar="FILE...")] = ()
    """JSON of `handkit evaluate --out`, measured with these weights: the figures of the model card."""
    out: MaybeFolder = None
    """Write the folder here, and upload nothing."""

    def run(self) -> int:
        from handkit.hub import find_weights
        from handkit.sharing import pack, share

        if self.out:
            weights = find_weights(self.weights)
            print(pack(weights, folder=self.out, name=self.name, results=self.results, graph=self.graph))
        else:
            print(share(self.name, self.weights, results=self.results, graph=self.graph))
        return 0
