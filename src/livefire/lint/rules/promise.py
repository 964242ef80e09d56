"""Checks of what a rule's file or page says of it, against what its query does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from livefire.diagnostics import NOWHERE, Span
from livefire.lint.rule import Found, Reading, check
from livefire.lint.scope import asks_for
from livefire.lint.tests import Facts
from livefire.plan import nodes as n

LOGS = {
    "aws_cloudtrail": ("AWS CloudTrail", re.compile(r"cloud ?trail", re.I)),
    "azure_activity": ("Azure Activity", re.compile(r"azure ?activity|activitylogs", re.I)),
    "gcp_audit": ("Google Cloud Audit Logs", re.compile(r"gcp[ ._-]?(?:cloud )?audit|google cloud audit", re.I)),
}
HEADING = re.compile(r"^\W*(?:data[ _]?sources?|data[ _]?types|required ?data ?connectors|required tables|expected signal)\b", re.I)
OTHER_PART = re.compile(r"^\W*(?:false.?positives?|description|query|references?|tags?)\b", re.I)
DATASETS = {"aws.cloudtrail": "aws_cloudtrail", "azure.activitylogs": "azure_activity", "gcp.audit": "gcp_audit"}
PRODUCTS = {
    "kql": re.compile(r"\b(?:in|for) (?:Splunk|LogScale|Elastic Security)\b"),
    "spl": re.compile(r"\b(?:in|for) (?:Microsoft Sentinel|LogScale|Elastic Security)\b"),
    "cql": re.compile(r"\b(?:in|for) (?:Microsoft Sentinel|Splunk|Elastic Security)\b"),
    "eql": re.compile(r"\b(?:in|for) (?:Microsoft Sentinel|Splunk|LogScale)\b"),
}
LIMITS = {"kql": (10_000, "an analytics rule of Sentinel"), "cql": (65_000, "a saved query of LogScale")}
FIRST, LINES = Span(0, 1), 4


def read_tables(facts: Facts) -> frozenset[str]:
    """Return the log sources that a rule reads, where a condition on Elastic's data set leaves out those it does not name."""
    named = {
        DATASETS[w.lower()]
        for t in facts.tests
        if t.exact and not t.negated and not t.alternative and isinstance(t.clause, n.Filter) and not t.origins
        for w in t.words
        if w.lower() in DATASETS
    }
    return facts.tables & named if named else facts.tables


def declared(about: str) -> str:
    """Return the lines that say which logs a rule reads: those after a heading or key of that sense."""
    lines = [line for line in about.splitlines() if line.strip()]
    kept: list[str] = []
    for at, line in enumerate(lines):
        if HEADING.match(line):
            kept.append(line)
            for after in lines[at + 1 : at + 1 + LINES]:
                if OTHER_PART.match(after):
                    break
                kept.append(after)
    return "\n".join(kept)


@check(
    680,
    "notice",
    "a tactic that ATT&CK has no more",
    why="ATT&CK v19 took Defense Evasion apart into Stealth and Defense Impairment. A rule tagged with the old name is missing in coverage by the new.",
    example="tags: [attack.defense-evasion, attack.t1578]",
    mend="write attack.defense-impairment or attack.stealth, or keep the old one for products that still want it",
    languages=("sigma",),
)
def retired_tactic(reading: Reading) -> Iterator[Found]:
    """Sigma's tags; other products still ask for the old names."""
    for match in re.finditer(r"attack\.defense[-_]evasion", reading.source.text):
        yield Found(Span(match.start(), match.end()), "Defense Evasion is no tactic of ATT&CK since v19")


@check(
    682,
    "warning",
    "declared logs that the query does not read",
    why="Who deploys the rule for these logs believes that they are watched.",
    example="data sources: AWS CloudTrail, Azure Activity; the query reads azure.activitylogs alone",
    mend="add a branch for each of them, or declare only what is read",
)
def undeclared(reading: Reading) -> Iterator[Found]:
    """Log sources that the file or page names as its data, or expects its tests to be seen in."""
    said, read = declared(reading.about), read_tables(reading.facts)
    if not read or not said:
        return
    for table, (name, words) in LOGS.items():
        if table not in read and words.search(said):
            yield Found(FIRST, f"{name} is named as data of this rule, and the query does not read it")


@check(
    683,
    "warning",
    "longer than the product takes",
    why="The product refuses to save the rule, or cuts it: Sentinel takes 10,000 characters for the query of an analytics rule.",
    example="a KQL query with its list of addresses inside",
    mend="move lists into a watchlist or lookup, shared parts into a function",
)
def too_long(reading: Reading) -> Iterator[Found]:
    """The length of the text in characters; of a file that holds more than the query it is not judged."""
    limit = LIMITS.get(reading.language)
    if limit is not None and len(reading.source.text) > limit[0] and not reading.about:
        yield Found(FIRST, f"{len(reading.source.text):,} characters, and {limit[1]} takes {limit[0]:,}")


@check(
    684,
    "notice",
    "a named false positive that nothing excludes",
    why="The rule's own text knows what will make the noise, and leaves it to whoever is on call.",
    example="false positives: auto scaling launches; the query tests no invokedBy",
    mend="exclude the service's own calls: userIdentity.invokedBy, or the role of the service",
)
def unexcluded(reading: Reading) -> Iterator[Found]:
    """Auto scaling, the one that the log itself marks."""
    if not re.search(r"auto.?scaling", reading.about, re.I) or re.search(r"invoked.?by|auto.?scaling|ServiceRole", reading.source.text, re.I):
        return
    for test in asks_for(reading.facts, "RunInstances")[:1]:
        yield Found(test.span or NOWHERE, "launches by auto scaling are named as false positives, and are found like any other")


@check(
    685,
    "warning",
    "a score that is promised and not computed",
    why="The text says that findings are scored, and the query gives every event the same weight.",
    example='"scores operations by risk", over a query that only lists operations',
    mend="compute the score, or take the sentence out",
)
def promised_score(reading: Reading) -> Iterator[Found]:
    """The text speaks of scoring, and the query has no word of it."""
    if re.search(r"\bscor(?:es|ing)\b", reading.about, re.I) and not re.search(r"scor|risk|weight|points", reading.source.text, re.I):
        yield Found(FIRST, "scoring is promised, and nothing here scores")


@check(
    692,
    "notice",
    "a description of another product's rule",
    why="The text was carried over from a rule for another product: tables, names and limits it speaks of are not those of the query below it.",
    example='"Detects … in Microsoft Sentinel" above a LogScale query',
    mend="describe what this query does in this product",
)
def other_product(reading: Reading) -> Iterator[Found]:
    """Another product named as the place where the rule runs."""
    found = PRODUCTS[reading.language].search(reading.about) if reading.language in PRODUCTS else None
    if found is not None:
        yield Found(FIRST, f"the text describes a rule {found[0]}")


CHECKS = (retired_tactic, undeclared, too_long, unexcluded, promised_score, other_product)
