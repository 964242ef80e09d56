"""What attackers write into logs is text in every page and file: it adds no element and no attribute, and nothing is left out."""

from __future__ import annotations

import csv
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from livefire import Workspace
from livefire.emulation.catalogue import find
from livefire.proving import as_case
from tests.cli.logs import record
from tests.web.hostile import STRINGS
from tests.web.site import ORIGIN, of, signed_in, with_alerts

SAFE = "aws-cli/2.15"


def hostile_record(number: int, text: str) -> dict[str, Any]:
    """Return a record that holds a text in every field that a caller can choose."""
    identity = {"type": "IAMUser", "principalId": "AIDA", "arn": f"arn:aws:iam::111122223333:user/{text}", "accountId": "111122223333", "userName": text}
    request = {"volumeId": f"vol-{number:08x}", "description": text, "tagSpecificationSet": {"items": [{"tags": [{"key": text, "value": text}]}]}}
    raw = record(number % 60, userAgent=text, userIdentity=identity, requestParameters=request, errorMessage=None)
    return {**raw, "eventID": f"22222222-0000-0000-0000-{number:012x}", "responseElements": {"snapshotId": text}}


def hostile_story(number: int, text: str) -> list[dict[str, Any]]:
    """Return an attack of several acts whose actor, agents, names, tags and descriptions are a text: what a chain is completed by."""
    case = as_case(find("T1578.002/aws-snapshot-to-instance"))
    own = json.loads(json.dumps(case.records))
    for at, raw in enumerate(own):
        raw["eventID"] = f"33333333-0000-0000-{number:04x}-{at:012x}"
        _poison(raw, text)
    return list(own)


def _poison(value: Any, text: str) -> None:
    for key, held in list(value.items()) if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(held, str) and key in ("userAgent", "userName", "description", "key", "value", "roleSessionName", "principalId"):
            value[key] = text
        elif isinstance(held, str) and key == "arn":
            value[key] = f"{held.rpartition('/')[0]}/{text}"
        else:
            _poison(held, text)


class Shape(HTMLParser):
    """Collects the elements of a page with the names of their attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def shape(page: str) -> list[tuple[str, tuple[str, ...]]]:
    parser = Shape()
    parser.feed(page)
    return parser.found


def pages(browser: TestClient) -> dict[str, str]:
    """Return every page and file that shows what logs say."""
    queue = browser.get("/alerts").text
    marks = re.findall(r'data-href="(/alerts/[0-9a-f]{64})"', queue)
    incidents = sorted(set(re.findall(r'href="(/incidents/\d+)"', queue)))
    run = {
        "language": "kql",
        "text": "AWSCloudTrail | sort by AwsEventId asc | project AwsEventId, UserAgent, UserIdentityUserName, RequestParameters, ResponseElements",
    }
    found = {"/alerts": queue, "/workbench": browser.post("/workbench", data=run, headers={"origin": ORIGIN}).text}
    for number, mark in enumerate(sorted(marks)[:3]):
        found[f"alert {number}"] = browser.get(mark).text
        found[f"case {number}"] = browser.get(f"{mark}/case", params={"to": "html"}).text
    found |= {f"incident {n}": browser.get(i).text for n, i in enumerate(incidents[:3])}
    return found


def test_there_are_enough_strings() -> None:
    assert len(set(STRINGS)) >= 200


@pytest.mark.slow
def test_no_string_adds_to_a_page(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same pages over the same records with a harmless text in the place of each string have the same elements.

    Rows and alerts stand in the order of event ids and fingerprints, which do not depend on the strings; each incident holds the alerts
    of one actor, so their numbers are those of the records.
    """

    def made(name: str, texts: list[str]) -> dict[str, str]:
        ws = with_alerts(tmp_path_factory.mktemp(name), [hostile_record(n, t) for n, t in enumerate(texts)])
        return pages(signed_in(of(ws)))

    hostile = made("hostile", list(STRINGS[:90] + STRINGS[-30:]))
    harmless = made("harmless", [f"mo{n}" for n in range(120)])
    assert hostile.keys() == harmless.keys()
    for name, page in hostile.items():
        assert shape(page) == shape(harmless[name]), name


def test_every_string_is_in_the_rows_as_text(tmp_path: Path) -> None:
    """Nothing is cut or dropped: each string stands in the page, with what would hide or reorder it written out."""
    logs = tmp_path / "logs.json"
    logs.write_text(json.dumps({"Records": [hostile_record(n, t) for n, t in enumerate(STRINGS)]}), encoding="utf-8")
    ws = Workspace(tmp_path / "lake")
    ws.ingest(logs)
    browser = signed_in(of(ws))
    asked = {"text": "AWSCloudTrail | project UserAgent", "language": "kql"}
    answer = browser.post("/api/v1/query", json=asked, headers={"origin": ORIGIN})
    shown = {row[0] for row in answer.json()["rows"]}
    for text in STRINGS:
        assert Workspace.harmless(text) in shown
    page = html.unescape(browser.post("/workbench", data=asked, headers={"origin": ORIGIN}).text)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u200d\ufeff\u2028\x1b\x07]", page)


