"""The verbs of table files that have edges of their own."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tables import examples as x
from tests.tables.shown import shown, table

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from('",:{}[]\\/\n\t='), max_size=12)
VALUES = st.recursive(st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXT, lambda v: st.lists(v, max_size=3) | st.dictionaries(TEXT, v, max_size=3))
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=4)


def as_java(value: Any) -> str:
    """What java.util.Map.toString writes, with members in the order given."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}={as_java(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_java(v) for v in value) + "]"
    return {None: "null", True: "true", False: "false"}.get(value, str(value)) if value is None or isinstance(value, bool) else str(value)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OBJECTS, min_size=1, max_size=20))
def test_map_text_is_what_java_prints(objects: list[dict[str, Any]]) -> None:
    column = "aws.cloudtrail.request_parameters"
    rows = shown(table("logs-aws.cloudtrail-*", "elastic"), [x.AWS_CALL | {"requestParameters": o} for o in objects], column)
    assert [r[column] for r in rows] == [as_java(o) for o in objects]


def test_plain_keys_changes_names_and_no_values() -> None:
    claims = {"http://a.b.c/d.e": "f.g", "h": 'i.j":"k.l', "m.n": ""}
    event = x.azure("Start", "Started.", identity={"claims": claims})
    column = "azure.activitylogs.identity.claims"
    (row,) = shown(table("logs-azure.activitylogs-*", "elastic"), [event], column)
    assert row[column] == {"http://a_b_c/d_e": "f.g", "h": 'i.j":"k.l', "m_n": ""}
