"""What a figure was measured on."""

import platform
from pathlib import Path

import torch


def processor() -> str:
    """What the processor, and a GPU if there is one, call themselves."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cpu = names[0] if names else platform.processor() or platform.machine()
    return f"{cpu} and {torch.cuda.get_device_name()}" if torch.cuda.is_available() else cpu


def hardware() -> str:
    """The same with the threads that are used."""
    return f"{processor()}, {torch.get_num_threads()} threads"