KEPT = {"time", "operationName", "category", "resultType", "@type", "serviceName", "methodName", "timestamp", "receiveTimestamp", "logName", "insertId"}
"""What tells whose record it is, which act, and when: with another value in it, it is another record, or none."""


@pytest.mark.slow
@pytest.mark.parametrize(("story", "table"), [("T1578.001/azure-snapshot-sas", "AzureActivity"), ("T1578.002/gcp-create-instance", "GCPAuditLogs")])
def test_no_string_in_any_field_of_another_source_adds_to_a_page(tmp_path: Path, story: str, table: str) -> None:
    """Every text of Azure's and Google's records but those that make it one, at any depth; all columns in the workbench."""
    base = json.loads(json.dumps(as_case(find(story)).records[0]))

    def made(name: str, texts: list[str]) -> str:
        records = [{**_filled(base, t), **({"insertId": f"i{n:03}"} if "insertId" in base else {"correlationId": f"c{n:03}"})} for n, t in enumerate(texts)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
        ws = Workspace(tmp_path / name)
        assert ws.ingest(tmp_path / f"{name}.jsonl").stored == len(texts)
        answer = signed_in(of(ws)).post("/workbench", data={"language": "kql", "text": f"{table} | sort by TimeGenerated asc"}, headers={"origin": ORIGIN})
        assert answer.status_code == 200
        return str(answer.text)

    texts = list(STRINGS[::4])
    hostile, harmless = made("hostile", texts), made("harmless", [f"mo{n}" for n in range(len(texts))])
    assert shape(hostile) == shape(harmless)
    assert sum(tag == "tr" for tag, _ in shape(hostile)) > len(texts), "the rows are there"
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u200d\ufeff\u2028\x1b\x07]", hostile)


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {k: v if k in KEPT else _filled(v, text) for k, v in value.items()}
    return [_filled(v, text) for v in value] if isinstance(value, list) else text if isinstance(value, str) else value


@pytest.mark.slow
def test_no_string_breaks_an_export(tmp_path: Path) -> None:
    ws = with_alerts(tmp_path, [hostile_record(n, t) for n, t in enumerate(STRINGS[-24:])])
    browser = signed_in(of(ws))
    for mark in re.findall(r'data-href="(/alerts/[0-9a-f]{64})"', browser.get("/alerts").text)[:6]:
        for line in browser.get(f"{mark}/case", params={"to": "ocsf"}).text.splitlines():
            json.loads(line)
        json.loads(browser.get(f"{mark}/case", params={"to": "stix"}).text)


def told(folder: Path, texts: list[str]) -> Workspace:
    """Return a workspace with what a site declares, all of it such texts: a watchlist, a lookup and macros."""
    (folder / "site" / "watchlists").mkdir(parents=True)
    (folder / "lookups").mkdir()
    (folder / "macros").mkdir()
    for path in (folder / "site" / "watchlists" / "People.csv", folder / "lookups" / "people.csv"):
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["n", "name"], *([f"{n:03}", t] for n, t in enumerate(texts))])
    lines = [f'[m{n}]\ndefinition = search name="{t}" | no_such_command {t}\n' for n, t in enumerate(" ".join(t.split()) for t in texts)]
    (folder / "macros" / "macros.conf").write_text("\n".join(lines), encoding="utf-8")
    ws = Workspace()
    ws.declare(folder / "site", macros=folder / "macros", lookups=folder / "lookups")
    return ws


@pytest.mark.slow
def test_nothing_that_a_site_declares_adds_to_a_page(tmp_path: Path) -> None:
    """Watchlists and lookups hold what people and directories are named; macros are text that messages quote."""

    def made(name: str, texts: list[str]) -> list[str]:
        browser = signed_in(of(told(tmp_path / name, texts)))
        asked = [
            ("kql", "_GetWatchlist('People') | sort by n asc"),
            ("spl", "| inputlookup people | sort n"),
            *(("spl", f"search `m{n}`") for n in range(0, len(texts), 3)),
        ]
        found = []
        for language, text in asked:
            answer = browser.post("/workbench", data={"language": language, "text": text}, headers={"origin": ORIGIN})
            said = browser.post("/api/v1/check", json={"language": language, "text": text}, headers={"origin": ORIGIN})
            assert (answer.status_code, said.status_code) == (200, 200)
            assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u200d\ufeff\u2028\x1b\x07]", answer.text)
            found.append(answer.text)
        return found

    texts = [t for t in STRINGS[100:] if len(t) < 300 and len(t.splitlines()) == 1]  # a cell of several lines is refused
    hostile, harmless = made("hostile", texts), made("harmless", [f"mo{n}" for n in range(len(texts))])
    for one, other in zip(hostile[:2], harmless[:2], strict=True):
        assert shape(one) == shape(other)
        assert sum(tag == "tr" for tag, _ in shape(one)) == len(texts) + 1
    elements = {one for page in harmless for one in shape(page)}
    for page in hostile[2:]:  # how much is said of a macro depends on its text; of what elements it is made does not
        assert {tag for tag, _ in shape(page)} <= {tag for tag, _ in elements} | {"div", "span", "p"}
        assert not {name for _, names in shape(page) for name in names if name.startswith("on")}
