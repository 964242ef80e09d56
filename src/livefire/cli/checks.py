"""The commands that judge rules without running them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livefire.cli.inputs import (
    Json,
    LanguageOption,
    Lenient,
    Macros,
    Placeholders,
    Site,
    Verbatim,
    declare,
    known_language,
    placeholders,
    rule_files,
    rule_source,
    stored_in,
)
from livefire.cli.program import app
from livefire.cli.terminal import FOUND, OK, USAGE, emit, progress, put, say, show_diagnostics, stop

if TYPE_CHECKING:
    from livefire.detections.detection import Rule
    from livefire.diagnostics import Diagnostic
    from livefire.report.check import Checked
    from livefire.workspace import Workspace

    Fits = Callable[[Rule], Sequence[Diagnostic]]

MANY = 20


class Form(StrEnum):
    """The forms that `check` writes."""

    text = "text"
    json = "json"
    sarif = "sarif"
    junit = "junit"


@app.command()
def check(
    files: Verbatim,
    *,
    language: LanguageOption = None,
    lenient: Lenient = False,
    site: Site = None,
    macros: Macros = None,
    placeholder: Placeholders = None,
    form: Annotated[Form, typer.Option("--format", help="Text for people; SARIF for code hosts, JUnit for test runners.")] = Form.text,
    fix: Annotated[
        bool, typer.Option("--fix", help="Write the fixes of what is said into the files, and print what changed; the file - is read and printed.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="A lake, or logs: say too what keeps each rule from firing there: no events, no such field, too late.")
    ] = None,
    lookback: Annotated[float | None, typer.Option(help="For --data: how far back the rules are run, in minutes, where the query does not say.")] = None,
    as_json: Json = False,
) -> None:
    """Read rules without running them, and say all there is to say of each: what the product rejects, and what cannot work as meant."""
    from livefire.workspace import Workspace

    ws = Workspace()
    ws.declare(placeholders=placeholders(placeholder))
    declare(ws, macros=macros)
    if fix and files == [Path("-")]:
        mend_input(ws, language)
        return
    declare(ws, site, macros=macros)
    every: list[Checked] = []
    fits = over_data(data, lookback, quiet=as_json or form is not Form.text) if data is not None else None
    with progress("checking", quiet=len(files) < MANY and not any(f.is_dir() for f in files)) as tell:
        for file, broken in rule_paths(files):
            tell(str(file))
            if broken is not None:
                every.append(broken)
                continue
            if fix:
                mend_file(ws, file, language, quiet=as_json or form is not Form.text)
            every += checked(ws, file, language, lenient=lenient, fits=fits)
    every = with_doubles(every)
    show_checked(every, Form.json if as_json else form)
    raise typer.Exit(FOUND if any(d.severity == "error" for c in every for d in c.diagnostics) else OK)


def rule_paths(given: list[Path]) -> Iterator[tuple[Path, Checked | None]]:
    """Yield the files given and the rule files below the folders given; one that cannot be read with what is wrong, so that it does not end the rest."""
    from livefire.detections.formats import read_folder
    from livefire.diagnostics import QueryError, Source
    from livefire.report.check import Checked

    for path in given:
        if not path.is_dir():
            yield path, None
            continue
        found = [(p, rules) for p, rules in read_folder(path) if not p.name.endswith(("cases.yml", "cases.yaml"))]
        if not found:
            stop(f"E501: {path} holds no rule file", USAGE)
        for file, rules in found:
            yield file, Checked(Source("", str(file)), "", tuple(rules.diagnostics)) if isinstance(rules, QueryError) else None


def mend_input(ws: Workspace, language: str | None) -> None:
    """Print what standard input holds with the fixes applied; it needs a language, for there is no file name to tell it from."""
    known_language(language)
    if language is None:
        stop("E001: say --language, for standard input has no file name to tell it from", USAGE)
    put(ws.mend(sys.stdin.read(), language))


def mend_file(ws: Workspace, file: Path, language: str | None, *, quiet: bool) -> None:
    """Write the fixes of each query of a file into it, at once or not at all, and print the difference."""
    import difflib

    rules = rule_files(file, language)
    queries = [(one.rule.text, one.rule.language) for one in rules] or [(source.text, chosen) for source, chosen in [rule_source(file, language)]]
    before = file.read_bytes().decode("utf-8")
    after = before
    for text, chosen in queries:
        changed = ws.mend(text, chosen)
        if changed == text:
            continue
        if after.count(text) != 1:
            say(f"{file}: a query in it can be mended, but does not stand there as it is read; change it by hand", error=True)
            continue
        after = after.replace(text, changed)
    if after == before:
        return
    write_whole(file, after)
    if not quiet:
        say("".join(difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), str(file), str(file))))


def write_whole(file: Path, text: str) -> None:
    """Replace a file by a new one beside it, so that it is never there in part; links and modes stay."""
    target = file.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(name).chmod(target.stat().st_mode & 0o777)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def over_data(data: Path, lookback: float | None, *, quiet: bool) -> Fits:
    """Return what judges a rule by the events of a lake, or of logs read for it."""
    from datetime import timedelta

    if not data.exists():
        stop(f"E002: there is no {data}", USAGE)
    if lookback is not None and lookback <= 0:
        stop("E107: --lookback is minutes, more than none", USAGE)
    stored = stored_in(data, quiet=quiet)
    span = timedelta(minutes=lookback) if lookback is not None else None
    return lambda rule: stored.liveness([rule], span)[0]


def checked(ws: Workspace, file: Path, language: str | None, *, lenient: bool, fits: Fits | None = None) -> Iterator[Checked]:
    """Yield each rule of a file with its language and what there is to say of it, of its data too where that is given."""
    from livefire.detections.detection import Rule
    from livefire.diagnostics import Source
    from livefire.report.check import Checked

    rules = rule_files(file, language)
    for one in rules:
        said = tuple(ws.check_rule(one.rule, lenient=lenient))
        yield Checked(Source(one.rule.text, str(file)), one.rule.language, (*said, *(fits(one.rule) if fits is not None else ())))
    if not rules:
        source, chosen = rule_source(file, language)
        said = tuple(ws.check(source.text, chosen, name=source.name, lenient=lenient))
        yield Checked(source, chosen, (*said, *(fits(Rule(file.stem, chosen, source.text, file)) if fits is not None else ())))


def with_doubles(every: list[Checked]) -> list[Checked]:
    """Return what was said of rules with what they are to each other: two that are one query."""
    from dataclasses import replace

    from livefire.lint.alike import same_queries

    said = dict(same_queries((c.source.name, c.source.text) for c in every))
    return [replace(c, diagnostics=(*c.diagnostics, said[c.source.name])) if c.source.name in said else c for c in every]


def show_checked(checked: list[Checked], form: Form) -> None:
    """Print what was said of rule files."""
    from livefire import __version__
    from livefire.report import check as view
    from livefire.report.diagnostics import as_json as objects
    from livefire.report.tables import counted

    if form is Form.json:
        emit([{"file": c.source.name, "language": c.language, "diagnostics": objects(c.diagnostics, c.source)} for c in checked])
    elif form is Form.sarif:
        emit(view.sarif(checked, __version__))
    elif form is Form.junit:
        say(view.junit(checked).rstrip())
    else:
        for c in checked:
            show_diagnostics(c.diagnostics, c.source)
        wrong = sum(any(d.severity == "error" for d in c.diagnostics) for c in checked)
        doubtful = sum(any(d.severity == "warning" for d in c.diagnostics) for c in checked)
        say(f"{counted(len(checked), 'rule')}, {wrong} with errors, {doubtful} with warnings")
