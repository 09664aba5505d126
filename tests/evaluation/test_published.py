"""Prediction files beside labels: columns decided by their fit, and every mistake named in a sentence."""

import numpy as np
import pytest
from evaluation.hands import moving_hand, to_uvd, write

from handkit.datasets.catalog import TEST_SETS
from handkit.errors import ScoreError
from handkit.evaluation.published import Labels, read_labels, read_predictions

NYU, ICVL, MSRA, HANDS17 = (TEST_SETS[name] for name in ("nyu", "icvl", "msra", "hands17"))
FRAMES = 40


def labels_of(tmp_path, test_set, frames=FRAMES, **options) -> Labels:
    hand = moving_hand(len(test_set.skeleton), frames)
    path = write(tmp_path / "labels.txt", to_uvd(hand, test_set.name))
    return read_labels([path], test_set, intrinsics=test_set.intrinsics, **options)


def predictions_of(labels, path, **options):
    return read_predictions(path, labels, intrinsics=labels.test_set.intrinsics, **options)


def off(labels, predictions) -> float:
    return float(np.abs(predictions.joints - labels.joints).max())


@pytest.mark.parametrize("test_set", [NYU, ICVL, MSRA, HANDS17], ids=lambda test_set: test_set.name)
@pytest.mark.parametrize(
    ("signs", "words"), [((1, 1, 1), "y down"), ((1, -1, 1), "y up"), ((1, -1, -1), "y up and z negative")]
)
def test_millimeters_of_every_direction_are_recognized(tmp_path, test_set, signs, words):
    labels = labels_of(tmp_path, test_set)
    path = write(tmp_path / "net.txt", labels.joints * signs)
    for asked in ("auto", "xyz"):
        predictions = predictions_of(labels, path, asked=asked)
        assert off(labels, predictions) < 0.01
        assert predictions.words == f"net.txt: x y z, mm, {words}"
        assert predictions.intrinsics == labels.intrinsics


@pytest.mark.parametrize("test_set", [NYU, ICVL, MSRA, HANDS17], ids=lambda test_set: test_set.name)
@pytest.mark.parametrize("signs", [(1, 1, 1), (1, -1, 1), (1, -1, -1)])
def test_pixels_are_told_whatever_the_labels_are(tmp_path, test_set, signs):
    """Labels in mm, as NYU (y up), MSRA (z negative) and HANDS2017 have them."""
    hand = moving_hand(len(test_set.skeleton), FRAMES)
    if signs[2] > 0 and test_set.y_up != (signs[1] < 0):
        signs = (1, -1 if test_set.y_up else 1, 1)
    path = write(tmp_path / "labels.txt", hand * signs)
    labels = read_labels([path], test_set, intrinsics=test_set.intrinsics)
    assert np.abs(labels.joints - hand).max() < 0.01
    predictions = predictions_of(labels, write(tmp_path / "net.txt.gz", to_uvd(hand, test_set.name)))
    assert off(labels, predictions) < 0.01
    assert predictions.intrinsics == test_set.intrinsics


def test_densereg_with_names(tmp_path):
    labels = labels_of(tmp_path, ICVL)
    names = [f"test_seq_1\\image_{i:04d}.png" for i in range(FRAMES)]
    path = write(tmp_path / "net.txt", labels.joints, names=names, separator="\t", ending="\r\n")
    assert off(labels, predictions_of(labels, path, asked="densereg")) < 0.01


@pytest.mark.parametrize(
    ("asked", "written", "named"), [("xyz", "uvd", "uvd"), ("uvd", "xyz", "xyz"), ("densereg", "uvd", "uvd")]
)
def test_the_wrong_format_is_refused_and_the_right_one_named(tmp_path, asked, written, named):
    labels = labels_of(tmp_path, NYU)
    values = to_uvd(labels.joints, "nyu") if written == "uvd" else labels.joints
    with pytest.raises(ScoreError, match=f"net.txt: read as .* off on average.*give --format {named}"):
        predictions_of(labels, write(tmp_path / "net.txt", values), asked=asked)


def test_what_fits_in_no_way_is_refused_unless_asked_for(tmp_path):
    labels = labels_of(tmp_path, NYU)
    path = write(tmp_path / "net.txt", to_uvd(labels.joints + np.array([0, 0, 400.0]), "nyu"))
    with pytest.raises(ScoreError, match="of this data set, in the order of its frames"):
        predictions_of(labels, path)
    assert off(labels, predictions_of(labels, path, asked="uvd")) == pytest.approx(400, abs=0.1)


