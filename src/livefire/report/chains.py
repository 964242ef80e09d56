"""Chains that were found, as text and JSON: the ordered evidence and the graph of resources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livefire.detections.chain import ChainFinding
from livefire.report.tables import iso


def story(finding: ChainFinding) -> str:
    """Return a finding as lines: its steps in order, then what was made from what."""
    chain = finding.chain
    lines = [f"{iso(finding.time)} {chain.severity} {chain.id}: {chain.title}"]
    for number, (name, act) in enumerate(finding.steps, 1):
        where = " ".join(x for x in (act.account, act.region) if x)
        lines.append(f"  {number}. {iso(act.time)} {name}: {act.action} by {act.actor} from {act.address or 'unknown'} ({where}) on {', '.join(act.resources)}")
    lines += [f"  {link.parent} --{link.how}--> {link.child}" for link in finding.links]
    return "\n".join(lines)


def as_json(findings: Sequence[ChainFinding]) -> list[dict[str, Any]]:
    """Return findings as JSON-able data; `graph` holds nodes and edges."""
    return [_object(f) for f in findings]


def _object(finding: ChainFinding) -> dict[str, Any]:
    chain = finding.chain
    nodes = dict.fromkeys([*(r for _, a in finding.steps for r in a.resources), *(x for link in finding.links for x in (link.parent, link.child))])
    steps = [
        {
            "step": name,
            "time": iso(a.time),
            "action": a.action,
            "actor": a.actor,
            "account": a.account,
            "region": a.region,
            "address": a.address,
            "resources": list(a.resources),
            "event": f"{a.source}/{a.event}",
        }
        for name, a in finding.steps
    ]
    edges = [{"from": link.parent, "to": link.child, "how": link.how} for link in finding.links]
    return {
        "chain": chain.id,
        "title": chain.title,
        "severity": chain.severity,
        "risk": chain.risk.base,
        "time": iso(finding.time),
        "fingerprint": finding.fingerprint,
        "steps": steps,
        "graph": {"nodes": list(nodes), "edges": edges},
    }
