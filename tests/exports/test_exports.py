"""What each product deploys: golden files, what the product would refuse, and our own readers over what was written."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

import livefire
from livefire.detections.detection import Attack, Detection, Rule
from livefire.detections.formats import read_file
from livefire.detections.pack import load_packs
from livefire.diagnostics import QueryError
from livefire.exporting import Exported
from livefire.exports import TARGETS, Subject, contentctl, elastic, sentinel, sigma, splunk
from livefire.exports.attack import placed

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY = "2026-11-21"


@cache
def detection() -> Detection:
    (found,) = load_packs(HERE / "pack")
    return found


@cache
def exported(target: str, attack: str | None = None) -> Exported:
    return livefire.Workspace().export([detection()], target, attack=attack, now=NOW)


def rule(language: str) -> str:
    (found,) = detection().written_in(language)
    return found.text.strip("\n")


def subject(language: str, **changed: Any) -> Subject:
    """Return the detection with its card changed."""
    card = msgspec.structs.replace(detection().card, **changed)
    return Subject(card, Rule("r", language, rule(language)), sources=card.data, day=DAY, attack=placed(card, "v18"))


@pytest.mark.parametrize("target", [t.name for t in TARGETS])
def test_files_are_as_reviewed(target: str) -> None:
    made = exported(target)
    assert made.refused == ()
    folder = HERE / "golden" / target
    assert {a.path for a in made.artefacts} == {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    for artefact in made.artefacts:
        assert artefact.text == (folder / artefact.path).read_text(encoding="utf-8"), artefact.path


# What was written is read again by our own readers, and holds the same query.
READ_AGAIN = {
    "sentinel": ["kql"],
    "sentinel-arm": ["kql"],
    "elastic": ["eql", "esql"],
    "kibana": ["eql", "esql"],
    "splunk": ["spl"],
    "contentctl": ["spl"],
    "logscale": ["cql"],
}


@pytest.mark.parametrize("target", READ_AGAIN)
def test_what_is_written_is_read_again(target: str, tmp_path: Path) -> None:
    found = {}
    for artefact in exported(target).artefacts:
        path = tmp_path / artefact.path.replace("/", "_")
        path.write_text(artefact.text, encoding="utf-8")
        for one in read_file(path):
            said = getattr(one.rule.alerting, "said", None)
            found[one.rule.language] = said.query if said is not None else one.rule.text
    # contentctl wants a macro for a site's own exceptions at the end, which lets every row pass.
    last = "\n| `disk_snapshot_deleted_by_a_person_filter`" if target == "contentctl" else ""
    assert {language: text.strip("\n") for language, text in found.items()} == {language: rule(language) + last for language in READ_AGAIN[target]}


def test_rules_of_elastic_have_names_of_their_own() -> None:
    """The repository of Elastic's rules refuses a name twice, and both languages of a detection find the same."""
    names = [tomllib.loads(a.text)["rule"]["name"] for a in exported("elastic").artefacts]
    assert names == ["Disk snapshot deleted by a person", "Disk snapshot deleted by a person (ES|QL)"]


def test_sentinel_looks_back_over_what_a_rule_joins_and_over_two_hours_for_single_events() -> None:
    """Each run of an hour finds a single event again: twice is enough for one that comes late."""
    joined = subject("kql", lookback="1d")
    assert sentinel.document(joined)["queryPeriod"] == "1d"
    alone = sentinel.document(replace(joined, single=True))
    assert (alone["queryPeriod"], alone["queryFrequency"]) == ("2h", "1h")
    assert alone["incidentConfiguration"]["groupingConfiguration"]["lookbackDuration"] == "1d"


def test_a_rule_of_sigma_is_written_as_it_is() -> None:
    (artefact,) = exported("sigma").artefacts
    assert artefact.text.strip("\n") == rule("sigma")


def test_a_detection_without_the_language_is_translated_and_says_so() -> None:
    only = replace_rules("sentinel.kql")
    made = livefire.Workspace().export([only], "splunk", now=NOW)
    (artefact,) = made.artefacts
    # The project step is a table in Splunk; eventName regards case, so it is compared with where.
    assert 'eventName == "DeleteSnapshot"' in artefact.text
    assert "Translated from kql and proved to find the same events." in artefact.text


