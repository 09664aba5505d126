"""The folder of a report: every file, one page without a network, and pictures that show what they should."""

import re
import sys
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from evaluation.hands import moving_hand

from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.drawing import FINGER_COLORS
from handkit.errors import FrameError, MissingExtraError
from handkit.evaluation import Protocol, Result, compare, score
from handkit.evaluation.metrics import joint_distances
from handkit.extras import install_command
from handkit.reports import write_report
from handkit.reports.charts import COLUMN_IN, KINDS, LIGHT, charted, save_figure, to_svg
from handkit.reports.figures import Series, joints_chart, series_of, success_chart
from handkit.reports.hands import TRUTH, hand_tile
from handkit.reports.recording import RecordingReport
from handkit.skeleton import HAND21, NYU14

FRAMES = 60

pytestmark = pytest.mark.usefixtures("every_kind_of_chart")


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
        "result.json", "report.html", "worst.png", "success.png", "success.svg", "success.pdf", "joints.png",
        "joints.svg", "joints.pdf",
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
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    for words in ("net &amp; co", "toy &lt;frames&gt;", f"{result.mean_error_mm:.2f} mm", "first", "is better", "nyu"):
        assert words in text
    for field in ("center", "cube", "epoch", "intrinsics", "success", "predictions"):
        assert f"<td>{field}</td>" in text


def test_curves_pass_through_their_points():
    truth = moving_hand(14, FRAMES)
    result, _ = scored(4.0, "net", truth)
    figure = success_chart(series_of(result), thresholds_mm=result.curves.thresholds_mm, title="t")
    (axes,) = figure.axes
    (curve,) = axes.lines
    assert curve.get_xdata() == pytest.approx(result.curves.thresholds_mm)
    assert curve.get_ydata() == pytest.approx(result.curves.worst_joint)
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 80), (0, 1))


def test_bars_and_dots_are_as_long_as_errors():
    series = [
        Series(name, 4.0, [0.0], [factor * joint for joint in range(1, 4)]) for factor, name in ((1, "a"), (2, "b"))
    ]
    figure = joints_chart(series, joints=["x", "y", "z"])
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.containers[0]] == [1, 2, 3]
    assert axes.lines[0].get_xdata() == pytest.approx([2, 4, 6])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x", "y", "z"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]


def test_a_chart_is_as_wide_as_a_column_and_the_same_each_time(tmp_path):
    written: list[dict[str, bytes]] = []
    for name in "ab":
        with charted(COLUMN_IN, 2.0) as (figure, (axes,)):
            axes.plot([0, 1], [0, 1], label="$<a> & b")
            axes.set_title("$x")
            axes.legend()
        save_figure(figure, tmp_path / name)
        written.append({kind: (tmp_path / f"{name}.{kind}").read_bytes() for kind in KINDS})
    assert written[0] == written[1]
    picture = cv2.imread(str(tmp_path / "a.png"))
    assert picture is not None
    assert picture.shape == (600, 1050, 3)
    assert written[0]["pdf"].startswith(b"%PDF")
    assert b"/MediaBox [ 0 0 252 144 ]" in written[0]["pdf"]


def test_an_svg_follows_its_reader():
    with charted(COLUMN_IN, 2.0) as (figure, (axes,)):
        axes.set_title("<title> & more")
    svg = to_svg(figure)
    ElementTree.fromstring(svg)
    assert "&lt;title&gt; &amp; more" in svg
    drawn = svg.replace(svg[svg.index("<style>svg") : svg.index("</style>")], "")
    assert all(f"var(--{name})" in drawn and color not in drawn for name, color in LIGHT.items())
    assert "prefers-color-scheme:dark" in svg


def test_without_matplotlib_the_extra_is_named_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    truth = moving_hand(14, FRAMES)
    result, estimated = scored(4.0, "net", truth)
    with pytest.raises(
        MissingExtraError, match=re.escape(f"matplotlib is not installed: {install_command('reports')}")
    ):
        write_report(tmp_path / "out", result, NYU14, predictions_mm=estimated, labels_mm=truth)
    assert not (tmp_path / "out").exists()
    with pytest.raises(MissingExtraError, match="matplotlib is not installed"):
        RecordingReport(tmp_path / "a.html")


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

    def depth_of(row: int) -> DepthImage:
        asked.append(row)
        if row == result.worst_frames[0]:
            raise FrameError("the depth image is blurred")
        return DepthImage(np.full((240, 320), 480, np.float32), camera)

    pictures: list[np.ndarray] = []
    pages: list[str] = []
    for name, given in (("with", depth_of), ("without", None)):
        page = write_report(tmp_path / name, result, HAND21, predictions_mm=estimated, labels_mm=truth, depth_of=given)
        picture = cv2.imread(str(page.parent / "worst.png"))
        assert picture is not None
        pictures.append(picture.astype(int))
        pages.append(page.read_text())
    refused = f"Without its depth image: 1 of them; frame {result.worst_frames[0]}, because the depth image is blurred."
    assert [refused in page for page in pages] == [True, False]
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
