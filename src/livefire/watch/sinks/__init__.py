"""Sinks: where messages go. A sink is one class with `send`, and one row of `build`."""

from __future__ import annotations

from livefire.watch import config as c
from livefire.watch.sinks.base import Services, Sink, SinkError

__all__ = ["Services", "Sink", "SinkError", "build"]


def build(said: c.AnySink, config: c.Config, services: Services) -> Sink:
    """Return the sink that a table of the configuration describes; WatchError E709 for one that can never work."""
    from livefire.watch.sinks import local, mail, web

    match said:
        case c.Stdout():
            return local.Stdout(said, services)
        case c.File():
            return local.File(said, config.at(said.path), services)
        case c.Syslog():
            return local.Syslog(said, services)
        case c.Webhook():
            return web.Webhook(said, services)
        case c.S3File():
            return web.S3File(said, services)
        case c.Smtp():
            return mail.Smtp(said, services)
