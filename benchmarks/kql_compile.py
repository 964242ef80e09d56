"""How long a KQL rule takes from text to SQL, warm: read, bound, rewritten and printed, beside another tree of the source.

    python benchmarks/kql_compile.py [--rule FILE …] [--beside SRC] [--rounds N]

Two rules are measured: one of two clouds in the form that published ones have (two `let` tables, each filtered and given
its columns one `extend` after another, in a union), and the pack's largest, of three clouds. FILE is a further one, such
as a published rule; it is read leniently. SRC is the `src` folder of another checkout. The trees are measured in turn in
processes of their own, so that their ratio holds on a busy machine too; the least of the rounds counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1] / "src"
PACK = HERE / "livefire" / "packs" / "t1578" / "002_instance_created" / "sentinel.kql"
TWO_CLOUDS = """
let OfAzure = AzureActivity
| where TimeGenerated > ago(1d)
| where OperationNameValue =~ "MICROSOFT.COMPUTE/DISKS/WRITE"
| where ActivityStatusValue =~ "Success"
| extend Cloud = "Azure"
| extend Who = Caller
| extend Address = CallerIpAddress
| extend Disk = Resource
| extend Place = ResourceGroup
| extend Account = SubscriptionId
| project TimeGenerated, Cloud, Who, Address, Disk, Place, Account, Level;
let OfAws = AWSCloudTrail
| where TimeGenerated > ago(1d)
| where EventName =~ "CreateVolume"
| where isempty(ErrorCode)
| extend Cloud = "AWS"
| extend Who = tostring(UserIdentityArn)
| extend Address = SourceIpAddress
| extend Disk = tostring(parse_json(ResponseElements).volumes.items[0].volumeId)
| extend Place = AWSRegion
| extend Account = RecipientAccountId
| project TimeGenerated, Cloud, Who, Address, Disk, Place, Account;
union isfuzzy=true OfAzure, OfAws
| sort by TimeGenerated desc
"""
MEASURED = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from livefire import Workspace
from livefire.diagnostics import Source
text, workspace, times = sys.stdin.read(), Workspace(), []
for _ in range(200):
    started = time.process_time()
    sql = workspace.sql(workspace.compile(Source(text, "rule"), "kql", lenient=True))
    times.append(time.process_time() - started)
print(json.dumps([min(times) * 1000, sql]))
"""


def measured(source: Path, text: str) -> tuple[float, str]:
    """Return the least milliseconds of two hundred compilations, and the SQL."""
    done = subprocess.run([sys.executable, "-c", MEASURED, str(source)], input=text, capture_output=True, text=True, check=True)  # noqa: S603  # this program's own text
    took, sql = json.loads(done.stdout)
    return took, sql


def beside(text: str, other: Path | None, rounds: int) -> str:
    """Return the milliseconds of this tree, and of the other with their ratio, as words."""
    here, there, same = [], [], True
    for _ in range(rounds):
        took, sql = measured(HERE, text)
        here.append(took)
        if other is not None:
            took, printed = measured(other, text)
            there.append(took)
            same = same and printed == sql
    found = f"{min(here):.2f} ms"
    if there:
        found += f"; the other tree {min(there):.2f} ms, ratio {min(here) / min(there):.2f}, SQL {'the same' if same else 'DIFFERS'}"
    return found


def main() -> None:
    """Print a line a rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rule", type=Path, action="append", default=[])
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    texts = {
        "two clouds": TWO_CLOUDS,
        "three clouds, the pack's": PACK.read_text(encoding="utf-8"),
        **{str(f): f.read_text(encoding="utf-8") for f in args.rule},
    }
    for name, text in texts.items():
        print(f"{name}: {beside(text, args.beside, args.rounds)}")


if __name__ == "__main__":
    main()
