"""The two fixed sets of synthetic depth images that the whole path is measured on."""

from collections.abc import Iterator

from handkit.evaluation import TrueHand, WholeImage
from handkit.synthetic.labeled import LabeledDepth, labeled_depth
from handkit.synthetic.testset import FIRST_DEVICES, TestFrame, first_testset, testset


def first_images(count: int) -> Iterator[WholeImage]:
    """The first edition's set: one bare hand an image, cameras in turn, every second of each camera in a mirror."""
    for index in range(count):
        frame = labeled_depth(first_testset(index), mirrored=index // len(FIRST_DEVICES) % 2 == 1)
        yield _image("bare", frame)


def world_images(count: int) -> Iterator[WholeImage]:
    """Today's set: bare and holding hands, gestures, two hands, none, and what a headset sees, in turn."""
    for index in range(count):
        frame = testset(index)
        yield _image(frame.kind, frame)


def _image(kind: str, frame: LabeledDepth | TestFrame) -> WholeImage:
    sides = zip(frame.hands.numpy(), frame.left.tolist(), strict=True)
    hands = [TrueHand(left, dict(enumerate(joints))) for joints, left in sides]
    return WholeImage(kind, frame.depth, frame.camera, hands)
