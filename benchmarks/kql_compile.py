"""How long a KQL rule of three clouds takes from text to SQL, warm: the stages, beside another tree of the source.

    python benchmarks/kql_compile.py [--beside SRC] [--rounds N]

SRC is the `src` folder of another checkout. The two are measured in turn in processes of their own, so that
their ratio holds on a busy machine too; the least of the rounds counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1] / "src"
RULE = HERE / "livefire" / "packs" / "t1578" / "002_instance_created" / "sentinel.kql"
MEASURED = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from livefire import Workspace
from livefire.diagnostics import Source
text, workspace, times = open(sys.argv[2], encoding="utf-8").read(), Workspace(), []
for _ in range(40):
    started = time.process_time()
    sql = workspace.sql(workspace.compile(Source(text, "rule"), "kql"))
    times.append(time.process_time() - started)
print(json.dumps([min(times) * 1000, sql]))
"""


def measured(source: Path) -> tuple[float, str]:
    """Return the least milliseconds of forty compilations, and the SQL."""
    done = subprocess.run([sys.executable, "-c", MEASURED, str(source), str(RULE)], capture_output=True, text=True, check=True)  # noqa: S603  # this program's own text
    took, sql = json.loads(done.stdout)
    return took, sql


def main() -> None:
    """Print the milliseconds of this tree, and of the other with their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    here, there, same = [], [], True
    for _ in range(args.rounds):
        took, sql = measured(HERE)
        here.append(took)
        if args.beside is not None:
            took, other = measured(args.beside)
            there.append(took)
            same = same and other == sql
    print(f"text to SQL, warm: {min(here):.2f} ms")
    if there:
        print(f"the other tree:    {min(there):.2f} ms; ratio {min(here) / min(there):.2f}; SQL {'the same' if same else 'DIFFERS'}")


if __name__ == "__main__":
    main()
