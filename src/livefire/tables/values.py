"""The small language in which a table file says where a column comes from, as expressions of the plan.

A value is one of

- text: a hot column, or a path below one that holds JSON: `event_name`,
  `request.instancesSet.items[0].imageId`, `claims["http://…/upn"]`;
- a list: the first of its values that is there;
- a table with one verb of `VERBS` and what that verb needs, such as `{ lower = "resource_id" }`
  or `{ map = "result_type", to = { Start = "Started" } }`.

A condition is a table with one word of `CONDITIONS`, such as `{ test = "severity", is = "ERROR" }`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Schema, Type

Values = Mapping[str, Any]

# One IPv4 or IPv6 address and nothing else.
_V4 = r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_V6 = r"(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{1,4})*::(?:[0-9A-Fa-f]{1,4}:)*"
ADDRESS = rf"^(?:{_V4}|{_V6}(?:[0-9A-Fa-f]{{1,4}}|{_V4})?)$"
_STEP = re.compile(r'\.([^.\[\]"]+)|\[(-?\d+)\]|\["((?:[^"\\]|\\.)*)"\]')
# A JSON string as it stands in the text, without and with its content captured.
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_QUOTED_INSIDE = r'"((?:[^"\\]|\\.)*)"'


# The escapes of a JSON string; a backslash is put aside until the others are read.
_ESCAPES = (("\\\\", "\x03"), ('\\"', '"'), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), ("\\/", "/"), ("\x03", "\\"))


class ValueSyntaxError(ValueError):
    """A value that has no meaning; the text says what is wrong with it."""


def storage_columns(value: Any) -> frozenset[str]:
    """Return the hot columns that a value reads."""
    if isinstance(value, str):
        return frozenset({split_path(value)[0]})
    if isinstance(value, list):
        return frozenset[str]().union(*(storage_columns(v) for v in value))
    if isinstance(value, dict):
        operands = [v for k, v in value.items() if k in _OPERANDS and not isinstance(v, bool)]
        operands += list(value["object"].values()) if "object" in value else []
        return frozenset[str]().union(*(storage_columns(v) for v in operands))
    return frozenset()


def split_path(path: str) -> tuple[str, tuple[str | int, ...]]:
    """Return the hot column of a path and the steps below it."""
    head = re.match(r"[A-Za-z_][A-Za-z0-9_]*", path)
    if head is None:
        raise ValueSyntaxError(f"{path!r} is no path: it begins with the name of a hot column")
    steps: list[str | int] = []
    place = head.end()
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            raise ValueSyntaxError(f'{path!r} is no path from character {place + 1} on: steps are .name, [0] or ["name"]')
        name, index, quoted = step.groups()
        steps.append(int(index) if index is not None else name if name is not None else re.sub(r"\\(.)", r"\1", quoted))
        place = step.end()
    return head.group(), tuple(steps)


class ValueReader:
    """Turns values into expressions over one log source's columns."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def column(self, value: Any, type: Type) -> e.Expr:
        """Return a value as an expression of a column's type."""
        return convert(self.read(value, type), type)

    def read(self, value: Any, want: Type = Type.STRING) -> e.Expr:
        """Return a value as an expression of its own type; `want` decides where values of several types meet."""
        if isinstance(value, str):
            return self._path(value)
        if isinstance(value, list):
            return self._first_of(value, want)
        if not isinstance(value, dict):
            raise ValueSyntaxError(f"{value!r} is no value; a constant is written {{ constant = … }}")
        verbs = [k for k in value if k in VERBS or k in TYPED_VERBS]
        if len(verbs) != 1:
            raise ValueSyntaxError(f"{value!r} needs just one of: {', '.join((*VERBS, *TYPED_VERBS))}")
        if verbs[0] in VERBS:
            return VERBS[verbs[0]](self, value)
        return TYPED_VERBS[verbs[0]](self, value, want)

    def condition(self, value: Any) -> e.Expr:
        """Return a condition as an expression."""
        if isinstance(value, dict):
            words = [k for k in value if k in CONDITIONS]
            if len(words) == 1:
                return CONDITIONS[words[0]](self, value)
        raise ValueSyntaxError(f"{value!r} is no condition; it needs just one of: {', '.join(CONDITIONS)}")

    def text(self, value: Any) -> e.Expr:
        """Return a value as a string."""
        return convert(self.read(value, Type.STRING), Type.STRING)

    def _path(self, path: str) -> e.Expr:
        name, steps = split_path(path)
        field = self._schema.get(name)
        if field is None:
            raise ValueSyntaxError(f"the log source has no column {name!r}; it has: {', '.join(self._schema.names)}")
        column = e.Column(name, field.type)
        if not steps:
            return column
        if field.type is not Type.DYNAMIC:
            raise ValueSyntaxError(f"column {name!r} is {field.type.value}, so {path!r} leads nowhere")
        return e.Path(column, steps)

    def _first_of(self, values: list[Any], want: Type) -> e.Expr:
        return call("logic.coalesce", *(self.column(v, want) for v in values))


