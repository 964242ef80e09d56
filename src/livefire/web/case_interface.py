"""The JSON interface of alerts, incidents, exceptions, hunts, proofs and health."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from livefire.web import alerts
from livefire.web.catalogue import begin_page_proof, begin_proof, pages_of, rule_text, technique_of
from livefire.web.desk import Call
from livefire.web.endpoints import Asked, Endpoint, Nothing, WrongRequestError
from livefire.web.interface import Moment, Name, moment
from livefire.workspace.answers import bench as b
from livefire.workspace.answers import cases as k
from livefire.workspace.answers import catalogue as c
from livefire.workspace.answers import parts as p

Status = Annotated[str, Meta(pattern="^(new|triaged|closed)$")]
Verdict = Annotated[str, Meta(pattern="^(true_positive|benign|false_positive)?$")]
Severity = Annotated[str, Meta(pattern="^(informational|low|medium|high|critical)?$")]
Reason = Annotated[str, Meta(max_length=2000)]
Part = Annotated[int, Meta(ge=0, le=1000)]
Place = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Order = Annotated[str, Meta(pattern="^(opened|time|risk)$")]


class Wanted(Asked, frozen=True, kw_only=True):
    """Which alerts: `status` holds states with spaces between, `severity` is the least, `text` is looked for in title, rule, actor and account."""

    status: Annotated[str, Meta(pattern="^((new|triaged|closed)( (new|triaged|closed))*)?$", max_length=80)] = ""
    severity: Severity = ""
    rule: Name = ""
    actor: Name = ""
    account: Name = ""
    text: Name = ""
    suppressed: Annotated[str, Meta(pattern="^(yes|no)?$")] = ""
    order: Order = "time"
    limit: Part = 100
    offset: Place = 0


class Listed(Asked, frozen=True, kw_only=True):
    """Which incidents."""

    status: Annotated[str, Meta(pattern="^((new|triaged|closed)( (new|triaged|closed))*)?$", max_length=80)] = ""
    limit: Part = 100
    offset: Place = 0


class Moving(Asked, frozen=True, kw_only=True):
    """A move between states; closing needs a verdict and a reason."""

    to: Status
    verdict: Verdict = ""
    reason: Reason = ""


class AlertsMove(Moving, frozen=True, kw_only=True):
    """A move of several alerts at once."""

    alerts: Annotated[list[Name], Meta(max_length=1000)]


class Exempted(Asked, frozen=True, kw_only=True):
    """What an exception covers, and until when: a rule's name or pattern within an actor, account, network or resource."""

    rule: Name
    expires: Moment
    actor: Name = ""
    account: Name = ""
    network: Name = ""
    resource: Name = ""
    reason: Reason = ""

    @property
    def scope(self) -> dict[str, str]:
        """The scope."""
        return {name: getattr(self, name) for name in ("actor", "account", "network", "resource")}


class CaseFile(Asked, frozen=True):
    """A kind of file: markdown, html, ocsf or stix."""

    to: Annotated[str, Meta(pattern="^(markdown|html|ocsf|stix)$")] = "markdown"


class Proven(Asked, frozen=True, kw_only=True):
    """What to put to the proof: a detection by its id, or a published page by its name."""

    detection: Name = ""
    page: Name = ""


def _alerts(call: Call, asked: Wanted) -> Any:
    wanted = {name: getattr(asked, name) for name in ("severity", "rule", "actor", "account", "text", "order", "limit", "offset")}
    suppressed = {"yes": True, "no": False}.get(asked.suppressed)
    return call.ws.queue(**wanted, status=tuple(asked.status.split()), suppressed=suppressed)


def _move(call: Call, asked: AlertsMove) -> Any:
    moved = call.ws.move_alerts(asked.alerts, asked.to, who=call.user.name, reason=asked.reason, verdict=asked.verdict)
    call.note("move", alerts=asked.alerts, to=asked.to, moved=moved, reason=asked.reason)
    return {"moved": moved}


def _incidents(call: Call, asked: Listed) -> Any:
    return call.ws.incidents_page(status=tuple(asked.status.split()), limit=asked.limit, offset=asked.offset)


def _move_incident(call: Call, asked: Moving) -> Any:
    number = _number(call)
    call.ws.move_incident(number, asked.to, who=call.user.name, reason=asked.reason, verdict=asked.verdict)
    call.note("move incident", number=number, to=asked.to)
    return {"moved": 1}


def _number(call: Call) -> int:
    text = call.path("number")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise KeyError(text)
    return int(text)


def _effect(call: Call, asked: Exempted) -> Any:
    return call.ws.exception_effect(asked.rule, _ends(asked), **asked.scope)


def _except(call: Call, asked: Exempted) -> Any:
    ends = _ends(asked)
    made = call.ws.except_alerts(asked.rule, owner=call.user.name, reason=asked.reason, expires=ends, **asked.scope)
    call.note("except", rule=asked.rule, expires=ends, **asked.scope)
    return made


def _ends(asked: Exempted) -> Any:
    ends = moment(asked.expires)
    if ends is None:
        raise WrongRequestError("an exception ends: give expires as an ISO 8601 time")
    return ends


def _end(call: Call, _asked: Nothing) -> Any:
    number = _number(call)
    call.ws.end_exception(number)
    call.note("end exception", number=number)
    return {"ended": number}


def _risk(call: Call, _asked: Nothing) -> Any:
    return call.ws.risk_of(call.path("name"), call.desk.tuning)


