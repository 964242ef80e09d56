"""Functions over arrays and bags. https://learn.microsoft.com/kusto/query/scalar-functions#dynamicarray-functions"""

from __future__ import annotations

import re
from collections.abc import Callable

from livefire.languages.kit.ast import Apply, Constant, Name, Star
from livefire.languages.kql import coerce
from livefire.languages.kql.calls import Columns, Scalar, Site
from livefire.languages.kql.naming import default_name
from livefire.languages.kql.scalars import lower_scalar
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type


def on_array(meaning: str) -> Scalar:
    """Return the function of a meaning over one dynamic value."""
    return Scalar(lambda s: s.call(meaning, s.dynamic(0)), 1, 1)


def on_arrays(meaning: str, most: int = 64) -> Scalar:
    """Return the function of a meaning over several dynamic values."""
    return Scalar(lambda s: s.call(meaning, *(s.dynamic(i) for i in range(len(s.args)))), 2, most)


def _concat(site: Site) -> e.Expr:
    return site.call("dynamic.concat", *(site.dynamic(i) for i in range(len(site.args))))


def _index_of(site: Site) -> e.Expr:
    extras = [site.index(i) if site.has(i) else e.whole(d) for i, d in ((2, 0), (3, -1), (4, 1))]
    return site.call("array.index_of", site.dynamic(0), coerce.to_dynamic(site.args[1]), *extras)


def _rotate(sign: int) -> Callable[[Site], e.Expr]:
    def lower(site: Site) -> e.Expr:
        count = site.index(1)
        return site.call("array.rotate_left", site.dynamic(0), count if sign > 0 else call("number.negate", count))

    return lower


def _shift(sign: int) -> Callable[[Site], e.Expr]:
    def lower(site: Site) -> e.Expr:
        count = site.index(1)
        filling = coerce.to_dynamic(site.args[2]) if site.has(2) else e.null(Type.DYNAMIC)
        return site.call("array.shift_left", site.dynamic(0), count if sign > 0 else call("number.negate", count), filling)

    return lower


def _sorted(site: Site, descending: bool) -> list[e.Expr]:
    """Return the first array in order, and the others in the order of the first."""
    last: e.Expr = e.TRUE
    count = len(site.args)
    if site.args[-1].type is Type.BOOL:
        last, count = site.args[-1], count - 1
    down = e.Literal(descending, Type.BOOL)
    first = site.call("array.sort", site.dynamic(0), down, last)
    return [first, *(site.call("array.sort_by", site.dynamic(i), site.dynamic(0), down, last) for i in range(1, count))]


def _sort(descending: bool) -> Scalar:
    def lower(site: Site) -> e.Expr:
        """One array is the sorted array; several are an array of them."""
        parts = _sorted(site, descending)
        return parts[0] if len(parts) == 1 else call("dynamic.array", *parts)

    def columns(site: Site) -> Columns:
        names = [default_name(a.value) for a in site.node.args]
        return [(f"{names[i] or f'array{i}'}_sorted", part) for i, part in enumerate(_sorted(site, descending))]

    return Scalar(lower, 1, 64, columns=columns)


def _split(site: Site) -> e.Expr:
    places = site.args[1]
    listed = places if places.type is Type.DYNAMIC else site.call("dynamic.array", site.index(1))
    return site.call("array.split", site.dynamic(0), listed)


def _choose(site: Site) -> e.Expr:
    return site.call("array.choose", site.dynamic(0), coerce.to_dynamic(site.args[1]), coerce.to_dynamic(site.args[2]))


def _pack(site: Site) -> e.Expr:
    if len(site.args) % 2:
        return site.scope.error("E105", f"{site.node.function} takes names and values in turn", site.span)
    parts: list[e.Expr] = []
    for place in range(0, len(site.args), 2):
        parts.extend((site.text(place), coerce.to_dynamic(site.args[place + 1])))
    return site.call("dynamic.object", *parts)


def _pack_all(site: Site) -> e.Expr:
    """A bag of every column; with true, without the null and empty ones."""
    columns = [c for c in site.scope.columns.values() if isinstance(c, e.Column) and not c.name.startswith("\x02")]
    if site.scope.open:
        return e.null(Type.DYNAMIC)
    parts: list[e.Expr] = []
    for column in columns:
        parts.extend((e.text(column.name), coerce.to_dynamic(column)))
    if site.has(0) and not (isinstance(site.args[0], e.Literal) and site.args[0].value is False):
        filled = []
        for column in columns:
            value = coerce.to_dynamic(call("logic.null_if", column, e.text("")) if column.type is Type.STRING else column)
            alone = call("dynamic.object", e.text(column.name), value)
            filled.append(e.Case(((call("logic.is_null", value), e.Literal("{}", Type.DYNAMIC)),), alone, Type.DYNAMIC))
        return site.call("object.merge", *filled) if filled else e.Literal("{}", Type.DYNAMIC)
    return site.call("dynamic.object", *parts)


