"""Things that are not hands: what lies on desks and in hands. One function builds one of a kind.

Every function answers another thing at every call. Sizes are those of shops and data sheets, in mm.
"""

import math
from collections.abc import Callable
from random import Random

from handkit.synthetic.assemblies import Builder, Point

Kind = Callable[[Random], Builder]


def ring(count: int, radius: float, height: float, *, start: float = 0.0) -> list[Point]:
    """Points on a level circle."""
    angles = [start + 2 * math.pi * i / count for i in range(count)]
    return [(radius * math.cos(angle), radius * math.sin(angle), height) for angle in angles]


def mug(random: Random) -> Builder:
    """Hollow, with a handle."""
    thing, radius, height = Builder(), random.uniform(34, 47), random.uniform(75, 110)
    thing.cylinder(
        (0, 0, 0), (0, 0, height), radius=radius, taper=random.uniform(0.95, 1.15), wall=random.uniform(3, 5)
    )
    bow, thick = random.uniform(20, 34), random.uniform(4, 7)
    middle, half = height * random.uniform(0.45, 0.6), height * random.uniform(0.26, 0.36)
    arc = [i * math.pi / 4 for i in range(5)]
    loop = [(radius - 2 + bow * math.sin(a), 0.0, middle + half * math.cos(a)) for a in arc]
    thing.path(loop, radius=thick)
    return thing


def glass(random: Random) -> Builder:
    """A tumbler, a bowl or a pot."""
    thing, radius = Builder(), random.uniform(26, 75)
    height = radius * random.uniform(0.7, 3.2)
    thing.cylinder((0, 0, 0), (0, 0, height), radius=radius, taper=random.uniform(1, 1.5), wall=random.uniform(2, 4))
    return thing


def bottle(random: Random) -> Builder:
    """Body, shoulder, neck and cap."""
    thing, radius, height = Builder(), random.uniform(28, 46), random.uniform(150, 290)
    neck, body = random.uniform(11, 17), height * random.uniform(0.55, 0.75)
    top = body + (height - body) * random.uniform(0.3, 0.7)
    thing.cylinder((0, 0, 0), (0, 0, body), radius=radius)
    thing.cylinder((0, 0, body), (0, 0, top), radius=radius, taper=neck / radius)
    thing.cylinder((0, 0, top), (0, 0, height), radius=neck)
    if random.random() < 0.6:
        thing.cylinder((0, 0, height - 16), (0, 0, height + 4), radius=neck * 1.18)
    if random.random() < 0.3:
        thing.path([(neck, 0, height - 3), (neck + 32, 0, height + 4)], radius=6, taper=0.6)
    return thing


def can(random: Random) -> Builder:
    """A can, a roll, a candle, a jar."""
    thing, radius = Builder(), random.uniform(12, 55)
    height = radius * random.uniform(0.6, 4)
    thing.cylinder((0, 0, 0), (0, 0, height), radius=radius)
    if random.random() < 0.4:
        thing.cylinder((0, 0, height), (0, 0, height + 12), radius=radius * 1.05)
    return thing


def fruit(random: Random) -> Builder:
    """One to four apples, oranges, pears, eggs, potatoes."""
    thing = Builder()
    for i in range(random.randint(1, 4)):
        size = random.uniform(40, 85)
        place = (i * 62.0 - 60, random.uniform(-30, 30), size / 2)
        stretched = (size * random.uniform(0.8, 1.25), size * random.uniform(0.9, 1.1), size)
        thing.ellipsoid(place, stretched, yaw=random.uniform(0, 3), pitch=random.uniform(-0.5, 0.5))
        if random.random() < 0.4:
            thing.rod(place, (place[0] + 6, place[1], place[2] + size * 0.85), radius=size * 0.24, taper=0.12)
    return thing