def _case(call: Call, asked: CaseFile) -> Any:
    name, text = alerts.written(call, call.path("name"), asked.to)
    call.note("export", alert=call.path("name"), file=name)
    return {"name": name, "text": text}


def _prove(call: Call, asked: Proven) -> Any:
    if bool(asked.detection) == bool(asked.page):
        raise WrongRequestError("name either a detection or a published page")
    return {"job": begin_proof(call, asked.detection).id if asked.detection else begin_page_proof(call, asked.page).id}


def _hunt(call: Call, _asked: Nothing) -> Any:
    hunted = call.desk.kept.get("alerts")
    return {"ever": hunted is not None, **(hunted.page if hunted else {})}


def _health(call: Call, _asked: Nothing) -> Any:
    return {**call.ws.health_page(), "jobs": call.desk.jobs.listed()[:100]}


def _published(call: Call, _asked: Nothing) -> Any:
    if call.desk.published is None:
        raise KeyError(call.path("name"))
    return {**call.ws.published_page(call.desk.published, call.path("name")), "proof": call.desk.kept.get(f"published:{call.path('name')}")}


def _chains(call: Call, _asked: Nothing) -> Any:
    return alerts.chains_of(call)


def _technique(call: Call, _asked: Nothing) -> Any:
    return technique_of(call.ws.coverage(), call.path("name"), pages_of(call))


def _rule(call: Call, _asked: Nothing) -> Any:
    text, name = rule_text(call, call.path("name"))
    return {"name": name, "text": text}


ENDPOINTS = (
    Endpoint("GET", "/alerts", "alerts", k.Alerts, "Alerts that a filter lets through, how many there are, and how many are open", _alerts, Wanted),
    Endpoint("POST", "/alerts/move", "moveAlerts", k.Moved, "Move alerts between new, triaged and closed", _move, AlertsMove, "editor"),
    Endpoint(
        "POST",
        "/alerts/look",
        "look",
        b.Begun,
        "Begin to evaluate every rule over what the lake holds",
        lambda call, _: {"job": alerts.begin_look(call).id},
        role="editor",
    ),
    Endpoint(
        "GET",
        "/alerts/{name}",
        "alert",
        k.AlertPage,
        "An alert: events, what its identity did around it, lineage, risk, life",
        lambda call, _: call.ws.alert_page(call.path("name")),
    ),
    Endpoint("GET", "/alerts/{name}/around", "around", k.Around, "What an alert's identities did around it", lambda call, _: call.ws.around(call.path("name"))),
    Endpoint("GET", "/alerts/{name}/risk", "risk", k.Risk, "What an alert's risk is made of", _risk),
    Endpoint("GET", "/alerts/{name}/case", "case", c.RuleText, "A case as a file", _case, CaseFile),
    Endpoint(
        "POST",
        "/alerts/{name}/investigate",
        "investigate",
        b.Begun,
        "Begin to run the guide of an alert's detection",
        lambda call, _: {"job": alerts.begin_investigation(call, call.path("name")).id},
        role="editor",
    ),
    Endpoint("GET", "/incidents", "incidents", k.Incidents, "Incidents, the latest first", _incidents, Listed),
    Endpoint(
        "GET",
        "/incidents/{number}",
        "incident",
        k.IncidentPage,
        "An incident with its alerts, acts and chains",
        lambda call, _: call.ws.incident_page(_number(call)),
    ),
    Endpoint("POST", "/incidents/{number}/move", "moveIncident", k.Moved, "Move an incident and its open alerts", _move_incident, Moving, "editor"),
    Endpoint("GET", "/exceptions", "exceptions", list[k.Exempt], "The exceptions that hold", lambda call, _: call.ws.exceptions_listed()),
    Endpoint("POST", "/exceptions", "except", k.Exempt, "Except what a rule finds within a scope until a moment", _except, Exempted, "editor"),
    Endpoint("POST", "/exceptions/effect", "effect", k.Effect, "Which of the alerts there are an exception would have held back", _effect, Exempted),
    Endpoint("POST", "/exceptions/{number}/end", "endException", k.Ended, "End an exception", _end, role="editor"),
    Endpoint("GET", "/hunt", "hunt", k.Hunted, "What the latest hunt of this server came to", _hunt),
    Endpoint("POST", "/hunt", "beginHunt", b.Begun, "Begin a hunt over the whole lake", lambda call, _: {"job": alerts.begin_hunting(call).id}, role="editor"),
    Endpoint(
        "GET", "/chains-found", "chainsFound", list[k.ChainFound], "Chains completed in the lake, each with its steps and the graph of its resources", _chains
    ),
    Endpoint("GET", "/health", "health", k.HealthPage, "How lake, watch and server stand", _health),
    Endpoint("GET", "/jobs", "jobs", list[p.JobLine], "The work of this server, newest first", lambda call, _: call.desk.jobs.listed()),
    Endpoint("GET", "/audit", "audit", list[dict[str, Any]], "The latest entries of the audit log", lambda call, _: call.desk.audit.latest(), role="editor"),
    Endpoint("POST", "/prove", "prove", b.Begun, "Begin to put a detection or a published page's query to the proof", _prove, Proven, "editor"),
    Endpoint("GET", "/techniques/{name}", "technique", c.Technique, "A technique with its detections, chains and published pages", _technique),
    Endpoint("GET", "/rules/{name:path}", "rule", c.RuleText, "A rule file of a detection, as `id/file`", _rule),
    Endpoint("GET", "/published/{name}", "publishedPage", c.PublishedPage, "A published page's query with everything said of it", _published),
)
