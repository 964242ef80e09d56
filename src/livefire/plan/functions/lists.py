"""Meanings over the elements of an array, and the most frequent value."""

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
        "agg.mode", (1, 1), "first", "the most frequent value; any of them where several are", "nulls are passed over; null when nothing is left", "aggregate"
    ),
)
