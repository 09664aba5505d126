"""Archives: a row for every frame, whoever is killed and whenever."""

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

import handkit
from handkit.archive import Labeling, annotate
from handkit.archive.engines import Share
from handkit.archive.frames import ImageFiles, checksum, list_frames
from handkit.camera import CameraChoice
from handkit.cli import main
from handkit.depth import DepthImage
from handkit.errors import HandkitError, SourceError, UsageError
from handkit.estimator import HandPoseEstimator
from handkit.files.png import write_png
from handkit.hand import HandPose, Prediction
from handkit.skeleton import HAND21
from handkit.sources.source import Calibration

parquet = pytest.importorskip("pyarrow.parquet")

NUMBERS = "60,60,32,24"
NONE = "nothing here"


def pose(image) -> HandPose:
    """A hand whose place is the image's first value."""
    joints = np.linspace((-60, -60, 560), (60, 60, 640), 21).astype(np.float32)
    joints[:, 2] = image.depth[0, 0]
    uncertainty = np.full(21, np.nan, np.float32)
    uncertainty[0] = 3.5
    return HandPose(joints, joints[:, :2] / 10, "left", 0.75, HAND21, uncertainty, 0.875)


def answer(_, image, **__) -> Prediction:
    if image.depth[0, 0] % 3 == 0:
        return Prediction([], NONE, {}, cause="not sure")
    return Prediction([pose(image)] * (1 + int(image.depth[0, 0] % 2)), None, {}, ("a warning",))


