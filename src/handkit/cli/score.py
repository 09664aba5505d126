"""`handkit score`, as it is typed; its work is imported when it runs."""

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

Predictions = Annotated[Positional[Path], arg(metavar="PREDICTIONS")]
Files = Annotated[tuple[Path, ...], arg(metavar="FILE...")]
Words = Annotated[str, arg(metavar="WORDS")]
DEFAULT_WORDS = "not stated"


def score(
    predictions: Predictions,
    /,
    *,
    dataset: Literal["nyu", "icvl", "msra", "hands17"],
    labels: Files,
    form: Annotated[Literal["auto", "uvd", "xyz", "densereg", "denseReg"], arg(name="format")] = "auto",
    label_form: Annotated[Literal["auto", "uvd", "xyz"], arg(name="label-format")] = "auto",
    compare: Files = (),
    split: Annotated[str, arg(metavar="PART")] = "all",
    part: Annotated[tuple[str, ...], arg(metavar="NAME=FILE...")] = (),
    camera: Annotated[str | None, arg(metavar="NAME|fx,fy,cx,cy")] = None,
    missing: Literal["refuse", "skip"] = "refuse",
    name: Annotated[str | None, arg(metavar="METHOD")] = None,
    center: Words = DEFAULT_WORDS,
    cube: Words = DEFAULT_WORDS,
    epoch: Words = DEFAULT_WORDS,
    out: Annotated[Path | None, arg(metavar="DIR")] = None,
) -> int:
    """Score a prediction file, ours or published: mean, parts, success, curves, and what the number means.

    Args:
        predictions: Text, .gz or not: a frame a line, three numbers a joint in the order of the labels.
        dataset: Whose test set it is.
        labels: Its label files, in the same layout or as the data set has them, or the folder it was unpacked to.
        form: Of the predictions: pixels and mm, mm, DenseReg's mm with y down; auto takes what fits the labels.
        label_form: Of the label files: pixels and mm, or mm; auto takes what keeps the bones as long as they are.
        compare: Other prediction files, compared frame by frame.
        split: Score one part alone: subject1, subject2 (nyu), seq1, seq2 (icvl), P0 to P8 (msra), or a --part.
        part: A further part of the frames, its FILE listing their names or their row numbers from 0.
        camera: Intrinsics for u v d instead of those of the published numbers.
        missing: What to do with frames that have no number in the file.
        name: What to call the method; the file's name otherwise.
        center: For the protocol: where the crops were centred.
        cube: For the protocol: how large they were.
        epoch: For the protocol: how the weights were picked.
        out: Write a report there: result.json, curves, joints, worst frames, report.html.
    """
    from handkit.cli.score_file import Request, score_file

    return score_file(
        Request(
            predictions=predictions,
            dataset=dataset,
            labels=labels,
            form="densereg" if form == "denseReg" else form,
            label_form=label_form,
            compare=compare,
            split=split,
            parts=part,
            camera=camera,
            missing=missing,
            name=name,
            center=center,
            cube=cube,
            epoch=epoch,
            out=out,
        )
    )
