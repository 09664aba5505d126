"""Orders, bones and splits of docs/reference.md, 1.2 to 1.5."""

import pytest
import torch

from handkit.skeleton import FINGERS, HAND21, HANDS17, ICVL16, MSRA21, NYU14, SKELETONS

every_skeleton = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda skeleton: skeleton.name)


def test_hands17_to_msra_is_the_published_list():
    published = (0, 2, 9, 10, 11, 3, 12, 13, 14, 4, 15, 16, 17, 5, 18, 19, 20, 1, 6, 7, 8)
    assert MSRA21.indices_in(HANDS17) == published


def test_the_canonical_order_is_that_of_mediapipe():
    assert HAND21.joints[:6] == ("wrist", "thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip", "index_mcp")
    assert HAND21.fingertips == (4, 8, 12, 16, 20)
    assert HAND21.indices_in(MSRA21)[:9] == (0, 17, 18, 19, 20, 1, 2, 3, 4)


@every_skeleton
def test_palm_and_fingers_share_the_joints(skeleton):
    assert sorted(skeleton.palm + skeleton.fingers) == list(range(len(skeleton)))
    assert SKELETONS[skeleton.name] is skeleton
    assert len(set(skeleton.joints)) == len(skeleton)


@every_skeleton
def test_bones_join_all_joints_into_one_tree(skeleton):
    assert len(skeleton.bones) == len(skeleton) - 1
    reached = {skeleton.bones[-1][-1]}
    for _ in skeleton.bones:
        reached |= {joint for bone in skeleton.bones if reached & set(bone) for joint in bone}
    assert reached == set(range(len(skeleton)))


@every_skeleton
def test_tips_are_tips(skeleton):
    assert [skeleton.joints[tip] for tip in skeleton.fingertips] == [f"{finger}_tip" for finger in FINGERS]
    ends = [joint for bone in skeleton.bones for joint in bone]
    assert [ends.count(tip) for tip in skeleton.fingertips] == [1] * 5


@pytest.mark.parametrize(
    ("skeleton", "palm", "fingers"),
    [(HAND21, 6, 15), (MSRA21, 6, 15), (HANDS17, 6, 15), (ICVL16, 6, 10), (NYU14, 9, 5)],
    ids=lambda value: getattr(value, "name", value),
)
def test_splits_of_crossinfonet(skeleton, palm, fingers):
    assert (len(skeleton.palm), len(skeleton.fingers)) == (palm, fingers)


def test_published_splits():
    assert MSRA21.palm == (0, 1, 5, 9, 13, 17)
    assert MSRA21.fingers == (2, 6, 10, 14, 18, 3, 7, 11, 15, 19, 4, 8, 12, 16, 20)
    assert HANDS17.palm == (0, 1, 2, 3, 4, 5)
    assert ICVL16.palm == (0, 1, 4, 7, 10, 13)
    assert NYU14.palm == (1, 3, 5, 7, 9, 10, 11, 12, 13)


def test_nyu_bones_are_the_published_ones():
    drawn = "(0,1)(2,3)(4,5)(6,7)(8,9)(9,10)(1,13)(3,13)(5,13)(7,13)(10,13)(11,13)(12,13)"
    assert "".join(f"({a},{b})" for a, b in NYU14.bones) == drawn


def test_bones_of_one_finger_by_hand():
    assert [(HAND21.joints[a], HAND21.joints[b]) for a, b in HAND21.bones[:4]] == [
        ("wrist", "thumb_cmc"),
        ("thumb_cmc", "thumb_mcp"),
        ("thumb_mcp", "thumb_ip"),
        ("thumb_ip", "thumb_tip"),
    ]
    assert ICVL16.bones[:3] == ((0, 1), (1, 2), (2, 3))


def test_conversion_moves_coordinates_by_name():
    joints = torch.arange(63.0).view(1, 21, 3)
    converted = MSRA21.convert(joints, HANDS17)
    assert converted[0, 1].tolist() == joints[0, 2].tolist()
    assert torch.equal(HANDS17.convert(converted, MSRA21), joints)
    assert torch.equal(HAND21.convert(joints, HAND21), joints)


def test_what_does_not_correspond_is_refused_by_name():
    with pytest.raises(ValueError, match="icvl16 has no joint for wrist, ") as error:
        HAND21.indices_in(ICVL16)
    missing = str(error.value).split(" of hand21")[0]
    assert [f"{finger}_tip" in missing for finger in FINGERS] == [False] * 5
    assert missing.count(",") == len(HAND21) - 5 - 1
    with pytest.raises(ValueError, match="hand21 has no joint for palm, "):
        ICVL16.convert(torch.zeros(1, 21, 3), HAND21)
    with pytest.raises(ValueError, match=r"icvl16 has no joint for F1_KNU2_B, .*PALM_3 of nyu14"):
        NYU14.indices_in(ICVL16)
