"""The functions of ES|QL: each is one line here.

https://www.elastic.co/docs/reference/query-languages/esql/esql-functions-operators
"""

from __future__ import annotations

from livefire.languages.esql import convert, kuery, many, maths, text, time
from livefire.languages.esql.use import Function, Use

__all__ = ["AGGREGATES", "FUNCTIONS", "GROUPINGS", "REFUSED", "REFUSED_AGGREGATES", "Function", "Use"]

FUNCTIONS: dict[str, Function] = {
    # conditions
    "case": Function((2, None), many.case),
    "coalesce": Function((1, None), many.coalesce),
    "greatest": Function((1, None), many.extremes("compare.greatest")),
    "least": Function((1, None), many.extremes("compare.least")),
    # text
    "bit_length": Function((1, 1), text.bytes_times(8)),
    "byte_length": Function((1, 1), text.bytes_times(1)),
    "concat": Function((1, None), text.concat),
    "contains": Function((2, 2), text.test("text.contains")),
    "ends_with": Function((2, 2), text.test("text.ends_with")),
    "from_base64": Function((1, 1), text.change("text.base64_decode")),
    "left": Function((2, 2), text.left),
    "length": Function((1, 1), text.length),
    "locate": Function((2, 3), text.locate),
    "ltrim": Function((1, 1), text.trim("text.trim_start")),
    "md5": Function((1, 1), text.change("text.md5")),
    "repeat": Function((2, 2), text.repeat),
    "replace": Function((3, 3), text.replace),
    "reverse": Function((1, 1), text.change("text.reverse")),
    "right": Function((2, 2), text.right),
    "rtrim": Function((1, 1), text.trim("text.trim_end")),
    "sha1": Function((1, 1), text.change("text.sha1")),
    "sha256": Function((1, 1), text.change("text.sha256")),
    "space": Function((1, 1), text.space),
    "split": Function((2, 2), text.split),
    "starts_with": Function((2, 2), text.test("text.starts_with")),
    "substring": Function((2, 3), text.substring),
    "to_base64": Function((1, 1), text.change("text.base64_encode")),
    "to_lower": Function((1, 1), text.each("text.lower")),
    "to_upper": Function((1, 1), text.each("text.upper")),
    "trim": Function((1, 1), text.trim("text.trim")),
    "url_decode": Function((1, 1), text.change("text.form_decode")),
    "url_encode": Function((1, 1), text.change("text.form_encode")),
    "json_extract": Function((2, 2), text.json_extract),
    # addresses
    "cidr_match": Function((2, None), text.cidr_match),
    # full text
    "kql": Function((1, 1), kuery.build),
    # conversion
    "to_boolean": Function((1, 1), convert.to_boolean),
    "to_bool": Function((1, 1), convert.to_boolean),
    "to_datetime": Function((1, 1), convert.to_datetime),
    "to_dt": Function((1, 1), convert.to_datetime),
    "to_double": Function((1, 1), convert.to_double),
    "to_dbl": Function((1, 1), convert.to_double),
    "to_integer": Function((1, 1), convert.to_integer),
    "to_int": Function((1, 1), convert.to_integer),
    "to_ip": Function((1, 1), convert.to_ip),
    "to_long": Function((1, 1), convert.to_long),
    "to_string": Function((1, 1), convert.to_string),
    "to_str": Function((1, 1), convert.to_string),
    "to_degrees": Function((1, 1), maths.times("57.29577951308232")),
    "to_radians": Function((1, 1), maths.times("0.017453292519943295")),
    # dates
    "date_diff": Function((3, 3), time.difference),
    "date_extract": Function((2, 2), time.extract),
    "date_format": Function((1, 2), time.show),
    "date_parse": Function((1, 2), time.parse),
    "date_trunc": Function((2, 2), time.truncate),
    "day_name": Function((1, 1), time.named("%A")),
    "month_name": Function((1, 1), time.named("%B")),
    "bucket": Function((2, 4), time.bucket),
    "bin": Function((2, 4), time.bucket),
    "now": Function((0, 0), time.now),
    # several values
    "mv_append": Function((2, None), many.append),
    "mv_avg": Function((1, 1), many.average),
    "mv_concat": Function((2, 2), many.join),
    "mv_contains": Function((2, 2), many.holds_all),
    "mv_count": Function((1, 1), many.count),
    "mv_dedupe": Function((1, 1), many.dedupe),
    "mv_difference": Function((2, 2), many.difference),
    "mv_first": Function((1, 1), many.at(0)),
    "mv_intersection": Function((2, 2), many.common),
    "mv_intersects": Function((2, 2), many.intersects),
    "mv_last": Function((1, 1), many.at(-1)),
    "mv_max": Function((1, 1), many.extreme(greatest=True)),
    "mv_median": Function((1, 1), many.median),
    "mv_min": Function((1, 1), many.extreme(greatest=False)),
    "mv_slice": Function((2, 3), many.slice_of),
    "mv_sort": Function((1, 2), many.sort),
    "mv_sum": Function((1, 1), many.total),
    "mv_union": Function((2, 2), many.union),
    # numbers
    "abs": Function((1, 1), maths.same("number.abs")),
    "cbrt": Function((1, 1), maths.cube_root),
    "ceil": Function((1, 1), maths.to_whole("number.ceiling")),
    "e": Function((0, 0), maths.fixed("2.718281828459045")),
    "exp": Function((1, 1), maths.real("number.exp")),
    "floor": Function((1, 1), maths.to_whole("number.floor")),
    "log": Function((1, 2), maths.logarithm),
    "log10": Function((1, 1), maths.logarithm10),
    "pi": Function((0, 0), maths.fixed("3.141592653589793")),
    "pow": Function((2, 2), maths.power),
    "round": Function((1, 2), maths.round_to),
    "signum": Function((1, 1), maths.sign),
    "sqrt": Function((1, 1), maths.real("number.sqrt")),
    "tau": Function((0, 0), maths.fixed("6.283185307179586")),
}
AGGREGATES = frozenset(
    (
        "absent", "avg", "count", "count_distinct", "first", "last", "max", "median", "min", "percentile", "present", "std_dev", "stddev", "sum",
        "top", "values", "variance", "weighted_avg",
    )
)
GROUPINGS = frozenset({"bucket", "bin", "tbucket", "categorize"})
_ANALYSED = "how a text is analysed is known to the index only; use ==, IN, LIKE or RLIKE"
_SHAPES = "geographic shapes are not supported"
REFUSED: dict[str, str] = {
    "match": _ANALYSED,
    "match_phrase": _ANALYSED,
    "multi_match": _ANALYSED,
    "qstr": "query strings are not read; use ==, IN, LIKE or RLIKE",
    "term": "use ==",
    "score": "rows have no relevance",
    "knn": "vectors are not supported",
    "hash": "only md5, sha1 and sha256 are computed; use those functions",
    "ip_prefix": "it is not built yet; use cidr_match",
    "network_direction": "it needs the list of own networks",
    "to_version": "versions have an order of their own; compare texts",
    "to_unsigned_long": "unsigned_long is not supported; use to_double",
    "to_ul": "unsigned_long is not supported; use to_double",
    "to_date_nanos": "dates have microseconds here; use to_datetime",
    "tbucket": "use BUCKET(@timestamp, span)",
    "trange": "use WHERE @timestamp >= … AND @timestamp < …",
    "categorize": "it needs Elasticsearch's machine learning",
    "text_embedding": "it asks a model",
    "to_geopoint": _SHAPES,
    "to_geoshape": _SHAPES,
    "to_cartesianpoint": _SHAPES,
    "to_cartesianshape": _SHAPES,
    "st_distance": _SHAPES,
    "st_x": _SHAPES,
    "st_y": _SHAPES,
    "st_intersects": _SHAPES,
    "st_contains": _SHAPES,
    "st_within": _SHAPES,
    "st_disjoint": _SHAPES,
    "mv_zip": "it is not built yet",
    "mv_percentile": "it is not built yet; use mv_median, mv_min or mv_max",
    "mv_pseries_weighted_sum": "it is not built yet",
    "mv_median_absolute_deviation": "it is not built yet",
    "random": "a run must repeat exactly",
    **dict.fromkeys(["acos", "asin", "atan", "atan2", "cos", "cosh", "sin", "sinh", "tan", "tanh", "hypot", "copy_sign", "scalb"], "it is not built yet"),
}
REFUSED_AGGREGATES: dict[str, str] = {
    "median_absolute_deviation": "it is not built yet; use std_dev",
    "st_centroid_agg": _SHAPES,
    "st_extent_agg": _SHAPES,
    "sample": "it keeps values by chance; use values or top",
    **dict.fromkeys(
        (
            "rate", "irate", "increase", "delta", "idelta", "deriv", "avg_over_time", "max_over_time", "min_over_time", "sum_over_time",
            "count_over_time", "last_over_time", "first_over_time",
        ),
        "time series data streams have rules of their own",
    ),
}
