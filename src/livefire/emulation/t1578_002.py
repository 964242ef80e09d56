"""Emulations of T1578.002 Create Cloud Instance (https://attack.mitre.org/techniques/T1578/002/) and what looks like it."""

from __future__ import annotations

from livefire.emulation import aws, azure, cloudtrail, gcp
from livefire.emulation.actors import (
    AUTOSCALING,
    AWS,
    AZURE_ENGINEER,
    AZURE_INTRUDER,
    AZURE_PIPELINE,
    ENGINEER,
    GCP,
    GCP_GROUP_MANAGER,
    GCP_INTRUDER,
    GCP_PIPELINE,
    LIFECYCLE,
    PIPELINE,
    STOLEN_KEY,
    STOLEN_SESSION,
    AwsActor,
)
from livefire.emulation.model import Cloud, Emulation, Kind
from livefire.emulation.noise import AWS_HABITS, AZURE_HABITS, FLEET, GCP_HABITS, recon, surround
from livefire.emulation.scene import Scene

TECHNIQUE = "T1578.002"
_LATEST_IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
_FIND_IMAGE = f'AMI=$(aws ssm get-parameters --names {_LATEST_IMAGE} --query "Parameters[0].Value" --output text)'
_QUOTA = "Operation could not be completed as it results in exceeding approved standardNCASv3Family Cores quota."


def _finds_image(scene: Scene, actor: AwsActor) -> None:
    with scene.noise(-4):
        request = {"names": [_LATEST_IMAGE], "withDecryption": False}
        cloudtrail.describe(scene, actor, "GetParameters", request, source="ssm.amazonaws.com")


def _run_instances(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_KEY)
    _finds_image(scene, STOLEN_KEY)
    (machine,) = aws.run_instances(scene, STOLEN_KEY, aws.Launch(AWS.base_image, "t3.micro", name="livefire-i1"))
    aws.public_image_volume_created(scene)
    with scene.noise(25):
        aws.describe_instances(scene, STOLEN_KEY, machine)


