"""Makes the pictures of `docs/pages.md`: `python -m tests.screenshots [LAKE]`, over the demo's logs unless a lake is given."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from livefire import Workspace
from livefire.emulation.demo import write_demo
from tests.house.project import ROOT
from tests.web.browser import browsing, serving, sign_in
from tests.web.pictures import lighter

OUT = ROOT / "docs" / "pages"
PAGE = """Detect
kql
AWSCloudTrail
| where TimeGenerated > ago(24h)
| where EventName in ("CreateSnapshot", "ModifySnapshotAttribute")
| where isempty(ErrorCode)
| extend Actor = UserIdentityArn, Scope = AwsRegion
| project TimeGenerated, Actor, SourceIpAddress, Scope
medium severity medium confidence
"""
MOST_BYTES = 150_000
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def main(lake: Path | None) -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "T1578.001-example.txt").write_text(PAGE, encoding="utf-8")
        ws = Workspace(lake or folder / "lake")
        if lake is None:
            ws.ingest(write_demo(folder / "demo").logs)
        if not ws.queue()["total"]:
            ws.look_through()
        OUT.mkdir(exist_ok=True)
        with serving(ws, published=folder) as (address, desk):
            take(address, desk)
    for picture in OUT.glob("*.png"):
        picture.write_bytes(lighter(picture.read_bytes()))
    heavy = {p.name: p.stat().st_size for p in OUT.glob("*.png") if p.stat().st_size > MOST_BYTES}
    if heavy:
        sys.exit(f"heavier than {MOST_BYTES:,} bytes: {heavy}")


def take(address: str, desk: Any) -> None:
    """Take every picture: ten pages, one of them in the dark and one on a phone."""
    ws = desk.workspace
    alert = next(a for a in ws.queue()["items"] if "copy" in a["title"])["fingerprint"]
    incident = ws.incidents_page()["items"][0]["id"]
    with browsing("--disable-lcd-text", color_scheme="light") as (page, _):
        sign_in(page, address, desk)

        def shoot(name: str, path: str, *, wait: str = "main") -> None:
            page.goto(f"{address}{path}")
            page.wait_for_selector(wait)
            page.wait_for_timeout(900)
            page.screenshot(path=OUT / f"{name}.png")

        shoot("catalogue", "/")
        shoot("detection", "/detections/T1578.002/instance-created")
        shoot("published", "/published/T1578.001-example", wait=".said-error")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{address}/workbench?rule=T1578.001/snapshot-shared/sentinel.kql")
        page.wait_for_selector(".histogram canvas")
        page.click("#run")
        page.wait_for_selector("#count")
        page.click(".gridbody > div")
        page.click("#behind")
        page.wait_for_selector(".beside details")
        page.evaluate("scrollTo(0, 0)")
        page.set_viewport_size({"width": 1280, "height": 1240})
        page.wait_for_timeout(600)
        page.screenshot(path=OUT / "workbench.png")
        page.set_viewport_size(WIDE)
        shoot("alerts", "/alerts")
        shoot("alert", f"/alerts/{alert}", wait="[data-drawn]")
        shoot("incident", f"/incidents/{incident}", wait="[data-drawn]")
        page.goto(f"{address}/hunt")
        page.click("button:has-text('Hunt over the lake')")
        page.wait_for_selector(".card h3 a", timeout=600_000)
        page.screenshot(path=OUT / "hunt.png")
        chain = page.get_attribute(".card h3 a", "href")
        shoot("chain", str(chain), wait="[data-drawn]")
        shoot("health", "/health")
    with browsing("--disable-lcd-text", color_scheme="dark") as (page, _):
        sign_in(page, address, desk)
        page.goto(f"{address}/alerts/{alert}")
        page.wait_for_selector("[data-drawn]")
        page.wait_for_timeout(900)
        page.screenshot(path=OUT / "alert-dark.png")
        page.set_viewport_size(PHONE)
        page.goto(f"{address}/alerts")
        page.wait_for_timeout(600)
        page.screenshot(path=OUT / "alerts-phone.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
