"""Aggregate meanings; nulls are passed over unless said otherwise."""

from livefire.plan.functions.model import Function, J, Kind, L, R

_A: Kind = "aggregate"
_SKIP = "nulls are passed over; null when nothing is left"

FUNCTIONS = (
    Function("agg.count", (0, 1), L, "number of rows, or of values that are not null", "never null", _A),
    Function("agg.count_distinct", (1, None), L, "exact number of different values (or of different tuples, none of them null)", "nulls are passed over", _A),
    Function("agg.sum", (1, 1), "given", "sum", _SKIP, _A),
    Function("agg.sum_wrapping", (1, 1), "given", "sum of whole numbers, around the ends of 64 bits", _SKIP, _A),
    Function("agg.avg", (1, 1), R, "mean", _SKIP, _A),
    Function("agg.min", (1, 1), "first", "least value", _SKIP, _A),
    Function("agg.max", (1, 1), "first", "greatest value", _SKIP, _A),
    Function("agg.stdev", (1, 1), R, "sample standard deviation", _SKIP, _A),
    Function("agg.variance", (1, 1), R, "sample variance", _SKIP, _A),
    Function("agg.stdev_population", (1, 1), R, "population standard deviation", _SKIP, _A),
    Function("agg.variance_population", (1, 1), R, "population variance", _SKIP, _A),
    Function("agg.percentile", (2, 2), "first", "the smallest value at or above which the constant percentage (second, 0 to 100) of values lies", _SKIP, _A),
    Function("agg.median", (1, 1), R, "middle value, the mean of the two middle ones", _SKIP, _A),
    Function("agg.any", (1, 1), "first", "the first value that is not null", _SKIP, _A, ordered=True),
    Function("agg.first", (1, 1), "first", "the value of the first row, null or not", "null when the first is null", _A, ordered=True),
    Function("agg.last", (1, 1), "first", "the value of the last row, null or not", "null when the last is null", _A, ordered=True),
    Function(
        "agg.arg_max",
        (2, 2),
        "first",
        "the first argument in the row with the greatest second",
        "rows with a null second are passed over; the value may be null",
        _A,
    ),
    Function(
        "agg.arg_min",
        (2, 2),
        "first",
        "the first argument in the row with the least second",
        "rows with a null second are passed over; the value may be null",
        _A,
    ),
    Function("agg.list", (1, 1), J, "array of the values in row order", "nulls are passed over; an empty array when nothing is left", _A, ordered=True),
    Function(
        "agg.set",
        (1, 1),
        J,
        "array of the different values in order of first appearance",
        "nulls are passed over; an empty array when nothing is left",
        _A,
        ordered=True,
    ),
    Function("agg.set_sorted", (1, 1), J, "array of the different values in ascending order", "nulls are passed over; an empty array when nothing is left", _A),
    Function("agg.union_arrays", (1, 1), J, "array of the different elements of all arrays", "nulls are passed over; an empty array when nothing is left", _A),
    Function("agg.all", (1, 1), "given", "true when no value is false", _SKIP, _A),
)
