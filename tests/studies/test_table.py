"""The table by hand: rows put together, completed, written between two lines of a README, read back."""

import numpy as np
import pytest

from handkit.errors import HandkitError
from handkit.studies.table import BEGIN, END, Curves, Table, find_markers, markdown, write_between_markers

CURVES = Curves([0.0, *[1.0] * 80], [5.0] * 21)


def row(*, network="srn", variant="", seed="1", samples="2000", error="10.0", **more):
    key = {"network": network, "variant": variant, "center_refinement": "", "resolution": "96", "batch": "32"}
    measured = {"parameters": "22361406", "samples_per_second": "100.4", "hardware": "a machine"}
    return (
        key
        | {"samples": samples, "seed": seed}
        | measured
        | {"synthetic_mm": error, "synthetic_within_20mm": "0.5"}
        | more
    )


def test_seeds_are_put_together_and_networks_sorted_by_error():
    text = markdown([
        row(error="10.0", real_sr305_tips_mm="3.0"),
        row(seed="2", error="11.0", real_sr305_tips_mm="5.0"),
        row(network="densereg", error="9.04"),
        row(network="srn", variant="stages=1", samples="4000", error="30"),
    ])  # fmt: skip
    head, _, *lines, _, trained = text.splitlines()
    assert head.endswith("| synthetic, mm | frames within 20 mm | sr305 tips, median mm | samples/s |")
    assert lines == [
        "| srn:stages=1 | 22,361,406 | 4,000 | 32 | 96 | 1 | 30.0 | 50.0% |  | 100 |",
        "| densereg | 22,361,406 | 2,000 | 32 | 96 | 1 | 9.0 | 50.0% |  | 100 |",
        "| srn | 22,361,406 | 2,000 | 32 | 96 | 2 | 10.5 ± 0.5 | 50.0% | 4.0 ± 1.0 | 100 |",
    ]
    assert trained == "Trained on: a machine."


def test_rows_survive_the_disk_and_are_completed(tmp_path):
    table = Table(tmp_path)
    table.put(row(), CURVES)
    table.put(row(network="densereg"), CURVES)
    table.write([row()], readme=None)
    again = Table.read(tmp_path)
    assert again.holds(row(), [])
    assert not again.holds(row(), ["real_a_tips_mm"])
    assert not again.holds(row(seed="2"), [])
    assert again.holds(row(), [], crops=64), "it does not say on how many it was measured"
    again.put(row(crops="32"), CURVES)
    assert again.holds(row(), [], crops=32)
    assert not again.holds(row(), [], crops=64)
    again.put(row(real_a_tips_mm="4.0"), CURVES)
    again.write([row()], readme=None)
    last = Table.read(tmp_path)
    assert last.holds(row(), ["real_a_tips_mm"])
    assert last.curves == table.curves
    assert [each["network"] for each in last.rows] == ["densereg", "srn"]
    assert last.rows[0]["real_a_tips_mm"] == ""
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".json", ".png", ".png"]


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,2\n",
        b"network,variant\nsrn\n",
        b"PNG\x00",
        b"\x89PNG\r\n",
        b"network,variant,center_refinement,resolution,batch,samples,seed\nsrn,,,96,32,2000,1\n",
    ],
)
def test_another_file_is_not_overwritten(tmp_path, content):
    (tmp_path / "compare.csv").write_bytes(content)
    with pytest.raises(HandkitError, match="no table of `handkit compare`"):
        Table.read(tmp_path)
    assert (tmp_path / "compare.csv").read_bytes() == content


def test_only_what_is_between_the_lines_is_replaced(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\n1\n2\n{END}\nafter\n")
    write_between_markers(readme, "| new |")
    write_between_markers(readme, "| newer |")
    assert readme.read_text() == f"before\n{BEGIN}\n\n| newer |\n\n{END}\nafter\n"
    assert find_markers(readme) == readme
    readme.write_text("nothing")
    with pytest.raises(HandkitError, match="no place for the table"):
        find_markers(readme)
    readme.write_text(f"{END}\nthe wrong way round\n{BEGIN}\n")
    with pytest.raises(HandkitError, match="no place for the table"):
        write_between_markers(readme, "| new |")


def test_curves_of_seeds_are_averaged(tmp_path):
    table = Table(tmp_path)
    table.put(row(), Curves([0.0] * 81, [4.0] * 21))
    table.put(row(seed="2"), Curves([1.0] * 81, [8.0] * 21))
    (series,) = table._series([row(), row(seed="2"), row(seed="3")])
    assert series.mean_error_mm == 6.0
    assert np.allclose(series.curve, 0.5)
