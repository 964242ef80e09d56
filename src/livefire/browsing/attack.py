"""The techniques of ATT&CK's matrix for infrastructure clouds, by tactic: https://attack.mitre.org/matrices/enterprise/cloud/iaas/.

Names and numbers only. Tactics are those of v18, in which what is Stealth and Defense Impairment today is one.
"""

from __future__ import annotations

CLOUD_MATRIX: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "TA0001",
        "Initial Access",
        (("T1190", "Exploit Public-Facing Application"), ("T1199", "Trusted Relationship"), ("T1078", "Valid Accounts")),
    ),
    (
        "TA0002",
        "Execution",
        (
            ("T1651", "Cloud Administration Command"),
            ("T1059", "Command and Scripting Interpreter"),
            ("T1648", "Serverless Execution"),
            ("T1204", "User Execution"),
        ),
    ),
    (
        "TA0003",
        "Persistence",
        (
            ("T1098", "Account Manipulation"),
            ("T1136", "Create Account"),
            ("T1546", "Event Triggered Execution"),
            ("T1525", "Implant Internal Image"),
            ("T1556", "Modify Authentication Process"),
        ),
    ),
    (
        "TA0004",
        "Privilege Escalation",
        (("T1548", "Abuse Elevation Control Mechanism"), ("T1484", "Domain or Tenant Policy Modification")),
    ),
    (
        "TA0005",
        "Defense Evasion",
        (
            ("T1562", "Impair Defenses"),
            ("T1578", "Modify Cloud Compute Infrastructure"),
            ("T1666", "Modify Cloud Resource Hierarchy"),
            ("T1535", "Unused/Unsupported Cloud Regions"),
            ("T1550", "Use Alternate Authentication Material"),
        ),
    ),
    (
        "TA0006",
        "Credential Access",
        (
            ("T1110", "Brute Force"),
            ("T1555", "Credentials from Password Stores"),
            ("T1606", "Forge Web Credentials"),
            ("T1621", "Multi-Factor Authentication Request Generation"),
            ("T1528", "Steal Application Access Token"),
            ("T1552", "Unsecured Credentials"),
        ),
    ),
    (
        "TA0007",
        "Discovery",
        (
            ("T1087", "Account Discovery"),
            ("T1580", "Cloud Infrastructure Discovery"),
            ("T1538", "Cloud Service Dashboard"),
            ("T1526", "Cloud Service Discovery"),
            ("T1619", "Cloud Storage Object Discovery"),
            ("T1654", "Log Enumeration"),
            ("T1069", "Permission Groups Discovery"),
        ),
    ),
    ("TA0008", "Lateral Movement", (("T1021", "Remote Services"),)),
    (
        "TA0009",
        "Collection",
        (("T1119", "Automated Collection"), ("T1530", "Data from Cloud Storage"), ("T1074", "Data Staged")),
    ),
    ("TA0010", "Exfiltration", (("T1048", "Exfiltration Over Alternative Protocol"), ("T1537", "Transfer Data to Cloud Account"))),
    (
        "TA0040",
        "Impact",
        (
            ("T1485", "Data Destruction"),
            ("T1486", "Data Encrypted for Impact"),
            ("T1491", "Defacement"),
            ("T1490", "Inhibit System Recovery"),
            ("T1498", "Network Denial of Service"),
            ("T1496", "Resource Hijacking"),
        ),
    ),
)
