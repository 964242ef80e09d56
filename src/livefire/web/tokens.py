"""The token of programs: in a file that only its owner reads, never on a command line or in a log."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from livefire import Diagnostic, QueryError
from livefire.web.access import digest_of

_LEAST = 32


def program_digest(path: Path) -> str:
    """Return what the token in a file is kept as; a file that is not there is made with a new one. QueryError E760 for one that others can read or guess."""
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    if path.stat().st_mode & 0o077:
        raise QueryError([Diagnostic("error", "E760", f"{path.name} can be read by others on this machine", help="chmod 600")])
    token = path.read_text(encoding="utf-8").strip()
    if len(token) < _LEAST:
        raise QueryError([Diagnostic("error", "E760", f"the token in {path.name} has fewer than {_LEAST} characters", help="remove the file: one is made")])
    return digest_of(token)
