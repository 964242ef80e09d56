"""What the command line prints, and the codes it leaves with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from livefire.diagnostics import Diagnostic, Source

PIPE_WIDTH = 180
OK, FOUND, USAGE, REFUSED, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 130


def console(*, error: bool = False) -> Console:
    """Return the console; text that is not ours reaches it only through `report`."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    # A pipe has no width; tables squeezed into 80 columns cannot be read.
    return Console(stderr=error, highlight=False, markup=False, emoji=False, width=None if stream.isatty() else PIPE_WIDTH)


def say(text: str, *, error: bool = False) -> None:
    """Print a text of ours, with whatever it quotes made safe."""
    from livefire.report.safe import safe_text

    console(error=error).print(safe_text(text, lines=True), soft_wrap=True)


def show(table: Table | Text) -> None:
    """Print a table, or what stands in the place of one."""
    console().print(table)


def emit(data: Any) -> None:
    """Print JSON; every control character and every character beyond ASCII is escaped."""
    sys.stdout.write(json.dumps(data, indent=2, default=str).replace("\x7f", "\\u007f") + "\n")


def put(text: str) -> None:
    """Print a text of the user's own as it is, for another program to read."""
    sys.stdout.write(text)


def stop(text: str, code: int) -> NoReturn:
    """Print an error and leave."""
    say(text, error=True)
    raise typer.Exit(code)


def show_diagnostics(diagnostics: tuple[Diagnostic, ...], source: Source) -> None:
    """Print diagnostics to standard error."""
    from livefire.report.diagnostics import as_text

    if diagnostics:
        say(as_text(diagnostics, source), error=True)


@contextmanager
def progress(label: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show a line that changes while long work runs; nothing where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield lambda _text: None
        return
    from livefire.report.safe import safe_text

    with console(error=True).status(label) as status:
        yield lambda text: status.update(f"{label}: {safe_text(text)}")


def refuse(error: Any, source: Source, *, as_json: bool) -> NoReturn:
    """Show why a query cannot be run and leave."""
    from livefire.report.diagnostics import as_json as objects

    if as_json:
        emit({"refused": True, "diagnostics": objects(error.diagnostics, source)})
    else:
        show_diagnostics(error.diagnostics, source)
    raise typer.Exit(REFUSED)
