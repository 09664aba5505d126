import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from sinks.moving import moments

from handkit.errors import SinkError
from handkit.sinks import open_sink


def test_json_lines(tmp_path):
    with open_sink(str(tmp_path / "hands.jsonl")) as sink:
        for moment in moments():
            sink.write(moment)
    lines = [json.loads(line) for line in (tmp_path / "hands.jsonl").read_text().splitlines()]
    assert [line["index"] for line in lines] == list(range(30))
    assert lines[-1]["time_s"] == pytest.approx(5 + 29 / 30, abs=1e-6)
    assert [(hand["id"], hand["handedness"]) for hand in lines[-1]["hands"]] == [(1, "right"), (2, "left")]
    assert lines[-1]["hands"][0] == moments()[-1].hands[0].to_dict()


def test_stdout(capsys):
    with open_sink("-") as sink:
        sink.write(moments()[0])
    assert json.loads(capsys.readouterr().out)["index"] == 0


def test_csv(tmp_path):
    with open_sink(str(tmp_path / "hands.csv")) as sink:
        for moment in moments():
            sink.write(moment)
    with (tmp_path / "hands.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(moment.hands) for moment in moments())
    hand = moments()[-1].hands[1]
    assert (rows[-1]["index"], rows[-1]["id"], rows[-1]["handedness"], rows[-1]["tracked"]) == ("29", "2", "left", "1")
    assert [float(rows[-1][f"index_tip_{axis}"]) for axis in "xyz"] == pytest.approx(hand["index_tip"], abs=0.006)


def test_a_csv_without_a_hand_has_its_head(tmp_path):
    for name, count in (("empty.csv", 0), ("none.csv", 1), ("hands.csv", 30)):
        with open_sink(str(tmp_path / name)) as sink:
            for moment in moments()[:count]:
                sink.write(moment if count > 1 else replace(moment, hands=[]))
    head = (tmp_path / "hands.csv").read_bytes().splitlines(keepends=True)[0]
    assert head.startswith(b"index,time_s,id,handedness,confidence,tracked,wrist_x,")
    assert (tmp_path / "empty.csv").read_bytes() == (tmp_path / "none.csv").read_bytes() == head


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_full_disk_is_one_sentence(suffix, tmp_path):
    full = tmp_path / f"full.{suffix}"
    full.symlink_to("/dev/full")
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    sink = open_sink(str(full))
    sink.__enter__()
    with pytest.raises(SinkError, match=r"full\.\w+ cannot be written: No space left on device"):
        sink.write(moments()[20])


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_folder_that_is_not_there(suffix, tmp_path):
    with pytest.raises(SinkError, match="cannot be written: No such file"):
        open_sink(str(tmp_path / "none" / f"hands.{suffix}")).__enter__()
