"""Each reason once, and how many frames it was true of."""

from handkit.sources.refusals import Refusals


def test_reasons_that_differ_in_their_numbers_are_one() -> None:
    said: list[str] = []
    refusals = Refusals(said.append)
    for index in range(3):
        refusals.add(f"the median depth is 0.{5 + index} m", frame=f"frame {index}")
        refusals.add(f"{index}.png is a truncated PNG ({100 + index} bytes)", frame=f"{index}.png")
    refusals.add("every depth value is negative", frame="frame 9")
    assert said == [
        "frame 0: the median depth is 0.5 m",
        "0.png is a truncated PNG (100 bytes)",
        "frame 9: every depth value is negative",
    ]
    del said[:]
    refusals.tell(12)
    assert said == [
        "refused 3 of 12 frames: the median depth is 0.5 m",
        "refused 3 of 12 frames: FRAME is a truncated PNG (100 bytes)",
    ]
    assert refusals.total == 7


def test_a_name_that_occurs_in_the_reason() -> None:
    said: list[str] = []
    refusals = Refusals(said.append)
    for name in ("a", "b"):
        refusals.add(f"{name} is a damaged PNG", frame=name)
    refusals.tell(2)
    assert said == ["a is a damaged PNG", "refused 2 of 2 frames: FRAME is a damaged PNG"]
