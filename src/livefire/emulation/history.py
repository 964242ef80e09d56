"""Weeks of routine before a story, so that a rule which looks back has something to look back on: one act a day, marked as noise."""

from __future__ import annotations

from livefire.emulation import aws, azure, gcp
from livefire.emulation.actors import (
    AWS,
    AZURE_BACKUP,
    AZURE_PIPELINE,
    BACKUP,
    GCP,
    GCP_PIPELINE,
    IMAGE_PIPELINE,
    LIFECYCLE,
    PIPELINE,
    AwsActor,
    AzureActor,
    GcpActor,
)
from livefire.emulation.scene import Scene

DAYS = 24
"""How long the routine has been logged: more than the fortnight that rules want to know, less than the month they look back."""
_DAY = 86_400


def aws_routine(scene: Scene, *people: AwsActor) -> None:
    """Write daily snapshots by the lifecycle manager and launches by the pipelines; `people` take a snapshot a week."""
    for day in range(DAYS, 1, -1):
        with scene.noise(-day * _DAY + scene.ids.between(0, 3000)):
            aws.create_snapshot(scene, LIFECYCLE if day % 2 else BACKUP, scene.ids.ec2("vol"), "daily", size=100)
            if day % 3 == 0:
                aws.run_instances(scene, PIPELINE, aws.Launch(AWS.golden_image, "t3.medium", name="orders"))
            if day % 5 == 0:
                aws.run_instances(scene, IMAGE_PIPELINE, aws.Launch(AWS.golden_image, "t3.medium", name="packer"))
            for person in people if day % 7 == 0 else ():
                aws.create_snapshot(scene, person, scene.ids.ec2("vol"), "before-change", size=100)


def azure_routine(scene: Scene) -> None:
    """Write daily snapshots by the backup service and machines by the pipeline."""
    for day in range(DAYS, 1, -1):
        with scene.noise(-day * _DAY + scene.ids.between(0, 3000)):
            source = azure.resource("Microsoft.Compute/disks", "app02_OsDisk_1")
            azure.write_disk(scene, AZURE_BACKUP, f"AzureBackup_{scene.ids.digits(15)}_app02", source, kind="snapshots")
            if day % 3 == 0:
                create_machine(scene, AZURE_PIPELINE, f"batch{day:02}")


def gcp_routine(scene: Scene) -> None:
    """Write daily snapshots and every third day an instance by the pipeline."""
    for day in range(DAYS, 1, -1):
        with scene.noise(-day * _DAY + scene.ids.between(0, 3000)):
            take_snapshot(scene, GCP_PIPELINE, "app02", f"daily-{day}")
            if day % 3 == 0:
                image = f"projects/{GCP.project}/global/images/web-20260901"
                gcp.insert_instance(scene, GCP_PIPELINE, gcp.instance(scene, f"batch{day:02}"), image=image)


def create_machine(scene: Scene, actor: AzureActor, name: str, size: str = "Standard_B2s", location: str = "", disk: str = "") -> str:
    """Create a virtual machine, with a data disk attached if one is given, and return its resource id."""
    entity = azure.resource("Microsoft.Compute/virtualMachines", name)
    storage = azure.image_storage(name)
    if disk:
        storage["dataDisks"] = [{"lun": 0, "name": disk.rsplit("/", 1)[1], "createOption": "Attach", "managedDisk": {"id": disk}}]
    body = azure.machine_body(name, scene.ids.uuid(), storage, size=size)
    if location:
        body["location"] = location
    azure.act(scene, actor, "Microsoft.Compute/virtualMachines/write", entity, azure.Outcome(created=True, seconds=24), response=body)
    return entity


def take_snapshot(scene: Scene, actor: GcpActor, disk_name: str, name: str) -> gcp.Target:
    """Snapshot a disk and return the snapshot."""
    disk, copy = gcp.disk(scene, disk_name), gcp.snapshot(scene, name)
    permissions = [gcp.grant("compute.snapshots.create", copy.name), gcp.grant("compute.disks.createSnapshot", disk.name)]
    gcp.operate(scene, actor, "v1.compute.disks.createSnapshot", disk, {"name": name}, permissions=permissions, seconds=20)
    return copy
