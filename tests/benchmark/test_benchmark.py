"""How fast: what is timed is what was done, and all of it."""

import json
import os
import time

import numpy as np
import pytest
from fake_backend import FakeBackend, hand

from handkit.backends.opening import open_backend
from handkit.benchmark import networks, run_networks, run_pipeline, tables
from handkit.benchmark.machine import machine
from handkit.benchmark.pipeline import (
    SEARCHED,
    STAGES,
    TRACKED,
    Values,
    available,
    measure,
    recorded,
    search,
    steady,
    track,
)
from handkit.benchmark.session import busy, session
from handkit.camera import Camera
from handkit.cli import main
from handkit.depth import DepthImage
from handkit.errors import CheckpointError, HandkitError, SourceError, UsageError
from handkit.estimator import HandPoseEstimator
from handkit.models import MODELS
from handkit.sources.source import TimedFrame

CAMERA = Camera(fx=240.0, fy=240.0, cx=159.5, cy=119.5, width=320, height=240)


def depth(mm=500):
    values = np.full((240, 320), 900, np.uint16)
    values[80:160, 120:200] = mm
    return values


def estimator():
    return HandPoseEstimator(FakeBackend(CAMERA, [hand((0, 0, 500))]))


class Slow(FakeBackend):
    """Whose n-th look takes as many seconds more as `delay` says."""

    def __init__(self, delay):
        super().__init__(CAMERA, [hand((0, 0, 500))])
        self.delay = delay

    def estimate(self, depth, camera, cubes):
        answer = super().estimate(depth, camera, cubes)
        time.sleep(self.delay(len(self.looked_at)))
        return answer


def frames(*times):
    return [TimedFrame(DepthImage.of(depth(500 + i), CAMERA), at, i, depth(500 + i)) for i, at in enumerate(times)]


def test_a_camera_sees_the_newest_frame_to_the_end_and_back():
    shown = [int(each.depth[80, 120]) - 500 for each in steady(frames(1.0, 1.1, 1.15, 1.3), rate=20)]
    assert shown == [0, 0, 1, 2, 2, 2, 3, 3, 2, 2, 2, 1, 0, 0]
    assert len(steady(frames(0.0))) == 2


def test_the_stages_are_the_whole():
    shown, backend = [Values(depth(), CAMERA)] * 12, FakeBackend(CAMERA, [hand((0, 0, 500))])
    laps = list(track(HandPoseEstimator(backend), shown, hands=1))
    assert backend.searches == 1, "found once, then followed"
    assert ["locate" in lap for lap in laps] == [True] + [False] * 11
    for lap in laps:
        parts = sum(lap.get(stage, 0.0) for stage in STAGES[:-1])
        assert parts <= lap["total"] + 1e-6
        assert lap["total"] - parts < 1 + 0.5 * lap["total"]
    laps = list(search(HandPoseEstimator(backend), shown, hands=1))
    assert backend.searches == 13
    assert all(lap["capture"] + lap["locate"] + lap["estimate"] <= lap["total"] + 0.01 for lap in laps)


def test_a_slow_network_is_the_estimate_and_the_warm_up_does_not_count():
    slow = HandPoseEstimator(Slow(lambda count: 0.2 if count < 3 else 0.02))
    rows = measure({"slow": slow, "quick": estimator()}, [Values(depth(), CAMERA)] * 4, hands=1, rounds=2)
    assert [(row.backend, row.way, row.frames) for row in rows] == [
        ("slow", TRACKED, 8), ("quick", TRACKED, 8), ("slow", SEARCHED, 8), ("quick", SEARCHED, 8),
    ]  # fmt: skip
    spread = rows[0].stages["estimate"]
    assert 20 <= spread.fastest <= spread.median <= spread.p99
    assert spread.fastest < 100, "the two slow calls were warm-up"
    assert rows[1].stages["estimate"].fastest < 20
    assert rows[0].stages["track"].fastest < 20


def test_in_real_time_a_slow_backend_drops_frames_and_queues_none():
    slow, shown = HandPoseEstimator(Slow(lambda _: 0.12)), [Values(depth(), CAMERA)] * 10
    seen = session("slow", slow, shown, hands=1, neighbors=0, seconds=1.5)
    assert seen.frames < 15
    assert seen.dropped > seen.frames
    assert 30 <= seen.frames + seen.dropped <= 47, "30 a second for 1.5 s"
    assert 120 <= seen.median_ms <= seen.p99_ms < 1000


