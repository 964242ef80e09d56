"""Messages of Kafka topics, with the extra `kafka`; Azure Event Hubs speaks the same protocol.

An offset is committed only when its messages are in the lake; after a crash they are read again, and stored once
(https://docs.confluent.io/kafka-clients/python/current/overview.html). Event Hubs: `security.protocol = "SASL_SSL"`,
`sasl.mechanism = "PLAIN"`, `sasl.username = "$ConnectionString"`, `sasl.password = "env:NAME"`
(https://learn.microsoft.com/en-us/azure/event-hubs/azure-event-hubs-apache-kafka-overview).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sinks.base import Services
from livefire.watch.sources.queued import Queued

_MOST = 5_000
_WAIT = 0.5
_REFERENCE = ("env:", "file:")
_HIDDEN = re.compile(r"password|secret|oauthbearer\.config|key\.pem$")
# What this source's promise rests on.
_OURS = ("bootstrap.servers", "group.id", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset")


class Topics(Queued):
    """Reads topics as one consumer group."""

    kind = "kafka"

    def __init__(self, said: c.Kafka, services: Services, spool: Path) -> None:
        super().__init__(said.name, said.source, spool)
        self._said, self._services = said, services
        self._consumer: Any = None
        self._down = ""
        wrong = [name for name in said.settings if name in _OURS]
        if wrong:
            raise WatchError("E708", f"the source {said.name} sets {wrong[0]} itself: what is in the lake decides what is committed")

    def connect(self) -> None:
        """Join the group."""
        try:
            from confluent_kafka import Consumer, KafkaException
        except ModuleNotFoundError:
            raise WatchError("E708", "Kafka needs the extra: pip install 'livefire[kafka]'") from None
        said = {k: self._services.secret(v) if v.startswith(_REFERENCE) or _HIDDEN.search(k) else v for k, v in self._said.settings.items()}
        ours = {
            "bootstrap.servers": ",".join(self._said.brokers),
            "group.id": self._said.group_id,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
        try:
            self._consumer = Consumer({**said, **ours, "error_cb": self._told})
            self._consumer.subscribe(list(self._said.topics))
        except KafkaException as error:
            raise WatchError("E708", f"the source {self.name}: {_words(error)}") from error

    def _told(self, error: Any) -> None:
        """Remember that no broker answers, which reading would show as silence."""
        from confluent_kafka import KafkaError

        if error.fatal() or error.code() in (KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION):
            self._down = str(error.str())[:300]

    def read(self) -> tuple[Sequence[bytes], Sequence[object]]:
        """Return messages that are new, and the offsets behind them."""
        from confluent_kafka import KafkaError, KafkaException, TopicPartition

        self._down = ""
        try:
            messages = self._consumer.consume(_MOST, _WAIT)
        except (KafkaException, RuntimeError) as error:
            raise WatchError("E708", f"the source {self.name}: {_words(error)}") from error
        bodies: list[bytes] = []
        offsets: dict[tuple[str, int], int] = {}
        down = self._down
        for message in messages:
            fault = message.error()
            if fault is not None:
                down = down if fault.code() == KafkaError._PARTITION_EOF else str(fault.str())[:300]
                continue
            offsets[message.topic(), message.partition()] = message.offset() + 1
            bodies.append(message.value() or b"")
        # Messages beside a fault are taken: the consumer stands behind them already.
        if not offsets and down:
            raise WatchError("E708", f"the source {self.name}: {down}")
        return bodies, [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]

    def confirm(self, tokens: Sequence[object]) -> None:
        """Commit the offsets."""
        from confluent_kafka import KafkaException

        try:
            self._consumer.commit(offsets=list(tokens), asynchronous=False)
        except KafkaException as error:
            raise WatchError("E708", f"the source {self.name}: {_words(error)}") from error

    def close(self) -> None:
        """Leave the group."""
        if self._consumer is not None:
            self._consumer.close()


def _words(error: Exception) -> str:
    inner = error.args[0] if error.args else error
    return str(inner.str() if hasattr(inner, "str") else inner)[:300]
