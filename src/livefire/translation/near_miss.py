"""Events that nearly meet a condition: each test met, and then missed in every way that languages differ on.

Values are changed in the raw event, at the place where the log source reads them, and the event
is read again, so that every column that shows the place shows the change.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from livefire.logsources.registry import source as log_source
from livefire.schema import Type
from livefire.store.frames import read_records
from livefire.translation.condition import Ago, AllOf, AnyOf, Condition, Constant, Field, Not, Present, Same, Test, pushed, tests_of
from livefire.translation.edges import Chain, Edges
from livefire.translation.patterns import ANY, ONE, tokens
from livefire.translation.places import PARSED, Steps
from livefire.translation.vocabulary import raw_steps

Record = dict[str, Any]
Place = tuple[str, Steps]
MISSING = object()
_BRANCHES, _SHAPES = 6, 400
# After so many chains one is stored against its order.
_APART = 5
_MARK, _ID = "near-miss-mark", "near-miss-"
# A member that no log source reads: for what may stand anywhere in the event.
_ANYWHERE: Steps = ("note",)


@dataclass(frozen=True, slots=True)
class Template:
    """A raw event to change, and where in it each hot column stands; `identity` are the paths of its id."""

    record: Record
    places: Mapping[str, tuple[Steps, ...]]
    identity: tuple[Steps, ...]


def near_misses(
    conditions: Iterable[Condition], templates: Sequence[Template], source: str, now: datetime, edges: Iterable[Edges] = (), *, following: bool = False
) -> list[Record]:
    """Return raw events at the edges of conditions and groups, each with an id of its own, from every form that events come in.

    With `following` each has a second of its own, for rules that look at what follows what.
    """
    wanted = [dated(c, now) for c in conditions]
    tests = [t for c in wanted for t in tests_of(c) if isinstance(t.subject, Field)]
    shapes: list[dict[Place, Any]] = [{}]
    for condition in wanted:
        shapes += itertools.islice(meeting(pushed(condition)), _BRANCHES)
    found: list[dict[Place, Any]] = []
    for shape in shapes:
        found.append(shape)
        for place, values in _changes(tests).items():
            found += [{**shape, place: value} for value in values]
    found += [moved for shape in shapes for moved in _among_others(shape)]
    grouped = [g for edge in edges for g in _groups(edge, next(iter(shapes[1:]), {}), now)]
    starts = [now - timedelta(hours=5, milliseconds=at) if following else None for at, _ in enumerate(templates)]
    records = [r for at, one in enumerate(templates) for r in _records(found, one, source, f"{_ID}{at}", start=starts[at])]
    return records + list(_records(grouped, templates[0], source, f"{_ID}g", repeated=True))


def _among_others(shape: Mapping[Place, Any]) -> Iterator[dict[Place, Any]]:
    """Yield a shape with what it says of every element in the second of two, and with each member in an element of its own."""
    starred = [place for place in shape if "*" in place[1]]
    for numbers in ([1] * len(starred), range(1, len(starred) + 1)):
        if starred:
            elements = dict(zip(starred, numbers, strict=True))
            yield {
                (c, tuple(elements[c, steps] if s == "*" else s for s in steps)) if (c, steps) in elements else (c, steps): v for (c, steps), v in shape.items()
            }


def chains(found: Iterable[Chain], templates: Callable[[str], Sequence[Template]], now: datetime, *, together: bool = False) -> dict[str, list[Record]]:
    """Return the events of whole sequences by log source: in order, within their span, at its edge and beyond it, in another order, and some twice.

    With `together` some steps share a moment, stored in order and against it.
    """
    records: dict[str, list[Record]] = {}
    second, none = timedelta(seconds=1), timedelta(0)
    for chain in found:
        span, start = timedelta(microseconds=chain.span // 10), now - timedelta(hours=3)
        shapes: list[dict[Place, Any]] = []
        for turn, length in enumerate((span - second, span, span + second, second, -second, *((none, none) if together else ()))):
            own = dict.fromkeys((k.place for k in chain.keys), f"chain-{turn}")
            for at, step in sorted(enumerate(chain.steps), key=lambda x: x[0], reverse=turn > _APART):
                # No two of them share a moment, also where the key cannot be told apart.
                moment = start + timedelta(milliseconds=7 * turn) + length * at / max(1, len(chain.steps) - 1)
                shapes.append({**own, **next(meeting(pushed(step)), {}), ("_time", ()): _exactly(moment)})
        shapes += _repeated(chain, start + timedelta(hours=1, milliseconds=500))
        records.setdefault(chain.source, []).extend(_records(shapes, templates(chain.source)[0], chain.source, f"{_ID}c", repeated=True))
    return records


def _repeated(chain: Chain, start: datetime) -> Iterator[dict[Place, Any]]:
    """Yield the steps once, twice and after their turn, a second apart, with one key for each run, with another in between, and without any."""
    last = len(chain.steps) - 1
    keys = [k.place for k in chain.keys]
    for turn, order in enumerate(((0, 0, last), (0, last, last), (last, 0, last), (0, last, 0, last), (0, 0, last, last))):
        for variant, others in enumerate((f"turn-{turn}", f"between-{turn}", MISSING)):
            for at, step in enumerate(order):
                # Runs with other keys lie near each other, so that a text which forgets the key pairs them.
                moment = start + timedelta(seconds=60 * turn + 20 * variant + at)
                key = f"turn-{turn}" if at in (0, len(order) - 1) and others is not MISSING else others
                yield {**dict.fromkeys(keys, key), **next(meeting(pushed(chain.steps[step])), {}), ("_time", ()): _exactly(moment)}


def _exactly(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _groups(edges: Edges, shape: Mapping[Place, Any], now: datetime) -> Iterator[dict[Place, Any]]:
    """Yield groups of every size wanted, with one measured value and with as many as events, and events at the edges of time."""
    keys = [k.place for k in edges.keys if k.place not in shape]
    measured = [m.place for m in edges.measured if m.place not in shape and m.place not in keys]
    for size in edges.sizes:
        for varied in (False, True):
            for at in range(size):
                own = dict.fromkeys(keys, f"group-{size}-{varied}")
                yield {**shape, **own, **dict.fromkeys(measured, f"value-{at}" if varied else "value")}
    values = (MISSING, None, "", " ", *edges.words, "group", "GROUP", "group ")
    for place in (*keys, *measured):
        # Texts that a language may take for no value, or for each other, in groups of two.
        for at, value in enumerate(values):
            own = {**dict.fromkeys(keys, f"of-{at}-{place}"), **dict.fromkeys(measured, "value")}
            yield {**shape, **own, place: value}
            yield {**shape, **own, place: "group" if place in measured else value}
    for width in edges.widths:
        length, second = timedelta(microseconds=width // 10), timedelta(seconds=1)
        start = datetime(now.year, now.month, now.day) - length
        for moment in (start - second, start, start + length - second, start + length):
            yield {**shape, **dict.fromkeys(keys, "edge"), ("_time", ()): _iso(moment)}


def dated(condition: Condition, now: datetime) -> Condition:
    """Return a condition with moments in place of lengths of time before the run."""
    match condition:
        case AllOf(parts=parts):
            return AllOf(tuple(dated(p, now) for p in parts))
        case AnyOf(parts=parts):
            return AnyOf(tuple(dated(p, now) for p in parts))
        case Not(part=part):
            return Not(dated(part, now))
        case Test(value=Ago(ticks=ticks)):
            return replace(condition, value=now - timedelta(microseconds=ticks // 10))
        case _:
            return condition


def meeting(condition: Condition) -> Iterator[dict[Place, Any]]:
    """Yield values for places so that a condition whose negations stand at tests is met."""
    match condition:
        case Constant(value=value):
            if value:
                yield {}
        case AllOf(parts=parts):
            for choice in itertools.product(*(list(itertools.islice(meeting(p), _BRANCHES)) for p in parts)):
                yield _merged(choice)
        case AnyOf(parts=parts):
            for options in itertools.zip_longest(*(meeting(p) for p in parts)):
                yield from (o for o in options if o is not None)
        case Test(subject=Field() as field):
            for value in examples(condition):
                yield {field.place: value}
        case Present(subject=Field() as field):
            yield {field.place: "x"}
        case Same(subject=field, other=other):
            yield {field.place: "x", other.place: "x"}
            yield {field.place: "7", other.place: "07"}  # the same number, and not the same text
        case Not(part=Same(subject=field, other=other)):
            yield {field.place: "x", other.place: "y"}
            yield {field.place: "7", other.place: "07"}
            yield {field.place: MISSING, other.place: MISSING}
        case Not(part=(Test(subject=Field() as field) | Present(subject=Field() as field))):
            yield {field.place: MISSING}
        case _:
            yield {}


def _merged(shapes: Sequence[dict[Place, Any]]) -> dict[Place, Any]:
    """Return shapes as one; texts for one place are joined so that each beginning, part and end is there."""
    found: dict[Place, Any] = {}
    for shape in shapes:
        for place, value in shape.items():
            known = found.get(place, MISSING)
            if value is MISSING and place in found:
                continue
            both = isinstance(known, str) and isinstance(value, str)
            found[place] = _overlapped(known, value) if both else value
    return found


def _overlapped(first: str, second: str) -> str:
    """Return both texts one after the other, what ends the first and begins the second only once."""
    if first in second or second in first:
        return max(first, second, key=len)
    size = next((k for k in range(min(len(first), len(second)), 0, -1) if first.endswith(second[:k])), 0)
    return first + second[size:]


def examples(test: Test) -> tuple[Any, ...]:
    """Return values that meet a test."""
    value = test.value
    if isinstance(value, datetime):
        second = timedelta(seconds=1)
        return (_iso(value + (second if test.op in ("gt", "ge") else -second)), _iso(value), _iso(value + second), _iso(value - second))
    if not isinstance(value, str):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return {"lt": (value - 1,), "gt": (value + 1,)}.get(test.op, (value,))
        return (value,) if isinstance(value, bool) else ()
    match test.op:
        case "contains" | "term":
            return (value, f"q {value} z")
        case "starts" | "term_prefix":
            return (value, f"{value}z")
        case "ends" | "term_suffix":
            return (value, f"q{value}")
        case "wildcard":
            return ("".join({ANY: "qz", ONE: "q"}.get(p, p) for p in tokens(value)),)
        case "regex":
            return (from_regex(value),)
        case "cidr":
            return (value.partition("/")[0],)
        case _:
            return (value,)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def from_regex(pattern: str) -> str:
    """Return a text that most likely meets a pattern: classes by a member, repeats once, the first of alternatives."""
    text = re.sub(r"\(\?[a-z]*[:)]?|\\[AbBzZ]|[\^$]", "", pattern)
    text = re.sub(r"\[\^?(.)[^\]]*\]", lambda m: "q" if m[0].startswith("[^") else m[1], text)
    text = re.sub(r"\\d", "7", re.sub(r"\\[wS]", "w", text)).replace("\\s", " ")
    text = re.sub(r"(?<!\\)\.[*+?]?", "q", text)
    text = re.sub(r"(?<!\\)[*+?]|\{\d+(,\d*)?\}", "", text)
    text = re.sub(r"\|[^()]*", "", text)
    return re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)[()]", "", text))


def _changes(tests: Sequence[Test | Present]) -> dict[Place, list[Any]]:
    """Return for each place every value that a language might take otherwise."""
    found: dict[Place, dict[str, Any]] = {}
    for test in tests:
        assert isinstance(test.subject, Field)
        at = found.setdefault(test.subject.place, {})
        values = list(examples(test)) if isinstance(test, Test) else ["x"]
        if isinstance(test, Test) and isinstance(test.value, str):
            values.append(test.value)
        for value in values:
            moment = isinstance(test, Test) and isinstance(test.value, datetime)
            for changed in (value,) if moment else variants(value):
                at.setdefault(repr(changed), changed)
    return {place: list(values.values())[:_SHAPES] for place, values in found.items()}


def variants(value: Any) -> list[Any]:
    """Return a value and its neighbours: absent, null, empty, other case, longer, shorter, a list, an object, another type."""
    common = [value, MISSING, None, "", " ", [], {}]
    if isinstance(value, bool):
        return [*common, not value, str(value), str(value).lower(), int(value)]
    if isinstance(value, (int, float)):
        return [*common, value - 1, value + 1, str(value), -value, [value]]
    if not isinstance(value, str):
        return common
    cased = [value.upper(), value.lower(), value.swapcase(), value.title()]
    around = [f"{value}x", f"x{value}", value[:-1], value[1:], f" {value}", f"{value} ", f"-{value}-", f"a{value}b", f"_{value}_", f"é{value}é", f"a.{value}.b"]
    lines = [f"{value}\n", f"\n{value}", f"{value}\n{value}", value * 2, f'"{value}"']
    signs = [value.replace(old, new) for old, new in (("*", "Q"), ("?", "Q"), ("\\", "/"), (".", "Z"), ("_", "Z"), ("%", "Z"), ("/", "//"))]
    lists = [[value], [value.swapcase()], ["other", value], [value, "other"], ["other"], [[value]], {"a": value}]
    return [*common, *cased, *around, *lines, *signs, *lists]


def _records(
    shapes: Iterable[Mapping[Place, Any]], template: Template, source: str, name: str, *, repeated: bool = False, start: datetime | None = None
) -> Iterator[Record]:
    seen = set()
    count = 0
    for shape in shapes:
        record = copy.deepcopy(template.record)
        for (column, steps), value in shape.items():
            for path in _paths(column, steps, template, source):
                _set(record, path, value)
        key = json.dumps(record, sort_keys=True, default=str)
        if key in seen and not repeated:
            continue
        seen.add(key)
        count += 1
        if start is not None and ("_time", ()) not in shape:
            for path in _paths("_time", (), template, source):
                _set(record, path, _exactly(start + timedelta(seconds=count)))
        for path in template.identity or ((_ANYWHERE,) if repeated else ()):
            _set(record, path, f"{name}-{count}")
        yield record


def _paths(column: str, steps: Steps, template: Template, source: str) -> tuple[Steps, ...]:
    if column == "_time":
        form = log_source(source).form(template.record)
        return form.time[:1] if form is not None else ()
    plain = raw_steps((column, steps), source)
    if plain is not None:
        return (plain or _ANYWHERE,)
    return tuple((*place, *steps) for place in template.places.get(column, ()))


def _set(target: Any, path: Steps, value: Any) -> None:
    """Put a value at a path, making what is not there; `*` is the first element, text that is JSON is opened and closed again."""
    *way, last = path
    for at, step in enumerate(way):
        if step == PARSED:
            return
        following = path[at + 1]
        if following == PARSED:
            inner = _opened(target.get(step) if isinstance(target, dict) else None)
            _set(inner, path[at + 2 :], value)
            if isinstance(target, dict) and isinstance(step, str):
                target[step] = json.dumps(inner)
            return
        target = _entered(target, 0 if step == "*" else step, [] if isinstance(following, int) or following == "*" else {})
        if target is None:
            return
    key = 0 if last == "*" else last
    if isinstance(target, list) and isinstance(key, int):
        target[max(key, 0) :] = [] if value is MISSING else ["other"] * max(0, key - len(target)) + [value]
    elif isinstance(target, dict) and isinstance(key, str):
        if value is MISSING:
            target.pop(key, None)
        else:
            target[key] = value


def _opened(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return {}


def _entered(target: Any, step: str | int, empty: Any) -> Any:
    if isinstance(target, dict) and isinstance(step, str):
        if not isinstance(target.get(step), type(empty)):
            target[step] = empty
        return target[step]
    if isinstance(target, list) and isinstance(step, int):
        at = max(step, 0)
        target += [{} for _ in range(at + 1 - len(target))]
        if not isinstance(target[at], type(empty)):
            target[at] = empty
        return target[at]
    return None


# templates


def template(source: str, record: Record) -> Template:
    """Return a raw event as a template; where its hot columns stand is found by changing every value and reading it again."""
    leaves = list(_leaves(record, ()))
    marked = []
    for at, (path, _) in enumerate(leaves):
        changed = copy.deepcopy(record)
        _set(changed, path, f"{_MARK}{at}")
        marked.append(changed)
    places: dict[str, list[Steps]] = {}
    for row in rows_of(source, marked):
        for name, value in row.items():
            found = re.search(rf"{_MARK}(\d+)", value) if isinstance(value, str) and not name.startswith("_raw") else None
            if found is not None and (value == found[0] or name == "_id"):
                places.setdefault(name, []).append(leaves[int(found[1])][0])
    (plain,) = rows_of(source, [record])
    objects = {c.name for c in log_source(source).columns if c.type is Type.DYNAMIC}
    for path, value in _objects(record, ()):
        for name in objects - set(places):
            if plain.get(name) == _canonical(value):
                places.setdefault(name, []).append(path)
    return Template(record, {k: tuple(v) for k, v in places.items()}, tuple(places.get("_id", ())[:1]))


def _canonical(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _leaves(value: Any, path: Steps) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif not isinstance(value, list):
        yield path, value


def _objects(value: Any, path: Steps) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, dict) and path:
        yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _objects(inner, (*path, key))


def rows_of(source: str, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return raw events in the columns of their log source, in order; what is no event of it is left out."""
    lines = b"\n".join(json.dumps(r, separators=(",", ":"), ensure_ascii=False).encode() for r in records)
    rows: list[dict[str, Any]] = read_records(BytesIO(lines), source).to_pylist()
    return rows


__all__ = ["MISSING", "Template", "meeting", "near_misses", "rows_of", "template"]
