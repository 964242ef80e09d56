"""`iplocation`: where an address is, from a database of places that the user declares.

The database is a table `ip_locations` (a CSV file of that name, or rows loaded), which holds a block of
addresses in `network` (CIDR) and what is known of it in `country`, `city`, `region` (or `state`), `lat`, `lon`,
and for allfields=true in `continent`, `timezone`, `metrocode`. Without it a run is refused.
https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Iplocation
"""

from __future__ import annotations

from dataclasses import replace

from livefire.languages.kit.ast import Name
from livefire.languages.spl import nodes as s
from livefire.languages.spl.frame import Frame, columns
from livefire.languages.spl.rows import numbered
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.tables import events
from livefire.languages.spl.values import is_multi, only_of, text_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.expr import SortKey
from livefire.plan.functions import all_of, call, window
from livefire.schema import Type

_TABLE = "ip_locations"
# Each field of Splunk's with the columns of the database that it is read from, the first that is there.
_FIELDS = {
    "City": ("city",),
    "Country": ("country", "country_name"),
    "Region": ("region", "state", "subdivision"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "longitude"),
}
_MORE = {"Continent": ("continent",), "MetroCode": ("metrocode", "metro_code"), "Timezone": ("timezone", "time_zone")}


def lower_location(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`iplocation`: the fields of the smallest block that the address lies in; an address in none leaves them without a value."""
    scope.known("iplocation", node.options, "prefix", "allfields", "lang")
    prefix = scope.option(node.options, "prefix")
    if len(node.words) != 1:
        scope.refuse("E201", f"iplocation takes one field, got {len(node.words)}", node.span)
    wanted = {**_FIELDS, **_MORE} if scope.flag(node.options, "allfields") else _FIELDS
    table = scope.context.catalog.table(_TABLE)
    if table is None or table.vendor:
        _without_database(node, scope)
        return replace(frame.extended(*(n.Item(prefix + x, e.null(Type.STRING)) for x in wanted), span=node.span), wild=frame.wild)
    address = scope.field(frame, Name(node.words[0].text, node.words[0].span, quoted=True))
    if is_multi(address):
        scope.several(node.span, "a row with several addresses ends the run")
        address = only_of(address, "iplocation")
    return _located(node, frame, table, call("address.digits", text_of(address), span=node.span), {prefix + x: names for x, names in wanted.items()}, scope)


def _without_database(node: s.Plain, scope: Scope) -> None:
    help = f"declare a table {_TABLE}: a block of addresses in network, and country, city, region, lat, lon"
    if scope.context.open_schema:
        scope.warn("W155", f"iplocation needs a database of places: a run without the table {_TABLE} is refused", node.span, help)
    else:
        scope.context.diagnostics.error("E155", f"iplocation needs a database of places, and no table {_TABLE} is declared", node.span, help=help)


def _located(node: s.Plain, frame: Frame, table: Table, digits: e.Expr, wanted: dict[str, tuple[str, ...]], scope: Scope) -> Frame:
    held = events(table, ())
    by_name = {x.casefold(): held.column(x) for x in held.known}
    if "network" not in by_name:
        scope.refuse("E102", f"the table {_TABLE} has no column network", node.span, help="it holds blocks such as 10.0.0.0/8")
    read = {target: next((by_name[x] for x in names if x in by_name), None) for target, names in wanted.items()}
    first, last, asked, rank = (scope.name(x) for x in ("first", "last", "address", "rank"))
    found = {target: scope.name("place") for target in wanted}
    block = text_of(by_name["network"])
    items = [n.Item(first, call("address.block_first", block)), n.Item(last, call("address.block_last", block))]
    items += [n.Item(found[x], text_of(c) if c is not None else e.null(Type.STRING)) for x, c in read.items()]
    blocks = n.Project(held.plan, tuple(items), node.span)
    rows, row = numbered(frame.extended(n.Item(asked, digits), span=node.span), (), scope)
    low, high, place = e.Column(first, Type.STRING), e.Column(last, Type.STRING), e.Column(row, Type.LONG)
    within = all_of(call("compare.ge", rows.column(asked), low), call("compare.le", rows.column(asked), high))
    joined = n.Join(rows.plan, blocks, "left", within, node.span)
    # Of the blocks that hold an address the smaller one begins later, or ends earlier.
    smallest = window("window.row_number", partition_by=(place,), order_by=(SortKey(low, descending=True), SortKey(high)))
    best = n.Window(joined, (n.Item(rank, smallest),), node.span)
    kept = n.Filter(best, call("compare.eq", e.Column(rank, Type.LONG), e.whole(1)), node.span)
    ordered = n.Sort(kept, (SortKey(place),), node.span)
    sides = columns(ordered)
    items = [n.Item(x, sides[x]) for x in frame.known if x not in wanted]
    items += [n.Item(target, sides[column]) for target, column in found.items()]
    return replace(frame, plan=n.Project(ordered, tuple(items), node.span), quiet=frame.quiet - set(wanted))
