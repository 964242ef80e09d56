"""Functions that look an address up in a database: ipLocation, asn, rdns and ioc:lookup.

The database is a table that the user declares; without it a run is refused. `ip_locations` and
`ip_networks` hold a block of addresses (CIDR) in `network`, `host_names` an address in `ip`, and
`indicators` an `indicator` with its `type`.
https://library.humio.com/data-analysis/functions-iplocation.html
"""

from __future__ import annotations

from collections.abc import Callable

from livefire.languages.cql import coerce
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.lookups import attach
from livefire.languages.cql.rows import is_null
from livefire.languages.cql.source import TableBase
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import all_of, call, window
from livefire.schema import Type

Run = Callable[[Lower, Event, Bound], None]
_LOCATION = ("country", "city", "state", "lat", "lon")
_NETWORK = ("asn", "org")
_HELP = "test the field with in(), cidr() or a table of your own: match(file=…)"


def _database(bound: Bound, name: str, what: str) -> Table | None:
    """Return the table that the user declared; without it a check says so and a run is refused."""
    named = bound.context.options.get(name)
    found = bound.context.catalog.table(str(named) if named is not None else name)
    if found is not None and not found.vendor:
        return found
    help = f"load a table named {name!r}, or {_HELP}"
    if bound.context.open_schema:
        bound.context.diagnostics.warn("W101", f"{bound.function.name} needs {what}: a run without the table {name!r} is refused", bound.span, help=help)
    else:
        bound.context.diagnostics.error(
            "E302", f"{bound.function.name} does not run here: it needs {what}, and no table {name!r} is loaded", bound.span, help=help
        )
    return None


def _in_blocks(name: str, what: str, columns: tuple[str, ...]) -> Run:
    def run(_: Lower, event: Event, bound: Bound) -> None:
        """https://library.humio.com/data-analysis/functions-iplocation.html"""
        field = bound.field("field", "ip") or "ip"
        prefix = bound.text("as") or field
        table = _database(bound, name, what)
        address = event.read(field)
        if table is None or is_null(address):
            for column in columns:
                event.mentioned.setdefault(f"{prefix}.{column}")
            return
        base = TableBase(table)
        block = base.read("network")
        if block is None:
            bound.context.diagnostics.error("E102", f"the table {table.name!r} has no column 'network'", bound.span, help="it holds blocks such as 10.0.0.0/8")
            return
        found = _narrowest(event, table, block, {c: v for c in columns if (v := base.read(c)) is not None}, address, bound)
        for column in columns:
            if column in found:
                event.assign(f"{prefix}.{column}", found[column])
            else:
                event.mentioned.setdefault(f"{prefix}.{column}")

    return run


def _narrowest(event: Event, table: Table, block: e.Expr, columns: dict[str, e.Expr], address: e.Expr, bound: Bound) -> dict[str, e.Expr]:
    """Bring to each event the columns of the smallest block that its address lies in; there is one row an event as before."""
    digits = event.hold(call("address.digits", coerce.text(address), span=bound.span))
    row = n.Item(event.rows.fresh(), window("window.row_number", row_order=True))
    left = n.Window(event.rows.flush(), (row,), bound.span)
    first, last = event.rows.fresh(), event.rows.fresh()
    names = {column: event.rows.fresh() for column in columns}
    blocks = n.Project(
        table.plan,
        (
            n.Item(first, call("address.block_first", coerce.text(block))),
            n.Item(last, call("address.block_last", coerce.text(block))),
            *(n.Item(names[c], coerce.text(v) if v.type is Type.DYNAMIC else v) for c, v in columns.items()),
        ),
        bound.span,
    )
    low, high = e.Column(first, Type.STRING), e.Column(last, Type.STRING)
    joined = n.Join(left, blocks, "left", all_of(call("compare.ge", digits, low), call("compare.le", digits, high)), bound.span)
    # Of blocks that hold an address, the smaller begins later, or ends earlier.
    best = window("window.row_number", partition_by=(e.Column(row.name, Type.LONG),), order_by=(e.SortKey(low, True), e.SortKey(high)))
    rank = n.Item(event.rows.fresh(), best)
    ranked = n.Window(joined, (rank,), bound.span)
    kept = n.Filter(ranked, call("compare.eq", e.Column(rank.name, Type.LONG), e.whole(1)), bound.span)
    event.rows.wrap(n.Sort(kept, (e.SortKey(e.Column(row.name, Type.LONG)),), bound.span))
    return {column: n.column(kept, name) for column, name in names.items()}


def _host_name(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-rdns.html"""
    field = bound.field("field")
    if field is None:
        bound.need("field")
        return
    target = bound.text("as", "hostname") or "hostname"
    event.mentioned.setdefault(target)
    table = _database(bound, "host_names", "the names of addresses, for a run here asks no server")
    if table is None or is_null(event.read(field)):
        return
    right = Event(lower.rows(table.plan), TableBase(table))
    before = event.fields.get("hostname")
    attach(event, right, [(field, "ip")], ["hostname"], span=bound.span)
    if target != "hostname":
        event.assign(target, event.peek("hostname"))
        if before is not None:
            event.fields["hostname"] = before
        else:
            event.drop("hostname")
            event.mentioned.pop("hostname", None)


def _indicators(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-ioc-lookup.html"""
    words = bound.fields("field")
    if bound.need("field") is None:
        return
    kind = bound.text("type")
    table = _database(bound, "indicators", "CrowdStrike's list of indicators")
    event.mentioned.setdefault("ioc.detected")
    if table is None or bound.refuse("confidenceThreshold", "include", "prefix"):
        return
    columns = [c for c in TableBase(table).names if c != "indicator"]
    found: list[e.Expr] = []
    for place, word in enumerate(words):
        right = Event(lower.rows(table.plan), TableBase(table))
        if kind is not None:
            right.keep(coerce.certain(call("compare.eq", coerce.text(right.read("type")), e.text(kind))), bound.span)
        probe = event.fork()
        hit = attach(probe, right, [(word.text, "indicator")], columns, fold=True, span=bound.span)
        found.append(hit)
        event.assign(f"ioc[{place}].indicator", event.hold(e.Case(((hit, coerce.text(event.peek(word.text))),), e.null(Type.STRING), Type.STRING)))
        for column in columns:
            value = coerce.text(probe.peek(column))
            event.assign(f"ioc[{place}].{column}", event.hold(e.Case(((hit, value),), e.null(Type.STRING), Type.STRING)))
    hit = event.hold(call("logic.or", *found) if len(found) > 1 else found[0])
    event.assign("ioc.detected", e.Case(((hit, e.text("true")),), e.null(Type.STRING), Type.STRING))
    if bound.flag("strict"):
        event.keep(hit, bound.span)


_LOOKED_UP = ("field", "type", "confidenceThreshold", "strict", "include", "prefix")

FUNCTIONS = (
    Function("ipLocation", "step", ("field", "as"), _in_blocks("ip_locations", "a database of places", _LOCATION)),
    Function("asn", "step", ("field", "as"), _in_blocks("ip_networks", "a database of networks", _NETWORK)),
    Function("rdns", "step", ("field", "as", "server", "limit"), _host_name, "hostname"),
    Function("reverseDns", "step", ("field", "as", "server", "limit"), _host_name, "hostname"),
    Function("ioc:lookup", "step", _LOOKED_UP, _indicators),
)
