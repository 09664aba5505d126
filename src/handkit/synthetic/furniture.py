"""What is larger than a person carries. As in `clutter`."""

from random import Random

from handkit.synthetic.assemblies import Builder
from handkit.synthetic.clutter import ring


def table(random: Random) -> Builder:
    """A top with an edge, on two legs that are seen."""
    thing, width, deep = Builder(), random.uniform(500, 1500), random.uniform(300, 800)
    height, top = random.uniform(350, 720), random.uniform(18, 45)
    thing.box((0, 0, height), (width, deep, top))
    for side in (-1, 1):
        thing.box((side * width * 0.44, deep * 0.4, height / 2), (50, 50, height))
    return thing


def cabinet(random: Random) -> Builder:
    """A large box with a plinth or drawers that stand out."""
    thing = Builder()
    width, deep, height = random.uniform(250, 900), random.uniform(150, 450), random.uniform(250, 1300)
    thing.box((0, 0, height / 2), (width, deep, height))
    for i in range(random.randint(0, 3)):
        out = random.uniform(4, 60)
        thing.box((0, -deep / 2 - out / 2, height * (0.2 + 0.25 * i)), (width * 0.9, out, height * 0.2))
    return thing


def shelf(random: Random) -> Builder:
    """Boards with an open front."""
    thing, width, height = Builder(), random.uniform(400, 900), random.uniform(500, 1200)
    deep = random.uniform(180, 320)
    for side in (-1, 1):
        thing.box((side * width / 2, 0, height / 2), (22, deep, height))
    for i in range(3):
        thing.box((0, 0, height * (0.1 + 0.35 * i)), (width, deep, 22))
    thing.box((random.uniform(-0.2, 0.2) * width, 0, height * 0.55), (width * 0.4, deep * 0.8, height * 0.22))
    return thing


def chair(random: Random) -> Builder:
    """Seat, back with slats, two arm rests."""
    thing, width = Builder(), random.uniform(400, 520)
    thing.box((0, 0, 440), (width, 430, random.uniform(30, 90)))
    high = random.uniform(300, 600)
    if random.random() < 0.5:
        thing.box((0, 215, 480 + high / 2), (width, random.uniform(25, 90), high), pitch=random.uniform(-0.2, 0))
    else:
        for side in (-1, 0, 1):
            thing.rod((side * width * 0.4, 215, 440), (side * width * 0.4, 250, 440 + high), radius=17)
        thing.box((0, 248, 440 + high), (width, 28, 80))
    for side in (-1, 1):
        thing.rod((side * width * 0.5, -120, 640), (side * width * 0.5, 210, 640), radius=random.uniform(15, 30))
        thing.cylinder((side * width * 0.4, -150, 0), (side * width * 0.4, -150, 440), radius=20)
    return thing


def pillar(random: Random) -> Builder:
    """Door frames, pipes, table edges, curtain rods: long bars."""
    thing, length = Builder(), random.uniform(500, 1600)
    if random.random() < 0.5:
        thing.box((0, 0, length / 2), (random.uniform(20, 200), random.uniform(20, 120), length))
    else:
        thing.cylinder((0, 0, 0), (0, 0, length), radius=random.uniform(10, 80))
    return thing


def stand(random: Random) -> Builder:
    """A tripod, a stool's legs, a clothes hook: bars that spread from one point."""
    thing, height = Builder(), random.uniform(120, 500)
    for x, y, _ in ring(random.randint(3, 5), height * random.uniform(0.2, 0.6), 0, start=random.uniform(0, 2)):
        thing.rod((x, y, 0), (x * 0.1, y * 0.1, height), radius=random.uniform(5, 13), taper=random.uniform(0.8, 1.4))
    thing.box((0, 0, height + 20), (random.uniform(30, 90), random.uniform(30, 90), 40))
    return thing
