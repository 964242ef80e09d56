"""Meanings of conversion between types, where a text form or a failing conversion has rules of its own.

The text forms of reals, timespans and datetimes are those of .NET, which Kusto shares.
"""

from datetime import datetime
from decimal import Decimal

from livefire.plan.functions.model import B, D, Function, J, L, R, S, T, example
from livefire.schema import Type

_DAY = 864_000_000_000

FUNCTIONS = (
    Function(
        "convert.span_text",
        (1, 1),
        S,
        "a timespan as [-][d.]hh:mm:ss[.fffffff]",
        examples=(example((_DAY + 10_000_000, T), gives="1.00:00:01"), example((-600_000_005, T), gives="-00:01:00.0000005")),
    ),
    Function(
        "convert.real_text",
        (1, 1),
        S,
        "a real in its shortest form, whole ones with .0, far ones with an exponent",
        examples=(example((2.0, R), gives="2.0"), example((1e20, R), gives="1E+20"), example((float("nan"), R), gives="NaN")),
    ),
    Function("convert.decimal_text", (1, 1), S, "a decimal without zeros at its end", examples=(example((Decimal("1.500"), Type.DECIMAL), gives="1.5"),)),
    Function(
        "convert.text_long",
        (1, 1),
        L,
        "text of a whole number, decimal or 0x hexadecimal; null for other text",
        "null for null or other text",
        examples=(example(("0x1F", S), gives=31), example((" 7 ", S), gives=7), example(("1.5", S), gives=None)),
    ),
    Function(
        "convert.text_real",
        (1, 1),
        R,
        "text of a decimal number, NaN or an infinity in any case; null for other text",
        "null for null or other text",
        examples=(example(("1.5", S), gives=1.5), example(("x", S), gives=None), example(("-Infinity", S), gives=float("-inf"))),
    ),
    Function(
        "convert.dynamic_long",
        (1, 1),
        L,
        "a JSON number cut to a whole one, a bool, or a text of a whole number",
        "null for null, arrays, objects and other text",
        examples=(example(("2.9", J), gives=2), example(('"12"', J), gives=12), example(("true", J), gives=1)),
    ),
    Function(
        "convert.dynamic_bool",
        (1, 1),
        B,
        "a JSON bool, whether a number is not 0, or a text of either",
        "null for null, arrays, objects and other text",
        examples=(example(("true", J), gives=True), example(('"0"', J), gives=False), example(("2.5", J), gives=True), example(("[1]", J), gives=None)),
    ),
    Function(
        "convert.dynamic_real",
        (1, 1),
        R,
        "a JSON number, or a text of one, as a real",
        "null for null, arrays, objects and other text",
        examples=(example(("2", J), gives=2.0), example(('" 1.5e3 "', J), gives=1500.0), example(('"x"', J), gives=None), example(("{}", J), gives=None)),
    ),
    Function(
        "convert.datetime_ticks",
        (1, 1),
        L,
        "ticks of 100 ns since 0001-01-01",
        examples=(example((datetime(1970, 1, 1), D), gives=621_355_968_000_000_000),),
    ),
    Function(
        "convert.ticks_datetime",
        (1, 1),
        D,
        "the datetime that many ticks after 0001-01-01",
        examples=(example((621_355_968_000_000_000, L), gives=datetime(1970, 1, 1)),),
    ),
    Function(
        "convert.to_int",
        (1, 1),
        Type.INT,
        "a whole number as 32 bits; null where it does not fit",
        "null for null or a number that does not fit",
        examples=(example((7, L), gives=7), example((2**31, L), gives=None)),
    ),
    Function(
        "convert.to_decimal",
        (1, 1),
        Type.DECIMAL,
        "a number or text as a decimal; null for other text",
        "null for null or other text",
        examples=(example(("1.5", S), gives=Decimal("1.500000000000")), example(("x", S), gives=None)),
    ),
    Function(
        "convert.text_bool",
        (1, 1),
        B,
        "text true or false in any case, or a whole number that is not 0; null for other text",
        "null for null or other text",
        examples=(example(("True", S), gives=True), example(("0", S), gives=False), example(("x", S), gives=None)),
    ),
    Function(
        "convert.text_datetime",
        (1, 1),
        D,
        "text of a datetime: ISO 8601 (no offset is UTC), month/day/year, or a day with the name of its month; null for other text",
        "null for null or other text",
        examples=(
            example(("2026-01-02T03:04:05.5Z", S), gives=datetime(2026, 1, 2, 3, 4, 5, 500_000)),
            example(("1/2/2026 3:04:05 PM", S), gives=datetime(2026, 1, 2, 15, 4, 5)),
            example(("12-02-2022", S), gives=datetime(2022, 12, 2)),
            example(("x", S), gives=None),
        ),
    ),
    Function(
        "convert.text_span",
        (1, 1),
        T,
        "text of a timespan: [-][d.]hh:mm[:ss[.fffffff]], a number with its unit, or a number of days; null for other text",
        "null for null or other text",
        examples=(
            example(("1.00:00:01", S), gives=_DAY + 10_000_000),
            example(("2d", S), gives=2 * _DAY),
            example(("3", S), gives=3 * _DAY),
            example(("x", S), gives=None),
        ),
    ),
    Function(
        "convert.text_guid",
        (1, 1),
        Type.GUID,
        "text of 32 hexadecimal digits, with or without hyphens, as a guid; null for other text",
        "null for null or other text",
        examples=(example(("0123456789ABcdef0123456789abcdef", S), gives="01234567-89ab-cdef-0123-456789abcdef"), example(("x", S), gives=None)),
    ),
)
