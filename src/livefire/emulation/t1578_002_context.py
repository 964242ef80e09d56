"""More emulations of T1578.002 Create Cloud Instance, told by who creates, where, what, and with what around it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from livefire.emulation import aws, azure, cloudtrail, gcp
from livefire.emulation.actors import (
    AWS,
    AWS_CLI,
    AZURE_INTRUDER,
    AZURE_PIPELINE,
    ENGINEER,
    GCP,
    GCP_INTRUDER,
    GCP_PIPELINE,
    INTRUDER_IP,
    ML_TEAM,
    PIPELINE,
    STOLEN_KEY,
    STOLEN_SESSION,
    AwsActor,
    AzureActor,
    GcpActor,
)
from livefire.emulation.history import DAYS, aws_routine, azure_routine, create_machine, gcp_routine, take_snapshot
from livefire.emulation.model import Cloud, Emulation, Kind
from livefire.emulation.noise import AWS_HABITS, AZURE_HABITS, GCP_HABITS, recon, surround
from livefire.emulation.scene import Scene

TECHNIQUE = "T1578.002"
LONG_LEAD = timedelta(days=DAYS + 1)
VM = "Microsoft.Compute/virtualMachines"
_FAR_ZONE = "asia-southeast2-a"
_NEW_USER = AwsActor("svc-metrics", "AIDAQ3EXMPL5W7TNKZRBD", user="svc-metrics", key="AKIAQ3EXMPL5Y2HKVC7M", ip=INTRUDER_IP, agent=AWS_CLI)
_NEW_PRINCIPAL = AzureActor("6a1f0c9e-47d2-4b85-93ce-2d80b7f4a516", "9c3e7d52-0b6a-4f18-8d27-e51a4c60f3b9", ip=INTRUDER_IP)
_NEW_ACCOUNT = GcpActor(f"svc-metrics@{GCP.project}.iam.gserviceaccount.com", ip=INTRUDER_IP, agent="gcloud")


def _new_creator(scene: Scene) -> None:
    aws_routine(scene)
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_KEY)
    aws.run_instances(scene, STOLEN_KEY, aws.Launch(AWS.base_image, "t3.micro", name="livefire-new"))


def _new_azure_creator(scene: Scene) -> None:
    azure_routine(scene)
    surround(scene, AZURE_HABITS)
    create_machine(scene, AZURE_INTRUDER, "livefire-new")


def _new_cloud_creator(scene: Scene) -> None:
    gcp_routine(scene)
    surround(scene, GCP_HABITS)
    gcp.insert_instance(scene, GCP_INTRUDER, gcp.instance(scene, "livefire-new"))


def _far_region(scene: Scene) -> None:
    aws_routine(scene)
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    aws.run_instances(scene, STOLEN_SESSION, aws.Launch("ami-0e3b7c9a1d5f20846", "c6i.xlarge", count=2, name="livefire-far", region=AWS.unused_region))


def _far_location(scene: Scene) -> None:
    azure_routine(scene)
    surround(scene, AZURE_HABITS)
    create_machine(scene, AZURE_INTRUDER, "livefire-far", location="brazilsouth")


def _far_zone(scene: Scene) -> None:
    gcp_routine(scene)
    surround(scene, GCP_HABITS)
    gcp.insert_instance(scene, GCP_INTRUDER, gcp.instance(scene, "livefire-far", _FAR_ZONE))


def _refused_machines(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    quota = azure.Failure("Conflict", "OperationNotAllowed", "Operation could not be completed as it results in exceeding approved Cores quota.")
    for number in range(3):
        entity = azure.resource(VM, f"livefire-gpu-{number}")
        azure.act(scene, AZURE_INTRUDER, f"{VM}/write", entity, azure.Outcome(failure=quota))
        scene.wait(20, 80)


def _gpu(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_KEY)
    aws.run_instances(scene, STOLEN_KEY, aws.Launch(AWS.base_image, "p4d.24xlarge", name="livefire-gpu"))


def _gpu_machine(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    create_machine(scene, AZURE_INTRUDER, "livefire-gpu", size="Standard_NC24ads_A100_v4")


def _gpu_instance(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    gcp.insert_instance(scene, GCP_INTRUDER, gcp.instance(scene, "livefire-gpu"), machine="a2-highgpu-1g")


def _staged_machine(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    source = azure.resource("Microsoft.Compute/disks", "orders-db_data")
    snapshot = azure.write_disk(scene, AZURE_INTRUDER, "livefire-stage", source, kind="snapshots")
    scene.wait(30, 90)
    disk = azure.write_disk(scene, AZURE_INTRUDER, "livefire-stage-disk", snapshot)
    scene.wait(30, 90)
    create_machine(scene, AZURE_INTRUDER, "livefire-stage", disk=disk)


def _staged_instance(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    copy = take_snapshot(scene, GCP_INTRUDER, "orders-db", "livefire-stage")
    scene.wait(30, 90)
    disk = gcp.disk(scene, "livefire-stage-disk")
    gcp.insert_disk(scene, GCP_INTRUDER, disk, copy.name)
    scene.wait(30, 90)
    gcp.insert_instance(scene, GCP_INTRUDER, gcp.instance(scene, "livefire-stage"), data_disk=disk.name)


def _ingress(scene: Scene, actor: AwsActor, group: str, block: str) -> None:
    permission: dict[str, Any] = {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "groups": {}, "ipRanges": {"items": [{"cidrIp": block}]}, "ipv6Ranges": {}}
    request = {"groupId": group, "ipPermissions": {"items": [permission | {"prefixListIds": {}}]}}
    cloudtrail.call_flat(scene, actor, "AuthorizeSecurityGroupIngress", request, {"_return": True})


def _exposed(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    group = scene.ids.ec2("sg")
    _ingress(scene, STOLEN_SESSION, group, "0.0.0.0/0")
    scene.wait(30, 90)
    aws.run_instances(scene, STOLEN_SESSION, aws.Launch(AWS.base_image, "t3.micro", name="livefire-open", group=group))


def _exposed_machine(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    rule = azure.resource("Microsoft.Network/networkSecurityGroups", "livefire-openNSG") + "/securityRules/any"
    body = {"id": rule, "name": "any", "properties": {"access": "Allow", "direction": "Inbound", "sourceAddressPrefix": "*", "destinationPortRange": "22"}}
    made = azure.Outcome(created=True, accepted=False)
    azure.act(scene, AZURE_INTRUDER, "Microsoft.Network/networkSecurityGroups/securityRules/write", rule, made, response=body)
    scene.wait(30, 90)
    create_machine(scene, AZURE_INTRUDER, "livefire-open")


def _firewall(scene: Scene, actor: GcpActor, name: str, block: str) -> None:
    rule = gcp.Target(f"{gcp.GLOBAL}/firewalls/{name}", "gce_firewall_rule", scene.ids.digits(19))
    request = {"name": name, "direction": "INGRESS", "sourceRanges": [block], "alloweds": [{"IPProtocol": "tcp", "ports": ["22"]}]}
    gcp.operate(scene, actor, "v1.compute.firewalls.insert", rule, request, permissions=[gcp.grant("compute.firewalls.create", rule.name)], seconds=6)


def _exposed_instance(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    _firewall(scene, GCP_INTRUDER, "livefire-open", "0.0.0.0/0")
    scene.wait(30, 90)
    gcp.insert_instance(scene, GCP_INTRUDER, gcp.instance(scene, "livefire-open"))


def _create_user(scene: Scene, actor: AwsActor, name: str) -> None:
    iam = "iam.amazonaws.com"
    answer = {"user": {"userName": name, "userId": _NEW_USER.unique_id, "arn": f"arn:aws:iam::{AWS.account}:user/{name}", "path": "/"}}
    cloudtrail.call(scene, actor, "CreateUser", {"userName": name}, answer, source=iam)
    scene.wait(5, 20)
    key = {"accessKey": {"userName": name, "accessKeyId": _NEW_USER.key, "status": "Active"}}
    cloudtrail.call(scene, actor, "CreateAccessKey", {"userName": name}, key, source=iam)


def _new_user_launches(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    _create_user(scene, STOLEN_SESSION, _NEW_USER.user)
    scene.wait(300, 1200)
    aws.run_instances(scene, _NEW_USER, aws.Launch(AWS.base_image, "t3.medium", name="livefire-user"))


def _assign_role(scene: Scene, actor: AzureActor, principal: str) -> None:
    assignment = f"{azure.SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/{scene.ids.uuid()}"
    properties = {"roleDefinitionId": "b24988ac-6180-42a0-ab88-20f7382dd24c", "principalId": principal, "scope": azure.SUBSCRIPTION}
    body = {"id": assignment, "properties": properties}
    made = azure.Outcome(created=True, accepted=False)
    azure.act(scene, actor, "Microsoft.Authorization/roleAssignments/write", assignment, made, request={"properties": properties}, response=body)


def _new_principal_creates(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    _assign_role(scene, AZURE_INTRUDER, _NEW_PRINCIPAL.object_id)
    scene.wait(300, 1200)
    create_machine(scene, _NEW_PRINCIPAL, "livefire-sp")


def _new_key_creates(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    account = f"projects/{GCP.project}/serviceAccounts/{_NEW_ACCOUNT.email}"
    request = {"name": account, "private_key_type": 2}
    gcp.administer(scene, GCP_INTRUDER, "iam.googleapis.com", "google.iam.admin.v1.CreateServiceAccountKey", account, request, "iam.serviceAccountKeys.create")
    scene.wait(300, 1200)
    gcp.insert_instance(scene, _NEW_ACCOUNT, gcp.instance(scene, "livefire-key"))


def _ml_team(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    aws.run_instances(scene, ML_TEAM, aws.Launch(AWS.golden_image, "p4d.24xlarge", name="training"))


def _pipeline_everywhere(scene: Scene) -> None:
    aws_routine(scene)
    surround(scene, AWS_HABITS)
    _ingress(scene, ENGINEER, AWS.security_group, "198.51.100.0/24")
    scene.wait(30, 60)
    aws.run_instances(scene, PIPELINE, aws.Launch(AWS.golden_image, "t3.medium", name="orders"))


def _azure_batch(scene: Scene) -> None:
    azure_routine(scene)
    surround(scene, AZURE_HABITS)
    create_machine(scene, AZURE_PIPELINE, "batch-new")


def _gcp_batch(scene: Scene) -> None:
    gcp_routine(scene)
    surround(scene, GCP_HABITS)
    _firewall(scene, GCP_PIPELINE, "office-ssh", "198.51.100.0/24")
    gcp.insert_instance(scene, GCP_PIPELINE, gcp.instance(scene, "batch-new"), image=f"projects/{GCP.project}/global/images/web-20260901")


def _onboarding(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    _create_user(scene, PIPELINE, "n.berg")
    scene.wait(600, 900)
    aws.run_instances(scene, PIPELINE, aws.Launch(AWS.golden_image, "t3.medium", name="sandbox"))


def _attack(
    name: str,
    cloud: Cloud,
    number: str,
    title: str,
    signal: str,
    build: Callable[[Scene], None],
    *commands: str,
    cleanup: tuple[str, ...] = (),
    lead: timedelta = timedelta(minutes=30),
) -> Emulation:
    undo = cleanup or _UNDO[cloud]
    return Emulation(
        f"{TECHNIQUE}/{name}", TECHNIQUE, cloud, title, Kind.ATTACK, f"{title}.", signal, build, lead=lead, number=number, commands=commands, cleanup=undo
    )


_UNDO = {
    Cloud.AWS: ("aws ec2 terminate-instances --instance-ids $I",),
    Cloud.AZURE: ("az group delete -n $G --yes --no-wait",),
    Cloud.GCP: ("gcloud compute instances delete $NAME --zone $Z --quiet",),
}
_RUN = "aws ec2 run-instances --image-id $AMI --instance-type"
_VM = "az vm create -g $G --image Ubuntu2204 --generate-ssh-keys"
_GCE = "gcloud compute instances create"
_A, _Z, _G = Cloud.AWS, Cloud.AZURE, Cloud.GCP

ATTACKS: tuple[Emulation, ...] = (
    _attack(
        "aws-new-creator", _A, "T1578.002-aws-4", "An instance launched by a key that never launched one",
        "RunInstances by an identity without one in 30 days.", _new_creator, f"{_RUN} t3.micro", lead=LONG_LEAD,
    ),
    _attack(
        "azure-new-creator", _Z, "T1578.002-azure-2", "A machine created by a caller that never created one",
        "VIRTUALMACHINES/WRITE Created by a caller without one in 30 days.", _new_azure_creator, f"{_VM} -n livefire-new --size Standard_B1s", lead=LONG_LEAD,
    ),
    _attack(
        "gcp-new-creator", _G, "T1578.002-gcp-3", "An instance created by a user that never created one",
        "compute.instances.insert by a principal without one in 30 days.", _new_cloud_creator, f"{_GCE} livefire-new --zone $Z", lead=LONG_LEAD,
    ),
    _attack(
        "aws-unused-region", _A, "T1578.002-aws-5", "Instances in a region nobody used for weeks",
        "RunInstances in an awsRegion without one in 30 days.", _far_region, f"{_RUN} c6i.xlarge --count 2 --region {AWS.unused_region}", lead=LONG_LEAD,
    ),
    _attack(
        "azure-unused-location", _Z, "T1578.002-azure-3", "A machine in a location nobody used for weeks",
        "VIRTUALMACHINES/WRITE Created whose responseBody names a location without one in 30 days.", _far_location,
        f"{_VM} -n livefire-far -l brazilsouth", lead=LONG_LEAD,
    ),
    _attack(
        "gcp-unused-zone", _G, "T1578.002-gcp-4", "An instance in a region unused for weeks",
        "compute.instances.insert whose resource name is in a zone without one in 30 days.", _far_zone,
        f"{_GCE} livefire-far --zone {_FAR_ZONE}", lead=LONG_LEAD,
    ),
    _attack(
        "azure-refused-burst", _Z, "T1578.002-azure-4", "Three machines refused for lack of quota",
        "VIRTUALMACHINES/WRITE with resultType Failure three times by one caller within the hour.", _refused_machines,
        f"{_VM} -n livefire-gpu --size Standard_NC24ads_A100_v4",
    ),
    _attack(
        "aws-gpu-launch", _A, "T1578.002-aws-6", "A machine with eight accelerators launched with a stolen key",
        "RunInstances with requestParameters.instanceType p4d.24xlarge.", _gpu, f"{_RUN} p4d.24xlarge",
    ),
    _attack(
        "azure-gpu-machine", _Z, "T1578.002-azure-5", "An accelerated machine created with a phished token",
        "VIRTUALMACHINES/WRITE Created with hardwareProfile.vmSize Standard_NC24ads_A100_v4 in responseBody.", _gpu_machine,
        f"{_VM} -n livefire-gpu --size Standard_NC24ads_A100_v4",
    ),
    _attack(
        "gcp-gpu-instance", _G, "T1578.002-gcp-5", "An accelerated instance created by a phished user",
        "compute.instances.insert with request.machineType a2-highgpu-1g.", _gpu_instance, f"{_GCE} livefire-gpu --machine-type a2-highgpu-1g --zone $Z",
    ),
    _attack(
        "azure-snapshot-to-machine", _Z, "T1578.002-azure-6", "A snapshot made into a disk, the disk mounted in a new machine",
        "SNAPSHOTS/WRITE, DISKS/WRITE with sourceResourceId of it, VIRTUALMACHINES/WRITE Created that attaches the disk.", _staged_machine,
        "az snapshot create -g $G -n livefire-stage --source orders-db_data", "az disk create -g $G -n livefire-stage-disk --source livefire-stage",
        f"{_VM} -n livefire-stage --attach-data-disks livefire-stage-disk",
    ),
    _attack(
        "gcp-snapshot-to-instance", _G, "T1578.002-gcp-6", "A snapshot made into a disk, the disk mounted in a new instance",
        "compute.disks.createSnapshot, disks.insert with sourceSnapshot of it, instances.insert with the disk as a source.", _staged_instance,
        "gcloud compute disks snapshot orders-db --zone $Z --snapshot-names livefire-stage",
        "gcloud compute disks create livefire-stage-disk --source-snapshot livefire-stage --zone $Z",
        f"{_GCE} livefire-stage --disk name=livefire-stage-disk --zone $Z",
        cleanup=("gcloud compute instances delete livefire-stage --zone $Z --quiet", "gcloud compute snapshots delete livefire-stage --quiet"),
    ),
    _attack(
        "aws-exposed-instance", _A, "T1578.002-aws-7", "A security group opened to the world, then an instance in it",
        "AuthorizeSecurityGroupIngress with cidrIp 0.0.0.0/0, then RunInstances that names the group.", _exposed,
        "aws ec2 authorize-security-group-ingress --group-id $SG --protocol tcp --port 22 --cidr 0.0.0.0/0", f"{_RUN} t3.micro --security-group-ids $SG",
    ),
    _attack(
        "azure-exposed-machine", _Z, "T1578.002-azure-7", "A security rule for everybody, then a machine",
        "SECURITYRULES/WRITE with sourceAddressPrefix * in responseBody, then VIRTUALMACHINES/WRITE Created by the same caller.", _exposed_machine,
        "az network nsg rule create -g $G --nsg-name livefire-openNSG -n any --priority 100 --source-address-prefixes '*'", f"{_VM} -n livefire-open",
    ),
    _attack(
        "gcp-exposed-instance", _G, "T1578.002-gcp-7", "A firewall rule for everybody, then an instance",
        "compute.firewalls.insert with sourceRanges 0.0.0.0/0, then instances.insert by the same principal.", _exposed_instance,
        "gcloud compute firewall-rules create livefire-open --allow tcp:22 --source-ranges 0.0.0.0/0", f"{_GCE} livefire-open --zone $Z",
    ),
    _attack(
        "aws-new-user-launches", _A, "T1578.002-aws-8", "A user created, and minutes later launching an instance",
        "CreateUser and CreateAccessKey, then RunInstances by that userName.", _new_user_launches,
        "aws iam create-user --user-name svc-metrics; aws iam create-access-key --user-name svc-metrics", f"{_RUN} t3.medium --profile svc-metrics",
    ),
    _attack(
        "azure-new-principal-creates", _Z, "T1578.002-azure-8", "A principal given a role, and minutes later creating a machine",
        "ROLEASSIGNMENTS/WRITE whose principalId creates a machine.", _new_principal_creates,
        "az role assignment create --assignee $SP --role Contributor --scope $SCOPE", f"{_VM} -n livefire-sp",
    ),
    _attack(
        "gcp-new-key-creates", _G, "T1578.002-gcp-8", "A service account key made, and minutes later an instance with it",
        "google.iam.admin.v1.CreateServiceAccountKey, then instances.insert by that service account.", _new_key_creates,
        "gcloud iam service-accounts keys create key.json --iam-account $SA", f"{_GCE} livefire-key --zone $Z",
    ),
)  # fmt: skip


def _routine(
    name: str, cloud: Cloud, title: str, build: Callable[[Scene], None], resembles: tuple[str, ...], *differs_by: str, long: bool = False
) -> Emulation:
    return Emulation(
        f"{TECHNIQUE}/{name}",
        TECHNIQUE,
        cloud,
        title,
        Kind.LOOK_ALIKE,
        f"{title}.",
        "Nothing to find.",
        build,
        lead=LONG_LEAD if long else timedelta(minutes=30),
        resembles=tuple(f"{TECHNIQUE}/{r}" for r in resembles),
        differs_by=differs_by,
    )


LOOK_ALIKES: tuple[Emulation, ...] = (
    _routine("aws-ml-team", _A, "The machine learning team starts a training machine", _ml_team, ("aws-gpu-launch",), "sessionIssuer.arn is the team's role"),
    _routine(
        "aws-pipeline-again", _A, "The office's address let in, and a server launched by the pipeline as every week", _pipeline_everywhere,
        ("aws-new-creator", "aws-unused-region", "aws-exposed-instance"), "cidrIp is the office's block", "the pipeline launched here last week", long=True,
    ),
    _routine(
        "azure-batch-again", _Z, "The pipeline creates a batch machine as every third day", _azure_batch, ("azure-new-creator", "azure-unused-location"),
        "the caller and the location are those of last week", long=True,
    ),
    _routine(
        "gcp-batch-again", _G, "The office's address let in, and a batch instance created by the pipeline", _gcp_batch,
        ("gcp-new-creator", "gcp-unused-zone", "gcp-exposed-instance"), "sourceRanges is the office's block", "the pipeline created here last week", long=True,
    ),
    _routine(
        "aws-onboarding", _A, "A user is created, and a sandbox launched by the pipeline", _onboarding, ("aws-new-user-launches",),
        "the launch is by the pipeline's role, not by the new user",
    ),
)  # fmt: skip

EMULATIONS: tuple[Emulation, ...] = ATTACKS + LOOK_ALIKES