def test_joints_in_another_order(tmp_path):
    labels = labels_of(tmp_path, MSRA)
    order = [0, 17, 18, 19, 20, *range(1, 17)]
    path = write(tmp_path / "net.txt", to_uvd(labels.joints, "msra")[:, order])
    with pytest.raises(ScoreError, match=r"another order; .* which is joint 0 5 6 7 8 .* of this file"):
        predictions_of(labels, path)


def test_the_36_joints_of_nyu_become_14(tmp_path):
    everything = moving_hand(36, FRAMES)
    path = write(tmp_path / "labels.txt", to_uvd(everything, "nyu"))
    labels = read_labels([path], NYU, intrinsics=NYU.intrinsics)
    assert np.abs(labels.joints - everything[:, [0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 27, 30, 31, 32]]).max() < 0.01
    assert off(labels, predictions_of(labels, write(tmp_path / "net.txt", to_uvd(labels.joints, "nyu")))) < 0.01


@pytest.mark.parametrize("test_set", [NYU, ICVL, MSRA], ids=lambda test_set: test_set.name)
def test_the_number_of_frames_tells_edition_and_parts(tmp_path, test_set):
    for edition in test_set.editions:
        named = test_set.edition(edition.frames)
        assert named is edition
        stops = [stop for _, stop in edition.parts.values()]
        starts = [start for start, _ in edition.parts.values()]
        assert starts == [0, *stops[:-1]]
    assert "not the published test set of" in test_set.edition(7).version


def test_icvl_in_two_files_and_one_sequence_of_predictions(tmp_path):
    hand = moving_hand(16, 1596)
    uvd = to_uvd(hand, "icvl")
    names = [f"test_seq_1/image_{i:04d}.png" for i in range(702)] + [
        f"test_seq_2/image_{i:04d}.png" for i in range(894)
    ]
    paths = [
        write(tmp_path / "test_seq_1.txt", uvd[:702], names=names[:702], ending=" \r\r\n"),
        write(tmp_path / "test_seq_2.txt", uvd[702:], names=names[702:], ending=" \r\r\n"),
    ]
    labels = read_labels(paths, ICVL, intrinsics=ICVL.intrinsics)
    assert {name: int(mask.sum()) for name, mask in labels.parts.items()} == {"seq1": 702, "seq2": 894}
    whole, one = write(tmp_path / "whole.txt", uvd), write(tmp_path / "one.txt", uvd[:702])
    with pytest.raises(ScoreError, match=r"702 frames, the labels 1,596; .* with --split seq1"):
        predictions_of(labels, one)
    for path in (whole, one):
        assert off(labels.part("seq1"), predictions_of(labels.part("seq1"), path)) < 0.01
    second = labels.part("seq2")
    assert second.names[0] == "test_seq_2/image_0000.png"
    assert off(second, predictions_of(second, whole)) < 0.01
    with pytest.raises(ScoreError, match="holds 702 frames, the labels 894"):
        predictions_of(second, one)
    with pytest.raises(ScoreError, match="no part 'seq3' in these labels; parts: seq1, seq2"):
        labels.part("seq3")


def test_listed_parts(tmp_path):
    hand = moving_hand(21, 4)
    names = [f"image_D0000000{i}.png" for i in range(4)]
    path = write(tmp_path / "labels.txt", hand, names=names, separator="\t")
    (tmp_path / "seen").write_text("image_D00000001.png\nimages\\image_D00000003.png\n")
    (tmp_path / "unseen").write_text("0 2")
    lists = {name: tmp_path / name for name in ("seen", "unseen")}
    labels = read_labels([path], HANDS17, intrinsics=HANDS17.intrinsics, lists=lists)
    assert {name: mask.tolist() for name, mask in labels.parts.items()} == {
        "seen": [False, True, False, True],
        "unseen": [True, False, True, False],
    }
    (tmp_path / "seen").write_text("4")
    with pytest.raises(ScoreError, match=r"lists '4', which is not one frame of the labels .* no row from 0 to 3"):
        read_labels([path], HANDS17, intrinsics=HANDS17.intrinsics, lists=lists)
    with pytest.raises(ScoreError, match="cannot be read as a list"):
        read_labels([path], HANDS17, intrinsics=HANDS17.intrinsics, lists={"seen": tmp_path})


