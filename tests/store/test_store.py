"""Reading a store: exact crops, batches of unequal patches, any device, and damage that is found."""

import dataclasses
import pickle
import zlib

import numpy as np
import pytest
import torch
from store.recorded import DAMAGED, Recorded, joints_of, packing_of

from handkit.errors import StoreError
from handkit.geometry.crop import crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.recipes.augment import Augment, jitter
from handkit.store import resident
from handkit.store.codec import CODECS
from handkit.store.packing import pack
from handkit.store.store import PackedFrames
from handkit.synthetic.scenes import sample_scenes, whole_frames

FRAMES = Recorded(11, damaged=(3,), suspect=(5,))
SOUND = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]


@dataclasses.dataclass(frozen=True)
class Rendered(Recorded):
    """Whole images of the renderer instead: hand, arm, clutter, holes, and depth of any fraction of a mm."""

    def hand(self, index):
        scene = sample_scenes(1, torch.Generator().manual_seed(index), device="icvl")
        frame = whole_frames(scene)
        return scene.joints[0].numpy(), frame.depth[0].numpy()

    def record(self, index):
        return dataclasses.replace(super().record(index), joints=self.hand(index)[0])

    def depth(self, index):
        return self.hand(index)[1]


def around_label(_index, record, _depth):
    return Cube.around(torch.from_numpy(record.joints.mean(0)[None]), edge=200.0)


@pytest.fixture(scope="module", params=CODECS)
def store(request, tmp_path_factory) -> PackedFrames:
    path = tmp_path_factory.mktemp(request.param) / "store"
    pack(packing_of(FRAMES, codec=request.param), path)
    return PackedFrames.open(path)


def whole(frames, index) -> DepthFrame:
    """The same frames as whole images."""
    depth = torch.stack([torch.from_numpy(frames.depth(int(i))) for i in index])
    camera = Intrinsics.of(frames.camera)
    return DepthFrame(depth, dataclasses.replace(camera, matrix=camera.matrix.expand(len(index), 3, 3)))


def turned(cube, seed) -> Cube:
    """Jittered as the margin allows."""
    augment = Augment(center_mm=4.0, scale=0.1, roll=np.pi)
    return jitter(cube, augment, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(5))
def test_the_crop_of_a_patch_is_the_crop_of_the_image(store, seed):
    patch = store.batch(SOUND)
    cube = turned(patch.cube, seed)
    ours, theirs = crop_hand(patch, cube, 96), crop_hand(whole(FRAMES, SOUND), cube, 96)
    assert torch.equal(ours.depth, theirs.depth)
    assert torch.equal(ours.foreground, theirs.foreground)
    torch.testing.assert_close(ours.camera.matrix, theirs.camera.matrix, rtol=1e-5, atol=1e-4)
    assert 0.05 < float(ours.foreground.float().mean()) < 0.9


def test_rendered_images_in_fractions_of_a_millimeter(tmp_path):
    """Where a store keeps steps of 1/32 mm, crops agree with those of images in such steps."""
    frames = Rendered(4)
    packing = dataclasses.replace(packing_of(frames, unit_mm=1 / 32, codec="zstd"), cube_of=around_label)
    pack(packing, tmp_path / "store")
    patch, index = PackedFrames.open(tmp_path / "store").batch(range(4)), range(4)
    image = whole(frames, index)
    stepped = dataclasses.replace(image, depth=torch.round(image.depth * 32) / 32)
    cube = turned(patch.cube, 0)
    assert torch.equal(crop_hand(patch, cube, 96).depth, crop_hand(stepped, cube, 96).depth)
    assert (crop_hand(patch, cube, 96).depth - crop_hand(image, cube, 96).depth).abs().median() < 1 / 32 / 100
    assert patch.depth.max() < 65_535 / 32


