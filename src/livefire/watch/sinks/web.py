"""Sinks over HTTPS: webhooks, signed; chat and paging services by their incoming webhooks; objects in S3."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sinks.base import Services, SinkError, as_json, as_ocsf, headline, within
from livefire.watch.sinks.outward import Outward
from livefire.watch.spans import span
from livefire.watch.state.outbox import Message

_PAGE = 400_000
"""What of a message goes into one event, which may have 512 KB: https://developer.pagerduty.com/docs/events-api-v2-overview."""
_AS_IT_IS = {"mrkdwn": False, "link_names": False, "unfurl_links": False, "unfurl_media": False}
"""What keeps Slack from giving text a meaning, and from fetching what it names."""
_PAGER = {"informational": "info", "low": "info", "medium": "warning", "high": "error", "critical": "critical"}


class Webhook:
    """Posts each message; `Idempotency-Key` is its key, `X-Livefire-Signature` is `t=<seconds>,v1=<hex>`.

    The signature is HMAC-SHA256 over `<seconds>.<body>` with the secret. Slack:
    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, Teams:
    https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using, PagerDuty:
    https://developer.pagerduty.com/docs/send-alert-event.
    """

    def __init__(self, said: c.Webhook, services: Services) -> None:
        self.name, self.give_up = said.name, said.give_up
        self._said, self._services = said, services
        self._outward = Outward(said.url, said.private, span(said.timeout).total_seconds())
        if said.format == "pagerduty" and not said.routing_key:
            raise WatchError("E709", f"the sink {said.name} needs a routing_key for PagerDuty, such as env:PAGERDUTY_KEY")

    def check(self) -> None:
        """Look up where it would post to, and post nothing; SinkError when that cannot be."""
        self._outward.check()

    def send(self, message: Message) -> None:
        """Post one message."""
        body = self._body(message).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "livefire", "Idempotency-Key": message.key}
        if self._said.secret:
            stamp = str(int(self._services.clock().timestamp()))
            made = hmac.new(self._services.secret(self._said.secret).encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers["X-Livefire-Signature"] = f"t={stamp},v1={made}"
        self._outward.post(body, headers)

    def _body(self, message: Message) -> str:
        match self._said.format:
            case "slack":
                return json.dumps({"text": _slack(headline(message.body)), **_AS_IT_IS})
            case "teams":
                block = {"type": "TextBlock", "text": _plain(headline(message.body)), "wrap": True}
                card = {"type": "AdaptiveCard", "version": "1.4", "body": [block]}
                return json.dumps({"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}]})
            case "pagerduty":
                return json.dumps(self._page(message), default=str)
            case "ocsf":
                return as_ocsf(message)
            case _:
                return as_json(message)

    def _page(self, message: Message) -> dict[str, Any]:
        body = message.body
        action = "resolve" if message.kind == "alert.withdrawn" else "trigger"
        payload = {"summary": headline(body), "source": str(body.get("account") or "livefire"), "severity": _PAGER.get(str(body.get("severity")), "error")}
        key = self._services.secret(self._said.routing_key)
        return {
            "routing_key": key,
            "event_action": action,
            "dedup_key": message.fingerprint or message.key,
            "payload": {**payload, "custom_details": within(body, _PAGE)},
        }

    def close(self) -> None:
        """Nothing is held."""


def _slack(text: str) -> str:
    """Return text that Slack shows as it is: what could make it a link or a mention is escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    """Return text that Teams shows as it is: the marks of Markdown are escaped."""
    return "".join(f"\\{ch}" if ch in "\\`*_{}[]()#+!|<>~" else ch for ch in text)


class S3File:
    """An object a message, `<prefix><day>/<key>.json`: the same message again is the same object."""

    def __init__(self, said: c.S3File, services: Services) -> None:
        self.name, self.give_up = said.name, said.give_up
        self._said = said
        self._form = as_ocsf if said.format == "ocsf" else as_json
        self._client: Any = None
        del services

    def send(self, message: Message) -> None:
        """Put one object."""
        from livefire.watch.sources.aws import aws_client, aws_errors

        if self._client is None:
            self._client = aws_client("s3", self._said.region, self._said.endpoint)
        key = f"{self._said.prefix}{message.created:%Y/%m/%d}/{message.key}.json"
        try:
            self._client.put_object(Bucket=self._said.bucket, Key=key, Body=self._form(message).encode() + b"\n", ContentType="application/json")
        except aws_errors() as error:
            raise SinkError(f"s3://{self._said.bucket}: {str(error)[:200]}") from error

    def close(self) -> None:
        """Nothing is held."""
