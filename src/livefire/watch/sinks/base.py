"""What a sink is, and the forms that messages take."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from livefire.detections.finding import Finding
from livefire.exports.ocsf import checked, document
from livefire.report.safe import safe_text
from livefire.version import __version__
from livefire.watch.state.outbox import Message

_LARGE = ("row", "evidence")
_CUT = 1_000


class SinkError(Exception):
    """A sink did not take a message. `final` says that trying again cannot help."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        self.final = final
        super().__init__(reason)


@dataclass(frozen=True)
class Services:
    """What sinks and sources are given from above: the present, secrets by reference, and a way to standard output."""

    clock: Callable[[], datetime]
    secret: Callable[[str], str]
    write: Callable[[str], None]


class Sink(Protocol):
    """A place that takes messages, one at a time and in order."""

    name: str
    give_up: str

    def send(self, message: Message) -> None:
        """Return once the message is taken; SinkError, or OSError, when it is not. The same key may come twice."""

    def close(self) -> None:
        """Let go of what is held."""


def as_json(message: Message) -> str:
    """Return a message as one line of ASCII JSON."""
    return json.dumps(message.body, default=str)


def within(body: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Return a message's body that is at most about so many bytes of JSON: a larger one without row and evidence, its texts cut, and `left_out` says so."""
    if len(json.dumps(body, default=str)) <= most:
        return dict(body)
    kept = {name: value[:_CUT] if isinstance(value, str) else value for name, value in body.items() if name not in _LARGE}
    return {**kept, "left_out": [name for name in _LARGE if name in body]}


def as_ocsf(message: Message) -> str:
    """Return an alert as one line, an OCSF Detection Finding (class 2004); other messages are plain JSON under `unmapped`.

    https://schema.ocsf.io/1.5.0/classes/detection_finding
    """
    body = message.body
    row = body.get("row") or {k: v for k, v in body.items() if k not in ("kind", "key")}
    last = _moment(body.get("last")) or message.created
    title = str(body.get("title", message.kind))
    rule, severity, language = (str(body.get(name, usual)) for name, usual in (("rule", "livefire"), ("severity", "medium"), ("language", "")))
    mark = message.fingerprint or message.key
    finding = Finding(rule, title, severity, language, row, tuple(body.get("evidence") or ()), last, mark)
    found = document(finding, None, None, message.created, __version__)
    found["metadata"]["uid"] = message.key
    found["metadata"]["labels"] = [message.kind]
    if body.get("risk"):
        found["risk_score"] = body["risk"]
    if body.get("actor"):
        found["actor"] = {"user": {"name": body["actor"], "account": {"uid": str(body.get("account", ""))}}}
    return json.dumps(checked(found), default=str)


def headline(body: Mapping[str, Any]) -> str:
    """Return a message in one line of text, safe for a terminal, a mail's subject or a chat."""
    words = {
        "alert.opened": "",
        "alert.withdrawn": "withdrawn: ",
        "alert.restored": "found again: ",
        "incident.opened": "incident: ",
        "rule.disabled": "rule disabled: ",
    }
    who = f", {body['actor']}" if body.get("actor") else ""
    where = f" in {body['account']}" if body.get("account") else ""
    last = _moment(body.get("last"))
    when = f" at {last:%Y-%m-%d %H:%M:%S} UTC" if last else ""
    mark = f" [{str(body['fingerprint'])[:12]}]" if body.get("fingerprint") else ""
    rule = f" ({body['rule']})" if body.get("rule") else ""
    said = f"{body.get('severity', 'medium').upper()} {words.get(str(body.get('kind')), '')}{body.get('title', '')}{rule}{who}{where}{when}{mark}"
    return safe_text(said)[:1_000]


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
