"""Pictures: sizes, colors where they must be, and nothing that fails on odd input."""

import numpy as np
import pytest

from handkit.camera import Camera
from handkit.drawing import (
    FINGER_COLORS,
    PAPER,
    contact_sheet,
    depth_range,
    draw_hand,
    draw_skeleton,
    draw_text,
    enlarge,
    show_depth,
    side_view,
    three_panels,
)
from handkit.skeleton import FINGERS, HAND21, SKELETONS

CAMERA = Camera(fx=100.0, fy=100.0, cx=39.5, cy=29.5, width=80, height=60)


def flat_hand(distance: float = 500.0) -> np.ndarray:
    """Five straight fingers as a fan in a plane; thumb to the right."""
    angles = np.radians([30, 60, 80, 100, 120])
    rays = np.stack([np.cos(angles), -np.sin(angles)], axis=-1)
    points = [rays[finger] * length for finger in range(5) for length in (40, 70, 90, 110)]
    return np.pad(np.array([(0.0, 0.0), *points]), ((0, 0), (0, 1)), constant_values=distance)


def project(joints: np.ndarray) -> np.ndarray:
    return joints[:, :2] / joints[:, 2:] * 100 + [39.5, 29.5]


def wall(distance: float = 510.0) -> np.ndarray:
    return np.full((60, 80), distance, np.float32)


def test_no_reading_is_paper_and_near_is_brighter() -> None:
    depth = wall()
    depth[:, :30], depth[:, 60:] = 450, 0
    picture = show_depth(depth, near=400, far=600)
    assert picture.shape == (60, 80, 3)
    assert picture[30, 10].sum() > picture[30, 45].sum() > sum(PAPER)
    assert tuple(picture[30, 75]) == PAPER


@pytest.mark.parametrize("shape", [(1, 1), (2, 700), (424, 512)])
@pytest.mark.parametrize("fill", [0.0, 700.0])
def test_any_size_can_be_shown(shape: tuple[int, int], fill: float) -> None:
    depth = np.full(shape, fill, np.float32)
    near, far = depth_range(depth, None)
    assert far > near
    assert show_depth(depth, near=near, far=far, colors="turbo").shape == (*shape, 3)


def test_range_is_the_hand_s_where_there_is_one() -> None:
    assert depth_range(wall(), flat_hand()) == (460.0, 540.0)


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=str)
def test_every_finger_shows_its_color(skeleton) -> None:
    joints = np.random.default_rng(0).uniform(20, 380, (len(skeleton), 2))
    picture = np.zeros((400, 400, 3), np.uint8)
    draw_skeleton(picture, joints, skeleton)
    for finger in FINGERS:
        assert (picture == FINGER_COLORS[finger]).all(axis=-1).any(), finger


def test_a_bone_lies_between_its_joints() -> None:
    picture = np.zeros((600, 800, 3), np.uint8)
    joints = project(flat_hand()) * 10
    draw_skeleton(picture, joints, HAND21, depth_mm=flat_hand()[:, 2])
    u, v = ((joints[2] + joints[3]) / 2).round().astype(int)
    assert tuple(picture[v, u]) == FINGER_COLORS["thumb"]


@pytest.mark.parametrize("nearer", ["index", "middle"])
def test_nearer_bones_cover_farther_ones(nearer: str) -> None:
    joints, depth = np.zeros((21, 2)), np.full(21, 500.0)
    joints[5:9], joints[9:13] = (20.0, 100.0), (100.0, 20.0)
    joints[6:9], joints[10:13] = (180.0, 100.0), (100.0, 180.0)
    first = HAND21.joints.index(f"{nearer}_mcp")
    depth[first : first + 4] = 400
    picture = np.zeros((200, 200, 3), np.uint8)
    draw_skeleton(picture, joints, HAND21, depth_mm=depth)
    assert tuple(picture[100, 100]) == FINGER_COLORS[nearer]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_joints_off_the_picture_do_no_harm(bad: float) -> None:
    joints = project(flat_hand())
    joints[4] = bad
    picture = np.zeros((60, 80, 3), np.uint8)
    draw_hand(picture, joints, HAND21, caption="right 0.10")
    assert picture.any()


@pytest.mark.parametrize("at", [(-50, -50), (500, 500), (10, 30)])
def test_text_stays_in_the_picture(at: tuple[int, int]) -> None:
    picture = np.zeros((60, 160, 3), np.uint8)
    draw_text(picture, "left 0.42", at, height=12)
    assert (picture > 120).all(axis=-1).sum() > 20


def test_enlarged_pixels_keep_their_centres() -> None:
    picture = np.zeros((3, 3, 3), np.uint8)
    picture[1, 1] = 200
    large = enlarge(picture, 3)
    assert large.shape == (9, 9, 3)
    assert tuple(np.argwhere(large[..., 0] == 200)[0]) == (4, 4)


def test_side_view_puts_near_on_the_left_and_down_below() -> None:
    joints = flat_hand()
    joints[HAND21.fingertips[0], 2] = 400
    picture = side_view(wall(), CAMERA, joints, HAND21, size=200)
    thumb = np.argwhere((picture == FINGER_COLORS["thumb"]).all(axis=-1))
    assert picture.shape == (200, 200, 3)
    assert thumb[:, 1].min() < 60, "the thumb reaches toward the camera"
    middle = np.argwhere((picture == FINGER_COLORS["middle"]).all(axis=-1))
    assert middle[:, 0].min() < 60, "the fingers point up (y down)"


def test_three_panels_and_contact_sheet() -> None:
    tile = three_panels(wall(), CAMERA, flat_hand(), HAND21, size=90)
    assert tile.shape == (90, 270, 3)
    sheet = contact_sheet([tile, tile[:50, :70], tile], ["one", "two", "three"], columns=2, title="hands")
    assert sheet.shape[1] > 2 * 270
    assert sheet.shape[0] > 2 * 90
    single = contact_sheet([tile], ["one"], columns=5, title="hand")
    assert single.shape[1] < 2 * 270


@pytest.mark.parametrize("title", ["worst frames, truth in pale blue", "a title longer than that of any sheet so far"])
def test_title_and_legend_of_a_sheet_leave_each_other_room(title: str) -> None:
    """The columns of the title's ink, and those of the legend's, with nothing in between for the width of a letter."""
    tile = np.zeros((40, 100, 3), np.uint8)
    head, plain = (contact_sheet([tile], [""], columns=2, title=words)[:44].astype(int) for words in (title, ""))
    legend = np.flatnonzero((plain != plain[0, 0]).any(axis=(0, 2)))
    alone = np.full_like(head, PAPER).astype(np.uint8)
    draw_text(alone, title, (10, 29), height=18)
    ink = np.flatnonzero((alone != np.array(PAPER)).any(axis=(0, 2)))
    begin = head.shape[1] - (plain.shape[1] - legend.min())
    assert ink.max() + 8 < begin
