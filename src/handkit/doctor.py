"""What is wrong with the depth images of a source, and what mends it: everything that can be seen without labels.

for finding in diagnose("frames/", camera="sr305"):
    print(finding.check, finding.seen, finding.mend)
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from handkit.cleaning import SHARPENED, drop_far_constant, look_at_edges
from handkit.depth import Handless
from handkit.doubts import doubts_about
from handkit.errors import UsageError
from handkit.hand import Side
from handkit.locate import FAR, NEAR
from handkit.shapes import Float32
from handkit.sources.opening import open_source
from handkit.sources.refusals import Refusals
from handkit.sources.source import Report, TimedFrame, log

LEAST_IN_REACH = 0.01
"""Of the pixels: a hand at 1 m covers this share of an image 60 degrees wide."""
MOST_HOLES = 0.95
MOST_HOLES_IN_HANDS = 0.25
"""Of the pixels among surfaces within reach."""
COARSE_MM = 4.0
"""Between neighboring values of an image that has been through 8 bits: 4 m in 256 steps are 16 mm each."""
ASKED = 12
"""About so many images are shown to the estimator."""
AVERAGED = 0.1
"""Share of mixed pixels beside holes: 0.03 at most in three cameras' images, 0.13 and more in means of two in a row."""
SLOWEST_HZ = 12.0
"""A hand at 1 m/s is 80 mm farther at the next frame: it is lost."""


@dataclass(frozen=True)
class Finding:
    """One check: what was seen and, where that is a problem, what mends it."""

    check: str
    seen: str
    mend: str = ""
    """Empty where all is well."""


def diagnose(
    source: str,
    *,
    camera: str | None = None,
    depth_scale: float | None = None,
    shows: Side | None = None,
    frames: int = 60,
    report: Report = log,
) -> list[Finding]:
    """All checks of the first `frames` of a source, a camera among them, opened as `open_source` does.

    With `shows`, the hand that is in view, also whether the images are mirrored, as the bundled networks see it.
    Raises UsageError, and as `open_source`.
    """
    if frames < 1:
        raise UsageError(f"--frames is {frames}; it must be 1 or more")
    with open_source(source, camera=camera, depth_scale=depth_scale, report=report) as opened:
        coming = iter(opened)
        taken = list(islice(coming, frames))
        more = not opened.live and next(coming, None) is not None
    findings = examine(taken, opened.refusals, more=more)
    return [*findings, *(_seen(taken, shows) if taken else [])]


