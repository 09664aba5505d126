"""Scenes: right hands, labels that lie on them, the same picture through every window, smooth recordings."""

import dataclasses

import numpy as np
import pytest
import torch

from handkit.geometry.cube import Cube
from handkit.named_cameras import CAMERAS
from handkit.synthetic.scenes import (
    DEVICES,
    FAR,
    HAND_CONES,
    NEAR,
    Scene,
    World,
    bare,
    look,
    overview,
    record,
    sample_scenes,
    whole_frames,
)
from handkit.synthetic.sensor import perfect
from handkit.synthetic.spans import NEAR as LENS

SIZE = 128


def scenes(count, *, seed=0, device=None, world=None) -> Scene:
    return sample_scenes(count, torch.Generator().manual_seed(seed), device=device, world=world)


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
    scene = bare(scenes(60, world=World(held=0.0)))
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
    scene = scenes(200, world=World(second=0.0, held=0.0))
    seen, inside = depth_at(look(scene, around(scene), resolution=SIZE), scene.joints)
    behind = (scene.joints[..., 2] - seen)[inside & (seen > 0)]
    assert float((seen[inside] > 0).float().mean()) > 0.85
    assert 6.0 < float(behind.median()) < 18.0, "skin is in front of the bones, on the whole"
    assert float((behind > -12.0).float().mean()) > 0.95


@pytest.mark.parametrize("name", ["kinect2", "icvl"])
def test_a_window_is_a_part_of_the_whole_picture(name):
    """Where both sample the same pixels: native pitch, a middle half way between two pixels."""
    scene = bare(scenes(4, device=name))
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
        assert int((expected > 0).sum()) > 200, "a hand far from a coarse camera"


def test_a_window_on_a_finer_device_has_coarser_pixels():
    """300 mm at 400 mm are 694 native pixels of a d415 and 128 of the window; labels stay where they are."""
    scene = scenes(3, device="d415")
    cube = Cube.around(torch.tensor([[0.0, 0.0, 400.0]]).expand(3, 3), edge=300.0)
    frame = look(scene, cube, resolution=SIZE)
    assert frame.camera.matrix[:, 0, 0].tolist() == pytest.approx([400 / 300 * SIZE] * 3, rel=1e-4)
    assert frame.joints is not None
    assert torch.equal(frame.joints, scene.joints)
    torch.testing.assert_close(
        frame.camera.project(cube.center[:, None])[:, 0],
        torch.full((3, 2), (SIZE - 1) / 2),
        rtol=0,
        atol=1e-3,
    )


def test_beyond_the_image_there_is_no_depth():
    scene = scenes(1, device="icvl")
    scene = scene._replace(planes=torch.tensor([[[0.0, 0.0, 1.0, 500.0]]]), sensor=perfect(1))
    center = scene.camera().unproject(torch.tensor([[[0.5, 100.5]]]), torch.tensor([[500.0]]))[:, 0]
    depth = look(scene, Cube.around(center, edge=200.0), resolution=SIZE).depth[0]
    assert not depth[:, :63].any(), "left of column 0"
    assert (depth[:, 63:] > 0).float().mean() > 0.9


def test_cameras_are_named_ones_jittered_and_any_others():
    intrinsics = scenes(400).intrinsics
    named = {(CAMERAS[name].width, CAMERAS[name].height) for name in DEVICES}
    assert named < {tuple(size) for size in intrinsics[:, 4:].int().tolist()}
    assert {160.0, 1280.0} < set(intrinsics[:, 4].tolist())
    field = 2 * torch.rad2deg(torch.atan(intrinsics[:, 4] / 2 / intrinsics[:, 0]))
    assert 40 < float(field.min()) < 50
    assert 90 < float(field.max()) < 105
    ratio = intrinsics[:, 1] / intrinsics[:, 0]
    assert 0.965 < float(ratio.min()) < 0.98 < 1.02 < float(ratio.max()) < 1.035
    shift = (intrinsics[:, 2:4] - intrinsics[:, 4:] / 2) / intrinsics[:, 4:]
    assert 0.02 < float(shift.abs().max()) < 0.06
    one = scenes(3, device="sr305")
    assert one.camera().width == 640
    assert one.intrinsics[:, 0].tolist() == pytest.approx([CAMERAS["sr305"].fx] * 3)


