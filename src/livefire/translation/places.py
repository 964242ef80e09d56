"""Places in the events of a log source: expressions over storage that reach the same value are one place."""

from __future__ import annotations

from functools import cache

from livefire.logsources.registry import source as log_source
from livefire.plan import expr as e
from livefire.schema import Type
from livefire.translation.condition import Field, Reading

Steps = tuple[str | int, ...]
PARSED = "{json}"
_TEXTS = frozenset({Type.STRING, Type.GUID})


@cache
def _raw_places(source: str) -> dict[Steps, tuple[str, Type]]:
    """Return where each hot column stands in the raw event, for a source whose events have one form."""
    if not source:
        return {}
    found = log_source(source)
    if len(found.forms) != 1:
        return {}
    types = {c.name: c.type for c in found.columns}
    return {place: (name, types[name]) for name, place in found.forms[0].places.items() if isinstance(place, tuple)}


@cache
def _hot_inside(source: str) -> dict[tuple[str, Steps], str]:
    """Return the hot columns that hold, in every form of event, what stands in the JSON of another, by that place."""
    origins = log_source(source).origins if source else {}
    return {origin.places[0]: name for name, origin in origins.items() if not origin.forms and len(origin.places) == 1}


def twin(source: str, field: Field) -> Field | None:
    """Return the hot column that holds a scalar below another one, or the place below it that a hot column holds; None where there is none."""
    inside = _hot_inside(source)
    if field.place in inside:
        return Field(inside[field.place])
    place = next((p for p, name in inside.items() if (name, ()) == field.place), None)
    return None if place is None else Field(*place, "leaf")


def parts_of(source: str, column: str) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """Return the places of which a hot column is the first that is there, and the forms of event in which that is not so."""
    found = log_source(source)
    origin = found.origins.get(column)
    if origin is None or len(origin.places) < 2:
        return (), ()
    fields = []
    for inside, steps in origin.places:
        name, rest, kind = normal(source, inside, steps)
        fields.append(Field(name, rest, "value" if kind is not Type.DYNAMIC else "leaf", kind if kind is not Type.DYNAMIC else Type.STRING))
    return tuple(fields), tuple(f.name for f in found.forms if origin.forms and f.name not in origin.forms)


def normal(source: str, column: str, steps: Steps) -> tuple[str, Steps, Type]:
    """Return the hot column nearest to a value, the steps that are left below it, and the type of what is there."""
    places = _raw_places(source)
    own = next((place for place, (name, _) in places.items() if name == column), None)
    full: Steps | None = (*own, *steps) if own is not None else steps if column == "_raw" else None
    if full is not None:
        for cut in range(len(full), 0, -1):
            hot = places.get(full[:cut])
            if hot is not None and (cut == len(full) or hot[1] is Type.DYNAMIC):
                return hot[0], full[cut:], hot[1] if cut == len(full) else Type.DYNAMIC
    kind = log_source(source).schema.get(column) if source else None
    return column, steps, Type.DYNAMIC if steps or kind is None else kind.type


def path_of(expr: e.Expr) -> tuple[str, Steps] | None:
    """Return column and steps of a dynamic expression that only navigates; JSON text read again is a step of its own."""
    match expr:
        case e.Column(name=name):
            return name, ()
        case e.Path(base=base, steps=steps):
            inner = path_of(base)
            return None if inner is None else (inner[0], (*inner[1], *steps))
        case e.Call(function="dynamic.element", args=(base, e.Literal(value=(str() | int()) as step))):
            inner = path_of(base)
            return None if inner is None else (inner[0], (*inner[1], step))
        case e.Call(function="dynamic.parse" | "dynamic.try_parse", args=(text,)):
            bare = without_default(text)
            inner = path_of(bare.args[0]) if isinstance(bare, e.Call) and bare.function in ("dynamic.text", "dynamic.leaf") else None
            if inner is None:
                return None
            # A hot column holds an object, whose text reads back as itself; a text below one may hold JSON again.
            return (inner[0], (*inner[1], PARSED)) if inner[1] else inner
        case e.Call(function="dynamic.of", args=(inside,)) if inside.type is Type.DYNAMIC:
            return path_of(inside)
        case e.Call(function="logic.cast", args=(inside,)) if inside.type is Type.DYNAMIC:
            return path_of(inside)
        case e.Call(function="dynamic.deep", args=(base, e.Literal(value=str() as steps))):
            return _deep(base, steps)
        case e.Call(function="logic.null_if", args=(e.Call(function="list.filter", args=(base, _)), e.Literal(value="[]"))):
            inner = path_of(base)
            return inner if inner is not None and "*" in inner[1] else None
        case _:
            return None


def _deep(base: e.Expr, steps: str) -> tuple[str, Steps] | None:
    import json

    inner = path_of(base)
    return None if inner is None else (inner[0], (*inner[1], *json.loads(steps)))


def without_default(expr: e.Expr) -> e.Expr:
    """Return what stands before the constant that takes the place of a missing value."""
    match expr:
        case e.Call(function="logic.coalesce", args=(value, e.Literal())):
            return value
        case _:
            return expr


def field_of(source: str, expr: e.Expr) -> Field | None:
    """Return the place that an expression reads, None when it does more than read one."""
    match expr:
        case e.Column(name=name, type=kind) if kind is not Type.DYNAMIC:
            column, steps, _ = normal(source, name, ())
            return Field(column, steps, "value", kind)
        case e.Call(function="dynamic.text", args=(e.Call(function="multi.single", args=(base,)),)):
            return _read(source, base, "only")
        case e.Call(function="dynamic.text", args=(base,)):
            return _read(source, base, "text")
        case e.Call(function="dynamic.leaf", args=(base,)):
            return _read(source, base, "leaf")
        case e.Call(function="dynamic.field", args=(base, e.Literal(value=str() as ways), _)):
            return _first_way(source, base, ways)
        case e.Call(function="convert.to_int", args=(inner,)):
            return field_of(source, inner)
        case e.Call(function="convert.dynamic_long", args=(base,)):
            found = _read(source, base, "value")
            return found if found is not None and not found.steps and found.type is expr.type else None
        case e.Call(function="dynamic.long" | "dynamic.real" | "dynamic.bool" | "dynamic.datetime", args=(base,)):
            found = _read(source, base, "value")
            return found if found is not None and not found.steps and found.type is expr.type else None
        case _:
            return None


def each_of(source: str, expr: e.Expr) -> Field | None:
    """Return the place whose elements an expression gives."""
    return _read(source, expr, "each")


def _read(source: str, base: e.Expr, reading: Reading) -> Field | None:
    found = path_of(base)
    if found is None:
        return None
    column, steps, kind = normal(source, *found)
    if kind is Type.STRING:
        # A hot text column holds the scalar that stands there.
        return Field(column, steps, "value", kind)
    if kind is not Type.DYNAMIC:
        return Field(column, steps, "value", kind) if reading == "value" else None
    return Field(column, steps, reading, Type.STRING)


def _first_way(source: str, base: e.Expr, ways: str) -> Field | None:
    """A flat name has several readings as a path; the first is the one that events are written with."""
    import json

    found = path_of(base)
    if found is None:
        return None
    first = json.loads(ways)[0]
    column, steps, kind = normal(source, found[0], (*found[1], *first))
    return Field(column, steps, "value" if kind is not Type.DYNAMIC else "leaf", kind if kind is not Type.DYNAMIC else Type.STRING)
