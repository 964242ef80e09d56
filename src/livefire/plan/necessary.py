"""What a row must have for a condition to be true of it, in words that cost little to test.

A condition is weakened, never changed: whatever it is true of passes the weaker one too. So rows
that fail that can be left out before a rule runs, and the rule itself says what of the rest it
takes. The weaker condition has no pattern with a class of all letters, which costs an engine
milliseconds to make ready, and looks for a word in the text of a JSON value before it is parsed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, TypeAlias

from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call
from livefire.plan.walk import conjuncts, map_expr
from livefire.record import record
from livefire.schema import Type

_constants: Any = import_module("re._constants")  # Python's own reader of patterns has no public name
_parser: Any = import_module("re._parser")

SHORTEST = 3
"""Characters of a word that are worth looking for in a JSON text."""
_REPLACED = re.compile("[\0\ud800-\udfff]")
_WORDS = re.compile(r"[A-Za-z0-9._-]+")
_PRINTED = re.compile(r"[ -~]+")
# Words that a number or its rewriting could give without being in the text.
_NUMERIC = re.compile(r"[0-9eE._-]*")
# ASCII letters that a letter beyond ASCII equals without regard to case (long s, the sign of kelvin), but not after `lower`.
_FOLDED_INTO = re.compile(r"[kKsS]")


@record(frozen=True, slots=True)
class Trait:
    """A stored text equals one of `values` (`in`), contains, begins or ends with one; `json`: one stands in its JSON text, or an escape does.

    With `fold` case does not count, and a text beyond ASCII passes; `absent` says that null passes.
    """

    column: str
    kind: str
    values: tuple[str, ...]
    fold: bool = False
    absent: bool = False

    def passes(self, value: str | None) -> bool:
        """Tell whether a stored value passes."""
        if value is None:
            return self.absent
        if self.fold:
            if not value.isascii():
                return True
            value = value.lower()
        match self.kind:
            case "in":
                return value in self.values
            case "starts":
                return value.startswith(self.values)
            case "ends":
                return value.endswith(self.values)
            case "json":
                return "\\" in value or any(v in value for v in self.values)
            case _:
                return any(v in value for v in self.values)


@record(frozen=True, slots=True)
class All:
    """Every part has to pass."""

    parts: tuple[Needed, ...]


@record(frozen=True, slots=True)
class Some:
    """One part has to pass."""

    parts: tuple[Needed, ...]


Needed: TypeAlias = Trait | All | Some


@record(frozen=True, slots=True)
class _Origin:
    """Where a text comes from: stored columns, constants in their place, whether JSON was read on the way, whether case was lost."""

    columns: tuple[e.Column, ...]
    constants: tuple[str, ...] = ()
    decoded: bool = False
    folded: bool = False


def necessary(condition: e.Expr) -> Needed | None:
    """Return what stored values must be for the condition to be true of their row; None where nothing is known of them."""
    match condition:
        case e.Call(function="logic.and", args=args):
            parts = tuple(found for a in args if (found := necessary(a)) is not None)
            return None if not parts else parts[0] if len(parts) == 1 else All(parts)
        case e.Call(function="logic.or", args=args):
            either = [necessary(a) for a in args]
            known = tuple(found for found in either if found is not None)
            return Some(known) if len(known) == len(either) else None
        case e.Call(function="logic.is_true", args=(inner,)):
            return necessary(inner)
        case e.Call(function="dynamic.any_element", args=(value, e.Lambda(parameters=(one,), body=body))):
            inside = map_expr(body, lambda part: value if part == one else part)
            found = necessary(inside)
            return found if found is not None and all(t.kind == "json" for t in tests(found)) else None
        case e.Call():
            return _compared(condition)
        case _:
            return None


def tests(needed: Needed) -> Iterable[Trait]:
    """Yield every test of a condition."""
    if isinstance(needed, Trait):
        yield needed
    else:
        for part in needed.parts:
            yield from tests(part)


def required_word(pattern: str, flags: str = "") -> tuple[str, bool] | None:
    """Return a word that every match of an RE2 pattern holds, and whether its case does not count; None where none is sure."""
    return _longest(pattern, flags, _WORDS)


def required_text(pattern: str, flags: str = "") -> tuple[str, bool] | None:
    """Return a text that every match of an RE2 pattern holds, as `required_word` does, of any signs of ASCII that are printed."""
    return _longest(pattern, flags, _PRINTED)


def _longest(pattern: str, flags: str, kind: re.Pattern[str]) -> tuple[str, bool] | None:
    """Return the longest text of a kind that stands in every match.

    Python's reader of patterns tells the parts apart; what the two dialects read differently is taken for anything.
    Python has no classes by name, and takes `[[:digit:]ab]` for a class and the text `ab]`.
    """
    if "[:" in pattern:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = _parser.parse(pattern, re.IGNORECASE if "i" in flags else 0)
    except (re.error, OverflowError, RecursionError):
        return None
    if parsed.state.flags & re.VERBOSE:
        return None
    found = [text for run in _runs(parsed) for text in kind.findall(run) if len(text) >= SHORTEST]
    return (max(found, key=len), bool(parsed.state.flags & re.IGNORECASE)) if found else None


def _runs(parsed: Iterable[Any]) -> Iterator[str]:
    """Yield the literal texts that have to stand in a match."""
    run = ""
    for what, value in parsed:
        if what is _constants.LITERAL:
            run += chr(value)
            continue
        yield run
        run = ""
        if what is _constants.SUBPATTERN and not value[1] and not value[2]:
            yield from _runs(value[3])
        elif what is _constants.MAX_REPEAT and value[0] >= 1:
            yield from _runs(value[2])
    yield run


_KINDS = {"contains": "contains", "starts_with": "starts", "ends_with": "ends", "has_term": "contains", "has_prefix": "contains", "has_suffix": "contains"}


def _compared(condition: e.Call) -> Needed | None:
    family, _, name = condition.function.partition(".")
    args, fold = condition.args, name.endswith("_fold")
    name = name.removesuffix("_fold")
    if len(args) < 2:
        return None
    if condition.function == "text.matches_regex":
        return _matching(args)
    if condition.function == "compare.eq" and isinstance(args[0], e.Literal):
        args = (args[1], args[0])
    values = [a.value for a in args[1:] if isinstance(a, e.Literal) and isinstance(a.value, str)]
    if len(values) != len(args) - 1 or not all(map(_plain, values)) or family not in ("compare", "text"):
        return None
    origin = _origin(args[0])
    if origin is None:
        return None
    if name in ("eq", "in", "equals"):
        return _tested(origin, "in", values, fold)
    if name in _KINDS and len(args) == 2:
        return _tested(origin, _KINDS[name], values, fold)
    if name == "wildcard" and len(args) == 2:
        return _wildcard(origin, values[0], fold)
    return None


def _matching(args: tuple[e.Expr, ...]) -> Needed | None:
    pattern, flags, origin = args[1], args[2] if len(args) > 2 else e.text(""), _origin(args[0])
    if origin is None or not isinstance(pattern, e.Literal) or not isinstance(flags, e.Literal):
        return None
    found = (required_word if origin.decoded else required_text)(str(pattern.value), str(flags.value))
    return _tested(origin, "contains", [found[0]], found[1]) if found is not None else None


def _plain(value: str) -> bool:
    """Tell whether an engine's constant is this very text: NUL and lone surrogates are replaced there."""
    return _REPLACED.search(value) is None


