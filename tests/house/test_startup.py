"""`livefire --help` and `livefire check` start without an engine, and quickly."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from livefire.languages import REGISTRY
from tests.house.project import SRC

HEAVY = {"duckdb", "pyarrow", "deltalake", "starlette", "numpy", "pandas"}
SLOW = HEAVY | {"rich", "pydantic", "yaml", "msgspec"}
RULES = {
    "kql": "AWSCloudTrail | where EventName == 'CreateSnapshot'",
    "cql": "EventName = CreateSnapshot",
    "eql": "any where event.action == 'CreateSnapshot'",
    "kuery": 'event.action:"CreateSnapshot"',
    "lucene": "event.action:CreateSnapshot",
    "esql": 'FROM logs-aws.cloudtrail-* | WHERE event.action == "CreateSnapshot"',
    "spl": "index=aws eventName=CreateSnapshot",
    "sigma": "title: t\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  a:\n    eventName: CreateSnapshot\n  condition: a\n",
}
SUFFIX = {"sigma": "yml"}
WRITTEN = [name for name, module in REGISTRY.items() if find_spec(module)]


def loaded(*arguments: str) -> tuple[set[str], float]:
    """Run a command in a fresh interpreter; return the modules it loaded and the seconds it took."""
    program = (
        "import sys, json\n"
        "from livefire.cli import app\n"
        "try:\n    app(sys.argv[1:])\n"
        "except SystemExit as end:\n    code = end.code\n"
        "sys.stderr.write('\\n' + json.dumps([code or 0, sorted({m.partition('.')[0] for m in sys.modules})]))"
    )
    began = time.perf_counter()
    surroundings = {"PYTHONPATH": str(SRC.parent), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, env=surroundings)
    took = time.perf_counter() - began
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code in (0, 1), done.stderr
    return set(modules), took


def test_help_loads_no_engine() -> None:
    found, took = loaded("--help")
    sys.stdout.write(f"livefire --help took {took * 1000:.0f} ms\n")
    assert found & SLOW == set()


@pytest.mark.parametrize("language", WRITTEN)
def test_check_loads_no_engine(language: str, tmp_path: Path) -> None:
    rule = tmp_path / f"rule.{SUFFIX.get(language, language)}"
    rule.write_text(RULES[language], encoding="utf-8")
    found, _ = loaded("check", str(rule))
    assert found & HEAVY == set()
