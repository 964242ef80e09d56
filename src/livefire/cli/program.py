"""The program: what every command shares."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from livefire.cli.terminal import INTERRUPTED, REFUSED, refuse, say, stop


class Commands(TyperGroup):
    """The commands; what one of them cannot do ends in a diagnostic, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, BrokenPipeError):
            raise
        except foreseen() as error:
            end(error)


def end(error: Any) -> NoReturn:
    """Show a foreseen error, whichever it is, and leave."""
    if hasattr(error, "diagnostics"):
        refuse(error, error.source, as_json=False)
    if hasattr(error, "code"):
        stop(str(error), REFUSED)
    stop(f"E003: {error.filename or 'a file'}: {(error.strerror or str(error)).lower()}", REFUSED)


def foreseen() -> tuple[type[Exception], ...]:
    """Return what a command may raise; loaded only once something was."""
    from livefire.diagnostics import QueryError
    from livefire.store.lake import LakeError
    from livefire.watch.faults import WatchError

    return (QueryError, LakeError, WatchError, OSError)


app = typer.Typer(
    name="livefire",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help starts in half the time
    help="Run any SIEM's detection, exactly as written, over cloud audit logs, and prove that it fires.",
)


def _version(asked: bool) -> None:
    if asked:
        from livefire.version import __version__

        say(f"livefire {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")] = False,
) -> None:
    """Run any SIEM's detection, exactly as written, over cloud audit logs, and prove that it fires."""


class AlertCommands(Commands):
    """The commands below `alerts`; without one of their names it hunts: `livefire alerts LOGS`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in that is meant where none is named."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["raise", *args]
        return super().parse_args(ctx, args)


lake_app = typer.Typer(no_args_is_help=True, help="What a lake of events holds.")
app.add_typer(lake_app, name="lake")
alerts_app = typer.Typer(cls=AlertCommands, help="Alerts: hunt and weigh once (`raise`, also without naming it), or see to those that a watch found.")
app.add_typer(alerts_app, name="alerts")


def main() -> None:
    """Run the command line."""
    try:
        app()
    except KeyboardInterrupt:
        say("interrupted; what was committed is kept", error=True)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if "LIVEFIRE_TRACEBACK" in os.environ:
            raise
        at = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {Path(at.filename).name}:{at.lineno}"
        say(f"E009: a fault of livefire itself ({place}); please report it with what LIVEFIRE_TRACEBACK=1 shows", error=True)
        sys.exit(REFUSED)