def _wildcard(origin: _Origin, pattern: str, fold: bool) -> Needed | None:
    # An engine's pattern may take a letter beyond ASCII for one within it.
    if "\\" in pattern or (fold and not pattern.isascii()):
        return None
    if not set("*?") & set(pattern):
        return _tested(origin, "in", [pattern], fold)
    longest = max(re.split(r"[*?]+", pattern), key=len)
    return _tested(origin, "contains", [longest], fold) if longest else None


def _tested(origin: _Origin, kind: str, values: Sequence[str], fold: bool) -> Needed | None:
    fold = fold or origin.folded
    sought = tuple(v.lower() for v in values) if fold else tuple(values)
    if origin.decoded:
        words = [_word(v) for v in sought]
        # A constant that passes stands for a missing member, of which the column's text says nothing.
        if not all(words) or any(Trait("", kind, sought, fold).passes(c) for c in origin.constants):
            return None
        kind, sought = "json", tuple(w for w in words if w)
    absent = kind != "json" and any(Trait("", kind, sought, fold).passes(c) for c in origin.constants)
    found = tuple(Trait(c.name, kind, sought, fold, absent) for c in dict.fromkeys(origin.columns))
    return None if not found else found[0] if len(found) == 1 else Some(found)


def _word(value: str) -> str | None:
    """Return the longest part of a text that JSON writes as it is and that no number gives; None without one."""
    words = [w for w in _WORDS.findall(value) if len(w) >= SHORTEST and not _NUMERIC.fullmatch(w)]
    return max(words, key=len) if words else None


def _origin(expr: e.Expr) -> _Origin | None:
    match expr:
        case e.Column(type=Type.STRING | Type.DYNAMIC as kind):
            return _Origin((expr,), decoded=kind is Type.DYNAMIC)
        case e.Literal(value=str() as value) if expr.type is Type.STRING and _plain(value):
            return _Origin((), (value,))
        case e.Literal(value=None):
            return _Origin(())
        case e.Path(base=base) | e.Call(function="dynamic.text" | "dynamic.parse", args=(base,)):
            below = _origin(base)
            # A constant below would be navigated, and a text whose case was lost is read as JSON of other words.
            return _Origin(below.columns, decoded=True) if below is not None and not any(below.constants) and not below.folded else None
        case e.Call(function="text.lower", args=(base,)):
            below = _origin(base)
            return None if below is None else _Origin(below.columns, tuple(c.lower() for c in below.constants), below.decoded, folded=True)
        case e.Call(function="logic.coalesce", args=args):
            parts = [_origin(a) for a in args]
            known = [p for p in parts if p is not None]
            if len(known) != len(parts):
                return None
            columns, constants = tuple(c for p in known for c in p.columns), tuple(c for p in known for c in p.constants)
            return _Origin(columns, constants, any(p.decoded for p in known), any(p.folded for p in known))
        case _:
            return None


