"""Meanings that encode, decode, digest and lay out text."""

from livefire.plan.functions.model import B, Function, J, L, R, S, example

FUNCTIONS = (
    Function(
        "text.digest",
        (2, 2),
        S,
        "hexadecimal digest of the UTF-8 bytes (constant second: md5, sha1 or sha256)",
        examples=(example(("a", S), ("md5", S), gives="0cc175b9c0f1b6a831c399e269772661"),),
    ),
    Function(
        "text.split_regex",
        (2, 2),
        J,
        "array of the parts between matches of an RE2 pattern",
        examples=(example(("a1b22c", S), ("[0-9]+", S), gives='["a","b","c"]'),),
    ),
    Function(
        "network.community_id",
        (5, 5),
        S,
        "Community ID v1 of source and target address, source and target port, and protocol (tcp, udp or sctp, or its number)",
        "null for other protocols and for what is no address or port",
        examples=(
            example(("128.232.110.120", S), ("66.35.250.204", S), (34855, L), (80, L), ("tcp", S), gives="1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            example(("10.0.0.1", S), ("10.0.0.2", S), (1, L), (2, L), ("icmp", S), gives=None),
        ),
    ),
    Function(
        "number.fixed",
        (3, 3),
        S,
        "a number with a constant number of decimals (second), and commas between thousands where the third, constant, is true",
        examples=(
            example((1234.5, R), (2, L), (False, B), gives="1234.50"),
            example((1234.5, R), (2, L), (True, B), gives="1,234.50"),
            example((2.0, R), (0, L), (False, B), gives="2"),
        ),
    ),
)
