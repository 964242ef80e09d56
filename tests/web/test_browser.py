"""The pages in a real browser: what people come for, end to end, with a console that has nothing to say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from livefire import Workspace
from livefire.emulation.catalogue import find
from livefire.emulation.delivery import write
from livefire.proving import STORY_START
from livefire.web.rendering import HERE
from tests.cli.logs import record
from tests.web.browser import NEEDS, NEEDS_SCRIPTS, Seen, browsing, serving, sign_in
from tests.web.hostile import SIGN, STRINGS
from tests.web.site import with_alerts
from tests.web.test_hostile import hostile_record, hostile_story

pytestmark = [pytest.mark.slow, NEEDS, NEEDS_SCRIPTS]  # a server, a browser and a proof take minutes together
AXE = HERE / "assets" / "node_modules" / "axe-core" / "axe.min.js"
# Pages of our own with faults like those that pages have: a column in another case; an arrow of another language; a step that is none.
KQL = "AWSCloudTrail\n| where EventName == 'CreateSnapshot'\n| extend Scope = AwsRegion\n| project TimeGenerated, Scope"
CQL = """Vendor.eventName = CreateSnapshot
| case {
    Vendor.eventName = /Snapshot/ => Risk := "High";
    * => Risk := "Low";
  }
| where Risk in ("High")
| groupBy([Vendor.eventName, Risk])"""
VERDICT = "\nhigh severity low confidence\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """A lake with a chain in it (a copy mounted in an instance), two alerts, and a folder of published pages."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "T1578.002-mine.txt").write_text(f"Detect\nkql\n{KQL}{VERDICT}", encoding="utf-8")
    (folder / "T1578.002-other.txt").write_text(f"Detect\ncql\n{CQL}{VERDICT}", encoding="utf-8")
    ws = with_alerts(tmp_path_factory.mktemp("lake"), [record(1), record(2)])
    logs = tmp_path_factory.mktemp("logs")
    write(find("T1578.002/aws-snapshot-to-instance"), logs, STORY_START, 0)
    ws.ingest(logs)
    with serving(ws, published=folder) as served:
        yield served


@pytest.fixture
def opened(place: tuple[str, Any]) -> Iterator[tuple[Any, str, Seen]]:
    address, desk = place
    with browsing() as (page, seen):
        sign_in(page, address, desk)
        yield page, address, seen
        assert (seen.complaints, seen.elsewhere, seen.dialogs) == ([], [], [])


def test_find_a_technique_and_read_why_the_published_query_fails(opened: tuple[Any, str, Seen]) -> None:
    page, _, _ = opened
    page.get_by_role("link", name="T1578.002 Create Cloud Instance").first.click()
    page.get_by_role("link", name="T1578.002-mine").click()
    assert "the product would not run it" in page.inner_text(".head")
    assert re.search(r"E102 no column is named 'AwsRegion'.*did you mean 'AWSRegion'", page.inner_text(".said-error"))


def test_run_a_published_query_and_apply_the_fixes(opened: tuple[Any, str, Seen]) -> None:
    page, address, _ = opened
    page.goto(f"{address}/published/T1578.002-other")
    page.get_by_role("link", name="Open in workbench").first.click()
    page.wait_for_selector(".said-error")
    page.click("#mend")
    page.wait_for_function("() => !document.querySelector('.said-error')")
    page.keyboard.press("Tab")
    page.click("#run")
    assert page.inner_text("#count").startswith("1 row ")
    page.click(".gridbody > div")
    page.click("#behind")
    page.wait_for_selector(".beside details")
    assert "CreateSnapshot" in page.inner_text(".gridbody")


def test_a_query_is_judged_however_late_its_language_is_known(opened: tuple[Any, str, Seen]) -> None:
    """On a busy machine the words of a language come seconds after the text: it must not stand there as if nothing were to be said of it."""
    page, address, seen = opened
    page.route("**/api/v1/words/*", lambda route: (page.wait_for_timeout(1500), route.continue_()))
    page.goto(f"{address}/workbench?page=T1578.002-other")
    page.wait_for_selector(".said-error", timeout=20_000)
    page.unroute("**/api/v1/words/*")
    page.route("**/api/v1/check", lambda route: route.fulfill(status=503, json={"code": "E758", "message": "as much is running as may run at once"}))
    page.goto(f"{address}/workbench?page=T1578.002-other")
    page.wait_for_selector(".said:has-text('This has not been checked')", timeout=20_000)
    seen.complaints.clear()  # the browser's own line about the 503


