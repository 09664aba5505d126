"""Score the prediction files that authors published for NYU and ICVL again.

    python benchmarks/published.py --published DIR --out results

DIR holds `nyu/` and `icvl/`, each with `groundtruth.txt` and a file for each method, .gz or not, such as those that
xinghaochen/awesome-hand-pose-estimation collects. What is stated, and what is known of each protocol, is from
docs/reference.md, 1.6, 1.7, 3 and 4. `--out` writes published.csv and .png (.pdf, .svg).
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from handkit.datasets.catalog import TEST_SETS
from handkit.evaluation import NOT_STATED, Comparison, Protocol, Result, compare, score
from handkit.evaluation.files import method_name
from handkit.evaluation.metrics import Errors, joint_distances
from handkit.evaluation.published import Labels, read_labels, read_predictions
from handkit.reports.charts import PAGE_IN, charted, save_figure
from handkit.reports.figures import draw_success, series_of

ORDER = ("SRN", "V2V-PoseNet", "CrossInfoNet", "DenseReg", "Pose-REN", "REN-9x6x6", "DeepPrior++")
"""In figures, so that a method has one color in all of them; files not named here follow."""
TWINS = ("DenseReg-xyz",)
"""The same predictions in another format: in the table, not in the figure."""


class Known(NamedTuple):
    """What the authors state, in words of the protocol; the mean in mm as printed."""

    stated: str
    center: str = NOT_STATED
    cube: str = NOT_STATED
    epoch: str = NOT_STATED


SRN_CENTER = "offset network from the center of mass (paper), V2V's refined centers (code)"
OWN_CENTER = "its own refinement network"
LAB_CENTER = "center of mass of a depth window"
LABEL_BOX = "box of the labels + 20 px (released code)"
TEST_BEST = "best on the test set (released code)"
KNOWN = {
    ("nyu", "SRN"): Known("7.78 / 7.79", SRN_CENTER, "one edge, x 5/6 from frame 2440 on", TEST_BEST),
    ("nyu", "CrossInfoNet"): Known("10.08", "V2V's refined centers (released code)", "250 mm", TEST_BEST),
    ("nyu", "DenseReg"): Known("10.2 / 10.21", "box file: box of the labels + 20 px + noise (released code)", "2D box"),
    ("nyu", "V2V-PoseNet"): Known("8.42", OWN_CENTER, "250 mm"),
    ("nyu", "Pose-REN"): Known("11.81", f"{LAB_CENTER}, on rendered depth", "300 mm"),
    ("nyu", "REN-9x6x6"): Known("12.69", f"{LAB_CENTER}, on rendered depth", "300 mm"),
    ("nyu", "DeepPrior++"): Known("12.24", OWN_CENTER, "300 mm, 250 mm from frame 2440 on"),
    ("icvl", "SRN"): Known("6.27", SRN_CENTER, "200 mm", TEST_BEST),
    ("icvl", "CrossInfoNet"): Known("6.73", NOT_STATED, "250 mm", TEST_BEST),
    ("icvl", "DenseReg"): Known("7.3", LABEL_BOX, "2D box"),
    ("icvl", "DenseReg-xyz"): Known("7.3", LABEL_BOX, "2D box"),
    ("icvl", "V2V-PoseNet"): Known("6.28", OWN_CENTER, "200 mm"),
    ("icvl", "Pose-REN"): Known("6.79", LAB_CENTER, "300 mm"),
    ("icvl", "REN-9x6x6"): Known("7.31", LAB_CENTER, "300 mm"),
}


def score_method(path: Path, labels: Labels) -> tuple[Result, Errors]:
    """One file under the protocol of the published numbers."""
    name, test_set = method_name(path), labels.test_set
    known = KNOWN.get((test_set.name, name), Known(NOT_STATED))
    predictions = read_predictions(path, labels, intrinsics=test_set.intrinsics)
    protocol = Protocol(
        dataset=test_set.name,
        version=labels.version,
        split=labels.split,
        joints=test_set.skeleton.joints,
        center=known.center,
        cube=known.cube,
        epoch=known.epoch,
        intrinsics=predictions.intrinsics,
        predictions=predictions.words,
    )
    estimated, truth = predictions.joints, labels.joints
    result = score(estimated=estimated, truth=truth, method=name, protocol=protocol, parts=labels.parts)
    return result, joint_distances(estimated=estimated, truth=truth)


def score_folder(folder: Path) -> list[Result]:
    """All methods of one data set, each compared with the best of them, best first."""
    files = sorted(path for path in folder.iterdir() if path.name.removesuffix(".gz").endswith(".txt"))
    truth = [path for path in files if method_name(path) == "groundtruth"]
    if not truth:
        raise SystemExit(f"{folder} holds no groundtruth.txt or groundtruth.txt.gz")
    test_set = TEST_SETS[folder.name]
    labels = read_labels(truth, test_set, intrinsics=test_set.intrinsics)
    scored = [score_method(path, labels) for path in files if path not in truth]
    scored.sort(key=lambda pair: pair[0].mean_error_mm)
    best, best_errors = scored[0]
    others = [compare(result, best, errors=errors, other_errors=best_errors) for result, errors in scored[1:]]
    return [best, *others]


def row(result: Result) -> dict[str, str]:
    """One line of the table; mm, and shares in percent."""
    known = KNOWN.get((result.protocol.dataset, result.method), Known(NOT_STATED))
    first, second = [f"{part.mean_error_mm:.3f}" for part in result.parts.values()]
    comparison = result.comparisons[0] if result.comparisons else None
    cells = {
        "dataset": result.protocol.dataset,
        "method": result.method,
        "frames": str(result.frames),
        "mean": f"{result.mean_error_mm:.3f}",
        "stated": known.stated,
        "part 1": first,
        "part 2": second,
        "95 % by blocks": "{:.3f} to {:.3f}".format(*result.blocks_mm),
        "95 % by frames": "{:.3f} to {:.3f}".format(*result.frames_mm),
    }
    cells |= {f"<= {threshold}": f"{100 * rate:.1f}" for threshold, rate in result.success.items()}
    cells |= {"mean joint <= 20": f"{100 * result.success_mean_joint['20']:.1f}"}
    cells |= {"AUC worst joint": f"{result.auc_worst_joint:.4f}", "AUC joint": f"{result.auc_joint:.4f}"}
    cells |= {axis: f"{value:.2f}" for axis, value in zip("xyz", result.per_axis_mm, strict=True)}
    cells |= {"against best": _difference(comparison), "center": result.protocol.center}
    cells |= {"cube": result.protocol.cube, "epoch": result.protocol.epoch, "file": result.protocol.predictions}
    return cells


def _difference(comparison: Comparison | None) -> str:
    if comparison is None:
        return "best"
    low, high = comparison.blocks_mm
    return f"{comparison.difference_mm:+.3f} ({low:+.3f} to {high:+.3f})"


def _rank(result: Result) -> int:
    return ORDER.index(result.method) if result.method in ORDER else len(ORDER)


def draw(path: Path, folders: Sequence[Sequence[Result]]) -> None:
    """Success curves of all data sets side by side."""
    with charted(PAGE_IN, 2.8, columns=len(folders)) as (figure, places):
        for axes, results in zip(places, folders, strict=True):
            shown = sorted((result for result in results if result.method not in TWINS), key=_rank)
            title = f"{results[0].protocol.dataset.upper()}, {results[0].protocol.version}"
            series = [series_of(result)[0] for result in shown]
            draw_success(axes, series, thresholds_mm=shown[0].curves.thresholds_mm, title=title)
    save_figure(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--published", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="folder of published.csv and its figure")
    options = parser.parse_args()
    folders = [score_folder(options.published / name) for name in ("nyu", "icvl")]
    rows = [row(result) for results in folders for result in results]
    for cells in rows:
        print(f"{cells['dataset']:5} {cells['method']:14} {cells['mean']:>7} mm  (stated {cells['stated']})")
    if options.out is None:
        return
    options.out.mkdir(parents=True, exist_ok=True)
    with (options.out / "published.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    draw(options.out / "published", folders)


if __name__ == "__main__":
    main()
