"""Parsing of the pipe operators that work on rows and columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from livefire.diagnostics import Fix, Span
from livefire.languages.binder import nearest
from livefire.languages.kit.ast import Apply, Binary, Constant, Name
from livefire.languages.kit.lexer import Token
from livefire.languages.kql import nodes as k
from livefire.languages.kql.expressions import ExpressionParser
from livefire.languages.kql.lexer import unquote
from livefire.languages.kql.steps_graph import graph_match, graph_shortest_paths, graph_to_table, make_graph
from livefire.languages.kql.steps_scan import scan
from livefire.languages.kql.steps_several import facet, fork
from livefire.schema import Type


class StepParser(ExpressionParser):
    """Reads one operator after its `|`."""

    def options(self, *names: str) -> tuple[k.Option, ...]:
        """Read `name = value` settings; those named `hint.…` are always taken."""
        found: list[k.Option] = []
        while self.token.kind == "name":
            start = self.token.span
            if self.token.text == "hint" and self.peek().text == ".":
                name = self.advance().text
                while self.take("."):
                    name += "." + self.advance().text
            elif self.token.text in names and self.peek().text == "=":
                name = self.advance().text
            else:
                break
            self.expect("=", "after the option's name")
            found.append(k.Option(name, self._option_value(), start.to(self.last())))
            self.take(",") if self.at(",") and self.peek().text in names and self.peek(2).text == "=" else None
        return tuple(found)

    def _option_value(self) -> str:
        if self.at("[") and self.peek().kind == "string":
            return self.declared_name()
        token = self.advance()
        return unquote(token.text) if token.kind == "string" else token.text

    def wildcards(self) -> tuple[k.Wildcard, ...]:
        """Read names and patterns between commas."""
        found = [self.wildcard()]
        while self.take(","):
            found.append(self.wildcard())
        return tuple(found)

    def wildcard(self) -> k.Wildcard:
        """Read a name or a pattern with `*`; the pieces of a pattern touch each other."""
        if self.at("["):
            start = self.token.span
            return k.Wildcard(self.declared_name(), start.to(self.last()))
        if self.token.kind not in ("name", "long", "timespan") and not self.at("*"):
            self.fail(f"expected a column name or pattern, found {self.describe()}")
        first = self.advance()
        text, span = first.text, first.span
        while self.token.span.start == span.end and (self.token.kind in ("name", "long") or self.at("*")):
            span = span.to(self.token.span)
            text += self.advance().text
        return k.Wildcard(text, span)

    # operators

    def where(self, start: Span) -> k.Step:
        """Read the rest of `where`."""
        condition = self.expression()
        if self.at("="):
            words = "= gives a value a name and compares nothing: Kusto would keep every row here"
            self.diagnostics.error("E126", words, self.token.span, help="write ==", fix=Fix(self.token.span, "==", "write =="))
            self.advance()
            self.expression()
        return k.Where(condition, start.to(self.last()))

    def extend(self, start: Span) -> k.Step:
        """Read the rest of `extend` or `serialize`."""
        items = () if self.ends_step() else self.items()
        return k.Extend(items, start.to(self.last()), serialize=self.diagnostics.source.slice(start) == "serialize")

    def project(self, start: Span) -> k.Step:
        """Read the rest of `project`."""
        return k.Project(() if self.ends_step() else self.items(), start.to(self.last()))

    def project_away(self, start: Span) -> k.Step:
        """Read the rest of `project-away`."""
        return k.ProjectNames(self.wildcards(), False, start.to(self.last()))

    def project_keep(self, start: Span) -> k.Step:
        """Read the rest of `project-keep`."""
        return k.ProjectNames(self.wildcards(), True, start.to(self.last()))

    def project_rename(self, start: Span) -> k.Step:
        """Read the rest of `project-rename`."""
        return k.ProjectRename(self.items(), start.to(self.last()))

    def project_reorder(self, start: Span) -> k.Step:
        """Read the rest of `project-reorder`."""
        found: list[tuple[k.Wildcard, str]] = []
        while True:
            pattern = self.wildcard()
            order = self.advance().text if self.at("asc", "desc", "granny-asc", "granny-desc") else ""
            found.append((pattern, order))
            if not self.take(","):
                return k.ProjectReorder(tuple(found), start.to(self.last()))

    def project_by_names(self, start: Span) -> k.Step:
        """Read the rest of `project-by-names`."""
        values = [self.expression()]
        while self.take(","):
            values.append(self.expression())
        return k.ProjectByNames(tuple(values), start.to(self.last()))

    def summarize(self, start: Span) -> k.Step:
        """Read the rest of `summarize`."""
        self.options()
        items = () if self.at("by") or self.ends_step() else self.items()
        keys: tuple[k.Item, ...] = ()
        if self.take("by"):
            self.options()
            keys = self.items()
        return k.Summarize(items, keys, start.to(self.last()))

    def distinct(self, start: Span) -> k.Step:
        """Read the rest of `distinct`."""
        self.options()
        return k.Distinct(self.items(), start.to(self.last()))

    def order_keys(self) -> tuple[k.OrderKey, ...]:
        """Read keys of an order."""
        found = [self._order_key()]
        while self.take(","):
            found.append(self._order_key())
        return tuple(found)

    def _order_key(self) -> k.OrderKey:
        start = self.token.span
        value = self.item().value
        descending = nulls = None
        if self.at("asc", "desc"):
            descending = self.advance().text == "desc"
        if self.take("nulls"):
            if not self.at("first", "last"):
                self.fail(f"expected 'first' or 'last', found {self.describe()}")
            nulls = self.advance().text == "first"
        return k.OrderKey(value, descending, nulls, start.to(self.last()))

    def sort(self, start: Span) -> k.Step:
        """Read the rest of `sort` or `order`."""
        self.options()
        self.expect("by")
        return k.Sort(self.order_keys(), start.to(self.last()))

    def top(self, start: Span) -> k.Step:
        """Read the rest of `top`."""
        self.options()
        count = self.expression()
        self.expect("by")
        return k.Top(count, self.order_keys(), start.to(self.last()))

    def take_rows(self, start: Span) -> k.Step:
        """Read the rest of `take` or `limit`."""
        self.options()
        return k.Take(self.expression(), start.to(self.last()))

    def count(self, start: Span) -> k.Step:
        """Read the rest of `count`."""
        name = self.declared_name() if self.take("as") else "Count"
        return k.Count(name, start.to(self.last()))

    def join(self, start: Span) -> k.Step:
        """Read the rest of `join`."""
        return self._join(start, lookup=False)

    def lookup(self, start: Span) -> k.Step:
        """Read the rest of `lookup`."""
        return self._join(start, lookup=True)

    def _join(self, start: Span, lookup: bool) -> k.Step:
        options = self.options("kind")
        right = self.joined()
        if self.at("where"):
            self.fail("join conditions in `where` are not read", code="E305", help="write the condition after `on`")
        conditions: list[k.Expression] = []
        if self.take("on"):
            conditions.append(self.expression())
            while self.take(","):
                conditions.append(self.expression())
        return k.Join(options, right, tuple(conditions), lookup, start.to(self.last()))

    def joined(self) -> k.Expression:
        """Read a table, or a query in parentheses."""
        if self.at("("):
            return self._postfix()
        return self.source()

    def source(self) -> k.Expression:
        """Read a table, or a source such as datatable; given by the parser of statements."""
        raise NotImplementedError

    def union(self, start: Span) -> k.Union:
        """Read the rest of `union`."""
        options = self.options("kind", "withsource", "with_source", "isfuzzy")
        found = [self._union_source()]
        while self.take(","):
            found.append(self._union_source())
        return k.Union(options, tuple(found), start.to(self.last()))

    def _union_source(self) -> k.Expression:
        if self.at("("):
            return self._postfix()
        if (self.token.kind == "name" and self.peek().text == "*" and self.peek().span.start == self.token.span.end) or self.at("*"):
            return self.wildcard()
        return self.source()

    def mv_expand(self, start: Span) -> k.Step:
        """Read the rest of `mv-expand`."""
        options = self.options("bagexpansion", "kind", "with_itemindex")
        items = self._expand_items()
        limit = self.expression() if self.take("limit") else None
        return k.MvExpand(options, items, limit, start.to(self.last()))

    def mv_apply(self, start: Span) -> k.Step:
        """Read the rest of `mv-apply`."""
        options = self.options("bagexpansion", "kind", "with_itemindex")
        items = () if self.at("on") else self._expand_items()
        limit = self.expression() if self.take("limit") else None
        self.expect("on", "before the subquery")
        steps = self.subquery()
        return k.MvApply(options, items, limit, steps, start.to(self.last()))

    def subquery(self) -> tuple[k.Step, ...]:
        """Read `(operator | operator …)`."""
        opened = self.expect("(")
        self.deeper()
        self.take("|")
        steps = [self.step()]
        while self.take("|"):
            steps.append(self.step())
        self.shallower()
        self.close(opened)
        return tuple(steps)

    def _expand_items(self) -> tuple[k.ExpandItem, ...]:
        found = [self._expand_item()]
        while self.take(","):
            found.append(self._expand_item())
        return tuple(found)

    def _expand_item(self) -> k.ExpandItem:
        start = self.token.span
        item = self.item()
        type: Type | None = None
        if self.take("to"):
            if self.token.text != "typeof":
                self.fail(f"expected 'typeof', found {self.describe()}")
            written = self._typeof()
            type = written.type if isinstance(written, k.TypeOf) else None
        return k.ExpandItem(item.value, item.names[0] if item.names else None, type, start.to(self.last()))

    def parse(self, start: Span) -> k.Step:
        """Read the rest of `parse`."""
        return self._parse(start, False)

    def parse_where(self, start: Span) -> k.Step:
        """Read the rest of `parse-where`."""
        return self._parse(start, True)

    def _parse(self, start: Span, filter: bool) -> k.Step:
        options = {o.name: o.value for o in self.options("kind", "flags")}
        value = self.expression()
        self.expect("with")
        parts: list[Constant | k.Capture] = []
        while not self.ends_step():
            parts.append(self._parse_part())
        return k.Parse(value, tuple(parts), options.get("kind", "simple"), options.get("flags", ""), filter, start.to(self.last()))

    def _parse_part(self) -> Constant | k.Capture:
        token = self.token
        if self.take("*"):
            return k.Capture("*", Type.STRING, True, token.span)
        if token.kind == "string":
            self.advance()
            return Constant(unquote(token.text), Type.STRING, token.span)
        name = self.declared_name("a text, a column or *")
        type = self.type_name() if self.take(":") else Type.STRING
        return k.Capture(name, type, False, token.span.to(self.last()))

    def parse_kv(self, start: Span) -> k.Step:
        """Read the rest of `parse-kv`."""
        value = self.expression()
        self.expect("as")
        columns = self.schema_columns()
        options: list[tuple[str, Constant]] = []
        if self.take("with"):
            opened = self.expect("(")
            while not self.at(")") and not self.done:
                name = self.declared_name()
                self.expect("=")
                setting = self._primary()
                if not isinstance(setting, Constant):
                    self.fail("an option of parse-kv is a constant", span=self.last())
                options.append((name, setting))
                self.take(",")
            self.close(opened)
        return k.ParseKv(value, columns, tuple(options), start.to(self.last()))

    def make_series(self, start: Span) -> k.Step:
        """Read the rest of `make-series`."""
        options = self.options("kind")
        items = [self._series_item()]
        while self.take(","):
            items.append(self._series_item())
        self.expect("on", "before the axis")
        axis = self.item()
        self.take(",")
        begin: k.Expression | None = None
        stop: k.Expression | None = None
        step: k.Expression | None = None
        inclusive = False
        if isinstance(axis.value, Binary) and axis.value.operator == "in" and isinstance(axis.value.right, Apply) and len(axis.value.right.args) == 3:
            # The older form `on axis in range(start, stop, step)`, whose stop is part of the series.
            begin, stop, step = (a.value for a in axis.value.right.args)
            axis = replace(axis, value=axis.value.left)
            inclusive = True
        if self.take("from"):
            begin = self.expression()
        if self.take("to"):
            stop = self.expression()
        if self.take("step"):
            step = self.expression()
        keys = self.items() if self.take("by") else ()
        return k.MakeSeries(tuple(items), axis, begin, stop, step, keys, options, inclusive, start.to(self.last()))

    def _series_item(self) -> k.SeriesItem:
        start = self.token.span
        item = self.item()
        default = None
        if self.take("default"):
            self.expect("=")
            default = self.expression()
        return k.SeriesItem(item.value, item.names[0] if item.names else None, default, start.to(self.last()))

    def getschema(self, start: Span) -> k.Step:
        """Read `getschema`."""
        return k.GetSchema(start)

    def evaluate(self, start: Span) -> k.Step:
        """Read the rest of `evaluate`."""
        self.options()
        call = self._postfix()
        columns = self._evaluate_columns() if self.take(":") else ()
        return k.Evaluate(call, columns, start.to(self.last()))

    def _evaluate_columns(self) -> tuple[k.SchemaColumn, ...]:
        """Read the schema after a plugin, in which `*` stands for the source's columns."""
        opened = self.expect("(")
        found: list[k.SchemaColumn] = []
        while not self.at(")") and not self.done:
            start = self.token.span
            if self.take("*"):
                found.append(k.SchemaColumn("*", Type.UNKNOWN, start))
            else:
                name = self.declared_name("a column name")
                self.expect(":")
                found.append(k.SchemaColumn(name, self.type_name(), start.to(self.last())))
            if not self.take(","):
                break
        self.close(opened)
        return tuple(found)

    def render(self, start: Span) -> k.Step:
        """Read the rest of `render`: a chart, its options, `by` and `with (…)`; what follows them is no part of it."""
        self.declared_name()
        while self.token.kind == "name" and (self.at("by") or self.peek().text == "="):
            if not self.take("by"):
                self.advance()
                self.advance()
            self.advance()
            while self.take(","):
                self.advance()
        if self.take("with"):
            opened = self.expect("(")
            while not self.done and not self.at(")"):
                self.advance()
            self.close(opened)
        return k.Render(start.to(self.last()))

    def skip_step(self) -> None:
        """Step over everything up to the end of the operator."""
        depth = 0
        while not self.done and not (depth == 0 and self.at("|", ";", ")", "]", "}")):
            if self.at("(", "[", "{"):
                depth += 1
            elif self.at(")", "]", "}"):
                depth -= 1
            self.advance()

    def invoke(self, start: Span) -> k.Step:
        """Read the rest of `invoke`."""
        return k.Invoke(self._postfix(), start.to(self.last()))

    def as_name(self, start: Span) -> k.Step:
        """Read the rest of `as`."""
        self.options()
        return k.As(self.declared_name(), start.to(self.last()))

    def search(self, start: Span) -> k.Search:
        """Read the rest of `search`."""
        options = self.options("kind")
        tables: list[k.Expression] = []
        if self.at("in") and self.peek().text == "(":
            self.advance()
            opened = self.advance()
            while not self.at(")") and not self.done:
                tables.append(self._union_source())
                if not self.take(","):
                    break
            self.close(opened)
        sensitive = any(o.name == "kind" and o.value == "case_sensitive" for o in options)
        self.searching = True
        predicate = self.expression()
        self.searching = False
        return k.Search(tuple(tables), predicate, sensitive, start.to(self.last()))

    def top_hitters(self, start: Span) -> k.Step:
        """Read the rest of `top-hitters`."""
        count = self.expression()
        self.expect("of")
        value = self.item()
        return k.TopHitters(count, value, self.item() if self.take("by") else None, start.to(self.last()))

    def sample(self, start: Span) -> k.Step:
        """Read the rest of `sample` or `sample-distinct`."""
        count = self.expression()
        value = self.item() if self.take("of") else None
        return k.Sample(count, value, start.to(self.last()))

    def top_nested(self, start: Span) -> k.Step:
        """Read the levels of `top-nested`."""
        levels = [self._level(start)]
        while self.take(","):
            again = self.token.span
            self.expect("top-nested")
            levels.append(self._level(again))
        return k.TopNested(tuple(levels), start.to(self.last()))

    def _level(self, start: Span) -> k.NestedLevel:
        count = None if self.at("of") else self.expression()
        self.expect("of")
        value = self.item()
        others = None
        if self.take("with"):
            self.expect("others")
            self.expect("=")
            others = self.expression()
        self.expect("by")
        by = self.item()
        descending = not self.take("asc")
        self.take("desc")
        return k.NestedLevel(count, value, by, descending, others, start.to(self.last()))

    def partition(self, start: Span) -> k.Step:
        """Read the rest of `partition`."""
        self.options()
        self.expect("by")
        key_span = self.token.span
        key: k.Expression = Name(self.declared_name("a column"), key_span)
        if self.at("{"):
            self.skip_step()
            return k.Unsupported("partition", "its subqueries with their own sources are not run", start.to(self.last()))
        self.options()
        return k.Partition(key, self.subquery(), start.to(self.last()))

    def ends_step(self) -> bool:
        """True where no more of an operator can follow."""
        return self.done or self.at("|", ";", ")", "]", "}", ",")

    def step(self) -> k.Step:
        """Read an operator; E201 with the nearest name for a word that is none."""

        token: Token = self.token
        reader = READERS.get(token.text) if token.kind == "name" else None
        if reader is not None:
            self.advance()
            return reader(self, token.span)
        if token.kind == "name" and token.text in UNSUPPORTED:
            self.advance()
            self.skip_step()
            return k.Unsupported(token.text, UNSUPPORTED[token.text], token.span)
        meant = nearest(token.text, [*READERS, *UNSUPPORTED]) if token.kind == "name" else None
        fix = Fix(token.span, meant, f"write {meant!r}") if meant and meant in READERS else None
        return self.fail(f"expected an operator after '|', found {self.describe()}", help=f"did you mean {meant!r}?" if meant else "", fix=fix)


