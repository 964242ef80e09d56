"""Meanings over network blocks as ranges of digits, and entropy, edit distance and patterns of texts."""

from livefire.plan.functions.model import B, Function, L, R, S, example

_OTHER = "null for what is no address"

FUNCTIONS = (
    Function(
        "address.digits",
        (1, 1),
        S,
        "an IPv4 or IPv6 address as 32 hexadecimal digits, which compare as the addresses do; IPv4 lies at ::ffff:0:0",
        _OTHER,
        examples=(
            example(("10.0.0.1", S), gives="00000000000000000000ffff0a000001"),
            example(("2001:db8::1", S), gives="20010db8000000000000000000000001"),
            example(("x", S), gives=None),
        ),
    ),
    Function(
        "address.block_first",
        (1, 1),
        S,
        "the first address of a block (CIDR; an address is a block of one) as address.digits",
        _OTHER,
        examples=(
            example(("10.0.7.9/21", S), gives="00000000000000000000ffff0a000000"),
            example(("2001:db8:ff::/34", S), gives="20010db8000000000000000000000000"),
            example(("x/8", S), gives=None),
        ),
    ),
    Function(
        "address.block_last",
        (1, 1),
        S,
        "the last address of a block (CIDR; an address is a block of one) as address.digits",
        _OTHER,
        examples=(
            example(("10.0.7.9/21", S), gives="00000000000000000000ffff0a0007ff"),
            example(("10.0.0.9", S), gives="00000000000000000000ffff0a000009"),
            example((None, S), gives=None),
        ),
    ),
    Function(
        "text.entropy",
        (1, 1),
        R,
        "Shannon entropy of the characters, in bits",
        examples=(example(("abab", S), gives=1.0), example(("aaaa", S), gives=0.0), example((None, S), gives=None)),
    ),
    Function(
        "text.edit_distance",
        (2, 2),
        L,
        "least number of characters to insert, delete or replace that makes one text the other",
        examples=(example(("kitten", S), ("sitting", S), gives=3), example(("", S), (None, S), gives=None)),
    ),
    Function(
        "text.fits_glob",
        (2, 2),
        B,
        "the whole text fits a pattern, not constant, in which * is any run of characters",
        examples=(
            example(("a.b_c", S), ("a.b_*", S), gives=True),
            example(("aXb", S), ("a%b", S), gives=False),
            example(("ab", S), ("AB", S), gives=False),
            example(("a", S), (None, S), gives=None),
        ),
    ),
)
