"""A weaker condition is true wherever the condition is, on texts that are chosen to tell the two apart."""

from __future__ import annotations

import pyarrow as pa
import pytest

from livefire.detections.sieve import Sieve
from livefire.engines.base import Run, Storage
from livefire.engines.duckdb import DuckDB
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.plan.necessary import All, Some, Trait, hoisted, necessary, required_text, required_word, weakened
from livefire.schema import Schema, Type

NAME, JSON = e.Column("name", Type.STRING), e.Column("json", Type.DYNAMIC)
# A long s and the sign of kelvin equal s and k for a pattern without regard to case; an escape hides letters in JSON.
TEXTS = (None, "", "RunInstances", "runinstances", "Run", "user/bob", "xbobx", "BOB smith", "bo\u017fk", "\u212aey-Secret", "ebob", "\u00e9bob", "12", "true")
JSONS = (
    None,
    "null",
    "{}",
    '{"type":"m5.large"}',
    '{"type":"M5.LARGE"}',
    '{"type":"m5\\u002elarge"}',
    '{"type":["p4d","m5.large"]}',
    '{"type":5.0}',
    '{"type":true}',
    '"{\\"type\\":\\"m5\\\\u002elarge\\"}"',
    '{"type":{"inner":"\u212a5.large"}}',
    '{"other":"m5.large"}',
)
FILLED = call("logic.coalesce", NAME, e.text(""))
KIND = call("dynamic.text", e.Path(JSON, ("type",)))
PARSED = call("dynamic.text", e.Path(call("dynamic.parse", call("logic.coalesce", call("dynamic.text", JSON), e.text(""))), ("type",)))
ELEMENT = e.Column("~element", Type.DYNAMIC)


def anywhere(pattern: str) -> e.Expr:
    body = call("text.wildcard_fold", call("dynamic.text", ELEMENT), e.text(pattern))
    return call("dynamic.any_element", e.Path(JSON, ("type",)), e.Lambda((ELEMENT,), body))


CONDITIONS = (
    call("compare.eq", NAME, e.text("Run")),
    call("compare.eq", e.text("Run"), FILLED),
    call("compare.in", FILLED, e.text("Run"), e.text("")),
    call("text.equals_fold", NAME, e.text("RUNINSTANCES")),
    call("text.in_fold", FILLED, e.text("BO\u017fK"), e.text("\u212aEY-secret")),
    call("text.contains_fold", NAME, e.text("BOB")),
    call("text.starts_with", NAME, e.text("Run")),
    call("text.ends_with_fold", FILLED, e.text("Bob")),
    call("text.has_term_fold", FILLED, e.text("bob")),
    call("text.has_prefix", NAME, e.text("bob")),
    call("text.wildcard_fold", NAME, e.text("bo?k")),
    call("text.wildcard_fold", NAME, e.text("*key-sec*")),
    call("text.wildcard_fold", NAME, e.text("bo\u017fk*")),
    call("text.wildcard", NAME, e.text("*bob")),
    call("text.matches_regex", NAME, e.text("(?i)key-s[ae]cret")),
    call("text.matches_regex", NAME, e.text("bob|Run")),
    call("text.matches_regex", NAME, e.text("[[:digit:]xyzu]ser")),
    call("text.matches_regex", NAME, e.text("^(Run)+Inst"), e.text("i")),
    call("compare.eq", call("text.lower", FILLED), e.text("runinstances")),
    call("compare.eq", KIND, e.text("m5.large")),
    call("compare.eq", KIND, e.text("5.0")),
    call("compare.eq", KIND, e.text("true")),
    call("compare.eq", call("logic.coalesce", PARSED, e.text("")), e.text("m5.large")),
    call("compare.eq", call("logic.coalesce", PARSED, e.text("m5.large")), e.text("m5.large")),
    call("text.contains_fold", PARSED, e.text("K5.lar")),
    call("text.wildcard_fold", KIND, e.text("*k5.large*")),
    anywhere("*P4D*"),
    anywhere("m5*"),
    negate(call("compare.eq", NAME, e.text("Run"))),
    any_of(call("compare.eq", NAME, e.text("Run")), call("compare.eq", KIND, e.text("m5.large"))),
    all_of(call("logic.is_true", call("text.has_term_fold", NAME, e.text("bob"))), call("logic.not", call("logic.is_null", NAME))),
)


@pytest.fixture(scope="module")
def rows() -> n.Values:
    return n.Values(Schema.of(("name", Type.STRING), ("json", Type.DYNAMIC)), tuple((a, b) for a in TEXTS for b in JSONS))


def true_of(condition: e.Expr, rows: n.Values) -> list[bool]:
    value = n.Item("v", call("logic.is_true", condition))
    found: list[bool] = DuckDB().execute(n.Project(rows, (value,)), Storage(), Run()).column(0).to_pylist()
    return found


def names(*values: str | None) -> pa.Table:
    return pa.table({"name": pa.array(values, pa.string())})


