"""From a depth image and its camera to hands in millimeters.

    DepthImage -> detect -> centers -> both hypotheses -> re-centered -> both again -> decide -> HandPose

numpy and OpenCV; the networks run behind a `Backend`. A left hand is looked at in a mirrored cube, `rotations` are
rolled cubes.
"""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import NamedTuple

import numpy as np

from handkit.anatomy import USUAL, proportions
from handkit.asked import MINIMUM_CONFIDENCE, Asked, Rotations, check_asked, check_rotations
from handkit.backends.backend import Backend, Cubes
from handkit.backends.opening import BackendName, open_backend
from handkit.camera import LARGEST_PX, Camera
from handkit.depth import DepthImage, check_camera, check_image, supported, visible_area
from handkit.doubts import Guess, doubts_about, mistake_in, seen_by_other_numbers
from handkit.errors import FrameError, UsageError, check_kind, shown
from handkit.hand import Cause, HandPose, Prediction
from handkit.hypotheses import (
    Answer,
    Hypothesis,
    allowed,
    answer_of,
    choose,
    distinct,
    likely,
    mean_of,
    odds_of_left,
    reason_for_none,
    without_judge,
)
from handkit.locate import FAR, NEAR, THRESHOLD, WEAK, FoundHand, find_hands, propose, same_hand
from handkit.odds import log_odds, probability
from handkit.shapes import Float32
from handkit.skeleton import Skeleton

BOTH = (False, True)
"""The hypotheses: a right hand, a left one."""
EXTRA = 1
"""Places looked at beside as many as there may be hands."""
UNJUDGED = (
    "there is no confidence network for this pose network (handkit train confidence): confidence is that of the "
    "detector, and says little of the joints; ask for less (--minimum-confidence 0.05) and say which hand it is "
    "(--handedness)"
)
ENOUGH = 0.8
"""Probability of a good pose, as it was asked for, from which on no further place is looked at."""
CLEAR = 0.98
"""Probability of a handedness from which on the other one is not looked at again."""
OTHER_LENS = (2.0, 0.5)
"""Factors of focal lengths that belong to the same camera at twice or half the resolution."""
OTHER_UNIT = (0.1, 0.125, 0.25, 0.5, 2.0, 4.0, 8.0, 10.0)
"""Factors of units that depth values are often stored in, and of those that they are taken for."""
SPEAKS = 0.8
"""Confidence from which on a hand that is seen by other numbers speaks against those given."""
STILL_MM = 12.0
"""Where a sure first look moves the center by less, it counts as one of the rotations."""
HOPELESS = 0.03
"""Probability of a good pose below which a place is not looked at again if another is better."""


