"""The configuration of a watch, `livefire.toml`: typed, checked whole, every fault with its line and the nearest word."""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from pathlib import Path
from typing import Any, Literal

import msgspec

from livefire.diagnostics import Diagnostic, QueryError, Source, Span
from livefire.watch.records import SEVERITIES
from livefire.watch.spans import span

EXAMPLE = Path(__file__).parent / "example.toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
Severity = Literal["informational", "low", "medium", "high", "critical"]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the configuration; fields named in `_SPANS` are lengths of time."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name in _SPANS and isinstance(value, str) and value:
                try:
                    span(value)
                except ValueError as wrong:
                    raise ValueError(f"{name}: {wrong}") from None
            if name == "name" and not _NAME.fullmatch(str(value)):
                raise ValueError(f"{value!r} is no name: letters, digits, dots and dashes, at most 64")


_SPANS = frozenset(
    {"every", "lookback", "horizon", "timeout", "backoff", "settle", "poll", "within", "group", "give_up", "compact", "retain", "vacuum", "keep_versions"}
)


class Rules(_Part, frozen=True, kw_only=True):
    """Which rules run, and how those that say nothing of it themselves."""

    bundled: bool = True
    folders: tuple[str, ...] = ()
    language: str = ""
    skip: tuple[str, ...] = ()
    every: str = "5m"
    lookback: str = "1h"
    horizon: str = "3d"
    timeout: str = "1m"
    backoff: str = "30s"
    disable_after: int = 10
    most: int = 1_000
    concurrency: int = 1
    backfill: Literal["all", "none"] = "all"
    site: str = ""
    macros: str = ""
    lookups: str = ""


class Suppress(_Part, frozen=True, kw_only=True):
    """Findings of a rule (a name or pattern) by the same actor within a stretch are one alert."""

    rule: str
    within: str


class Alerts(_Part, frozen=True, kw_only=True):
    """How alerts become incidents: those of one identity within `group`; one is raised from a severity or a sum of risk on."""

    group: str = "1d"
    raise_severity: Severity = "high"
    raise_risk: int = 60
    suppress: tuple[Suppress, ...] = ()


class Operations(_Part, frozen=True, kw_only=True):
    """How the service runs: `listen` serves /metrics, /healthz and /readyz; the rest is upkeep of the lake."""

    listen: str = ""
    poll: str = "2s"
    log: Literal["json", "text"] = "text"
    compact: str = "1h"
    retain: str = ""
    vacuum: str = "1d"
    keep_versions: str = "1d"
    batch_files: int = 500


class Folder(_Part, frozen=True, kw_only=True, tag="folder", tag_field="kind"):
    """Files that appear below a folder; one is taken once it has not changed for `settle`."""

    name: str
    path: str
    settle: str = "2s"
    source: str = ""


class Stdin(_Part, frozen=True, kw_only=True, tag="stdin", tag_field="kind"):
    """Lines of JSON on standard input."""

    name: str = "stdin"
    source: str = ""


class Http(_Part, frozen=True, kw_only=True, tag="http", tag_field="kind"):
    """NDJSON posted to /ingest; a sender shows `Authorization: Bearer TOKEN`."""

    name: str
    listen: str = "127.0.0.1:8088"
    tokens: tuple[str, ...]
    most_bytes: int = 16 * 1024 * 1024
    source: str = ""


class S3(_Part, frozen=True, kw_only=True, tag="s3", tag_field="kind"):
    """Objects of a bucket, listed, or told by the messages of an SQS queue."""

    name: str
    bucket: str = ""
    prefix: str = ""
    queue: str = ""
    region: str = ""
    endpoint: str = ""
    source: str = ""


class AzureBlob(_Part, frozen=True, kw_only=True, tag="azure_blob", tag_field="kind"):
    """Blobs of a container; `connection` names a secret: a connection string, or the container's URL with a SAS token."""

    name: str
    connection: str
    container: str = ""
    prefix: str = ""
    source: str = ""


class Gcs(_Part, frozen=True, kw_only=True, tag="gcs", tag_field="kind"):
    """Objects of a Google Cloud Storage bucket, listed."""

    name: str
    bucket: str
    prefix: str = ""
    project: str = ""
    endpoint: str = ""
    source: str = ""


class PubSub(_Part, frozen=True, kw_only=True, tag="pubsub", tag_field="kind"):
    """Messages of a Google Cloud Pub/Sub subscription: `projects/PROJECT/subscriptions/NAME`."""

    name: str
    subscription: str
    endpoint: str = ""
    source: str = ""


