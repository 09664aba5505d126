"""`handkit score`: a prediction file against the labels of a published test set."""

from dataclasses import dataclass

from handkit.cli.options import MaybeFolder
from handkit.options import Scoring


@dataclass(frozen=True, kw_only=True)
class Score(Scoring):
    """Score a prediction file, ours or published: mean, parts, success, curves, and what the number means."""

    out: MaybeFolder = None
    """Write a report there: result.json, curves, joints, worst frames, report.html."""

    def run(self) -> int:
        from handkit.cli.results import print_result, result_console
        from handkit.evaluation.files import score_file
        from handkit.extras import load
        from handkit.files.folders import unwritable
        from handkit.reports import write_report

        if self.out:
            load("matplotlib", extra="reports")
        scored = score_file(self)
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
                depth_of=scored.depth_of,
            )
        except OSError as error:
            raise unwritable(self.out, error) from None
        console.print(f"report: {page}", highlight=False, markup=False, soft_wrap=True)
        return 0
