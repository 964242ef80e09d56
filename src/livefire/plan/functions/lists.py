"""Meanings over the elements of an array, some with a function of one element (a dynamic value)."""

from livefire.plan.functions.model import Function, J, L, S, example

_NULL = "null if the array is null"

FUNCTIONS = (
    Function("list.filter", (2, 2), J, "array of the elements for which the condition (lambda) is true", _NULL),
    Function("list.map", (2, 2), J, "array of the lambda's values (dynamic, null becomes JSON null)", _NULL),
    Function(
        "list.distinct",
        (1, 1),
        J,
        "array of the different elements in order of first appearance",
        _NULL,
        examples=(example(('["b","a","b"]', J), gives='["b","a"]'),),
    ),
    Function("list.sort_text", (1, 1), J, "array of the elements in ascending order of their text", _NULL, examples=(example(('["b","a"]', J), gives='["a","b"]'),)),
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
    Function("list.sum", (1, 1), L, "sum of an array of whole numbers", _NULL, examples=(example(("[1,2]", J), gives=3),)),
)
