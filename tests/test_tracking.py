"""The tracker on scripted hands: who is whom, what is lost and found, and when it searches."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tracked import CAMERA, Script, Seen, frame, hand_at

from handkit.errors import UsageError
from handkit.tracking import HandTracker


def follow(script, count, **options):
    """The hands of frames 0 to count - 1, and the tracker."""
    tracker = HandTracker(script, **options)
    return [tracker.update(frame(i)) for i in range(count)], tracker


def ids(hands):
    return [[hand.id for hand in each if hand.tracked] for each in hands]


def test_one_hand_costs_one_look_a_frame_when_its_handedness_is_settled():
    script = Script(lambda i: [Seen((2.0 * i, 0, 500))])
    hands, _ = follow(script, 60, hands=1)
    assert ids(hands) == [[1]] * 60
    assert script.searches == [0]
    assert script.looks <= 59 + 6, "both hypotheses only at first and every half second"
    last = hands[-1][0]
    assert last.handedness == "right"
    assert last.handedness_probability > 0.99
    assert last.raw_mm == pytest.approx(hand_at((118, 0, 500)), abs=1e-3)
    assert np.abs(last.joints_mm - last.raw_mm).max() < 2
    assert last.velocity_mm_s.mean(0) == pytest.approx([60, 0, 0], abs=3)
    assert last.joints_px == pytest.approx(CAMERA.project(last.joints_mm))
    assert last.seen_s == pytest.approx(59 / 30)


def test_the_same_frames_give_the_same_hands():
    script = Script(lambda i: [Seen((3.0 * i, 0, 500)), Seen((-100, 20, 450), left=True, confidence=0.7)], noise_mm=4)
    one, _ = follow(script, 90)
    other, _ = follow(script, 90)
    assert one == other


def test_a_frame_that_errs_does_not_flip_the_handedness():
    script = Script(lambda i: [Seen((0, 0, 500), side=0.1 if i % 7 == 3 else 0.9)])
    hands, _ = follow(script, 120, hands=1)
    assert {hand.handedness for each in hands for hand in each} == {"right"}
    assert all(np.abs(each[0].raw_mm - hand_at((0, 0, 500))).max() < 1 for each in hands)


def test_a_first_frame_that_errs_is_outvoted():
    script = Script(lambda i: [Seen((0, 0, 500), left=True, side=0.1 if i < 2 else 0.9, mistaken=0.8)])
    hands, _ = follow(script, 40, hands=1)
    sides = [each[0].handedness for each in hands[1:]]
    assert sides[0] == "right"
    assert set(sides[4:]) == {"left"}
    assert ids(hands) == [[]] + [[1]] * 39


def test_a_given_handedness_is_the_only_one_followed():
    script = Script(lambda i: [Seen((0, 0, 500), left=True), Seen((200, 0, 500))])
    hands, _ = follow(script, 30, handedness="left")
    assert {(hand.handedness, hand.handedness_probability) for each in hands for hand in each} == {("left", 1.0)}
    assert script.looks <= 29 + 6, "both hypotheses at first and every half second"


def test_a_hand_of_the_other_side_is_not_followed_for_long():
    """A search takes every thirtieth view of a right hand for a left one."""
    script = Script(lambda i: [Seen((0, 0, 500), side=0.1 if i % 30 == 0 else 0.9, mistaken=1.0)])
    hands, _ = follow(script, 90, handedness="left")
    assert sum(hand.tracked for each in hands for hand in each) <= 3
    kept, _ = follow(script, 90, handedness="right", hands=1)
    assert ids(kept[4:]) == [ids(kept)[4]] * 86, "one frame that errs is outvoted"


@pytest.mark.parametrize("side", [0.35, 0.45, 0.55])
def test_a_hand_of_which_no_frame_knows_the_side_is_the_one_that_was_given(side: float):
    script = Script(lambda i: [Seen((0, 0, 500), side=side if i else 0.9, mistaken=1.0)])
    hands, _ = follow(script, 60, handedness="right", hands=1)
    assert sum(map(len, hands)) >= 57
    assert {hand.id for each in hands for hand in each} == {1}


def test_a_hand_that_hides_is_not_one_of_the_other_side():
    """What is looked at meanwhile is no hand, whichever side it seems to have."""
    script = Script(lambda i: [Seen((0, 0, 500), left=True, visible=not 1 <= i <= 5)])
    hands, _ = follow(script, 30, handedness="left")
    assert {hand.id for each in hands for hand in each} == {1}


def test_it_says_why_a_hand_is_not_followed_any_more():
    script = Script(lambda i: [Seen((0, 0, 500), side=0.1 if i == 0 else 0.99, mistaken=1.0)])
    tracker = HandTracker(script, handedness="left")
    seen = [(len(tracker.update(frame(i))), tracker.reason, tracker.cause) for i in range(4)]
    assert (0, "the hand in view is not a left one", "other side") in seen
    assert all(reason for count, reason, _ in seen if not count)


def test_each_look_is_of_as_many_rotations_as_asked_for():
    for rotations in (1, 2):
        script = Script(lambda i: [Seen((0, 0, 500))])
        follow(script, 10, rotations=rotations)
        assert set(script.rotations) == {rotations}


def test_hands_that_cross_keep_their_numbers():
    """They pass 60 mm apart in depth; for a fifth of a second the right one hides the left one."""

    def hands(i):
        return [Seen((8.0 * i - 240, 0, 440)), Seen((240 - 8.0 * i, 0, 500), left=True, visible=not 27 <= i <= 33)]

    tracked, _ = follow(Script(hands, noise_mm=2), 60)
    assert all(each == [1, 2] for i, each in enumerate(ids(tracked)) if not 27 <= i <= 37)
    final = {hand.id: hand for hand in tracked[-1]}
    assert final[1].handedness == "right"
    assert final[1].joints_mm[:, 0].mean() > 200
    assert final[2].handedness == "left"
    assert final[2].joints_mm[:, 0].mean() < -200


def test_hands_of_one_side_that_touch_do_not_swap():
    """Two right hands come within 60 mm, stay, and part again."""

    def hands(i):
        gap = max(30.0, 150 - 5.0 * i) if i < 60 else 30 + 5.0 * (i - 60)
        return [Seen((-gap, 0, 500)), Seen((gap, 0, 500))]

    tracked, _ = follow(Script(hands, noise_mm=2), 90)
    assert ids(tracked) == [[1, 2]] * 90
    assert {hand.id: hand.joints_mm[:, 0].mean() < 0 for hand in tracked[-1]} == {1: True, 2: False}


def test_two_tracks_never_share_a_hand():
    """The left hand vanishes beside the right one, so that a look around it sees the right one."""
    script = Script(lambda i: [Seen((-35, 0, 500)), Seen((35, 0, 500), visible=i < 20)])
    tracked, _ = follow(script, 60)
    assert ids(tracked)[19] == [1, 2]
    assert ids(tracked)[20:] == [[1]] * 40
    assert [len(each) for each in tracked[20:31]] == [2] * 11 + []
    assert len(tracked[40]) == 1


def test_a_short_loss_keeps_the_number_a_long_one_does_not():
    script = Script(lambda i: [Seen((0, 0, 500), visible=not (20 <= i < 30 or 60 <= i < 90))])
    tracked, tracker = follow(script, 120)
    assert ids(tracked)[19:21] == [[1], []]
    assert ids(tracked)[30] == [1]
    lost = tracked[22][0]
    assert not lost.tracked
    assert lost.confidence < tracked[19][0].confidence
    assert lost.joints_mm == pytest.approx(tracked[19][0].joints_mm)
    assert (lost.velocity_mm_s == 0).all()
    assert tracked[75] == []
    assert ids(tracked)[95] == [2]
    assert tracker.reason is None


def test_a_lost_hand_is_found_where_it_may_have_gone():
    script = Script(lambda i: [Seen((0, 0, 500), visible=i < 20), Seen((250, 0, 500), visible=i >= 25)])
    tracked, _ = follow(script, 40, hands=1)
    assert {number for each in ids(tracked) for number in each} == {1}
    assert tracked[-1][0].joints_mm[:, 0].mean() == pytest.approx(250, abs=1)


def test_another_hand_is_no_lost_one():
    """Too far away for the time, or of the other side."""
    far = Script(lambda i: [Seen((0, 0, 500), visible=i < 20), Seen((900, 0, 900), visible=i >= 20)])
    other = Script(lambda i: [Seen((0, 0, 500), visible=i < 20), Seen((150, 0, 500), left=True, visible=i >= 20)])
    for script in (far, other):
        assert ids(follow(script, 40)[0])[-1] == [2]


def test_without_hands_there_is_a_reason_and_a_bounded_rate_of_searches():
    script = Script(lambda i: [])
    tracked, tracker = follow(script, 91)
    assert tracked == [[]] * 91
    assert tracker.reason == "nothing there"
    assert len(script.searches) == 31
    one_of_two = Script(lambda i: [Seen((0, 0, 500))])
    assert ids(follow(one_of_two, 91)[0])[-1] == [1]
    assert len(one_of_two.searches) == 7, "every half second"


def test_doubtful_hands_are_given_up():
    """A thing that a search took for a hand and that every later look doubts."""
    script = Script(lambda i: [Seen((0, 0, 500), confidence=0.8 if i == 0 else 0.15)])
    tracked, _ = follow(script, 60)
    ghost = [i for i, each in enumerate(ids(tracked)) if each]
    assert 0 < len(ghost) / 30 < 0.5


LATER = "a hand found with confidence 0.67 is answered once a second frame shows it"


def test_a_new_hand_is_answered_where_it_is_sure_or_seen_twice():
    """A thing that one frame takes for a hand is none; a hand that is found half surely comes a frame later."""
    for confidence, frames, answered in ((0.7, 1, []), (0.7, 30, [*range(1, 30)]), (0.9, 30, [*range(30)])):
        script = Script(lambda i, c=confidence, n=frames: [Seen((0, 0, 500), confidence=c if i < n else 0.0)])
        tracked, _ = follow(script, 30)
        assert [i for i, each in enumerate(ids(tracked)) if each] == answered
        _, begun = follow(script, 1)
        assert begun.reason == (None if 0 in answered else LATER)


def test_a_find_that_is_not_sure_does_not_take_the_place_of_a_hand_just_lost():
    """One hand is followed; while it is out of sight for a moment, something 400 mm away is found half surely."""

    def hands(i):
        return [Seen((0, 0, 500), visible=not 10 <= i < 16), Seen((400, 0, 500), confidence=0.6, visible=10 <= i < 16)]

    tracked, _ = follow(Script(hands), 30, hands=1)
    assert {hand.id for each in tracked for hand in each} == {1}
    assert all(tracked)


def test_a_clock_that_stands_or_jumps_back_loses_no_hand():
    script = Script(lambda i: [Seen((3.0 * i, 0, 500))])
    said = []
    tracker = HandTracker(script, hands=1, report=said.append)
    times = [0.0, 1 / 30, 1 / 30, 1 / 30, -50.0, -50 + 1 / 30]
    hands = [tracker.update(frame(i, time_s=time_s)) for i, time_s in enumerate(times)]
    assert ids(hands) == [[1]] * 6
    assert [each[0].time_s for each in hands] == times
    assert hands[-1][0].seen_s == pytest.approx(5 / 30)
    assert len(said) == 2, "each once"
    assert "stands" in said[0]
    assert "jumped back by 50.033 s" in said[1]
    steady = [HandTracker(script, hands=1).update(frame(0))]
    assert steady[0][0].joints_mm == pytest.approx(hands[0][0].joints_mm)


def test_time_that_leaps_forward_is_a_loss():
    script = Script(lambda i: [Seen((0, 0, 500))])
    tracker = HandTracker(script)
    tracker.update(frame(0, time_s=0.0))
    assert [hand.id for hand in tracker.update(frame(1, time_s=3600.0))] == [2]


def test_a_clock_that_begins_to_count_from_1970_loses_no_hand():
    said = []
    tracker = HandTracker(Script(lambda i: [Seen((0, 0, 500))]), hands=1, report=said.append)
    epoch = 1.76e9
    times = [0.0, 1 / 30, epoch, epoch + 1 / 30]
    hands = [tracker.update(frame(i, time_s=time_s)) for i, time_s in enumerate(times)]
    assert ids(hands) == [[1]] * 4
    assert hands[-1][0].seen_s == pytest.approx(3 / 30)
    assert [f"has jumped ahead by {epoch - 1 / 30:.0f} s" in each for each in said] == [True]


def test_intrinsics_that_an_autofocus_moves_are_the_same_camera():
    said = []
    tracker = HandTracker(Script(lambda i: [Seen((0, 0, 500))]), report=said.append)
    cameras = [replace(CAMERA, fx=CAMERA.fx * (1 + 0.001 * i), cx=CAMERA.cx + 0.01 * i) for i in range(40)]
    hands = [tracker.update(frame(i, camera=camera)) for i, camera in enumerate(cameras)]
    assert ids(hands) == [[1]] * 40
    assert said == []
    assert hands[-1][0].joints_px == pytest.approx(cameras[-1].project(hands[-1][0].joints_mm))


@pytest.mark.parametrize(
    "other", [replace(CAMERA, width=32, height=24), replace(CAMERA, fx=120.0)], ids=["size", "intrinsics"]
)
def test_another_camera_starts_anew(other):
    script = Script(lambda i: [Seen((0, 0, 500))])
    said = []
    tracker = HandTracker(script, report=said.append)
    hands = [tracker.update(frame(i, camera=CAMERA if i < 10 else other)) for i in range(20)]
    assert ids(hands) == [[1]] * 10 + [[2]] * 10
    assert len(said) == 1
    assert "the camera has changed (64x48, fx 100.0, fy 100.0, cx 31.5, cy 23.5, now " in said[0]


def test_poses_at_other_times():
    script = Script(lambda i: [Seen((30.0 * i, 0, 500))])
    _, tracker = follow(script, 40)
    (before,), (last,) = tracker._last
    (middle,) = tracker.at(38.5 / 30)
    assert middle.joints_mm == pytest.approx((before.joints_mm + last.joints_mm) / 2, abs=1e-2)
    assert middle.joints_px == pytest.approx(CAMERA.project(middle.joints_mm))
    assert tracker.at(10.0)[0].joints_mm == pytest.approx(last.joints_mm)
    (ahead,) = tracker.at(39 / 30 + 0.02, ahead=True)
    assert ahead.joints_mm == pytest.approx(last.joints_mm + 0.02 * last.velocity_mm_s, abs=1e-3)
    (limit,) = tracker.at(100.0, ahead=True)
    assert limit.joints_mm == pytest.approx(last.joints_mm + 0.05 * last.velocity_mm_s, abs=1e-3)
    assert tracker.at(0.0)[0].joints_mm == pytest.approx(before.joints_mm)


def test_bones_are_held_after_two_seconds():
    script = Script(lambda i: [Seen((0, 0, 500))], noise_mm=3)
    hands, _ = follow(script, 100, hands=1)
    bones = np.array([bone_lengths(each[0].joints_mm) for each in hands])
    assert bones[62:].std(0).max() < 0.1 < bones[:60].std(0).max()


def test_a_context_forgets_its_hands():
    script = Script(lambda i: [Seen((0, 0, 500))])
    with HandTracker(script) as tracker:
        tracker.update(frame(0))
    assert [hand.id for hand in tracker.update(frame(1))] == [2]


def test_arguments_that_cannot_be():
    script = Script(lambda i: [])
    with pytest.raises(UsageError, match="hands is 0; it must be 1 or more"):
        HandTracker(script, hands=0)


def test_a_clock_without_a_number_counts_as_standing():
    said = []
    tracker = HandTracker(Script(lambda i: [Seen((0, 0, 500))]), report=said.append)
    times = [math.nan, 0.0, 1 / 30, math.inf, -math.inf, math.nan, 2 / 30, 3 / 30]
    hands = [tracker.update(frame(i, time_s=time_s)) for i, time_s in enumerate(times)]
    assert ids(hands) == [[1]] * 8
    assert [each[0].time_s for each in hands] == [0, 0, *[1 / 30] * 4, 2 / 30, 3 / 30]
    assert hands[-1][0].seen_s == pytest.approx(7 / 30)
    assert [sentence.partition(":")[0] for sentence in said] == [
        "the clock of the frames gives no finite number at nan s"
    ]
    with pytest.raises(UsageError, match="time_s is nan"):
        tracker.at(math.nan)


def test_time_is_forgotten_with_the_hands():
    said = []
    tracker = HandTracker(Script(lambda i: [Seen((0, 0, 500))]), report=said.append)
    for i in range(3):
        tracker.reset()
        (hand,) = tracker.update(frame(i, time_s=100.0 - i))
        assert (hand.id, hand.time_s, hand.seen_s) == (i + 1, 100.0 - i, 0)
    assert said == []


def bone_lengths(joints):
    from handkit.skeleton import HAND21

    starts, ends = np.array(HAND21.bones).T
    return np.linalg.norm(joints[ends] - joints[starts], axis=1)


def test_frames_that_stall_lose_no_hand_that_is_still_there():
    """Two frames a second: followed without a search; where it has gone meanwhile, it is not reported any more."""
    script = Script(lambda i: [Seen((10.0 * i, 0, 500))] if i < 10 else [])
    tracker = HandTracker(script, hands=1)
    hands = [tracker.update(frame(i, time_s=i / 2)) for i in range(12)]
    assert ids(hands) == [[1]] * 10 + [[], []]
    assert hands[10] == hands[11] == []
    assert script.searches == [0, 10, 11]
