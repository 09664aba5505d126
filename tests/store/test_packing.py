"""Writing a store: whatever interrupts it, the end is the same, byte for byte."""

import dataclasses
import errno
import json
import multiprocessing
import os
import random
import signal
import time
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch
from store.recorded import Recorded, packing_of, settings_of

from handkit.camera import Camera
from handkit.errors import StoreError
from handkit.files import atomic
from handkit.geometry.cube import Cube
from handkit.store import packing, shards
from handkit.store.packing import Packing, Window, pack
from handkit.store.store import PackedFrames

FRAMES = Recorded(14, damaged=(9,), seconds=0.002)
KILLS = 6
CAMERA = Camera(fx=100.0, fy=200.0, cx=50.0, cy=50.0, width=101, height=81)


class PulledPlugError(Exception):
    pass


def contents(store):
    return {path.name: path.read_bytes() for path in store.iterdir()}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "store"
    pack(packing_of(FRAMES, codec="zstd"), path)
    return contents(path)


def test_a_window_by_hand():
    """Edges of 100 mm times 2 at 500 mm are 40 x 80 pixels; a pixel to spare around; cut at the image's edge."""
    window = Window(Cube.around(torch.tensor([[100.0, 0.0, 500.0]]), edge=100.0), CAMERA, margin=2.0)
    assert (window.left, window.right) == (50 + 20 - 20 - 1, 50 + 20 + 20 + 2)
    assert (window.top, window.bottom) == (50 - 40 - 1, 81)
    depth = np.full((81, 101), 600.0, np.float32)
    depth[50, 60:64] = (0.0, 400.25, 600.5, 100.0)
    patch = window.cut(depth, unit_mm=0.25)
    assert patch[50 - 9, 60 - 49 : 64 - 49].tolist() == [0, 1601, 0, 400], "behind the back face there is nothing"
    assert patch[0, 0] == 2400


def test_a_cube_beside_the_image_has_a_window_all_the_same():
    window = Window(Cube.around(torch.tensor([[9e5, -9e5, 500.0]]), edge=100.0), CAMERA, margin=2.0)
    assert window.cut(np.ones((81, 101), np.float32), unit_mm=1.0).shape == (1, 1)


def test_files_of_a_store(uninterrupted):
    names = [f"shard-{number:05d}.bin" for number in range(4)]
    assert sorted(uninterrupted) == ["index.bin", *names, "sources.txt", "store.json"]


@pytest.mark.parametrize("workers", [2, 5])
def test_the_number_of_workers_makes_no_difference(tmp_path, uninterrupted, workers):
    told = []
    pack(packing_of(FRAMES, codec="zstd"), tmp_path / "store", workers=workers, tell=told.append)
    assert contents(tmp_path / "store") == uninterrupted
    assert sum(told) == 14


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process that begins at once")
@pytest.mark.parametrize("seed", range(3))
def test_killed_again_and_again(tmp_path, uninterrupted, seed):
    """The process itself, with SIGKILL, at random moments: of it nothing but files is left."""
    generator, context = random.Random(seed), multiprocessing.get_context("fork")
    settings = {"workers": 1 + seed % 2}

    def start(store):
        process = context.Process(target=pack, args=(packing_of(FRAMES, codec="zstd"), store), kwargs=settings)
        process.start()
        return process

    begun = time.monotonic()
    start(tmp_path / "whole").join()
    whole, killed = time.monotonic() - begun, 0
    for _ in range(KILLS):
        process = start(tmp_path / "store")
        process.join(generator.uniform(0.05, 0.5) * whole)
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGKILL)
            killed += 1
        process.join()
    pack(packing_of(FRAMES, codec="zstd"), tmp_path / "store", **settings)
    assert killed > 0
    assert contents(tmp_path / "store") == uninterrupted


