"""Dates read from texts, and the parts of a date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.languages.esql.running import refusal, value


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("yyyy-MM-dd HH:mm:ss", "2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("d MMM yyyy", "2 Jan 2026", datetime(2026, 1, 2, tzinfo=UTC)),
        ("M/d/yyyy h:mm a", "1/2/2026 9:05 PM", datetime(2026, 1, 2, 21, 5, tzinfo=UTC)),
        # Two letters are two digits, no more and no fewer; names have their own case.
        ("MM/dd/yyyy", "1/2/2026", None),
        ("d MMM yyyy", "2 JAN 2026", None),
        ("yyyy-MM-dd", "2026-01-02T03", None),
        ("yyyy-MM-dd", "2026-02-30", None),
        # A zone is taken off: 03:04 two hours east of UTC is 01:04 there.
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2026-01-02T03:04:05+0200", None),
        ("yyyy-MM-dd HH:mm Z", "2026-01-02 03:04 -0530", datetime(2026, 1, 2, 8, 34, tzinfo=UTC)),
    ],
)
def test_a_text_is_read_by_a_pattern(pattern: str, text: str, found: datetime | None) -> None:
    assert value(f'DATE_PARSE("{pattern}", "{text}")') == found


@pytest.mark.parametrize("pattern", ["yy-MM-dd", "YYYY-MM-dd", "XXX yyyy", "yyyy-MM-dd VV", "epoch_millis"])
def test_a_pattern_that_cannot_be_read_by_is_refused(pattern: str) -> None:
    assert refusal(f'ROW x = DATE_PARSE("{pattern}", "x")').code == "E305"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # The year must be there, the rest may: strict_date_optional_time.
        ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-03", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-04", datetime(2026, 3, 4, tzinfo=UTC)),
        ("2026-03-04T05", datetime(2026, 3, 4, 5, tzinfo=UTC)),
        ("2026-03-04T05Z", datetime(2026, 3, 4, 5, tzinfo=UTC)),
        ("2026-03-04T05:06+01:00", datetime(2026, 3, 4, 4, 6, tzinfo=UTC)),
        ("2026-03-04T05:06:07.089Z", datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)),
        ("2026-03-04 05:06:07", None),
        ("26-03-04", None),
        ("1700000000000", None),
        ("2026-13", None),
    ],
)
def test_a_text_is_converted(text: str, found: datetime | None) -> None:
    assert value(f'TO_DATETIME("{text}")') == found
    assert value(f'DATE_PARSE("{text}")') == found


# 31 May is day 151; 13:45:59.123 is 49,559,123 ms after midnight. Thirty days before it are 4 weeks and 2 days, 150 days 21 weeks and 3.
PARTS = {
    "aligned_day_of_week_in_month": 3,
    "aligned_day_of_week_in_year": 4,
    "aligned_week_of_month": 5,
    "aligned_week_of_year": 22,
    "ampm_of_day": 1,
    "clock_hour_of_ampm": 1,
    "clock_hour_of_day": 13,
    "hour_of_ampm": 1,
    "day_of_week": 7,
    "day_of_year": 151,
    "era": 1,
    "offset_seconds": 0,
    "proleptic_month": 2026 * 12 + 4,
    "instant_seconds": 1_780_235_159,
    "milli_of_day": 49_559_123,
    "micro_of_day": 49_559_123_000,
    "nano_of_day": 49_559_123_000_000,
    "micro_of_second": 123_000,
    "nano_of_second": 123_000_000,
}


def test_the_parts_of_a_date() -> None:
    found: dict[str, Any] = {part: value(f'DATE_EXTRACT("{part}", "2026-05-31T13:45:59.123Z"::datetime)') for part in PARTS}
    assert found == PARTS
    assert value('DATE_EXTRACT("clock_hour_of_day", "2026-05-31"::datetime)') == 24
    assert value('DATE_EXTRACT("clock_hour_of_ampm", "2026-05-31T12:00:00Z"::datetime)') == 12
    assert value('DATE_EXTRACT("era", null)') is None
