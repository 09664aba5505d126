"""Machines: robot hands and arms, and what stands on desks with a plug. As in `clutter`."""

import math
from random import Random

from handkit.synthetic.assemblies import Builder
from handkit.synthetic.clutter import ring


def gripper(random: Random) -> Builder:
    """Two parallel or jointed fingers on the flange of a robot."""
    thing, open_ = Builder(), random.uniform(10, 60)
    length, thick, width = random.uniform(40, 75), random.uniform(8, 22), random.uniform(14, 32)
    base = random.uniform(60, 130)
    thing.cylinder((0, 0, -random.uniform(60, 300)), (0, 0, 0), radius=random.uniform(28, 55))
    thing.box((0, 0, base / 2), (random.uniform(70, 150), random.uniform(40, 75), base))
    splay = random.choice([0.0, random.uniform(-0.3, 0.9)])
    for side in (-1, 1):
        x = side * (open_ + thick / 2)
        knee = (x + side * length * math.sin(splay), 0.0, base + length * math.cos(splay))
        if splay:
            thing.rod((x, 0, base), knee, radius=thick * 0.6, taper=0.85)
        else:
            thing.box((x, 0, base + length / 2), (thick, width, length))
        tip = (knee[0] - side * 0.6 * length * math.sin(splay), 0.0, knee[2] + 0.8 * length)
        thing.rod(knee, tip, radius=thick * 0.5, taper=random.uniform(0.6, 1))
    return thing


def three_fingers(random: Random) -> Builder:
    """A robot hand of three or four jointed fingers on a round palm: the nearest that a machine comes to a hand."""
    thing, radius = Builder(), random.uniform(32, 52)
    height, bend = random.uniform(50, 110), random.uniform(-0.1, 0.9)
    thing.cylinder((0, 0, 0), (0, 0, height), radius=radius)
    thing.cylinder((0, 0, -random.uniform(40, 250)), (0, 0, 0), radius=radius * random.uniform(0.6, 1.1))
    first, second, thick = random.uniform(40, 70), random.uniform(25, 50), random.uniform(8, 13)
    for x, y, _ in ring(random.choice([3, 3, 4]), radius * 0.8, 0, start=random.uniform(0, 2)):
        cos, sin = x / (radius * 0.8), y / (radius * 0.8)
        out, tip = first * math.sin(bend), second * math.sin(bend - random.uniform(0.4, 1.2))
        knee = (x + cos * out, y + sin * out, height + first * math.cos(bend))
        thing.rod((x, y, height), knee, radius=thick)
        thing.rod(knee, (knee[0] + cos * tip, knee[1] + sin * tip, knee[2] + second * 0.8), radius=thick, taper=0.75)
    return thing


def robot_arm(random: Random) -> Builder:
    """Three links with cylinders for joints."""
    thing, radius = Builder(), random.uniform(25, 60)
    point, heading, tilt = (0.0, 0.0, 0.0), random.uniform(0, 6), random.uniform(-0.3, 0.5)
    for _ in range(3):
        length = random.uniform(120, 330)
        flat = length * math.sin(tilt)
        end = (
            point[0] + flat * math.cos(heading),
            point[1] + flat * math.sin(heading),
            point[2] + length * math.cos(tilt),
        )
        if random.random() < 0.5:
            thing.rod(point, end, radius=radius, taper=0.9)
        else:
            thing.cylinder(point, end, radius=radius, taper=0.9)
        across = (-math.sin(heading) * radius * 1.3, math.cos(heading) * radius * 1.3)
        thing.rod(
            (end[0] - across[0], end[1] - across[1], end[2]),
            (end[0] + across[0], end[1] + across[1], end[2]),
            radius=radius * 1.05,
        )
        point, radius, tilt = end, radius * 0.85, tilt + random.uniform(-1.6, 1.6)
    return thing


def monitor(random: Random) -> Builder:
    """A screen on its foot, or hanging."""
    thing, width = Builder(), random.uniform(380, 720)
    height = width * random.uniform(0.55, 0.65)
    thing.box((0, 0, 110 + height / 2), (width, random.uniform(18, 50), height), pitch=random.uniform(-0.15, 0.05))
    thing.cylinder((0, 30, 0), (0, 30, 120), radius=random.uniform(14, 35))
    thing.box((0, 30, 6), (width * 0.4, 190, 12))
    return thing


def laptop(random: Random) -> Builder:
    """Open."""
    thing, width = Builder(), random.uniform(290, 380)
    tilt = random.uniform(-0.1, 0.6)
    thing.box((0, 0, 9), (width, width * 0.68, 18))
    away = width * 0.34
    thing.box((0, away + away * math.sin(tilt), 14 + away * math.cos(tilt)), (width, 8, width * 0.66), pitch=-tilt)
    return thing


def keyboard(random: Random) -> Builder:
    """With rows of keys."""
    thing, width = Builder(), random.uniform(280, 460)
    thing.box((0, 0, 9), (width, 140, 18), pitch=random.uniform(0, 0.08))
    for row in range(3):
        thing.box((0, row * 38 - 40, 21), (width * 0.94, 30, random.uniform(5, 9)))
    return thing


def mouse(random: Random) -> Builder:
    """A mouse, a stone, a soap."""
    thing = Builder()
    thing.ellipsoid((0, 0, 15), (random.uniform(52, 72), random.uniform(90, 125), random.uniform(36, 60)))
    return thing


def lamp(random: Random) -> Builder:
    """A desk lamp: foot, two arms and a shade."""
    thing, reach = Builder(), random.uniform(140, 260)
    thing.cylinder((0, 0, 0), (0, 0, 18), radius=random.uniform(60, 95))
    lean = random.uniform(-0.5, 0.6)
    elbow = (0.0, -reach * math.sin(lean), 18 + reach * math.cos(lean))
    head = (0.0, elbow[1] + reach * 0.8, elbow[2] + random.uniform(-40, 120))
    thing.path([(0, 0, 18), elbow, head], radius=random.uniform(4, 9))
    thing.cylinder(head, (0, head[1] + 70, head[2] - 90), radius=random.uniform(18, 35), taper=2.2, wall=3)
    return thing
