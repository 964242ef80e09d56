"""The pages of alerts and incidents: a queue, an alert with its evidence, exceptions with their effect, cases; and hunts over the whole lake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from livefire import Workspace
from livefire.web.desk import Call, go_to
from livefire.web.rendering import STATIC
from livefire.workspace.clock import present

SEVERITIES = ("informational", "low", "medium", "high", "critical")
STATUSES = ("new", "triaged", "closed")
VERDICTS = (("true_positive", "it was an attack"), ("benign", "it was allowed"), ("false_positive", "the rule is wrong"))
PAGE = 100
TERM = timedelta(days=30)
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
        again=urlencode({k: v for k, v in call.given.items() if k in ("status", "severity", "text", "suppressed")}),
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
    full = call.ws.alert_page(name)["fingerprint"]

    def work(_tell: Any) -> Any:
        found = call.desk.kept[f"case:{full}"] = call.ws.investigation(full)
        return found

    call.note("investigate", alert=full)
    return go_to(f"/jobs/{call.desk.jobs.begin('Investigation', work, call.user.name, key=f'case-{full[:12]}').id}?back=/alerts/{full}")


def case_file(call: Call) -> Response:
    """Give a case as a file."""
    if call.given.get("to") == "html":
        page = _alert(call, call.ws.alert_page(call.path("name")), {}, None)
        name = f"case-{call.path('name')[:12]}.html"
        return Response(alone(bytes(page.body).decode()), media_type="text/html", headers={"content-disposition": f'attachment; filename="{name}"'})
    name, text = call.ws.case_file(call.path("name"), call.given.get("to", "markdown"))
    call.note("export", alert=call.path("name"), file=name)
    return Response(text, media_type="text/plain; charset=utf-8", headers={"content-disposition": f'attachment; filename="{name}"'})


def alone(page: str) -> str:
    """Return a page as a file of its own: its sheets inside, without script, forms and ways to other pages."""
    sheets = "\n".join((STATIC / name).read_text(encoding="utf-8") for name in ("livefire.css", "alerts.css"))
    bare = re.sub(r"<(script|form|nav|header|footer)\b.*?</\1>|<(?:link|script)\b[^>]*>", "", page, flags=re.DOTALL)
    bare = re.sub(r'<a\b[^>]*href="/[^"]*"[^>]*>(.*?)</a>', r"\1", bare, flags=re.DOTALL)
    return bare.replace("</head>", f"<style>{sheets}</style></head>", 1)


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
    call.note("look through the lake")
    job = call.desk.jobs.begin("Rules over the lake", lambda tell: call.ws.look_through(tell, call.desk.rules), call.user.name, key="look")
    return go_to(f"/jobs/{job.id}?back=/alerts")


def hunt(call: Call) -> Response:
    """Show the latest hunt: identities by risk, and chains."""
    hunted = call.desk.kept.get("alerts")
    return call.page("hunt.html", section="alerts", h=hunted.page if hunted else None)


def begin_hunt(call: Call) -> Response:
    """Hunt over the whole lake."""
    desk = call.desk

    def work(tell: Any) -> Any:
        found = desk.workspace.hunted(desk.tuning, tell)
        desk.kept["alerts"] = Hunted(desk.workspace, found, desk.workspace.hunt_page(found))
        return {"alerts": len(found.alerts), "chains": len(found.chains)}

    call.note("hunt")
    return go_to(f"/jobs/{desk.jobs.begin('Hunt over the lake', work, call.user.name, key='hunt').id}?back=/hunt")


def hunt_chain(call: Call) -> Response:
    """Show a chain that a hunt found, with the graph of its resources."""
    hunted = call.desk.kept.get("alerts")
    listed = hunted.page["chain_findings"] if hunted else call.ws.chain_findings()
    return call.page("chain_found.html", section="alerts", c={c["fingerprint"]: c for c in listed}[call.path("name")])


def health(call: Call) -> Response:
    """Show how lake, watch and server stand."""
    return call.page(
        "health.html",
        section="health",
        h=call.ws.health_page(),
        jobs=call.desk.jobs.listed()[:20],
        audit=call.desk.audit.latest()[:40] if call.user.edits else [],
    )
