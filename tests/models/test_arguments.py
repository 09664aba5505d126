"""Networks and their arguments as a user names them, and what is known of each network."""

import json
from pathlib import Path

import pytest

from handkit.cli import main
from handkit.errors import HandkitError
from handkit.models import MODELS, PARTS
from handkit.models.arguments import check_network, check_readout, options, read_arguments, read_named, write_arguments
from handkit.models.facts import count_operations, network_facts
from handkit.models.localizer import Localizer
from handkit.models.papers import PAPERS
from handkit.skeleton import NYU14
from handkit.studies.comparison import comparison
from handkit.training.adapt import recipe_of
from handkit.training.experiment import Experiment


@pytest.mark.parametrize("network", [*MODELS, *PARTS])
def test_options_are_the_arguments_that_a_network_keeps(network):
    """Every keyword can be set; written and read again, the defaults are what a network has without arguments."""
    model = PARTS[network]() if network in PARTS else MODELS[network](NYU14)
    defaults = {name: option.default for name, option in options(network).items()}
    again = read_arguments(network, write_arguments(defaults).split(","))
    assert again.keys() == model.arguments.keys()
    for name, value in model.arguments.items():
        assert again[name] == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value), name
        assert type(again[name]) is type(value), name


def test_values_by_hand():
    network, arguments = read_named("latent-fusion:planes=xy+xz,initial_std=none,reinjection=No,transition=1")
    assert network == "latent-fusion"
    assert arguments == {"planes": ["xy", "xz"], "initial_std": None, "reinjection": False, "transition": 1.0}
    assert write_arguments(arguments) == "initial_std=none,planes=xy+xz,reinjection=false,transition=1"
    assert read_named("srn") == ("srn", {})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sm", "there is no network 'sm'; did you mean srn?"),
        ("zzzz", "there is no network 'zzzz'; known: "),
        ("srn:stage=1", "srn has no 'stage'; did you mean stages?"),
        ("srn:stages", "'stages' is no argument of srn; write key=value, as in stages=2"),
        ("srn:stages=two", "srn: stages=two is not possible; a whole number"),
        ("srn:space=cub", "did you mean cube? possible: image, cube"),
        ("crossinfonet:cross=maybe", "possible: true, false"),
        ("latent-fusion:planes=xy+xx", "possible: xy, xz, yz"),
        ("latent-fusion:initial_std=small", "a number or none"),
        ("srn:theta=nan", "srn: theta=nan is not possible; a number"),
        ("srn:stages=1,stages=2", "srn: stages is given twice; give it once"),
    ],
)
def test_what_is_not_possible_names_what_is(text, sentence):
    with pytest.raises(HandkitError) as refused:
        read_named(text)
    assert sentence in str(refused.value)
    assert refused.value.status == 2


@pytest.mark.parametrize(
    ("network", "arguments", "sentence"),
    [("latent-fusion", {"resolution": 100}, "latent-fusion: resolution is 100"), ("srn", {"stages": 0}, "srn: ")],
)
def test_arguments_that_make_no_network(network, arguments, sentence):
    with pytest.raises(HandkitError, match=sentence):
        Experiment(recipe_of(network, arguments)).network()


def test_one_resolution_is_named_once():
    assert recipe_of("srn", {"resolution": 64}).resolutions == ((0.0, 64),)
    assert recipe_of("srn", {"resolution": 64}, resolution=64).arguments["resolution"] == 64
    with pytest.raises(HandkitError, match="srn: resolution=64 contradicts --resolution 96; leave it to --resolution"):
        recipe_of("srn", {"resolution": 64}, resolution=96)


def test_a_part_has_neither_resolution_nor_coarse_centers():
    with pytest.raises(HandkitError, match="localizer has one resolution"):
        recipe_of("localizer", {}, resolution=64)
    with pytest.raises(HandkitError, match="for pose networks"):
        recipe_of("localizer", {}, refinement="train+test")
    with pytest.raises(HandkitError, match="did you mean localizer"):
        check_network("localiser", parts=True)


