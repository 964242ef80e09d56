"""Emulations of T1578.003 Delete Cloud Instance (https://attack.mitre.org/techniques/T1578/003/) and what looks like it."""

from __future__ import annotations

from datetime import timedelta

from livefire.emulation import aws, azure, cloudtrail, gcp
from livefire.emulation.actors import (
    AWS,
    AZURE_ENGINEER,
    AZURE_INTRUDER,
    AZURE_PIPELINE,
    ENGINEER,
    GCP_ENGINEER,
    GCP_GROUP_MANAGER,
    GCP_INTRUDER,
    GCP_PIPELINE,
    PIPELINE,
    STOLEN_KEY,
    STOLEN_SESSION,
    AwsActor,
    AzureActor,
    GcpActor,
)
from livefire.emulation.history import create_machine
from livefire.emulation.model import Cloud, Emulation, Kind
from livefire.emulation.noise import AWS_HABITS, AZURE_HABITS, FLEET, GCP_HABITS, recon, surround
from livefire.emulation.scene import Scene

TECHNIQUE = "T1578.003"


def _delete(scene: Scene, actor: AzureActor, kind: str, name: str) -> None:
    azure.act(scene, actor, f"{kind}/delete", azure.resource(kind, name), azure.Outcome(seconds=20))


def _erase(scene: Scene, actor: GcpActor, collection: str, target: gcp.Target) -> None:
    gcp.operate(scene, actor, f"v1.compute.{collection}.delete", target, {}, permissions=[gcp.grant(f"compute.{collection}.delete", target.name)], seconds=9)


def _protection_off(scene: Scene, actor: AwsActor, machine: str) -> None:
    aws.modify_instance(scene, actor, machine, "disableApiTermination", value=False)


