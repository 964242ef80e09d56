"""Watchlists, files for addresses and saved functions that a site declares in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from livefire import QueryError, Workspace
from livefire.store.site import SiteError


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("watchlists", "external", "functions"):
        (tmp_path / name).mkdir()
    (tmp_path / "watchlists" / "Admins.csv").write_text("User,Level\nann@example.org,1\n", encoding="utf-8")
    (tmp_path / "external" / "ranges.csv").write_text("name,hosts\n10.0.0.0/8,12\n", encoding="utf-8")
    (tmp_path / "external" / "feed.json").write_text('[{"ip": "192.0.2.1", "tags": ["a"]}, {"ip": "192.0.2.2"}]', encoding="utf-8")
    (tmp_path / "external" / "names.txt").write_text("one, two\nthree\n", encoding="utf-8")
    (tmp_path / "functions" / "Twice.kql").write_text("(n: long) { n * 2 }", encoding="utf-8")
    (tmp_path / "functions" / "_ASim_Mine.kql").write_text("// of several tables\nT | extend Twofold = Twice(Count)\n", encoding="utf-8")
    (tmp_path / "site.toml").write_text(
        '[watchlists]\nAdmins = "User"\n[external]\n"https://feeds.example/latest" = "feed.json"\n',
        encoding="utf-8",
    )
    return tmp_path


@pytest.fixture
def workspace(site: Path) -> Workspace:
    found = Workspace()
    found.load("T", [{"User": "ann@example.org", "Count": 4}, {"User": "bob@example.org", "Count": 5}])
    found.declare(site)
    return found


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("_GetWatchlist('Admins')", [("ann@example.org", "ann@example.org", "1")]),
        ("let w = _GetWatchlist('Admins') | project SearchKey; T | where User in (w) | project Count", [(4,)]),
        # By place, so the first line is a row unless the query says that it is none.
        ("externaldata(Range: string, Hosts: long)[@'https://x.example/a/ranges.csv?sig=1'] with (format='csv')", [("name", None), ("10.0.0.0/8", 12)]),
        ("externaldata(Range: string, Hosts: long)['https://x.example/ranges.csv'] with (format='csv', ignoreFirstRecord=true)", [("10.0.0.0/8", 12)]),
        ("externaldata(ip: string)['https://feeds.example/latest'] with (format='multijson')", [("192.0.2.1",), ("192.0.2.2",)]),
        ("externaldata(line: string)['https://x.example/names.txt']", [("one, two",), ("three",)]),
        ("_ASim_Mine | where Count == 5 | project Twofold", [(10,)]),
        ("print x = Twice(21)", [(42,)]),
    ],
)
def test_declared_files_answer(workspace: Workspace, text: str, rows: list[tuple[object, ...]]) -> None:
    assert workspace.query(text).rows == rows


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("_GetWatchlist('Nobody')", "E101"),
        ("externaldata(a: string)['https://x.example/other.csv']", "E101"),
        ("externaldata(a: string)['https://x.example/ranges.csv'] with (format='json')", "E304"),
        ("_ASim_Others | take 1", "E101"),
        ("union withsource=S Admins", "E101"),
    ],
)
def test_what_is_not_declared_is_refused(workspace: Workspace, text: str, code: str) -> None:
    with pytest.raises(QueryError) as error:
        workspace.query(text)
    assert error.value.diagnostics[0].code == code


def test_a_fault_in_a_saved_function_is_shown_where_the_query_names_it(site: Path, workspace: Workspace) -> None:
    (site / "functions" / "Broken.kql").write_text("T | where Nobody == 1", encoding="utf-8")
    workspace.declare(site)
    with pytest.raises(QueryError) as error:
        workspace.query("union T, Broken")
    (found,) = error.value.diagnostics
    assert (found.code, found.span.start, found.span.end) == ("E102", 9, 15)


@pytest.mark.parametrize(("name", "text"), [("external/a.json", "[1]"), ("external/a.exe", "x"), ("watchlists/Bad.csv", "a,a\n1,2\n"), ("site.toml", "[")])
def test_a_file_that_cannot_be_read_is_named(site: Path, name: str, text: str) -> None:
    (site / name).write_text(text, encoding="utf-8")
    with pytest.raises(SiteError, match=Path(name).name):
        Workspace().declare(site)


def test_query_parameters_take_their_values_from_the_caller(workspace: Workspace) -> None:
    text = "declare query_parameters(least: long, who: string = 'bob@example.org'); T | where Count >= least and User == who | project Count"
    assert workspace.query(text, parameters={"least": 5}).rows == [(5,)]
    assert workspace.query(text, parameters={"least": "4", "who": "ann@example.org"}).rows == [(4,)]
    with pytest.raises(QueryError) as error:
        workspace.query(text)
    assert [d.code for d in error.value.diagnostics] == ["E457"]
    assert [d.code for d in workspace.check(text)] == ["W457"]


def test_the_smallest_network_says_where_an_address_is(site: Path) -> None:
    lines = ["network,country,city,latitude,longitude", "198.51.0.0/16,Norway,,,", "198.51.100.0/24,Norway,Bergen,60.4,5.3", "2001:db8::/32,Chile,,,"]
    (site / "places.csv").write_text("\n".join(lines), encoding="utf-8")
    workspace = Workspace()
    workspace.declare(site)
    query = "range i from 0 to 5 step 1 | extend a = tostring(dynamic(['198.51.99.255', '198.51.100.0', '198.51.101.0', '2001:db8::1', '192.0.2.1', 'x'])[i])"
    rows = workspace.query(f"{query} | sort by i desc | extend p = geo_info_from_ip_address(a) | project p.country, p.city, p.latitude").rows
    # In the order of the rows: no address, one of no network, Chile, and Norway around Bergen.
    assert rows == [(None, None, None), (None, None, None), ("Chile", "", None), ("Norway", "", None), ("Norway", "Bergen", 60.4), ("Norway", "", None)]


def test_places_without_a_network_are_refused(site: Path) -> None:
    (site / "places.csv").write_text("network,country\n198.51.100.0/99,Norway\n", encoding="utf-8")
    with pytest.raises(SiteError, match="line 2"):
        Workspace().declare(site)
