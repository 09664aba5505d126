"""What enters the library is checked where it enters: an error of handkit's, whatever the type."""

import subprocess
import sys

WRONG = """
import numpy as np
import handkit
from handkit.asked import check_asked, check_threads
from handkit.errors import HandkitError
numbers = dict(fx=9, fy=9, cx=1, cy=1, width=2, height=2)
depth, camera = np.full((2, 2), 600, np.uint16), handkit.Camera(**numbers)
calls = [
    lambda: handkit.Camera(**numbers | {"fx": "a"}),
    lambda: handkit.Camera(**numbers | {"width": 2.5}),
    lambda: handkit.Camera(**numbers, unit_mm=None),
    lambda: handkit.Camera.named(3),
    lambda: handkit.DepthImage.of(depth, "sr300"),
    lambda: handkit.DepthImage.of([[1, 2], [3]], camera),
    lambda: handkit.open_source(3),
    lambda: handkit.HandPoseEstimator.from_pretrained(3),
    lambda: check_threads(1.5),
    lambda: check_asked(hands=1.5, handedness="auto", minimum_confidence=0.5),
    lambda: check_asked(hands=1, handedness=["left"], minimum_confidence=0.5),
    lambda: check_asked(hands=1, handedness="auto", minimum_confidence="a"),
]
for number, call in enumerate(calls):
    try:
        call()
    except HandkitError as error:
        assert str(error)
    else:
        raise SystemExit(f"call {number} was not refused")
"""


def test_arguments_of_a_wrong_type_are_errors_of_handkit() -> None:
    """In a process of its own, without the shape checker that runs here."""
    done = subprocess.run([sys.executable, "-c", WRONG], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
