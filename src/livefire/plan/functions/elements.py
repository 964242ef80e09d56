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
        "dynamic.field",
        (3, 3),
        S,
        "text of the first JSON scalar that one of several constant paths reaches (second, a JSON array of arrays of names and whole numbers);"
        " the third, constant, for JSON null",
        "null for null and where no path reaches a scalar",
        examples=(
            example(('{"a":{"b":1}}', J), ('[["a","b"],["a.b"]]', S), ("null", S), gives="1"),
            example(('{"a.b":"x"}', J), ('[["a","b"],["a.b"]]', S), ("null", S), gives="x"),
            example(('{"a":null}', J), ('[["a"]]', S), ("null", S), gives="null"),
            example(('{"a":null}', J), ('[["a"]]', S), (None, S), gives=None),
            example(('{"a":{"b":1}}', J), ('[["a"]]', S), ("null", S), gives=None),
            example(('{"a":["x"]}', J), ('[["a",0]]', S), ("null", S), gives="x"),
        ),
    ),
    Function(
        "logic.fail_if",
        (2, 2),
        B,
        "ends the run with a constant message (second) when the first is true; false otherwise",
        "false for null",
        examples=(example((False, B), ("never", S), gives=False),),
    ),
    Function(
        "array.chunks",
        (3, 3),
        J,
        "for each whole number of an array the number of its chunk, from 0: one that is further than constant second from the first of its chunk,"
        " or that finds constant third in it, begins another",
        "null for null; an empty array for none",
        examples=(
            example(("[100,95,80,20]", J), (15, L), (9, L), gives="[0,0,1,2]"),
            example(("[1,2,3]", J), (10, L), (2, L), gives="[0,0,1]"),
            example(("[]", J), (10, L), (2, L), gives="[]"),
            example((None, J), (10, L), (2, L), gives=None),
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
