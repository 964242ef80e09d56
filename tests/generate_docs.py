"""Writes the pages of `docs/` that are made from the code: `python -m tests.generate_docs`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import typer

from livefire import cli
from livefire.diagnostics import catalogue
from livefire.lint import checks
from livefire.plan.functions import FAMILIES, FUNCTIONS
from livefire.plan.functions.model import Function
from livefire.schema import Type
from livefire.tables.reference import reference
from tests import differences, listed_checks
from tests.house.project import ROOT, codes_raised
from tests.pack_page import pack_page

NOTE = "<!-- Made by `make docs` from the code; edit the code, not this page. -->"
RANGES = {
    0: "Use of the command line",
    1: "Names and types",
    2: "Syntax",
    3: "Not supported",
    4: "Data and runs",
    5: "Packs",
    6: "The sense of a rule",
    7: "Watching and pages",
}
EXITS = (
    (cli.OK, "Done, and nothing to report."),
    (cli.FOUND, "Done, and there is something to look at: `check` met an error, `hunt` has findings, `prove` or `demo` did not prove every rule."),
    (cli.USAGE, "The command line says something that cannot be: an unknown option, a file that is not there, a rule whose language cannot be told."),
    (cli.REFUSED, "A rule, a lake or a pack cannot be run or read faithfully; the diagnostic says why. Nothing was guessed."),
    (cli.PARTIAL, "`ingest` stored what it could, and set something aside: each entry with its file, place and reason."),
    (cli.INTERRUPTED, "Interrupted; what was committed to the lake is kept, and the same command completes the rest."),
)


def pages() -> dict[Path, str]:
    """Return every generated page with its text."""
    docs = ROOT / "docs"
    return {
        docs / "cli.md": command_page(),
        docs / "diagnostics.md": diagnostics_page(),
        docs / "languages" / "differences.md": differences.page(),
        docs / "checks.md": checks_page(),
        docs / "meanings.md": meanings_page(),
        docs / "t1578.md": pack_page(NOTE),
        docs / "tables.md": f"{NOTE}\n\n{reference()}",
    }


# checks


def checks_page() -> str:
    """Return a section a check of a rule's sense."""
    lines = [NOTE, "", "# Checks of a rule's sense", ""]
    lines += ["`livefire check` reads a rule as its product would, and then asks what it means: what can never be true, what never happens, what is missed."]
    lines += ["The words of the clouds (operations, methods, instance types) come from the vendors' published client libraries, kept as data with", ""]
    lines[-1:] = ["their source and date in [src/livefire/lint/vocabulary](../src/livefire/lint/vocabulary); nothing is asked of a network.", ""]
    for check in checks():
        only = f" ({', '.join(sorted(check.languages))} only)" if check.languages else ""
        lines += [
            f"## {check.code}",
            "",
            f"**{sentence(check.title)}**{only}",
            "",
            check.why,
            "",
            f"- For example: `{check.example}`",
            f"- Mend: {check.mend}.",
            "",
        ]
    lines += [
        "## N681",
        "",
        "**two rules with one query.**",
        "",
        "Told where several rules are checked together: a query that is shipped for two ends serves at most one of them.",
        "",
    ]
    return "\n".join([*lines, *listed_checks.section()])


# the command line


def command_page() -> str:
    """Return the reference of the command line."""
    lines = [NOTE, "", "# Command line", "", sentence(str(cli.app.info.help)), ""]
    lines += ["Every command prints text for people, or one JSON document with `--json`.", ""]
    lines += ["## Exit codes", "", "| code | meaning |", "|---|---|", *(f"| {code} | {text} |" for code, text in EXITS), ""]
    for title, command in commands(typer.main.get_command(cli.app), "livefire"):
        lines += section(title, command)
    return "\n".join(lines)


def commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield every command below a group with its full name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def section(title: str, command: Any) -> list[str]:
    """Return the section of one command."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    usage = [title, *(usage_of(a) for a in arguments), *(f"{o.opts[0]} {value_of(o)}" for o in options if o.required), "[OPTIONS]"]
    lines = [f"## {title}", "", sentence(inspect.cleandoc(command.help or "")), "", "```text", " ".join(usage), "```", ""]
    lines += ["| argument or option | value | default | |", "|---|---|---|---|"]
    lines += [f"| `{p.name.upper()}` | {value_of(p)} | {default_of(p)} | {p.help} |" for p in arguments]
    lines += [f"| {', '.join(f'`{o}`' for o in (*p.opts, *p.secondary_opts))} | {value_of(p)} | {default_of(p)} | {described(p)} |" for p in options]
    return [*lines, ""]


def usage_of(argument: Any) -> str:
    """Return an argument as a usage line writes it."""
    text = argument.name.upper() + ("..." if argument.nargs == -1 else "")
    return text if argument.required else f"[{text}]"


def value_of(parameter: Any) -> str:
    """Return what a parameter takes; several are marked with an ellipsis."""
    if getattr(parameter, "is_flag", False):
        return ""
    kind = parameter.type_descriptor.annotation
    kind = next((k for k in get_args(kind) if k is not type(None)), kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{member.value}`" for member in kind)
    text = {Path: "path", str: "text", float: "number", int: "whole number"}[kind]
    return text + (" …" if parameter.nargs == -1 or parameter.multiple else "")


def default_of(parameter: Any) -> str:
    """Return the default as the user would write it."""
    if parameter.required:
        return "required"
    if getattr(parameter, "is_flag", False) and parameter.secondary_opts:
        return f"`{parameter.opts[0] if parameter.default else parameter.secondary_opts[0]}`"
    return f"`{parameter.default}`" if parameter.default not in (None, False, (), []) else ""


def described(option: Any) -> str:
    """Return an option's help; the shared moments have their name to tell them apart."""
    moments = {"now": "The rule's clock; by default a minute past the latest event.", "start": "Read events from here on.", "end": "Read events before this."}
    return sentence(" ".join(x for x in (moments.get(option.name, ""), option.help) if x))


# diagnostics


def diagnostics_page() -> str:
    """Return the reference of the diagnostic codes."""
    raised = codes_raised()
    lines = [NOTE, "", "# Diagnostics", ""]
    lines += ["A diagnostic has a code, a place, a reason, and where there is one the nearest way. The letter tells what it means for the rule:", ""]
    lines += ["**E** it cannot be run faithfully and is refused, **W** it runs and there is a doubt, **N** worth knowing.", ""]
    lines += ["A number has one meaning and is never reused.", ""]
    lines += ["Where a number stands as E and W, the product itself rejects the text: it is an error by default, and a warning with `--lenient`.", ""]
    for hundred, title in RANGES.items():
        rows = [(number, text) for number, text in sorted(catalogue.TITLES.items()) if number // 100 == hundred]
        if rows:
            lines += [f"## {title}", "", "| code | what it says |", "|---|---|", *(f"| {letters(number, raised)} | {text} |" for number, text in rows), ""]
    return "\n".join(lines)


def letters(number: int, raised: dict[str, set[str]]) -> str:
    """Return a number with the letters it is raised under."""
    return ", ".join(f"{letter}{number:03d}" for letter in "EWN" if f"{letter}{number:03d}" in raised) or f"E{number:03d}"


# meanings


def meanings_page() -> str:
    """Return the reference of the meanings that languages map their spellings to."""
    lines = [NOTE, "", "# Meanings", ""]
    lines += [f"The {len(FUNCTIONS)} functions that a plan may call. A language maps its spellings to these, an engine maps these to its own text.", ""]
    lines += ["Each example is a test on every engine.", ""]
    for name in FAMILIES:
        family = import_module(f"livefire.plan.functions.{name}")
        lines += [f"## {name}", "", (family.__doc__ or "").strip().splitlines()[0], ""]
        lines += ["| meaning | arguments | gives | what | null rule | example |", "|---|---|---|---|---|---|"]
        lines += [row(f) for f in family.FUNCTIONS]
        lines.append("")
    return "\n".join(lines)


def row(function: Function) -> str:
    """Return a meaning's row."""
    least, most = function.arity
    count = str(least) if least == most else f"{least} or more" if most is None else f"{least} to {most}"
    gives = {"first": "as the first", "given": "as the language says"}.get(str(function.returns)) or (
        function.returns.value if isinstance(function.returns, Type) else ""
    )
    shown = ""
    if function.examples:
        first = function.examples[0]
        shown = f"`({', '.join(literal(v) for v, _ in first.args)})` → `{literal(first.result)}`"
    return f"| `{function.name}` | {count} | {gives} | {cell(function.summary)} | {cell(function.nulls)} | {cell(shown)} |"


def literal(value: object) -> str:
    """Return a value as the page writes it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def cell(text: str) -> str:
    """Return text that a Markdown table keeps in one cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def sentence(text: str) -> str:
    """Return text on one line that ends as a sentence does."""
    text = re.sub(r"\s+", " ", text).strip()
    return text if text.endswith((".", "?", "!")) else text + "."


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