@pytest.fixture
def estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network: `answer` for every frame."""
    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", lambda *_, **__: object.__new__(HandPoseEstimator))
    monkeypatch.setattr(HandPoseEstimator, "run", answer)
    monkeypatch.setattr(HandPoseEstimator, "skeleton", HAND21)


def image(value: int) -> np.ndarray:
    return np.full((48, 64), 500 + value, np.uint16)


def folder_of(path: Path, count: int) -> Path:
    path.mkdir()
    for index in range(count):
        write_png(path / f"{index}.png", image(index))
    return path


def rows(path: Path) -> list[dict]:
    return parquet.read_table(path).to_pylist()


@pytest.mark.usefixtures("estimator")
class TestRows:
    def test_one_for_each_frame_in_order(self, tmp_path: Path):
        folder, out = folder_of(tmp_path / "frames", 11), tmp_path / "out.parquet"
        told: list[tuple[int, int]] = []
        done = annotate(str(folder), out, camera=NUMBERS, shard_frames=4, tell=lambda *each: told.append(each))
        assert done == (11, 11, 0, 7, 0)
        assert told == [(0, 11), (4, 11), (4, 11), (3, 11)]
        assert sorted(path.name for path in out.iterdir()) == [f"part-0000{i}-of-00003.parquet" for i in range(3)]
        found = rows(out)
        assert [row["index"] for row in found] == list(range(11))
        assert [row["name"] for row in found] == [str(folder / f"{index}.png") for index in range(11)]
        for value, row in enumerate(found, start=500):
            assert row["time_ns"] is None
            assert row["camera"]["fx"] == 60
            assert (row["camera"]["width"], row["camera"]["distortion"]) == (64, [])
            assert (row["reason"], row["cause"]) == ((NONE, "not sure") if value % 3 == 0 else (None, None))
            assert len(row["hands"]) == (0 if value % 3 == 0 else 1 + value % 2)
            for hand in row["hands"]:
                assert hand["joints_mm"][4][2] == value
                assert np.shape(hand["joints_mm"]) == (21, 3)
                assert np.shape(hand["joints_px"]) == (21, 2)
                assert hand["uncertainty_mm"] == [3.5] + [None] * 20
                assert (hand["handedness"], hand["confidence"]) == ("left", pytest.approx(0.75 * 0.875, abs=1e-4))
                assert hand["handedness_probability"] == 0.875
                assert row["warnings"] == ["a warning"]

    def test_metadata_say_what_it_was_made_of(self, tmp_path: Path):
        folder, out = folder_of(tmp_path / "frames", 2), tmp_path / "out.parquet"
        annotate(str(folder), out, camera="90,91,32,24", labeling=Labeling(hands=1, handedness="left"))
        about = json.loads(parquet.read_schema(next(out.iterdir())).metadata[b"handkit"])
        assert about["camera"] == "90,91,32,24"
        assert (about["frames"], about["hands"], about["handedness"]) == (2, 1, "left")
        assert (about["skeleton"], about["joints"]) == ("hand21", list(HAND21.joints))
        assert len(about["weights_sha256"]) == 64

    def test_what_cannot_be_read_is_a_row_with_its_reason(self, tmp_path: Path):
        folder, out = folder_of(tmp_path / "frames", 5), tmp_path / "out.parquet"
        (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:100])
        write_png(folder / "3.png", np.zeros((48, 64, 3), np.uint8))
        (folder / "2.png").write_text("hello")
        assert annotate(str(folder), out, camera=NUMBERS) == (5, 5, 0, 1, 3)
        found = rows(out)
        assert [row["index"] for row in found] == list(range(5))
        for index, words in ((1, "truncated"), (2, "not a depth image"), (3, "16")):
            assert words in found[index]["reason"]
            assert found[index]["cause"] == "refused"
            assert (found[index]["hands"], found[index]["camera"]) == ([], None)
        assert found[0]["hands"]

    def test_stacks_have_a_row_for_each_page(self, tmp_path: Path):
        folder, out = folder_of(tmp_path / "frames", 1), tmp_path / "out.parquet"
        cv2.imwritemulti(str(folder / "5.tiff"), [image(1), image(2), image(3)])
        np.savez(folder / "7.npz", a=image(4), b=image(5), c=np.zeros(3))
        assert annotate(str(folder), out, camera=NUMBERS, shard_frames=2).frames == 6
        found = rows(out)
        stack, arrays = folder / "5.tiff", folder / "7.npz"
        names = [folder / "0.png", *(f"{stack}[{i}]" for i in range(3)), *(f"{arrays}[{i}]" for i in range(2))]
        assert [row["name"] for row in found] == [str(name) for name in names]
        depths = [row["hands"][0]["joints_mm"][0][2] if row["hands"] else None for row in found]
        assert depths == [500, None, 502, 503, None, 505]

    def test_a_recording_keeps_its_times_and_its_camera(self, tmp_path: Path):
        pytest.importorskip("mcap_ros2")
        folder, out = folder_of(tmp_path / "frames", 7), tmp_path / "out.parquet"
        assert main(["convert", str(folder), str(tmp_path / "a.mcap"), "--camera", NUMBERS]) == 0
        assert annotate(str(tmp_path / "a.mcap"), out, shard_frames=3) == (7, 7, 0, 5, 0)
        found = rows(out)
        assert [row["name"] for row in found] == [f"{tmp_path}/a.mcap[{i}]" for i in range(7)]
        assert [row["time_ns"] for row in found] == [i * 33_333_333 for i in range(7)]
        assert [row["camera"]["fx"] for row in found] == [60] * 7
        depths = [row["hands"][0]["joints_mm"][0][2] if row["hands"] else None for row in found]
        assert depths == [500, None, 502, 503, None, 505, 506]
        for path in sorted(out.iterdir())[1:2]:
            path.unlink()
        assert annotate(str(tmp_path / "a.mcap"), out, shard_frames=3) == (7, 3, 0, 5, 0)
        assert rows(out) == found

    def test_a_recording_that_is_cut(self, tmp_path: Path):
        pytest.importorskip("mcap_ros2")
        folder, out = folder_of(tmp_path / "frames", 1), tmp_path / "out.parquet"
        for index in range(400):
            write_png(folder / f"{index}.png", np.random.default_rng(index).integers(500, 900, (48, 64), np.uint16))
        recording = tmp_path / "a.mcap"
        assert main(["convert", str(folder), str(recording), "--camera", NUMBERS]) == 0
        recording.write_bytes(recording.read_bytes()[: recording.stat().st_size * 2 // 3])
        told: list[str] = []
        done = annotate(str(recording), out, report=told.append)
        assert 100 < done.frames < 400
        assert [row["index"] for row in rows(out)] == list(range(done.frames))
        assert len(told) == 1
        assert "ends in the middle" in told[0]

    def test_a_doubtful_camera_is_told_before_the_first_frame(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        monkeypatch.setattr(HandPoseEstimator, "run", lambda *_, **__: Prediction([], NONE, {}, cause="not sure"))
        looked: list[float] = []

        def doubt(_: HandPoseEstimator, *images: DepthImage) -> str | None:
            looked.extend(float(each.depth[0, 0]) for each in images)
            return "are the numbers another's?" if looked else None

        monkeypatch.setattr(HandPoseEstimator, "doubt_of_camera", doubt)
        folder, out = folder_of(tmp_path / "frames", 60), tmp_path / "out.parquet"
        (folder / "6.png").write_text("no image")
        command = ["annotate", str(folder), "--out", str(out), "--camera", NUMBERS]
        assert main(command) == 0
        said = capsys.readouterr()
        assert "handkit: warning: are the numbers another's?" in said.err
        assert said.out.endswith("all are there\n0 with a hand, 1 refused\n")
        assert looked == [500, 512, 524, 548], "of 0, 6, ... 54; 6 cannot be read"
        assert main(command) == 0
        assert "warning" not in capsys.readouterr().err, "there is nothing left to do"


@pytest.mark.usefixtures("estimator")
class TestAgain:
    def test_it_goes_on_with_what_is_missing(self, tmp_path: Path):
        folder, out = folder_of(tmp_path / "frames", 9), tmp_path / "out.parquet"
        annotate(str(folder), out, camera=NUMBERS, shard_frames=2)
        whole = rows(out)
        first, *_ = sorted(out.iterdir())
        before = first.stat().st_mtime_ns
        (out / "part-00002-of-00005.parquet").unlink()
        left = out / ".part-00002-of-00005.parquet.host-1.partial"
        left.write_bytes(b"half")
        assert len(rows(out)) == 7  # what is half written is hidden from readers
        assert annotate(str(folder), out, camera=NUMBERS, shard_frames=2) == (9, 2, 0, 6, 0)
        assert rows(out) == whole
        assert first.stat().st_mtime_ns == before
        assert not left.exists()

    def test_ranks_share_the_shards(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        folder, out = folder_of(tmp_path / "frames", 10), tmp_path / "out.parquet"
        monkeypatch.setenv("WORLD_SIZE", "3")
        left = []
        for rank in (2, 0, 1):
            monkeypatch.setenv("RANK", str(rank))
            left.append(annotate(str(folder), out, camera=NUMBERS, shard_frames=2))
        assert left == [(10, 2, 8, 1, 0), (10, 4, 4, 3, 0), (10, 4, 0, 7, 0)]
        assert [row["index"] for row in rows(out)] == list(range(10))

    def test_other_settings_and_other_frames_are_refused(self, tmp_path: Path):
        folder, out = folder_of(tmp_path / "frames", 3), tmp_path / "out.parquet"
        annotate(str(folder), out, camera=NUMBERS)
        for calibration in ({"camera": "61,60,32,24"}, {"labeling": Labeling(hands=1)}, {"shard_frames": 2}):
            with pytest.raises(HandkitError, match=r"was begun with .*; give the same, or another --out"):
                annotate(str(folder), out, **{"camera": NUMBERS, **calibration})  # pyright: ignore
        write_png(folder / "3.png", image(3))
        with pytest.raises(HandkitError, match="was begun with frames 3, and this is 4"):
            annotate(str(folder), out, camera=NUMBERS)
        (folder / "1.png").unlink()
        with pytest.raises(HandkitError, match="was begun with names_crc32"):
            annotate(str(folder), out, camera=NUMBERS)

    def test_a_damaged_or_foreign_file_is_named(self, tmp_path: Path):
        folder, out = folder_of(tmp_path / "frames", 3), tmp_path / "out.parquet"
        annotate(str(folder), out, camera=NUMBERS)
        (path,) = out.iterdir()
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(HandkitError, match=r"part-00000-of-00001.parquet is damaged .* delete it and run"):
            annotate(str(folder), out, camera=NUMBERS)
        pyarrow = pytest.importorskip("pyarrow")
        parquet.write_table(pyarrow.table({"a": [1]}), path)
        with pytest.raises(HandkitError, match="is of no archive of handkit's; give another --out"):
            annotate(str(folder), out, camera=NUMBERS)


def test_what_cannot_be_annotated(tmp_path: Path):
    folder, out = folder_of(tmp_path / "frames", 1), tmp_path / "out.parquet"
    with pytest.raises(UsageError, match=r"ends in .parquet; got .*, try .*out.parquet"):
        annotate(str(folder), tmp_path / "out", camera=NUMBERS)
    with pytest.raises(UsageError, match="does not say which camera took it"):
        annotate(str(folder), out)
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(SourceError, match=r"notes.txt is not a depth image; expected"):
        annotate(str(tmp_path / "notes.txt"), out)
    with pytest.raises(UsageError, match="synthetic has no end"):
        annotate("synthetic", out)
    with pytest.raises(SourceError, match=r"`handkit convert a.bag a.mcap`, and give that"):
        annotate("a.bag", out)
    with pytest.raises(SourceError, match="does not exist"):
        annotate(str(tmp_path / "nowhere.png"), out, camera=NUMBERS)
    with pytest.raises(UsageError, match="workers is 0"):
        annotate(str(folder), out, camera=NUMBERS, workers=0)
    (tmp_path / "store").mkdir()
    (tmp_path / "store/store.json").write_text("{}")
    with pytest.raises(UsageError, match="is a packed store"):
        annotate(str(tmp_path / "store"), out, camera=NUMBERS)
    assert not out.exists()


@pytest.mark.parametrize("given", [("3", "3"), ("-1", "2"), ("x", "2"), ("0", ""), ("", "2")])
def test_ranks_that_cannot_be(given: tuple[str, str], monkeypatch: pytest.MonkeyPatch):
    for name, value in zip(("RANK", "WORLD_SIZE"), given, strict=True):
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="expected a RANK from 0 to WORLD_SIZE - 1"):
        Share.from_environment()


def test_a_hundred_thousand_files_are_named_in_a_moment(tmp_path: Path):
    """By processor time: a search that copies the list would take minutes."""
    paths = [f"{index}.png" for index in range(100_000)]
    frames = ImageFiles(paths, list(range(100_001)), Calibration(), tmp_path)
    begun = time.process_time()
    assert checksum(frames) == zlib.crc32("".join(f"{path}\n" for path in paths).encode())
    assert time.process_time() - begun < 10


def test_reading_some_is_reading_all(tmp_path: Path):
    folder = folder_of(tmp_path / "frames", 3)
    np.savez(folder / "9.npz", a=image(10), b=image(11))
    frames = list_frames(str(folder), Calibration(CameraChoice.parse(NUMBERS)))
    assert isinstance(frames, ImageFiles)
    values = [raw.values[0, 0] for raw in frames.read([1, 3, 4]) if not isinstance(raw, HandkitError)]
    assert values == [501, 510, 511]
    (folder / "9.npz").unlink()
    assert "does not exist" in str(next(frames.read([4])))


FRAMES, SHARD = 24, 2
TAKEN_BY = "475.066,475.066,315.945,245.287"
"""The recording that comes with the package."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "frames"
    folder.mkdir()
    images = sorted(Path(handkit.__file__).with_name("recording").glob("*.png"))
    for index in range(FRAMES):
        (folder / f"{index}.png").write_bytes(images[index % len(images)].read_bytes())
    return folder


