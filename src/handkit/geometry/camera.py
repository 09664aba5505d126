"""Pinhole cameras in the canonical frame: x right, y down, z forward, millimetres; pixel centres at integers."""

import difflib
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Intrinsics(NamedTuple):
    """What a data sheet or a data set's page says of one camera: pixels, and millimetres for the range."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    source: str


CAMERAS: dict[str, Intrinsics] = {
    # The data sets: docs/reference.md, 1.1.
    "icvl": Intrinsics(240.99, 240.96, 160.0, 120.0, 320, 240, "ICVL, as evaluated"),
    "nyu": Intrinsics(588.03, 587.07, 320.0, 240.0, 640, 480, "NYU, as evaluated"),
    "msra": Intrinsics(241.42, 241.42, 160.0, 120.0, 320, 240, "MSRA15, as evaluated"),
    "hands17": Intrinsics(475.065948, 475.065857, 315.944855, 245.287079, 640, 480, "HANDS2017, as evaluated"),
    "kinect2": Intrinsics(363.9, 363.9, 255.4, 206.3, 512, 424, "factory calibration of one Kinect v2"),
    "sr305": Intrinsics(476.007, 476.007, 313.683, 242.755, 640, 480, "factory calibration of one SR305"),
    "sr300": Intrinsics(475.066, 475.066, 315.945, 245.287, 640, 480, "the SR300 that recorded HANDS2017"),
    "d415": Intrinsics(925.0, 925.0, 640.0, 360.0, 1280, 720, "nominal: 69.4 degrees across 1280 px"),
    "d435": Intrinsics(425.0, 425.0, 424.0, 240.0, 848, 480, "nominal: about 90 degrees across 848 px"),
    "l515": Intrinsics(458.0, 458.0, 320.0, 240.0, 640, 480, "nominal: 70 degrees across 640 px"),
    "azure-kinect": Intrinsics(504.0, 504.0, 320.0, 288.0, 640, 576, "nominal: NFOV unbinned, 75 x 65 degrees"),
    "kinect1": Intrinsics(585.0, 585.0, 320.0, 240.0, 640, 480, "nominal: 57 degrees across 640 px"),
}
"""Named cameras. Nominal entries are data-sheet fields of view: use your device's own calibration for millimetres."""


@dataclass(frozen=True)
class Camera:
    """Pinhole camera(s) with an affine image map: `pixel = matrix @ (x / z, y / z, 1)`.

    The upper-left 2x2 block of `matrix` may be any invertible map (a rolled crop has one), the last row is (0, 0, 1).

    >>> camera = Camera.from_intrinsics(fx=128.0, fy=128.0, cx=50.0, cy=40.0, width=101, height=81)
    >>> camera.project(torch.tensor([[125.0, 0.0, 500.0]])).tolist()
    [[82.0, 40.0]]
    >>> camera.unproject(torch.tensor([[82.0, 40.0]]), torch.tensor([500.0])).tolist()
    [[125.0, 0.0, 500.0]]
    """

    matrix: Float[Tensor, "*batch 3 3"]
    width: int
    height: int

    @classmethod
    def from_intrinsics(cls, *, fx: float, fy: float, cx: float, cy: float, width: int, height: int) -> "Camera":
        """One camera from focal lengths and principal point in pixels; raises ValueError if one is not possible."""
        if not (fx > 0 and fy > 0) or width <= 0 or height <= 0:
            raise ValueError(
                f"a camera needs positive focal lengths and a positive size; got fx={fx}, fy={fy}, {width}x{height}"
            )
        return cls(torch.tensor([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]), width, height)

    @classmethod
    def named(cls, name: str) -> "Camera":
        """One of `CAMERAS`, in any case; raises ValueError that suggests the nearest name."""
        if name.lower() not in CAMERAS:
            near = difflib.get_close_matches(name.lower(), CAMERAS, n=1, cutoff=0.3)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(f"unknown camera {name!r}; {hint}known: {', '.join(CAMERAS)}; or give fx,fy,cx,cy")
        fx, fy, cx, cy, width, height, _ = CAMERAS[name.lower()]
        return cls.from_intrinsics(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height)

    def project(self, points: Float[Tensor, "*batch N 3"]) -> Float[Tensor, "*batch N 2"]:
        """Camera millimetres to pixels; z must be positive."""
        ray = points[..., :2] / points[..., 2:]
        linear, shift = self.matrix[..., :2, :2], self.matrix[..., None, :2, 2]
        return ray @ linear.mT + shift

    def unproject(
        self, pixels: Float[Tensor, "*batch N 2"], depth: Float[Tensor, "*batch N"]
    ) -> Float[Tensor, "*batch N 3"]:
        """Pixels and their depth (z, mm) to camera millimetres."""
        ray = (pixels - self.matrix[..., None, :2, 2]) @ inverse_2x2(self.matrix[..., :2, :2]).mT
        return torch.cat([ray * depth[..., None], depth[..., None]], dim=-1)

    def warp(self, affine: Float[Tensor, "*batch 2 3"], *, width: int, height: int) -> "Camera":
        """The camera of the image after `new_pixel = affine @ (u, v, 1)`: simply `A @ K`."""
        linear = affine[..., :2] @ self.matrix[..., :2, :]
        upper = linear + torch.nn.functional.pad(affine[..., 2:], (2, 0))
        last = self.matrix[..., 2:, :].expand(*upper.shape[:-2], 1, 3)
        return Camera(torch.cat([upper, last], dim=-2), width, height)

    def batched(self) -> "Camera":
        """The same camera with exactly one batch axis."""
        return Camera(self.matrix.reshape(-1, 3, 3), self.width, self.height)

    def to(self, device: torch.device | str) -> "Camera":
        return Camera(self.matrix.to(device), self.width, self.height)


def inverse_2x2(matrix: Float[Tensor, "*batch 2 2"]) -> Float[Tensor, "*batch 2 2"]:
    """Closed-form inverse: exact where a solver is not, exportable, and it keeps gradients.

    >>> inverse_2x2(torch.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.5, -0.0], [-0.0, 0.25]]
    """
    a, b, c, d = matrix.flatten(-2).unbind(-1)
    adjugate = torch.stack([d, -b, -c, a], dim=-1).unflatten(-1, (2, 2))
    return adjugate / (a * d - b * c)[..., None, None]
