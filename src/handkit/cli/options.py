"""What options of several commands take."""

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

CameraText = Annotated[str, arg(metavar="NAME|fx,fy,cx,cy[,k1,k2,p1,p2...]")]
Weights = Annotated[str, arg(metavar="NAME|PATH")]
Folder = Annotated[Path, arg(metavar="DIR")]
Count = Annotated[int, arg(metavar="N")]
# A metavar has to stand around `| None`: inside, the help shows `{None}|PATH` instead.
MaybeFolder = Annotated[Path | None, arg(metavar="DIR")]
MaybeWeights = Annotated[str | None, arg(metavar="NAME|PATH")]
Backend = Annotated[Literal["onnx", "openvino", "torch"] | None, arg(metavar="onnx|openvino|torch")]
MaybeCount = Annotated[int | None, arg(metavar="N")]
Frames = Annotated[str, arg(metavar="synthetic|STORE")]
Refined = Annotated[Literal["none", "test", "train+test"] | None, arg(metavar="none|test|train+test")]
Network = Annotated[Positional[str], arg(metavar="NETWORK")]
