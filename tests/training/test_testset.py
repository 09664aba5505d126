"""The synthetic test sets, for networks of any skeleton."""

import numpy as np
import pytest

from handkit.errors import UsageError
from handkit.estimator import HandPoseEstimator
from handkit.hand import HandPose, Prediction
from handkit.skeleton import HAND21, HANDS17, ICVL16, MSRA21, Skeleton
from handkit.training.testset import first_images, measure_images


class Knowing(HandPoseEstimator):
    """Answers the truth of the first two images 5 mm off, its joints in the order of a skeleton."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.names, self._truth = skeleton, [image.hands[0] for image in first_images(2)]

    @property
    def skeleton(self) -> Skeleton:
        return self.names

    def run(self, image, **_) -> Prediction:
        hand = self._truth.pop(0)
        joints = np.full((len(self.names), 3), 900.0, np.float32)
        for number, name in enumerate(self.names.joints):
            if name in HAND21.joints:
                joints[number] = hand.joints[HAND21.joints.index(name)] + np.array([0, 3, 4], np.float32)
        spread = np.full(len(joints), 5.0, np.float32)
        return Prediction([HandPose(joints, joints[:, :2], hand.side, 0.9, self.names, spread, 1.0)], None, {})


@pytest.mark.parametrize(
    ("skeleton", "words"),
    [(HAND21, ""), (MSRA21, ""), (HANDS17, ""), (ICVL16, "over the 5 joints that icvl16 names as hand21 does")],
)
def test_joints_are_those_of_the_same_name(skeleton: Skeleton, words: str):
    figures = measure_images(Knowing(skeleton), "first", count=2)
    assert figures.total["mean_error_mm"] == pytest.approx(5.0)
    assert figures.protocol.endswith(words or "whose largest joint error is")


def test_joints_of_other_names_have_no_labels_here():
    with pytest.raises(UsageError, match=r"own has no joint that hand21 names.*--data STORE"):
        measure_images(Knowing(Skeleton("own", ("knob",), (), (), ())), "first", count=2)
