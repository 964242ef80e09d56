"""A rule's text as numbered lines of coloured runs, with what there is to say at each line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from livefire.diagnostics import Diagnostic, Source
from livefire.report.diagnostics import as_json

_COMMENTS = {
    "kql": r"//[^\n]*",
    "cql": r"//[^\n]*|/\*.*?\*/",
    "eql": r"//[^\n]*|/\*.*?\*/",
    "esql": r"//[^\n]*|/\*.*?\*/",
    "spl": r"```.*?```",
    "sigma": r"\#[^\n]*",
}
_WORDS = {
    "kql": "where project extend summarize by let union join on kind sort order take top distinct count in has contains startswith endswith and or not between "
    "ago asc desc isfuzzy invoke parse mv-expand evaluate render",
    "cql": "groupBy case in table sort select join where and or not match bucket timeChart",
    "eql": "sequence by with maxspan until any where and or not in like regex sample",
    "esql": "FROM WHERE EVAL STATS BY KEEP DROP SORT LIMIT DISSECT GROK ENRICH RENAME AND OR NOT IN LIKE RLIKE METADATA INLINESTATS MV_EXPAND LOOKUP JOIN ON",
    "spl": "search stats eval where by table fields rename sort dedup rex bin timechart eventstats streamstats transaction join append as AND OR NOT IN tstats",
    "sigma": "title id status description logsource detection condition selection level tags falsepositives references author date fields correlation",
}


def listing(source: Source, language: str, diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Return the lines: `number`, `runs` of (kind, text), and the diagnostics that begin there."""
    said: dict[int, list[dict[str, Any]]] = {}
    for one in as_json(diagnostics, source):
        said.setdefault(one["start"]["line"], []).append({"help": "", **one})
    return [{"number": n, "runs": runs, "diagnostics": said.get(n, [])} for n, runs in enumerate(_lines(source.text, language), 1)]


def _lines(text: str, language: str) -> list[list[tuple[str, str]]]:
    lines: list[list[tuple[str, str]]] = [[]]
    for kind, part in _runs(text, language):
        for number, piece in enumerate(part.split("\n")):
            if number:
                lines.append([])
            if piece.rstrip("\r"):
                lines[-1].append((kind, piece.rstrip("\r")))
    while len(lines) > 1 and not lines[-1]:
        lines.pop()
    return lines


def _runs(text: str, language: str) -> Iterable[tuple[str, str]]:
    pattern = _PATTERNS.get(language, _PATTERNS["kql"])
    last = 0
    for match in pattern.finditer(text):
        if match.start() > last:
            yield "plain", text[last : match.start()]
        yield match.lastgroup or "plain", match.group()
        last = match.end()
    if last < len(text):
        yield "plain", text[last:]


def _pattern(language: str, comment: str) -> re.Pattern[str]:
    words = "|".join(re.escape(w) for w in sorted(_WORDS[language].split(), key=len, reverse=True))
    return re.compile(
        rf"(?P<comment>{comment})|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')|(?P<number>\b\d+(?:\.\d+)?(?:[smhd]|ms)?\b)|(?P<word>(?<![\w.-])(?:{words})(?![\w.]))",
        re.DOTALL,
    )


_PATTERNS: Mapping[str, re.Pattern[str]] = {language: _pattern(language, comment) for language, comment in _COMMENTS.items()}
