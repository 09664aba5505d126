"""What is written is what the schema says, to the last key."""

import json

import numpy as np
import pytest
from sinks.moving import moments
from tracked import hand_at

from handkit.camera import Camera
from handkit.hand import CAUSES, HandPose, Prediction
from handkit.sinks.records import SCHEMA, frame_record
from handkit.skeleton import HAND21

jsonschema = pytest.importorskip("jsonschema")

VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def hand(uncertainty_mm: float) -> HandPose:
    joints = hand_at((0, 0, 500)).astype(np.float32)
    return HandPose(joints, joints[:, :2], "left", 0.5, HAND21, np.full(21, uncertainty_mm, np.float32), 0.75)


TIMINGS = {"locate": 1.0, "estimate": 2.0, "total": 3.0}
NEWER = {"cause", "warnings"}
"""Keys that older records do not have."""
LENS = {"unit_mm", "distortion"}
"""Nor do their cameras have these."""
RECORDS = {
    "a hand": frame_record("a", Camera.named("sr305"), Prediction([hand(2.5), hand(np.nan)], None, TIMINGS)),
    "warned": frame_record("a", None, Prediction([], "no hand", {}, ("edges sharpened",))),
    "unreadable": frame_record("a", None, Prediction([], "a does not exist", {}, cause="refused")),
    **{cause: frame_record("a", None, Prediction([], words, {}, cause=cause)) for cause, words in CAUSES.items()},
    **{f"moment {index}": moment.to_dict() for index, moment in enumerate(moments(14)[::6])},
}


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("name", RECORDS)
def test_records_are_as_it_says(name):
    VALIDATOR.validate(json.loads(json.dumps(RECORDS[name], allow_nan=False)))


def test_every_key_is_needed_and_no_other():
    for record in (RECORDS["a hand"], RECORDS["moment 2"]):
        assert record["hands"]
        for part in (record, record["hands"][0]):
            for key in sorted(part.keys() - NEWER):
                value = part.pop(key)
                assert not VALIDATOR.is_valid(record), key
                part[key] = value
            part["other"] = 1
            assert not VALIDATOR.is_valid(record)
            del part["other"]
        record["hands"][0]["joints_mm"][3].append(0.0)
        assert not VALIDATOR.is_valid(record)


def test_records_of_before_there_were_warnings_and_causes_are_still_right():
    for name in ("warned", "moment 0"):
        assert RECORDS[name].keys() >= NEWER
        older = {key: value for key, value in RECORDS[name].items() if key not in NEWER}
        if "camera" in older:
            older["camera"] = {key: value for key, value in older["camera"].items() if key not in LENS}
        VALIDATOR.validate(older)
        assert not VALIDATOR.is_valid(RECORDS[name] | {"warnings": [3]})
        assert not VALIDATOR.is_valid(RECORDS[name] | {"cause": "bad luck"})
