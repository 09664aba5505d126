"""Which of the hands that were found is which of those that are there."""

import numpy as np

from handkit.shapes import Float

WITHIN_MM = 80.0
"""Centers farther apart are not those of one hand: it is missed, and what was found is a false hand."""


def match_hands(away_mm: Float[np.ndarray, "F T"], *, within_mm: float = WITHIN_MM) -> list[int | None]:
    """For each found hand, the surest first, the nearest true one that is still free and near enough, or none.

    >>> match_hands(np.array([[60.0, 40.0], [30.0, 70.0], [50.0, 50.0]]))
    [1, 0, None]
    """
    free = list(range(away_mm.shape[1]))
    matched: list[int | None] = []
    for away in away_mm:
        nearest = min(free, key=away.__getitem__, default=None)
        if nearest is None or away[nearest] > within_mm:
            matched.append(None)
            continue
        free.remove(nearest)
        matched.append(nearest)
    return matched
