"""More emulations of T1578.004 Revert Cloud Instance: refreshes and recreation, and reverts that hide an earlier act."""

from __future__ import annotations

from datetime import timedelta

from livefire.emulation import aws, azure, cloudtrail, gcp
from livefire.emulation.actors import (
    AZURE_INTRUDER,
    AZURE_PIPELINE,
    ENGINEER,
    GCP_ENGINEER,
    GCP_INTRUDER,
    GCP_PIPELINE,
    PIPELINE,
    STOLEN_KEY,
    STOLEN_SESSION,
    AwsActor,
    GcpActor,
)
from livefire.emulation.model import Cloud, Emulation, Kind
from livefire.emulation.noise import AWS_HABITS, AZURE_HABITS, FLEET, GCP_HABITS, recon, surround
from livefire.emulation.scene import Scene

TECHNIQUE = "T1578.004"
VM = "Microsoft.Compute/virtualMachines"
_HOUR = 3600


def _stop_start(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine = gcp.instance(scene, "app05")
    gcp.change_instance(scene, GCP_INTRUDER, "stop", machine, seconds=40)
    scene.wait(5, 60)
    gcp.change_instance(scene, GCP_INTRUDER, "start", machine, seconds=12)


def _refresh(scene: Scene, actor: AwsActor) -> None:
    request = {"autoScalingGroupName": "web", "preferences": {"minHealthyPercentage": 0}}
    answer = {"instanceRefreshId": scene.ids.uuid()}
    cloudtrail.call(scene, actor, "StartInstanceRefresh", request, answer, source="autoscaling.amazonaws.com")


def _instance_refresh(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_KEY)
    _refresh(scene, STOLEN_KEY)


def _recreate(scene: Scene, actor: GcpActor) -> None:
    manager = gcp.Target(f"{gcp.ZONE}/instanceGroupManagers/web", "gce_instance_group_manager", scene.ids.digits(19))
    request = {"instances": [gcp.link(f"{gcp.ZONE}/instances/web-7k2d")]}
    permission = gcp.grant("compute.instanceGroupManagers.update", manager.name)
    gcp.operate(scene, actor, "v1.compute.instanceGroupManagers.recreateInstances", manager, request, permissions=[permission], seconds=25)


def _group_recreated(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    _recreate(scene, GCP_INTRUDER)


def _tampered_then_reverted(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    request = {"InstanceId": FLEET[3], "IamInstanceProfile": {"Name": "admin-profile"}}
    cloudtrail.call_wrapped(
        scene, STOLEN_SESSION, "AssociateIamInstanceProfile", request, {"iamInstanceProfileAssociation": {"instanceId": FLEET[3], "state": "associating"}}
    )
    scene.wait(900, 1800)
    aws.replace_root_volume(scene, STOLEN_SESSION, FLEET[3], scene.ids.ec2("snap"))


def _command_then_reimage(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    machine = azure.resource(VM, "app08")
    azure.machine_action(scene, AZURE_INTRUDER, "runCommand", machine, azure.Outcome(seconds=30))
    scene.wait(600, 1200)
    azure.machine_action(scene, AZURE_INTRUDER, "reimage", machine, azure.Outcome(seconds=70))


def _metadata(scene: Scene, actor: GcpActor, machine: gcp.Target, key: str) -> None:
    delta = {"instanceMetadataDelta": {"addedMetadataKeys": [key]}}
    permission = gcp.grant("compute.instances.setMetadata", machine.name)
    request = {"fingerprint": scene.ids.base36(11)}
    gcp.operate(scene, actor, "v1.compute.instances.setMetadata", machine, request, permissions=[permission], metadata=delta, seconds=3)


def _script_then_boot_swap(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine, disk = gcp.instance(scene, "app06"), gcp.disk(scene, "app06-revert")
    _metadata(scene, GCP_INTRUDER, machine, "ssh-keys")
    scene.wait(600, 1200)
    boot = {"source": gcp.link(disk.name), "boot": True, "mode": "READ_WRITE", "type": "PERSISTENT"}
    gcp.change_instance(scene, GCP_INTRUDER, "attachDisk", machine, boot, seconds=4)


def _pipeline_refresh(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    _refresh(scene, PIPELINE)


def _desktop_pool(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    for number in (1, 2, 3):
        azure.machine_action(scene, AZURE_PIPELINE, "reimage", azure.resource(VM, f"desktop{number:02}"), azure.Outcome(seconds=60))


def _pipeline_recreates(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    _recreate(scene, GCP_PIPELINE)


def _command_on_one_start_another(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    azure.machine_action(scene, AZURE_PIPELINE, "runCommand", azure.resource(VM, "app02"), azure.Outcome(seconds=30))
    scene.wait(600, 900)
    azure.machine_action(scene, AZURE_PIPELINE, "restart", azure.resource(VM, "app02"), azure.Outcome(seconds=30))


def _overnight(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    machine = gcp.instance(scene, "build01")
    gcp.change_instance(scene, GCP_ENGINEER, "stop", machine, seconds=40)
    scene.wait(10 * _HOUR)
    gcp.change_instance(scene, GCP_ENGINEER, "start", machine, seconds=12)


def _drill(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    volume = aws.create_volume(scene, PIPELINE, "dr-drill", scene.ids.ec2("snap"), size=100)
    scene.wait(20, 40)
    aws.detach_volume(scene, PIPELINE, scene.ids.ec2("vol"), FLEET[9], "/dev/xvda")
    aws.attach_volume(scene, PIPELINE, volume, FLEET[9], "/dev/xvda")


def _profile_and_metadata(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    request = {"InstanceId": FLEET[3], "IamInstanceProfile": {"Name": "app-server"}}
    cloudtrail.call_wrapped(
        scene, ENGINEER, "AssociateIamInstanceProfile", request, {"iamInstanceProfileAssociation": {"instanceId": FLEET[3], "state": "associating"}}
    )
    scene.wait(900, 1800)
    aws.require_metadata_tokens(scene, ENGINEER, FLEET[3])


_STOP_GCP = f"{TECHNIQUE}/gcp-stop-start"
_REFRESH, _RECREATE = f"{TECHNIQUE}/aws-instance-refresh", f"{TECHNIQUE}/gcp-recreate-instances"
_AFTER, _AFTER_AZURE, _AFTER_GCP = (
    f"{TECHNIQUE}/aws-tampered-then-reverted",
    f"{TECHNIQUE}/azure-command-then-reimage",
    f"{TECHNIQUE}/gcp-metadata-then-boot-swap",
)

ATTACKS: tuple[Emulation, ...] = (
    Emulation(
        _STOP_GCP,
        TECHNIQUE,
        Cloud.GCP,
        "Stop and start an instance to lose its local disks",
        Kind.ATTACK,
        "A phished user stops an instance and starts it a minute later: local SSDs come back empty, memory is gone.",
        "compute.instances.stop and compute.instances.start of one resource name within half an hour.",
        _stop_start,
        number="T1578.004-gcp-2",
        commands=("gcloud compute instances stop app05 --zone $Z", "gcloud compute instances start app05 --zone $Z"),
    ),
    Emulation(
        _REFRESH,
        TECHNIQUE,
        Cloud.AWS,
        "Refresh all instances of an Auto Scaling group",
        Kind.ATTACK,
        "With a stolen key every instance of a group is replaced at once by a fresh one.",
        "StartInstanceRefresh of autoscaling.amazonaws.com by an identity that is no pipeline.",
        _instance_refresh,
        number="T1578.004-aws-5",
        commands=("aws autoscaling start-instance-refresh --auto-scaling-group-name web --preferences MinHealthyPercentage=0",),
    ),
    Emulation(
        _RECREATE,
        TECHNIQUE,
        Cloud.GCP,
        "Recreate an instance of a managed group",
        Kind.ATTACK,
        "A phished user has the group manager recreate the instance he used.",
        "compute.instanceGroupManagers.recreateInstances by a principal that is no pipeline.",
        _group_recreated,
        number="T1578.004-gcp-3",
        commands=("gcloud compute instance-groups managed recreate-instances web --instances web-7k2d --zone $Z",),
    ),
    Emulation(
        _AFTER,
        TECHNIQUE,
        Cloud.AWS,
        "An instance given an admin role, then its root volume replaced",
        Kind.ATTACK,
        "From a stolen session an instance gets a powerful profile; half an hour later its root volume is put back to a snapshot.",
        "AssociateIamInstanceProfile, then CreateReplaceRootVolumeTask of the same InstanceId within a day.",
        _tampered_then_reverted,
        number="T1578.004-aws-6",
        commands=(
            "aws ec2 associate-iam-instance-profile --instance-id $I --iam-instance-profile Name=admin-profile",
            "aws ec2 create-replace-root-volume-task --instance-id $I --delete-replaced-root-volume",
        ),
    ),
    Emulation(
        _AFTER_AZURE,
        TECHNIQUE,
        Cloud.AZURE,
        "A command run in a machine, then the machine reimaged",
        Kind.ATTACK,
        "A phished operator's token runs a command in a server, and reimages the server a quarter of an hour later.",
        "VIRTUALMACHINES/RUNCOMMAND/ACTION, then REIMAGE/ACTION of the same resource id within a day.",
        _command_then_reimage,
        number="T1578.004-azure-3",
        commands=("az vm run-command invoke -g $G -n app08 --command-id RunShellScript --scripts id", "az vm reimage -g $G -n app08"),
    ),
    Emulation(
        _AFTER_GCP,
        TECHNIQUE,
        Cloud.GCP,
        "A key added to an instance, then its boot disk swapped",
        Kind.ATTACK,
        "A phished user adds an SSH key to an instance's metadata, and later exchanges its boot disk.",
        "compute.instances.setMetadata, then compute.instances.attachDisk with request.boot true on the same resource within a day.",
        _script_then_boot_swap,
        number="T1578.004-gcp-4",
        commands=(
            "gcloud compute instances add-metadata app06 --zone $Z --metadata-from-file ssh-keys=keys.txt",
            "gcloud compute instances attach-disk app06 --disk app06-revert --boot --zone $Z",
        ),
    ),
)

LOOK_ALIKES: tuple[Emulation, ...] = (
    Emulation(
        f"{TECHNIQUE}/aws-pipeline-refresh",
        TECHNIQUE,
        Cloud.AWS,
        "The pipeline refreshes a group after a new image",
        Kind.LOOK_ALIKE,
        "The build system's role rolls a new image out by an instance refresh.",
        "Nothing to find for who knows the pipeline's role.",
        _pipeline_refresh,
        resembles=(_REFRESH,),
        differs_by=("sessionIssuer.arn is the pipeline's role",),
    ),
    Emulation(
        f"{TECHNIQUE}/azure-desktop-pool",
        TECHNIQUE,
        Cloud.AZURE,
        "Virtual desktops are reimaged every night",
        Kind.LOOK_ALIKE,
        "The pool's service principal puts three desktops back to their image.",
        "Nothing to find for who knows the service principal.",
        _desktop_pool,
        resembles=(f"{TECHNIQUE}/azure-reimage", _AFTER_AZURE),
        differs_by=("the caller is the pool's service principal", "no runCommand before it"),
    ),
    Emulation(
        f"{TECHNIQUE}/gcp-pipeline-recreates",
        TECHNIQUE,
        Cloud.GCP,
        "The pipeline recreates an instance",
        Kind.LOOK_ALIKE,
        "The Terraform service account has a group's instance recreated after a change of its template.",
        "Nothing to find for who knows the service account.",
        _pipeline_recreates,
        resembles=(_RECREATE,),
        differs_by=("principalEmail is the pipeline's service account",),
    ),
    Emulation(
        f"{TECHNIQUE}/azure-command-then-restart",
        TECHNIQUE,
        Cloud.AZURE,
        "A command run in a machine, then a restart",
        Kind.LOOK_ALIKE,
        "The pipeline runs a diagnostic command in a server and restarts it.",
        "Nothing to find: a restart keeps the disk.",
        _command_on_one_start_another,
        resembles=(_AFTER_AZURE,),
        differs_by=("restart/action, not reimage/action", "the caller is the pipeline's service principal"),
    ),
    Emulation(
        f"{TECHNIQUE}/gcp-overnight-stop",
        TECHNIQUE,
        Cloud.GCP,
        "A build machine rests overnight",
        Kind.LOOK_ALIKE,
        "An engineer stops a build machine in the evening and starts it in the morning.",
        "Nothing to find: ten hours lie between.",
        _overnight,
        span=timedelta(hours=11),
        resembles=(_STOP_GCP,),
        differs_by=("time: ten hours apart",),
    ),
    Emulation(
        f"{TECHNIQUE}/aws-dr-drill",
        TECHNIQUE,
        Cloud.AWS,
        "A disaster recovery drill",
        Kind.LOOK_ALIKE,
        "The pipeline restores a server from last night's snapshot, root volume and all.",
        "Nothing to find for who knows the pipeline's role; announce drills as maintenance windows.",
        _drill,
        resembles=(f"{TECHNIQUE}/aws-volume-from-snapshot",),
        differs_by=("sessionIssuer.arn is the pipeline's role",),
    ),
    Emulation(
        f"{TECHNIQUE}/aws-profile-then-hardened",
        TECHNIQUE,
        Cloud.AWS,
        "An instance gets its profile, then is hardened",
        Kind.LOOK_ALIKE,
        "An engineer gives a server its usual profile and requires metadata tokens.",
        "Nothing to find: nothing was reverted.",
        _profile_and_metadata,
        resembles=(_AFTER,),
        differs_by=("no CreateReplaceRootVolumeTask follows",),
    ),
)

EMULATIONS: tuple[Emulation, ...] = ATTACKS + LOOK_ALIKES
