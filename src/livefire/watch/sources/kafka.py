"""Messages of Kafka topics, with the extra `kafka`; Azure Event Hubs speaks the same protocol.

An offset is committed only when its messages are in the lake; after a crash they are read again, and stored once
(https://docs.confluent.io/kafka-clients/python/current/overview.html). Event Hubs: `security.protocol = "SASL_SSL"`,
`sasl.mechanism = "PLAIN"`, `sasl.username = "$ConnectionString"`, `sasl.password = "env:NAME"`
(https://learn.microsoft.com/en-us/azure/event-hubs/azure-event-hubs-apache-kafka-overview).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sinks.base import Services
from livefire.watch.sources.base import Batch, Spool

_MOST = 5_000
_WAIT = 0.5
_REFERENCE = ("env:", "file:")
_HIDDEN = re.compile(r"password|secret|oauthbearer\.config|key\.pem$")
# What this source's promise rests on.
_OURS = ("bootstrap.servers", "group.id", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset")


class Topics:
    """Reads topics as one consumer group; what was read and is not in the lake yet is offered again."""

    kind = "kafka"

    def __init__(self, said: c.Kafka, services: Services, spool: Path) -> None:
        self.name, self.source = said.name, said.source
        self._said, self._services, self._spool = said, services, Spool(spool)
        self._consumer: Any = None
        self._waiting = Batch(())
        self._down = ""
        wrong = [name for name in said.settings if name in _OURS]
        if wrong:
            raise WatchError("E708", f"the source {said.name} sets {wrong[0]} itself: what is in the lake decides what is committed")

    def start(self, taken: Mapping[str, str]) -> None:
        """Join the group; what lies in the spool was never committed, and is read again."""
        del taken
        try:
            from confluent_kafka import Consumer, KafkaException
        except ModuleNotFoundError:
            raise WatchError("E708", "Kafka needs the extra: pip install 'livefire[kafka]'") from None
        self._spool.start()
        self._spool.drop(self._spool.waiting(1_000_000))
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

    def poll(self, now: datetime, most: int) -> Batch:
        """Return messages as one file, with the offsets behind them."""
        del most
        if self._waiting.paths:
            return self._waiting
        from confluent_kafka import KafkaError, KafkaException, TopicPartition

        self._down = ""
        try:
            messages = self._consumer.consume(_MOST, _WAIT)
        except (KafkaException, RuntimeError) as error:
            raise WatchError("E708", f"the source {self.name}: {_words(error)}") from error
        bodies: list[bytes] = []
        offsets: dict[tuple[str, int], int] = {}
        for message in messages:
            fault = message.error()
            if fault is not None:
                if fault.code() != KafkaError._PARTITION_EOF:
                    raise WatchError("E708", f"the source {self.name}: {str(fault.str())[:300]}")
                continue
            offsets[message.topic(), message.partition()] = message.offset() + 1
            bodies.append(message.value() or b"")
        if not messages and self._down:
            raise WatchError("E708", f"the source {self.name}: {self._down}")
        tokens = tuple(TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items())
        self._waiting = Batch(self._kept(bodies, now), tokens=tokens)
        return self._waiting

    def _kept(self, bodies: list[bytes], now: datetime) -> tuple[Path, ...]:
        """Put messages into the spool: text together, what is packed each by itself."""
        packed = [body for body in bodies if body.startswith(b"\x1f\x8b")]
        text = b"\n".join(body for body in bodies if body.strip() and not body.startswith(b"\x1f\x8b"))
        stamp = f"{now:%Y%m%dT%H%M%S%f}"
        named = [(f"{stamp}-{hashlib.sha256(body).hexdigest()[:16]}.gz", body) for body in packed]
        if text:
            named.append((f"{stamp}-{hashlib.sha256(text).hexdigest()[:16]}.json", text + b"\n"))
        return tuple(self._spool.put(name, body) for name, body in named)

    def done(self, batch: Batch) -> None:
        """Remove what the lake has, and commit the offsets once all of it is there."""
        self._spool.drop(batch.paths)
        if not batch.tokens:
            self._waiting = Batch(tuple(p for p in self._waiting.paths if p not in batch.paths), tokens=self._waiting.tokens)
            return
        self._waiting = Batch(())
        from confluent_kafka import KafkaException

        try:
            self._consumer.commit(offsets=list(batch.tokens), asynchronous=False)
        except KafkaException as error:
            raise WatchError("E708", f"the source {self.name}: {_words(error)}") from error

    def close(self) -> None:
        """Leave the group."""
        if self._consumer is not None:
            self._consumer.close()


def _words(error: Exception) -> str:
    inner = error.args[0] if error.args else error
    return str(inner.str() if hasattr(inner, "str") else inner)[:300]
