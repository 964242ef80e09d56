"""Meanings over places on a sphere of 6,371,010 m: distances, directions, lines, polygons, geohashes, WKT. Angles are radians, places degrees."""

from livefire.plan.functions.model import B, Function, J, L, R, S, example

_OFF = "null for a place that is not on the Earth"
_LINE = "null for what is no line of two different places or more"
_RING = "null for what is no polygon of three different places or more"
_SQUARE = '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}'

FUNCTIONS = (
    Function("geo.distance", (4, 4), R, "metres between two places (longitude, latitude, longitude, latitude)", _OFF,
             examples=(example((0.0, R), (0.0, R), (0.0, R), (0.0, R), gives=0.0), example((300.0, R), (0.0, R), (0.0, R), (0.0, R), gives=None))),
    Function("geo.azimuth", (4, 4), R, "direction from the first place to the second, clockwise from north", _OFF + ", or two equal places",
             examples=(example((0.0, R), (0.0, R), (0.0, R), (10.0, R), gives=0.0),)),
    Function("geo.geohash", (3, 3), S, "geohash of a place (longitude, latitude) with as many characters as the third says, 1 to 18", _OFF,
             # The published example of the geohash of 57.64911, 10.40744.
             examples=(example((10.40744, R), (57.64911, R), (11, L), gives="u4pruydqqvj"), example((200.0, R), (1.0, R), (5, L), gives=None))),
    Function("geo.geohash_box", (1, 1), J, "west, south, east and north of a geohash", "null for what is no geohash",
             examples=(example(("s", S), gives="[0.0,0.0,45.0,45.0]"), example(("a", S), gives=None))),
    Function("geo.geohash_neighbors", (1, 1), J, "the geohashes around one, those beyond a pole left out", "null for what is no geohash",
             # The cell of western Europe and Africa has no neighbours beyond 180 degrees; those to the west lie across Greenwich.
             examples=(example(("s", S), gives='["e","7","k","m","v","t","u","g"]'), example(("a", S), gives=None))),
    Function("geo.line_length", (1, 1), R, "metres along a GeoJSON LineString or MultiLineString", _LINE,
             examples=(example(('{"type":"LineString","coordinates":[[1,1]]}', J), gives=None),)),
    Function("geo.polygon_perimeter", (1, 1), R, "metres around a GeoJSON Polygon, holes too", _RING,
             examples=(example(('{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,0]]]}', J), gives=None),)),
    Function("geo.polygon_area", (1, 1), R, "square metres inside a GeoJSON Polygon smaller than half the Earth, without its holes", _RING,
             examples=(example(('{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,0]]]}', J), gives=None),)),
    Function("geo.in_polygon", (3, 3), B, "a place (longitude, latitude) lies in a GeoJSON Polygon or MultiPolygon smaller than half the Earth", _RING,
             examples=(
                 example((0.5, R), (0.5, R), (_SQUARE, J), gives=True),
                 example((1.5, R), (0.5, R), (_SQUARE, J), gives=False),
                 example((200.0, R), (0.5, R), (_SQUARE, J), gives=None),
             )),
    Function("geo.distance_to_line", (3, 3), R, "metres from a place (longitude, latitude) to a GeoJSON LineString or MultiLineString", _LINE,
             examples=(example((0.0, R), (0.0, R), ('{"type":"LineString","coordinates":[[0,0],[1,0]]}', J), gives=0.0),)),
    Function("geo.from_wkt", (1, 1), J, "GeoJSON of a well-known text", "null for what is none",
             examples=(
                 example(("POINT (1 2)", S), gives='{"type":"Point","coordinates":[1.0,2.0]}'),
                 example(("LINESTRING (1 2, 3 4.5)", S), gives='{"type":"LineString","coordinates":[[1.0,2.0],[3.0,4.5]]}'),
                 example(("LINESTRING", S), gives=None),
             )),
)  # fmt: skip