def convert(expr: e.Expr, want: Type) -> e.Expr:
    """Return an expression as another type; what does not fit becomes null, objects as text are their JSON."""
    have = expr.type
    if have is want:
        return expr
    if isinstance(expr, e.Literal) and expr.value is None:
        return e.null(want)
    if want is Type.DYNAMIC:
        return call("dynamic.of", expr)
    if have is Type.DYNAMIC and want in _FROM_DYNAMIC:
        return call(_FROM_DYNAMIC[want], expr)
    if have is Type.STRING and want in _FROM_STRING:
        return call(_FROM_STRING[want], expr)
    if have is Type.STRING and want is Type.BOOL:
        return _truth(expr)
    if want is Type.STRING and have is Type.BOOL:
        arms = ((call("compare.eq", expr, e.TRUE), e.text("true")), (call("compare.eq", expr, e.FALSE), e.text("false")))
        return e.Case(arms, e.null(Type.STRING), Type.STRING)
    if want is Type.STRING and have in (Type.INT, Type.LONG, Type.REAL):
        return call("number.text", expr)
    if want is Type.STRING and have is Type.DATETIME:
        return call("time.iso", expr)
    if want is Type.REAL and have.integral:
        return call("number.to_real", expr)
    raise ValueSyntaxError(f"nothing turns {have.value} into {want.value}")


_FROM_DYNAMIC = {
    Type.STRING: "dynamic.text", Type.LONG: "dynamic.long", Type.REAL: "dynamic.real", Type.BOOL: "dynamic.bool", Type.DATETIME: "dynamic.datetime",
}  # fmt: skip
_FROM_STRING = {Type.LONG: "number.parse_long", Type.REAL: "number.parse_real", Type.DATETIME: "time.parse"}


def _truth(expr: e.Expr) -> e.Expr:
    arms = tuple((call("text.equals_fold", expr, e.text(word)), value) for word, value in (("true", e.TRUE), ("false", e.FALSE)))
    return e.Case(arms, e.null(Type.BOOL), Type.BOOL)


# verbs

Verb = Callable[[ValueReader, Values], e.Expr]


def constant(said: Any) -> e.Expr:
    """Return a TOML scalar as a constant, or a list of scalars as a constant array."""
    if isinstance(said, list):
        return e.Literal(json.dumps(said, ensure_ascii=False, separators=(",", ":")), Type.DYNAMIC)
    if isinstance(said, str):
        return e.text(said)
    if isinstance(said, bool):
        return e.Literal(said, Type.BOOL)
    if isinstance(said, int):
        return e.whole(said)
    if isinstance(said, float):
        return e.Literal(said, Type.REAL)
    raise ValueSyntaxError(f"{said!r} is no constant")


def _nothing(_reader: ValueReader, _value: Values, want: Type) -> e.Expr:
    return e.null(want)


def _simple(verb: str, meaning: str) -> Verb:
    def read(reader: ValueReader, value: Values) -> e.Expr:
        return call(meaning, reader.text(value[verb]))

    return read


def _text(reader: ValueReader, value: Values) -> e.Expr:
    return reader.text(value["text"])


def _json(reader: ValueReader, value: Values) -> e.Expr:
    parsed = call("dynamic.try_parse", reader.text(value["json"]))
    return e.Path(parsed, split_path("_" + value["at"])[1]) if "at" in value else parsed


def _map(reader: ValueReader, value: Values, want: Type) -> e.Expr:
    subject = reader.text(value["map"])
    meaning = "compare.eq" if value.get("case", True) else "text.equals_fold"
    arms = tuple((call(meaning, subject, e.text(word)), _said(answer, want)) for word, answer in value["to"].items())
    rest = reader.column(value["otherwise"], want) if "otherwise" in value else subject if want is Type.STRING else e.null(want)
    return e.Case(arms, rest, want)


def _said(answer: Any, want: Type) -> e.Expr:
    return convert(constant(answer), want)


def _strip(reader: ValueReader, value: Values) -> e.Expr:
    subject = reader.text(value["strip"])
    prefixes = value["prefix"] if isinstance(value["prefix"], list) else [value["prefix"]]
    arms = tuple((call("text.starts_with", subject, e.text(p)), call("text.slice", subject, e.whole(len(p)))) for p in prefixes)
    return e.Case(arms, subject, Type.STRING)


def _before(reader: ValueReader, value: Values) -> e.Expr:
    return _extracted(reader.text(value["before"]), f"^(.*?){re.escape(value['mark'])}")