def test_stopped_before_and_after_every_file_gets_its_name(tmp_path, monkeypatch, uninterrupted):
    """Slower than chance, but complete: every place where half of something could be left."""
    steps = iter(range(99))

    @contextmanager
    def interrupted(path):
        with atomic.written_whole(path) as file:
            yield file
            file.flush()
            if next(steps) == stop:
                raise PulledPlugError
        if next(steps) == stop:
            raise PulledPlugError

    monkeypatch.setattr(packing, "written_whole", interrupted)
    for stop in range(16):
        store, steps = tmp_path / f"store-{stop}", iter(range(99))
        with pytest.raises(PulledPlugError):
            pack(packing_of(FRAMES, codec="zstd"), store)
        whole = stop == 15  # settings, 4 shards, index, sources, manifest: before and after each
        with nullcontext() if whole else pytest.raises(StoreError):
            PackedFrames.open(store)
        pack(packing_of(FRAMES, codec="zstd"), store)
        assert contents(store) == uninterrupted
    steps, stop = iter(range(99)), None
    pack(packing_of(FRAMES, codec="zstd"), tmp_path / "last")
    assert next(steps) == 16, "there is no other place"


class FullDisk:
    """A file of a given number of bytes."""

    def __init__(self, file, left):
        self.file, self.left = file, left

    def write(self, data):
        self.left -= len(data)
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(data)


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path, monkeypatch, uninterrupted):
    @contextmanager
    def filling(path):
        with atomic.written_whole(path) as file:
            yield FullDisk(file, 1000) if path.name == "shard-00003.bin" else file

    with monkeypatch.context() as patch:
        patch.setattr(packing, "written_whole", filling)
        with pytest.raises(StoreError, match=r"no space is left for .*store: free some; 3 finished shards are kept"):
            pack(packing_of(FRAMES, codec="zstd"), tmp_path / "store")
    assert sorted(contents(tmp_path / "store")) == ["packing.json", *(f"shard-0000{number}.bin" for number in range(3))]
    begun = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").glob("shard-*")}
    with pytest.raises(StoreError, match=r"is not packed to the end \(3 shards are\)"):
        PackedFrames.open(tmp_path / "store")
    pack(packing_of(FRAMES, codec="zstd"), tmp_path / "store")
    assert contents(tmp_path / "store") == uninterrupted
    assert all(path.stat().st_mtime_ns == before for path, before in begun.items()), "not packed again"


def test_a_store_is_continued_only_as_it_was_begun(tmp_path):
    frames = Recorded(3)
    pack(packing_of(frames), tmp_path / "store")
    with pytest.raises(StoreError, match="cube 200 mm there and 300 mm here; name another folder"):
        pack(packing_of(frames, cube="300 mm"), tmp_path / "store")
    with pytest.raises(StoreError, match="frames 3 there and 4 here"):
        pack(packing_of(Recorded(4)), tmp_path / "store")
    before = contents(tmp_path / "store")
    pack(packing_of(frames), tmp_path / "store")
    assert contents(tmp_path / "store") == before, "once more changes nothing"


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match=r"holds other files"):
        pack(packing_of(Recorded(3)), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"/file is no folder; name a new folder, or an empty one$"):
        pack(packing_of(Recorded(3)), tmp_path / "file")
    with pytest.raises(StoreError, match=r"file/store lies below something that is no folder; name a new folder"):
        pack(packing_of(Recorded(3)), tmp_path / "file/store")


def test_a_folder_without_the_right_to_write_is_named(tmp_path, monkeypatch):
    @contextmanager
    def refusing(path):
        if path.name == refused:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        with atomic.written_whole(path) as file:
            yield file

    monkeypatch.setattr(packing, "written_whole", refusing)
    for refused, remedy in (
        ("packing.json", "name a folder that you may write to"),
        ("shard-00002.bin", r"let it be written to; \d finished shards are kept; run the same command again to go on"),
    ):
        with pytest.raises(StoreError, match=f"store/{refused} cannot be written: Permission denied; {remedy}$"):
            pack(packing_of(FRAMES), tmp_path / "store")


