"""How large a cube each paper cuts, by data set and subject: full edges in mm (reference facts 1.6).

DenseReg's released code cuts a picture box around the labels and no cube; it has no entry here (facts 3.5, E1 and E5).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Edges = tuple[float, float, float]
FIVE_SIXTHS = 5 / 6
"""What SRN, AWR and TriHorn shrink the cubes of NYU's second test subject by; CrossInfoNet and V2V do not."""


@dataclass(frozen=True)
class CubeRule:
    """Edges of the cube around a frame's hand."""

    edges: Edges
    by_subject: Mapping[str, Edges] = field(default_factory=dict[str, Edges])
    """Subjects with a cube of their own."""
    drawn: tuple[float, ...] = ()
    """Edges from which the paper draws a training frame's, once; packing takes `edges` for every frame."""

    def of(self, subject: str) -> Edges:
        """Edges for one frame, by `Record.subject`.

        >>> CUBES["srn"]["nyu"].of("1")[0], round(CUBES["srn"]["nyu"].of("2")[0], 1)
        (250.0, 208.3)
        """
        return self.by_subject.get(subject, self.edges)


def cube(edge: float) -> CubeRule:
    """One edge for every frame."""
    return CubeRule((edge, edge, edge))


def five_sixths(rule: CubeRule) -> CubeRule:
    """The same with NYU's second subject (test frames 2440 to 8251) in a cube 5/6 as large."""
    x, y, z = rule.edges
    return CubeRule(rule.edges, {"2": (x * FIVE_SIXTHS, y * FIVE_SIXTHS, z * FIVE_SIXTHS)}, rule.drawn)


def _by_subject(**edges: float) -> CubeRule:
    return CubeRule((200.0, 200.0, 200.0), {subject: (edge, edge, edge) for subject, edge in edges.items()})


_MSRA_HANDS = _by_subject(P0=200, P1=200, P2=200, P3=180, P4=180, P5=180, P6=170, P7=160, P8=150)
_NYU_TEST_2 = {"2": (250.0, 250.0, 250.0)}

CUBES: dict[str, dict[str, CubeRule]] = {
    "crossinfonet": {
        "icvl": cube(250.0),
        "nyu": CubeRule((250.0, 250.0, 250.0), drawn=(250.0, 260.0, 270.0, 280.0, 290.0, 300.0)),
        "msra": CubeRule((175.0, 175.0, 175.0), drawn=(150.0, 160.0, 170.0, 180.0, 190.0, 200.0)),
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
"""By method, then by data set; from released code, but Latent Fusion's 300, which is that of its lab's other papers."""
