"""DuckDB's spelling of the meanings over places on a sphere."""

from __future__ import annotations

from livefire.engines.duckdb_sql.arrays import array_of
from livefire.engines.duckdb_sql.formats import bound_in_turn as _once
from livefire.engines.sql import Spelling

_RADIUS = "6371010.0"
_ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"
_ON_EARTH = "($0 BETWEEN -180 AND 180 AND $1 BETWEEN -90 AND 90)"
_BOTH = "($0 BETWEEN -180 AND 180 AND $1 BETWEEN -90 AND 90 AND $2 BETWEEN -180 AND 180 AND $3 BETWEEN -90 AND 90)"


def _between(lon1: str, lat1: str, lon2: str, lat2: str) -> str:
    """Return the angle between two places by the haversine formula."""
    half = f"(pow(sin(radians({lat2} - {lat1}) / 2), 2) + cos(radians({lat1})) * cos(radians({lat2})) * pow(sin(radians({lon2} - {lon1}) / 2), 2))"
    return f"(2 * asin(least(sqrt({half}), 1.0)))"


def _direction(lon1: str, lat1: str, lon2: str, lat2: str) -> str:
    turn = f"radians({lon2} - {lon1})"
    across = f"sin({turn}) * cos(radians({lat2}))"
    along = f"cos(radians({lat1})) * sin(radians({lat2})) - sin(radians({lat1})) * cos(radians({lat2})) * cos({turn})"
    return f"atan2({across}, {along})"


def _vector(lon: str, lat: str) -> str:
    return f"struct_pack(x := cos(radians({lat})) * cos(radians({lon})), y := cos(radians({lat})) * sin(radians({lon})), z := sin(radians({lat})))"


def _dot(a: str, b: str) -> str:
    return f"({a}.x * {b}.x + {a}.y * {b}.y + {a}.z * {b}.z)"


def _cross(a: str, b: str) -> str:
    return f"struct_pack(x := {a}.y * {b}.z - {a}.z * {b}.y, y := {a}.z * {b}.x - {a}.x * {b}.z, z := {a}.x * {b}.y - {a}.y * {b}.x)"


def _typed(value: str, kind: str, depth: int) -> str:
    """Return the coordinates of a GeoJSON object of a kind as lists of numbers, one list deeper than the kind when it is single."""
    brackets = "[]" * depth
    return f"(CASE WHEN json_extract_string({value}, '$.type') = '{kind}' THEN TRY_CAST(json_extract({value}, '$.coordinates') AS DOUBLE{brackets}) END)"


_PLAIN_LINES = (
    "(CASE json_extract_string($G, '$.type') WHEN 'LineString' THEN [TRY_CAST(json_extract($G, '$.coordinates') AS DOUBLE[][])]"
    " WHEN 'MultiLineString' THEN TRY_CAST(json_extract($G, '$.coordinates') AS DOUBLE[][][]) END)"
)
_RINGS = (
    "(CASE json_extract_string($G, '$.type') WHEN 'Polygon' THEN TRY_CAST(json_extract($G, '$.coordinates') AS DOUBLE[][][])"
    " WHEN 'MultiPolygon' THEN CAST(error('stopped: the measure of a MultiPolygon is not computed') AS DOUBLE[][][]) END)"
)
_POLYGONS = (
    "(CASE json_extract_string($G, '$.type') WHEN 'Polygon' THEN [TRY_CAST(json_extract($G, '$.coordinates') AS DOUBLE[][][])]"
    " WHEN 'MultiPolygon' THEN TRY_CAST(json_extract($G, '$.coordinates') AS DOUBLE[][][][]) END)"
)
_GOOD_LINES = "len(g) > 0 AND list_bool_and(list_transform(g, LAMBDA l: len(list_distinct(l)) > 1))"
_GOOD_RINGS = "len(g) > 0 AND list_bool_and(list_transform(g, LAMBDA l: len(list_distinct(l)) > 2))"


def _lengths(listed: str) -> str:
    step = _between("l[i][1]", "l[i][2]", "l[i + 1][1]", "l[i + 1][2]")
    return f"list_sum(list_transform({listed}, LAMBDA l: list_sum(list_transform(range(1, len(l)), LAMBDA i: {step}))))"