@pytest.mark.parametrize("condition", CONDITIONS, ids=range(len(CONDITIONS)))
def test_what_is_true_passes(condition: e.Expr, rows: n.Values) -> None:
    exact, weak = true_of(condition, rows), true_of(weakened(condition), rows)
    assert any(exact), "the condition is true of none of the rows, so nothing is tested"
    assert [at for at, (a, b) in enumerate(zip(exact, weak, strict=True)) if a and not b] == []
    needed = necessary(condition)
    if needed is not None:
        table = pa.table({f.name: pa.array([row[at] for row in rows.rows], pa.string()) for at, f in enumerate(rows.schema)})
        assert {at for at, held in enumerate(exact) if held} <= set(Sieve(table).passing(needed))


def test_many_at_once(rows: n.Values) -> None:
    together = true_of(hoisted([weakened(c) for c in CONDITIONS]), rows)
    each = [true_of(weakened(c), rows) for c in CONDITIONS]
    assert together == [any(held) for held in zip(*each, strict=True)]
    named = [all_of(call("compare.eq", NAME, e.text(v)), call("compare.eq", KIND, e.text("m5.large"))) for v in ("Run", "12", "true")]
    assert sum(true_of(hoisted(named), rows)) == 6  # each of the three names with the type written plainly, and with an escape


def test_what_is_known_of_a_value() -> None:
    assert necessary(call("text.equals_fold", FILLED, e.text("Run"))) == Trait("name", "in", ("run",), fold=True)
    assert necessary(call("compare.eq", FILLED, e.text(""))) == Trait("name", "in", ("",), absent=True)
    both = call("compare.eq", call("logic.coalesce", NAME, e.Column("other", Type.STRING)), e.text("x"))
    assert necessary(both) == Some((Trait("name", "in", ("x",)), Trait("other", "in", ("x",))))
    assert necessary(all_of(call("compare.eq", NAME, e.text("x")), negate(both))) == Trait("name", "in", ("x",))
    assert necessary(negate(both)) is None
    # 5 may be written 5.0 or 5e0 in JSON, so its text need not hold the number that is asked for.
    assert necessary(call("compare.eq", KIND, e.text("5.0"))) is None


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("AssumeRole$", ("AssumeRole", False)),
        ("(?i)^arn:aws:iam::[0-9]{12}:root", ("root", True)),
        ("abc|defg", None),
        ("(abcd)?x", None),
        ("(?:abcd){2,}", ("abcd", False)),
        ("ab{0,3}cde", ("cde", False)),
        ("(?i:abcd)", None),
        (r"\Qabcd\E", None),
        ("[[:digit:]abcd]x", None),  # one class to RE2; to Python the class ends before abcd
        ("(unclosed", None),
    ],
)
def test_words_of_patterns(pattern: str, word: tuple[str, bool] | None) -> None:
    assert required_word(pattern) == word


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(?i)terraform/1\.[0-9]+", ("terraform/1.", True)),
        (r'"key": "[a-z]+"', ('"key": "', False)),
        ("a/é/bcde", ("/bcde", False)),  # what is beyond ASCII ends a text: case is another matter there
        ("x{,5}abc", ("abc", False)),  # to RE2 the braces are text, to Python a repetition: neither is relied on
        ("a.b|c.d", None),
    ],
)
def test_texts_of_patterns(pattern: str, text: tuple[str, bool] | None) -> None:
    assert required_text(pattern) == text


def test_a_pattern_over_json_needs_a_word_and_over_a_column_the_whole_text() -> None:
    pattern = e.text("agent/1 (x)*terraform")
    assert necessary(call("text.matches_regex", NAME, pattern)) == Trait(NAME.name, "contains", ("terraform",))
    slash = e.text("agent/1")  # in JSON the solidus may be escaped
    assert necessary(call("text.matches_regex", NAME, slash)) == Trait(NAME.name, "contains", ("agent/1",))
    assert necessary(call("text.matches_regex", KIND, slash)) == Trait(JSON.name, "json", ("agent",))


def test_rows_of_a_sieve_beyond_one_stretch() -> None:
    sieve = Sieve(names(*("a" if at % 5000 == 0 else None if at % 2 else f"b{at}" for at in range(20_000))))
    assert sieve.passing(Trait("name", "in", ("a",))) == [0, 5000, 10_000, 15_000]
    assert sieve.passing(All((Trait("name", "in", ("b2", "b9000")), Trait("name", "contains", ("900",))))) == [9000]
    assert len(sieve.passing(Trait("name", "ends", ("zz",), absent=True))) == 10_000  # null, that is every odd row
    assert sieve.passing(Some((Trait("name", "in", ("a",)), Trait("name", "starts", ("b19998",))))) == [0, 5000, 10_000, 15_000, 19_998]
    assert len(sieve.passing(Trait("no such column", "in", ("a",)))) == 20_000
