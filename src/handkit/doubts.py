"""What is unusual about a camera's numbers, which are most often another's, or in another order."""

import math
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Literal, NamedTuple

import numpy as np

from handkit.camera import Camera, degrees_of

MOST_BENT = 0.5
"""Share of the width by which a real lens moves the corners at most."""
USUAL_DEGREES = (25, 130)
NARROW_DEGREES = 54
"""Depth cameras see 57 degrees or more; windows cut out of their images less."""
WHOLE_PX = 320
"""Images that are not as wide are windows cut out of one, or an old camera's."""
MOST_APART = 1.15
"""Of fx and fy."""
ORDERS = dict.fromkeys(permutations(range(4)), "the order is fx,fy,cx,cy") | {
    (0, 1, 3, 2): "are cx and cy exchanged?",
    (0, 2, 1, 3): "are fy and cx exchanged? the order is fx,fy,cx,cy",
}
"""Where fx, fy, cx and cy stand in numbers that were given in another order, and what to ask."""


Guess = Literal["lens", "unit"]
"""Of a camera, that are tried: focal lengths, or the unit of a depth value."""
STORED_MM = (0.1, 0.125, 0.25, 1.0, 10.0)
"""Units that cameras and files have: where there is a hand by one of these, it is meant."""


class Mistake(NamedTuple):
    """Without which the numbers would be a usual camera's."""

    question: str
    hands: Literal["any", "smaller", "much smaller", "larger"]
    """Any: the numbers say it alone. Otherwise there can be such a camera, as of a window cut out of an image, and the
    mistake is likely where it sees hands that are smaller, or larger, than most are."""


def doubts_about(camera: Camera) -> tuple[str, ...]:
    """What is unusual about the numbers, a sentence each: such a camera exists, but is rarely meant."""
    found: list[str] = []
    mistake = mistake_in(camera)
    if mistake or not _central(camera):
        found.append(
            f"the principal point ({camera.cx:g}, {camera.cy:g}) is far from the middle of a "
            f"{camera.width}x{camera.height} image{f'; {mistake.question}' if mistake else ''}"
        )
    if not 1 / MOST_APART <= camera.fx / camera.fy <= MOST_APART:
        found.append(f"fx {camera.fx:g} and fy {camera.fy:g} differ by more than 15 %, which hardly any camera's do")
    angle = degrees_of(camera.width, camera.fx)
    if not USUAL_DEGREES[0] <= angle <= USUAL_DEGREES[1]:
        found.append(
            f"with fx {camera.fx:g} an image {camera.width} pixels wide shows {angle:.0f} degrees; "
            "are the numbers of another resolution?"
        )
    if camera.distortion is not None and (moved := _moved_by_lens(camera)) > MOST_BENT * camera.width:
        found.append(
            f"the lens's distortion moves corners of the image by {moved:.0f} pixels; are the coefficients in OpenCV's "
            "order (k1,k2,p1,p2,k3)?"
        )
    return tuple(found)


def mistake_in(camera: Camera) -> Mistake | None:
    """What most likely happened to numbers whose principal point is not in the middle; None where it is, or nothing
    would help.

    >>> mistake_in(Camera(fx=476.0, fy=476.0, cx=240.0, cy=320.0, width=640, height=480))
    Mistake(question='are cx and cy exchanged?', hands='any')
    >>> mistake_in(Camera(fx=476.0, fy=320.0, cx=476.0, cy=240.0, width=640, height=480)).question
    'are fy and cx exchanged? the order is fx,fy,cx,cy'
    >>> mistake_in(Camera(fx=714.0, fy=714.0, cx=480.0, cy=360.0, width=640, height=480)).question
    'are the numbers of another resolution, 1.5 times this one?'
    """
    size, numbers = (camera.width, camera.height), (camera.fx, camera.fy, camera.cx, camera.cy)
    across, down = 2 * camera.cx / camera.width, 2 * camera.cy / camera.height
    if abs(across - 1) < 0.2 and abs(down - 1) < 0.2:
        return None
    for order, question in ORDERS.items():
        if _usual([numbers[i] for i in order], size):
            return Mistake(question, "any")
    window = _central(camera) and max(camera.width, camera.height) < WHOLE_PX
    if down > 0 and 0.85 < across / down < 1.18 and not window:
        question = f"are the numbers of another resolution, {across:.2g} times this one?"
        return Mistake(question, "smaller" if across > 1 else "larger")
    return None


