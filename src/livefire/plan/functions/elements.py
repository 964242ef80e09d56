"""Meanings over the leaves and elements of JSON values, for languages whose events are flat fields."""

from livefire.plan.functions.model import B, Function, J, L, S, example

FUNCTIONS = (
    Function(
        "dynamic.leaf",
        (1, 1),
        S,
        "a JSON scalar as text; objects and arrays have none",
        "null for null, objects and arrays",
        examples=(example(('"x"', J), gives="x"), example(("12", J), gives="12"), example(('{"a":1}', J), gives=None), example(("[1]", J), gives=None)),
    ),
    Function(
        "dynamic.is_json_null",
        (2, 2),
        B,
        "what constant steps (second, a JSON array of names and whole numbers) reach is JSON null, not a missing member",
        "never null",
        examples=(
            example(('{"a":null}', J), ('["a"]', S), gives=True),
            example(('{"a":null}', J), ('["b"]', S), gives=False),
            example((None, J), ('["a"]', S), gives=False),
        ),
    ),
    Function(
        "array.compact",
        (1, 1),
        J,
        "the array without its JSON nulls",
        examples=(example(('["a",null,"b"]', J), gives='["a","b"]'),),
    ),
    Function(
        "array.map",
        (2, 2),
        J,
        "array of what a lambda (second, of one dynamic parameter) makes of each element; nulls are left out",
        "null for null or no array",
    ),
    Function(
        "array.distinct",
        (1, 1),
        J,
        "the array with only the first of equal elements",
        examples=(example(('["b","a","b"]', J), gives='["b","a"]'),),
    ),
    Function(
        "array.sorted_text",
        (2, 2),
        J,
        "the scalars of an array as text, in the order of their code points; second true for descending",
        examples=(example(('["b","a"]', J), (False, B), gives='["a","b"]'), example(('["b","a"]', J), (True, B), gives='["b","a"]')),
    ),
    Function(
        "array.length",
        (1, 1),
        L,
        "number of elements",
        "0 for null and for what is no array",
        examples=(example(("[1,2]", J), gives=2), example((None, J), gives=0), example(('"x"', J), gives=0)),
    ),
)