def _pack_array(site: Site) -> e.Expr:
    values: list[e.Expr] = []
    for argument in site.node.args:
        if isinstance(argument.value, Star):
            values.extend(c for c in site.scope.columns.values() if isinstance(c, e.Column) and not c.name.startswith("\x02"))
        else:
            values.append(lower_scalar(site.scope, argument.value))
    return site.call("dynamic.array", *(coerce.to_dynamic(v) for v in values))


def _pack_columns(site: Site) -> e.Expr:
    parts: list[e.Expr] = []
    for argument, value in zip(site.node.args, site.args, strict=True):
        parts.extend((e.text(argument.name or default_name(argument.value) or "Column1"), coerce.to_dynamic(value)))
    return site.call("dynamic.object", *parts)


def _has_element(site: Site) -> e.Expr:
    return site.call("logic.is_true", site.call("array.holds", site.dynamic(0), coerce.to_dynamic(site.args[1])))


def _jaccard(site: Site) -> e.Expr:
    both = [call("dynamic.length", call(m, site.dynamic(0), site.dynamic(1))) for m in ("array.intersect", "array.union")]
    return site.call("number.divide", *both)


def _range(site: Site) -> e.Expr:
    start, stop = site.args[:2]
    if start.type is Type.DATETIME:
        step = coerce.fit(site.args[2], Type.TIMESPAN) if site.has(2) else e.Literal(36_000_000_000, Type.TIMESPAN)
        return site.call("array.range_datetime", start, coerce.fit(stop, Type.DATETIME), step)
    if start.type is Type.TIMESPAN:
        return site.refuse("a range of timespans is not run", "make a range of numbers and multiply")
    if start.type is Type.UNKNOWN:
        return e.null(Type.DYNAMIC)
    for place, arg in enumerate(site.args):
        if not arg.type.numeric and arg.type not in (Type.DYNAMIC, Type.UNKNOWN):
            site.wrong(place, "a number")
    step = site.args[2] if site.has(2) else e.whole(1)
    kind = coerce.meet([start.type, stop.type, step.type]) or Type.LONG
    kind = Type.REAL if kind in (Type.REAL, Type.DECIMAL) else Type.LONG
    return site.call("array.range", *(coerce.fit(x, kind) for x in (start, stop, step)))


# As many elements as Kusto gives an array.
_MOST = 1_048_576


def _repeat(site: Site) -> e.Expr:
    count = site.index(1)
    if not isinstance(count, e.Literal):
        count = e.Case(((call("compare.le", count, e.whole(_MOST)), count),), e.null(Type.LONG), Type.LONG)
    return site.call("array.repeat", coerce.to_dynamic(site.args[0]), count)


