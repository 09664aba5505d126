"""What a network remembers of how it was built, and what a file of one's own is told."""

import copy
import json
from typing import Literal

import pytest

from handkit import hub
from handkit.errors import HandkitError
from handkit.models import MODELS, PARTS
from handkit.models.arguments import add_network, options
from handkit.models.latent_fusion import LatentFusion
from handkit.models.network import HandPoseModel, Network
from handkit.skeleton import NYU14, Skeleton

HEAD = "from torch import nn\nfrom handkit import HandPoseModel, Space\n"
NAMED = [(name, each) for name in (*MODELS, *PARTS) for each in options(name).values() if isinstance(each.default, str)]
"""Keywords whose value is one of a few names."""
CONSTRUCTOR = "    def __init__(self, skeleton, *, width: int = 8):\n        super().__init__()\n"


def test_arguments_are_those_of_the_call_and_the_defaults():
    network = PARTS["confidence"](joints=5, dropout=0.2)
    assert network.arguments == {"joints": 5, "features": 128, "hidden": 256, "width": 64, "dropout": 0.2}
    planes = ("xy", "yz")
    fused = LatentFusion(NYU14, planes=planes, channels=16)
    assert fused.arguments["planes"] == ["xy", "yz"]
    assert json.loads(json.dumps(fused.arguments)) == fused.arguments
    assert list(fused.arguments) == list(options("latent-fusion"))
    assert fused.skeleton is NYU14


class Sided(Network):
    """One keyword has no default."""

    def __init__(self, *, side: Literal[1, 2]) -> None:
        super().__init__()


def test_a_copy_has_the_arguments_of_its_original():
    for network in (PARTS["confidence"](joints=5, features=0), Sided(side=2)):
        assert copy.deepcopy(network).arguments == network.arguments
    with pytest.raises(ValueError, match="side is 3, it must be one of 1, 2"):
        Sided(side=3)  # pyright: ignore[reportArgumentType]


class Wider(LatentFusion):
    """The constructor is inherited."""


class Deeper(LatentFusion):
    def __init__(self, skeleton, *, depth: int = 3, **others):
        super().__init__(skeleton, **others)
        self.depth = depth


def test_arguments_of_a_network_that_derives_from_another():
    wider = Wider(NYU14, channels=16)
    assert wider.arguments == LatentFusion(NYU14, channels=16).arguments
    deeper = Deeper(NYU14, channels=16)
    assert deeper.arguments == {"depth": 3, "channels": 16}
    twin = Deeper(NYU14, **deeper.arguments)
    assert [each.shape for each in twin.parameters()] == [each.shape for each in deeper.parameters()]


@pytest.mark.parametrize(("name", "option"), NAMED, ids=lambda value: getattr(value, "name", value))
def test_a_name_that_is_unknown_is_answered_with_those_that_are(name, option):
    """Before the type checker of this suite has a word."""
    with pytest.raises(
        ValueError, match=f"{option.name} is 'other', it must be one of {option.choices[0]}, "
    ) as refused:
        (MODELS | PARTS)[name](*([NYU14] if name in MODELS else []), **{option.name: "other"})
    assert str(refused.value).endswith(", ".join(option.choices))


def test_a_constructor_takes_its_keywords_by_name_alone():
    with pytest.raises(TypeError, match=r"Loose.__init__ takes width by position; write \*, behind skeleton"):

        class Loose(Network):  # pyright: ignore[reportUnusedClass]
            def __init__(self, width: int = 8) -> None:
                super().__init__()


def test_a_constructor_that_cannot_be_called_again_is_refused():
    """`arguments` would lack the sizes, or hold a skeleton."""
    with pytest.raises(TypeError, match=r"Several.__init__ takes sizes by position"):

        class Several(Network):  # pyright: ignore[reportUnusedClass]
            def __init__(self, skeleton: Skeleton, *sizes: int) -> None:
                super().__init__()

    with pytest.raises(TypeError, match=r"Named.__init__ takes skeleton by name"):

        class Named(Network):  # pyright: ignore[reportUnusedClass]
            def __init__(self, *, skeleton: Skeleton) -> None:
                super().__init__()


LATE = """from __future__ import annotations
from typing import Literal
from handkit import HandPoseModel
class Late(HandPoseModel):
    def __init__(self, skeleton, *, pooling: Literal["mean", "max"] = "mean"):
        super().__init__()
    def forward(self, points): ...
    def loss(self, points, joints): ...
"""


def test_names_are_checked_where_annotations_are_text(tmp_path):
    (tmp_path / "late.py").write_text(LATE)
    add_network(f"{tmp_path / 'late.py'}:Late")
    try:
        assert options("Late")["pooling"].choices == ("mean", "max")
        with pytest.raises(ValueError, match="pooling is 'bogus', it must be one of mean, max"):
            MODELS["Late"](NYU14, pooling="bogus")
    finally:
        del MODELS["Late"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (f"class Mine(nn.Module):\n{CONSTRUCTOR}", "write class Mine(HandPoseModel), from handkit"),
        ("def Mine(skeleton):\n    return nn.Linear(3, 3)\n", "write class Mine(HandPoseModel), from handkit"),
        (f"class Mine(HandPoseModel):\n{CONSTRUCTOR}", "Mine has no forward and no loss; write them"),
        (
            f"class Mine(HandPoseModel):\n{CONSTRUCTOR.replace('*, ', '')}",
            "Mine.__init__ takes width by position; write *, behind skeleton",
        ),
    ],
)
def test_a_file_of_one_s_own_is_told_what_it_lacks(tmp_path, body, sentence):
    (tmp_path / "mine.py").write_text(HEAD + body)
    with pytest.raises(HandkitError) as refused:
        add_network(f"{tmp_path / 'mine.py'}:Mine")
    assert sentence in str(refused.value)
    assert refused.value.status == 2
    assert "Mine" not in MODELS


def test_the_runtime_knows_the_parts_by_the_same_names():
    """It finds their weights without torch, so it has a list of its own."""
    assert set(hub.PARTS) == set(PARTS)


def test_every_pose_network_derives_from_the_one_class():
    assert all(issubclass(kind, HandPoseModel) and not kind.__abstractmethods__ for kind in MODELS.values())
