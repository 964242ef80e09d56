"""Meanings of truth: three-valued as in SQL unless the name says otherwise."""

from livefire.plan.functions.model import B, Function, J, S, example

FUNCTIONS = (
    Function(
        "logic.and",
        (1, None),
        B,
        "all are true",
        "false if one is false, else null if one is null",
        examples=(example((True, B), (None, B), gives=None), example((False, B), (None, B), gives=False)),
    ),
    Function(
        "logic.or",
        (1, None),
        B,
        "one is true",
        "true if one is true, else null if one is null",
        examples=(example((True, B), (None, B), gives=True), example((False, B), (None, B), gives=None)),
    ),
    Function("logic.not", (1, 1), B, "true becomes false", examples=(example((None, B), gives=None), example((False, B), gives=True))),
    Function("logic.is_true", (1, 1), B, "true only for true", "null gives false", examples=(example((None, B), gives=False), example((True, B), gives=True))),
    Function("logic.is_null", (1, 1), B, "true for null", "never null", examples=(example((None, S), gives=True), example(("", S), gives=False))),
    Function(
        "logic.coalesce",
        (1, None),
        "first",
        "the first value that is not null",
        "null when all are",
        examples=(example((None, S), ("b", S), gives="b"), example(("", S), ("b", S), gives="")),
    ),
    Function(
        "logic.null_if",
        (2, 2),
        "first",
        "null when both are equal, else the first",
        "null when the first is null",
        examples=(example(("", S), ("", S), gives=None), example(("a", S), ("", S), gives="a")),
    ),
    Function("logic.cast", (1, 1), "given", "the same value in a wider or equal type (int to long, any to dynamic is dynamic.of)", examples=()),
    Function(
        "logic.type_name",
        (1, 1),
        S,
        "the JSON type of a dynamic value: null, bool, long, double, string, array, dictionary",
        "null gives 'null'",
        examples=(example(("[1]", J), gives="array"), example(("1", J), gives="long")),
    ),
)
