"""Functions over places on the Earth. https://learn.microsoft.com/kusto/query/geospatial-functions"""

from __future__ import annotations

from collections.abc import Callable

from livefire.languages.kql import coerce
from livefire.languages.kql.calls import Scalar, Site
from livefire.languages.kql.scope import fill
from livefire.plan import expr as e
from livefire.plan.functions import all_of, call, negate
from livefire.schema import Type


def _reals(site: Site, count: int) -> list[e.Expr]:
    return [site.real(i) for i in range(count)]


def _distance(site: Site) -> e.Expr:
    if site.has(4) and not (isinstance(site.args[4], e.Literal) and not site.args[4].value):
        return site.refuse("the distance on a spheroid is not run", "leave the last argument out: distances are those on a sphere")
    return site.call("geo.distance", *_reals(site, 4))


def _angle(site: Site) -> e.Expr:
    """The turn at the second place from the direction of the first to that of the third, clockwise."""
    a, b, c, d, x, y = _reals(site, 6)
    turn = call("number.subtract", site.call("geo.azimuth", c, d, x, y), site.call("geo.azimuth", c, d, a, b), type=Type.REAL)
    full = call("number.multiply", call("number.atan2", e.Literal(0.0, Type.REAL), e.Literal(-1.0, Type.REAL)), e.Literal(2.0, Type.REAL), type=Type.REAL)
    negative = call("compare.lt", turn, e.Literal(0.0, Type.REAL))
    return e.Case(((negative, call("number.add", turn, full, type=Type.REAL)),), turn, Type.REAL)


def _in_circle(site: Site) -> e.Expr:
    radius = site.real(4)
    held = call("compare.le", site.call("geo.distance", *_reals(site, 4)), radius)
    return e.Case(((call("compare.ge", radius, e.Literal(0.0, Type.REAL)), held),), e.null(Type.BOOL), Type.BOOL)


def _geohash(site: Site) -> e.Expr:
    size = site.index(2) if site.has(2) else e.whole(5)
    if not isinstance(size, e.Literal):
        fits = all_of(call("compare.ge", size, e.whole(1)), call("compare.le", size, e.whole(18)))
        size = e.Case(((fits, size),), e.null(Type.LONG), Type.LONG)
    return fill(site.call("geo.geohash", *_reals(site, 2), size))


def _side(box: e.Expr, place: int) -> e.Expr:
    return coerce.to_real(e.Path(box, (place,)))


def _place(lon: e.Expr, lat: e.Expr) -> e.Expr:
    return call("dynamic.array", lon, lat)


def _middle(a: e.Expr, b: e.Expr) -> e.Expr:
    return call("number.divide", call("number.add", a, b, type=Type.REAL), e.Literal(2.0, Type.REAL))


def _known(box: e.Expr, value: e.Expr) -> e.Expr:
    return e.Case(((negate(call("logic.is_null", box)), value),), e.null(Type.DYNAMIC), Type.DYNAMIC)


def _center(site: Site) -> e.Expr:
    box = site.call("geo.geohash_box", site.string(0))
    west, south, east, north = (_side(box, i) for i in range(4))
    point = call("dynamic.object", e.text("type"), e.text("Point"), e.text("coordinates"), _place(_middle(west, east), _middle(south, north)))
    return _known(box, point)


def _polygon(site: Site) -> e.Expr:
    box = site.call("geo.geohash_box", site.string(0))
    west, south, east, north = (_side(box, i) for i in range(4))
    ring = call("dynamic.array", *(_place(x, y) for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south))))
    return _known(box, call("dynamic.object", e.text("type"), e.text("Polygon"), e.text("coordinates"), call("dynamic.array", ring)))


def _on_geometry(meaning: str) -> Scalar:
    return Scalar(lambda s: s.call(meaning, s.dynamic(0)), 1, 1)


def _of_place(meaning: str) -> Callable[[Site], e.Expr]:
    return lambda s: s.call(meaning, s.real(0), s.real(1), s.dynamic(2))


def _to_polygon(site: Site) -> e.Expr:
    """No distance inside; outside, that to the nearest ring."""
    lon, lat, polygon = site.real(0), site.real(1), site.dynamic(2)
    inside = site.call("geo.in_polygon", lon, lat, polygon)
    single = call("compare.eq", call("dynamic.text", e.Path(polygon, ("type",))), e.text("Polygon"))
    lines = call("dynamic.object", e.text("type"), e.text("MultiLineString"), e.text("coordinates"), e.Path(polygon, ("coordinates",)))
    away = all_of(negate(inside), negate(call("logic.fail_if", negate(single), e.text("the distance to a MultiPolygon is not computed"))))
    return e.Case(((inside, e.Literal(0.0, Type.REAL)), (away, site.call("geo.distance_to_line", lon, lat, lines))), e.null(Type.REAL), Type.REAL)


GEO: dict[str, Scalar] = {
    "geo_distance_2points": Scalar(_distance, 4, 5), "geo_azimuth": Scalar(lambda s: s.call("geo.azimuth", *_reals(s, 4)), 4, 4),
    "geo_angle": Scalar(_angle, 6, 6), "geo_point_in_circle": Scalar(_in_circle, 5, 5), "geo_point_to_geohash": Scalar(_geohash, 2, 3),
    "geo_geohash_to_central_point": Scalar(_center, 1, 1), "geo_geohash_to_polygon": Scalar(_polygon, 1, 1),
    "geo_geohash_neighbors": Scalar(lambda s: s.call("geo.geohash_neighbors", s.string(0)), 1, 1), "geo_line_length": _on_geometry("geo.line_length"),
    "geo_polygon_perimeter": _on_geometry("geo.polygon_perimeter"), "geo_polygon_area": _on_geometry("geo.polygon_area"),
    "geo_point_in_polygon": Scalar(_of_place("geo.in_polygon"), 3, 3),
    "geo_distance_point_to_line": Scalar(_of_place("geo.distance_to_line"), 3, 3), "geo_distance_point_to_polygon": Scalar(_to_polygon, 3, 3),
    "geo_from_wkt": Scalar(lambda s: s.call("geo.from_wkt", s.string(0)), 1, 1),
}  # fmt: skip
