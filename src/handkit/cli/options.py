"""What options of several commands take."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg
from tyro.constructors import PrimitiveConstructorSpec

from handkit.asked import Refinement
from handkit.errors import HandkitError


def _millimeters(given: list[str]) -> float:
    """Raises HandkitError, and no ValueError, of which tyro would make several lines."""
    try:
        scale = float(given[0])
    except ValueError:
        scale = math.nan
    if not 0 < scale < math.inf:
        raise HandkitError(
            f"--depth-scale {given[0]} is not a positive number of mm per unit; give for example 1000 for meters, 1 "
            "for mm, 0.125 for the SR305",
            status=2,
        )
    return scale


DepthScale = Annotated[
    float | None,
    PrimitiveConstructorSpec(
        nargs=1,
        metavar="MM_PER_UNIT",
        instance_from_str=_millimeters,
        is_instance=lambda value: value is None or isinstance(value, float),
        str_from_instance=lambda value: [str(value)],
    ),
]
_NUMBER = re.compile(r"[\[(]?(?:[fc][xy][=:])?[-+]?\d+(?:\.\d*)?[,;\])]*")


def join_camera(arguments: Sequence[str]) -> list[str]:
    """`--camera 364 364 256 212`, as many people write it, with its numbers in one argument.

    >>> join_camera(["--camera", "364", "364,", "256", "212", "a.png"])
    ['--camera', '364 364, 256 212', 'a.png']
    """
    joined: list[str] = []
    for each in arguments:
        follows = joined[-2:-1] == ["--camera"] and all(map(_NUMBER.fullmatch, joined[-1].split()))
        if follows and _NUMBER.fullmatch(each):
            joined[-1] += f" {each}"
        else:
            joined.append(each)
    return joined


Count = Annotated[int, arg(metavar="N")]
Folder = Annotated[Path, arg(metavar="DIR")]
Files = Annotated[tuple[Path, ...], arg(metavar="FILE...")]
# A metavar has to stand around `| None`: inside, the help shows `{None}|PATH` instead.
MaybeCount = Annotated[int | None, arg(metavar="N")]
MaybeStore = Annotated[Path | None, arg(metavar="STORE")]
CAMERA = "NAME|fx,fy,cx,cy[,k1,k2,p1,p2...]"
CameraText = Annotated[str, arg(metavar=CAMERA)]
MaybeCamera = Annotated[str | None, arg(metavar=CAMERA)]
Weights = Annotated[str, arg(metavar="NAME|PATH")]
MaybeFolder = Annotated[Path | None, arg(metavar="DIR")]
MaybeWeights = Annotated[str | None, arg(metavar="NAME|PATH")]
# As `backends.opening` has it, which would bring numpy: help is instant without.
BackendName = Literal["onnx", "openvino", "torch"]
Backend = Annotated[BackendName | None, arg(metavar="onnx|openvino|torch")]
Backends = Annotated[tuple[BackendName, ...], arg(metavar="onnx|openvino|torch...")]
Probability = Annotated[float, arg(metavar="P")]
Frames = Annotated[str, arg(metavar="synthetic|STORE")]
Refined = Annotated[Refinement | None, arg(metavar="none|test|train+test")]
Network = Annotated[Positional[str], arg(metavar="NETWORK")]
