"""What commands say of input that is broken: every record accounted for, a code and a place, no traceback."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from livefire.cli import FOUND, INTERRUPTED, OK, PARTIAL, REFUSED, USAGE
from tests.cli.logs import KQL, file_of, livefire, packed, record


def ingested(path: Path, lake: Path) -> tuple[int, dict[str, Any]]:
    """Ingest a path, check that the account balances, and return the exit code and the report."""
    result = livefire("ingest", path, "--lake", lake, "--json")
    report = json.loads(result.stdout)
    assert report["records"] == report["stored"] + report["duplicates"] + report["quarantined"]
    assert report["balanced"]
    return result.exit_code, report


def test_sound_file(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.json.gz", file_of(record(1), record(2), record(2)))
    code, report = ingested(path, tmp_path / "lake")
    assert (code, report["stored"], report["duplicates"], report["quarantined"]) == (OK, 2, 1, 0)


def test_truncated_gzip_keeps_what_came_before(tmp_path: Path) -> None:
    # Half of the compressed bytes of records that do not compress away: some are whole, then the data ends.
    records = [record(n % 60, eventID=f"{n:032x}", requestParameters={"seed": f"{n * 7919 % 104729:x}" * 40}) for n in range(400)]
    data = gzip.compress(file_of(*records), mtime=0)
    path = tmp_path / "cut.json.gz"
    path.write_bytes(data[: len(data) // 2])
    code, report = ingested(path, tmp_path / "lake")
    assert code == PARTIAL
    assert 0 < report["stored"] < 400
    assert "E410" in {e["code"] for f in report["files"] for e in f["entries"]}


def test_damaged_gzip_is_not_trusted(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(file_of(record(1)), mtime=0))
    data[-8] ^= 0xFF  # the first byte of the CRC
    path = tmp_path / "bad.json.gz"
    path.write_bytes(bytes(data))
    code, report = ingested(path, tmp_path / "lake")
    assert code == PARTIAL
    assert "E411" in {e["code"] for f in report["files"] for e in f["entries"]}


def test_invalid_utf8_costs_no_event(tmp_path: Path) -> None:
    data = file_of(record(1), record(2, userAgent="AGENT")).replace(b"AGENT", b"a\xff\xfeb")
    path = tmp_path / "a.json"
    path.write_bytes(data)
    _, report = ingested(path, tmp_path / "lake")
    assert report["records"] == 2
    assert report["stored"] == 2
    rule = tmp_path / "agents.kql"
    rule.write_text("AWSCloudTrail | project UserAgent", encoding="utf-8")
    found = json.loads(livefire("run", rule, "--lake", tmp_path / "lake", "--json").stdout)
    assert sorted(row[0] for row in found["rows"]) == ["aws-cli/2.15", "a\ufffd\ufffdb"]  # each broken byte became U+FFFD


def test_deep_json_is_set_aside_alone(tmp_path: Path) -> None:
    deep = b'{"eventVersion":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    path = tmp_path / "deep.json"
    path.write_bytes(b'{"Records":[' + deep + b"," + json.dumps(record(1)).encode() + b"]}")
    code, report = ingested(path, tmp_path / "lake")
    assert (code, report["stored"], report["quarantined"]) == (PARTIAL, 1, 1)
    assert [e["code"] for f in report["files"] for e in f["entries"]] == ["E422"]


def test_one_line_of_100_megabytes_is_set_aside_alone(tmp_path: Path) -> None:
    huge = json.dumps(record(1)).encode().replace(b"aws-cli/2.15", b"x" * 100_000_000)
    path = tmp_path / "huge.jsonl"
    path.write_bytes(huge + b"\n" + json.dumps(record(2)).encode() + b"\n")
    code, report = ingested(path, tmp_path / "lake")
    assert (code, report["stored"], report["quarantined"]) == (PARTIAL, 1, 1)
    assert [e["code"] for f in report["files"] for e in f["entries"]] == ["E421"]


def test_empty_folder(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    code, report = ingested(logs, tmp_path / "lake")
    assert (code, report["files"], report["records"]) == (OK, [], 0)


def test_what_is_left_out_on_purpose_is_no_failure(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.json").write_bytes(file_of(record(1)))
    (logs / ".DS_Store").write_bytes(b"\x00\x01")
    code, report = ingested(logs, tmp_path / "lake")
    assert (code, report["stored"]) == (OK, 1)
    assert {f["code"] for f in report["files"]} == {"", "E402"}


def test_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.touch()
    code, report = ingested(path, tmp_path / "lake")
    assert (code, report["files"][0]["code"]) == (PARTIAL, "E404")


def test_missing_path(tmp_path: Path) -> None:
    result = livefire("ingest", tmp_path / "absent", "--lake", tmp_path / "lake")
    assert result.exit_code == USAGE
    assert "E002" in result.stderr
    assert not (tmp_path / "lake").exists()


def test_unreadable_file_does_not_stop_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A file whose mode forbids reading is read by the superuser all the same, so the refusal is injected.
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.json").write_bytes(file_of(record(1)))
    (logs / "b.json").write_bytes(file_of(record(2)))
    real = Path.open

    def guarded(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self.name == "a.json":
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", guarded)
    code, report = ingested(logs, tmp_path / "lake")
    assert (code, report["stored"]) == (PARTIAL, 1)
    assert [f["code"] for f in report["files"]] == ["E403", ""]


def test_unknown_source(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(file_of(record(1)))
    result = livefire("ingest", path, "--lake", tmp_path / "lake", "--source", "no_such_source")
    assert result.exit_code == USAGE
    assert "aws_cloudtrail" in result.stderr


def test_a_folder_of_other_things_is_no_lake(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(file_of(record(1)))
    result = livefire("ingest", path, "--lake", tmp_path)
    assert result.exit_code == REFUSED
    assert "E441" in result.stderr
    assert livefire("lake", "info", "--lake", tmp_path).exit_code in (USAGE, REFUSED)


def test_lake_that_is_not_there(tmp_path: Path) -> None:
    for command in (("lake", "info"), ("hunt",)):
        result = livefire(*command, "--lake", tmp_path / "absent")
        assert result.exit_code == USAGE
        assert "E002" in result.stderr
    assert not (tmp_path / "absent").exists()


def test_unclosed_bracket_has_its_place(tmp_path: Path) -> None:
    rule = tmp_path / "rule.kql"
    lines = ["AWSCloudTrail", "| where EventName == 'CreateSnapshot'", "| where (ErrorCode == ''", "| project EventName", ""]
    rule.write_text("\n".join(lines), encoding="utf-8")
    result = livefire("check", rule)
    assert result.exit_code == FOUND
    shown = result.stderr.splitlines()
    assert any("E202" in line for line in shown)
    assert any(line.endswith("rule.kql:3:9") for line in shown)  # the bracket is the ninth character of line 3
    at = next(i for i, line in enumerate(shown) if line.startswith("3 | "))
    assert shown[at + 1].index("^") == shown[at].index("(")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("rule.kql", b"\x7fELF\x02\x01\x01\x00\xff\xfe", "E505"),
        ("rule.kql", b"T" * ((1 << 20) + 1), "E505"),
        ("rule.bin", b"anything", "E001"),
        ("rule", b"anything", "E001"),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_no_rule_file(command: str, name: str, data: bytes, code: str, tmp_path: Path) -> None:
    rule = tmp_path / name
    rule.write_bytes(data)
    result = livefire(command, rule, *(("--on", str(tmp_path)) if command == "run" else ()))
    assert result.exit_code == USAGE
    assert code in result.stderr


@pytest.mark.parametrize("command", ["run", "check"])
def test_missing_rule(command: str, tmp_path: Path) -> None:
    result = livefire(command, tmp_path / "absent.kql")
    assert result.exit_code == USAGE
    assert "E002" in result.stderr
    assert livefire(command, tmp_path).exit_code == USAGE


def test_unknown_language(tmp_path: Path) -> None:
    rule = tmp_path / "rule.kql"
    rule.write_text(KQL, encoding="utf-8")
    result = livefire("check", rule, "--language", "cobol")
    assert result.exit_code == USAGE
    assert "E001" in result.stderr


def test_hunt_in_an_unknown_language(tmp_path: Path) -> None:
    result = livefire("hunt", tmp_path, "--language", "cobol")
    assert result.exit_code == USAGE
    assert "E001" in result.stderr


def test_prove_an_unknown_technique() -> None:
    result = livefire("prove", "T0000")
    assert result.exit_code == USAGE
    assert "E004" in result.stderr
    assert "T1578.002" in result.stderr


def test_unknown_option_and_moment(tmp_path: Path) -> None:
    rule = tmp_path / "rule.kql"
    rule.write_text(KQL, encoding="utf-8")
    assert livefire("check", rule, "--no-such-option").exit_code == USAGE
    result = livefire("run", rule, "--on", tmp_path, "--now", "yesterday")
    assert result.exit_code == USAGE
    assert "ISO 8601" in result.stderr


def test_run_needs_something_to_run_over(tmp_path: Path) -> None:
    rule = tmp_path / "rule.kql"
    rule.write_text(KQL, encoding="utf-8")
    assert livefire("run", rule).exit_code == USAGE
    assert livefire("hunt").exit_code == USAGE


def test_unknown_column_is_refused_in_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(file_of(record(1)))
    rule = tmp_path / "rule.kql"
    rule.write_text("AWSCloudTrail\n| where EventNme == 'x'", encoding="utf-8")
    result = livefire("run", rule, "--on", path, "--json")
    assert result.exit_code == REFUSED
    refusal = json.loads(result.stdout)
    assert refusal["refused"] is True
    (fault,) = refusal["diagnostics"]
    assert (fault["severity"], fault["code"], fault["file"]) == ("error", "E102", str(rule))
    assert (fault["start"]["line"], fault["start"]["column"], fault["end"]["column"]) == (2, 9, 17)
    assert fault["fix"]["replacement"] == "EventName"


def test_packs_that_are_none(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.json").write_bytes(file_of(record(1)))
    for command in (("hunt", logs), ("prove",)):
        result = livefire(*command, "--packs", tmp_path / "nothing")
        assert result.exit_code == REFUSED
        assert "E501" in result.stderr
        refusal = json.loads(livefire(*command, "--packs", tmp_path / "nothing", "--json").stdout)
        assert [d["code"] for d in refusal["diagnostics"]] == ["E501"]


def test_bad_card_has_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "packs" / "a"
    folder.mkdir(parents=True)
    (folder / "detection.toml").write_text("title = \n", encoding="utf-8")
    result = livefire("prove", "--packs", tmp_path / "packs")
    assert result.exit_code == REFUSED
    assert "E502" in result.stderr
    assert "detection.toml" in result.stderr


def alone(body: str) -> subprocess.CompletedProcess[str]:
    """Run `main` in its own process with the lines of `body` before it."""
    program = f"import sys\nfrom livefire import cli, workspace\nsys.argv = ['livefire', 'check', '-']\n{body}\ncli.main()"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_fault_of_our_own_is_one_line() -> None:
    done = alone("def app(): raise ZeroDivisionError('\\x1b]52;c;YQ==\\x07')\ncli.program.app = app")
    assert done.returncode == REFUSED
    assert "E009" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


def test_an_interrupted_ingest_keeps_what_it_committed(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(40):
        (logs / f"{number:02d}.json").write_bytes(file_of(record(number)))
    # Half of the files are read, then the user presses Ctrl-C.
    body = f"""
