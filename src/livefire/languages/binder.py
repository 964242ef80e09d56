"""Names to columns: exact lookup, and the words for a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from livefire.diagnostics import Fix, Span
from livefire.languages.base import Context
from livefire.plan import expr as e
from livefire.schema import Schema, Type


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like this one: the same but for case first, then by spelling."""
    names = list(known)
    for candidate in names:
        if candidate.casefold() == name.casefold():
            return candidate
    folded = {c.casefold(): c for c in names}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.72)
    return folded[close[0]] if close else None


def suggestion(name: str, schema: Schema, context: Context) -> str | None:
    """Return the column of the schema that was probably meant: another vendor's name for a field, or a near spelling."""
    exact = nearest(name, schema.names)
    if exact is not None and exact.casefold() == name.casefold():
        return exact
    others = {n for names in context.catalog.other_names(name).values() for n in names}
    for column in schema.names:
        if column in others:
            return column
    return exact


def unknown_column(name: str, span: Span, schema: Schema, context: Context, *, code: int = 102, what: str = "column") -> None:
    """Report a name that no column of a known table has, with the nearest one as a fix.

    After an unknown table every name may be a column: languages do not ask then.
    """
    meant = suggestion(name, schema, context)
    help = f"did you mean {meant!r}?" if meant else ("known: " + ", ".join(schema.names[:12]) + (" …" if len(schema) > 12 else "")) if len(schema) else ""
    fix = Fix(span, meant, f"write {meant!r}") if meant else None
    context.diagnostics.error(f"E{code}", f"no {what} is named {name!r}", span, help=help, fix=fix)


def bind(name: str, span: Span, schema: Schema, context: Context) -> e.Expr:
    """Return the column of that exact name; otherwise report it and return an unknown null, so that reading goes on."""
    found = schema.get(name)
    if found is not None:
        return e.Column(found.name, found.type)
    unknown_column(name, span, schema, context)
    return e.null(Type.UNKNOWN)


def unknown_table(name: str, span: Span, context: Context, vendor: str) -> None:
    """Report a table that no catalog knows (E101), with the nearest name: of the language's own product first."""
    meant = nearest(name, context.catalog.names(vendor)) or nearest(name, context.catalog.names())
    context.diagnostics.error(
        "E101",
        f"no table is named {name!r}",
        span,
        help=f"did you mean {meant!r}?" if meant else "load it, or ingest the logs that fill it",
        fix=Fix(span, meant, f"write {meant!r}") if meant else None,
    )