class HandPoseEstimator:
    """`predict(depth, camera)` finds the hands of a depth image and their joints; threads may share one.

    `rotations` (test-time augmentation) of 2 or 4 average over this many rolled views of the crop.
    """

    def __init__(self, backend: Backend, *, rotations: Rotations = 2) -> None:
        check_rotations(rotations)
        check_kind("backend", backend, Backend)
        self.backend, self.rotations = backend, rotations

    @classmethod
    def from_pretrained(
        cls,
        name: str | PathLike[str] = "latent-fusion",
        *,
        backend: BackendName | None = None,
        threads: int = 1,
        rotations: Rotations = 2,
        detector: str | PathLike[str] = "detector",
        confidence: str | PathLike[str] | None = None,
    ) -> "HandPoseEstimator":
        """A pose network by name or path: a graph, or weights, which torch runs.

        `detector` and `confidence` are the networks around it, by name or path; by default the bundled detector, and
        the confidence network in the same file or beside it. Raises CheckpointError with the names that there are.
        """
        for given in (name, detector, *([] if confidence is None else [confidence])):
            if not isinstance(given, str | PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise UsageError(f"a network is given by its name or its path; got {shown(given)}")
        judge = None if confidence is None else fspath(confidence)
        opened = open_backend(
            fspath(name), backend=backend, threads=threads, detector=fspath(detector), confidence=judge
        )
        return cls(opened, rotations=rotations)

    @property
    def skeleton(self) -> Skeleton:
        """Of the hands that are answered."""
        return self.backend.skeleton

    def predict(
        self,
        depth: object,
        camera: Camera,
        *,
        hands: int = 2,
        handedness: Asked = "auto",
        minimum_confidence: float = MINIMUM_CONFIDENCE,
    ) -> list[HandPose]:
        """At most `hands` hands of one depth image (H, W), in units of `camera.unit_mm`, the surest first.

        With `handedness` given only hands of that side are answered. Raises FrameError where it is no depth image (see
        `DepthImage.of`), UsageError for other arguments.
        """
        image = DepthImage.of(depth, camera)
        return self.run(image, hands=hands, handedness=handedness, minimum_confidence=minimum_confidence).hands

    def predict_many(
        self,
        depths: Iterable[object],
        camera: Camera,
        *,
        hands: int = 2,
        handedness: Asked = "auto",
        minimum_confidence: float = MINIMUM_CONFIDENCE,
    ) -> list[Prediction]:
        """Each of several depth images of one camera; one that is refused has the sentence as its reason."""
        check_asked(hands=hands, handedness=handedness, minimum_confidence=minimum_confidence)
        one = getattr(depths, "ndim", 3) < 3
        if one or isinstance(depths, str) or not isinstance(depths, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"depths are several depth images; got {shown(depths)}")
        check_camera(camera)
        predictions: list[Prediction] = []
        for depth in depths:
            try:
                image = DepthImage.of(depth, camera)
            except FrameError as error:
                predictions.append(Prediction([], str(error), _Watch().finish(), doubts_about(camera), "refused"))
                continue
            predictions.append(
                self.run(image, hands=hands, handedness=handedness, minimum_confidence=minimum_confidence)
            )
        return predictions

    def run(
        self,
        image: DepthImage,
        *,
        hands: int = 2,
        handedness: Asked = "auto",
        minimum_confidence: float = MINIMUM_CONFIDENCE,
        known: Sequence[Float32[np.ndarray, "3"]] = (),
    ) -> Prediction:
        """The hands in one depth image, or the reason for their absence; and the time that every stage took.

        What is seen at the centers (camera mm) of `known` hands is neither looked at nor answered.
        """
        check_asked(hands=hands, handedness=handedness, minimum_confidence=minimum_confidence)
        check_image(image)
        watch, warnings = _Watch(), list(image.warnings)
        warnings += [] if self.backend.has_confidence else [UNJUDGED]
        places = self._locate(image, limit=hands + EXTRA, known=known)
        watch.lap("locate")
        if not places:
            cause, reason = ("no surface", "there is no other hand") if known else _nothing_to_see(image)
            return Prediction([], reason, watch.finish(), tuple(warnings), cause)
        kept = self._recenter(image, places, handedness, limit=hands)
        places = [each.place for each in kept]
        sides = [undecided(place, handedness) for place in places]
        looks = self._look(image, places, sides, before=[each.look for each in kept])
        answers = distinct(
            [self._answer(image, look, handedness, place) for look, place in zip(looks, places, strict=True)]
        )
        watch.lap("estimate")
        sure = [
            answer.pose
            for answer in answers
            if answer.pose.confidence >= minimum_confidence and not answer.contradicted
        ][:hands]
        cause, reason = (None, None) if sure else reason_for_none(answers, minimum_confidence, image.camera)
        doubts = [proportions(pose.joints_mm, pose.skeleton).doubt for pose in sure]
        warnings += [doubt for doubt in doubts if doubt]
        return Prediction(sure, reason, watch.finish(), tuple(dict.fromkeys(warnings)), cause)

    def doubt_of_camera(self, *images: DepthImage) -> str | None:
        """Of images of a camera in which no hand is sure enough: whether at least half of them show one with focal
        lengths twice or half as long, or with depth values in another unit. None where one shows a hand as it is.

        Takes eleven searches of each image: `OTHER_LENS` and `OTHER_UNIT`.
        """
        for image in images:
            check_image(image)
        if not images or any(self.run(image, hands=1).hands for image in images):
            return None
        camera = images[0].camera
        mistake = mistake_in(camera)
        if mistake and mistake.hands == "any":  # its numbers say alone what is wrong with them, and it has been said
            return None
        seen: dict[tuple[Guess, float], list[float]] = {
            ("lens", by): [self._usual_hand(_other_lens(image, by)) for image in images] for by in OTHER_LENS
        }
        seen |= {
            ("unit", by): [self._usual_hand(replace(image, depth=image.depth * np.float32(by))) for image in images]
            for by in OTHER_UNIT
        }
        return seen_by_other_numbers(camera, seen)

    def _usual_hand(self, image: DepthImage | None) -> float:
        """Confidence of a hand of a usual size, 0 where there is none that is sure enough to speak."""
        for hand in self.run(image, hands=1, minimum_confidence=SPEAKS).hands if image else ():
            if USUAL[0] <= proportions(hand.joints_mm, hand.skeleton).size <= USUAL[1]:
                return hand.confidence
        return 0.0

    def follow(
        self,
        image: DepthImage,
        centers: Float32[np.ndarray, "N 3"],
        *,
        left: Sequence[bool | None],
        rotations: Rotations = 1,
    ) -> list[HandPose]:
        """The hand around each center (camera mm), however sure; `rotations` looks each, without a search.

        Of a hand whose side is known (`left` True or False) that hypothesis alone is looked at; None: both are, and the
        likelier is answered. Raises UsageError where there is not one of `left` for each center.
        """
        check_image(image)
        check_rotations(rotations)
        if len(centers) != len(left):
            raise UsageError(f"there are {len(centers)} centers and {len(left)} sides (left); one for each is needed")
        places = [
            FoundHand(center, 1.0, 0.5 if side is None else float(side))
            for center, side in zip(centers, left, strict=True)
        ]
        looks = self._look(image, places, [BOTH if side is None else (side,) for side in left], rotations=rotations)
        asked: list[Asked] = ["auto" if side is None else "left" if side else "right" for side in left]
        return [
            self._answer(image, look, side, place).pose for look, side, place in zip(looks, asked, places, strict=True)
        ]

    def _locate(self, image: DepthImage, *, limit: int, known: Sequence[Float32[np.ndarray, "3"]]) -> list[FoundHand]:
        """What could be hands, the likeliest first: by the detector, where it sees none also the nearest surfaces."""
        camera = image.camera.pinhole
        intrinsics = (camera.fx, camera.fy, camera.cx, camera.cy)
        found = find_hands(self.backend.detect, image.depth, intrinsics, limit=limit + len(known), threshold=WEAK)
        if known:
            return [each for each in found if not any(same_hand(each.center, other, opposite=True) for other in known)]
        if not found or found[0].score < THRESHOLD:
            near = [FoundHand(center, 0.0, 0.5) for center in propose(image.depth, camera)]
            found += [each for each in near if not any(each.is_same(other) for other in found)]
        return found

    def _recenter(
        self, image: DepthImage, places: Sequence[FoundHand], asked: Asked, *, limit: int
    ) -> "list[Recentered]":
        """Centered on the joints of a first look; at least one place, the likeliest first.

        At most `limit`, or `EXTRA` more where the likeliest is not clear.

        More than `limit` are looked at unless that many hands are clearly what was asked for.
        """
        looks: list[list[Hypothesis]] = []
        kept: list[Recentered] = []
        for some in (places[:limit], places[limit:]):
            if sum(each.chance >= ENOUGH for each in kept) < limit:
                looks += self._look(image, some, [BOTH] * len(some), rotations=1)
                kept = recentered(places, looks, asked)
        return kept[: limit if kept[0].chance >= ENOUGH else limit + EXTRA]

    def _look(
        self,
        image: DepthImage,
        places: Sequence[FoundHand],
        sides: Sequence[Sequence[bool]],
        *,
        rotations: int | None = None,
        before: Sequence[Sequence[Hypothesis]] = (),
    ) -> list[list[Hypothesis]]:
        """Hypotheses of each place, those of `sides` (left or not), with one call of the networks at most.

        `before`: looks at nearly the same places without a rotation, or empty; they are not repeated.
        """
        rolls = self.rotations if rotations is None else rotations
        views: list[list[list[Hypothesis]]] = [
            [[each for each in known if each.left == side] for side in each_sides]
            for known, each_sides in zip(before or [[]] * len(places), sides, strict=True)
        ]
        asked = [
            (place, number, roll)
            for place, seen in enumerate(views)
            for number, known in enumerate(seen)
            for roll in range(len(known), rolls)
        ]
        if asked:
            cubes = Cubes(
                center=np.array([places[place].center for place, *_ in asked], np.float32),
                mirrored=np.array([sides[place][number] for place, number, _ in asked], bool),
                roll=np.array([roll * 2 * math.pi / rolls for *_, roll in asked], np.float32),
            )
            found = self.backend.estimate(image.depth, image.camera.pinhole, cubes)
            for row, (place, number, _) in enumerate(asked):
                odds = (float(part[row]) for part in (found.good, found.hand, found.right))
                seen = Hypothesis(sides[place][number], found.joints_mm[row], found.uncertainty_mm[row], *odds)
                if not self.backend.has_confidence:
                    seen = without_judge(seen, places[place], covered=supported(seen.joints_mm, image))
                views[place][number].append(seen)
        return [[mean_of(each) for each in seen] for seen in views]

    def _answer(self, image: DepthImage, look: Sequence[Hypothesis], asked: Asked, place: FoundHand) -> Answer:
        """Of a place of which but one hypothesis was looked at, the handedness is what was known before."""
        odds = odds_of_left(look) if len(look) > 1 else log_odds(place.left)
        chosen = choose(look, asked, left_odds=odds)
        surface_cm2 = visible_area(chosen.joints_mm, image)
        return answer_of(
            chosen, asked, left_odds=odds, skeleton=self.skeleton, camera=image.camera, surface_cm2=surface_cm2
        )


class Recentered(NamedTuple):
    """A place after a first look."""

    place: FoundHand
    chance: float
    """How likely it is what was asked for."""
    look: list[Hypothesis]
    """The first look where it stays as good as any, else nothing."""


def recentered(places: Sequence[FoundHand], looks: Sequence[list[Hypothesis]], asked: Asked) -> list[Recentered]:
    """Where the first looks saw hands, each hand once; the likeliest first."""
    kept: list[Recentered] = []
    for chance, look, found in sorted(
        ((likely(look, asked), look, found) for look, found in zip(looks, places, strict=False)),
        key=lambda each: -each[0],
    ):
        center = np.concatenate([each.joints_mm for each in allowed(look, asked)]).mean(0)
        still = chance >= ENOUGH and float(np.linalg.norm(center - found.center)) < STILL_MM
        place = FoundHand(center, found.score, probability(odds_of_left(look)))
        hopeless = max(probability(each.good) for each in look) < HOPELESS
        if not kept or not (hopeless or any(place.is_same(each.place) for each in kept)):
            kept.append(Recentered(place, chance, look if still else []))
    return kept


def _other_lens(image: DepthImage, factor: float) -> DepthImage | None:
    """As if the focal lengths were `factor` times as long; None where no camera has such."""
    fx, fy = image.camera.fx * factor, image.camera.fy * factor
    possible = 1 <= min(fx, fy) <= max(fx, fy) <= LARGEST_PX
    return replace(image, camera=replace(image.camera, fx=fx, fy=fy)) if possible else None


def undecided(place: FoundHand, asked: Asked) -> tuple[bool, ...]:
    """Hypotheses of a place that are worth a second look, left or not.

    A side that is clear is not doubted again, but where the other one was asked for.
    """
    likelier = place.left > 0.5
    clear = max(place.left, 1 - place.left) >= CLEAR
    return (likelier,) if clear and asked in {"auto", "left" if likelier else "right"} else BOTH


def _nothing_to_see(image: DepthImage) -> tuple[Cause, str]:
    valid = image.depth[image.depth > 0]
    if len(valid) == 0:
        return "no depth", "the image has no valid depth value at all"
    near, far = float(valid.min()), float(valid.max())
    hint = ""
    if image.camera.unit_mm != 1 and (near > FAR or far < NEAR):
        hint = f"; is a unit of depth {image.camera.unit_mm:g} mm, as the camera has it (--depth-scale)?"
    elif near > FAR:
        hint = "; if those are not mm, give the mm of one unit (--depth-scale)"
    elif far < NEAR:
        hint = "; if those are centimeters, give --depth-scale 10, if they are inches, 25.4"
    reached = near < FAR and far > NEAR
    what = "nothing that could be a hand" if reached else "nothing"
    return (
        "no surface" if reached else "out of range",
        f"{what} between {NEAR:.0f} and {FAR:.0f} mm; depth values span {near:.0f} to {far:.0f} mm{hint}",
    )


class _Watch:
    """Milliseconds of the stages of one prediction; a stage that was not reached took none."""

    def __init__(self) -> None:
        self.begun = self.last = time.perf_counter()
        self.laps = {"locate": 0.0, "estimate": 0.0}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] += (now - self.last) * 1e3
        self.last = now

    def finish(self) -> dict[str, float]:
        total = (time.perf_counter() - self.begun) * 1e3
        return {name: round(value, 3) for name, value in (self.laps | {"total": total}).items()}
