"""The tables of the five papers; their figures are those of docs/reference.md, 3.1 to 3.5, and none where none is."""

from collections.abc import Mapping

from handkit.models.papers import PAPERS
from handkit.studies.table import Row, Study

SPLITS: Mapping[tuple[str, str], str] = {
    ("crossinfonet", "icvl"): "train-all",
    ("attention-hourglass", "icvl"): "train-all",
    ("densereg", "icvl"): "train",
    **{(network, dataset): "train" for network in PAPERS for dataset in ("nyu", "hands17")},
}
"""What a paper trains a network on, by network and data set, where it says so: of ICVL the genuine 22K or all 330K, of
NYU the frontal view (docs/reference.md, 3.1 to 3.5)."""
CROSSINFONET_TABLE_1 = Study(
    "crossinfonet-table-1",
    "CrossInfoNet: information shared across two branches, heat maps",
    "Du et al., CVPR 2019, Table 1 (docs/reference.md, 3.1); ICVL on the genuine 22K",
    "crossinfonet",
    (
        Row("base", {"cross": False, "heatmaps": False}, {"icvl": 9.28, "nyu": 11.17}),
        Row("base + heat maps", {"cross": False}, {"icvl": 9.08, "nyu": 10.84}),
        Row("cross", {"heatmaps": False}, {"icvl": 8.79, "nyu": 10.57}),
        Row("cross + heat maps", {}, {"icvl": 8.48, "nyu": 10.08}),
    ),
    splits={"icvl": "train"},
)
_PLAIN = {"stages": 1, "loss": "squared", "space": "cube"}
_RATE = "plain"
"""The experiment with the learning rate of squared errors: with the smooth L1's they diverge."""
SRN_TABLE_1 = Study(
    "srn-table-1",
    "SRN, one stage: augmentation, localization, loss, decoupling",
    "Ren et al., BMVC 2019, Table 1 (docs/reference.md, 3.2)",
    "srn",
    (
        Row("plain", _PLAIN, {"nyu": 34.11}, "none", augmented=False, experiment=_RATE),
        Row("+ augmentation", _PLAIN, {"nyu": 15.42}, "none", experiment=_RATE),
        Row("+ localization at test", _PLAIN, {"nyu": 13.70}, "test", experiment=_RATE),
        Row("+ localization in training", _PLAIN, {"nyu": 10.64}, "train+test", experiment=_RATE),
        Row("+ smooth L1", {"stages": 1, "space": "cube"}, {"nyu": 9.82}, "train+test"),
        Row("+ decoupling", {"stages": 1}, {"nyu": 8.91}, "train+test"),
    ),
    cumulative=True,
)
SRN_TABLE_2 = Study(
    "srn-table-2",
    "SRN: stages, and how far its maps reach (theta)",
    "Ren et al., BMVC 2019, Table 2 (docs/reference.md, 3.2)",
    "srn",
    (
        Row("T = 1", {"stages": 1}, {"nyu": 9.81}),
        Row("T = 2", {}, {"nyu": 7.78}),
        Row("T = 3", {"stages": 3}, {"nyu": 7.75}),
        Row("theta = 0.3", {"theta": 0.3}, {"nyu": 7.99}, base="T = 2"),
        Row("theta = 0.5", {"theta": 0.5}, {"nyu": 7.86}, base="T = 2"),
        Row("theta = 0.6", {"theta": 0.6}, {"nyu": 7.87}, base="T = 2"),
        Row("theta = 0.7", {"theta": 0.7}, {"nyu": 7.87}, base="T = 2"),
        Row("theta = 0.8", {"theta": 0.8}, {"nyu": 7.90}, base="T = 2"),
    ),
)
SRN_FIGURE_2 = Study(
    "srn-figure-2",
    "SRN: how the pose is handed from stage to stage",
    "Ren et al., BMVC 2019, Fig. 2: curves, no numbers (docs/reference.md, 3.2)",
    "srn",
    (
        Row("fields", {}),
        Row("deconvolution", {"reparameterization": "deconvolution"}),
        Row("2D heat maps", {"reparameterization": "heatmaps"}),
        Row("2D heat maps + depth maps", {"reparameterization": "heatmaps+depth"}),
        Row("one stage, ResNet-101", {"stages": 1, "backbone": "resnet101"}),
    ),
)
ATTENTION_HOURGLASS_COMPARISONS = Study(
    "attention-hourglass",
    "Attention Hourglass: self-comparisons",
    "B. Liu et al., ICIP 2018: curves, no numbers (docs/reference.md, 3.3)",
    "attention-hourglass",
    (
        Row("attention", {}, {"icvl": 6.092, "nyu": 8.862}),
        Row("raw features", {"regression": "raw"}),
        Row("direct", {"regression": "direct"}),
        Row("one task", {"regression": "one-task"}),
    ),
)
LATENT_FUSION_TABLE_5 = Study(
    "latent-fusion-table-5",
    "Latent Fusion: explicit heat maps, single planes, the mean of three",
    "S. Liu et al., IEEE Access 2020, Table 5: of its figures docs/reference.md, 3.4 and 7, has the order",
    "latent-fusion",
    (
        Row("fusion of three", {}, {"nyu": 9.69, "icvl": 5.81, "msra": 7.90}),
        Row("B1 explicit heat maps", {"heatmaps": "explicit", "planes": ["xy"], "hourglasses": 2}),
        Row("B2 yz", {"planes": ["yz"], "hourglasses": 2}, worse=True),
        Row("B3 xz", {"planes": ["xz"], "hourglasses": 2}, worse=True),
        Row("B4 xy", {"planes": ["xy"], "hourglasses": 2}, worse=True),
        Row("B5 mean of three", {"fusion": "mean"}, worse=True),
    ),
)
DENSEREG_TABLE_1 = Study(
    "densereg-table-1",
    "DenseReg: stacks, candidates, bandwidth (as in cubes of 300 mm), weights",
    "Wan et al., CVPR 2018, Table 1 (docs/reference.md, 3.5)",
    "densereg",
    (
        Row("two stacks, K = 5, sigma = 40 mm", {}, {"nyu": 10.21}),
        Row("one stack", {"stacks": 1}, {"nyu": 11.20}),
        Row("K = 1", {"top": 1}, {"nyu": 10.6}),
        Row("K = 10", {"top": 10}, {"nyu": 10.21}),
        Row("K = 30", {"top": 30}, {"nyu": 10.96}),
        Row("sigma = 10 mm", {"sigma": 10 / 150}, {"nyu": 10.35}),
        Row("sigma = 80 mm", {"sigma": 80 / 150}, {"nyu": 10.21}),
        Row("sigma = 100 mm", {"sigma": 100 / 150}, {"nyu": 10.21}),
        Row("unweighted", {"weighted": False}, {"nyu": 10.26}),
    ),
)
DENSEREG_FIGURE_3 = Study(
    "densereg-figure-3",
    "DenseReg: what is regressed",
    "Wan et al., CVPR 2018, Fig. 3: curves, all baselines worse than the field (docs/reference.md, 3.5)",
    "densereg",
    (
        Row("field", {}, {"nyu": 10.21}),
        Row("coordinates", {"answer": "coordinates"}, worse=True),
        Row("detection + coordinates", {"answer": "detection-coordinates"}, worse=True),
        Row("detection + depth", {"answer": "detection-depth"}, worse=True),
        Row("offset", {"answer": "offset"}, worse=True),
    ),
)
NETWORKS = Study(
    "networks",
    "The five networks alike",
    "each paper's own figure, under its own protocol (docs/reference.md, 3.1 to 3.5)",
    "crossinfonet",
    tuple(Row(name, {}, paper.errors_mm, network=name) for name, paper in PAPERS.items()),
)
_MSRA: dict[str, dict[str, str]] = {"srn": {"backbone": "resnet50"}}
MSRA_FOLDS = Study(
    "msra-folds",
    "MSRA15, every subject left out in turn",
    "each paper's own figure (docs/reference.md, 3.1 to 3.5); SRN's is labeled ResNet-50",
    "crossinfonet",
    tuple(
        Row(name, _MSRA.get(name, {}), paper.errors_mm, network=name)
        for name, paper in PAPERS.items()
        if "msra" in paper.errors_mm
    ),
    folds=True,
)

STUDIES: Mapping[str, Study] = {
    study.name: study
    for study in (
        CROSSINFONET_TABLE_1,
        SRN_TABLE_1,
        SRN_TABLE_2,
        SRN_FIGURE_2,
        ATTENTION_HOURGLASS_COMPARISONS,
        LATENT_FUSION_TABLE_5,
        DENSEREG_TABLE_1,
        DENSEREG_FIGURE_3,
        MSRA_FOLDS,
        NETWORKS,
    )
}
