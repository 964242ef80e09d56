"""What a watch cannot do, with its code."""

from __future__ import annotations


class WatchError(Exception):
    """Something of a watch cannot be done; `code` is one of E70x to E74x, the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")
