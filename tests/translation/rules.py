"""Rules for the tests of translation, and what is asked of their translations."""

from __future__ import annotations

from functools import cache

from livefire.diagnostics import QueryError, Source
from livefire.translating import Translated, Translator
from livefire.workspace import Workspace


@cache
def translator() -> Translator:
    """Return one translator for all tests: it keeps the emulated events."""
    return Workspace().translator()


def turned(text: str, language: str, target: str, *, prove: bool = False) -> Translated:
    """Return a rule in another language."""
    return translator().translate(Source(text, "rule"), language, target, prove=prove)


def refusal(text: str, language: str, target: str) -> tuple[str, str]:
    """Return the code of a refusal and the clause it names."""
    try:
        made = turned(text, language, target)
    except QueryError as error:
        last = error.diagnostics[-1]
        return last.code, text[last.span.start : last.span.end]
    raise AssertionError(f"translated after all: {made.text}")


def sigma(detection: str, product: str = "aws", service: str = "cloudtrail") -> str:
    """Return a Sigma rule with this detection."""
    body = "\n".join(f"  {line}" for line in detection.strip("\n").splitlines())
    return f"title: t\nlogsource:\n  product: {product}\n  service: {service}\ndetection:\n{body}\n"
