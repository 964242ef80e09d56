"""What is wrong around a configuration, found before a watch starts and without sending anything: sources, sinks, secrets, state, paths.

Nothing is read from a source, nothing is made on disk. Names of webhooks are looked up, the state is opened for reading, and the
addresses that a watch would listen on are tried while none runs.
"""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import os
import re
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from livefire.detections.formats import read_folder, suffixes
from livefire.diagnostics import Diagnostic
from livefire.report.tables import counted
from livefire.store.lake import MARK, Lake, LakeError
from livefire.watch import config as c
from livefire.watch import sinks, sources
from livefire.watch.config import place
from livefire.watch.faults import WatchError
from livefire.watch.sinks import Services, SinkError
from livefire.watch.sinks.web import Webhook
from livefire.watch.sources.push import address
from livefire.watch.state.database import examine

_MOST_NAMED = 5
_PACKAGES = {
    c.S3: ("boto3", "aws"), c.S3File: ("boto3", "aws"), c.AzureBlob: ("azure.storage.blob", "azure"), c.Gcs: ("google.cloud.storage", "gcp"),
    c.PubSub: ("google.pubsub_v1", "gcp"), c.Kafka: ("confluent_kafka", "kafka"),
}  # fmt: skip


def faults(config: c.Config, text: str, services: Services) -> list[Diagnostic]:
    """Return everything that would keep a part of a watch from working, each with its place in the configuration's text."""
    looked = _Look(config, text, services)
    return [*looked.around(), *looked.sources(), *looked.sinks()]


