"""A flow as a LogScale query (https://library.humio.com/data-analysis/functions.html)."""

from __future__ import annotations

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.schema import Type
from livefire.translation.condition import Condition, Subject
from livefire.translation.cql_text import CqlPrinter, field_name, quoted
from livefire.translation.outline import Key, Measure
from livefire.translation.pipe import Counted, Pipe, plain_name
from livefire.translation.printer import Assumption, Found
from livefire.translation.statement import Work, Written, conjuncts, not_grouped

# The most groups and rows that LogScale keeps.
_GROUPS, _ROWS = 20_000, 20_000


def write(work: Work) -> Written:
    """Return filters, one a line, or the filters of several parsers with OR."""
    not_grouped(work)
    either: list[str] = []
    assumed: list[Assumption] = []
    for part in work.parts:
        pipe = CqlPipe(part, CqlPrinter(part.vocabulary))
        tags = part.vocabulary.table.tags
        head = [f"#Vendor={tags['#Vendor']}", f"#event.module={tags['#event.module']}"]
        said = [pipe.printer.show(c, nested=len(work.parts) > 1) for c in conjuncts(part.condition)]
        if len(work.parts) == 1:
            lines = [" ".join(head), *(f"| {t}" for t in said), *pipe.follow(work)]
            return Written("\n".join(lines), tuple(pipe.printer.assumptions), pipe.notes, pipe.numbers)
        either.append("(" + " AND ".join([*head, *said]) + ")")
        assumed += pipe.printer.assumptions
    return Written("\n OR ".join(either), tuple(assumed))


class CqlPipe(Pipe):
    """LogScale's functions; groupBy leaves out events without a key, so a missing one is filled in first."""

    def group(self, keys: tuple[tuple[Key, Found], ...], measures: tuple[Measure, ...], names: dict[int, str]) -> list[str]:
        """Return groupBy, with default and := before it and rename after it."""
        lines, by, renamed = [], [], []
        for at, (key, found) in enumerate(keys):
            field = self.name(found)
            if key.width is not None:
                milliseconds = key.width // 10_000
                lines.append(f"| {names[at]} := {field} - ({field} % {milliseconds})")
                by.append(names[at])
                continue
            if not self.known(key.subject):
                lines.append(f'| default(field={field}, value="")')
            by.append(field)
            if key.renamed and names[at] != field:
                renamed.append(f"| rename(field={field}, as={names[at]})")
            else:
                names[at] = found.shown.name
        lines += [f'| default(field={self.name(self.printer.find(m.subject, m.span))}, value="")' for m in measures if m.as_text and m.subject is not None]
        functions = ", ".join(self._measure(m) for m in measures)
        lines.append(f"| groupBy([{', '.join(by)}], function=[{functions}], limit={_GROUPS})" if by else f"| [{functions}]")
        return [*lines, *renamed]

    def stand_in(self, counted: Counted) -> str | None:
        """Return what default puts in."""
        return "" if counted.filled else None

    def _measure(self, measure: Measure) -> str:
        if measure.where is not None:
            raise self.printer.no_form("an aggregate over some events of a group", measure.span)
        if measure.subject is None:
            return f"count(as={measure.name})"
        found = self.printer.find(measure.subject, measure.span)
        field = self.name(found)
        if measure.function == "count_distinct":
            return f"count({field}, distinct=true, as={measure.name})"
        if measure.function in ("set", "list"):
            if measure.function == "list":
                raise self.printer.no_form("a list with doubles", measure.span)
            return f"collect([{field}])"
        if found.shown.type is Type.STRING:
            raise self.printer.no_form("an order or a sum of texts", measure.span)
        return f"{measure.function}({field}, as={measure.name})"

    def name(self, found: Found) -> str:
        """Return a field for a function: the event's time is one too."""
        return field_name(found.shown.name) if found.shown.type is Type.DATETIME else self.printer.value_of(found)

    def where(self, condition: Condition) -> str:
        """Return a filter."""
        return f"| {self.after.show(condition)}"

    def order(self, keys: tuple[tuple[str, bool], ...], first: int | None) -> list[str]:
        """Return sort; without a limit LogScale keeps 200 rows."""
        fields = f"[{', '.join(name for name, _ in keys)}]" if len(keys) > 1 else keys[0][0]
        orders = ", ".join("desc" if down else "asc" for _, down in keys)
        return [f"| sort({fields}, order={f'[{orders}]' if len(keys) > 1 else orders}, limit={first or _ROWS})"]

    def first(self, count: int) -> str:
        """Return head."""
        return f"| head({count})"

    def keep(self, items: tuple[tuple[str, str | None, e.Literal | None], ...]) -> list[str]:
        """Return select, after := for constants."""
        lines = [f"| {plain_name(name)} := {quoted(c.value)}" for name, _, c in items if c is not None]
        fields = dict.fromkeys(field if field is not None else plain_name(name) for name, field, _ in items)
        return [*lines, f"| select([{', '.join(fields)}])"]

    def name_of(self, subject: Subject, span: Span | None = None) -> str:
        """Return a field's name, the event's time too."""
        found = self.after.find(subject, span)
        return field_name(found.shown.name) if found.shown.type is Type.DATETIME else self.after.value_of(found)
