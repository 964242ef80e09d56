"""Meanings over fields of any number of values, kept as JSON: null, one scalar, or an array of scalars."""

from datetime import datetime

from livefire.plan.functions.model import B, D, Function, J, Kind, L, R, S, example

_A: Kind = "aggregate"

FUNCTIONS = (
    Function(
        "multi.values",
        (1, 1),
        J,
        "array of the scalars of a value: arrays inside are opened, nulls and objects left out",
        "null gives an empty array",
        examples=(
            example(('["a",null,["b"]]', J), gives='["a","b"]'),
            example(('"a"', J), gives='["a"]'),
            example(('{"a":1}', J), gives="[]"),
            example((None, J), gives="[]"),
        ),
    ),
    Function(
        "multi.shown",
        (1, 1),
        J,
        "an array as a field shows it: nothing for an empty one, the element of one of one",
        "null for null and an empty array",
        examples=(example(("[]", J), gives=None), example(('["a"]', J), gives='"a"'), example(("[1,2]", J), gives="[1,2]")),
    ),
    Function(
        "multi.single",
        (1, 1),
        J,
        "the only scalar of a value",
        "null for none, for several and for an object",
        examples=(
            example(('["a"]', J), gives='"a"'),
            example(('["a","b"]', J), gives=None),
            example(("3", J), gives="3"),
            example(('{"a":1}', J), gives=None),
        ),
    ),
    Function(
        "multi.sorted",
        (3, 3),
        J,
        "array in order, as constant second says (text by code points, number, bool, any: numbers before texts); constant third true for descending",
        examples=(
            example(("[10,9]", J), ("number", S), (False, B), gives="[9,10]"),
            example(('["b","a"]', J), ("text", S), (False, B), gives='["a","b"]'),
            example(('["a","b"]', J), ("text", S), (True, B), gives='["b","a"]'),
            example(('["b",10,9]', J), ("any", S), (False, B), gives='[9,10,"b"]'),
        ),
    ),
    Function(
        "multi.sum",
        (1, 1),
        R,
        "sum of the numbers of an array",
        "null for null and an empty array",
        examples=(example(("[1,2.5]", J), gives=3.5), example(("[]", J), gives=None)),
    ),
    Function(
        "multi.sum_whole",
        (1, 1),
        L,
        "sum of the whole numbers of an array",
        "null for null and an empty array",
        examples=(example(("[1,2]", J), gives=3), example(("[]", J), gives=None)),
    ),
    Function(
        "multi.zip",
        (3, 3),
        J,
        "texts of two arrays joined place by place with a delimiter; the longer array's rest stays alone",
        examples=(
            example(('["a","b"]', J), ('["x"]', J), ("-", S), gives='["a-x","b"]'),
            example(("[]", J), ('["x"]', J), ("-", S), gives='["x"]'),
        ),
    ),
    Function(
        "multi.weighted_series",
        (2, 2),
        R,
        "sum of the numbers of an array, each divided by its place, counted from 1, to the power of the second",
        "null for null and an empty array",
        examples=(example(("[4,2]", J), (1.0, R), gives=5.0), example(("[]", J), (1.0, R), gives=None)),
    ),
    Function(
        "multi.percentile",
        (2, 2),
        R,
        "the constant percentage (second, 0 to 100) of the way through the ordered numbers of an array, between two by their distance",
        "null for null and an empty array",
        examples=(example(("[10,20,40]", J), (75, L), gives=30.0), example(("[]", J), (50, L), gives=None)),
    ),
    Function(
        "multi.deviation",
        (1, 1),
        R,
        "median of the distances of an array's numbers from their median",
        "null for null and an empty array",
        examples=(example(("[0,2,5,6]", J), gives=2.0), example(("[]", J), gives=None)),
    ),
    Function(
        "multi.common",
        (2, 2),
        J,
        "array of the different elements of the first that the second has too",
        examples=(example(('["a","b","a"]', J), ('["a","c"]', J), gives='["a"]'), example(("[1]", J), ("[2]", J), gives="[]")),
    ),
    Function(
        "multi.holds_all",
        (2, 2),
        B,
        "every element of the second is one of the first",
        examples=(example(('["a","b"]', J), ('["b"]', J), gives=True), example(('["a"]', J), ('["a","b"]', J), gives=False)),
    ),
    Function(
        "text.form_decode",
        (1, 1),
        S,
        "%xx as the character of those bytes, + as a blank; null where that is no UTF-8 or a % stands alone",
        "null for null or text that cannot be decoded",
        examples=(example(("a%20b+c", S), gives="a b c"), example(("100%", S), gives=None)),
    ),
    Function(
        "text.form_encode",
        (1, 1),
        S,
        "every byte but letters, digits and - _ . * as %XX, a blank as +",
        examples=(example(("a b/c", S), gives="a+b%2Fc"),),
    ),
    Function(
        "text.of_java_real",
        (1, 1),
        S,
        "a real as Java prints it: plain from 0.001 to below ten million, else with an exponent",
        examples=(
            example((2.0, R), gives="2.0"),
            example((12345678.0, R), gives="1.2345678E7"),
            example((0.00012, R), gives="1.2E-4"),
            example((1e20, R), gives="1.0E20"),
        ),
    ),
    Function(
        "time.months_between",
        (2, 2),
        L,
        "whole calendar months from the first to the second, cut toward zero",
        examples=(
            example((datetime(2026, 1, 31), D), (datetime(2026, 2, 28), D), gives=0),
            example((datetime(2026, 1, 15), D), (datetime(2026, 3, 15), D), gives=2),
            example((datetime(2026, 3, 15), D), (datetime(2026, 1, 16), D), gives=-1),
        ),
    ),
    Function(
        "agg.median_deviation",
        (1, 1),
        R,
        "median of the distances of the values from their median",
        "nulls are passed over; null when nothing is left",
        _A,
    ),
    Function(
        "agg.percentile_linear",
        (2, 2),
        R,
        "the constant percentage (second, 0 to 100) of the way through the ordered values, between two by their distance",
        "nulls are passed over; null when nothing is left",
        _A,
    ),
)
