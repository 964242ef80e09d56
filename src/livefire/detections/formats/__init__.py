"""Rule files of every product. A format is one row of `READERS`: its suffixes, and what reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from livefire.detections.formats import deployed, elastic, plain, references
from livefire.detections.formats.model import FormatError, RuleFile
from livefire.detections.pack import load_rule
from livefire.diagnostics import Diagnostic, QueryError, Source
from livefire.languages import SUFFIXES

Reader = Callable[[str, Path], tuple[RuleFile, ...] | None]

# Each takes a file's text and returns its rules, or None for a file that is none of its kind.
READERS: tuple[tuple[tuple[str, ...], Reader], ...] = (
    ((".toml",), elastic.from_toml),
    ((".json", ".ndjson"), deployed.from_json),
    ((".conf",), deployed.from_conf),
    ((".yml", ".yaml"), plain.from_yaml),
    (tuple(s for s in SUFFIXES if s not in (".yml", ".yaml")), plain.query),
)

__all__ = ["READERS", "RuleFile", "read_file", "read_folder", "suffixes"]


def suffixes() -> frozenset[str]:
    """Return the suffixes of every file that may hold rules."""
    return frozenset(s for known, _ in READERS for s in known)


def read_file(path: Path) -> tuple[RuleFile, ...]:
    """Return the rules of a file, none where it holds no rule; QueryError E505 for a file that cannot be read, E506 for a broken one."""
    reader = next((read for known, read in READERS if path.suffix.lower() in known), None)
    if reader is None:
        return ()
    text = load_rule(path, "").text
    try:
        return reader(text, path) or ()
    except FormatError as fault:
        raise QueryError([Diagnostic("error", "E506", f"{path.name} is {fault}")], Source(text, str(path))) from fault


def read_folder(folder: Path) -> Iterator[tuple[Path, tuple[RuleFile, ...] | QueryError]]:
    """Yield each file below a folder that holds rules, by path, with its rules or what is wrong with it.

    A Sigma rule comes with what its correlations refer to in other files, and with the filters that are meant for it.
    """
    known = suffixes()
    read: list[tuple[Path, tuple[RuleFile, ...] | QueryError]] = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in known and p.is_file()):
        try:
            rules = read_file(path)
        except QueryError as error:
            read.append((path, error))
            continue
        if rules or path.suffix.lower() in (".yml", ".yaml"):
            read.append((path, rules))
    texts = {path: _text(path) for path, found in read if path.suffix.lower() in (".yml", ".yaml") and not isinstance(found, QueryError)}
    whole = iter(references.joined([one for _, found in read if not isinstance(found, QueryError) for one in found], texts))
    for path, found in read:
        if isinstance(found, QueryError):
            yield path, found
        elif found:
            yield path, tuple(next(whole) for _ in found)


def _text(path: Path) -> str:
    try:
        return load_rule(path, "").text
    except QueryError:
        return ""
