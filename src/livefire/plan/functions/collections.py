"""Meanings that make arrays and objects of others."""

from livefire.plan.functions.model import B, Function, J, L, R, S, example

FUNCTIONS = (
    Function(
        "array.expand",
        (2, 2),
        J,
        "the values one value stands for: elements of an array; members of an object as objects (second false) or as"
        " [name, value] (true); a scalar, or null, by itself",
        "[null] for null",
        examples=(
            example(("[1,2]", J), (False, B), gives="[1,2]"),
            example(('{"a":1}', J), (False, B), gives='[{"a":1}]'),
            example(('{"a":1}', J), (True, B), gives='[["a",1]]'),
            example((None, J), (False, B), gives="[null]"),
            example(('"x"', J), (False, B), gives='["x"]'),
        ),
    ),
    Function(
        "array.of_places",
        (3, 3),
        J,
        "array of as many values as the second says: the member of the first named by its place, else the third (dynamic)",
        "a null third is JSON null",
        examples=(example(('{"0":5,"2":7}', J), (3, L), ("0", J), gives="[5,0,7]"),),
    ),
    Function(
        "array.index_of",
        (5, 5),
        L,
        "place of the fifth-th element (counted from 1) equal to the second, at or after the third and within as many elements"
        " as the fourth says (-1 for all); -1 when none",
        "null for null or no array",
        examples=(
            example(('["a","b","a"]', J), ('"a"', J), (1, L), (-1, L), (1, L), gives=2),
            example(('["a"]', J), ('"b"', J), (0, L), (-1, L), (1, L), gives=-1),
        ),
    ),
    Function("array.reverse", (1, 1), J, "elements in the other order; null for no array", examples=(example(("[1,2]", J), gives="[2,1]"),)),
    Function(
        "array.rotate_left",
        (2, 2),
        J,
        "elements moved towards the start, those that fall off put at the end",
        examples=(example(("[1,2,3]", J), (1, L), gives="[2,3,1]"),),
    ),
    Function(
        "array.shift_left",
        (3, 3),
        J,
        "elements moved towards the start, the places left free filled with the third (dynamic)",
        "null for null or no array; a null filling is JSON null",
        examples=(example(("[1,2,3]", J), (1, L), ("0", J), gives="[2,3,0]"), example(("[1,2,3]", J), (-1, L), (None, J), gives="[null,1,2]")),
    ),
    Function(
        "array.sort",
        (3, 3),
        J,
        "elements in order, numbers by value and texts by code point; second true for descending, third true for nulls at the end",
        examples=(example(("[3,null,1]", J), (False, B), (True, B), gives="[1,3,null]"), example(('["a","b"]', J), (True, B), (True, B), gives='["b","a"]')),
    ),
    Function(
        "array.sort_by",
        (4, 4),
        J,
        "elements of the first in the order that array.sort (third, fourth) would give the second",
        examples=(example(('["x","y","z"]', J), ("[3,1,2]", J), (False, B), (True, B), gives='["y","z","x"]'),),
    ),
    Function(
        "array.split",
        (2, 2),
        J,
        "the array cut before each place of the second, negative ones from the end",
        examples=(example(("[1,2,3]", J), ("[1]", J), gives="[[1],[2,3]]"),),
    ),
    Function(
        "array.choose",
        (3, 3),
        J,
        "for each element of the first the element at its place of the second when it is true (or not 0), else of the third; a scalar stands for every place",
        examples=(example(("[true,false]", J), ("[1,2]", J), ("[3,4]", J), gives="[1,4]"),),
    ),
    Function("array.sum", (1, 1), R, "sum of the numbers", examples=(example(("[1,2.5]", J), gives=3.5),)),
    Function(
        "array.union", (1, None), J, "different elements of all, in order of first appearance", examples=(example(("[1,2,1]", J), ("[3]", J), gives="[1,2,3]"),)
    ),
    Function("array.intersect", (2, None), J, "different elements that are in all", examples=(example(("[1,2]", J), ("[2,3]", J), gives="[2]"),)),
    Function(
        "array.difference",
        (2, None),
        J,
        "different elements of the first that are in none of the others",
        examples=(example(("[1,2,1]", J), ("[2]", J), gives="[1]"),),
    ),
    Function("array.same_set", (2, 2), B, "both hold the same elements", examples=(example(("[1,2,1]", J), ("[2,1]", J), gives=True),)),
    Function(
        "array.zip",
        (1, None),
        J,
        "array of arrays of the elements at each place, null where one is shorter",
        examples=(example(("[1,2]", J), ('["a"]', J), gives='[[1,"a"],[2,null]]'),),
    ),
    Function("array.repeat", (2, 2), J, "array of the first (dynamic) a number of times", examples=(example(("1", J), (2, L), gives="[1,1]"),)),
    Function(
        "array.first_term_fold",
        (2, 2),
        L,
        "place of the first element that a text has as a term; -1 when none",
        examples=(example(("a b", S), ('["x","B"]', J), gives=1),),
    ),
    Function(
        "object.merge",
        (1, None),
        J,
        "members of all, the first value of a name kept",
        examples=(example(('{"a":1}', J), ('{"a":2,"b":3}', J), gives='{"a":1,"b":3}'),),
    ),
    Function("object.without", (2, 2), J, "members but those an array names", examples=(example(('{"a":1,"b":2}', J), ('["a"]', J), gives='{"b":2}'),)),
    Function("object.has", (2, 2), B, "the object has a member of that name", examples=(example(('{"a":null}', J), ("a", S), gives=True),)),
    Function(
        "object.with_member",
        (3, 3),
        J,
        "the object with a member (name, dynamic value) set",
        examples=(example(('{"a":1}', J), ("a", S), ("2", J), gives='{"a":2}'),),
    ),
    Function(
        "object.zip",
        (2, 2),
        J,
        "object of an array of names and an array of values",
        examples=(example(('["a","b"]', J), ("[1]", J), gives='{"a":1,"b":null}'),),
    ),
    Function(
        "object.sorted",
        (1, 1),
        S,
        "JSON text with the members of every object in the order of their names",
        examples=(example(('{"b":1,"a":{"d":1,"c":2}}', J), gives='{"a":{"c":2,"d":1},"b":1}'),),
    ),
)
