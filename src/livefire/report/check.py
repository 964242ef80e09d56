"""What a check said of rule files, in the forms that other programs read: SARIF for code hosts, JUnit for test runners."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from livefire.diagnostics import Diagnostic, Source
from livefire.diagnostics.catalogue import TITLES
from livefire.report.safe import safe_text

LEVELS = {"error": "error", "warning": "warning", "notice": "note"}


@dataclass(frozen=True, slots=True)
class Checked:
    """A rule file with what was said of it."""

    source: Source
    language: str
    diagnostics: tuple[Diagnostic, ...]


def sarif(files: Sequence[Checked], version: str) -> dict[str, Any]:
    """Return a SARIF 2.1.0 log: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""
    codes = sorted({d.code for f in files for d in f.diagnostics})
    rules = [{"id": c, "shortDescription": {"text": _title(c)}} for c in codes]
    results = [_result(d, f, codes.index(d.code)) for f in files for d in f.diagnostics]
    driver = {"name": "livefire", "version": version, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _title(code: str) -> str:
    return TITLES.get(int(code[1:]), code)


def _result(d: Diagnostic, checked: Checked, rule: int) -> dict[str, Any]:
    uri = checked.source.name.replace("\\", "/")
    message = d.message + (f" ({d.help})" if d.help else "")
    result: dict[str, Any] = {
        "ruleId": d.code,
        "ruleIndex": rule,
        "level": LEVELS[d.severity],
        "message": {"text": safe_text(message)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": _region(checked.source, d.span.start, d.span.end)}}],
    }
    if d.fix is not None:
        replacement = {"deletedRegion": _region(checked.source, d.fix.span.start, d.fix.span.end), "insertedContent": {"text": d.fix.replacement}}
        change = {"artifactLocation": {"uri": uri}, "replacements": [replacement]}
        result["fixes"] = [{"description": {"text": d.fix.message or f"write {d.fix.replacement!r}"}, "artifactChanges": [change]}]
    return result


def _region(source: Source, start: int, end: int) -> dict[str, int]:
    first, last = source.position(start), source.position(end)
    return {"startLine": first.line, "startColumn": first.column, "endLine": last.line, "endColumn": last.column}


def junit(files: Iterable[Checked]) -> str:
    """Return a JUnit document: a case a file, a failure an error; warnings stand in the case's output."""
    listed = list(files)
    failed = sum(any(d.severity == "error" for d in f.diagnostics) for f in listed)
    suite = Element("testsuite", name="livefire check", tests=str(len(listed)), failures=str(failed), errors="0")
    for checked in listed:
        case = SubElement(suite, "testcase", classname=f"livefire.{checked.language}", name=_xml(checked.source.name))
        errors = [d for d in checked.diagnostics if d.severity == "error"]
        if errors:
            failure = SubElement(case, "failure", message=_xml(f"{errors[0].code}: {errors[0].message}"), type=errors[0].code)
            failure.text = _xml("\n".join(_line(d, checked.source) for d in errors))
        others = [d for d in checked.diagnostics if d.severity != "error"]
        if others:
            SubElement(case, "system-out").text = _xml("\n".join(_line(d, checked.source) for d in others))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suite, encoding="unicode") + "\n"


def _line(d: Diagnostic, source: Source) -> str:
    at = source.position(d.span.start)
    return f"{source.name}:{at.line}:{at.column}: {d.code}: {d.message}"


def _xml(text: str) -> str:
    """Return a text without the characters that XML 1.0 has no way to write."""
    return safe_text(text, lines=True)
