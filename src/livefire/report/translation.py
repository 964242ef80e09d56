"""A translation as text and JSON: what it rests on, and the event that tells it apart."""

from __future__ import annotations

import json
from typing import Any

from livefire.report.diagnostics import as_json as objects
from livefire.translating import Translated

_WIDTH = 2000


def account(made: Translated) -> str:
    """Return what is to be known of a translation: the proof, its assumptions, an event that tells the rules apart."""
    lines = [_verdict(made)]
    lines += [f"assumed: {a.words}" for a in made.translation.assumptions]
    lines += [f"note: {text}" for text in made.translation.notes]
    difference = made.proof.difference if made.proof is not None else None
    if difference is not None:
        raw = json.dumps(difference.raw, ensure_ascii=True)
        lines.append(f"{difference.words} ({difference.times[0]} and {difference.times[1]} times): {difference.event}")
        lines.append(raw if len(raw) <= _WIDTH else raw[:_WIDTH] + " …")
    return "\n".join(lines)


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