def likely_mistake(camera: Camera) -> Mistake | None:
    """Also of numbers that are hardly a depth camera's, but could be those of a window cut out of an image."""
    across = camera.width >= camera.height
    length, focal = (camera.width, camera.fx) if across else (camera.height, camera.fy)
    angle = degrees_of(length, focal)
    if (mistake := mistake_in(camera)) or angle >= NARROW_DEGREES or length < WHOLE_PX:
        return mistake
    question = f"is {focal:g} the focal length of a larger resolution? so this image is {angle:.0f} degrees wide"
    return Mistake(question, "much smaller")


def _central(camera: Camera) -> bool:
    """Whether the principal point is in the middle half of the image, across and down."""
    return 0.25 <= camera.cx / camera.width <= 0.75 and 0.25 <= camera.cy / camera.height <= 0.75


def _usual(numbers: Sequence[float], size: tuple[int, int]) -> bool:
    """Whether fx, fy, cx, cy are like those of most cameras: about one focal length, the middle of the image."""
    fx, fy, cx, cy = numbers
    middle = abs(2 * cx / size[0] - 1) < 0.12 and abs(2 * cy / size[1] - 1) < 0.12
    return middle and min(fx, fy) > 0 and 1 / MOST_APART <= fx / fy <= MOST_APART


def _moved_by_lens(camera: Camera) -> float:
    """How far the image's corners lie from where they would without distortion, pixels, at most."""
    corners = np.array([[0.0, 0], [camera.width, 0], [0, camera.height], [camera.width, camera.height]])
    rays = np.concatenate([(corners - [camera.cx, camera.cy]) / [camera.fx, camera.fy], np.ones((4, 1))], axis=1)
    return float(np.linalg.norm(camera.project(rays) - corners, axis=1).max())


def seen_by_other_numbers(camera: Camera, seen: Mapping[tuple[Guess, float], Sequence[float]]) -> str | None:
    """What is likely wrong with a camera by whose numbers several images show no hand.

    `seen`: by factors of its numbers the confidence of a hand in each image, 0 where there is none. None where no
    factor shows one in half of the images.
    """
    found = {each: sure for each, sure in seen.items() if 2 * sum(one > 0 for one in sure) >= len(sure)}
    if not found:
        return None
    # Half the focal length and twice the unit look alike: where they do, the sentence that names both.
    (what, factor), sure = max(found.items(), key=lambda each: sum(each[1]) * (1.1 if each[0][0] == "lens" else 1))
    unit = camera.unit_mm
    if what == "lens":
        return (
            f"with focal lengths {factor:g} times as long there is a hand (confidence {max(sure):.2f}): are fx "
            f"{camera.fx:g} and fy {camera.fy:g} (--camera) those of this resolution? Or is a unit of depth "
            f"{unit / factor:g} mm (--depth-scale), where it was taken for {unit:g}?"
        )
    units = {unit * by: max(found[kind, by]) for kind, by in found if kind == "unit"}
    usual = [each for each in units if any(math.isclose(each, one, rel_tol=1e-3) for one in STORED_MM)]
    usual = usual or [unit * factor]
    named = " or ".join(f"{each:g}" for each in usual)
    which = "" if len(usual) == 1 else ", whichever its maker says"
    surest = max(units[each] for each in usual)
    return (
        f"with {named} mm a unit there is a hand (confidence {surest:.2f}), with {unit:g} mm there is none: "
        f"give --depth-scale {named}{which}, or the camera that took it"
    )