def test_listed_names_that_two_folders_share(tmp_path):
    uvd = to_uvd(moving_hand(16, 4), "icvl")
    names = [f"test_seq_{sequence}/image_000{frame}.png" for sequence in (1, 2) for frame in (0, 1)]
    path, frames = write(tmp_path / "labels.txt", uvd, names=names), tmp_path / "frames"
    frames.write_text("test_seq_1\\image_0001.png Testing/Depth/test_seq_2/image_0000.png")
    labels = read_labels([path], ICVL, intrinsics=ICVL.intrinsics, lists={"some": frames})
    assert labels.parts["some"].tolist() == [False, True, True, False]
    for name in ("image_0000.png", "test_seq_3/image_0000.png", "0.png", "\N{SUPERSCRIPT TWO}", "9" * 5000):
        frames.write_text(name, encoding="utf-8")
        with pytest.raises(ScoreError, match="is not one frame of the labels"):
            read_labels([path], ICVL, intrinsics=ICVL.intrinsics, lists={"some": frames})


def test_pixels_of_labels_stand_in_the_protocol_of_predictions_in_mm(tmp_path):
    hand = moving_hand(16, 5)
    net = write(tmp_path / "net.txt", hand)
    pixels = write(tmp_path / "labels.txt", to_uvd(hand, "icvl"))
    assert predictions_of(read_labels([pixels], ICVL, intrinsics=ICVL.intrinsics), net).intrinsics == ICVL.intrinsics
    assert predictions_of(read_labels([net], ICVL, intrinsics=ICVL.intrinsics), net).intrinsics is None


def test_files_of_another_length(tmp_path):
    labels = labels_of(tmp_path, NYU)
    uvd = to_uvd(labels.joints, "nyu")
    with pytest.raises(ScoreError, match=r"net.txt holds 39 frames, the labels 40 .*a line for every frame"):
        predictions_of(labels, write(tmp_path / "net.txt", uvd[:-1]))
    with pytest.raises(ScoreError, match="1,596 is the length of icvl"):
        predictions_of(labels, write(tmp_path / "net.txt", np.concatenate([uvd] * 40)[:1596], digits=1))
    with pytest.raises(ScoreError, match="line 1: 48 numbers, expected 42 for the 14 joints of nyu"):
        predictions_of(labels, write(tmp_path / "net.txt", moving_hand(16, FRAMES)))


def test_rows_without_numbers(tmp_path):
    labels = labels_of(tmp_path, NYU)
    uvd = to_uvd(labels.joints, "nyu")
    uvd[3, 2, 1] = uvd[7] = np.nan
    path = write(tmp_path / "net.txt", uvd)
    with pytest.raises(ScoreError, match=r"net.txt, line 4: not a number .*in 1 more lines.*--missing skip"):
        predictions_of(labels, path)
    joints = predictions_of(labels, path, missing="skip").joints
    assert np.flatnonzero(np.isnan(joints).all(axis=(1, 2))).tolist() == [3, 7]
    assert np.isnan(joints).any(axis=(1, 2)).sum() == 2
    with pytest.raises(ScoreError, match="line 4 has no number where a label should be"):
        read_labels([path], NYU, intrinsics=NYU.intrinsics)
    uvd[:] = np.nan
    with pytest.raises(ScoreError, match=r"net\.txt has no complete frame"):
        predictions_of(labels, write(tmp_path / "net.txt", uvd), missing="skip")


def test_readings_are_tried_on_frames_that_have_an_answer(tmp_path, monkeypatch):
    monkeypatch.setattr("handkit.evaluation.columns.SAMPLE", 4)
    labels = labels_of(tmp_path, NYU)
    uvd = to_uvd(labels.joints, "nyu")
    uvd[::10] = np.nan
    predictions = predictions_of(labels, write(tmp_path / "net.txt", uvd), missing="skip")
    assert np.nanmax(np.abs(predictions.joints - labels.joints)) < 0.01


def test_frames_in_another_order(tmp_path):
    hand = moving_hand(16, 3)
    uvd = to_uvd(hand, "icvl")
    names = ["seq/a.png", "seq/b.png", "seq/c.png"]
    labels = read_labels([write(tmp_path / "labels.txt", uvd, names=names)], ICVL, intrinsics=ICVL.intrinsics)
    path = write(tmp_path / "net.txt", uvd, names=["seq/a.png", "seq/c.png", "seq/b.png"])
    with pytest.raises(ScoreError, match=r"line 2 is for seq/c.png, the labels there for seq/b.png"):
        predictions_of(labels, path)
    with pytest.raises(ScoreError, match=r"line 1 is for q/a\.png"):
        predictions_of(labels, write(tmp_path / "net.txt", uvd, names=["q/a.png", "q/b.png", "q/c.png"]))
    shorter = write(tmp_path / "net.txt", uvd, names=["a.png", "b.png", "c.png"])
    assert off(labels, predictions_of(labels, shorter)) < 0.01
