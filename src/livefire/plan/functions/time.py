"""Meanings over datetimes (UTC, microseconds) and timespans (ticks of 100 ns)."""

from datetime import datetime

from livefire.plan.functions.model import D, Function, L, S, T, example

_HOUR = 36_000_000_000

FUNCTIONS = (
    Function("time.add", (2, 2), D, "a datetime and a timespan", examples=(example((datetime(2026, 1, 1), D), (_HOUR, T), gives=datetime(2026, 1, 1, 1)),)),
    Function(
        "time.subtract", (2, 2), D, "a datetime less a timespan", examples=(example((datetime(2026, 1, 1, 1), D), (_HOUR, T), gives=datetime(2026, 1, 1)),)
    ),
    Function(
        "time.difference",
        (2, 2),
        T,
        "the timespan from the second to the first",
        examples=(example((datetime(2026, 1, 1, 1), D), (datetime(2026, 1, 1), D), gives=_HOUR),),
    ),
    Function(
        "time.bin",
        (2, 2),
        D,
        "rounded down to a multiple of a timespan counted from 0001-01-01",
        examples=(
            example((datetime(2026, 1, 1, 1, 30), D), (_HOUR, T), gives=datetime(2026, 1, 1, 1)),
            example((datetime(2026, 11, 21, 5), D), (7 * 24 * _HOUR, T), gives=datetime(2026, 11, 16)),
        ),
    ),
    Function(
        "time.bin_at",
        (3, 3),
        D,
        "rounded down to a multiple of a timespan counted from the third",
        examples=(example((datetime(2026, 1, 1, 1, 30), D), (_HOUR, T), (datetime(2026, 1, 1, 0, 15), D), gives=datetime(2026, 1, 1, 1, 15)),),
    ),
    Function(
        "time.start_of",
        (2, 2),
        D,
        "start of the unit (constant second: second, minute, hour, day, week from Sunday, week_monday, month, quarter, year)",
        examples=(
            example((datetime(2026, 11, 21, 5), D), ("month", S), gives=datetime(2026, 11, 1)),
            example((datetime(2026, 11, 21, 5), D), ("week", S), gives=datetime(2026, 11, 15)),
        ),
    ),
    Function(
        "time.part",
        (2, 2),
        L,
        "a calendar part (constant second: year, quarter, month, day, hour, minute, second, millisecond, day_of_week from Sunday 0, day_of_year, week_of_year)",
        examples=(example((datetime(2026, 11, 21, 5), D), ("day_of_week", S), gives=6), example((datetime(2026, 11, 21, 5), D), ("year", S), gives=2026)),
    ),
    Function(
        "time.add_months",
        (2, 2),
        D,
        "a number of calendar months later, the day cut to the month's last",
        examples=(example((datetime(2026, 1, 31), D), (1, L), gives=datetime(2026, 2, 28)),),
    ),
    Function(
        "time.parse",
        (1, 1),
        D,
        "an ISO 8601 text, offset honoured, no offset is UTC; null for other text",
        "null for null or other text",
        examples=(example(("2026-01-01T02:00:00+02:00", S), gives=datetime(2026, 1, 1)), example(("x", S), gives=None)),
    ),
    Function(
        "time.parse_format",
        (2, 2),
        D,
        "text by a constant strptime format; null when it does not fit",
        "null for null or other text",
        examples=(example(("21/11/2026", S), ("%d/%m/%Y", S), gives=datetime(2026, 11, 21)),),
    ),
    Function(
        "time.format", (2, 2), S, "text by a constant strftime format", examples=(example((datetime(2026, 11, 21), D), ("%Y-%m-%d", S), gives="2026-11-21"),)
    ),
    Function("time.iso", (1, 1), S, "as 2026-11-21T05:00:00.000000Z", examples=(example((datetime(2026, 11, 21, 5), D), gives="2026-11-21T05:00:00.000000Z"),)),
    Function(
        "time.from_epoch",
        (2, 2),
        D,
        "seconds (constant second: s), milliseconds (ms) or microseconds (us) since 1970",
        examples=(example((1000, L), ("ms", S), gives=datetime(1970, 1, 1, 0, 0, 1)),),
    ),
    Function(
        "time.to_epoch",
        (2, 2),
        L,
        "whole seconds (s), milliseconds (ms) or microseconds (us) since 1970",
        examples=(example((datetime(1970, 1, 1, 0, 0, 1), D), ("ms", S), gives=1000),),
    ),
)
