"""CloudTrail records written for these tests, and a way to run commands."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from livefire.cli import app

KQL = "AWSCloudTrail | where EventName == 'CreateSnapshot' | project TimeGenerated, UserAgent, UserIdentityArn"


def record(number: int, **changes: Any) -> dict[str, Any]:
    """Return a CloudTrail record, one a minute from 09:00 on."""
    return {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/mo",
            "accountId": "111122223333",
            "userName": "mo",
        },
        "eventTime": f"2026-03-02T09:{number:02d}:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "CreateSnapshot",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.15",
        "requestParameters": {"volumeId": f"vol-{number:08x}"},
        "responseElements": None,
        "requestID": f"00000000-0000-0000-0000-{number:012x}",
        "eventID": f"11111111-0000-0000-0000-{number:012x}",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        **changes,
    }


def file_of(*records: dict[str, Any]) -> bytes:
    """Return records as a CloudTrail file holds them."""
    return json.dumps({"Records": records}).encode()


def packed(path: Path, data: bytes) -> Path:
    """Write a gzip file and return its path."""
    path.write_bytes(gzip.compress(data, mtime=0))
    return path


def livefire(*arguments: str | Path) -> Result:
    """Run a command in this process; an exception that reaches the user fails the test at once."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
