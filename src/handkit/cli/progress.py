"""How a training goes, on a terminal."""

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from handkit.cli.results import print_page, print_result, result_console, say_guessed
from handkit.training.experiment import Fitted
from handkit.training.folder import Report
from handkit.training.folds import Fold
from handkit.training.measuring import Measured


class Bar:
    """Share of the budget spent, samples a second, loss terms, and the latest error on validation frames."""

    def __init__(self, title: str) -> None:
        self.console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[state]}"),
            console=self.console,
        )
        self._task = self._progress.add_task(title, total=1.0, state="making the first batch")
        self._error = ""

    def __enter__(self) -> Callable[[Report], None]:
        self._progress.start()
        return self.show

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, report: Report) -> None:
        """One step's report; on a console without a bar, a line for every measured error."""
        if report.error_mm is not None:
            self._error = f"{report.error_mm:.1f} mm"
            if not self.console.is_terminal:
                self.console.print(f"{report.progress:.0%} {report.samples} samples {self._error}")
        terms = " ".join(f"{name} {value:.4f}" for name, value in report.terms.items())
        rate = report.samples / max(report.seconds, 1e-9)
        state = f"{report.samples} samples, {rate:.0f}/s  {terms}  {self._error}"
        self._progress.update(self._task, completed=report.progress, state=state)


def say(sentence: str) -> None:
    """On stderr."""
    Console(stderr=True).print(sentence, highlight=False, markup=False)


def print_spent(fitted: Fitted) -> None:
    """Where the weights are, and what they cost."""
    spent = fitted.spent
    say(f"{fitted.weights}: {spent.samples} samples, {spent.seconds / 60:.1f} minutes")


def print_fold(fold: Fold) -> None:
    """What became of a subject that was left out, or of all of them."""
    if fold.subject is None:
        Console().rule("all folds")
    if fold.measured:
        print_measured(fold.measured)


def print_measured(measured: Measured) -> None:
    """The figures, and where their report is."""
    if measured.result:
        print_result(result_console(), measured.result)
    if measured.page:
        print_page(measured.page)
        say_guessed(measured.unanswered, measured.page.parent)
