"""Macros, lookup tables and outputs that the user declares in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from livefire import QueryError, Workspace
from livefire.languages.spl.lookup_files import read_lookup_definitions
from livefire.languages.spl.macro_files import MacroFileError, read_macros

CONF = """
# comment
[busy(2)]
args = field, least
definition = where $field$ >= \\
    $least$

[cloud]
definition = index=cloud
[computed(1)]
args = x
iseval = 1
definition = "index=" . x
"""
EVENTS = [{"at": f"2026-01-01T00:0{i}:00Z", "who": who, "size": size} for i, (who, size) in enumerate([("ann", 5), ("Bob", 20), ("=cat", 30)])]


@pytest.fixture
def ws() -> Workspace:
    found = Workspace()
    found.load("cloud", EVENTS, time_field="at")
    return found


def test_macros_come_from_conf_and_yaml(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "macros.conf").write_text(CONF)
    (tmp_path / "small.yml").write_text("name: small\narguments: [limit]\ndefinition: search size<$limit$\n")
    ws.declare(macros=tmp_path)
    # `busy` keeps 20 and 30, `small` of those what is below 25: only 20.
    assert ws.query("`cloud` | `busy(size, 20)` | `small(25)` | table size", language="spl").rows == [(20,)]


def test_a_later_local_macro_takes_the_place_of_the_default(tmp_path: Path) -> None:
    for folder, text in (("local", "search a=2"), ("default", "search a=1")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "macros.conf").write_text(f"[m]\ndefinition = {text}\n")
    assert read_macros(tmp_path)["m"]["definition"] == "search a=2"


def test_a_computed_macro_and_a_wrong_number_of_arguments_are_refused(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "macros.conf").write_text(CONF)
    ws.declare(macros=tmp_path)
    for text in ('search `computed("cloud")`', "`cloud` | `busy(size)`"):
        codes = {d.code for d in ws.check(text, language="spl")}
        assert codes & {"E150", "E105"}, text


def test_a_file_that_is_no_yaml_is_said(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("name: [")
    with pytest.raises(MacroFileError, match=r"bad\.yml is no YAML"):
        read_macros(tmp_path)


def test_lookups_come_from_csv_files_and_every_cell_is_text(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text("login,team\nann,red\nBob,\n")
    ws.declare(lookups=tmp_path)
    rows = ws.query("index=cloud | lookup teams.csv login AS who OUTPUT team | sort size | table who team", language="spl").rows
    assert rows == [("ann", "red"), ("Bob", None), ("=cat", None)]


def test_outputlookup_writes_only_into_the_folder_that_was_allowed(ws: Workspace, tmp_path: Path) -> None:
    text = "index=cloud | sort size | table who size | outputlookup seen.csv"
    assert {d.code for d in ws.query(text, language="spl").diagnostics} == {"W159"}
    assert list(tmp_path.iterdir()) == []
    ws.declare(outputs=tmp_path)
    assert len(ws.query(text, language="spl").rows) == 3
    # What a spreadsheet would take for a formula is no formula in the file, and the same text when it is read again.
    assert (tmp_path / "seen.csv").read_text().splitlines() == ["who,size", "ann,5", "Bob,20", "'=cat,30"]
    ws.declare(lookups=tmp_path)
    assert ws.query("| inputlookup seen where size>5", language="spl").rows == [("Bob", "20"), ("=cat", "30")]


def test_outputlookup_does_not_leave_its_folder(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    ws.declare(outputs=tmp_path / "in")
    with pytest.raises(QueryError) as caught:
        ws.query("index=cloud | table who | outputlookup ../out.csv", language="spl")
    assert "E107" in {d.code for d in caught.value.diagnostics}
    assert not (tmp_path / "out.csv").exists()


TRANSFORMS = """
[tools]
filename = tools.csv
match_type = WILDCARD(process)
case_sensitive_match = false
max_matches = 2
min_matches = 1
default_match = unknown
[nets]
filename = nets.csv
match_type = CIDR(block)
"""


@pytest.fixture
def declared(tmp_path: Path) -> Workspace:
    (tmp_path / "tools.csv").write_text("process,kind\n*rclone*,copies\nr?l*,literal\nRCLONE.exe,exact\n*clone*,third\n")
    (tmp_path / "nets.csv").write_text("block,site\n10.0.0.0/8,lan\n10.1.0.0/16,lab\n2001:db8::/32,six\nhost,odd\n")
    (tmp_path / "transforms.conf").write_text(TRANSFORMS)
    found = Workspace()
    found.declare(lookups=tmp_path)
    seen = [("rclone.exe", "10.1.2.3"), ("r?lx", "2001:db8::1"), ("cat", "192.0.2.1"), (None, None)]
    found.load("seen", [{"k": i, "process": p, "ip": ip} for i, (p, ip) in enumerate(seen)], {"k": "long", "process": "string", "ip": "string"})
    return found


def test_a_lookup_matches_as_transforms_conf_says(declared: Workspace) -> None:
    rows = declared.query("index=seen | lookup tools process OUTPUT kind | table k kind", language="spl").rows
    # The first two rows of the file that fit, `?` being no wildcard; without one the default; an event without the field asks nothing.
    assert rows == [(0, ["copies", "exact"]), (1, "literal"), (2, "unknown"), (3, None)]


def test_a_lookup_of_blocks_takes_every_block_that_holds_the_address(declared: Workspace) -> None:
    rows = declared.query("index=seen | lookup nets block AS ip OUTPUTNEW site | table k site", language="spl").rows
    assert rows == [(0, ["lan", "lab"]), (1, "six"), (2, None), (3, None)]


def test_the_file_of_a_lookup_compares_as_it_is_and_its_name_reads_the_same_rows(declared: Workspace) -> None:
    rows = declared.query("index=seen | lookup tools.csv process OUTPUT kind | table k kind", language="spl").rows
    assert rows == [(0, None), (1, None), (2, None), (3, None)]
    assert declared.query("| inputlookup tools where kind=ex* | table process", language="spl").rows == [("RCLONE.exe",)]


def test_the_yaml_of_a_lookup_says_how_it_matches(tmp_path: Path) -> None:
    text = "name: tools\nfilename: tools.csv\nmatch_type: [WILDCARD(process), CIDR(ip)]\ncase_sensitive_match: false\nmin_matches: 1\ndefault_match: 'false'\n"
    (tmp_path / "tools.yml").write_text(text)
    said = read_lookup_definitions(tmp_path)["tools"]
    assert said == {"table": "tools.csv", "kinds": {"process": "wildcard", "ip": "cidr"}, "case": False, "least": 1, "most": 1000, "default": "false"}


def test_the_smallest_block_that_holds_an_address_places_it(ws: Workspace) -> None:
    ws.load("seen", [{"k": 1, "ip": "10.1.2.3"}, {"k": 2, "ip": "10.9.0.1"}, {"k": 3, "ip": "192.0.2.1"}, {"k": 4, "ip": None}, {"k": 5, "ip": "2001:db8::7"}])
    blocks = [("10.0.0.0/8", "Lisbon", "Portugal"), ("10.1.0.0/16", "Porto", "Portugal"), ("2001:db8::/32", "Oslo", "Norway")]
    ws.load("ip_locations", [{"network": n, "city": city, "country": country} for n, city, country in blocks])
    result = ws.query("index=seen | iplocation prefix=at_ ip | table k at_City at_Country at_lat", language="spl")
    # The second block lies within the first; the third address is in none, and no block tells a latitude.
    assert result.rows == [
        (1, "Porto", "Portugal", None),
        (2, "Lisbon", "Portugal", None),
        (3, None, None, None),
        (4, None, None, None),
        (5, "Oslo", "Norway", None),
    ]


def test_without_a_database_no_place_is_told(ws: Workspace) -> None:
    text = "index=cloud | iplocation who"
    assert {d.severity for d in ws.check(text, language="spl") if d.code in ("W155", "E155")} == {"warning"}
    with pytest.raises(QueryError) as caught:
        ws.query(text, language="spl")
    assert "E155" in {d.code for d in caught.value.diagnostics}


def test_logs_that_are_not_read_here_hold_no_events(ws: Workspace) -> None:
    # In Splunk too a sourcetype, source, model or metric without events is searched and finds nothing; a warning says so.
    for text in (
        "sourcetype=o365:management:activity Operation=x | stats count by UserId",
        "index=o365 sourcetype=o365:management:activity",
        "sourcetype=aws:cloudtrail:lake",
        "| tstats count from datamodel=Endpoint.Processes by Processes.dest",
        "| from datamodel:Web.Web",
        "| mstats avg(cpu) where index=metrics by host",
    ):
        result = ws.query(text, language="spl")
        assert result.rows == []
        assert "W155" in {d.code for d in result.diagnostics}, text


def test_a_name_that_is_nearly_right_is_an_error(ws: Workspace) -> None:
    for text, meant in (
        ("sourcetype=aws:cloudtrial", "aws:cloudtrail"),
        ("index=clowd", "cloud"),
        ("| tstats count from datamodel=Authentification", "Authentication"),
    ):
        with pytest.raises(QueryError) as caught:
            ws.query(text, language="spl")
        assert [(d.code, meant in d.help) for d in caught.value.diagnostics if d.severity == "error"] == [("E101", True)]
