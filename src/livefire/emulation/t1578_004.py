"""Emulations of T1578.004 Revert Cloud Instance (https://attack.mitre.org/techniques/T1578/004/) and what looks like it."""

from __future__ import annotations

from datetime import timedelta

from livefire.emulation import aws, azure, gcp
from livefire.emulation.actors import (
    AZURE_ENGINEER,
    AZURE_INTRUDER,
    ENGINEER,
    GCP_ENGINEER,
    GCP_INTRUDER,
    IMAGE_PIPELINE,
    SCHEDULER,
    STOLEN_KEY,
    STOLEN_SESSION,
)
from livefire.emulation.model import Cloud, Emulation, Kind
from livefire.emulation.noise import AWS_HABITS, AZURE_HABITS, FLEET, GCP_HABITS, recon, surround
from livefire.emulation.scene import Scene

TECHNIQUE = "T1578.004"
_ROOT = "/dev/xvda"
_HOUR = 3600


def _stop_start(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_KEY)
    target = FLEET[4]
    aws.stop_instances(scene, STOLEN_KEY, target)
    for _ in range(3):
        scene.wait(15)
        with scene.noise():
            aws.describe_instances(scene, STOLEN_KEY, target)
    scene.wait(3, 20)
    aws.start_instances(scene, STOLEN_KEY, target)


