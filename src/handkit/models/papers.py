"""What the papers say of their networks: citation, address, size, errors, speed (docs/reference.md, 0 and 3)."""

from collections.abc import Mapping
from typing import Literal, NamedTuple


class Size(NamedTuple):
    """The size that a paper, or one that quotes it, gives for NYU's 14 joints."""

    value: float
    unit: Literal["M parameters", "MB", "MB (2^20 parameters)"]
    note: str

    def of(self, parameters: int) -> float:
        """A number of parameters in the unit of the paper."""
        return {"M parameters": 1e-6, "MB": 4e-6, "MB (2^20 parameters)": 2**-20}[self.unit] * parameters


class Speed(NamedTuple):
    """As a paper states it, of one image after the other."""

    frames_per_second: float
    machine: str | None
    """None where it does not say."""


class Paper(NamedTuple):
    """What a network's paper reports of it; None where it says nothing."""

    citation: str
    url: str
    size: Size | None
    errors_mm: Mapping[str, float]
    """Mean joint error by data set, as stated; under each paper's own protocol, so they compare only roughly."""
    speed: Speed | None


PAPERS: Mapping[str, Paper] = {
    "crossinfonet": Paper(
        "Du et al., CVPR 2019",
        "https://openaccess.thecvf.com/content_CVPR_2019/papers/Du_CrossInfoNet_Multi-Task_Information_Sharing_Based_Hand_Pose_Estimation_CVPR_2019_paper.pdf",
        Size(95.1, "MB", "quoted by Latent Fusion; float32 weights"),
        {"nyu": 10.08, "icvl": 6.73, "msra": 7.86, "hands17": 9.68},
        Speed(124.5, "RTX 2080 Ti"),
    ),
    "srn": Paper(
        "Ren et al., BMVC 2019",
        "https://bmvc2019.org/wp-content/uploads/papers/0918-paper.pdf",
        Size(21.3, "MB (2^20 parameters)", "not bytes: parameters / 2^20 is what fits"),
        {"nyu": 7.78, "icvl": 6.27, "msra": 7.17, "hands17": 8.39},  # MSRA15 with ResNet-50
        Speed(263.1, None),
    ),
    "attention-hourglass": Paper(
        "B. Liu et al., ICIP 2018",
        "https://ieeexplore.ieee.org/document/8451509",
        None,
        {"nyu": 8.862, "icvl": 6.092},
        None,
    ),
    "latent-fusion": Paper(
        "S. Liu et al., IEEE Access 2020",
        # A search for its title: the identifier is not confirmed.
        "https://ieeexplore.ieee.org/search/searchresult.jsp?queryText=Light%20and%20Fast%20Hand%20Pose%20Estimation%20From%20Spatial-Decomposed%20Latent%20Heatmap",
        Size(2.0, "M parameters", "also 7.9 MB"),
        {"nyu": 9.69, "icvl": 5.81, "msra": 7.90},
        Speed(946, "GTX 1080 Ti"),
    ),
    "densereg": Paper(
        "Wan et al., CVPR 2018",
        "https://arxiv.org/abs/1711.08996",
        Size(84.0, "MB", "quoted by Latent Fusion; weights alone are 23 MB, with Adam's moments 70 MB"),
        {"nyu": 10.2, "icvl": 7.3, "msra": 7.2},
        Speed(27.8, "Titan X"),
    ),
}
"""By network. No paper reports operations."""
