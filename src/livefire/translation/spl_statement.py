"""A flow as a Splunk search (https://help.splunk.com/en/splunk-enterprise/search/spl-search-reference)."""

from __future__ import annotations

from livefire.plan import expr as e
from livefire.schema import Type
from livefire.translation.condition import Condition
from livefire.translation.outline import Key, Measure
from livefire.translation.pipe import Counted, Pipe, plain_name
from livefire.translation.printer import Assumption, Found
from livefire.translation.spl_text import SearchPrinter, WherePrinter, quoted, relative, searchable
from livefire.translation.statement import Work, Written, conjuncts, known_present, not_grouped

_FUNCTIONS = {"count_distinct": "dc", "min": "min", "max": "max", "sum": "sum", "avg": "avg", "set": "values", "list": "list"}


def write(work: Work) -> Written:
    """Return a search of one source type, or of several with OR."""
    not_grouped(work)
    every: list[str] = []
    wheres: list[str] = []
    later = False
    assumed: list[Assumption] = []
    for part in work.parts:
        search, pipe = SearchPrinter(part.vocabulary), SplPipe(part, WherePrinter(part.vocabulary))
        plain = [search.show(c, nested=True) for c in conjuncts(part.condition) if searchable(c)]
        known = known_present(part.condition)
        rest = [pipe.printer.show(c, present=known) for c in conjuncts(part.condition) if not searchable(c)]
        head = " ".join([f'sourcetype="{part.vocabulary.table.tags["sourcetype"]}"', *plain])
        if len(work.parts) == 1:
            lines = [head, *(f"| where {t}" for t in rest), *pipe.follow(work)]
            return Written("\n".join(lines), (*search.assumptions, *pipe.printer.assumptions), pipe.notes, pipe.numbers)
        every.append(f"({head})")
        type_name = quoted(part.vocabulary.table.tags["sourcetype"])
        wheres.append("(" + " AND ".join([f"sourcetype == {type_name}", *(f"({t})" for t in rest)]) + ")")
        later = later or bool(rest)
        assumed += [*search.assumptions, *pipe.printer.assumptions]
    text = "\n OR ".join(every)
    return Written(text + ("\n| where " + "\n    OR ".join(wheres) if later else ""), tuple(assumed))


class SplPipe(Pipe):
    """Splunk's commands; stats leaves out events without a key, so a missing one is filled in first."""

    def group(self, keys: tuple[tuple[Key, Found], ...], measures: tuple[Measure, ...], names: dict[int, str]) -> list[str]:
        """Return stats, with bin and fillnull before it and rename after it."""
        lines, by, renamed, filled = [], [], [], []
        for at, (key, found) in enumerate(keys):
            field = found.shown.name
            if key.width is not None:
                if any(m.subject == key.subject for m in measures):
                    raise self.printer.no_form("the time itself beside its rounding in one group", key.span)
                lines.append(f"| bin {field} span={relative(key.width)[1:]}")
            elif not self.known(key.subject) and found.shown.missing is None:
                filled.append(field)
            by.append(field)
            if key.renamed and names[at] != field:
                renamed.append(f"{field} as {names[at]}")
            else:
                names[at] = field
        filled += [self.printer.find(m.subject, m.span).shown.name for m in measures if m.as_text and m.subject is not None]
        if filled:
            lines.append('| fillnull value="" ' + " ".join(dict.fromkeys(filled)))
        shown = " ".join(f"{self._measure(m)} as {m.name}" for m in measures) or "count"
        lines.append(f"| stats {shown}" + (f" by {', '.join(by)}" if by else ""))
        if renamed:
            lines.append(f"| rename {', '.join(renamed)}")
        return lines

    def stand_in(self, counted: Counted) -> str | None:
        """Return the add-on's word for nothing, or what fillnull puts in."""
        word = counted.found.shown.missing
        return word if word is not None else "" if counted.filled else None

    def _measure(self, measure: Measure) -> str:
        if measure.subject is None:
            if measure.where is not None:
                return f"count(eval({self.printer.show(measure.where)}))"
            return "count"
        if measure.where is not None:
            raise self.printer.no_form("an aggregate over some events of a group", measure.span)
        found = self.printer.find(measure.subject, measure.span)
        if found.shown.missing is not None and measure.number and not measure.as_text and not self.known(measure.subject):
            raise self.printer.no_form("a count of values where the add-on writes a word for none", measure.span)
        if measure.function in ("min", "max", "sum", "avg") and found.shown.type is Type.STRING:
            raise self.printer.no_form("an order or a sum of texts", measure.span)
        return f"{_FUNCTIONS[measure.function]}({found.shown.name})"

    def where(self, condition: Condition) -> str:
        """Return where."""
        return f"| where {self.after.show(condition)}"

    def order(self, keys: tuple[tuple[str, bool], ...], first: int | None) -> list[str]:
        """Return sort, whose 0 is for every row, or a number for the first."""
        by = " ".join(("-" if down else "+") + name.strip("'") for name, down in keys)
        return [f"| sort {first or 0} {by}"]

    def first(self, count: int) -> str:
        """Return head."""
        return f"| head {count}"

    def keep(self, items: tuple[tuple[str, str | None, e.Literal | None], ...]) -> list[str]:
        """Return table, after eval for constants, with rename for other names."""
        constants = [f"{plain_name(name)}={quoted(c.value)}" for name, _, c in items if c is not None]
        fields = [field.strip("'") if field is not None else plain_name(name) for name, field, _ in items]
        pairs = [(f, plain_name(name)) for (name, field, _), f in zip(items, fields, strict=True) if field is not None]
        renamed = {f: new for f, new in pairs if new != plain_name(f) and "." not in f and new not in fields}
        lines = [f"| eval {', '.join(constants)}"] if constants else []
        lines.append("| table " + " ".join(f'"{f}"' if " " in f else f for f in dict.fromkeys(fields)))
        return [*lines, *([f"| rename {', '.join(f'{a} as {b}' for a, b in renamed.items())}"] if renamed else [])]
