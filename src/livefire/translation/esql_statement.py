"""A flow as an ES|QL query (https://www.elastic.co/docs/reference/query-languages/esql)."""

from __future__ import annotations

from livefire.plan import expr as e
from livefire.schema import Type
from livefire.translation.condition import Condition
from livefire.translation.elastic_text import field_name
from livefire.translation.esql_text import EsqlPrinter, quoted
from livefire.translation.outline import Key, Measure
from livefire.translation.pipe import Counted, Pipe, plain_name
from livefire.translation.printer import Assumption, Found
from livefire.translation.statement import Work, Written, conjuncts, known_present, not_grouped

ROWS = "ES|QL gives at most 1,000 rows unless LIMIT says otherwise, and never more than 10,000"
_FUNCTIONS = {"count_distinct": "COUNT_DISTINCT", "min": "MIN", "max": "MAX", "sum": "SUM", "avg": "AVG", "set": "VALUES"}
_UNITS = ((864_000_000_000, "day"), (36_000_000_000, "hour"), (600_000_000, "minute"), (10_000_000, "second"))


def write(work: Work) -> Written:
    """Return a query over one index pattern or several."""
    not_grouped(work)
    assumed: list[Assumption] = []
    either, names = [], []
    for part in work.parts:
        pipe = EsqlPipe(part, EsqlPrinter(part.vocabulary))
        known = known_present(part.condition)
        said = [pipe.printer.show(c, nested=len(work.parts) > 1, present=known) for c in conjuncts(part.condition)]
        names.append(part.vocabulary.table.name)
        if len(work.parts) == 1:
            lines = [f"FROM {names[0]}", *(f"| WHERE {c}" for c in said), *pipe.follow(work)]
            return Written("\n".join(lines), tuple(pipe.printer.assumptions), (ROWS, *pipe.notes), pipe.numbers)
        either.append("(" + " AND ".join([f'event.dataset == "{part.vocabulary.table.tags["dataset"]}"', *said]) + ")")
        assumed += pipe.printer.assumptions
    text = f"FROM {', '.join(names)}\n| WHERE " + "\n    OR ".join(either)
    return Written(text, tuple(assumed), (ROWS,))


class EsqlPipe(Pipe):
    """ES|QL's commands."""

    def group(self, keys: tuple[tuple[Key, Found], ...], measures: tuple[Measure, ...], names: dict[int, str]) -> list[str]:
        """Return STATS."""
        by = []
        for at, (key, found) in enumerate(keys):
            value = name = self.printer.value_of(found)
            if key.width is not None:
                value = f"DATE_TRUNC({duration(key.width)}, {value})"
            elif key.as_text:
                value = f'COALESCE({value}, "")'
            if not key.renamed and value == name:
                names[at] = found.shown.name
                by.append(value)
            else:
                by.append(f"{names[at]} = {value}")
        shown = ", ".join(f"{m.name} = {self._measure(m)}" for m in measures)
        return [f"| STATS {shown}{' ' if shown else ''}" + (f"BY {', '.join(by)}" if by else "")]

    def stand_in(self, counted: Counted) -> str | None:
        """Return what COALESCE puts in."""
        return "" if counted.one.as_text else None

    def _measure(self, measure: Measure) -> str:
        where = f" WHERE {self.printer.show(measure.where)}" if measure.where is not None else ""
        if measure.subject is None:
            return f"COUNT(*){where}"
        if measure.function not in _FUNCTIONS:
            raise self.printer.no_form("a list in the order of the events", measure.span)
        found = self.printer.find(measure.subject, measure.span)
        value = self.printer.value_of(found)
        if measure.as_text:
            value = f'COALESCE({value}, "")'
        if measure.function in ("sum", "avg") and found.shown.type is Type.STRING:
            raise self.printer.no_form("a sum of texts", measure.span)
        return f"{_FUNCTIONS[measure.function]}({value}){where}"

    def where(self, condition: Condition) -> str:
        """Return WHERE."""
        return f"| WHERE {self.after.show(condition)}"

    def order(self, keys: tuple[tuple[str, bool], ...], first: int | None) -> list[str]:
        """Return SORT."""
        by = ", ".join(f"{name} {'DESC' if down else 'ASC'}" for name, down in keys)
        return [f"| SORT {by}", *([f"| LIMIT {first}"] if first is not None else [])]

    def first(self, count: int) -> str:
        """Return LIMIT."""
        return f"| LIMIT {count}"

    def keep(self, items: tuple[tuple[str, str | None, e.Literal | None], ...]) -> list[str]:
        """Return KEEP, after EVAL for constants and RENAME for other names."""
        constants = [f"{plain_name(name)} = {quoted(c.value)}" for name, _, c in items if c is not None]
        said: dict[str, str] = {}
        renamed: dict[str, str] = {}
        for name, field, constant in items:
            if constant is not None or field is None:
                said[plain_name(name)] = ""
            elif name.isidentifier() and field not in renamed and self.part.events.own(name):
                renamed[field] = plain_name(name)
                said[plain_name(name)] = ""
            else:
                said[renamed.get(field, field)] = ""
        lines = [f"| EVAL {', '.join(constants)}"] if constants else []
        lines += [f"| RENAME {', '.join(f'{old} AS {new}' for old, new in renamed.items())}"] if renamed else []
        return [*lines, "| KEEP " + ", ".join(said)]


def duration(ticks: int) -> str:
    """Return a length of time as ES|QL writes it."""
    for unit, word in _UNITS:
        if ticks % unit == 0:
            count = ticks // unit
            return f"{count} {word}{'s' if count != 1 else ''}"
    return f"{ticks // 10_000} milliseconds"


__all__ = ["ROWS", "EsqlPipe", "duration", "field_name", "write"]
