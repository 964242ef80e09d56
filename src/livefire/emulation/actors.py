"""Who acts: one example company's accounts and people in the three clouds, and the intruder.

Account numbers, addresses and domains are the ones vendors and RFC 5737 / RFC 2606 set aside for examples. They do not
change with the seed, so that a tuning list (trusted accounts, known roles) written once holds for every run.
"""

from __future__ import annotations

from dataclasses import dataclass

COMPANY = "Example Corp"
OFFICE_IP = "198.51.100.24"
"""Where the company's people work."""
RUNNER_IP = "192.0.2.61"
"""Where the company's build runners leave the network."""
INTRUDER_IP = "203.0.113.77"


@dataclass(frozen=True, slots=True)
class AwsEstate:
    """The company's AWS account and network."""

    account: str = "111122223333"
    backup_account: str = "444455556666"
    """The company's own vault account: sharing with it is not exfiltration."""
    sandbox_account: str = "555566667777"
    """An account of the company that nobody has put on the list of trusted ones."""
    intruder_account: str = "777788889999"
    region: str = "us-east-1"
    unused_region: str = "ap-southeast-3"
    vpc: str = "vpc-0b1f4a2c9d3e5f607"
    subnet: str = "subnet-0c2d4e6f8a1b3c5d7"
    security_group: str = "sg-0a9b8c7d6e5f40312"
    base_image: str = "ami-0d5f1a2b3c4e6f789"
    """A public Amazon Linux image."""
    golden_image: str = "ami-04e1d2c3b4a59687f"
    """The company's own hardened image."""
    launch_template: str = "lt-0f1e2d3c4b5a69788"


@dataclass(frozen=True, slots=True)
class AzureEstate:
    """The company's Azure tenant and subscription."""

    tenant: str = "3f2a8c41-7b5d-4e96-8a10-52c7d9e0b613"
    subscription: str = "8d6e1b70-94c2-4f3a-b5d8-1e7a60c2f934"
    group: str = "rg-app-prod"
    location: str = "eastus"


@dataclass(frozen=True, slots=True)
class GcpEstate:
    """The company's Google Cloud project."""

    project: str = "example-prod-417203"
    number: str = "604187293351"
    zone: str = "us-central1-a"

    @property
    def region(self) -> str:
        """Region of the zone."""
        return self.zone.rsplit("-", 1)[0]


AWS = AwsEstate()
AZURE = AzureEstate()
GCP = GcpEstate()


@dataclass(frozen=True, slots=True)
class AwsActor:
    """An AWS principal.

    `key` AKIA is a long-term key, ASIA a session, empty for services. A `role` makes an AssumedRole identity, `user`
    an IAM user. `service` is the AWS service acting in the company's name: it replaces address and agent, as CloudTrail
    does (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html).
    """

    name: str
    unique_id: str
    user: str = ""
    role: str = ""
    role_path: str = "/"
    key: str = ""
    ip: str = OFFICE_IP
    agent: str = ""
    service: str = ""
    mfa: bool = False
    console: bool = False
    web_identity: str = ""
    on_instance: bool = False
    """The credentials come from an instance's metadata service."""
    account: str = AWS.account


AWS_CLI = (
    "aws-cli/2.17.60 md/awscrt#0.21.2 ua/2.0 os/linux#6.8.0-45-generic md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython "
    "cfg/retry-mode#standard md/installer#exe md/prompt#off"
)
_TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io) terraform-provider-aws/5.66.0 "
    "(+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.30.4 ua/2.1 os/linux lang/go#1.22.6 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.177.0"
)
_PACKER = "APN/1.0 HashiCorp/1.0 Packer/1.11.2 (+https://www.packer.io/) aws-sdk-go/1.50.6 (go1.21.12; linux; amd64)"

