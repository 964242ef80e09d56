"""Meanings over the elements of an array, digests of text, and the most frequent value."""

from livefire.plan.functions.model import B, Function, J, L, S, example

_NULL = "null if the array is null"

FUNCTIONS = (
    Function("list.filter", (2, 2), J, "array of the elements for which the condition (lambda) is true", _NULL),
    Function(
        "list.overlaps_fold",
        (2, 2),
        B,
        "an element of the one array is an element of the other, without regard to case",
        examples=(example(('["A","b"]', J), ('["a"]', J), gives=True), example(('["a"]', J), ("[]", J), gives=False)),
    ),
    Function(
        "list.zip",
        (3, 3),
        J,
        "array of the texts of elements at equal places of two arrays with the third between them, as long as the shorter",
        examples=(example(('["a","b"]', J), ("[1,2,3]", J), (",", S), gives='["a,1","b,2"]'),),
    ),
    Function(
        "list.position_regex",
        (2, 2),
        L,
        "place, counted from 0, of the first element whose text an RE2 pattern matches somewhere; null when none does",
        "null when an argument is null or nothing matches",
        examples=(example(('["ab","b"]', J), ("^b", S), gives=1), example(('["a"]', J), ("z", S), gives=None)),
    ),
    Function(
        "text.md5", (1, 1), S, "MD5 of the UTF-8 bytes, in lower-case hexadecimal", examples=(example(("", S), gives="d41d8cd98f00b204e9800998ecf8427e"),)
    ),
    Function(
        "text.sha1",
        (1, 1),
        S,
        "SHA-1 of the UTF-8 bytes, in lower-case hexadecimal",
        examples=(example(("", S), gives="da39a3ee5e6b4b0d3255bfef95601890afd80709"),),
    ),
    Function(
        "text.sha256",
        (1, 1),
        S,
        "SHA-256 of the UTF-8 bytes, in lower-case hexadecimal",
        examples=(example(("", S), gives="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),),
    ),
    Function("text.url_decode", (1, 1), S, "%XX escapes as the characters they stand for; + stays", examples=(example(("%41+b", S), gives="A+b"),)),
    Function(
        "agg.mode", (1, 1), "first", "the most frequent value; any of them where several are", "nulls are passed over; null when nothing is left", "aggregate"
    ),
)
