"""DuckDB's spelling of the meanings over network addresses; blocks must be constant."""

from __future__ import annotations

import ipaddress

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

V4 = r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
V6 = r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*"


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
    return f"(CASE WHEN regexp_full_match({value}, '{V4}') THEN ({parts}) BETWEEN {low} AND {high} ELSE FALSE END)"


def _inside_v6(value: str, network: ipaddress.IPv6Network) -> str:
    """Write the address as 32 hexadecimal digits, which compare as the numbers do."""
    low, high = f"{int(network.network_address):032x}", f"{int(network.broadcast_address):032x}"
    head, tail = (f"list_filter(string_split(split_part(lower({value}), '::', {i}), ':'), LAMBDA g: g <> '')" for i in (1, 2))
    gap = f"list_transform(range(8 - len({head}) - len({tail})), LAMBDA i: '0000')"
    groups = f"list_transform({head} || {gap} || {tail}, LAMBDA g: lpad(CAST(g AS VARCHAR), 4, '0'))"
    digits = f"array_to_string({groups}, '')"
    shaped = f"regexp_full_match({value}, '{V6}') AND (contains({value}, '::') OR len({head}) = 8)"
    return f"(CASE WHEN {shaped} THEN {digits} BETWEEN '{low}' AND '{high}' ELSE FALSE END)"


def hex_v6(value: str) -> str:
    """Return the 32 hexadecimal digits of an IPv6 address."""
    head, tail = (f"list_filter(string_split(split_part(lower({value}), '::', {i}), ':'), LAMBDA g: g <> '')" for i in (1, 2))
    gap = f"list_transform(range(8 - len({head}) - len({tail})), LAMBDA i: '0000')"
    groups = f"list_transform({head} || {gap} || {tail}, LAMBDA g: lpad(CAST(g AS VARCHAR), 4, '0'))"
    return f"array_to_string({groups}, '')"


def _community_id(printer: Printer, call: Call) -> str:
    source, target, source_port, target_port, protocol = (printer.expr(a) for a in call.args)

    def address(value: str) -> str:
        parts = " || ".join(f"printf('%02x', CAST(split_part({value}, '.', {i}) AS INTEGER))" for i in range(1, 5))
        return f"(CASE WHEN regexp_full_match({value}, '{V4}') THEN {parts} WHEN regexp_full_match({value}, '{V6}') THEN {hex_v6(value)} END)"

    def port(value: str) -> str:
        return f"(CASE WHEN {value} BETWEEN 0 AND 65535 THEN printf('%04x', CAST({value} AS INTEGER)) END)"

    codes = (("tcp", "06"), ("6", "06"), ("udp", "11"), ("17", "11"), ("sctp", "84"), ("132", "84"))
    arms = " ".join(f"WHEN '{name}' THEN '{code}'" for name, code in codes)
    number = f"(CASE lower({protocol}) {arms} END)"
    # The smaller end comes first; hexadecimal digits of one length compare as the numbers do.
    pairs = f"list_sort([{address(source)} || ' ' || {port(source_port)}, {address(target)} || ' ' || {port(target_port)}])"
    ends = f"split_part(p[1], ' ', 1) || split_part(p[2], ' ', 1) || {number} || '00' || split_part(p[1], ' ', 2) || split_part(p[2], ' ', 2)"
    hashed = f"list_transform([{pairs}], LAMBDA p: '1:' || to_base64(unhex(sha1(unhex('0000' || {ends})))))[1]"
    known = f"{address(source)} IS NOT NULL AND {address(target)} IS NOT NULL AND {port(source_port)} IS NOT NULL AND {port(target_port)} IS NOT NULL"
    return f"(CASE WHEN {known} AND {number} IS NOT NULL THEN {hashed} END)"


def _prefix(printer: Printer, call: Call) -> str:
    four, six = (a.value if isinstance(a, e.Literal) else None for a in call.args[1:])
    if not isinstance(four, int) or not isinstance(six, int):
        raise ValueError("the lengths of prefixes must be constant")
    value = printer.expr(call.args[0])

    def kept(bits: int, place: int, width: int) -> int:
        """Return the mask of one part of the address."""
        whole = (1 << width) - 1
        return whole << (width - max(0, min(width, bits - width * place))) & whole

    octets = [f"CAST(CAST(split_part({value}, '.', {i + 1}) AS INTEGER) & {kept(four, i, 8)} AS VARCHAR)" for i in range(4)]
    groups = [f"printf('%x', CAST('0x' || substring(h, {4 * i + 1}, 4) AS INTEGER) & {kept(six, i, 16)})" for i in range(8)]
    dotted, coloned = " || '.' || ".join(octets), " || ':' || ".join(groups)
    plain = f"list_transform([{hex_v6(value)}], LAMBDA h: {coloned})[1]"
    return f"(CASE WHEN regexp_full_match({value}, '{V4}') THEN {dotted} WHEN regexp_full_match({value}, '{V6}') THEN {_shortest(plain)} END)"


def _shortest(plain: str) -> str:
    """Write the longest run of zero groups, the first of several, as `::`."""
    arms = []
    for size in range(8, 1, -1):
        run = ":".join(["0"] * size)
        arms.append(f"WHEN contains(p, ':{run}:') THEN regexp_replace(p, ':{run}:', '::')")
    trimmed = "regexp_replace(regexp_replace(q, '^:([^:])', '\\1'), '([^:]):$', '\\1')"
    return f"list_transform(list_transform([':' || {plain} || ':'], LAMBDA p: CASE {' '.join(arms)} ELSE p END), LAMBDA q: {trimmed})[1]"


FUNCTIONS: dict[str, Spelling] = {"text.cidr_contains": _cidr_contains, "network.community_id": _community_id, "network.prefix": _prefix}