def bananas(random: Random) -> Builder:
    """One, or a bunch that fans out as fingers do."""
    thing, count = Builder(), random.choice([1, 1, 2, 3, 4])
    length, radius, bend = random.uniform(130, 200), random.uniform(14, 19), random.uniform(0.6, 1.3)
    for i in range(count):
        yaw = (i - (count - 1) / 2) * random.uniform(0.16, 0.35)
        points: list[Point] = []
        for step in range(4):
            angle = bend * (step / 3 - 0.5)
            out, rise = length / bend * (math.sin(angle) + math.sin(bend / 2)), length / bend * (1 - math.cos(angle))
            points.append((out * math.sin(yaw), out * math.cos(yaw), radius + rise + 3 * i))
        thing.path([points[0], points[1], points[2]], radius=radius * 0.7, taper=1.4)
        thing.rod(points[2], points[3], radius=radius, taper=0.35)
    return thing


def phone(random: Random) -> Builder:
    """A phone, a tablet, a book, a remote control, a card: one flat box."""
    thing, width = Builder(), random.choice([random.uniform(40, 80), random.uniform(80, 220)])
    height = random.choice([8.0, 8.0, random.uniform(12, 60)])
    thing.box((0, 0, height / 2), (width, width * random.uniform(1.2, 2.3), height))
    return thing


def boxes(random: Random) -> Builder:
    """One to three parcels or books on one another."""
    thing, top = Builder(), 0.0
    for _ in range(random.randint(1, 3)):
        size = (random.uniform(40, 240), random.uniform(40, 200), random.uniform(18, 120))
        thing.box((random.uniform(-15, 15), random.uniform(-15, 15), top + size[2] / 2), size, yaw=random.gauss(0, 0.3))
        top += size[2]
    return thing


def pens(random: Random) -> Builder:
    """One to five pens side by side, as far apart as fingers."""
    thing = Builder()
    for i in range(random.randint(1, 5)):
        radius, length, yaw = random.uniform(3, 8), random.uniform(90, 190), random.gauss(0, 0.12)
        start = (i * random.uniform(14, 24), random.uniform(-15, 15), radius)
        end = (start[0] + length * math.sin(yaw), start[1] + length * math.cos(yaw), radius)
        thing.rod(start, end, radius=radius, taper=random.choice([1.0, 1.0, 0.5]))
    return thing


def pencil_cup(random: Random) -> Builder:
    """Pens and brushes that stand in a cup: fingers on a palm, from afar."""
    thing, radius, height = Builder(), random.uniform(28, 42), random.uniform(70, 110)
    thing.cylinder((0, 0, 0), (0, 0, height), radius=radius, wall=3)
    for x, y, z in ring(random.randint(2, 6), radius * 0.45, 8, start=random.uniform(0, 3)):
        top = height + random.uniform(20, 90)
        thing.rod((x, y, z), (x * 1.9, y * 1.9, top), radius=random.uniform(3, 8), taper=random.uniform(0.7, 1.6))
    return thing


def rake(random: Random) -> Builder:
    """Rakes, forks, combs, spatulas: a handle, a bar and two to six tines."""
    thing, count = Builder(), random.randint(2, 6)
    gap, radius = random.uniform(10, 26), random.uniform(2.5, 8)
    length, handle = random.uniform(40, 110), random.uniform(90, 420)
    half, bend = gap * (count - 1) / 2, random.uniform(-0.6, 1.2)
    thing.rod((0, -handle, radius), (0, 0, radius), radius=random.uniform(6, 14))
    thing.rod((-half, 0, radius), (half, 0, radius), radius=radius * 1.3)
    for i in range(count):
        x = (i * gap - half) * random.uniform(1.0, 1.05)
        tip = (x * 1.15, length * math.cos(bend), radius + length * math.sin(bend))
        thing.rod((x, 0, radius), tip, radius=radius, taper=random.uniform(0.5, 1))
    return thing


def brush(random: Random) -> Builder:
    """Brushes, hammers, wrenches, rackets, spoons: a handle and a head across."""
    thing, handle = Builder(), random.uniform(90, 260)
    radius, flat = random.uniform(5, 15), random.uniform(12, 60)
    thing.rod((0, -handle, radius), (0, 0, radius), radius=radius, taper=random.uniform(0.6, 1.1))
    if random.random() < 0.5:
        thing.box((0, flat / 2, radius), (random.uniform(20, 130), flat, random.uniform(8, 40)))
    else:
        thing.ellipsoid((0, flat, radius), (random.uniform(30, 90), flat * 2.2, random.uniform(8, 50)))
    return thing


