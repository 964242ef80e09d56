"""The techniques of ATT&CK's matrix for infrastructure clouds, by tactic: https://attack.mitre.org/matrices/enterprise/cloud/iaas/.

Names and numbers only, those of v18; a technique stands under each of its tactics. In v19 Stealth keeps the number of Defense Evasion, and what
impairs defences, T1578 among it, stands under Defense Impairment (TA0112).
"""

from __future__ import annotations

VERSION = "v18"
CLOUD_MATRIX: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "TA0001",
        "Initial Access",
        (
            ("T1190", "Exploit Public-Facing Application"),
            ("T1199", "Trusted Relationship"),
            ("T1078", "Valid Accounts"),
        ),
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
            ("T1078", "Valid Accounts"),
        ),
    ),
    (
        "TA0004",
        "Privilege Escalation",
        (
            ("T1548", "Abuse Elevation Control Mechanism"),
            ("T1098", "Account Manipulation"),
            ("T1546", "Event Triggered Execution"),
            ("T1078", "Valid Accounts"),
        ),
    ),
    (
        "TA0005",
        "Defense Evasion",
        (
            ("T1548", "Abuse Elevation Control Mechanism"),
            ("T1211", "Exploitation for Defense Evasion"),
            ("T1562", "Impair Defenses"),
            ("T1556", "Modify Authentication Process"),
            ("T1578", "Modify Cloud Compute Infrastructure"),
            ("T1666", "Modify Cloud Resource Hierarchy"),
            ("T1535", "Unused/Unsupported Cloud Regions"),
            ("T1550", "Use Alternate Authentication Material"),
            ("T1078", "Valid Accounts"),
        ),
    ),
    (
        "TA0006",
        "Credential Access",
        (
            ("T1110", "Brute Force"),
            ("T1555", "Credentials from Password Stores"),
            ("T1606", "Forge Web Credentials"),
            ("T1556", "Modify Authentication Process"),
            ("T1621", "Multi-Factor Authentication Request Generation"),
            ("T1040", "Network Sniffing"),
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
            ("T1046", "Network Service Discovery"),
            ("T1040", "Network Sniffing"),
            ("T1201", "Password Policy Discovery"),
            ("T1069", "Permission Groups Discovery"),
            ("T1518", "Software Discovery"),
            ("T1082", "System Information Discovery"),
            ("T1614", "System Location Discovery"),
            ("T1049", "System Network Connections Discovery"),
        ),
    ),
    (
        "TA0008",
        "Lateral Movement",
        (
            ("T1021", "Remote Services"),
            ("T1550", "Use Alternate Authentication Material"),
        ),
    ),
    (
        "TA0009",
        "Collection",
        (
            ("T1119", "Automated Collection"),
            ("T1530", "Data from Cloud Storage"),
            ("T1213", "Data from Information Repositories"),
            ("T1074", "Data Staged"),
        ),
    ),
    (
        "TA0010",
        "Exfiltration",
        (
            ("T1048", "Exfiltration Over Alternative Protocol"),
            ("T1537", "Transfer Data to Cloud Account"),
        ),
    ),
    (
        "TA0040",
        "Impact",
        (
            ("T1485", "Data Destruction"),
            ("T1486", "Data Encrypted for Impact"),
            ("T1491", "Defacement"),
            ("T1499", "Endpoint Denial of Service"),
            ("T1490", "Inhibit System Recovery"),
            ("T1498", "Network Denial of Service"),
            ("T1496", "Resource Hijacking"),
        ),
    ),
)
