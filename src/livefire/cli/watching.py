"""The commands of a watch: watch, status, alerts, incidents, and what people may do to them."""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from livefire.cli.inputs import Json, LakeOption, moment
from livefire.cli.program import alerts_app, app
from livefire.cli.terminal import FOUND, OK, REFUSED, USAGE, emit, put, refuse, say, show, show_diagnostics, stop

if TYPE_CHECKING:
    from rich.table import Table

    from livefire.watch.config import Config
    from livefire.watch.records import Page, Verdict
    from livefire.watch.state import State
    from livefire.workspace import Workspace

T = TypeVar("T")
_PASSWORD = re.compile(r"(?<=:)[^:/@\s\"]+(?=@)")
"""In the address of a database."""
DEFAULT = Path("livefire.toml")
ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration of the watch; livefire.toml by default.")]
Who = Annotated[str | None, typer.Option(help="Who does it; the user of this machine by default.")]


def _now() -> datetime:
    from livefire.workspace.clock import present

    return present()


def _config(path: Path | None) -> Config:
    from livefire.diagnostics import QueryError
    from livefire.watch.config import load

    chosen = path or DEFAULT
    if not chosen.is_file():
        stop(f"E002: there is no file {chosen}; write one with: livefire watch --example > {chosen}", USAGE)
    try:
        return load(chosen)
    except QueryError as error:
        if error.source is None:
            raise
        refuse(error, error.source, as_json=False)


def _workspace(config: Path | None, lake: Path | None) -> tuple[Workspace, Config | None]:
    from livefire.workspace import Workspace

    if lake is not None and config is None:
        if not lake.is_dir():
            stop(f"E002: there is no lake at {lake}", USAGE)
        return Workspace(lake), None
    found = _config(config)
    return Workspace(lake or found.at(found.lake)), found


def _state(config: Path | None, lake: Path | None) -> tuple[Workspace, State]:
    ws, found = _workspace(config, lake)
    return ws, ws.state(found.state or None if found else None, make=False)


def _page(page: Page[T], table: Callable[[Page[T]], Table], noun: str, *, as_json: bool) -> NoReturn:
    """Show a page of what was found, and leave with whether there was something."""
    from livefire.watch import view

    if as_json:
        emit(view.as_json(page))
    else:
        if page.items:
            show(table(page))
        say(view.total(page, noun))
    raise typer.Exit(FOUND if page.items else OK)


@app.command()
def watch(
    config: ConfigOption = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Say what the configuration and its rules come to, and leave.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Print a commented configuration.")] = False,
) -> None:
    """Watch: take logs in as they come, run rules live and on their schedules, keep alerts and send each of them."""
    from livefire.diagnostics import Source
    from livefire.report.tables import counted
    from livefire.watch import view
    from livefire.watch.config import EXAMPLE
    from livefire.workspace import Workspace

    if example:
        put(EXAMPLE.read_text(encoding="utf-8"))
        return
    found = _config(config)
    if check:
        from livefire.store.lake import MARK

        path = found.at(found.lake)
        ws = Workspace(path if (path / MARK).exists() else None)  # nothing is made
        text = (config or DEFAULT).read_text(encoding="utf-8", errors="replace")
        faults = ws.inspected(found, text)
        show_diagnostics(faults, Source(_PASSWORD.sub(lambda m: "*" * len(m[0]), text), str(config or DEFAULT)))
        rules = ws.watched(found)
        say(view.planned(rules))
        say(f"{counted(len(found.source), 'source')}, {counted(len(found.sink), 'sink')}: {counted(sum(f.severity == 'error' for f in faults), 'fault')}")
        raise typer.Exit(REFUSED if any(w.refused for w in rules) or any(f.severity == "error" for f in faults) else OK)
    Workspace(found.at(found.lake)).watch_until_told(found, put)


