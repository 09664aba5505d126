"""A camera in plain numbers: by hand, there and back, from what devices and drivers say, and what it refuses."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handkit.camera import Camera, CameraChoice, camera_from_dict, camera_to_dict, undistortion
from handkit.doubts import doubts_about
from handkit.errors import CameraError, SourceError
from handkit.named_cameras import CAMERAS

LENS = (-0.28, 0.09, 0.001, -0.002, -0.01)
"""Bends as much as the lens of a Kinect v2 or an Azure Kinect."""
RATIONAL = (0.45, -2.6, 0.0008, -0.0003, 1.5, 0.33, -2.4, 1.42)


def camera(**changes: Any) -> Camera:
    numbers: dict[str, Any] = {"fx": 400.0, "fy": 300.0, "cx": 80.0, "cy": 60.0, "width": 160, "height": 120}
    return Camera(**(numbers | changes))


def test_one_point_by_hand():
    """u = fx x / z + cx: 400 * 50 / 500 + 80 = 120; v = 300 * -25 / 500 + 60 = 45."""
    point, pixel = np.array([[50.0, -25.0, 500.0]]), np.array([[120.0, 45.0]])
    np.testing.assert_allclose(camera().project(point), pixel)
    np.testing.assert_allclose(camera().unproject(pixel, np.array([500.0])), point)
    assert camera().project(point.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("lens", [LENS[:4], LENS, RATIONAL], ids=["4", "5", "8"])
def test_distortion_is_opencv_s(lens):
    bent = camera(fx=120.0, fy=118.0, distortion=lens)
    points = np.random.default_rng(0).uniform((-200, -150, 400), (200, 150, 600), (50, 3))
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), bent.matrix, np.array(lens))
    np.testing.assert_allclose(bent.project(points), expected[:, 0], atol=1e-9)
    np.testing.assert_allclose(bent.unproject(bent.project(points), points[:, 2]), points, atol=0.01)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("lens", [None, LENS], ids=["none", "5"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_point_in_the_plane_of_the_camera_has_no_pixel(lens, kind):
    points = np.array([[0, 0, 0], [50, -25, 0], [50, -25, 500]], kind)
    pixels = camera(distortion=lens).project(points)
    assert pixels.dtype == kind
    assert np.isnan(pixels).all(-1).tolist() == [True, True, False]


@given(st.floats(0, 159), st.floats(0, 119), st.floats(100, 2000))
def test_unproject_is_the_inverse_of_project(u, v, depth):
    pixel = np.array([u, v])
    point = camera().unproject(pixel, np.array(depth))
    np.testing.assert_allclose(camera().project(point), pixel, atol=1e-6)


def test_where_undistorted_pixels_look():
    bent = camera(fx=120.0, fy=118.0, distortion=LENS)
    columns, rows = undistortion(bent)
    ray = np.array([(10 - 80) / 120, (20 - 60) / 118, 1.0])
    np.testing.assert_allclose([columns[20, 10], rows[20, 10]], bent.project(ray * 500), atol=1e-3)
    assert bent.pinhole == camera(fx=120.0, fy=118.0)
    assert camera(distortion=(0.0,) * 5) == camera()


@pytest.mark.parametrize("lens", [None, LENS[:4], LENS, RATIONAL], ids=["none", "4", "5", "8"])
def test_through_json_and_back(lens):
    taken = camera(fx=400.1, unit_mm=0.1249, distortion=lens)
    record = json.loads(json.dumps(camera_to_dict(taken)))
    assert camera_from_dict(record) == taken
    older = {name: value for name, value in record.items() if name not in {"unit_mm", "distortion"}}
    assert camera_from_dict(older) == camera(fx=400.1)
    assert camera_from_dict(record | {"distortion": None}) == replace(taken, distortion=None)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (None, "a camera is a mapping with fx, .*; got None"),
        ({}, "this one has nothing"),
        ({"fx": 1.0, "fy": 1.0, "cx": 1.0, "cy": 1.0, "width": 1}, "a camera has fx, .*; this one has fx, fy, cx"),
        (camera_to_dict(camera()) | {"skew": 0.0}, "this one has fx, .*, skew"),
        (camera_to_dict(camera()) | {"distortion": 3}, "4, 5 or 8 finite coefficients"),
    ],
)
def test_json_of_no_camera(record, sentence):
    with pytest.raises(CameraError, match=sentence):
        camera_from_dict(record)


def test_from_a_matrix():
    assert Camera.from_matrix(camera().matrix, width=160, height=120) == camera()
    flat = [400, 0, 80, 0, 300, 60, 0, 0, 1]
    assert Camera.from_matrix(flat, width=160, height=120, unit_mm=0.25) == camera(unit_mm=0.25)
    with pytest.raises(CameraError, match="3 x 3"):
        Camera.from_matrix([1, 2, 3], width=1, height=1)
    with pytest.raises(CameraError, match="fx 0 cx"):
        Camera.from_matrix(np.ones((3, 3)), width=1, height=1)


def test_from_ros():
    flat = (400.0, 0.0, 80.0, 0.0, 300.0, 60.0, 0.0, 0.0, 1.0)
    first = SimpleNamespace(K=flat, D=LENS, width=160, height=120, distortion_model="plumb_bob")
    second = {"k": np.array(flat), "d": np.zeros(5), "width": 160, "height": 120, "distortion_model": "plumb_bob"}
    assert Camera.from_ros(first) == camera(distortion=LENS)
    assert Camera.from_ros(second, unit_mm=1000.0) == camera(unit_mm=1000.0)
    with pytest.raises(CameraError, match=r"'equidistant' is not known.*rectify"):
        Camera.from_ros(SimpleNamespace(K=flat, width=160, height=120, distortion_model="equidistant"))
    with pytest.raises(CameraError, match="has a field 'K'"):
        Camera.from_ros({"width": 160, "height": 120})


def test_from_realsense():
    seen = SimpleNamespace(
        fx=400.0,
        fy=300.0,
        ppx=80.0,
        ppy=60.0,
        width=160,
        height=120,
        model="distortion.brown_conrady",
        coeffs=[0.0] * 5,
    )
    assert Camera.from_realsense(seen, depth_scale=0.000125) == camera(unit_mm=0.125)
    seen.coeffs = list(LENS)
    assert Camera.from_realsense(seen).distortion == LENS
    seen.model = "distortion.inverse_brown_conrady"
    with pytest.raises(CameraError, match="inverse_brown_conrady"):
        Camera.from_realsense(seen)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"fx": 0.0}, "positive focal lengths"),
        ({"fy": -240.0}, "positive focal lengths"),
        ({"fx": float("nan")}, "finite"),
        ({"fx": float("inf")}, "finite"),
        ({"cx": float("nan")}, "finite"),
        ({"fx": 1e30, "fy": 1e30}, "at most 100000"),
        ({"fx": 3.6}, "with fx 3.6 an image of 160 pixels shows 175 degrees, .* in pixels, not in mm"),
        ({"fy": 10.0}, "with fy 10"),
        ({"width": 0}, "positive size"),
        ({"height": -1}, "positive size"),
        ({"unit_mm": 0.0}, "unit"),
        ({"unit_mm": float("nan")}, "unit"),
        ({"distortion": (0.1, 0.2)}, "4, 5 or 8"),
        ({"distortion": (0.1, 0.2, 0.0, float("nan"))}, "finite"),
    ],
)
def test_numbers_that_are_no_camera_s(changes, sentence):
    with pytest.raises(CameraError, match=sentence):
        camera(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"cx": 10.0}, "principal point"),
        ({"cx": 60.0, "cy": 80.0}, "cx and cy exchanged"),
        ({"fx": 80.0, "fy": 60.0, "cx": 400.0, "cy": 400.0}, "the order is fx,fy,cx,cy"),
        ({"fx": 150.0, "fy": 80.0, "cx": 150.0, "cy": 60.0}, "are fy and cx exchanged"),
        ({"cx": 160.0, "cy": 120.0}, "another resolution, 2 times"),
        ({"fx": 90.0, "fy": 75.0}, "differ by more than 15 %"),
        ({"fx": 400.0, "fy": 300.0}, "differ by more than 15 %"),
        ({"fx": 2000.0, "fy": 2000.0}, "shows 5 degrees"),
    ],
)
def test_doubts(changes, words):
    doubts = doubts_about(camera(**({"fx": 150.0, "fy": 150.0} | changes)))
    if words is None:
        assert doubts == ()
    else:
        assert any(words in doubt for doubt in doubts), doubts


@pytest.mark.parametrize("name", CAMERAS)
def test_named_cameras_are_not_doubtful(name):
    named, listed = Camera.named(name.upper()), CAMERAS[name]
    assert (named.width, named.height, named.unit_mm) == (listed.width, listed.height, listed.unit_mm)
    assert doubts_about(named) == ()
    middle = named.unproject(np.array([(listed.width - 1) / 2, (listed.height - 1) / 2]), np.array(500.0))
    assert np.linalg.norm(middle[:2]) < 25.0
    assert listed.source


def test_named_cameras_know_their_unit():
    units = {name: sheet.unit_mm for name, sheet in CAMERAS.items() if sheet.unit_mm != 1}
    assert units == {"sr305": 0.125, "l515": 0.25}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("kinect_2", "did you mean kinect2"),
        ("Kinekt2", "did you mean kinect2"),
        ("sr-300", "did you mean sr300"),
        ("azure", "did you mean azure-kinect"),
        ("hand17", "did you mean hands17"),
        ("realsense", "which one: sr305, sr300, d415, d435, l515"),
        ("RealSense", "which one: sr305"),
        ("kinect", "which one: kinect1, kinect2, azure-kinect"),
        ("qqq", "known: icvl, nyu"),
    ],
)
def test_an_unknown_camera_suggests_what_may_be_meant(typed, meant):
    with pytest.raises(CameraError, match=f"unknown camera '{typed}'; {meant}") as error:
        Camera.named(typed)
    assert "fx,fy,cx,cy" in str(error.value)


def test_camera_by_name_must_fit_the_image():
    choice = CameraChoice.parse("sr305")
    assert choice.fit(640, 480) == Camera.named("sr305")
    with pytest.raises(SourceError, match=r"320x240 but the camera 'sr305' is 640x480.*icvl, msra"):
        choice.fit(320, 240)
    with pytest.raises(SourceError, match=r"a.png is 7x5.*name its camera or give its fx,fy,cx,cy"):
        choice.fit(7, 5, source="a.png")


def test_a_resized_image_is_told_its_numbers():
    """Half the size: half of each focal length; the middle of pixel 0 is at 0 in both."""
    with pytest.raises(SourceError, match=r"if the whole image was resized: 181.95,181.95,127.45,102.9$"):
        CameraChoice.parse("kinect2").fit(256, 212)
    with pytest.raises(SourceError, match=r"or give its fx,fy,cx,cy$"):
        CameraChoice.parse("kinect2").fit(256, 256)


def test_camera_by_numbers_takes_the_image_s_size():
    choice = CameraChoice.parse("500, 501,319.5,239.5")
    assert choice.fit(64, 48) == Camera(fx=500.0, fy=501.0, cx=319.5, cy=239.5, width=64, height=48)
    assert choice.known is None
    bent = CameraChoice.parse("500,501,319.5,239.5,-0.28,0.09,0.001,-0.002,-0.01")
    assert bent.fit(64, 48).distortion == LENS


@pytest.mark.parametrize(
    "text",
    [
        "500 501 319.5 239.5",
        " 500, 501, 319.5, 239.5 ",
        "500;501;319.5;239.5",
        "[500,501,319.5,239.5]",
        "fx=500,fy=501,cx=319.5,cy=239.5",
        "cx: 319.5 cy: 239.5 FX: 500 FY: 501",
    ],
)
def test_numbers_as_people_write_them(text):
    assert CameraChoice.parse(text).numbers == (500.0, 501.0, 319.5, 239.5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kinekt2", "did you mean kinect2"),
        ("500,5,500,5,320,240", "points for decimals"),
        ("fx=500,fy=500,cx=320", "four numbers"),
        ("fx=500,fx=500,cx=320,cy=240", "four numbers"),
        ("500,500,320", "four numbers"),
        ("500,500,320,240,0.1", "four numbers"),
        ("500,500,320,x", "four numbers"),
        ("0,500,320,240", "positive focal lengths"),
        ("nan,500,320,240", "finite"),
        ("1e30,1e30,0,0", "at most"),
    ],
)
def test_cameras_that_are_none(text, expected):
    with pytest.raises(CameraError, match=expected) as error:
        CameraChoice.parse(text)
    assert error.value.status == 2


LENSLESS = Camera(fx=241.0, fy=241.0, cx=160.0, cy=120.0, width=320, height=240)


def test_a_lens_that_bends_corners_across_the_image_is_doubted():
    assert doubts_about(replace(LENSLESS, distortion=(0.1, -0.05, 0.001, 0.0))) == ()
    for lens in ((50.0, 50.0, 50.0, 50.0), (1e30, 0.0, 0.0, 0.0)):
        (doubt,) = doubts_about(replace(LENSLESS, distortion=lens))
        assert "distortion moves corners of the image by" in doubt


def test_trailing_zeros_of_a_lens_are_left_out():
    four = replace(LENSLESS, distortion=(0.1, 0.0, 0.0, 0.0))
    assert all(four == replace(LENSLESS, distortion=(0.1, *[0.0] * more)) for more in (3, 4, 7))
    assert replace(LENSLESS, distortion=(0.1, 0.0, 0.0, 0.0, 0.2)).distortion == (0.1, 0.0, 0.0, 0.0, 0.2)


@pytest.mark.parametrize("name", ["fx", "cx", "width", "unit_mm"])
@pytest.mark.parametrize("value", [True, 10**400, -(10**400)])
def test_what_is_no_number_of_a_camera(name: str, value: int):
    with pytest.raises(CameraError, match=f"a camera's {name} is a"):
        replace(LENSLESS, **{name: value})