class Kafka(_Part, frozen=True, kw_only=True, tag="kafka", tag_field="kind"):
    """Messages of topics, also of Azure Event Hubs; `settings` are librdkafka's, and may name secrets as `env:NAME`."""

    name: str
    brokers: tuple[str, ...]
    topics: tuple[str, ...]
    group_id: str = "livefire"
    settings: dict[str, str] = {}
    source: str = ""


AnySource = Folder | Stdin | Http | S3 | AzureBlob | Gcs | PubSub | Kafka


class _Sink(_Part, frozen=True, kw_only=True):
    severity: Severity = "informational"
    incidents: bool = True


class Stdout(_Sink, frozen=True, kw_only=True, tag="stdout", tag_field="kind"):
    """One line of JSON an alert on standard output."""

    name: str = "stdout"
    format: Literal["line", "json", "ocsf"] = "line"


class File(_Sink, frozen=True, kw_only=True, tag="file", tag_field="kind"):
    """One line of JSON an alert at the end of a file, forced to disk."""

    name: str
    path: str
    format: Literal["json", "ocsf"] = "ocsf"


class Webhook(_Sink, frozen=True, kw_only=True, tag="webhook", tag_field="kind"):
    """An HTTPS address; the body is signed with HMAC-SHA256 if there is a secret. `private` lists hosts that may be on a private network."""

    name: str
    url: str
    secret: str = ""
    format: Literal["json", "ocsf", "slack", "teams", "pagerduty"] = "json"
    routing_key: str = ""
    private: tuple[str, ...] = ()
    timeout: str = "5s"
    give_up: str = "7d"


class Syslog(_Sink, frozen=True, kw_only=True, tag="syslog", tag_field="kind"):
    """RFC 5424 messages over TCP (octet-counted, RFC 6587) or UDP."""

    name: str
    host: str
    port: int = 514
    transport: Literal["tcp", "udp"] = "tcp"
    give_up: str = "7d"


class Smtp(_Sink, frozen=True, kw_only=True, tag="smtp", tag_field="kind"):
    """A message by mail, over TLS unless `plain` says that the server is on this machine."""

    name: str
    host: str
    port: int = 587
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: str = ""
    plain: bool = False
    give_up: str = "7d"


class S3File(_Sink, frozen=True, kw_only=True, tag="s3", tag_field="kind"):
    """An object an alert, named by its key."""

    name: str
    bucket: str
    prefix: str = "livefire/"
    region: str = ""
    endpoint: str = ""
    format: Literal["json", "ocsf"] = "ocsf"
    give_up: str = "7d"


AnySink = Stdout | File | Webhook | Syslog | Smtp | S3File


class Config(_Part, frozen=True, kw_only=True):
    """All of it; `folder` is where the file lies, which its relative paths start from."""

    lake: str
    state: str = ""
    source: tuple[AnySource, ...] = ()
    sink: tuple[AnySink, ...] = ()
    rules: Rules = Rules()
    alerts: Alerts = Alerts()
    operations: Operations = Operations()
    folder: str = "."

    def at(self, path: str) -> Path:
        """Return a path of the configuration, relative to its file."""
        return Path(self.folder) / Path(path).expanduser()


_TABLES: dict[str, type[msgspec.Struct]] = {"rules": Rules, "alerts": Alerts, "operations": Operations}
_KINDS: dict[str, tuple[type[msgspec.Struct], ...]] = {"source": typing.get_args(AnySource), "sink": typing.get_args(AnySink)}


def load(path: Path) -> Config:
    """Return the configuration of a file; QueryError E700 with every fault's line, OSError when it cannot be read."""
    return parse(path.read_text(encoding="utf-8", errors="replace"), path)


def parse(text: str, path: Path) -> Config:
    """Return the configuration of a text; QueryError E700 with every fault's line."""
    source = Source(text, str(path))
    try:
        said = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise QueryError([Diagnostic("error", "E700", f"no TOML: {fault}", _line_of(text, str(fault)))], source) from fault
    faults = [*_unknown(said, text), *_clashes(said, text)]
    if faults:
        raise QueryError(faults, source)
    try:
        found = msgspec.convert({**said, "folder": str(path.parent)}, Config)
    except msgspec.ValidationError as fault:
        words, _, at = str(fault).partition(" - at `")
        setting, _, rest = words.partition(": ")
        if setting in _SPANS:  # said of the whole table, for a length of time is read with it
            words, at = rest, f"{at.rstrip('`') or '$'}.{setting}"
        raise QueryError([Diagnostic("error", "E700", f"{_named(at)}{words[:1].lower()}{words[1:]}", _place(at, text))], source) from fault
    return found


