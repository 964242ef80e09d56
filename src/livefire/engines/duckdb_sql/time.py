"""DuckDB's spelling of the meanings over time. Timespans are BIGINT ticks of 100 ns."""

from __future__ import annotations

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

# Microseconds from 0001-01-01 to 1970-01-01: Kusto and .NET count bins from the first.
_YEAR_ONE = 62_135_596_800_000_000


def _bin(printer: Printer, call: Call) -> str:
    value, size = (printer.expr(a) for a in call.args)
    micros = f"(epoch_us({value}) + {_YEAR_ONE})"
    step = f"({size} // 10)"
    return f"(CASE WHEN {size} >= 10 THEN make_timestamp({micros} - {micros} % {step} - {_YEAR_ONE}) END)"


def _bin_at(printer: Printer, call: Call) -> str:
    value, size, origin = (printer.expr(a) for a in call.args)
    micros, step = f"(epoch_us({value}) - epoch_us({origin}))", f"({size} // 10)"
    return f"(CASE WHEN {size} >= 10 THEN make_timestamp(epoch_us({value}) - (({micros} % {step}) + {step}) % {step}) END)"


def _unit(call: Call) -> str:
    unit = call.args[1]
    if not isinstance(unit, e.Literal) or not isinstance(unit.value, str):
        raise ValueError("a calendar unit must be constant")
    return unit.value


def _start_of(printer: Printer, call: Call) -> str:
    value, unit = printer.expr(call.args[0]), _unit(call)
    if unit == "week":
        return f"(CAST(date_trunc('week', {value} + INTERVAL 1 DAY) AS TIMESTAMP) - INTERVAL 1 DAY)"
    return f"CAST(date_trunc('{_DATE_TRUNC[unit]}', {value}) AS TIMESTAMP)"


_DATE_TRUNC = {u: u for u in ("second", "minute", "hour", "day", "month", "quarter", "year")} | {"week_monday": "week"}
_PART = {
    "year": "year({0})",
    "quarter": "quarter({0})",
    "month": "month({0})",
    "day": "day({0})",
    "hour": "hour({0})",
    "minute": "minute({0})",
    "second": "second({0})",
    "millisecond": "(millisecond({0}) % 1000)",
    "microsecond": "(microsecond({0}) % 1000000)",
    "day_of_week": "dayofweek({0})",
    "day_of_year": "dayofyear({0})",
    "week_of_year": "weekofyear({0})",
}
_FROM_EPOCH = {"s": 1_000_000, "ms": 1_000, "us": 1}
_FIRST_MOMENT, _LAST_MOMENT = -62_135_596_800_000_000, 253_402_300_799_999_999


def _moved(sign: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        value, size = (printer.expr(a) for a in call.args)
        moved = f"make_timestamp(epoch_us({value}) {sign} {size} // 10)"
        if isinstance(call.args[1], e.Literal):
            return moved
        # A length of time may be anyone's: beyond the years 1 to 9999 there is no moment.
        return f"(CASE WHEN epoch_us({value}) {sign} {size} // 10 BETWEEN {_FIRST_MOMENT} AND {_LAST_MOMENT} THEN {moved} END)"

    return spell


def _part(printer: Printer, call: Call) -> str:
    return f"CAST({_PART[_unit(call)].format(printer.expr(call.args[0]))} AS BIGINT)"


def _add_months(printer: Printer, call: Call) -> str:
    value, months = (printer.expr(a) for a in call.args)
    moved = f"({value} + to_months(CAST({months} AS INTEGER)))"
    return moved if isinstance(call.args[1], e.Literal) else f"(CASE WHEN {months} BETWEEN -120000 AND 120000 THEN {moved} END)"


def _from_epoch(printer: Printer, call: Call) -> str:
    # A number may be anyone's: one that is no time between the years 1 and 9999 is null, and ends no run.
    moment = f"CAST({{0}} * {_FROM_EPOCH[_unit(call)]} AS BIGINT)"
    return printer.fill(f"TRY(CASE WHEN {moment} BETWEEN {_FIRST_MOMENT} AND {_LAST_MOMENT} THEN make_timestamp({moment}) END)", call)


def _to_epoch(printer: Printer, call: Call) -> str:
    value, size = printer.expr(call.args[0]), _FROM_EPOCH[_unit(call)]
    return f"epoch_us({value})" if size == 1 else f"CAST(floor(epoch_us({value}) / {size}) AS BIGINT)"


FUNCTIONS: dict[str, Spelling] = {
    "time.add": _moved("+"),
    "time.subtract": _moved("-"),
    "time.difference": "((epoch_us({0}) - epoch_us({1})) * 10)",
    "time.bin": _bin,
    "time.bin_at": _bin_at,
    "time.start_of": _start_of,
    "time.part": _part,
    "time.add_months": _add_months,
    # A cast through TIMESTAMPTZ honours an offset; a text without one is UTC because the session is.
    "time.parse": "CAST(TRY_CAST({0} AS TIMESTAMPTZ) AS TIMESTAMP)",
    "time.parse_format": "TRY_CAST(try_strptime({0}, {1}) AS TIMESTAMP)",
    "time.format": "strftime({0}, {1})",
    "time.iso": "strftime({0}, '%Y-%m-%dT%H:%M:%S.%fZ')",
    "time.from_epoch": _from_epoch,
    "time.to_epoch": _to_epoch,
}
