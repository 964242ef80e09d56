"""Objects of an S3 bucket, as CloudTrail delivers them: listed, or told of by an SQS queue.

Listing finds every object sooner or later and needs no more than read access; the state keeps each key with its ETag. A queue
tells at once and at least once; a message is deleted only when its objects are in the lake
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html). SNS envelopes around S3 events are opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sources.aws import aws_client, aws_errors
from livefire.watch.sources.base import MOST_BYTES, Batch, Listed

_WAIT = 1


class Objects(Listed):
    """Downloads what is new into a spool and offers it."""

    kind = "s3"

    def __init__(self, said: c.S3, spool: Path) -> None:
        super().__init__(said.name, said.source, spool, aws_errors)
        self._said = said
        self._s3: Any = None
        self._sqs: Any = None
        if not said.bucket and not said.queue:
            raise WatchError("E708", f"the source {said.name} needs a bucket to list or a queue to read")

    def open(self) -> None:
        """Make the clients."""
        self._s3 = aws_client("s3", self._said.region, self._said.endpoint)
        self._sqs = aws_client("sqs", self._said.region, self._said.endpoint) if self._said.queue else None

    def poll(self, now: datetime, most: int) -> Batch:
        """Return objects that are new, downloaded."""
        if self._sqs is None:
            return super().poll(now, most)
        with self.telling():
            return self._told(most)

    def objects(self) -> Iterator[tuple[str, str, int]]:
        """Yield the objects below the prefix."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._said.bucket, Prefix=self._said.prefix):
            for found in page.get("Contents", ()):
                yield found["Key"], f"{found['ETag']}:{found['Size']}", found["Size"]

    def fetch(self, name: str) -> bytes | None:
        """Download an object of the bucket."""
        return self._bytes(self._said.bucket, name)

    def _told(self, most: int) -> Batch:
        paths: list[Path] = []
        tokens: list[object] = []
        beyond: WatchError | None = None
        while len(paths) < most:
            answer = self._sqs.receive_message(QueueUrl=self._said.queue, MaxNumberOfMessages=10, WaitTimeSeconds=0 if tokens else _WAIT)
            messages = answer.get("Messages", ())
            for message in messages:
                try:
                    found = [self._download(bucket, key) for bucket, key in created(message["Body"]) if key.startswith(self._said.prefix)]
                except WatchError as error:
                    beyond = error  # the message stays in the queue, which has a place for those that nobody can take
                    continue
                paths += [path for path in found if path is not None]
                tokens.append(message["ReceiptHandle"])
            if not messages:
                break
        if beyond is not None and not tokens:
            raise beyond
        return Batch(tuple(dict.fromkeys(paths)), tokens=tuple(tokens))

    def _bytes(self, bucket: str, key: str) -> bytes | None:
        try:
            answer = self._s3.get_object(Bucket=bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        if answer["ContentLength"] > MOST_BYTES:
            raise self.too_large(key, answer["ContentLength"])
        return bytes(answer["Body"].read())

    def _download(self, bucket: str, key: str) -> Path | None:
        """Fetch an object that a message told of; None for one that is gone again."""
        data = self._bytes(bucket, key)
        return None if data is None else self.spooled(bucket, key, data)

    def done(self, batch: Batch) -> None:
        """Remove the downloads, and the messages that told of them."""
        super().done(batch)
        with self.telling():
            for token in batch.tokens:
                self._sqs.delete_message(QueueUrl=self._said.queue, ReceiptHandle=token)


def created(body: str) -> list[tuple[str, str]]:
    """Return bucket and key of each object that an event tells of, also inside an SNS envelope; none for another message.

    Keys are URL-encoded: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    try:
        said = json.loads(body)
        if isinstance(said, dict) and isinstance(said.get("Message"), str):
            said = json.loads(said["Message"])
    except (ValueError, RecursionError):
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
