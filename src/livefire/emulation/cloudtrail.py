"""The CloudTrail record around an API call: who, when, from where, asked what, answered what.

Success is the absence of `errorCode`. Older EC2 actions are logged flat in camelCase; newer ones are wrapped in
`<Action>Request` and `<Action>Response`. Record contents:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from livefire.emulation.actors import AWS, AWS_CLI, AwsActor
from livefire.emulation.scene import Scene

Request: TypeAlias = dict[str, Any]
EC2 = "ec2.amazonaws.com"
_SESSION_LIFE = timedelta(hours=1)
_XMLNS = "http://ec2.amazonaws.com/doc/2016-11-15/"


@dataclass(frozen=True, slots=True)
class Failure:
    """An EC2 refusal: the code with its Client./Server. prefix, and the message."""

    code: str
    message: str


def items(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a list as older EC2 actions write it: `{"items": [...]}`."""
    return {"items": [dict(v) for v in values]}


def epoch_ms(moment: datetime) -> int:
    """Return milliseconds since 1970: how EC2's flat responses write times."""
    return int(moment.timestamp()) * 1000


def stamp(moment: datetime) -> str:
    """Return the time as CloudTrail writes it: whole seconds, Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def identity_arn(actor: AwsActor) -> str:
    """Return the ARN CloudTrail shows: the user's, or the session's for a role."""
    if actor.user:
        return f"arn:aws:iam::{actor.account}:user/{actor.user}"
    return f"arn:aws:sts::{actor.account}:assumed-role/{actor.role}/{actor.name}"


def user_identity(scene: Scene, actor: AwsActor) -> dict[str, Any]:
    """Return the `userIdentity` element for IAM users, role sessions and service-linked roles."""
    if actor.user:
        return {
            "type": "IAMUser",
            "principalId": actor.unique_id,
            "arn": identity_arn(actor),
            "accountId": actor.account,
            "accessKeyId": actor.key,
            "userName": actor.user,
        }
    identity: dict[str, Any] = {
        "type": "AssumedRole",
        "principalId": f"{actor.unique_id}:{actor.name}",
        "arn": identity_arn(actor),
        "accountId": actor.account,
    }
    if actor.key:
        identity["accessKeyId"] = actor.key
    context: dict[str, Any] = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": actor.unique_id,
            "arn": f"arn:aws:iam::{actor.account}:role{actor.role_path}{actor.role}",
            "accountId": actor.account,
            "userName": actor.role,
        },
    }
    if actor.web_identity:
        context["webIdFederationData"] = {"federatedProvider": actor.web_identity, "attributes": {}}
    context["attributes"] = {"creationDate": stamp(_session_start(scene, actor)), "mfaAuthenticated": "true" if actor.mfa else "false"}
    if actor.on_instance:
        context["ec2RoleDelivery"] = "2.0"
    identity["sessionContext"] = context
    if actor.service:
        identity["invokedBy"] = actor.service
    return identity


def _session_start(scene: Scene, actor: AwsActor) -> datetime:
    if actor.service:
        return scene.now
    begun = scene.start - timedelta(minutes=9)
    # A later act of the same role is a new session: role sessions last an hour unless asked otherwise.
    return begun if timedelta(0) <= scene.now - begun < _SESSION_LIFE else scene.now - timedelta(seconds=3)


def _agent(actor: AwsActor, source: str, event_name: str) -> str:
    if actor.service:
        return actor.service
    if actor.agent == AWS_CLI:
        command = re.sub(r"(?<!^)(?=[A-Z])", "-", event_name).lower()
        return f"{actor.agent} md/command#{source.split('.', 1)[0]}.{command}"
    return actor.agent


def call(
    scene: Scene,
    actor: AwsActor,
    event_name: str,
    request: Request | None,
    response: Request | None = None,
    *,
    source: str = EC2,
    read_only: bool = False,
    failure: Failure | None = None,
    region: str = AWS.region,
    request_id: str = "",
) -> dict[str, Any]:
    """Write one API call record now, and return it.

    A failure replaces the response by null. `request_id` repeats the id a wrapped response already carries.
    """
    raw: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": user_identity(scene, actor),
        "eventTime": stamp(scene.now),
        "eventSource": source,
        "eventName": event_name,
        "awsRegion": region,
        "sourceIPAddress": actor.service or actor.ip,
        "userAgent": _agent(actor, source, event_name),
    }
    if failure is not None:
        raw["errorCode"] = failure.code
        raw["errorMessage"] = failure.message
    raw["requestParameters"] = request
    raw["responseElements"] = None if failure is not None else response
    raw["requestID"] = request_id or scene.ids.uuid()
    raw["eventID"] = scene.ids.uuid()
    raw["readOnly"] = read_only
    raw["eventType"] = "AwsApiCall"
    raw["managementEvent"] = True
    raw["recipientAccountId"] = actor.account
    raw["eventCategory"] = "Management"
    if not actor.service:
        host = f"{source.split('.', 1)[0]}.{region}.amazonaws.com"
        raw["tlsDetails"] = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host}
    if actor.console:
        raw["sessionCredentialFromConsole"] = "true"
    scene.add(raw["eventID"], raw, scene.now.replace(microsecond=0))
    return raw


def call_flat(
    scene: Scene, actor: AwsActor, name: str, request: Request, response: Request, *, failure: Failure | None = None, region: str = AWS.region
) -> None:
    """Write a call of an older EC2 action: request and response as they are, the request id repeated in the response."""
    request_id = scene.ids.uuid()
    call(scene, actor, name, request, {"requestId": request_id, **response}, failure=failure, region=region, request_id=request_id)


def call_wrapped(scene: Scene, actor: AwsActor, name: str, request: Request, response: Request) -> None:
    """Write a call of a newer EC2 action, request and response wrapped under its name."""
    request_id = scene.ids.uuid()
    answer = {f"{name}Response": {"xmlns": _XMLNS, "requestId": request_id, **response}}
    call(scene, actor, name, {f"{name}Request": request}, answer, request_id=request_id)


def describe(scene: Scene, actor: AwsActor, event_name: str, request: Request | None = None, *, source: str = EC2, region: str = AWS.region) -> None:
    """Write a read-only call; EC2 and most services log no response for these."""
    call(scene, actor, event_name, request, source=source, read_only=True, region=region)
