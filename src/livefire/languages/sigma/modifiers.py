"""Modifiers of field names: what each does to values, and how the values are then compared.

https://sigmahq.io/sigma-specification/specification/sigma-appendix-modifiers.html
"""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from livefire.languages.base import Context
from livefire.languages.binder import nearest
from livefire.languages.sigma.ast import Test, Value

_DASHES = "-/\u2013\u2014\u2015"
_COMPARE = {"lt": "compare.lt", "lte": "compare.le", "gt": "compare.gt", "gte": "compare.ge"}
_FLAGS = {"i": "i", "ignorecase": "i", "m": "m", "multiline": "m", "s": "s", "dotall": "s"}
_ENCODINGS = {"wide": "utf-16-le", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "utf16": "utf-16"}
_GIVE = "give it when the rule is run: --placeholder {}=value"
_PARTS = ("minute", "hour", "day", "week", "month", "year")
_MOST_DASHES = 3
_SIMPLE = ("contains", "startswith", "endswith", "all", "re", "cidr", "exists", "cased", "neq", "fieldref", "windash", "base64", "base64offset", "expand")
_KNOWN = (*_SIMPLE, *_COMPARE, *_FLAGS, *_ENCODINGS, *_PARTS)
_HEAD, _TAIL = (0, 2, 3), (None, -3, -2)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a field is compared: `kind` is text, regex, cidr, exists, field or a compare meaning; `part` is one of a moment."""

    kind: str = "text"
    before: bool = False
    after: bool = False
    cased: bool = False
    every: bool = False
    negated: bool = False
    flags: str = ""
    part: str = ""


def read_modifiers(test: Test, context: Context) -> tuple[Comparison, tuple[Value, ...]]:
    """Return the comparison and the values after every modifier, in order; unknown ones are E304."""
    how, values, encoding = Comparison(), test.values, ""
    for name, span in test.modifiers:
        if name in ("contains", "startswith", "endswith"):
            how = replace(how, before=how.before or name != "startswith", after=how.after or name != "endswith")
        elif name in ("all", "cased"):
            how = replace(how, every=how.every or name == "all", cased=how.cased or name == "cased")
        elif name == "neq":
            how = replace(how, negated=True)
        elif name in ("re", "cidr", "exists", "fieldref"):
            how = replace(how, kind={"re": "regex", "fieldref": "field"}.get(name, name))
        elif name in _COMPARE:
            how = replace(how, kind=_COMPARE[name])
        elif name in _FLAGS and how.kind == "regex":
            how = replace(how, flags=how.flags + _FLAGS[name])
        elif name in _PARTS:
            how = replace(how, part=name)
        elif name in _ENCODINGS and not encoding:
            encoding = _ENCODINGS[name]
        elif name in ("base64", "base64offset"):
            _plain(values, context)
            written = _base64 if name == "base64" else _base64_offsets
            values = tuple(replace(v, value=text) for v in values for text in written(v, encoding or "utf-8"))
            encoding = ""
        elif name == "windash":
            values = tuple(replace(v, value=text) for v in values for text in _windash(v, context))
        elif name == "expand":
            values = _expand(values, context)
        else:
            context.diagnostics.error("E304", f"the modifier {name!r} is not supported", span, help=_help(name))
    if encoding:
        context.diagnostics.error("E304", "an encoding modifier is read only before base64 or base64offset", test.name_span)
    return how, values


def _help(name: str) -> str:
    close = nearest(name, _KNOWN)
    return f"did you mean {close!r}?" if close else "known: " + ", ".join(_KNOWN)


def _plain(values: tuple[Value, ...], context: Context) -> None:
    for value in values:
        if re.search(r"(?<!\\)(?:\\\\)*[*?]", str(value.value)):
            context.diagnostics.error("E107", "a value with wildcards has no base64", value.span, help="escape the wildcard with a backslash")


def _unescaped(text: str) -> str:
    """Return the characters that a plain value stands for."""
    return re.sub(r"\\([*?\\])", r"\1", text)


def _base64(value: Value, encoding: str) -> list[str]:
    return [base64.b64encode(_unescaped(str(value.value)).encode(encoding)).decode()]


def _base64_offsets(value: Value, encoding: str) -> list[str]:
    """Return the three ways a text can stand inside a longer base64 text."""
    data = _unescaped(str(value.value)).encode(encoding)
    return [base64.b64encode(b" " * i + data).decode()[_HEAD[i] : _TAIL[(len(data) + i) % 3]] for i in range(3)]


def _windash(value: Value, context: Context) -> list[str]:
    """Return every spelling of a command line with each option's dash written as any dash or slash."""
    text = str(value.value)
    places = [m.start() for m in re.finditer(r"\B[-/]\b", text)]
    if len(places) > _MOST_DASHES:
        context.diagnostics.error("E304", f"windash is for at most {_MOST_DASHES} dashes in a value", value.span, help="split the value into several")
        return [text]
    spelled = []
    for signs in itertools.product(_DASHES, repeat=len(places)):
        chars = list(text)
        for place, sign in zip(places, signs, strict=True):
            chars[place] = sign
        spelled.append("".join(chars))
    return spelled


def _expand(values: tuple[Value, ...], context: Context) -> tuple[Value, ...]:
    """Put in the site's values for `%name%`, which the option `placeholders` gives."""
    known = context.options.get("placeholders")
    given = known if isinstance(known, dict) else {}
    found: list[Value] = []
    for value in values:
        found += _filled(value, given, context)
    return tuple(found)


def _filled(value: Value, given: Mapping[str, object], context: Context) -> list[Value]:
    """Return a value for each choice of what stands for its placeholders; none is left in that has no value."""
    parts: list[tuple[str, ...]] = []
    for part in re.split(r"(%[^%\\]+%)", str(value.value)):
        name = part.strip("%") if len(part) > 2 and part.startswith("%") and part.endswith("%") else None
        if name is None:
            parts.append((part,))
        elif name in given:
            options = given[name]
            parts.append(tuple(str(o) for o in (options if isinstance(options, (list, tuple)) else [options])))
        elif context.open_schema:
            context.diagnostics.warn("W107", f"the placeholder %{name}% is a site's own list", value.span, help=_GIVE.format(name))
            parts.append((part,))
        else:
            context.diagnostics.error("E107", f"no value is given for the placeholder %{name}%", value.span, help=_GIVE.format(name))
            parts.append((part,))
    if len(parts) == 1 and value.value == parts[0][0]:
        return [value]
    return [replace(value, value="".join(chosen)) for chosen in itertools.product(*parts)]
