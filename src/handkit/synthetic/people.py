"""Parts of people that are not hands: heads, chests, feet, knees and elbows. Frame and units as in `assemblies`."""

import math
from random import Random

from handkit.synthetic.assemblies import Builder

SHOULDERS = 2
"""The first cones of a `bust` start at its shoulders, right and left."""


def head(thing: Builder, random: Random, *, height: float) -> None:
    """Skull, face, jaw, nose, ears and hair; the neck ends at `height`. The face looks along -y."""
    wide, long = random.uniform(135, 160), random.uniform(175, 205)
    middle = height + 55 + random.uniform(-12, 12)
    thing.ellipsoid((0, 8, middle + 55), (wide, long, random.uniform(165, 195)))
    thing.rod((0, -38, middle + 18), (0, -62 + random.uniform(-8, 8), middle - 42), radius=wide * 0.40, taper=0.55)
    nose = random.uniform(14, 26)
    thing.rod((0, -82, middle + 50), (0, -84 - nose, middle + 12), radius=7, taper=1.7)
    if random.random() < 0.8:
        for side in (-1, 1):
            thing.ellipsoid((side * wide * 0.5, 10, middle + 38), (20, 36, 62), yaw=side * random.uniform(0.2, 0.7))
    style = random.random()
    if style < 0.55:
        thick = random.uniform(5, 30)
        thing.ellipsoid(
            (0, 26, middle + 76), (wide + 2 * thick, long + thick, 150 + thick), pitch=random.uniform(-0.4, 0.1)
        )
    if style < 0.25:
        for side in (-1, 1):
            down = middle - random.uniform(20, 170)
            thing.rod((side * wide * 0.42, 35, middle + 70), (side * wide * 0.5, 30, down), radius=32, taper=0.8)
    elif style > 0.85:
        thing.cylinder((0, -20, middle + 105), (0, -16, middle + 112), radius=wide * random.uniform(0.6, 1.0))
    if random.random() < 0.25:
        thing.rod((-58, -78, middle + 58), (58, -78, middle + 58), radius=random.uniform(4, 14))


def bust(random: Random) -> Builder:
    """Head, neck, shoulders, chest and belly, with both upper arms; the origin is between the shoulders."""
    thing, half = Builder(), random.uniform(135, 195)
    deep = random.uniform(55, 85)
    for side in (-1, 1):
        elbow = (side * (half + random.uniform(10, 110)), random.uniform(-120, 60), -random.uniform(180, 290))
        thing.rod((side * half, 0, -25), elbow, radius=random.uniform(42, 60), taper=0.8)
    lean, twist = random.uniform(-40, 40), random.uniform(-30, 30)
    hip = random.uniform(0.7, 1.1)
    for side in (-1, 1):
        thing.sheet(
            ((side * half * 0.72, 0, -45), (-side * half * 0.5, 5, -60), (side * half * hip * 0.5, lean, -430)),
            (deep, deep * 0.95, deep * random.uniform(1.0, 1.5)),
        )
    thing.rod((0, 10, -30), (0, -6 + twist * 0.3, 80), radius=random.uniform(50, 64), taper=0.9)
    if random.random() < 0.3:
        for side in (-1, 1):
            thing.ball((side * half * 0.45, -deep * 0.8, -170), radius=random.uniform(45, 70))
    head(thing, random, height=70)
    return thing


def face(random: Random) -> Builder:
    """A head alone, with its neck; the origin is in the throat."""
    thing = Builder()
    thing.rod((0, 20, -160), (0, -4, 0), radius=random.uniform(54, 80), taper=0.75)
    head(thing, random, height=0)
    return thing


def leg(random: Random) -> Builder:
    """Thigh, shank and foot with heel and toes; the origin is the knee."""
    thing, bend = Builder(), random.uniform(0, 1.7)
    thick = random.uniform(48, 75)
    thing.rod((0, 0, 0), (random.uniform(-60, 60), 330 * math.sin(bend), 330 * math.cos(bend)), radius=thick, taper=1.4)
    thing.rod((0, 0, 0), (0, 30, -380), radius=thick * 0.95, taper=0.6)
    foot(thing, random, ground=-450)
    return thing


def bare_foot(random: Random) -> Builder:
    """One or two feet with ankles, bare or in shoes."""
    thing = Builder()
    foot(thing, random, ground=0)
    return thing


def foot(thing: Builder, random: Random, *, ground: float) -> None:
    """Ankle, heel, sole and toes: five in a row, as short fingers."""
    size = random.uniform(0.75, 1.1)
    ankle = (0.0, 20 * size, ground + 95 * size)
    thing.rod(ankle, (0, 35 * size, ground + 260), radius=38 * size, taper=1.2)
    thing.sheet(
        (
            (0, 45 * size, ground + 32 * size),
            (-30 * size, -125 * size, ground + 20),
            (28 * size, -115 * size, ground + 20),
        ),
        (32 * size, 19, 19),
    )
    thing.rod(ankle, (0, -70 * size, ground + 36 * size), radius=34 * size, taper=0.7)
    if random.random() < 0.6:
        for i in range(5):
            x = (i - 2) * 17 * size
            tip = -178 + abs(i - 1) * 9
            thing.rod((x, -130 * size, ground + 18), (x * 1.1, tip * size, ground + 11), radius=11 * size, taper=0.8)


def elbow(random: Random) -> Builder:
    """A bent arm that ends in a sleeve: no hand on it."""
    thing, bend = Builder(), random.uniform(0.4, 2.4)
    thick = random.uniform(34, 50)
    end = (0.0, 240 * math.sin(bend), 240 * math.cos(bend))
    thing.rod((0, 0, 0), (0, 0, -290), radius=thick, taper=1.25)
    thing.rod((0, 0, 0), end, radius=thick * 0.9, taper=random.uniform(0.5, 0.8))
    if random.random() < 0.5:
        cuff = (0.0, end[1] * 0.6, end[2] * 0.6)
        thing.rod((0, 0, 0), cuff, radius=thick * 1.15, taper=1.0)
    return thing


PARTS = (face, leg, bare_foot, elbow)
