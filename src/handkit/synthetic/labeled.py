"""One whole synthetic depth image with every hand in it."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from handkit.camera import Camera
from handkit.synthetic.scenes import Scene, whole_frames


class LabeledDepth(NamedTuple):
    """A depth image of one device, and what there is to be found in it."""

    depth: Float32[np.ndarray, "H W"]
    """Millimeters, 0 is invalid."""
    camera: Camera
    hands: Float[Tensor, "N 21 3"]
    """HAND21, camera mm, of those that are in the image; N is 0, 1 or 2."""
    left: Bool[Tensor, " N"]


def labeled_depth(scene: Scene, *, mirrored: bool = False) -> LabeledDepth:
    """The first world of `scene`; the first hand of a scene is a right one, mirrored it is a left one."""
    frame = whole_frames(scene.rows(slice(1)))
    present, depth, camera = scene.present[0], frame.depth[0], frame.camera.camera(0)
    hands, left = scene.hands[0, present], scene.left[0, present]
    if mirrored:
        depth, hands, left = depth.flip(-1), hands * torch.tensor([-1.0, 1.0, 1.0]), ~left
        camera = replace(camera, cx=camera.width - 1 - camera.cx)
    return LabeledDepth(depth.contiguous().numpy(), camera, hands, left)
