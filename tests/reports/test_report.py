"""The folder of a report: every file, one page without a network, and pictures that show what they should."""

import re
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from evaluation.hands import moving_hand

from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.drawing import FINGER_COLORS
from handkit.evaluation import Protocol, Result, compare, score
from handkit.evaluation.metrics import joint_distances
from handkit.reports import write_report
from handkit.reports.charts import INK, Bar, Chart, Dot, Line, Text, to_picture, to_svg
from handkit.reports.figures import series_of, success_chart
from handkit.reports.hands import TRUTH, hand_tile
from handkit.skeleton import HAND21, NYU14

FRAMES = 60


def scored(offset: float, name: str, truth: np.ndarray, skeleton=NYU14) -> tuple[Result, np.ndarray]:
    protocol = Protocol(dataset="nyu", version="toy <frames>", split="all", joints=skeleton.joints)
    estimated = truth + np.random.default_rng(1).normal(0, offset, truth.shape)
    halves = {"first": np.arange(len(truth)) < 20, "rest": np.arange(len(truth)) >= 20}
    return score(estimated=estimated, truth=truth, method=name, protocol=protocol, parts=halves), estimated


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    truth = moving_hand(14, FRAMES)
    (result, estimated), (other, others) = scored(4.0, "net & co", truth), scored(8.0, "other", truth)
    errors = [joint_distances(estimated=values, truth=truth) for values in (estimated, others)]
    result = compare(result, other, errors=errors[0], other_errors=errors[1])
    page = write_report(
        tmp_path_factory.mktemp("report") / "new", result, NYU14, predictions_mm=estimated, labels_mm=truth
    )
    return page, result


def test_every_file_is_there(report):
    page, result = report
    names = {path.name for path in page.parent.iterdir()}
    assert names == {
        "result.json", "report.html", "worst.png", "success.png", "success.svg", "joints.png", "joints.svg",
    }  # fmt: skip
    assert Result.load(page.parent / "result.json") == result
    for name in ("success.svg", "joints.svg"):
        assert ElementTree.parse(page.parent / name).getroot().tag.endswith("svg")
    for name in ("success.png", "joints.png", "worst.png"):
        picture = cv2.imread(str(page.parent / name))
        assert picture is not None
        assert picture.std() > 10


def test_the_page_holds_everything_and_asks_for_nothing(report):
    page, result = report
    text = page.read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert "url(" not in text
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    for words in ("net &amp; co", "toy &lt;frames&gt;", f"{result.mean_error_mm:.2f} mm", "first", "is better", "nyu"):
        assert words in text
    for field in ("center", "cube", "epoch", "intrinsics", "success", "predictions"):
        assert f"<td>{field}</td>" in text


def test_curves_pass_through_their_points():
    truth = moving_hand(14, FRAMES)
    result, _ = scored(4.0, "net", truth)
    chart = success_chart(
        series_of(result), thresholds_mm=result.curves.thresholds_mm, title="t", width=400, height=300
    )
    curve = next(mark for mark in chart.marks if isinstance(mark, Line) and mark.title)
    (left, low), (right, high) = curve.points[0], curve.points[-1]
    for (x, y), threshold, rate in zip(
        curve.points, result.curves.thresholds_mm, result.curves.worst_joint, strict=True
    ):
        assert x == pytest.approx(left + (right - left) * threshold / 80)
        assert y == pytest.approx(low + (high - low) * rate / result.curves.worst_joint[-1])
    assert high < low


def test_marks_in_both_forms():
    marks = [
        Line(((10, 10), (90, 10)), "#ff0000", 4),
        Bar((10, 20), (30, 20), "#00ff00", "a bar & more"),
        Dot((70, 30), 8, "#0000ff"),
        Text((10, 70), "<text>", INK, 20),
    ]
    chart = Chart(100, 80, marks)
    picture, svg = to_picture(chart), to_svg(chart)
    assert picture.shape == (160, 200, 3)
    assert picture[20, 100].tolist() == [0, 0, 255]
    assert picture[60, 50].tolist() == [0, 255, 0]
    assert picture[60, 140].tolist() == [255, 0, 0]
    assert picture[100:150, 20:100].min() < 90
    assert picture[5, 5].tolist() == [255, 255, 255]
    assert "a bar &amp; more" in svg
    assert "&lt;text&gt;" in svg
    assert "var(--ink,#1c2128)" in svg
    ElementTree.fromstring(svg)


def count(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - color).sum(axis=-1) < 20).sum())


def test_a_tile_shows_estimate_and_truth():
    truth = moving_hand(21, 1)[0]
    tile = hand_tile(HAND21, estimated=truth + 15.0, truth=truth, size=200)
    assert tile.shape == (200, 600, 3)
    for panel in (tile[:, :200], tile[:, 200:400], tile[:, 400:]):
        assert count(panel, TRUTH) > 50
        assert count(panel, FINGER_COLORS["middle"]) > 20


def test_the_depth_picture_is_drawn_where_there_is_one(tmp_path):
    truth = moving_hand(21, FRAMES)
    result, estimated = scored(4.0, "net", truth, HAND21)
    camera = Camera(fx=240.0, fy=240.0, cx=160.0, cy=120.0, width=320, height=240)
    asked: list[int] = []

    def depth_of(row: int) -> DepthImage | None:
        asked.append(row)
        return None if row == result.worst_frames[0] else DepthImage(np.full((240, 320), 480, np.float32), camera)

    pictures: list[np.ndarray] = []
    for name, given in (("with", depth_of), ("without", None)):
        page = write_report(tmp_path / name, result, HAND21, predictions_mm=estimated, labels_mm=truth, depth_of=given)
        picture = cv2.imread(str(page.parent / "worst.png"))
        assert picture is not None
        pictures.append(picture.astype(int))
    assert asked == list(result.worst_frames)
    shown, plain = pictures
    changed = np.abs(shown - plain).sum(axis=-1) > 30
    assert not changed[:280, : shown.shape[1] // 2].any()
    assert changed[:280, shown.shape[1] // 2 :].mean() > 0.1


def test_an_estimate_far_outside_is_drawn_all_the_same():
    truth = moving_hand(21, 1)[0]
    camera = Camera.named("icvl")
    image = DepthImage(np.zeros((240, 320), np.float32), camera)
    hand_tile(HAND21, estimated=truth * [1e6, 1, 1e-6], truth=truth, image=image, size=100)
