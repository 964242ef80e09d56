"""Meanings of comparison between values of one type; languages coerce first, by their own rules."""

from livefire.plan.functions.model import B, Function, L, R, S, example

NAN = float("nan")
_NAN = "null if any argument is null; NaN is different from all, itself too, and neither less nor greater"

FUNCTIONS = (
    Function(
        "compare.eq",
        (2, 2),
        B,
        "equal; text by code points",
        _NAN,
        examples=(example(("a", S), ("A", S), gives=False), example((1, L), (None, L), gives=None), example((NAN, R), (NAN, R), gives=False)),
    ),
    Function(
        "compare.ne",
        (2, 2),
        B,
        "not equal",
        _NAN,
        examples=(example((1, L), (2, L), gives=True), example((NAN, R), (NAN, R), gives=True), example((1, L), (None, L), gives=None)),
    ),
    Function(
        "compare.lt",
        (2, 2),
        B,
        "less",
        _NAN,
        examples=(example((1.0, R), (NAN, R), gives=False), example((1, L), (2, L), gives=True), example(("b", S), ("a", S), gives=False)),
    ),
    Function(
        "compare.le",
        (2, 2),
        B,
        "less or equal",
        _NAN,
        examples=(example((1.0, R), (NAN, R), gives=False), example((2, L), (2, L), gives=True), example((3, L), (2, L), gives=False)),
    ),
    Function(
        "compare.gt",
        (2, 2),
        B,
        "greater",
        _NAN,
        examples=(example((NAN, R), (1.0, R), gives=False), example((1, L), (2, L), gives=False), example((3, L), (2, L), gives=True)),
    ),
    Function(
        "compare.ge",
        (2, 2),
        B,
        "greater or equal",
        _NAN,
        examples=(example((NAN, R), (NAN, R), gives=False), example((2, L), (2, L), gives=True), example((1, L), (2, L), gives=False)),
    ),
    Function(
        "compare.same",
        (2, 2),
        B,
        "equal, and two nulls are equal",
        "never null",
        examples=(example((None, S), (None, S), gives=True), example((None, S), ("", S), gives=False)),
    ),
    Function(
        "compare.in",
        (2, None),
        B,
        "the first equals one of the others",
        "null when the first is null, or none equals and one is null",
        examples=(example(("a", S), ("b", S), ("a", S), gives=True), example(("a", S), ("b", S), gives=False)),
    ),
    Function(
        "compare.greatest",
        (1, None),
        "first",
        "the greatest of the arguments",
        "nulls are passed over",
        examples=(example((1, L), (3, L), (None, L), gives=3), example((2, L), gives=2)),
    ),
    Function(
        "compare.least",
        (1, None),
        "first",
        "the least of the arguments",
        "nulls are passed over",
        examples=(example((1, L), (3, L), (None, L), gives=1), example((2, L), gives=2)),
    ),
)
