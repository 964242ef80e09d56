"""The tests that a rule makes of its fields: what is compared with which words, how, and in which clause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from livefire.diagnostics import Span
from livefire.lint.origin import NONE, Origin, Origins, Resolver, walk
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.walk import place_of

EQUAL = {"compare.eq": True, "compare.in": True, "text.equals_fold": False, "text.in_fold": False}
PART = {
    "text.contains": True,
    "text.contains_fold": False,
    "text.has_term": True,
    "text.has_term_fold": False,
    "text.starts_with": True,
    "text.starts_with_fold": False,
    "text.has_prefix": True,
    "text.has_prefix_fold": False,
    "text.ends_with": True,
    "text.ends_with_fold": False,
    "text.has_suffix": True,
    "text.has_suffix_fold": False,
}
PATTERN = {
    "text.wildcard": True,
    "text.wildcard_fold": False,
    "text.like": True,
    "text.like_fold": False,
    "text.matches_regex": True,
}
MEANINGS = {**EQUAL, **PART, **PATTERN}
WILDCARDS = frozenset({"text.wildcard", "text.wildcard_fold"})  # a pattern without one is a whole word
ORDER = frozenset({"compare.lt", "compare.le", "compare.gt", "compare.ge"})
RAW = "_raw"  # the column of every log source that holds the event as it came
MOST_FIELDS = 20  # a word that is compared with more of them at one place is sought in the whole event
CHANGES = frozenset({"text.lower", "text.upper"})


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of a field with constants.

    `origins` are the fields behind it, `words` the constants, `sensitive` whether case counts,
    `negated` whether it stands under an odd number of negations, `alternative` whether another
    condition could hold in its place (it stands under an `or`), `clause` the node it is part of.
    """

    meaning: str
    origins: Origins
    words: tuple[str, ...]
    sensitive: bool
    negated: bool
    alternative: bool
    span: Span | None
    clause: n.Plan
    value: e.Expr

    __test__ = False  # not one of pytest's

    @property
    def exact(self) -> bool:
        """True for a comparison with whole words."""
        return self.meaning in EQUAL or (self.meaning in WILDCARDS and not any(c in w for w in self.words for c in "*?"))

    def reads(self, *fields: str) -> bool:
        """True when one of these `table.column` fields is behind it, whole and not only a path inside."""
        return any(f"{o.table}.{o.path}" in fields for o in self.origins)


@dataclass(slots=True)
class Walker:
    """Takes predicates apart into tests."""

    resolver: Resolver
    found: list[Test] = field(default_factory=list)
    bound: dict[str, Origins] = field(default_factory=dict)

    def predicate(self, expr: e.Expr, clause: n.Plan, plan: n.Plan, *, negated: bool = False, alternative: bool = False) -> None:
        """Add the tests of a condition over the rows of `plan`."""
        match expr:
            case e.Call(function="logic.and", args=args):
                for arg in args:
                    self.predicate(arg, clause, plan, negated=negated, alternative=alternative or negated)
            case e.Call(function="logic.or", args=args):
                for arg in args:
                    self.predicate(arg, clause, plan, negated=negated, alternative=alternative or not negated)
            case e.Call(function="logic.not", args=(inner,)):
                self.predicate(inner, clause, plan, negated=not negated, alternative=alternative)
            case e.Call(function="logic.is_true" | "logic.coalesce", args=(inner, *_)):
                self.predicate(inner, clause, plan, negated=negated, alternative=alternative)
            case e.Call(function="dynamic.any_element" | "dynamic.any_value", args=(value, e.Lambda(parameters=(parameter,), body=body))):
                self.bound[parameter.name] = self.origins(value, plan)
                self.predicate(body, clause, plan, negated=negated, alternative=alternative)
                self.bound.pop(parameter.name, None)
            case e.Call(function="compare.ne", args=(left, right)):
                self.add(e.Call("compare.eq", (left, right), expr.type, expr.span), clause, plan, negated=not negated, alternative=alternative)
            case e.Call():
                self.add(expr, clause, plan, negated=negated, alternative=alternative)
            case e.Case(whens=whens, otherwise=otherwise):
                for when, then in whens:
                    self.predicate(when, clause, plan, negated=negated, alternative=True)
                    self.predicate(then, clause, plan, negated=negated, alternative=True)
                self.predicate(otherwise, clause, plan, negated=negated, alternative=True)

    def add(self, call: e.Call, clause: n.Plan, plan: n.Plan, *, negated: bool, alternative: bool) -> None:
        """Add a comparison if it is one of a field with constant text."""
        value, words = operands(call)
        if value is None:
            return
        origins = self.origins(value, plan)
        sensitive = MEANINGS.get(call.function, True) and not changes_case(value, plan, self.resolver) and not ignores_case(call)
        self.found.append(Test(call.function, origins, words, sensitive, negated, alternative, call.span or place_of(call), clause, value))

    def origins(self, value: e.Expr, plan: n.Plan) -> Origins:
        """Return the origins of a value, where the parameter of a lambda stands for what it goes over."""
        if isinstance(value, e.Column) and value.name in self.bound:
            return self.bound[value.name]
        if isinstance(value, e.Call) and value.args and value.function.startswith(("dynamic.", "text.", "logic.")) and columns_bound(value, self.bound):
            return self.origins(value.args[0], plan)
        return self.resolver.of(value, plan)


