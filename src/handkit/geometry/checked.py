"""What is no tensor of the right shape ends in a sentence; batch sizes are left to torch."""

from torch import Tensor

from handkit.errors import UsageError, shown


def check_tensor(name: str, value: object, shape: str) -> None:
    """Raise UsageError unless it is a tensor of `shape`, such as `B 3`: numbers must agree, letters may be any length.

    A shape that begins with `...` may have more axes before the others.
    """
    axes = shape.split()
    more = axes[0] == "..."
    known = [(i - len(axes), int(axis)) for i, axis in enumerate(axes) if axis.isdigit()]
    there = value.shape if isinstance(value, Tensor) else ()
    fits = len(there) >= len(axes) - 1 if more else len(there) == len(axes)
    if not fits or any(there[axis] != length for axis, length in known):
        raise UsageError(f"{name} is a tensor ({', '.join(axes)}); got {shown(value)}")