def _create_machine(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    group, name = "livefire-rg", "livefire-vm"
    scope = f"{azure.SUBSCRIPTION}/resourceGroups/{group}"
    azure.act(scene, AZURE_INTRUDER, "Microsoft.Resources/subscriptions/resourceGroups/write", scope, azure.Outcome(created=True, accepted=False))
    scene.wait(6, 15)
    deployment = azure.resource("Microsoft.Resources/deployments", f"vm_deploy_{scene.ids.base36(32)}", group)
    correlation = scene.ids.uuid()
    created = azure.Outcome(created=True, accepted=False)
    for after, kind, part in ((3, "networkSecurityGroups", f"{name}NSG"), (3, "virtualNetworks", f"{name}VNET"), (8, "networkInterfaces", f"{name}VMNic")):
        with scene.at(after):
            entity = azure.resource(f"Microsoft.Network/{kind}", part, group)
            azure.act(scene, AZURE_INTRUDER, f"Microsoft.Network/{kind}/write", entity, created, correlation=correlation)
    with scene.at(12):
        entity = azure.resource("Microsoft.Compute/virtualMachines", name, group)
        body = azure.machine_body(name, scene.ids.uuid(), azure.image_storage(name), size="Standard_B1s", group=group)
        made = azure.Outcome(created=True, seconds=24)
        azure.act(scene, AZURE_INTRUDER, "Microsoft.Compute/virtualMachines/write", entity, made, response=body, correlation=correlation)
    whole = azure.Outcome(created=True, seconds=52)
    azure.act(scene, AZURE_INTRUDER, "Microsoft.Resources/deployments/write", deployment, whole, correlation=correlation)


def _create_instance(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    gcp.insert_instance(scene, GCP_INTRUDER, gcp.instance(scene, "livefire-vm"))


def _snapshot_to_instance(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_SESSION)
    volume = aws.create_volume(scene, STOLEN_SESSION, "livefire-src", size=1)
    with scene.noise(6):
        aws.describe_volumes(scene, STOLEN_SESSION, volume)
    scene.wait(12, 25)
    snapshot = aws.create_snapshot(scene, STOLEN_SESSION, volume, "livefire-stage", size=1)
    for _ in range(3):
        scene.wait(15)
        with scene.noise():
            aws.describe_snapshots(scene, STOLEN_SESSION, snapshot)
    scene.wait(4, 30)
    aws.run_instances(scene, STOLEN_SESSION, aws.Launch(AWS.base_image, "t3.micro", name="livefire-stage", snapshots=(("/dev/sdf", snapshot),)))
    aws.public_image_volume_created(scene)


def _refused_then_elsewhere(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, STOLEN_KEY)
    for _ in range(3):
        big = aws.Launch(AWS.base_image, "p3.8xlarge", count=10, name="livefire-worker")
        aws.run_instances(scene, STOLEN_KEY, big, aws.VCPU_LIMIT)
        scene.wait(20, 90)
    region = AWS.unused_region
    for _ in range(2):
        small = aws.Launch("ami-0e3b7c9a1d5f20846", "c6i.xlarge", count=6, name="livefire-worker", user_data=True, key_name="livefire", region=region)
        aws.run_instances(scene, STOLEN_KEY, small)
        aws.public_image_volume_created(scene, region)
        scene.wait(20, 60)


def _gpu_refused(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    message = "Quota 'NVIDIA_A100_GPUS' exceeded.  Limit: 0.0 in region us-central1."
    for _ in range(3):
        target = gcp.instance(scene, "livefire-gpu")
        method = "beta.compute.instances.insert"
        gcp.insert_instance(scene, GCP_INTRUDER, target, machine="a2-highgpu-1g", method=method, failure=gcp.Failure(8, message, at_once=False))
        scene.wait(20, 80)


def _autoscaling_launch(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    for _ in range(2):
        aws.run_instances(scene, AUTOSCALING, aws.Launch(AWS.golden_image, "m5.large", name="asg-web", template=True))
        scene.wait(45, 240)


def _pipeline_launch(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    for number in range(2):
        interface = scene.ids.ec2("eni")
        launch = aws.Launch(AWS.golden_image, "t3.medium", name=f"orders-{number}", profile="app-server", interface=interface)
        (machine,) = aws.run_instances(scene, PIPELINE, launch)
        with scene.noise(11):
            aws.describe_instances(scene, PIPELINE, machine)
        scene.wait(2, 9)


def _scheduled_snapshot_then_scaling(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    for _ in range(3):
        aws.create_snapshot(scene, LIFECYCLE, scene.ids.ec2("vol"), "daily", size=100)
        scene.wait(1, 4)
    scene.wait(600, 900)
    aws.run_instances(scene, AUTOSCALING, aws.Launch(AWS.golden_image, "m5.large", name="asg-web", template=True))


def _dry_run(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    recon(scene, ENGINEER)
    aws.run_instances(scene, ENGINEER, aws.Launch(AWS.golden_image, "t3.medium", name="orders-test"), aws.DRY_RUN)
    scene.wait(30, 90)
    aws.stop_instances(scene, ENGINEER, FLEET[2], failure=aws.DRY_RUN)


def _launch_denied(scene: Scene) -> None:
    surround(scene, AWS_HABITS)
    aws.run_instances(scene, ENGINEER, aws.Launch(AWS.golden_image, "t3.medium", name="orders-test"), aws.denied(ENGINEER, "ec2:RunInstances"))


def _tag_update(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    entity = azure.resource("Microsoft.Compute/virtualMachines", "app03")
    storage = azure.attached_storage(azure.resource("Microsoft.Compute/disks", "app03_OsDisk_1"))
    body = azure.machine_body(
        "app03", scene.ids.uuid(), {**azure.image_storage("app03"), "osDisk": {**storage["osDisk"], "createOption": "FromImage"}}, state="Succeeded"
    )
    change = {"tags": {"owner": "******"}}
    update = azure.Outcome(accepted=False)
    azure.act(scene, AZURE_ENGINEER, "Microsoft.Compute/virtualMachines/write", entity, update, request=change, response=body)


def _machine_refused(scene: Scene) -> None:
    surround(scene, AZURE_HABITS)
    entity = azure.resource("Microsoft.Compute/virtualMachines", "batch-gpu-1")
    refused = azure.Outcome(failure=azure.Failure("Conflict", "OperationNotAllowed", _QUOTA))
    azure.act(scene, AZURE_PIPELINE, "Microsoft.Compute/virtualMachines/write", entity, refused)


def _group_manager(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    for _ in range(2):
        target = gcp.instance(scene, f"web-{scene.ids.base36(4)}")
        image = f"projects/{GCP.project}/global/images/web-20260901"
        gcp.insert_instance(scene, GCP_GROUP_MANAGER, target, machine="e2-standard-2", image=image)
        scene.wait(30, 60)


def _instance_denied(scene: Scene) -> None:
    surround(scene, GCP_HABITS)
    target = gcp.instance(scene, "orders-test")
    message = f"Required 'compute.instances.create' permission for '{target.name}'"
    gcp.insert_instance(scene, GCP_PIPELINE, target, failure=gcp.Failure(7, message))


def _pages(number: int) -> tuple[str, ...]:
    # The two pages of this technique print the same four tests.
    return (f"T1578.002-sentinel#{number}", f"T1578.002-logscale#{number}")


_RUN = "T1578.002/aws-run-instances"
_MACHINE = "T1578.002/azure-create-vm"
_INSTANCE = "T1578.002/gcp-create-instance"
_STAGED = "T1578.002/aws-snapshot-to-instance"

ATTACKS: tuple[Emulation, ...] = (
    Emulation(
        _RUN,
        TECHNIQUE,
        Cloud.AWS,
        "Launch an EC2 instance with a stolen access key",
        Kind.ATTACK,
        "A forgotten user's long-term key is used from an unknown address to launch one small instance from a public image.",
        "RunInstances without errorCode by an identity that does not launch instances; the new id at responseElements.instancesSet.items[].instanceId.",
        _run_instances,
        number="T1578.002-aws-1",
        commands=(
            _FIND_IMAGE,
            'aws ec2 run-instances --image-id $AMI --instance-type t3.micro --tag-specifications "ResourceType=instance,Tags=[{Key=Name,Value=livefire-i1}]"',
        ),
        cleanup=("aws ec2 terminate-instances --instance-ids $I",),
        page_tests=_pages(1),
    ),
    Emulation(
        _MACHINE,
        TECHNIQUE,
        Cloud.AZURE,
        "Create a virtual machine in a new resource group",
        Kind.ATTACK,
        "A phished operator's token creates a resource group and, in one deployment, network, interface and virtual machine.",
        "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE with resultType Success and Created, size and image in responseBody; take one row per correlationId.",
        _create_machine,
        number="T1578.002-azure-1",
        commands=(
            "az group create -n livefire-rg -l eastus",
            (
                "az vm create -g livefire-rg -n livefire-vm --image Ubuntu2204 --size Standard_B1s "
                '--admin-username azureuser --generate-ssh-keys --public-ip-address ""'
            ),
        ),
        cleanup=("az group delete -n livefire-rg --yes --no-wait",),
        page_tests=_pages(2),
    ),
    Emulation(
        _INSTANCE,
        TECHNIQUE,
        Cloud.GCP,
        "Create a Compute Engine instance with gcloud",
        Kind.ATTACK,
        "A phished user's credentials create one small instance with an external address.",
        "v1.compute.instances.insert: who and what in the operation's first entry, success only in its last (no status code).",
        _create_instance,
        number="T1578.002-gcp-1",
        commands=(
            "gcloud compute instances create livefire-vm --zone us-central1-a --machine-type e2-micro --image-family debian-12 --image-project debian-cloud",
        ),
        cleanup=("gcloud compute instances delete livefire-vm --zone us-central1-a --quiet",),
        page_tests=_pages(3),
    ),
    Emulation(
        _STAGED,
        TECHNIQUE,
        Cloud.AWS,
        "Snapshot a volume and mount it in a new instance",
        Kind.ATTACK,
        "In one stolen session a volume is made, a snapshot taken of it, and a new instance launched with that snapshot as a second disk.",
        "CreateSnapshot, then RunInstances whose requestParameters.blockDeviceMapping.items[].ebs.snapshotId is that snapshot; "
        "one userIdentity.arn throughout.",
        _snapshot_to_instance,
        number="T1578.002-aws-2",
        commands=(
            "VOL=$(aws ec2 create-volume --size 1 --volume-type gp3 --availability-zone us-east-1a --query VolumeId --output text)",
            "aws ec2 wait volume-available --volume-ids $VOL",
            "SNAP=$(aws ec2 create-snapshot --volume-id $VOL --description livefire-stage --query SnapshotId --output text)",
            "aws ec2 wait snapshot-completed --snapshot-ids $SNAP",
            _FIND_IMAGE,
            (
                "aws ec2 run-instances --image-id $AMI --instance-type t3.micro "
                '--block-device-mappings "DeviceName=/dev/sdf,Ebs={SnapshotId=$SNAP,DeleteOnTermination=true}"'
            ),
        ),
        cleanup=("aws ec2 terminate-instances --instance-ids $I", "aws ec2 delete-snapshot --snapshot-id $SNAP", "aws ec2 delete-volume --volume-id $VOL"),
        page_tests=_pages(4),
    ),
    Emulation(
        "T1578.002/aws-refused-then-elsewhere",
        TECHNIQUE,
        Cloud.AWS,
        "GPU launches refused, then twelve instances in an unused region",
        Kind.ATTACK,
        "Ten large GPU instances are refused three times for lack of quota; minutes later the same key launches smaller ones in a region nobody uses.",
        "RunInstances with errorCode Client.VcpuLimitExceeded, then RunInstances without errorCode by the same identity in another awsRegion.",
        _refused_then_elsewhere,
        number="T1578.002-aws-3",
        commands=(
            "aws ec2 run-instances --image-id $AMI --instance-type p3.8xlarge --count 10",
            f"aws ec2 run-instances --region {AWS.unused_region} --image-id $AMI2 --instance-type c6i.xlarge --count 6",
        ),
        cleanup=(f"aws ec2 terminate-instances --region {AWS.unused_region} --instance-ids $IDS",),
    ),
    Emulation(
        "T1578.002/gcp-gpu-refused",
        TECHNIQUE,
        Cloud.GCP,
        "GPU instances refused by quota, three times",
        Kind.ATTACK,
        "A phished user tries to create a GPU instance three times; each operation starts and then fails for lack of quota.",
        "compute.instances.insert (beta. prefix), last entry with protoPayload.status.code 8 and severity ERROR; nothing was created.",
        _gpu_refused,
        number="T1578.002-gcp-2",
        commands=("gcloud beta compute instances create livefire-gpu --machine-type a2-highgpu-1g --zone us-central1-a --maintenance-policy TERMINATE",),
    ),
)

LOOK_ALIKES: tuple[Emulation, ...] = (
    Emulation(
        "T1578.002/aws-autoscaling-launch",
        TECHNIQUE,
        Cloud.AWS,
        "Auto Scaling adds instances under load",
        Kind.LOOK_ALIKE,
        "An Auto Scaling group follows its policy: the service launches two instances from the launch template.",
        "Nothing to find: the service acts for the account.",
        _autoscaling_launch,
        resembles=(_RUN,),
        differs_by=(
            "userIdentity.invokedBy is autoscaling.amazonaws.com, as are sourceIPAddress and userAgent",
            "sessionIssuer.arn holds :role/aws-service-role/",
        ),
    ),
    Emulation(
        "T1578.002/aws-pipeline-launch",
        TECHNIQUE,
        Cloud.AWS,
        "Infrastructure pipeline applies a reviewed plan",
        Kind.LOOK_ALIKE,
        "The build system's role, assumed by federation from the runners' address, launches two servers from the company's own image.",
        "Nothing to find: the role that creates instances created instances.",
        _pipeline_launch,
        resembles=(_RUN,),
        differs_by=(
            "sessionIssuer.arn is the pipeline's role",
            "sessionContext.webIdFederationData names the build system's provider",
            "imageId is the company's own image",
        ),
    ),
    Emulation(
        "T1578.002/aws-scheduled-snapshot-and-scaling",
        TECHNIQUE,
        Cloud.AWS,
        "Nightly snapshots, and a launch that has nothing to do with them",
        Kind.LOOK_ALIKE,
        "The lifecycle manager takes its daily snapshots; a quarter of an hour later Auto Scaling launches from the golden image.",
        "Nothing to find: snapshot and launch share the account and the hour, nothing else.",
        _scheduled_snapshot_then_scaling,
        resembles=(_STAGED, _RUN),
        differs_by=("the snapshot ids are in no blockDeviceMapping", "two identities, both with userIdentity.invokedBy set to a service"),
    ),
    Emulation(
        "T1578.002/aws-dry-run",
        TECHNIQUE,
        Cloud.AWS,
        "An engineer checks permissions with --dry-run",
        Kind.LOOK_ALIKE,
        "Before a change an engineer asks whether launch and stop would be allowed. Nothing is launched or stopped.",
        "Nothing was created: Client.DryRunOperation is an answer, not an act.",
        _dry_run,
        commands=("aws ec2 run-instances --dry-run --image-id $AMI --instance-type t3.medium", "aws ec2 stop-instances --dry-run --instance-ids $I"),
        resembles=(_RUN, "T1578.004/aws-stop-start"),
        differs_by=("errorCode is Client.DryRunOperation", "responseElements is null"),
    ),
    Emulation(
        "T1578.002/aws-launch-denied",
        TECHNIQUE,
        Cloud.AWS,
        "A launch without permission is refused",
        Kind.LOOK_ALIKE,
        "An engineer tries to launch in the wrong account profile and is refused once.",
        "Nothing was created: one refusal is an error, not a burst.",
        _launch_denied,
        resembles=(_RUN, "T1578.002/aws-refused-then-elsewhere"),
        differs_by=("errorCode is Client.UnauthorizedOperation", "one attempt only, no success after it"),
    ),
    Emulation(
        "T1578.002/azure-vm-tag-update",
        TECHNIQUE,
        Cloud.AZURE,
        "A tag is set on an existing virtual machine",
        Kind.LOOK_ALIKE,
        "An engineer sets an owner tag in the portal: the operation is the same virtualMachines/write as a creation.",
        "Nothing to find: the write changed a machine, it did not create one.",
        _tag_update,
        resembles=(_MACHINE,),
        differs_by=(
            "properties.statusCode is OK and resultSignature Succeeded.OK, not Created",
            "no Accept row",
            "provisioningState in responseBody is Succeeded, not Creating",
        ),
    ),
    Emulation(
        "T1578.002/azure-vm-refused",
        TECHNIQUE,
        Cloud.AZURE,
        "A virtual machine is refused by quota",
        Kind.LOOK_ALIKE,
        "The deployment pipeline asks for a GPU machine once and the subscription's quota does not allow it.",
        "Nothing was created.",
        _machine_refused,
        resembles=(_MACHINE,),
        differs_by=("resultType is Failure, resultSignature Failed.Conflict", "the caller is the pipeline's service principal"),
    ),
    Emulation(
        "T1578.002/gcp-managed-instance-group",
        TECHNIQUE,
        Cloud.GCP,
        "A managed instance group replaces instances",
        Kind.LOOK_ALIKE,
        "The group manager creates two instances from the company's image under the Google APIs service agent.",
        "Nothing to find: Google's agent acts for the group.",
        _group_manager,
        resembles=(_INSTANCE,),
        differs_by=(
            "principalEmail ends in @cloudservices.gserviceaccount.com",
            "callerIp is private and callerSuppliedUserAgent names the managed instance group",
        ),
    ),
    Emulation(
        "T1578.002/gcp-create-denied",
        TECHNIQUE,
        Cloud.GCP,
        "An instance creation without permission",
        Kind.LOOK_ALIKE,
        "A service account lacks the role and is refused at once: one entry that is first and last.",
        "Nothing was created.",
        _instance_denied,
        resembles=(_INSTANCE, "T1578.002/gcp-gpu-refused"),
        differs_by=("protoPayload.status.code is 7 and severity ERROR in the operation's first entry", "authorizationInfo[].granted is false"),
    ),
)

EMULATIONS: tuple[Emulation, ...] = ATTACKS + LOOK_ALIKES
