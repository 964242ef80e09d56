"""Conversions, conditions and tests."""

from __future__ import annotations

from collections.abc import Callable

from livefire.languages.kql import coerce, operators
from livefire.languages.kql.calls import Scalar, Site
from livefire.plan import expr as e
from livefire.plan.functions import call, negate
from livefire.schema import Type


def convert(change: Callable[[e.Expr], e.Expr]) -> Scalar:
    """Return the function of a conversion of its one argument."""
    return Scalar(lambda s: change(s.args[0]), 1, 1)


def _parse_json(site: Site) -> e.Expr:
    value = site.args[0]
    if value.type is Type.DYNAMIC:
        # A dynamic that holds text is read as JSON; one that is a value already stays.
        return value
    return site.call("dynamic.parse", site.string(0))


def _isempty(site: Site) -> e.Expr:
    value = site.args[0]
    if value.type is Type.STRING:
        return site.call("compare.eq", value, e.text(""))
    if value.type is Type.DYNAMIC:
        return site.call("compare.eq", coerce.to_text(value), e.text(""))
    return site.call("logic.is_null", value)


def _isnull(site: Site) -> e.Expr:
    value = site.args[0]
    return e.FALSE if value.type is Type.STRING else site.call("logic.is_null", value)


def _condition(site: Site, place: int) -> e.Expr:
    return operators.truth(site.scope, site.args[place], site.node.args[place].span)


def _branches(site: Site, values: list[int], *, mixed: bool = False) -> tuple[list[e.Expr], Type]:
    """Return the results of branches in one type; results of different types are dynamic where that is allowed."""
    chosen = [site.args[i] for i in values]
    kind = coerce.meet([v.type for v in chosen])
    if kind is None and mixed:
        kind = Type.DYNAMIC
    if kind is None:
        types = ", ".join(dict.fromkeys(v.type.value for v in chosen))
        site.scope.context.quirk(104, f"the results of {site.node.function} have different types: {types}", span=site.span, help="convert them to one type")
        kind = Type.STRING
    return [coerce.fit(v, kind) for v in chosen], kind


def _iff(site: Site) -> e.Expr:
    (yes, no), kind = _branches(site, [1, 2], mixed=True)
    return e.Case(((_condition(site, 0), yes),), no, kind)


def _case(site: Site) -> e.Expr:
    count = len(site.args)
    if count % 2 == 0:
        return site.scope.error("E105", "case takes conditions and results in turn, and a last result", site.span)
    values, kind = _branches(site, [*range(1, count - 1, 2), count - 1], mixed=True)
    whens = tuple((_condition(site, 2 * i), v) for i, v in enumerate(values[:-1]))
    return e.Case(whens, values[-1], kind)


def _coalesce(site: Site) -> e.Expr:
    values, kind = _branches(site, list(range(len(site.args))))
    if kind is Type.STRING:
        kept = [site.call("logic.null_if", v, e.text("")) for v in values]
        return site.call("logic.coalesce", *kept, e.text(""), type=Type.STRING)
    return site.call("logic.coalesce", *values, type=kind)


def _extreme(meaning: str) -> Callable[[Site], e.Expr]:
    def lower(site: Site) -> e.Expr:
        values, kind = _branches(site, list(range(len(site.args))))
        return site.call(meaning, *values, type=kind)

    return lower


def _not(site: Site) -> e.Expr:
    return negate(_condition(site, 0))


def _now(site: Site) -> e.Expr:
    now = e.Parameter("now", Type.DATETIME)
    return site.call("time.add", now, site.span_of_time(0)) if site.has(0) else now


def _ago(site: Site) -> e.Expr:
    return site.call("time.subtract", e.Parameter("now", Type.DATETIME), site.span_of_time(0))


GENERAL: dict[str, Scalar] = {
    "tostring": convert(coerce.to_text), "toint": convert(lambda x: coerce.to_long(x, Type.INT)), "tolong": convert(coerce.to_long),
    "toreal": convert(coerce.to_real), "todouble": convert(coerce.to_real), "todecimal": convert(coerce.to_decimal), "tobool": convert(coerce.to_bool),
    "toboolean": convert(coerce.to_bool), "todatetime": convert(coerce.to_datetime), "totimespan": convert(coerce.to_timespan),
    "totime": convert(coerce.to_timespan), "toguid": convert(coerce.to_guid), "parse_json": Scalar(_parse_json, 1, 1), "parsejson": Scalar(_parse_json, 1, 1),
    "todynamic": Scalar(_parse_json, 1, 1), "toobject": Scalar(_parse_json, 1, 1), "isempty": Scalar(_isempty, 1, 1),
    "isnotempty": Scalar(lambda s: negate(_isempty(s)), 1, 1), "notempty": Scalar(lambda s: negate(_isempty(s)), 1, 1), "isnull": Scalar(_isnull, 1, 1),
    "isnotnull": Scalar(lambda s: negate(_isnull(s)), 1, 1), "notnull": Scalar(lambda s: negate(_isnull(s)), 1, 1), "iff": Scalar(_iff, 3, 3),
    "iif": Scalar(_iff, 3, 3), "case": Scalar(_case, 3, None), "coalesce": Scalar(_coalesce, 1, None), "max_of": Scalar(_extreme("compare.greatest"), 2, None),
    "min_of": Scalar(_extreme("compare.least"), 2, None), "not": Scalar(_not, 1, 1), "now": Scalar(_now, 0, 1), "ago": Scalar(_ago, 1, 1),
}  # fmt: skip

__all__ = ["GENERAL", "call", "convert"]
