"""The bounds within which foreign bytes are read."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file or record may cost; whatever goes beyond is quarantined with its place.

    Sizes are bytes of inflated text unless said otherwise. DEFLATE cannot exceed a ratio of about
    1,032, so a file past `ratio` is not honest gzip.
    """

    file_bytes: int = 4 * GIB
    ratio: int = 1_200
    ratio_after: int = 64 * MIB
    record_bytes: int = 16 * MIB
    depth: int = 64
    keys: int = 200_000
    window_bytes: int = MIB
    sample_bytes: int = 4 * KIB
    quarantine_rows: int = 1_000
    salvage_bytes: int = 32 * MIB
    probe_bytes: int = MIB
    batch_events: int = 32_768
    batch_bytes: int = 48 * MIB


DEFAULT = Limits()
