"""The workbench's page: it runs a query without script too."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from livefire import QueryError
from livefire.web.catalogue import rule_text
from livefire.web.desk import Call
from livefire.web.endpoints import WrongRequestError
from livefire.web.interface import moment, place_to_run

SHOWN = 200
LANGUAGES = (
    ("kql", "Sentinel KQL"),
    ("cql", "LogScale CQL"),
    ("esql", "Elastic ES|QL"),
    ("eql", "Elastic EQL"),
    ("kuery", "Elastic kuery"),
    ("lucene", "Elastic Lucene"),
    ("spl", "Splunk SPL"),
    ("sigma", "Sigma"),
)
_SUFFIXES = {"kql": "kql", "cql": "cql", "eql": "eql", "esql": "esql", "spl": "spl", "yml": "sigma"}
BEGIN = "AWSCloudTrail\n| summarize Events = count() by EventName\n| top 20 by Events"


def workbench(call: Call) -> Response:
    """Show the workbench, with a rule of the catalogue, a published page's query, or what a form holds and what comes of it."""
    text, language = _begun(call)
    values: dict[str, Any] = {"text": text, "language": language, "languages": LANGUAGES, "result": None, "refused": "", "said": []}
    values |= {name: call.given.get(name, "") for name in ("start", "end")} | {"lenient": "lenient" in call.given}
    if call.request.method == "POST":
        values |= _ran(call, text, language)
    return call.page("workbench.html", section="workbench", **values)


def _begun(call: Call) -> tuple[str, str]:
    given = call.given
    if "rule" in given:
        text, name = rule_text(call, given["rule"])
        return text, _SUFFIXES[name.rpartition(".")[2]]
    if "page" in given and call.desk.published is not None:
        page = call.ws.published_page(call.desk.published, given["page"])
        return str(page["mended" if "mended" in given else "text"]), str(page["language"])
    language = given.get("language", "kql")
    known = dict(LANGUAGES)
    return given.get("text", BEGIN).replace("\r\n", "\n"), language if language in known else "kql"


def _ran(call: Call, text: str, language: str) -> dict[str, Any]:
    try:
        start, end = moment(call.given.get("start", "")), moment(call.given.get("end", ""))
        with place_to_run():
            found = call.ws.look(text, language, start=start, end=end, lenient="lenient" in call.given)
    except WrongRequestError as wrong:
        return {"refused": str(wrong)}
    except QueryError as error:
        return {"refused": "the query cannot be run faithfully", "said": call.ws.said(text, language, error.diagnostics)}
    tables = [{**sheet, "total": len(sheet["rows"]), "rows": sheet["rows"][:SHOWN]} for sheet in (found, *found["others"])]
    return {"result": {"now": found["now"], "tables": tables}, "said": found["diagnostics"]}
