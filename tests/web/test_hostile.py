"""What attackers write into logs is text in every page and file: it adds no element and no attribute, and nothing is left out."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from livefire import Workspace
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


@pytest.mark.slow
def test_no_string_breaks_an_export(tmp_path: Path) -> None:
    ws = with_alerts(tmp_path, [hostile_record(n, t) for n, t in enumerate(STRINGS[-24:])])
    browser = signed_in(of(ws))
    for mark in re.findall(r'data-href="(/alerts/[0-9a-f]{64})"', browser.get("/alerts").text)[:6]:
        for line in browser.get(f"{mark}/case", params={"to": "ocsf"}).text.splitlines():
            json.loads(line)
        json.loads(browser.get(f"{mark}/case", params={"to": "stix"}).text)