def test_operations_by_hand():
    """Of ScaleNet: two for each weight of its fully connected layers, and for each weight and cell of a convolution."""
    dense = 2 * (8 * 306 * 1024 + 1024 * 1024 + 1024 * 4)
    first = 2 * 25 * 8 * (124**2 + 60**2 + 28**2)
    second = 2 * 25 * 8 * 8 * (27**2 + 26**2 + 10**2)
    third = 2 * 9 * 8 * 8 * (11**2 + 11**2 + 8**2)
    assert count_operations(Localizer()) == dense + first + second + third


@pytest.mark.parametrize("network", MODELS)
def test_sizes_beside_the_papers(network):
    """What docs/reference.md, 0 and 3 say: three fit within 0.5 %, DenseReg's size is not that of its weights."""
    facts = network_facts(network)
    ratio = {"crossinfonet": 1.003, "srn": 0.999, "latent-fusion": 1.0, "densereg": 0.278}.get(network)
    assert facts["paper"] == PAPERS[network].citation
    assert (facts["reported"] and facts["reported"]["ratio"]) == ratio
    assert facts["gflops"] > 1
    assert facts["megabytes"] == pytest.approx(facts["parameters"] * 4e-6, abs=0.01)


def test_info_of_one_network_names_its_arguments_and_weights(capfd):
    assert main(["info", "srn", "--json"]) == 0
    srn = json.loads(capfd.readouterr().out)
    assert srn["arguments"]["space"] == {"default": "image", "choices": ["image", "cube"], "several": False}
    assert srn["reported_errors_mm"]["nyu"] == 7.78
    assert main(["info", "latent-fusion"]) == 0
    out = capfd.readouterr().out
    assert PAPERS["latent-fusion"].url in out, "whole"
    for words in ("xy + xz + yz", "a number or none", "S. Liu et al., IEEE Access 2020", "9.69", "M parameters"):
        assert words in out
    assert "kinect2" not in out
    assert main(["info", "localizer"]) == 0
    assert "dropout" in capfd.readouterr().out
    assert main(["info", "smr"]) == 2
    assert "did you mean srn?" in capfd.readouterr().err


@pytest.mark.parametrize("network", MODELS)
def test_every_network_has_a_paper_that_can_be_opened(network):
    assert PAPERS[network].url.startswith("https://")
    assert PAPERS[network].errors_mm.keys() >= {"nyu", "icvl"}


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("crossinfonet", ["paper says", "95.35", "1.003", "GFLOPs", "23,837,184"]),
        ("attention-hourglass", ["no size reported", "15,132,066"]),
    ],
)
def test_info_sets_the_papers_figures_beside_ours(network, words, capfd):
    assert main(["info", network]) == 0
    out = capfd.readouterr().out
    assert [word for word in words if word not in out] == []


OWN = """from typing import Literal

from torch import nn

from handkit import HandPoseModel, Space


class Own(HandPoseModel):
    space = Space.CUBE

    def __init__(self, skeleton, *, resolution: int = 32, pooling: Literal["mean", "max"] = "mean") -> None:
        super().__init__()
        self.skeleton, self.resolution = skeleton, resolution
        self.joints = nn.Linear(SIZE, 3 * len(skeleton))

    def forward(self, points):
        return self.joints(points[:, 2].flatten(1)).unflatten(1, (-1, 3))

    def loss(self, points, joints):
        return {"joints": (self(points) - joints).abs().mean()}
"""