def bared(condition: e.Expr) -> e.Expr:
    """Return a condition that is true of the same rows, tested on the column itself where its nulls are filled in with what fails it.

    What is false of a row may be null then. An engine knows of a plain column which pieces of a file need not be read.
    """
    match condition:
        case e.Call(function="logic.and" | "logic.or", args=args):
            changed = tuple(bared(a) for a in args)
            return condition if changed == args else replace(condition, args=changed)
        case e.Call(function="logic.is_true", args=(inner,)):
            return call("logic.is_true", bared(inner))
        case e.Call():
            trait = necessary(condition)
            if not isinstance(trait, Trait) or trait.kind == "json" or trait.absent:
                return condition
            return map_expr(condition, _unfilled)
        case _:
            return condition


def _unfilled(part: e.Expr) -> e.Expr:
    if isinstance(part, e.Call) and part.function == "logic.coalesce" and isinstance(part.args[0], e.Column) and part.args[0].type is part.type:
        return part.args[0] if all(isinstance(a, e.Literal) for a in part.args[1:]) else part
    return part


def weakened(condition: e.Expr) -> e.Expr:
    """Return a condition that is true wherever this one is, cheap to make ready and to test."""
    match condition:
        case e.Call(function="logic.and", args=args):
            return all_of(*dict.fromkeys(weakened(a) for a in args))
        case e.Call(function="logic.or", args=args):
            return any_of(*dict.fromkeys(weakened(a) for a in args))
        case e.Call(function="logic.is_true", args=(inner,)):
            return call("logic.is_true", weakened(inner))
        case e.Call(function="text.has_term" | "text.has_prefix" | "text.has_suffix", args=(value, e.Literal() as needle)):
            return weakened(call("text.contains", value, needle))
        case e.Call(function="text.has_term_fold" | "text.has_prefix_fold" | "text.has_suffix_fold", args=(value, e.Literal() as needle)):
            return weakened(call("text.contains_fold", value, needle))
        case _:
            needed, regex = necessary(condition), isinstance(condition, e.Call) and condition.function == "text.matches_regex"
            sought = [_sought(t, regex=regex) for t in tests(needed)] if isinstance(needed, Trait | Some) else []
            return any_of(*(s for s in sought if s is not None)) if sought and all(s is not None for s in sought) else bared(condition)


def _sought(test: Trait, *, regex: bool) -> e.Expr | None:
    """Return a test of JSON or of a pattern as a search of the column's text; None for the others, which are cheap as they are written."""
    if test.absent or (test.kind != "json" and not regex):
        return None
    column, function = e.Column(test.column, Type.STRING), "text.contains_fold" if test.fold else "text.contains"
    words = [max(_FOLDED_INTO.split(v), key=len) if test.fold else v for v in test.values]
    if any(len(w) < SHORTEST for w in words):
        return None
    escaped = (call("text.contains", column, e.text("\\")),) if test.kind == "json" else ()
    return any_of(*(call(function, column, e.text(w)) for w in words), *escaped)


def hoisted(conditions: Sequence[e.Expr]) -> e.Expr:
    """Return the disjunction of weak conditions in a form that is quick to test for many.

    What all have in common stands first; then those that need one of some values of the column that most of them name are put
    behind one test of all those values.
    """
    parts = [dict.fromkeys(conjuncts(c)) for c in dict.fromkeys(conditions)]
    common = [c for c in parts[0] if all(c in one for one in parts)]
    rest = [[c for c in one if c not in common] for one in parts]
    if not all(rest):
        return all_of(*common)
    named = [{t.column: t for c in reversed(one) if (t := _naming(c)) is not None} for one in rest]
    return all_of(*common, any_of(*_gated(rest, named)))


def _gated(rest: Sequence[Sequence[e.Expr]], named: Sequence[Mapping[str, Trait]]) -> list[e.Expr]:
    """Return the alternatives, those that name values of one column behind a test of all these values, the commonest column first."""
    counts = [column for one in named for column in one]
    column = max(dict.fromkeys(counts), key=counts.count, default="")
    if counts.count(column) < 2:
        return [all_of(*one) for one in rest]
    inside = [all_of(*one) for one, known in zip(rest, named, strict=True) if column in known]
    outside = [(one, known) for one, known in zip(rest, named, strict=True) if column not in known]
    asked = [known[column] for known in named if column in known]
    function = "text.in_fold" if any(t.fold for t in asked) else "compare.in"
    gate = call(function, e.Column(column, Type.STRING), *map(e.text, dict.fromkeys(v for t in asked for v in t.values)))
    return [all_of(gate, any_of(*inside)), *(_gated([one for one, _ in outside], [known for _, known in outside]) if outside else [])]


def _naming(condition: e.Expr) -> Trait | None:
    """Return the test of a condition that a column has one of some values, of which ASCII ones have the same small letters everywhere."""
    test = necessary(condition)
    return test if isinstance(test, Trait) and test.kind == "in" and not test.absent and all(map(str.isascii, test.values)) else None