def test_labels_come_back_as_they_were(store):
    frame = store.batch(torch.tensor([7, 0]))
    for row, index in enumerate((7, 0)):
        record = FRAMES.record(index)
        assert torch.equal(frame.joints[row], torch.from_numpy(joints_of(index)))
        torch.testing.assert_close(frame.cube.center[row], torch.from_numpy(joints_of(index).mean(0)))
        assert store.sources[index] == record.source
        assert store.rows["subject"][index].decode() == record.subject
    assert frame.cube.edges.tolist() == [[200.0] * 3] * 2
    assert (len(store), store.skeleton) == (11, FRAMES.skeleton)


def test_patches_of_a_batch_are_padded_with_nothing(store):
    sizes = np.stack([store.rows["height"], store.rows["width"]], 1)[SOUND]
    assert len(np.unique(sizes, axis=0)) > 3
    frame = store.batch(SOUND)
    assert frame.depth.shape[1:] == tuple(sizes.max(0))
    assert (frame.camera.height, frame.camera.width) == tuple(sizes.max(0))
    for row, (height, width) in zip(frame.depth, sizes, strict=True):
        assert not row[height:].any()
        assert not row[:, width:].any()
        assert row[:height, :width].any()


def test_patches_in_a_device_s_memory_are_those_on_disk(store):
    """Padding, labels, cubes, cameras and errors alike, in any order and more than once."""
    held = store.held_by("cpu")
    assert held.resident_bytes == store.resident_bytes == held.resident.values.nbytes
    for index in ([7, 0, 7], SOUND, torch.tensor([4])):
        ours, theirs = held.batch(index), store.batch(index)
        assert torch.equal(ours.depth, theirs.depth)
        numbers = np.asarray(index)  # and all at once, as on a GPU
        assert torch.equal(held.resident.depth(numbers, store.rows[numbers], unit_mm=1.0), theirs.depth)
        assert torch.equal(ours.joints, theirs.joints)
        assert torch.equal(ours.cube.center, theirs.cube.center)
        assert torch.equal(ours.cube.edges, theirs.cube.edges)
        assert torch.equal(ours.camera.matrix, theirs.camera.matrix)
        assert (ours.camera.width, ours.camera.height) == (theirs.camera.width, theirs.camera.height)
    with pytest.raises(StoreError, match=f"frame 3 has no patch: 3: {DAMAGED}"):
        held.batch([3])


def test_a_store_that_no_memory_holds(store, monkeypatch, tmp_path):
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal: 9000 kB\nMemAvailable:  20 kB\n")
    monkeypatch.setattr(resident, "MEMORY", memory)
    assert store.resident_bytes > 20 * 1024
    with pytest.raises(StoreError, match=r"take 0\.\d\d GB, cpu has room for 0\.00 GB; leave them on disk"):
        store.held_by("cpu")


def test_a_frame_without_an_image_keeps_its_row_and_says_why(store):
    assert [(fault.frame, fault.reason) for fault in store.manifest.faults] == [
        (3, f"3: {DAMAGED}"),
        (5, "its label is wrong"),
    ]
    assert store.rows["valid"].tolist() == [index != 3 for index in range(11)]
    assert store.rows["faulty"].tolist() == [index in {3, 5} for index in range(11)]
    assert np.array_equal(store.rows["joints"][3], joints_of(3))
    with pytest.raises(StoreError, match=f"frame 3 has no patch: 3: {DAMAGED}"):
        store.batch([2, 3])
    with pytest.raises(IndexError):
        store.batch([11])


def test_depth_values_of_more_than_15_bits(tmp_path):
    frames = Recorded(2)
    pack(packing_of(frames, unit_mm=1 / 128), tmp_path / "store")
    store = PackedFrames.open(tmp_path / "store")
    frame = store.batch([0, 1])
    assert frame.depth.max() > 32_767 / 128
    held = store.held_by("cpu")
    assert held.resident is not None
    assert torch.equal(held.batch([0, 1]).depth, frame.depth)
    assert torch.equal(held.resident.depth(np.arange(2), store.rows[:2], unit_mm=1 / 128), frame.depth)


def test_workers_open_the_files_themselves(store):
    copy = pickle.dumps(store)
    assert len(copy) < 1000
    assert torch.equal(pickle.loads(copy).batch([1]).depth, store.batch([1]).depth)


