"""Functions over JSON text: https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/JSONFunctions."""

from __future__ import annotations

from livefire.languages.kit.ast import Apply, Ast, Name
from livefire.languages.spl.evaluating import Evaluator, Function
from livefire.languages.spl.json_paths import path_steps, reached
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import constant_text, is_multi, multi_of, not_null, number_of, text_of, tidy
from livefire.plan import expr as e
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import call
from livefire.schema import Type

_MEMBER = e.Column("~member", Type.DYNAMIC)


def _document(v: Evaluator, ast: Apply) -> Expr:
    return call("dynamic.try_parse", v.text(v.value(ast.args[0].value), ast.args[0].value.span), span=ast.span)


def _path(v: Evaluator, ast: Ast, *, whole: bool = False) -> list[str]:
    """Return the names of a constant path; elements of arrays are not reached."""
    text = constant_text(v.value(ast))
    if not text or "{" in text:
        v.scope.refuse("E302", "the path is run as a constant of names, such as a.b", ast.span)
    return [text] if whole else text.split(".")


def is_document(ast: Ast, scope: Scope) -> bool:
    """True for an expression that Splunk keeps as JSON, which a document takes in as it is and not as text."""
    if isinstance(ast, Name):
        return ast.text in scope.documents
    if not isinstance(ast, Apply):
        return False
    return ast.function in _MAKERS or (ast.function in ("if", "case", "coalesce") and any(is_document(a.value, scope) for a in ast.args))


def _nested(x: Expr) -> Expr:
    return call("compare.in", call("logic.type_name", x), e.text("array"), e.text("dictionary"))


def _member(v: Evaluator, ast: Ast) -> Expr:
    """Return a value as JSON writes it: numbers and conditions bare, documents as they are, anything else as text."""
    value = v.value(ast)
    if is_multi(value):
        return value
    if value.type is Type.BOOL:
        return call("dynamic.of", value)
    if value.type in (Type.INT, Type.LONG, Type.REAL):
        return call("dynamic.of", value)
    shown = text_of(value)
    if not is_document(ast, v.scope):
        return call("dynamic.of", shown)
    parsed = call("dynamic.try_parse", shown)
    return Case(((_nested(parsed), parsed),), call("dynamic.of", shown), Type.DYNAMIC)


def _pairs(v: Evaluator, ast: Apply) -> list[tuple[Ast, Ast]]:
    if len(ast.args) % 2 == 0:
        v.scope.refuse("E105", f"{ast.function}() takes a document, and pairs of path and value", ast.span)
    rest = [a.value for a in ast.args[1:]]
    return list(zip(rest[::2], rest[1::2], strict=True))


def _placed(document: Expr, path: list[str], change: Expr) -> Expr:
    """Return the document with the value at a path; objects on the way are made where they are missing."""
    name, *rest = path
    if rest:
        inner = call("logic.coalesce", e.Path(document, (name,)), e.Literal("{}", Type.DYNAMIC))
        change = _placed(inner, rest, change)
    # A path through what is no object does not fit the document, and changes nothing.
    fits = call("compare.eq", call("logic.type_name", document), e.text("dictionary"))
    return Case(((fits, call("object.with_member", document, e.text(name), change)),), document, Type.DYNAMIC)


def _set(v: Evaluator, ast: Apply) -> Expr:
    document = _document(v, ast)
    for path, value in _pairs(v, ast):
        document = _placed(document, _path(v, path, whole=ast.function.endswith("_exact")), _member(v, value))
    return call("dynamic.text", document, span=ast.span)