def columns_bound(value: e.Expr, bound: dict[str, Origins]) -> bool:
    """True when an expression reads the parameter of a lambda."""
    return bool(bound) and bool(e.columns_of(value) & bound.keys())


def operands(call: e.Call) -> tuple[e.Expr | None, tuple[str, ...]]:
    """Return the value that a comparison tests and the constants; None when it is not of that kind."""
    if call.function not in MEANINGS and call.function not in ORDER:
        return None, ()
    fixed = [a for a in call.args if isinstance(a, e.Literal)]
    free = [a for a in call.args if not isinstance(a, e.Literal)]
    if len(free) != 1 or not fixed:
        return None, ()
    given = fixed[:1] if call.function == "text.matches_regex" else fixed  # what follows a pattern are its flags
    return free[0], tuple(str(f.value) for f in given if isinstance(f.value, str))


def ignores_case(call: e.Call) -> bool:
    """True for a regular expression whose flags say so."""
    flags = call.args[2] if call.function == "text.matches_regex" and len(call.args) > 2 else None
    return isinstance(flags, e.Literal) and "i" in str(flags.value)


def changes_case(value: e.Expr, plan: n.Plan, resolver: Resolver) -> bool:
    """True when the value is brought to one case before it is compared, here or where its column is computed."""
    if isinstance(value, e.Column):
        made = resolver.made_of(value.name, plan)
        return made is not None and changes_case(*made, resolver)
    if isinstance(value, e.Case):
        return all(changes_case(v, plan, resolver) or isinstance(v, e.Literal) for v in (*(then for _, then in value.whens), value.otherwise))
    return isinstance(value, e.Call) and (value.function in CHANGES or (bool(value.args) and changes_case(value.args[0], plan, resolver)))


@dataclass(frozen=True)
class Facts:
    """What a plan says about its rule."""

    plan: n.Plan
    resolver: Resolver = field(default_factory=Resolver)

    @cached_property
    def nodes(self) -> tuple[n.Plan, ...]:
        """Every node, inputs first."""
        found: list[n.Plan] = []
        walk(self.plan, found.append)
        return tuple(found)

    @cached_property
    def tests(self) -> tuple[Test, ...]:
        """Every test that the rule itself makes: those of a filter or a computed column that has a place in its text."""
        walker = Walker(self.resolver)
        for node in self.nodes:
            if isinstance(node, n.Filter):
                walker.predicate(node.predicate, node, node.input)
            elif isinstance(node, n.Project):
                for condition in branches(node):
                    walker.predicate(condition, node, node.input, alternative=True)
        crowded = self._crowded(walker.found)
        return tuple(t for t in walker.found if t.span is not None and t.span not in crowded)

    @cached_property
    def keywords(self) -> frozenset[Span]:
        """The places of words that are sought in every field of the event."""
        walker = Walker(self.resolver)
        for node in self.nodes:
            if isinstance(node, n.Filter):
                walker.predicate(node.predicate, node, node.input)
        return self._crowded(walker.found)

    @staticmethod
    def _crowded(tests: list[Test]) -> frozenset[Span]:
        counted = Counter(t.span for t in tests if t.span is not None)
        whole = {t.span for t in tests if t.span is not None and t.origins and all(o.column == RAW and not o.steps for o in t.origins)}
        return frozenset(span for span, times in counted.items() if times > MOST_FIELDS) | whole

    @cached_property
    def paths(self) -> tuple[tuple[Origin, Span, n.Plan], ...]:
        """Every path into a nested value that the rule writes, with its place and the node that reads it."""
        found: dict[tuple[Origin, Span], n.Plan] = {}
        for node in self.nodes:
            for expr in expressions(node):
                for part in parts_of(expr):
                    span = place_of(part) if isinstance(part, e.Path) else None
                    if span is not None:
                        for child in n.inputs(node):
                            found.update({(o, span): node for o in self.resolver.of(part, child)})
        return tuple((origin, span, node) for (origin, span), node in found.items())

    @cached_property
    def tables(self) -> frozenset[str]:
        """The log sources that are read."""
        return frozenset(node.table for node in self.nodes if isinstance(node, n.Scan))

    def of(self, kind: type[n.Plan]) -> tuple[n.Plan, ...]:
        """Return the nodes of a kind, inputs first."""
        return tuple(node for node in self.nodes if isinstance(node, kind))


def expressions(node: n.Plan) -> Iterator[e.Expr]:
    """Yield the expressions that a node computes."""
    match node:
        case n.Filter(predicate=predicate):
            yield predicate
        case n.Project(items=items):
            yield from (i.expr for i in items)
        case n.Aggregate(keys=keys, items=items):
            yield from (i.expr for i in (*keys, *items))
        case n.Unnest(expr=expr):
            yield expr
        case _:
            return


def parts_of(expr: e.Expr) -> Iterator[e.Expr]:
    """Yield an expression and everything in it."""
    yield expr
    for child in e.children(expr):
        yield from parts_of(child)


def branches(node: n.Project) -> Iterator[e.Expr]:
    """Yield the conditions of the cases among a projection's items."""
    for item in node.items:
        yield from _cases(item.expr)


def _cases(expr: e.Expr) -> Iterator[e.Expr]:
    if isinstance(expr, e.Case):
        for when, _ in expr.whens:
            yield when
    for child in e.children(expr):
        yield from _cases(child)


__all__ = ["EQUAL", "NONE", "PART", "PATTERN", "Facts", "Test"]
