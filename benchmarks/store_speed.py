"""A packed store: patches a second from page cache, frames a second into it from PNGs, ratio and cost of the codec.

Everything on one core. Rates are by processor time, so that whatever else the machine does hardly weighs on them; by
the clock they stand beside. The frames are the renderer's, 640x480, with arm, clutter and the noise of a sensor.
"""

import dataclasses
import importlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import zstandard
from jaxtyping import Float32, Shaped, UInt16
from report import print_report, run_benchmark

from handkit.camera import Camera
from handkit.datasets.dataset import HandDataset, LabeledFiles, Record
from handkit.datasets.hands17 import decode as read_image
from handkit.geometry.cube import Cube
from handkit.recipes import CenterSource
from handkit.skeleton import HAND21, Skeleton
from handkit.store.codec import CODECS, Codec
from handkit.store.packing import MARGIN, CubeOf, Packing, Window, pack
from handkit.store.shards import Settings
from handkit.store.store import PackedFrames
from handkit.synthetic.scenes import sample_scenes, whole_frames

CAMERA = Camera.named("sr300")
EDGE_MM = 300.0
SIDE = 128
COMMON = Settings(
    dataset="hands17",
    split="train",
    skeleton=HAND21.name,
    frames=0,
    camera=(*(float(CAMERA.matrix[i, j]) for i, j in ((0, 0), (1, 1), (0, 2), (1, 2))), 640, 480),
    centers=CenterSource.MEAN,
    center_detail="",
    cube=f"{EDGE_MM:g} mm",
    margin=MARGIN,
    unit_mm=1.0,
    codec="none",
)
Write = Callable[[UInt16[np.ndarray, "H W"]], bytes]
Read = Callable[[bytes], Shaped[np.ndarray, " N"]]


@dataclass(frozen=True)
class Repeated:
    """`count` frames, whose images are a few again and again, from memory."""

    records: list[Record]
    images: list[Float32[np.ndarray, "H W"]]
    count: int
    name: str = "hands17"
    skeleton: Skeleton = HAND21
    camera: Camera = CAMERA

    def record(self, index: int) -> Record:
        return dataclasses.replace(self.records[index % len(self.records)], source=str(index))

    def depth(self, index: int) -> Float32[np.ndarray, "H W"]:
        return self.images[index % len(self.images)]

    def __len__(self) -> int:
        return self.count


