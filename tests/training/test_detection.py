"""What the detector learns from: whole images with all hands, their maps by hand, mirrors, and that it learns."""

import dataclasses

import pytest
import torch

from handkit.camera import Camera
from handkit.geometry.intrinsics import Intrinsics
from handkit.locate import FOCAL, Maps, decode
from handkit.models.detector import HandDetector, _triple_product
from handkit.recipes import DETECTOR_SYNTHETIC
from handkit.training.detection import (
    HEIGHT,
    SEEN_SHARE,
    WIDTH,
    HandsFrame,
    WholeFrames,
    detection_targets,
    hand_axes,
    hand_maps,
    seen_share,
)
from handkit.training.processes import Machine
from handkit.training.run import Run
from handkit.training.targets import usable

STREAM = WholeFrames(DETECTOR_SYNTHETIC, seed=3, size=16)


def two_hands() -> HandsFrame:
    """Flat hands of one point each at 640 mm: (8, -4) and (100, 60) mm from the axis, the second hidden."""
    camera = Intrinsics.of(Camera(fx=160.0, fy=160.0, cx=63.5, cy=47.5, width=128, height=96))
    depth = torch.full((1, 96, 128), 640.0)
    depth[:, 56:, 80:] = 400.0
    hands = torch.tensor([[[8.0, -4.0, 640.0]], [[100.0, 60.0, 640.0]]])[:, None].expand(2, 1, 21, 3).swapaxes(0, 1)
    return HandsFrame(
        depth=depth, camera=camera, hands=hands[:, :, 0] if hands.ndim == 5 else hands,
        left=torch.tensor([[True, False]]), present=torch.tensor([[True, True]]),
    )  # fmt: skip


def test_maps_by_hand():
    """4 mm a pixel: the first is on pixel (65.5, 46.5), cell (16, 11) and 0.5, 0.25 beside the middle of it."""
    frame = two_hands()
    assert seen_share(frame).tolist() == [[1.0, 0.0]]
    maps = hand_maps(frame)
    assert maps.heat.shape == (1, 24, 32)
    assert (maps.heat == 1).nonzero().tolist() == [[0, 11, 16]]
    torch.testing.assert_close(maps.offset[0, :, 11, 16], torch.tensor([0.0, 0.25]))
    torch.testing.assert_close(maps.offset[0, :, 12, 15], torch.tensor([1.0, -0.75]))
    assert maps.depth[0, 11, 16] == 640
    assert maps.left[0, 11, 16] == 1
    # 25 mm are 6.25 pixels, 1.5625 cells.
    torch.testing.assert_close(maps.heat[0, 11, 18], torch.tensor(-2 / 1.5625**2).exp())
    assert maps.ignored[0, 15, 22]
    assert not maps.ignored[0, 11, 16]


def test_a_hand_that_is_not_there_leaves_no_trace():
    frame = dataclasses.replace(two_hands(), present=torch.zeros(1, 2, dtype=torch.bool))
    maps = hand_maps(frame)
    assert maps.heat.max() == 0
    assert not maps.ignored.any()


def test_directions_of_all_hands_say_which_hand_it_is():
    frame = STREAM[0]
    product = _triple_product(hand_axes(frame)[frame.present][..., None, None])[:, 0, 0]
    assert torch.equal(product < 0, frame.left[frame.present])
    assert product.abs().min() > 0.7


def camera_of(frame: HandsFrame, row: int) -> tuple[float, float, float, float]:
    """fx, fy, cx, cy."""
    matrix = frame.camera.matrix[row]
    return float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 2]), float(matrix[1, 2])


def shown(frame: HandsFrame) -> torch.Tensor:
    """Hands that the maps have, (B, N): in the world, seen, and centered in the image."""
    pixel = frame.camera.project(frame.hands.mean(2))
    inside = ((pixel > 0) & (pixel < torch.tensor([WIDTH - 1, HEIGHT - 1]))).all(-1)
    return frame.present & inside & (seen_share(frame) >= SEEN_SHARE)


