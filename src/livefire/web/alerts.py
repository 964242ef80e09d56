"""The pages of alerts and incidents: a queue, an alert with its evidence, exceptions with their effect, cases; and hunts over the whole lake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response

from livefire import Workspace
from livefire.web.desk import Call, go_to
from livefire.web.jobs import Job
from livefire.web.rendering import STATIC, render
from livefire.workspace.clock import present

SEVERITIES = ("informational", "low", "medium", "high", "critical")
ORDERS = ("time", "risk", "opened")
STATUSES = ("new", "triaged", "closed")
VERDICTS = (("true_positive", "it was an attack"), ("benign", "it was allowed"), ("false_positive", "the rule is wrong"))
PAGE = 100
TERM = timedelta(days=30)
_ALONE = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
_SCOPE = ("actor", "account", "network", "resource")


@dataclass
class Hunted:
    """What the latest hunt over the lake came to."""

    workspace: Workspace
    found: Any
    page: dict[str, Any]

    @property
    def open(self) -> int:
        """How many alerts it came to."""
        return len(self.page["alerts"])

    def history(self, detection: str) -> dict[str, Any]:
        """Return how a detection fared."""
        return self.workspace.history_of(self.found, detection)


def wanted(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the filter that an address or a form names; what is unknown does not count."""
    status = tuple(s for s in STATUSES if s in given.get("status", "new triaged").split())
    severity = given.get("severity", "")
    kept = {"status": status, "severity": severity if severity in SEVERITIES else "", "text": given.get("text", "")[:200]}
    kept["order"] = order if (order := given.get("order", "time")) in ORDERS else "time"
    return kept | ({} if given.get("suppressed") == "yes" else {"suppressed": False})


def queue(call: Call) -> Response:
    """Show the queue."""
    chosen, start = wanted(call.given), _number(call.given.get("from", "0"))
    found = call.ws.queue(**chosen, limit=PAGE, offset=start)
    incidents = call.ws.incidents_page(status=chosen["status"], limit=20)
    return call.page(
        "alerts.html",
        section="alerts",
        q=found,
        incidents=incidents,
        chosen={**chosen, "status": " ".join(chosen["status"]), "suppressed": call.given.get("suppressed", "")},
        severities=SEVERITIES,
        verdicts=VERDICTS,
        start=start,
        page=PAGE,
        exceptions=call.ws.exceptions_listed(),
        hunted=call.desk.kept.get("alerts"),
        again=urlencode({k: v for k, v in call.given.items() if k in ("status", "severity", "text", "suppressed", "order")}),
    )


def _number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 9 else 0


def move(call: Call) -> Response:
    """Move the alerts that a form names."""
    chosen = [v for k, v in call.pairs if k == "alert"]
    moved = call.ws.move_alerts(
        chosen, call.given.get("to", ""), who=call.user.name, reason=call.given.get("reason", ""), verdict=call.given.get("verdict", "")
    )
    call.note("move", alerts=chosen, to=call.given.get("to", ""), moved=moved, reason=call.given.get("reason", ""))
    return go_to(_back(call, "/alerts"))


def _back(call: Call, otherwise: str) -> str:
    back = call.given.get("back", "")
    return back if back.startswith("/alerts") and "\\" not in back else otherwise


def alert(call: Call) -> Response:
    """Show an alert."""
    return _alert(call, call.ws.alert_page(call.path("name")), {}, None)


def _alert(call: Call, found: dict[str, Any], form: Mapping[str, str], effect: Any) -> Response:
    begun = {**found["scope"], "resource": "", "reason": "", "expires": f"{present() + TERM:%Y-%m-%d}", "rule": found["rule"]}
    case = call.desk.kept.get(f"case:{found['fingerprint']}")
    return call.page(
        "alert.html", section="alerts", a=found, form={"actor": "", "account": "", "network": "", **begun, **form}, effect=effect, verdicts=VERDICTS, case=case
    )


def around(call: Call) -> Response:
    """Show what an alert's identities did around it."""
    return _part(call, "Around it", "alert_around.html", call.ws.around(call.path("name")))


def risk(call: Call) -> Response:
    """Show what an alert's risk is made of."""
    return _part(call, "Risk", "alert_risk.html", call.ws.risk_of(call.path("name"), call.desk.tuning))


def _part(call: Call, name: str, template: str, found: dict[str, Any]) -> Response:
    if "hx-request" in call.request.headers:
        return HTMLResponse(render(template, {"r": found}))
    return call.page("alert_part.html", section="alerts", name=name, inner=template, r=found, mark=call.path("name"))


def except_(call: Call) -> Response:
    """Show what an exception would have held back, or make it."""
    found = call.ws.alert_page(call.path("name"))
    scope = {name: call.given.get(name, "").strip() for name in _SCOPE}
    rule, ends = call.given.get("rule", "").strip() or found["rule"], _end_of(call.given.get("expires", ""))
    if "make" not in call.given:
        return _alert(call, found, call.given, call.ws.exception_effect(rule, ends, **scope))
    made = call.ws.except_alerts(rule, owner=call.user.name, reason=call.given.get("reason", ""), expires=ends, **scope)
    call.note("except", rule=rule, expires=ends, **scope)
    return go_to(f"/alerts?excepted={made['id']}")


def _end_of(text: str) -> datetime:
    now = present()
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), now.tzinfo)
    except ValueError:
        return now


