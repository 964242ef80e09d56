"""A translation as text and JSON: what it rests on, and the event that tells it apart."""

from __future__ import annotations

import json
from typing import Any

from livefire.report.diagnostics import as_json as objects
from livefire.report.tables import counted
from livefire.translating import Translated
from livefire.translation.equivalence import Equivalence

_WIDTH = 2000


def account(made: Translated) -> str:
    """Return what is to be known of a translation: the proof, its assumptions, an event that tells the rules apart."""
    lines = [_verdict(made)]
    lines += [f"assumed: {a.words}" for a in made.translation.assumptions]
    lines += [f"note: {text}" for text in made.translation.notes]
    difference = made.proof.difference if made.proof is not None else None
    if difference is not None:
        lines.append(f"{difference.words} ({difference.times[0]} and {difference.times[1]} times): {difference.event}")
        lines.append(_shortened(difference.raw))
    return "\n".join(lines)


def _shortened(raw: Any) -> str:
    text = json.dumps(raw, ensure_ascii=True)
    return text if len(text) <= _WIDTH else text[:_WIDTH] + " …"


def drift(found: Equivalence | None) -> str:
    """Return how what is deployed differs from a detection; None stands for no detection of its title."""
    if found is None:
        return "no detection of that title to compare with"
    if found.verdict == "proved":
        return f"no drift: the same {counted(found.found, 'finding')} over {found.events:,} events"
    if found.difference is None:
        return f"DRIFT: {found.reason}" if found.verdict == "different" else f"not compared: {found.reason}"
    one, other = found.difference.times
    which = "found by what is deployed alone" if one > other else "found by the detection alone"
    return f"DRIFT {found.reason}: {which} ({one} and {other} times): {found.difference.event}\n{_shortened(found.difference.raw)}"


def drift_json(found: Equivalence | None) -> dict[str, Any]:
    """Return a comparison for programs."""
    if found is None:
        return {"verdict": "no counterpart"}
    difference = found.difference
    said = None if difference is None else {"event": difference.event, "deployed": difference.times[0], "detection": difference.times[1], "raw": difference.raw}
    verdict = {"proved": "same", "different": "drift", "not proved": "not compared"}[found.verdict]
    return {"verdict": verdict, "events": found.events, "found": found.found, "reason": found.reason, "difference": said}


def _verdict(made: Translated) -> str:
    proof = made.proof
    if proof is None:
        return "not proved: no proof was asked for"
    if proof.verdict == "proved":
        left = f"; {proof.excluded:,} generated that break an assumption differ" if proof.excluded else ""
        return f"proved: the same {proof.found:,} finding{'s' if proof.found != 1 else ''} over {proof.events:,} events{left}"
    if proof.verdict == "different":
        return f"DIFFERENT {proof.reason}: this text does not find what the rule finds"
    return f"not proved: {proof.reason}"


def as_json(made: Translated) -> dict[str, Any]:
    """Return a translation for programs."""
    proof, difference = made.proof, made.proof.difference if made.proof is not None else None
    return {
        "language": made.translation.language,
        "text": made.text,
        "assumptions": [a.words for a in made.translation.assumptions],
        "notes": list(made.translation.notes),
        "proof": None
        if proof is None
        else {
            "verdict": proof.verdict,
            "events": proof.events,
            "found": proof.found,
            "excluded": proof.excluded,
            "reason": proof.reason,
            "difference": None
            if difference is None
            else {"event": difference.event, "original": difference.times[0], "translation": difference.times[1], "raw": difference.raw},
        },
        "diagnostics": objects(made.diagnostics, made.source),
    }
