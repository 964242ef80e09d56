"""Clients of AWS, with the extra `aws`."""

from __future__ import annotations

from typing import Any

from livefire.watch.faults import WatchError


def aws_client(service: str, region: str, endpoint: str) -> Any:
    """Return a client; credentials are found as every AWS tool finds them. WatchError E708 without boto3."""
    try:
        import boto3
        from botocore.config import Config
    except ModuleNotFoundError:
        raise WatchError("E708", "S3 and SQS need the extra: pip install 'livefire[aws]'") from None
    settings = Config(connect_timeout=10, read_timeout=30, retries={"max_attempts": 3, "mode": "standard"})
    return boto3.client(service, region_name=region or None, endpoint_url=endpoint or None, config=settings)


def aws_errors() -> tuple[type[Exception], ...]:
    """Return what a client raises."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)
