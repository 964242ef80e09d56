"""Filters worked out a second way: a small evaluator over one document agrees with the plan on every one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livefire.workspace import Workspace
from tests.languages.kuery.evaluator import Reader, documents

FILTERS = (
    'event.action:(CreateUser or "Delete User" or Put*) and not user.name:(*admin* or root)',
    'event.outcome:"success" and not (source.ip:10.0.0.0/8 or source.ip:"192.0.2.1") and tags:*',
    "not event.action:* or event.outcome:(success and not failure)",
    'user.name:(* and not (system\\:* or "a b")) and (arn:*\\:role/* or not arn:*) and event.action:x',
    "count >= 3 and count < 20 or name:Two Words",
    'a:1 or b:2 and not c:3 or not (d:"4" and e:5*)',
)
SHARED = Path(__file__).resolve().parents[4] / "shared"
RULES = SHARED / "corpora" / "elastic.shared.jsonl"
TABLES = ("logs-aws.cloudtrail-*", "logs-azure.activitylogs-*", "logs-gcp.audit-*")
# Every one of these is worked out for every rule, so a part of the events is enough.
EVERY = 6


def compared(queries: list[str], count: int) -> tuple[int, list[str]]:
    """Return over how many documents both ways agree, matches among them, and the queries where they differ."""
    agreed, differing = 0, []
    ws = Workspace()
    for number, text in enumerate(queries):
        reader = Reader(text)
        test = reader.query()
        rows = list(documents(reader.fields, count, number))
        numeric = {"count"} | {f for f, literals in reader.fields.items() if f == "numeric"}
        for row in rows:
            row.update({f: len(str(row[f])) for f in numeric & row.keys()})
        names = {name for row in rows for name in row}
        ws.load("documents", [{"place": i, **row} for i, row in enumerate(rows)], schema={n: "long" if n in numeric else "dynamic" for n in names})
        result = ws.query(text, language="kuery", index="documents")
        place = result.columns.index("place")
        found = sorted(row[place] for row in result.rows)
        expected = [i for i, row in enumerate(rows) if test(row)]
        agreed += count if found == expected else 0
        if found != expected:
            differing.append(f"{text}: {sorted(set(found) ^ set(expected))[:3]}")
    return agreed, differing


def test_the_evaluator_itself() -> None:
    def holds(text: str, **document: Any) -> bool:
        return Reader(text).query()(document)

    assert holds("a:(x or y*) and not b:*", a=["q", "yes"])
    assert not holds("a:(x or y*) and not b:*", a="x", b="")
    assert holds("not a:x", b=1)
    assert holds("a:10.0.0.0/8", a="10.2.3.4")
    assert holds("a:1 or b:2 and c:3", a=1)
    assert not holds('a:"y*"', a="yes")


def test_filters_agree_on_generated_documents() -> None:
    agreed, differing = compared(list(FILTERS), 60)
    assert (agreed, differing) == (60 * len(FILTERS), [])


def published() -> list[str]:
    rules = [json.loads(line) for line in RULES.read_text(encoding="utf-8").splitlines()]
    return [r["query"] for r in rules if r["language"] == "kuery" and r["cloud"] and r["query"]]


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return a row as a document: every leaf by its dotted name, the values of objects in an array together."""
    found: dict[str, Any] = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            found |= flat(inner, f"{prefix}{name}.")
        elif isinstance(inner, list) and any(isinstance(x, dict) for x in inner):
            for one in (flat(x, f"{prefix}{name}.") for x in inner if isinstance(x, dict)):
                for key, leaf in one.items():
                    found.setdefault(key, []).extend(leaf if isinstance(leaf, list) else [leaf])
        else:
            found[prefix + name] = inner
    return found


@pytest.mark.slow
@pytest.mark.skipif(not RULES.is_file(), reason="the published rules are not beside the project")
def test_published_rules_agree_on_real_events() -> None:
    ws = Workspace()
    ws.ingest(SHARED / "logs")
    matches, differing = 0, []
    for table in TABLES:
        everything = ws.query("*", language="kuery", index=table)
        rows = [dict(zip(everything.columns, row, strict=True)) for row in everything.rows]
        kept = {r["event.original"]: flat(r) for r in rows[::EVERY] if r.get("event.original")} if "event.original" in everything.columns else {}
        dataset = table.removeprefix("logs-").removesuffix("-*")
        for text in (t for t in published() if dataset in t):
            test = Reader(text).query()
            result = ws.query(text, language="kuery", index=table)
            place = everything.columns.index("event.original") if kept else 0
            found = {row[place] for row in result.rows} & kept.keys()
            expected = {raw for raw, document in kept.items() if test(document)}
            matches += len(expected)
            if found != expected:
                differing.append(f"{table}: {text}")
    assert differing == []
    assert matches > 100


@pytest.mark.slow
@pytest.mark.skipif(not RULES.is_file(), reason="the published rules are not beside the project")
def test_published_rules_on_cloud_logs_agree() -> None:
    chosen = published()
    agreed, differing = compared(chosen, 40)
    assert len(chosen) >= 100
    assert differing == []
    assert agreed == 40 * len(chosen)
