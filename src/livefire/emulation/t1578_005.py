"""Emulations of T1578.005 Modify Cloud Compute Configurations (https://attack.mitre.org/techniques/T1578/005/) and what looks like it."""

from __future__ import annotations

from collections.abc import Callable

from livefire.emulation import aws, azure, cloudtrail, gcp
from livefire.emulation.actors import (
    AWS,
    AZURE_ENGINEER,
    AZURE_INTRUDER,
    AZURE_PIPELINE,
    CAPACITY_TEAM,
    CONFIGURATION,
    ENGINEER,
    GCP,
    GCP_ENGINEER,
    GCP_INTRUDER,
    GCP_PIPELINE,
    STOLEN_KEY,
    STOLEN_SESSION,
    AwsActor,
    AzureActor,
    GcpActor,
)
from livefire.emulation.model import Cloud, Emulation, Kind
from livefire.emulation.noise import AWS_HABITS, AZURE_HABITS, FLEET, GCP_HABITS, recon, surround
from livefire.emulation.scene import Scene

TECHNIQUE = "T1578.005"
VM = "Microsoft.Compute/virtualMachines"


def _quota(scene: Scene, actor: AwsActor) -> None:
    request = {"serviceCode": "ec2", "quotaCode": "L-1216C47A", "desiredValue": 512.0}
    answer = {"requestedQuota": {"id": scene.ids.hexadecimal(32), "serviceCode": "ec2", "quotaCode": "L-1216C47A", "desiredValue": 512.0, "status": "PENDING"}}
    cloudtrail.call(scene, actor, "RequestServiceQuotaIncrease", request, answer, source="servicequotas.amazonaws.com")


