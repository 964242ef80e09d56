"""Rules of six languages beside the SQL that one would write for them by hand, over the same lake in the same process.

Run from the project's folder: `python benchmarks/queries.py [--events 200000] [--rounds 5]`. The rules are made up here, each in the
manner of its language. What both ways give has to be equal. A rule that shows every field is cut to the columns that
the SQL gives, so that both read the same. Rounds go in turn; the figures are medians, the ratio that of each round. The last lines ask for 24 hours
of the 90 days that the events take, and tell how much of the lake is in the files that are opened. With `--write` the section of
docs/performance.md is written.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cloudtrail_mix import START, write_files
from report_page import bars, put_section

from livefire.detections.detection import Rule
from livefire.detections.runner import Bench, compile_rule
from livefire.engines.base import Statement
from livefire.engines.program import SqlStage
from livefire.engines.pruning import files_within
from livefire.plan import nodes as n
from livefire.plan.rewrite import rewrite
from livefire.workspace import Workspace

NOW = datetime(2026, 9, 1, tzinfo=UTC)
TABLE = "aws_cloudtrail"


@dataclass(frozen=True, slots=True)
class Question:
    """A rule, the columns compared, and the same in SQL by hand."""

    name: str
    language: str
    rule: str
    columns: tuple[str, ...]
    sql: str


_DAY = "datetime(2026-04-10) .. datetime(2026-04-11)"
_KQL = """AWSCloudTrail{when}
| where EventName in ("RunInstances", "TerminateInstances", "CreateSnapshot") and isempty(ErrorCode)
| summarize n = count(), First = min(TimeGenerated) by UserIdentityArn, AWSRegion"""
_BY_HAND = """SELECT coalesce(identity_arn, ''), coalesce(aws_region, ''), count(*), min(_time) FROM aws_cloudtrail
WHERE event_name IN ('RunInstances', 'TerminateInstances', 'CreateSnapshot') AND coalesce(error_code, '') = ''{when} GROUP BY 1, 2"""
_BETWEEN = " AND _time >= TIMESTAMPTZ '2026-04-10 00:00:00+00' AND _time <= TIMESTAMPTZ '2026-04-11 00:00:00+00'"
_GROUPED = ("UserIdentityArn", "AWSRegion", "n", "First")

QUESTIONS = (
    Question("summarize over 90 days", "kql", _KQL.format(when=""), _GROUPED, _BY_HAND.format(when="")),
    Question("summarize over 24 hours", "kql", _KQL.format(when=f"\n| where TimeGenerated between ({_DAY})"), _GROUPED, _BY_HAND.format(when=_BETWEEN)),
    Question(
        "groupBy after three patterns",
        "cql",
        "#Vendor=aws | Vendor.eventName=/^(Run|Start|Terminate)Instances$/ | Vendor.userAgent=/terraform|boto3/i | Vendor.sourceIPAddress=/^203\\./\n"
        "| groupBy([Vendor.userIdentity.arn, Vendor.awsRegion], function=count(as=n), limit=max)",
        ("Vendor.userIdentity.arn", "Vendor.awsRegion", "n"),
        "SELECT identity_arn, aws_region, count(*) FROM aws_cloudtrail WHERE regexp_matches(event_name, '^(Run|Start|Terminate)Instances$')"
        " AND regexp_matches(user_agent, 'terraform|boto3', 'i') AND regexp_matches(source_ip, '^203\\.') AND identity_arn IS NOT NULL GROUP BY 1, 2",
    ),
    Question(
        "names and an outcome",
        "kuery",
        'event.action: ("RunInstances" or "StartInstances") and aws.cloudtrail.error_code: AccessDenied',
        ("@timestamp", "event.action", "aws.cloudtrail.user_identity.arn"),
        "SELECT _time, event_name, identity_arn FROM aws_cloudtrail WHERE event_name IN ('RunInstances', 'StartInstances') AND error_code = 'AccessDenied'",
    ),
    Question(
        "a member of the request",
        "sigma",
        "title: large\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  sel:\n    eventSource: ec2.amazonaws.com\n"
        "    eventName: [RunInstances, TerminateInstances]\n    requestParameters.instanceType: m5.large\n"
        "  filter:\n    userIdentity.arn|endswith: /worker-001\n  condition: sel and not filter\n",
        ("_time", "eventName", "userIdentity.arn"),
        "SELECT _time, event_name, identity_arn FROM aws_cloudtrail WHERE lower(event_source) = 'ec2.amazonaws.com'"
        " AND lower(event_name) IN ('runinstances', 'terminateinstances') AND lower(json_extract_string(request, '$.instanceType')) = 'm5.large'"
        " AND NOT coalesce(ends_with(lower(identity_arn), '/worker-001'), FALSE)",
    ),
    Question(
        "stats by a user",
        "spl",
        "index=aws sourcetype=aws:cloudtrail eventName=RunInstances errorCode=AccessDenied | stats count as n dc(awsRegion) as regions by userIdentity.arn",
        ("userIdentity.arn", "n", "regions"),
        "SELECT identity_arn, count(*), count(DISTINCT aws_region) FROM aws_cloudtrail"
        " WHERE lower(event_name) = 'runinstances' AND lower(error_code) = 'accessdenied' AND identity_arn IS NOT NULL GROUP BY 1 ORDER BY 1",
    ),
)
SEQUENCE = Question(
    "three steps within five days",
    "eql",
    'sequence by aws.cloudtrail.user_identity.arn with maxspan=5d [any where event.action == "CreateSnapshot"] [any where event.action == "RunInstances"]'
    ' [any where event.action == "TerminateInstances"]',
    ("@timestamp",),
    "WITH c AS MATERIALIZED (SELECT _time AS t, event_name AS e, identity_arn AS k FROM aws_cloudtrail"
    " WHERE event_name IN ('CreateSnapshot', 'RunInstances', 'TerminateInstances') AND identity_arn IS NOT NULL)"
    " SELECT a.t FROM c a JOIN c b ON a.k = b.k AND b.t > a.t AND b.e = 'RunInstances' JOIN c d ON a.k = d.k AND d.t > b.t AND d.e = 'TerminateInstances'"
    " WHERE a.e = 'CreateSnapshot' AND d.t <= a.t + INTERVAL 5 DAY",
)


def statements(question: Question, bench: Bench) -> tuple[Statement, Statement]:
    """Return the rule and the SQL as statements of one engine."""
    lowered = compile_rule(Rule(question.name, question.language, question.rule), bench, lenient=False).lowered
    ours = bench.engine.prepare(rewrite(n.select(lowered, *question.columns)))
    return ours, Statement((SqlStage("result", question.sql),), frozenset({TABLE}), frozenset(), ours.windows)


def seconds(statement: Statement, bench: Bench) -> tuple[float, list[str]]:
    """Return how long a statement took, and its rows."""
    begin = time.perf_counter()
    rows = bench.engine.run(statement, bench.storage, bench.run_values())
    took = time.perf_counter() - begin
    return took, sorted(repr([str(v) for v in row]) for row in zip(*(c.to_pylist() for c in rows.columns), strict=True))


def compared(question: Question, bench: Bench, rounds: int, *, equal: bool = True) -> tuple[float, float, float, int]:
    """Return the median milliseconds of the rule and of the SQL, the median ratio, and the rule's rows."""
    ours, hand = statements(question, bench)
    pairs, found = [], 0
    for _ in range(rounds + 1):
        (mine, rows), (theirs, wanted) = seconds(ours, bench), seconds(hand, bench)
        if equal and rows != wanted:
            raise SystemExit(f"{question.name}: the rule gives {len(rows)} rows and the SQL {len(wanted)}, or others: {rows[:2]} {wanted[:2]}")
        pairs.append((mine, theirs))
        found = len(rows)
    pairs = pairs[1:]  # the first opens the files
    ratio = statistics.median(mine / theirs for mine, theirs in pairs)
    return 1e3 * statistics.median(mine for mine, _ in pairs), 1e3 * statistics.median(theirs for _, theirs in pairs), ratio, found


