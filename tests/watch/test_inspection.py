"""What `watch --check` finds around a configuration, without sending, reading or making anything."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from livefire.watch.config import parse
from livefire.watch.inspection import faults
from livefire.watch.sinks import Services
from livefire.watch.state import State
from livefire.workspace.surroundings import secret
from tests.watch.staging import USUAL, Clock

WRONG = """
lake = "lake"
state = "postgresql://livefire:hidden@127.0.0.1:9/none"
[rules]
folders = ["rules"]
lookups = "absent"
[operations]
listen = "0.0.0.0:9464"
[[source]]
kind = "folder"
name = "inbox"
path = "nowhere"
[[source]]
kind = "http"
name = "push"
tokens = ["env:LIVEFIRE_NOT_THERE", "written-out"]
[[source]]
kind = "kafka"
name = "topic"
brokers = ["127.0.0.1:9"]
topics = ["t"]
settings = { "sasl.password" = "file:/not/there" }
[[source]]
kind = "s3"
name = "trail"
[[sink]]
kind = "webhook"
name = "metadata"
url = "http://169.254.169.254/latest"
[[sink]]
kind = "webhook"
name = "inside"
url = "https://10.1.2.3/hook"
secret = "file:/not/there"
[[sink]]
kind = "file"
name = "log"
path = "livefire.toml/alerts.jsonl"
[[sink]]
kind = "smtp"
name = "mail"
host = "mail.example.com"
sender = "nobody"
to = []
plain = true
[[sink]]
kind = "webhook"
name = "pager"
url = "https://10.1.2.3/page"
format = "pagerduty"
"""


def found(text: str, root: Path) -> list[tuple[str, str, str]]:
    """Return the code of each fault, the line it stands in, and its words."""
    path = root / "livefire.toml"
    path.write_text(text, encoding="utf-8")
    services = Services(Clock(), secret, lambda _: None)
    listed = faults(parse(text, path), text, services)
    return [(d.code, text[text.rfind("\n", 0, d.span.start) + 1 :].partition("\n")[0], d.message) for d in listed]


def test_everything_that_cannot_work_is_found_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "manifest.yaml").write_text("name: a package\n", encoding="utf-8")
    expected = [
        ("E703", "state = ", "cannot be opened: connection failed"),
        ("E701", "listen = ", "without TLS only this machine may be listened to"),
        ("E721", "lookups = ", "there is nothing at"),
        ("W721", "folders = ", "1 file in rules with no rule that could be told: manifest.yaml"),
        ("E721", 'path = "nowhere"', "there is no folder"),
        ("E702", "tokens = ", "the environment has no LIVEFIRE_NOT_THERE"),
        ("E702", "tokens = ", "a secret is named, not written"),
        ("E702", "settings = ", "the secret in /not/there cannot be read"),
        ("E708", 'kind = "s3"', "the source trail needs a bucket to list or a queue to read"),
        ("E709", 'url = "http:', "a webhook goes over https"),
        ("E702", "secret = ", "the secret in /not/there cannot be read"),
        ("E721", 'url = "https://10.1.2.3/hook"', "10.1.2.3 is on a private network"),
        ("E721", 'path = "livefire.toml/alerts.jsonl"', "livefire.toml is a file"),
        ("E709", 'kind = "smtp"', "would send mail without TLS to mail.example.com"),
        ("E721", "sender = ", "'nobody' is no mail address"),
        ("E721", "to = []", "there is nobody to send to"),
        ("E709", 'url = "https://10.1.2.3/page"', "needs a routing_key for PagerDuty"),
    ]
    listed = found(WRONG, tmp_path)
    assert [code for code, _, _ in listed] == [code for code, _, _ in expected]
    for (_, line, words), (_, place, part) in zip(listed, expected, strict=True):
        assert line.startswith(place), (line, place)
        assert part in words
        assert "hidden" not in words
    assert sorted(p.name for p in tmp_path.iterdir()) == ["livefire.toml", "rules"], "nothing is made"


def test_a_configuration_that_works_has_no_fault_and_none_is_made(tmp_path: Path) -> None:
    for folder in ("inbox", "rules"):
        (tmp_path / folder).mkdir()
    assert found(USUAL, tmp_path) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["inbox", "livefire.toml", "rules"]
    bare = found('lake = "lake"\n', tmp_path)
    assert [(code, words[:23]) for code, _, words in bare] == [("W721", "there is no [[source]],"), ("W721", "there is no [[sink]], s")]


def test_a_lake_a_state_or_an_address_that_cannot_be_used(tmp_path: Path) -> None:
    for folder in ("inbox", "rules", "lake"):
        (tmp_path / folder).mkdir()
    (tmp_path / "lake" / "holiday.jpg").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        listed = found(USUAL.replace("[alerts]", f'[operations]\nlisten = "{listen}"\n[alerts]'), tmp_path)
    assert [(code, line.partition(" ")[0]) for code, line, _ in listed] == [("E442", "lake"), ("E721", "listen")]
    assert "address already in use" in listed[1][2]
    (tmp_path / "newer").mkdir()
    url = f"sqlite:///{tmp_path / 'newer' / 'state.sqlite'}"
    state = State.open(url)
    with state.database.writing() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    state.close()
    (tmp_path / "lake" / "holiday.jpg").unlink()
    assert [(code, words[:31]) for code, _, words in found(f'state = "{url}"\n{USUAL}', tmp_path)] == [("E704", "a newer livefire made this stat")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folders_that_may_not_be_written_or_read(tmp_path: Path) -> None:
    for folder in ("inbox", "rules", "closed"):
        (tmp_path / folder).mkdir()
    (tmp_path / "closed").chmod(stat.S_IRUSR | stat.S_IXUSR)
    (tmp_path / "inbox").chmod(0)
    listed = found(USUAL.replace('"lake"', '"closed/lake"').replace('"alerts.jsonl"', '"closed/alerts.jsonl"'), tmp_path)
    assert [(code, line.partition(" ")[0]) for code, line, _ in listed] == [("E721", "lake"), ("E703", "lake"), ("E721", "path"), ("E721", "path")]
