"""The fixed set of synthetic depth images that the whole path is measured on."""

from collections.abc import Iterator

from jaxtyping import Float
from torch import Tensor

from handkit.evaluation import LabeledImage
from handkit.geometry.frame import DepthFrame
from handkit.synthetic.scenes import whole_frames
from handkit.synthetic.testset import FIRST_DEVICES, first_testset


def labeled_image(frame: DepthFrame, joints: Float[Tensor, "B J 3"], row: int) -> LabeledImage:
    """One row of rendered frames, which show right hands."""
    return LabeledImage(frame.depth[row].numpy(), frame.camera.camera(row), joints[row].numpy(), "right")


def synthetic_images(count: int) -> Iterator[LabeledImage]:
    """The first edition's fixed set: one hand an image, cameras in turn, every second of each camera in a mirror."""
    for index in range(count):
        scene = first_testset(index)
        image = labeled_image(whole_frames(scene), scene.joints, 0)
        yield image.mirrored if index // len(FIRST_DEVICES) % 2 == 1 else image
