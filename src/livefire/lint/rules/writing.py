"""Checks of how a rule is written: wildcards of the wrong kind, labels put in order, placeholders left in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from livefire.diagnostics import NOWHERE, Fix, Span
from livefire.lint.rule import Found, Reading, check
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.walk import place_of

LABELS = frozenset({"critical", "high", "medium", "moderate", "low", "informational", "info", "none"})
PLACEHOLDER = re.compile(r"^(?:expected_\w+|your[_ -].*|change_?me|todo|tbd|x{3,}|<[^>]+>|\{\{.*\}\}|insert[_ ].*|example[_-]\w+|placeholder.*)$", re.I)


@check(
    640,
    "warning",
    "labels put in order",
    why="Words such as High, Medium and Low are put in order by the alphabet: High, Low, Medium. A list sorted or cut by them is not by risk.",
    example="sort(RiskScore) where RiskScore is High, Medium or Low",
    mend="sort by a number, and show the word beside it",
)
def sorted_labels(reading: Reading) -> Iterator[Found]:
    """A sort key that a case of such words gives."""
    for node in reading.facts.of(n.Sort):
        if not isinstance(node, n.Sort) or node.span is None:
            continue
        for key in node.keys:
            words = _words(key.expr, node.input)
            if len(words & LABELS) > 1:
                yield Found(place_of(key.expr) or node.span, "this sorts words by the alphabet, so High stands before Low and Medium last")


def _words(expr: e.Expr, plan: n.Plan) -> frozenset[str]:
    """Return the constant texts, in lower case, that a value may be."""
    match expr:
        case e.Literal(value=str() as text):
            return frozenset({text.casefold()})
        case e.Case(whens=whens, otherwise=otherwise):
            return frozenset().union(*(_words(v, plan) for _, v in whens), _words(otherwise, plan))
        case e.Call(args=args) if expr.function in ("logic.coalesce", "dynamic.text", "dynamic.of") and args:
            return frozenset().union(*(_words(a, plan) for a in args))
        case e.Column(name=name):
            return _made(name, plan)
        case _:
            return frozenset()


def _made(name: str, plan: n.Plan) -> frozenset[str]:
    node = plan
    while not isinstance(node, (n.Scan, n.Values, n.Join, n.Union, n.Sequence)):
        if isinstance(node, n.Project):
            item = next((i for i in node.items if i.name == name), None)
            return _words(item.expr, node.input) if item is not None else frozenset()
        if isinstance(node, n.Aggregate):
            item = next((i for i in node.keys if i.name == name), None)
            return _words(item.expr, node.input) if item is not None else frozenset()
        node = node.input
    return frozenset()


@check(
    641,
    "warning",
    "a wildcard of another language",
    why="LIKE knows % and _; a * in its pattern is a plain star that no log field has. The condition is never true.",
    example='where like(Resource, "Microsoft.Compute/virtualMachines*")',
    mend="write % for any text",
)
def star_in_like(reading: Reading) -> Iterator[Found]:
    """LIKE patterns with a star and without % or _ beside letters."""
    for test in reading.facts.tests:
        if test.meaning in ("text.like", "text.like_fold"):
            for word in test.words:
                if "*" in word and "%" not in word:
                    yield Found(
                        test.span or NOWHERE, f"the star in {word!r} is a plain star here", fix=_replaced(reading, test.span, word, word.replace("*", "%"))
                    )


def _replaced(reading: Reading, span: Span | None, word: str, better: str) -> Fix | None:
    if span is None or reading.source.slice(span).count(word) != 1:
        return None
    start = span.start + reading.source.slice(span).index(word)
    return Fix(Span(start, start + len(word)), better, f"write {better!r}")


@check(
    642,
    "warning",
    "a placeholder left in",
    why="The rule was to be finished by hand, and was not: nobody is called expected_initiator.",
    example='InitiatorName != "expected_initiator"',
    mend="fill in the real value, or make it a parameter or a watchlist",
)
def placeholder(reading: Reading) -> Iterator[Found]:
    """Words of tests that are made to be replaced."""
    for test in reading.facts.tests:
        for word in test.words:
            if PLACEHOLDER.match(word):
                yield Found(test.span or NOWHERE, f"{word!r} looks like a word to be replaced")


@check(
    643,
    "warning",
    "a presence test by wildcard",
    why="A search for any text in a field is slow in the product, and true of an empty value in some backends.",
    example="errorCode|contains: '*'",
    mend="use the modifier for it: errorCode|exists: true",
    languages=("sigma",),
)
def wildcard_presence(reading: Reading) -> Iterator[Found]:
    """Sigma only: other languages have no other way to write it."""
    for match in re.finditer(r"^\s*-?\s*[\w.]+\|contains\s*:\s*['\"]?\*['\"]?\s*$", reading.source.text, re.M):
        yield Found(Span(match.start() + len(match[0]) - len(match[0].lstrip()), match.end()), "this only asks whether the field is there")


@check(
    644,
    "warning",
    "words sought anywhere instead of in a field",
    why="A keyword is sought in the whole event: it is found in requests that failed, in lists of permissions, in names that a user chose.",
    example="keywords: [Microsoft.Compute/virtualMachines/write]",
    mend="compare the field that names the operation",
    languages=("sigma",),
)
def keywords_only(reading: Reading) -> Iterator[Found]:
    """A Sigma rule for a cloud's log whose detection has a list of keywords and no field."""
    if not reading.facts.tables & {"aws_cloudtrail", "azure_activity", "gcp_audit"}:
        return
    named = re.search(r"^\s+(keywords?)\s*:\s*$", reading.source.text, re.M)
    if named and reading.facts.keywords and not [t for t in reading.facts.tests if t.origins]:
        yield Found(Span(named.start(1), named.end(1)), "these words are sought in the whole event")


@check(
    645,
    "notice",
    "Falcon's own time on other data",
    why="timestamp is a field of Falcon's sensor events; records of other products carry @timestamp, and timestamp is absent.",
    example="min(timestamp, as=FirstSeen)",
    mend="write @timestamp",
    languages=("cql",),
)
def falcon_timestamp(reading: Reading) -> Iterator[Found]:
    """The bare name as an argument."""
    for match in re.finditer(r"(?<![@\w.\"])timestamp(?=\s*[,)])", reading.source.text):
        at = Span(match.start(), match.end())
        yield Found(at, "cloud audit records have @timestamp, not timestamp", fix=Fix(at, "@timestamp", "write '@timestamp'"))


@check(
    646,
    "notice",
    "a fuzzy union hides a table that is not there",
    why="With isfuzzy=true a table that does not resolve is left out without an error: half of a detection may be gone for months.",
    example="union isfuzzy=true AWSCloudTrail, AwsCloudTrailOld",
    mend="leave isfuzzy out, or keep a test that each table has rows",
    languages=("kql",),
)
def fuzzy_union(reading: Reading) -> Iterator[Found]:
    """Every isfuzzy=true of the text outside a comment."""
    for match in re.finditer(r"isfuzzy\s*=\s*true", reading.source.text, re.I):
        line = reading.source.text.rfind("\n", 0, match.start()) + 1
        if "//" not in reading.source.text[line : match.start()]:
            yield Found(Span(match.start(), match.end()), "a table that is missing or misspelt is left out in silence")


CHECKS = (sorted_labels, star_in_like, placeholder, wildcard_presence, keywords_only, falcon_timestamp, fuzzy_union)
