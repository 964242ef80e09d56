"""Traits of an act that weigh on its risk: who stands behind it, with what, and what was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_FAMILIES = (
    ("terraform", "terraform"), ("packer", "packer"), ("pulumi", "pulumi"), ("ansible", "ansible"), ("aws-cli", "aws-cli"), ("gcloud", "gcloud"),
    ("gce managed instance group", "instance-group"), ("boto3", "boto3"), ("botocore", "boto3"), ("aws-sdk", "aws-sdk"), ("google-api", "google-sdk"),
    ("amazon-ssm-agent", "ssm-agent"), ("mozilla/", "browser"), (".amazonaws.com", "service"), ("aws internal", "service"), ("python", "python"),
    ("curl/", "curl"),
)  # fmt: skip
_PEOPLE = ("IAMUser", "Root", "SAMLUser", "FederatedUser")
_METHODS = "http://schemas.microsoft.com/claims/authnmethodsreferences"
_ACCELERATED = re.compile(r"^(?:p\d|g\d|gr\d|inf\d|trn\d|dl\d|f\d|vt\d)[a-z0-9-]*\.|^standard_n|/a[234]-|/g[24]-|accelerator", re.IGNORECASE)
_LARGE = re.compile(r"\.(?:8|9|1\d|2\d|3\d|4\d|5\d|6\d|112)xlarge|\.metal|^standard_[a-z]+(?:3[2-9]|[4-9]\d|\d{3})|-(?:3[2-9]|[4-9]\d|\d{3})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Traits:
    """Of one event. `mfa` is None where the log does not say; `size` is an instance type, `image` what a machine was made from.

    `public` is an address that the internet reaches, `everybody` a share with all the world, `drops_old` a replaced disk
    that is deleted at once.
    """

    agent: str = ""
    mfa: bool | None = None
    human: bool = False
    service: bool = False
    size: str = ""
    image: str = ""
    public: bool = False
    everybody: bool = False
    drops_old: bool = False

    @property
    def large(self) -> bool:
        """True for an accelerated machine, or one of 32 processors or more."""
        return bool(self.size) and bool(_ACCELERATED.search(self.size) or _LARGE.search(self.size))


def agent_family(agent: str) -> str:
    """Return the family of a user agent, without its version and host: what stays when a tool is updated."""
    text = agent.lower()
    return next((family for part, family in _FAMILIES if part in text), text.split("/", 1)[0][:40])


def network_of(address: str) -> str:
    """Return the /24 of an IPv4 address, the /48 of an IPv6 one, anything else as it is (a service's name)."""
    if re.fullmatch(r"\d+\.\d+\.\d+\.\d+", address):
        return address.rpartition(".")[0] + ".0/24"
    return ":".join(address.split(":")[:3]) + "::/48" if address.count(":") > 2 else address


def read_traits(source: str, row: Mapping[str, Any]) -> Traits:
    """Return the traits of an event's columns; KeyError for a log source that is not one of the three."""
    return _READERS[source](row)


def _first(value: Any, *names: str) -> str:
    """Return the first text that stands under one of the names, at any depth."""
    pending = [value]
    while pending:
        here = pending.pop(0)
        if isinstance(here, dict):
            for name in names:
                if isinstance(here.get(name), str) and here[name]:
                    return str(here[name])
            pending.extend(here.values())
        elif isinstance(here, list):
            pending.extend(here)
    return ""


def _aws(row: Mapping[str, Any]) -> Traits:
    request, kind = row["request"], row["identity_type"]
    service = kind == "AWSService" or bool(row["identity_invoked_by"]) or ":role/aws-service-role/" in (row["issuer_arn"] or "")
    text, agent = json.dumps(request) if isinstance(request, dict) else "", agent_family(row["user_agent"] or "")
    # A long-term key has no session and so no second factor.
    mfa = {"true": True, "false": False}.get(row["mfa"] or "", False if kind == "IAMUser" else None)
    return Traits(
        agent=agent,
        mfa=mfa,
        human=not service and (kind in _PEOPLE or mfa is True or agent in ("browser", "aws-cli")),
        service=service,
        size=_first(request, "instanceType", "InstanceType"),
        image=_first(request, "imageId", "ImageId"),
        public='"associatePublicIpAddress": true' in text,
        everybody='"group": "all"' in text,
        drops_old='"DeleteReplacedRootVolume": true' in text,
    )


def _azure(row: Mapping[str, Any]) -> Traits:
    claims = row["claims"] if isinstance(row["claims"], dict) else {}
    properties = row["properties"] if isinstance(row["properties"], dict) else {}
    body = properties.get("responseBody")
    text = body if isinstance(body, str) else json.dumps(body) if body else ""
    size, human = re.search(r'"vmSize":\s*"([^"]+)"', text), bool(row["upn"])
    methods = claims.get(_METHODS)
    mfa = "mfa" in methods if human and isinstance(methods, str) else None
    everybody = bool(re.search(r'"permissions":\s*"Community"', text))
    return Traits(row["app_id"] or "", mfa, human, not human, size[1] if size else "", _first(properties, "exactVersion"), everybody=everybody)


def _gcp(row: Mapping[str, Any]) -> Traits:
    request, email = row["request"], row["principal_email"] or ""
    service = email.endswith("gserviceaccount.com") or email == "system@google.com"
    text = json.dumps(request) if isinstance(request, dict) else ""
    return Traits(
        agent=agent_family(row["user_agent"] or ""),
        human=bool(email) and not service,
        service=email.endswith("@cloudservices.gserviceaccount.com"),
        size=_first(request, "machineType"),
        image=_first(request, "sourceImage"),
        public='"accessConfigs"' in text,
        everybody="allUsers" in text or "allAuthenticatedUsers" in text,
    )


_READERS = {"aws_cloudtrail": _aws, "azure_activity": _azure, "gcp_audit": _gcp}
