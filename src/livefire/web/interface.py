"""The JSON interface of catalogue and workbench."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta

from livefire.web.catalogue import pages_of, stop_job
from livefire.web.desk import Call
from livefire.web.endpoints import Asked, Endpoint, Nothing, WrongRequestError
from livefire.web.jobs import BusyError, Work
from livefire.workspace.answers import bench as b
from livefire.workspace.answers import catalogue as c
from livefire.workspace.answers import parts as p
from livefire.workspace.bench import MOST_TABLES

Text = Annotated[str, Meta(max_length=200_000)]
Language = Annotated[str, Meta(max_length=20)]
Name = Annotated[str, Meta(max_length=300)]
Moment = Annotated[str, Meta(max_length=40)]
MOST_QUERIES = 4
MOST_READINGS = 12
_slots = threading.BoundedSemaphore(MOST_QUERIES)
_readings = threading.BoundedSemaphore(MOST_READINGS)
_FILE = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")
_SUFFIX = {"kql": "kql", "cql": "cql", "eql": "eql", "esql": "esql", "spl": "spl", "sigma": "yml", "kuery": "kuery", "lucene": "lucene"}


class Query(Asked, frozen=True, kw_only=True):
    """A query: its text and language, the stretch of time its tables are cut to, and how it is read; `table` is which of its tables, for one with several."""

    text: Text
    language: Language
    start: Moment = ""
    end: Moment = ""
    lenient: bool = False
    seconds: Annotated[float, Meta(gt=0, le=120)] = 60.0
    run: Name = ""
    table: Annotated[int, Meta(ge=0, le=MOST_TABLES - 1)] = 0


class Row(Query, frozen=True, kw_only=True):
    """A row of a query, as a grid shows it."""

    row: Annotated[list[str], Meta(max_length=2000)]


class Stage(Query, frozen=True, kw_only=True):
    """A stage of a query: ast, plan or sql."""

    stage: Annotated[str, Meta(pattern="^(ast|plan|sql)$")]


class Miss(Query, frozen=True, kw_only=True):
    """An event that a query should have found, by its id."""

    event: Name


class Rendering(Query, frozen=True, kw_only=True):
    """A language to say a query in."""

    to: Language


class Saved(Query, frozen=True, kw_only=True):
    """A query to keep under a name."""

    name: Name


class Stretch(Asked, frozen=True):
    """A stretch of time."""

    start: Moment = ""
    end: Moment = ""


class Running(Asked, frozen=True):
    """A run, by the name its query gave it."""

    run: Name


def moment(text: str) -> datetime | None:
    """Return an ISO 8601 time, None for an empty one; no zone is UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongRequestError(f"{text!r} is no ISO 8601 time") from None


def _language(call: Call, name: str) -> str:
    if name not in call.ws.languages():
        raise WrongRequestError(f"no language is named {name!r}; there are {', '.join(call.ws.languages())}")
    return name


@contextmanager
def place_to_run(slots: threading.BoundedSemaphore = _slots) -> Iterator[None]:
    """Hold one of the places of what takes a processor; BusyError when none is free. Whoever asks for all of them leaves threads for the other pages."""
    if not slots.acquire(blocking=False):
        raise BusyError
    try:
        yield
    finally:
        slots.release()


def _one_of(slots: threading.BoundedSemaphore, handler: Callable[[Call, Any], Any]) -> Callable[[Call, Any], Any]:
    def bounded(call: Call, asked: Any) -> Any:
        with place_to_run(slots):
            return handler(call, asked)

    return bounded


def _check(call: Call, asked: Query) -> Any:
    said = call.ws.said(asked.text, _language(call, asked.language), lenient=asked.lenient)
    return {"diagnostics": said, "mended": call.ws.mend(asked.text, asked.language) if any("fix" in d for d in said) else asked.text}


def _run(call: Call, asked: Query) -> Any:
    with place_to_run():
        running, stop = call.desk.kept.setdefault("running", {}), call.ws.stop()
        key = (call.user.name, asked.run)
        running[key] = stop
        try:
            call.note("query", language=asked.language, text=asked.text[:2000])
            return call.ws.look(
                asked.text,
                _language(call, asked.language),
                start=moment(asked.start),
                end=moment(asked.end),
                lenient=asked.lenient,
                seconds=asked.seconds,
                stop=stop,
            )
        finally:
            if running.get(key) is stop:
                del running[key]


def _stop(call: Call, asked: Running) -> Any:
    stop = call.desk.kept.setdefault("running", {}).get((call.user.name, asked.run))
    if stop is not None:
        stop.ask()
    return {"stopped": stop is not None}


def _behind(call: Call, asked: Row) -> Any:
    stretch = {"start": moment(asked.start), "end": moment(asked.end)}
    return call.ws.behind(asked.text, _language(call, asked.language), asked.row, **stretch, lenient=asked.lenient, table=asked.table)


def _stage(call: Call, asked: Stage) -> Any:
    found = call.ws.stage(asked.text, _language(call, asked.language), asked.stage, lenient=asked.lenient, table=asked.table)
    return {"text": call.ws.harmless(found, lines=True)}


