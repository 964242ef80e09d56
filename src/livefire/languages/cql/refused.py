"""Functions that cannot run on one machine over stored events, each with the reason and the nearest way."""

from __future__ import annotations

from livefire.languages.cql.handler import Function


def _refused(name: str, reason: str, help: str = "") -> Function:
    return Function(name, "refused", ("*",), reason=reason, help=help)


def _drawn(name: str) -> Function:
    return Function(name, "ignored", ("*",), reason="draws a picture and changes no rows here; the rows before it come out")


_LOOKUP = "test the field with in(), cidr() or a table of your own: match(file=…)"

_NOT_BUILT = (
    "array:intersection", "array:reduceAll", "array:reduceColumn", "array:reduceRow", "array:sort", "array:union", "bitfield:extractFlags",
    "bitfield:extractFlagsAsArray", "bitfield:extractFlagsAsString", "callFunction", "counterAsRate", "cross", "duration", "eventFieldCount",
    "eventInternals", "eventSize", "explain:asTable", "fieldset", "fieldstats", "findTimestamp", "formatDuration", "geography:distance", "geohash",
    "hash", "hashMatch", "hashRewrite", "json:prettyPrint", "linReg", "lookup", "lowercase", "objectArray:filter", "parseCEF",
    "parseCsv", "parseFixedWidth", "parseHexString", "parseLEEF", "parseUri", "parseUrl", "parseXml", "rate", "sample", "selfJoin", 
    "setTimeInterval", "shannonEntropy", "subnet", "text:editDistance", "text:positionOf", "tokenHash",
    "transpose", "uniq", "unit:convert", "window", "writeJson", "xml:prettyPrint", "math:mod", "math:pow", "math:log10", "math:log2",
)  # fmt: skip

FUNCTIONS = (
    *(_refused(name, "it is known, but not built yet") for name in _NOT_BUILT),
    _refused("correlate", "the matching of its queries is not built for CQL yet", "join or selfJoinFilter finds events that share a key"),
    _refused("ipLocation", "it needs a database of places, which is not part of this installation", _LOOKUP),
    _refused("asn", "it needs a database of networks, which is not part of this installation", _LOOKUP),
    _refused("rdns", "it asks name servers, and a run here asks no one", _LOOKUP),
    _refused("ioc:lookup", "it needs CrowdStrike's list of indicators", _LOOKUP),
    _drawn("worldMap"),
    _drawn("sankey"),
)
