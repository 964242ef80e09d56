"""What machines are told of a watch, the configuration's faults, and the whole program as an operator runs it."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from livefire.diagnostics import QueryError
from livefire.watch.config import EXAMPLE, parse
from livefire.watch.faults import WatchError
from livefire.watch.operations import Operations, metrics
from livefire.watch.records import RuleState
from livefire.watch.spans import shown, span
from livefire.watch.state import State
from livefire.watch.view import status
from livefire.workspace import Workspace
from livefire.workspace.surroundings import secret
from tests.logsources.samples import compact
from tests.watch.staging import BURST, START, STOPPED, USUAL, Stage, event

MINUTE = timedelta(minutes=1)


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_machines_are_told_how_it_stands(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED, 'odd".kql': "nothing"})
    watch = stage.watch()
    stage.deliver("a.json", [event(1, MINUTE, "StopInstances")])
    stage.settle(watch)
    served = Operations("127.0.0.1:0", lambda: stage.state().health(stage.clock.now), stage.clock)
    served.start()
    try:
        code, text = get(served.port, "/metrics")
        lines = text.splitlines()
        assert code == 200
        for line in ('livefire_alerts{state="new"} 1', 'livefire_source_stored_total{source="inbox"} 1', 'livefire_rules{state="refused"} 1', "livefire_up 1"):
            assert line in lines
        assert all(line.startswith("#") or line.rpartition(" ")[2].replace(".", "").lstrip("-").isdecimal() for line in lines)
        assert get(served.port, "/healthz") == (200, "running\n")
        assert get(served.port, "/readyz") == (200, "ready\n")
        assert get(served.port, "/else")[0] == 404
        stage.clock.pass_(10 * MINUTE)
        assert get(served.port, "/healthz") == (503, "stalled\n")
    finally:
        served.stop(1)
    told = status(stage.state().health(stage.clock.now), stage.clock.now)
    assert "gave no sign of life since" in told
    assert isinstance(stage.state().health(stage.clock.now).rules[0], RuleState)


@pytest.mark.parametrize(
    ("text", "line", "words", "help"),
    [
        ('lake = "l"\nlaek = 1\n', "laek", "there is no setting 'laek'", "did you mean lake?"),
        ('lake = "l"\n[rules]\nevrey = "5m"\n', "evrey", "[rules] has no setting 'evrey'", "did you mean every?"),
        ('lake = "l"\n[[sink]]\nkind = "stdout"\n[[sink]]\nkind = "webhok"\n', "kind", "no kind of sink is named 'webhok'", "did you mean webhook?"),
        ('lake = "l"\n[[source]]\nname = "x"\n', "[[source]]", "a source needs a kind", "known: folder, stdin, http, s3, azure_blob, gcs, pubsub, kafka"),
        ('lake = "l"\n[rules]\nevery = "soon"\n', "every", "rules.every: 'soon' is no length of time: write 90s, 5m, 1h30m or 7d", ""),
        ('lake = "l"\n[operations]\nlog = "text"\npoll = "two"\n', "poll", "operations.poll: 'two' is no length of time", ""),
        ('lake = "l"\n[[alerts.suppress]]\nrule = "x"\nwithin = "q"\n', "within", "alerts.suppress[0].within: 'q' is no length", ""),
        ('lake = 5\n', "lake", "lake: expected `str`, got `int`", ""),
        ('lake = "l"\n[[source]]\nkind = "folder"\nname = "a/b"\npath = "x"\n', "[[source]]", "'a/b' is no name", ""),
        ('lake = "l"\n[[sink]]\nkind = "stdout"\n[[sink]]\nkind = "stdout"\n', "[[sink]]", "two tables of sink are named 'stdout'", ""),
        ('lake = "l\n', 'lake = "l', "no TOML", ""),
        ("[rules]\n", "", "object missing required field `lake`", ""),
    ],
)  # fmt: skip
def test_a_fault_of_the_configuration_has_its_place_and_the_nearest_word(text: str, line: str, words: str, help: str) -> None:
    with pytest.raises(QueryError) as fault:
        parse(text, Path("livefire.toml"))
    found = fault.value.diagnostics[0]
    assert words in found.message
    assert found.code == "E700"
    assert found.help == help or not help
    assert text[found.span.start : found.span.end].startswith(line)


def test_the_example_is_a_configuration_also_with_everything_switched_on() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert parse(text, Path("x")).lake == "lake"
    on = "\n".join(line.removeprefix("# ") if line.startswith("# ") and ("=" in line or line.startswith("# [[")) else line for line in text.splitlines())
    found = parse(on, Path("x"))
    assert [type(s).__name__ for s in found.source] == ["Folder", "S3", "AzureBlob", "Gcs", "PubSub", "Kafka", "Http"]
    assert [type(s).__name__ for s in found.sink] == ["Stdout", "File", "Webhook"]
    assert found.operations.retain == "400d"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("7d", 604_800), ("PT5M", 300), ("P14D", 1_209_600), ("01:30:00", 5400), ("1.00:00:00", 86_400)]
)
def test_lengths_of_time(text: str, seconds: int) -> None:
    assert span(text).total_seconds() == seconds
    assert span(shown(span(text))) == span(text)


@pytest.mark.parametrize("text", ["", "5", "0s", "-5m", "5 minutes", "m", "P", "1y"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="no length of time"):
        span(text)


def test_secrets_are_named_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEFIRE_CANARY", "canary-of-the-test")
    (tmp_path / "s").write_text("from-a-file\n", encoding="utf-8")
    assert (secret("env:LIVEFIRE_CANARY"), secret(f"file:{tmp_path / 's'}")) == ("canary-of-the-test", "from-a-file")
    for wrong in ("canary-of-the-test", "env:", "env:LIVEFIRE_NOT_THERE", "file:/not/there"):
        with pytest.raises(Exception, match="E702") as fault:
            secret(wrong)
        assert "canary-of-the-test" not in str(fault.value)


@pytest.mark.slow
def test_no_secret_is_left_anywhere(tmp_path: Path) -> None:
    """A sink that signs with one and fails, and one whose password stands in the address of a database: in no log, state, metric or message."""
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    stage.secrets["env:LIVEFIRE_CANARY"] = "canary-of-the-test"
    stage.text += '[[sink]]\nkind = "webhook"\nname = "hook"\nurl = "http://127.0.0.1:9/"\nprivate = ["127.0.0.1"]\nsecret = "env:LIVEFIRE_CANARY"\n'
    watch = stage.watch()
    stage.deliver("a.json", [event(1, MINUTE, "StopInstances", "mallory")])
    stage.settle(watch)
    health = stage.state().health(stage.clock.now)
    assert any(s.name == "hook" and s.error for s in health.sinks)
    with pytest.raises(WatchError) as fault:
        Workspace(tmp_path / "lake").state("postgresql://livefire:canary-of-the-test@127.0.0.1:9/livefire")
    said = [*stage.lines, status(health, stage.clock.now), *metrics(health, stage.clock.now), str(fault.value), repr(fault.value.__cause__ or "")]
    assert not any("canary-of-the-test" in text for text in said)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"canary-of-the-test" not in path.read_bytes(), path


@pytest.mark.slow
def test_as_an_operator_runs_it(tmp_path: Path) -> None:
    """The program itself: start it, drop a file, see the alert on the terminal and through the commands, end it."""
    Stage(tmp_path, rules={"stopped.kql": STOPPED})
    config = tmp_path / "livefire.toml"
    config.write_text(USUAL + '[[sink]]\nkind = "stdout"\n[operations]\npoll = "1s"\n', encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def livefire(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "livefire.cli", *words, "--config", str(config)], capture_output=True, text=True, check=False, env=environment
        )
        return done.returncode, done.stdout + done.stderr

    assert livefire("watch", "--check")[0] == 0
    out = tmp_path / "out.txt"
    with out.open("w", encoding="utf-8") as stream:
        watch = subprocess.Popen([sys.executable, "-m", "livefire.cli", "watch", "--config", str(config)], stdout=stream, stderr=stream, env=environment)
    try:
        (tmp_path / ".draft").write_bytes(compact(event(1, MINUTE, "StopInstances", "mallory")))
        (tmp_path / ".draft").replace(tmp_path / "inbox" / "a.json")
        until = time.monotonic() + 120
        while "MEDIUM stopped" not in out.read_text(encoding="utf-8") and time.monotonic() < until:
            time.sleep(0.5)
        assert "user/mallory" in out.read_text(encoding="utf-8")
        code, told = livefire("alerts", "list", "--json")
        (alert,) = json.loads(told)["items"]
        assert (code, alert["rule"]) == (1, "stopped")
        assert "StopInstances" in livefire("alerts", "show", alert["fingerprint"][:8])[1]
        assert livefire("alerts", "close", alert["fingerprint"][:8], "--verdict", "benign", "--reason", "a test")[0] == 0
        assert json.loads(livefire("status", "--json")[1])["alerts"] == {"new": 0, "triaged": 0, "closed": 1}
        assert "another watch" in livefire("watch")[1]
    finally:
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(60) == 0
    assert "stopped" in out.read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(livefire("status", "--json")[1])["state"] == "stopped"


POSTGRES = next((p for p in (Path("/usr/lib/postgresql/15/bin"), *(Path(shutil.which("initdb") or "/").parent,)) if (p / "initdb").exists()), None)


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A PostgreSQL of the test's own, on a socket of its own; gives its URL and the command that controls it."""
    assert POSTGRES is not None
    data, prefix = folder / "data", (["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else [])
    folder.mkdir(mode=0o755)
    if prefix:
        shutil.chown(folder, "postgres")
        for parent in [folder, *folder.parents][:4]:
            if str(parent).startswith("/tmp/"):  # noqa: S108 - pytest's folders are closed to other users
                parent.chmod(0o755)
    subprocess.run([*prefix, str(POSTGRES / "initdb"), "-D", str(data), "-U", "livefire", "-A", "trust", "--no-sync"], check=True, capture_output=True)
    control = [*prefix, str(POSTGRES / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -h ''"]
    subprocess.run([*control, "start"], check=True, capture_output=True)
    try:
        yield f"postgresql://livefire@/postgres?host={folder}", control
    finally:
        subprocess.run([*control, "stop", "-m", "immediate"], check=False, capture_output=True)


@pytest.mark.slow
@pytest.mark.skipif(POSTGRES is None, reason="no PostgreSQL server is installed here")
def test_a_state_in_postgresql_that_is_restarted(tmp_path: Path) -> None:
    with server(tmp_path / "pg") as (url, control):
        stage = Stage(tmp_path / "stage")
        stage.text = f'state = "{url}"\n' + stage.text
        watch = stage.watch()
        snapshots = [event(n, n * MINUTE, "CreateSnapshot", "mal\x00lory") for n in range(1, 4)]
        stage.deliver("a.json", [event(9, MINUTE, "StopInstances", "bob"), *snapshots])
        stage.clock.now = START + 11 * MINUTE
        stage.settle(watch)
        assert [a.rule for a in stage.alerts()] == ["burst", "stopped"]
        assert State.open(url).desk.alert(stage.alerts()[0].fingerprint).moments
        stage.deliver("b.json", [event(20, 12 * MINUTE, "StopInstances", "eve")])
        subprocess.run([*control, "stop", "-m", "fast"], check=True, capture_output=True)
        assert not watch._guarded(), "it says so and goes on"
        subprocess.run([*control, "start"], check=True, capture_output=True)
        stage.clock.pass_(MINUTE)
        stage.settle(watch)
        assert [a.rule for a in stage.alerts()] == ["burst", "stopped", "stopped"]
        assert len({m["key"] for m in stage.sent() if m["kind"] == "alert.opened"}) == 3


def test_a_gap_is_made_up_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, rules={"burst.yaml": BURST})
    stage.text = stage.text.replace('every = "10m"', 'every = "10m"\nhorizon = "2h"')
    watch = stage.watch()
    stage.clock.now = START + 600 * MINUTE
    stage.deliver("a.json", [event(1, 595 * MINUTE)])
    stage.settle(watch)
    stage.deliver("late.json", [event(10 + n, n * MINUTE, "CreateSnapshot", "ann") for n in range(3)])
    stage.settle(watch)
    assert (len(stage.state().health(stage.clock.now).gaps), stage.alerts()) == (1, ())
    monkeypatch.setattr("livefire.workspace.watching.present", stage.clock)
    ws = Workspace(stage.config.at("lake"))
    # The gap begins with the window of the first moment that was left out, and each of its moments is owed.
    (gap,) = stage.state().health(stage.clock.now).gaps
    assert ws.make_up(stage.config, stage.state(), "burst") == (gap.end - gap.start) // (10 * MINUTE)
    stage.settle(watch)
    assert [(a.rule, a.events) for a in stage.alerts()] == [("burst", 3)]
    assert stage.state().health(stage.clock.now).problems == ()
    with pytest.raises(WatchError, match="E705: there is nothing that a rule named burst could make up"):
        ws.make_up(stage.config, stage.state(), "burst")
