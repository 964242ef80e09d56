"""What makes two findings the same: the act they rest on, or the actor and the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from livefire.detections.detection import Told
from livefire.detections.evidence import completing, fingerprint
from livefire.logsources.acts import Act

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def act(event: str, action: str, minutes: int, key: str = "", actor: str = "ann") -> Act:
    return Act(event, key or event, "gcp_audit", NOON + timedelta(minutes=minutes), action, "", actor, "p", "", "", done=True)


ACTS = {f"gcp_audit/{a.event}": a for a in (act("a", "stop", 0), act("b", "start", 5, "op"), act("c", "start", 6, "op"), act("d", "list", 9))}


def test_entries_of_one_operation_give_one_fingerprint() -> None:
    # One language rests on the operation's first entry, another on its last.
    told = Told(on=("start",))
    assert fingerprint("x", ["gcp_audit/a", "gcp_audit/b"], ACTS, told) == fingerprint("x", ["gcp_audit/c"], ACTS, told)


def test_the_completing_act_is_the_latest_of_those_named() -> None:
    last = completing(list(ACTS), ACTS, Told(on=("start",)))
    assert last is not None
    assert last.event == "c"


def test_another_act_or_another_detection_is_another_finding() -> None:
    told = Told()
    assert len({fingerprint(d, [f"gcp_audit/{e}"], ACTS, told) for d in ("x", "y") for e in ("a", "d")}) == 4


def test_counts_are_told_apart_by_actor_and_day() -> None:
    told = Told(per="actor")
    assert fingerprint("x", ["gcp_audit/a"], ACTS, told) == fingerprint("x", ["gcp_audit/d"], ACTS, told)
    other = {"gcp_audit/a": act("a", "stop", 24 * 60)}
    assert fingerprint("x", ["gcp_audit/a"], ACTS, told) != fingerprint("x", ["gcp_audit/a"], other, told)
