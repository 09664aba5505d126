"""Why hands of the synthetic world are missed: one cause each.

    python benchmarks/missed.py [--weights latent-fusion] [--detector detector] [--frames 300]

The first images of today's test set, through the whole estimator, both hands, handedness predicted. A hand of which
fewer than one joint in ten lies behind a visible surface of its own is hidden, whatever else may be the cause.
"""

from collections import Counter

import numpy as np
import torch
from report import print_report, run_benchmark

from handkit import HandPoseEstimator
from handkit.asked import MINIMUM_CONFIDENCE
from handkit.depth import DepthImage
from handkit.errors import FrameError
from handkit.evaluation.matching import WITHIN_MM, match_hands
from handkit.evaluation.whole_images import GOOD_MM, TrueHand, WholeImage
from handkit.hand import HandPose
from handkit.locate import WEAK, find_hands
from handkit.shapes import Float
from handkit.training.testset import world_images

HIDDEN = 0.1
"""Share of joints that show, below which a hand is hidden."""
SKIN_MM = 35.0
"""A joint lies this far behind its skin at most."""
CAUSES = (
    "hidden", "refused as blurred", "not found by the detector", "found, not answered", "unsure, and wrong",
    "unsure, but right",
)  # fmt: skip


def main(*, weights: str = "latent-fusion", detector: str = "detector", frames: int = 300) -> None:
    """Print a line for each kind of image."""
    torch.set_num_threads(1)
    estimator = HandPoseEstimator.from_pretrained(weights, detector=detector)
    hands: Counter[str] = Counter()
    missed: dict[str, Counter[str]] = {}
    for image in world_images(frames):
        hands[image.kind] += len(image.hands)
        missed.setdefault(image.kind, Counter()).update(causes(estimator, image))
    whole = sum(missed.values(), Counter())
    rows = [(kind, hands[kind], missed[kind]) for kind in missed if hands[kind]] + [("all", hands.total(), whole)]
    print_report(
        f"hands missed from confidence {MINIMUM_CONFIDENCE:g} on, by cause, in the first {frames} images",
        [
            {"images of": kind, "hands": str(number), "missed": str(why.total())}
            | {each: str(why[each]) for each in CAUSES}
            for kind, number, why in rows
        ],
    )


def causes(estimator: HandPoseEstimator, image: WholeImage) -> list[str]:
    """Of each hand in the image that is missed."""
    try:
        seen = DepthImage.of(image.depth, image.camera)
    except FrameError:
        return ["hidden" if hidden(hand, image) else "refused as blurred" for hand in image.hands]
    answers = estimator.run(seen, minimum_confidence=0.0).hands
    sure = [each for each in answers if each.confidence >= MINIMUM_CONFIDENCE]
    away = np.array([[hand.away(each) for hand in image.hands] for each in sure]).reshape(len(sure), len(image.hands))
    found = {match for match in match_hands(away) if match is not None}
    camera = seen.camera.pinhole
    intrinsics = (camera.fx, camera.fy, camera.cx, camera.cy)
    detected = find_hands(estimator.backend.detect, seen.depth, intrinsics, limit=8, threshold=WEAK)
    places = [place.center for place in detected]
    missed = [hand for number, hand in enumerate(image.hands) if number not in found]
    return ["hidden" if hidden(hand, image) else _cause(hand, answers, places) for hand in missed]


def hidden(hand: TrueHand, image: WholeImage) -> bool:
    """Whether hardly a joint has a surface of the hand in front of it."""
    joints, depth = np.stack(list(hand.joints.values())), image.depth * image.camera.unit_mm
    column, row = np.rint(image.camera.project(joints.astype(np.float32))).astype(int).T
    inside = (column >= 0) & (column < depth.shape[1]) & (row >= 0) & (row < depth.shape[0])
    behind = joints[inside, 2] - depth[row[inside], column[inside]]
    return int((np.abs(behind) < SKIN_MM).sum()) < HIDDEN * len(joints)


def _cause(hand: TrueHand, answers: list[HandPose], places: list[Float[np.ndarray, "3"]]) -> str:
    near = [each for each in answers if hand.away(each) < WITHIN_MM and each.confidence < MINIMUM_CONFIDENCE]
    if near:
        best = min(near, key=hand.away)
        right = best.handedness == hand.side and hand.errors(best).mean() < GOOD_MM
        return "unsure, but right" if right else "unsure, and wrong"
    middle = np.mean(list(hand.joints.values()), axis=0)
    reached = any(np.linalg.norm(place - middle) < WITHIN_MM for place in places)
    return "found, not answered" if reached else "not found by the detector"


if __name__ == "__main__":
    run_benchmark(main)