def test_hunt_and_open_the_lineage_of_a_chain(opened: tuple[Any, str, Seen]) -> None:
    page, address, _ = opened
    page.goto(f"{address}/hunt")
    page.click("button:has-text('Hunt over the lake')")
    page.wait_for_selector(".card h3 a", timeout=300_000)
    page.locator(".card h3 a").first.click()
    page.wait_for_selector("[data-graph][data-drawn]")
    assert int(page.get_attribute("[data-graph]", "data-drawn")) >= 2
    assert page.locator(".timeline li").count() >= 2


def test_triage_an_alert_and_see_what_an_exception_would_hide(opened: tuple[Any, str, Seen]) -> None:
    page, address, _ = opened
    page.goto(f"{address}/alerts")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/alerts/[0-9a-f]{64}"))
    page.click("button:has-text('Take it on')")
    assert "triaged" in page.inner_text(".head")
    page.fill("input[name=resource]", "")
    page.fill(".fieldset input[name=reason]", "moves house")
    page.click("button:has-text('Show its effect')")
    assert "would have held back 2" in page.inner_text(".effect")
    page.click("button:has-text('Make the exception')")
    assert "moves house" in page.inner_text("main")


def test_translate_with_proof(opened: tuple[Any, str, Seen]) -> None:
    page, address, _ = opened
    query = "AWSCloudTrail | where EventName == 'CreateSnapshot' and isempty(ErrorCode) | project TimeGenerated, UserIdentityArn, SourceIpAddress"
    page.goto(f"{address}/workbench?{urlencode({'language': 'kql', 'text': query})}")
    page.wait_for_selector(".histogram canvas")
    page.click("#tab-translate")
    page.select_option("#to", "spl")
    page.click("#go")
    page.wait_for_selector("#verdict, #panel .state.bad", timeout=300_000)
    assert page.inner_text("#verdict") == "proved"
    assert 'eventName == "CreateSnapshot"' in page.inner_text("#translated")


def test_the_workbench_completes_explains_draws_narrows_and_keeps(opened: tuple[Any, str, Seen], place: tuple[str, Any], tmp_path: Path) -> None:
    page, address, _ = opened
    place[1].rules = tmp_path / "rules"
    query = "AWSCloudTrail\n| summarize N = count() by EventName, bin(TimeGenerated, 1h)\n| render timechart"
    page.goto(f"{address}/workbench?{urlencode({'language': 'kql', 'text': query})}")
    page.wait_for_selector(".histogram canvas")
    assert page.get_attribute("#start", "placeholder").startswith("20")
    page.click("#run")
    page.wait_for_selector(".chart canvas")
    page.locator(".cm-line", has_text="summarize").get_by_text("count", exact=True).hover()
    page.wait_for_selector(".cm-words")
    assert page.inner_text(".cm-words").startswith("function count takes")
    page.click("#tab-results")
    page.click(".gridbody > div")
    page.wait_for_selector(".beside dl")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    for _ in range(len("| render timechart")):
        page.keyboard.press("Backspace")
    page.keyboard.type("| where EventN")
    page.wait_for_selector(".cm-tooltip-autocomplete >> text=EventName")
    page.keyboard.press("Enter")
    page.keyboard.type(" != ''")
    page.click("#run")
    page.wait_for_selector("#count")
    page.click(".gridbody > div")
    page.locator(".beside dd button", has_text="CreateSnapshot").or_(page.locator(".beside dd .plain").first).first.click()
    page.wait_for_function("() => document.querySelector('#editor').shadowRoot.textContent.includes('| where EventName ==')")
    page.wait_for_selector("#count")
    page.click("#tab-plan")
    page.wait_for_selector("#panel pre:has-text('scan aws_cloudtrail')")
    page.click("#tab-history")
    assert page.locator("#panel li").count() >= 2
    page.click("#save")
    page.fill("#rule-name", "mine")
    page.click("#keep")
    page.wait_for_selector("#panel .state.good")
    assert "EventName" in (tmp_path / "rules" / "mine.kql").read_text(encoding="utf-8")
    place[1].rules = None


