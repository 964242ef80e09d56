"""What the parser makes of a text: precedence, words that depend on their place, and whole shapes."""

from __future__ import annotations

import pytest

from livefire.diagnostics import Diagnostics, Halt, Source
from livefire.languages.base import Context
from livefire.languages.cql import syntax as s
from livefire.languages.cql.lower import names
from livefire.languages.cql.parser import CqlParser
from livefire.languages.kit import ast
from livefire.plan.catalog import TableCatalog


def parse(text: str) -> s.Pipeline:
    diagnostics = Diagnostics(Source(text))
    found = CqlParser(Context(TableCatalog(), diagnostics), names()).query()
    assert not diagnostics.failed, diagnostics.items
    return found


def condition(text: str) -> s.Condition:
    (step,) = parse(text).steps
    assert isinstance(step, s.FilterStep)
    return step.condition


def shown(node: object) -> str:
    """Return a condition or value as text with every group in brackets."""
    match node:
        case s.Conjunction(parts=parts):
            return "(" + " & ".join(shown(p) for p in parts) + ")"
        case s.Disjunction(parts=parts):
            return "(" + " | ".join(shown(p) for p in parts) + ")"
        case s.Not(part=part):
            return f"!{shown(part)}"
        case s.Comparison(field=field, operator=operator, value=value):
            return f"{field.text}{operator}{shown(value)}"
        case s.FreeText(value=value):
            return shown(value)
        case s.Word(text=text):
            return text
        case ast.Pattern(pattern=pattern, flags=flags):
            return f"/{pattern}/{flags}"
        case s.Operation(operator=operator, left=left, right=right):
            return f"({shown(left)}{operator}{shown(right)})"
        case s.Negation(operator=operator, operand=operand):
            return f"{operator}{shown(operand)}"
        case s.Call(function=function, args=args):
            return f"{function}({', '.join((a.name + '=' if a.name else '') + shown(a.value) for a in args)})"
        case s.Items(items=items):
            return "[" + ", ".join(shown(i) for i in items) + "]"
        case s.Everything(value=value):
            return "*" if value else "false"
        case s.Variable(name=name, default=default):
            return f"?{name}" + (f"={default.text}" if default else "")
        case _:
            return type(node).__name__


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1 or b=2 c=3", "((a=1 | b=2) & c=3)"),
        ("foo and not bar or baz", "(foo & (!bar | baz))"),
        ("not foo bar", "(!foo & bar)"),
        ("!(a=1 b=2)", "!(a=1 & b=2)"),
        ("a-b", "a-b"),
        ("path=C:\\Temp\\x", "path=C:\\Temp\\x"),
        ("ip=10.0.0.1", "ip=10.0.0.1"),
        ("x[0].y=*", "x[0].y=*"),
        ('"some text" other', "(some text & other)"),
        ("a=/x y/i", "a=/x y/i"),
        (r"a=/[\\/]b/", r"a=/[\\/]b/"),
        (r"a=/b\/c/", r"a=/b\/c/"),
        ("a like b*", "alikeb*"),
        ("a=?{p=5}", "a=?p=5"),
        ("in(a, values=[x-1, *y])", "in(a, values=[x-1, *y])"),
        ("a =~ cidr(subnet=10.0.0.0/8)", "cidr(field=a, subnet=10.0.0.0/8)"),
        ("cidr(a, subnet=x) OR a=1", "(cidr(a, subnet=x) | a=1)"),
        ("error (a=1 or b=2)", "(error & (a=1 | b=2))"),
        ("in = 5", "in=5"),
    ],
)
def test_conditions(text: str, expected: str) -> None:
    assert shown(condition(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x := a-b", "(a-b)"),
        ("x := a + b * c", "(a+(b*c))"),
        ("x := (a + b) * c", "((a+b)*c)"),
        ("x := a/b/c", "((a/b)/c)"),
        ("x := -a == !b", "(-a==!b)"),
        ('x := lower("a-b")', "lower(a-b)"),
        ("x := if(a > 5, then=b-c, else=0)", "if((a>5), then=(b-c), else=0)"),
        ("x := 1.5e-3", "1.5e-3"),
    ],
)
def test_expressions(text: str, expected: str) -> None:
    (step,) = parse(text).steps
    assert isinstance(step, s.AssignStep)
    assert shown(step.value) == expected


def test_empty_steps_and_comments_count_for_nothing() -> None:
    found = parse("// first\n| a=1 /* | b=2 */\n| | count() |")
    assert [type(step) for step in found.steps] == [s.FilterStep, s.FilterStep]


def test_case_holds_pipelines_and_match_guards() -> None:
    case, match = parse("case { a=1 | b := 2 ; * ; } | f match { /x/ => c := 1; in(values=[1]) => *; * => d := 1 }").steps
    assert isinstance(case, s.CaseStep)
    assert [len(c.steps) for c in case.clauses] == [2, 1]
    assert isinstance(match, s.MatchStep)
    assert [shown(g.condition) for g in match.clauses] == ["f=/x/", "in(field=f, values=[1])", "*"]


def test_saved_queries_and_composite_functions() -> None:
    saved, grouped = parse('$"pkg:a name"(x=1) | groupBy([a, b], function=[{c=1 | count()}, max(d)])').steps
    assert isinstance(saved, s.SavedStep)
    assert saved.name == "pkg:a name"
    assert isinstance(grouped, s.FilterStep)
    assert shown(grouped.condition) == "groupBy([a, b], function=[Subquery, max(d)])"


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a=", "E201", 2),
        ("a=1 | count(", "E202", 11),
        ('a="x', "E203", 2),
        ("case { a=1 | b := 2", "E202", 5),
        ("a=1 | )", "E201", 6),
        ("x := case { a=1 }", "E201", 5),
        ("(" * 300 + "a", "E204", None),
    ],
)
def test_faults_have_a_place(text: str, code: str, place: int | None) -> None:
    diagnostics = Diagnostics(Source(text))
    with pytest.raises(Halt):
        CqlParser(Context(TableCatalog(), diagnostics), names()).query()
        raise Halt
    first = next(d for d in diagnostics if d.severity == "error")
    assert first.code == code
    assert place is None or first.span.start == place
