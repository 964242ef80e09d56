"""Defects that `prove` finds in published rules on real logs of attacks: `python -m tests.known_defects SHARED docs/known-defects.md`.

SHARED is the folder with the logs and rules of others. No text of theirs goes into the page.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livefire.detections.detection import Rule
from livefire.proof.trial import RuleProof
from livefire.workspace import Workspace

NOTE = "<!-- Made by `python -m tests.known_defects SHARED docs/known-defects.md`; edit the code, not this page. -->"
STRATUS = Path("stratus-red-team/docs/detonation-logs")
SHARE = "aws.exfiltration.ec2-share-ebs-snapshot.json"
Event = dict[str, Any]


@dataclass(frozen=True)
class Defect:
    """A published rule, the events that show what is wrong with it, and what is wrong."""

    rule: Rule
    collection: str
    url: str
    attacks: Mapping[str, Sequence[Event]]
    benign: Mapping[str, Sequence[Event]]
    command: str
    events: str
    why: str
    code: str


def published(shared: Path, corpus: str, name: str, language: str) -> Rule | None:
    """Return a published rule by the name of its file, with its macros filled in where it has any; None where it is not among the rules."""
    for line in (shared / "corpora" / f"{corpus}.shared.jsonl").read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        if Path(said["path"]).stem == name:
            return Rule(name, language, str(said.get("query_expanded") or said["query"]))
    return None


def records(shared: Path, name: str) -> list[Event]:
    """Return the events of one recorded attack."""
    return list(json.loads((shared / "logs" / STRATUS / name).read_text(encoding="utf-8")))


def permission(share: Event, change: Event) -> Event:
    """Return a real share with another change of the permission in it."""
    request = {**share["requestParameters"], "createVolumePermission": change}
    return {**share, "eventID": "00000000-0000-4000-8000-000000000001", "requestParameters": request}


ANY_CHANGE = """title: any change of a snapshot's permissions, which is what the published rule selects
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventSource: ec2.amazonaws.com, eventName: ModifySnapshotAttribute}
  condition: selection
"""


def defects(shared: Path) -> list[Defect]:
    """Return the defects, of those rules that are here."""
    (share,) = records(shared, SHARE)
    taken_back = permission(share, {"remove": share["requestParameters"]["createVolumePermission"]["add"]})
    public = permission(share, {"add": {"items": [{"group": "all"}]}})
    script = records(shared, "aws.execution.ec2-user-data.json")
    rules = (
        published(shared, "sigma", "aws_ec2_startup_script_change", "sigma"),
        published(shared, "splunk", "aws_ec2_snapshot_shared_externally", "spl"),
        Rule("aws_snapshot_backup_exfiltration", "sigma", ANY_CHANGE),
    )
    found = []
    if rules[0] is not None:
        found.append(Defect(
            rules[0], "SigmaHQ, `rules/cloud/aws/cloudtrail/aws_ec2_startup_script_change.yml`", "https://github.com/SigmaHQ/sigma",
            {"aws.execution.ec2-user-data.json": script}, {}, "livefire prove aws_ec2_startup_script_change.yml --attack aws.execution.ec2-user-data.json",
            "the log of the attack, as it was recorded",
            "The rule asks for `requestParameters.attribute` with the word `userData`. The call has two forms, and CloudTrail writes the one that was used: "
            "the attack's has no `attribute`, but `requestParameters.userData` itself.", "W674",
        ))  # fmt: skip
    if rules[1] is not None:
        found.append(Defect(
            rules[1], "Splunk, `detections/cloud/aws_ec2_snapshot_shared_externally.yml`", "https://github.com/splunk/security_content",
            {SHARE: [share], "public.json": [public]}, {}, f"livefire prove aws_ec2_snapshot_shared_externally.spl --attack {SHARE} --attack public.json",
            "the log of the attack, and the same event with `group: all`, a share with everybody, in the place of the one account",
            "The rule compares `userId` of the receiver. A share with everybody has none: the one that lets the whole world copy the disk is missed.", "W607",
        ))  # fmt: skip
    found.append(Defect(
        rules[2] or Rule("", "sigma", ""), "SigmaHQ, `rules/cloud/aws/cloudtrail/aws_snapshot_backup_exfiltration.yml`", "https://github.com/SigmaHQ/sigma",
        {SHARE: [share]}, {"back.json": [taken_back]}, f"livefire prove aws_snapshot_backup_exfiltration.yml --attack {SHARE} --benign back.json",
        "the log of the attack, and the same event with `remove` in the place of `add`; the rule by what it selects, one event name",
        "Sharing and taking back are one event name. Without a look at `add`, whoever cleans up raises the alert again.", "W670",
    ))  # fmt: skip
    return found


def proved(found: Defect, folder: Path) -> RuleProof:
    """Return what became of the rule over its events."""
    stage = Workspace().rehearsal()
    files: dict[str, list[Path]] = {"attack": [], "benign": []}
    for kind, said in (("attack", found.attacks), ("benign", found.benign)):
        for name, events in said.items():
            path = folder / name
            path.write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
            files[kind].append(path)
    return stage.prove(found.rule, stage.trials(found.rule, attacks=files["attack"], benign=files["benign"]))


def page(shared: Path) -> str:
    """Return the page: for each defect the command, what came out, and why."""
    lines = [NOTE, "", "# Defects that proving finds in published rules", ""]
    lines += ["Rules that many use, run as they are published over the logs of [Stratus Red Team](https://github.com/DataDog/stratus-red-team)'s attacks"]
    lines += ["(`docs/detonation-logs`). Each was found by `livefire prove`; `livefire check` says the same without any event, by the code behind it."]
    for found in defects(shared):
        with tempfile.TemporaryDirectory() as folder:
            proof = proved(found, Path(folder))
        said = {d.code for d in Workspace().check(found.rule.text, found.rule.language)}
        lines += [
            "",
            f"## {found.rule.name}",
            "",
            f"[{found.collection}]({found.url}). Run over {found.events}:",
            "",
            "```console",
            f"$ {found.command}",
            "```",
            "",
        ]
        lines += ["| events | it must | it | |", "|---|---|---|---|"]
        for t in proof.tried:
            wanted = "fire" if t.trial.kind == "attack" else "be silent"
            did = "fires" if t.result == "fires" else "is silent"
            lines.append(f"| {t.trial.name} | {wanted} | {did} | {'right' if t.right else '**wrong**'} |")
        checked = f"[{found.code}](checks.md)" if found.code in said else "nothing"
        lines += ["", f"{found.why} `livefire check` says {checked}."]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(Path(sys.argv[1])), encoding="utf-8")