def test_damaged_bytes_are_found_and_mended(tmp_path):
    packing = packing_of(FRAMES, codec="zstd")
    pack(packing, tmp_path / "store")
    assert PackedFrames.open(tmp_path / "store").damage() == []
    shard = tmp_path / "store/shard-00001.bin"
    sound = shard.read_bytes()
    row = PackedFrames.open(tmp_path / "store").rows[6]
    broken = bytearray(sound)
    broken[row["offset"] + row["size"] // 2] ^= 0x10
    shard.write_bytes(broken)
    (sentence,) = PackedFrames.open(tmp_path / "store").damage()
    assert f"{shard} is damaged in 1 of 4 patches" in sentence
    shard.unlink()
    with pytest.raises(StoreError, match=r"shard-00001\.bin is missing"):
        PackedFrames.open(tmp_path / "store")
    pack(packing, tmp_path / "store")
    assert shard.read_bytes() == sound
    assert PackedFrames.open(tmp_path / "store").damage() == []


@pytest.mark.parametrize(("name", "sentence"), [("index.bin", "index"), ("sources.txt", "sources")])
def test_damaged_tables_are_found_and_made_anew(tmp_path, name, sentence):
    packing = packing_of(FRAMES)
    pack(packing, tmp_path / "store")
    table = tmp_path / "store" / name
    sound = table.read_bytes()
    table.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    (found,) = PackedFrames.open(tmp_path / "store").damage()
    assert sentence in found
    pack(packing, tmp_path / "store")
    assert table.read_bytes() == sound


def test_a_packed_patch_that_is_no_patch_is_refused(tmp_path):
    """Whatever the bytes are, nothing is read or written beside them."""
    pack(packing_of(FRAMES, codec="zstd"), tmp_path / "store")
    shard = tmp_path / "store/shard-00000.bin"
    sound = shard.read_bytes()
    length = PackedFrames.open(tmp_path / "store").manifest.shards[0].patch_bytes
    generator = np.random.default_rng(0)
    refused = 0
    for kind in range(8):
        noise = generator.integers(0, 256, length, np.uint8).tobytes() if kind else bytes([0xFF]) * length
        shard.write_bytes(noise + sound[length:])
        try:
            PackedFrames.open(tmp_path / "store").batch([0, 1, 2])
        except StoreError as error:
            refused += "shard-00000.bin is damaged" in str(error)
        with pytest.raises(StoreError, match=r"shard-00000\.bin is damaged"):
            PackedFrames.open(tmp_path / "store").held_by("cpu")
    assert refused == 8


def test_what_is_no_store(tmp_path):
    with pytest.raises(StoreError, match="there is no store"):
        PackedFrames.open(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"is no store: it has no store\.json"):
        PackedFrames.open(tmp_path)
    pack(packing_of(Recorded(2)), tmp_path / "store")
    manifest = tmp_path / "store/store.json"
    text = manifest.read_text()
    for changed, sentence in [
        (text[:-30], "is damaged"),
        (text.replace('"format": 3', '"format": 99'), "format 99"),
        (text.replace('"format": 3', '"format": 2'), "has format 2 of an earlier handkit, .* pack it anew"),
        (text.replace('"none"', '"zip"'), "is damaged"),
        (text.replace("hand21", "hand99"), "joints of hand99"),
    ]:
        manifest.write_text(changed)
        with pytest.raises(StoreError, match=sentence):
            PackedFrames.open(tmp_path / "store")
    manifest.write_text(text)
    index = tmp_path / "store/index.bin"
    index.write_bytes(index.read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"index\.bin has \d+ bytes, and \d+ were packed"):
        PackedFrames.open(tmp_path / "store")


def test_checksums_are_those_of_the_patches(store):
    row = store.rows[4]
    data = (store.path / "shard-00001.bin").read_bytes()
    assert zlib.crc32(data[row["offset"] : row["offset"] + row["size"]]) == row["crc32"]
