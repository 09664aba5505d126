"""What `handkit live` and `handkit replay` have in common: a source, and a tracker of its hands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handkit.asked import MINIMUM_CONFIDENCE, Asked, Rotations
from handkit.cli.options import Backend, Count, DepthScale, MaybeCamera, Probability, Weights

if TYPE_CHECKING:
    from handkit.tracking import HandTracker
    from handkit.viewing.opening import Viewer


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """Whose hands are followed, and how."""

    camera: MaybeCamera = None
    """That took the images, where they do not say."""
    depth_scale: DepthScale = None
    """Millimeters per unit of depth, if it is not what the source says."""
    hands: Count = 2
    """At most."""
    handedness: Asked = "auto"
    """Follow only hands of this side; auto: of either, and predict which, by all frames so far."""
    minimum_confidence: Probability = MINIMUM_CONFIDENCE
    """Hands whose confidence is less are not followed."""
    rotations: Rotations = 1
    """Of the crop of each hand, averaged: nearer and calmer, for as many times the work."""
    weights: Weights = "latent-fusion"
    """A network by name, or its file."""
    backend: Backend = None
    """What runs the networks."""
    threads: Count = 1
    """Of the networks; on a machine that does other work as well, one is the fastest."""
    view: bool = False
    """Show depth and hands as they come, in rerun or OpenCV's window."""

    def tracker(self, report: Callable[[str], None]) -> "HandTracker":
        """Raises HandkitError."""
        from handkit.estimator import HandPoseEstimator
        from handkit.tracking import HandTracker

        return HandTracker(
            HandPoseEstimator.from_pretrained(self.weights, backend=self.backend, threads=self.threads),
            hands=self.hands,
            handedness=self.handedness,
            minimum_confidence=self.minimum_confidence,
            rotations=self.rotations,
            report=report,
        )

    def viewers(self, tracker: "HandTracker") -> "list[Viewer]":
        """The window that rerun or OpenCV has, if it is wanted."""
        from handkit.viewing import open_viewer

        return [open_viewer(timings_ms=tracker.timings_ms)] if self.view else []
