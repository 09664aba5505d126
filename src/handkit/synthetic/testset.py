"""Two fixed test sets of 2,000 synthetic frames: that of the first edition, and one of the world as it is.

`first_testset(i)` is a stored scene: bare right hands before emptied rooms, as the first edition's generator drew them.
`first_testset.npz.xz` keeps their parts, sensor strengths and seeds, so that figures measured on them stay comparable
whatever is drawn now; single pixels differ from then, since flying pixels are drawn along stretches of an edge.
`testset(i)` is drawn by today's generator from its seed and `i` alone.
"""

import io
import lzma
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from handkit.camera import Camera
from handkit.named_cameras import CAMERAS
from handkit.synthetic.arms import arms_only
from handkit.synthetic.labeled import labeled_depth
from handkit.synthetic.scenes import NOWHERE, Scene, World, sample_scenes
from handkit.synthetic.sensor import Sensor, perfect

FRAMES = 2000
"""Of either set."""
SEED = 9_500_001
"""No training batch starts from this seed or from one of the following."""
FIRST_DEVICES = ("kinect1", "kinect2", "sr300", "d435", "l515", "azure-kinect", "icvl")
"""Frame i of the first set is seen by camera i modulo 7."""
Kind: TypeAlias = Literal["bare", "gesture", "held", "two", "egocentric", "empty"]
SCHEDULE: tuple[Kind, ...] = ("bare", "held", "two", "empty", "gesture", "egocentric", "held", "two", "bare", "empty")
"""Frame i shows what stands at i modulo 10; every second ten are mirrored: their first hand is a left one."""
WORLDS: dict[Kind, World] = {
    "bare": World(second=0.0, held=0.0),
    "gesture": World(second=0.0, held=0.0),
    "held": World(second=0.0, held=1.0),
    "two": World(second=1.0),
    "egocentric": World(second=0.0, egocentric=1.0),
    "empty": World(empty=1.0),
}
CURLED = 0.72
"""A finger is bent when its tip is nearer to its knuckle than this part of its length."""


class TestFrame(NamedTuple):
    """One whole depth image with every hand in it."""

    __test__ = False  # pytest would take the class for a test

    kind: Kind
    depth: Float32[np.ndarray, "H W"]
    """Millimeters, 0 is invalid."""
    camera: Camera
    hands: Float[Tensor, "N 21 3"]
    """HAND21, camera mm, of those that are in the image; N is 0, 1 or 2."""
    left: Bool[Tensor, " N"]


def testset(index: int) -> TestFrame:
    """Frame `index` of the set, 0 to `FRAMES` - 1."""
    kind = SCHEDULE[index % len(SCHEDULE)]
    generator = torch.Generator().manual_seed(SEED + index)
    scene = sample_scenes(1, generator, world=WORLDS[kind])
    while not _shows(scene, kind):
        scene = sample_scenes(1, generator, world=WORLDS[kind])
    return TestFrame(kind, *labeled_depth(scene, mirrored=index // len(SCHEDULE) % 2 == 1))


testset.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]


def _shows(scene: Scene, kind: Kind) -> bool:
    """Whether a scene has become what it should: a second hand may stay out of the image, a hand may be flat."""
    wanted = {"two": [True, True], "empty": [False, False]}.get(kind, [True, False])
    if scene.present[0].tolist() != wanted:
        return False
    return kind != "gesture" or 2 <= int(bent_fingers(scene.joints)[0]) <= 4


def bent_fingers(joints: Float[Tensor, "B 21 3"]) -> Float[Tensor, " B"]:
    """How many of the four fingers are bent: two to four make a fist, a pointing hand or most letters."""
    fingers = joints[:, 5:].unflatten(1, (4, 4))
    length = fingers.diff(dim=2).norm(dim=-1).sum(-1)
    return ((fingers[:, :, 3] - fingers[:, :, 0]).norm(dim=-1) < CURLED * length).sum(-1).float()


def first_testset(index: int) -> Scene:
    """Scene `index` of the first edition's set, for `whole_frames`; raises IndexError beyond `FRAMES` - 1."""
    if not 0 <= index < FRAMES:
        raise IndexError(f"the set has {FRAMES} frames, 0 to {FRAMES - 1}; there is no {index}")
    stored = _stored()
    cones, wedges, planes, joints = (torch.from_numpy(stored[name][index, None]) for name in PARTS)
    strengths = dict(zip(stored["fields"].tolist(), stored["sensor"][index], strict=True))
    # The first edition's `stripes` were the offset of every other row, and half of it at random.
    strengths |= {"interlace": strengths["stripes"], "stripes": strengths["stripes"] / 2}
    sensor = perfect(1)._replace(**{name: np.array([value], np.float32) for name, value in strengths.items()})
    camera = CAMERAS[FIRST_DEVICES[index % len(FIRST_DEVICES)]]
    return Scene(
        solids=arms_only(cones, wedges),
        planes=planes,
        hands=torch.stack([joints, torch.full_like(joints, NOWHERE)], dim=1),
        left=torch.zeros(1, 2, dtype=torch.bool),
        present=torch.tensor([[True, False]]),
        focus=joints.mean(1),
        places=torch.zeros(1, 1, 3),
        intrinsics=torch.tensor([camera[:6]]),
        sensor=Sensor(*sensor),
        seeds=stored["seeds"][index, None],
    )


PARTS = ("cones", "wedges", "planes", "joints")


@cache
def _stored() -> dict[str, np.ndarray]:
    packed = (Path(__file__).parent / "first_testset.npz.xz").read_bytes()
    with np.load(io.BytesIO(lzma.decompress(packed))) as file:
        return dict(file)
