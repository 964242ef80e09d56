"""Every example of every language guide runs and gives exactly the rows that the guide shows."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import livefire
from livefire.languages import REGISTRY
from tests.guides import Example, examples

GUIDES = sorted(p for p in (Path(__file__).parents[2] / "docs" / "languages").glob("*.md") if p.stem != "differences")
EXAMPLES = [x for path in GUIDES for x in examples(path)]


def shown(value: Any) -> Any:
    """Return a result value as a guide writes it."""
    if isinstance(value, datetime):
        text = value.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
        return text + "Z"
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return float(value)
    return value


def same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, (int, float)) and isinstance(actual, (int, float)) and not isinstance(expected, bool) and not isinstance(actual, bool):
        return math.isclose(expected, actual, rel_tol=1e-9)
    if isinstance(actual, str) and not isinstance(expected, str):
        # A number in a text column stands in the page as the same characters.
        return actual == ("" if expected is None else str(expected))
    return bool(expected == actual)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda x: x.place)
def test_example(example: Example) -> None:
    ws = livefire.Workspace()
    for table in example.inputs:
        ws.load(table.name, table.rows, schema=table.types, time_field=table.time)
    if example.refused:
        with pytest.raises(livefire.QueryError) as caught:
            ws.query(example.query, language=example.language, **example.options)
        assert example.refused in {d.code for d in caught.value.diagnostics}
        return
    result = ws.query(example.query, language=example.language, **example.options)
    assert result.columns == example.columns
    actual = [[shown(v) for v in row] for row in result.rows]
    assert len(actual) == len(example.rows), actual
    for want, got in zip(example.rows, actual, strict=True):
        assert all(same(e, a) for e, a in zip(want, got, strict=True)), f"expected {want}, got {got}"


@pytest.mark.parametrize("path", GUIDES, ids=lambda p: p.name)
def test_guide_has_examples(path: Path) -> None:
    assert path.stem in REGISTRY
    assert sum(1 for _ in examples(path)) >= 10


@pytest.mark.parametrize("language", ["spl", "cql"])
def test_the_schema_on_read_guides_cite_the_page_that_decides_a_case(language: str) -> None:
    path = Path(__file__).parents[2] / "docs" / "languages" / f"{language}.md"
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    known = set(re.findall(r"^\[([\w-]+)\]: https://", text, re.MULTILINE))
    cited = set()
    for example in examples(path):
        before = int(example.place.rpartition(":")[2]) - 1
        lead = next(x for x in reversed(lines[:before]) if x.strip())
        names = set(re.findall(r"\[([\w-]+)\](?:$|\s)", lead))
        assert names <= known, f"{example.place}: {names - known} is no page"
        cited |= {example.place} if names or "](https://" in lead else set()
    assert len(cited) >= 150