STOLEN_KEY = AwsActor("deploy-legacy", "AIDAQ3EXMPL5TDKXW7JVO", user="deploy-legacy", key="AKIAQ3EXMPL5U4GZQ2RN", ip=INTRUDER_IP, agent=AWS_CLI)
"""A forgotten user's long-term key in the intruder's hands."""
STOLEN_SESSION = AwsActor("j.meyer", "AROAQ3EXMPL5R2HVYNCBT", role="PlatformOperator", key="ASIAQ3EXMPL5LJ6WKX3D", ip=INTRUDER_IP, agent=AWS_CLI)
"""A phished operator's session replayed from the intruder's host."""
ENGINEER = AwsActor("s.okafor", "AROAQ3EXMPL5R2HVYNCBT", role="PlatformOperator", key="ASIAQ3EXMPL5HN2TFV4Q", ip=OFFICE_IP, agent=AWS_CLI, mfa=True)
"""An engineer at work, in the same role the intruder stole: the role alone proves nothing."""
CONSOLE_ENGINEER = AwsActor(
    "s.okafor",
    "AROAQ3EXMPL5R2HVYNCBT",
    role="PlatformOperator",
    key="ASIAQ3EXMPL5KC7RGW2M",
    ip=OFFICE_IP,
    agent="Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
    mfa=True,
    console=True,
)
PIPELINE = AwsActor(
    "GitHubActions",
    "AROAQ3EXMPL5P6MJTSWXD",
    role="ci-infrastructure",
    key="ASIAQ3EXMPL5BQ5ZRY7C",
    ip=RUNNER_IP,
    agent=_TERRAFORM,
    web_identity="arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
)
IMAGE_PIPELINE = AwsActor("packer-1726048801", "AROAQ3EXMPL5V7DKQNZRE", role="image-builder-packer", key="ASIAQ3EXMPL5XT4PJH6V", ip=RUNNER_IP, agent=_PACKER)
SCHEDULER = AwsActor(
    "instance-scheduler",
    "AROAQ3EXMPL5C3YWGLFAM",
    role="instance-scheduler-execution",
    key="ASIAQ3EXMPL5MD3VSK5T",
    ip="192.0.2.140",
    agent="Boto3/1.34.162 md/Botocore#1.34.162 ua/2.0 os/linux#5.10.223 md/arch#x86_64 lang/python#3.12.5 md/pyimpl#CPython "
    "exec-env/AWS_Lambda_python3.12 cfg/retry-mode#standard Botocore/1.34.162",
)
STORAGE_ADMIN = AwsActor("r.silva", "AROAQ3EXMPL5G6WBNTZPD", role="storage-admin", key="ASIAQ3EXMPL5VN4KDM2S", agent=AWS_CLI, mfa=True)
ML_TEAM = AwsActor("h.tanaka", "AROAQ3EXMPL5D4VJXKLQM", role="ml-training", key="ASIAQ3EXMPL5ZP7TGC6R", agent=AWS_CLI, mfa=True)
CAPACITY_TEAM = AwsActor("l.novak", "AROAQ3EXMPL5B4RYHWSVA", role="capacity-planning", key="ASIAQ3EXMPL5JX2NFT7K", agent=AWS_CLI, mfa=True)
CONFIGURATION = AwsActor("config-runner", "AROAQ3EXMPL5T5CQMEXUN", role="config-management", key="ASIAQ3EXMPL5RW6HPD3L", ip=RUNNER_IP, agent=AWS_CLI)
AUTOSCALING = AwsActor(
    "AutoScaling",
    "AROAQ3EXMPL5A7TUBWKZH",
    role="AWSServiceRoleForAutoScaling",
    role_path="/aws-service-role/autoscaling.amazonaws.com/",
    service="autoscaling.amazonaws.com",
)
BACKUP = AwsActor(
    "AWSBackup-AWSBackupDefaultServiceRole",
    "AROAQ3EXMPL5N5ECVGRYK",
    role="AWSBackupDefaultServiceRole",
    role_path="/service-role/",
    service="backup.amazonaws.com",
)
LIFECYCLE = AwsActor(
    "DLM",
    "AROAQ3EXMPL5J4QPXSDNC",
    role="AWSDataLifecycleManagerDefaultRole",
    role_path="/service-role/",
    service="dlm.amazonaws.com",
)


