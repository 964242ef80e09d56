"""Logs and data models that Splunk knows of and no log source here writes.

In Splunk a search for a sourcetype without events, or over a data model without any, runs and finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from livefire.languages.binder import nearest

# Names that are real and look like a mistyped one of those that are read:
# https://splunk.github.io/splunk-add-on-for-amazon-web-services/DataTypes/ and
# https://splunk.github.io/splunk-add-on-for-microsoft-cloud-services/Sourcetypes/
_REAL = frozenset(
    {
        "aws:cloudtrail:lake",
        "aws:cloudwatch",
        "aws:cloudwatchlogs",
        "aws:cloudwatchlogs:vpcflow",
        "aws:cloudwatchlogs:guardduty",
        "aws:cloudwatchlogs:eks",
        "azure:monitor:aad",
        "azure:monitor:resource",
        "azure:monitor:metric",
        "google:gcp:pubsub:audit",
        "mscs:azure:security:alert",
        "mscs:azure:security:recommendation",
        "mscs:azure:eventhub:defender:advancedhunting",
    }
)

# https://docs.splunk.com/Documentation/CIM/latest/User/Overview, and the model of Enterprise Security's risk events.
MODELS = frozenset(
    {
        "Alerts",
        "Application_State",
        "Authentication",
        "Certificates",
        "Change",
        "Change_Analysis",
        "Compute_Inventory",
        "DLP",
        "Data_Access",
        "Databases",
        "Email",
        "Endpoint",
        "Event_Signatures",
        "Interprocess_Messaging",
        "Intrusion_Detection",
        "JVM",
        "Malware",
        "Network_Resolution",
        "Network_Sessions",
        "Network_Traffic",
        "Performance",
        "Risk",
        "Splunk_Audit",
        "Ticket_Management",
        "Updates",
        "Vulnerabilities",
        "Web",
    }
)


def mistyped(sourcetype: str, known: Iterable[str]) -> str | None:
    """Return the sourcetype that was probably meant, None where the name is of logs that are not read here."""
    folded = sourcetype.casefold()
    return None if "*" in folded or folded in _REAL else nearest(folded, known)
