"""The sinks of a watch as connectors of Kibana, so that rules that are moved there tell the same people.

https://www.elastic.co/docs/reference/kibana/connectors-kibana
"""

from __future__ import annotations

from collections.abc import Sequence

from livefire.exports.model import Connector
from livefire.watch.config import Smtp, Webhook

_KINDS = {"slack": ".slack", "teams": ".teams", "pagerduty": ".pagerduty"}


def connectors(sinks: Sequence[object]) -> tuple[tuple[Connector, ...], tuple[str, ...]]:
    """Return the connectors of a configuration's sinks, without their secrets, and the names of sinks that Kibana has none for."""
    found: list[Connector] = []
    left: list[str] = []
    for sink in sinks:
        match sink:
            case Webhook(name=name, format=form) if form in _KINDS:
                found.append(Connector(name, _KINDS[form]))
            case Webhook(name=name, url=url, format="json", secret=""):
                found.append(Connector(name, ".webhook", {"url": url, "method": "post", "hasAuth": False}, secret=False))
            case Smtp():
                config = {"service": "other", "from": sink.sender, "host": sink.host, "port": sink.port, "secure": True, "hasAuth": bool(sink.user)}
                found.append(Connector(sink.name, ".email", config, {"to": list(sink.to)}, secret=bool(sink.user)))
            case _:
                left.append(str(getattr(sink, "name", sink)))
    return tuple(found), tuple(left)
