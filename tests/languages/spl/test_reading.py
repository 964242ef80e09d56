"""How searches are read: precedence, words, macros."""

from time import perf_counter

import pytest

from livefire import Workspace
from livefire.diagnostics import Diagnostics, Source
from livefire.languages.base import Context
from livefire.languages.spl import nodes as s
from livefire.languages.spl.parser import parse
from livefire.plan.catalog import TableCatalog


def read(text: str, **options: object) -> s.Pipeline:
    diagnostics = Diagnostics(Source(text))
    pipeline = parse(Context(TableCatalog(), diagnostics, options=options))
    diagnostics.raise_if_failed()
    return pipeline


def outline(node: object) -> object:
    """Return a condition as nested tuples of its words."""
    match node:
        case s.Junction(operator=operator, items=items):
            return (operator, *(outline(i) for i in items))
        case s.Negation(item=item):
            return ("not", outline(item))
        case s.Comparison(field=field, operator=operator, value=value):
            return f"{field.text}{operator}{value.text if isinstance(value, s.Word) else '()'}"
        case s.Membership(field=field, values=values):
            return f"{field.text} in {','.join(v.text for v in values)}"
        case s.Term(word=word):
            return word.text
    return type(node).__name__


def condition(text: str, **options: object) -> object:
    first = read(text, **options).commands[0]
    assert isinstance(first, s.Search)
    return outline(first.condition)


def test_or_binds_tighter_than_and() -> None:
    assert condition("a=1 OR b=2 c=3") == ("and", ("or", "a=1", "b=2"), "c=3")
    assert condition("a=1 AND b=2 OR c=3") == ("and", "a=1", ("or", "b=2", "c=3"))
    assert condition("NOT a=1 OR b=2") == ("or", ("not", "a=1"), "b=2")


def test_words_hold_signs_and_quotes_hold_blanks() -> None:
    assert condition('user-name=x:y/z.w "two words" path="C:\\\\Temp\\\\*"') == ("and", "user-name=x:y/z.w", "two words", "path=C:\\Temp\\*")
    assert condition("items{}.name=a* k IN (a, b c)") == ("and", "items{}.name=a*", "k in a,b,c")
    assert condition("a = 1 ```a remark | with a pipe``` b!=2") == ("and", "a=1", "b!=2")


def test_macros_fill_in_tokens() -> None:
    macros = {"base": "index=x OR index=y", "pick(2)": {"definition": "$f$=$v$", "args": "f,v"}}
    assert condition("`base` k=1", macros=macros) == ("and", ("or", "index=x", "index=y"), "k=1")
    assert condition('`pick(who, "ann")`', macros=macros) == "who=ann"
    assert len(read("`base` | `rule_filter`", macros=macros).commands) == 2


def test_macros_that_never_end_are_said() -> None:
    found = Workspace().check("`a`", language="spl", macros={"a": "`a` `a`"})
    assert "E150" in {d.code for d in found}


def said(text: str) -> list[tuple[str, str]]:
    """Return each code of reading with the text it points at; that no event has a field `a` is another matter (W603)."""
    return [(d.code, text[d.span.start : d.span.end]) for d in Workspace().check(text, language="spl") if d.code not in ("E101", "N157", "W603")]


def test_faults_are_pointed_at() -> None:
    assert said("a=1 | stats cuont by b") == [("E105", "cuont")]
    assert said("a=1 | stats cuont(x) by b") == [("E103", "cuont(x)")]
    assert said("a=1 | statz count") == [("E201", "statz")]
    assert said("a=1 | eval x=uper(b)") == [("E103", "uper")]
    assert said("a=1 | eval x=if(b)") == [("E105", "if(b)")]
    assert said("a=1 | bin _time span=5parsec") == [("E206", "5parsec")]
    assert said("a=1 | kvform | eval x=nope(1)") == [("E301", "kvform"), ("E103", "nope")]
    assert said("`nobody(1)` a=1") == [("E150", "`nobody(1)`")]
    assert said('a="b') == [("E203", '"')]
    assert said("a=1 | appendcols other") == [("E201", "other")]
    assert said("a=1 and b=2") == [("W153", "and")]
    assert said("a=1 | stats count by b | where c=1") == [("W151", "c")]


def test_a_near_name_is_offered() -> None:
    (found,) = (d for d in Workspace().check("a=1 | statz count", language="spl") if d.code == "E201")
    assert found.help == "did you mean 'stats'?"
    assert found.fix is not None
    assert found.fix.replacement == "stats"


@pytest.mark.parametrize(
    "text", ["bin _time span={}", "sort limit={} a", "head {}", "timechart span={} count", "eval b={}", "transpose {}", "search earliest=-{}d"]
)
def test_numbers_of_thousands_of_digits_are_refused_at_once(text: str) -> None:
    started = perf_counter()
    found = Workspace().check("index=x | " + text.format("1" + "0" * 5000), language="spl")
    assert not {"E009"} & {d.code for d in found}
    assert {"E206", "E107", "E201"} & {d.code for d in found}
    # Patterns that part a long text in every way they can took minutes.
    assert perf_counter() - started < 5