def _seen(frames: Sequence[TimedFrame], shows: Side | None) -> list[Finding]:
    """What the bundled networks see, in about `ASKED` of the images."""
    from handkit.estimator import HandPoseEstimator

    estimator = HandPoseEstimator.from_pretrained()
    images = [frame.image for frame in frames[:: max(1, len(frames) // ASKED)]]
    predictions = [estimator.run(image, hands=1) for image in images]
    handless, odd = Handless(), list[str]()
    for image, each in zip(images, predictions, strict=True):
        handless.add(image, seen=bool(each.hands))
        odd += [said for said in each.warnings if said not in image.warnings]  # of the hand's size, not of its image
    seen = sum(bool(each.hands) for each in predictions)
    doubt = estimator.doubt_of_camera(*handless.doubtful()) or (odd[0] if 2 * len(odd) > seen else None)
    found = Finding("hands", f"in {seen} of {len(images)} images looked at", doubt or "")
    sides = [each.hands[0].handedness for each in predictions if each.hands]
    return [found] if shows is None else [found, mirrored(shows, sides, of=len(images))]


def examine(frames: Sequence[TimedFrame], refusals: Refusals, *, more: bool = False) -> list[Finding]:
    """All checks; `refusals` are the images that did not become frames, `more` follow these frames."""
    findings = [_refused(frames, refusals, more=more)]
    if not frames:
        return findings
    findings += [check(frames) for check in (_range, _holes, _values, _edges, _changes, _camera)]
    return [*findings, *([_times(frames)] if len(frames) > 2 else [])]


def mirrored(shown: str, answers: Sequence[str], *, of: int) -> Finding:
    """Whether a hand that is known to be `shown` is taken for the other one in most of the images `of` which some have
    an answer."""
    here = f"hold a {shown} hand into view, fingers spread, 30 to 60 cm away"
    if 2 * len(answers) < of or not answers:
        few = f"a hand in {len(answers)} of {of} images, too few to tell" if answers else "no hand was found"
        return Finding("mirrored", few, here)
    right = Counter(answers)[shown]
    seen = f"a {shown} hand, taken for a {shown} one in {right} of {len(answers)} images"
    if 2 * right >= len(answers):
        return Finding("mirrored", seen)
    return Finding(
        "mirrored", seen,
        "the image is mirrored: turn that off in the camera's tool, or give depth[:, ::-1] (and cx as width - 1 - cx)",
    )  # fmt: skip


def _refused(frames: Sequence[TimedFrame], refusals: Refusals, *, more: bool) -> Finding:
    """The most common sentence, which says what mends it."""
    total = len(frames) + refusals.total
    if not refusals.total:
        return Finding("frames", f"the first {total} looked at, more follow (--frames)" if more else f"{total} read")
    most, times = refusals.reasons()[0]
    return Finding("frames", f"{refusals.total} of {total} refused", f"{most} ({times} time{'s' * (times > 1)})")


def _range(frames: Sequence[TimedFrame]) -> Finding:
    """Whether anything lies where hands are."""
    valid = np.concatenate([_some(frame)[_some(frame) > 0] for frame in frames])
    if not len(valid):
        return Finding("range", "no valid depth value at all", "take the lens cap off, or leave the sun")
    low, middle, high = np.percentile(valid, (1, 50, 99))
    seen = f"{low:.0f} to {high:.0f} mm, median {middle:.0f} mm"
    share = float(((valid > NEAR) & (valid < FAR)).sum()) / sum(_some(each).size for each in frames)
    if share >= LEAST_IN_REACH:
        return Finding("range", f"{seen}; {share:.0%} of the pixels within {FAR:.0f} mm")
    unit = frames[0].image.camera.unit_mm
    if unit != 1 and not NEAR < middle < FAR:
        mend = f"is a unit of depth {unit:g} mm, as the camera has it? Give its --depth-scale"
    elif middle < NEAR:
        mend = "if these are centimeters give --depth-scale 10, if they are inches 25.4"
    else:
        mend = "hold a hand into view, 30 to 100 cm away; if one was there, the unit is smaller: give its --depth-scale"
    return Finding("range", f"{seen}; nothing within {FAR:.0f} mm", mend)


def _holes(frames: Sequence[TimedFrame]) -> Finding:
    """Invalid pixels in all, and among near surfaces."""
    taken = [_as_taken(frame) for frame in frames]
    holes = float(np.mean([(depth == 0).mean() for depth in taken]))
    near = float(np.mean([_holes_in_surfaces(depth) for depth in taken]))
    seen = f"{holes:.0%} of the pixels invalid, {near:.0%} of those in the middle of near surfaces"
    if near > MOST_HOLES_IN_HANDS:
        return Finding("holes", seen, "too near for this camera, in the sun, or low confidences are cut: go 20 cm back")
    if holes > MOST_HOLES:
        return Finding(
            "holes", seen, "no problem where the hand itself is whole; else check exposure and minimum distance"
        )
    return Finding("holes", seen)


def _holes_in_surfaces(depth: Float32[np.ndarray, "H W"]) -> float:
    """Share of pixels that are invalid, of those with a near surface both left and right, or above and below."""
    near = (depth > NEAR) & (depth < FAR)
    step = max(2, depth.shape[1] // 160)
    across = near[:, : -2 * step] & near[:, 2 * step :]
    middle = depth[:, step:-step] == 0
    return float((across & middle).sum()) / max(int(across.sum()), 1)


def _values(frames: Sequence[TimedFrame]) -> Finding:
    """How finely depth is resolved."""
    levels = [np.unique(_some(frame)) for frame in frames]
    most = max(levels, key=len)
    seen = f"{len(most)} different depth values"
    if 2 < len(most) <= 256 and float(np.median(np.diff(most))) > COARSE_MM:
        return Finding("values", seen, "the depth was squeezed into 8 bits on its way: take the camera's 16-bit values")
    return Finding("values", seen)


def _edges(frames: Sequence[TimedFrame]) -> Finding:
    """Steps between surfaces: whether one pixel takes them, or they are blended."""
    looked = [look_at_edges(frame.image.depth) for frame in frames]
    sharp = [edges.median for edges in looked if edges.median is not None]
    blended = sum(SHARPENED in frame.image.notes for frame in frames)
    if blended:
        return Finding("edges", f"blended in {blended} of {len(frames)} frames", SHARPENED)
    mixed = float(np.median([edges.mixed for edges in looked if edges.mixed is not None] or [0.0]))
    if mixed > AVERAGED:
        return Finding(
            "edges", f"{mixed:.0%} of the pixels beside holes are mixed with what was beside them",
            "the mean over several frames, or over neighbors: switch the camera's temporal and spatial filters off",
        )  # fmt: skip
    return Finding("edges", f"{np.median(sharp):.0%} of the rise in one step" if sharp else "none that would tell")


def _changes(frames: Sequence[TimedFrame]) -> Finding:
    """What had to be done to the images besides."""
    notes = Counter(note for frame in frames for note in frame.image.notes if note != SHARPENED)
    if not notes:
        return Finding("cleaning", "nothing had to be done")
    note, times = notes.most_common(1)[0]
    said = note if note.endswith("?") else f"done for you: {note}"  # a question is nothing that was done
    return Finding("cleaning", f"in {times} of {len(frames)} frames", said)


def _camera(frames: Sequence[TimedFrame]) -> Finding:
    """Whether intrinsics and image belong together, as far as numbers tell."""
    cameras = {frame.image.camera: None for frame in frames}
    camera = frames[-1].image.camera
    angles = [
        2 * np.degrees(np.arctan(size / 2 / f)) for size, f in ((camera.width, camera.fx), (camera.height, camera.fy))
    ]
    numbers = ",".join(f"{number:.6g}" for number in (camera.fx, camera.fy, camera.cx, camera.cy))
    seen = (
        f"{camera.width}x{camera.height}, {angles[0]:.0f} x {angles[1]:.0f} degrees, {camera.unit_mm:g} mm a unit; "
        f"--camera {numbers}"
    )
    if len(cameras) > 1:
        return Finding("camera", seen, f"{len(cameras)} cameras in one source: keep one resolution while tracking")
    doubts = doubts_about(camera)
    return Finding(
        "camera", seen, f"{'; '.join(doubts)}: give --camera fx,fy,cx,cy of this resolution" if doubts else ""
    )


def _times(frames: Sequence[TimedFrame]) -> Finding:
    """Frame rate, by the clock of the frames; images that stand still."""
    steps = np.diff([frame.time_s for frame in frames])
    if np.ptp(steps) < 1e-8 and steps[0] > 0:
        return Finding("times", f"evenly spaced, {1 / steps[0]:.4g} a second, as those of files without times are")
    backwards = int((steps <= 0).sum())
    frozen = sum(np.array_equal(one.image.depth, other.image.depth) for one, other in pairwise(frames))
    rate = 1 / max(float(np.median(steps)), 1e-6)
    seen = f"{rate:.0f} frames a second" if backwards < len(steps) else "the clock stands still"
    if backwards:
        return Finding(
            "times", seen, f"the clock stands or goes back at {backwards} of {len(steps)} frames: use the camera's own"
        )
    if frozen:
        return Finding(
            "times", seen, f"{frozen} frames repeat the one before: read faster than the camera gives, or it hangs"
        )
    if rate < SLOWEST_HZ:
        return Finding(
            "times", seen, f"fewer than {SLOWEST_HZ:.0f}: fast hands are lost; choose a smaller resolution, or USB 3"
        )
    return Finding("times", seen)


def _as_taken(frame: TimedFrame) -> Float32[np.ndarray, "H W"]:
    """In mm, 0 where invalid, a constant that stands for it too, before anything was filled."""
    depth = np.nan_to_num(frame.values.astype(np.float32), posinf=0.0) * np.float32(frame.image.camera.unit_mm)
    return drop_far_constant(np.maximum(depth, np.float32(0)))[0]


def _some(frame: TimedFrame) -> Float32[np.ndarray, "H W"]:
    """Every second row and column: enough to tell."""
    return frame.image.depth[::2, ::2]