def other_frames():
    """Five frames as those of `Recorded(5)`, but for one source, one subject, one label, or their order."""
    frames = Recorded(5)
    records = [frames.record(index) for index in range(5)]
    joints = records[2].joints
    assert joints is not None
    for changed in (
        dataclasses.replace(records[2], source="seq/other.png"),
        dataclasses.replace(records[2], subject="P7"),
        dataclasses.replace(records[2], joints=joints + np.float32(1)),
        dataclasses.replace(records[2], joints=None),
    ):
        yield [*records[:2], changed, *records[3:]]
    yield [*records[:3], records[4], records[3]]


@pytest.mark.parametrize("records", list(other_frames()))
@pytest.mark.parametrize("whole", [False, True])
def test_frames_of_another_root_are_not_mixed_in(tmp_path, monkeypatch, records, whole):
    store = tmp_path / "store"
    pack(packing_of(Recorded(5)), store)
    if not whole:
        settings = json.loads((store / "store.json").read_text())["settings"]
        (store / "packing.json").write_text(json.dumps(settings))
        for name in ("store.json", "index.bin", "sources.txt", "shard-00001.bin"):
            (store / name).unlink()
    before = contents(store)
    monkeypatch.setattr(Recorded, "record", lambda _self, index: records[index])
    with pytest.raises(StoreError, match=r"store was begun with other frames: .* give the root that it was begun with"):
        pack(packing_of(Recorded(5)), store)
    assert contents(store) == before


def test_two_at_once_are_told_of_each_other(tmp_path):
    refused = []

    def second(_frames):
        with pytest.raises(StoreError, match="is being packed by another process"):
            pack(packing_of(Recorded(3)), tmp_path / "store")
        refused.append(1)

    pack(packing_of(Recorded(3)), tmp_path / "store", tell=second)
    assert len(refused) == 3


def test_a_cut_shard_is_packed_anew(tmp_path, uninterrupted):
    """By a file system that lost its end in a power cut, say."""
    store = tmp_path / "store"
    pack(packing_of(FRAMES, codec="zstd"), store)
    for name, length in (("shard-00001.bin", 7), ("shard-00002.bin", 0), ("shard-00003.bin", 2000)):
        (store / name).write_bytes((store / name).read_bytes()[:length])
    pack(packing_of(FRAMES, codec="zstd"), store)
    assert contents(store) == uninterrupted


def test_a_reader_that_fails_ends_the_packing(tmp_path):
    """An error of the whole data set, unlike that of an image, is not a fault of one frame."""

    def nowhere(_index, _record, _depth):
        raise PulledPlugError

    frames = Recorded(9)
    with pytest.raises(PulledPlugError):
        pack(Packing(frames, nowhere, settings_of(frames), 2), tmp_path / "store", workers=3)
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["packing.json"]


def test_the_largest_store_opens_within_a_second(tmp_path):
    """957,032 frames in 468 shards of 200 MB, all of them holes: nothing but the manifest is read."""
    store, frames, size = tmp_path / "store", 957_032, 200_000_000
    pack(packing_of(Recorded(2)), store)
    manifest = json.loads((store / "store.json").read_text())
    manifest["settings"]["frames"] = frames
    entry = manifest["shards"][0] | {"patch_bytes": size, "total_bytes": size}
    manifest["shards"] = [entry | {"name": shards.shard_name(number)} for number in range(468)]
    (store / "store.json").write_text(json.dumps(manifest))
    for name, length in [("index.bin", frames * shards.row_type(21).itemsize)] + [
        (entry["name"], size) for entry in manifest["shards"]
    ]:
        with (store / name).open("wb") as file:
            file.truncate(length)
    begun = time.process_time()
    assert len(PackedFrames.open(store)) == frames
    assert time.process_time() - begun < 1.0
