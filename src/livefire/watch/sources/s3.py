"""Objects of an S3 bucket, as CloudTrail delivers them: listed, or told of by an SQS queue.

Listing finds every object sooner or later and needs no more than read access; the state keeps each key with its ETag. A queue
tells at once and at least once; a message is deleted only when its objects are in the lake
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html). SNS envelopes around S3 events are opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sources.aws import aws_client, aws_errors
from livefire.watch.sources.base import Batch, Spool

_MOST_BYTES = 1 << 30
_WAIT = 1


class Objects:
    """Downloads what is new into a spool and offers it."""

    kind = "s3"

    def __init__(self, said: c.S3, spool: Path) -> None:
        self.name, self.source = said.name, said.source
        self._said = said
        self._spool = Spool(spool)
        self._taken: dict[str, str] = {}
        self._s3: Any = None
        self._sqs: Any = None
        if not said.bucket and not said.queue:
            raise WatchError("E708", f"the source {said.name} needs a bucket to list or a queue to read")

    def start(self, taken: Mapping[str, str]) -> None:
        """Take up where the state says."""
        self._spool.start()
        self._spool.drop(self._spool.waiting(1_000_000))  # they are asked for again
        self._taken = dict(taken)
        self._s3 = aws_client("s3", self._said.region, self._said.endpoint)
        self._sqs = aws_client("sqs", self._said.region, self._said.endpoint) if self._said.queue else None

    def poll(self, now: datetime, most: int) -> Batch:
        """Return objects that are new, downloaded."""
        del now
        try:
            return self._told(most) if self._sqs is not None else self._listed(most)
        except aws_errors() as error:
            raise WatchError("E708", f"the source {self.name}: {str(error)[:300]}") from error

    def _listed(self, most: int) -> Batch:
        paths, items = [], {}
        for key, tag in self._objects():
            if self._taken.get(key) == tag:
                continue
            path = self._download(self._said.bucket, key)
            if path is not None:
                paths.append(path)
            items[key] = tag
            if len(paths) >= most:
                break
        return Batch(tuple(paths), items)

    def _objects(self) -> Iterator[tuple[str, str]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._said.bucket, Prefix=self._said.prefix):
            for found in page.get("Contents", ()):
                if found["Size"] and not found["Key"].endswith("/"):
                    yield found["Key"], f"{found['ETag']}:{found['Size']}"

    def _told(self, most: int) -> Batch:
        paths: list[Path] = []
        tokens: list[object] = []
        while len(paths) < most:
            answer = self._sqs.receive_message(QueueUrl=self._said.queue, MaxNumberOfMessages=10, WaitTimeSeconds=0 if tokens else _WAIT)
            messages = answer.get("Messages", ())
            for message in messages:
                for bucket, key in created(message["Body"]):
                    path = self._download(bucket, key) if key.startswith(self._said.prefix) else None
                    if path is not None:
                        paths.append(path)
                tokens.append(message["ReceiptHandle"])
            if not messages:
                break
        return Batch(tuple(dict.fromkeys(paths)), tokens=tuple(tokens))

    def _download(self, bucket: str, key: str) -> Path | None:
        """Fetch an object; None for one that is gone again."""
        try:
            answer = self._s3.get_object(Bucket=bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        if answer["ContentLength"] > _MOST_BYTES:
            raise WatchError("E708", f"the source {self.name}: {key} has {answer['ContentLength']:,} bytes, more than one object may")
        name = Path(key).name[-80:] or "object"
        return self._spool.put(f"{hashlib.sha256(f'{bucket}/{key}'.encode()).hexdigest()[:16]}-{name.lstrip('.')}", answer["Body"].read())

    def done(self, batch: Batch) -> None:
        """Remove the downloads, and the messages that told of them."""
        self._taken.update(batch.items)
        self._spool.drop(batch.paths)
        try:
            for token in batch.tokens:
                self._sqs.delete_message(QueueUrl=self._said.queue, ReceiptHandle=token)
        except aws_errors() as error:
            raise WatchError("E708", f"the source {self.name}: {str(error)[:300]}") from error

    def close(self) -> None:
        """Nothing is held."""


def created(body: str) -> list[tuple[str, str]]:
    """Return bucket and key of each object that an event tells of, also inside an SNS envelope; none for another message.

    Keys are URL-encoded: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    try:
        said = json.loads(body)
        if isinstance(said, dict) and isinstance(said.get("Message"), str):
            said = json.loads(said["Message"])
    except ValueError:
        return []
    if not isinstance(said, dict):
        return []
    if isinstance(said.get("s3Bucket"), str) and isinstance(said.get("s3ObjectKey"), list):
        return [(said["s3Bucket"], str(key)) for key in said["s3ObjectKey"]]  # CloudTrail's own SNS message
    found = []
    for record in said.get("Records") or ():
        place = record.get("s3") if isinstance(record, dict) else None
        if isinstance(place, dict) and str(record.get("eventName", "")).startswith("ObjectCreated"):
            found.append((str(place["bucket"]["name"]), unquote_plus(str(place["object"]["key"]))))
    return found