def test_info_of_a_network_of_ones_own(tmp_path, capfd):
    (tmp_path / "own.py").write_text(OWN.replace("SIZE", "32 * 32"))
    try:
        assert main(["info", f"{tmp_path / 'own.py'}:Own"]) == 0
    finally:
        MODELS.pop("Own", None)
    out = capfd.readouterr().out
    for word in (f"{1025 * 42:,}", f"{1025 * 63:,}", "cube", "32x32", "pooling", "mean | max"):
        assert word in out
    (tmp_path / "broken.py").write_text(OWN.replace("SIZE", "7").replace("class Own", "class Broken"))
    try:
        assert main(["info", f"{tmp_path / 'broken.py'}:Broken"]) == 1
    finally:
        MODELS.pop("Broken", None)
    assert "Broken cannot be built, or not run on a crop of zeros: RuntimeError" in capfd.readouterr().err
    assert main(["info", f"{tmp_path / 'none.py'}:Own"]) == 2
    assert "there is no such file; give FILE.py:CLASS" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("command", "given", "sentence"),
    [
        (("info",), "own.py:own", "own.py:own: the file has no own; did you mean Own? it has Own"),
        (("info",), "own.py:Zzzz", "the file has no Zzzz; it has Own"),
        (("info",), "own.py", "own.py: the name of its class is missing; give own.py:CLASS"),
        (("compare",), "own.py", "own.py: the name of its class is missing; give own.py:CLASS"),
        (("compare",), "none.py", "none.py: there is no such file; give FILE.py:CLASS"),
        (("compare",), "own.py:Own:polling=max", "Own has no 'polling'; did you mean pooling?"),
        (("study", "networks", "--synthetic", "--network"), "own.py", "the name of its class is missing; give own.py:"),
        (("train",), "own.py:Own", "own.py:Own: a file of your own is for handkit info, study --network and compare"),
    ],
)
def test_a_network_of_ones_own_that_is_not_named_rightly(tmp_path, capfd, monkeypatch, command, given, sentence):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(MODELS, "Own", None)
    del MODELS["Own"]
    Path("own.py").write_text(OWN.replace("SIZE", "32 * 32"))
    assert main([*command, given]) == 2
    assert sentence in capfd.readouterr().err


def test_compare_takes_a_network_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "Own", None)
    del MODELS["Own"]
    own = f"{tmp_path / 'own.py'}:Own"
    (tmp_path / "own.py").write_text(OWN.replace("SIZE", "32 * 32"))
    rows = comparison((own, f"{own}:pooling=max", "srn:stages=1")).rows
    assert [row.name for row in rows] == ["Own", "Own:pooling=max", "srn:stages=1"]
    assert [(row.network, row.own) for row in rows] == [("Own", own), ("Own", own), ("srn", None)]
    assert rows[1].arguments == {"pooling": "max"}


def test_only_what_is_possible_without_training_is_offered_at_readout():
    with pytest.raises(HandkitError, match=r"srn has no 'top'; nothing of it can be changed without training, leave"):
        check_readout("srn", ("top=3",))
    with pytest.raises(HandkitError, match=r"densereg has no 'tops'; did you mean top\? without training it takes sig"):
        check_readout("densereg", ("sigma=1,tops=3",))
    check_readout("densereg", ("top=3", "sigma=1"))


def test_training_names_what_is_near(capfd, tmp_path):
    assert main(["train", "latent-fusin", "--samples", "4", "--out", str(tmp_path / "run")]) == 2
    assert "did you mean latent-fusion?" in capfd.readouterr().err
    assert main(["train", "srn", "--model-args", "stages=1,space=cube", "thet=2", "--out", str(tmp_path / "run")]) == 2
    assert "did you mean theta?" in capfd.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("--model-args", "stages=0"), "srn: stages are 0"),
        (("--resolution", "10"), "resolution is 10"),
        (("--accelerator", "cuda"), "torch finds no CUDA device here"),
        (("--devices", "0"), "give at least 1 of each"),
    ],
)
def test_what_cannot_begin_is_seen_before_the_first_batch_and_the_folder(capfd, tmp_path, monkeypatch, given, sentence):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    (tmp_path / "state.ckpt").touch()  # another run is there already
    assert main(["train", "srn", "--samples", "4", *given, "--out", str(tmp_path)]) == 2
    told = capfd.readouterr()
    assert sentence in told.err
    assert "first batch" not in told.out + told.err


def test_weights_that_are_not_there_yet(capfd, monkeypatch, tmp_path):
    """They are looked for in the package, the repository and the working folder; the sentence says how to get them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("handkit.hub.REPOSITORY", tmp_path / "repository")
    assert main(["predict", "x.png", "--camera", "sr305", "--weights", "srn"]) == 1
    err = capfd.readouterr().err
    assert "there are no weights 'srn'" in err
    assert f"put it into {tmp_path / 'weights'}" in err
    assert main(["predict", "x.png", "--camera", "sr305", "--weights", "latentfusion"]) == 1
    assert "did you mean latent-fusion?" in capfd.readouterr().err
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/srn.safetensors").write_bytes(b"no weights")
    assert main(["predict", "x.png", "--camera", "sr305", "--weights", "srn"]) == 1
    assert "weights/srn.safetensors is no whole safetensors file" in capfd.readouterr().err
