"""Weights by name: the package's, the repository's, the user's; each of them finds a hand."""

import numpy as np
import pytest

from handkit import CheckpointError, HandPoseEstimator
from handkit.hub import BUNDLED, find_weights
from handkit.models import MODELS
from handkit.training.testset import first_images


@pytest.mark.parametrize("name", MODELS)
def test_every_network_has_weights_that_find_hands(name: str):
    """A few hundred milliseconds a network; what they are worth stands in results/."""
    estimator = HandPoseEstimator.from_pretrained(name, backend="torch")
    errors: list[float] = []
    for image in first_images(2):
        (true,) = image.hands
        (hand,) = estimator.predict(image.depth, image.camera, hands=1, handedness=true.side, minimum_confidence=0.0)
        errors.append(float(true.errors(hand).mean()))
    assert np.mean(errors) < 40


def test_weights_by_name_or_path(tmp_path):
    assert find_weights("latent-fusion").exists()
    (tmp_path / "mine").write_bytes(b"")
    assert find_weights(str(tmp_path / "mine")) == tmp_path / "mine", "whatever its name ends in"
    with pytest.raises(CheckpointError, match=r"no weights 'nosuch'.*latent-fusion"):
        find_weights("nosuch")
    with pytest.raises(CheckpointError):
        HandPoseEstimator.from_pretrained("localizer")


def test_what_is_bundled_is_small():
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) <= 18e6
