"""The detector's network: shapes, gradients, what it reads of depth, its loss by hand, and that it can be exported."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from handkit.locate import MULTIPLE, STRIDE
from handkit.models.detector import Detection, HandDetector, _triple_product, focal_loss

SMALL: dict[str, Any] = {"channels": (8, 8, 16, 16, 16), "blocks": 1, "features": 8}


def images(count: int = 2, *, height: int = 64, width: int = 96) -> torch.Tensor:
    depth = torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(0)) * 900 + 200
    return depth * (depth > 400)


def truth(count: int = 2) -> dict[str, torch.Tensor]:
    heat = torch.zeros(count, 16, 24)
    heat[:, 5, 7], heat[:, 5, 8] = 1.0, 0.5
    zero = torch.zeros(count, 16, 24)
    maps = {"heat": heat, "depth_map": zero + 600, "left": zero + 1, "ignored": zero > 0}
    return maps | {"offset": torch.zeros(count, 2, 16, 24), "axes": torch.zeros(count, 9, 16, 24)}


def test_contract():
    torch.manual_seed(0)
    network = HandDetector(**SMALL)
    torch.stack(list(network.loss(images(), **truth()).values())).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())
    network.eval()
    answer = network(images())
    assert isinstance(answer, Detection)
    assert [tuple(part.shape) for part in answer] == [(2, 16, 24), (2, 2, 16, 24), (2, 16, 24), (2, 16, 24)]
    torch.testing.assert_close(network(images()[:1]).depth, answer.depth[:1], rtol=0, atol=1e-3)
    twin = HandDetector(**json.loads(json.dumps(network.arguments)))
    twin.load_state_dict(network.state_dict())
    torch.testing.assert_close(twin.eval()(images()), answer, rtol=0, atol=0)


def test_untrained_it_sees_nothing():
    heat = HandDetector(**SMALL).eval()(images()).heat.sigmoid()
    assert heat.median() < 0.15


def test_nothing_valid_is_finite():
    answer = HandDetector(**SMALL).eval()(torch.zeros(1, 1, MULTIPLE, MULTIPLE))
    assert all(part.isfinite().all() for part in answer)
    assert answer.depth.shape[-1] == MULTIPLE // STRIDE


def test_depth_begins_at_the_surface():
    """A plane at 700 mm, holes in it, and a network that adds nothing."""
    network = HandDetector(**SMALL).eval()
    torch.nn.init.zeros_(network.head.weight)
    depth = torch.full((1, 1, 64, 64), 700.0)
    depth[..., 20:40, 20:40] = 0
    torch.testing.assert_close(network(depth).depth, torch.full((1, 16, 16), 700.0), rtol=1e-4, atol=0.0)


def test_directions_say_which_hand_it_is():
    """Fingers up, the palm toward the camera: a right hand's thumb, and index finger, is on the right."""
    up, right, near = [0.0, -1, 0], [1.0, 0, 0], [0.0, 0, -1]
    mirrored = [*up, -1.0, 0, 0, *near]
    axes = torch.tensor([[*up, *right, *near], mirrored])[:, :, None, None]
    assert _triple_product(axes).flatten().tolist() == [1.0, -1.0]


def test_focal_loss_by_hand():
    """Probability one half everywhere: a hand, a cell beside it with heat one half, an empty one, one excluded."""
    heat = torch.tensor([[[1.0, 0.5, 0.0, 0.0]]])
    ignored = torch.tensor([[[False, False, False, True]]])
    log2 = float(np.log(2))
    expected = 0.25 * log2 * (1 + 0.5**4 + 1)
    assert focal_loss(torch.zeros(1, 1, 4), heat, ignored=ignored).item() == pytest.approx(expected)
    nobody = focal_loss(torch.zeros(1, 1, 4), torch.zeros(1, 1, 4), ignored=ignored)
    assert nobody.item() == pytest.approx(0.75 * log2)


def test_what_is_known_of_hands_counts_near_them_only():
    network = HandDetector(**SMALL).eval()
    maps = truth()
    before = network.loss(images(), **maps)
    for name in ("depth_map", "left", "offset", "axes"):
        maps[name][..., 12, 3] += 50
    after = network.loss(images(), **maps)
    assert all(torch.equal(after[name], before[name]) for name in before)
    maps["depth_map"][..., 5, 8] += 50
    assert network.loss(images(), **maps)["depth"] != before["depth"]


def test_graph_equals_module(tmp_path):
    """Any image size; logits and pixels to 1e-3, depth to 0.01 mm."""
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    network = HandDetector(**SMALL).eval()
    path = tmp_path / "detector.onnx"
    height, width = (torch.export.Dim(name, min=2, max=40) for name in ("rows", "columns"))
    torch.onnx.export(
        network,
        (images(1),),
        path,
        input_names=["image"],
        output_names=list(Detection._fields),
        dynamic_shapes=({2: MULTIPLE * height, 3: MULTIPLE * width},),
        dynamo=True,
        verbose=False,
    )
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for shape in ((64, 96), (160, 224)):
        image = images(1, height=shape[0], width=shape[1])
        for answer, own, atol in zip(
            session.run(None, {"image": image.numpy()}), network(image), (1e-3, 1e-3, 1e-2, 1e-3), strict=True
        ):
            np.testing.assert_allclose(answer, own.detach().numpy(), rtol=0, atol=atol)
