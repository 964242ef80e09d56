"""ATT&CK's names by version, as far as the products ask for them (https://attack.mitre.org/tactics/enterprise/).

In v19 what was Defense Evasion is two: Stealth, which kept its number, and Defense Impairment.
"""

from __future__ import annotations

from livefire.detections.detection import Attack, Card

LATEST = "v19"
_TACTICS = {
    "TA0043": "Reconnaissance",
    "TA0042": "Resource Development",
    "TA0001": "Initial Access",
    "TA0002": "Execution",
    "TA0003": "Persistence",
    "TA0004": "Privilege Escalation",
    "TA0005": "Defense Evasion",
    "TA0006": "Credential Access",
    "TA0007": "Discovery",
    "TA0008": "Lateral Movement",
    "TA0009": "Collection",
    "TA0011": "Command and Control",
    "TA0010": "Exfiltration",
    "TA0040": "Impact",
}
_LATER = {**_TACTICS, "TA0005": "Stealth", "TA0112": "Defense Impairment"}
TECHNIQUES = {
    "T1078": "Valid Accounts",
    "T1078.004": "Cloud Accounts",
    "T1098": "Account Manipulation",
    "T1136": "Create Account",
    "T1190": "Exploit Public-Facing Application",
    "T1485": "Data Destruction",
    "T1496": "Resource Hijacking",
    "T1525": "Implant Internal Image",
    "T1530": "Data from Cloud Storage",
    "T1535": "Unused/Unsupported Cloud Regions",
    "T1537": "Transfer Data to Cloud Account",
    "T1562": "Impair Defenses",
    "T1578": "Modify Cloud Compute Infrastructure",
    "T1578.001": "Create Snapshot",
    "T1578.002": "Create Cloud Instance",
    "T1578.003": "Delete Cloud Instance",
    "T1578.004": "Revert Cloud Instance",
    "T1578.005": "Modify Cloud Compute Configurations",
    "T1580": "Cloud Infrastructure Discovery",
}


def tactics(version: str) -> dict[str, str]:
    """Return the names of a version's tactics by their ids."""
    return _LATER if _number(version) >= 19 else _TACTICS


def placed(card: Card, version: str) -> Attack | None:
    """Return where a version places a detection: as the card says, or by the version of the card that is nearest before it."""
    known = sorted(card.attack, key=lambda a: _number(a.version))
    fits = [a for a in known if _number(a.version) <= _number(version)]
    found = fits[-1] if fits else known[0] if known else None
    if found is None or _number(found.version) == _number(version):
        return found
    names = tactics(version)
    return Attack(version, tuple(t for t in found.tactics if t in names and names[t] == tactics(found.version).get(t)), found.techniques)


def tactic_by_name(name: str, version: str = "v18") -> str | None:
    """Return the id of a tactic that is named as Sigma's tags do, such as defense-evasion."""
    wanted = name.replace("_", "-").lower()
    return next((i for i, title in tactics(version).items() if title.lower().replace(" ", "-") == wanted), None)


def technique_name(technique: str) -> str:
    """Return a technique's name, its id where it is not known here."""
    return TECHNIQUES.get(technique, technique)


def _number(version: str) -> int:
    digits = "".join(c for c in version.split(".", maxsplit=1)[0] if c.isdigit())
    return int(digits) if digits else 0