@pytest.fixture(scope="module")
def whole(recorded: Path) -> list[dict]:
    """What comes of it where nothing is killed."""
    out = recorded.parent / "whole.parquet"
    annotate(str(recorded), out, camera=TAKEN_BY, shard_frames=FRAMES)
    found = rows(out)
    assert sum(bool(row["hands"]) for row in found) >= FRAMES // 2
    return found


class TestKilled:
    """With the bundled networks, in processes of their own."""

    def start(self, recorded: Path, out: Path, workers: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "handkit", "annotate", str(recorded), "--camera", TAKEN_BY]
        command += ["--out", str(out), "--shard-frames", str(SHARD), "--workers", str(workers)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def wait_for(out: Path, count: int) -> None:
        """Until so many shards are there."""
        deadline = time.monotonic() + 120
        while len(list(out.glob("part-*"))) < count:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    @pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in /proc")
    def test_a_worker_is_replaced(self, recorded: Path, whole: list[dict], tmp_path: Path):
        out = tmp_path / "out.parquet"
        process = self.start(recorded, out, workers=2)
        killed = 0
        for shards in (1, 5):
            self.wait_for(out, shards)
            for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(int(child), signal.SIGKILL)
                    killed += 1
                    break
        said, complaints = process.communicate(timeout=120)
        assert process.returncode == 0, complaints
        assert killed == 2
        assert complaints.count("a worker was ended by signal 9 at part-") == 2
        assert f"{FRAMES} frames labeled" in said
        assert rows(out) == whole
        assert not [path for path in out.iterdir() if path.name.startswith(".")]

    @pytest.mark.parametrize("moment", [0.0, 0.03, 0.11])
    def test_the_whole_command_is_run_again(self, recorded: Path, whole: list[dict], tmp_path: Path, moment: float):
        out = tmp_path / "out.parquet"
        process = self.start(recorded, out, workers=1)
        self.wait_for(out, 3)
        time.sleep(moment)
        process.kill()
        process.communicate()
        found = rows(out)
        assert 3 * SHARD <= len(found) < FRAMES
        assert found == whole[: len(found)]
        process = self.start(recorded, out, workers=1)
        assert process.wait(timeout=120) == 0
        assert rows(out) == whole