# Each edge of a ring makes a triangle with the first corner; their signed areas add up (Eriksson's formula).
_CORNERS = f"list_transform(l, LAMBDA c: {_vector('c[1]', 'c[2]')})"
_TRIANGLE = (
    "2 * atan2(" + _dot("v[1]", f"list_transform([{_cross('v[i]', 'v[i + 1]')}], LAMBDA n: n)[1]") + ", 1 + " + _dot("v[1]", "v[i]") + " + "
    + _dot("v[i]", "v[i + 1]") + " + " + _dot("v[i + 1]", "v[1]") + ")"
)  # fmt: skip
_RING_AREA = f"abs(list_sum(list_transform([{_CORNERS}], LAMBDA v: list_sum(list_transform(range(2, len(v)), LAMBDA i: {_TRIANGLE})))))"
_AREA = f"list_sum(list_transform(g, LAMBDA l, i: CASE WHEN i = 1 THEN 1 ELSE -1 END * {_RING_AREA}))"

# The directions to the corners turn once around a place that lies in the ring, and not at all around another near it.
_TURN = (
    "list_sum(list_transform(range(1, len(l)), LAMBDA i: list_transform(["
    + _direction("$0", "$1", "l[i + 1][1]", "l[i + 1][2]") + " - " + _direction("$0", "$1", "l[i][1]", "l[i][2]")
    + "], LAMBDA t: t - 2 * pi() * round(t / (2 * pi())))[1]))"
)  # fmt: skip
_NEAR = _between("$0", "$1", "l[1][1]", "l[1][2]") + " < pi() / 2"
_IN_RING = f"(abs({_TURN}) > pi() AND {_NEAR})"
_IN_ONE = f"list_aggregate(list_transform(o, LAMBDA l, j: CASE WHEN {_IN_RING} = (j = 1) THEN 1 ELSE 0 END), 'min') = 1"

# The foot of the perpendicular counts when it falls between the ends of an edge, the nearer end otherwise.
_SEGMENT = (
    "list_transform([struct_pack(a := " + _vector("l[i][1]", "l[i][2]") + ", b := " + _vector("l[i + 1][1]", "l[i + 1][2]") + ", p := " + _vector("$0", "$1")
    + ")], LAMBDA s: list_transform([" + _cross("s.a", "s.b") + "], LAMBDA n: list_transform([struct_pack(u := " + _cross("n", "s.a") + ", w := "
    + _cross("s.b", "n") + ")], LAMBDA q: CASE WHEN " + _dot("q.u", "s.p") + " >= 0 AND " + _dot("q.w", "s.p") + " >= 0 AND " + _dot("n", "n")
    + " > 0 THEN asin(least(abs(" + _dot("n", "s.p") + ") / sqrt(" + _dot("n", "n") + "), 1.0)) ELSE least("
    + _between("$0", "$1", "l[i][1]", "l[i][2]") + ", " + _between("$0", "$1", "l[i + 1][1]", "l[i + 1][2]") + ") END)[1])[1])[1]"
)  # fmt: skip
_TO_LINE = f"list_min(list_transform(g, LAMBDA l: list_min(list_transform(range(1, len(l)), LAMBDA i: {_SEGMENT}))))"

