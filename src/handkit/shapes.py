"""Shapes in annotations: jaxtyping's where it is installed, as for the tests; else the array alone.

`from handkit.shapes import Float32` in what runs without the workshop's packages.
"""

from typing import TYPE_CHECKING

__all__ = ["Bool", "Float", "Float32", "Float64", "Int", "Int32", "Shaped", "UInt8", "UInt16"]

if TYPE_CHECKING:
    # What jaxtyping's are to a type checker, which is to know them where jaxtyping is not installed as well.
    from typing import Annotated as Bool
    from typing import Annotated as Float
    from typing import Annotated as Float32
    from typing import Annotated as Float64
    from typing import Annotated as Int
    from typing import Annotated as Int32
    from typing import Annotated as Shaped
    from typing import Annotated as UInt8
    from typing import Annotated as UInt16
else:
    try:
        from jaxtyping import Bool, Float, Float32, Float64, Int, Int32, Shaped, UInt8, UInt16
    except ImportError:

        class Shaped:
            """`Shaped[array, "N 3"]` is `array`."""

            def __class_getitem__(cls, parts: tuple[type, str]) -> type:
                return parts[0]

        Bool = Float = Float32 = Float64 = Int = Int32 = UInt8 = UInt16 = Shaped
