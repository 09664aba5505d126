"""How large a cube each paper cuts, by data set and subject: full edges in mm (docs/reference.md, 1.6).

DenseReg's released code cuts a 2D box around the labels and no cube; it has no entry here (docs/reference.md, 3.5:
E1 and E5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handkit.errors import CheckpointError

Edges = tuple[float, float, float]
FIVE_SIXTHS = 5 / 6
"""What SRN, AWR and TriHorn shrink the cubes of NYU's second test subject by; CrossInfoNet and V2V do not."""


@dataclass(frozen=True)
class CubeRule:
    """Edges of the cube around a frame's hand, mm."""

    edges: Edges
    by_subject: Mapping[str, Edges] = field(default_factory=dict[str, Edges])
    """Subjects with a cube of their own."""

    def of(self, subject: str) -> Edges:
        """Edges for one frame, by `Record.subject`.

        >>> CUBES["srn"]["nyu"].of("1")[0], round(CUBES["srn"]["nyu"].of("2")[0], 1)
        (250.0, 208.3)
        """
        return self.by_subject.get(subject, self.edges)

    @property
    def edge(self) -> float:
        """Longest edge for whoever has no cube of their own."""
        return max(self.edges)

    @property
    def largest(self) -> float:
        """Longest edge of all."""
        return max(self.edge, *(max(edges) for edges in self.by_subject.values()), 0.0)

    def __str__(self) -> str:
        """
        >>> str(CUBES["srn"]["nyu"])
        '250 mm, 208.3 mm for subject 2'
        """
        own = [f"{_words(edges)} for subject {subject}" for subject, edges in self.by_subject.items()]
        return ", ".join([_words(self.edges), *own])


def cube(edge: float) -> CubeRule:
    """One edge for every frame."""
    return CubeRule((edge, edge, edge))


def five_sixths(rule: CubeRule) -> CubeRule:
    """The same with NYU's second subject (test frames 2440 to 8251) in a cube 5/6 as large."""
    x, y, z = rule.edges
    return CubeRule(rule.edges, {"2": (x * FIVE_SIXTHS, y * FIVE_SIXTHS, z * FIVE_SIXTHS)})


def read_cubes(recipe: Mapping[str, Any]) -> tuple[CubeRule, CubeRule]:
    """Those of training and of test, from a recipe as JSON; raises KeyError, TypeError or ValueError where it has none.

    Weights of before `CubeRule` have `edge_mm` and, where these are others, `test_edge_mm`, `subject_edges_mm` of P0 to
    P8 and `second_subject`, a factor at test.
    """
    if "cube" in recipe:
        train = _read(recipe["cube"])
        return train, _read(recipe["test_cube"]) if recipe.get("test_cube") else train
    edge, second = float(recipe["edge_mm"]), float(recipe.get("second_subject", 1.0))
    test_edge = float(recipe.get("test_edge_mm") or edge)
    own = {f"P{number}": cube(float(each)).edges for number, each in enumerate(recipe.get("subject_edges_mm", ()))}
    smaller = {"2": cube(test_edge * second).edges} if second != 1 else {}
    return CubeRule(cube(edge).edges, own), CubeRule(cube(test_edge).edges, own | smaller)


def cubes_of(path: Path, recipe: Mapping[str, Any] | None) -> tuple[CubeRule, CubeRule]:
    """As `read_cubes`, of the recipe that a weights file states; raises CheckpointError where it states no cubes."""
    try:
        return read_cubes(recipe or {})
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CheckpointError(f"{path} does not say on which cubes it was trained; save it with its recipe") from None


def _read(content: Mapping[str, Any]) -> CubeRule:
    return CubeRule(
        _edges(content["edges"]), {subject: _edges(edges) for subject, edges in content["by_subject"].items()}
    )


def _edges(content: Sequence[float]) -> Edges:
    x, y, z = (float(edge) for edge in content)
    return x, y, z


def _words(edges: Edges) -> str:
    numbers = [f"{edge:.1f}".removesuffix(".0") for edge in edges]
    return f"{numbers[0] if len(set(numbers)) == 1 else ' x '.join(numbers)} mm"


def _by_subject(**edges: float) -> CubeRule:
    return CubeRule((200.0, 200.0, 200.0), {subject: cube(float(edge)).edges for subject, edge in edges.items()})


_MSRA_HANDS = _by_subject(P0=200, P1=200, P2=200, P3=180, P4=180, P5=180, P6=170, P7=160, P8=150)
_NYU_TEST_2 = {"2": (250.0, 250.0, 250.0)}

CUBES: dict[str, dict[str, CubeRule]] = {
    "crossinfonet": {
        "icvl": cube(250.0),
        "nyu": cube(250.0),
        "msra": cube(175.0),
        "hands17": cube(220.0),
    },
    "srn": {
        "icvl": cube(200.0),
        "nyu": five_sixths(cube(250.0)),
        "msra": _MSRA_HANDS,
        "hands17": cube(200.0),
    },
    "awr": {"nyu": CubeRule((300.0, 300.0, 300.0), _NYU_TEST_2), "hands17": cube(200.0)},
    "latent-fusion": {"icvl": cube(300.0), "nyu": cube(300.0), "msra": cube(300.0)},
    "ren": {"icvl": cube(300.0), "nyu": cube(300.0), "msra": cube(300.0), "hands17": cube(300.0)},
    "deepprior++": {
        "icvl": cube(250.0),
        "nyu": CubeRule((300.0, 300.0, 300.0), _NYU_TEST_2),
        "msra": _MSRA_HANDS,
    },
    "v2v": {"icvl": cube(200.0), "nyu": cube(250.0), "msra": cube(200.0), "hands17": cube(250.0)},
    "trihorn": {"icvl": cube(280.0), "nyu": five_sixths(cube(280.0)), "msra": _MSRA_HANDS},
    "a2j": {
        "icvl": CubeRule((190.0, 190.0, 300.0)),
        "nyu": CubeRule((220.0, 220.0, 300.0)),
        "hands17": CubeRule((200.0, 200.0, 300.0)),
    },
}
"""By method, then by data set, at test (CrossInfoNet trains on random ones);
from released code, but Latent Fusion's 300, which is that of its lab's other papers."""