def main(*, frames: int = 200, patches: int = 20_000, batch: int = 128, rounds: int = 60) -> None:
    """Pack `frames` different images; read `rounds` batches at random from `patches` patches of 128x128."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_images(folder / "images", frames)
        memory = Repeated([files.record(i) for i in range(frames)], [files.depth(i) for i in range(frames)], patches)
        print_report(
            f"packing {frames} PNGs of 640x480, one worker", [packing_row(files, folder, codec) for codec in CODECS]
        )
        rows: list[dict[str, str]] = []
        for codec in CODECS:
            store = store_of(memory, square, folder / f"square-{codec}", codec, margin=1.0)
            rows.append(reading_row(f"mapped, {codec}", store.batch, batch=batch, rounds=rounds, count=patches))
            rows[-1]["open, ms"] = f"{1e3 * seconds(lambda path=store.path: PackedFrames.open(path))[1]:.1f}"
        print_report(f"batches of {batch} random patches of {SIDE}x{SIDE}, as float32 mm with labels", rows)
        print_report(f"one patch of {EDGE_MM:g} mm times {MARGIN:g}, lossless", codec_rows(memory))


def write_images(folder: Path, count: int) -> LabeledFiles:
    """Rendered PNGs and their labels."""
    folder.mkdir()
    names = [f"image_D{number:08d}.png" for number in range(1, count + 1)]
    joints = np.empty((count, 21, 3), np.float32)
    for number, name in enumerate(names):
        scene = sample_scenes(1, torch.Generator().manual_seed(number), device="sr300")
        frame = whole_frames(scene)
        joints[number] = scene.joints[0].numpy()
        cv2.imwrite(str(folder / name), frame.depth[0].round().numpy().astype(np.uint16))
    return LabeledFiles(
        name="hands17",
        skeleton=HAND21,
        camera=CAMERA,
        root=folder,
        sources=names,
        joints=joints,
        subjects=["seen"] * count,
        decode=read_image,
    )


def around_joints(_index: int, record: Record, _depth: np.ndarray) -> Cube:
    """On the mean of the labels."""
    assert record.joints is not None
    return Cube.around(torch.from_numpy(record.joints.mean(0)[None]), edge=EDGE_MM)


def square(index: int, record: Record, depth: np.ndarray) -> Cube:
    """There too, but as wide as makes a patch of `SIDE` pixels."""
    cube = around_joints(index, record, depth)
    # A window has up to four pixels more than its cube; those of cubes at the image's edge are smaller.
    edges = cube.center[:, 2:].expand(1, 3) * (SIDE - 3.5) / CAMERA.fx
    return Cube.around(cube.center, edge=edges)


def store_of(frames: HandDataset, cube_of: CubeOf, path: Path, codec: Codec, *, margin: float) -> PackedFrames:
    """Packed with one worker."""
    settings = dataclasses.replace(COMMON, frames=len(frames), codec=codec, margin=margin)
    pack(Packing(frames, cube_of, settings), path)
    return PackedFrames.open(path)


def packing_row(files: LabeledFiles, folder: Path, codec: Codec) -> dict[str, str]:
    """Reading, cutting, encoding, checksums and fsync."""
    stores: list[PackedFrames] = []
    spent, passed = seconds(lambda: stores.append(store_of(files, around_joints, folder / codec, codec, margin=MARGIN)))
    size = sum(shard.patch_bytes for shard in stores[0].manifest.shards) / len(files)
    return {
        "codec": codec,
        "frames/s": f"{len(files) / spent:.0f}",
        "by the clock": f"{len(files) / passed:.0f}",
        "kB a patch": f"{size / 1e3:.1f}",
    }


def reading_row(
    name: str, read: Callable[[np.ndarray], object], *, batch: int, rounds: int, count: int
) -> dict[str, str]:
    """Rows at random; the same go before once, so that loops are compiled and pages are there."""
    generator = np.random.default_rng(0)
    rows = [generator.integers(0, count, batch) for _ in range(rounds)]

    def read_all() -> None:
        for chosen in rows:  # a batch is gone before the next: fresh memory would cost more than what is read into it
            read(chosen)

    read_all()
    spent, passed = seconds(read_all)
    return {
        "store": name,
        "patches/s": f"{batch * rounds / spent:,.0f}",
        "by the clock": f"{batch * rounds / passed:,.0f}",
        "open, ms": "-",
    }


def codec_rows(frames: Repeated) -> list[dict[str, str]]:
    """Bytes and time of zstandard and, where it is installed, blosc2; read as into a batch, float32 mm."""
    patches = [cut(frames, index) for index in range(len(frames.records))]
    plain = sum(patch.nbytes for patch in patches)
    image = np.empty((CAMERA.height, CAMERA.width), np.float32)
    rows: list[dict[str, str]] = []
    for name, (pack_one, read_one) in candidates().items():
        packed = [pack_one(patch) for patch in patches]

        def read(read_one: Read = read_one, packed: list[bytes] = packed) -> None:
            for data, (height, width) in zip(packed, (patch.shape for patch in patches), strict=True):
                values = read_one(data).reshape(height, width)
                np.multiply(values, np.float32(1), out=image[:height, :width])

        spent = min(seconds(lambda pack_one=pack_one: [pack_one(patch) for patch in patches])[0] for _ in range(3))
        rows.append(
            {
                "codec": name,
                "smaller": f"{plain / sum(map(len, packed)):.1f} times",
                "kB": f"{sum(map(len, packed)) / len(packed) / 1e3:.1f}",
                "encode, us": f"{1e6 * spent / len(patches):.0f}",
                "decode, us": f"{1e6 * min(seconds(read)[0] for _ in range(5)) / len(patches):.0f}",
            }
        )
    return rows


def candidates() -> dict[str, tuple[Write, Read]]:
    """How a patch becomes bytes, and bytes 16-bit values."""
    found: dict[str, tuple[Write, Read]] = {"none": (lambda patch: patch.tobytes(), values)}
    found |= {f"zstandard {level}": zstandard_of(level) for level in (1, 3, 9)}
    if find_spec("blosc2"):
        for codec, filtered, level in (("LZ4", "SHUFFLE", 5), ("ZSTD", "SHUFFLE", 1), ("ZSTD", "BITSHUFFLE", 5)):
            found[f"blosc2 {codec} {filtered} {level}".lower()] = blosc2_of(codec, filtered, level)
    return found


def zstandard_of(level: int) -> tuple[Write, Read]:
    """Of one thread."""
    pack_one, unpack = zstandard.ZstdCompressor(level=level).compress, zstandard.ZstdDecompressor().decompress
    return lambda patch: pack_one(patch.tobytes()), lambda data: values(unpack(data))


def blosc2_of(codec: str, filtered: str, level: int) -> tuple[Write, Read]:
    """Of one thread."""
    blosc: Any = importlib.import_module("blosc2")
    filters: dict[str, Any] = {"filters": [blosc.Filter[filtered]], "filters_meta": [0], "codec": blosc.Codec[codec]}

    def write(patch: UInt16[np.ndarray, "H W"]) -> bytes:
        return blosc.compress2(patch.tobytes(), typesize=2, nthreads=1, clevel=level, **filters)

    return write, lambda data: values(blosc.decompress2(data, nthreads=1))


def values(data: bytes) -> Shaped[np.ndarray, " N"]:
    """16-bit ones."""
    return np.frombuffer(data, np.uint16)


def cut(frames: Repeated, index: int) -> UInt16[np.ndarray, "H W"]:
    """As packing does."""
    depth = frames.depth(index)
    return Window(around_joints(index, frames.record(index), depth), CAMERA, margin=MARGIN).cut(depth, unit_mm=1.0)


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Of the process, all threads, and by the clock."""
    begun, clock = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - begun, time.perf_counter() - clock


if __name__ == "__main__":
    run_benchmark(main)
