"""Errors of a pose network on crops, while it is trained and when networks are compared."""

from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Float

from handkit.geometry.frame import LabeledFrame
from handkit.graph import estimate
from handkit.models import HandPoseModel


@torch.inference_mode()
def crop_errors(model: HandPoseModel, batches: Iterable[LabeledFrame]) -> Float[np.ndarray, "N J"]:
    """Euclidean distance of every joint, mm, with the cubes that the frames carry; nothing is searched for."""
    errors = [(estimate(model, frame, frame.cube) - frame.joints).norm(dim=-1).cpu() for frame in batches]
    return torch.cat(errors).double().numpy()
