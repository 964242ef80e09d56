"""Reads packs: folders of detections. A fault in one is a diagnostic with its file, never a skipped detection."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from livefire.detections.detection import LANGUAGES, RULE_FILES, Card, Detection, Rule, rule_language
from livefire.diagnostics import Diagnostic, QueryError, Source

BUNDLED = Path(__file__).parent.parent / "packs"
MAX_RULE_BYTES = 1 << 20


def load_packs(folder: Path = BUNDLED) -> tuple[Detection, ...]:
    """Return every detection below a folder, by path; QueryError E5xx for a folder that cannot be read."""
    cards = sorted(folder.rglob("detection.toml"))
    if not cards:
        raise QueryError([Diagnostic("error", "E501", f"{folder.name} holds no detection.toml", help="a pack is a folder of folders with detection.toml")])
    found = tuple(load_detection(card.parent) for card in cards)
    ids = [d.card.id for d in found]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise QueryError([Diagnostic("error", "E504", f"two detections share an id: {', '.join(twice)}")])
    return found


def load_detection(folder: Path) -> Detection:
    """Return the detection in a folder; QueryError E502 for a bad card, E503 when it has no rule."""
    path = folder / "detection.toml"
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        card = msgspec.convert(tomllib.loads(text), Card)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise QueryError([Diagnostic("error", "E502", f"{folder.name}/detection.toml: {fault}")], Source(text, str(path))) from fault
    named = [(p, language) for p in folder.iterdir() if p.is_file() and (language := rule_language(p.name)) is not None]
    named.sort(key=lambda n: (LANGUAGES.index(n[1]), n[0].name))
    if not named:
        known = ", ".join(RULE_FILES)
        raise QueryError([Diagnostic("error", "E503", f"{folder.name} has no rule", help=f"write one of {known}")])
    return Detection(card, tuple(load_rule(path, language) for path, language in named), folder)


def load_rule(path: Path, language: str) -> Rule:
    """Return a rule file as it is, byte for byte; QueryError E505 when it is no text of reasonable size."""
    try:
        data = path.read_bytes()
        if len(data) > MAX_RULE_BYTES:
            raise QueryError([Diagnostic("error", "E505", f"{path.name} has more than {MAX_RULE_BYTES} bytes")])
        return Rule(path.stem, language, data.decode("utf-8"), path)
    except UnicodeDecodeError as fault:
        raise QueryError([Diagnostic("error", "E505", f"{path.name} is not UTF-8: byte {fault.start}")]) from fault
    except OSError as fault:
        raise QueryError([Diagnostic("error", "E505", f"{path.name} cannot be read: {fault.strerror}")]) from fault
