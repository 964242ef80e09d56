"""Messages of a Google Cloud Pub/Sub subscription, with the extra `gcp`: a log sink writes each log entry as one message.

A message is acknowledged only when it is in the lake; until then Pub/Sub gives it again, and it is stored once
(https://cloud.google.com/pubsub/docs/pull, https://cloud.google.com/logging/docs/export/pubsub).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sources.queued import Queued

_MOST = 1_000
_WAIT = 2.0
_CONFIRM = 30.0
_AT_ONCE = 1_000
"""Acknowledgements in one request, which may have 512 KiB."""
_HOLD = 120
"""Seconds for which what was read is not given to another reader."""


class Messages(Queued):
    """Reads one subscription."""

    kind = "pubsub"

    def __init__(self, said: c.PubSub, spool: Path) -> None:
        super().__init__(said.name, said.source, spool)
        self._said = said
        self._client: Any = None

    def connect(self) -> None:
        """Make a client; credentials are found as every Google tool finds them, and none are used with an `endpoint`."""
        try:
            import grpc
            from google.auth.exceptions import GoogleAuthError
            from google.pubsub_v1.services.subscriber.client import SubscriberClient
            from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
        except ModuleNotFoundError:
            raise WatchError("E708", "Google Cloud Pub/Sub needs the extra: pip install 'livefire[gcp]'") from None
        try:
            plain = SubscriberGrpcTransport(channel=grpc.insecure_channel(self._said.endpoint)) if self._said.endpoint else None
            self._client = SubscriberClient(transport=plain)
        except GoogleAuthError as error:
            raise self._fault(error) from error

    def read(self) -> tuple[Sequence[bytes], Sequence[object]]:
        """Return what waits in the subscription, and hold it while it is stored."""
        from google.api_core.exceptions import DeadlineExceeded, GoogleAPIError
        from google.auth.exceptions import GoogleAuthError

        name = self._said.subscription
        try:
            answer = self._client.pull(request={"subscription": name, "max_messages": _MOST}, timeout=_WAIT, retry=None)
        except DeadlineExceeded:
            return (), ()
        except (GoogleAPIError, GoogleAuthError) as error:
            raise self._fault(error) from error
        tokens = [m.ack_id for m in answer.received_messages]
        try:
            if tokens:
                self._client.modify_ack_deadline(subscription=name, ack_ids=tokens, ack_deadline_seconds=_HOLD, timeout=_WAIT, retry=None)
        except GoogleAPIError as error:
            raise self._fault(error) from error
        return [bytes(m.message.data) for m in answer.received_messages], tokens

    def confirm(self, tokens: Sequence[object]) -> None:
        """Acknowledge; what Pub/Sub does not hear of comes again, and is a duplicate then."""
        from google.api_core.exceptions import GoogleAPIError

        try:
            for at in range(0, len(tokens), _AT_ONCE):
                self._client.acknowledge(subscription=self._said.subscription, ack_ids=list(tokens[at : at + _AT_ONCE]), timeout=_CONFIRM)
        except GoogleAPIError as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> WatchError:
        return WatchError("E708", f"the source {self.name}: {' '.join(str(error).split())[:300]}")

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.transport.close()
