"""A long session: the same again bit for bit, and no growth."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from tracked import Script, Seen, frame

from handkit.tracking import HandTracker

FRAMES = 20_000


def world(i):
    """Two hands that come, go, jump and meet; frames without any; things that are taken for hands."""
    random = np.random.default_rng(i // 150)
    right = Seen((random.uniform(-200, 200) + i % 150, 0, 500), side=0.3 if i % 11 == 0 else 0.9)
    left = Seen((-(i % 150) + 75.0, 30, random.uniform(400, 700)), left=True)
    thing = Seen((300, 200, 600), confidence=0.6 if i % 40 == 0 else 0.2)
    shown = [each for each, odds in ((right, 0.8), (left, 0.5), (thing, 0.3)) if random.random() < odds]
    return [] if i % 97 < 5 else shown


def session(count, watch=lambda i: None):
    tracker = HandTracker(Script(world, noise_mm=3), report=lambda _: None)
    seen = hash(())
    for i in range(count):
        time_s = i / 30 - (1000 if i % 5000 == 4999 else 0)  # a clock that jumps back now and then
        hands = tracker.update(frame(i % 6000, time_s=time_s))
        seen = hash((seen, *hands))
        watch(i)
    return seen


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_twenty_thousand_frames():
    grown = []

    def watch(i):
        if i in {2000, FRAMES - 1}:
            grown.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    first = session(FRAMES, watch)
    tracemalloc.stop()
    assert grown[1] - grown[0] < 1e6
    assert session(FRAMES) == first


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_networks_over_a_long_session():
    """No crash, no growth, and its recording gives the same hands: benchmarks/soak.py says so by its exit status."""
    pytest.importorskip("mcap_ros2")
    script = Path(__file__).parents[1] / "benchmarks/soak.py"
    done = subprocess.run([sys.executable, str(script), "--frames", "600"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
