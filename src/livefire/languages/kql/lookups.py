"""Functions that look values up in lists: the places of addresses, and what user agents are.

The list of places is the site's own file; without one a public address ends the run. User agents are read with
the patterns of the uap-core project, which the optional package ua-parser brings.
https://learn.microsoft.com/kusto/query/geo-info-from-ip-address-function
https://learn.microsoft.com/kusto/query/parse-user-agent-function
"""

from __future__ import annotations

import json
from typing import Any

from livefire.languages.kql.calls import Scalar, Site, stopped
from livefire.languages.kql.rows import with_windows
from livefire.languages.kql.scope import SITE
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call
from livefire.schema import Field, Schema, Type

PLACES = "places"
_PARTS = {"browser": "Browser", "os": "OperatingSystem", "device": "Device"}
_TOO_MANY = 50_000


def joined(site: Site, right: n.Plan, on: e.Expr, found: str) -> e.Expr:
    """Return a column of rows that are joined to those at hand, at most one each."""
    if site.scope.gathered is None or site.scope.gathered.aggregates is not None:
        return site.refuse("a list is looked up in extend, project, where, sort or after by only", "put it into extend before")
    site.scope.gathered.windows.append(n.Join(n.Values(Schema(()), ()), right, "left", on, site.span))
    return e.Column(found, Type.DYNAMIC)


def _geo(site: Site) -> e.Expr:
    address = call("address.ipv6_digits", site.string(0))
    table = site.scope.context.catalog.find(PLACES, SITE)
    if table is None:
        words = "geo_info_from_ip_address: the site declares no places.csv with the places of addresses"
        return stopped(call("logic.not", call("logic.is_null", address)), words)
    first, last, found = (site.scope.state.name(x) for x in ("first", "last", "place"))
    parts: list[e.Expr] = []
    for name in ("country", "state", "city", "latitude", "longitude"):
        column = n.column(table.plan, name) if name in table.plan.schema else e.text("")
        number = call("convert.text_real", column) if name.endswith("itude") else column
        parts.extend((e.text(name), call("dynamic.of", number)))
    names = (n.Item(first, n.column(table.plan, "first")), n.Item(last, n.column(table.plan, "last")))
    right = n.Project(table.plan, (*names, n.Item(found, call("dynamic.object", *parts))))
    on = call("logic.and", call("compare.ge", address, e.Column(first, Type.STRING)), call("compare.le", address, e.Column(last, Type.STRING)))
    if isinstance(site.args[0], e.Literal):
        return e.ScalarQuery(n.Project(n.Filter(right, on), (n.Item(found, e.Column(found, Type.DYNAMIC)),)), Type.DYNAMIC)
    return joined(site, right, on, found)


def _wanted(site: Site) -> list[str] | None:
    """Return the parts of an agent that are asked for, by name or in a constant array."""
    given = site.args[1]
    if not isinstance(given, e.Literal) or given.value is None:
        return None
    asked = json.loads(str(given.value)) if given.type is Type.DYNAMIC else given.value
    names = [str(x).lower() for x in (asked if isinstance(asked, list) else [asked])]
    return names if names and all(x in _PARTS for x in names) else None


def _user_agent(site: Site) -> e.Expr:
    wanted = _wanted(site)
    if wanted is None:
        return site.scope.error("E107", "what is looked for is browser, os, device, or a constant array of these", site.node.args[1].span)
    try:
        import ua_parser
    except ImportError:
        return site.refuse("the patterns of user agents are not installed", "install livefire with its extra: livefire[useragents]")
    text = site.string(0)
    if isinstance(text, e.Literal):
        return e.Literal(_described(ua_parser, str(text.value or ""), wanted), Type.DYNAMIC)
    relation, gathered, probe = site.scope.relation, site.scope.gathered, site.scope.context.probe
    if probe is None or relation is None or gathered is None or gathered.aggregates is not None:
        return stopped(call("compare.ne", text, e.text("")), "parse_user_agent: the agents have to be looked at before the query runs")

    agent, found = site.scope.state.name("agent"), site.scope.state.name("described")
    agents = [str(row[0]) for row in probe(n.Limit(n.Distinct(n.Project(with_windows(relation, gathered), (n.Item(agent, text),))), _TOO_MANY + 1))]
    if len(agents) > _TOO_MANY:
        return site.refuse(f"the rows hold more than {_TOO_MANY:,} different agents", "filter the rows first")
    rows = tuple((a, _described(ua_parser, a, wanted)) for a in sorted(agents))
    right = n.Values(Schema((Field(agent, Type.STRING), Field(found, Type.DYNAMIC))), rows)
    return joined(site, right, call("compare.eq", text, e.Column(agent, Type.STRING)), found)


def _described(parser: Any, agent: str, wanted: list[str]) -> str:
    """Return the parts of an agent as JSON; what is not known is an empty text, and its family Other."""
    # A lone surrogate, which a query can write, is no text that the patterns read.
    agent = agent.encode("utf-8", "replace").decode("utf-8")
    read = parser.parse(agent)

    def part(value: Any, members: dict[str, str]) -> dict[str, str]:
        return {name: getattr(value, key, None) or ("Other" if name == "Family" else "") for name, key in members.items()}

    version = {"Family": "family", "MajorVersion": "major", "MinorVersion": "minor", "Patch": "patch"}
    parts = {
        "browser": part(read.user_agent, version),
        "os": part(read.os, {**version, "PatchMinor": "patch_minor"}),
        "device": part(read.device, {"Family": "family", "Brand": "brand", "Model": "model"}),
    }
    return json.dumps({_PARTS[x]: parts[x] for x in wanted}, ensure_ascii=False, separators=(",", ":"))


LOOKUPS: dict[str, Scalar] = {"geo_info_from_ip_address": Scalar(_geo, 1, 1), "parse_user_agent": Scalar(_user_agent, 2, 2)}
