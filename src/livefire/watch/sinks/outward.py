"""HTTPS to where an operator said, and nowhere else.

A name is resolved once, every address must be a public one (unless the host is listed as private), and the connection goes to
the address that was checked: a name that changes its mind between the check and the connection changes nothing. No redirect is
followed, no proxy of the surroundings is used, and at most 64 KiB of an answer are read.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from livefire.watch.faults import WatchError
from livefire.watch.sinks.base import SinkError

MOST_ANSWER = 64 * 1024
_ALTOGETHER = 3
"""Times of a step that the whole exchange may take."""
Resolve = Callable[[str, int], list[str]]
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_PERMANENT = frozenset({400, 401, 403, 404, 405, 410, 411, 413, 414, 415, 422})


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def allowed(address: str) -> bool:
    """True for an address out in the open: no private, loopback, link-local, multicast, reserved, mapped or translated one."""
    found = ipaddress.ip_address(address.partition("%")[0])
    for inner in (getattr(found, "ipv4_mapped", None), getattr(found, "sixtofour", None), _translated(found)):
        if inner is not None:
            found = inner
    return found.is_global and not (found.is_multicast or found.is_reserved or getattr(found, "is_site_local", False))


def _translated(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the address that a translator connects to for this one: https://www.rfc-editor.org/rfc/rfc6052."""
    return ipaddress.IPv4Address(found.packed[12:]) if found in _TRANSLATED else None


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, whatever the name says by now."""

    def __init__(self, address: str, host: str, port: int, timeout: float, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=timeout)
        self._address, self._context = address, context
        self.late = False

    def connect(self) -> None:
        """Connect to the address that was checked, and ask for the certificate of the name."""
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = plain
        if self._context:
            self.sock = secured = self._context.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
            secured.do_handshake()

    def cut(self) -> None:
        """End what is under way, from another thread: each piece of an answer may come in time and the whole never."""
        self.late = True
        if self.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class Outward:
    """Posts to one URL."""

    def __init__(self, url: str, private: Collection[str] = (), seconds: float = 5.0, find: Resolve = resolve) -> None:
        self._url = urlsplit(url)
        self._find, self._seconds = find, seconds
        try:
            self._port = self._url.port or (443 if self._url.scheme == "https" else 80)
        except ValueError:
            raise WatchError("E709", "the port of a webhook is a number up to 65535") from None
        self._host = (self._url.hostname or "").lower()
        self._private = self._host in {p.lower() for p in private}
        if self._url.scheme != "https" and not (self._url.scheme == "http" and self._private):
            raise WatchError("E709", f"a webhook goes over https; {self._host or 'this'} may be http only if it is listed in `private`")
        if not self._host or self._url.username or self._url.password or any(ord(ch) < 33 or ord(ch) > 126 for ch in url):
            raise WatchError("E709", "a webhook needs a plain URL, without user, password or spaces: put secrets into `secret`")
        self._context = ssl.create_default_context() if self._url.scheme == "https" else None

    @property
    def host(self) -> str:
        """The host it posts to."""
        return self._host

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post a body; SinkError unless the answer is 2xx."""
        connection = _Pinned(self._address(), self._host, self._port, self._seconds, self._context)
        path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        late = threading.Timer(_ALTOGETHER * self._seconds, connection.cut)
        late.daemon = True
        late.start()
        try:
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            status = answer.status
            answer.read(MOST_ANSWER)
            if connection.late:
                raise TimeoutError("timed out")
        except (OSError, http.client.HTTPException) as error:
            raise SinkError(f"{self._host}: {str(error).lower() or type(error).__name__}") from error
        finally:
            late.cancel()
            connection.close()
        if not 200 <= status < 300:
            words = "it redirects, which is not followed" if 300 <= status < 400 else f"it answered {status}"
            raise SinkError(f"{self._host}: {words}", final=status in _PERMANENT or 300 <= status < 400)

    def check(self) -> None:
        """Look up the host; SinkError when it is not known, or on a private network that is not listed."""
        self._address()

    def _address(self) -> str:
        try:
            found = self._find(self._host, self._port)
        except OSError as error:
            raise SinkError(f"{self._host}: the name is not known") from error
        if not found or not (self._private or all(allowed(a) for a in found)):
            raise SinkError(f"{self._host} is on a private network; list it in `private` if that is meant")
        return found[0]