@app.command()
def status(
    config: ConfigOption = None,
    *,
    lake: LakeOption = None,
    rules: Annotated[bool, typer.Option("--rules", help="Show every rule with its schedule.")] = False,
    enable: Annotated[str | None, typer.Option(help="Let a rule run again that was disabled.")] = None,
    make_up: Annotated[str | None, typer.Option(help="Run a rule over everything that it did not look at.")] = None,
    as_json: Json = False,
) -> None:
    """Show whether a watch runs, whether it keeps up, and everything that is not as it should be."""
    from livefire.watch import view

    ws, state = _state(config, lake)
    if enable is not None:
        ws.enable_rule(state, enable)
    if make_up is not None:
        count = ws.make_up(_config(config), state, make_up)
        say(f"{count:,} runs of {make_up} are owed; the watch makes them")
    health = ws.health(state)
    if as_json:
        emit(view.as_json(health))
    else:
        say(view.status(health, _now()))
        if rules:
            show(view.rules(health.rules))
    raise typer.Exit(FOUND if health.problems else OK)


@alerts_app.command("list")
def list_alerts(
    config: ConfigOption = None,
    *,
    lake: LakeOption = None,
    status: Annotated[list[str] | None, typer.Option(help="new, triaged or closed; may be given again.")] = None,
    severity: Annotated[str, typer.Option(help="The least severity.")] = "",
    rule: Annotated[str, typer.Option(help="A rule's id.")] = "",
    actor: Annotated[str, typer.Option(help="An identity.")] = "",
    text: Annotated[str, typer.Option("--find", help="Text in title, rule, actor or account.")] = "",
    since: Annotated[str | None, typer.Option(help="Found since this moment, ISO 8601.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Withdrawn alerts too.")] = False,
    most: Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")] = 50,
    as_json: Json = False,
) -> None:
    """List the alerts that a watch found, newest first."""
    from livefire.watch import view
    from livefire.watch.records import STATUSES
    from livefire.watch.state import AlertFilter

    wrong = [s for s in status or () if s not in STATUSES]
    if wrong:
        stop(f"E706: {wrong[0]!r} is no state of an alert; there are {', '.join(STATUSES)}", USAGE)
    chosen = tuple(s for s in STATUSES if s in (status or ()))
    wanted = AlertFilter(chosen, severity, rule, actor, text=text, since=moment(since), withdrawn=None if everything else False, limit=most)
    _page(_state(config, lake)[1].desk.alerts(wanted), view.alerts, "alert", as_json=as_json)


@alerts_app.command("show")
def show_alert(
    fingerprint: Annotated[str, typer.Argument(help="Its fingerprint, or the beginning.")],
    config: ConfigOption = None,
    *,
    lake: LakeOption = None,
    as_json: Json = False,
) -> None:
    """Show an alert: what the rule saw, the events behind it as they were logged, its history, what was sent."""
    from livefire.watch import view

    ws, state = _state(config, lake)
    detail = state.desk.alert(fingerprint)
    events = ws.evidence(detail.alert)
    if as_json:
        emit({**view.as_json(detail), "events": events})
    else:
        say(view.alert(detail, events))


@alerts_app.command("triage")
def triage_alert(
    fingerprint: Annotated[str, typer.Argument(help="Its fingerprint, or the beginning.")],
    config: ConfigOption = None,
    *,
    lake: LakeOption = None,
    reason: Annotated[str, typer.Option(help="What is known so far.")] = "",
    who: Who = None,
) -> None:
    """Take an alert up: new becomes triaged."""
    done = _state(config, lake)[1].desk.move(fingerprint, "triaged", who=who or getpass.getuser(), reason=reason, now=_now())
    say(f"{done.fingerprint[:12]} is triaged")


@alerts_app.command("close")
def close_alert(
    fingerprint: Annotated[str, typer.Argument(help="Its fingerprint, or the beginning; of an incident its number.")],
    verdict: Annotated[str, typer.Option(help="true_positive, false_positive or benign.")],
    reason: Annotated[str, typer.Option(help="Why; it is what tuning starts from.")],
    config: ConfigOption = None,
    *,
    lake: LakeOption = None,
    incident: Annotated[bool, typer.Option("--incident", help="Close an incident, and its open alerts with it.")] = False,
    who: Who = None,
) -> None:
    """Close an alert, or an incident, with a verdict and a reason."""
    desk, by, now = _state(config, lake)[1].desk, who or getpass.getuser(), _now()
    said: Verdict = verdict  # type: ignore[assignment]  # the desk checks it
    if incident:
        if not fingerprint.isdecimal():
            stop("E705: an incident is named by its number", USAGE)
        desk.move_incident(int(fingerprint), "closed", who=by, reason=reason, verdict=said, now=now)
    else:
        fingerprint = desk.move(fingerprint, "closed", who=by, reason=reason, verdict=said, now=now).fingerprint[:12]
    say(f"{fingerprint} is closed as {verdict.replace('_', ' ')}")