def _after(reader: ValueReader, value: Values) -> e.Expr:
    greedy = ".*" if value.get("last", False) else ".*?"
    return _extracted(reader.text(value["after"]), f"^{greedy}{re.escape(value['mark'])}(.*)$")


def _segment(reader: ValueReader, value: Values) -> e.Expr:
    """The segment of an Azure resource id that follows a named one, whatever its case."""
    return _extracted(reader.text(value["segment"]), f"/{re.escape(value['name'])}/([^/]+)", "i")


def _extract(reader: ValueReader, value: Values) -> e.Expr:
    return _extracted(reader.text(value["extract"]), value["pattern"], "" if value.get("case", True) else "i")


def _extracted(subject: e.Expr, pattern: str, flags: str = "") -> e.Expr:
    return call("text.extract_regex", subject, e.text(pattern), e.whole(1), e.text("s" + flags))


def _replace(reader: ValueReader, value: Values) -> e.Expr:
    return call("text.replace", reader.text(value["replace"]), e.text(value["what"]), e.text(value["by"]))


def _address(reader: ValueReader, value: Values) -> e.Expr:
    subject = reader.text(value["address"])
    return e.Case(((call("text.matches_regex", subject, e.text(ADDRESS)), subject),), e.null(Type.STRING), Type.STRING)


def _when(reader: ValueReader, value: Values, want: Type) -> e.Expr:
    then = reader.column(value["then"], want)
    otherwise = reader.column(value["otherwise"], want) if "otherwise" in value else e.null(want)
    return e.Case(((reader.condition(value["when"]), then),), otherwise, want)


def _choose(reader: ValueReader, value: Values, want: Type) -> e.Expr:
    arms = tuple((reader.condition(arm["when"]), reader.column(arm["then"], want)) for arm in value["choose"])
    otherwise = reader.column(value["otherwise"], want) if "otherwise" in value else e.null(want)
    return e.Case(arms, otherwise, want)


def _concat(reader: ValueReader, value: Values) -> e.Expr:
    return call("text.concat", *(reader.text(v) for v in value["concat"]))


def _array(reader: ValueReader, value: Values) -> e.Expr:
    """An array of the values that are there; null when none is."""
    items = [reader.read(v) for v in value["array"]]
    parts = tuple(e.Case(((call("logic.is_null", i), e.null(Type.DYNAMIC)),), call("dynamic.array", i), Type.DYNAMIC) for i in items)
    joined = parts[0] if len(parts) == 1 else call("dynamic.concat", *parts)
    nothing = all_of(*(call("logic.is_null", i) for i in items))
    return joined if len(parts) == 1 else e.Case(((nothing, e.null(Type.DYNAMIC)),), joined, Type.DYNAMIC)


def _array_of(reader: ValueReader, value: Values) -> e.Expr:
    """One array of the elements of several; null when none is there."""
    parts = tuple(reader.column(v, Type.DYNAMIC) for v in value["array_of"])
    nothing = all_of(*(call("logic.is_null", p) for p in parts))
    return e.Case(((nothing, e.null(Type.DYNAMIC)),), call("dynamic.concat", *parts), Type.DYNAMIC)


def _object(reader: ValueReader, value: Values) -> e.Expr:
    pairs = [part for name, member in value["object"].items() for part in (e.text(name), reader.read(member, Type.DYNAMIC))]
    return call("dynamic.object", *pairs)


def _all_at(reader: ValueReader, value: Values) -> e.Expr:
    return call("dynamic.deep", reader.read(value["all_at"]), e.text(json.dumps(value["steps"])))


def _epoch(reader: ValueReader, value: Values) -> e.Expr:
    number = convert(reader.read(value["epoch"], Type.LONG), Type.LONG)
    return call("time.from_epoch", number, e.text(value.get("unit", "s")))


def _part(reader: ValueReader, value: Values) -> e.Expr:
    return call("time.part", reader.column(value["part"], Type.DATETIME), e.text(value["unit"]))


def _format(reader: ValueReader, value: Values) -> e.Expr:
    return call("time.format", reader.column(value["format"], Type.DATETIME), e.text(value["as"]))


def _milliseconds(reader: ValueReader, value: Values) -> e.Expr:
    return call("time.to_epoch", reader.column(value["milliseconds"], Type.DATETIME), e.text("ms"))


def _multiply(reader: ValueReader, value: Values) -> e.Expr:
    return call("number.multiply", reader.column(value["multiply"], Type.LONG), e.whole(value["by"]), type=Type.LONG)


def _limit(reader: ValueReader, value: Values) -> e.Expr:
    """The text, or null where it is longer than an index keeps."""
    subject = reader.text(value["limit"])
    fits = call("compare.le", call("text.length", subject), e.whole(value["characters"]))
    return e.Case(((fits, subject),), e.null(Type.STRING), Type.STRING)


def _holds(reader: ValueReader, value: Values) -> e.Expr:
    return reader.condition(value["holds"])


