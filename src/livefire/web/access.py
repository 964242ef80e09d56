"""Who may do what: one-time addresses, cookies, tokens of programs, and users that a proxy or a provider vouches for.

Tokens have 256 bits and are kept as SHA-256 only. `viewer` reads and runs queries, `editor` also changes what is kept.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["viewer", "editor"]
OWN_NAMES = frozenset({"owner", "program", "nobody"})
"""What this server calls users itself: nobody else may be named so in the audit log, or own what they began."""
SESSION_SECONDS = 12 * 3600
MOST_SESSIONS = 500
_BYTES = 32


@dataclass(frozen=True, slots=True)
class User:
    """Who asks, and as what."""

    name: str
    role: Role

    @property
    def edits(self) -> bool:
        """True when the user may change what is kept."""
        return self.role == "editor"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A reverse proxy that signs users in: the header it names them in, where it connects from, and who edits."""

    header: str
    peers: frozenset[str]
    editors: frozenset[str]


def vouched(name: str, role: Role) -> User | None:
    """Return a user as others name them, None for a name that cannot be shown or is one of this server's own."""
    name = name.strip()
    return User(name, role) if name and len(name) <= 200 and name.isprintable() and name.casefold() not in OWN_NAMES else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass
class Access:
    """The sessions of one server."""

    proxy: Proxy | None = None
    program: str = ""
    _sessions: dict[str, tuple[User, float]] = field(default_factory=dict)
    _ticket: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def issue(self) -> str:
        """Return a new one-time secret; the one before is void."""
        secret = secrets.token_urlsafe(_BYTES)
        with self._lock:
            self._ticket = _digest(secret)
        return secret

    def redeem(self, secret: str) -> str | None:
        """Return a session for a one-time secret, None for a wrong or used one."""
        with self._lock:
            if not self._ticket or not secrets.compare_digest(self._ticket, _digest(secret)):
                return None
            self._ticket = ""
        return self.open(User("owner", "editor"))

    def open(self, user: User) -> str:
        """Return a new session of a user."""
        session = secrets.token_urlsafe(_BYTES)
        with self._lock:
            now = time.monotonic()
            self._sessions = {k: v for k, v in self._sessions.items() if v[1] > now}
            if len(self._sessions) >= MOST_SESSIONS:
                del self._sessions[min(self._sessions, key=lambda k: self._sessions[k][1])]
            self._sessions[_digest(session)] = (user, now + SESSION_SECONDS)
        return session

    def end(self, session: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(_digest(session), None)

    def of_session(self, session: str) -> User | None:
        """Return whose session it is, None for one that is not or has ended."""
        with self._lock:
            user, until = self._sessions.get(_digest(session), (None, 0.0))
        return user if user is not None and until > time.monotonic() else None

    def of_program(self, token: str) -> User | None:
        """Return the user of a program's token, None for a wrong one."""
        return User("program", "editor") if self.program and secrets.compare_digest(self.program, _digest(token)) else None

    def of_proxy(self, peer: str, headers: Mapping[str, list[str]]) -> User | None:
        """Return the user that the proxy names, None where the request does not come from it or names not exactly one."""
        if self.proxy is None or peer not in self.proxy.peers:
            return None
        named = headers.get(self.proxy.header.lower(), [])
        name = named[0].strip() if len(named) == 1 else ""
        return vouched(name, "editor" if name in self.proxy.editors else "viewer")


def digest_of(token: str) -> str:
    """Return what a program's token is kept as."""
    return _digest(token)
