"""Sources: where logs come from. A source is one class of the contract in `base`, and one row of `build`."""

from __future__ import annotations

from pathlib import Path

from livefire.watch import config as c
from livefire.watch.sinks.base import Services
from livefire.watch.sources.base import Batch, Intake

__all__ = ["Batch", "Intake", "build"]


def build(said: c.AnySource, config: c.Config, services: Services, spool: Path) -> Intake:
    """Return the source that a table of the configuration describes; `spool` is a folder of its own for what is on its way."""
    from livefire.watch.sources import azure, folder, gcs, kafka, pubsub, push, s3

    match said:
        case c.Folder():
            return folder.Folder(said, config.at(said.path))
        case c.Stdin():
            return push.Lines(said, spool / said.name)
        case c.Http():
            return push.Push(said, services, spool / said.name)
        case c.S3():
            return s3.Objects(said, spool / said.name)
        case c.AzureBlob():
            return azure.Blobs(said, services, spool / said.name)
        case c.Gcs():
            return gcs.Stored(said, spool / said.name)
        case c.PubSub():
            return pubsub.Messages(said, spool / said.name)
        case c.Kafka():
            return kafka.Topics(said, services, spool / said.name)
