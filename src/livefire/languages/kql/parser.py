"""Parsing of a KQL text: statements, then a query."""

from __future__ import annotations

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.kit.ast import Constant
from livefire.languages.kql import nodes as k
from livefire.languages.kql.expressions import span_of
from livefire.languages.kql.lexer import tokens, unquote
from livefire.languages.kql.steps import StepParser
from livefire.languages.kql.steps_pattern import declared_pattern
from livefire.schema import Type

_NO_SOURCE = frozenset(
    ["==", "!=", "=~", "!~", "<", ">", "<=", ">=", "=", "+", "-", "/", "%", ",", ";", "|", ")", "]", "}", ".", "and", "or", "in", "has", "contains"]
)

SETTINGS = frozenset({"query_bin_auto_size", "query_bin_auto_at"})


class Parser(StepParser):
    """Reads a whole text, a function's body, or a pipeline."""

    def block(self, closing: str | None = None) -> k.Block:
        """Read statements between semicolons; the last may be a query."""
        start = self.token.span
        statements: list[k.Statement] = []
        query: k.Expression | None = None
        while not self.done and not (closing and self.at(closing)):
            if self.take(";"):
                continue
            if query is not None:
                self._after_query(query)
            statement = self._statement()
            if isinstance(statement, (k.Let, k.QueryParameters, k.Declared, k.Setting, k.Ignored)):
                statements.append(statement)
            else:
                query = statement
            if not self.done and not (closing and self.at(closing)) and not self.at(";"):
                self._unexpected()
        return k.Block(tuple(statements), query, start.to(self.last()))

    def _after_query(self, query: k.Expression) -> None:
        self.fail(
            "a second query follows the first",
            span=self.token.span,
            help="a rule is one query: remove one, or the semicolon between them",
        )
        raise AssertionError(span_of(query))

    def _unexpected(self) -> None:
        help = "put ';' between statements" if self.at("let", "set", "declare") else ""
        if self.at("{") and self.peek().kind in ("name",):
            help = "fill in the template's parameter first"
        self.fail(f"expected the end of the query, '|' or ';', found {self.describe()}", help=help)

    def _statement(self) -> k.Statement | k.Expression:
        token = self.token
        if token.kind == "name" and token.text == "let" and self.peek().text != "|":
            return self._let()
        if token.text == "set" and self.peek().kind == "name" and self.peek(2).text in ("=", ";", ""):
            return self._set()
        if token.text == "alias" and self.peek().text == "database":
            self.skip_step()
            return k.Ignored("alias", token.span.to(self.last()))
        if token.text == "restrict" and self.peek().text == "access":
            self.skip_step()
            return k.Ignored("restrict access", token.span.to(self.last()))
        if token.text == "declare" and self.peek().text == "query_parameters":
            return self._query_parameters()
        if token.text == "declare" and self.peek().text == "pattern":
            return declared_pattern(self)
        return self.pipeline()

    def _set(self) -> k.Statement:
        start = self.advance().span
        if self.token.text in SETTINGS and self.peek().text == "=":
            name = self.advance().text
            self.advance()
            return k.Setting(name, self.expression(), start.to(self.last()))
        self.skip_step()
        return k.Ignored("set", start.to(self.last()))

    def _let(self) -> k.Statement:
        start = self.advance().span
        name_span = self.token.span
        name = self.declared_name("a name after 'let'")
        self.expect("=", "after the name")
        value = self._let_value()
        return k.Let(name, value, start.to(self.last()), name_span)

    def _let_value(self) -> k.Expression:
        start = self.token.span
        view = self.at("view") and self.peek().text == "("
        if view:
            self.advance()
        if self.at("(") and (self._function_ahead()):
            parameters = self._parameters()
            opened = self.expect("{", "before the body of the function")
            self.deeper()
            body = self.block("}")
            self.shallower()
            self.close(opened)
            return k.FunctionBody(parameters, body, start.to(self.last()), view)
        return self.pipeline()

    def _function_ahead(self) -> bool:
        depth = 0
        for ahead in range(len(self.tokens) - self.place):
            token = self.peek(ahead)
            if token.kind != "string" and token.text in ("(", ")"):
                depth += 1 if token.text == "(" else -1
                if depth == 0:
                    return self.peek(ahead + 1).text == "{" and self.peek(ahead + 1).kind == "sign"
        return False

    def _parameters(self) -> tuple[k.Parameter, ...]:
        opened = self.expect("(")
        found: list[k.Parameter] = []
        while not self.at(")") and not self.done:
            found.append(self._parameter())
            if not self.take(","):
                break
        self.close(opened)
        return tuple(found)

    def _parameter(self) -> k.Parameter:
        start = self.token.span
        name = self.declared_name("a parameter's name")
        self.expect(":", "before the parameter's type")
        if self.at("("):
            return k.Parameter(name, Type.UNKNOWN, True, self._tabular_columns(), None, start.to(self.last()))
        type = self.type_name()
        default = self.expression() if self.take("=") else None
        return k.Parameter(name, type, False, (), default, start.to(self.last()))

    def _tabular_columns(self) -> tuple[k.SchemaColumn, ...]:
        if self.peek().text == "*" and self.peek(2).text == ")":
            self.advance()
            self.advance()
            self.advance()
            return ()
        return self.schema_columns()

    def _query_parameters(self) -> k.Statement:
        start = self.advance().span
        self.advance()
        return k.QueryParameters(self._parameters(), start.to(self.last()))

    # pipelines

    def pipeline(self) -> k.Expression:
        """Read a source and its operators; a lone expression is returned as it is."""
        start = self.token.span
        source = self._source_or_expression()
        steps: list[k.Step] = []
        while self.take("|"):
            if self.done:
                self.fail("an operator is missing after '|'")
            steps.append(self.step())
        if not steps:
            return source
        return k.Query(source, tuple(steps), start.to(self.last()))

    def source(self) -> k.Expression:
        """Read a table name, a call, or a source such as datatable, without operators."""
        found = self._special_source()
        return found if found is not None else self._postfix()

    def _source_or_expression(self) -> k.Expression:
        found = self._special_source()
        return found if found is not None else self.expression()

    def _special_source(self) -> k.Expression | None:
        token, after = self.token, self.peek()
        signed = token.text == "print" and after.text in ("-", "+")
        if token.kind != "name" or (after.kind == "sign" and after.text in _NO_SOURCE and not signed):
            return None
        if after.kind == "name" and after.text in _NO_SOURCE and token.text != "search" and not (token.text == "find" and self.peek(2).text == "("):
            return None
        start = token.span
        match token.text:
            case "datatable" if after.text == "(":
                self.advance()
                return self._datatable(start)
            case "externaldata" | "external_data" if after.text == "(":
                self.advance()
                return self._externaldata(start)
            case "print":
                self.advance()
                return k.Print(self.items(), start.to(self.last()))
            case "range" if after.kind == "name" and self.peek(2).text == "from":
                self.advance()
                return self._range(start)
            case "union" if after.text != "=":
                self.advance()
                return self.union(start)
            case "search" if after.text != "=":
                self.advance()
                return self.search(start)
            case "find" if after.text in ("in", "where", "withsource"):
                self.advance()
                return self._find(start)
            case _:
                return None

    def _find(self, start: Span) -> k.Expression:
        source = next((o.value for o in self.options("withsource", "datascope") if o.name == "withsource"), None)
        tables: list[k.Expression] = []
        if self.take("in"):
            opened = self.expect("(")
            while not self.at(")") and not self.done:
                tables.append(self._union_source())
                if not self.take(","):
                    break
            self.close(opened)
        self.expect("where", "before the condition")
        predicate = self.expression()
        columns: list[k.SchemaColumn] | None = None
        pack = False
        if self.take("project"):
            columns = []
            while not self.ends_step():
                place = self.token.span
                if self.at("pack") and self.peek().text == "(":
                    self.skip_step()
                    pack = True
                    break
                name = self.declared_name("a column")
                columns.append(k.SchemaColumn(name, self.type_name() if self.take(":") else Type.UNKNOWN, place.to(self.last())))
                if not self.take(","):
                    break
        else:
            self.take("project-smart")
        return k.Find(source, tuple(tables), predicate, tuple(columns) if columns is not None else None, pack, start.to(self.last()))

    def _datatable(self, start: Span) -> k.Expression:
        columns = self.schema_columns()
        if self.take("with"):
            opened = self.expect("(")
            self._skip_to(")")
            self.close(opened)
        opened = self.expect("[")
        values: list[k.Expression] = []
        while not self.at("]") and not self.done:
            values.append(self.expression())
            if not self.take(","):
                break
        self.close(opened)
        return k.DataTable(columns, tuple(values), start.to(self.last()))

    def _externaldata(self, start: Span) -> k.Expression:
        columns = self.schema_columns()
        self.options()
        opened = self.expect("[")
        first = self.place
        self._skip_to("]")
        places = tuple(unquote(t.text) for t in self.tokens[first : self.place] if t.kind == "string")
        self.close(opened)
        if self.take("with"):
            opened = self.expect("(")
            first = self.place
            self._skip_to(")")
            said = self.tokens[first : self.place]
            self.close(opened)
            told = {name.text.lower(): value for name, _, value in zip(said, said[1:], said[2:], strict=False)}
            values = {name: unquote(value.text) if value.kind == "string" else value.text for name, value in told.items()}
            skips = values.get("ignorefirstrecord", "").lower() == "true"
            return k.ExternalData(columns, places, start.to(self.last()), values.get("format", ""), skips)
        return k.ExternalData(columns, places, start.to(self.last()))

    def _skip_to(self, sign: str) -> None:
        depth = 0
        while not self.done and not (depth == 0 and self.at(sign)):
            depth += 1 if self.at("(", "[", "{") else -1 if self.at(")", "]", "}") else 0
            self.advance()

    def _range(self, start: Span) -> k.Expression:
        name = self.declared_name()
        self.expect("from")
        first = self.expression()
        self.expect("to")
        last = self.expression()
        self.expect("step")
        return k.Range(name, first, last, self.expression(), start.to(self.last()))


def parse(context: Context) -> k.Block:
    """Return the statements and the query of a text; E2xx is recorded and `Halt` raised where reading cannot go on."""
    parser = Parser(tokens(context.diagnostics), context.diagnostics)
    block = parser.block()
    if block.query is None:
        whole = Span(0, len(context.diagnostics.source.text))
        words = "names are defined and nothing is asked for" if block.statements else "there is no query"
        parser.fail(words, code="E125", span=whole, help="end with a query, not a definition")
    return block


__all__ = ["Constant", "parse"]
