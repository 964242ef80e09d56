"""Emulations of T1578 Modify Cloud Compute Infrastructure (https://attack.mitre.org/techniques/T1578/) and what looks like it.

Here stand the tests of the parent technique's page; in ATT&CK's finer terms they are T1578.001 Create Snapshot and T1578.003 Delete
Cloud Instance.
"""

from __future__ import annotations

from typing import Any

from livefire.emulation import aws, azure, gcp
from livefire.emulation.actors import (
    AUTOSCALING,
    AWS,
    AZURE,
    AZURE_BACKUP,
    AZURE_ENGINEER,
    AZURE_INTRUDER,
    BACKUP,
    ENGINEER,
    GCP_INTRUDER,
    GCP_SYSTEM,
    LIFECYCLE,
    PIPELINE,
    STOLEN_KEY,
    STOLEN_SESSION,
)
from livefire.emulation.model import Cloud, Emulation, Kind
from livefire.emulation.noise import AWS_HABITS, AZURE_HABITS, FLEET, GCP_HABITS, recon, surround
from livefire.emulation.scene import Scene

TECHNIQUE = "T1578"


def _shared(scene: Scene, account: str) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    snapshot = aws.create_snapshot(scene, STOLEN_SESSION, scene.ids.ec2("vol"), "livefire-s1", size=100)
    for _ in range(2):
        scene.wait(15)
        with scene.noise():
            aws.describe_snapshots(scene, STOLEN_SESSION, snapshot)
    scene.wait(5, 25)
    aws.share_snapshot(scene, STOLEN_SESSION, snapshot, account=account)


def _share_snapshot(scene: Scene) -> None:
    _shared(scene, AWS.intruder_account)


def _share_snapshot_with_all(scene: Scene) -> None:
    _shared(scene, "")