@alerts_app.command("incidents")
def list_incidents(
    config: ConfigOption = None,
    *,
    lake: LakeOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Those below the thresholds too.")] = False,
    as_json: Json = False,
) -> None:
    """List incidents: the alerts of one identity, grouped."""
    from livefire.watch import view

    _page(_state(config, lake)[1].desk.incidents(raised=None if everything else True), view.incidents, "incident", as_json=as_json)


@alerts_app.command("except")
def except_alerts(
    rule: Annotated[str, typer.Argument(help="A rule's id, or a pattern such as 'T1578.001/*'.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    config: ConfigOption = None,
    *,
    lake: LakeOption = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="For how many days.")] = 30,
    owner: Who = None,
    actor: Annotated[str, typer.Option(help="The end of an identity.")] = "",
    account: Annotated[str, typer.Option(help="An account.")] = "",
    network: Annotated[str, typer.Option(help="A network, such as 192.0.2.0/24.")] = "",
    resource: Annotated[str, typer.Option(help="A resource, or a pattern.")] = "",
) -> None:
    """Except findings of a rule within a scope: they are kept and counted, and not sent, until it ends."""
    now = _now()
    scope = {"actor": actor, "account": account, "network": network, "resource": resource}
    desk = _state(config, lake)[1].desk
    made = desk.except_(rule, owner=owner or getpass.getuser(), reason=reason, expires=now + timedelta(days=days), now=now, **scope)
    say(f"exception {made.id} holds until {made.expires:%Y-%m-%d %H:%M} UTC")


@alerts_app.command("announce")
def announce_work(
    name: Annotated[str, typer.Argument(help="What the work is.")],
    start: Annotated[str, typer.Option(help="From when, ISO 8601.")],
    end: Annotated[str, typer.Option(help="Until when, ISO 8601.")],
    config: ConfigOption = None,
    *,
    lake: LakeOption = None,
    ticket: Annotated[str, typer.Option(help="Its ticket.")] = "",
    actor: Annotated[str, typer.Option(help="The end of an identity.")] = "",
    account: Annotated[str, typer.Option(help="An account.")] = "",
) -> None:
    """Announce work: alerts of events within it are kept and counted, and not sent."""
    first, last = moment(start), moment(end)
    if first is None or last is None:
        stop("E107: say from when and until when", USAGE)
    made = _state(config, lake)[1].desk.announce(name, start=first, end=last, ticket=ticket, actor=actor, account=account)
    say(f"work {made.id} is announced")


@alerts_app.command("exceptions")
def list_exceptions(
    config: ConfigOption = None, *, lake: LakeOption = None, end: Annotated[int | None, typer.Option(help="End this one now.")] = None, as_json: Json = False
) -> None:
    """List exceptions and announced work, and how often each held."""
    from livefire.watch import view

    desk = _state(config, lake)[1].desk
    if end is not None:
        desk.end_exception(end)
    found, work = desk.exceptions(), desk.windows()
    if as_json:
        emit({"exceptions": view.as_json(found), "work": view.as_json(work)})
    else:
        show(view.exceptions(found))
        show(view.windows(work))


@alerts_app.command("resend")
def resend_alerts(config: ConfigOption = None, *, lake: LakeOption = None, sink: Annotated[str, typer.Option(help="Only of this sink.")] = "") -> None:
    """Send again what sinks did not take and what was given up."""
    count = _state(config, lake)[1].outbox.resend(_now(), sink)
    say(f"{count:,} messages wait to be sent again")
