"""The catalogue's pages: matrix, techniques, detections, chains, emulations, published pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import PlainTextResponse, Response

from livefire.web.desk import Call, NotYoursError, go_to
from livefire.web.jobs import Job


def home(call: Call) -> Response:
    """Show the catalogue."""
    return call.page("catalogue.html", section="catalogue", c=call.ws.coverage())


def technique(call: Call) -> Response:
    """Show a technique."""
    return call.page("technique.html", section="catalogue", t=technique_of(call.ws.coverage(), call.path("name"), pages_of(call)))


def technique_of(covered: dict[str, Any], name: str, pages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a technique with its detections, chains and published pages; KeyError for one that is not in the matrix."""
    below = [t for t in covered["techniques"] if t["id"] == name or t["id"].startswith(f"{name}.")]
    names = {x["id"]: x["name"] for tactic in covered["tactics"] for x in tactic["techniques"]} | {t["id"]: t["name"] for t in covered["techniques"]}
    found = [d for t in below for d in t["detections"]]
    chains = [c for c in covered["chains"] if c["id"].partition("/")[0].startswith(name)]
    return {"id": name, "name": names[name], "detections": found, "chains": chains, "published": [p for p in pages if p["technique"].startswith(name)]}


def pages_of(call: Call) -> list[dict[str, Any]]:
    """Return the published pages, none where no folder was given."""
    if call.desk.published is None:
        return []
    known: list[dict[str, Any]] = call.desk.kept.setdefault("pages", call.ws.published_pages(call.desk.published))
    return known


def detection(call: Call) -> Response:
    """Show a detection."""
    name = call.path("name")
    found = call.ws.detection_page(name)
    pages = [p for p in pages_of(call) if p["technique"] == found["technique"]]
    alerts = call.desk.kept.get("alerts")
    history = alerts.history(name) if alerts is not None else None
    return call.page("detection.html", section="catalogue", d={**found, "published": pages}, chosen=call.given.get("in", ""), history=history)


def rule(call: Call) -> Response:
    """Give a rule file as it is."""
    text, name = rule_text(call, call.path("name"))
    return PlainTextResponse(text, headers={"content-disposition": f'attachment; filename="{name}"'})


def rule_text(call: Call, name: str) -> tuple[str, str]:
    """Return a rule file of a detection with its name, given as `id/file` or `id/hunts/file`; KeyError for one that is not there."""
    detection_id, _, file = name.rpartition("/")
    found = call.ws.detection_page(detection_id.removesuffix("/hunts"))
    files = found["hunts"] if detection_id.endswith("/hunts") else [f for language in found["languages"] for f in language["files"]]
    return str({f["name"]: f for f in files}[file]["text"]), file


def prove(call: Call) -> Response:
    """Put a detection to the proof."""
    name = call.path("name")
    return go_to(f"/jobs/{begin_proof(call, name).id}?back=/detections/{name}")


def begin_proof(call: Call, name: str) -> Job:
    """Begin to put a detection to the proof; KeyError for one that is not there."""
    call.ws.detection_page(name)
    call.note("prove", detection=name)

    def work(job: Job) -> Any:
        return call.ws.stoppable(job.stop).prove_detection(name, job.tell)

    return call.desk.jobs.begin(f"Proof of {name}", work, call.user.name, key="prove-" + name.replace("/", "-"))


def chain(call: Call) -> Response:
    """Show a chain."""
    return call.page("chain.html", section="catalogue", c=call.ws.chain_page(call.path("name")))


def emulation(call: Call) -> Response:
    """Show an emulation with its raw events."""
    return call.page("emulation.html", section="catalogue", e=call.ws.story_page(call.path("name")))


def published(call: Call) -> Response:
    """Show the published pages."""
    return call.page("published.html", section="published", pages=pages_of(call))


def published_page(call: Call) -> Response:
    """Show a published page's query and what is wrong with it."""
    if call.desk.published is None:
        raise KeyError(call.path("name"))
    name = call.path("name")
    return call.page(
        "published_page.html", section="published", p=call.ws.published_page(call.desk.published, name), proof=call.desk.kept.get(f"published:{name}")
    )


def prove_published(call: Call) -> Response:
    """Put a published page's query to the proof."""
    name = call.path("name")
    return go_to(f"/jobs/{begin_page_proof(call, name).id}?back=/published/{name}")


def begin_page_proof(call: Call, name: str) -> Job:
    """Begin to put a published page's query to the proof; KeyError for one that is not there."""
    folder = call.desk.published
    if folder is None:
        raise KeyError(name)
    call.ws.published_page(folder, name)
    call.note("prove", page=name)

    def work(job: Job) -> Any:
        found = call.desk.kept[f"published:{name}"] = call.ws.stoppable(job.stop).prove_published(folder, name, job.tell)
        return found

    return call.desk.jobs.begin(f"Proof of {name}", work, call.user.name, key=f"page-{name}")


def job(call: Call) -> Response:
    """Show how a job stands; without script the page asks again by itself."""
    found = call.desk.jobs.find(call.path("name"))
    safe = _back(call)
    standing = found.wait(-1, 0)
    if standing["state"] == "done":
        return go_to(safe)
    return call.page("job.html", section="", job=standing, back=safe, mine=_may_stop(call, found))


def _back(call: Call) -> str:
    back = call.given.get("back", "/")
    return back if back.startswith("/") and not back.startswith("//") and "\\" not in back else "/"


def stop(call: Call) -> Response:
    """End a job."""
    name = call.path("name")
    stop_job(call, name)
    return go_to(f"/jobs/{name}?{urlencode({'back': _back(call)})}")


def stop_job(call: Call, name: str) -> bool:
    """End a job and say whether it still ran; KeyError for none, NotYoursError for another's where the user may only look."""
    found = call.desk.jobs.find(name)
    if not _may_stop(call, found):
        raise NotYoursError
    call.note("stop", job=name, title=found.title)
    return found.ask_to_stop()


def _may_stop(call: Call, found: Job) -> bool:
    return call.user.edits or call.user.name == found.owner
