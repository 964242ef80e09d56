"""Templates: everything is escaped, and characters that would hide or reorder what is read are written out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from livefire import Workspace

HERE = Path(__file__).parent
STATIC = HERE / "static"
BUILT = STATIC / "built"
PIECES = ("editor.js", "chart.js", "graph.js", "hypertext.js")


def built() -> bool:
    """True when the scripts for editor, charts and graphs are there."""
    return all((BUILT / piece).is_file() for piece in PIECES)


@cache
def environment() -> Environment:
    """Return the templates."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, finalize=_final, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "verbatim": verbatim,
        "pretty": pretty,
        "headline": headline,
        "deed": deed,
        "moment": moment,
        "day": day,
        "address": is_address,
        "cell": cell,
        "oneline": oneline,
        "union": lambda first, second: {**first, **second},
    }
    return made


def _final(value: Any) -> Any:
    """Make every text that a template puts out harmless; markup of our own has been."""
    return Workspace.harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def verbatim(text: str) -> Markup:
    """Return code: line feeds and tabs stay."""
    return escape(Workspace.harmless(str(text), lines=True))


def pretty(value: Any) -> Markup:
    """Return a JSON value on lines of its own."""
    return verbatim(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def deed(raw: Mapping[str, Any]) -> str:
    """Return what a raw event says was done."""
    payload = raw.get("protoPayload")
    done = raw.get("eventName") or raw.get("operationName") or (payload.get("methodName") if isinstance(payload, Mapping) else "")
    return done if isinstance(done, str) else ""


def headline(raw: Mapping[str, Any]) -> str:
    """Return what names a raw event in a list: time and operation."""
    return f"{raw.get('eventTime') or raw.get('time') or raw.get('timestamp') or ''} {deed(raw)}"


def moment(value: datetime | str | None) -> str:
    """Return a time as 2026-11-21 05:00:00, empty for none."""
    if isinstance(value, str) or value is None:
        return (value or "").replace("T", " ").removesuffix("Z")
    return f"{value:%Y-%m-%d %H:%M:%S}"


def day(value: datetime | None) -> str:
    """Return a date, empty for none."""
    return f"{value:%Y-%m-%d}" if value is not None else ""


def cell(value: Any) -> str:
    """Return a value of a row as one line."""
    return Workspace.shown(value)


def oneline(value: Any) -> str:
    """Return a value as one short line, its lines joined."""
    return cell(" ".join(value.split()) if isinstance(value, str) else value)[:180]


def is_address(text: str) -> bool:
    """True for what a link may lead to."""
    return text.startswith(("https://", "http://"))


def live_path(path: str, *, raw: bool = False) -> str:  # noqa: ARG001 - the static site's namesake tells files from pages
    """Return a page's address on a server."""
    return path


def render(name: str, values: Mapping[str, Any], href: Callable[..., str] = live_path) -> str:
    """Return a page."""
    from livefire import __version__

    common = {
        "href": href,
        "asset": _asset,
        "static": False,
        "version": __version__,
        "built": built(),
        "page_kind": "",
        "section": "",
        "published": False,
        "open_alerts": 0,
    }
    return environment().get_template(name).render({**common, **values})


def _asset(name: str) -> str:
    return f"/static/{name}"
