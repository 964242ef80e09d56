"""Functions that cannot run on one machine over stored events, each with the reason and the nearest way."""

from __future__ import annotations

from livefire.languages.cql.handler import Function


def _refused(name: str, reason: str, help: str = "") -> Function:
    return Function(name, "refused", ("*",), reason=reason, help=help)


def _drawn(name: str) -> Function:
    return Function(name, "ignored", ("*",), reason="draws a picture and changes no rows here; the rows before it come out")


_LOOKUP = "test the field with in(), cidr() or a table of your own: match(file=…)"

FUNCTIONS = (
    _refused("ipLocation", "it needs a database of places, which is not part of this installation", _LOOKUP),
    _refused("asn", "it needs a database of networks, which is not part of this installation", _LOOKUP),
    _refused("rdns", "it asks name servers, and a run here asks no one", _LOOKUP),
    _refused("ioc:lookup", "it needs CrowdStrike's list of indicators", _LOOKUP),
    _drawn("worldMap"),
    _drawn("sankey"),
)
