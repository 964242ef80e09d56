"""DuckDB's spelling of the conversions."""

from __future__ import annotations

from livefire.engines.sql import Spelling

_TO_YEAR_ONE = 62_135_596_800_000_000
_DAY = 864_000_000_000
_WHOLE = r"'\s*[-+]?[0-9]+\s*'"
_FRACTION = "CASE WHEN abs({0}) % 10000000 > 0 THEN printf('.%07d', abs({0}) % 10000000) ELSE '' END"
_CLOCK = "printf('%02d:%02d:%02d', (abs({0}) // 36000000000) % 24, (abs({0}) // 600000000) % 60, (abs({0}) // 10000000) % 60)"
_DAYS = f"CASE WHEN abs({{0}}) >= {_DAY} THEN CAST(abs({{0}}) // {_DAY} AS VARCHAR) || '.' ELSE '' END"
_SPAN = r"'^\s*([-+]?)(?:(\d{{1,8}})\.)?(\d{{1,2}}):(\d{{1,2}})(?::(\d{{1,2}})(?:\.(\d{{1,7}})\d*)?)?\s*$'"
_UNIT = r"'^\s*(-?\s*\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$'"


def _part(group: int) -> str:
    return f"COALESCE(TRY_CAST(NULLIF(regexp_extract({{0}}, {_SPAN}, {group}), '') AS BIGINT), 0)"


_CLOCK_TICKS = (
    f"(CASE WHEN {_part(3)} < 24 AND {_part(4)} < 60 AND {_part(5)} < 60 THEN"
    f" (((({_part(2)} * 24 + {_part(3)}) * 60 + {_part(4)}) * 60 + {_part(5)}) * 10000000"
    f" + CAST(rpad(regexp_extract({{0}}, {_SPAN}, 6), 7, '0') AS BIGINT))"
    f" * (CASE WHEN regexp_extract({{0}}, {_SPAN}, 1) = '-' THEN -1 ELSE 1 END) END)"
)
_UNIT_TICKS = (
    f"(CASE regexp_extract({{0}}, {_UNIT}, 2)"
    + "".join(
        f" WHEN '{unit}' THEN {ticks}"
        for ticks, units in (
            (_DAY, "d day days"), (36_000_000_000, "h hr hrs hour hours"), (600_000_000, "m min minute minutes"), (10_000_000, "s sec second seconds"),
            (10_000, "ms milli millis millisec millisecond milliseconds"), (10, "micro micros microsec microsecond microseconds"),
            (1, "tick ticks"), (0.01, "nano nanos nanosec nanosecond nanoseconds"),
        )
        for unit in units.split()
    )
    + " END)"
)  # fmt: skip
_CLOCK_TEXT = r"(?:[01]?\d|2[0-3]):[0-5]?\d(?::[0-5]?\d(?:[.,]\d+)?)?"
_ISO = (
    rf"'\s*\d{{{{4}}}}[-/]\d{{{{1,2}}}}(?:[-/]\d{{{{1,2}}}}(?:[T ]\s*{_CLOCK_TEXT})?)?"
    r"\s*(?:Z|UTC|GMT|[-+](?:0?\d|1[0-4]):?[0-5]\d|[-+](?:0\d|1[0-4]))?\s*'"
)
# Blanks before the zone go, a month and a time without seconds get what they lack.
_ISO_TEXT = (
    r"regexp_replace(regexp_replace(regexp_replace(replace(replace(replace(replace({0}, 'UTC', 'Z'), 'GMT', 'Z'), '/', '-'), ',', '.'),"
    r" '\s+(Z|[-+][0-9:]+)?\s*$', '\1'), '^\s*(\d{{4}}-\d{{1,2}})(Z?)$', '\1-01\2'), '^\s*(\d{{4}}-\d{{1,2}}-\d{{1,2}})Z$', '\1')"
)
_US = r"'\s*\d{{1,2}}[/-]\d{{1,2}}[/-]\d{{4}}(?:[T ][^\n\r]*)?\s*'"
_US_TEXT = r"regexp_replace(regexp_replace(regexp_replace({0}, '^\s+|\s*Z?\s*$', '', 'g'), '^(\d+)-(\d+)-', '\1/\2/'), 'T', ' ')"
_FORMATS = ["%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%m/%d/%Y %I:%M %p"]
_COMPACT = r"'\s*(\d{{8}})(?:[T ]?(\d{{2}}):?(\d{{2}})(?::?(\d{{2}}))?)?Z?\s*'"
# RFC 822 and 850, and the month before the day; of years of two digits those below 50 are of this century, as .NET has it.
_DAY_FIRST = (
    r"'\s*(?:[A-Za-z]{{3,9}},?\s+)?(\d{{1,2}})[\s-]+([A-Za-z]{{3}})[a-z]{{0,6}}[\s-]+(\d{{4}}|\d{{2}})"
    r"(?:\s+(\d{{1,2}}):(\d{{2}})(?::(\d{{2}}))?)?\s*(?:GMT|UTC|Z)?\s*'"
)
_MONTH_FIRST = (
    r"'\s*(?:[A-Za-z]{{3,9}},?\s+)?([A-Za-z]{{3}})[a-z]{{0,6}}\s+(\d{{1,2}}),?\s+(\d{{4}}|\d{{2}})"
    r"(?:\s+(\d{{1,2}}):(\d{{2}})(?::(\d{{2}}))?)?\s*(?:GMT|UTC|Z)?\s*'"
)


