"""DuckDB's spelling of the aggregate meanings."""

from __future__ import annotations

from livefire.engines.duckdb_sql.dynamic import as_json
from livefire.engines.duckdb_sql.scalars import WRAPPED
from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e
from livefire.schema import Type

Call = e.Call | e.Aggregate | e.WindowCall


def _order(printer: Printer, call: Call) -> str:
    keys = call.order_by if isinstance(call, e.Aggregate) else ()
    return f" ORDER BY {printer.order(keys)}" if keys else ""


def _count(printer: Printer, call: Call) -> str:
    if not call.args:
        return "count(*)"
    distinct = "DISTINCT " if isinstance(call, e.Aggregate) and call.distinct else ""
    return f"count({distinct}{printer.expr(call.args[0])})"


def _count_distinct(printer: Printer, call: Call) -> str:
    args = [printer.expr(a) for a in call.args]
    if len(args) == 1:
        return f"count(DISTINCT {args[0]})"
    none_null = " AND ".join(f"{a} IS NOT NULL" for a in args)
    return f"count(DISTINCT CASE WHEN {none_null} THEN ({', '.join(args)}) END)"


def _sum(printer: Printer, call: Call) -> str:
    return f"CAST(sum({printer.expr(call.args[0])})/*filter*//*over*/ AS {printer.sql_type(call.type)})"


def _sum_wrapping(printer: Printer, call: Call) -> str:
    return WRAPPED.replace("{}", f"sum({printer.expr(call.args[0])})/*filter*//*over*/")


def _ordered(name: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        return f"{name}({printer.expr(call.args[0])}{_order(printer, call)})"

    return spell


def _list(printer: Printer, call: Call) -> str:
    value = as_json(printer, call.args[0])
    listed = f"list({value}{_order(printer, call)})/*filter*//*over*/"
    return f"('[' || COALESCE(array_to_string({listed}, ','), '') || ']')"


def _set(printer: Printer, call: Call) -> str:
    value = as_json(printer, call.args[0])
    listed = f"list({value}{_order(printer, call)})/*filter*//*over*/"
    # list_distinct keeps no order, so each different value is put at its first place.
    placed = "list_transform(list_distinct(l), LAMBDA v: {'place': list_position(l, v), 'v': v})"
    parts = f"list_transform(list_sort({placed}), LAMBDA s: s.v)"
    return printer.dialect.let("l", listed, f"('[' || COALESCE(array_to_string({parts}, ','), '') || ']')")


def _set_sorted(printer: Printer, call: Call) -> str:
    raw = printer.expr(call.args[0])
    # A constant cannot order rows in DuckDB, and needs no order.
    order = "" if isinstance(call.args[0], e.Literal) else f" ORDER BY {raw}"
    listed = f"list(DISTINCT {raw}{order})/*filter*//*over*/"
    if call.args[0].type is Type.DYNAMIC:
        return f"('[' || COALESCE(array_to_string({listed}, ','), '') || ']')"
    return f"CAST(to_json(COALESCE(list_filter({listed}, LAMBDA x: x IS NOT NULL), [])) AS VARCHAR)"


def _percentile(printer: Printer, call: Call) -> str:
    value, percent = call.args
    if not isinstance(percent, e.Literal) or not isinstance(percent.value, (int, float)):
        raise ValueError("a percentile must be constant")
    return f"quantile_disc({printer.expr(value)}, {float(percent.value) / 100!r})"


def _arg(name: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        value, by = (printer.expr(a) for a in call.args)
        # A struct keeps a row whose value is null, which the plain aggregate passes over.
        return f"struct_extract({name}(struct_pack(v := {value}), {by})/*filter*//*over*/, 'v')"

    return spell


FUNCTIONS: dict[str, Spelling] = {
    "agg.count": _count,
    "agg.count_distinct": _count_distinct,
    "agg.sum": _sum,
    "agg.sum_wrapping": _sum_wrapping,
    "agg.avg": "avg({0})",
    "agg.min": "min({0})",
    "agg.max": "max({0})",
    "agg.stdev": "stddev_samp({0})",
    "agg.variance": "var_samp({0})",
    "agg.stdev_population": "stddev_pop({0})",
    "agg.variance_population": "var_pop({0})",
    "agg.percentile": _percentile,
    "agg.median": "median({0})",
    "agg.any": _ordered("any_value"),
    "agg.first": _ordered("first"),
    "agg.last": _ordered("last"),
    "agg.arg_max": _arg("arg_max"),
    "agg.arg_min": _arg("arg_min"),
    "agg.list": _list,
    "agg.set": _set,
    "agg.set_sorted": _set_sorted,
    "agg.union_arrays": (
        "('[' || COALESCE(array_to_string(list_distinct(flatten(list(CAST(json_extract({0}, '$[*]') AS VARCHAR[]))/*filter*//*over*/)), ','), '') || ']')"
    ),
    "agg.all": "bool_and({0})",
}
