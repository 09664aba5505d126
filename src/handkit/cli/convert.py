"""`handkit convert`: from one way of keeping depth images to another."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from handkit.cli.options import DepthScale, MaybeCamera
from handkit.cli.saying import say


@dataclass(frozen=True)
class Convert:
    """Convert recordings and depth images: RealSense .db3 and .bag, .mcap, .npz, .tiff, folders, .parquet archives."""

    source: Annotated[Positional[str], arg(metavar="IN")]
    """A recording, a folder, a file, a glob; a camera as well; an archive of `handkit annotate`, to .mcap."""
    out: Annotated[Positional[Path], arg(metavar="OUT")]
    """.mcap: a recording; .npz, .tiff: one file; no suffix: a folder of 16-bit PNGs."""
    camera: MaybeCamera = None
    """That took the images, where they do not say."""
    depth_scale: DepthScale = None
    """Millimeters per unit of depth."""

    def run(self) -> int:
        """Answers 1 where no frame could be converted."""
        from handkit.recordings.convert import convert
        from handkit.sources.opening import open_source

        if Path(self.source).suffix.lower() == ".parquet":
            from handkit.archive.convert import archive_to_recording

            print(f"{archive_to_recording(Path(self.source), out=self.out, report=say).frames} frames in {self.out}")
            return 0
        source = open_source(self.source, camera=self.camera, depth_scale=self.depth_scale, report=say)
        made = convert(source, self.out, report=say)
        print(f"{made.frames} frames in {self.out}" if made.frames else "no frame was converted")
        if made.frames and self.out.suffix.lower() != ".mcap":
            print(f"to be read with {made.options()}")
        return int(not made.frames)