def _formats(names: list[str]) -> str:
    return "[" + ", ".join(f"'{n}'" for n in names) + "]"


def _named(pattern: str, parts: str) -> str:
    written = rf"regexp_replace({{0}}, {pattern}, '{parts} \3 \4:\5:\6')"
    full = rf"regexp_replace(regexp_replace({written}, ' ([0-4]\d) ', ' 20\1 '), ' ([5-9]\d) ', ' 19\1 ')"
    return f"try_strptime({full}, {_formats(['%d %b %Y %H:%M:%S', '%d %b %Y %H:%M:', '%d %b %Y ::'])})"


_MOMENT = (
    f"(CASE WHEN regexp_full_match({{0}}, {_ISO}) THEN CAST(TRY_CAST({_ISO_TEXT} AS TIMESTAMPTZ) AS TIMESTAMP)"
    f" WHEN regexp_full_match({{0}}, {_US}) THEN try_strptime({_US_TEXT}, {_formats(_FORMATS)})"
    r" WHEN regexp_full_match({0}, '\s*\d{{4}}\s*') THEN try_strptime(trim({0}), '%Y')"
    rf" WHEN regexp_full_match({{0}}, {_COMPACT}) THEN try_strptime(regexp_replace({{0}}, {_COMPACT}, '\1 \2:\3:\4'),"
    f" {_formats(['%Y%m%d %H:%M:%S', '%Y%m%d %H:%M:', '%Y%m%d ::'])})"
    rf" WHEN regexp_full_match({{0}}, {_DAY_FIRST}) THEN {_named(_DAY_FIRST, chr(92) + '1 ' + chr(92) + '2')}"
    rf" WHEN regexp_full_match({{0}}, {_MONTH_FIRST}) THEN {_named(_MONTH_FIRST, chr(92) + '2 ' + chr(92) + '1')} END)"
)
_DIGITS = "lower(regexp_replace({0}, '[{{}}-]', '', 'g'))"
_STRING = "json_extract_string({0}, '$')"
_TEXT_LONG = (
    f"(CASE WHEN regexp_full_match({{0}}, {_WHOLE}) THEN TRY_CAST(trim({{0}}) AS BIGINT)"
    r" WHEN regexp_full_match({0}, '\s*0[xX][0-9a-fA-F]{{1,16}}\s*') THEN TRY_CAST(lower(trim({0})) AS BIGINT) END)"
)
_TEXT_REAL = (
    r"(CASE WHEN regexp_full_match({0}, '\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*|\s*(?i:nan|[-+]?infinity)\s*')"
    " THEN TRY_CAST(trim({0}) AS DOUBLE) END)"
)
_TEXT_BOOL = (
    "(CASE lower(trim({0})) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE ELSE"
    f" (CASE WHEN regexp_full_match({{0}}, {_WHOLE}) THEN TRY_CAST(trim({{0}}) AS BIGINT) <> 0 END) END)"
)