def scissors(random: Random) -> Builder:
    """Scissors and pliers: two bars that cross, with or without rings."""
    thing, open_ = Builder(), random.uniform(0.05, 0.5)
    for side in (-1, 1):
        s, c = side * math.sin(open_), math.cos(open_)
        thing.rod((-60 * s, -60 * c, 6), (95 * s, 95 * c, 6), radius=random.uniform(4, 8), taper=0.4)
        if random.random() < 0.7:
            thing.path([(x - 70 * s + 6 * side, y - 78 * c, 6.0) for x, y, _ in ring(5, 19, 0)], radius=4)
    return thing


def cable(random: Random) -> Builder:
    """A cable, a rope, a belt: a random walk, flat or in the air."""
    thing, flat = Builder(), random.random() < 0.6
    heading, climb, step = random.uniform(0, 6), 0.0, random.uniform(20, 60)
    points: list[Point] = [(0, 0, 4)]
    for _ in range(10):
        x, y, z = points[-1]
        heading, climb = heading + random.gauss(0, 0.6), 0.0 if flat else climb + random.gauss(0, 0.5)
        points.append((x + step * math.cos(heading), y + step * math.sin(heading), z + step * math.sin(climb)))
    thing.path(points, radius=random.uniform(2, 9))
    return thing


def plant(random: Random) -> Builder:
    """A pot with leaves: long and round, or broad and flat."""
    thing, height = Builder(), random.uniform(60, 160)
    thing.cylinder((0, 0, 0), (0, 0, height), radius=height * 0.4, taper=1.3, wall=5)
    broad = random.random() < 0.5
    for i in range(random.randint(4, 8)):
        yaw, rise = i * 2.4 + random.uniform(-0.4, 0.4), random.uniform(0.1, 1.4)
        length = random.uniform(60, 230)
        out, up = length * math.cos(rise), length * math.sin(rise)
        start = (0.0, 0.0, height * 0.9)
        end = (out * math.cos(yaw), out * math.sin(yaw), height * 0.9 + up)
        thing.rod(start, end, radius=random.uniform(3, 9), taper=random.uniform(0.3, 1))
        if broad and i < 4:
            size = (random.uniform(35, 90), length * 0.6, random.uniform(4, 10))
            thing.ellipsoid(end, size, yaw=yaw - math.pi / 2, pitch=rise - 0.6)
    return thing


def cloth(random: Random) -> Builder:
    """Rags, bags, bread, toys: a heap of lumps."""
    thing, size = Builder(), random.uniform(40, 130)
    for _ in range(4):
        place = (random.gauss(0, 0.4) * size, random.gauss(0, 0.4) * size, size * random.uniform(0.2, 0.5))
        lump = (size * random.uniform(0.5, 1.4), size * random.uniform(0.4, 1), size * random.uniform(0.3, 0.8))
        thing.ellipsoid(place, lump, yaw=random.uniform(0, 3), pitch=random.gauss(0, 0.4))
    corners = tuple((random.gauss(0, 0.7) * size, random.gauss(0, 0.7) * size, 9.0) for _ in range(3))
    thing.sheet((corners[0], corners[1], corners[2]), (9.0, 7.0, 12.0))
    return thing


def toy(random: Random) -> Builder:
    """A doll or a bear: body, head and four stumps."""
    thing, size = Builder(), random.uniform(50, 110)
    thing.ellipsoid((0, 0, size), (size * 1.1, size * 0.9, size * 1.4))
    thing.ellipsoid((0, 0, size * 2.0), (size * 0.85, size * 0.8, size * 0.8))
    for side in (-1, 1):
        thing.rod(
            (side * size * 0.45, 0, size * 1.4),
            (side * size, size * 0.3, size * random.uniform(0.7, 1.9)),
            radius=size * 0.2,
        )
        thing.rod((side * size * 0.3, 0, size * 0.5), (side * size * 0.5, size * 0.5, size * 0.2), radius=size * 0.24)
    return thing
