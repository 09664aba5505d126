"""A store's patches in the memory of a device: what every epoch looks at is read and decoded once.

They lie one after the other, row by row, 16 bits a pixel, so that a store of small and large patches takes no more than
it must. Nothing in a batch waits for a GPU.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int16, Int64, Shaped
from torch import Tensor

BYTES_PER_PIXEL = 2
MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True, eq=False)
class ResidentPatches:
    """The pixels of all patches of a store, on one device."""

    values: Int16[Tensor, " P"]
    """The 16 bits of a number without a sign."""
    first: Int64[np.ndarray, " N"]
    """Where the patch of each frame begins; of no meaning for a frame that has none."""

    @classmethod
    def of(
        cls, rows: Shaped[np.ndarray, " N"], patches: Iterable[Shaped[np.ndarray, "H W"]], device: torch.device | str
    ) -> "ResidentPatches":
        """`patches` are those of the valid rows, in order; raises OutOfMemoryError where the device has no room."""
        sizes = pixels_of(rows)
        first = np.cumsum(sizes) - sizes
        values = torch.empty(int(sizes.sum()), dtype=torch.int16, device=device)
        for row, patch in zip(np.flatnonzero(rows["valid"]).tolist(), patches, strict=True):
            bits = torch.from_numpy(patch.astype(np.uint16).view(np.int16).ravel())
            values[int(first[row]) : int(first[row] + sizes[row])] = bits
        return cls(values, first)

    def patches(
        self, index: Shaped[np.ndarray, " B"], rows: Shaped[np.ndarray, " B"]
    ) -> Iterator[Shaped[np.ndarray, "H W"]]:
        """Of some frames, one by one, from the memory of a processor."""
        values = self.values.numpy().view(np.uint16)
        columns = (self.first[index].tolist(), rows["height"].tolist(), rows["width"].tolist())
        for first, height, width in zip(*columns, strict=True):
            yield values[first : first + height * width].reshape(height, width)

    def depth(
        self, index: Shaped[np.ndarray, " B"], rows: Shaped[np.ndarray, " B"], *, unit_mm: float
    ) -> Float[Tensor, "B H W"]:
        """Of some frames in mm, 0 to the right of and below the smaller ones; all at once, as a GPU likes it."""
        device = self.values.device
        columns = (self.first[index], rows["height"], rows["width"])
        first, height, width = (
            sent(torch.from_numpy(column.astype(np.int64)), device)[:, None, None] for column in columns
        )
        down = torch.arange(int(rows["height"].max(initial=1)), device=device)[:, None]
        across = torch.arange(int(rows["width"].max(initial=1)), device=device)
        inside = (down < height) & (across < width)
        values = self.values[torch.where(inside, first + down * width + across, 0)].int() & 0xFFFF
        return torch.where(inside, values * unit_mm, 0.0)


def room_on(device: torch.device) -> float:
    """Bytes that are free there; infinite where nobody says."""
    if device.type == "cuda":  # what torch has kept of former tensors is free as well
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    lines = MEMORY.read_text(encoding="utf-8").splitlines() if MEMORY.exists() else []
    available = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return 1024 * available[0] if available else math.inf


def pixels_of(rows: Shaped[np.ndarray, " N"]) -> Int64[np.ndarray, " N"]:
    """Of each frame's patch; 0 where it has none."""
    return np.where(rows["valid"], rows["height"].astype(np.int64) * rows["width"], 0)


def sent(part: Tensor, device: torch.device) -> Tensor:
    """A small tensor on the device, which is not waited for."""
    pinned = part.pin_memory() if device.type == "cuda" and not part.is_cuda else part
    return pinned.to(device, non_blocking=device.type == "cuda")
