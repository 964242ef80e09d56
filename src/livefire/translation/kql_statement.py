"""A flow as a Kusto query (https://learn.microsoft.com/kusto/query/)."""

from __future__ import annotations

from livefire.plan import expr as e
from livefire.schema import Type
from livefire.translation.condition import Condition
from livefire.translation.kql_text import KqlPrinter, quoted, timespan
from livefire.translation.outline import Key, Measure
from livefire.translation.pipe import Counted, Pipe, plain_name
from livefire.translation.printer import Assumption, Found
from livefire.translation.statement import Work, Written, conjuncts, not_grouped

_FUNCTIONS = {"count_distinct": "dcount", "min": "min", "max": "max", "sum": "sum", "avg": "avg", "set": "make_set", "list": "make_list"}
_CONDITIONAL = {"make_set": "make_set_if", "make_list": "make_list_if"}


def write(work: Work) -> Written:
    """Return a query: one table with pipes, or a union of tables."""
    not_grouped(work)
    texts: list[list[str]] = []
    assumed: list[Assumption] = []
    numbers: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    for part in work.parts:
        pipe = KqlPipe(part, KqlPrinter(part.vocabulary))
        texts.append(
            [
                part.vocabulary.table.name,
                *(f"| where {pipe.printer.show(c)}" for c in conjuncts(part.condition)),
                *(pipe.follow(work) if len(work.parts) == 1 else ()),
            ]
        )
        assumed += pipe.printer.assumptions
        numbers, notes = pipe.numbers, pipe.notes
    if len(texts) == 1:
        return Written("\n".join(texts[0]), tuple(assumed), notes, numbers)
    body = ",\n".join("    (" + "\n    ".join(lines) + ")" for lines in texts)
    return Written(f"union\n{body}", tuple(assumed))


class KqlPipe(Pipe):
    """Kusto's operators."""

    def group(self, keys: tuple[tuple[Key, Found], ...], measures: tuple[Measure, ...], names: dict[int, str]) -> list[str]:
        """Return summarize, or distinct where nothing is measured."""
        by = []
        for at, (key, found) in enumerate(keys):
            value = self.printer.value_of(found)
            if not key.renamed and value == found.shown.name:
                names[at] = value
            value = f"bin({value}, {timespan(key.width)})" if key.width is not None else value
            by.append(value if names[at] == value or value.startswith(f"bin({names[at]},") else f"{names[at]} = {value}")
        if not measures:
            return ["| distinct " + ", ".join(by)]
        shown = ", ".join(f"{m.name} = {self._measure(m)}" for m in measures)
        return [f"| summarize {shown}" + (f" by {', '.join(by)}" if by else "")]

    def stand_in(self, counted: Counted) -> str | None:
        """Return the empty text: texts are never null in Sentinel."""
        return "" if counted.found.shown.type in (Type.STRING, Type.DYNAMIC) else None

    def _measure(self, measure: Measure) -> str:
        where = [self.printer.show(measure.where)] if measure.where is not None else []
        if measure.subject is None:
            return f"countif({where[0]})" if where else "count()"
        found = self.printer.find(measure.subject, measure.span)
        value, function = self.printer.value_of(found), _FUNCTIONS[measure.function]
        text = found.shown.type in (Type.STRING, Type.DYNAMIC)
        if text and measure.function in ("min", "max", "sum", "avg"):
            raise self.printer.no_form("an order or a sum of texts", measure.span)
        if text and not measure.as_text and not self.known(measure.subject):
            # A missing text is empty in Sentinel, and would count as a value.
            where.append(self.printer.presence_of(measure.subject, measure.span))
        return f"{_CONDITIONAL.get(function, function + 'if')}({value}, {' and '.join(where)})" if where else f"{function}({value})"

    def where(self, condition: Condition) -> str:
        """Return where."""
        return f"| where {self.after.show(condition)}"

    def order(self, keys: tuple[tuple[str, bool], ...], first: int | None) -> list[str]:
        """Return sort by, or top."""
        by = ", ".join(f"{name} {'desc' if down else 'asc'}" for name, down in keys)
        if first is not None and len(keys) == 1:
            return [f"| top {first} by {by}"]
        return [f"| sort by {by}", *([f"| take {first}"] if first is not None else [])]

    def first(self, count: int) -> str:
        """Return take."""
        return f"| take {count}"

    def keep(self, items: tuple[tuple[str, str | None, e.Literal | None], ...]) -> list[str]:
        """Return project."""
        said: dict[str, str] = {}
        for name, field, constant in items:
            value = field if field is not None else quoted(constant.value if constant is not None else None)
            own = field is not None and (field == name or "." in name or name.startswith("@"))
            said.setdefault(value if own and value.isidentifier() else plain_name(name), value)
        return ["| project " + ", ".join(v if k == v else f"{k} = {v}" for k, v in said.items())]