# Bits of longitude and latitude in turn, five a character; each says which half of the range the place is in.
_BITS = (
    "list_reduce(range(5 * $2), LAMBDA s, i: CASE WHEN i % 2 = 0 THEN CASE WHEN $0 >= (s.w + s.e) / 2"
    " THEN struct_pack(w := (s.w + s.e) / 2, s := s.s, e := s.e, n := s.n, b := s.b || '1')"
    " ELSE struct_pack(w := s.w, s := s.s, e := (s.w + s.e) / 2, n := s.n, b := s.b || '0') END"
    " WHEN $1 >= (s.s + s.n) / 2 THEN struct_pack(w := s.w, s := (s.s + s.n) / 2, e := s.e, n := s.n, b := s.b || '1')"
    " ELSE struct_pack(w := s.w, s := s.s, e := s.e, n := (s.s + s.n) / 2, b := s.b || '0') END,"
    " struct_pack(w := -180.0::DOUBLE, s := -90.0::DOUBLE, e := 180.0::DOUBLE, n := 90.0::DOUBLE, b := ''))"
)
_HASHED = (
    f"array_to_string(list_transform(range($2), LAMBDA i: substring('{_ALPHABET}', CAST(CAST('0b' || substring(x.b, CAST(5 * i AS INTEGER) + 1, 5) AS"
    f" INTEGER) AS INTEGER) + 1, 1)), '')"
)
_HALVES = (
    f"flatten(list_transform(string_split($0, ''), LAMBDA c: list_transform(range(5), LAMBDA i: ((instr('{_ALPHABET}', c) - 1) >> CAST(4 - i AS"
    f" INTEGER)) & 1)))"
)
_BOX = (
    "list_reduce(list_transform(h, LAMBDA b, i: struct_pack(b := b, i := i)), LAMBDA s, t: CASE WHEN t.i % 2 = 1 THEN CASE WHEN t.b = 1"
    " THEN struct_pack(w := (s.w + s.e) / 2, s := s.s, e := s.e, n := s.n) ELSE struct_pack(w := s.w, s := s.s, e := (s.w + s.e) / 2, n := s.n) END"
    " WHEN t.b = 1 THEN struct_pack(w := s.w, s := (s.s + s.n) / 2, e := s.e, n := s.n) ELSE struct_pack(w := s.w, s := s.s, e := s.e, n := (s.s +"
    " s.n) / 2) END,"
    " struct_pack(w := -180.0::DOUBLE, s := -90.0::DOUBLE, e := 180.0::DOUBLE, n := 90.0::DOUBLE))"
)

# The order in which Kusto lists the cells around one, as steps to the east and to the north.
_AROUND = "[[-1, 0], [-1, -1], [0, -1], [1, -1], [1, 1], [1, 0], [0, 1], [-1, 1]]"
_TURNED = "(CASE WHEN {0} > 180 THEN {0} - 360 WHEN {0} < -180 THEN {0} + 360 ELSE {0} END)".format("((b.w + b.e) / 2 + d[1] * (b.e - b.w))")
_MOVED = f"struct_pack(lon := {_TURNED}, lat := (b.s + b.n) / 2 + d[2] * (b.n - b.s))"
_SIZE = "length($0)"
_NEIGHBOUR = (
    f"list_transform([{_BITS.replace('$2', _SIZE).replace('$0 >=', 'q.lon >=').replace('$1 >=', 'q.lat >=')}], LAMBDA x: {_HASHED.replace('$2', _SIZE)})[1]"
)
_NEIGHBOURS = f"list_transform(list_filter(list_transform({_AROUND}, LAMBDA d: {_MOVED}), LAMBDA q: q.lat BETWEEN -90 AND 90), LAMBDA q: {_NEIGHBOUR})"

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_PAIR = rf"({_NUMBER})\s+({_NUMBER})"
_PLACE = rf"\s*{_NUMBER}\s+{_NUMBER}\s*"
_ROW = rf"\({_PLACE}(?:,{_PLACE})*\)"
_ROWS = rf"\(\s*{_ROW}\s*(?:,\s*{_ROW}\s*)*\)"
_MANY = rf"\(\s*{_ROWS}\s*(?:,\s*{_ROWS}\s*)*\)"
_ONE = rf"\({_PLACE}\)"
# Each kind with its GeoJSON name, its body, and how much deeper its body lies than its coordinates.
_KINDS = (
    ("POINT", "Point", _ONE, "$[0]"),
    ("LINESTRING", "LineString", _ROW, "$"),
    ("POLYGON", "Polygon", _ROWS, "$"),
    ("MULTIPOINT", "MultiPoint", _ROW, "$"),
    ("MULTILINESTRING", "MultiLineString", _ROWS, "$"),
    ("MULTIPOLYGON", "MultiPolygon", _MANY, "$"),
)
_SHAPE = "|".join(rf"{word}\s*{body}" for word, _, body, _ in _KINDS)
_DECIMAL = "regexp_replace(regexp_replace({0}, '([\\[,])\\+', '\\1', 'g'), '([\\[,]-?[0-9]+)([\\],])', '\\1.0\\2', 'g')"


