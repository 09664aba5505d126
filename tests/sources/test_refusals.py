"""Each reason once, and how many frames it was true of."""

import pickle

from handkit.errors import FrameError, SourceError, UsageError
from handkit.sources.refusals import Refusals


def test_errors_of_one_kind_are_one_reason() -> None:
    said: list[str] = []
    refusals = Refusals(said.append)
    for index in range(3):
        refusals.add(FrameError(f"the median depth is 0.{5 + index} m", kind="meters"), frame=f"frame {index}")
        cut = SourceError(f"is a truncated PNG ({100 + index} bytes)", source=f"{index}.png", kind="truncated")
        refusals.add(cut, frame=f"frame {index}")
    refusals.add(FrameError("every depth value is negative"), frame="frame 9")
    assert said == [
        "frame 0: the median depth is 0.5 m",
        "0.png is a truncated PNG (100 bytes)",
        "frame 9: every depth value is negative",
    ]
    del said[:]
    refusals.tell(12)
    assert said == [
        "refused 3 of 12 frames; the first: the median depth is 0.5 m",
        "refused 3 of 12 frames; the first: the image is a truncated PNG (100 bytes)",
        "refused 7 of 12 frames in all, for 3 reasons",
    ]
    assert refusals.total == 7


def test_a_name_that_occurs_in_the_reason() -> None:
    said: list[str] = []
    refusals = Refusals(said.append)
    for name in ("a", "b"):
        refusals.add(SourceError("is a damaged PNG", source=name), frame="frame 0")
    refusals.tell(2)
    assert said == ["a is a damaged PNG", "refused 2 of 2 frames: the image is a damaged PNG"]


def test_what_an_error_knows_survives_another_process() -> None:
    error = pickle.loads(pickle.dumps(SourceError("is cut (3 bytes)", source="a.png", kind="is cut", status=2)))
    assert (str(error), error.source, error.said, error.kind, error.status) == (
        "a.png is cut (3 bytes)", "a.png", "is cut (3 bytes)", "is cut", 2,
    )  # fmt: skip
    usage = UsageError("hands is 0")
    assert (usage.status, usage.source, usage.said, usage.kind) == (2, "", "hands is 0", "hands is 0")