def test_distances_lie_where_hands_are_used():
    depth = scenes(600).focus[:, 2]
    assert NEAR <= float(depth.min()) < 240
    assert 1200 < float(depth.max()) <= FAR
    assert 0.8 < float(((depth > 250) & (depth < 900)).float().mean()) < 0.97


def test_second_hands_come_as_often_as_asked_for_and_touch_at_most():
    """Bones are no nearer than the flesh around them, less what it gives."""
    assert not scenes(60, world=World(second=0.0)).present[:, 1].any()
    scene = scenes(400, world=World(second=1.0))
    there = scene.hands[:, 1, 0, 2] < 5000
    assert 0.75 < float(there.float().mean()) < 1.0, "all but those at the lens or before the whole first hand"
    assert (scene.present[:, 1] <= there).all()
    gap = torch.cdist(scene.hands[there, 0], scene.hands[there, 1]).flatten(1).amin(1)
    assert float(gap.min()) > 16.0
    assert 0.2 < float((gap < 35).float().mean()) < 0.7
    assert 0.6 < float(scene.left[there, 1].float().mean()) < 0.95
    assert not scene.left[:, 0].any()
    size = (scene.hands[there, :, 9] - scene.hands[there, :, 0]).norm(dim=-1)
    assert 0.5 < float(((size[:, 0] - size[:, 1]).abs() < 6.0).float().mean()) < 0.95, "most are the same person's"


def test_second_hands_are_what_their_labels_say():
    """Alone before a perfect sensor each has its skin before its bones, and its thumb on its own side."""
    scene = scenes(60, world=World(second=1.0, held=0.0))
    frame = overview(scene._replace(sensor=perfect(60), planes=scene.planes * 0), focal=220.0, width=320, height=256)
    seen, inside = depth_at(frame, scene.hands[:, 1])
    inside &= scene.present[:, 1:]
    behind = (scene.hands[:, 1, :, 2] - seen)[inside & (seen > 0)]
    assert float(((behind > -2) & (behind < 40)).float().mean()) > 0.6
    fingers = scene.hands[:, 1, 5:].unflatten(1, (4, 4)).diff(dim=2)
    curl = torch.linalg.cross(*(torch.nn.functional.normalize(fingers[:, :, i], dim=-1) for i in (0, 1)))
    thumbwards = torch.nn.functional.normalize(scene.hands[:, 1, 5] - scene.hands[:, 1, 17], dim=-1)[:, None]
    side = (curl * thumbwards).sum(-1) * torch.where(scene.left[:, 1:], -1, 1)
    assert (side[(curl.norm(dim=-1) > 0.3) & (scene.hands[:, 1, :1, 2] < 5000)] > 0.1).all()


def test_empty_scenes_show_no_hand():
    """The same rooms; of the hand at most what lies beyond the border."""
    scene = scenes(200, world=World(empty=1.0))
    assert not scene.present.any()
    somewhere = scene.joints[..., 2] < 5000
    assert 0.25 < float(somewhere.float().mean()) < 0.6
    pixel = (
        scene.joints[..., :2] / scene.joints[..., 2:] * scene.intrinsics[:, None, :2] + scene.intrinsics[:, None, 2:4]
    )
    inside = ((pixel >= 0) & (pixel < scene.intrinsics[:, None, 4:])).all(-1)
    assert float((inside & somewhere).float().sum(1).max()) <= 6
    gone = scene.hands[:, 0, 0, 2] > 5000
    assert not scene.solids.cones[gone, :HAND_CONES].any()
    frame = overview(scene, focal=120.0, width=160, height=128)
    assert float((frame.depth > 0).flatten(1).any(1).float().mean()) > 0.9
    assert 0.3 < float(scenes(300, world=World(empty=0.4)).present[:, 0].float().mean()) < 0.7


