"""KQL's scalar functions: spelling to meaning, a line each in the files of their families."""

from __future__ import annotations

from livefire.languages.kql.calls import Scalar
from livefire.languages.kql.functions_dynamic import DYNAMIC
from livefire.languages.kql.functions_general import GENERAL
from livefire.languages.kql.functions_network import NETWORK
from livefire.languages.kql.functions_number import NUMBER
from livefire.languages.kql.functions_rows import ROWS
from livefire.languages.kql.functions_text import TEXT
from livefire.languages.kql.functions_time import TIME

FUNCTIONS: dict[str, Scalar] = {**GENERAL, **TEXT, **TIME, **NUMBER, **DYNAMIC, **NETWORK, **ROWS}

_SERIES = "series are analysed by algorithms of the service"
_SKETCH = "it reads a sketch that only Kusto makes"
_GEO = "geography is not computed here"
REFUSED: dict[str, str] = {
    **{f"series_{x}": _SERIES for x in (
        "decompose decompose_anomalies decompose_forecast fit_line fit_line_dynamic fit_2lines fit_2lines_dynamic fit_poly fir iir stats stats_dynamic outliers"
        " periods_detect periods_validate seasonal fft ifft fill_backward fill_const fill_forward fill_linear add subtract multiply divide greater greater_equals"
        " less less_equals equals not_equals abs acos asin atan ceiling cos cosine_similarity cross_product dot_product exp floor log magnitude monthly pearson_correlation"
        " pow product sign sin tan moving_avg_fl"
    ).split()},
    **{x: _SKETCH for x in "dcount_hll hll_merge merge_tdigest percentile_tdigest percentiles_array_tdigest percentrank_tdigest rank_tdigest tdigest_merge".split()},
    **{x: _GEO for x in (
        "geo_distance_2points geo_info_from_ip_address geo_point_in_circle geo_point_in_polygon geo_geohash_to_central_point geo_point_to_geohash geo_point_to_s2cell"
        " geo_polygon_to_s2cells geo_point_to_h3cell"
    ).split()},
    "rand": "its values are random", "new_guid": "its values are random", "hash": "Kusto's hash is its own", "hash_xxhash64": "the hash is not computed here",
    "hash_combine": "Kusto's hash is its own", "hash_many": "Kusto's hash is its own", "parse_xml": "XML is not read here", "parse_user_agent": "it follows a list that the service keeps",
    "parse_command_line": "its rules are those of Windows programs", "current_principal": "there is no signed-in user here", "current_database": "there is no database here",
    "current_cluster_endpoint": "there is no cluster here", "current_principal_details": "there is no signed-in user here",
    "current_principal_is_member_of": "there is no signed-in user here", "cursor_after": "database cursors are not here", "extent_id": "storage extents are not here",
    "extent_tags": "storage extents are not here", "row_window_session": "a session's start depends on every row before it", "estimate_data_size": "sizes in storage differ here",
    "gzip_compress_to_base64_string": "compression is not run here", "gzip_decompress_from_base64_string": "compression is not run here",
    "zlib_compress_to_base64_string": "compression is not run here", "zlib_decompress_from_base64_string": "compression is not run here",
    "ipv6_compare": "only IPv4 addresses are compared", "ipv6_is_match": "only IPv4 addresses are compared", "parse_ipv6": "only IPv4 addresses are read",
    "parse_ipv6_mask": "only IPv4 addresses are read", 
    "punycode_to_string": "punycode is not read here", "punycode_from_string": "punycode is not written here", "bin_auto": "it needs a query_bin_auto_size option",
    "treepath": "paths of a bag are not listed here", "erf": "it is not computed here", "erfc": "it is not computed here", "beta_cdf": "it is not computed here",
    "beta_inv": "it is not computed here", "beta_pdf": "it is not computed here", "welch_test": "it is not computed here",
    "indexof_regex": "places of patterns are not computed here", "assert": "it stops a query by its data", "base64_decode_toguid": "it is not read here",
    "base64_encode_fromguid": "it is not written here", "base64_encode_fromarray": "it is not written here", "convert_angle": "units are not converted here",
}  # fmt: skip
