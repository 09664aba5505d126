"""Scenes: right hands, labels that lie on them, the same picture through every window, smooth recordings."""

import dataclasses

import numpy as np
import pytest
import torch

from handkit.geometry.cube import Cube
from handkit.named_cameras import CAMERAS
from handkit.synthetic.rasterize import NEAR as LENS
from handkit.synthetic.scenes import (
    ARM_CONES,
    DEVICES,
    FAR,
    HAND_CONES,
    NEAR,
    Scene,
    look,
    record,
    sample_scenes,
    whole_frames,
)
from handkit.synthetic.sensor import perfect

SIZE = 128


def scenes(count, *, seed=0, device=None, second_hands=0.0) -> Scene:
    return sample_scenes(count, torch.Generator().manual_seed(seed), device=device, second_hands=second_hands)


def hands_only(scene: Scene) -> Scene:
    """The bare hands through a perfect sensor."""
    return scene._replace(cones=scene.cones[:, :HAND_CONES], planes=scene.planes * 0, sensor=perfect(len(scene.joints)))


def around(scene: Scene, *, edge=300.0) -> Cube:
    return Cube.around(scene.joints.mean(1), edge=edge)


def depth_at(frame, joints):
    """(depth in the pixel of every joint, whether that pixel is in the picture)."""
    column, row = frame.camera.project(joints).round().long().unbind(-1)
    inside = (column >= 0) & (row >= 0) & (column < frame.camera.width) & (row < frame.camera.height)
    index = (row * frame.camera.width + column).where(inside, 0)
    return frame.depth.flatten(1).gather(1, index), inside


def test_a_seed_decides_every_byte():
    one, other = (look(scene, around(scene), resolution=SIZE) for scene in (scenes(6), scenes(6)))
    assert one.depth.numpy().tobytes() == other.depth.numpy().tobytes()
    assert torch.equal(one.joints, other.joints)
    assert torch.equal(one.camera.matrix, other.camera.matrix)
    different = scenes(6, seed=1)
    assert not torch.equal(look(different, around(different), resolution=SIZE).depth, one.depth)


def test_every_hand_is_a_right_hand_after_its_view():
    """As in the hand's own frame: fingers curl about an axis that points to the thumb's side."""
    joints = scenes(300).joints
    fingers = joints[:, 5:].unflatten(1, (4, 4)).diff(dim=2)
    curl = torch.linalg.cross(*(torch.nn.functional.normalize(fingers[:, :, i], dim=-1) for i in (0, 1)))
    thumbwards = torch.nn.functional.normalize(joints[:, 5] - joints[:, 17], dim=-1)[:, None]
    assert ((curl * thumbwards).sum(-1)[curl.norm(dim=-1) > 0.3] > 0.1).all()


def test_hands_stand_in_the_range_and_in_the_picture():
    scene = scenes(300)
    middle = scene.joints.mean(1)
    assert float(middle[:, 2].min()) >= NEAR
    assert float(middle[:, 2].max()) <= FAR
    assert float(scene.joints[..., 2].min()) > NEAR - 25.0
    pixel = middle[:, :2] / middle[:, 2:] * scene.intrinsics[:, :2] + scene.intrinsics[:, 2:4]
    assert (pixel > 0).all()
    assert (pixel < scene.intrinsics[:, 4:] - 1).all()


def test_labels_lie_inside_the_hands_that_are_seen():
    """No joint is in front of its surface; most have their own skin before them."""
    scene = hands_only(scenes(60))
    frame = look(scene, around(scene), resolution=SIZE)
    seen, inside = depth_at(frame, scene.joints)
    assert float(inside.float().mean()) > 0.9
    # A pixel is up to 4 mm wide: next to a joint's silhouette it may look past a finger.
    on_hand = seen[inside] > 0
    assert float(on_hand.float().mean()) > 0.99
    behind = (scene.joints[..., 2] - seen)[inside][on_hand]
    assert float((behind > 2.0).float().mean()) > 0.99
    assert float((behind < 30.0).float().mean()) > 0.7


def test_labels_lie_on_the_pictures_that_sensors_take():
    scene = scenes(60)
    seen, inside = depth_at(look(scene, around(scene), resolution=SIZE), scene.joints)
    behind = (scene.joints[..., 2] - seen)[inside & (seen > 0)]
    assert float((seen[inside] > 0).float().mean()) > 0.85
    assert 6.0 < float(behind.median()) < 18.0, "skin is in front of the bones, on the whole"
    assert float((behind > -12.0).float().mean()) > 0.95