FUNCTIONS: dict[str, Spelling] = {
    # The least length has no absolute value.
    "convert.span_text": (
        "(CASE WHEN {0} = -9223372036854775808 THEN '-10675199.02:48:05.4775808' ELSE"
        f" CASE WHEN {{0}} < 0 THEN '-' ELSE '' END || {_DAYS} || {_CLOCK} || {_FRACTION} END)"
    ),
    "convert.real_text": (
        "(CASE WHEN isnan({0}) THEN 'NaN' WHEN isinf({0}) THEN CASE WHEN {0} > 0 THEN 'Infinity' ELSE '-Infinity' END"
        " ELSE regexp_replace(upper(CAST({0} AS VARCHAR)), '\\.0E', 'E') END)"
    ),
    "convert.decimal_text": r"regexp_replace(regexp_replace(CAST({0} AS VARCHAR), '(\.[0-9]*[1-9])0+$', '\1'), '\.0+$', '')",
    "convert.text_long": _TEXT_LONG,
    "convert.text_real": _TEXT_REAL,
    "convert.dynamic_long": (
        "(CASE json_type({0}) WHEN 'DOUBLE' THEN TRY_CAST(trunc(TRY_CAST({0} AS DOUBLE)) AS BIGINT) WHEN 'BOOLEAN' THEN CAST({0} = 'true' AS BIGINT)"
        " WHEN 'ARRAY' THEN NULL WHEN 'OBJECT' THEN NULL WHEN 'VARCHAR' THEN"
        f" {_TEXT_LONG.replace('{0}', _STRING)}"
        " ELSE TRY_CAST({0} AS BIGINT) END)"
    ),
    "convert.datetime_ticks": f"((epoch_us({{0}}) + {_TO_YEAR_ONE}) * 10)",
    "convert.ticks_datetime": f"make_timestamp(CAST({{0}} // 10 AS BIGINT) - {_TO_YEAR_ONE})",
    "convert.to_int": "TRY_CAST({0} AS INTEGER)",
    "convert.to_decimal": "TRY_CAST({0} AS DECIMAL(38, 12))",
    "convert.text_bool": _TEXT_BOOL,
    "convert.dynamic_bool": (
        "(CASE json_type({0}) WHEN 'BOOLEAN' THEN {0} = 'true' WHEN 'ARRAY' THEN NULL WHEN 'OBJECT' THEN NULL WHEN 'VARCHAR' THEN"
        f" {_TEXT_BOOL.replace('{0}', _STRING)} ELSE TRY_CAST({{0}} AS DOUBLE) <> 0 END)"
    ),
    "convert.dynamic_real": (
        f"(CASE json_type({{0}}) WHEN 'ARRAY' THEN NULL WHEN 'OBJECT' THEN NULL WHEN 'VARCHAR' THEN {_TEXT_REAL.replace('{0}', _STRING)}"
        " ELSE TRY_CAST({0} AS DOUBLE) END)"
    ),
    "convert.text_datetime": _MOMENT,
    "convert.text_span": (
        f"TRY(CASE WHEN regexp_full_match({{0}}, {_SPAN}) THEN {_CLOCK_TICKS}"
        f" WHEN regexp_full_match({{0}}, {_UNIT}) THEN"
        f" TRY_CAST(trunc(TRY_CAST(replace(regexp_extract({{0}}, {_UNIT}, 1), ' ', '') AS DECIMAL(28, 10)) * {_UNIT_TICKS}) AS BIGINT)"
        f" WHEN regexp_full_match({{0}}, {_WHOLE}) THEN TRY_CAST(trim({{0}}) AS BIGINT) * {_DAY} END)"
    ),
    "convert.text_guid": (
        r"(CASE WHEN regexp_full_match(lower({0}), '\{{?[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?[0-9a-f]{{4}}-?[0-9a-f]{{4}}-?[0-9a-f]{{12}}\}}?') THEN"
        f" {_DIGITS}[1:8] || '-' || {_DIGITS}[9:12] || '-' || {_DIGITS}[13:16] || '-' || {_DIGITS}[17:20] || '-' || {_DIGITS}[21:32] END)"
    ),
}