def test_a_sequence_becomes_a_correlation_of_sigma_that_is_read_again(tmp_path: Path) -> None:
    steps = "".join(f'  [any where event.dataset == "aws.cloudtrail" and event.action == "{name}"]\n' for name in ("StopInstances", "StartInstances"))
    own = Rule("elastic.eql", "eql", f"sequence by cloud.account.id with maxspan=5m\n{steps}")
    made = livefire.Workspace().export([msgspec.structs.replace(detection(), rules=(own,))], "sigma", now=NOW)
    assert made.refused == ()
    first, second, last = yaml.safe_load_all(made.artefacts[0].text)
    assert [first["name"], second["name"]] == last["correlation"]["rules"]
    assert (last["title"], last["level"], last["correlation"]["type"]) == (detection().card.title, "high", "temporal_ordered")
    path = tmp_path / "rule.yml"
    path.write_text(made.artefacts[0].text, encoding="utf-8")
    (again,) = read_file(path)
    assert [d.code for d in livefire.Workspace().check(again.rule.text, language="sigma") if d.severity == "error"] == []


def test_a_detection_that_cannot_be_translated_is_refused_with_every_reason() -> None:
    only = replace_rules("elastic.esql")
    made = livefire.Workspace().export([only], "sigma", now=NOW)
    assert made.artefacts == ()
    ((name, error),) = made.refused
    assert name == "T1485/snapshot-deleted"
    assert error.diagnostics[0].code == "E511"
    assert "esql to sigma: E311" in error.diagnostics[0].help


def replace_rules(name: str) -> Detection:
    kept = tuple(r for r in detection().rules if r.path is not None and r.path.name == name)
    return msgspec.structs.replace(detection(), rules=kept)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"title": "x" * 257}, "name has a length of 257"),
        ({"what": "x" * 5001}, "description has a length of"),
        ({"lookback": "15d"}, "queryPeriod lies beyond 5 minutes to 14 days"),
        ({"attack": (Attack("v18", ("TA0040",), ("1578",)),)}, "'1578' is no technique"),
    ],
)
def test_sentinel_refuses(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(QueryError) as caught:
        sentinel.as_yaml([subject("kql", **changed)])
    assert caught.value.diagnostics[0].code == "E510"
    assert words in caught.value.diagnostics[0].message


def test_sentinel_refuses_a_query_that_is_too_long() -> None:
    long = replace(subject("kql"), rule=Rule("r", "kql", "AWSCloudTrail\n" + "| where true\n" * 900))
    with pytest.raises(QueryError, match="query has a length of 11,7"):
        sentinel.as_arm([long])


def test_a_text_in_bicep_is_never_code() -> None:
    (artefact,) = exported("sentinel-bicep").artefacts
    (query,) = [line for line in artefact.text.splitlines() if line.strip().startswith("query:")]
    # An interpolation is escaped, a quote is, and a line break stands for itself.
    assert "\\${name}" in query
    assert "\\'quoted\\'" in query
    assert "text.\\nAWSCloudTrail\\n|" in query


def test_attack_is_named_by_version() -> None:
    evasion = {"attack": (Attack("v18", ("TA0005",), ("T1578",)), Attack("v19", ("TA0112",), ("T1578",)))}
    card = subject("eql", **evasion).card
    old, new = (replace(subject("eql", **evasion), attack=placed(card, v)) for v in ("v18", "v19"))
    assert [elastic.document(s)["threat"][0]["tactic"]["name"] for s in (old, new)] == ["Defense Evasion", "Defense Impairment"]
    with pytest.raises(QueryError, match="tactics is 'DefenseImpairment'"):
        sentinel.as_yaml([replace(new, rule=Rule("r", "kql", "AWSCloudTrail"))])


def test_kibana_imports_a_summary_last() -> None:
    (artefact,) = exported("kibana").artefacts
    *rules, summary = [json.loads(line) for line in artefact.text.splitlines()]
    assert [r["type"] for r in rules] == ["eql", "esql"]
    # An ES|QL rule names its indices itself, and two hours are looked back over from an hour's overlap.
    assert ["index" in r for r in rules] == [True, False]
    assert rules[0]["from"] == "now-3h"
    assert summary["exported_count"] == 2


EVENTS = '// A rule\nFROM logs-aws.cloudtrail-*\n| WHERE event.action == "A"\n| KEEP @timestamp, event.action'


def test_an_esql_rule_over_events_says_which_they_are() -> None:
    """Kibana knows an alert again by _id, _index and _version of its row; without them each overlapping run alerts anew."""
    events = replace(subject("esql"), rule=Rule("r", "esql", EVENTS), single=True)
    assert elastic.document(events)["query"] == (
        "// A rule\nFROM logs-aws.cloudtrail-* METADATA _id, _index, _version\n"
        '| WHERE event.action == "A"\n| KEEP _id, _index, _version, @timestamp, event.action'
    )
    assert [d for d in livefire.Workspace().check(elastic.document(events)["query"], language="esql") if d.severity == "error"] == []
    # Groups are no events, and what says so itself stays as it is.
    assert elastic.document(replace(events, single=False))["query"] == EVENTS
    own = EVENTS.replace("-*", "-* METADATA _id")
    assert elastic.document(replace(events, rule=Rule("r", "esql", own)))["query"] == own


@pytest.mark.slow
def test_content_for_splunk_comes_with_events_that_it_fires_on(tmp_path: Path) -> None:
    """The search, read again from the file, finds something in the events that its test names, in their add-on's envelope or without."""
    ws = livefire.Workspace()
    (wanted,) = [d for d in ws.detections() if d.card.id == "T1578.003/evidence-wiped"]
    made = ws.export([wanted], "contentctl", now=NOW)
    files = {a.path: a.text for a in made.artefacts}
    (name, *_) = [p for p in files if p.startswith("detections/") and "aws" in p]
    said = yaml.safe_load(files[name])
    assert said["status"] == "production"
    ((data,),) = [t["attack_data"] for t in said["tests"]]
    assert data["sourcetype"] == "aws:cloudtrail"
    (tmp_path / "events.json").write_text(files[data["data"]], encoding="utf-8")
    (tmp_path / "rule.yml").write_text(files[name], encoding="utf-8")
    here = livefire.Workspace(tmp_path / "lake")
    here.ingest(tmp_path / "events.json")
    (read,) = read_file(tmp_path / "rule.yml")
    assert here.run(read.rule).rows != ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "A name (AWS)"}, "name holds a sign"),
        ({"name": "x" * 68}, "name has a length of 68"),
        ({"status": "production"}, "needs a test"),
        ({"search": "index=main"}, "without its filter"),
        ({"drilldown_searches": []}, "two drilldown searches"),
        ({"tags": {"mitre_attack_id": ["T1578", "T1578.003"]}}, "T1578 stands beside"),
    ],
)
def test_contentctl_refuses(changed: dict[str, Any], words: str) -> None:
    sound = contentctl.document(subject("spl", title="A rule"))
    assert contentctl.checked({**sound, "type": "Hunting"})
    with pytest.raises(QueryError) as caught:
        contentctl.checked({**sound, "type": "Hunting", **({"type": "TTP", "rba": {}} if "drilldown_searches" in changed else {}), **changed})
    assert words in caught.value.diagnostics[0].message