@dataclass(frozen=True, slots=True)
class AzureActor:
    """An Azure principal: a person when `upn` is set, otherwise a service principal or managed identity known by GUID only.

    Claims follow https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema. `role_name` is the RBAC
    role that allowed the action.
    """

    object_id: str
    app_id: str
    upn: str = ""
    display_name: str = ""
    ip: str = OFFICE_IP
    methods: str = "pwd"
    role_name: str = "Contributor"
    role_definition: str = "b24988ac618042a0ab8820f7382dd24c"
    managed: bool = False


AZURE_CLI_APP = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
AZURE_PORTAL_APP = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
AZURE_BACKUP_APP = "262044b1-e2ce-469f-a196-69ab7ada62d3"
"""Application id of the first-party "Backup Management Service"."""

AZURE_INTRUDER = AzureActor("5e0c2d94-1a7f-4b38-9c65-d80f3a721be6", AZURE_CLI_APP, "j.meyer@example.com", "Jonas Meyer", ip=INTRUDER_IP)
"""A phished operator's token used from the intruder's host, no second factor in the claims."""
AZURE_ENGINEER = AzureActor("b7319f02-6d4e-4c8a-a153-0f92c6e8d7a4", AZURE_PORTAL_APP, "s.okafor@example.com", "Sade Okafor", methods="pwd,mfa")
AZURE_BACKUP = AzureActor(
    "0f8b6a1d-3c59-4e27-b0d4-97a2e5c1f368",
    AZURE_BACKUP_APP,
    ip="20.42.6.19",
    role_name="Disk Snapshot Contributor",
    role_definition="7efff54fa5b442b5a1c55411624893ce",
)
AZURE_PIPELINE = AzureActor("d4a7c3e8-52b1-4f06-8e9d-6b0a1c7f2935", "6f1d9b24-8ce3-4a75-b2f0-c9e4d3a71586", ip=RUNNER_IP)
AZURE_POLICY = AzureActor(
    "91c5e7d3-0a24-4b6f-8d12-e3f7a9b0c648",
    "1d78a85d-813d-46f0-b496-dd72f50a3ec0",
    ip="20.42.6.88",
    managed=True,
    role_name="Resource Policy Contributor",
    role_definition="36243c78bf99498c9df986d9f8d28608",
)


@dataclass(frozen=True, slots=True)
class GcpActor:
    """A Google principal: a person, or a service account when the e-mail ends in gserviceaccount.com.

    `delegate` is the Google-owned identity a service agent acts through.
    """

    email: str
    ip: str = OFFICE_IP
    agent: str = ""
    delegate: str = ""

    @property
    def subject(self) -> str:
        """The `principalSubject`: the e-mail with its type in front."""
        kind = "serviceAccount" if self.email.endswith("gserviceaccount.com") else "user"
        return f"{kind}:{self.email}"


GCP_INTRUDER = GcpActor("j.meyer@example.com", ip=INTRUDER_IP, agent="gcloud")
GCP_ENGINEER = GcpActor("s.okafor@example.com", agent="gcloud")
GCP_GROUP_MANAGER = GcpActor("604187293351@cloudservices.gserviceaccount.com", ip="private", agent="GCE Managed Instance Group,gzip(gfe)")
GCP_SYSTEM = GcpActor("system@google.com", ip="private")
"""Google itself: system events carry no caller of the project."""
GCP_PIPELINE = GcpActor(
    "terraform-ci@example-prod-417203.iam.gserviceaccount.com",
    ip=RUNNER_IP,
    agent="Terraform/1.9.5 (+https://www.terraform.io) Terraform-Plugin-SDK/2.33.0 terraform-provider-google/6.1.0,gzip(gfe)",
)
GCP_INVENTORY = GcpActor("asset-inventory@example-prod-417203.iam.gserviceaccount.com", ip=RUNNER_IP, agent="google-api-go-client/0.5,gzip(gfe)")