@pytest.mark.parametrize("name", ["kinect2", "icvl"])
def test_a_window_is_a_part_of_the_whole_picture(name):
    """Where both sample the same pixels: native pitch, a middle half way between two pixels."""
    scene = scenes(4, device=name)
    scene = scene._replace(sensor=perfect(4))
    whole = whole_frames(scene)
    pixel = whole.camera.project(scene.joints.mean(1, keepdim=True))[:, 0].floor() + 0.5
    depth = scene.joints[..., 2].mean(1).clamp(min=500.0)
    center = whole.camera.unproject(pixel[:, None], depth[:, None])[:, 0]
    window = look(scene, Cube.around(center, edge=160.0), resolution=SIZE)
    corner = (pixel - (SIZE - 1) / 2).round().long()
    for row in range(4):
        left, top = corner[row].tolist()
        patch = whole[row : row + 1].patch(left=left, top=top, width=SIZE, height=SIZE)
        torch.testing.assert_close(window.camera.matrix[row], patch.camera.matrix[0], rtol=0, atol=2e-3)
        expected = patch.depth[0].where(patch.depth[0] <= depth[row] + 160.0, 0)
        # Windows are placed in float32: a silhouette may fall to the other side of a pixel's middle.
        differing = (window.depth[row] - expected).abs() > 0.5
        assert int(differing.sum()) <= 12
        assert int((expected > 0).sum()) > 500


def test_a_window_on_a_finer_device_has_coarser_pixels():
    """300 mm at 400 mm are 694 native pixels of a d415 and 128 of the window; labels stay where they are."""
    scene = scenes(3, device="d415")
    cube = Cube.around(torch.tensor([[0.0, 0.0, 400.0]]).expand(3, 3), edge=300.0)
    frame = look(scene, cube, resolution=SIZE)
    assert frame.camera.matrix[:, 0, 0].tolist() == pytest.approx([400 / 300 * SIZE] * 3, rel=1e-4)
    assert frame.joints is scene.joints
    torch.testing.assert_close(
        frame.camera.project(cube.center[:, None])[:, 0],
        torch.full((3, 2), (SIZE - 1) / 2),
        rtol=0,
        atol=1e-3,
    )


def test_beyond_the_picture_there_is_no_reading():
    scene = scenes(1, device="icvl")
    scene = scene._replace(planes=torch.tensor([[[0.0, 0.0, 1.0, 500.0]]]), sensor=perfect(1))
    center = scene.camera().unproject(torch.tensor([[[0.5, 100.5]]]), torch.tensor([[500.0]]))[:, 0]
    depth = look(scene, Cube.around(center, edge=200.0), resolution=SIZE).depth[0]
    assert not depth[:, :63].any(), "left of column 0"
    assert (depth[:, 63:] > 0).float().mean() > 0.9


def test_devices_are_mixed_and_jittered():
    intrinsics = scenes(300).intrinsics
    widths = {CAMERAS[name].width for name in DEVICES}
    assert set(intrinsics[:, 4].int().tolist()) == widths
    zoom = intrinsics[intrinsics[:, 4] == 512, 0] / CAMERAS["kinect2"].fx
    assert 0.88 <= float(zoom.min()) < 0.95 < 1.05 < float(zoom.max()) <= 1.12
    named = scenes(3, device="sr305")
    assert named.camera().width == 640
    assert named.intrinsics[:, 0].tolist() == pytest.approx([CAMERAS["sr305"].fx] * 3)


def test_second_hands_come_when_asked_for():
    """Cones beyond the scene's own things are the other hand's; alone in a batch there is none to borrow."""
    never, always = scenes(20), scenes(20, second_hands=1.0)
    assert not never.cones[:, 30:].any()
    assert (always.cones[:, 30:, 3].amax(1) > 0).all()
    assert torch.equal(never.cones[:, :ARM_CONES], always.cones[:, :ARM_CONES])
    assert not scenes(1, second_hands=1.0).cones[:, 30:].any()


def test_recordings_move_smoothly():
    """60 frames at 30 a second: no joint jumps, the hand stays itself, and it does move."""
    scene = record(60, torch.Generator().manual_seed(3), device="kinect2")
    steps = scene.joints.diff(dim=0).norm(dim=-1)
    assert float(steps.max()) < 80.0
    assert float((steps[1:] - steps[:-1]).abs().max()) < 25.0
    assert 4.0 < float(steps.mean()) < 40.0
    bones = scene.joints[:, 5:].unflatten(1, (4, 4)).diff(dim=2).norm(dim=-1)
    torch.testing.assert_close(bones, bones[:1].expand_as(bones), rtol=1e-3, atol=0.05)
    assert float(scene.joints[..., 2].min()) > 10 * LENS
    assert scene.intrinsics.unique(dim=0).shape[0] == 1


def test_whole_frames_have_their_devices_size():
    scene = record(2, torch.Generator().manual_seed(0), device="icvl")
    frame = whole_frames(scene)
    assert frame.depth.shape == (2, 240, 320)
    assert dataclasses.astuple(frame.camera)[1:] == (320, 240)
    seen, inside = depth_at(frame, scene.joints)
    assert float((seen[inside] > 0).float().mean()) > 0.8
    assert np.isfinite(frame.depth.numpy()).all()
