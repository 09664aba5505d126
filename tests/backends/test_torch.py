"""The torch modules as a backend: rows of one call are the single ones, and the detector's maps."""

import numpy as np
import pytest
import torch

from handkit.backends.backend import Backend, Cubes
from handkit.backends.torch import TorchBackend
from handkit.camera import Camera
from handkit.graph import HandGraph
from handkit.models.confidence import Confidence
from handkit.models.detector import HandDetector
from handkit.models.latent_fusion import LatentFusion
from handkit.skeleton import HAND21

CAMERA = Camera(fx=120.0, fy=118.0, cx=47.0, cy=39.0, width=96, height=80)


@pytest.fixture(scope="module")
def backend() -> TorchBackend:
    torch.manual_seed(0)
    model = LatentFusion(HAND21, resolution=32, channels=16, planes=["xy"], initial_std=None)
    graph = HandGraph(model, Confidence(features=16), edge_mm=280.0)
    return TorchBackend(graph, HandDetector(channels=(8, 8, 8, 8, 8), blocks=1))


def depth(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(400, 600, (height, width)).astype(np.float32)


def test_is_a_backend(backend: TorchBackend):
    assert isinstance(backend, Backend)
    assert (backend.name, backend.skeleton, backend.edge_mm, backend.has_confidence) == ("torch", HAND21, 280.0, True)


def test_rows_of_one_call_are_the_single_ones(backend: TorchBackend):
    centers = np.array([[0, 10, 500], [-40, 20, 450]], np.float32)
    cubes = Cubes(centers, np.array([False, True]), np.array([0, 0.5], np.float32))
    together = backend.estimate(depth(80, 96), CAMERA, cubes)
    assert together.joints_mm.shape == (2, 21, 3)
    assert np.abs(together.joints_px - CAMERA.project(together.joints_mm.reshape(-1, 3)).reshape(2, 21, 2)).max() < 1e-3
    for row in range(2):
        alone = backend.estimate(depth(80, 96), CAMERA, Cubes(*(each[row : row + 1] for each in cubes)))
        for one, both in zip(alone, together, strict=True):
            assert np.allclose(one[0], both[row], atol=1e-3)


def test_no_cube_at_all(backend: TorchBackend):
    none = Cubes(np.zeros((0, 3), np.float32), np.zeros(0, bool), np.zeros(0, np.float32))
    assert backend.estimate(depth(80, 96), CAMERA, none).joints_mm.shape == (0, 21, 3)


def test_maps_are_the_detector_s(backend: TorchBackend):
    image = depth(64, 96)
    found = backend.detect(image)
    expected = backend.detector(torch.from_numpy(image)[None, None])
    assert found.heat.shape == (16, 24)
    assert np.allclose(found.depth, expected.depth[0].detach().numpy())
    assert found.offset.shape == (2, 16, 24)
