"""`handkit score`: options that become one call of `handkit.evaluation.files.score_file`, and a report of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from handkit.asked import DatasetName
from handkit.cli.options import Files, MaybeFolder
from handkit.files.folders import make_folder

if TYPE_CHECKING:
    from handkit.evaluation.files import ScoredFile

MaybeWords = Annotated[str | None, arg(metavar="WORDS")]


@dataclass(frozen=True, kw_only=True)
class Score:
    """Score a prediction file, ours or published: mean, parts, success, curves, and what the number means."""

    predictions: Annotated[Positional[Path], arg(metavar="PREDICTIONS")]
    """Text, .gz or not: a frame a line, three numbers a joint in the order of the labels."""
    dataset: DatasetName
    """Whose test set it is."""
    labels: Files
    """Its label files, in the same layout or as the data set has them, or the folder it was unpacked to."""
    form: Annotated[Literal["auto", "uvd", "xyz", "densereg", "denseReg"], arg(name="format")] = "auto"
    """Of the predictions: pixels and mm, mm, DenseReg's mm with y down; auto takes what fits the labels."""
    label_form: Annotated[Literal["auto", "uvd", "xyz"], arg(name="label-format")] = "auto"
    """Of the label files: pixels and mm, or mm; auto takes what keeps the bones as long as they are."""
    compare: Files = ()
    """Other prediction files, compared frame by frame."""
    split: Annotated[str, arg(metavar="PART")] = "all"
    """Score one part alone: subject1, subject2 (nyu), seq1, seq2 (icvl), P0 to P8 (msra), or a --part."""
    parts: Annotated[tuple[str, ...], arg(name="part", metavar="NAME=FILE...")] = ()
    """A further part of the frames, its FILE listing their names or their row numbers from 0."""
    camera: Annotated[str | None, arg(metavar="NAME|fx,fy,cx,cy")] = None
    """Intrinsics for u v d instead of those of the published numbers."""
    missing: Literal["refuse", "skip"] = "refuse"
    """What to do with frames that have no number in the file."""
    name: Annotated[str | None, arg(metavar="METHOD")] = None
    """What to call the method; the file's name otherwise."""
    center: MaybeWords = None
    """For the protocol: where the crops were centered."""
    cube: MaybeWords = None
    """For the protocol: how large they were."""
    epoch: MaybeWords = None
    """For the protocol: how the weights were picked."""
    out: MaybeFolder = None
    """Write a report there: result.json, curves, joints, worst frames, report.html."""

    def run(self) -> int:
        from handkit.cli.results import print_page, print_result, result_console
        from handkit.evaluation.files import read_lists, score_file
        from handkit.extras import load

        if self.out:
            load("matplotlib", extra="reports")
            make_folder(self.out)
        scored = score_file(
            self.predictions, dataset=self.dataset, labels=self.labels, split=self.split, lists=read_lists(self.parts),
            form=self.form, label_form=self.label_form, camera=self.camera, missing=self.missing,
            compared=self.compare, method=self.name, center=self.center, cube=self.cube, epoch=self.epoch,
        )  # fmt: skip
        print_result(result_console(), scored.result)
        if self.out:
            print_page(_report(scored, self.out))
        return 0


def _report(scored: "ScoredFile", out: Path) -> Path:
    from handkit.files.folders import unwritable
    from handkit.reports import write_report

    labels = scored.labels
    try:
        return write_report(
            out,
            scored.result,
            labels.test_set.skeleton,
            predictions_mm=scored.predictions_mm,
            labels_mm=labels.joints,
            depth_of=scored.depth_of,
        )
    except OSError as error:
        raise unwritable(out, error) from None
