"""Objects of a Google Cloud Storage bucket, as log sinks write them: listed, with the extra `gcp`.

Cloud Logging writes a file an hour for each log and adds shards for what came late
(https://cloud.google.com/logging/docs/export/storage).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sources.base import Listed


class Stored(Listed):
    """Fetches what is new in a bucket."""

    kind = "gcs"

    def __init__(self, said: c.Gcs, spool: Path) -> None:
        super().__init__(said.name, said.source, spool, _errors)
        self._said = said
        self._client: Any = None

    def open(self) -> None:
        """Make a client; credentials are found as every Google tool finds them, and none are used with an `endpoint`."""
        try:
            from google.auth.credentials import AnonymousCredentials
            from google.cloud import storage  # type: ignore[attr-defined]  # a namespace that several packages share
        except ModuleNotFoundError:
            raise WatchError("E708", "Google Cloud Storage needs the extra: pip install 'livefire[gcp]'") from None
        if self._said.endpoint:
            options = {"api_endpoint": self._said.endpoint}
            anonymous = AnonymousCredentials()  # type: ignore[no-untyped-call]  # Google's own
            self._client = storage.Client(project=self._said.project or "none", credentials=anonymous, client_options=options)
        else:
            self._client = storage.Client(project=self._said.project or None)

    def objects(self) -> Iterator[tuple[str, str, int]]:
        """Yield the objects below the prefix."""
        for blob in self._client.list_blobs(self._said.bucket, prefix=self._said.prefix or None, timeout=30, retry=None):
            yield blob.name, f"{blob.generation}:{blob.md5_hash}", int(blob.size or 0)

    def fetch(self, name: str) -> bytes | None:
        """Download an object."""
        from google.cloud.exceptions import NotFound

        try:
            return bytes(self._client.bucket(self._said.bucket).blob(name).download_as_bytes(timeout=60, raw_download=True))
        except NotFound:
            return None


def _errors() -> tuple[type[Exception], ...]:
    import requests
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    return (GoogleAPIError, GoogleAuthError, requests.RequestException)