def test_neighbors_are_busy_and_gone_at_the_end():
    before = os.times().children_user
    with busy(1):
        time.sleep(0.6)
    assert os.times().children_user - before > 0.02
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_the_bundled_recording_is_played_without_any_extra():
    shown = recorded("demo")
    assert len(shown) == 2 * (11 * 250 * 30 // 1000 + 1)
    assert shown[0].depth.shape == (480, 640)
    with pytest.raises(UsageError, match="demo:2 is no recording"):
        recorded("demo:2")


def test_a_source_without_frames(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(SourceError, match=r"has no frame that can be used; what is wrong with it: handkit doctor"):
        recorded(str(tmp_path / "broken.png"), "240,240,160,120")


def test_backends_that_are_not_there_are_left_out_unless_asked_for(monkeypatch):
    def from_pretrained(name, *, backend, threads):
        if backend == "openvino":
            raise UsageError("OpenVINO is not installed")
        if backend == "torch":
            open_backend("nowhere", backend="torch", threads=1, detector="detector", confidence=None)
        return estimator()

    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", from_pretrained)
    said = []
    assert available("latent-fusion", (), threads=1, report=said.append).keys() == {"onnx"}
    assert [sentence.partition(" is left out: ")[0] for sentence in said] == ["openvino", "torch"]
    with pytest.raises(UsageError, match="OpenVINO is not installed"):
        available("latent-fusion", ("onnx", "openvino"), threads=1, report=said.append)
    with pytest.raises(CheckpointError):
        available("latent-fusion", ("torch",), threads=1, report=said.append)


def test_networks_stand_beside_their_papers(monkeypatch):
    monkeypatch.setattr(networks, "FEWEST", 1)
    monkeypatch.setattr(networks, "MODELS", {name: MODELS[name] for name in ("latent-fusion", "attention-hourglass")})
    fusion, hourglass = networks.measure_networks((1, 2), device="cpu", threads=1, seconds=0)
    assert fusion["paper"] == {"frames_per_second": 946, "machine": "GTX 1080 Ti"}
    assert hourglass["paper"] is None
    assert fusion["batches"].keys() == {"1", "2"}
    assert fusion["batches"]["1"]["fastest"] > hourglass["batches"]["1"]["fastest"] > 0, "1.9 and 20.6 GFLOP a crop"
    with pytest.raises(HandkitError, match="torch sees no GPU here"):
        list(networks.measure_networks((1,), device="cuda", threads=1))


def test_the_command_writes_figures_and_machine(monkeypatch, tmp_path, capfd):
    camera = recorded("demo")[0].camera
    fake = HandPoseEstimator(FakeBackend(camera, [hand((0, 0, 500))]))
    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", lambda *_, **__: fake)
    path = tmp_path / "speed.json"
    arguments = ["benchmark", "--backends", "onnx", "--rounds", "1", "--busy", "1", "--seconds", "1"]
    assert main([*arguments, "--json", str(path)]) == 0
    out = capfd.readouterr().out
    for word in ("tracking, demo, 640x480", "frame by frame", "locate", "onnx, beside 1 busy", machine()["processor"]):
        assert word in out
    made = json.loads(path.read_text())
    assert made["machine"]["cores"] == os.cpu_count()
    assert [row["way"] for row in made["pipeline"]] == [TRACKED, SEARCHED]
    assert made["pipeline"][0]["stages"]["total"]["p99"] >= made["pipeline"][0]["stages"]["total"]["median"] > 0
    assert made["sessions"][0]["neighbors"] == 1


def test_tables_are_made_of_what_was_written(monkeypatch):
    camera = recorded("demo")[0].camera
    fake = HandPoseEstimator(FakeBackend(camera, [hand((0, 0, 500))]))
    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", lambda *_, **__: fake)
    made = run_pipeline("demo", backends=("onnx",), rounds=1)
    assert "sessions" not in made
    tracked, searched = tables(json.loads(json.dumps(made))).items()
    assert tracked[0] == "tracking, demo, 640x480, ms: median, 99th percentile, fastest"
    assert searched[0].startswith(SEARCHED)
    assert [row[""] for row in tracked[1]] == [*STAGES, "CPU time, mean", "frames a second"]
    assert {"onnx"} < searched[1][0].keys()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"threads": 0}, "--threads 0: give 1 or more"),
        ({"rounds": 0}, "--rounds 0: give 1 or more"),
        ({"hands": 0}, "--hands 0: give 1 or more"),
        ({"busy": -1}, "--busy -1: give 0 or more"),
        ({"seconds": float("nan")}, "--seconds nan: give 1 to 3600"),
    ],
)
def test_numbers_out_of_their_range(asked, sentence):
    with pytest.raises(UsageError, match=sentence):
        run_pipeline("nothing is opened before", **asked)


@pytest.mark.parametrize("batches", [(), (0,), (8, -1)])
def test_batches_of_no_crop(batches):
    with pytest.raises(UsageError, match="--batches takes numbers of crops, 1 or more"):
        run_networks(batches)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--threads", "0"], "--threads 0: give 1 or more"),
        (["--busy", "-1"], "--busy -1: give 0 or more"),
        (["--seconds", "nan"], "--seconds nan: give 1 to 3600"),
        (["--networks", "--batches", "0"], "--batches takes numbers of crops, 1 or more"),
        (["--source", "dmo"], "did you mean demo?"),
    ],
)
def test_wrong_usage_is_a_sentence(arguments, sentence, capfd):
    assert main(["benchmark", *arguments]) == 2
    assert sentence in capfd.readouterr().err