def pruned(bench: Bench) -> str:
    """Return what of the lake the question of 24 hours opens."""
    ours, _ = statements(QUESTIONS[1], bench)
    whole = bench.storage.tables[TABLE]
    kept = files_within(whole, ours.windows[TABLE], bench.run_values().parameters)
    size, all_of_it = (sum(Path(path).stat().st_size for path in files.files) for files in (kept, whole))
    share = f"{len(kept.files)} of {len(whole.files)} files, {100 * size / all_of_it:.1f} % of the bytes"
    return f"The question of 24 hours opens {share}, and reads its columns of these."


def main() -> None:
    """Make a lake, run every question, and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--lake", type=Path, default=None, help="a lake that this script made before, kept for the next time")
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = asked.lake or Path(folder) / "lake"
        fresh, ws = not place.exists(), Workspace(place)
        if fresh:
            write_files(Path(folder) / "logs", asked.events, max(1, asked.events // 20_000))
            ws.ingest(Path(folder) / "logs", now=NOW)
        bench = ws.bench(NOW)
        lines = ["| question | language | rows | livefire ms | SQL by hand ms | ratio |", "|---|---|--:|--:|--:|--:|"]
        shown = []
        for question in (*QUESTIONS, SEQUENCE):
            mine, theirs, ratio, found = compared(question, bench, asked.rounds, equal=question is not SEQUENCE)
            lines.append(f"| {question.name} | {question.language} | {found:,} | {mine:.1f} | {theirs:.1f} | {ratio:.2f} |")
            shown.append((f"{question.language}: {question.name}", ratio))
            print(lines[-1], flush=True)
        told = pruned(bench)
        load = f"load {os.getloadavg()[0]:.1f} at the end, on {len(os.sched_getaffinity(0))} cores"
    about = f"{asked.events:,} events of 90 days from {START:%Y-%m-%d}; medians of {asked.rounds} rounds in turn, text to rows; {load}."
    note = "The sequence's SQL is the self-join that one would write; it pairs every event with every later one, so its rows are others."
    page = "\n".join(["## Queries", "", about, "", *lines, "", told, note])
    print(page)
    if asked.write:
        drawn = bars("queries", "Time of a rule over that of SQL by hand", shown, mark=1.1)
        put_section("queries", "benchmarks/queries.py", f"{page}\n\n{drawn}")


if __name__ == "__main__":
    main()