def test_true_maps_decode_to_the_hands():
    """All of them, where they are not nearer than 60 mm to one another."""
    frame = STREAM[0]
    maps = hand_maps(frame)
    hands = 0
    for row in range(len(frame)):
        heat = torch.logit(maps.heat[row], eps=1e-4).numpy()
        parts = Maps(heat, maps.offset[row].numpy(), maps.depth[row].numpy(), 20 * maps.left[row].numpy() - 10)
        found = decode(parts, camera_of(frame, row), threshold=0.99)
        true = frame.hands[row, shown(frame)[row]].mean(1)
        if len(true) == 2 and (true[0] - true[1]).norm() < 60:
            continue
        assert len(found) == len(true)
        for hand in found:
            away = (torch.from_numpy(hand.center) - frame.hands[row].mean(1)).norm(dim=-1)
            assert away.min() < 0.1
            assert (hand.left > 0.5) == bool(frame.left[row, away.argmin()])
        hands += len(found)
    assert hands >= 8


def test_a_mirror_mirrors_everything():
    frame = STREAM[1]
    rows = torch.arange(16) % 2 == 0
    mirrored = frame.mirrored(rows)
    assert torch.equal(mirrored.left[:, 0], frame.left[:, 0] ^ rows)
    assert torch.equal(mirrored.depth[0], frame.depth[0].flip(-1))
    assert torch.equal(mirrored.depth[1], frame.depth[1])
    before, after = (each.camera.project(each.hands.flatten(1, 2)) for each in (frame, mirrored))
    torch.testing.assert_close(after[rows, :, 0], WIDTH - 1 - before[rows, :, 0], rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(after[..., 1], before[..., 1])
    torch.testing.assert_close(seen_share(mirrored), seen_share(frame), rtol=0, atol=0.2)
    again = mirrored.mirrored(rows)
    assert torch.equal(again.depth, frame.depth)
    torch.testing.assert_close(again.camera.matrix, frame.camera.matrix)


def test_whole_images_have_one_scale_and_hands_in_view():
    frame = WholeFrames(DETECTOR_SYNTHETIC, seed=4, size=64)[0]
    assert frame.depth.shape == (64, HEIGHT, WIDTH)
    torch.testing.assert_close(frame.camera.matrix[:, 0, 0], torch.full((64,), FOCAL), rtol=1e-4, atol=0.0)
    assert 0.8 < float(frame.present[:, 0].float().mean()) < 1
    assert 0.1 < float(frame.present[:, 1].float().mean()) < 0.5
    assert shown(frame).sum() > 0.6 * frame.present.sum(), "objects, other hands and borders hide the rest"
    assert 0.3 < float(frame.left[frame.present].float().mean()) < 0.7
    assert usable(detection_targets(frame, WIDTH)).all()
    assert torch.equal(WholeFrames(DETECTOR_SYNTHETIC, seed=4, size=64)[0].depth, frame.depth)


@pytest.mark.parametrize("parts", [1, 2])
def test_a_step_of_a_run(parts: int):
    recipe = dataclasses.replace(DETECTOR_SYNTHETIC, batch=4, accumulate=parts, precision="32-true")
    network = HandDetector(channels=(16, 32, 32, 64, 64), blocks=1)
    run = Run(network, recipe, detection_targets, machine=Machine(accelerator="cpu"))
    terms = run.advance(WholeFrames(recipe, seed=71, size=4)[0], progress=0.5)
    assert all(term.isfinite() for term in terms.values())
    assert run.counts() == (0, 0)


def test_learns_four_images():
    """One hand, two, two that are hidden: every hand is found within 15 mm, with its handedness, and nothing else."""
    torch.manual_seed(0)
    frame = WholeFrames(DETECTOR_SYNTHETIC, seed=71, size=4)[0]
    assert shown(frame).sum(1).tolist() == [0, 1, 0, 2]
    targets = detection_targets(frame, WIDTH)
    network = HandDetector(channels=(16, 32, 32, 64, 64), blocks=1)
    optimizer = torch.optim.Adam(network.parameters(), 4e-3)
    for step in range(180):
        optimizer.param_groups[0]["lr"] = 4e-3 if step < 120 else 1e-3  # depth next to a nearer hand settles last
        loss = torch.stack(list(network.loss(**targets).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    answer = network(frame.depth[:, None])
    for row in range(4):
        found = decode(Maps(*(part[row].detach().numpy() for part in answer)), camera_of(frame, row))
        assert len(found) == int(shown(frame)[row].sum())
        for hand in found:
            away = (torch.from_numpy(hand.center) - frame.hands[row].mean(1)).norm(dim=-1)
            assert away.min() < 15
            assert (hand.left > 0.5) == bool(frame.left[row, away.argmin()])
