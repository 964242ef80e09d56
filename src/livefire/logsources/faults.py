"""Why bytes were set aside: the E4xx codes of reading, and what the reader hands over for each."""

from __future__ import annotations

from dataclasses import dataclass

TITLES: dict[str, str] = {
    "E401": "file not found",
    "E402": "not a regular file",
    "E403": "file cannot be read",
    "E404": "file is empty",
    "E405": "not JSON",
    "E406": "a form that is not read",
    "E407": "holds no events",
    "E410": "compressed data ends early",
    "E411": "compressed data is damaged",
    "E412": "inflates beyond the size limit",
    "E413": "compression ratio beyond the limit",
    "E414": "bytes after the end of the compressed data",
    "E415": "file changed while it was read",
    "E420": "malformed JSON",
    "E421": "record beyond the size limit",
    "E422": "nested beyond the depth limit",
    "E423": "more keys than the limit",
    "E424": "not a JSON object",
    "E425": "not an event of a known log source",
    "E426": "no readable event time",
    "E427": "ends inside a record",
    "E428": "envelope cannot be opened",
    "E429": "list of records is not closed",
    "E430": "further faults of this file, counted together",
}


@dataclass(slots=True)
class Quarantined:
    """A stretch of a file that gave no event.

    `record` counts from 0 over all records of the file; `offset` and `length` are bytes of the
    inflated text. `records` is how many records the entry stands for: 0 for a note about the
    whole file, more than 1 where neighbours with the same reason were merged. `sample` is the
    beginning of the bytes, decoded with replacement characters: untrusted text.
    """

    code: str
    reason: str
    record: int
    offset: int
    length: int
    records: int = 1
    sample: str = ""


class FileFault(Exception):
    """Reading a file has to end here; what came before is sound.

    `code` is a key of `TITLES`; `offset` counts inflated bytes.
    """

    def __init__(self, code: str, reason: str, offset: int = 0) -> None:
        self.code = code
        self.reason = reason
        self.offset = offset
        super().__init__(f"{code}: {reason}")


def sample(data: bytes, size: int) -> str:
    """Return the beginning of `data` as text that can be stored: no NUL, no lone surrogate."""
    return data[:size].decode("utf-8", "replace").replace("\x00", "\ufffd")
