"""Crops by hand, there and back, and what must not depend on how they were cut."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handkit.camera import Camera
from handkit.geometry.crop import BACKGROUND, Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.geometry.intrinsics import Intrinsics

WIDTH, HEIGHT = 96, 80
FLIP = torch.tensor([-1.0, 1.0, 1.0])
CAMERA = Camera(fx=110.0, fy=101.0, cx=45.3, cy=38.1, width=WIDTH, height=HEIGHT)


@st.composite
def cubes(draw, *, roll=True):
    """Somewhere before the camera, any roll, mirrored or not, edges of their own, now and then beyond the image."""
    depth = draw(st.floats(250.0, 900.0))
    center = [draw(st.floats(-0.3, 0.3)) * depth, draw(st.floats(-0.3, 0.3)) * depth, depth]
    edges = [draw(st.floats(100.0, 400.0)) for _ in range(3)]
    turn = draw(st.floats(-math.pi, math.pi)) if roll else 0.0
    return Cube(*(torch.tensor([each]) for each in (center, edges, turn, draw(st.booleans()))))


@st.composite
def cameras(draw):
    """Pixels that are not square, a principal point beside the middle."""
    fx = draw(st.floats(80.0, 160.0))
    fy = fx * draw(st.floats(0.9, 1.1))
    cx, cy = draw(st.floats(40.0, 56.0)), draw(st.floats(32.0, 48.0))
    return Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=WIDTH, height=HEIGHT)


def noise(*, seed=0, width=WIDTH, height=HEIGHT):
    """An image whose every pixel is another depth, one in five invalid."""
    generator = torch.Generator().manual_seed(seed)
    depth = torch.rand(height, width, generator=generator) * 1000 + 100
    return depth * (torch.rand(height, width, generator=generator) < 0.8)


def tiny(center=(0.0, 0.0, 500.0)):
    """3 x 3 depth values of which each becomes one crop pixel: 5 mm a pixel at 500 mm, 50 mm to either face."""
    camera = Camera(fx=100.0, fy=100.0, cx=1.0, cy=1.0, width=3, height=3)
    depth = torch.tensor([[0.0, 440.0, 460.0], [500.0, 540.0, 550.0], [551.0, 475.0, 525.0]])
    cube = Cube.around(torch.tensor([center]), edge=torch.tensor([[15.0, 15.0, 100.0]]))
    return crop_hand(DepthFrame.single(depth, camera), cube, 3)


def test_depth_by_hand():
    """(z - 500) / 50, front face clamped, invalid and beyond the back face background."""
    expected = [[[BACKGROUND, -1.0, -0.8], [0.0, 0.8, 1.0], [BACKGROUND, -0.5, 0.5]]]
    torch.testing.assert_close(tiny().depth, torch.tensor(expected))
    seen = [[[False, True, True], [True, True, True], [False, True, True]]]
    assert tiny().foreground.tolist() == seen
    assert BACKGROUND == 1.0


def test_beyond_the_image_is_background():
    """One pixel to the right: the last column is invalid."""
    crop = tiny(center=(5.0, 0.0, 500.0))
    assert crop.depth[0, :, 2].tolist() == [BACKGROUND] * 3
    assert crop.foreground[0, :, 2].tolist() == [False] * 3
    torch.testing.assert_close(crop.depth[0, :, :2], tiny().depth[0, :, 1:])


def test_a_point_map_by_hand():
    """Three pixels: centers at -2/3, 0 and 2/3; what is 5 % nearer is also 5 % nearer to the axis."""
    image, cube = tiny().points(Space.IMAGE), tiny().points(Space.CUBE)
    thirds = torch.tensor([-2 / 3, 0.0, 2 / 3])
    torch.testing.assert_close(image[0, 0], thirds.expand(3, 3))
    torch.testing.assert_close(image[0, 1], thirds[:, None].expand(3, 3))
    assert torch.equal(image[0, 2], tiny().depth[0])
    torch.testing.assert_close(cube[0, 2], tiny().depth[0])
    # Row 2, column 1 reads 475 mm: y = 475 / 100 = 4.75 mm of 7.5.
    torch.testing.assert_close(cube[0, :, 2, 1], torch.tensor([0.0, 4.75 / 7.5, -0.5]))


def test_a_joint_by_hand():
    """The front face's edge lies outside the perspective crop: at 450 mm, 7.5 mm are 1.67 pixels."""
    joint = torch.tensor([[[7.5, 0.0, 450.0]]])
    torch.testing.assert_close(tiny().normalize(joint, Space.CUBE), torch.tensor([[[1.0, 0.0, -1.0]]]))
    expected = torch.tensor([[[1.0 / 0.9, 0.0, -1.0]]])
    torch.testing.assert_close(tiny().normalize(joint, Space.IMAGE), expected)


