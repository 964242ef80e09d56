"""Functions that look at other rows. https://learn.microsoft.com/kusto/query/window-functions"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from livefire.languages.kql import coerce, operators
from livefire.languages.kql.calls import Scalar, Site
from livefire.languages.kql.scope import fill
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import any_of, call, window
from livefire.schema import Schema, Type

_BEFORE: tuple[int | None, int | None] = (None, 0)


def keep(site: Site, found: e.WindowCall | n.Recurrence) -> e.Expr:
    """Set a row function aside for a window and return the column it will be."""
    gathered = site.scope.gathered
    if gathered is None or site.scope.relation is None or gathered.aggregates is not None:
        return site.scope.error("E104", f"{site.node.function}() stands only where rows are in order, as in extend after sort", site.span)
    if not site.scope.relation.ordered and not site.scope.open:
        message = f"{site.node.function}() needs rows in order, and these have none"
        site.scope.context.quirk(120, message, span=site.span, help="put `| sort by …` or `| serialize` before")
    name = site.scope.state.name("window")
    gathered.windows.append(n.Item(name, found) if isinstance(found, e.WindowCall) else replace(found, carried=(replace(found.carried[0], name=name),)))
    return e.Column(name, found.type if isinstance(found, e.WindowCall) else found.carried[0].expr.type)


def _parts(site: Site, place: int) -> tuple[e.Expr, ...]:
    """Return the key of the stretch of rows since the last restart, if there is a restart."""
    outer = tuple(site.scope.columns[x] for x in site.scope.relation.partition) if site.scope.relation is not None else ()
    if not site.has(place) or (isinstance(site.args[place], e.Literal) and site.args[place].value is False):  # type: ignore[union-attr]  # a literal has a value
        return outer
    restart = operators.truth(site.scope, site.args[place], site.node.args[place].span)
    step = e.Case(((restart, e.whole(1)),), e.whole(0), Type.LONG)
    return (*outer, keep(site, window("agg.sum", step, type=Type.LONG, partition_by=outer, frame=_BEFORE, row_order=True)))


def _row_number(site: Site) -> e.Expr:
    parts = _parts(site, 1)
    found = keep(site, window("window.row_number", partition_by=parts, row_order=True, span=site.span))
    if not site.has(0):
        return found
    start = operators.around("number.subtract", coerce.narrow(site.long(0), Type.LONG), e.whole(1), Type.LONG)
    return operators.around("number.add", found, start, Type.LONG)


def _new_guid(site: Site) -> e.Expr:
    """A guid that no other row and no other call has; it is the same in every run, where Kusto draws another."""
    site.scope.context.diagnostics.notice("N128", "Kusto draws these at random; here a row has the same guid in every run", site.span)
    place, gathered = site.scope.state.name("guid"), site.scope.gathered
    number: e.Expr = e.whole(0)
    if gathered is not None and gathered.aggregates is None:
        gathered.windows.append(n.Item(place, window("window.row_number", row_order=True)))
        number = e.Column(place, Type.LONG)
    return coerce.to_guid(call("encode.md5", call("text.concat", e.text(place), call("number.text", number))))


def _neighbour(meaning: str) -> Callable[[Site], e.Expr]:
    def lower(site: Site) -> e.Expr:
        value = site.args[0]
        extra: list[e.Expr] = [e.whole(site.constant_long(1, 1))] if site.has(1) else []
        if site.has(2):
            extra.append(coerce.fit(site.args[2], value.type))
        return fill(keep(site, window(meaning, value, *extra, partition_by=_parts(site, 3), row_order=True, span=site.span)))

    return lower


def _cumsum(site: Site) -> e.Expr:
    value = site.args[0]
    if value.type is Type.DYNAMIC:
        value = coerce.to_real(value)
    if value.type is Type.INT or value.type is Type.UNKNOWN:
        value = coerce.fit(value, Type.LONG)
    if not value.type.numeric and value.type is not Type.TIMESPAN:
        return site.scope.error("E104", f"row_cumsum adds numbers, not a {value.type.value}", site.node.args[0].span)
    parts = _parts(site, 1)
    total = "agg.sum" if value.type in (Type.REAL, Type.DECIMAL) else "agg.sum_wrapping"
    found = keep(site, window(total, value, type=value.type, partition_by=parts, frame=_BEFORE, row_order=True, span=site.span))
    return call("logic.coalesce", found, coerce.fit(e.whole(0), value.type))


def _changes(site: Site, parts: tuple[e.Expr, ...]) -> e.Expr:
    """Return 1 in each row whose value differs from the one before in its stretch."""
    value = site.args[0]
    before = keep(site, window("window.previous", value, partition_by=parts, row_order=True))
    number = keep(site, window("window.row_number", partition_by=parts, row_order=True))
    same = call("compare.same", value, before)
    return e.Case(((call("compare.eq", number, e.whole(1)), e.whole(0)), (same, e.whole(0))), e.whole(1), Type.LONG)


def _rank_dense(site: Site) -> e.Expr:
    parts = _parts(site, 1)
    steps = keep(site, window("agg.sum", _changes(site, parts), type=Type.LONG, partition_by=parts, frame=_BEFORE, row_order=True))
    return call("number.add", steps, e.whole(1), type=Type.LONG)


def _rank_min(site: Site) -> e.Expr:
    parts = _parts(site, 1)
    number = keep(site, window("window.row_number", partition_by=parts, row_order=True))
    changed = call("compare.eq", _changes(site, parts), e.whole(1))
    start = e.Case(((changed, number), (call("compare.eq", number, e.whole(1)), number)), e.null(Type.LONG), Type.LONG)
    return keep(site, window("agg.max", start, type=Type.LONG, partition_by=parts, frame=_BEFORE, row_order=True))


def _session(site: Site) -> e.Expr:
    """When the session of a row began: a new one begins after a long pause, a long session, or where it is told to."""
    value, longest, pause = site.moment(0), site.span_of_time(1), site.span_of_time(2)
    parts = tuple(site.scope.columns[x] for x in site.scope.relation.partition) if site.scope.relation is not None else ()
    before = keep(site, window("window.previous", value, partition_by=parts, row_order=True))
    start = e.Column(site.scope.state.name("session"), Type.DATETIME)
    ends: list[e.Expr] = [
        call("logic.is_null", start),
        call("compare.gt", call("time.difference", value, before, type=Type.TIMESPAN), pause),
        call("compare.gt", call("time.difference", value, start, type=Type.TIMESPAN), longest),
    ]
    if site.has(3):
        ends.append(operators.truth(site.scope, site.args[3], site.node.args[3].span))
    began = e.Case(((any_of(*(call("logic.is_true", x) for x in ends)), value),), start, Type.DATETIME)
    keys = tuple(p for p in parts if isinstance(p, e.Column))
    carried = n.Carried("", start.name, e.null(Type.DATETIME), began)
    return keep(site, n.Recurrence(n.Values(Schema(()), ()), keys, (), (carried,), span=site.span))


ROWS: dict[str, Scalar] = {
    "row_window_session": Scalar(_session, 3, 4),
    "row_number": Scalar(_row_number, 0, 2), "prev": Scalar(_neighbour("window.previous"), 1, 3), "next": Scalar(_neighbour("window.next"), 1, 3),
    "row_cumsum": Scalar(_cumsum, 1, 2), "row_rank_dense": Scalar(_rank_dense, 1, 2), "row_rank": Scalar(_rank_dense, 1, 2),
    "row_rank_min": Scalar(_rank_min, 1, 2), "new_guid": Scalar(_new_guid, 0, 0),
}  # fmt: skip