def test_each_kind_of_chart_is_drawn_as_the_query_asks(opened: tuple[Any, str, Seen]) -> None:
    """A slice, bar or key for each name; over time a canvas."""
    page, address, _ = opened
    by_name = "AWSCloudTrail | summarize N = count() by EventName | sort by N desc | take 3"
    twice = "AWSCloudTrail | summarize N = count() by EventName, AWSRegion"
    timed = "AWSCloudTrail | summarize N = count() by bin(TimeGenerated, 1h), EventName"
    for query, sought, least in (
        (f"{by_name} | render piechart", ".pie path, .pie circle", 3),
        (f"{by_name} | render columnchart", ".barrow .barfill", 3),
        (f"{twice} | render barchart with (kind=stacked)", ".barrow .barfill", 3),
        (f"{timed} | render areachart", ".chart canvas", 1),
        (f"{timed} | render timechart", ".chart canvas", 1),
    ):
        page.goto(f"{address}/workbench?{urlencode({'language': 'kql', 'text': query})}")
        page.wait_for_selector(".histogram canvas")
        page.click("#run")
        page.wait_for_selector(f"#panel :is({sought})", state="attached")
        assert page.locator(f"#panel :is({sought})").count() >= least, query
        assert page.get_attribute("#tab-chart", "aria-selected") == "true", query


def test_long_work_is_stopped_from_its_page(opened: tuple[Any, str, Seen], place: tuple[str, Any]) -> None:
    page, address, seen = opened
    page.goto(f"{address}/hunt")
    page.click("button:has-text('Hunt over the lake')")
    page.click("#stop-job", timeout=60_000)
    page.wait_for_selector("text=E761", timeout=60_000)
    assert page.locator("[data-stop]").count() == 0
    query = "AWSCloudTrail | where EventName == 'CreateSnapshot'"
    page.goto(f"{address}/workbench?{urlencode({'language': 'kql', 'text': query})}")
    page.wait_for_selector(".histogram canvas")
    page.click("#prove")
    page.click("#panel .stop-job", timeout=60_000)
    page.wait_for_selector("#panel :text('E761')", timeout=60_000)
    assert {j["state"] for j in place[1].jobs.listed()[:2]} == {"stopped"}
    assert seen.complaints == []


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """A lake in which every string stands in every field that a caller chooses, sixteen records an alert, and attacks whose words are such strings."""
    raw = [hostile_record(n, t) for n, t in enumerate(STRINGS)]
    ws = with_alerts(tmp_path_factory.mktemp("hostile"), raw, each=16)
    logs = tmp_path_factory.mktemp("logs") / "stories.json"
    stories = [r for n, t in enumerate((*STRINGS[:200:20], *STRINGS[-24::4])) for r in hostile_story(n, t)]
    logs.write_text(json.dumps({"Records": stories}), encoding="utf-8")
    assert ws.ingest(logs).stored == len(stories)
    rules = tmp_path_factory.mktemp("rules")
    with serving(ws, rules=rules) as served:
        yield served


def untouched(page: Any, seen: Seen, where: str) -> None:
    """Assert that nothing ran, nothing was asked elsewhere, and the page stands as it was made: its bar on top, no wider than the window."""
    assert page.evaluate(f"window.{SIGN}") is None, where
    assert (seen.complaints, seen.elsewhere, seen.dialogs) == ([], [], []), where
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, where
    bar = page.locator("header.bar").bounding_box()
    assert bar is not None
    assert bar["width"] >= page.viewport_size["width"] - 20, where
    assert page.locator("main#main").count() == 1, where


