"""KQL's scalar functions: spelling to meaning, a line each in the files of their families."""

from __future__ import annotations

from livefire.languages.kql.calls import Scalar
from livefire.languages.kql.functions_dynamic import DYNAMIC
from livefire.languages.kql.functions_formats import FORMATS
from livefire.languages.kql.functions_general import GENERAL
from livefire.languages.kql.functions_geo import GEO
from livefire.languages.kql.functions_network import NETWORK
from livefire.languages.kql.functions_number import NUMBER
from livefire.languages.kql.functions_rows import ROWS
from livefire.languages.kql.functions_series import SERIES
from livefire.languages.kql.functions_text import TEXT
from livefire.languages.kql.functions_time import TIME
from livefire.languages.kql.functions_units import UNITS
from livefire.languages.kql.lookups import LOOKUPS

FUNCTIONS: dict[str, Scalar] = {**GENERAL, **TEXT, **TIME, **NUMBER, **DYNAMIC, **NETWORK, **SERIES, **FORMATS, **UNITS, **GEO, **ROWS, **LOOKUPS}

_FAMILIES = {
    "series_": "series are analysed by algorithms of the service",
    "geo_": "this part of geography is not computed here",
    "punycode_": "punycode is not read here",
    "gzip_": "compression is not run here",
    "zlib_": "compression is not run here",
    "current_": "there is no signed-in user, database or cluster here",
    "cursor_": "database cursors are not here",
    "extent_": "storage extents are not here",
    "beta_": "it is not computed here",
}
_REASONS = {
    "its values are random": "rand",
    "how Kusto combines hashes is not documented": "hash_combine hash_many",
    "it reads a sketch that only Kusto makes": "merge_tdigest tdigest_merge percentile_tdigest percentiles_array_tdigest"
    " percentrank_tdigest rank_tdigest tdigest_isvalid hll_isvalid",
    "sizes in storage differ here": "estimate_data_size",
    "it is not computed here": "welch_test",
    "names of time zones are not listed here": "datetime_list_timezones",
}
_EXACT = {name: reason for reason, names in _REASONS.items() for name in names.split()}


def refusal(name: str) -> str | None:
    """Return why a function of Kusto is not run here, None for a name that is none of Kusto's."""
    if name in _EXACT:
        return _EXACT[name]
    return next((reason for prefix, reason in _FAMILIES.items() if name.startswith(prefix)), None)