@given(cameras(), cubes(), st.sampled_from(Space))
def test_camera_to_crop_to_camera(camera, cube, space):
    crop = crop_hand(DepthFrame.single(noise(), camera), cube, 32)
    inside = torch.rand(1, 21, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    joints = cube.denormalize(inside)
    again = crop.denormalize(crop.normalize(joints, space), space)
    torch.testing.assert_close(again, joints, rtol=0, atol=0.01)


@given(cameras(), cubes())
def test_the_cube_fills_the_crop(camera, cube):
    """At the center's depth the cube's sides are the crop's; front and back are -1 and 1."""
    crop = crop_hand(DepthFrame.single(noise(), camera), cube, 32)
    sides = torch.tensor([[[-1.0, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, 0]]])
    torch.testing.assert_close(crop.normalize(cube.denormalize(sides), Space.IMAGE), sides, rtol=0, atol=2e-4)


@given(cameras(), cubes())
def test_both_spaces_are_the_same_millimeters(camera, cube):
    crop = crop_hand(DepthFrame.single(noise(), camera), cube, 16)
    image, metric = (crop.denormalize(crop.points(space).flatten(2).mT, space) for space in (Space.IMAGE, Space.CUBE))
    torch.testing.assert_close(image, metric, rtol=0, atol=0.01)


@given(cameras(), cubes())
def test_depth_values_keep_their_place_and_depth(camera, cube):
    """A foreground pixel in mm, seen by the frame's camera, lies on a frame pixel with that depth."""
    depth = noise()
    crop = crop_hand(DepthFrame.single(depth, camera), cube, 16)
    points = crop.denormalize(crop.points(Space.IMAGE).flatten(2).mT, Space.IMAGE)[0]
    within = (crop.foreground & (crop.depth > -1)).flatten()
    # Where the front face clamps, the value itself is gone; elsewhere the nearest pixel must hold it.
    pixels = torch.from_numpy(camera.project(points[within].numpy()))
    near_tie = ((pixels - pixels.floor() - 0.5).abs() < 1e-3).any(-1)
    column, row = pixels[~near_tie].round().long().unbind(-1)
    torch.testing.assert_close(depth[row, column], points[within][~near_tie, 2], rtol=0, atol=0.01)


@given(cubes(), *[st.integers(0, 300)] * 2)
def test_the_crop_of_a_patch_is_the_crop_of_the_frame(cube, left, top):
    """Not one pixel differs, as far as the patch reaches; a real camera, whose numbers are not round."""
    frame = DepthFrame.single(noise(width=640, height=480), Camera.named("sr300"))
    patch = frame.patch(left=left, top=top, width=320, height=280)
    covered = torch.zeros_like(frame.depth)
    covered[:, top : top + 280, left : left + 320] = patch.depth[:, : 480 - top, : 640 - left]
    whole = crop_hand(DepthFrame(covered, frame.camera), cube, 64)
    part = crop_hand(patch, cube, 64)
    assert torch.equal(part.depth, whole.depth)
    assert torch.equal(part.foreground, whole.foreground)
    torch.testing.assert_close(part.camera.matrix, whole.camera.matrix, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    ("focal", "center", "edge", "left", "resolution"),
    [
        (184.0, (30.0, 0.0, 500.0), 40.0, 5, 16),
        (294.0, (30.0, 0.0, 240.0), 24.0, 5, 30),
        (126.0, (30.0, 0.0, 720.0), 30.0, -7, 15),
    ],
)
def test_half_way_between_pixels_rounding_does_not_decide(focal, center, edge, left, resolution):
    """Round numbers at which some crop pixels look exactly between two frame pixels."""
    camera = Camera(fx=focal, fy=focal, cx=48.0, cy=40.0, width=WIDTH, height=HEIGHT)
    frame = DepthFrame.single(noise(), camera)
    cube = Cube.around(torch.tensor([center]), edge=edge)
    whole = crop_hand(frame, cube, resolution)
    part = crop_hand(frame.patch(left=left, top=3, width=WIDTH, height=HEIGHT), cube, resolution)
    assert torch.equal(part.depth, whole.depth)


@pytest.mark.parametrize("space", Space)
def test_a_mirrored_cube_of_a_scene_is_the_crop_of_the_mirrored_scene(space):
    """A left hand in a mirrored cube is what a right hand would be: points and joints, in either space."""
    center, edges, roll = torch.tensor([[37.0, -12.0, 431.0]]), torch.tensor([[190.0, 210, 300]]), torch.tensor([0.4])
    joints = center[:, None] + torch.randn(1, 21, 3, generator=torch.Generator().manual_seed(0)) * 50
    seen_from_behind = Camera(fx=110.0, fy=101.0, cx=WIDTH - 1 - 45.3, cy=38.1, width=WIDTH, height=HEIGHT)
    # In the mirror the same box is turned the other way, and its own x axis has been flipped once already.
    mirrored = Cube(center, edges, roll, torch.tensor([True]))
    plain = Cube(center * FLIP, edges, -roll, torch.tensor([False]))
    crop = crop_hand(DepthFrame.single(noise(), CAMERA), mirrored, 40)
    other = crop_hand(DepthFrame.single(noise().flip(-1), seen_from_behind), plain, 40)
    torch.testing.assert_close(crop.points(space), other.points(space), rtol=0, atol=1e-4)
    answer = other.normalize(joints * FLIP, space)
    torch.testing.assert_close(crop.normalize(joints, space), answer, rtol=0, atol=1e-5)
    torch.testing.assert_close(crop.denormalize(answer, space), joints, rtol=0, atol=0.01)


@pytest.mark.parametrize("space", Space)
def test_a_mirrored_cube_s_crop_is_flipped(space):
    plain, mirrored = (
        crop_hand(DepthFrame.single(noise(), CAMERA), tilted(0.0, mirrored=side), 40).points(space)
        for side in (False, True)
    )
    assert torch.equal(mirrored[:, 2], plain[:, 2].flip(-1))
    torch.testing.assert_close(mirrored[:, 0], -plain[:, 0].flip(-1), rtol=0, atol=1e-5)
    torch.testing.assert_close(mirrored[:, 1], plain[:, 1].flip(-1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_rolled_cube_s_crop_is_turned(quarters):
    """A positive roll turns clockwise on the screen, and not one pixel is another."""
    upright, rolled = (
        crop_hand(DepthFrame.single(noise(), CAMERA), tilted(0.3 + turn * math.pi / 2), 40) for turn in (0, quarters)
    )
    assert torch.equal(rolled.depth, torch.rot90(upright.depth, -quarters, (-2, -1)))


def tilted(roll, *, mirrored=False):
    """A cube with equal edges beside the middle of the image."""
    center = torch.tensor([[37.0, -12.0, 431.0]])
    return Cube(center, torch.full((1, 3), 211.0), torch.tensor([roll]), torch.tensor([mirrored]))


def test_rows_of_a_batch_do_not_mix():
    frame = DepthFrame(
        torch.stack([noise(), noise(seed=1)]),
        Intrinsics(Intrinsics.of(CAMERA).matrix.repeat(2, 1, 1), WIDTH, HEIGHT),
    )
    cube = Cube(
        torch.tensor([[0.0, 0, 400], [30, 20, 600]]),
        torch.full((2, 3), 250.0),
        torch.tensor([0.0, 1.0]),
        torch.tensor([True, False]),
    )
    both = crop_hand(frame, cube, 24)
    for row in range(2):
        alone = crop_hand(frame[row : row + 1], cube[row : row + 1], 24)
        assert torch.equal(alone.depth[0], both.depth[row])
        torch.testing.assert_close(alone.points(Space.CUBE)[0], both.points(Space.CUBE)[row])


@given(cubes(), cubes())
def test_a_frame_of_one_row_serves_all_cubes(first, second):
    frame = DepthFrame.single(noise(), CAMERA)
    both = Cube(*(torch.cat(pair) for pair in zip(vars(first).values(), vars(second).values(), strict=True)))
    together = crop_hand(frame, both, 16)
    twice = DepthFrame(noise().expand(2, -1, -1), Intrinsics(frame.camera.matrix.expand(2, 3, 3), WIDTH, HEIGHT))
    assert torch.equal(together.depth, crop_hand(twice, both, 16).depth)
    for row, cube in enumerate((first, second)):
        assert torch.equal(together.depth[row], crop_hand(frame, cube, 16).depth[0])