def _volume_from_snapshot(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    target, old, snapshot = FLEET[5], scene.ids.ec2("vol"), scene.ids.ec2("snap")
    with scene.noise(-10):
        aws.describe_snapshots(scene, STOLEN_SESSION, snapshot)
    volume = aws.create_volume(scene, STOLEN_SESSION, "livefire-revert", snapshot)
    scene.wait(8, 20)
    aws.stop_instances(scene, STOLEN_SESSION, target)
    scene.wait(40, 70)
    aws.detach_volume(scene, STOLEN_SESSION, old, target, _ROOT)
    scene.wait(5, 12)
    aws.attach_volume(scene, STOLEN_SESSION, volume, target, _ROOT)
    scene.wait(4, 10)
    aws.start_instances(scene, STOLEN_SESSION, target)


def _disk_from_snapshot(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    golden = azure.resource("Microsoft.Compute/snapshots", "app01-golden")
    machine = azure.resource("Microsoft.Compute/virtualMachines", "app01")
    disk = azure.write_disk(scene, AZURE_INTRUDER, "app01-revert-os", golden)
    scene.wait(20, 60)
    azure.machine_action(scene, AZURE_INTRUDER, "deallocate", machine, azure.Outcome(seconds=40))
    scene.wait(5, 20)
    body = azure.machine_body("app01", scene.ids.uuid(), azure.attached_storage(disk), state="Updating")
    azure.act(scene, AZURE_INTRUDER, "Microsoft.Compute/virtualMachines/write", machine, azure.Outcome(seconds=15), response=body)
    scene.wait(5, 20)
    azure.machine_action(scene, AZURE_INTRUDER, "start", machine, azure.Outcome(seconds=22))


def _image_from_snapshot(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    image = aws.register_image(scene, STOLEN_SESSION, f"livefire-{scene.ids.base36(6)}", scene.ids.ec2("snap"))
    scene.wait(30, 120)
    aws.run_instances(scene, STOLEN_SESSION, aws.Launch(image, "t3.micro", name="livefire-replacement"))


def _replace_root_volume(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    aws.replace_root_volume(scene, STOLEN_SESSION, FLEET[6], scene.ids.ec2("snap"))


def _boot_disk_swap(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine, disk = gcp.instance(scene, "app01"), gcp.disk(scene, "app01-revert")
    gcp.change_instance(scene, GCP_INTRUDER, "stop", machine, seconds=30)
    gcp.insert_disk(scene, GCP_INTRUDER, disk, f"{gcp.GLOBAL}/snapshots/app01-golden")
    gcp.change_instance(scene, GCP_INTRUDER, "detachDisk", machine, {"deviceName": "app01"}, seconds=4)
    boot = {"source": gcp.link(disk.name), "boot": True, "mode": "READ_WRITE", "type": "PERSISTENT"}
    gcp.change_instance(scene, GCP_INTRUDER, "attachDisk", machine, boot, seconds=4)
    gcp.change_instance(scene, GCP_INTRUDER, "start", machine, seconds=9)


def _reimage(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    machine = azure.resource("Microsoft.Compute/virtualMachines", "app07")
    azure.machine_action(scene, AZURE_INTRUDER, "reimage", machine, azure.Outcome(seconds=70))


def _nightly_schedule(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    aws.stop_instances(scene, SCHEDULER, *FLEET[8:11])
    scene.wait(11 * _HOUR)
    aws.start_instances(scene, SCHEDULER, *FLEET[8:11])


def _stop_one_start_another(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    aws.stop_instances(scene, ENGINEER, FLEET[2])
    scene.wait(60, 180)
    aws.start_instances(scene, ENGINEER, FLEET[3])


def _new_data_volume(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    volume = aws.create_volume(scene, ENGINEER, "orders-data-2", size=200)
    scene.wait(15, 60)
    aws.attach_volume(scene, ENGINEER, volume, FLEET[1], "/dev/sdg")


def _snapshot_restored_beside(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    volume = aws.create_volume(scene, ENGINEER, "orders-restore-check", scene.ids.ec2("snap"), size=100)
    scene.wait(15, 60)
    aws.attach_volume(scene, ENGINEER, volume, FLEET[1], "/dev/sdh")


def _empty_disk(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    azure.write_disk(scene, AZURE_ENGINEER, "app03-data-2")


def _nightly_deallocation(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    machine = azure.resource("Microsoft.Compute/virtualMachines", "build02")
    azure.machine_action(scene, AZURE_ENGINEER, "deallocate", machine, azure.Outcome(seconds=40))
    scene.wait(10 * _HOUR)
    azure.machine_action(scene, AZURE_ENGINEER, "start", machine, azure.Outcome(seconds=22))


def _image_pipeline(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    volume = scene.ids.ec2("vol")
    snapshot = aws.create_snapshot(scene, IMAGE_PIPELINE, volume, "packer-web")
    scene.wait(60, 120)
    image = aws.register_image(scene, IMAGE_PIPELINE, f"web-{scene.now:%Y%m%d%H%M}", snapshot)
    scene.wait(60, 180)
    (machine,) = aws.run_instances(scene, IMAGE_PIPELINE, aws.Launch(image, "t3.medium", name="packer-smoke-test"))
    scene.wait(120, 300)
    aws.terminate_instances(scene, IMAGE_PIPELINE, machine)


def _empty_data_disk(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine, disk = gcp.instance(scene, "app02"), gcp.disk(scene, "app02-data")
    gcp.insert_disk(scene, GCP_ENGINEER, disk)
    extra = {"source": gcp.link(disk.name), "boot": False, "mode": "READ_WRITE", "type": "PERSISTENT"}
    gcp.change_instance(scene, GCP_ENGINEER, "attachDisk", machine, extra, seconds=4)


def _page(number: int) -> tuple[str, ...]:
    return (f"T1578.004-logscale#{number}",)


_STOP_START = "T1578.004/aws-stop-start"
_VOLUME = "T1578.004/aws-volume-from-snapshot"
_DISK = "T1578.004/azure-disk-from-snapshot"
_IMAGE = "T1578.004/aws-image-from-snapshot"
_SWAP = "T1578.004/gcp-boot-disk-swap"

ATTACKS: tuple[Emulation, ...] = (
    Emulation(
        _STOP_START,
        TECHNIQUE,
        Cloud.AWS,
        "Stop and start an instance to wipe its instance store",
        Kind.ATTACK,
        "With a stolen key an instance is stopped and, as soon as it has stopped, started again: its ephemeral disks come back empty.",
        "StopInstances then StartInstances of one instance id (requestParameters.instancesSet.items[].instanceId) within minutes, both without errorCode.",
        _stop_start,
        number="T1578.004-aws-1",
        commands=("aws ec2 stop-instances --instance-ids $I", "aws ec2 wait instance-stopped --instance-ids $I", "aws ec2 start-instances --instance-ids $I"),
        cleanup=("aws ec2 terminate-instances --instance-ids $I",),
        page_tests=_page(1),
    ),
    Emulation(
        _VOLUME,
        TECHNIQUE,
        Cloud.AWS,
        "Replace the root volume by one made from an old snapshot",
        Kind.ATTACK,
        "A volume is made from a snapshot; the instance is stopped, its root volume detached, the new one attached in its place, and started.",
        "CreateVolume with requestParameters.snapshotId, then AttachVolume of responseElements.volumeId on the root device, after DetachVolume of that device.",
        _volume_from_snapshot,
        number="T1578.004-aws-2",
        commands=(
            "NEW=$(aws ec2 create-volume --snapshot-id $SNAP --volume-type gp3 --availability-zone us-east-1a --query VolumeId --output text)",
            "aws ec2 stop-instances --instance-ids $I; aws ec2 wait instance-stopped --instance-ids $I",
            "aws ec2 detach-volume --volume-id $OLD --instance-id $I --device /dev/xvda",
            "aws ec2 attach-volume --volume-id $NEW --instance-id $I --device /dev/xvda",
            "aws ec2 start-instances --instance-ids $I",
        ),
        cleanup=("aws ec2 terminate-instances --instance-ids $I", "aws ec2 delete-volume --volume-id $OLD"),
        page_tests=_page(2),
    ),
    Emulation(
        _DISK,
        TECHNIQUE,
        Cloud.AZURE,
        "Create a disk from a snapshot and swap it in as OS disk",
        Kind.ATTACK,
        "A managed disk is copied from a snapshot, the machine deallocated, its OS disk exchanged for the copy, and started.",
        "MICROSOFT.COMPUTE/DISKS/WRITE Success, Created, with creationData.createOption Copy and sourceResourceId of a snapshot inside responseBody; "
        "then virtualMachines/write with osDisk.createOption Attach.",
        _disk_from_snapshot,
        number="T1578.004-azure-1",
        commands=(
            "az disk create -g $G -n app01-revert-os --source app01-golden",
            "az vm deallocate -g $G -n app01",
            "az vm update -g $G -n app01 --os-disk app01-revert-os",
            "az vm start -g $G -n app01",
        ),
        cleanup=("az vm update -g $G -n app01 --os-disk $ORIGINAL", "az disk delete -g $G -n app01-revert-os --yes"),
        page_tests=_page(3),
    ),
    Emulation(
        _IMAGE,
        TECHNIQUE,
        Cloud.AWS,
        "Register an image from a snapshot and launch the replacement",
        Kind.ATTACK,
        "A snapshot is registered as an image in a stolen session and a replacement instance launched from it minutes later.",
        "RegisterImage with requestParameters.blockDeviceMapping.items[].ebs.snapshotId, "
        "then RunInstances whose instancesSet.items[].imageId is responseElements.imageId.",
        _image_from_snapshot,
        number="T1578.004-aws-3",
        commands=(
            (
                "aws ec2 register-image --name livefire-ami --architecture x86_64 --root-device-name /dev/xvda --virtualization-type hvm "
                "--ena-support --sriov-net-support simple "
                '--block-device-mappings "DeviceName=/dev/xvda,Ebs={SnapshotId=$SNAP,VolumeSize=8,VolumeType=gp3,DeleteOnTermination=true}"'
            ),
            "aws ec2 run-instances --image-id $NEWAMI --instance-type t3.micro",
        ),
        cleanup=("aws ec2 terminate-instances --instance-ids $I", "aws ec2 deregister-image --image-id $NEWAMI"),
        page_tests=_page(4),
    ),
    Emulation(
        "T1578.004/aws-replace-root-volume",
        TECHNIQUE,
        Cloud.AWS,
        "Replace the root volume with one API call",
        Kind.ATTACK,
        "One call puts the root volume back to a snapshot while the instance runs, and deletes the old volume with its evidence.",
        "CreateReplaceRootVolumeTask: requestParameters.CreateReplaceRootVolumeTaskRequest.SnapshotId and DeleteReplacedRootVolume (a wrapped action).",
        _replace_root_volume,
        number="T1578.004-aws-4",
        commands=("aws ec2 create-replace-root-volume-task --instance-id $I --snapshot-id $SNAP --delete-replaced-root-volume",),
        cleanup=("aws ec2 terminate-instances --instance-ids $I",),
    ),
    Emulation(
        _SWAP,
        TECHNIQUE,
        Cloud.GCP,
        "Swap the boot disk for one made from a snapshot",
        Kind.ATTACK,
        "The instance is stopped, a disk made from a snapshot, the boot disk exchanged for it, and the instance started.",
        "compute.disks.insert with request.sourceSnapshot, then compute.instances.attachDisk of that disk with request.boot true.",
        _boot_disk_swap,
        number="T1578.004-gcp-1",
        commands=(
            "gcloud compute instances stop app01 --zone $Z",
            "gcloud compute disks create app01-revert --source-snapshot app01-golden --zone $Z",
            "gcloud compute instances detach-disk app01 --disk app01 --zone $Z",
            "gcloud compute instances attach-disk app01 --disk app01-revert --boot --zone $Z",
            "gcloud compute instances start app01 --zone $Z",
        ),
        cleanup=("gcloud compute instances delete app01 --zone $Z --quiet", "gcloud compute disks delete app01 --zone $Z --quiet"),
    ),
    Emulation(
        "T1578.004/azure-reimage",
        TECHNIQUE,
        Cloud.AZURE,
        "Reimage a virtual machine",
        Kind.ATTACK,
        "A machine with an ephemeral OS disk is put back to its image with one call.",
        "MICROSOFT.COMPUTE/VIRTUALMACHINES/REIMAGE/ACTION with resultType Success.",
        _reimage,
        number="T1578.004-azure-2",
        commands=("az vm reimage -g $G -n app07",),
    ),
)

LOOK_ALIKES: tuple[Emulation, ...] = (
    Emulation(
        "T1578.004/aws-nightly-stop-start",
        TECHNIQUE,
        Cloud.AWS,
        "Office hours: stopped at night, started in the morning",
        Kind.LOOK_ALIKE,
        "The instance scheduler stops three instances in the evening and starts them eleven hours later.",
        "Nothing to find: hours lie between stop and start.",
        _nightly_schedule,
        span=timedelta(hours=12),
        resembles=(_STOP_START,),
        differs_by=("eventTime: eleven hours apart, not minutes", "sessionIssuer.arn is the scheduler's role and the agent AWS Lambda"),
    ),
    Emulation(
        "T1578.004/aws-stop-one-start-another",
        TECHNIQUE,
        Cloud.AWS,
        "One instance stopped, another started",
        Kind.LOOK_ALIKE,
        "An engineer retires a server and starts its successor two minutes later.",
        "Nothing to find: no instance was both stopped and started.",
        _stop_one_start_another,
        resembles=(_STOP_START,),
        differs_by=("requestParameters.instancesSet.items[].instanceId differs between StopInstances and StartInstances",),
    ),
    Emulation(
        "T1578.004/aws-new-data-volume",
        TECHNIQUE,
        Cloud.AWS,
        "A new empty data volume",
        Kind.LOOK_ALIKE,
        "An engineer adds a 200 GiB volume to a server.",
        "Nothing to find: the volume is empty and not the root device.",
        _new_data_volume,
        resembles=(_VOLUME,),
        differs_by=("requestParameters.snapshotId is absent from CreateVolume", "AttachVolume's device is /dev/sdg", "no stop, no detach"),
    ),
    Emulation(
        "T1578.004/aws-restore-check",
        TECHNIQUE,
        Cloud.AWS,
        "A backup is mounted beside the running disk to check it",
        Kind.LOOK_ALIKE,
        "An engineer makes a volume from a snapshot and attaches it as an additional disk to read it.",
        "Nothing reverted: the root device stays. A rule that reads only CreateVolume from a snapshot and AttachVolume cannot tell; "
        "one that reads the device can.",
        _snapshot_restored_beside,
        resembles=(_VOLUME,),
        differs_by=("AttachVolume's device is /dev/sdh, not the root device", "no DetachVolume, no stop"),
    ),
    Emulation(
        "T1578.004/azure-empty-disk",
        TECHNIQUE,
        Cloud.AZURE,
        "A new empty managed disk",
        Kind.LOOK_ALIKE,
        "An engineer creates a data disk: the same disks/write, answered Created as well.",
        "Nothing to find: the disk was not made from anything.",
        _empty_disk,
        resembles=(_DISK,),
        differs_by=("creationData.createOption in responseBody is Empty", "no sourceResourceId"),
    ),
    Emulation(
        "T1578.004/azure-nightly-deallocation",
        TECHNIQUE,
        Cloud.AZURE,
        "A build machine rests overnight",
        Kind.LOOK_ALIKE,
        "An engineer deallocates a build machine in the evening and starts it in the morning.",
        "Nothing to find: hours apart, and no disk was made or swapped.",
        _nightly_deallocation,
        span=timedelta(hours=11),
        resembles=(_DISK,),
        differs_by=("no disks/write and no virtualMachines/write between deallocate and start", "time: ten hours apart"),
    ),
    Emulation(
        "T1578.004/aws-image-pipeline",
        TECHNIQUE,
        Cloud.AWS,
        "The image pipeline registers an image and tests it",
        Kind.LOOK_ALIKE,
        "The image builder snapshots its work volume, registers the new image, launches it once for a smoke test and terminates it.",
        "Nothing to find: the role whose work is images made one.",
        _image_pipeline,
        resembles=(_IMAGE, "T1578.002/aws-snapshot-to-instance", "T1578/aws-terminate-instance"),
        differs_by=("sessionIssuer.arn is the image builder's role in all four events", "the snapshot was made by the same role minutes before"),
    ),
    Emulation(
        "T1578.004/gcp-empty-data-disk",
        TECHNIQUE,
        Cloud.GCP,
        "A new empty data disk",
        Kind.LOOK_ALIKE,
        "An engineer creates an empty disk and attaches it to a running instance.",
        "Nothing to find.",
        _empty_data_disk,
        resembles=(_SWAP,),
        differs_by=("disks.insert has request.sizeGb and no sourceSnapshot", "attachDisk has request.boot false"),
    ),
)

EMULATIONS: tuple[Emulation, ...] = ATTACKS + LOOK_ALIKES
