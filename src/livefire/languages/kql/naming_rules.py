"""Which functions and aggregates name their column after their argument.

The rules are those of Kusto's own binder: `first` takes the first argument's name, `name` puts the
function's before it, another word is a prefix, and a word with `!` is the whole name.
"""

from __future__ import annotations

_FIRST = frozenset(
    [
        "split",
        "tostring",
        "tohex",
        "todynamic",
        "toobject",
        "tolong",
        "toint",
        "toreal",
        "todouble",
        "todatetime",
        "totimespan",
        "totime",
        "tobool",
        "toboolean",
        "todecimal",
        "toguid",
        "parse_csv",
        "parsejson",
        "parse_json",
        "parse_xml",
        "format_datetime",
        "format_timespan",
        "startofday",
        "bin",
        "floor",
        "bin_at",
        "bin_auto",
        "binary_and",
        "binary_or",
        "binary_xor",
        "binary_not",
        "binary_shift_right",
        "binary_shift_left",
        "bitset_count_ones",
        "round",
        "ceiling",
        "pow",
        "sqrt",
        "log",
        "log2",
        "log10",
        "exp",
        "exp2",
        "exp10",
        "cos",
        "sin",
        "tan",
        "acos",
        "asin",
        "atan",
        "atan2",
        "abs",
        "rand",
        "gamma",
        "loggamma",
        "erf",
        "erfc",
        "format_bytes",
        "take_anyif",
        "binary_all_or",
        "binary_all_and",
        "binary_all_xor",
        "make_datetime",
        "make_timespan",
        "series_fill_backward",
        "series_fill_const",
        "series_fill_forward",
        "series_fill_linear",
        "series_fir",
        "series_iir",
        "series_outliers",
    ]
)
_PREFIX = {
    "gettype": "type", "treepath": "tree", "repeat": "repeat", "ingestion_time": "$IngestionTime!", "cnt": "cnt", "makelist": "list", "make_list": "list",
    "make_list_if": "list", "make_list_with_nulls": "list", "makeset": "set", "make_set": "set", "make_set_if": "set", "make_dictionary": "dictionary",
    "make_bag": "bag", "make_bag_if": "bag", "buildschema": "schema", "strlen": "name", "string_size": "name",
    "percentiles_array": "percentiles", "percentilesw_array": "percentiles",
    "node_degree_in": "node_degree_in!", "node_degree_out": "node_degree_out!", "column_ifexists": "literal", "columnifexists": "literal",
}  # fmt: skip
_OWN = frozenset(
    [
        "sum",
        "sumif",
        "count",
        "countif",
        "dcount",
        "dcountif",
        "tdigest",
        "hll",
        "hll_if",
        "hll_merge",
        "dcount_hll",
        "min",
        "minif",
        "max",
        "maxif",
        "avg",
        "avgif",
        "stdev",
        "stdevif",
        "stdevp",
        "variance",
        "varianceif",
        "variancep",
        "variancepif",
        "any",
        "anyif",
        "count_distinct",
        "count_distinctif",
    ]
)


def naming_of(function: str) -> str | None:
    """Return the naming rule of a function, None for one whose column is numbered."""
    if function in _FIRST:
        return "first"
    if function in _OWN:
        return function
    return _PREFIX.get(function)
