"""What a comparison leaves behind: compare.csv, curves and their pictures, and a table in the README."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from handkit.errors import HandkitError
from handkit.files.atomic import write_whole
from handkit.files.png import write_png
from handkit.reports.charts import to_picture
from handkit.reports.figures import Series, joints_chart, success_chart
from handkit.skeleton import HAND21

KEY = ("network", "variant", "center_refinement", "resolution", "batch", "samples", "seed")
"""Columns that make a row what it is; the others are what was measured."""
MEASURED = ("parameters", "samples_per_second", "hardware", "synthetic_mm", "synthetic_within_20mm")
"""Columns that the README's table needs besides."""
THRESHOLDS_MM = np.arange(81.0)
BEGIN, END = "<!-- comparison: written by `handkit compare` -->", "<!-- end of the comparison -->"
WIDTH = 900

Row = dict[str, str]


@dataclass(frozen=True)
class Curves:
    """Of one trained network on the synthetic validation set."""

    success: list[float]
    """Share of frames whose worst joint is within 0, 1, ... 80 mm."""
    per_joint_mm: list[float]


@dataclass
class Table:
    """The rows of compare.csv and the curves that belong to them, in a folder."""

    folder: Path
    rows: list[Row] = field(default_factory=list[Row])
    curves: dict[str, Curves] = field(default_factory=dict[str, Curves])
    """By the values of a row's key, joined."""

    @classmethod
    def read(cls, folder: Path) -> "Table":
        """What is there; raises HandkitError where compare.csv is another file."""
        path, drawn = folder / "compare.csv", folder / "compare-curves.json"
        if not path.exists():
            return cls(folder)
        try:
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                rows, columns = list(reader), set(reader.fieldnames or ())
        except (UnicodeDecodeError, csv.Error):
            rows, columns = [], set[str]()
        if not {*KEY, *MEASURED} <= columns or any(None in row or None in row.values() for row in rows):
            raise HandkitError(f"{path} is no table of `handkit compare`, or a damaged one; move it away", status=2)
        try:
            curves = {name: Curves(**one) for name, one in json.loads(drawn.read_text(encoding="utf-8")).items()}
        except (OSError, TypeError, ValueError):
            curves = {}  # pictures lack these rows; the table is whole without them
        return cls(folder, rows, curves)

    def holds(self, key: Row, columns: Sequence[str], *, crops: int | None = None) -> bool:
        """Whether the row is there, with all of these columns, and measured on so many crops if it says on how many."""
        row = next((row for row in self.rows if _key(row) == _key(key)), None)
        if row is None or (crops and row.get("crops") not in {None, "", str(crops)}):
            return False
        return all(row.get(column) for column in columns)

    def put(self, row: Row, curves: Curves) -> None:
        """Add a row, or complete the one of the same key."""
        before = next((each for each in self.rows if _key(each) == _key(row)), {})
        self.rows = [each for each in self.rows if each is not before] + [before | row]
        self.curves[_key(row)] = curves

    def write(self, shown: Sequence[Row], *, readme: Path | None) -> None:
        """All files; the pictures are of the rows `shown`, seeds averaged, the README's table is of all rows."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.rows:
            return
        columns = list(KEY) + [
            name for name in dict.fromkeys(key for row in self.rows for key in row) if name not in KEY
        ]
        lines = io.StringIO(newline="")
        writer = csv.DictWriter(lines, columns, restval="")
        writer.writeheader()
        writer.writerows(self.rows)
        write_whole(self.folder / "compare.csv", lines.getvalue())
        write_whole(
            self.folder / "compare-curves.json", json.dumps({key: asdict(one) for key, one in self.curves.items()})
        )
        series = self._series(shown)
        if series:
            title = "worst joint of each synthetic validation frame; beside the names, the mean error of all joints"
            charts = {
                "compare-success": success_chart(
                    series, thresholds_mm=THRESHOLDS_MM.tolist(), title=title, width=WIDTH
                ),
                "compare-joints": joints_chart(series, joints=HAND21.joints, width=WIDTH),
            }
            for name, chart in charts.items():
                write_png(self.folder / f"{name}.png", to_picture(chart))
        if readme is not None:
            write_between_markers(readme, markdown(self.rows))

    def _series(self, shown: Sequence[Row]) -> list[Series]:
        """A curve for each network and variant, best first; seeds are averaged."""
        groups: dict[str, list[Curves]] = {}
        for key in shown:
            if _key(key) in self.curves:
                groups.setdefault(_name(key), []).append(self.curves[_key(key)])
        series = [
            Series(
                name,
                float(np.mean([one.per_joint_mm for one in group])),
                np.mean([one.success for one in group], axis=0).tolist(),
                np.mean([one.per_joint_mm for one in group], axis=0).tolist(),
            )
            for name, group in groups.items()
        ]
        return sorted(series, key=lambda one: one.mean_error_mm)


def markdown(rows: Sequence[Row]) -> str:
    """One line for each network, variant and budget, seeds put together: mean and, of several, half their range."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in KEY if name != "seed"), []).append(row)
    real = sorted({name for row in rows for name in row if name.startswith("real_") and name.endswith("_tips_mm")})
    heads = ["network", "parameters", "samples", "batch", "crop", "seeds", "synthetic, mm", "frames within 20 mm"]
    heads += [f"{name.removeprefix('real_').removesuffix('_tips_mm')} tips, median mm" for name in real] + ["samples/s"]
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1)]
    for group in sorted(groups.values(), key=lambda group: (-int(group[0]["samples"]), _mean(group, "synthetic_mm"))):
        first = group[0]
        lines.append([
            _name(first), f"{int(first['parameters']):,}", f"{int(first['samples']):,}", first["batch"],
            first["resolution"], str(len(group)), _spread(group, "synthetic_mm"),
            f"{_mean(group, 'synthetic_within_20mm'):.1%}", *(_spread(group, name) for name in real),
            f"{_mean(group, 'samples_per_second'):.0f}",
        ])  # fmt: skip
    machines = sorted({row["hardware"] for row in rows})
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{table}\n\nTrained on: {'; '.join(machines)}."


def find_markers(readme: Path) -> Path:
    """The file whose table is written again; raises HandkitError where it has no place for one."""
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    if END not in text.partition(BEGIN)[2]:
        raise HandkitError(f"{readme} has no place for the table: the lines\n{BEGIN}\n{END}", status=2)
    return readme


def write_between_markers(path: Path, content: str) -> None:
    """Replace what stands between the two lines; raises HandkitError where they are not there any more."""
    find_markers(path)
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    write_whole(path, f"{before}{BEGIN}\n\n{content}\n\n{END}{after}")


def _key(row: Row) -> str:
    return " ".join(f"{name}={row[name]}" for name in KEY)


def _name(row: Row) -> str:
    """A network and what was done to it."""
    refinement = f", center refinement: {row['center_refinement']}" if row["center_refinement"] else ""
    return f"{row['network']}{':' if row['variant'] else ''}{row['variant']}{refinement}"


def _values(group: Sequence[Row], column: str) -> list[float]:
    return [float(row[column]) for row in group if row.get(column)]


def _mean(group: Sequence[Row], column: str) -> float:
    values = _values(group, column)
    return float(np.mean(values)) if values else float("nan")


def _spread(group: Sequence[Row], column: str) -> str:
    values = _values(group, column)
    if not values:
        return ""
    half = (max(values) - min(values)) / 2
    return f"{np.mean(values):.1f}" + (f" ± {half:.1f}" if len(values) > 1 else "")