def read_path(path: str) -> list[str | int] | None:
    """Return the steps of a path such as `$.a['b'][0]`; None for one that is not read."""
    steps: list[str | int] = []
    for match in re.finditer(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]|\[['\"]([^'\"]+)['\"]\]|(.)", path.removeprefix("$")):
        if match[4]:
            return None
        steps.append(int(match[2]) if match[2] is not None else match[1] or match[3])
    return steps


def _has_key(site: Site) -> e.Expr:
    bag: e.Expr = site.dynamic(0)
    if not isinstance(site.args[1], e.Literal):
        name = site.string(1)
        path = call("text.starts_with", name, e.text("$"))
        # What a path that a log holds leads to is not followed: whether it is there is not known.
        return e.Case(((path, e.null(Type.BOOL)),), call("logic.is_true", site.call("object.has", bag, name)), Type.BOOL)
    key = site.constant_text(1)
    if key.startswith("$"):
        steps = read_path(key)
        if not steps:
            return site.refuse(f"the path {key!r} is not read", "write $.a.b or $['a'][0]")
        bag = e.Path(bag, tuple(steps[:-1])) if len(steps) > 1 else bag
        if isinstance(steps[-1], int):
            return site.call("logic.is_true", call("compare.gt", call("dynamic.length", bag), e.whole(steps[-1])))
        key = steps[-1]
    return site.call("logic.is_true", site.call("object.has", bag, e.text(key)))


def _set_key(site: Site) -> e.Expr:
    return site.call("object.with_member", site.dynamic(0), site.text(1), coerce.to_dynamic(site.args[2]))


_TYPES = {Type.REAL: "real", Type.DYNAMIC: "dynamic", Type.UNKNOWN: "null"}


def _gettype(site: Site) -> e.Expr:
    value = site.args[0]
    if value.type is Type.DYNAMIC:
        return site.call("logic.type_name", value)
    return e.text(_TYPES.get(value.type, value.type.value))


def _column_ifexists(site: Site) -> e.Expr:
    """The column named by a constant text if the rows have it, else the second argument."""
    name = lower_scalar(site.scope, site.node.args[0].value) if not isinstance(site.node.args[0].value, Name) else None
    if isinstance(site.node.args[0].value, Name) and name is None:
        bound = site.scope.frame.find(site.node.args[0].value.text)
        name = bound if isinstance(bound, e.Literal) else e.text(site.node.args[0].value.text)
    if not isinstance(name, e.Literal) or not isinstance(name.value, str):
        return site.scope.error("E107", "the column's name must be a constant text", site.node.args[0].span)
    found = site.scope.columns.get(name.value)
    if found is not None:
        return found
    default: object = site.node.args[1].value
    return lower_scalar(site.scope, default)


def _series_sum(site: Site) -> e.Expr:
    return site.call("array.sum", site.dynamic(0))


DYNAMIC: dict[str, Scalar] = {
    "dcount_hll": Scalar(lambda s: s.call("array.length", s.dynamic(0)), 1, 1),
    "hll_merge": Scalar(lambda s: s.call("array.union", *(s.dynamic(i) for i in range(len(s.args)))), 2, None),
    "array_length": on_array("dynamic.length"), "arraylength": on_array("dynamic.length"), "array_concat": Scalar(_concat, 1, 64),
    "array_index_of": Scalar(_index_of, 2, 5), "array_slice": Scalar(lambda s: s.call("dynamic.slice", s.dynamic(0), s.index(1), s.index(2)), 3, 3),
    "array_reverse": on_array("array.reverse"), "array_rotate_left": Scalar(_rotate(1), 2, 2), "array_rotate_right": Scalar(_rotate(-1), 2, 2),
    "array_shift_left": Scalar(_shift(1), 2, 3), "array_shift_right": Scalar(_shift(-1), 2, 3), "array_sort_asc": _sort(False),
    "array_sort_desc": _sort(True), "array_split": Scalar(_split, 2, 2), "array_iff": Scalar(_choose, 3, 3), "array_iif": Scalar(_choose, 3, 3),
    "array_sum": Scalar(_series_sum, 1, 1), "series_sum": Scalar(_series_sum, 1, 1), "bag_keys": on_array("dynamic.keys"),
    "bag_merge": on_arrays("object.merge"), "bag_remove_keys": Scalar(lambda s: s.call("object.without", s.dynamic(0), s.dynamic(1)), 2, 2),
    "bag_has_key": Scalar(_has_key, 2, 2), "bag_set_key": Scalar(_set_key, 3, 3), "bag_zip": on_arrays("object.zip", 2),
    "bag_pack": Scalar(_pack, 2, None), "pack": Scalar(_pack, 2, None), "pack_dictionary": Scalar(_pack, 2, None), "pack_all": Scalar(_pack_all, 0, 1),
    "pack_array": Scalar(_pack_array, 1, None, raw=True), "bag_pack_columns": Scalar(_pack_columns, 1, None), "set_has_element": Scalar(_has_element, 2, 2),
    "set_union": on_arrays("array.union"), "set_intersect": on_arrays("array.intersect"), "set_difference": on_arrays("array.difference"),
    "set_equals": on_arrays("array.same_set", 2), "jaccard_index": Scalar(_jaccard, 2, 2), "zip": on_arrays("array.zip"), "range": Scalar(_range, 2, 3),
    "repeat": Scalar(_repeat, 2, 2), "gettype": Scalar(_gettype, 1, 1), "column_ifexists": Scalar(_column_ifexists, 2, 2, raw=True),
    "columnifexists": Scalar(_column_ifexists, 2, 2, raw=True),
    "dynamic_to_json": Scalar(lambda s: s.call("logic.coalesce", s.call("object.sorted", coerce.to_dynamic(s.args[0])), e.text("")), 1, 1),
}  # fmt: skip

__all__ = ["DYNAMIC", "Apply", "Constant"]