def _unprotect_and_terminate(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    with scene.noise(-25):
        aws.terminate_instances(scene, STOLEN_SESSION, FLEET[1], failure=aws.PROTECTED)
    _protection_off(scene, STOLEN_SESSION, FLEET[1])
    # One-second timestamps: the two often fall into the same second.
    aws.terminate_instances(scene, STOLEN_SESSION, FLEET[1])


def _machine_and_disk(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    _delete(scene, AZURE_INTRUDER, "Microsoft.Compute/virtualMachines", "livefire-vm")
    scene.wait(5, 30)
    _delete(scene, AZURE_INTRUDER, "Microsoft.Compute/disks", "livefire-vm_OsDisk_1")


def _lock_and_machine(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    machine = azure.resource("Microsoft.Compute/virtualMachines", "app06")
    lock = f"{machine}/providers/Microsoft.Authorization/locks/keep"
    azure.act(scene, AZURE_INTRUDER, "Microsoft.Authorization/locks/delete", lock, azure.Outcome(accepted=False))
    scene.wait(15, 60)
    _delete(scene, AZURE_INTRUDER, "Microsoft.Compute/virtualMachines", "app06")


def _cloud_protection_off(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine = gcp.instance(scene, "livefire-vm")
    gcp.change_instance(scene, GCP_INTRUDER, "setDeletionProtection", machine, {"deletionProtection": False}, seconds=3)
    scene.wait(5, 40)
    gcp.change_instance(scene, GCP_INTRUDER, "delete", machine, seconds=30)


def _short_lived_machine(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    create_machine(scene, AZURE_INTRUDER, "livefire-tmp")
    scene.wait(600, 1500)
    _delete(scene, AZURE_INTRUDER, "Microsoft.Compute/virtualMachines", "livefire-tmp")


def _short_lived_instance(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine = gcp.instance(scene, "livefire-tmp")
    gcp.insert_instance(scene, GCP_INTRUDER, machine)
    scene.wait(600, 1500)
    gcp.change_instance(scene, GCP_INTRUDER, "delete", machine, seconds=30)


def _mass_terminate(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_KEY)
    for at in range(0, 8, 2):
        aws.terminate_instances(scene, STOLEN_KEY, FLEET[at], FLEET[at + 1])
        scene.wait(10, 40)


def _mass_delete(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    for number in range(1, 8):
        _delete(scene, AZURE_INTRUDER, "Microsoft.Compute/virtualMachines", f"app{number:02}")
        scene.wait(2, 8)


def _mass_erase(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    for number in range(1, 8):
        gcp.change_instance(scene, GCP_INTRUDER, "delete", gcp.instance(scene, f"app{number:02}"), seconds=8)
        scene.wait(2, 8)


def _wipe(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    aws.terminate_instances(scene, STOLEN_SESSION, FLEET[7])
    scene.wait(30, 90)
    cloudtrail.call_flat(scene, STOLEN_SESSION, "DeleteSnapshot", {"snapshotId": scene.ids.ec2("snap"), "force": False}, {"_return": True})
    scene.wait(5, 30)
    cloudtrail.call_flat(scene, STOLEN_SESSION, "DeleteVolume", {"volumeId": scene.ids.ec2("vol")}, {"_return": True})


def _cloud_wipe(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    gcp.change_instance(scene, GCP_INTRUDER, "delete", gcp.instance(scene, "livefire-vm"), seconds=30)
    scene.wait(5, 30)
    _erase(scene, GCP_INTRUDER, "disks", gcp.disk(scene, "livefire-data"))
    scene.wait(5, 30)
    _erase(scene, GCP_INTRUDER, "snapshots", gcp.snapshot(scene, "livefire-snap"))


def _terraform_destroy(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    for machine in FLEET[:7]:
        _protection_off(scene, PIPELINE, machine)
        aws.terminate_instances(scene, PIPELINE, machine)
    scene.wait(30, 60)
    cloudtrail.call_flat(scene, PIPELINE, "DeleteVolume", {"volumeId": scene.ids.ec2("vol")}, {"_return": True})
    cloudtrail.call_flat(scene, PIPELINE, "DeleteSnapshot", {"snapshotId": scene.ids.ec2("snap")}, {"_return": True})


def _blue_green(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    green = aws.run_instances(scene, PIPELINE, aws.Launch(AWS.golden_image, "t3.medium", count=2, name="web-green"))
    scene.wait(900, 1200)
    with scene.noise():
        aws.describe_instances(scene, PIPELINE, *green)
    aws.terminate_instances(scene, PIPELINE, FLEET[2], FLEET[3])


def _protection_off_only(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    _protection_off(scene, ENGINEER, FLEET[5])
    scene.wait(60, 120)
    aws.terminate_instances(scene, ENGINEER, FLEET[6])


def _machine_retired(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    _delete(scene, AZURE_ENGINEER, "Microsoft.Compute/virtualMachines", "legacy01")
    scene.wait(10, 40)
    _delete(scene, AZURE_ENGINEER, "Microsoft.Network/networkInterfaces", "legacy01VMNic")


def _pipeline_runner(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    create_machine(scene, AZURE_PIPELINE, "runner-17")
    scene.wait(600, 900)
    _delete(scene, AZURE_PIPELINE, "Microsoft.Compute/virtualMachines", "runner-17")
    _delete(scene, AZURE_PIPELINE, "Microsoft.Compute/disks", "runner-17_OsDisk_1")


def _group_shrinks(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    for _ in range(7):
        gcp.change_instance(scene, GCP_GROUP_MANAGER, "delete", gcp.instance(scene, f"web-{scene.ids.base36(4)}"), seconds=20)


def _pipeline_test_instance(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine = gcp.instance(scene, "plan-test")
    gcp.insert_instance(scene, GCP_PIPELINE, machine)
    scene.wait(300, 900)
    gcp.change_instance(scene, GCP_PIPELINE, "setDeletionProtection", machine, {"deletionProtection": False}, seconds=3)
    gcp.change_instance(scene, GCP_PIPELINE, "delete", machine, seconds=30)
    _erase(scene, GCP_PIPELINE, "disks", gcp.disk(scene, "plan-test"))


def _protection_on(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine = gcp.instance(scene, "app03")
    gcp.change_instance(scene, GCP_ENGINEER, "setDeletionProtection", machine, {"deletionProtection": True}, seconds=3)
    scene.wait(60, 120)
    gcp.change_instance(scene, GCP_ENGINEER, "delete", gcp.instance(scene, "legacy01"), seconds=30)


_TERMINATE = "T1578/aws-terminate-instance"
_PROTECT, _LOCK, _PROTECT_GCP = f"{TECHNIQUE}/aws-protection-off", f"{TECHNIQUE}/azure-lock-removed", f"{TECHNIQUE}/gcp-protection-off"
_SHORT_AZURE, _SHORT_GCP = f"{TECHNIQUE}/azure-short-lived", f"{TECHNIQUE}/gcp-short-lived"
_MASS, _MASS_AZURE, _MASS_GCP = f"{TECHNIQUE}/aws-mass-terminate", f"{TECHNIQUE}/azure-mass-delete", f"{TECHNIQUE}/gcp-mass-delete"
_WIPE, _DISK, _WIPE_GCP = f"{TECHNIQUE}/aws-evidence-wipe", f"{TECHNIQUE}/azure-machine-and-disk", f"{TECHNIQUE}/gcp-evidence-wipe"
_OPEN = "aws ec2 modify-instance-attribute --instance-id $I --no-disable-api-termination"

ATTACKS: tuple[Emulation, ...] = (
    Emulation(
        _PROTECT,
        TECHNIQUE,
        Cloud.AWS,
        "Termination protection removed, then the instance terminated",
        Kind.ATTACK,
        "A protected server refuses to be terminated; the protection is switched off and the server terminated in the same second.",
        "ModifyInstanceAttribute with disableApiTermination.value false, then TerminateInstances of that id; the same second is legal.",
        _unprotect_and_terminate,
        number="T1578.003-aws-2",
        commands=(
            "aws ec2 modify-instance-attribute --instance-id $I --disable-api-termination",
            "aws ec2 terminate-instances --instance-ids $I || true",
            _OPEN,
            "aws ec2 terminate-instances --instance-ids $I",
        ),
        prerequisites=("an instance of your own that may be lost",),
    ),
    Emulation(
        _DISK,
        TECHNIQUE,
        Cloud.AZURE,
        "A machine and its disk deleted",
        Kind.ATTACK,
        "A phished operator's token deletes a virtual machine and then its OS disk, which would have kept the evidence.",
        "VIRTUALMACHINES/DELETE and DISKS/DELETE, Success, by one caller within the hour.",
        _machine_and_disk,
        number="T1578.003-azure-1",
        commands=("az vm delete -g $G -n livefire-vm --yes", "az disk delete -g $G -n livefire-vm_OsDisk_1 --yes"),
        cleanup=("az group delete -n $G --yes --no-wait",),
    ),
    Emulation(
        _PROTECT_GCP,
        TECHNIQUE,
        Cloud.GCP,
        "Deletion protection removed, then the instance deleted",
        Kind.ATTACK,
        "A phished user clears an instance's deletion protection and deletes it.",
        "compute.instances.setDeletionProtection with request.deletionProtection false, then compute.instances.delete of the same resource.",
        _cloud_protection_off,
        number="T1578.003-gcp-1",
        commands=(
            "gcloud compute instances update livefire-vm --no-deletion-protection --zone $Z",
            "gcloud compute instances delete livefire-vm --zone $Z --quiet",
        ),
    ),
    Emulation(
        _LOCK,
        TECHNIQUE,
        Cloud.AZURE,
        "A resource lock removed, then the machine deleted",
        Kind.ATTACK,
        "A phished operator's token removes the lock that keeps a server from being deleted, and deletes the server.",
        "MICROSOFT.AUTHORIZATION/LOCKS/DELETE, then VIRTUALMACHINES/DELETE by the same caller.",
        _lock_and_machine,
        number="T1578.003-azure-2",
        commands=(
            "az lock delete --name keep -g $G --resource-name app06 --resource-type Microsoft.Compute/virtualMachines",
            "az vm delete -g $G -n app06 --yes",
        ),
    ),
    Emulation(
        _SHORT_AZURE,
        TECHNIQUE,
        Cloud.AZURE,
        "A machine deleted within the hour of its creation",
        Kind.ATTACK,
        "A phished operator's token creates a machine and deletes it 20 minutes later.",
        "VIRTUALMACHINES/WRITE Created and VIRTUALMACHINES/DELETE of one resource id within an hour.",
        _short_lived_machine,
        number="T1578.003-azure-3",
        span=timedelta(hours=2),
        commands=("az vm create -g $G -n livefire-tmp --image Ubuntu2204 --size Standard_B1s --generate-ssh-keys", "az vm delete -g $G -n livefire-tmp --yes"),
        cleanup=("az group delete -n $G --yes --no-wait",),
    ),
    Emulation(
        _SHORT_GCP,
        TECHNIQUE,
        Cloud.GCP,
        "An instance deleted within the hour of its creation",
        Kind.ATTACK,
        "A phished user creates an instance and deletes it 20 minutes later.",
        "compute.instances.insert and compute.instances.delete of one resource name within an hour.",
        _short_lived_instance,
        number="T1578.003-gcp-2",
        span=timedelta(hours=2),
        commands=(
            "gcloud compute instances create livefire-tmp --zone $Z --machine-type e2-micro",
            "gcloud compute instances delete livefire-tmp --zone $Z --quiet",
        ),
    ),
    Emulation(
        _MASS,
        TECHNIQUE,
        Cloud.AWS,
        "Eight instances terminated within minutes",
        Kind.ATTACK,
        "With a stolen key eight servers are terminated in four calls.",
        "TerminateInstances: more than five distinct requestParameters.instancesSet.items[].instanceId by one identity within half an hour.",
        _mass_terminate,
        number="T1578.003-aws-3",
        commands=("for I in $IDS; do aws ec2 terminate-instances --instance-ids $I; done",),
        prerequisites=("six or more instances of your own that may be lost",),
    ),
    Emulation(
        _MASS_AZURE,
        TECHNIQUE,
        Cloud.AZURE,
        "Seven machines deleted within minutes",
        Kind.ATTACK,
        "A phished operator's token deletes seven servers one after the other.",
        "VIRTUALMACHINES/DELETE of more than five resource ids by one caller within half an hour.",
        _mass_delete,
        number="T1578.003-azure-4",
        commands=("az vm delete --yes --ids $(az vm list -g $G --query [].id -o tsv)",),
        prerequisites=("six or more machines of your own that may be lost",),
    ),
    Emulation(
        _MASS_GCP,
        TECHNIQUE,
        Cloud.GCP,
        "Seven instances deleted within minutes",
        Kind.ATTACK,
        "A phished user deletes seven instances one after the other.",
        "compute.instances.delete of more than five resource names by one principal within half an hour.",
        _mass_erase,
        number="T1578.003-gcp-3",
        commands=("gcloud compute instances delete $NAMES --zone $Z --quiet",),
        prerequisites=("six or more instances of your own that may be lost",),
    ),
    Emulation(
        _WIPE,
        TECHNIQUE,
        Cloud.AWS,
        "An instance terminated, then its snapshot and volume deleted",
        Kind.ATTACK,
        "From a stolen session a server is terminated and within minutes a snapshot and a volume are deleted too.",
        "TerminateInstances, then DeleteSnapshot and DeleteVolume by the same identity within the hour.",
        _wipe,
        number="T1578.003-aws-4",
        commands=("aws ec2 terminate-instances --instance-ids $I", "aws ec2 delete-snapshot --snapshot-id $SNAP", "aws ec2 delete-volume --volume-id $VOL"),
    ),
    Emulation(
        _WIPE_GCP,
        TECHNIQUE,
        Cloud.GCP,
        "An instance deleted, then its disk and snapshot",
        Kind.ATTACK,
        "A phished user deletes an instance, its data disk and a snapshot.",
        "compute.instances.delete, then compute.disks.delete and compute.snapshots.delete by the same principal within the hour.",
        _cloud_wipe,
        number="T1578.003-gcp-4",
        commands=(
            "gcloud compute instances delete livefire-vm --zone $Z --quiet",
            "gcloud compute disks delete livefire-data --zone $Z --quiet",
            "gcloud compute snapshots delete livefire-snap --quiet",
        ),
    ),
)

LOOK_ALIKES: tuple[Emulation, ...] = (
    Emulation(
        f"{TECHNIQUE}/aws-terraform-destroy",
        TECHNIQUE,
        Cloud.AWS,
        "Terraform destroys an environment",
        Kind.LOOK_ALIKE,
        "The pipeline removes the protection of seven servers, terminates each in the same second, and deletes a volume and a snapshot.",
        "Nothing to find for who knows the pipeline's role.",
        _terraform_destroy,
        resembles=(_PROTECT, _MASS, _WIPE),
        differs_by=("sessionIssuer.arn is the pipeline's role", "sessionContext.webIdFederationData names the build system's provider"),
    ),
    Emulation(
        f"{TECHNIQUE}/aws-blue-green",
        TECHNIQUE,
        Cloud.AWS,
        "A blue/green deployment",
        Kind.LOOK_ALIKE,
        "The pipeline launches two servers of the new version and twenty minutes later terminates the two old ones.",
        "Nothing to find: what was launched lives, what was terminated is old.",
        _blue_green,
        resembles=(_TERMINATE, _MASS),
        differs_by=("the instance ids launched and terminated differ", "sessionIssuer.arn is the pipeline's role"),
    ),
    Emulation(
        f"{TECHNIQUE}/aws-protection-off-another-terminated",
        TECHNIQUE,
        Cloud.AWS,
        "One instance unprotected, another terminated",
        Kind.LOOK_ALIKE,
        "An engineer lifts the protection of one server for later, and retires another that had none.",
        "Nothing to find: they are two servers.",
        _protection_off_only,
        resembles=(_PROTECT,),
        differs_by=("the instance ids differ",),
    ),
    Emulation(
        f"{TECHNIQUE}/azure-machine-retired",
        TECHNIQUE,
        Cloud.AZURE,
        "A machine is retired, its disk is kept",
        Kind.LOOK_ALIKE,
        "An engineer deletes an old server and its network interface; the disk stays for the archive.",
        "Nothing to find: the disk, where evidence would be, is kept.",
        _machine_retired,
        resembles=(_DISK, _LOCK, _SHORT_AZURE, _MASS_AZURE),
        differs_by=("no disks/delete", "no locks/delete", "one machine"),
    ),
    Emulation(
        f"{TECHNIQUE}/azure-pipeline-runner",
        TECHNIQUE,
        Cloud.AZURE,
        "A build runner lives for ten minutes",
        Kind.LOOK_ALIKE,
        "The pipeline creates a machine for one build and deletes it with its disk.",
        "Nothing to find for who knows the pipeline's principal.",
        _pipeline_runner,
        resembles=(_SHORT_AZURE, _DISK, "T1578.002/azure-create-vm"),
        differs_by=("the caller is the pipeline's service principal",),
        span=timedelta(hours=2),
    ),
    Emulation(
        f"{TECHNIQUE}/gcp-group-shrinks",
        TECHNIQUE,
        Cloud.GCP,
        "A managed instance group shrinks",
        Kind.LOOK_ALIKE,
        "The group manager deletes seven instances after a burst of load.",
        "Nothing to find: Google's agent acts for the group.",
        _group_shrinks,
        resembles=(_MASS_GCP,),
        differs_by=("principalEmail ends in @cloudservices.gserviceaccount.com",),
    ),
    Emulation(
        f"{TECHNIQUE}/gcp-pipeline-test-instance",
        TECHNIQUE,
        Cloud.GCP,
        "The pipeline tries its plan on an instance",
        Kind.LOOK_ALIKE,
        "The Terraform service account creates a protected instance, and destroys it with its disk ten minutes later.",
        "Nothing to find for who knows the service account.",
        _pipeline_test_instance,
        resembles=(_SHORT_GCP, _PROTECT_GCP, _WIPE_GCP, "T1578.002/gcp-create-instance"),
        differs_by=("principalEmail is the pipeline's service account",),
        span=timedelta(hours=2),
    ),
    Emulation(
        f"{TECHNIQUE}/gcp-protection-on",
        TECHNIQUE,
        Cloud.GCP,
        "Protection is switched on, another instance deleted",
        Kind.LOOK_ALIKE,
        "An engineer protects one server and deletes another, old one.",
        "Nothing to find: the call switches protection on, and the resources differ.",
        _protection_on,
        resembles=(_PROTECT_GCP,),
        differs_by=("request.deletionProtection is true", "the resource names differ"),
    ),
)

EMULATIONS: tuple[Emulation, ...] = ATTACKS + LOOK_ALIKES
