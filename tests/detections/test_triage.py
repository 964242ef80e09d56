"""Risk, baselines, tuning and alerts, worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from livefire.detections.advice import Advice, advise
from livefire.detections.alerts import added_up, raise_alerts
from livefire.detections.baseline import Baseline, Seen
from livefire.detections.baseline_files import TARGETS, keep, load, versions
from livefire.detections.detection import Attack, Card, Modifier, Risk
from livefire.detections.finding import Finding
from livefire.detections.hunt import Hunt
from livefire.detections.inventory import take_inventory
from livefire.detections.pack import load_packs
from livefire.detections.risk import CONDITIONS, Scored, score
from livefire.detections.triage import Triage
from livefire.detections.tuning import SHIPPED, Excepted, Scope, Trusted, Tuning, Window, load_tuning
from livefire.diagnostics import QueryError
from livefire.logsources.acts import Act
from livefire.logsources.traits import Traits, agent_family, network_of
from livefire.report.safe import safe_cell

NOON = datetime(2026, 9, 20, 12, tzinfo=UTC)
BEGIN = NOON - timedelta(days=30)
MALLORY = "arn:aws:iam::111122223333:role/Support"


def act(
    event: str = "e1", *, hours: float = 0, actor: str = MALLORY, address: str = "203.0.113.9", verb: str = "instance.create", traits: Traits | None = None
) -> Act:
    moment = NOON + timedelta(hours=hours)
    known = traits or Traits(agent="aws-cli", human=True)
    return Act(event, event, "aws_cloudtrail", moment, "RunInstances", verb, actor, "111122223333", "us-east-1", address, True, (f"i-{event}",), (), known)


def card(name: str, base: int, *modifiers: Modifier) -> Card:
    return Card(name, name, "w", "y", "medium", "medium", Risk(base, modifiers), (Attack("v19", (), ("T1578",)),), ("aws_cloudtrail",), ())


def known(**since: float) -> Baseline:
    """A baseline of an account known for 30 days; each word is a kind, first seen that many days before noon, on every day."""
    value = {"actor": MALLORY, "action": "RunInstances", "network": "203.0.113.0/24", "hour": "Sun 12", "place": "203.0.113.0/24"}
    seen = {}
    for kind, days in since.items():
        first = NOON - timedelta(days=days)
        who = "" if kind == "place" else MALLORY
        seen[kind, "111122223333", who, value[kind]] = Seen(first, NOON, max(int(days), 1), 10)
    return Baseline(seen, {"111122223333": BEGIN})  # type: ignore[arg-type]  # the kinds are literals, and the test's own words


OLD = known(actor=30, action=30, network=30, hour=30, place=30)


def scored(base: int, *, baseline: Baseline = OLD, tuning: Tuning | None = None, modifiers: tuple[Modifier, ...] = (), of: Act | None = None) -> Scored:
    one = of or act()
    finding = Finding("T1578.002/x", "x", "medium", "kql", {}, ("aws_cloudtrail/e1",), one.time, "f1")
    (found,) = score([finding], {"T1578.002/x": card("T1578.002/x", base, *modifiers)}, {"aws_cloudtrail/e1": one}, baseline, tuning or Tuning())
    return found


def test_usual_work_from_the_usual_network_is_lowered() -> None:
    assert scored(50).risk == 50 - 20


def test_what_is_new_raises_the_risk() -> None:
    # The network is new to the actor (+15) and to the account (+20); actor, action and hour are old.
    found = scored(20, baseline=known(actor=30, action=30, hour=30))
    assert (found.risk, {add for _, add in found.reasons}) == (20 + 15 + 20, {15, 20})
    assert not found.alerts


def test_nothing_is_new_before_a_fortnight_of_log() -> None:
    young = Baseline({}, {"111122223333": NOON - timedelta(days=13)})
    assert scored(30, baseline=young).risk == 30
    grown = Baseline({}, {"111122223333": NOON - timedelta(days=14)})
    assert scored(30, baseline=grown).risk == 30 + 15 + 20 + 15 + 10


def test_what_began_within_the_warm_up_is_not_called_new() -> None:
    baseline = known(network=20)  # ten days after the log began: nobody can say whether it was there before
    assert not baseline.is_new("network", act())
    assert known(network=10).is_new("network", act())  # twenty days of silence, then seen
    assert known(network=10).rarity("network", act()) == pytest.approx(0.1)


def test_the_risk_stays_between_0_and_100() -> None:
    assert scored(10).risk == 0
    assert scored(95, baseline=known(actor=30)).risk == 100


def test_a_modifier_that_the_logs_do_not_tell_is_named_and_adds_nothing() -> None:
    found = scored(50, modifiers=(Modifier("the moon is full", 40),))
    assert (found.risk, found.unmeasured) == (30, ("the moon is full",))


def test_a_second_factor_counts_for_people_only() -> None:
    rule = (Modifier("no second factor", 10),)
    without = act(traits=Traits(agent="aws-cli", mfa=False, human=True))
    assert scored(50, modifiers=rule, of=without).risk == 40
    assert scored(50, modifiers=rule, of=act(traits=Traits(agent="terraform", mfa=False))).risk == 30
    assert scored(50, modifiers=rule, of=act(traits=Traits(agent="browser", human=True))).risk == 30  # the log does not say
    assert scored(50, modifiers=rule, of=act(traits=Traits(agent="browser", mfa=True, human=True))).risk == 20  # one that was shown lowers


def test_automation_is_lowered_at_home_only() -> None:
    tuning = Tuning(trusted=(Trusted("role/Support", "pipeline"),))
    rule = (Modifier("known automation from its known network", -25),)
    assert scored(90, tuning=tuning, modifiers=rule).risk == 90 - 25 - 20
    assert scored(90, tuning=tuning, modifiers=rule, baseline=known(actor=30, action=30, hour=30)).risk == 100  # from a new network: +15 +20


def test_a_maintenance_window_lowers_and_shows() -> None:
    window = Window("drill", NOON - timedelta(hours=1), NOON + timedelta(hours=1), "CHG-7")
    rule = (Modifier("inside a maintenance window", -30),)
    inside = scored(90, tuning=Tuning(window=(window,)), modifiers=rule)
    assert (inside.risk, inside.window) == (90 - 30 - 20, window)
    later = scored(90, tuning=Tuning(window=(window,)), modifiers=rule, of=act(hours=2))
    assert later.window is None


def test_an_exception_ends() -> None:
    rule = Excepted("T1578.002/*", "ops", "drill", date(2026, 9, 20), Scope(actor="role/Support", network="203.0.113.0/24"))
    assert scored(95, tuning=Tuning(exception=(rule,))).excepted == rule
    assert scored(95, tuning=Tuning(exception=(rule,)), of=act(hours=12.1)).excepted is None
    assert scored(95, tuning=Tuning(exception=(rule,)), of=act(address="198.51.100.1")).excepted is None
    assert Tuning(exception=(rule,)).ending(date(2026, 9, 7)) == (rule,)
    assert Tuning(exception=(rule,)).ending(date(2026, 9, 5)) == ()


def test_a_tuning_file_that_excepts_everything_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tuning.toml"
    file.write_text('[[exception]]\ndetection = "*"\nowner = "a"\nreason = "b"\nexpires = 2027-01-01\nscope = {}\n', encoding="utf-8")
    with pytest.raises(QueryError) as caught:
        load_tuning(file)
    assert caught.value.diagnostics[0].code == "E520"
    assert load_tuning(SHIPPED).trusted


def member(name: str, risk: int, hours: float, actor: str = MALLORY) -> Scored:
    one = act(f"{name}{hours}", hours=hours, actor=actor)
    return Scored(name, name, name.split("/", maxsplit=1)[0], one.time, f"{name}{hours}", one, (f"aws_cloudtrail/{one.event}",), risk, risk, ())


def test_one_alert_an_identity_and_day_that_rises_to_the_highest() -> None:
    members = [member("T1578.002/a", 65, 0), member("T1578.003/b", 90, 5), member("T1578.002/a", 70, 30), member("T1578.002/a", 61, 1, actor="x")]
    found = raise_alerts(members, (), Tuning())
    assert [(a.actor, a.risk, len(a.members)) for a in found] == [(MALLORY, 90, 2), ("x", 61, 1), (MALLORY, 70, 1)]


def test_findings_add_up_over_a_day() -> None:
    # 55 + 50 = 105 by two sub-techniques within minutes; by one sub-technique, or a day apart, they stay below.
    (alert,) = raise_alerts([member("T1578.002/a", 55, 0), member("T1578.003/b", 50, 0.01)], (), Tuning())
    assert (alert.why, alert.severity, len(alert.members)) == ("sum", "high", 2)
    assert raise_alerts([member("T1578.002/a", 55, 0), member("T1578.002/c", 50, 0.01)], (), Tuning()) == ()
    assert raise_alerts([member("T1578.002/a", 55, 0), member("T1578.003/b", 50, 24)], (), Tuning()) == ()


def test_a_detection_counts_once_in_six_hours_and_half_after_a_day() -> None:
    assert added_up([member("T1578.002/a", 40, 0), member("T1578.002/a", 40, 3)], NOON + timedelta(hours=3)) == pytest.approx(40 * 0.5 ** (3 / 24))
    assert added_up([member("T1578.002/a", 40, 0)], NOON + timedelta(hours=24)) == pytest.approx(20)


def test_every_modifier_of_the_pack_is_told_or_named() -> None:
    written = {m.when for d in load_packs() for m in d.card.risk.modifiers}
    # What no audit log tells: they stay in the cards for those who know, and are shown as not measured.
    assert written - set(CONDITIONS) == {
        "the value asked for is more than twice the present one",
        "the instance type has an instance store",
        "more than four standard deviations above the identity's own mean of 30 days",
    }


def advice_on(*members: Scored, marks: tuple[str, ...] = ()) -> Advice:
    acts = {f"aws_cloudtrail/{m.act.event}": m.act for m in members}
    return advise("T1578.002/a", Triage(Hunt((), (), NOON), members, (), (), Baseline(), acts), marks)


def test_the_exception_that_removes_most_and_loses_nothing_true() -> None:
    noise = [member("T1578.002/a", 61, h, actor="role/dev") for h in range(5)]
    few = [member("T1578.002/a", 61, h, actor="role/qa") for h in range(2)]
    truth = member("T1578.002/a", 80, 3.5, actor="role/dev")
    without = advice_on(*noise, *few).best
    assert without is not None
    assert (without.scope, without.findings) == (Scope(account="111122223333", network="203.0.113.0/24"), 7)
    # The attack came from the same role, network and account as the five: only the two others may be excepted.
    advice = advice_on(*noise, *few, truth, marks=(truth.act.event,))
    assert advice.best is not None
    assert (advice.best.scope, advice.best.findings, advice.best.lost) == (Scope(actor="role/qa", network="203.0.113.0/24"), 2, 0)
    assert 'actor = "role/qa"' in advice.written(advice.best, date(2026, 9, 20))
    assert advice.contributors["identity"] == {"role/dev": 5, "role/qa": 2}


def test_a_proposed_exception_is_a_tuning_file(tmp_path: Path) -> None:
    advice = advice_on(member("T1578.002/a", 61, 0, actor='role/"]\nx'))
    assert advice.best is not None
    file = tmp_path / "tuning.toml"
    file.write_text(advice.written(advice.best, date(2026, 9, 20)), encoding="utf-8")
    assert load_tuning(file).exception[0].expires == date(2026, 12, 19)


def test_a_baseline_is_kept_by_version(tmp_path: Path) -> None:
    def write(path: Path, data: bytes) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)

    assert keep(tmp_path, OLD, NOON, write) == 1
    assert keep(tmp_path, known(actor=3), NOON, write) == 2
    assert versions(tmp_path) == (1, 2)
    assert load(tmp_path, 1).baseline == OLD
    assert load(tmp_path).baseline == known(actor=3)
    with pytest.raises(QueryError):
        load(tmp_path, 7)


def test_a_baseline_for_other_products() -> None:
    odd = Baseline({("actor", "a", "=1+1", "=1+1"): Seen(BEGIN, NOON, 2, 3)}, {"a": BEGIN})
    assert TARGETS["sentinel"](odd, safe_cell).splitlines() == [
        "SearchKey,Kind,Account,Actor,Value,FirstSeen,LastSeen,Days,Events",
        "actor|a|=1+1|=1+1,actor,a,'=1+1,'=1+1,2026-08-21T12:00:00Z,2026-09-20T12:00:00Z,2,3",
    ]
    assert '"new_terms_fields"' in TARGETS["elastic"](odd, safe_cell)


def test_the_inventory_says_who_made_what_and_what_is_gone() -> None:
    made, changed = act("1", hours=0), act("1", hours=1, actor="role/qa", verb="instance.modify")
    old = act("2", hours=2, verb="instance.delete")
    first, second = take_inventory([made, changed, old])
    assert (first.name, first.maker, first.changer, first.changes, first.gone) == ("i-1", MALLORY, "role/qa", 1, None)
    assert (second.name, second.made, second.gone) == ("i-2", None, old.time)


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("aws-cli/2.17.60 md/awscrt#0.21.2 md/command#ec2.run-instances", "aws-cli"),
        ("APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io)", "terraform"),
        ("Mozilla/5.0 (Macintosh) Chrome/128.0", "browser"),
        ("autoscaling.amazonaws.com", "service"),
        ("odd-tool/3", "odd-tool"),
    ],
)
def test_a_client_is_known_by_its_family(agent: str, family: str) -> None:
    assert agent_family(agent) == family


@pytest.mark.parametrize(
    ("address", "network"), [("203.0.113.9", "203.0.113.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("ec2.amazonaws.com", "ec2.amazonaws.com"), ("", "")]
)
def test_an_address_is_known_by_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("size", "large"),
    [("t3.micro", False), ("p3.2xlarge", True), ("m5.24xlarge", True), ("m5.4xlarge", False), ("Standard_NC6s_v3", True), ("Standard_B2s", False)],
)
def test_a_large_machine(size: str, large: bool) -> None:
    assert Traits(size=size).large is large
