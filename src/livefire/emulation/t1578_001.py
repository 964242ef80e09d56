"""Emulations of T1578.001 Create Snapshot (https://attack.mitre.org/techniques/T1578/001/) and what looks like it."""

from __future__ import annotations

from datetime import timedelta

from livefire.emulation import aws, azure, cloudtrail
from livefire.emulation.actors import (
    AWS,
    AZURE_BACKUP,
    AZURE_INTRUDER,
    ENGINEER,
    GCP_INTRUDER,
    GCP_PIPELINE,
    STOLEN_KEY,
    STOLEN_SESSION,
    STORAGE_ADMIN,
    AwsActor,
)
from livefire.emulation.history import DAYS, aws_routine, azure_routine, gcp_routine, take_snapshot
from livefire.emulation.model import Cloud, Emulation, Kind
from livefire.emulation.noise import AWS_HABITS, AZURE_HABITS, GCP_HABITS, recon, surround
from livefire.emulation.scene import Scene

TECHNIQUE = "T1578.001"
LONG_LEAD = timedelta(days=DAYS + 1)


def _used_by_stranger(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    snapshot = aws.create_snapshot(scene, STOLEN_SESSION, scene.ids.ec2("vol"), "livefire-s2", size=100)
    scene.wait(40, 90)
    aws.share_snapshot(scene, STOLEN_SESSION, snapshot, account=AWS.intruder_account)
    scene.wait(120, 600)
    aws.shared_snapshot_used(scene, snapshot, AWS.intruder_account, "SharedSnapshotCopyInitiated")
    scene.wait(60, 200)
    aws.shared_snapshot_used(scene, snapshot, AWS.intruder_account)


def _across_regions(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    snapshot = aws.create_snapshot(scene, STOLEN_SESSION, scene.ids.ec2("vol"), "livefire-s3", size=100)
    scene.wait(60, 120)
    copy, region = scene.ids.ec2("snap"), AWS.unused_region
    request = {"sourceRegion": AWS.region, "sourceSnapshotId": snapshot, "description": "livefire-s3", "destinationRegion": region}
    cloudtrail.call_flat(scene, STOLEN_SESSION, "CopySnapshot", request, {"snapshotId": copy}, region=region)
    scene.wait(120, 300)
    aws.share_snapshot(scene, STOLEN_SESSION, copy, account=AWS.intruder_account)
    scene.wait(60, 300)
    aws.shared_snapshot_used(scene, copy, AWS.intruder_account, "SharedSnapshotCopyInitiated", region)


def _download_link(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    source = azure.resource("Microsoft.Compute/disks", "app04_OsDisk_1")
    snapshot = azure.write_disk(scene, AZURE_INTRUDER, "livefire-snap2", source, kind="snapshots")
    scene.wait(20, 60)
    azure.act(scene, AZURE_INTRUDER, "Microsoft.Compute/snapshots/beginGetAccess/action", snapshot, azure.Outcome(seconds=4))


def _first_snapshots(scene: Scene) -> None:
    aws_routine(scene, STORAGE_ADMIN)
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_KEY)
    for _ in range(5):
        aws.create_snapshot(scene, STOLEN_KEY, scene.ids.ec2("vol"), "livefire-all", size=100)
        scene.wait(3, 12)


def _first_azure_snapshot(scene: Scene) -> None:
    azure_routine(scene)
    surround(scene, AZURE_HABITS)
    for name in ("app04", "app05"):
        azure.write_disk(scene, AZURE_INTRUDER, f"livefire-{name}", azure.resource("Microsoft.Compute/disks", f"{name}_OsDisk_1"), kind="snapshots")
        scene.wait(5, 20)


def _first_cloud_snapshot(scene: Scene) -> None:
    gcp_routine(scene)
    surround(scene, GCP_HABITS)
    take_snapshot(scene, GCP_INTRUDER, "orders-db", "livefire-first")


def _guard_rails_off(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    cloudtrail.call_wrapped(scene, STOLEN_SESSION, "DisableSnapshotBlockPublicAccess", {}, {"state": "unblocked"})
    scene.wait(10, 40)
    cloudtrail.call_wrapped(scene, STOLEN_SESSION, "DisableEbsEncryptionByDefault", {}, {"ebsEncryptionByDefault": False})


def _copy_volume(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    _volume_copied(scene, STOLEN_SESSION)


def _volume_copied(scene: Scene, actor: AwsActor) -> None:
    source, copy = scene.ids.ec2("vol"), scene.ids.ec2("vol")
    answer = {"volumeSet": {"item": {"volumeId": copy, "sourceVolumeId": source, "size": 100, "status": "creating", "availabilityZone": f"{AWS.region}a"}}}
    request = {"SourceVolumeId": source, "VolumeType": "gp3", "ClientToken": scene.ids.uuid()}
    cloudtrail.call_wrapped(scene, actor, "CopyVolumes", request, answer)


def _backup_reads_disk(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    source = azure.resource("Microsoft.Compute/disks", "app02_OsDisk_1")
    snapshot = azure.write_disk(scene, AZURE_BACKUP, f"AzureBackup_{scene.ids.digits(15)}_app02", source, kind="snapshots")
    scene.wait(10, 40)
    azure.act(scene, AZURE_BACKUP, "Microsoft.Compute/snapshots/beginGetAccess/action", snapshot, azure.Outcome(seconds=4))


def _regular_snapshot(scene: Scene) -> None:
    aws_routine(scene, STORAGE_ADMIN)
    surround(scene, AWS_HABITS)
    aws.create_snapshot(scene, STORAGE_ADMIN, scene.ids.ec2("vol"), "before-change", size=100)


def _regular_azure_snapshot(scene: Scene) -> None:
    azure_routine(scene)
    surround(scene, AZURE_HABITS)
    azure.write_disk(scene, AZURE_BACKUP, "before-change-0", azure.resource("Microsoft.Compute/disks", "app02_OsDisk_1"), kind="snapshots")


def _regular_cloud_snapshot(scene: Scene) -> None:
    gcp_routine(scene)
    surround(scene, GCP_HABITS)
    take_snapshot(scene, GCP_PIPELINE, "app02", "before-change-0")


def _guard_rails_on(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    cloudtrail.call_wrapped(scene, ENGINEER, "EnableSnapshotBlockPublicAccess", {"State": "block-all-sharing"}, {"state": "block-all-sharing"})
    scene.wait(10, 40)
    cloudtrail.call_wrapped(scene, ENGINEER, "EnableEbsEncryptionByDefault", {}, {"ebsEncryptionByDefault": True})


def _storage_team_copies(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    _volume_copied(scene, STORAGE_ADMIN)


def _own_public_image(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    aws.shared_snapshot_used(scene, scene.ids.ec2("snap"), AWS.sandbox_account, owner=AWS.sandbox_account)
    scene.wait(20, 90)
    aws.shared_snapshot_used(scene, scene.ids.ec2("snap"), AWS.sandbox_account, owner=AWS.sandbox_account)


_FOREIGN = f"{TECHNIQUE}/aws-foreign-use"
_SAS = f"{TECHNIQUE}/azure-snapshot-sas"
_FIRST, _FIRST_AZURE, _FIRST_GCP = f"{TECHNIQUE}/aws-first-snapshots", f"{TECHNIQUE}/azure-first-snapshot", f"{TECHNIQUE}/gcp-first-snapshot"
_GUARD = f"{TECHNIQUE}/aws-guard-rails-off"
_COPY = f"{TECHNIQUE}/aws-copy-volume"

ATTACKS: tuple[Emulation, ...] = (
    Emulation(
        _FOREIGN,
        TECHNIQUE,
        Cloud.AWS,
        "A foreign account copies the snapshot shared with it",
        Kind.ATTACK,
        "A snapshot is shared from a stolen session, and minutes later the foreign account copies it and makes a volume of it.",
        "SharedSnapshotCopyInitiated and SharedSnapshotVolumeCreated whose userIdentity.accountId is not recipientAccountId; serviceEventDetails.snapshotId.",
        _used_by_stranger,
        number="T1578.001-aws-3",
        commands=(
            "SNAP=$(aws ec2 create-snapshot --volume-id $VOL --query SnapshotId --output text); aws ec2 wait snapshot-completed --snapshot-ids $SNAP",
            "aws ec2 modify-snapshot-attribute --snapshot-id $SNAP --attribute createVolumePermission --operation-type add --user-ids $SECOND_ACCOUNT_OF_YOURS",
            "aws ec2 create-volume --profile second --snapshot-id $SNAP --availability-zone us-east-1a",
        ),
        cleanup=("aws ec2 delete-volume --profile second --volume-id $COPY", "aws ec2 delete-snapshot --snapshot-id $SNAP"),
        prerequisites=("a second account of your own, signed in as profile `second`",),
    ),
    Emulation(
        f"{TECHNIQUE}/aws-copied-across-regions",
        TECHNIQUE,
        Cloud.AWS,
        "A snapshot copied into another region, shared there, and taken",
        Kind.ATTACK,
        "The snapshot is copied into a region nobody watches; the copy, not the snapshot, is shared and taken by the foreign account.",
        "CopySnapshot with sourceSnapshotId, ModifySnapshotAttribute of responseElements.snapshotId, SharedSnapshotCopyInitiated of the same id.",
        _across_regions,
        number="T1578.001-aws-7",
        commands=(
            "SNAP=$(aws ec2 create-snapshot --volume-id $VOL --query SnapshotId --output text); aws ec2 wait snapshot-completed --snapshot-ids $SNAP",
            f"aws ec2 copy-snapshot --source-region {AWS.region} --source-snapshot-id $SNAP --region {AWS.unused_region}",
            "aws ec2 modify-snapshot-attribute --snapshot-id $COPY --attribute createVolumePermission --operation-type add --user-ids $SECOND_ACCOUNT_OF_YOURS",
        ),
        cleanup=("aws ec2 delete-snapshot --snapshot-id $COPY", "aws ec2 delete-snapshot --snapshot-id $SNAP"),
        prerequisites=("a second account of your own",),
    ),
    Emulation(
        _SAS,
        TECHNIQUE,
        Cloud.AZURE,
        "Snapshot a disk and ask for a download link",
        Kind.ATTACK,
        "A phished operator's token snapshots a server's OS disk and asks for a link (SAS) from which anyone can download it.",
        "MICROSOFT.COMPUTE/SNAPSHOTS/BEGINGETACCESS/ACTION, Success, by a principal that is no backup service.",
        _download_link,
        number="T1578.001-azure-2",
        commands=("az snapshot create -g $G -n livefire-snap2 --source $OS_DISK", "az snapshot grant-access -g $G -n livefire-snap2 --duration-in-seconds 300"),
        cleanup=("az snapshot revoke-access -g $G -n livefire-snap2", "az snapshot delete -g $G -n livefire-snap2"),
    ),
    Emulation(
        _FIRST,
        TECHNIQUE,
        Cloud.AWS,
        "Five volumes snapshotted by a key that never did it",
        Kind.ATTACK,
        "After weeks in which only services and the storage team took snapshots, a stolen long-term key takes five within a minute.",
        "CreateSnapshot by an identity without one in the last 30 days, in an account that has been logged for a fortnight.",
        _first_snapshots,
        lead=LONG_LEAD,
        number="T1578.001-aws-4",
        commands=("for VOL in $VOLUMES; do aws ec2 create-snapshot --volume-id $VOL --description livefire-all; done",),
        cleanup=("aws ec2 delete-snapshot --snapshot-id $SNAP   # each of them",),
    ),
    Emulation(
        _FIRST_AZURE,
        TECHNIQUE,
        Cloud.AZURE,
        "Disk snapshots by a caller that never took one",
        Kind.ATTACK,
        "A phished operator's token snapshots two servers' disks; in weeks only the backup service did.",
        "MICROSOFT.COMPUTE/SNAPSHOTS/WRITE, Success, by a caller without one in the last 30 days.",
        _first_azure_snapshot,
        lead=LONG_LEAD,
        number="T1578.001-azure-3",
        commands=("az snapshot create -g $G -n livefire-app04 --source app04_OsDisk_1",),
        cleanup=("az snapshot delete -g $G -n livefire-app04",),
    ),
    Emulation(
        _FIRST_GCP,
        TECHNIQUE,
        Cloud.GCP,
        "A database disk snapshotted by a user that never took one",
        Kind.ATTACK,
        "A phished user snapshots the database disk; in weeks only the pipeline took snapshots.",
        "compute.disks.createSnapshot by a principalEmail without one in the last 30 days.",
        _first_cloud_snapshot,
        lead=LONG_LEAD,
        number="T1578.001-gcp-2",
        commands=("gcloud compute disks snapshot orders-db --zone $Z --snapshot-names livefire-first",),
        cleanup=("gcloud compute snapshots delete livefire-first --quiet",),
    ),
    Emulation(
        _GUARD,
        TECHNIQUE,
        Cloud.AWS,
        "Block of public snapshots and default encryption switched off",
        Kind.ATTACK,
        "Before sharing, the account's own guard rails are removed from a stolen session.",
        "DisableSnapshotBlockPublicAccess and DisableEbsEncryptionByDefault without errorCode.",
        _guard_rails_off,
        number="T1578.001-aws-5",
        commands=("aws ec2 disable-snapshot-block-public-access", "aws ec2 disable-ebs-encryption-by-default"),
        cleanup=("aws ec2 enable-snapshot-block-public-access --state block-all-sharing", "aws ec2 enable-ebs-encryption-by-default"),
    ),
    Emulation(
        _COPY,
        TECHNIQUE,
        Cloud.AWS,
        "A volume copied without a snapshot",
        Kind.ATTACK,
        "The newer CopyVolumes call makes a volume of a volume: a rule that waits for CreateSnapshot sees nothing.",
        "CopyVolumes: requestParameters.CopyVolumesRequest.SourceVolumeId, by an identity that is no storage administrator.",
        _copy_volume,
        number="T1578.001-aws-6",
        commands=("aws ec2 copy-volumes --source-volume-id $VOL --volume-type gp3",),
        cleanup=("aws ec2 delete-volume --volume-id $COPY",),
    ),
)

LOOK_ALIKES: tuple[Emulation, ...] = (
    Emulation(
        f"{TECHNIQUE}/azure-backup-reads-disk",
        TECHNIQUE,
        Cloud.AZURE,
        "Azure Backup reads a snapshot through a link",
        Kind.LOOK_ALIKE,
        "The backup service takes a snapshot and asks for read access to it, as it does for every machine it protects.",
        "Nothing to find for who knows the service's application id.",
        _backup_reads_disk,
        resembles=(_SAS,),
        differs_by=("claims.appid is the Backup Management Service",),
    ),
    Emulation(
        f"{TECHNIQUE}/aws-regular-snapshot",
        TECHNIQUE,
        Cloud.AWS,
        "The storage team's weekly snapshot",
        Kind.LOOK_ALIKE,
        "The storage administrators' role takes a snapshot, as every week.",
        "Nothing to find: the same identity did it last week.",
        _regular_snapshot,
        lead=LONG_LEAD,
        resembles=(_FIRST,),
        differs_by=("the session issuer has snapshots in the weeks before",),
    ),
    Emulation(
        f"{TECHNIQUE}/azure-regular-snapshot",
        TECHNIQUE,
        Cloud.AZURE,
        "The backup service's daily disk snapshot",
        Kind.LOOK_ALIKE,
        "The backup service takes a disk snapshot, as every day.",
        "Nothing to find: the same caller did it last week.",
        _regular_azure_snapshot,
        lead=LONG_LEAD,
        resembles=(_FIRST_AZURE,),
        differs_by=("the caller has snapshots/write in the weeks before",),
    ),
    Emulation(
        f"{TECHNIQUE}/gcp-regular-snapshot",
        TECHNIQUE,
        Cloud.GCP,
        "The pipeline's daily snapshot of a disk",
        Kind.LOOK_ALIKE,
        "The pipeline takes a snapshot of a disk, as every day.",
        "Nothing to find: the same principal did it last week.",
        _regular_cloud_snapshot,
        lead=LONG_LEAD,
        resembles=(_FIRST_GCP,),
        differs_by=("the principal has createSnapshot in the weeks before",),
    ),
    Emulation(
        f"{TECHNIQUE}/aws-guard-rails-on",
        TECHNIQUE,
        Cloud.AWS,
        "Guard rails are put up",
        Kind.LOOK_ALIKE,
        "An engineer blocks public snapshots and switches default encryption on.",
        "Nothing to find: the calls are the opposite ones.",
        _guard_rails_on,
        resembles=(_GUARD,),
        differs_by=("eventName begins with Enable",),
    ),
    Emulation(
        f"{TECHNIQUE}/aws-storage-team-copies",
        TECHNIQUE,
        Cloud.AWS,
        "The storage team copies a volume",
        Kind.LOOK_ALIKE,
        "The storage administrators' role copies a volume to another type.",
        "Nothing to find: it is that role's work.",
        _storage_team_copies,
        resembles=(_COPY,),
        differs_by=("sessionIssuer.arn is the storage administrators' role",),
    ),
    Emulation(
        f"{TECHNIQUE}/aws-own-public-image",
        TECHNIQUE,
        Cloud.AWS,
        "An account of the company launches from a public image",
        Kind.LOOK_ALIKE,
        "A sandbox account on nobody's list launches two instances from a public image; AWS reports the volumes made of its snapshot.",
        "Nothing to find: the account that used the snapshot is the one that the report is for.",
        _own_public_image,
        resembles=(_FOREIGN,),
        differs_by=("userIdentity.accountId is recipientAccountId",),
    ),
)

EMULATIONS: tuple[Emulation, ...] = ATTACKS + LOOK_ALIKES
