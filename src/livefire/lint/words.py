"""The clouds' own words: operations, instance types, and which of them a test lets through."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from livefire.lint.tests import Test

DATED = re.compile(r"_?(?:\d{8}|\d{4}_\d{2}_\d{2})(?:v\d+)?$|v2$")
READS = ("Describe", "Get", "List", "Head", "Lookup", "Search", "Query", "BatchGet", "View", "Check", "Test", "Validate", "Preview", "Estimate", "Simulate")


@cache
def _file(name: str) -> Any:
    return json.loads(files("livefire.lint").joinpath("vocabulary", f"{name}.json").read_text(encoding="utf-8"))


@cache
def aws_services() -> dict[str, tuple[str, ...]]:
    """Return service (the first part of its host name) → operations."""
    return {k: tuple(v) for k, v in _file("aws")["services"].items()}


@cache
def aws_operations() -> dict[str, frozenset[str]]:
    """Return operation → the services that have it."""
    found: dict[str, set[str]] = {}
    for service, names in aws_services().items():
        for name in names:
            found.setdefault(name, set()).add(service)
    return {k: frozenset(v) for k, v in found.items()}


@cache
def other_events() -> frozenset[str]:
    """Return the names of events that no API model has: written by a service itself, by signing in, or renamed by CloudTrail."""
    return frozenset(_file("aws_events")["not_operations"])


@cache
def data_events() -> frozenset[str]:
    """Return the operations that CloudTrail logs as data events, which are off unless they are asked for."""
    return frozenset(_file("aws_events")["data_events"])


@cache
def wrapped() -> frozenset[str]:
    """Return the EC2 actions whose parameters are below <Action>Request."""
    return frozenset(_file("aws_events")["wrapped"])


@cache
def flat() -> frozenset[str]:
    """Return EC2 actions whose parameters are known to be flat."""
    return frozenset(_file("aws_events")["flat"])


@cache
def instance_types() -> frozenset[str]:
    """Return the instance types of EC2."""
    return frozenset(_file("aws")["instance_types"])


@cache
def azure_operations() -> dict[str, str]:
    """Return operation in lower case → as Azure writes it: those that change something, with and without a request in a client library."""
    return {name.lower(): name for file in ("azure", "azure_events") for name in _file(file)["operations"]}


@cache
def google_methods() -> frozenset[str]:
    """Return the method ids of Compute Engine."""
    return frozenset(_file("gcp")["methods"])


def is_operation(name: str) -> bool:
    """True for what CloudTrail may write as the name of an event."""
    known = aws_operations()
    return name in known or name in other_events() or DATED.sub("", name) in known


def is_read(name: str) -> bool:
    """True for an operation that only looks."""
    return name.startswith(READS)


def lets_through(test: Test, word: str) -> bool | None:
    """Return whether a test (without its negation) is true of a word; None where that cannot be told."""
    fold = not test.sensitive
    text = word.casefold() if fold else word
    words = [w.casefold() if fold else w for w in test.words]
    meaning = test.meaning.removesuffix("_fold")
    match meaning:
        case "compare.eq" | "compare.in" | "text.equals" | "text.in":
            return text in words
        case "text.contains":
            return any(w in text for w in words)
        case "text.starts_with":
            return any(text.startswith(w) for w in words)
        case "text.ends_with":
            return any(text.endswith(w) for w in words)
        case "text.wildcard":
            return any(_pattern(w, "*", "?", fold).fullmatch(word) is not None for w in test.words)
        case "text.like":
            return any(_pattern(w, "%", "_", fold).fullmatch(word) is not None for w in test.words)
        case "text.matches_regex":
            found = [_compiled(w, fold) for w in test.words]
            return None if None in found else any(p is not None and p.search(word) is not None for p in found)
        case _:
            return None


@cache
def _pattern(text: str, many: str, one: str, fold: bool) -> re.Pattern[str]:
    body = "".join(".*" if c == many else "." if c == one else re.escape(c) for c in text)
    return re.compile(body, re.S | (re.I if fold else 0))


@cache
def _compiled(text: str, fold: bool) -> re.Pattern[str] | None:
    try:
        return re.compile(text, re.I if fold else 0)
    except (re.error, RecursionError, OverflowError):
        return None
