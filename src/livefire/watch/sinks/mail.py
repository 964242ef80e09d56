"""A sink by mail."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage

from livefire.report.safe import safe_text
from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sinks.base import Services, SinkError, headline
from livefire.watch.state.outbox import Message

_SECONDS = 15
_HERE = ("localhost", "127.0.0.1", "::1")


class Smtp:
    """One mail a message, over TLS. The key is the Message-ID, so that a mail that comes twice can be told."""

    def __init__(self, said: c.Smtp, services: Services) -> None:
        self.name, self.give_up = said.name, said.give_up
        self._said, self._services = said, services
        if said.plain and said.host not in _HERE:
            raise WatchError("E709", f"the sink {said.name} would send mail without TLS to {said.host}; `plain` is for a server on this machine")

    def send(self, message: Message) -> None:
        """Hand one mail to the server."""
        said = self._said
        mail = EmailMessage()
        mail["Subject"] = headline(message.body).replace("\n", " ").replace("\r", " ")[:200]
        mail["From"], mail["To"] = said.sender, ", ".join(said.to)
        mail["Message-ID"] = f"<{message.key}@livefire>"
        mail.set_content("\n".join(f"{name}: {safe_text(str(message.body[name]))}" for name in sorted(message.body) if name not in ("row", "evidence")))
        try:
            with smtplib.SMTP(said.host, said.port, timeout=_SECONDS) as server:
                if not said.plain:
                    server.starttls(context=ssl.create_default_context())
                if said.user:
                    server.login(said.user, self._services.secret(said.password))
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise SinkError(f"{said.host}:{said.port}: {str(error).lower()[:200]}") from error

    def close(self) -> None:
        """Nothing is held."""
