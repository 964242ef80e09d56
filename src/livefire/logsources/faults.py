"""Why bytes were set aside: the E4xx codes of reading, and what the reader hands over for each."""

from __future__ import annotations

from dataclasses import dataclass

from livefire.diagnostics import catalogue

READING = (401, 439)  # the numbers of the catalogue that speak of reading files
TITLES: dict[str, str] = {f"E{number}": text for number, text in catalogue.TITLES.items() if READING[0] <= number <= READING[1]}


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


class FileFaultError(Exception):
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
