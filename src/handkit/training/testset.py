"""The two fixed sets of synthetic depth images that the whole path is measured on."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from handkit.asked import MINIMUM_CONFIDENCE, check_asked
from handkit.errors import UsageError
from handkit.estimator import HandPoseEstimator
from handkit.evaluation import Tally, TrueHand, WholeImage, evaluate_images
from handkit.evaluation.whole_images import protocol_of
from handkit.files.atomic import write_whole
from handkit.files.folders import check_writable, make_folder
from handkit.skeleton import HAND21, Skeleton
from handkit.synthetic.labeled import LabeledDepth, labeled_depth
from handkit.synthetic.testset import FIRST_DEVICES, FRAMES, TestFrame, first_testset, testset

ALL = range(len(HAND21))
"""The numbers of hand21's joints in hand21."""


@dataclass(frozen=True)
class Figures:
    """Of all images, and of every kind of them, as `Tally.summary` has them."""

    total: dict[str, Any]
    kinds: dict[str, dict[str, Any]]
    protocol: str
    """Under which they hold, in words."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return self.total | {"protocol": self.protocol, "kinds": self.kinds}


def measure_images(
    estimator: HandPoseEstimator,
    images: Literal["world", "first"] = "world",
    *,
    count: int = FRAMES,
    handedness: Literal["predicted", "given"] = "predicted",
    minimum_confidence: float = MINIMUM_CONFIDENCE,
    out: Path | None = None,
    watch: Callable[[Iterable[WholeImage]], Iterable[WholeImage]] = iter,
) -> Figures:
    """Of the first `count` images of a set; `out` is a file for them, as JSON. Raises UsageError, HandkitError.

    Of another skeleton than hand21 the joints count that both name alike.

    The images pass through `watch`, which may show how far they are.
    """
    if not 1 <= count <= FRAMES:
        raise UsageError(f"--count {count}: the set has {FRAMES} images; give 1 to {FRAMES}")
    check_asked(hands=1, handedness="auto", minimum_confidence=minimum_confidence)
    numbers, whose = _shared(estimator.skeleton)
    if out:
        make_folder(out.parent)
        check_writable(out)
    shown = watch((first_images if images == "first" else world_images)(count, numbers))
    tallies = evaluate_images(
        estimator, shown, hands=1 if images == "first" else 2, handedness=handedness,
        minimum_confidence=minimum_confidence,
    )  # fmt: skip
    figures = Figures(
        sum(tallies.values(), Tally(minimum_confidence)).summary(),
        {kind: tally.summary() for kind, tally in tallies.items()},
        protocol_of(handedness, minimum_confidence=minimum_confidence) + whose,
    )
    if out:
        write_whole(out, json.dumps(figures.to_dict(), indent=2) + "\n")
    return figures


def _shared(skeleton: Skeleton) -> tuple[list[int | None], str]:
    """Where each joint of hand21 is in a skeleton, None where it has none of that name; and what the protocol says.

    Raises UsageError where it has none of them.
    """
    numbers = [skeleton.joints.index(joint) if joint in skeleton.joints else None for joint in HAND21.joints]
    count = len(numbers) - numbers.count(None)
    if not count:
        raise UsageError(
            f"{skeleton.name} has no joint that hand21 names, as which synthetic images are labeled; measure these "
            "weights on a packed store of their joints: --data STORE"
        )
    return numbers, "" if count == len(
        HAND21
    ) else f"; over the {count} joints that {skeleton.name} names as hand21 does"


def first_images(count: int, numbers: Sequence[int | None] = ALL) -> Iterator[WholeImage]:
    """The first edition's set: one bare hand an image, cameras in turn, every second of each camera in a mirror.

    `numbers`: those of hand21's joints in the skeleton that is asked for, None for those that it does not have.
    """
    for index in range(count):
        frame = labeled_depth(first_testset(index), mirrored=index // len(FIRST_DEVICES) % 2 == 1)
        yield _image("bare", frame, numbers)


def world_images(count: int, numbers: Sequence[int | None] = ALL) -> Iterator[WholeImage]:
    """Today's set: bare and holding hands, gestures, two hands, none, and what a headset sees, in turn."""
    for index in range(count):
        frame = testset(index)
        yield _image(frame.kind, frame, numbers)


def _image(kind: str, frame: LabeledDepth | TestFrame, numbers: Sequence[int | None]) -> WholeImage:
    sides = zip(frame.hands.numpy(), frame.left.tolist(), strict=True)
    hands = [
        TrueHand(left, {number: joint for number, joint in zip(numbers, joints, strict=True) if number is not None})
        for joints, left in sides
    ]
    return WholeImage(kind, frame.depth, frame.camera, hands)