import signal, os
# A program that was started in the background is born deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
from livefire.store import ingest
real = ingest._Run.take
count = 0
def take(self, entry, known):
    global count
    count += 1
    if count == 20:
        os.kill(os.getpid(), signal.SIGINT)
    return real(self, entry, known)
ingest._Run.take = take
sys.argv = ['livefire', 'ingest', {str(logs)!r}, '--lake', {str(tmp_path / "lake")!r}]"""
    done = alone(body)
    assert done.returncode == INTERRUPTED
    assert "Traceback" not in done.stderr
    code, report = ingested(logs, tmp_path / "lake")
    assert (code, report["records"], report["stored"] + report["duplicates"]) == (OK, 40, 40)
    rule = tmp_path / "count.kql"
    rule.write_text("AWSCloudTrail | count", encoding="utf-8")
    assert json.loads(livefire("run", rule, "--lake", tmp_path / "lake", "--json").stdout)["rows"] == [[40]]


def test_interrupt_has_its_code() -> None:
    done = alone("def stopped(*_a, **_k): raise KeyboardInterrupt\ncli.checks.rule_files = stopped\nsys.argv = ['livefire', 'check', 'a.kql']")
    assert done.returncode == INTERRUPTED
    assert "Traceback" not in done.stderr


def test_lake_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means the folder the command runs in, to every process of it."""
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_bytes(file_of(record(1)))
    Path("rule.kql").write_text(KQL, encoding="utf-8")
    assert livefire("ingest", "a.json", "--lake", "lake").exit_code == OK
    found = livefire("run", "rule.kql", "--lake", "lake", "--json")
    assert found.exit_code == OK, found.output
    assert len(json.loads(found.stdout)["rows"]) == 1