def test_names_for_splunk_stay_apart_when_they_are_cut() -> None:
    long = replace(subject("spl", title="A detection with a title that is longer than what a stanza of Splunk has room for"), part="Google Cloud")
    assert len(contentctl.name_of(long)) <= contentctl.LONGEST
    assert contentctl.name_of(long).endswith(" Google Cloud")


def test_a_line_of_a_search_that_ends_in_a_backslash_is_refused() -> None:
    broken = replace(subject("spl"), rule=Rule("r", "spl", 'sourcetype="a" path="C:\\\n| head 1'))
    with pytest.raises(QueryError, match="a backslash at the end of a line"):
        splunk.as_conf([broken])


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"title": "t", "level": "severe", "logsource": {"product": "aws"}, "detection": {"condition": "s"}}, "level is 'severe'"),
        ({"title": "t", "date": "2026/11/21", "logsource": {"product": "aws"}, "detection": {"condition": "s"}}, "date is not of the form"),
        ({"title": "t", "logsource": {"definition": "x"}, "detection": {"condition": "s"}}, "needs a logsource"),
        ({"title": "t", "logsource": {"product": "aws"}, "detection": {"s": {}}}, "needs a detection with a condition"),
        ({"title": "t", "correlation": {"type": "event_count", "rules": ["a"]}}, "type, rules and timespan"),
        ({"title": "t", "correlation": {"type": "event_count", "rules": ["a"], "timespan": "5m", "condition": {"gte": 2}}}, "needs group-by"),
        ({"title": "t", "correlation": {"type": "event_count", "rules": ["a"], "timespan": "5m", "group-by": ["x"]}}, "needs a condition"),
        ({"title": "t", "correlation": {"type": "often", "rules": ["a"], "timespan": "5m", "group-by": ["x"]}}, "the type of a correlation"),
        ({"title": "t", "tags": ["T1578"], "logsource": {"product": "aws"}, "detection": {"condition": "s"}}, "has no namespace"),
    ],
)
def test_sigma_refuses(said: dict[str, Any], words: str) -> None:
    with pytest.raises(QueryError) as caught:
        sigma.check_document(said)
    assert words in caught.value.diagnostics[0].message
