"""Runs the benchmarks one after another and writes their sections of docs/performance.md: `python benchmarks/run_all.py [--large]`.

Small sizes take some ten minutes on a quiet machine of two cores; `--large` is two million events and takes an hour.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
SMALL: dict[str, tuple[str, ...]] = {
    "ingest.py": ("--events", "200000", "--files", "10", "--rounds", "3", "--write"),
    "queries.py": ("--events", "200000", "--rounds", "7", "--write"),
    "rules.py": ("--events", "100000", "--rules", "1,50,200,500", "--rounds", "3", "--write"),
    "rivals.py": ("--events", "100000", "--rounds", "3", "--write"),
    "growth.py": ("--sizes", "20000,60000,200000", "--write"),
    "sequence.py": ("--events", "200000", "--most", "100000", "--write", str(PAGE)),
}
LARGE: dict[str, tuple[str, ...]] = {
    "ingest.py": ("--events", "2000000", "--files", "100", "--rounds", "3", "--write"),
    "queries.py": ("--events", "2000000", "--rounds", "7", "--write"),
    "rules.py": ("--events", "2000000", "--rules", "1,50,200,500,3000", "--rounds", "3", "--alone", "200", "--write"),
    "rivals.py": ("--events", "200000", "--rounds", "3", "--write"),
    "growth.py": ("--sizes", "20000,200000,2000000", "--write"),
    "sequence.py": ("--events", "2000000", "--write", str(PAGE)),
}


def main() -> None:
    """Run each script; the first that fails ends the run with its code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--large", action="store_true")
    options.add_argument("--only", default="", help="names of scripts, with commas between")
    asked = options.parse_args()
    for script, arguments in (LARGE if asked.large else SMALL).items():
        if asked.only and script.removesuffix(".py") not in asked.only.split(","):
            continue
        print(f"--- {script} {' '.join(arguments)}", flush=True)
        done = subprocess.run([sys.executable, str(HERE / script), *arguments], check=False)  # noqa: S603 - our own scripts
        if done.returncode:
            sys.exit(done.returncode)


if __name__ == "__main__":
    main()
