"""The catalogue as files: the same pages as on a server, with addresses relative to each other, and no script at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from livefire import Workspace
from livefire.web.access import User
from livefire.web.catalogue import technique_of
from livefire.web.rendering import STATIC, render

_FILES = ("livefire.css", "mark.svg")


def write_site(ws: Workspace, out: Path, published: Path | None = None, *, prove: bool = False, progress: Callable[[str], None] = lambda _text: None) -> int:
    """Write every page of the catalogue below a folder and return how many; OSError when it cannot be written."""
    covered = ws.coverage()
    names = [d["id"] for t in covered["techniques"] for d in t["detections"]]
    for name in names if prove else ():
        progress(f"proving {name}")
        ws.prove_detection(name)
    count = 0
    for path, template, values in _pages(ws, ws.coverage(), names, published):
        progress(path)
        _write(out, path, template, values)
        count += 1
        for file in (f for language in values.get("d", {}).get("languages", ()) for f in language["files"]):
            _put(out / "rules" / values["d"]["id"] / file["name"], file["text"])
    for name in _FILES:
        (out / "static").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(STATIC / name, out / "static" / name)
    return count


def _pages(ws: Workspace, covered: dict[str, Any], names: list[str], published: Path | None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    pages = ws.published_pages(published) if published is not None else []
    yield "/", "catalogue.html", {"c": covered}
    wanted = {t["id"] for t in covered["techniques"]} | {x["id"] for tactic in covered["tactics"] for x in tactic["techniques"] if x["count"]}
    for name in sorted(wanted):
        yield f"/techniques/{name}", "technique.html", {"t": technique_of(covered, name, pages)}
    stories: dict[str, None] = {}
    for name in names:
        found = ws.detection_page(name)
        stories |= dict.fromkeys(s["id"] for s in (*found["attacks"], *found["look_alikes"]))
        yield f"/detections/{name}", "detection.html", {"d": {**found, "published": [p for p in pages if p["technique"] == found["technique"]]}}
    for chain in covered["chains"]:
        found = ws.chain_page(chain["id"])
        stories |= dict.fromkeys(s["id"] for s in found["attacks"])
        yield f"/chains/{chain['id']}", "chain.html", {"c": found}
    for story in stories:
        yield f"/emulations/{story}", "emulation.html", {"e": ws.story_page(story)}
    if published is not None:
        yield "/published", "published.html", {"pages": pages}
        for page in pages:
            yield f"/published/{page['name']}", "published_page.html", {"p": ws.published_page(published, page["name"]), "proof": None}


def _write(out: Path, path: str, template: str, values: dict[str, Any]) -> None:
    depth = path.strip("/").count("/") + 1 if path != "/" else 0
    up = "../" * depth

    def href(target: str, *, raw: bool = False) -> str:
        inner = target.strip("/")
        return f"{up}{inner}" if raw else f"{up}{inner}/index.html" if inner else f"{up}index.html"

    common = {"static": True, "asset": lambda name: f"{up}static/{name}", "user": User("", "viewer"), "history": None, "chosen": "", "section": "catalogue"}
    _put(out / path.strip("/") / "index.html", render(template, {**common, **values}, href))


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
