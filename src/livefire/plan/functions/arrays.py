"""Meanings over arrays and bags as whole values: membership, sets, order, ranges."""

from livefire.plan.functions.model import B, Function, J, Kind, L, R, S, example
from livefire.schema import Type

_A: Kind = "aggregate"
_SKIP = "nulls are passed over"

FUNCTIONS = (
    Function(
        "array.holds",
        (2, 2),
        B,
        "an element of the array (first) is this value (second, dynamic); numbers are compared by value",
        examples=(example(('["a",1]', J), ("1", J), gives=True), example(('["a"]', J), ('"A"', J), gives=False)),
    ),
    Function(
        "array.holds_fold",
        (2, 2),
        B,
        "as array.holds, texts without regard to case",
        examples=(example(('["a"]', J), ('"A"', J), gives=True), example(('["a"]', J), ('"b"', J), gives=False)),
    ),
    Function(
        "array.any_term_fold",
        (2, 2),
        B,
        "a text (first) has an element of the array as a term, without regard to case",
        examples=(example(("North America", S), ('["x","america"]', J), gives=True), example(("North", S), ('["nor"]', J), gives=False)),
    ),
    Function(
        "array.every_term_fold",
        (2, 2),
        B,
        "a text (first) has every element of the array as a term, without regard to case",
        examples=(example(("North America", S), ('["north","america"]', J), gives=True), example(("North", S), ('["north","x"]', J), gives=False)),
    ),
    Function(
        "array.element_of",
        (2, 2),
        J,
        "element or member by a dynamic index: a whole number (from the end when negative) or a text; null when there is none",
        examples=(example(("[1,2]", J), ("1", J), gives="2"), example(('{"a":3}', J), ('"a"', J), gives="3")),
    ),
    Function(
        "array.range",
        (3, 3),
        J,
        "numbers from the first to at most the second by the third; no more than 1,048,576 of them",
        examples=(example((1, L), (5, L), (2, L), gives="[1,3,5]"), example((3, L), (1, L), (1, L), gives="[]")),
    ),
    Function(
        "array.range_datetime",
        (3, 3),
        J,
        "datetimes as ISO 8601 texts from the first to at most the second, a timespan apart; no more than 1,048,576 of them",
    ),
    Function("agg.list_all", (1, 1), J, "array of the values in row order, nulls as JSON null", "an empty array of no rows", _A, ordered=True),
    Function("agg.list_of_elements", (1, 1), J, "array of the values in row order, an array standing for its elements", _SKIP, _A, ordered=True),
    Function(
        "agg.set_of_elements",
        (1, 1),
        J,
        "array of the different values in order of first appearance, an array standing for its elements",
        _SKIP,
        _A,
        ordered=True,
    ),
    Function("agg.merge_objects", (1, 1), J, "one object of the members of all, the first value of a name kept", _SKIP, _A, ordered=True),
    Function(
        "agg.arg_max_or_first",
        (2, 2),
        "first",
        "the first argument in the row with the greatest second; in the first row when every second is null",
        "null when there is no row, or the value is null",
        _A,
    ),
    Function(
        "agg.arg_min_or_first",
        (2, 2),
        "first",
        "the first argument in the row with the least second; in the first row when every second is null",
        "null when there is no row, or the value is null",
        _A,
    ),
    Function("agg.bit_and", (1, 1), L, "bits set in every value", _SKIP, _A),
    Function("agg.bit_or", (1, 1), L, "bits set in some value", _SKIP, _A),
    Function("agg.bit_xor", (1, 1), L, "bits set in an odd number of values", _SKIP, _A),
    Function(
        "number.divide_decimal",
        (2, 2),
        Type.DECIMAL,
        "quotient of decimals; by zero is null",
        "null if any argument is null or the divisor is 0",
    ),
)

__all__ = ["FUNCTIONS", "R"]
