"""Blobs of an Azure storage container, as diagnostic settings write them: listed, with the extra `azure`.

A blob that grew has another ETag and is fetched again; its events are stored once
(https://learn.microsoft.com/en-us/azure/azure-monitor/essentials/resource-logs#send-to-azure-storage).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sinks.base import Services
from livefire.watch.sources.base import Listed


class Blobs(Listed):
    """Fetches what is new in a container."""

    kind = "azure_blob"

    def __init__(self, said: c.AzureBlob, services: Services, spool: Path) -> None:
        super().__init__(said.name, said.source, spool, _errors)
        self._said, self._services = said, services
        self._container: Any = None

    def open(self) -> None:
        """Open the container by its connection string, or by a container's URL with a SAS token."""
        try:
            from azure.storage.blob import ContainerClient
        except ModuleNotFoundError:
            raise WatchError("E708", "Azure Blob Storage needs the extra: pip install 'livefire[azure]'") from None
        secret = self._services.secret(self._said.connection)
        times: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 60, "retry_total": 0}  # a round that fails is tried again anyway
        try:
            if secret.startswith("https://"):
                self._container = ContainerClient.from_container_url(secret, **times)
            else:
                self._container = ContainerClient.from_connection_string(secret, self._said.container, **times)
        except ValueError:
            raise WatchError("E708", f"the source {self.name}: its connection is no connection string and no URL of a container") from None

    def objects(self) -> Iterator[tuple[str, str, int]]:
        """Yield the blobs below the prefix."""
        for blob in self._container.list_blobs(name_starts_with=self._said.prefix or None):
            yield blob.name, str(blob.etag), int(blob.size or 0)

    def fetch(self, name: str) -> bytes | None:
        """Download a blob."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return bytes(self._container.download_blob(name).readall())
        except ResourceNotFoundError:
            return None


def _errors() -> tuple[type[Exception], ...]:
    from azure.core.exceptions import AzureError

    return (AzureError,)
