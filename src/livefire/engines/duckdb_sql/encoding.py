"""DuckDB's spelling of the meanings that encode, decode, digest and lay out text."""

from __future__ import annotations

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_DIGESTS = {"md5": "md5", "sha1": "sha1", "sha256": "sha256"}


def _constant(arg: e.Expr) -> e.Scalar:
    if not isinstance(arg, e.Literal):
        raise ValueError("this argument must be constant")
    return arg.value


def _digest(printer: Printer, call: Call) -> str:
    return f"{_DIGESTS[str(_constant(call.args[1]))]}({printer.expr(call.args[0])})"


def _fixed(printer: Printer, call: Call) -> str:
    decimals, grouped = _constant(call.args[1]), _constant(call.args[2])
    if not isinstance(decimals, int) or isinstance(decimals, bool):
        raise ValueError("the number of decimals must be whole")
    pattern = "{:" + ("," if grouped else "") + f".{decimals}f" + "}"
    return f"format({printer.literal(e.text(pattern))}, CAST({printer.expr(call.args[0])} AS DOUBLE))"


FUNCTIONS: dict[str, Spelling] = {
    "text.digest": _digest,
    "text.split_regex": "CAST(to_json(regexp_split_to_array({0}, {1})) AS VARCHAR)",
    "number.fixed": _fixed,
}