def end_exception(call: Call) -> Response:
    """End an exception."""
    number = _number(call.path("number"))
    call.ws.end_exception(number)
    call.note("end exception", number=number)
    return go_to("/alerts")


def investigate(call: Call) -> Response:
    """Run the guide of an alert's detection."""
    name = call.path("name")
    return go_to(f"/jobs/{begin_investigation(call, name).id}?back=/alerts/{name}")


def begin_investigation(call: Call, name: str) -> Job:
    """Begin to run the guide of an alert's detection; KeyError for no alert, or one of a rule without a guide."""
    found = call.ws.alert_page(name)
    full = found["fingerprint"]
    if not found["bundled"]:
        raise KeyError(f"guide of {found['rule']}")

    def work(job: Job) -> Any:
        case = call.desk.kept[f"case:{full}"] = call.ws.stoppable(job.stop).investigation(full)
        return case

    call.note("investigate", alert=full)
    return call.desk.jobs.begin("Investigation", work, call.user.name, key=f"case-{full[:12]}")


def case_file(call: Call) -> Response:
    """Give a case as a file."""
    name, text = written(call, call.path("name"), call.given.get("to", "markdown"))
    call.note("export", alert=call.path("name"), file=name)
    kind = "text/html; charset=utf-8" if name.endswith(".html") else "text/plain; charset=utf-8"
    return Response(text, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


def written(call: Call, name: str, to: str) -> tuple[str, str]:
    """Return a case as a file, its name and its text; KeyError for another kind of file or no alert."""
    if to != "html":
        return call.ws.case_file(name, to)
    found = call.ws.alert_page(name)
    page = _alert(call, found, {}, None)
    return f"case-{found['fingerprint'][:12]}.html", alone(bytes(page.body).decode())


def alone(page: str) -> str:
    """Return a page as a file of its own: its sheets inside, without script, forms and ways to other pages."""
    sheets = "\n".join((STATIC / name).read_text(encoding="utf-8") for name in ("livefire.css", "alerts.css"))
    bare = re.sub(r"<(script|form|nav|header|footer)\b.*?</\1>|<(?:link|script)\b[^>]*>", "", page, flags=re.DOTALL)
    bare = re.sub(r'<a\b[^>]*href="/[^"]*"[^>]*>(.*?)</a>', r"\1", bare, flags=re.DOTALL)
    return bare.replace("</head>", f'<meta http-equiv="content-security-policy" content="{_ALONE}"><style>{sheets}</style></head>', 1)


def incident(call: Call) -> Response:
    """Show an incident."""
    return call.page("incident.html", section="alerts", i=call.ws.incident_page(_number(call.path("number"))), verdicts=VERDICTS)


def move_incident(call: Call) -> Response:
    """Move an incident and its alerts."""
    number = _number(call.path("number"))
    call.ws.move_incident(number, call.given.get("to", ""), who=call.user.name, reason=call.given.get("reason", ""), verdict=call.given.get("verdict", ""))
    call.note("move incident", number=number, to=call.given.get("to", ""))
    return go_to(f"/incidents/{number}")


def look(call: Call) -> Response:
    """Evaluate the rules over what the lake holds."""
    return go_to(f"/jobs/{begin_look(call).id}?back=/alerts")


def begin_look(call: Call) -> Job:
    """Begin to evaluate the rules over what the lake holds."""
    call.note("look through the lake")
    desk = call.desk

    def work(job: Job) -> Any:
        return desk.workspace.stoppable(job.stop).look_through(job.tell, desk.rules)

    return desk.jobs.begin("Rules over the lake", work, call.user.name, key="look")


def hunt(call: Call) -> Response:
    """Show the latest hunt: identities by risk, and chains."""
    hunted = call.desk.kept.get("alerts")
    return call.page("hunt.html", section="alerts", h=hunted.page if hunted else None)


def begin_hunt(call: Call) -> Response:
    """Hunt over the whole lake."""
    return go_to(f"/jobs/{begin_hunting(call).id}?back=/hunt")


def begin_hunting(call: Call) -> Job:
    """Begin a hunt over the whole lake."""
    desk = call.desk

    def work(job: Job) -> Any:
        found = desk.workspace.stoppable(job.stop).hunted(desk.tuning, job.tell)
        desk.kept["alerts"] = Hunted(desk.workspace, found, desk.workspace.hunt_page(found))
        return {"alerts": len(found.alerts), "chains": len(found.chains)}

    call.note("hunt")
    return desk.jobs.begin("Hunt over the lake", work, call.user.name, key="hunt")


def hunt_chain(call: Call) -> Response:
    """Show a chain that a hunt found, with the graph of its resources."""
    return call.page("chain_found.html", section="alerts", c={c["fingerprint"]: c for c in chains_of(call)}[call.path("name")])


def chains_of(call: Call) -> list[dict[str, Any]]:
    """Return the chains of the latest hunt, or else those completed in the lake now."""
    hunted = call.desk.kept.get("alerts")
    found: list[dict[str, Any]] = hunted.page["chain_findings"] if hunted else call.ws.chain_findings()
    return found


def health(call: Call) -> Response:
    """Show how lake, watch and server stand."""
    return call.page(
        "health.html",
        section="health",
        h=call.ws.health_page(),
        jobs=call.desk.jobs.listed()[:20],
        audit=call.desk.audit.latest()[:40] if call.user.edits else [],
    )