def _shape(text: str) -> str:
    """Return one well-known text as GeoJSON: pairs become arrays, and round brackets square ones."""
    pairs = f"replace(replace(regexp_replace(regexp_replace({text}, '^\\s*[A-Za-z]+\\s*', ''), '{_PAIR}', '[\\1,\\2]', 'g'), '(', '['), ')', ']')"
    body = _DECIMAL.format(_DECIMAL.format(f"regexp_replace({pairs}, '\\s', '', 'g')"))
    arms = " ".join(
        f'WHEN regexp_full_match({text}, \'(?i)\\s*{word}\\s*{shape}\\s*\') THEN \'{{"type":"{name}","coordinates":\' ||'
        f" CAST(json_extract({body}, '{path}') AS VARCHAR) || '}}'"
        for word, name, shape, path in _KINDS
    )
    return f"(CASE {arms} END)"


_COLLECTED = rf"'(?i)\s*GEOMETRYCOLLECTION\s*\(\s*(?:{_SHAPE})\s*(?:,\s*(?:{_SHAPE})\s*)*\)\s*'"
_MEMBERS = array_of(f"list_transform(regexp_extract_all($0, '(?i){_SHAPE}'), LAMBDA m: {_shape('m')})")
_WKT = f'(CASE WHEN regexp_full_match($0, {_COLLECTED}) THEN \'{{"type":"GeometryCollection","geometries":\' || {_MEMBERS} || \'}}\' ELSE {_shape("$0")} END)'

FUNCTIONS: dict[str, Spelling] = {
    "geo.distance": _once(body=f"(CASE WHEN {_BOTH} THEN {_RADIUS} * {_between('$0', '$1', '$2', '$3')} END)"),
    "geo.azimuth": _once(
        ("d", _direction("$0", "$1", "$2", "$3")),
        body=f"(CASE WHEN {_BOTH} AND NOT ($0 = $2 AND $1 = $3) THEN CASE WHEN d < 0 THEN d + 2 * pi() ELSE d END END)",
    ),
    "geo.geohash": _once(("x", _BITS), body=f"(CASE WHEN {_ON_EARTH} AND $2 BETWEEN 1 AND 18 THEN {_HASHED} END)"),
    "geo.geohash_box": _once(
        ("h", _HALVES),
        ("b", _BOX),
        body=f"(CASE WHEN regexp_full_match($0, '[{_ALPHABET}]{{1,18}}') THEN CAST(to_json([b.w, b.s, b.e, b.n]) AS VARCHAR) END)",
    ),
    "geo.geohash_neighbors": _once(
        ("h", _HALVES), ("b", _BOX), body=f"(CASE WHEN regexp_full_match($0, '[{_ALPHABET}]{{1,18}}') THEN CAST(to_json({_NEIGHBOURS}) AS VARCHAR) END)"
    ),
    "geo.line_length": _once(("g", _PLAIN_LINES.replace("$G", "$0")), body=f"(CASE WHEN {_GOOD_LINES} THEN {_RADIUS} * {_lengths('g')} END)"),
    "geo.polygon_perimeter": _once(("g", _RINGS.replace("$G", "$0")), body=f"(CASE WHEN {_GOOD_RINGS} THEN {_RADIUS} * {_lengths('g')} END)"),
    "geo.polygon_area": _once(("g", _RINGS.replace("$G", "$0")), body=f"(CASE WHEN {_GOOD_RINGS} THEN {_RADIUS} * {_RADIUS} * {_AREA} END)"),
    "geo.in_polygon": _once(
        ("g", _POLYGONS.replace("$G", "$2")),
        body=f"(CASE WHEN {_ON_EARTH} AND len(g) > 0 AND list_bool_and(list_transform(flatten(g), LAMBDA l: len(list_distinct(l)) > 2)) THEN"
        f" list_bool_or(list_transform(g, LAMBDA o: {_IN_ONE})) END)",
    ),
    "geo.distance_to_line": _once(
        ("g", _PLAIN_LINES.replace("$G", "$2")), body=f"(CASE WHEN {_ON_EARTH} AND {_GOOD_LINES} THEN {_RADIUS} * {_TO_LINE} END)"
    ),
    "geo.from_wkt": _once(body=_WKT),
}  # fmt: skip