def test_a_border_cuts_hands():
    """The same worlds and lenses with less of the view: two joints in five or more of every hand are left in it."""
    whole, cut = (scenes(300, world=World(second=0.0, cut=share)) for share in (0.0, 1.0))
    assert (whole.hands == cut.hands).all()
    assert (whole.intrinsics[:, :2] == cut.intrinsics[:, :2]).all()
    assert (cut.intrinsics[:, 4:] <= whole.intrinsics[:, 4:]).all()

    def inside(scene):
        numbers = scene.intrinsics[:, None]
        pixel = scene.joints[..., :2] / scene.joints[..., 2:] * numbers[..., :2] + numbers[..., 2:4]
        return ((pixel >= 0) & (pixel <= numbers[..., 4:] - 1)).all(-1).float().mean(1)

    mostly = inside(whole) == 1
    assert float(inside(cut)[mostly].amin()) >= 0.4 - 1 / 21
    assert 0.2 < float((inside(cut)[mostly] < 0.6).float().mean()) < 0.5
    assert cut.present[:, 0][inside(cut) > 0.4].all()
    frame = look(cut, around(cut), resolution=64)
    left, top = (cut.intrinsics[:, 2:4] - whole.intrinsics[:, 2:4]).T
    assert {bool(moved) for moved in (left < 0)} == {True, False} == {bool(moved) for moved in (top < 0)}
    assert float((frame.depth > 0).float().mean()) < float(
        (look(whole, around(whole), resolution=64).depth > 0).float().mean()
    )


def test_hands_are_seen():
    """Nothing but another hand or an object stands before most of a first hand, or seldom."""
    scene = scenes(200, world=World(second=0.0, held=0.0))
    frame = overview(scene._replace(sensor=perfect(200)), focal=220.0, width=320, height=256)
    seen, inside = depth_at(frame, scene.joints)
    hidden = inside & (seen < scene.joints[..., 2] - 60)
    share = hidden.float().sum(1) / inside.float().sum(1).clamp(min=1)
    assert float((share > 0.5).float().mean()) < 0.08


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


def test_an_overview_shows_all_pictures_at_one_scale():
    """Labels and depth stay where they are; a picture that would not fit is scaled down; nothing stands around it."""
    scene = scenes(40)
    scene = scene._replace(planes=torch.tensor([[[0.0, 0.0, 1.0, 2000.0]]]).expand(40, 1, 4), sensor=perfect(40))
    frame = overview(scene, focal=150.0, width=192, height=160)
    assert frame.depth.shape == (40, 160, 192)
    focal = frame.camera.matrix[:, 0, 0]
    torch.testing.assert_close(frame.camera.matrix[:, 1, 1], focal)
    size = scene.intrinsics[:, 4:] * focal[:, None] / scene.intrinsics[:, :2]
    fits = (scene.intrinsics[:, 4:] * 150.0 / scene.intrinsics[:, :2] <= torch.tensor([192.0, 160.0])).all(1)
    assert 0 < int(fits.sum()) < 40
    torch.testing.assert_close(focal[fits], torch.full_like(focal[fits], 150.0))
    assert (size <= torch.tensor([192.01, 160.01])).all()
    area = (frame.depth > 0).flatten(1).sum(1)
    torch.testing.assert_close(area / size.prod(1), torch.ones(40), rtol=0, atol=0.03)
    seen, inside = depth_at(frame, scene.joints)
    behind = (scene.joints[..., 2] - seen)[inside]
    assert float((behind > -60.0).float().mean()) > 0.9
    assert float((behind > 0.0).float().mean()) > 0.7
