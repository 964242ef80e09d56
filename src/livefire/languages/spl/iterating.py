"""foreach: a template once for each field, each of several values, or each element of a JSON array.

https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/foreach
"""

from __future__ import annotations

from dataclasses import replace

from livefire.languages.spl import nodes as s
from livefire.languages.spl.documents import is_document
from livefire.languages.spl.evaluating import Evaluator
from livefire.languages.spl.frame import Frame
from livefire.languages.spl.functions import unify
from livefire.languages.spl.lexer import Piece
from livefire.languages.spl.parser import parse_tokens
from livefire.languages.spl.rows import without
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import is_multi, multi_of, only_of, text_of
from livefire.languages.spl.wildcards import capture, is_pattern, matching
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import aggregate, call
from livefire.schema import Type

_ITEM, _PLACE = "\x02item", "\x02place"
_MOST = 100


def lower_foreach(node: s.Foreach, frame: Frame, scope: Scope) -> Frame:
    """`foreach`: `<<FIELD>>` is the name of a field and `<<MATCHSTR>>` what the `*` stands for; over values `<<ITEM>>` is one and `<<ITER>>` its place."""
    from livefire.languages.spl.lower import step

    mode = scope.option(node.options, "mode", "multifield").lower()
    if mode in ("multivalue", "json_array", "auto_collections"):
        return _each_value(node, mode, frame, scope)
    if mode != "multifield":
        scope.refuse("E107", f"foreach has no mode {mode[:20]!r}", node.span, help="multifield, multivalue, json_array or auto_collections")
    scope.known("foreach", node.options, "mode", refused=("fieldstr", "matchstr", "matchseg1", "matchseg2", "matchseg3"))
    for pattern in node.names:
        names = matching(pattern.text, frame.names) if is_pattern(pattern.text) else (pattern.text,)
        for name in names:
            parts = capture(pattern.text, name) or ()
            pieces = _filled(node.body, {"FIELD": name, "MATCHSTR": "".join(parts), **{f"MATCHSEG{i + 1}": p for i, p in enumerate(parts)}})
            for command in parse_tokens(pieces, scope.context).commands:
                frame = step(command, frame, scope)
    return frame


def _each_value(node: s.Foreach, mode: str, frame: Frame, scope: Scope) -> Frame:
    """The template, which is one eval, for each value in turn; how often it is written out is what the rows need."""
    scope.known("foreach", node.options, "mode", "itemstr", "iterstr")
    if len(node.names) != 1:
        scope.refuse("E105", f"foreach mode={mode} takes one field, got {len(node.names)}", node.span)
    elements = _elements(scope.field(frame, node.names[0]), mode)
    item, place = (scope.option(node.options, x).strip("<>") or default for x, default in (("itemstr", "ITEM"), ("iterstr", "ITER")))
    for piece in node.body:
        if isinstance(piece, Piece) and piece.kind == "string" and (f"<<{item}>>" in piece.text or f"<<{place}>>" in piece.text):
            scope.refuse("E305", "a value of the row is no part of a quoted text", piece.span, help="join it with a dot outside the quotes")
    pieces = _filled(node.body, {item: _ITEM, place: _PLACE})
    commands = parse_tokens(pieces, scope.context).commands
    if len(commands) != 1 or not isinstance(commands[0], s.Eval):
        scope.refuse("E201", f"the template of foreach mode={mode} is one eval", node.span)
    listed = scope.name("elements")
    frame = frame.extended(n.Item(listed, elements))
    scope.documents.add(_ITEM)
    for number in range(_longest(frame, listed, node, scope)):
        frame = _once(commands[0], frame, listed, number, scope)
    scope.documents.discard(_ITEM)
    return without(frame, listed, _ITEM, _PLACE)


def _elements(value: Expr, mode: str) -> Expr:
    """Return the values as an array: those of the field, or the elements of the JSON array that its text is."""
    if mode == "multivalue":
        return multi_of(value)
    parsed = call("dynamic.try_parse", text_of(only_of(value, "foreach")) if mode == "json_array" else text_of(value))
    is_array = call("compare.eq", call("logic.type_name", parsed), e.text("array"))
    return Case(((is_array, parsed),), multi_of(value) if mode == "auto_collections" else e.null(Type.DYNAMIC), Type.DYNAMIC)


def _longest(frame: Frame, listed: str, node: s.Foreach, scope: Scope) -> int:
    size = call("dynamic.length", frame.column(listed))
    rows = scope.look(n.Aggregate(frame.plan, (), (n.Item("most", aggregate("agg.max", size)),)), node.span, "the rounds of foreach", "use mvmap")
    most = int(rows[0][0] or 0) if rows else 1
    if most > _MOST:
        scope.refuse("E305", f"a row has {most} values, and foreach is run for at most {_MOST}", node.span, help="use mvmap, or mvexpand and stats")
    return most


def _once(command: s.Eval, frame: Frame, listed: str, number: int, scope: Scope) -> Frame:
    """Return the rows after one round: the assignments where a row has a value in this place, else nothing changed."""
    elements = frame.column(listed)
    here = call("compare.gt", call("dynamic.length", elements), e.whole(number))
    one = call("dynamic.text", e.Path(elements, (number,)))
    frame = frame.extended(n.Item(_ITEM, one), n.Item(_PLACE, e.whole(number)))
    for assignment in command.assignments:
        if assignment.around is not None:
            scope.refuse("E305", "foreach over values cannot name a field by another's value", assignment.span)
        name = assignment.name.text
        if "\x02" in name:
            scope.refuse("E305", "a value of the row cannot name a field here", assignment.name.span, help="use mvexpand, and eval {field}=…")
        value = Evaluator(scope, frame).value(assignment.value)
        if value.type is Type.BOOL:
            scope.refuse("E104", "a field cannot hold a condition", assignment.value.span, help="use if(condition, …, …)")
        before: Expr = frame.column(name) if frame.has(name) else e.null(value.type)
        fresh, kept = (multi_of(value), multi_of(before)) if is_multi(value) or is_multi(before) else unify([value, before])
        (scope.documents.add if is_document(assignment.value, scope) else scope.documents.discard)(name)
        frame = frame.extended(n.Item(name, Case(((here, fresh),), kept, fresh.type)), span=assignment.span)
    return frame


def _filled(body: tuple[object, ...], values: dict[str, str]) -> list[Piece]:
    """Return the template with its names written in."""
    pieces = [p for p in body if isinstance(p, Piece)]
    found: list[Piece] = []
    place = 0
    while place < len(pieces):
        piece = pieces[place]
        signs = "".join(p.text for p in pieces[place : place + 2]) + "".join(p.text for p in pieces[place + 3 : place + 5])
        if signs in ("<<>>", "<<>>=") and pieces[place + 2].text in values:
            text = values[pieces[place + 2].text]
            plain = text.isidentifier()
            found.append(Piece("word" if plain else "quoted", text if plain else f"'{text}'", piece.span, piece.glued))
            if signs.endswith("="):
                found.append(Piece("sign", "=", piece.span, glued=True))
            place += 5
            continue
        text = piece.text
        for key, value in values.items():
            text = text.replace(f"<<{key}>>", value)
        found.append(replace(piece, text=text))
        place += 1
    return found