def _snapshot_and_capture(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    name = "app04"
    machine = azure.resource("Microsoft.Compute/virtualMachines", name)
    azure.write_disk(scene, AZURE_INTRUDER, "livefire-snap", azure.resource("Microsoft.Compute/disks", f"{name}_OsDisk_1"), kind="snapshots")
    scene.wait(10, 40)
    azure.machine_action(scene, AZURE_INTRUDER, "deallocate", machine, azure.Outcome(seconds=40))
    scene.wait(5, 15)
    azure.machine_action(scene, AZURE_INTRUDER, "generalize", machine, azure.Outcome(accepted=False))
    scene.wait(5, 15)
    azure.machine_action(scene, AZURE_INTRUDER, "capture", machine, azure.Outcome(seconds=45))
    scene.wait(5, 15)
    image = azure.resource("Microsoft.Compute/images", "livefire-image")
    body = {
        "name": "livefire-image",
        "id": image,
        "type": "Microsoft.Compute/images",
        "location": AZURE.location,
        "properties": {"sourceVirtualMachine": {"id": machine}, "provisioningState": "Succeeded", "hyperVGeneration": "V2"},
    }
    azure.act(scene, AZURE_INTRUDER, "Microsoft.Compute/images/write", image, azure.Outcome(created=True, seconds=20), response=body)


def _terminate_instance(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_KEY)
    (machine,) = aws.run_instances(scene, STOLEN_KEY, aws.Launch(AWS.base_image, "t3.micro", name="livefire-short"))
    aws.public_image_volume_created(scene)
    for _ in range(3):
        scene.wait(15)
        with scene.noise():
            aws.describe_instances(scene, STOLEN_KEY, machine)
    scene.wait(120, 900)
    aws.terminate_instances(scene, STOLEN_KEY, machine)


def _share_cloud_snapshot(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    disk, copy = gcp.disk(scene, "orders-db"), gcp.snapshot(scene, "livefire-snap")
    permissions = [gcp.grant("compute.snapshots.create", copy.name), gcp.grant("compute.disks.createSnapshot", disk.name)]
    gcp.operate(scene, GCP_INTRUDER, "v1.compute.disks.createSnapshot", disk, {"name": "livefire-snap"}, permissions=permissions, seconds=20)
    scene.wait(10, 40)
    binding: dict[str, Any] = {"role": "roles/compute.storageAdmin", "members": ["user:drop.box@example.net"]}
    policy = {"policy": {"bindings": [binding]}, "resource": "livefire-snap"}
    permission = gcp.grant("compute.snapshots.setIamPolicy", copy.name)
    gcp.operate(scene, GCP_INTRUDER, "v1.compute.snapshots.setIamPolicy", copy, policy, permissions=[permission], seconds=1)


def _unshare_snapshot(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    with scene.noise(-30):
        aws.describe_snapshots(scene, ENGINEER)
    aws.share_snapshot(scene, ENGINEER, scene.ids.ec2("snap"), account="999999999999", remove=True)
    scene.wait(20, 90)
    aws.share_snapshot(scene, ENGINEER, scene.ids.ec2("snap"), remove=True)


def _share_with_backup_account(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    snapshot = aws.create_snapshot(scene, BACKUP, scene.ids.ec2("vol"), "vault-copy", size=100)
    scene.wait(240, 600)
    aws.share_snapshot(scene, BACKUP, snapshot, account=AWS.backup_account)


def _daily_snapshots(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    for _ in range(6):
        aws.create_snapshot(scene, LIFECYCLE, scene.ids.ec2("vol"), "daily", size=100)
        scene.wait(1, 3)


def _backup_snapshot(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    for number in (2, 4):
        source = azure.resource("Microsoft.Compute/disks", f"app{number:02}_OsDisk_1")
        azure.write_disk(scene, AZURE_BACKUP, f"AzureBackup_{scene.ids.digits(15)}_app{number:02}", source, kind="snapshots")
        scene.wait(5, 30)


def _resize(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    machine = azure.resource("Microsoft.Compute/virtualMachines", "app04")
    azure.machine_action(scene, AZURE_ENGINEER, "deallocate", machine, azure.Outcome(seconds=40))
    scene.wait(5, 20)
    storage = azure.image_storage("app04")
    body = azure.machine_body("app04", scene.ids.uuid(), storage, size="Standard_B4ms", state="Updating")
    azure.act(scene, AZURE_ENGINEER, "Microsoft.Compute/virtualMachines/write", machine, azure.Outcome(seconds=10), response=body)
    scene.wait(5, 20)
    azure.machine_action(scene, AZURE_ENGINEER, "start", machine, azure.Outcome(seconds=22))


def _scale_in(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    launch = aws.Launch(AWS.golden_image, "m5.large", name="asg-web", template=True)
    (machine,) = aws.run_instances(scene, AUTOSCALING, launch)
    scene.wait(1500, 2400)
    aws.terminate_instances(scene, AUTOSCALING, machine)


def _protected_instance(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    aws.terminate_instances(scene, PIPELINE, FLEET[0], failure=aws.PROTECTED)


def _scheduled_snapshots(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    for name in ("app01", "app02"):
        request = {"@type": "type.googleapis.com/compute.disks.createSnapshot", "name": f"{name}-us-central1-a-{scene.now:%Y%m%d%H%M%S}-{scene.ids.base36(8)}"}
        gcp.system_event(scene, GCP_SYSTEM, "ScheduledSnapshots", gcp.disk(scene, name), request)
        scene.wait(3, 20)


_SHARE = "T1578/aws-share-snapshot"
_PUBLIC = "T1578/aws-share-snapshot-public"
_CAPTURE = "T1578/azure-snapshot-and-capture"
_TERMINATE = "T1578/aws-terminate-instance"
_GCP_SHARE = "T1578/gcp-share-snapshot"
_CREATE_SNAPSHOT = "SNAP=$(aws ec2 create-snapshot --volume-id $VOL --description livefire-s1 --query SnapshotId --output text)"
_WAIT_SNAPSHOT = "aws ec2 wait snapshot-completed --snapshot-ids $SNAP"
_PERMISSION = "aws ec2 modify-snapshot-attribute --snapshot-id $SNAP --attribute createVolumePermission --operation-type"


ATTACKS: tuple[Emulation, ...] = (
    Emulation(
        _SHARE,
        TECHNIQUE,
        Cloud.AWS,
        "Snapshot a volume and share it with a foreign account",
        Kind.ATTACK,
        "In a stolen session a snapshot is taken and the right to make volumes of it given to an account outside the company.",
        "ModifySnapshotAttribute with createVolumePermission.add.items[].userId outside the company's accounts; CreateSnapshot before it.",
        _share_snapshot,
        number="T1578.001-aws-1",
        commands=(_CREATE_SNAPSHOT, _WAIT_SNAPSHOT, f"{_PERMISSION} add --user-ids $SECOND_ACCOUNT_OF_YOURS"),
        cleanup=(f"{_PERMISSION} remove --user-ids $SECOND_ACCOUNT_OF_YOURS", "aws ec2 delete-snapshot --snapshot-id $SNAP"),
        page_tests=("T1578-elastic#1",),
    ),
    Emulation(
        _CAPTURE,
        TECHNIQUE,
        Cloud.AZURE,
        "Snapshot a machine's disk and capture its image",
        Kind.ATTACK,
        "A phished operator's token snapshots a server's OS disk, deallocates and generalizes the server, captures it and makes an image.",
        "MICROSOFT.COMPUTE/SNAPSHOTS/WRITE Success with creationData.sourceResourceId of a machine's disk, "
        "then VIRTUALMACHINES/CAPTURE/ACTION or IMAGES/WRITE by the same caller.",
        _snapshot_and_capture,
        number="T1578.001-azure-1",
        commands=(
            "az snapshot create -g $G -n livefire-snap --source app04_OsDisk_1",
            "az vm deallocate -g $G -n app04",
            "az vm generalize -g $G -n app04",
            "az image create -g $G -n livefire-image --source app04   # a machine with unmanaged disks: az vm capture",
        ),
        cleanup=("az image delete -g $G -n livefire-image", "az snapshot delete -g $G -n livefire-snap"),
        page_tests=("T1578-elastic#2",),
    ),
    Emulation(
        _TERMINATE,
        TECHNIQUE,
        Cloud.AWS,
        "Terminate an instance minutes after launching it",
        Kind.ATTACK,
        "An instance launched with a stolen key is terminated within the quarter of an hour, and its disk with it.",
        "RunInstances, then TerminateInstances of that id within an hour, by an identity that is not automation.",
        _terminate_instance,
        number="T1578.003-aws-1",
        commands=(
            "I=$(aws ec2 run-instances --image-id $AMI --instance-type t3.micro --query Instances[0].InstanceId --output text)",
            "aws ec2 wait instance-running --instance-ids $I",
            "aws ec2 terminate-instances --instance-ids $I",
        ),
        page_tests=("T1578-elastic#3",),
    ),
    Emulation(
        _PUBLIC,
        TECHNIQUE,
        Cloud.AWS,
        "Snapshot a volume and make it public",
        Kind.ATTACK,
        "The right to make volumes of a fresh snapshot is given to everybody.",
        'ModifySnapshotAttribute with createVolumePermission.add.items[].group "all": there is no userId to look for.',
        _share_snapshot_with_all,
        number="T1578.001-aws-2",
        commands=(_CREATE_SNAPSHOT, _WAIT_SNAPSHOT, f"{_PERMISSION} add --group-names all   # an empty volume only"),
        cleanup=(f"{_PERMISSION} remove --group-names all", "aws ec2 delete-snapshot --snapshot-id $SNAP"),
    ),
    Emulation(
        _GCP_SHARE,
        TECHNIQUE,
        Cloud.GCP,
        "Snapshot a disk and grant it to an outsider",
        Kind.ATTACK,
        "A phished user snapshots a database disk and gives an outside address rights on the snapshot.",
        "compute.disks.createSnapshot (on the disk), then compute.snapshots.setIamPolicy with request.policy.bindings[].members[] outside the company.",
        _share_cloud_snapshot,
        number="T1578.001-gcp-1",
        commands=(
            "gcloud compute disks snapshot orders-db --zone us-central1-a --snapshot-names livefire-snap",
            "gcloud compute snapshots add-iam-policy-binding livefire-snap --member user:$SECOND_ADDRESS_OF_YOURS --role roles/compute.storageAdmin",
        ),
        cleanup=("gcloud compute snapshots delete livefire-snap --quiet",),
    ),
)

LOOK_ALIKES: tuple[Emulation, ...] = (
    Emulation(
        "T1578/aws-unshare-snapshot",
        TECHNIQUE,
        Cloud.AWS,
        "A snapshot's sharing is taken back",
        Kind.LOOK_ALIKE,
        "An engineer removes an old partner account's right to one snapshot and everybody's right to another.",
        "Nothing to find: a permission was removed.",
        _unshare_snapshot,
        commands=(f"{_PERMISSION} remove --user-ids $PARTNER", f"{_PERMISSION} remove --group-names all"),
        resembles=(_SHARE, _PUBLIC),
        differs_by=("createVolumePermission holds remove, not add",),
    ),
    Emulation(
        "T1578/aws-share-with-backup-account",
        TECHNIQUE,
        Cloud.AWS,
        "A backup is shared with the company's vault account",
        Kind.LOOK_ALIKE,
        "The backup service takes a snapshot and shares it with the company's own backup account.",
        "Nothing to find for who knows the company's accounts: 444455556666 is one of them.",
        _share_with_backup_account,
        resembles=(_SHARE, _PUBLIC),
        differs_by=("createVolumePermission.add.items[].userId is on the list of the company's accounts", "userIdentity.invokedBy is backup.amazonaws.com"),
    ),
    Emulation(
        "T1578/aws-daily-snapshots",
        TECHNIQUE,
        Cloud.AWS,
        "The lifecycle manager's daily snapshots",
        Kind.LOOK_ALIKE,
        "Six volumes are snapshotted in a few seconds by the data lifecycle manager.",
        "Nothing to find: nothing is shared and a service acts.",
        _daily_snapshots,
        resembles=(_SHARE,),
        differs_by=("no ModifySnapshotAttribute follows", "userIdentity.invokedBy is dlm.amazonaws.com"),
    ),
    Emulation(
        "T1578/azure-backup-snapshots",
        TECHNIQUE,
        Cloud.AZURE,
        "Azure Backup snapshots two machines",
        Kind.LOOK_ALIKE,
        "The backup service's principal copies two OS disks into snapshots. It has no user name: the caller is a GUID.",
        "Nothing to find for who knows the service's application id.",
        _backup_snapshot,
        resembles=(_CAPTURE,),
        differs_by=(
            "claims.appid is the Backup Management Service",
            "evidence.principalType is ServicePrincipal, no upn claim",
            "no deallocate, generalize or capture follows",
        ),
    ),
    Emulation(
        "T1578/azure-resize",
        TECHNIQUE,
        Cloud.AZURE,
        "A machine is resized",
        Kind.LOOK_ALIKE,
        "An engineer deallocates a machine, gives it a larger size and starts it again.",
        "Nothing to find: no snapshot, no capture, and the OS disk is still the one made from the image.",
        _resize,
        resembles=(_CAPTURE, "T1578.004/azure-disk-from-snapshot", "T1578.002/azure-create-vm"),
        differs_by=(
            "properties.statusCode of virtualMachines/write is OK, not Created",
            "osDisk.createOption in responseBody is FromImage, not Attach",
            "no snapshots/write, disks/write or capture",
        ),
    ),
    Emulation(
        "T1578/aws-scale-in",
        TECHNIQUE,
        Cloud.AWS,
        "Auto Scaling launches and terminates within the hour",
        Kind.LOOK_ALIKE,
        "A short burst of load: an instance is launched and half an hour later terminated by the scaling policy.",
        "Nothing to find: the service acts for the account.",
        _scale_in,
        resembles=(_TERMINATE, "T1578.002/aws-run-instances"),
        differs_by=("userIdentity.invokedBy is autoscaling.amazonaws.com in both events", "sessionIssuer.arn holds :role/aws-service-role/"),
    ),
    Emulation(
        "T1578/aws-terminate-refused",
        TECHNIQUE,
        Cloud.AWS,
        "Termination protection holds",
        Kind.LOOK_ALIKE,
        "The pipeline tries to destroy a protected server; EC2 refuses and the server lives.",
        "Nothing was terminated.",
        _protected_instance,
        resembles=(_TERMINATE,),
        differs_by=("errorCode is Client.OperationNotPermitted", "responseElements is null"),
    ),
    Emulation(
        "T1578/gcp-scheduled-snapshots",
        TECHNIQUE,
        Cloud.GCP,
        "A snapshot schedule runs",
        Kind.LOOK_ALIKE,
        "Google takes the snapshots a schedule asks for and writes them to the System Event log.",
        "Nothing to find: Google acts, and grants nobody anything.",
        _scheduled_snapshots,
        resembles=(_GCP_SHARE,),
        differs_by=("logName ends in system_event and methodName is ScheduledSnapshots", "no setIamPolicy follows"),
    ),
)

EMULATIONS: tuple[Emulation, ...] = ATTACKS + LOOK_ALIKES