def _add(v: Evaluator, ast: Apply) -> Expr:
    """json_append adds one element, json_extend those of an array; what is no array becomes the first element of one, and a path to nothing is passed over."""
    document = _document(v, ast)
    for place, value in _pairs(v, ast):
        path = _path(v, place)
        found = e.Path(document, tuple(path))
        fresh = _member(v, value)
        if ast.function == "json_extend":
            fresh = Case(((_is_array(fresh), fresh),), call("dynamic.array", fresh), Type.DYNAMIC)
        else:
            fresh = call("dynamic.array", fresh)
        before = Case(((_is_array(found), found),), call("dynamic.array", found), Type.DYNAMIC)
        changed = _placed(document, path, call("dynamic.concat", before, fresh))
        document = Case(((not_null(found), changed),), document, Type.DYNAMIC)
    return call("dynamic.text", document, span=ast.span)


def _is_array(x: Expr) -> Expr:
    return call("compare.eq", call("logic.type_name", x), e.text("array"))


def _extract(v: Evaluator, ast: Apply) -> Expr:
    """json_extract() by paths, json_extract_exact() by keys as they are written; several give an array."""
    if len(ast.args) == 1:
        return v.text(v.value(ast.args[0].value), ast.span)
    document = _document(v, ast)
    found = [_extracted(v, document, a.value, exact=ast.function.endswith("_exact")) for a in ast.args[1:]]
    return call("dynamic.text", found[0] if len(found) == 1 else call("dynamic.array", *found), span=ast.span)


def _extracted(v: Evaluator, document: Expr, ast: Ast, *, exact: bool) -> Expr:
    text = constant_text(v.value(ast))
    if not text:
        v.scope.refuse("E302", "the path is run as a constant, such as a.b or a{}.b", ast.span)
    if exact:
        return e.Path(document, (text,))
    if text == "{}":
        return document  # whether it is an array or not
    steps = path_steps(text, ast.span, v.scope)
    found = reached(document, steps, v.scope)
    return tidy(found) if "*" in steps else found


def _is_json(v: Evaluator, ast: Apply) -> Expr:
    shown = v.text(v.value(ast.args[0].value), ast.span)
    return not_null(call("dynamic.try_parse", shown))


def _values_of(v: Evaluator, ast: Apply) -> Expr:
    """json_array_to_mv(): the elements of an array; with a true second argument texts keep their quotes."""
    document = _document(v, ast)
    elements = Case(((_is_array(document), call("dynamic.deep", document, e.text('["*"]'))),), e.null(Type.DYNAMIC), Type.DYNAMIC)
    if len(ast.args) == 1 or v.value(ast.args[1].value) == e.FALSE:
        return tidy(elements)
    if v.value(ast.args[1].value) != e.TRUE:
        v.scope.refuse("E305", "json_array_to_mv() takes true() or false()", ast.args[1].value.span)
    quoted = call("text.slice", call("dynamic.text", call("dynamic.array", _MEMBER)), e.whole(1))
    written = call("text.slice", quoted, e.whole(0), call("number.subtract", call("text.length", quoted), e.whole(1), type=Type.LONG))
    return tidy(call("array.map", elements, e.Lambda((_MEMBER,), call("dynamic.of", written)), span=ast.span))


def _keys(v: Evaluator, ast: Apply) -> Expr:
    return call("dynamic.text", call("dynamic.keys", _document(v, ast)), span=ast.span)


def _object(v: Evaluator, ast: Apply) -> Expr:
    if len(ast.args) % 2:
        v.scope.refuse("E105", "json_object() takes pairs of key and value", ast.span)
    keys = [v.text(v.value(a.value), a.value.span) for a in ast.args[::2]]
    members = [_member(v, a.value) for a in ast.args[1::2]]
    pairs = [x for pair in zip(keys, members, strict=True) for x in pair]
    return call("dynamic.text", call("dynamic.object", *pairs, span=ast.span)) if pairs else e.text("{}")


def _array(v: Evaluator, ast: Apply) -> Expr:
    if not ast.args:
        return e.text("[]")
    return call("dynamic.text", call("dynamic.array", *(_member(v, a.value) for a in ast.args), span=ast.span))


