"""`handkit evaluate`: the whole path on synthetic images, or a network on a packed store."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from handkit.asked import MINIMUM_CONFIDENCE, Rotations
from handkit.cli.options import Backend, Count, Frames, MaybeWeights, Probability, Weights
from handkit.errors import UsageError

OF_IMAGES = {
    "images", "count", "handedness", "minimum_confidence", "rotations", "detector", "confidence", "backend",
}  # fmt: skip
OF_STORES = {"localizer", "center", "fold", "readout", "allow_seen"}
"""Options of synthetic images, and of packed stores, alone."""


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Measure the whole path on synthetic images, or a network on a packed store.

    Of synthetic images: joint errors of the hands that are found, how many are missed, false or of the wrong side, and
    the expected calibration error (ECE) of the confidence.
    """

    weights: Annotated[Positional[str], arg(metavar="NAME|PATH")] = "latent-fusion"
    """A network by name, or the path of an .onnx graph or a .safetensors file; of a store, of the latter."""
    data: Frames = "synthetic"
    """Synthetic images, or a packed store."""
    images: Literal["world", "first"] = "world"
    """Synthetic: with all there is in the world, or as the first edition had them, one bare hand an image."""
    count: int = 2000
    """Synthetic: how many images of the set, from the first on."""
    handedness: Literal["predicted", "given"] = "predicted"
    """Synthetic: left or right predicted by the estimator, or given to it where there is one hand."""
    minimum_confidence: Probability = MINIMUM_CONFIDENCE
    """Synthetic: probability, 0 to 1, below which a hand is not answered; ECE counts all answers."""
    rotations: Rotations = 2
    """Synthetic: test-time augmentation, the mean of this many rotated views of a crop."""
    detector: Weights = "detector"
    """Synthetic: weights of the hand detector, beside weights of a pose network."""
    confidence: MaybeWeights = None
    """Synthetic: weights of the confidence network; by default those beside NAME as NAME-confidence."""
    backend: Backend = None
    """Synthetic: what runs the networks: onnx by default, openvino or torch."""
    threads: Count = 1
    """Synthetic: of the networks."""
    localizer: Weights = "localizer"
    """Store: weights of the localizer."""
    center: Literal["packed", "mean", "refined", "localizer"] = "packed"
    """Store: centers as packed, the mean of the labels (no test protocol), refined ones, or the localizer's."""
    fold: Annotated[str | None, arg(metavar="SUBJECT")] = None
    """Store: frames of this subject only."""
    readout: Annotated[tuple[str, ...], arg(metavar="KEY=VALUE...")] = ()
    """Store: how the network's maps are read, without another training, such as top=1 sigma=0.5 of densereg."""
    allow_seen: bool = False
    """Store: measure on frames that the weights were trained on all the same."""
    out: Annotated[Path | None, arg(metavar="FILE|DIR")] = None
    """Synthetic: a file for the figures, as JSON. Store: a folder for the predictions and a report."""

    def run(self) -> int:
        self._refuse_others()
        if self.data != "synthetic":
            return self._on_store()
        return self._on_images()

    def _on_images(self) -> int:
        """Print the figures of every kind of image."""
        from rich.console import Console
        from rich.progress import track

        from handkit.cli.results import print_figures
        from handkit.estimator import HandPoseEstimator
        from handkit.training.testset import measure_images

        estimator = HandPoseEstimator.from_pretrained(
            self.weights, backend=self.backend, threads=self.threads, rotations=self.rotations,
            detector=self.detector, confidence=self.confidence,
        )  # fmt: skip
        console = Console(stderr=True)
        figures = measure_images(
            estimator, self.images, count=self.count, handedness=self.handedness,
            minimum_confidence=self.minimum_confidence, out=self.out,
            watch=lambda shown: track(
                shown, "images", total=self.count, console=console, disable=not console.is_terminal
            ),
        )  # fmt: skip
        print_figures(figures)
        return 0

    def _refuse_others(self) -> None:
        """Raise UsageError for an option that says nothing of these frames."""
        store = self.data != "synthetic"
        given = {each.name for each in fields(self) if getattr(self, each.name) != each.default}
        for name in sorted(given & (OF_IMAGES if store else OF_STORES)):
            option = f"--{name.replace('_', '-')}"
            where = f"a packed store (--data {self.data})" if store else "synthetic images"
            raise UsageError(f"{option} has no meaning for {where}; leave it out, see handkit evaluate --help")

    def _on_store(self) -> int:
        """Print the figures, then write predictions and a report."""
        from rich.console import Console

        from handkit.cli.results import print_answers, print_page, print_scored, say_guessed
        from handkit.recipes import CenterSource
        from handkit.store.store import PackedFrames
        from handkit.training.measuring import measure_weights

        store = PackedFrames.open(Path(self.data))
        with Console(stderr=True).status("frames of the store"):
            measured = measure_weights(
                self.weights, store, subject=self.fold,
                center=None if self.center == "packed" else CenterSource(self.center), localizer=self.localizer,
                readout=self.readout, allow_seen=self.allow_seen, out=self.out, tell=print_scored,
            )  # fmt: skip
        if self.out:
            print_answers(self.out)
            say_guessed(measured.unanswered, self.out)
        if measured.page:
            print_page(measured.page)
        return 0