UNSUPPORTED: dict[str, str] = {
    "find": "it stands at the start of a query, not after '|'",
    "reduce": "it clusters texts by an undocumented algorithm",
    "reduce-by": "it clusters texts by an undocumented algorithm",
    "graph-mark-components": "components of a graph are not found here",
    "graph": "stored graphs of a database are not here; make one with make-graph",
    "macro-expand": "entity groups of clusters are not run here",
    "consume": "it drops every row to measure speed",
    "assert-schema": "it is no operator of published rules",
    "execute-and-cache": "it is an operator of the service",
}
READERS: dict[str, Callable[[StepParser, Span], k.Step]] = {
    "where": StepParser.where, "filter": StepParser.where, "extend": StepParser.extend, "serialize": StepParser.extend, "project": StepParser.project,
    "project-away": StepParser.project_away, "project-keep": StepParser.project_keep, "project-rename": StepParser.project_rename,
    "project-reorder": StepParser.project_reorder, "project-by-names": StepParser.project_by_names,
    "summarize": StepParser.summarize, "distinct": StepParser.distinct, "sort": StepParser.sort,
    "order": StepParser.sort, "top": StepParser.top, "take": StepParser.take_rows, "limit": StepParser.take_rows, "count": StepParser.count,
    "join": StepParser.join, "lookup": StepParser.lookup, "union": StepParser.union, "mv-expand": StepParser.mv_expand, "mvexpand": StepParser.mv_expand,
    "mv-apply": StepParser.mv_apply, "mvapply": StepParser.mv_apply, "parse": StepParser.parse, "parse-where": StepParser.parse_where,
    "parse-kv": StepParser.parse_kv, "make-series": StepParser.make_series, "getschema": StepParser.getschema, "evaluate": StepParser.evaluate,
    "render": StepParser.render, "invoke": StepParser.invoke, "as": StepParser.as_name, "search": StepParser.search,
    "sample": StepParser.sample,
    "sample-distinct": StepParser.sample,
    "fork": fork, "facet": facet,
    "scan": scan, "make-graph": make_graph, "graph-match": graph_match, "graph-shortest-paths": graph_shortest_paths, "graph-to-table": graph_to_table,
    "top-hitters": StepParser.top_hitters, "top-nested": StepParser.top_nested, "partition": StepParser.partition, "__partitionby": StepParser.partition,
}  # fmt: skip

__all__ = ["Name", "StepParser"]