def _map_text(reader: ValueReader, value: Values) -> e.Expr:
    """JSON as the Java platform prints a map: {a=1, b={c=[x, y]}}.

    Every token is first marked by what it is, so that a quote, colon or comma inside a text is
    never taken for one between members.
    """
    text = reader.text(value["map_text"])
    text = _swap(text, f"({_QUOTED}):|({_QUOTED})|(,)", "\\1\x01\\2\x02\\3")
    text = call("text.replace", text, e.text("\x01\x02,"), e.text(", "))
    text = _swap(text, _QUOTED_INSIDE + "\x01\x02", "\\1=")
    text = _swap(text, f"\x01{_QUOTED_INSIDE}\x02", "\\1")
    for written, meant in _ESCAPES:
        text = call("text.replace", text, e.text(written), e.text(meant))
    return text


def _plain_keys(reader: ValueReader, value: Values) -> e.Expr:
    """A flat object of texts with the dots of its names written as underscores, up to six in a name."""
    text = reader.text(value["plain_keys"])
    for _ in range(6):
        text = _swap(text, r'"([^".\\]*)\.([^"\\]*)":', r'"\1_\2":')
    return call("dynamic.try_parse", text)


def _swap(text: e.Expr, pattern: str, replacement: str) -> e.Expr:
    return call("text.replace_regex", text, e.text(pattern), e.text(replacement))


VERBS: dict[str, Verb] = {
    "constant": lambda _reader, value: constant(value["constant"]),
    "upper": _simple("upper", "text.upper"),
    "lower": _simple("lower", "text.lower"),
    "trim": _simple("trim", "text.trim"),
    "text": _text,
    "json": _json,
    "strip": _strip,
    "before": _before,
    "after": _after,
    "segment": _segment,
    "extract": _extract,
    "replace": _replace,
    "address": _address,
    "concat": _concat,
    "array": _array,
    "array_of": _array_of,
    "object": _object,
    "all_at": _all_at,
    "epoch": _epoch,
    "part": _part,
    "format": _format,
    "milliseconds": _milliseconds,
    "multiply": _multiply,
    "limit": _limit,
    "holds": _holds,
    "map_text": _map_text,
    "plain_keys": _plain_keys,
}

# Verbs whose result has the type that the column wants.
TYPED_VERBS: dict[str, Callable[[ValueReader, Values, Type], e.Expr]] = {"nothing": _nothing, "map": _map, "when": _when, "choose": _choose}


# conditions


def _test(reader: ValueReader, value: Values) -> e.Expr:
    subject = reader.text(value["test"])
    fold = "" if value.get("case", True) else "_fold"
    tests = [k for k in _TESTS if k in value]
    if len(tests) != 1:
        raise ValueSyntaxError(f"{value!r} needs just one of: {', '.join(_TESTS)}")
    wanted = value[tests[0]]
    if tests[0] == "in":
        return call("text.in_fold" if fold else "compare.in", subject, *(e.text(w) for w in wanted))
    if tests[0] == "matches":
        return call("text.matches_regex", subject, e.text(wanted), e.text("si" if fold else "s"))
    meaning = {"is": "text.equals_fold" if fold else "compare.eq"}.get(tests[0], f"text.{tests[0]}{fold}")
    return call(meaning, subject, e.text(wanted))


_TESTS = ("is", "in", "starts_with", "ends_with", "contains", "matches")


def _present(reader: ValueReader, value: Values) -> e.Expr:
    return negate(call("logic.is_null", reader.read(value["present"])))


def _absent(reader: ValueReader, value: Values) -> e.Expr:
    return call("logic.is_null", reader.read(value["absent"]))


def _size(reader: ValueReader, value: Values) -> e.Expr:
    return call("compare.eq", call("dynamic.length", reader.read(value["length_of"])), e.whole(value["is"]))


def _same(reader: ValueReader, value: Values) -> e.Expr:
    left, right = (reader.text(v) for v in value["same"])
    return call("compare.eq", left, right)


def _true(reader: ValueReader, value: Values) -> e.Expr:
    return call("logic.is_true", reader.column(value["true"], Type.BOOL))


CONDITIONS: dict[str, Callable[[ValueReader, Values], e.Expr]] = {
    "test": _test,
    "present": _present,
    "absent": _absent,
    "true": _true,
    "same": _same,
    "length_of": _size,
    "all": lambda reader, value: all_of(*(reader.condition(c) for c in value["all"])),
    "any": lambda reader, value: any_of(*(reader.condition(c) for c in value["any"])),
    "not": lambda reader, value: negate(call("logic.is_true", reader.condition(value["not"]))),
}

_OPERANDS = {*VERBS, *TYPED_VERBS, *CONDITIONS, "then", "otherwise"} - {"constant", "object", "nothing"}
