"""Meanings over network addresses as text."""

from livefire.plan.functions.model import Function, L, S, example

FUNCTIONS = (
    Function(
        "network.prefix",
        (3, 3),
        S,
        "an address with the bits after its prefix at zero; the constant prefixes are those of IPv4 (second) and of IPv6 (third)",
        "null for null and for what is no address",
        examples=(
            example(("203.0.113.77", S), (20, L), (0, L), gives="203.0.112.0"),
            example(("2001:db8:aaaa:1::5", S), (0, L), (34, L), gives="2001:db8:8000::"),
            example(("fe80::1:0:0:7", S), (0, L), (128, L), gives="fe80::1:0:0:7"),
            example(("host", S), (8, L), (8, L), gives=None),
        ),
    ),
)
