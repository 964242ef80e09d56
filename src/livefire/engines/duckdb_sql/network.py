"""DuckDB's spelling of the meanings over network addresses; blocks must be constant."""

from __future__ import annotations

import ipaddress

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_V4 = r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_V6 = r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*"


def _cidr_contains(printer: Printer, call: Call) -> str:
    address, block = call.args
    if not isinstance(block, e.Literal) or not isinstance(block.value, str):
        raise ValueError("an address block must be constant")
    try:
        network = ipaddress.ip_network(block.value, strict=False)
    except ValueError:
        return f"(CASE WHEN {printer.expr(address)} IS NOT NULL THEN FALSE END)"
    value = printer.expr(address)
    inside = _inside_v4(value, network) if isinstance(network, ipaddress.IPv4Network) else _inside_v6(value, network)
    return f"(CASE WHEN {value} IS NOT NULL THEN {inside} END)"


def _inside_v4(value: str, network: ipaddress.IPv4Network) -> str:
    parts = " + ".join(f"CAST(split_part({value}, '.', {i + 1}) AS BIGINT) * {256 ** (3 - i)}" for i in range(4))
    low, high = int(network.network_address), int(network.broadcast_address)
    return f"(CASE WHEN regexp_full_match({value}, '{_V4}') THEN ({parts}) BETWEEN {low} AND {high} ELSE FALSE END)"


def _inside_v6(value: str, network: ipaddress.IPv6Network) -> str:
    """Write the address as 32 hexadecimal digits, which compare as the numbers do."""
    low, high = f"{int(network.network_address):032x}", f"{int(network.broadcast_address):032x}"
    head, tail = (f"list_filter(string_split(split_part(lower({value}), '::', {i}), ':'), LAMBDA g: g <> '')" for i in (1, 2))
    gap = f"list_transform(range(8 - len({head}) - len({tail})), LAMBDA i: '0000')"
    groups = f"list_transform({head} || {gap} || {tail}, LAMBDA g: lpad(CAST(g AS VARCHAR), 4, '0'))"
    digits = f"array_to_string({groups}, '')"
    shaped = f"regexp_full_match({value}, '{_V6}') AND (contains({value}, '::') OR len({head}) = 8)"
    return f"(CASE WHEN {shaped} THEN {digits} BETWEEN '{low}' AND '{high}' ELSE FALSE END)"


FUNCTIONS: dict[str, Spelling] = {"text.cidr_contains": _cidr_contains}
