"""Meanings of text forms: positions, padding, hashes, URLs, base64, code points, hexadecimal."""

from livefire.plan.functions.model import B, Function, J, L, R, S, example
from livefire.schema import Type

FUNCTIONS = (
    Function(
        "text.position_of",
        (5, 5),
        L,
        "place of the fifth-th occurrence (counted from 1) of the second in the first, beginning at or after the third and lying within as many"
        " characters as the fourth says (-1 for all); -1 when there is none",
        examples=(
            example(("abcabc", S), ("b", S), (2, L), (-1, L), (1, L), gives=4),
            example(("abcabc", S), ("b", S), (0, L), (-1, L), (2, L), gives=4),
            example(("abcabc", S), ("b", S), (0, L), (1, L), (1, L), gives=-1),
        ),
    ),
    Function("text.count_of", (2, 2), L, "occurrences of the second in the first, overlapping ones too", examples=(example(("aaa", S), ("aa", S), gives=2),)),
    Function("text.count_regex", (2, 2), L, "matches of an RE2 pattern that do not overlap", examples=(example(("aaa", S), ("aa", S), gives=1),)),
    Function(
        "text.extract_groups",
        (3, 3),
        J,
        "for every match of an RE2 pattern the array of its capture groups, whose numbers are a constant JSON array (third)",
        examples=(example(("a1b2", S), ("([a-z])([0-9])", S), ("[1,2]", S), gives='[["a","1"],["b","2"]]'),),
    ),
    Function("text.pad_left", (3, 3), S, "at least that many characters, filled at the start", examples=(example(("7", S), (3, L), ("0", S), gives="007"),)),
    Function(
        "text.translate",
        (3, 3),
        S,
        "each character of the second replaced by that of the third",
        examples=(example(("abc", S), ("ab", S), ("xy", S), gives="xyc"),),
    ),
    Function("text.bytes", (1, 1), L, "number of UTF-8 bytes", examples=(example(("é", S), gives=2),)),
    Function("encode.md5", (1, 1), S, "MD5 of the UTF-8 bytes, hexadecimal", examples=(example(("a", S), gives="0cc175b9c0f1b6a831c399e269772661"),)),
    Function(
        "encode.sha1", (1, 1), S, "SHA-1 of the UTF-8 bytes, hexadecimal", examples=(example(("a", S), gives="86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),)
    ),
    Function(
        "encode.sha256",
        (1, 1),
        S,
        "SHA-256 of the UTF-8 bytes, hexadecimal",
        examples=(example(("a", S), gives="ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),),
    ),
    Function(
        "encode.xxhash64",
        (1, 1),
        L,
        "XXH64 of the UTF-8 bytes of a text, or of the eight bytes of a whole number, the least first",
        # Of the algorithm's own test vectors: shorter and longer than a stripe of 32 bytes.
        examples=(
            example(("", S), gives=0xEF46DB3751D8E999 - 2**64),
            example(("abc", S), gives=0x44BC2CF5AD770999),
            example(("Nobody inspects the spammish repetition", S), gives=0xFBCEA83C8A378BF1 - 2**64),
            example((None, S), gives=None),
        ),
    ),
    Function("encode.url", (1, 1), S, "percent-encoded with lower-case digits", examples=(example(("a b/", S), gives="a%20b%2f"),)),
    Function("encode.url_decode", (1, 1), S, "percent-decoded", examples=(example(("a%20b%2f", S), gives="a b/"),)),
    Function(
        "encode.hex", (1, 1), S, "a 64-bit number in two's complement as lower-case hexadecimal", examples=(example((-256, L), gives="ffffffffffffff00"),)
    ),
    Function("encode.code_points", (1, 1), J, "array of code points", examples=(example(("ab", S), gives="[97,98]"),)),
    Function("encode.from_code_points", (1, 1), S, "text of an array of code points", examples=(example(("[97,98]", J), gives="ab"),)),
    Function(
        "encode.base64_bytes", (1, 1), J, "bytes of base64 as an array of numbers; null when it is none", examples=(example(("YWI=", S), gives="[97,98]"),)
    ),
    Function(
        "encode.parse_url",
        (1, 1),
        J,
        "the parts of an absolute URL: Scheme, Host, Port, Path, Username, Password, Query Parameters, Fragment",
        examples=(
            example(
                ("http://h:1/p?a=b#f", S),
                gives='{"Scheme":"http","Host":"h","Port":"1","Path":"/p","Username":"","Password":"","Query Parameters":{"a":"b"},"Fragment":"f"}',
            ),
        ),
    ),
    Function("encode.parse_query", (1, 1), J, "the parameters of a URL's query as an object", examples=(example(("a=b&c=d", S), gives='{"a":"b","c":"d"}'),)),
    Function("encode.csv_row", (1, 1), J, "the values of the first line of comma-separated text", examples=(example(('a,"b,c"', S), gives='["a","b,c"]'),)),
    Function(
        "address.ipv4_compare",
        (3, 3),
        L,
        "-1, 0 or 1 for two IPv4 addresses cut to the least of their own prefixes and the third; null when one is no address",
        "null for null or no address",
        examples=(example(("10.0.0.9/24", S), ("10.0.0.1", S), (32, L), gives=0), example(("10.0.0.1", S), ("10.0.0.2", S), (32, L), gives=-1)),
    ),
    Function(
        "address.ipv4_number",
        (1, 1),
        L,
        "an IPv4 address, cut to its prefix, as a number; null when it is none",
        examples=(example(("10.0.0.9/24", S), gives=167772160),),
    ),
    Function(
        "address.ipv4_prefix",
        (1, 1),
        L,
        "the prefix of an IPv4 address, 32 without one; null when it is no address",
        examples=(example(("10.0.0.0/8", S), gives=8),),
    ),
    Function("address.ipv4_text", (2, 2), S, "a number as an IPv4 address cut to a prefix", examples=(example((167772161, L), (24, L), gives="10.0.0.0"),)),
    Function(
        "address.in_text",
        (2, 2),
        B,
        "an IPv4 address occurs in a text, with no letter or digit beside it",
        examples=(example(("x 10.0.0.1,", S), ("10.0.0.1", S), gives=True),),
    ),
    Function("number.bit_and", (2, 2), L, "bits set in both", examples=(example((6, L), (3, L), gives=2),)),
    Function("number.bit_or", (2, 2), L, "bits set in either", examples=(example((6, L), (3, L), gives=7),)),
    Function("number.bit_xor", (2, 2), L, "bits set in one only", examples=(example((6, L), (3, L), gives=5),)),
    Function("number.bit_not", (1, 1), L, "bits turned", examples=(example((0, L), gives=-1),)),
    Function("number.shift_left", (2, 2), L, "bits moved up", examples=(example((1, L), (4, L), gives=16),)),
    Function("number.shift_right", (2, 2), L, "bits moved down", examples=(example((16, L), (4, L), gives=1),)),
    Function("number.bit_count", (1, 1), L, "number of bits set", examples=(example((7, L), gives=3),)),
    *(
        Function(f"number.{name}", (1, 1), R, summary)
        for name, summary in (
            ("sin", "sine"),
            ("cos", "cosine"),
            ("tan", "tangent"),
            ("cot", "cotangent"),
            ("asin", "arc sine; null outside -1 to 1"),
            ("acos", "arc cosine; null outside -1 to 1"),
            ("atan", "arc tangent"),
            ("log2", "binary logarithm; null at or below zero"),
            ("log10", "decimal logarithm; null at or below zero"),
            ("sinh", "hyperbolic sine"),
            ("cosh", "hyperbolic cosine"),
            ("tanh", "hyperbolic tangent"),
            ("asinh", "inverse hyperbolic sine"),
            ("acosh", "inverse hyperbolic cosine; NaN below one"),
            ("atanh", "inverse hyperbolic tangent; NaN outside -1 to 1"),
            ("cbrt", "cube root, of negative numbers too"),
            ("gamma", "gamma function"),
            ("loggamma", "logarithm of the gamma function"),
        )
    ),
    Function("number.atan2", (2, 2), R, "angle of a point given as y, x"),
    Function("number.is_nan", (1, 1), B, "the number is NaN", examples=(example((float("nan"), R), gives=True),)),
    Function("number.is_infinite", (1, 1), B, "the number is an infinity", examples=(example((1.0, R), gives=False),)),
    Function("time.zone_to_utc", (2, 2), Type.DATETIME, "a local time of a named zone as UTC"),
    Function("time.utc_to_zone", (2, 2), Type.DATETIME, "UTC as the local time of a named zone"),
    Function("time.of_parts", (6, 6), Type.DATETIME, "datetime of year, month, day, hour, minute, second (real); null when there is none"),
)
