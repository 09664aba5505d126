"""`handkit score`: a prediction file against the labels of a published test set."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from handkit.cli.options import MaybeFolder

Files = Annotated[tuple[Path, ...], arg(metavar="FILE...")]
Words = Annotated[str, arg(metavar="WORDS")]
DEFAULT_WORDS = "not stated"


@dataclass(frozen=True, kw_only=True)
class Score:
    """Score a prediction file, ours or published: mean, parts, success, curves, and what the number means."""

    predictions: Annotated[Positional[Path], arg(metavar="PREDICTIONS")]
    """Text, .gz or not: a frame a line, three numbers a joint in the order of the labels."""
    dataset: Literal["nyu", "icvl", "msra", "hands17"]
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
    center: Words = DEFAULT_WORDS
    """For the protocol: where the crops were centered."""
    cube: Words = DEFAULT_WORDS
    """For the protocol: how large they were."""
    epoch: Words = DEFAULT_WORDS
    """For the protocol: how the weights were picked."""
    out: MaybeFolder = None
    """Write a report there: result.json, curves, joints, worst frames, report.html."""

    def run(self) -> int:
        from handkit.cli.results import print_result, result_console
        from handkit.evaluation.files import Scoring, score_file
        from handkit.extras import load
        from handkit.files.folders import unwritable
        from handkit.reports import write_report

        if self.out:
            load("matplotlib", extra="reports")
        asked: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(Scoring)}
        if self.form == "denseReg":
            asked["form"] = "densereg"
        scored = score_file(Scoring(**asked))
        console = result_console()
        print_result(console, scored.result)
        if not self.out:
            return 0
        labels = scored.labels
        try:
            page = write_report(
                self.out,
                scored.result,
                labels.test_set.skeleton,
                predictions_mm=scored.predictions_mm,
                labels_mm=labels.joints,
                depth_of=scored.depth_of if scored.images else None,
            )
        except OSError as error:
            raise unwritable(self.out, error) from None
        console.print(f"report: {page}", highlight=False, markup=False, soft_wrap=True)
        return 0
