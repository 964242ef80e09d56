"""JSON inside a string of a record, which whoever causes the event may write: read where it can be handled, else left as the text it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from livefire.logsources.canonical import DEEPEST, embedded, shown
from livefire.workspace import Workspace
from tests.logsources.samples import read_all

HOSTILE = {
    "a list in a list, 20,000 times": "[" * 20_000 + "]" * 20_000,
    "an object in an object, 3,000 times": '{"a":' * 3_000 + "1" + "}" * 3_000,
    "deeper than a record may be": "[" * 65 + "]" * 65,
    "brackets that never close": "[" * 100_000,
    "no JSON": "{'a': 1}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_cannot_be_handled_stays_text(text: str) -> None:
    assert embedded(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, true, null]}', {"a": [1, 2.5, True, None]}),
        ("7", 7),
        ('"\\ud800"', "\ufffd"),  # half a surrogate pair could not be stored
        ('{"a":"\\u0000"}', {"a": "\ufffd"}),
        ('{"a":NaN}', {"a": "NaN"}),
        ('{"a":18446744073709551617}', {"a": 18_446_744_073_709_551_617}),
        ("[" * 64 + "]" * 64, json.loads("[" * 64 + "]" * 64)),
    ],
)
def test_what_is_odd_is_settled_as_in_a_record(text: str, value: object) -> None:
    assert embedded(text) == value


def activity(number: int, properties: str) -> dict[str, Any]:
    """A record of Azure's activity log whose properties are a string."""
    resource = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.COMPUTE/VIRTUALMACHINES/VM"
    operation = {"operationName": "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE/ACTION", "category": "Administrative", "resultType": "Success"}
    return {"time": "2026-05-04T10:00:00Z", "resourceId": resource, "correlationId": f"c{number}", **operation, "properties": properties}


def test_a_hostile_record_keeps_no_other_out_of_the_lake() -> None:
    records = [activity(at, text) for at, text in enumerate([*HOSTILE.values(), '{"eventDataId":"sound"}'])]
    rows, entries, _ = read_all("\n".join(map(json.dumps, records)).encode())
    assert entries == []
    assert [json.loads(row["_raw"])["correlationId"] for row in rows] == [f"c{at}" for at in range(len(records))]
    assert rows[-1]["_id"] == "sound"


def test_a_value_too_deep_to_follow_is_shown_as_its_text() -> None:
    deep, fine = "[" * 5_000 + "]" * 5_000, "[" * DEEPEST + "]" * DEEPEST
    ws = Workspace()
    ws.load("T", [{"At": 1, "Text": deep}, {"At": 2, "Text": fine}], schema={"At": "long", "Text": "string"})
    rows = ws.query("T | sort by At asc | project parse_json(Text)", language="kql").rows
    assert rows == [(deep,), (json.loads(fine),)]
    assert shown(deep) == deep
