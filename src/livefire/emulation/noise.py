"""The ordinary life of an account: what is logged all day, none of it a change to compute.

A habit writes one thing at the scene's present, marked as noise. `surround` scatters a few habits around a story,
`live` fills days with them, busier at working hours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from livefire.emulation import aws, azure, cloudtrail, gcp
from livefire.emulation.actors import (
    AWS,
    AWS_CLI,
    AZURE,
    AZURE_ENGINEER,
    AZURE_PIPELINE,
    AZURE_POLICY,
    CONSOLE_ENGINEER,
    ENGINEER,
    GCP_ENGINEER,
    GCP_INVENTORY,
    GCP_PIPELINE,
    PIPELINE,
    SCHEDULER,
    AwsActor,
)
from livefire.emulation.scene import Scene

Habit = Callable[[Scene], None]
FLEET = tuple(f"i-0{n:x}c4d8e1f0a97b{n:x}56" for n in range(1, 13))
"""Instances that run all the time."""
_DAY = timedelta(days=1)
_MONITOR = AwsActor(
    "metrics-exporter", "AROAQ3EXMPL5Y7KMTDLCV", role="monitoring-readonly", key="ASIAQ3EXMPL5ZF6HNV3R", ip="192.0.2.15",
    agent="aws-sdk-go-v2/1.30.5 ua/2.1 os/linux lang/go#1.22.6 md/GOOS#linux md/GOARCH#amd64 api/cloudwatch#1.40.6",
)  # fmt: skip


def _heartbeat(scene: Scene) -> None:
    machine = scene.ids.pick(FLEET)
    actor = aws.instance_role(f"192.0.2.{FLEET.index(machine) + 200}", machine)
    request = {"instanceId": machine, "agentVersion": "3.3.859.0", "agentStatus": "Active", "platformType": "Linux", "platformName": "Amazon Linux"}
    request |= {"platformVersion": "2023", "computerName": f"app-{FLEET.index(machine)}.example.com", "agentName": "amazon-ssm-agent"}
    request |= {"iPAddress": f"10.20.3.{FLEET.index(machine) + 20}"}
    cloudtrail.call(scene, actor, "UpdateInstanceInformation", request, source="ssm.amazonaws.com")


def _service_assumes_role(scene: Scene) -> None:
    service = scene.ids.pick(("ec2.amazonaws.com", "lambda.amazonaws.com", "ecs-tasks.amazonaws.com"))
    role = f"arn:aws:iam::{AWS.account}:role/{scene.ids.pick(('app-server', 'report-function', 'queue-worker'))}"
    session = scene.ids.pick(FLEET)
    event_id = scene.ids.uuid()
    credentials = {"accessKeyId": "ASIA" + scene.ids.base32(16), "expiration": cloudtrail.stamp(scene.now + timedelta(hours=6))}
    raw: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "AWSService", "invokedBy": service},
        "eventTime": cloudtrail.stamp(scene.now),
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": AWS.region,
        "sourceIPAddress": service,
        "userAgent": service,
        "requestParameters": {"roleArn": role, "roleSessionName": session},
        "responseElements": {"credentials": credentials},
        "requestID": scene.ids.uuid(),
        "eventID": event_id,
        "readOnly": True,
        "resources": [{"accountId": AWS.account, "type": "AWS::IAM::Role", "ARN": role}],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": AWS.account,
        "sharedEventID": scene.ids.uuid(),
        "eventCategory": "Management",
    }
    scene.add(event_id, raw, scene.now.replace(microsecond=0))


def _engineer_looks_around(scene: Scene) -> None:
    actor = scene.ids.pick((ENGINEER, CONSOLE_ENGINEER, SCHEDULER))
    if scene.ids.random.random() < 0.5:
        aws.describe_instances(scene, actor)
    else:
        aws.describe_volumes(scene, actor)


def _pipeline_plans(scene: Scene) -> None:
    groups: dict[str, Any] = {"securityGroupSet": {}, "securityGroupIdSet": {"items": [{"groupId": AWS.security_group}]}, "filterSet": {}}
    cloudtrail.describe(scene, PIPELINE, "DescribeSecurityGroups", groups)
    # A newer EC2 action: wrapped, and a list of one written as an object.
    one = {"LaunchTemplateId": {"tag": 1, "content": AWS.launch_template}}
    cloudtrail.describe(scene, PIPELINE, "DescribeLaunchTemplates", {"DescribeLaunchTemplatesRequest": one})


def _monitor_reads(scene: Scene) -> None:
    cloudtrail.describe(scene, _MONITOR, "DescribeAlarms", {"maxRecords": 100}, source="monitoring.amazonaws.com")


def _reads_parameters(scene: Scene) -> None:
    names = [f"/app/{scene.ids.pick(('billing', 'orders', 'search'))}/config"]
    cloudtrail.describe(
        scene, aws.instance_role("192.0.2.201", FLEET[0]), "GetParameters", {"names": names, "withDecryption": True}, source="ssm.amazonaws.com"
    )


def _console_lists_buckets(scene: Scene) -> None:
    cloudtrail.describe(scene, CONSOLE_ENGINEER, "ListBuckets", {"Host": "s3.amazonaws.com"}, source="s3.amazonaws.com")


def _pipeline_tags(scene: Scene) -> None:
    request_id = scene.ids.uuid()
    tags = {"items": [{"key": "cost-centre", "value": scene.ids.digits(4)}]}
    request = {"resourcesSet": {"items": [{"resourceId": scene.ids.pick(FLEET)}]}, "tagSet": tags}
    cloudtrail.call(scene, PIPELINE, "CreateTags", request, {"requestId": request_id, "_return": True}, request_id=request_id)


def _engineer_hardens(scene: Scene) -> None:
    aws.require_metadata_tokens(scene, ENGINEER, scene.ids.pick(FLEET))


def _function_logs(scene: Scene) -> None:
    request = {"logGroupName": "/aws/lambda/report-function", "logStreamName": f"{scene.now:%Y/%m/%d}/[$LATEST]{scene.ids.hexadecimal(32)}"}
    actor = AwsActor(
        "report-function", "AROAQ3EXMPL5B5TGRVQHN", role="report-function", key="ASIAQ3EXMPL5FQ2LXJ7C", ip="192.0.2.33", agent="awslambda-worker/1.0"
    )
    cloudtrail.call(scene, actor, "CreateLogStream", request, source="logs.amazonaws.com")


def _advisor_recommends(scene: Scene) -> None:
    entity = azure.resource("Microsoft.Compute/virtualMachines", f"app{scene.ids.random.randrange(1, 9):02}")
    raw: dict[str, Any] = {
        "time": azure.timestamp(scene),
        "resourceId": entity.upper(),
        "operationName": "MICROSOFT.ADVISOR/RECOMMENDATIONS/AVAILABLE/ACTION",
        "category": "Recommendation",
        "resultType": "Active",
        "correlationId": scene.ids.uuid(),
        "level": "Information",
        "location": "global",
        "tenantId": AZURE.tenant,
        "properties": {
            "eventCategory": "Recommendation",
            "recommendationSchemaVersion": "1.0",
            "recommendationCategory": "Cost",
            "recommendationImpact": "Low",
            "recommendationName": "Right-size or shut down underutilized virtual machines",
            "recommendationType": scene.ids.uuid(),
        },
    }
    scene.add(azure.row_id(raw), raw)


def _policy_audits(scene: Scene) -> None:
    entity = azure.resource("Microsoft.Storage/storageAccounts", f"stapp{scene.ids.random.randrange(1, 9)}")
    action = "Microsoft.Authorization/policies/audit/action"
    policies = [{"policyDefinitionName": "require-tags", "policyDefinitionEffect": "audit", "policyAssignmentScope": azure.SUBSCRIPTION}]
    # One row, of a category of its own, in the name of whoever made the request that was audited.
    raw: dict[str, Any] = {
        "time": azure.timestamp(scene),
        "resourceId": entity.upper(),
        "operationName": action.upper(),
        "category": "Policy",
        "resultType": "Success",
        "resultSignature": "Succeeded.",
        "durationMs": 0,
        "callerIpAddress": AZURE_PIPELINE.ip,
        "correlationId": scene.ids.uuid(),
        "identity": azure.identity(scene, AZURE_PIPELINE, action, entity),
        "level": "Warning",
        "location": "global",
        "properties": {
            "isComplianceCheck": "False",
            "resourceLocation": AZURE.location,
            "policies": json.dumps(policies, separators=(",", ":")),
            "eventCategory": "Policy",
            "entity": entity,
            "message": action,
            "hierarchy": "",
        },
        "tenantId": AZURE.tenant,
    }
    scene.add(azure.row_id(raw), raw)


def _policy_remediates(scene: Scene) -> None:
    entity = azure.resource("Microsoft.Storage/storageAccounts", f"stapp{scene.ids.random.randrange(1, 9)}") + "/providers/Microsoft.Resources/tags/default"
    azure.act(scene, AZURE_POLICY, "Microsoft.Resources/tags/write", entity, azure.Outcome(accepted=False))


def _application_lists_keys(scene: Scene) -> None:
    entity = azure.resource("Microsoft.Storage/storageAccounts", f"stapp{scene.ids.random.randrange(1, 9)}")
    azure.act(scene, AZURE_PIPELINE, "Microsoft.Storage/storageAccounts/listKeys/action", entity, azure.Outcome(accepted=False))


def _engineer_configures_site(scene: Scene) -> None:
    entity = azure.resource("Microsoft.Web/sites", scene.ids.pick(("portal", "intake", "status")))
    azure.act(scene, AZURE_ENGINEER, "Microsoft.Web/sites/config/write", entity, azure.Outcome(accepted=False))


def _pipeline_deploys_rule(scene: Scene) -> None:
    entity = azure.resource("Microsoft.Insights/metricAlerts", f"latency-{scene.ids.random.randrange(1, 20)}")
    azure.act(scene, AZURE_PIPELINE, "Microsoft.Insights/metricAlerts/write", entity, azure.Outcome(accepted=False))


def _reads_instances(scene: Scene) -> None:
    gcp.read(scene, scene.ids.pick((GCP_INVENTORY, GCP_ENGINEER)), "v1.compute.instances.list", f"{gcp.ZONE}/instances", gcp.instance(scene, "x"))


def _reads_snapshots(scene: Scene) -> None:
    gcp.read(scene, GCP_INVENTORY, "v1.compute.snapshots.list", f"{gcp.GLOBAL}/snapshots", gcp.snapshot(scene, "x"))


def _reads_disk(scene: Scene) -> None:
    gcp.read(scene, GCP_PIPELINE, "v1.compute.disks.get", f"{gcp.ZONE}/disks/app{scene.ids.random.randrange(1, 9):02}", gcp.disk(scene, "x"))


def _pipeline_labels(scene: Scene) -> None:
    machine = gcp.instance(scene, f"app{scene.ids.random.randrange(1, 9):02}")
    gcp.change_instance(scene, GCP_PIPELINE, "setLabels", machine, {"labels": [{"key": "cost-centre", "value": scene.ids.digits(4)}]}, seconds=2)


AWS_HABITS: tuple[Habit, ...] = (
    *(_heartbeat,) * 5,
    *(_service_assumes_role,) * 4,
    *(_engineer_looks_around,) * 3,
    *(_monitor_reads,) * 3,
    *(_reads_parameters,) * 2,
    *(_function_logs,) * 2,
    _pipeline_plans,
    _console_lists_buckets,
    _pipeline_tags,
    _engineer_hardens,
)
AZURE_HABITS: tuple[Habit, ...] = (
    *(_policy_audits,) * 3,
    *(_application_lists_keys,) * 2,
    _advisor_recommends,
    _policy_remediates,
    _engineer_configures_site,
    _pipeline_deploys_rule,
)
GCP_HABITS: tuple[Habit, ...] = (*(_reads_instances,) * 3, _reads_snapshots, _reads_disk, _pipeline_labels)
# Share of a day's work done in each hour, UTC.
_HOURS = (1, 1, 1, 1, 1, 2, 3, 5, 8, 9, 9, 8, 7, 8, 9, 8, 7, 5, 3, 2, 2, 1, 1, 1)


def surround(scene: Scene, habits: Sequence[Habit], count: int = 8, minutes: float = 20.0) -> None:
    """Scatter that many habits from `minutes` before the story's start to `minutes` after it."""
    for _ in range(count):
        with scene.noise(scene.ids.between(-minutes, minutes) * 60):
            scene.ids.pick(habits)(scene)


def live(scene: Scene, habits: Sequence[Habit], count: int, days: int) -> None:
    """Spread that many habits over the days from now, more of them in working hours."""
    hours = scene.ids.random.choices(range(24), weights=_HOURS, k=count)
    for hour in hours:
        moment = scene.ids.random.randrange(days) * _DAY + timedelta(hours=hour, seconds=scene.ids.between(0, 3599))
        with scene.noise(moment.total_seconds()):
            scene.ids.pick(habits)(scene)


def recon(scene: Scene, actor: AwsActor) -> None:
    """Write what an operator or intruder at a shell asks first: who am I, what runs here."""
    with scene.noise(-40):
        source = "sts.amazonaws.com"
        cloudtrail.describe(scene, actor, "GetCallerIdentity", source=source)
        if actor.agent == AWS_CLI:
            scene.wait(6, 20)
            aws.describe_instances(scene, actor)