class _Look:
    def __init__(self, config: c.Config, text: str, services: Services) -> None:
        self._config, self._text, self._services = config, text, services
        self._lake = config.at(config.lake)
        self._running = _held(self._lake / "watch" / "lock")

    def _fault(self, words: str, key: str, table: str = "", number: int = 0, code: str = "E721") -> Diagnostic:
        """Return a fault with its place; what another part raised keeps its own code."""
        said = re.fullmatch(r"([EW]\d{3}): (.*)", words, re.DOTALL)
        code, words = (said[1], said[2]) if said is not None else (code, words)
        return Diagnostic("warning" if code.startswith("W") else "error", code, words, place(self._text, key, table, number))

    def around(self) -> Iterator[Diagnostic]:
        """Yield faults of the lake, the state, the address of operations, and what there is none of."""
        said = self._config
        if (self._lake / MARK).exists() or any(_entries(self._lake)):
            try:
                Lake.open(self._lake)
            except LakeError as fault:
                yield self._fault(str(fault), "lake")
            except OSError as fault:
                yield self._fault(f"the lake cannot be read: {_words(fault)}", "lake")
        if reason := _unwritable(self._lake):
            yield self._fault(f"the lake cannot be written: {reason}", "lake")
        try:
            examine(said.state or f"sqlite:///{self._lake / 'watch' / 'state.sqlite'}")
        except WatchError as fault:
            yield self._fault(str(fault), "state" if said.state else "lake")
        if said.operations.listen:
            yield from self._listening(said.operations.listen, "operations", 0)
        for key in ("site", "macros", "lookups"):
            path = getattr(said.rules, key)
            if path and not said.at(path).exists():
                yield self._fault(f"there is nothing at {said.at(path)}", key, "rules")
        yield from self._rules()
        if not said.source:
            yield self._fault("there is no [[source]], so nothing comes in but by `livefire ingest`", "", code="W721")
        if not said.sink:
            yield self._fault("there is no [[sink]], so alerts are seen by `livefire alerts` alone", "", code="W721")

    def _rules(self) -> Iterator[Diagnostic]:
        for folder in self._config.rules.folders:
            path = self._config.at(folder)
            if not path.is_dir() or any(path.rglob("detection.toml")):
                continue
            known, read = suffixes(), {file for file, _ in read_folder(path)}
            empty = sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.suffix.lower() in known and p.is_file() and p not in read)
            if empty:
                named = ", ".join(empty[:_MOST_NAMED]) + (f" and {len(empty) - _MOST_NAMED} more" if len(empty) > _MOST_NAMED else "")
                yield self._fault(f"{counted(len(empty), 'file')} in {folder} with no rule that could be told: {named}", "folders", "rules", code="W721")

    def sources(self) -> Iterator[Diagnostic]:
        """Yield faults of sources."""
        for number, said in enumerate(self._config.source):
            yield from self._made(partial(sources.build, said, self._config, self._services, self._lake / "watch" / "spool"), said, "source", number)
            match said:
                case c.Folder(path=path):
                    yield from self._folder(self._config.at(path), number)
                case c.Http(listen=listen, tokens=tokens):
                    if not tokens:
                        yield self._fault("it needs a token: whoever may write to it may write logs", "tokens", "source", number)
                    yield from self._secrets(tokens, "tokens", "source", number)
                    yield from self._listening(listen, "source", number)
                case c.AzureBlob(connection=connection, container=container):
                    yield from self._secrets((connection,), "connection", "source", number)
                    if not container and not self._is_url(connection):
                        yield self._fault("a connection string needs the name of a container", "container", "source", number)
                case c.Kafka(settings=settings):
                    yield from self._secrets([v for v in settings.values() if v.startswith(("env:", "file:"))], "settings", "source", number)

    def _is_url(self, connection: str) -> bool:
        try:
            return self._services.secret(connection).startswith("https://")
        except WatchError:
            return True  # that it is not there is told already

    def sinks(self) -> Iterator[Diagnostic]:
        """Yield faults of sinks."""
        for number, said in enumerate(self._config.sink):
            yield from self._made(partial(sinks.build, said, self._config, self._services), said, "sink", number)
            match said:
                case c.File(path=path):
                    if reason := _unwritable(self._config.at(path), file=True):
                        yield self._fault(reason, "path", "sink", number)
                case c.Webhook():
                    yield from self._secrets([s for s in (said.secret,) if s], "secret", "sink", number)
                    yield from self._secrets([s for s in (said.routing_key,) if s and said.format == "pagerduty"], "routing_key", "sink", number)
                    yield from self._reach(said, number)
                case c.Smtp():
                    if said.user:
                        yield from self._secrets((said.password,), "password", "sink", number)
                    for key, value in (("sender", said.sender), *(("to", to) for to in said.to)):
                        if "@" not in value or any(ch in value for ch in "\r\n"):
                            yield self._fault(f"{value!r} is no mail address", key, "sink", number)
                    if not said.to:
                        yield self._fault("there is nobody to send to", "to", "sink", number)

    def _reach(self, said: c.Webhook, number: int) -> Iterator[Diagnostic]:
        try:
            Webhook(said, self._services).check()
        except SinkError as fault:
            yield self._fault(str(fault), "url", "sink", number)
        except WatchError:
            return  # told when it was made

    def _made(self, build: Callable[[], object], said: c.AnySource | c.AnySink, table: str, number: int) -> Iterator[Diagnostic]:
        module, extra = _PACKAGES.get(type(said), ("", ""))
        if module and not _installed(module):
            yield self._fault(f"it needs the extra: pip install 'livefire[{extra}]'", "kind", table, number)
        try:
            build()
        except WatchError as fault:
            yield self._fault(str(fault), "url" if isinstance(said, c.Webhook) else "kind", table, number)

    def _secrets(self, references: object, key: str, table: str, number: int) -> Iterator[Diagnostic]:
        for reference in references if isinstance(references, list | tuple) else ():
            try:
                self._services.secret(str(reference))
            except WatchError as fault:
                yield self._fault(str(fault), key, table, number)

    def _folder(self, path: Path, number: int) -> Iterator[Diagnostic]:
        if not path.is_dir():
            yield self._fault(f"there is no folder {path}", "path", "source", number)
        elif not os.access(path, os.R_OK | os.X_OK):
            yield self._fault(f"{path} cannot be read: permission denied", "path", "source", number)
        elif self._lake.resolve().is_relative_to(path.resolve()) and not (self._lake / MARK).exists():
            yield self._fault(f"the lake lies in {path}: its own files are left out", "path", "source", number, "W721")

    def _listening(self, listen: str, table: str, number: int) -> Iterator[Diagnostic]:
        try:
            host, port = address(listen)
        except WatchError as fault:
            yield self._fault(str(fault), "listen", table, number)
            return
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind((host, port))
        except OSError as error:
            if not (self._running and error.errno == errno.EADDRINUSE):  # by the watch that runs
                yield self._fault(f"{listen}: {_words(error)}", "listen", table, number)


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError:
        return


def _unwritable(path: Path, *, file: bool = False) -> str:
    """Return why a folder, or a file that is appended to, cannot be written, empty if it can; nothing is made."""
    if file and path.is_dir():
        return f"{path} is a folder"
    if not file and path.exists() and not path.is_dir():
        return f"{path} is a file"
    found = path
    while not found.exists() and found != found.parent:
        found = found.parent
    if found != path and not found.is_dir():
        return f"{found} is a file"
    return "" if os.access(found, os.W_OK if found.is_file() else os.W_OK | os.X_OK) else f"{found}: permission denied"


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _held(lock: Path) -> bool:
    """Tell whether a watch holds its lock."""
    try:
        handle = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