def _miss(call: Call, asked: Miss) -> Any:
    found = call.ws.why_missed(asked.text, _language(call, asked.language), asked.event, lenient=asked.lenient, table=asked.table)
    return {"reason": call.ws.harmless(found, lines=True)}


def _begin(call: Call, title: str, work: Work) -> Any:
    return {"job": call.desk.jobs.begin(title, work, call.user.name).id}


def _translate(call: Call, asked: Rendering) -> Any:
    language, to = _language(call, asked.language), _language(call, asked.to)
    return _begin(call, f"Translation to {to}", lambda job: call.ws.stoppable(job.stop).rendering(asked.text, language, to, lenient=asked.lenient))


def _rehearse(call: Call, asked: Query) -> Any:
    language = _language(call, asked.language)
    return _begin(call, "Proof", lambda job: call.ws.stoppable(job.stop).rehearse(asked.text, language, job.tell))


def _by_day(call: Call, asked: Query) -> Any:
    language = _language(call, asked.language)
    return _begin(call, "Backtest", lambda job: call.ws.stoppable(job.stop).by_day(asked.text, language))


def _job(call: Call, _asked: Nothing) -> Any:
    job = call.desk.jobs.find(call.path("name"))
    return {**job.wait(-1, 0), "result": job.result if job.state == "done" else None}


def _stop_job(call: Call, _asked: Nothing) -> Any:
    return {"stopped": stop_job(call, call.path("name"))}


def _save(call: Call, asked: Saved) -> Any:
    folder = call.desk.rules
    if folder is None:
        raise WrongRequestError("this server was given no folder to save to: livefire serve --rules FOLDER")
    if not _FILE.fullmatch(asked.name):
        raise WrongRequestError("a name is of small letters, digits, - and _")
    path = folder / f"{asked.name}.{_SUFFIX[_language(call, asked.language)]}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(asked.text)
    except FileExistsError:
        raise WrongRequestError(f"{path.name} is there already") from None
    call.note("save", file=path.name)
    return {"file": path.name}


ENDPOINTS = (
    Endpoint("GET", "/coverage", "coverage", c.Coverage, "ATT&CK's cloud matrix with what covers each technique", lambda call, _: call.ws.coverage()),
    Endpoint(
        "GET",
        "/detections/{name:path}",
        "detection",
        c.DetectionPage,
        "All there is to say of a detection",
        lambda call, _: call.ws.detection_page(call.path("name")),
    ),
    Endpoint(
        "GET", "/emulations/{name:path}", "emulation", c.StoryPage, "An emulation with its raw events", lambda call, _: call.ws.story_page(call.path("name"))
    ),
    Endpoint("GET", "/chains/{name:path}", "chain", c.ChainPage, "All there is to say of a chain", lambda call, _: call.ws.chain_page(call.path("name"))),
    Endpoint("GET", "/published", "publishedPages", list[c.PageLine], "Published pages with what their queries meet", lambda call, _: pages_of(call)),
    Endpoint("GET", "/sources", "sources", list[p.Source], "What the lake holds of each log source", lambda call, _: call.ws.held_sources()),
    Endpoint(
        "GET",
        "/words/{language}",
        "words",
        b.Words,
        "Tables, columns, functions and commands of a language",
        lambda call, _: call.ws.words(call.path("language")),
    ),
    Endpoint(
        "GET",
        "/histogram",
        "histogram",
        b.Histogram,
        "Events of the lake over time",
        lambda call, a: call.ws.histogram(moment(a.start), moment(a.end)),
        Stretch,
    ),
    Endpoint(
        "GET",
        "/events/{source}/{id:path}",
        "event",
        list[p.StoredEvent],
        "One event as it was logged",
        lambda call, _: call.ws.stored_events([f"{call.path('source')}/{call.path('id')}"]),
    ),
    Endpoint("POST", "/check", "check", p.Checked, "All there is to say of a query without running it", _one_of(_readings, _check), Query),
    Endpoint("POST", "/query", "query", b.Grid, "Run a query", _run, Query),
    Endpoint("POST", "/stop", "stop", b.Stopped, "Stop a run", _stop, Running),
    Endpoint("POST", "/behind", "behind", list[p.StoredEvent], "The events that a row of a query rests on", _one_of(_slots, _behind), Row),
    Endpoint("POST", "/stage", "stage", b.StageText, "A stage of a query as text", _one_of(_readings, _stage), Stage),
    Endpoint("POST", "/miss", "miss", b.MissReason, "Which clause of a query drops an event", _one_of(_slots, _miss), Miss),
    Endpoint("POST", "/translate", "translate", b.Begun, "Begin to say a query in another language, with proof", _translate, Rendering),
    Endpoint("POST", "/rehearse", "rehearse", b.Begun, "Begin to put a query to the proof", _rehearse, Query),
    Endpoint("POST", "/backtest", "backtest", b.Begun, "Begin to count what a query finds day by day", _by_day, Query),
    Endpoint("POST", "/save", "save", b.Kept, "Keep a query as a rule file", _save, Saved, "editor"),
    Endpoint("GET", "/jobs/{name}", "job", b.JobStanding, "How a job stands, and what came of it", _job),
    Endpoint("POST", "/jobs/{name}/stop", "stopJob", b.Stopped, "End a job: what it runs is ended at once", _stop_job),
)