def _named(at: str) -> str:
    found = at.rstrip("`").removeprefix("$").lstrip(".")
    return f"{found}: " if found else ""


def _unknown(said: dict[str, Any], text: str) -> list[Diagnostic]:
    """Return each setting that does not exist with the nearest that does."""
    found = [
        _stranger(key, [f for f in Config.__struct_fields__ if f != "folder"], "", text)
        for key in said
        if key not in Config.__struct_fields__ or key == "folder"
    ]
    for table, kind in _TABLES.items():
        part = said.get(table)
        if isinstance(part, dict):
            found += [_stranger(key, kind.__struct_fields__, table, text) for key in part if key not in kind.__struct_fields__]
    for table, kinds in _KINDS.items():
        by_tag = {str(k.__struct_config__.tag): k for k in kinds}
        listed = said.get(table)
        if listed is not None and not isinstance(listed, list):
            found.append(Diagnostic("error", "E700", f"{table} is a list of tables", place(text, table, ""), help=f"write [[{table}]]"))
        for number, part in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(part, dict):
                continue
            chosen = by_tag.get(str(part.get("kind")))
            if chosen is None:
                near = _near(str(part.get("kind", "")), by_tag)
                words = f"a {table} needs a kind" if "kind" not in part else f"no kind of {table} is named {part['kind']!r}"
                found.append(Diagnostic("error", "E700", words, place(text, "kind" if "kind" in part else "", table, number), help=near))
                continue
            found += [_stranger(k, ["kind", *chosen.__struct_fields__], table, text, number) for k in part if k not in (*chosen.__struct_fields__, "kind")]
    return found


def _clashes(said: dict[str, Any], text: str) -> list[Diagnostic]:
    """Return names that two sources or two sinks share."""
    found = []
    for table in _KINDS:
        listed = [p for p in said.get(table) or () if isinstance(p, dict)] if isinstance(said.get(table), list) else []
        names = [p.get("name", p.get("kind")) for p in listed]
        found += [
            Diagnostic("error", "E700", f"two tables of {table} are named {n!r}", place(text, "name", table, i)) for i, n in enumerate(names) if n in names[:i]
        ]
    return found


def _stranger(key: str, known: typing.Iterable[str], table: str, text: str, number: int = 0) -> Diagnostic:
    where = f"[{table}] has" if table else "there is"
    return Diagnostic("error", "E700", f"{where} no setting {key!r}", place(text, key, table, number), help=_near(key, known))


def _near(word: str, known: typing.Iterable[str]) -> str:
    listed = list(known)
    close = difflib.get_close_matches(word, listed, 1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(listed)}"


def place(text: str, key: str, table: str, number: int = 0) -> Span:
    """Return where a key stands in the n-th table of a name; the table's line where it cannot be found."""
    at, inside, seen, head = 0, table == "", -1, Span(0, 0)
    for line in text.splitlines(keepends=True):
        header = re.match(r"\s*\[\[?\s*([\w.\"-]+)\s*\]?\]", line)
        if header:
            seen += header[1] == table
            inside = header[1] == table and seen == number
            head = Span(at, at + len(line.rstrip())) if inside else head
        elif inside and key and (match := re.match(rf"\s*\"?({re.escape(key)})\"?\s*=", line)):
            return Span(at + match.start(1), at + match.end(1))
        at += len(line)
    return head


def _place(at: str, text: str) -> Span:
    """Return the place of a path such as `$.source[0].path`."""
    nested = re.fullmatch(r"\$\.(\w+\.\w+)\[(\d+)\]\.(\w+)`?", at)
    if nested is not None:
        return place(text, nested[3], nested[1], int(nested[2]))
    match = re.match(r"\$\.?(?:(\w+)(?:\[(\d+)\])?)?(?:\.(\w+))?", at)
    if match is None or match[1] is None:
        return Span(0, 0)
    return place(text, match[3] or "", match[1], int(match[2] or 0)) if match[3] or match[2] else place(text, match[1], "")


def _line_of(text: str, words: str) -> Span:
    match = re.search(r"line (\d+)", words)
    lines = text.splitlines(keepends=True)
    number = min(int(match[1]), len(lines)) - 1 if match and lines else 0
    start = sum(len(line) for line in lines[:number])
    return Span(start, start + len(lines[number].rstrip())) if lines else Span(0, 0)


def least(severity: str) -> int:
    """Return the rank of a severity."""
    return SEVERITIES.index(severity)