def _quota_and_region(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    _quota(scene, STOLEN_SESSION)
    scene.wait(30, 120)
    cloudtrail.call(scene, STOLEN_SESSION, "EnableRegion", {"RegionName": AWS.unused_region}, None, source="account.amazonaws.com")


def _script_swapped(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_KEY)
    aws.stop_instances(scene, STOLEN_KEY, FLEET[0])
    scene.wait(40, 80)
    aws.modify_instance(scene, STOLEN_KEY, FLEET[0], "userData", "")
    scene.wait(2, 10)
    aws.start_instances(scene, STOLEN_KEY, FLEET[0])


def _azure_quota(scene: Scene, actor: AzureActor) -> None:
    scope = f"{azure.SUBSCRIPTION}/providers/Microsoft.Compute/locations/eastus/providers/Microsoft.Quota/quotas/standardNCASv3Family"
    azure.act(scene, actor, "Microsoft.Quota/quotas/write", scope, azure.Outcome(seconds=5))


def _policy(name: str) -> str:
    return f"{azure.SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/{name}"


def _quota_and_policy(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    _azure_quota(scene, AZURE_INTRUDER)
    scene.wait(20, 60)
    for name in ("allowed-vm-sizes", "allowed-locations"):
        azure.act(scene, AZURE_INTRUDER, "Microsoft.Authorization/policyAssignments/delete", _policy(name), azure.Outcome(accepted=False))
        scene.wait(5, 20)


def _metadata(scene: Scene, actor: GcpActor, machine: gcp.Target, key: str) -> None:
    delta = {"instanceMetadataDelta": {"addedMetadataKeys": [key]}}
    permission = gcp.grant("compute.instances.setMetadata", machine.name)
    request = {"fingerprint": scene.ids.base36(11)}
    gcp.operate(scene, actor, "v1.compute.instances.setMetadata", machine, request, permissions=[permission], metadata=delta, seconds=3)


def _bigger_and_scripted(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine = gcp.instance(scene, "app01")
    gcp.change_instance(scene, GCP_INTRUDER, "stop", machine, seconds=30)
    gcp.change_instance(scene, GCP_INTRUDER, "setMachineType", machine, {"machineType": gcp.link(f"{gcp.ZONE}/machineTypes/n2-standard-32")}, seconds=4)
    _metadata(scene, GCP_INTRUDER, machine, "startup-script")
    gcp.change_instance(scene, GCP_INTRUDER, "start", machine, seconds=9)


def _cloud_quota(scene: Scene, actor: GcpActor) -> None:
    name = f"projects/{GCP.project}/locations/global/quotaPreferences/compute-gpus"
    request = {
        "quotaPreference": {
            "name": name,
            "service": "compute.googleapis.com",
            "quotaId": "GPUS-ALL-REGIONS-per-project",
            "quotaConfig": {"preferredValue": "64"},
        }
    }
    method = "google.api.cloudquotas.v1.CloudQuotas.UpdateQuotaPreference"
    gcp.administer(scene, actor, "cloudquotas.googleapis.com", method, name, request, "cloudquotas.quotas.update")


def _gpu_quota(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    _cloud_quota(scene, GCP_INTRUDER)


def _location_policy(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    name = f"projects/{GCP.project}/policies/gcp.resourceLocations"
    request = {"policy": {"name": name, "spec": {"rules": [{"allowAll": True}]}}}
    gcp.administer(scene, GCP_INTRUDER, "orgpolicy.googleapis.com", "google.cloud.orgpolicy.v2.OrgPolicy.UpdatePolicy", name, request, "orgpolicy.policy.set")


def _control_policy_detached(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    request = {"policyId": "p-7qk2mfe1", "targetId": AWS.account}
    cloudtrail.call(scene, STOLEN_SESSION, "DetachPolicy", request, None, source="organizations.amazonaws.com")


def _extension(scene: Scene, actor: AzureActor, machine: str) -> None:
    entity = azure.resource(VM, f"{machine}/extensions/CustomScript")
    body = {"id": entity, "name": "CustomScript", "properties": {"publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "settings": "******"}}
    azure.act(scene, actor, f"{VM}/extensions/write", entity, azure.Outcome(created=True, seconds=20), response=body)


def _script_extension(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    _extension(scene, AZURE_INTRUDER, "app03")


def _weakened(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    aws.metadata_options(scene, STOLEN_SESSION, FLEET[4], "optional")
    scene.wait(20, 60)
    aws.modify_instance(scene, STOLEN_SESSION, FLEET[4], "sourceDestCheck", value=False)
    scene.wait(20, 60)
    cloudtrail.call_wrapped(scene, STOLEN_SESSION, "EnableSerialConsoleAccess", {}, {"serialConsoleAccessEnabled": True})


def _secure_boot_off(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine = gcp.instance(scene, "app02")
    request = {"enableSecureBoot": False, "enableVtpm": True, "enableIntegrityMonitoring": False}
    gcp.change_instance(scene, GCP_INTRUDER, "updateShieldedInstanceConfig", machine, request, seconds=5)


def _capacity_team(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    _quota(scene, CAPACITY_TEAM)


def _region_closed(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    cloudtrail.call(scene, ENGINEER, "DisableRegion", {"RegionName": AWS.unused_region}, None, source="account.amazonaws.com")
    scene.wait(30, 60)
    request = {"policyId": "p-7qk2mfe1", "targetId": AWS.account}
    cloudtrail.call(scene, ENGINEER, "AttachPolicy", request, None, source="organizations.amazonaws.com")


def _configuration_run(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    aws.stop_instances(scene, CONFIGURATION, FLEET[8])
    scene.wait(40, 80)
    aws.modify_instance(scene, CONFIGURATION, FLEET[8], "userData", "")
    aws.start_instances(scene, CONFIGURATION, FLEET[8])


def _policy_as_code(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    azure.act(scene, AZURE_PIPELINE, "Microsoft.Authorization/policyAssignments/delete", _policy("allowed-locations-v1"), azure.Outcome(accepted=False))
    azure.act(scene, AZURE_PIPELINE, "Microsoft.Authorization/policyAssignments/write", _policy("allowed-locations-v2"), azure.Outcome(accepted=False))
    _azure_quota(scene, AZURE_PIPELINE)


def _policy_added(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    azure.act(scene, AZURE_ENGINEER, "Microsoft.Authorization/policyAssignments/write", _policy("require-tags"), azure.Outcome(created=True, accepted=False))
    entity = azure.resource(VM, "app03/extensions/AzureMonitorLinuxAgent")
    body = {"id": entity, "name": "AzureMonitorLinuxAgent", "properties": {"publisher": "Microsoft.Azure.Monitor", "type": "AzureMonitorLinuxAgent"}}
    azure.act(scene, AZURE_ENGINEER, f"{VM}/extensions/write", entity, azure.Outcome(created=True, seconds=20), response=body)


def _labels_and_type(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine = gcp.instance(scene, "app04")
    _metadata(scene, GCP_ENGINEER, machine, "serial-port-logging-enable")
    gcp.change_instance(scene, GCP_ENGINEER, "setMachineType", machine, {"machineType": gcp.link(f"{gcp.ZONE}/machineTypes/e2-medium")}, seconds=4)
    request = {"enableSecureBoot": True, "enableVtpm": True, "enableIntegrityMonitoring": True}
    gcp.change_instance(scene, GCP_ENGINEER, "updateShieldedInstanceConfig", machine, request, seconds=5)


def _pipeline_plan(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    _cloud_quota(scene, GCP_PIPELINE)


_QUOTA, _QUOTA_AZURE, _QUOTA_GCP = f"{TECHNIQUE}/aws-quota-and-region", f"{TECHNIQUE}/azure-quota-and-policy", f"{TECHNIQUE}/gcp-quota"
_SCRIPT, _SCRIPT_AZURE, _SCRIPT_GCP = f"{TECHNIQUE}/aws-user-data", f"{TECHNIQUE}/azure-script-extension", f"{TECHNIQUE}/gcp-type-and-startup-script"
_DETACH, _LOCATION = f"{TECHNIQUE}/aws-control-policy-detached", f"{TECHNIQUE}/gcp-location-policy"
_WEAK, _BOOT = f"{TECHNIQUE}/aws-instance-weakened", f"{TECHNIQUE}/gcp-secure-boot-off"


def _attack(
    id: str,
    cloud: Cloud,
    number: str,
    title: str,
    story: str,
    signal: str,
    build: Callable[[Scene], None],
    commands: tuple[str, ...],
    cleanup: tuple[str, ...] = (),
) -> Emulation:
    return Emulation(id, TECHNIQUE, cloud, title, Kind.ATTACK, story, signal, build, number=number, commands=commands, cleanup=cleanup)


ATTACKS: tuple[Emulation, ...] = (
    _attack(
        _QUOTA,
        Cloud.AWS,
        "T1578.005-aws-1",
        "Ask for more capacity and open a region",
        "From a stolen session the vCPU quota is asked to be raised to 512 and a region opened that the company never used.",
        "RequestServiceQuotaIncrease (serviceCode ec2) by an identity outside the capacity team; EnableRegion of account.amazonaws.com.",
        _quota_and_region,
        (
            "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-1216C47A --desired-value 512   # opens a real request",
            f"aws account enable-region --region-name {AWS.unused_region}",
        ),
        (f"aws account disable-region --region-name {AWS.unused_region}",),
    ),
    _attack(
        _SCRIPT,
        Cloud.AWS,
        "T1578.005-aws-2",
        "User data changed between a stop and a start",
        "With a stolen key a server is stopped, its user data replaced, and started again: the new script runs as root.",
        "StopInstances, ModifyInstanceAttribute with userData (written as <sensitiveDataRemoved>), StartInstances of one instance id.",
        _script_swapped,
        (
            "aws ec2 stop-instances --instance-ids $I; aws ec2 wait instance-stopped --instance-ids $I",
            "aws ec2 modify-instance-attribute --instance-id $I --user-data Value=$(base64 -w0 harmless.sh)",
            "aws ec2 start-instances --instance-ids $I",
        ),
    ),
    _attack(
        _QUOTA_AZURE,
        Cloud.AZURE,
        "T1578.005-azure-1",
        "Raise a GPU quota and remove the policies on sizes and locations",
        "A phished operator's token raises a GPU quota and deletes two policy assignments.",
        "MICROSOFT.QUOTA/QUOTAS/WRITE and MICROSOFT.AUTHORIZATION/POLICYASSIGNMENTS/DELETE, Success, by a caller that is no pipeline.",
        _quota_and_policy,
        (
            "az quota update --resource-name standardNCASv3Family --scope $SCOPE --limit-object value=48 --resource-type dedicated",
            "az policy assignment delete --name allowed-vm-sizes",
            "az policy assignment delete --name allowed-locations",
        ),
        ("az policy assignment create --name allowed-vm-sizes --policy $POLICY",),
    ),
    _attack(
        _SCRIPT_GCP,
        Cloud.GCP,
        "T1578.005-gcp-1",
        "A larger type and a startup script while an instance is stopped",
        "A phished user stops an instance, makes it a 32-core one, adds a startup script and starts it.",
        "compute.instances.setMachineType with n2-standard-32 and setMetadata naming startup-script, between stop and start of one resource.",
        _bigger_and_scripted,
        (
            "gcloud compute instances stop app01 --zone $Z",
            "gcloud compute instances set-machine-type app01 --machine-type n2-standard-32 --zone $Z",
            'gcloud compute instances add-metadata app01 --zone $Z --metadata startup-script="echo livefire"',
            "gcloud compute instances start app01 --zone $Z",
        ),
        ("gcloud compute instances remove-metadata app01 --zone $Z --keys startup-script",),
    ),
    _attack(
        _QUOTA_GCP,
        Cloud.GCP,
        "T1578.005-gcp-2",
        "Ask for 64 GPUs",
        "A phished user asks for the project's GPU quota to be raised.",
        "google.api.cloudquotas.v1.CloudQuotas.UpdateQuotaPreference for compute.googleapis.com.",
        _gpu_quota,
        ("gcloud beta quotas preferences update compute-gpus --project $P --preferred-value 64 --service compute.googleapis.com",),
    ),
    _attack(
        _LOCATION,
        Cloud.GCP,
        "T1578.005-gcp-3",
        "The project's location policy opened",
        "A phished user lets resources be made anywhere.",
        "google.cloud.orgpolicy.v2.OrgPolicy.UpdatePolicy whose resource ends in gcp.resourceLocations.",
        _location_policy,
        ("gcloud org-policies set-policy allow-all-locations.yaml",),
        ("gcloud org-policies set-policy previous.yaml",),
    ),
    _attack(
        _DETACH,
        Cloud.AWS,
        "T1578.005-aws-3",
        "A service control policy detached from the account",
        "From a stolen session in the management account the policy that limits instance types and regions is detached.",
        "DetachPolicy of organizations.amazonaws.com without errorCode.",
        _control_policy_detached,
        ("aws organizations detach-policy --policy-id $POLICY --target-id $ACCOUNT",),
        ("aws organizations attach-policy --policy-id $POLICY --target-id $ACCOUNT",),
    ),
    _attack(
        _SCRIPT_AZURE,
        Cloud.AZURE,
        "T1578.005-azure-2",
        "A script extension put on a machine",
        "A phished operator's token adds the custom script extension to a server: its script runs as the system.",
        "VIRTUALMACHINES/EXTENSIONS/WRITE, Success, of a resource whose name ends in CustomScript.",
        _script_extension,
        ("az vm extension set -g $G --vm-name app03 -n CustomScript --publisher Microsoft.Azure.Extensions --settings script.json",),
        ("az vm extension delete -g $G --vm-name app03 -n CustomScript",),
    ),
    _attack(
        _WEAK,
        Cloud.AWS,
        "T1578.005-aws-4",
        "Metadata tokens made optional, serial console opened",
        "From a stolen session a server's metadata service answers without a token again, its source check is off, and the account's serial console open.",
        "ModifyInstanceMetadataOptions with HttpTokens optional; ModifyInstanceAttribute with sourceDestCheck.value false; EnableSerialConsoleAccess.",
        _weakened,
        (
            "aws ec2 modify-instance-metadata-options --instance-id $I --http-tokens optional",
            "aws ec2 modify-instance-attribute --instance-id $I --no-source-dest-check",
            "aws ec2 enable-serial-console-access",
        ),
        ("aws ec2 modify-instance-metadata-options --instance-id $I --http-tokens required", "aws ec2 disable-serial-console-access"),
    ),
    _attack(
        _BOOT,
        Cloud.GCP,
        "T1578.005-gcp-4",
        "Secure boot switched off",
        "A phished user switches an instance's secure boot and integrity monitoring off.",
        "compute.instances.updateShieldedInstanceConfig with request.enableSecureBoot false.",
        _secure_boot_off,
        ("gcloud compute instances update app02 --zone $Z --no-shielded-secure-boot --no-shielded-integrity-monitoring",),
        ("gcloud compute instances update app02 --zone $Z --shielded-secure-boot --shielded-integrity-monitoring",),
    ),
)


def _routine(
    id: str, cloud: Cloud, title: str, story: str, signal: str, build: Callable[[Scene], None], resembles: tuple[str, ...], differs_by: tuple[str, ...]
) -> Emulation:
    return Emulation(f"{TECHNIQUE}/{id}", TECHNIQUE, cloud, title, Kind.LOOK_ALIKE, story, signal, build, resembles=resembles, differs_by=differs_by)


LOOK_ALIKES: tuple[Emulation, ...] = (
    _routine(
        "aws-capacity-team",
        Cloud.AWS,
        "The capacity team asks for more",
        "The team whose work it is asks for a higher vCPU quota.",
        "Nothing to find: it is that role's work.",
        _capacity_team,
        (_QUOTA,),
        ("sessionIssuer.arn is the capacity team's role",),
    ),
    _routine(
        "aws-region-closed",
        Cloud.AWS,
        "A region is closed and a policy attached",
        "An engineer closes a region and attaches the control policy to the account.",
        "Nothing to find: the calls are the opposite ones.",
        _region_closed,
        (_QUOTA, _DETACH),
        ("eventName is DisableRegion and AttachPolicy",),
    ),
    _routine(
        "aws-configuration-run",
        Cloud.AWS,
        "Configuration management changes user data",
        "The configuration management role stops a server, writes its user data and starts it.",
        "Nothing to find for who knows the role.",
        _configuration_run,
        (_SCRIPT, "T1578.004/aws-stop-start"),
        ("sessionIssuer.arn is the configuration management role",),
    ),
    _routine(
        "azure-policy-as-code",
        Cloud.AZURE,
        "Policy as code replaces an assignment",
        "The pipeline deletes an old policy assignment, writes its successor, and raises a quota.",
        "Nothing to find for who knows the pipeline's principal.",
        _policy_as_code,
        (_QUOTA_AZURE,),
        ("the caller is the pipeline's service principal",),
    ),
    _routine(
        "azure-policy-and-agent-added",
        Cloud.AZURE,
        "A policy is added, a monitoring agent installed",
        "An engineer assigns a policy and adds the monitoring extension to a server.",
        "Nothing to find: nothing was deleted, and the extension runs no script of the caller's.",
        _policy_added,
        (_QUOTA_AZURE, _SCRIPT_AZURE),
        ("policyAssignments/write, not delete", "the extension is AzureMonitorLinuxAgent"),
    ),
    _routine(
        "gcp-small-changes",
        Cloud.GCP,
        "An instance is tidied up",
        "An engineer switches logging on, gives an instance a medium type and switches secure boot on.",
        "Nothing to find: no script, no large type, and the boot is made safer.",
        _labels_and_type,
        (_SCRIPT_GCP, _BOOT, "T1578.003/gcp-evidence-wipe"),
        ("the metadata key is no script", "the type has two cores", "request.enableSecureBoot is true"),
    ),
    _routine(
        "gcp-pipeline-quota",
        Cloud.GCP,
        "The pipeline plans capacity",
        "The Terraform service account asks for a quota as code.",
        "Nothing to find for who knows the service account.",
        _pipeline_plan,
        (_QUOTA_GCP,),
        ("principalEmail is the pipeline's service account",),
    ),
)

EMULATIONS: tuple[Emulation, ...] = ATTACKS + LOOK_ALIKES
