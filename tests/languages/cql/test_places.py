"""Places: which of two numbers is the latitude decides everything, and a swap shows no error."""

from __future__ import annotations

import livefire


def test_a_geohash_takes_latitude_and_longitude_by_their_names() -> None:
    ws = livefire.Workspace()
    ws.load("t", [{"lat": 57.64911, "lon": 10.40744}])
    # The example of the inventor of geohash: a point in Jutland.
    found = ws.query("geohash(lat=lat, lon=lon, precision=11) | table([_geohash])", "cql", index="t")
    assert [tuple(r) for r in found.rows] == [("u4pruydqqvj",)]


def test_a_degree_of_longitude_is_short_in_the_north() -> None:
    ws = livefire.Workspace()
    ws.load("t", [{"a": 60.0, "b": 0.0, "c": 60.0, "d": 1.0}])
    found = ws.query("geography:distance(lat1=a, lon1=b, lat2=c, lon2=d) | table([_distance])", "cql", index="t")
    # One degree at 60° is half of the 111.2 km at the equator.
    assert 55_000 < float(found.rows[0][0]) < 56_000