def _delete(v: Evaluator, ast: Apply) -> Expr:
    document = _document(v, ast)
    for argument in ast.args[1:]:
        *above, name = _path(v, argument.value)
        owner = e.Path(document, tuple(above)) if above else document
        removed = call("object.without", owner, call("dynamic.array", e.text(name)))
        changed = _placed(document, above, removed) if above else removed
        there = call("logic.is_true", call("object.has", owner, e.text(name)))
        document = Case(((there, changed),), document, Type.DYNAMIC)
    return call("dynamic.text", document, span=ast.span)


def _has_key(v: Evaluator, ast: Apply) -> Expr:
    key = v.text(v.value(ast.args[1].value), ast.args[1].value.span)
    return call("logic.coalesce", call("object.has", _document(v, ast), key), e.FALSE, span=ast.span)


def _entries_of(v: Evaluator, ast: Apply, key: str, value: str) -> Expr:
    document = _document(v, ast)
    name = call("dynamic.text", _MEMBER)
    entry = call("dynamic.object", e.text(key), name, e.text(value), call("dynamic.element", document, name))
    listed = call("array.map", call("dynamic.keys", document), e.Lambda((_MEMBER,), entry))
    return call("dynamic.text", listed, span=ast.span)


def _entries(v: Evaluator, ast: Apply) -> Expr:
    return _entries_of(v, ast, "key", "value")


def _object_to_array(v: Evaluator, ast: Apply) -> Expr:
    key, value = (constant_text(v.value(a.value)) for a in ast.args[1:])
    if key is None or value is None:
        v.scope.refuse("E305", "object_to_array() takes constant names", ast.span)
    return _entries_of(v, ast, key, value)


def _valid(v: Evaluator, ast: Apply) -> Expr:
    """json(): the text where it is JSON, else nothing."""
    shown = v.text(v.value(ast.args[0].value), ast.span)
    return Case(((not_null(call("dynamic.try_parse", shown)), shown),), e.null(Type.STRING), Type.STRING)


def _of_values(v: Evaluator, ast: Apply) -> Expr:
    """mv_to_json_array(): the values as texts, or with a true second argument as the numbers and words they write."""
    values = multi_of(v.value(ast.args[0].value))
    infer = len(ast.args) > 1 and v.value(ast.args[1].value) == e.TRUE
    text = call("dynamic.text", _MEMBER)
    number = number_of(text)
    word = call("compare.in", text, e.text("true"), e.text("false"), e.text("null"))
    inferred = Case(
        ((not_null(number), call("logic.coalesce", call("dynamic.try_parse", text), call("dynamic.of", number))), (word, call("dynamic.try_parse", text))),
        call("dynamic.of", text),
        Type.DYNAMIC,
    )
    listed = call("array.map", values, e.Lambda((_MEMBER,), inferred if infer else call("dynamic.of", text)))
    return call("dynamic.text", listed, span=ast.span)


FUNCTIONS: dict[str, Function] = {
    "json_extract": Function(1, None, _extract),
    "json_extract_exact": Function(1, None, _extract),
    "json_valid": Function(1, 1, _is_json),
    "json_array_to_mv": Function(1, 2, _values_of),
    "json_keys": Function(1, 1, _keys),
    "json_object": Function(0, None, _object),
    "json_array": Function(0, None, _array),
    "json": Function(1, 1, _valid),
    "json_set": Function(3, None, _set),
    "json_set_exact": Function(3, None, _set),
    "json_append": Function(3, None, _add),
    "json_extend": Function(3, None, _add),
    "json_delete": Function(2, None, _delete),
    "json_entries": Function(1, 1, _entries),
    "json_has_key_exact": Function(2, 2, _has_key),
    "object_to_array": Function(3, 3, _object_to_array),
    "mv_to_json_array": Function(1, 2, _of_values),
}
_MAKERS = frozenset(FUNCTIONS) - {"json_valid", "json_array_to_mv", "json_has_key_exact"}
