"""The fixed set of synthetic depth images that the whole path is measured on."""

from collections.abc import Iterator

from handkit.evaluation.estimates import LabeledImage
from handkit.synthetic.scenes import whole_frames
from handkit.synthetic.testset import FIRST_DEVICES, first_testset


def synthetic_images(count: int) -> Iterator[LabeledImage]:
    """The first edition's fixed set: one hand an image, cameras in turn, every second of each camera in a mirror."""
    for index in range(count):
        scene = first_testset(index)
        image = LabeledImage.of(whole_frames(scene), scene.joints, 0)
        yield image.mirrored if index // len(FIRST_DEVICES) % 2 == 1 else image