def test_no_string_runs_or_breaks_a_page(hostile: tuple[str, Any]) -> None:
    """Each of the strings is seen in every place: user agent, user name, ARN, description, tag and answer of its event, on a wide and a narrow window."""
    address, desk = hostile
    with browsing() as (page, seen):
        sign_in(page, address, desk)
        page.goto(f"{address}/alerts")
        untouched(page, seen, "/alerts")
        links = page.eval_on_selector_all(".alert", "rows => rows.map(r => r.dataset.href)")
        assert len(links) == -(-len(STRINGS) // 16)
        shown = ""
        for link in links:
            page.goto(f"{address}{link}")
            page.wait_for_selector(".around .timeline, .around .soft")
            page.eval_on_selector_all("details", "all => all.forEach(d => d.open = true)")
            untouched(page, seen, link)
            shown += page.inner_text("main")
        for text in STRINGS:
            whole = Workspace.harmless(text).split()
            assert not whole or max(whole, key=len)[:200] in shown, text
        page.set_viewport_size({"width": 390, "height": 844})
        for path in ["/alerts", *links[::7], "/health"]:
            page.goto(f"{address}{path}")
            untouched(page, seen, f"{path} on a phone")
            widths = page.eval_on_selector_all(".alert .what, .timeline li > div", "all => all.map(e => e.clientWidth)")
            assert min(widths, default=200) >= 200, f"{path}: what is to be read stands in {min(widths)} pixels"


def test_no_string_runs_in_incidents_hunts_and_files(hostile: tuple[str, Any], tmp_path: Path) -> None:
    address, desk = hostile
    alerts, incidents = desk.workspace.queue()["items"], desk.workspace.incidents_page()["items"]
    desk.audit.note(STRINGS[0], STRINGS[31], about=STRINGS[12], more=list(STRINGS[40:60]))
    with browsing() as (page, seen):
        sign_in(page, address, desk)
        for path in [*(f"/incidents/{i['id']}" for i in incidents[:4]), "/health", "/"]:
            page.goto(f"{address}{path}")
            untouched(page, seen, path)
        page.goto(f"{address}/alerts/{alerts[0]['fingerprint']}")
        page.click("button:has-text('Run the guide')")
        page.wait_for_selector("h3:has-text('Preserve first')", timeout=300_000)
        page.eval_on_selector_all("details", "all => all.forEach(d => d.open = true)")
        untouched(page, seen, "a case")
        for number, one in enumerate(alerts[::5]):
            whole = page.request.get(f"{address}/alerts/{one['fingerprint']}/case?to=html").text()
            for name, text in (("as it is", whole), ("without its policy", re.sub(r"<meta http-equiv=.content-security-policy.[^>]*>", "", whole))):
                file = tmp_path / f"{number} {name}.html"
                file.write_text(text, encoding="utf-8")
                page.goto(file.as_uri())
                assert page.evaluate(f"window.{SIGN}") is None
                assert (seen.complaints, seen.elsewhere, seen.dialogs) == ([], [], [])


def test_no_string_runs_in_a_hunt_or_its_chains(hostile: tuple[str, Any]) -> None:
    """Identities, what their risk is made of, the steps of each chain and the graph of its resources, wide and narrow."""
    address, _ = hostile
    with browsing() as (page, seen):
        sign_in(page, address, hostile[1])
        page.goto(f"{address}/hunt")
        page.click("button:has-text('Hunt over the lake')")
        page.wait_for_selector(".card h3 a", timeout=300_000)
        untouched(page, seen, "/hunt")
        links = page.eval_on_selector_all(".card h3 a", "all => all.map(a => a.getAttribute('href'))")
        assert len(links) >= 5
        for link in links[:12]:
            page.goto(f"{address}{link}")
            page.wait_for_selector("[data-graph][data-drawn]")
            page.eval_on_selector_all("details", "all => all.forEach(d => d.open = true)")
            untouched(page, seen, link)
        page.set_viewport_size({"width": 390, "height": 844})
        for path in ("/hunt", links[0], "/detections/T1578.002/instance-created"):
            page.goto(f"{address}{path}")
            untouched(page, seen, f"{path} on a phone")


def test_no_string_runs_in_the_workbench(hostile: tuple[str, Any]) -> None:
    address, desk = hostile
    columns = "AwsEventId, UserAgent, UserIdentityUserName, RequestParameters, ResponseElements"
    query = f"AWSCloudTrail | where AwsEventId startswith '22222222' | sort by AwsEventId asc | project {columns}"  # one record a string
    with browsing() as (page, seen):
        sign_in(page, address, desk)
        page.goto(f"{address}/workbench?{urlencode({'language': 'kql', 'text': query})}")
        page.wait_for_selector(".histogram canvas")
        page.click("#run")
        page.wait_for_selector("#count")
        assert page.inner_text("#count").startswith(f"{len(STRINGS)} rows")
        view = page.locator(".gridview")
        for at in range(0, len(STRINGS), 12):
            view.evaluate("(v, top) => (v.scrollTop = top)", at * 25)
            page.wait_for_timeout(60)
            untouched(page, seen, f"rows from {at}")
        for row in range(6):
            page.locator(".gridbody > div").nth(row).click()
            page.wait_for_selector(".beside dl")
            untouched(page, seen, "a row")
        page.click("#behind")
        page.wait_for_selector(".beside details")
        for name in ("UserAgent", "UserIdentityUserName", "RequestParameters"):
            page.click(f".gridhead button:text-is('{name}')")
            page.wait_for_selector(".statistics li")
            untouched(page, seen, name)
        page.click("#tab-history")
        untouched(page, seen, "history")


def test_another_site_neither_reads_nor_changes_anything(place: tuple[str, Any]) -> None:
    """The attacker's page stands on another port of this machine, and under a name that was made to point here."""
    address, desk = place
    port = address.rsplit(":", 1)[1]
    before = len(desk.jobs.listed())
    with serving(Workspace()) as (evil, _), browsing("--host-resolver-rules=MAP evil.example 127.0.0.1") as (page, _):
        sign_in(page, address, desk)
        page.goto(f"{evil}/login")
        tried = """async (address) => {
            const said = [];
            for (const path of ["/", "/api/v1/sources", "/api/v1/openapi.json"])
                said.push(await fetch(address + path, {credentials: "include"}).then((r) => r.text(), () => "refused"));
            for (const path of ["/hunt", "/alerts/look", "/logout"]) {
                const sent = {method: "POST", credentials: "include", mode: "no-cors", body: new URLSearchParams({a: "b"})};
                said.push(await fetch(address + path, sent).then((r) => r.type, () => "refused"));
            }
            return said;
        }"""
        said = page.evaluate(tried, address)
        assert set(said[:3]) == {"refused"}
        page.goto(f"http://evil.example:{port}/")
        assert "E751" in page.inner_text("body")
        page.goto(f"{address}/health")
        assert "Health" in page.inner_text("h1")  # still signed in
    assert len(desk.jobs.listed()) == before


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci in src/livefire/web/assets")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_used_by_everybody(place: tuple[str, Any], scheme: str) -> None:
    """axe-core finds no fault of WCAG 2.1 A and AA."""
    address, desk = place
    with browsing(color_scheme=scheme, bypass_csp=True) as (page, _):
        sign_in(page, address, desk)
        found = []
        mark = desk.workspace.queue()["items"] or desk.workspace.queue(status=("new", "triaged", "closed"))["items"]
        paths = ["/", "/techniques/T1578", "/detections/T1578.002/instance-created", "/published/T1578.002-mine", "/workbench", "/alerts", "/hunt", "/health"]
        for path in [*paths, f"/alerts/{mark[0]['fingerprint']}", "/incidents/1", "/emulations/T1578.002/aws-run-instances"]:
            page.goto(f"{address}{path}")
            page.wait_for_load_state("networkidle") if path not in ("/alerts",) else page.wait_for_timeout(300)
            page.add_script_tag(path=str(AXE))
            wrong = page.evaluate("async () => (await axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})).violations")
            found += [f"{path}: {v['id']}: {n['html'][:120]} {n['failureSummary'][:160]}" for v in wrong for n in v["nodes"][:3]]
    assert found == []
